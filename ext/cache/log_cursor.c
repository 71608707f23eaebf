/*
** How far each device's log is merged: rows of {name}_cursor. See log_cursor.h.
**
** A damaged host database may hold anything here: what does not fit is read
** as not known, so that the log is read anew.
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

/* Columns of cursor_get; they are the parameters of cursor_put, see there. */
enum {
  CURSOR_ID,
  CURSOR_SEQ,
  CURSOR_SUM,
  CURSOR_PUBLISHED_SEQ,
  CURSOR_PUBLISHED_SUM,
  CURSOR_WAITING_SEQ,
  CURSOR_WAITING_SUM,
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

/* The parameter of a column: :device comes before all of them. */
#define CURSOR_PARAMETER(column) ((column) + 2)

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

static int log_cursor_read(sqlite3_stmt *stmt, kv_log_cursor *out) {
  const char *detail;

  out->is_known = 1;
  out->has_id = log_cursor_blob(stmt, CURSOR_ID, out->id, KV_ID_SIZE);
  log_cursor_positions(stmt, out);
  out->last_ts = log_cursor_int64(stmt, CURSOR_LAST_TS, -1);
  out->newest = log_cursor_int64(stmt, CURSOR_NEWEST, -1);
  out->clock_offset = log_cursor_int64(stmt, CURSOR_CLOCK_OFFSET, 0);
  out->synced = log_cursor_int64(stmt, CURSOR_SYNCED, -1);
  out->has_stamp = log_cursor_stamp(stmt, &out->stamp) && out->has_id;
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
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, KV_SQL_CURSOR_GET, &stmt);

  memset(out, 0, sizeof(*out));
  sqlite3_snprintf(sizeof(out->device), out->device, "%s", device);
  out->last_ts = out->newest = out->synced = -1;
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(stmt, 1, device, -1, SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) rc = log_cursor_read(stmt, out);
  if (rc == SQLITE_DONE) rc = SQLITE_OK;
  kv_stmt_put(stmts, KV_SQL_CURSOR_GET, stmt);
  return rc;
}

/* What is not there is left to be NULL. */
static int log_cursor_bind_numbers(sqlite3_stmt *stmt,
                                   const kv_log_cursor *cursor) {
  const struct {
    int column;
    int is_there;
    int64_t value;
  } numbers[] = {{CURSOR_SEQ, 1, cursor->cached.seq},
                 {CURSOR_SUM, 1, cursor->cached.sum},
                 {CURSOR_PUBLISHED_SEQ, 1, cursor->published.seq},
                 {CURSOR_PUBLISHED_SUM, 1, cursor->published.sum},
                 {CURSOR_WAITING_SEQ, cursor->has_waiting, cursor->waiting.seq},
                 {CURSOR_WAITING_SUM, cursor->has_waiting, cursor->waiting.sum},
                 {CURSOR_LAST_TS, cursor->last_ts >= 0, cursor->last_ts},
                 {CURSOR_NEWEST, cursor->newest >= 0, cursor->newest},
                 {CURSOR_CLOCK_OFFSET, 1, cursor->clock_offset},
                 {CURSOR_SYNCED, cursor->synced >= 0, cursor->synced},
                 {CURSOR_STAMP_INODE, cursor->has_stamp, cursor->stamp.inode},
                 {CURSOR_STAMP_SIZE, cursor->has_stamp, cursor->stamp.size},
                 {CURSOR_STAMP_MTIME, cursor->has_stamp, cursor->stamp.mtime},
                 {CURSOR_STAMP_CTIME, cursor->has_stamp, cursor->stamp.ctime}};
  size_t i;
  int rc = SQLITE_OK;

  for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
    if (rc != SQLITE_OK || !numbers[i].is_there) continue;
    rc = sqlite3_bind_int64(stmt, CURSOR_PARAMETER(numbers[i].column),
                            numbers[i].value);
  }
  return rc;
}

