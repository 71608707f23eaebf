/*
** How far each device's log is merged: rows of {name}_cursor. See log_cursor.h.
**
** A damaged host database may have anything here. A value that cannot be right
** counts as unknown, so the log is read again from the beginning.
*/
#include "log_cursor.h"

#include <assert.h>
#ifdef KV_DEBUG
#include <stdio.h>
#include <stdlib.h>
#endif
#include <string.h>

#include "cache.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/run.h"

/* Columns of cursor_get. */
enum {
  CURSOR_ID,
  CURSOR_SEQ,
  CURSOR_SUM,
  CURSOR_PUBLISHED_SEQ,
  CURSOR_PUBLISHED_SUM,
  CURSOR_WAITING_SEQ,
  CURSOR_WAITING_SUM,
  CURSOR_FORMER_ID,
  CURSOR_FORMER_SEQ,
  CURSOR_FORMER_SUM,
  CURSOR_HORIZON,
  CURSOR_HOLES,
  CURSOR_LAST_TS,
  CURSOR_NEWEST,
  CURSOR_CLOCK_OFFSET,
  CURSOR_SYNCED,
  CURSOR_STAMP_INODE,
  CURSOR_STAMP_SIZE,
  CURSOR_STAMP_MTIME,
  CURSOR_STAMP_CTIME,
  CURSOR_STATE,
  CURSOR_DETAIL
};

/* Columns of former_get. */
enum { FORMER_SEQ, FORMER_SUM, FORMER_NEWEST };

static int64_t log_cursor_int64(sqlite3_stmt *stmt, int column,
                                int64_t otherwise) {
  return sqlite3_column_type(stmt, column) == SQLITE_INTEGER
           ? sqlite3_column_int64(stmt, column)
           : otherwise;
}

/* Copy a blob of exactly n bytes. */
static int log_cursor_blob(sqlite3_stmt *stmt, int column, void *out, int n) {
  const void *z = sqlite3_column_blob(stmt, column);

  if (!z || sqlite3_column_bytes(stmt, column) != n) return 0;
  memcpy(out, z, (size_t)n);
  return 1;
}

/* A number that a row of a log can have. */
static int log_cursor_is_seq(int64_t seq) {
  return seq >= 0 && seq <= KV_TS_MAX;
}

static int log_cursor_is_integer(sqlite3_stmt *stmt, int column) {
  return sqlite3_column_type(stmt, column) == SQLITE_INTEGER;
}

static int log_cursor_stamp(sqlite3_stmt *stmt, kv_stamp *out) {
  out->inode = log_cursor_int64(stmt, CURSOR_STAMP_INODE, 0);
  out->size = log_cursor_int64(stmt, CURSOR_STAMP_SIZE, 0);
  out->mtime = log_cursor_int64(stmt, CURSOR_STAMP_MTIME, 0);
  out->ctime = log_cursor_int64(stmt, CURSOR_STAMP_CTIME, 0);
  return log_cursor_is_integer(stmt, CURSOR_STAMP_INODE) &&
         log_cursor_is_integer(stmt, CURSOR_STAMP_SIZE) &&
         log_cursor_is_integer(stmt, CURSOR_STAMP_MTIME) &&
         log_cursor_is_integer(stmt, CURSOR_STAMP_CTIME);
}

/* The last row that is in the cache, and those of the own log. */
static void log_cursor_positions(sqlite3_stmt *stmt, kv_log_cursor *out) {
  out->cached.seq = log_cursor_int64(stmt, CURSOR_SEQ, 0);
  out->cached.sum = log_cursor_int64(stmt, CURSOR_SUM, 0);
  out->published.seq = log_cursor_int64(stmt, CURSOR_PUBLISHED_SEQ, 0);
  out->published.sum = log_cursor_int64(stmt, CURSOR_PUBLISHED_SUM, 0);
  out->has_waiting = log_cursor_is_integer(stmt, CURSOR_WAITING_SEQ);
  out->waiting.seq = log_cursor_int64(stmt, CURSOR_WAITING_SEQ, 0);
  out->waiting.sum = log_cursor_int64(stmt, CURSOR_WAITING_SUM, 0);
  if (!log_cursor_is_seq(out->cached.seq) ||
      !log_cursor_is_seq(out->published.seq) ||
      !log_cursor_is_seq(out->waiting.seq)) {
    memset(&out->cached, 0, sizeof(out->cached));
    out->published = out->waiting = out->cached;
    out->has_id = out->has_waiting = 0;
  }
}

