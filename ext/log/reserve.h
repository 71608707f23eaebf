/*
** Room on the disk for a commit of the own log.
**
** The host commits between the two phases, and behind that a full disk is
** found too late. So the first phase makes sure of what the second one will
** write: where there is plenty a look is enough, else a file beside the log,
** log.db.room-journal, holds the room until the moment before the log commits.
** No other device reads that file; one that a crash left is deleted with the
** journal that the crash left (journal.h).
*/
#ifndef KV_LOG_RESERVE_H
#define KV_LOG_RESERVE_H

#include <stdint.h>

#include "db/sqlite.h"

/*
** Make sure that `n` bytes more can be written beside the file `path`, which
** is locked. *holds: there is a file now, for kv_reserve_drop(). SQLITE_FULL,
** SQLITE_CANTOPEN, SQLITE_NOMEM, those of the disk: nothing is held.
*/
int kv_reserve_hold(sqlite3_vfs *vfs, const char *path, int64_t n, int *holds);

/* Give the room back. What fails is tried again at the next one. */
void kv_reserve_drop(sqlite3_vfs *vfs, const char *path);

#endif
