/*
** A copy of a database file that another program may be writing, and of the
** journals beside it, to be opened instead of it.
**
** Read in place, as SQLite's immutable=1 does, a file is read without what its
** journals hold, and while it is written; both go wrong without an error. A
** lock would keep its program from writing. So it is copied, and the copy
** counts if the file was the same before and afterwards.
**
** INVARIANT: neither the file nor anything beside it is written, locked,
** created or deleted.
*/
#ifndef KV_PARSTORE_SNAPSHOT_H
#define KV_PARSTORE_SNAPSHOT_H

#include "db/sqlite.h"

typedef struct kv_snapshot {
  sqlite3_vfs *vfs;
  char *folder; /* of its own, for temporary files; NULL: none */
  char *file;   /* the copy; the journals are beside it */
} kv_snapshot;

/*
** Copy a file. path is absolute and without links; `poll` is the host's
** KV_SQL_POLL. On success *reason is NULL, or says why the file cannot be
** copied or is no database (static, as in "is not here yet"). kv_snapshot_drop()
** in any case. Returns SQLITE_OK, SQLITE_NOMEM, or SQLITE_INTERRUPT.
*/
int kv_snapshot_take(sqlite3 *host, const char *path, sqlite3_stmt *poll,
                     kv_snapshot *out, const char **reason);

/*
** The copy has been opened and read, and needs its names no more: remove them,
** so that nothing is left of a process that is killed, where a system lets a
** file that is open lose its name. SQLite notes "file unlinked while open" in
** its error log.
*/
void kv_snapshot_hide(kv_snapshot *snapshot);

/* Remove the copy, which nobody has open any more. */
void kv_snapshot_drop(kv_snapshot *snapshot);

#endif
