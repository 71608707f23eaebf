/*
** A checked copy of a database file. See snapshot.h.
**
** The stamp of a file is its inode, size and time, the size and time of each
** journal that is not empty, and its first 100 bytes, where SQLite counts
** commits. Stamp, copy, stamp: if both are equal the copy is good. A journal is
** empty or not there between commits (PARStore's is truncated), so a journal
** with content is given some time to go. If it stays, it is what a crash left,
** and SQLite rolls the copy back, or forward, as it would the file.
**
** What the header says is copied, not what the file takes, which may be sparse.
** Zeros are sparse in the copy, too.
**
** Files are read through SQLite's VFS: if they were opened and closed
** otherwise, the process would lose the locks that it may hold on them.
** https://www.sqlite.org/howtocorrupt.html
*/
#include "snapshot.h"

#include <string.h>

#include "db/error.h"
#include "db/handle.h"
#include "db/stmt.h"
#include "folder/folder.h"

/*
** How often to try a copy, and how many of these tries to wait for a journal.
*/
#define SNAPSHOT_TRIES 10
#define SNAPSHOT_TRIES_JOURNAL 5
#ifndef KV_SNAPSHOT_WAIT
#define KV_SNAPSHOT_WAIT 20 /* milliseconds; 0 where inputs are fuzzed */
#endif

/* The VFS of SQLite reads and writes less than 128 KiB at a time. */
#define SNAPSHOT_CHUNK 65536

/* https://www.sqlite.org/fileformat2.html#the_database_header */
#define SNAPSHOT_HEADER 100

/* The file and its journals. SQLite makes a new -shm from the -wal. */
static const char *const snapshot_suffixes[] = {"", "-journal", "-wal"};
#define SNAPSHOT_FILES 3

static const char snapshot_busy[] = "is being written: ask again";

typedef struct snapshot_stamp {
  kv_stamp files[SNAPSHOT_FILES]; /* zeroed: nothing to copy */
  unsigned char header[SNAPSHOT_HEADER];
} snapshot_stamp;

/* A file that is open through SQLite's VFS; db is for sqlite3_close(). */
static int snapshot_open(sqlite3 *host, const char *path, int create,
                         sqlite3 **db, sqlite3_file **file) {
  int rc = create ? kv_handle_write(host, path, 1, 0, db)
                  : kv_handle_read(host, path, db);

  *file = NULL;
  if (rc != SQLITE_OK) return rc;
  return sqlite3_file_control(*db, "main", SQLITE_FCNTL_FILE_POINTER, file);
}

static int snapshot_look(const char *path, int i, kv_stamp *out) {
  char *name = sqlite3_mprintf("%s%s", path, snapshot_suffixes[i]);
  kv_file_kind kind;

  if (!name) return SQLITE_NOMEM;
  kind = kv_folder_look(name, out);
  sqlite3_free(name);
  if (kind != KV_FILE_REGULAR || (i > 0 && out->size == 0)) {
    memset(out, 0, sizeof(*out));
  }
  out->ctime = 0; /* permissions are not content */
  return SQLITE_OK;
}

static int snapshot_stamp_of(sqlite3_file *file, const char *path,
                             snapshot_stamp *out) {
  int i;
  int rc = SQLITE_OK;

  memset(out, 0, sizeof(*out));
  for (i = 0; i < SNAPSHOT_FILES && rc == SQLITE_OK; i++) {
    rc = snapshot_look(path, i, &out->files[i]);
  }
  if (rc == SQLITE_OK) {
    rc = file->pMethods->xRead(file, out->header, SNAPSHOT_HEADER, 0);
  }
  return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : rc;
}

static int64_t snapshot_number(const unsigned char *z) {
  return (int64_t)z[0] << 24 | z[1] << 16 | z[2] << 8 | z[3];
}

static int64_t snapshot_page_size(const snapshot_stamp *stamp) {
  int64_t size = stamp->header[16] << 8 | stamp->header[17];

  return size == 1 ? 65536 : size;
}

/*
** Pages of the file; 0: the header does not say, as none does that SQLite
** wrote since 2010.
*/
static int64_t snapshot_pages(const snapshot_stamp *stamp) {
  const unsigned char *h = stamp->header;

  return memcmp(h + 24, h + 92, 4) == 0 ? snapshot_number(h + 28) : 0;
}

static int snapshot_has_journal(const snapshot_stamp *stamp) {
  return stamp->files[1].size > 0 || stamp->files[2].size > 0;
}

/* What is wrong with the file, as far as its header says. */
static const char *snapshot_judge(const snapshot_stamp *stamp) {
  static const unsigned char zeros[SNAPSHOT_HEADER] = {0};
  const unsigned char *h = stamp->header;
  int64_t n_pages = snapshot_pages(stamp);

  if (stamp->files[0].size < SNAPSHOT_HEADER ||
      memcmp(h, zeros, sizeof(zeros)) == 0) {
    return "is not here yet";
  }
  if (memcmp(h, "SQLite format 3", 16) != 0) return "is no SQLite database";
  if (n_pages == 0 ||
      (!snapshot_has_journal(stamp) &&
       stamp->files[0].size < snapshot_page_size(stamp) * n_pages)) {
    return "is damaged or not here as a whole";
  }
  return NULL;
}

