/*
** The store's own savepoints, which do several things as a whole or not at all.
*/
#ifndef KV_STORE_SAVEPOINT_H
#define KV_STORE_SAVEPOINT_H

#include "identity.h"

/*
** Begin a savepoint that holds the write lock of the cache's database, so that
** what you read after it stays true. The host's busy handler waits for the lock.
** After an error there is no savepoint. Inside a statement that writes:
** SQLITE_BUSY with a message. SQLITE_ERROR if the cache was replaced
** (kv_store_check_same()).
*/
int kv_store_savepoint(kv_store *store, char **err);

/* The same without the lock, for which the cache must be usable. */
int kv_store_savepoint_begin(kv_store *store, char **err);

/*
** End either: it is released if rc is SQLITE_OK, else undone. Returns rc, or the
** error of the release, which commits if no transaction was open.
*/
int kv_store_savepoint_end(kv_store *store, int rc);

#endif
