/*
** One device's log during a sync. See visit.h.
**
** If the file has not changed, it is not opened; that takes one lstat. A file
** that has changed is judged by its row at the cursor:
**
**     the row that was read last is there     read on after it
**     it is gone, the file's last row is      behind: an older copy
**         one that was read
**     another log, which this one took the    behind: an older log
**         place of; nothing is new in it
**     another log                             rewritten, if it verifies whole;
**                                             else damaged: keep what was read
*/
#include "visit.h"

#include <string.h>

#include "cache/cache.h"
#include "cache/log_cursor.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "log/placeholder.h"
#include "log/writer.h"
#include "store/errors.h"
#include "store/savepoint.h"
#include "store/store.h"

/* One device's file during a sync. */
typedef struct kv_visit {
  kv_store *store;
  int is_listed; /* the device was found in the folder */
  char *path;
  kv_file_kind kind;
  kv_stamp stamp; /* if it is a regular file */
  kv_log_cursor cursor;
  kv_log_cursor before; /* to see whether there is anything to save */
  kv_reader *reader;
  kv_run poll;
  int64_t n_merged;
  int64_t n_seen;
  int is_replaced;   /* another log took the place of the one before, */
  kv_position whole; /* which verified up to here */
  int is_limited;    /* a row is over a limit, which may be raised */
} kv_visit;

static void visit_say(kv_visit *visit, kv_state state, const char *detail) {
  kv_verdict_set(&visit->cursor.verdict, state, detail ? "%s" : NULL, detail);
}

/* Check whether the last row of another copy of the log is in the cache. */
static int visit_has_row(kv_visit *visit, const kv_row *row, int *has) {
  int is_seen = row->op == KV_OP_SEEN;
  kv_run run;

  kv_run_begin(&run, &visit->store->stmts,
               is_seen ? KV_SQL_SEEN_HAS : KV_SQL_CACHE_HAS);
  kv_run_text(&run, visit->cursor.device);
  kv_run_int(&run, row->seq);
  kv_run_int(&run, row->ts);
  kv_run_value(&run, &row->bucket);
  kv_run_value(&run, &row->key);
  kv_run_value(&run, &row->value);
  if (!is_seen) kv_run_int(&run, row->op);
  *has = kv_run_row(&run);
  return kv_run_close(&run);
}

/* True if the file is of the log that was read. */
static int visit_is_same_log(const kv_visit *visit) {
  const kv_log_head *head = kv_reader_head(visit->reader);

  return memcmp(visit->cursor.id, head->id, KV_ID_SIZE) == 0;
}

/*
** Check whether this is an older copy of the log that was read: then its last
** row is in the cache, under the id that was read.
*/
static int visit_is_behind(kv_visit *visit, int *is_behind) {
  kv_row row;
  int found = 0;
  int rc = kv_reader_last(visit->reader, &row, &found);

  if (rc != SQLITE_OK || found < 0) return rc;
  if (!found) {
    /* It has no rows: a copy from before the first one. */
    *is_behind = 1;
    return SQLITE_OK;
  }
  if (row.seq >= visit->cursor.cached.seq) return SQLITE_OK;
  return visit_has_row(visit, &row, is_behind);
}

/* Check whether this is an older copy of a log that was replaced. */
static int visit_is_former(kv_visit *visit, int *is_former) {
  const kv_log_cursor *cursor = &visit->cursor;
  kv_former former;
  kv_row row;
  int is_known = 0;
  int found = 0;
  int rc =
    kv_former_load(&visit->store->stmts, cursor->device,
                   kv_reader_head(visit->reader)->id, &former, &is_known);

  if (rc != SQLITE_OK || !is_known) return rc;
  rc = kv_reader_last(visit->reader, &row, &found);
  if (rc == SQLITE_OK && found >= 0) {
    *is_former = kv_former_covers(&former, found ? &row : NULL, cursor->newest);
  }
  return rc;
}

