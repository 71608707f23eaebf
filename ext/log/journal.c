/*
** Journals beside the own log. See journal.h.
**
** A journal beside the log either belongs to a commit that was cut off: then
** SQLite rolls it back. Or a sync tool brought it, and rolling it back would
** destroy the log. This is decided under an EXCLUSIVE lock that is taken
** without reading (reading would roll back): if the file is intact without the
** journal, it does not need it. A journal that names a super-journal is never
** ours, and SQLite would delete the file that it names. A -wal is not ours
** either, and SQLite would write it into the log.
*/
#include "journal.h"

#include <string.h>

#include "db/error.h"
#include "db/handle.h"
#include "db/run.h"
#include "db/vfs.h"
#include "file/reserve.h"
#include "folder/folder.h"
#include "reader.h"

/* Suffixes of files that SQLite would take for a part of the log. */
static const char *const journal_suffixes[] = {"-journal", "-wal", "-shm"};
#define JOURNAL_SUFFIXES 3

/* Milliseconds between two attempts to lock, at most. */
#define JOURNAL_LONGEST_WAIT 20

/* A file beside the log, by its suffix. */
static kv_file_kind journal_look(const char *path, const char *suffix) {
  char *name = sqlite3_mprintf("%s%s", path, suffix);
  kv_stamp stamp;
  kv_file_kind kind = name ? kv_folder_look(name, &stamp) : KV_FILE_UNKNOWN;

  sqlite3_free(name);
  return kind;
}

static int journal_has(const char *path) {
  int i;

  for (i = 0; i < JOURNAL_SUFFIXES; i++) {
    if (journal_look(path, journal_suffixes[i]) != KV_FILE_NONE) return 1;
  }
  return 0;
}

/* Wait a moment, unless the timeout is over: then 0. */
static int journal_wait(int busy_timeout, int *waited, int *next) {
  if (*waited >= busy_timeout) return 0;
  /* A random wait, so that two processes do not stay in step. */
  if (*next < JOURNAL_LONGEST_WAIT) *next += 1 + *waited % 3;
  sqlite3_sleep(*next);
  *waited += *next;
  return 1;
}

/*
** Lock a file through the VFS, without the pager, which would read. Holds no
** lock while it waits: another process that has begun its EXCLUSIVE lock waits
** for our SHARED one. *is_locked is 0 if the journal is gone: a commit has
** ended, and there is nothing to check.
*/
static int journal_lock(sqlite3_file *file, const char *path, int busy_timeout,
                        int *is_locked) {
  int waited = 0; /* milliseconds */
  int next = 0;

  *is_locked = 0;
  for (;;) {
    int rc = file->pMethods->xLock(file, SQLITE_LOCK_SHARED);

    if (rc == SQLITE_OK)
      rc = file->pMethods->xLock(file, SQLITE_LOCK_EXCLUSIVE);
    *is_locked = rc == SQLITE_OK;
    if (rc == SQLITE_OK) return rc;
    file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
    if (!journal_has(path)) return SQLITE_OK;
    if ((rc & 0xff) != SQLITE_BUSY) return rc;
    if (!journal_wait(busy_timeout, &waited, &next)) return rc;
  }
}

/*
** Check whether a journal ends with the name of a super-journal. Our commits
** never have one. https://www.sqlite.org/tempfiles.html#super_journal_files
*/
static int journal_names_super(sqlite3_vfs *vfs, const char *journal, int *is) {
  static const unsigned char magic[8] = {0xd9, 0xd5, 0x05, 0xf9,
                                         0x20, 0xa1, 0x63, 0xd7};
  unsigned char end[8];
  sqlite3_file *file = NULL;
  sqlite3_int64 size = 0;
  int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_JOURNAL;
  int rc = kv_vfs_open(vfs, journal, flags, &file);

  *is = 0;
  if (rc == SQLITE_OK) rc = file->pMethods->xFileSize(file, &size);
  if (rc == SQLITE_OK && size >= 16) {
    rc = file->pMethods->xRead(file, end, sizeof(end), size - 8);
    *is = rc == SQLITE_OK && memcmp(end, magic, sizeof(end)) == 0;
  }
  kv_vfs_close(file);
  return rc;
}

