/*
** How a reader gets at the files of its log. See reading.h.
*/
#include "reading.h"

#include <stdlib.h>
#include <string.h>

#include "db/error.h"
#include "db/handle.h"
#include "db/stmt.h"
#include "file/segment.h"
#include "folder/folder.h"

/* What a row of the cache takes at most beside bucket, key and value. */
#define READER_ROW 256

int kv_reading_is_our_fault(int rc) {
  return (rc & 0xff) == SQLITE_NOMEM;
}

int kv_reading_fault(kv_reader *reader, int rc) {
  /* A handle that wrote may have to make room in memory before it reads. */
  int is_full = reader->is_own && (rc & 0xff) == SQLITE_FULL;
  int is_unread = kv_error_is_disk(rc) || is_full;

  if (is_unread) reader->is_unread = 1;
  return kv_reading_is_our_fault(rc) || (is_unread && reader->is_own)
           ? rc
           : SQLITE_OK;
}

/* Check that the file is a log of this device. */
static int reading_admit(kv_reader *reader, const char *device,
                         kv_verdict *verdict) {
  return kv_reading_fault(
    reader, kv_admit(reader->handle, device, &reader->head, verdict));
}

/*
** SQLite also returns SQLITE_NOMEM for a damaged file. The own log is then
** rebuilt, so it must do so twice, with memory for another one. The first time,
** it has rolled back the transaction in which the log was locked: what follows
** would run without a lock.
*/
static int reading_admit_again(kv_reader *reader, const char *device,
                               kv_verdict *verdict, int is_locked, int first) {
  int rc;

  if ((first & 0xff) != SQLITE_NOMEM) return first;
  kv_verdict_clear(verdict);
  reader->work = KV_WORK_ADMIT;
  rc = kv_handle_judge(reader->handle, reading_admit(reader, device, verdict));
  if (rc == SQLITE_OK && verdict->state == KV_STATE_OK && is_locked &&
      sqlite3_get_autocommit(reader->handle)) {
    return first;
  }
  if (rc != KV_DAMAGED) return rc;
  kv_verdict_set(verdict, KV_STATE_DAMAGED,
                 "cannot be read: it needs more memory than there is");
  return SQLITE_OK;
}

/*
** A confined handle belongs to the reader: if there is no reader, it is closed
** here.
*/
int kv_reading_on(sqlite3 *host, sqlite3 *handle, const char *device,
                  int is_confined, int is_own, kv_reader **out,
                  kv_verdict *verdict) {
  kv_reader *reader = kv_zalloc(sizeof(*reader));
  int is_locked = !sqlite3_get_autocommit(handle);
  int rc = SQLITE_OK;

  kv_verdict_clear(verdict);
  *out = NULL;
  if (!reader) {
    if (is_confined) sqlite3_close(handle);
    return SQLITE_NOMEM;
  }
  reader->host = host;
  reader->handle = handle;
  reader->n_parts = -1;
  reader->limit = sqlite3_limit(host, SQLITE_LIMIT_LENGTH, -1) - READER_ROW;
  reader->is_confined = is_confined;
  reader->is_own = is_own;
  reader->work = KV_WORK_ADMIT;
  if (is_confined) {
    rc = kv_confine(handle, &reader->work);
  } else {
    kv_confine_steps(handle, &reader->work);
  }
  if (rc == SQLITE_OK) {
    rc = reading_admit(reader, device, verdict);
    if (is_own) {
      rc = reading_admit_again(reader, device, verdict, is_locked, rc);
    }
  }
  reader->work = KV_WORK_ROW;
  if (rc == SQLITE_OK && is_confined && verdict->state == KV_STATE_OK) {
    kv_stmt_run(handle, KV_SQL_HANDLE_SMALL); /* without it all works, too */
  }
  if (!is_confined) kv_confine_steps(handle, NULL);
  if (rc == SQLITE_OK && verdict->state == KV_STATE_OK) {
    *out = reader;
  } else {
    kv_reading_close(reader);
  }
  return rc;
}

