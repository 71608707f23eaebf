/*
** One device's log during a sync: is it as it was, what is new in it, and what
** is the matter with it.
**
** INVARIANT: whatever the file is, rows that were read from it stay until a
** log that verifies whole takes its place; then they go in the same savepoint.
*/
#ifndef KV_SYNC_VISIT_H
#define KV_SYNC_VISIT_H

#include "store/identity.h"

/*
** Merge what is new in a device's log, and note its state; is_listed: the
** device was found in the folder. *n_merged and *n_seen are increased by the
** rows, and the rows that acknowledge others, that were merged. Errors, with a
** message, are about the host's database, about memory, or SQLITE_INTERRUPT:
** never about the file.
*/
int kv_visit_device(kv_store *store, const char *device, int is_listed,
                    int64_t *n_merged, int64_t *n_seen, char **err);

#endif
