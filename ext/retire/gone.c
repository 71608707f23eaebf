/*
** May the directory of a retired device be deleted? See gone.h.
**
** A log is kept if a device that is not retired has a copy of it that verifies, and
** that reaches every position of that log that anybody is known to have merged.
*/
#include "gone.h"

#include <string.h>

#include "cache/log_cursor.h"
#include "core/names.h"
#include "db/run.h"
#include "life/copies.h"
#include "log/writer.h"
#include "retire.h"

/* A place in a log: of which generation, and how far. */
typedef struct gone_place {
  unsigned char id[KV_ID_SIZE];
  int64_t seq;
} gone_place;

/* How far anybody, the own cache too, is known to have merged the log of a device. */
static int gone_known(kv_store *store, const kv_log_cursor *cursor,
                      gone_place *out) {
  kv_run run;

  memcpy(out->id, cursor->id, KV_ID_SIZE);
  out->seq = cursor->cached.seq;
  kv_run_begin(&run, &store->stmts, KV_SQL_GONE_KNOWN);
  kv_run_text(&run, cursor->device);
  if (kv_run_row(&run)) {
    int64_t seq = sqlite3_column_int64(run.stmt, 0);
    const void *id = sqlite3_column_blob(run.stmt, 1);

    if (seq > out->seq) out->seq = seq;
    if (id && sqlite3_column_bytes(run.stmt, 1) == KV_ID_SIZE &&
        memcmp(id, out->id, KV_ID_SIZE) > 0) {
      memcpy(out->id, id, KV_ID_SIZE);
    }
  }
  return kv_run_close(&run);
}

int kv_gone_reaches(kv_store *store, const char *device, const char *path,
                    const unsigned char *id, int64_t seq, int *reaches) {
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_stretch stretch;
  int rc = kv_reader_open(store->db, path, device, &reader, &verdict);

  *reaches = 0;
  if (rc == SQLITE_OK && reader &&
      kv_row_same_lineage(kv_reader_head(reader)->id, id) &&
      memcmp(kv_reader_head(reader)->id, id, KV_ID_SIZE) >= 0) {
    rc = kv_reader_verify(reader, kv_log_start(kv_reader_head(reader)),
                          INT64_MAX, NULL, &stretch);
    *reaches = rc == SQLITE_OK && stretch.ended == KV_END_CLEAN &&
               stretch.end.seq >= seq;
  }
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  return rc;
}

/* Is the log of a device kept by somebody else than `except`? */
static int gone_is_kept(kv_store *store, const kv_copies *copies,
                        const char *device, const char *except, int *is_kept) {
  int n;
  const kv_copy *copy = kv_copies_of(copies, device, &n);
  kv_log_cursor cursor;
  gone_place known;
  int i;
  int rc = kv_log_cursor_load(&store->stmts, device, &cursor);

  *is_kept = 0;
  if (rc == SQLITE_OK) rc = gone_known(store, &cursor, &known);
  for (i = 0; i < n && rc == SQLITE_OK && !*is_kept; i++) {
    int is_retired = 0;

    if (strcmp(copy[i].keeper, except) == 0 || !cursor.has_id) continue;
    rc = kv_retire_is_done(store, copy[i].keeper, &is_retired);
    if (rc == SQLITE_OK && !is_retired) {
      rc = kv_gone_reaches(store, device, copy[i].path, known.id, known.seq,
                           is_kept);
    }
  }
  kv_log_cursor_clear(&cursor);
  return rc;
}

/* Is a device that has a copy in the directory a reason to keep that? */
static int gone_needs(kv_store *store, const kv_copies *copies,
                      const char *device, const char *except, int *needs) {
  char *path = kv_writer_path(store->root, device, "log.db");
  kv_stamp stamp;
  int is_retired = 0;
  int is_kept = 0;
  int is_here = path && kv_folder_look(path, &stamp) == KV_FILE_REGULAR;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  *needs = 0;
  sqlite3_free(path);
  if (store->device && strcmp(device, store->device) == 0) return rc;
  if (rc == SQLITE_OK) rc = kv_retire_is_done(store, device, &is_retired);
  if (rc != SQLITE_OK || (!is_retired && is_here)) return rc;
  rc = gone_is_kept(store, copies, device, except, &is_kept);
  *needs = !is_kept;
  return rc;
}

static int gone_judge(kv_store *store, const kv_copies *copies,
                      const char *device, kv_gone *out) {
  int needs = 0;
  int is_kept = 0;
  int i;
  int rc = gone_is_kept(store, copies, device, device, &is_kept);

  for (i = 0; i < copies->n && rc == SQLITE_OK && is_kept && !needs; i++) {
    if (strcmp(copies->copies[i].keeper, device) != 0) continue;
    rc = gone_needs(store, copies, copies->copies[i].device, device, &needs);
  }
  if (is_kept && !needs) *out = KV_GONE_MAY;
  return rc;
}

int kv_gone_is_copied(kv_store *store, const char *device, int *is_copied) {
  kv_copies copies;
  int rc = kv_copies_find_all(store->root ? store->root : "", &copies);

  *is_copied = 0;
  if (rc == SQLITE_OK) {
    rc = gone_is_kept(store, &copies, device, device, is_copied);
  }
  kv_copies_free(&copies);
  return rc;
}

int kv_gone_look(kv_store *store, const char *device, kv_gone *out) {
  char *own = kv_writer_path(store->root ? store->root : "", device, NULL);
  kv_copies copies = {NULL, 0};
  kv_stamp stamp;
  int rc = own ? SQLITE_OK : SQLITE_NOMEM;

  *out = KV_GONE_ALREADY;
  if (rc == SQLITE_OK && kv_folder_look(own, &stamp) == KV_FILE_DIRECTORY) {
    *out = KV_GONE_NOT_YET;
    rc = kv_copies_find_all(store->root ? store->root : "", &copies);
    if (rc == SQLITE_OK) rc = gone_judge(store, &copies, device, out);
  }
  kv_copies_free(&copies);
  sqlite3_free(own);
  return rc;
}