int kv_reading_open(sqlite3 *host, const char *path, const char *device,
                    int is_own, kv_reader **out, kv_verdict *verdict) {
  sqlite3 *handle = NULL;
  kv_stamp stamp;
  int rc = SQLITE_OK;

  *out = NULL;
  /*
  ** For a pipe, SQLite would wait for ever in open(2). The caller's check may
  ** be old, because it may have waited for a lock. Between here and that open a
  ** moment remains: SQLite cannot open without waiting, and if we opened and
  ** closed the file ourselves, that would drop the locks that SQLite holds on
  ** it.
  */
  if (kv_folder_look(path, &stamp) == KV_FILE_OTHER) {
    kv_verdict_set(verdict, KV_STATE_STRANGER, "is not a regular file");
    return is_own ? SQLITE_CANTOPEN : SQLITE_OK;
  }
  rc = kv_handle_read(host, path, &handle);
  if (rc == SQLITE_OK) {
    return kv_reading_on(host, handle, device, 1, is_own, out, verdict);
  }
  if (is_own || kv_reading_is_our_fault(rc)) return rc;
  kv_verdict_set(
    verdict, rc == SQLITE_CANTOPEN_SYMLINK ? KV_STATE_STRANGER : KV_STATE_BUSY,
    "cannot be opened: %s", sqlite3_errstr(rc));
  return SQLITE_OK;
}

void kv_reading_close(kv_reader *reader) {
  if (!reader) return;
  sqlite3_finalize(reader->rows);
  sqlite3_finalize(reader->last);
  kv_reading_close(reader->part);
  kv_verdict_clear(&reader->lack);
  if (reader->is_confined) sqlite3_close(reader->handle);
  sqlite3_free(reader->parts);
  sqlite3_free(reader);
}

static int reading_compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a;
  int64_t y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* A name in the directory: remember where the file ends, if it is of this log. */
static int reading_take(void *to, const char *name) {
  kv_reader *reader = to;
  int64_t last;
  int n = reader->n_parts;

  if (!kv_segment_is(name, reader->head.id, &last)) return SQLITE_OK;
  if ((n & (n - 1)) == 0) { /* a power of two: that many are full */
    int64_t *more = sqlite3_realloc64(
      reader->parts, (n ? 2 * (sqlite3_uint64)n : 1) * sizeof(*more));

    if (!more) return SQLITE_NOMEM;
    reader->parts = more;
  }
  reader->parts[reader->n_parts++] = last;
  return SQLITE_OK;
}

/* Find the sealed files of this log, in the order of their rows. */
static int reading_list(kv_reader *reader, const char *directory) {
  int rc;

  reader->n_parts = 0;
  reader->chained = reader->head.base.seq;
  rc = kv_folder_each(directory, reading_take, reader);
  if (rc == SQLITE_OK && reader->n_parts > 0) {
    qsort(reader->parts, (size_t)reader->n_parts, sizeof(*reader->parts),
          reading_compare);
  }
  if (rc != SQLITE_OK) reader->n_parts = -1;
  return rc;
}

/* The next file is not there, or cannot be read. */
static void reading_lack(kv_reader *reader, int64_t last,
                         const kv_verdict *verdict, const char *what) {
  char name[KV_SEGMENT_NAME_SIZE];
  int is_torn = !verdict || verdict->state == KV_STATE_WAITING;

  kv_segment_name(reader->head.id, last, name);
  kv_verdict_set(&reader->lack,
                 is_torn                           ? KV_STATE_WAITING
                 : verdict->state == KV_STATE_BUSY ? KV_STATE_BUSY
                                                   : KV_STATE_DAMAGED,
                 "its file %s %s", name,
                 verdict && verdict->detail ? verdict->detail : what);
  if (reader->lack.state == KV_STATE_BUSY) reader->is_unread = 1;
}

