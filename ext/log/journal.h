/*
** Journals beside the own log, and which of them belong to it. SQLite would
** roll any of them back. That is right after a crash. But a journal from a sync
** tool or a restored backup would damage an intact log, so it is deleted.
** https://www.sqlite.org/lockingv3.html#hot_journals
**
** INVARIANT: a file that SQLite could need to repair the log is never deleted.
*/
#ifndef KV_LOG_JOURNAL_H
#define KV_LOG_JOURNAL_H

#include "db/sqlite.h"

/*
** Under the lock of the log, before SQLite looks: delete what does not belong
** to it. The handle is open, and has not read yet. Errors:
** SQLITE_CANTOPEN with a message, if it is a directory; SQLITE_BUSY;
** SQLITE_INTERRUPT by the host; SQLITE_NOMEM; those of the disk.
*/
int kv_journal_check(sqlite3 *host, sqlite3 *handle, const char *path,
                     int busy_timeout, char **err);

/*
** Check that an own log is intact without the journal beside it. Reads every
** row and page. SQLITE_NOMEM, SQLITE_INTERRUPT, errors of the disk.
*/
int kv_journal_is_whole(sqlite3 *host, const char *path, int *is_whole);

/*
** A new log is in its place, but its journal is back: SQLite had deleted it,
** and then the power failed. It belongs to no file, so it is deleted; if that
** fails, the next call tries again. SQLITE_NOMEM.
*/
int kv_journal_clear_new(sqlite3 *host, const char *path);

#endif
