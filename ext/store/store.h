/*
** Which cache an open store has now: another connection may drop its table or
** create it again at any time.
*/
#ifndef KV_STORE_STORE_H
#define KV_STORE_STORE_H

#include "identity.h"

/*
** Find which cache has the name of the store's table; *id is 0 if there is
** none. *n_reads changes when SQLite reads the schema again: then the table may
** be another one, too.
*/
int kv_store_look(kv_store *store, int64_t *id, int *n_reads);

/*
** The error for a cache that was replaced although the schema did not change:
** the database file was overwritten, or sqlite3_deserialize() was called.
** SQLite does not notice that, and still has the table of the old database.
*/
int kv_store_replaced(const kv_store *store, char **err);

/* The cache is a new one: forget what is known of the old one. */
void kv_store_forget(kv_store *store);

/*
** Check that the cache is still the one that the store was found with. If not,
** SQLITE_ERROR with a message: another connection dropped the table, or created
** it again.
*/
int kv_store_check_same(kv_store *store, char **err);

#endif
