/*
** Writes the copy of another device's log. See copy.h.
**
**     cache ---> log.db.sealed ---verify, rename---> of/NAME.db
**
** As what becomes a sealed file of the own log, it is written under the lock of that: if
** it is cut off, the next lock deletes it.
*/
#include "copy.h"

#include <string.h>

#include "cache/log_cursor.h"
#include "cache/values.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "log/append.h"
#include "log/writer.h"
#include "outgoing/own.h"
#include "own/catch_up.h"
#include "store/errors.h"

/* Append the row that the run is on. */
static int copy_row(kv_writer *log, kv_run *run) {
  kv_value large = {0};
  kv_row row;
  int rc;

  kv_values_logged(run, &large, &row);
  rc = run->rc == SQLITE_OK ? kv_append_row(log, &row) : run->rc;
  kv_value_free(&large);
  return rc;
}

/* Is this the end of what the cache has of the log? Rows may be gone before it. */
static int copy_is_end(const kv_log_cursor *cursor, kv_position end) {
  return end.sum == cursor->cached.sum && end.seq <= cursor->cached.seq;
}

static int copy_fill(kv_store *store, kv_writer *log,
                     const kv_log_cursor *cursor) {
  kv_run run;
  int rc;

  kv_run_begin(&run, &store->stmts, KV_SQL_COPY_ROWS);
  kv_run_text(&run, cursor->device);
  kv_run_int(&run, cursor->cached.seq);
  while (kv_run_row(&run))
    run.rc = copy_row(log, &run);
  rc = kv_run_close(&run);
  if (rc == SQLITE_OK && !copy_is_end(cursor, log->tail)) rc = KV_DAMAGED;
  return rc == SQLITE_OK ? kv_writer_commit(log) : rc;
}

/* Check that the new file is the log. */
static int copy_verify(kv_store *store, const char *path,
                       const kv_log_cursor *cursor) {
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_stretch stretch;
  int rc =
    kv_reader_open_own(store->db, path, cursor->device, &reader, &verdict);

  if (rc == SQLITE_OK && reader) {
    rc = kv_reader_verify(reader, kv_log_start(kv_reader_head(reader)),
                          INT64_MAX, NULL, &stretch);
  }
  if (rc == SQLITE_OK && (!reader || stretch.ended != KV_END_CLEAN ||
                          !copy_is_end(cursor, stretch.end))) {
    rc = KV_DAMAGED;
  }
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  return rc;
}

/* Write it, verify it, and rename it. The own log is locked. */
static int copy_make(kv_store *store, const kv_log_cursor *cursor, char **err) {
  kv_writer_place place = kv_own_place(store, NULL);
  kv_log_head head;
  kv_writer *copy = NULL;
  char *directory = kv_writer_path(store->root, store->device, "of");
  char *path = kv_writer_path(store->root, store->device, "log.db.sealed");
  char *name = kv_copy_path(store, cursor->device);
  int rc = directory && path && name ? SQLITE_OK : SQLITE_NOMEM;

  memset(&head, 0, sizeof(head));
  sqlite3_snprintf(sizeof(head.name), head.name, "%s", cursor->device);
  memcpy(head.id, cursor->id, KV_ID_SIZE);
  head.origin = cursor->origin;
  place.file = "log.db.sealed";
  place.machine = "";
  place.head = &head;
  if (rc == SQLITE_OK) rc = kv_writer_begin_new(&place, &copy, err);
  if (rc == SQLITE_OK) rc = copy_fill(store, copy, cursor);
  kv_writer_close(copy);
  if (rc == SQLITE_OK) rc = copy_verify(store, path, cursor);
  if (rc == SQLITE_OK) rc = kv_folder_make(directory);
  if (rc == SQLITE_OK) rc = kv_folder_rename(path, name);
  if (rc != SQLITE_OK && rc != SQLITE_NOMEM && rc != SQLITE_INTERRUPT) {
    kv_error(err, rc, "cannot write the copy %s: %s", name,
             rc == KV_DAMAGED ? "the cache does not have the rows of the log"
                              : sqlite3_errstr(rc));
  }
  sqlite3_free(directory);
  sqlite3_free(path);
  sqlite3_free(name);
  return rc;
}

/* Lock the own log, and do that. */
static int copy_lock(kv_store *store, const kv_log_cursor *cursor, char **err) {
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_writer *log = NULL;
  kv_log_cursor own;
  int rc = kv_own_load(store, &own);

  if (rc == SQLITE_OK) {
    rc = kv_catch_up_lock(store, &own, 1, 0, &log, &verdict, err);
  }
  if (rc == SQLITE_OK && !log) rc = kv_store_refuse(store, &verdict, err);
  if (rc == SQLITE_OK) rc = copy_make(store, cursor, err);
  kv_writer_close(log);
  kv_log_cursor_clear(&own);
  kv_verdict_clear(&verdict);
  return rc;
}

char *kv_copy_path(const kv_store *store, const char *device) {
  return sqlite3_mprintf("%s/devices/%s/of/%s.db", store->root, store->device,
                         device);
}

/* Is the copy there, as far as the log is merged? */
static int copy_is_there(kv_store *store, const kv_log_cursor *cursor,
                         int *has) {
  char *path = kv_copy_path(store, cursor->device);
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_stamp stamp;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  *has = 0;
  if (rc == SQLITE_OK && kv_folder_look(path, &stamp) == KV_FILE_REGULAR) {
    rc = kv_reader_open(store->db, path, cursor->device, &reader, &verdict);
  }
  if (rc == SQLITE_OK && reader &&
      memcmp(kv_reader_head(reader)->id, cursor->id, KV_ID_SIZE) == 0) {
    rc = kv_reader_has(reader, cursor->cached, has);
  }
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  sqlite3_free(path);
  return rc;
}

int kv_copy_write(kv_store *store, const char *device, char **err) {
  kv_log_cursor cursor;
  int is_there = 0;
  int rc = kv_log_cursor_load(&store->stmts, device, &cursor);

  if (rc == SQLITE_OK) rc = copy_is_there(store, &cursor, &is_there);
  if (rc == SQLITE_OK && cursor.has_id && !is_there) {
    rc = copy_lock(store, &cursor, err);
  }
  kv_log_cursor_clear(&cursor);
  return rc == SQLITE_OK ? rc : kv_store_error(store, err, rc, "cannot copy");
}