/* Another log takes over: forget the rows, but note how far they were read. */
static int visit_leave(kv_visit *visit) {
  kv_log_cursor *cursor = &visit->cursor;
  kv_stmts *stmts = &visit->store->stmts;
  kv_former former = {cursor->cached.seq, cursor->cached.sum, cursor->newest};
  int rc = kv_cache_forget(stmts, cursor->device);

  if (rc == SQLITE_OK && !visit_is_same_log(visit)) {
    rc = kv_former_save(stmts, cursor->device, cursor->id, &former);
  }
  cursor->has_id = 0;
  cursor->last_ts = cursor->newest = -1;
  visit->is_replaced = 1;
  return rc;
}

/* Another log has replaced the one that was read. */
static int visit_replace(kv_visit *visit) {
  kv_log_cursor *cursor = &visit->cursor;
  const kv_log_head *head = kv_reader_head(visit->reader);
  kv_stretch stretch;
  int rc;

  if (head->base.seq > 0) {
    visit_say(visit, KV_STATE_NEWER,
              "begins with a summary, which this version cannot read");
    return SQLITE_OK;
  }
  rc = kv_reader_verify(visit->reader, head->base, INT64_MAX, visit->poll.stmt,
                        &stretch);
  if (rc == SQLITE_OK && kv_reader_is_unread(visit->reader)) return rc;
  if (rc == SQLITE_OK && stretch.ended != KV_END_CLEAN) {
    visit->is_limited = stretch.ended == KV_END_LIMITED;
    kv_verdict_set(&cursor->verdict,
                   kv_stretch_is_too_big(&stretch) ? KV_STATE_WAITING
                                                   : KV_STATE_DAMAGED,
                   "differs from what was read, and does not verify at row "
                   "%lld (%s); what was read before is kept",
                   stretch.end.seq + 1, stretch.reason);
  } else if (rc == SQLITE_OK) {
    rc = visit_leave(visit);
    visit->whole = stretch.end;
  }
  return rc;
}

/* Find where to continue reading, or say why that is impossible. */
static int visit_find_cursor(kv_visit *visit, int *can_read) {
  kv_log_cursor *cursor = &visit->cursor;
  const kv_log_head *head = kv_reader_head(visit->reader);
  int is_behind = 0;
  int is_former = 0;
  int rc = SQLITE_OK;

  *can_read = !cursor->has_id && head->base.seq == 0;
  if (*can_read) return SQLITE_OK;
  if (cursor->has_id && visit_is_same_log(visit) &&
      head->base.seq <= cursor->cached.seq) {
    rc = kv_reader_has(visit->reader, cursor->cached, can_read);
  }
  if (rc != SQLITE_OK || *can_read) return rc;

  if (cursor->has_id && visit_is_same_log(visit)) {
    rc = visit_is_behind(visit, &is_behind);
  } else if (cursor->has_id) {
    rc = visit_is_former(visit, &is_former);
  }
  if (rc == SQLITE_OK && is_behind) {
    visit_say(visit, KV_STATE_BEHIND,
              "this is an older copy than the one that was read; what was "
              "read is kept until the newer one is back");
    return SQLITE_OK;
  }
  if (rc == SQLITE_OK && is_former) {
    visit_say(visit, KV_STATE_BEHIND,
              "this is an older log than the one that was read last; what was "
              "read is kept until the newer one is back, or this one gets new "
              "rows");
    return SQLITE_OK;
  }
  if (rc == SQLITE_OK) rc = visit_replace(visit);
  *can_read = visit->is_replaced;
  return rc;
}

/* All of the file is merged. */
static void visit_say_clean(kv_visit *visit, const kv_stretch *stretch) {
  if (kv_reader_head(visit->reader)->end > 0) {
    kv_verdict_set(&visit->cursor.verdict, KV_STATE_WAITING,
                   "merged up to row %lld; the file is longer than its header "
                   "says: its new end has arrived, but not its changed "
                   "beginning, which rsync --append never sends",
                   stretch->end.seq);
  } else if (visit->is_replaced) {
    visit_say(visit, KV_STATE_REWRITTEN,
              "a different log replaced the one that was read; it was read "
              "from the beginning");
  } else {
    visit_say(visit, KV_STATE_OK, NULL);
  }
}

