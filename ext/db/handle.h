/*
** Short-lived connections to log files, through the host's SQLite and VFS.
**
** A log file is never attached to the host's connection. It gets a handle of
** its own, so no setting, lock, collation or module leaks either way.
**
** INVARIANT: a file cannot run code through a handle: triggers, views, unsafe
** functions and extensions are off. confine.h bounds whatever else a file can
** make a handle do.
*/
#ifndef KV_DB_HANDLE_H
#define KV_DB_HANDLE_H

#include "sqlite.h"

/* The name of the host's VFS for files, or NULL for the default one. */
const char *kv_handle_vfs(sqlite3 *host);

/*
** n random bytes, one at least: those of the operating system, by the host's
** VFS, over those of SQLite.
*/
void kv_handle_random(sqlite3 *host, int n, unsigned char *out);

/*
** Open a file for reading only, as it is: no lock, no journal, nothing
** created or changed in its directory. path is absolute and without links.
** Close with sqlite3_close(). On failure *out is NULL.
*/
int kv_handle_read(sqlite3 *host, const char *path, sqlite3 **out);

/*
** Open a file for reading and writing, creating it if `create`. Waits for
** locks up to busy_timeout milliseconds.
*/
int kv_handle_write(sqlite3 *host, const char *path, int create,
                    int busy_timeout, sqlite3 **out);

/* The directory of its file, with a slash at the end, for sqlite3_free(). */
char *kv_handle_directory(sqlite3 *handle);

/*
** What an error of reading a file means: KV_DAMAGED instead of SQLITE_NOMEM if
** there is memory for an intact log.
*/
int kv_handle_judge(sqlite3 *host, int rc);

/* Runs PRAGMA quick_check: reads all pages of the file. */
int kv_handle_quick_check(sqlite3 *handle, int *is_whole);

#endif
