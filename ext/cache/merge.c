/*
** The merge of a log into the cache. See cache.h.
**
**     log   | 1 2 3 4 5 6 7 8 9 ...       verified as they are read, once
**     slice | a9 a3 b1 b5 ... |           sorted; a3 goes to the back at once
**     cache | a9 b1 ...     | a3 b5 ... | one statement of the host a slice
**
** A slice is read by the host's query engine through kv_rows, handed over
** as a pointer that SQL cannot forge: https://www.sqlite.org/bindptr.html
**
** Rows are merged before it is known whether their transaction is complete. If
** the log ends within one, its rows in the last slice are left out. Rows of
** earlier slices are deleted again, by their numbers. That happens only to a
** transaction larger than a slice whose end is in the file but does not verify.
*/
#include "cache.h"

#include <assert.h>

#include "db/error.h"
#include "db/run.h"

#include "slice.h"
#include "values.h"

typedef struct merge_run {
  kv_stmts *stmts;
  kv_reader *reader;
  kv_slice *slice;
  const char *device;
  int64_t arrived;
  int has_seen; /* seen rows are merged, too */
  int64_t n_slices;
  int64_t n_put;   /* rows that are where a sweep would have them, */
  int64_t n_front; /* those of them that are in front */
  int has_cut;     /* large values were kept whose rows were left out */
} merge_run;

/* Check whether the cache is empty. */
static int merge_is_first(kv_stmts *stmts, int *is_first) {
  kv_run any;

  kv_run_begin(&any, stmts, KV_SQL_CACHE_ANY);
  *is_first = !kv_run_row(&any);
  return kv_run_close(&any);
}

/* Merge one part of a slice. */
static int merge_part(merge_run *run, kv_slice_part part) {
  kv_run put;
  kv_rows *rows;

  if (kv_slice_count(run->slice, part) == 0) return SQLITE_OK;
  rows = kv_slice_start(run->slice, part);
  kv_run_begin(&put, run->stmts,
               part == KV_SLICE_SEEN ? KV_SQL_SEEN_MERGE : KV_SQL_CACHE_MERGE);
  kv_run_text(&put, run->device);
  if (part == KV_SLICE_KEYS) kv_run_int(&put, run->arrived);
  kv_run_pointer(&put, rows, KV_ROWS_POINTER);
  return kv_run_end(&put);
}

/*
** Merge a slice. Rows that go to the back need no sweep; neither do those in
** front, if the front was empty before.
*/
static int merge_slice(merge_run *run) {
  int n_keys = kv_slice_count(run->slice, KV_SLICE_KEYS);
  int n_seen = kv_slice_count(run->slice, KV_SLICE_SEEN);
  int is_first = 0;
  int rc = SQLITE_OK;

  if (run->n_slices++ == 0) rc = merge_is_first(run->stmts, &is_first);
  if (rc == SQLITE_OK) rc = merge_part(run, KV_SLICE_KEYS);
  if (rc == SQLITE_OK && run->has_seen) rc = merge_part(run, KV_SLICE_SEEN);
  run->n_put += n_seen + kv_slice_count_old(run->slice);
  if (is_first) {
    run->n_front = n_keys - kv_slice_count_old(run->slice);
    run->n_put += run->n_front;
  }
  return rc;
}

/* A statement about rows of the device after a number. */
static int merge_run_behind(const merge_run *run, kv_sql id, int64_t last) {
  kv_run behind;

  kv_run_begin(&behind, run->stmts, id);
  kv_run_text(&behind, run->device);
  kv_run_int(&behind, last);
  return kv_run_end(&behind);
}

/* Delete the rows of an incomplete transaction again. */
static int merge_undo(merge_run *run, int64_t last) {
  int rc = merge_run_behind(run, KV_SQL_OWN_DISCARD_CACHE, last);

  if (rc == SQLITE_OK) rc = kv_values_trim(run->stmts);
  if (rc == SQLITE_OK) rc = kv_stmt_exec(run->stmts, KV_SQL_CACHE_PROMOTE);
  if (rc == SQLITE_OK) {
    rc = merge_run_behind(run, KV_SQL_OWN_DISCARD_SEEN, last);
  }
  run->n_put = 0;
  return rc;
}

/* Record the arrival of the rows. */
static int merge_put_spans(const merge_run *run) {
  const kv_spans *spans = kv_reader_spans(run->reader);
  int rc = SQLITE_OK;
  int i;

  for (i = 0; i < spans->n && rc == SQLITE_OK; i++) {
    rc = kv_cache_put_arrival(run->stmts, run->arrived + i, run->device,
                              &spans->span[i]);
  }
  return rc;
}