/* Say how far the file is merged, and whether the rest is late or damaged. */
static void visit_judge_end(kv_visit *visit, const kv_stretch *stretch) {
  kv_verdict *verdict = &visit->cursor.verdict;

  switch (stretch->ended) {
    case KV_END_CLEAN: visit_say_clean(visit, stretch); break;
    case KV_END_UNREAD:
      kv_verdict_set(
        verdict, KV_STATE_BUSY,
        "merged up to row %lld; the disk reports an error at the next one",
        stretch->end.seq);
      break;
    case KV_END_TORN:
      kv_verdict_set(
        verdict, KV_STATE_WAITING,
        "merged up to row %lld; the rest of a transaction has not arrived yet",
        stretch->end.seq);
      break;
    default:
      kv_verdict_set(verdict,
                     kv_stretch_is_too_big(stretch) ? KV_STATE_WAITING
                                                    : KV_STATE_DAMAGED,
                     "merged up to row %lld; at the next one %s",
                     stretch->end.seq, stretch->reason);
      break;
  }
}

/* Merge what is new, and move the cursor. */
static int visit_merge(kv_visit *visit) {
  kv_store *store = visit->store;
  kv_log_cursor *cursor = &visit->cursor;
  const kv_log_head *head = kv_reader_head(visit->reader);
  int64_t now = kv_store_now(store);
  int can_read = 0;
  int64_t arrived;
  kv_stretch stretch;
  int rc = visit_find_cursor(visit, &can_read);

  if (kv_reader_is_unread(visit->reader)) {
    visit_say(visit, KV_STATE_BUSY,
              "cannot be read: the disk reports an error");
    return rc;
  }
  if (rc != SQLITE_OK || !can_read) return rc;
  if (!cursor->has_id) {
    memcpy(cursor->id, head->id, KV_ID_SIZE);
    cursor->has_id = 1;
    cursor->cached = head->base;
  }
  rc = kv_store_next_arrival(store, &arrived);
  if (rc == SQLITE_OK) {
    rc = kv_cache_merge_new(&store->stmts, visit->reader, cursor->cached,
                            kv_clock_limit(now), visit->poll.stmt, arrived,
                            &stretch);
  }
  if (rc == SQLITE_OK && visit->is_replaced &&
      (stretch.end.seq != visit->whole.seq ||
       stretch.end.sum != visit->whole.sum)) {
    rc = SQLITE_CORRUPT_VTAB;
  }
  if (rc == SQLITE_OK && stretch.end.seq > cursor->cached.seq) {
    cursor->cached = stretch.end;
    visit->n_merged = stretch.n_rows;
    visit->n_seen = stretch.n_seen;
    if (stretch.counted_ts > cursor->last_ts) {
      cursor->last_ts = stretch.counted_ts;
    }
    if (stretch.last_ts > cursor->newest) cursor->newest = stretch.last_ts;
    cursor->clock_offset = stretch.last_ts > now ? stretch.last_ts - now : 0;
  }
  if (rc == SQLITE_OK) {
    visit->is_limited = stretch.ended == KV_END_LIMITED;
    visit_judge_end(visit, &stretch);
  }
  return rc;
}

static int visit_is_changed(const kv_visit *visit) {
  const kv_log_cursor *a = &visit->before;
  const kv_log_cursor *b = &visit->cursor;

  if (!a->is_known || a->has_id != b->has_id ||
      a->cached.seq != b->cached.seq || a->cached.sum != b->cached.sum ||
      a->has_stamp != b->has_stamp || a->verdict.state != b->verdict.state ||
      memcmp(a->id, b->id, KV_ID_SIZE) != 0 ||
      memcmp(&a->stamp, &b->stamp, sizeof(a->stamp)) != 0) {
    return 1;
  }
  return strcmp(a->verdict.detail ? a->verdict.detail : "",
                b->verdict.detail ? b->verdict.detail : "") != 0;
}