/*
** A journal that names a super-journal is not rolled back here: SQLite would
** delete the file that it names. PARStore has none.
** https://www.sqlite.org/tempfiles.html#super_journal_files
*/
static int snapshot_names_super(sqlite3_file *file, int64_t size, int *is) {
  static const unsigned char magic[8] = {0xd9, 0xd5, 0x05, 0xf9,
                                         0x20, 0xa1, 0x63, 0xd7};
  unsigned char end[8];
  int rc = SQLITE_OK;

  *is = 0;
  if (size < 16) return SQLITE_OK;
  rc = file->pMethods->xRead(file, end, sizeof(end), size - 8);
  *is = rc == SQLITE_OK && memcmp(end, magic, sizeof(end)) == 0;
  return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : rc;
}

/*
** Bytes of the file that count. Before the transaction whose journal it is,
** if it is one, the file may have been longer.
*/
static int snapshot_size(sqlite3 *host, const char *path,
                         const snapshot_stamp *stamp, int64_t *out) {
  static const unsigned char magic[8] = {0xd9, 0xd5, 0x05, 0xf9,
                                         0x20, 0xa1, 0x63, 0xd7};
  char *name = sqlite3_mprintf("%s%s", path, snapshot_suffixes[1]);
  int64_t n_pages = snapshot_pages(stamp);
  unsigned char header[20];
  sqlite3 *db = NULL;
  sqlite3_file *file;
  int rc = name ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK && stamp->files[1].size >= (int64_t)sizeof(header)) {
    rc = snapshot_open(host, name, 0, &db, &file);
    if (rc == SQLITE_OK) {
      rc = file->pMethods->xRead(file, header, sizeof(header), 0);
    }
    if (rc == SQLITE_OK && memcmp(header, magic, sizeof(magic)) == 0 &&
        snapshot_number(header + 16) > n_pages) {
      n_pages = snapshot_number(header + 16);
    }
    sqlite3_close(db);
  }
  sqlite3_free(name);
  *out = snapshot_page_size(stamp) * n_pages;
  if (*out > stamp->files[0].size) *out = stamp->files[0].size;
  return rc;
}

static int snapshot_is_zero(const unsigned char *z, int n) {
  return z[0] == 0 && memcmp(z, z + 1, (size_t)n - 1) == 0;
}

/* Copy `size` bytes. SQLITE_INTERRUPT: the host was interrupted. */
static int snapshot_copy_bytes(sqlite3_file *from, sqlite3_file *to,
                               int64_t size, sqlite3_stmt *poll) {
  unsigned char *chunk = sqlite3_malloc(SNAPSHOT_CHUNK);
  int64_t at = 0;
  int rc = chunk ? to->pMethods->xTruncate(to, size) : SQLITE_NOMEM;

  while (at < size && rc == SQLITE_OK) {
    int n = size - at < SNAPSHOT_CHUNK ? (int)(size - at) : SNAPSHOT_CHUNK;

    rc = from->pMethods->xRead(from, chunk, n, at);
    if (rc == SQLITE_IOERR_SHORT_READ) rc = SQLITE_OK; /* the stamp tells */
    if (rc == SQLITE_OK && !snapshot_is_zero(chunk, n)) {
      rc = to->pMethods->xWrite(to, chunk, n, at);
    }
    if (rc == SQLITE_OK && kv_stmt_is_stopped(poll)) rc = SQLITE_INTERRUPT;
    at += n;
  }
  sqlite3_free(chunk);
  return rc;
}

/* Copy one of the files. */
static int snapshot_copy(sqlite3 *host, const char *path,
                         const snapshot_stamp *stamp, int i, kv_snapshot *out,
                         sqlite3_stmt *poll, const char **reason) {
  char *name = sqlite3_mprintf("%s%s", path, snapshot_suffixes[i]);
  char *copy = sqlite3_mprintf("%s%s", out->file, snapshot_suffixes[i]);
  int64_t size = stamp->files[i].size;
  sqlite3 *from_db = NULL;
  sqlite3 *to_db = NULL;
  sqlite3_file *from = NULL;
  sqlite3_file *to = NULL;
  int is_super = 0;
  int rc = name && copy ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK && i == 0) rc = snapshot_size(host, path, stamp, &size);
  if (rc == SQLITE_OK) rc = snapshot_open(host, name, 0, &from_db, &from);
  if (rc == SQLITE_OK && i == 1) {
    rc = snapshot_names_super(from, size, &is_super);
    if (is_super) *reason = "has a journal that is not its own";
  }
  if (rc == SQLITE_OK) rc = snapshot_open(host, copy, 1, &to_db, &to);
  if (rc == SQLITE_OK) rc = snapshot_copy_bytes(from, to, size, poll);
  sqlite3_close(from_db);
  sqlite3_close(to_db);
  sqlite3_free(name);
  sqlite3_free(copy);
  return rc;
}

