/*
** What lies beside the own log under a name that SQLite takes for a part of it:
** a journal of a process that crashed, which is rolled back; or one that a sync
** tool, or a restored backup, put there, which would spoil a log that is whole.
** https://www.sqlite.org/lockingv3.html#hot_journals
**
** INVARIANT: nothing is deleted that SQLite could need to make the log whole.
*/
#ifndef KV_LOG_JOURNAL_H
#define KV_LOG_JOURNAL_H

#include "db/sqlite.h"

/*
** See to it before SQLite does: under the lock of the log, what is no part of
** it is deleted. The handle is open, and has not read yet. Errors:
** SQLITE_CANTOPEN with a message, if it is a directory; SQLITE_BUSY;
** SQLITE_INTERRUPT by the host; SQLITE_NOMEM; those of the disk.
*/
int kv_journal_check(sqlite3 *host, sqlite3 *handle, const char *path,
                     int busy_timeout, char **err);

/*
** Is an own log whole as its file stands, without a journal beside it? Reads
** every row and page. SQLITE_NOMEM, SQLITE_INTERRUPT, errors of the disk.
*/
int kv_journal_is_whole(sqlite3 *host, const char *path, int *is_whole);

/*
** A new log is in its place, but its journal is back: SQLite had deleted it
** before, and the power failed after. It is the journal of no file, and is
** deleted; if that fails, the next time. SQLITE_NOMEM.
*/
int kv_journal_clear_new(sqlite3 *host, const char *path);

#endif
