/*
** Files by the host's VFS alone, without SQLite's pager: copies, reserves,
** journals. https://www.sqlite.org/vfs.html
**
** INVARIANT: each name that the VFS gets has passed kv_vfs_name(): Windows takes
** paths of over 260 characters only in a form of their own.
*/
#ifndef KV_DB_VFS_H
#define KV_DB_VFS_H

#include "sqlite.h"

/*
** The name of a file for SQLite and its VFS, for sqlite3_free(). path is
** absolute, with slashes. NULL if there is no memory.
*/
char *kv_vfs_name(const char *path);

/* A path, in place, from such a name, also if SQLite has made it whole. */
void kv_vfs_plain(char *name);

/*
** Open a file with SQLITE_OPEN_ flags. On failure *out is NULL. A NULL vfs or
** path means that there is no memory.
*/
int kv_vfs_open(sqlite3_vfs *vfs, const char *path, int flags,
                sqlite3_file **out);

void kv_vfs_close(sqlite3_file *file);

/* Delete a file, if it is there. With sync, also after a loss of power. */
int kv_vfs_delete(sqlite3_vfs *vfs, const char *path, int sync);

#endif