/* A folder of our own where SQLite keeps temporary files. */
static int snapshot_make_folder(sqlite3 *db, kv_snapshot *out) {
  char *name = NULL;
  int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_TEMPFILENAME, &name);

  if (rc == SQLITE_OK && !name) rc = SQLITE_CANTOPEN;
  if (rc == SQLITE_OK) rc = kv_folder_make_private(name);
  if (rc == SQLITE_OK) {
    rc = kv_folder_resolve(name, NULL, 0, &out->folder, NULL);
    if (rc != SQLITE_OK) kv_folder_remove(name);
  }
  if (rc == SQLITE_OK) {
    out->file = sqlite3_mprintf("%s/Logs.db", out->folder);
    if (!out->file) rc = SQLITE_NOMEM;
  }
  sqlite3_free(name);
  return rc;
}

/* Remove the copies of the files, not the folder. */
static void snapshot_clear(kv_snapshot *snapshot) {
  static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
  int i;

  for (i = 0; i < 4 && snapshot->file; i++) {
    char *name = sqlite3_mprintf("%s%s", snapshot->file, suffixes[i]);

    if (name) snapshot->vfs->xDelete(snapshot->vfs, name, 0);
    sqlite3_free(name);
  }
}

/* Stamp, copy, stamp. SQLITE_BUSY: try again. */
static int snapshot_try_file(sqlite3 *host, sqlite3_file *file,
                             const char *path, int n_try, sqlite3_stmt *poll,
                             kv_snapshot *out, const char **reason) {
  snapshot_stamp before;
  snapshot_stamp after;
  int i;
  int rc = snapshot_stamp_of(file, path, &before);

  if (rc != SQLITE_OK) return rc;
  *reason = snapshot_judge(&before);
  if (*reason) return SQLITE_OK;
  if (snapshot_has_journal(&before) && n_try < SNAPSHOT_TRIES_JOURNAL) {
    *reason = snapshot_busy;
    return SQLITE_BUSY;
  }
  for (i = 0; i < SNAPSHOT_FILES && rc == SQLITE_OK && !*reason; i++) {
    if (before.files[i].size == 0) continue;
    rc = snapshot_copy(host, path, &before, i, out, poll, reason);
  }
  if (rc != SQLITE_OK) *reason = "cannot be copied";
  if (rc != SQLITE_OK || *reason) return rc;
  rc = snapshot_stamp_of(file, path, &after);
  if (rc == SQLITE_OK && memcmp(&before, &after, sizeof(before)) != 0) {
    *reason = snapshot_busy;
    rc = SQLITE_BUSY;
  }
  return rc;
}

/* The same with the file that has the name now. */
static int snapshot_try(sqlite3 *host, const char *path, int n_try,
                        sqlite3_stmt *poll, kv_snapshot *out,
                        const char **reason) {
  sqlite3 *db = NULL;
  sqlite3_file *file = NULL;
  int rc;

  *reason = "cannot be read";
  rc = snapshot_open(host, path, 0, &db, &file);
  if (rc == SQLITE_OK && !out->folder) {
    *reason = "cannot be copied";
    rc = snapshot_make_folder(db, out);
  }
  if (rc == SQLITE_OK) {
    *reason = "cannot be read";
    rc = snapshot_try_file(host, file, path, n_try, poll, out, reason);
  }
  sqlite3_close(db);
  return rc;
}

int kv_snapshot_take(sqlite3 *host, const char *path, sqlite3_stmt *poll,
                     kv_snapshot *out, const char **reason) {
  int rc = SQLITE_BUSY;
  int i;

  memset(out, 0, sizeof(*out));
  out->vfs = sqlite3_vfs_find(kv_handle_vfs(host));
  for (i = 0; i < SNAPSHOT_TRIES && rc == SQLITE_BUSY; i++) {
    if (i > 0) {
      snapshot_clear(out);
      sqlite3_sleep(KV_SNAPSHOT_WAIT);
      if (kv_stmt_is_stopped(poll)) return SQLITE_INTERRUPT;
    }
    rc = snapshot_try(host, path, i, poll, out, reason);
  }
  if (rc == SQLITE_IOERR_NOMEM) rc = SQLITE_NOMEM;
  return rc == SQLITE_NOMEM || rc == SQLITE_INTERRUPT ? rc : SQLITE_OK;
}

/* That of Apple closes a file that loses its name. */
void kv_snapshot_hide(kv_snapshot *snapshot) {
#if !defined(_WIN32) && !defined(__APPLE__)
  snapshot_clear(snapshot);
  if (kv_folder_remove(snapshot->folder) == SQLITE_OK) {
    sqlite3_free(snapshot->folder);
    sqlite3_free(snapshot->file);
    snapshot->folder = NULL;
    snapshot->file = NULL;
  }
#else
  (void)snapshot;
#endif
}

void kv_snapshot_drop(kv_snapshot *snapshot) {
  snapshot_clear(snapshot);
  if (snapshot->folder) kv_folder_remove(snapshot->folder);
  sqlite3_free(snapshot->folder);
  sqlite3_free(snapshot->file);
  memset(snapshot, 0, sizeof(*snapshot));
}
