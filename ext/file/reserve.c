/*
** Reserves space on the disk for a commit of the own log. See reserve.h.
**
** If there is plenty of space, nothing is reserved, so a quota or another
** program can still use it up. Then the second phase fails, and the connection
** says so (kv_transaction_tell).
*/
#include "reserve.h"

#include <stddef.h>

#include "db/error.h"
#include "db/vfs.h"
#include "folder/folder.h"

/* With this many bytes free, nothing is reserved. */
#define RESERVE_PLENTY ((int64_t)4 << 20)

#define RESERVE_CHUNK 65536

static char *reserve_name(const char *path) {
  return sqlite3_mprintf("%s.room-journal", path);
}

/* Random bytes: on a disk that compresses, zeros would reserve nothing. */
static int reserve_fill(sqlite3_file *file, int64_t n) {
  unsigned char *chunk = sqlite3_malloc(RESERVE_CHUNK);
  int64_t at = 0;
  int rc = chunk ? SQLITE_OK : SQLITE_NOMEM;

  while (at < n && rc == SQLITE_OK) {
    int size = n - at < RESERVE_CHUNK ? (int)(n - at) : RESERVE_CHUNK;

    sqlite3_randomness(size, chunk);
    rc = file->pMethods->xWrite(file, chunk, size, at);
    at += size;
  }
  sqlite3_free(chunk);
  return rc == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : rc;
}

int kv_reserve_hold(sqlite3_vfs *vfs, const char *path, int64_t n, int *holds) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
              SQLITE_OPEN_EXCLUSIVE | SQLITE_OPEN_MASTER_JOURNAL;
  sqlite3_file *file = NULL;
  char *name;
  int rc;

  *holds = 0;
  if (kv_folder_room(path) >= n + RESERVE_PLENTY) return SQLITE_OK;
  kv_reserve_drop(vfs, path);
  name = reserve_name(path);
  rc = kv_vfs_open(vfs, name, flags, &file);
  if (rc == SQLITE_OK) {
    *holds = 1;
    rc = reserve_fill(file, n);
  }
  kv_vfs_close(file);
  if (rc != SQLITE_OK && *holds) {
    kv_reserve_drop(vfs, path);
    *holds = 0;
  }
  sqlite3_free(name);
  return rc;
}

void kv_reserve_drop(sqlite3_vfs *vfs, const char *path) {
  char *name = reserve_name(path);

  kv_vfs_delete(vfs, name, 0);
  sqlite3_free(name);
}