/* What the log took the place of. */
static void log_cursor_origin(sqlite3_stmt *stmt, kv_origin *out) {
  out->has_former =
    log_cursor_blob(stmt, CURSOR_FORMER_ID, out->former_id, KV_ID_SIZE);
  out->former_seq = log_cursor_int64(stmt, CURSOR_FORMER_SEQ, 0);
  out->former_sum = log_cursor_int64(stmt, CURSOR_FORMER_SUM, 0);
  out->horizon = log_cursor_int64(stmt, CURSOR_HORIZON, 0);
}

static int log_cursor_read(sqlite3_stmt *stmt, kv_log_cursor *out) {
  const char *detail;

  out->is_known = 1;
  out->has_id = log_cursor_blob(stmt, CURSOR_ID, out->id, KV_ID_SIZE);
  log_cursor_positions(stmt, out);
  log_cursor_origin(stmt, &out->origin);
  out->holes = log_cursor_int64(stmt, CURSOR_HOLES, 0);
  out->last_ts = log_cursor_int64(stmt, CURSOR_LAST_TS, -1);
  out->newest = log_cursor_int64(stmt, CURSOR_NEWEST, -1);
  out->clock_offset = log_cursor_int64(stmt, CURSOR_CLOCK_OFFSET, 0);
  out->synced = log_cursor_int64(stmt, CURSOR_SYNCED, -1);
  out->has_stamp = log_cursor_stamp(stmt, &out->stamp) && out->has_id;
  out->has_before = !out->has_stamp &&
                    log_cursor_is_integer(stmt, CURSOR_STAMP_SIZE) &&
                    log_cursor_is_integer(stmt, CURSOR_STAMP_MTIME);
  out->verdict.state =
    kv_state_of_word((const char *)sqlite3_column_text(stmt, CURSOR_STATE));
  detail = (const char *)sqlite3_column_text(stmt, CURSOR_DETAIL);
  if (detail) {
    out->verdict.detail = kv_strdup(detail);
    if (!out->verdict.detail) return SQLITE_NOMEM;
  }
  return SQLITE_OK;
}

int kv_log_cursor_load(kv_stmts *stmts, const char *device,
                       kv_log_cursor *out) {
  kv_run run;

  memset(out, 0, sizeof(*out));
  sqlite3_snprintf(sizeof(out->device), out->device, "%s", device);
  out->last_ts = out->newest = out->synced = -1;
  kv_run_begin(&run, stmts, KV_SQL_CURSOR_GET);
  kv_run_text(&run, device);
  if (kv_run_row(&run)) run.rc = log_cursor_read(run.stmt, out);
  return kv_run_close(&run);
}

/* A number, or NULL: it is not there. */
static void log_cursor_int(kv_run *run, int is_there, int64_t value) {
  if (is_there) {
    kv_run_int(run, value);
  } else {
    kv_run_null(run);
  }
}

/* In the order of the parameters of cursor_put. */
static void log_cursor_bind(kv_run *run, const kv_log_cursor *cursor) {
  const kv_stamp *stamp = &cursor->stamp;
  int has_size = cursor->has_stamp || cursor->has_before;
  const kv_origin *origin = &cursor->origin;

  kv_run_text(run, cursor->device);
  kv_run_blob(run, cursor->has_id ? cursor->id : NULL, KV_ID_SIZE);
  kv_run_int(run, cursor->cached.seq);
  kv_run_int(run, cursor->cached.sum);
  kv_run_int(run, cursor->published.seq);
  kv_run_int(run, cursor->published.sum);
  log_cursor_int(run, cursor->has_waiting, cursor->waiting.seq);
  log_cursor_int(run, cursor->has_waiting, cursor->waiting.sum);
  kv_run_blob(run, origin->has_former ? origin->former_id : NULL, KV_ID_SIZE);
  log_cursor_int(run, origin->has_former, origin->former_seq);
  log_cursor_int(run, origin->has_former, origin->former_sum);
  kv_run_int(run, origin->horizon);
  kv_run_int(run, cursor->holes);
  log_cursor_int(run, cursor->last_ts >= 0, cursor->last_ts);
  log_cursor_int(run, cursor->newest >= 0, cursor->newest);
  kv_run_int(run, cursor->clock_offset);
  log_cursor_int(run, cursor->synced >= 0, cursor->synced);
  log_cursor_int(run, cursor->has_stamp, stamp->inode);
  log_cursor_int(run, has_size, stamp->size);
  log_cursor_int(run, has_size, stamp->mtime);
  log_cursor_int(run, cursor->has_stamp, stamp->ctime);
  kv_run_text(run, kv_state_word(cursor->verdict.state));
  kv_run_text(run, cursor->verdict.detail);
}