static int log_cursor_bind(sqlite3_stmt *stmt, const kv_log_cursor *cursor) {
  const kv_verdict *verdict = &cursor->verdict;
  int rc = sqlite3_bind_text(stmt, 1, cursor->device, -1, SQLITE_STATIC);

  if (rc == SQLITE_OK && cursor->has_id) {
    rc = sqlite3_bind_blob(stmt, CURSOR_PARAMETER(CURSOR_ID), cursor->id,
                           KV_ID_SIZE, SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) rc = log_cursor_bind_numbers(stmt, cursor);
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(stmt, CURSOR_PARAMETER(CURSOR_STATE),
                           kv_state_word(verdict->state), -1, SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(stmt, CURSOR_PARAMETER(CURSOR_DETAIL),
                           verdict->detail, -1, SQLITE_STATIC);
  }
  return rc;
}

/*
** In a Debug build with KV_TRACE in the environment, standard error tells how
** far a log was read and what was the matter with it, and what is now. That is
** inside the transaction, which may still be rolled back.
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
  sqlite3_stmt *stmt = NULL;
  int rc;

  assert(cursor->device[0]);
  log_cursor_trace(stmts, cursor);
  rc = kv_stmt_get(stmts, KV_SQL_CURSOR_PUT, &stmt);
  if (rc == SQLITE_OK) rc = log_cursor_bind(stmt, cursor);
  return kv_stmt_finish(stmts, KV_SQL_CURSOR_PUT, stmt, rc);
}

void kv_log_cursor_clear(kv_log_cursor *cursor) {
  kv_verdict_clear(&cursor->verdict);
}

/* Both statements about one log begin with its device and its id. */
static int former_bind(kv_stmts *stmts, kv_sql sql, const char *device,
                       const unsigned char *id, sqlite3_stmt **out) {
  int rc = kv_stmt_get(stmts, sql, out);

  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(*out, 1, device, -1, SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_blob(*out, 2, id, KV_ID_SIZE, SQLITE_STATIC);
  }
  return rc;
}

int kv_former_load(kv_stmts *stmts, const char *device, const unsigned char *id,
                   kv_former *out, int *found) {
  sqlite3_stmt *stmt = NULL;
  int rc = former_bind(stmts, KV_SQL_FORMER_GET, device, id, &stmt);

  *found = 0;
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) {
    out->seq = log_cursor_int64(stmt, 0, 0);
    out->sum = log_cursor_int64(stmt, 1, 0);
    out->newest = log_cursor_int64(stmt, 2, -1);
    *found = 1;
    rc = SQLITE_OK;
  }
  if (rc == SQLITE_DONE) rc = SQLITE_OK;
  kv_stmt_put(stmts, KV_SQL_FORMER_GET, stmt);
  return rc;
}

int kv_former_save(kv_stmts *stmts, const char *device, const unsigned char *id,
                   const kv_former *former) {
  sqlite3_stmt *stmt = NULL;
  int rc = former_bind(stmts, KV_SQL_FORMER_PUT, device, id, &stmt);

  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 3, former->seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 4, former->sum);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 5, former->newest);
  rc = kv_stmt_finish(stmts, KV_SQL_FORMER_PUT, stmt, rc);
  return rc == SQLITE_OK ? kv_cache_run_for(stmts, KV_SQL_FORMER_TRIM, device)
                         : rc;
}

int kv_log_cursor_list(kv_stmts *stmts, char ***out, int *n) {
  sqlite3_stmt *stmt = NULL;
  char **names = NULL;
  int count = 0;
  int rc = kv_stmt_get(stmts, KV_SQL_CURSOR_NAMES, &stmt);

  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(stmt, 0);
    char **more =
      sqlite3_realloc64(names, (sqlite3_uint64)(count + 1) * sizeof(*names));

    rc = SQLITE_NOMEM;
    if (!more) break;
    names = more;
    names[count] = kv_strdup(name ? name : "");
    if (!names[count++]) break;
    rc = SQLITE_OK;
  }
  if (rc == SQLITE_DONE) rc = SQLITE_OK;
  kv_stmt_put(stmts, KV_SQL_CURSOR_NAMES, stmt);
  if (rc != SQLITE_OK) {
    kv_folder_free_names(names, count);
    names = NULL;
    count = 0;
  }
  *out = names;
  *n = count;
  return rc;
}
