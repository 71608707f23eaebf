/*
** The SQL surface: what a connection gets when the extension is loaded.
**
** Each virtual table is one file here, and registers itself. All of them share
** the registry of the connection's stores. With registry = NULL they unregister
** again: SQLITE_BUSY while a statement runs.
*/
#ifndef KV_SURFACE_SURFACE_H
#define KV_SURFACE_SURFACE_H

#include "store/identity.h"

int kv_device_table_register(sqlite3 *db, kv_registry *registry);
int kv_foreign_table_register(sqlite3 *db, kv_registry *registry);
int kv_hash_register(sqlite3 *db, kv_registry *registry);
int kv_parstore_table_register(sqlite3 *db, kv_registry *registry);
int kv_functions_register(sqlite3 *db, kv_registry *registry);

#endif
