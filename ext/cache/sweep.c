/*
** Moves superseded rows out of the way. See cache.h.
**
** In the front, rows of a key are side by side. One walk over it finds the
** superseded ones: each row with the same key as the row before. They are moved
** a slice at a time, while the walk pauses. They go to the back, which comes
** after everything that the walk reads.
**
** Two statements move a slice: one puts its rows into the back, one deletes them
** in front, where kv_swept() knows them. Both go through the tree in the order
** of keys. A statement for each row took three times as long.
**
** The walk also judges the rows of each key in front (contest/contest.h).
*/
#include <assert.h>
#include <string.h>

#include "cache.h"
#include "contest/contest.h"
#include "db/run.h"
#include "db/value.h"
#include "rows/slice.h"

/* What a slice is bound as: https://www.sqlite.org/bindptr.html */
#define SWEEP_POINTER "kv_slice"

/* Columns of cache_front. */
enum {
  FRONT_KEY,
  FRONT_TS,
  FRONT_DEVICE,
  FRONT_SEQ,
  FRONT_TXN,
  FRONT_PARENT_TS,
  FRONT_OP,
  FRONT_ARRIVED,
  FRONT_LARGE,
  FRONT_VALUE
};

typedef struct sweep_walk {
  kv_run rows;
  kv_contest contest; /* it has the key of the row before */
  int is_judged;      /* the rows of each key are */
  int64_t n;          /* rows read */
} sweep_walk;

/* A sweep needs this many new rows more than the front has. */
#define SWEEP_ROWS 16

int64_t kv_cache_unswept(const kv_meta *meta, int64_t rows) {
  int64_t n = rows - meta->swept_rows;

  return n < 0 ? rows : n; /* a log was forgotten meanwhile */
}

int kv_cache_is_sweep_due(const kv_meta *meta, int64_t n_unswept) {
  return n_unswept >= SWEEP_ROWS + meta->n_front;
}

/* Judge the row that the walk is at. */
static int sweep_judge(sweep_walk *walk) {
  kv_contest *contest = &walk->contest;
  int was_contested = contest->is_contested;
  kv_value device = {0};
  int rc;

  kv_run_column(&walk->rows, FRONT_DEVICE, &device);
  if (walk->rows.rc != SQLITE_OK) return walk->rows.rc;
  rc = kv_contest_row(contest, &device,
                      sqlite3_column_int64(walk->rows.stmt, FRONT_SEQ),
                      sqlite3_column_int(walk->rows.stmt, FRONT_OP));
  if (rc == SQLITE_OK && contest->is_contested && !was_contested) {
    rc = kv_contest_add(contest);
  }
  return rc;
}

/* The row that the walk is at, behind its key. */
static int sweep_row(kv_run *rows, kv_rows_row *out) {
  kv_row *row = &out->row;

  row->ts = sqlite3_column_int64(rows->stmt, FRONT_TS);
  row->seq = sqlite3_column_int64(rows->stmt, FRONT_SEQ);
  row->txn = sqlite3_column_int64(rows->stmt, FRONT_TXN); /* 0: NULL */
  row->op = sqlite3_column_int(rows->stmt, FRONT_OP);
  out->arrived = sqlite3_column_int64(rows->stmt, FRONT_ARRIVED);
  out->large = sqlite3_column_int64(rows->stmt, FRONT_LARGE);
  kv_run_column(rows, FRONT_DEVICE, &out->device);
  kv_run_column(rows, FRONT_PARENT_TS, &row->parent_ts);
  kv_run_column(rows, FRONT_VALUE, &row->value);
  return rows->rc == SQLITE_OK ? SQLITE_ROW : rows->rc;
}

/* The next superseded row: it has the same key as the row before. */
static int sweep_next(void *from, kv_rows_row *out) {
  static const kv_value bucket = {KV_TEXT, 0, 0, "", 0};
  sweep_walk *walk = from;
  kv_run *rows = &walk->rows;
  kv_value *key = &out->row.key;
  int is_new;

  while (kv_run_row(rows)) {
    walk->n++;
    kv_run_column(rows, FRONT_KEY, key);
    if (rows->rc == SQLITE_OK) {
      rows->rc = kv_contest_key_is(&walk->contest, &bucket, key, &is_new);
    }
    if (rows->rc == SQLITE_OK && walk->is_judged) rows->rc = sweep_judge(walk);
    if (rows->rc == SQLITE_OK && !is_new) return sweep_row(rows, out);
  }
  return rows->rc == SQLITE_OK ? SQLITE_DONE : rows->rc;
}

