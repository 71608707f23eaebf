/*
** One device's log during a sync: finds whether it has changed, merges what is
** new, and notes its state.
**
** INVARIANT: whatever happens to the file, rows that were read from it stay
** until a log that verifies completely replaces it; then they go in the same
** savepoint.
*/
#ifndef KV_SYNC_VISIT_H
#define KV_SYNC_VISIT_H

#include "store/identity.h"

/*
** Merge what is new in a device's log, and note its state. is_listed: the
** device was found in the folder. Adds the merged rows to *n_merged, and those
** that acknowledge others to *n_seen. Errors, with a message, come from the
** host's database, from memory or from an interrupt, never from the file.
*/
int kv_visit_device(kv_store *store, const char *device, int is_listed,
                    int64_t *n_merged, int64_t *n_seen, char **err);

#endif
