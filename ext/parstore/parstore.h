/*
** A PARStore 1: the rows of all its devices, read-only.
**
**     Old.parstore/Devices/<device>/Logs.db
**
** Each directory in Devices whose name does not begin with a dot is a device. A
** link is not read, and the device's reason says so.
** Nothing is merged or decided here: rows come as they were written, device by
** device in the order of their names, and in that of the file.
**
** INVARIANT: nothing in the folder is written, created, locked or deleted, and
** no file of it is open between two calls.
*/
#ifndef KV_PARSTORE_PARSTORE_H
#define KV_PARSTORE_PARSTORE_H

#include "parlog.h"

typedef struct kv_parstore kv_parstore;

typedef struct kv_parstore_row {
  const char *device;
  const kv_parlog_row *row; /* NULL: the device, or the rest of it, cannot be
                            ** read */
  const char *reason;       /* why the row does not count, or that */
} kv_parstore_row;

/*
** Open the store in a folder. On failure *out is NULL and *err a message for
** sqlite3_free(): SQLITE_ERROR if it is no PARStore, or one of kv; SQLITE_CANTOPEN if it
** cannot be read. Close with kv_parstore_close().
*/
int kv_parstore_open(sqlite3 *host, const char *path, kv_parstore **out,
                     char **err);

/*
** The next row: SQLITE_ROW, valid until the next call; SQLITE_DONE at the end.
** Errors: SQLITE_NOMEM, SQLITE_INTERRUPT.
*/
int kv_parstore_next(kv_parstore *store, const kv_parstore_row **out);

/* NULL is fine. */
void kv_parstore_close(kv_parstore *store);

#endif