/* True if the same file will get the same verdict next time. */
static int visit_is_final(const kv_visit *visit) {
  kv_state state = visit->cursor.verdict.state;

  return !visit->is_limited && state != KV_STATE_BUSY &&
         state != KV_STATE_NEWER;
}

/* Read the file, inside a savepoint. */
static int visit_read(kv_visit *visit) {
  const kv_stamp *stamp = &visit->stamp;
  kv_store *store = visit->store;
  kv_stamp after;
  int rc = kv_reader_open(store->db, visit->path, visit->cursor.device,
                          &visit->reader, &visit->cursor.verdict);

  if (rc == SQLITE_OK && visit->reader) rc = visit_merge(visit);
  visit->cursor.synced = kv_folder_now();
  visit->cursor.has_stamp =
    visit_is_final(visit) &&
    kv_folder_look(visit->path, &after) == KV_FILE_REGULAR &&
    memcmp(&after, stamp, sizeof(after)) == 0 && !kv_folder_is_fresh(stamp);
  memset(&visit->cursor.stamp, 0, sizeof(after));
  if (visit->cursor.has_stamp) visit->cursor.stamp = after;
  return rc;
}

/* Say why there is no file (or, if it is not listed, no directory). */
static int visit_say_none(kv_visit *visit) {
  const kv_log_cursor *cursor = &visit->cursor;
  const char *root = visit->store->root;
  char *path =
    kv_writer_path(root, cursor->device, visit->is_listed ? "log.db" : NULL);
  char *placeholder = NULL;
  int rc = path ? kv_placeholder_find(path, &placeholder) : SQLITE_NOMEM;

  if (rc == SQLITE_OK && placeholder) {
    kv_verdict_set(&visit->cursor.verdict, KV_STATE_WAITING,
                   "its log is not downloaded: %s is a placeholder of a cloud "
                   "drive; tell the drive to keep the folder on this device%s",
                   placeholder + strlen(root) + 1,
                   cursor->has_id ? "; what was read is kept" : "");
  } else if (cursor->has_id) {
    visit_say(visit, KV_STATE_MISSING,
              "its log is no longer in the folder; what was read is kept");
  } else {
    visit_say(visit, KV_STATE_WAITING, "its log has not arrived yet");
  }
  sqlite3_free(placeholder);
  sqlite3_free(path);
  return rc;
}

/* Say what is there instead of a regular file. */
static int visit_say_kind(kv_visit *visit) {
  visit->cursor.has_stamp = 0;
  switch (visit->kind) {
    case KV_FILE_NONE: return visit_say_none(visit);
    case KV_FILE_UNKNOWN:
      visit_say(visit, KV_STATE_BUSY,
                "cannot be accessed: check the folder's permissions");
      break;
    default:
      visit_say(visit, KV_STATE_STRANGER,
                visit->is_listed ? "log.db is not a regular file"
                                 : "its folder is not a directory");
      break;
  }
  return SQLITE_OK;
}

static void visit_clear(kv_visit *visit) {
  kv_reader_close(visit->reader);
  kv_run_close(&visit->poll);
  kv_log_cursor_clear(&visit->cursor);
  kv_log_cursor_clear(&visit->before);
  sqlite3_free(visit->path);
}

/* The kind of what is there for a device not listed as a directory. */
static kv_file_kind visit_look_missing(kv_store *store, const char *device) {
  char *path = kv_writer_path(store->root, device, NULL);
  kv_stamp stamp;
  kv_file_kind kind = path ? kv_folder_look(path, &stamp) : KV_FILE_UNKNOWN;

  sqlite3_free(path);
  return kind == KV_FILE_REGULAR ? KV_FILE_OTHER : kind;
}

