/*
** Seals the own log. See seal.h.
**
** The log stays locked from the first step to the last, so nobody appends to a
** file that is being copied. The copy is read through the locked handle: if we
** opened and closed the file, that would drop SQLite's locks on it. log.db stays
** the same file: if another one took its place, a process that waits for the lock
** of the old one could take a journal of the new one for its own. So its pages
** stay, too, and new rows reuse them.
**
** A crash before the rows are deleted leaves a sealed file that log.db does not
** need; the next sealing deletes it.
*/
#include "seal.h"

#include <string.h>

#include "db/error.h"
#include "db/run.h"
#include "db/stmt.h"
#include "db/vfs.h"
#include "file/segment.h"
#include "folder/folder.h"

#define SEAL_CHUNK 65536

/* The greatest number of entries of the directory that are looked at. */
#define SEAL_NAMES 100000

/* Copy all bytes of one file to another. */
static int seal_copy_bytes(sqlite3_file *from, sqlite3_file *to) {
  unsigned char *chunk = sqlite3_malloc(SEAL_CHUNK);
  sqlite3_int64 size = 0;
  sqlite3_int64 at = 0;
  int rc = chunk ? from->pMethods->xFileSize(from, &size) : SQLITE_NOMEM;

  while (at < size && rc == SQLITE_OK) {
    int n = size - at < SEAL_CHUNK ? (int)(size - at) : SEAL_CHUNK;

    rc = from->pMethods->xRead(from, chunk, n, at);
    if (rc == SQLITE_OK) rc = to->pMethods->xWrite(to, chunk, n, at);
    at += n;
  }
  sqlite3_free(chunk);
  return rc == SQLITE_OK ? to->pMethods->xSync(to, SQLITE_SYNC_NORMAL) : rc;
}

/* Copy the locked log to a new file, and sync that to the disk. */
static int seal_copy(kv_writer *log, sqlite3_vfs *vfs, const char *path) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
              SQLITE_OPEN_EXCLUSIVE | SQLITE_OPEN_MASTER_JOURNAL;
  sqlite3_file *from = NULL;
  sqlite3_file *to = NULL;
  int rc =
    sqlite3_file_control(log->handle, "main", SQLITE_FCNTL_FILE_POINTER, &from);

  if (rc == SQLITE_OK) rc = kv_vfs_delete(vfs, path, 0);
  if (rc == SQLITE_OK) rc = kv_vfs_open(vfs, path, flags, &to);
  if (rc == SQLITE_OK) rc = seal_copy_bytes(from, to);
  kv_vfs_close(to);
  return rc;
}

/* Verify the rows of a file up to `known`, and compare its last one. */
static int seal_verify_rows(kv_reader *reader, kv_position known,
                            kv_position tail) {
  kv_position base = kv_reader_head(reader)->base;
  kv_position last;
  kv_stretch read;
  int found = 0;
  int rc;

  if (known.seq == tail.seq) {
    rc = kv_reader_verify(reader, base, INT64_MAX, NULL, &read);
  } else {
    rc = kv_reader_start(reader, base, known.seq);
    if (rc == SQLITE_OK) rc = kv_reader_drain(reader);
    read = *kv_reader_stretch(reader);
  }
  if (rc == SQLITE_OK &&
      (read.ended != KV_END_CLEAN || read.end.seq != known.seq ||
       read.end.sum != known.sum)) {
    rc = KV_DAMAGED;
  }
  if (rc != SQLITE_OK || known.seq == tail.seq) return rc;
  rc = kv_reader_tail(reader, &last, &found);
  if (rc == SQLITE_OK &&
      (found <= 0 || last.seq != tail.seq || last.sum != tail.sum)) {
    rc = KV_DAMAGED;
  }
  return rc;
}

int kv_seal_verify(const kv_writer_place *place, const char *path,
                   kv_position known, kv_position tail) {
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  int rc =
    kv_reader_open_own(place->host, path, place->device, &reader, &verdict);

  if (rc == SQLITE_OK) {
    rc = reader ? seal_verify_rows(reader, known, tail) : KV_DAMAGED;
  }
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  return rc;
}

int kv_seal_empty(kv_writer *log, const kv_log_head *head) {
  int rc = kv_writer_restart(log, head);
  return rc == SQLITE_OK ? kv_stmt_run(log->handle, KV_SQL_LOG_COMMIT) : rc;
}

