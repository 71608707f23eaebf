/*
** The virtual table kv: creates it, writes to it, takes part in transactions.
*/
#ifndef KV_TABLE_KV_TABLE_H
#define KV_TABLE_KV_TABLE_H

#include "store/identity.h"

/* Register its module; with registry = NULL unregister it. */
int kv_table_register(sqlite3 *db, kv_registry *registry);

#endif