/* Note for the next sweep how many rows it need not search for. */
static int merge_put_swept(const merge_run *run) {
  kv_run put;

  if (run->n_put == 0) return SQLITE_OK;
  kv_run_begin(&put, run->stmts, KV_SQL_META_PUT_SWEPT);
  kv_run_int(&put, run->n_put);
  kv_run_int(&put, run->n_front);
  return kv_run_end(&put);
}

/* A kv_slice_source. A large value is stored at once, if it is new. */
static int merge_next(void *from, const kv_row **row, int64_t *large) {
  merge_run *run = from;
  const char *reason;
  int found;
  int rc = kv_reader_next(run->reader, row, &reason);

  *large = 0;
  if (rc != SQLITE_ROW || !kv_values_is_for(&(*row)->value)) return rc;
  rc = kv_values_of_row(run->stmts, run->device, *row, &found, large);
  if (rc == SQLITE_OK && !found) {
    rc = kv_values_put(run->stmts, &(*row)->value, large);
  }
  return rc == SQLITE_OK ? SQLITE_ROW : rc;
}

/*
** Fill a slice. At a transaction whose end the file does not have, the rest is
** only verified, to find out why, and not merged.
*/
static int merge_fill(merge_run *run) {
  int is_torn = 0;
  int rc = kv_slice_fill(run->slice, merge_next, run);

  if (rc == SQLITE_ROW) {
    rc = kv_first_error(rc, kv_reader_is_torn(run->reader, &is_torn));
  }
  if (rc == SQLITE_ROW && is_torn) {
    rc = kv_reader_drain(run->reader);
    if (rc == SQLITE_OK) rc = SQLITE_DONE;
  }
  if (rc == SQLITE_DONE) {
    run->has_cut =
      kv_slice_cut(run->slice, kv_reader_stretch(run->reader)->end.seq);
  }
  return rc;
}

/* Merge all rows of a reader that was started. */
static int merge_rows(merge_run *run) {
  const kv_stretch *stretch = kv_reader_stretch(run->reader);
  int64_t merged = kv_reader_position(run->reader).seq;
  int rc = SQLITE_ROW;

  run->device = kv_reader_head(run->reader)->name;
  run->slice = kv_slice_new();
  if (!run->slice) return SQLITE_NOMEM;
  while (rc == SQLITE_ROW) {
    int64_t end;

    rc = merge_fill(run);
    end = kv_reader_position(run->reader).seq;
    if (rc == SQLITE_DONE) end = stretch->end.seq;
    if ((rc == SQLITE_ROW || rc == SQLITE_DONE) && end > merged) {
      rc = kv_first_error(rc, merge_slice(run));
      merged = end;
    }
  }
  kv_slice_free(run->slice);
  if (rc != SQLITE_DONE) return rc;

  rc =
    merged > stretch->end.seq ? merge_undo(run, stretch->end.seq) : SQLITE_OK;
  if (rc == SQLITE_OK && run->has_cut) rc = kv_values_trim(run->stmts);
  if (rc == SQLITE_OK) rc = merge_put_spans(run);
  return rc == SQLITE_OK ? merge_put_swept(run) : rc;
}

int kv_cache_merge_new(kv_stmts *stmts, kv_reader *reader, kv_position after,
                       int64_t clock_limit, sqlite3_stmt *poll, int64_t arrived,
                       kv_stretch *out) {
  merge_run run = {stmts, reader, NULL, NULL, arrived, 1, 0, 0, 0, 0};
  int rc;

  assert(!sqlite3_get_autocommit(stmts->db)); /* inside a savepoint */
  rc = kv_reader_start(reader, after, INT64_MAX);
  kv_reader_watch(reader, clock_limit, poll);
  if (rc == SQLITE_OK) rc = merge_rows(&run);
  kv_reader_watch(reader, clock_limit, NULL);
  *out = *kv_reader_stretch(reader);
  return rc;
}

int kv_cache_merge(kv_stmts *stmts, kv_reader *reader, kv_position after,
                   const kv_stretch *stretch, int64_t arrived) {
  merge_run run = {stmts, reader, NULL, NULL, arrived, stretch->n_seen > 0,
                   0,     0,      0,    0};
  kv_position end;
  kv_run poll;
  int rc = kv_reader_start(reader, after, stretch->end.seq);

  kv_run_begin(&poll, stmts, KV_SQL_POLL);
  if (rc == SQLITE_OK) rc = poll.rc;
  kv_reader_watch(reader, INT64_MAX, poll.stmt);
  if (rc == SQLITE_OK) rc = merge_rows(&run);
  kv_reader_watch(reader, INT64_MAX, NULL);
  kv_run_close(&poll);
  end = kv_reader_stretch(reader)->end;
  if (rc == SQLITE_OK &&
      (end.seq != stretch->end.seq || end.sum != stretch->end.sum)) {
    rc = SQLITE_CORRUPT_VTAB;
  }
  return rc;
}
