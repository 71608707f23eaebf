/*
** Reserves space on the disk for a commit of the own log.
**
** The host commits between the two phases; after that it is too late to find
** that the disk is full. So the first phase reserves what the second one will
** write. If the disk has plenty of space, nothing is needed. Otherwise a file
** beside the log, log.db.room-journal, holds the space until just before the
** log commits. No other device reads that file. If a crash leaves one, it is
** deleted with the journal of that crash (journal.h).
*/
#ifndef KV_FILE_RESERVE_H
#define KV_FILE_RESERVE_H

#include <stdint.h>

#include "db/sqlite.h"

/*
** Make sure that `n` more bytes can be written beside the file `path`, which is
** locked. *holds: a file was created, for kv_reserve_drop(). On SQLITE_FULL,
** SQLITE_CANTOPEN, SQLITE_NOMEM or an error of the disk, nothing is held.
*/
int kv_reserve_hold(sqlite3_vfs *vfs, const char *path, int64_t n, int *holds);

/* Release the space. If that fails, the next commit tries again. */
void kv_reserve_drop(sqlite3_vfs *vfs, const char *path);

#endif