/* Look at the file, and load the cursor of the last reading. */
static int visit_look(kv_visit *visit, const char *device) {
  kv_store *store = visit->store;

  visit->path = kv_writer_path(store->root, device, "log.db");
  if (!visit->path) return SQLITE_NOMEM;
  visit->kind =
    visit->is_listed ? KV_FILE_DIRECTORY : visit_look_missing(store, device);
  if (visit->kind == KV_FILE_DIRECTORY) {
    visit->kind = kv_folder_look(visit->path, &visit->stamp);
  }
  return kv_log_cursor_load(&store->stmts, device, &visit->cursor);
}

/* True if the file has not changed since it was read to its end. */
static int visit_is_idle(const kv_visit *visit) {
  return visit->kind == KV_FILE_REGULAR && visit->cursor.has_stamp &&
         memcmp(&visit->stamp, &visit->cursor.stamp, sizeof(visit->stamp)) == 0;
}

/* Load the cursor again, now under the lock. */
static int visit_load(kv_visit *visit, const char *device) {
  kv_stmts *stmts = &visit->store->stmts;
  int rc;

  kv_log_cursor_clear(&visit->cursor);
  rc = kv_log_cursor_load(stmts, device, &visit->cursor);
  if (rc == SQLITE_OK) rc = kv_log_cursor_load(stmts, device, &visit->before);
  kv_run_begin(&visit->poll, stmts, KV_SQL_POLL);
  return kv_first_error(rc, visit->poll.rc);
}

/* Merge the log, or say what is there instead. */
static int visit_judge(kv_visit *visit, int can_read) {
  if (visit->kind != KV_FILE_REGULAR) return visit_say_kind(visit);
  if (can_read) return visit_read(visit);
  visit->cursor.has_stamp = 0;
  visit_say(visit, KV_STATE_DAMAGED,
            "cannot be read: it needs more memory than there is");
  return SQLITE_OK;
}

/* Do all of that, or nothing. */
static int visit_merge_whole(kv_visit *visit, const char *device, int can_read,
                             char **err) {
  kv_store *store = visit->store;
  int rc = kv_store_savepoint(store, err);

  if (rc != SQLITE_OK) return rc;
  rc = visit_load(visit, device);
  if (rc == SQLITE_OK) rc = visit_judge(visit, can_read);
  if (rc == SQLITE_OK && visit_is_changed(visit)) {
    rc = kv_log_cursor_save(&store->stmts, &visit->cursor);
  }
  kv_store_error(store, err, rc, "cannot sync");
  rc = kv_store_savepoint_end(store, rc);
  if (rc == SQLITE_CORRUPT_VTAB && visit->kind == KV_FILE_REGULAR) {
    /* The file changed while it was read: retry at the next sync. */
    visit->n_merged = visit->n_seen = 0;
    kv_error_clear(err);
    rc = SQLITE_OK;
  }
  return rc;
}

static int visit_once(kv_store *store, const char *device, int is_listed,
                      int can_read, int64_t *n_merged, int64_t *n_seen,
                      char **err) {
  kv_visit visit;
  int rc;

  memset(&visit, 0, sizeof(visit));
  visit.store = store;
  visit.is_listed = is_listed;
  rc = visit_look(&visit, device);
  if (rc == SQLITE_OK && !visit_is_idle(&visit)) {
    rc = visit_merge_whole(&visit, device, can_read, err);
  }
  if (rc == SQLITE_OK) {
    *n_merged += visit.n_merged;
    *n_seen += visit.n_seen;
  }
  visit_clear(&visit);
  return kv_store_error(store, err, rc, "cannot sync");
}

/*
** SQLite also returns SQLITE_NOMEM for a damaged file. If it does so twice, the
** file is not read. If memory really is short, noting that fails, too.
*/
int kv_visit_device(kv_store *store, const char *device, int is_listed,
                    int64_t *n_merged, int64_t *n_seen, char **err) {
  int rc = SQLITE_NOMEM;
  int attempt;

  for (attempt = 0; attempt < 3 && (rc & 0xff) == SQLITE_NOMEM; attempt++) {
    kv_error_clear(err);
    rc =
      visit_once(store, device, is_listed, attempt < 2, n_merged, n_seen, err);
  }
  return rc;
}