/*
** Delete sealed files of this log whose rows are all in the one from `base` to
** `tail`: those that end between them.
*/
static void seal_delete_leftovers(const kv_writer *log, sqlite3_vfs *vfs,
                                  const kv_writer_place *place, int64_t base,
                                  kv_position tail) {
  char *directory = kv_writer_path(place->root, place->device, NULL);
  char **names = NULL;
  int n = 0;
  int i;

  if (directory) kv_folder_list(directory, SEAL_NAMES, 0, &names, &n);
  for (i = 0; i < n; i++) {
    char *path;
    int64_t last;

    if (!kv_segment_is(names[i], log->head.id, &last) || last <= base ||
        last >= tail.seq) {
      continue;
    }
    path = kv_writer_path(place->root, place->device, names[i]);
    kv_vfs_delete(vfs, path, 0);
    sqlite3_free(path);
  }
  kv_folder_free_names(names, n);
  sqlite3_free(directory);
}

/* All steps, under the lock. */
static int seal_steps(kv_writer *log, const kv_writer_place *place,
                      kv_position tail) {
  sqlite3_vfs *vfs = kv_writer_vfs(log);
  kv_log_head head = log->head;
  int64_t base = head.base.seq;
  char name[KV_SEGMENT_NAME_SIZE];
  char *copy = sqlite3_mprintf("%s.sealed", log->path);
  char *sealed;
  int rc;

  head.base = tail;
  kv_segment_name(head.id, tail.seq, name);
  sealed = kv_writer_path(place->root, place->device, name);
  rc = vfs && copy && sealed ? SQLITE_OK : SQLITE_NOMEM;
  if (rc == SQLITE_OK) rc = seal_copy(log, vfs, copy);
  if (rc == SQLITE_OK) rc = kv_seal_verify(place, copy, log->before, tail);
  if (rc == SQLITE_OK) rc = kv_folder_rename(copy, sealed);
  if (rc == SQLITE_OK) rc = kv_seal_empty(log, &head);
  if (rc == SQLITE_OK) {
    seal_delete_leftovers(log, vfs, place, base, tail);
  } else {
    kv_vfs_delete(vfs, copy, 0);
  }
  sqlite3_free(sealed);
  sqlite3_free(copy);
  return rc;
}

/* Where the header has the numbers of pages, of all and of free ones. */
#define SEAL_PAGE_SIZE 16
#define SEAL_PAGES 28
#define SEAL_FREE_PAGES 36

static int64_t seal_u32(const unsigned char *p) {
  return (int64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

int64_t kv_seal_used(kv_writer *log) {
  unsigned char h[40];
  sqlite3_file *file = NULL;
  int64_t page_size;
  int rc =
    sqlite3_file_control(log->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);

  if (rc == SQLITE_OK) rc = file->pMethods->xRead(file, h, sizeof(h), 0);
  if (rc != SQLITE_OK) return 0;
  page_size = h[SEAL_PAGE_SIZE] << 8 | h[SEAL_PAGE_SIZE + 1];
  if (page_size == 1) page_size = 65536;
  return page_size * (seal_u32(h + SEAL_PAGES) - seal_u32(h + SEAL_FREE_PAGES));
}

int kv_seal_shrink(kv_writer *log, int64_t most) {
  kv_stamp stamp;

  kv_folder_look(log->path, &stamp);
  if (stamp.size <= most) return SQLITE_OK;
  sqlite3_limit(log->handle, SQLITE_LIMIT_ATTACHED, 1); /* VACUUM */
  return kv_stmt_run(log->handle, KV_SQL_LOG_SHRINK);
}

int kv_seal_log(kv_writer *log, const kv_writer_place *place, int64_t most,
                int *is_sealed) {
  kv_position tail;
  int found = 0;
  int rc;

  *is_sealed = 0;
  if (!log->reader) return SQLITE_OK; /* it was just made */
  sqlite3_busy_timeout(log->handle, 0);
  rc = kv_stmt_run(log->handle, KV_SQL_LOG_BEGIN);
  if ((rc & 0xff) == SQLITE_BUSY) return SQLITE_OK;
  if (rc == SQLITE_OK && !kv_writer_has_moved(log)) {
    rc = kv_reader_tail(log->reader, &tail, &found);
    if (rc == SQLITE_OK && found > 0) {
      rc = seal_steps(log, place, tail);
      *is_sealed = rc == SQLITE_OK;
      if (*is_sealed) rc = kv_seal_shrink(log, most);
    }
  }
  return rc;
}
