/*
** Waiting until there is something to sync.
*/
#ifndef KV_SYNC_WAIT_H
#define KV_SYNC_WAIT_H

#include "store/identity.h"

/*
** Wait until the log of another device, or what another process wrote to the
** own one, differs from what this connection saw at its last sync or wait; but
** no longer than some milliseconds. *is_changed says which; it is 1 at once if
** this connection has not synced yet. Reads no rows and holds no lock. On
** Linux a change is seen at once, elsewhere and on network drives within a
** second.
**
** Errors: SQLITE_LOCKED inside a transaction, SQLITE_BUSY inside a statement
** that writes, both with a message; SQLITE_INTERRUPT, within 100 ms.
*/
int kv_wait_run(kv_store *store, int64_t milliseconds, int *is_changed,
                char **err);

#endif
