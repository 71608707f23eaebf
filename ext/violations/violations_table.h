/*
** The table-valued function kv_violations: what the logs hold and the declarations
** of typed tables do not allow.
**
**     SELECT * FROM kv_violations('accounts');   SELECT * FROM kv_violations;
*/
#ifndef KV_VIOLATIONS_VIOLATIONS_TABLE_H
#define KV_VIOLATIONS_VIOLATIONS_TABLE_H

#include "connection/registry.h"

/* Register the module. */
int kv_violations_table_register(sqlite3 *db, kv_registry *registry);

#endif
