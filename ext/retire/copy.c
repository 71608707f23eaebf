/*
** Writes the copy of another device's log. See copy.h.
**
**     cache ---> of/NAME.db.new ---verify, rename---> of/NAME.db
*/
#include "copy.h"

#include <string.h>

#include "cache/log_cursor.h"
#include "cache/values.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "life/copies.h"
#include "log/append.h"
#include "log/writer.h"
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

/* Write it under the name of `place`, verify it, and rename it: without ".new". */
static int copy_make(kv_store *store, const kv_log_cursor *cursor,
                     const kv_writer_place *place, char **err) {
  char *path = kv_writer_path(store->root, place->device, place->file);
  kv_writer *log = NULL;
  char *name =
    path ? sqlite3_mprintf("%.*s", (int)strlen(path) - 4, path) : NULL;
  int rc = path && name ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK) rc = kv_writer_begin_new(place, &log, err);
  if (rc == SQLITE_OK) rc = copy_fill(store, log, cursor);
  kv_writer_close(log);
  if (rc == SQLITE_OK) rc = copy_verify(store, path, cursor);
  if (rc == SQLITE_OK) rc = kv_folder_rename(path, name);
  if (rc != SQLITE_OK && rc != SQLITE_NOMEM && rc != SQLITE_INTERRUPT) {
    kv_error(err, rc, "cannot write the copy %s: %s", name,
             rc == KV_DAMAGED ? "the cache does not have the rows of the log"
                              : sqlite3_errstr(rc));
  }
  sqlite3_free(path);
  sqlite3_free(name);
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

/* Note in head->host which machine wrote a log, if this file is of that log. */
static int copy_ask_host(kv_store *store, const char *path, kv_log_head *head) {
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  int rc = path ? kv_reader_open(store->db, path, head->name, &reader, &verdict)
                : SQLITE_NOMEM;

  if (rc == SQLITE_OK && reader &&
      kv_row_same_lineage(kv_reader_head(reader)->id, head->id)) {
    memcpy(head->host, kv_reader_head(reader)->host, sizeof(head->host));
  }
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  return rc;
}

/* The same, from the log's own file, or another copy. */
static int copy_find_host(kv_store *store, kv_log_head *head) {
  char *path = kv_writer_path(store->root, head->name, "log.db");
  kv_copies copies;
  const kv_copy *copy;
  int i;
  int n;
  int rc = copy_ask_host(store, path, head);

  sqlite3_free(path);
  if (rc != SQLITE_OK || head->host[0]) return rc;
  rc = kv_copies_find_all(store->root, &copies);
  copy = kv_copies_of(&copies, head->name, &n);
  for (i = 0; i < n && rc == SQLITE_OK && !head->host[0]; i++)
    rc = copy_ask_host(store, copy[i].path, head);
  kv_copies_free(&copies);
  return rc;
}

int kv_copy_write(kv_store *store, const char *device, char **err) {
  kv_writer_place place;
  kv_log_cursor cursor;
  kv_log_head head;
  char *directory = sqlite3_mprintf("%s/of", store->device);
  char *file = sqlite3_mprintf("%s.db.new", device);
  int is_there = 0;
  int rc = kv_log_cursor_load(&store->stmts, device, &cursor);

  if (rc == SQLITE_OK && (!directory || !file)) rc = SQLITE_NOMEM;
  if (rc == SQLITE_OK) rc = copy_is_there(store, &cursor, &is_there);
  if (rc == SQLITE_OK && cursor.has_id && !is_there) {
    memset(&head, 0, sizeof(head));
    sqlite3_snprintf(sizeof(head.name), head.name, "%s", device);
    memcpy(head.id, cursor.id, KV_ID_SIZE);
    head.origin = cursor.origin;
    rc = copy_find_host(store, &head);
    memset(&place, 0, sizeof(place));
    place.host = store->db;
    place.root = store->root;
    place.device = directory; /* below devices/ */
    place.file = file;
    place.machine = head.host;
    place.head = &head;
    place.now = kv_store_now(store);
    if (rc == SQLITE_OK) rc = copy_make(store, &cursor, &place, err);
  }
  kv_log_cursor_clear(&cursor);
  sqlite3_free(directory);
  sqlite3_free(file);
  return rc == SQLITE_OK ? rc : kv_store_error(store, err, rc, "cannot copy");
}