/* Is each of its pages whole, and was it emptied of all that its base says? */
static int journal_check_pages(sqlite3 *host, const char *path, int *is_whole) {
  sqlite3 *handle = NULL;
  int64_t is_emptied = 0;
  kv_run run;
  int rc = kv_handle_read(host, path, &handle);

  *is_whole = 0;
  if (rc == SQLITE_OK) rc = kv_handle_quick_check(handle, is_whole);
  if (rc == SQLITE_OK && *is_whole) {
    kv_run_begin_on(&run, handle, KV_SQL_LOG_IS_EMPTIED);
    rc = kv_run_number(&run, &is_emptied);
    *is_whole = rc == SQLITE_OK && is_emptied;
  }
  sqlite3_close(handle);
  return rc;
}

int kv_journal_is_whole(sqlite3 *host, const char *path, int *is_whole) {
  kv_reader *reader = NULL;
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_stretch stretch;
  int rc = kv_reader_open_own(host, path, NULL, &reader, &verdict);

  *is_whole = 0;
  if (rc == SQLITE_OK && reader) {
    rc = kv_reader_verify(reader, kv_reader_head(reader)->base, INT64_MAX, NULL,
                          &stretch);
    *is_whole = rc == SQLITE_OK && stretch.ended == KV_END_CLEAN;
  }
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  return *is_whole ? journal_check_pages(host, path, is_whole) : rc;
}

/* True if SQLite must not roll it back into the file beside it. */
static int journal_is_stale(sqlite3 *host, sqlite3_vfs *vfs, const char *path,
                            const char *journal, int *is_stale) {
  kv_stamp stamp;
  int rc = SQLITE_OK;

  *is_stale = kv_folder_look(journal, &stamp) != KV_FILE_REGULAR;
  if (!*is_stale) rc = journal_names_super(vfs, journal, is_stale);
  if (rc == SQLITE_OK && !*is_stale) {
    rc = kv_journal_is_whole(host, path, is_stale);
  }
  return rc;
}

/* True if the file itself says that it is in WAL mode. */
static int journal_is_wal(sqlite3_file *file) {
  unsigned char versions[2] = {0, 0};

  return file->pMethods->xRead(file, versions, 2, 18) == SQLITE_OK &&
         versions[0] == 2;
}

/* Under the lock: delete files beside the log that do not belong to it. */
static int journal_clear(sqlite3 *host, sqlite3_vfs *vfs, sqlite3_file *file,
                         const char *path, char **err) {
  int rc = SQLITE_OK;
  int i;

  kv_reserve_drop(vfs, path); /* of a commit that was cut off */
  for (i = 0; i < JOURNAL_SUFFIXES && rc == SQLITE_OK; i++) {
    kv_file_kind kind = journal_look(path, journal_suffixes[i]);
    char *name = sqlite3_mprintf("%s%s", path, journal_suffixes[i]);
    int is_stale = i > 0 && !journal_is_wal(file);

    if (!name) {
      rc = SQLITE_NOMEM;
    } else if (kind == KV_FILE_DIRECTORY) {
      rc = kv_error(err, SQLITE_CANTOPEN,
                    "%s is not a regular file: move it away", name);
    } else if (kind != KV_FILE_NONE) {
      if (i == 0) rc = journal_is_stale(host, vfs, path, name, &is_stale);
      if (rc == SQLITE_OK && is_stale) rc = kv_vfs_delete(vfs, name, 1);
    }
    sqlite3_free(name);
  }
  return rc;
}

int kv_journal_check(sqlite3 *host, sqlite3 *handle, const char *path,
                     int busy_timeout, char **err) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(kv_handle_vfs(host));
  sqlite3_file *file = NULL;
  int is_locked = 0;
  int rc = SQLITE_OK;

  if (!journal_has(path)) return SQLITE_OK;
  if (!vfs) return SQLITE_ERROR;
  rc = sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (rc == SQLITE_OK) {
    rc = journal_lock(file, path, busy_timeout, &is_locked);
  }
  if (is_locked) {
    rc = journal_clear(host, vfs, file, path, err);
    file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
  }
  return rc;
}

int kv_journal_clear_new(sqlite3 *host, const char *path) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(kv_handle_vfs(host));
  char *journal;

  if (!vfs || journal_look(path, ".new-journal") != KV_FILE_REGULAR ||
      journal_look(path, ".new") != KV_FILE_NONE) {
    return SQLITE_OK;
  }
  journal = sqlite3_mprintf("%s.new-journal", path);
  kv_vfs_delete(vfs, journal, 0); /* if it fails, the next time */
  sqlite3_free(journal);
  return SQLITE_OK;
}
