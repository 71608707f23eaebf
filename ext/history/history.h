/*
** The history of a store: kv_diff, kv_conflicts, kv_changes; and how the tables
** of the rooms beside it are registered.
*/
#ifndef KV_HISTORY_HISTORY_H
#define KV_HISTORY_HISTORY_H

#include "store/identity.h"

/* Register these; kv_history (cells_table.c); kv_log (log_table.c). */
int kv_history_register(sqlite3 *db, kv_registry *registry);
int kv_cells_register(sqlite3 *db, kv_registry *registry);
int kv_log_table_register(sqlite3 *db, kv_registry *registry);

/* The cursor of kv_changes just after everything committed: below 2^53. */
int kv_history_cursor(kv_store *store, int64_t *out);

#endif
