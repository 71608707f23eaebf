/*
** The virtual table kv_table: a table whose declared columns merge one by one.
**
**     CREATE VIRTUAL TABLE accounts USING kv_table(id TEXT PRIMARY KEY, ...);
**
** typed_table.c creates it, writes to it and takes part in transactions;
** typed_scan.c reads {name}_data.
*/
#ifndef KV_TYPED_TYPED_TABLE_H
#define KV_TYPED_TYPED_TABLE_H

#include "connection/registry.h"

/* Register the module. */
int kv_typed_table_register(sqlite3 *db, kv_registry *registry);

#endif
