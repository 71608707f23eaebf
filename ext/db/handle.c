/*
** Short-lived connections to log files. See handle.h.
*/
#include "handle.h"

#include <string.h>

#include "core/row.h"
#include "error.h"
#include "run.h"
#include "stmt.h"
#include "vfs.h"

#ifdef _WIN32
#define HANDLE_NOFOLLOW 0 /* does nothing there, and SQLite 3.31 trips on it */
#else
#define HANDLE_NOFOLLOW SQLITE_OPEN_NOFOLLOW
#endif

const char *kv_handle_vfs(sqlite3 *host) {
  sqlite3_vfs *vfs = NULL;

  sqlite3_file_control(host, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
  if (!vfs || strcmp(vfs->zName, "memdb") == 0) return NULL;
  return vfs->zName;
}

void kv_handle_random(sqlite3 *host, int n, unsigned char *out) {
  /* sqlite3_randomness() repeats itself in a forked process, and what the VFS
  ** writes may be no more than a time and a process id, as on Windows: no id is
  ** made of one of them alone. */
  unsigned char bytes[64];
  sqlite3_vfs *vfs = sqlite3_vfs_find(kv_handle_vfs(host));
  /* That of POSIX has a static variable, which SQLite guards with this. */
  sqlite3_mutex *mutex =
    KV_HAS(mutex_alloc) ? sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_PRNG) : NULL;
  int n_bytes;
  int i;

  if (mutex) sqlite3_mutex_enter(mutex);
  n_bytes = vfs ? vfs->xRandomness(vfs, sizeof(bytes), (char *)bytes) : 0;
  if (mutex) sqlite3_mutex_leave(mutex);
  sqlite3_randomness(n, out);
  for (i = 0; i < n_bytes && i < (int)sizeof(bytes); i++)
    out[i % n] ^= bytes[i];
}

char *kv_handle_directory(sqlite3 *handle) {
  const char *name = sqlite3_db_filename(handle, "main");
  char *path = kv_strdup(name ? name : "");
  size_t n;

  if (!path) return NULL;
  kv_vfs_plain(path);
  for (n = strlen(path); n > 0 && path[n - 1] != '/'; n--)
    path[n - 1] = '\0';
  return path;
}

/* The same as an SQLite URI: https://www.sqlite.org/uri.html */
static char *handle_uri(const char *path, const char *parameters) {
  char *name = kv_vfs_name(path);
  sqlite3_str *uri = name ? sqlite3_str_new(NULL) : NULL;
  const char *z;

  if (!name) return NULL;
  sqlite3_str_appendall(uri, name[0] == '/' ? "file://" : "file:///");
  for (z = name; *z; z++) {
    if (strchr("?#%", *z)) {
      sqlite3_str_appendf(uri, "%%%02x", *z);
    } else {
      sqlite3_str_appendchar(uri, 1, *z);
    }
  }
  sqlite3_str_appendall(uri, parameters);
  sqlite3_free(name);
  return sqlite3_str_finish(uri);
}

/* A row of KV_VALUE_MAX bytes, with what a record needs besides. */
#define HANDLE_LENGTH (KV_VALUE_MAX + 1024)

/*
** Limit how much a file can make a handle load; for reading, the host's limit
** applies, too. A row that the host could store can be written.
*/
static void handle_limit(sqlite3 *host, sqlite3 *handle, int flags) {
  int limit = sqlite3_limit(host, SQLITE_LIMIT_LENGTH, -1);

  if (limit > HANDLE_LENGTH || flags & SQLITE_OPEN_READWRITE) {
    limit = HANDLE_LENGTH;
  }
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, limit);
  sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, 1000);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(handle, SQLITE_LIMIT_WORKER_THREADS, 0);
}

static int handle_open(sqlite3 *host, const char *name, int flags,
                       sqlite3 **out) {
  sqlite3 *db = NULL;
  int rc = sqlite3_open_v2(name, &db,
                           flags | SQLITE_OPEN_NOMUTEX |
                             SQLITE_OPEN_PRIVATECACHE | HANDLE_NOFOLLOW,
                           kv_handle_vfs(host));

  if (rc == SQLITE_OK) {
    sqlite3_extended_result_codes(db, 1);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    handle_limit(host, db, flags);
    rc = kv_stmt_run(db, KV_SQL_HANDLE_HARDEN);
  }
  if (rc != SQLITE_OK) {
    if (db) rc = sqlite3_extended_errcode(db);
    sqlite3_close(db);
    db = NULL;
  }
  *out = db;
  return rc;
}

int kv_handle_read(sqlite3 *host, const char *path, sqlite3 **out) {
  char *uri = handle_uri(path, "?immutable=1&cache=private");
  int rc = SQLITE_NOMEM;

  *out = NULL;
  if (uri) {
    rc = handle_open(host, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, out);
  }
  sqlite3_free(uri);
  return rc;
}

int kv_handle_write(sqlite3 *host, const char *path, int create,
                    int busy_timeout, sqlite3 **out) {
  int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
  char *name = kv_vfs_name(path);
  int rc = SQLITE_NOMEM;

  *out = NULL;
  if (name) rc = handle_open(host, name, flags, out);
  if (rc == SQLITE_OK) sqlite3_busy_timeout(*out, busy_timeout);
  sqlite3_free(name);
  return rc;
}

int kv_handle_judge(sqlite3 *host, int rc) {
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;

  if ((rc & 0xff) != SQLITE_NOMEM) return rc;
  if (handle_open(host, ":memory:", SQLITE_OPEN_READWRITE, &db) == SQLITE_OK &&
      kv_stmt_run(db, KV_SQL_LOG_CREATE_DEVICE) == SQLITE_OK &&
      kv_stmt_run(db, KV_SQL_LOG_CREATE_LOG) == SQLITE_OK &&
      kv_stmt_prepare(db, KV_SQL_FOREIGN_ROWS, &stmt) == SQLITE_OK) {
    rc = KV_DAMAGED;
  }
  sqlite3_finalize(stmt);
  sqlite3_close(db);
  return rc;
}

int kv_handle_quick_check(sqlite3 *handle, int *is_whole) {
  kv_run run;
  int rc;

  *is_whole = 0;
  kv_run_begin_on(&run, handle, KV_SQL_LOG_QUICK_CHECK);
  if (kv_run_row(&run)) {
    const char *z = (const char *)sqlite3_column_text(run.stmt, 0);
    *is_whole = z && strcmp(z, "ok") == 0;
  }
  rc = kv_run_close(&run);
  return (rc & 0xff) == SQLITE_CORRUPT ? SQLITE_OK : rc;
}
