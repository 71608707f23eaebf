/*
** Writes the copy of another device's log, devices/SELF/of/NAME.db, from the cache.
**
** INVARIANT: a copy has its name only when all of it is on the disk and verifies.
*/
#ifndef KV_RETIRE_COPY_H
#define KV_RETIRE_COPY_H

#include "store/identity.h"

/* The path of the own copy of a device's log, for sqlite3_free(). */
char *kv_copy_path(const kv_store *store, const char *device);

/*
** Write the copy as far as the cache has the log, if it is not there. Locks the own log.
** Errors with a message.
*/
int kv_copy_write(kv_store *store, const char *device, char **err);

#endif