/*
** In a Debug build with KV_TRACE in the environment, print on standard error
** how far a log was read and its state, before and now. This happens inside the
** transaction, which may still be rolled back.
*/
#ifdef KV_DEBUG
static void log_cursor_trace(kv_stmts *stmts, const kv_log_cursor *now) {
  kv_log_cursor was;
  const char *detail = now->verdict.detail;

  if (!getenv("KV_TRACE")) return;
  if (kv_log_cursor_load(stmts, now->device, &was) == SQLITE_OK &&
      (!was.is_known || was.verdict.state != now->verdict.state ||
       was.cached.seq != now->cached.seq ||
       memcmp(was.id, now->id, KV_ID_SIZE))) {
    fprintf(
      stderr, "kv: %s.%s: log of %s: %s, row %lld -> %s, row %lld%s%s%s\n",
      stmts->schema, stmts->name, now->device,
      was.is_known ? kv_state_word(was.verdict.state) : "unknown",
      (long long)was.cached.seq, kv_state_word(now->verdict.state),
      (long long)now->cached.seq,
      was.has_id && memcmp(was.id, now->id, KV_ID_SIZE) ? ", another log" : "",
      detail ? ": " : "", detail ? detail : "");
  }
  kv_log_cursor_clear(&was);
}
#else
#define log_cursor_trace(stmts, now) ((void)0)
#endif

int kv_log_cursor_save(kv_stmts *stmts, const kv_log_cursor *cursor) {
  kv_run run;

  log_cursor_trace(stmts, cursor);
  kv_run_begin(&run, stmts, KV_SQL_CURSOR_PUT);
  log_cursor_bind(&run, cursor);
  return kv_run_end(&run);
}

void kv_log_cursor_clear(kv_log_cursor *cursor) {
  kv_verdict_clear(&cursor->verdict);
}

int kv_former_load(kv_stmts *stmts, const char *device, const unsigned char *id,
                   kv_former *out, int *found) {
  kv_run run;

  kv_run_begin(&run, stmts, KV_SQL_FORMER_GET);
  kv_run_text(&run, device);
  kv_run_blob(&run, id, KV_ID_SIZE);
  *found = kv_run_row(&run);
  if (*found) {
    out->seq = log_cursor_int64(run.stmt, FORMER_SEQ, 0);
    out->sum = log_cursor_int64(run.stmt, FORMER_SUM, 0);
    out->newest = log_cursor_int64(run.stmt, FORMER_NEWEST, -1);
  }
  return kv_run_close(&run);
}

int kv_former_save(kv_stmts *stmts, const char *device, const unsigned char *id,
                   const kv_former *former) {
  kv_run run;
  int rc;

  kv_run_begin(&run, stmts, KV_SQL_FORMER_PUT);
  kv_run_text(&run, device);
  kv_run_blob(&run, id, KV_ID_SIZE);
  kv_run_int(&run, former->seq);
  kv_run_int(&run, former->sum);
  kv_run_int(&run, former->newest);
  rc = kv_run_end(&run);
  return rc == SQLITE_OK ? kv_cache_run_for(stmts, KV_SQL_FORMER_TRIM, device)
                         : rc;
}

int kv_log_cursor_list(kv_stmts *stmts, char ***out, int *n) {
  char **names = NULL;
  int count = 0;
  kv_run run;
  int rc;

  kv_run_begin(&run, stmts, KV_SQL_CURSOR_NAMES);
  while (kv_run_row(&run)) {
    const char *name = (const char *)sqlite3_column_text(run.stmt, 0);
    char **more =
      sqlite3_realloc64(names, (sqlite3_uint64)(count + 1) * sizeof(*names));

    if (more) names = more;
    if (more) names[count] = kv_strdup(name ? name : "");
    if (!more || !names[count++]) run.rc = SQLITE_NOMEM;
  }
  rc = kv_run_close(&run);
  if (rc != SQLITE_OK) {
    kv_folder_free_names(names, count);
    names = NULL;
    count = 0;
  }
  *out = names;
  *n = count;
  return rc;
}
