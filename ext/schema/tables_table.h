/*
** The table-valued function kv_tables: the typed tables of a store, here and on
** other devices.
**
**     SELECT * FROM kv_tables;    SELECT * FROM kv_tables('notes');
*/
#ifndef KV_SCHEMA_TABLES_TABLE_H
#define KV_SCHEMA_TABLES_TABLE_H

#include "connection/registry.h"

/* Register the module. */
int kv_tables_table_register(sqlite3 *db, kv_registry *registry);

#endif
