/*
** The SQL functions about declarations of typed tables.
**
**     kv_alter(table, change)     kv_check(table)
*/
#ifndef KV_SCHEMA_SCHEMA_FUNCTIONS_H
#define KV_SCHEMA_SCHEMA_FUNCTIONS_H

#include "connection/registry.h"

int kv_schema_functions_register(sqlite3 *db, kv_registry *registry);

#endif
