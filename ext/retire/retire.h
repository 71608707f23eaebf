/*
** Retires a device that will not come back: its log is copied into the own
** directory, and a row of the own log (op 3) says so. Nobody waits for that device any
** more, all that it wrote stays, and when the copy has arrived everywhere, its
** directory is no longer needed.
*/
#ifndef KV_RETIRE_RETIRE_H
#define KV_RETIRE_RETIRE_H

#include "store/identity.h"

/*
** Retire a device, after a sync. *n_rows is how many changes its log has here. If it
** is retired already, and its copy is there, nothing happens. Errors, with a
** message, if it may not be retired now.
*/
int kv_retire_device(kv_store *store, const char *device, int64_t *n_rows,
                     char **err);

/*
** Does a row say that a device is retired? Rows behind those that it had then make it
** live again.
*/
int kv_retire_is_done(kv_store *store, const char *device, int *is_done);

/*
** Check that the own device is not a new one under the name of a device that was
** retired. SQLITE_ERROR, with a message, if its log is not the one that was.
*/
int kv_retire_check_own(kv_store *store, char **err);

#endif