/* Open the sealed file that ends with row `last`, as the part. */
static int reading_open_part(kv_reader *reader, const char *directory,
                             int64_t last) {
  const kv_log_head *head = &reader->head;
  kv_verdict verdict = {KV_STATE_OK, NULL};
  char name[KV_SEGMENT_NAME_SIZE];
  char *path;
  int rc;

  if (reader->from == reader->part) reader->from = NULL;
  kv_reading_close(reader->part);
  reader->part = NULL;
  kv_segment_name(head->id, last, name);
  path = sqlite3_mprintf("%s%s", directory, name);
  rc = path ? kv_reading_open(reader->host, path, head->name, 0, &reader->part,
                              &verdict)
            : SQLITE_NOMEM;
  if (rc == SQLITE_OK && !reader->part) {
    reading_lack(reader, last, &verdict, "cannot be read");
  } else if (rc == SQLITE_OK &&
             (memcmp(reader->part->head.id, head->id, KV_ID_SIZE) != 0 ||
              memcmp(&reader->part->head.origin, &head->origin,
                     sizeof(head->origin)) != 0)) {
    verdict.state = KV_STATE_DAMAGED;
    reading_lack(reader, last, &verdict, "is of another log");
  }
  reader->part_last = last;
  kv_verdict_clear(&verdict);
  sqlite3_free(path);
  return rc;
}

/*
** A log that went back to an older state may have left files that end elsewhere, beside
** those that have its rows now. log.db begins with one that is named by where log.db
** begins, and so on: leave out the others, as far back as the row after `seq`. Where such
** a file is missing, all before it stay.
*/
static int reading_chain(kv_reader *reader, const char *directory,
                         int64_t seq) {
  int rc = SQLITE_OK;

  while (rc == SQLITE_OK && reader->chained > seq) {
    int64_t *parts = reader->parts;
    int n = reader->n_parts;
    int64_t base;
    int i = 0;
    int first = 0;

    while (i < n && parts[i] < reader->chained)
      i++;
    if (i == n || parts[i] != reader->chained) break;
    rc = reading_open_part(reader, directory, parts[i]);
    if (rc != SQLITE_OK || reader->lack.state != KV_STATE_OK) break;
    base = reader->part->head.base.seq;
    if (base >= reader->chained) break;
    while (parts[first] <= base)
      first++;
    memmove(parts + first, parts + i, (size_t)(n - i) * sizeof(*parts));
    reader->n_parts = n - (i - first);
    reader->chained = base;
  }
  kv_verdict_clear(&reader->lack);
  return rc;
}

/* The sealed file with the row after `seq`, which log.db does not have. */
static int reading_find_part(kv_reader *reader, const char *directory,
                             int64_t seq) {
  int i = 0;
  int rc = reading_chain(reader, directory, seq);

  if (rc != SQLITE_OK) return rc;
  while (i < reader->n_parts && reader->parts[i] <= seq)
    i++;
  if (i == reader->n_parts) {
    reading_lack(reader, reader->head.base.seq, NULL, "is missing");
    return SQLITE_OK;
  }
  rc = reading_open_part(reader, directory, reader->parts[i]);
  if (rc == SQLITE_OK && reader->lack.state == KV_STATE_OK &&
      reader->part->head.base.seq > seq) {
    reading_lack(reader, reader->part->head.base.seq, NULL, "is missing");
  }
  return rc;
}

int kv_reading_cover(kv_reader *reader, int64_t seq, kv_reader **file) {
  char *directory;
  int rc = SQLITE_OK;

  *file = reader;
  kv_verdict_clear(&reader->lack);
  if (seq >= reader->head.base.seq) return SQLITE_OK;
  *file = reader->part;
  if (reader->part && reader->part->head.base.seq <= seq &&
      reader->part_last > seq) {
    return SQLITE_OK;
  }
  *file = NULL;
  directory = kv_handle_directory(reader->handle);
  if (!directory) rc = SQLITE_NOMEM;
  if (rc == SQLITE_OK && reader->n_parts < 0) {
    rc = reading_list(reader, directory);
  }
  if (rc == SQLITE_OK) rc = reading_find_part(reader, directory, seq);
  if (rc == SQLITE_CANTOPEN) {
    reading_lack(reader, reader->head.base.seq, NULL, "cannot be looked for");
  }
  sqlite3_free(directory);
  if (rc == SQLITE_OK && reader->is_own &&
      reader->lack.state == KV_STATE_BUSY) {
    rc = SQLITE_IOERR_READ; /* says nothing about the log */
  }
  if (rc == SQLITE_OK && reader->lack.state == KV_STATE_OK) {
    *file = reader->part;
  }
  return (rc & 0xff) == SQLITE_NOMEM ? rc : kv_reading_fault(reader, rc);
}