/* Move the rows of a slice; *n_moved counts them. */
static int sweep_move(kv_stmts *stmts, kv_slice *slice, int64_t *n_moved) {
  kv_value first;
  kv_value last;
  kv_run run;
  int rc;

  if (kv_slice_count(slice, KV_SLICE_KEYS) == 0) return SQLITE_OK;
  kv_run_begin(&run, stmts, KV_SQL_CACHE_SWEEP);
  kv_run_pointer(&run, kv_slice_start(slice, KV_SLICE_KEYS), KV_ROWS_POINTER);
  rc = kv_run_end(&run);
  if (rc != SQLITE_OK) return rc;

  kv_slice_key(slice, 0, &first);
  kv_slice_key(slice, 1, &last);
  kv_slice_start(slice, KV_SLICE_KEYS);
  kv_run_begin(&run, stmts, KV_SQL_CACHE_SWEPT);
  kv_run_value(&run, &first);
  kv_run_value(&run, &last);
  kv_run_pointer(&run, slice, SWEEP_POINTER);
  *n_moved += kv_slice_count(slice, KV_SLICE_KEYS);
  return kv_run_end(&run);
}

/* Move all superseded rows; *n_front is how many rows are left in front. */
static int sweep_rows(kv_stmts *stmts, int is_judged, int64_t *n_front) {
  kv_slice *slice = kv_slice_new();
  sweep_walk walk;
  int64_t n_moved = 0;
  int more = SQLITE_ROW;
  int rc = SQLITE_OK;

  memset(&walk, 0, sizeof(walk));
  walk.is_judged = is_judged;
  kv_contest_begin(&walk.contest, stmts);
  if (!slice) return SQLITE_NOMEM;
  kv_run_begin(&walk.rows, stmts, KV_SQL_CACHE_FRONT);
  while (more == SQLITE_ROW && rc == SQLITE_OK) {
    more = kv_slice_fill(slice, sweep_next, &walk);
    if (more != SQLITE_ROW && more != SQLITE_DONE) rc = more;
    if (rc == SQLITE_OK) rc = sweep_move(stmts, slice, &n_moved);
    if (rc == SQLITE_OK) rc = kv_contest_put(&walk.contest);
  }
  *n_front = walk.n - n_moved;
  kv_run_close(&walk.rows);
  kv_slice_free(slice);
  kv_contest_clear(&walk.contest);
  return rc;
}

int kv_cache_note_sweep(kv_stmts *stmts, int64_t arrival, int64_t rows,
                        int64_t n_front) {
  kv_run run;

  kv_run_begin(&run, stmts, KV_SQL_META_SWEPT);
  kv_run_int(&run, arrival);
  kv_run_int(&run, rows);
  kv_run_int(&run, n_front);
  return kv_run_end(&run);
}

int kv_cache_sweep(kv_stmts *stmts, const kv_meta *meta, int64_t arrival,
                   int64_t rows) {
  int is_judged = meta->judged != KV_JUDGED_NONE;
  int64_t n_front;
  int rc;

  assert(!sqlite3_get_autocommit(stmts->db)); /* inside a savepoint */
  rc = sweep_rows(stmts, is_judged, &n_front);
  if (rc == SQLITE_OK && is_judged) rc = kv_contest_note(stmts, KV_JUDGED_ALL);
  return rc == SQLITE_OK ? kv_cache_note_sweep(stmts, arrival, rows, n_front)
                         : rc;
}

/* kv_swept(slice, key, ts, device, seq): is this row in the slice? */
static void sweep_has(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  kv_slice *slice = sqlite3_value_pointer(argv[0], SWEEP_POINTER);
  kv_rows_row row;
  int rc;

  (void)argc;
  memset(&row, 0, sizeof(row));
  rc = kv_value_of(argv[1], &row.row.key);
  row.row.ts = sqlite3_value_int64(argv[2]);
  row.row.seq = sqlite3_value_int64(argv[4]);
  if (rc == SQLITE_OK) rc = kv_value_of(argv[3], &row.device);
  if (rc != SQLITE_OK) {
    sqlite3_result_error_nomem(ctx);
  } else {
    sqlite3_result_int(ctx, slice && kv_slice_has(slice, &row));
  }
}

int kv_cache_sweep_register(sqlite3 *db, int is_there) {
  return sqlite3_create_function_v2(
    db, "kv_swept", 5, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL,
    is_there ? sweep_has : NULL, NULL, NULL, NULL);
}
