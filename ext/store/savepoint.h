/*
** Savepoints of a store's own, around what has to be done as a whole.
*/
#ifndef KV_STORE_SAVEPOINT_H
#define KV_STORE_SAVEPOINT_H

#include "identity.h"

/*
** Begin a savepoint that holds the write lock of the cache's database, so
** that what is read behind it stays true; and end it: released if rc is
** SQLITE_OK, else undone. The host's busy handler waits for the lock.
** Inside a statement that writes: SQLITE_BUSY with a message. SQLITE_ERROR if
** it is another cache by then (kv_store_check_same()).
*/
int kv_store_savepoint(kv_store *store, char **err);

/* The same without the lock, which needs a cache that can be used. */
int kv_store_savepoint_begin(kv_store *store, char **err);
int kv_store_savepoint_end(kv_store *store, int rc);

#endif
