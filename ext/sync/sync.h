/*
** The exchange: publishes what waits, and merges what the other devices wrote.
**
** INVARIANT: whatever state another device's file is in, it only delays that
** device's changes, and kv_devices says why. It never makes a sync fail or
** stop.
*/
#ifndef KV_SYNC_SYNC_H
#define KV_SYNC_SYNC_H

#include "store/identity.h"

/*
** Sync a store. Outside a transaction, each device is committed separately.
** Inside one, everything is part of it, and own rows that wait are not
** published. *n_merged is the number of rows merged (seen rows do not
** count). Errors with a message: SQLITE_LOCKED in a transaction that has
** written to the store; SQLITE_CANTOPEN if the folder is not there,
** SQLITE_BUSY inside a statement that writes or if the host's database is
** locked, SQLITE_INTERRUPT; what was merged by then stays. When all is merged,
** SQLITE_FULL and others of the disk, if own rows wait for that; SQLITE_TOOBIG,
** if the own log has a row that is larger than what is read.
*/
int kv_sync_run(kv_store *store, int64_t *n_merged, char **err);

#endif
