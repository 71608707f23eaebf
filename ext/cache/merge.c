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
#include <string.h>

#include "contest/contest.h"
#include "db/error.h"
#include "db/run.h"

#include "rows/slice.h"
#include "values.h"

/* With fewer rows in a slice, each key is judged. */
#define MERGE_FEW 64

/* Which rows of a slice are judged. */
typedef enum merge_judge {
  MERGE_JUDGE_NONE,
  MERGE_JUDGE_TYPED, /* those of other buckets, which no sweep reads */
  MERGE_JUDGE_ALL
} merge_judge;

typedef struct merge_run {
  kv_stmts *stmts;
  kv_reader *reader;
  kv_slice *slice;
  const char *device;
  int64_t arrived;
  int has_seen; /* seen rows are merged, too */
  int64_t n_slices;
  int64_t n_put;    /* rows that are where a sweep would have them, */
  int64_t n_front;  /* those of them that are in front */
  int has_cut;      /* large values were kept whose rows were left out */
  int is_again;     /* the cache may have rows of it, */
  int64_t merged;   /* all up to this number, unless they are late: */
  int64_t n_new;    /* rows behind that, */
  int64_t n_added;  /* and all rows that came */
  kv_meta meta;     /* as it was */
  int64_t n_before; /* rows of all logs then; -1: unknown */
  int64_t first;    /* the first number of a key's row of the slice; 0: none */
  int64_t n_read;   /* rows so far */
  merge_judge judge;
  kv_contest contest;
} merge_run;

/* A slice on its way into the cache. */
typedef struct merge_rows {
  kv_rows base; /* base class: must be first */
  merge_run *run;
  kv_value device;
  int rc;
} merge_rows;

/* Check whether the cache is empty. */
static int merge_is_first(kv_stmts *stmts, int *is_first) {
  kv_run any;

  kv_run_begin(&any, stmts, KV_SQL_CACHE_ANY);
  *is_first = !kv_run_row(&any);
  return kv_run_close(&any);
}

/* True if a sweep will come, which judges the rows. */
static int merge_is_sweep_due(merge_run *run, int *is_due) {
  kv_meta meta = run->meta;
  int rc = SQLITE_OK;

  if (run->n_before < 0) rc = kv_cache_rows(run->stmts, &run->n_before);
  meta.n_front += run->n_front;
  *is_due = kv_cache_is_sweep_due(
    &meta, kv_cache_unswept(&meta, run->n_before) + run->n_read - run->n_put);
  return rc;
}

/*
** Decide which rows of a slice are judged as they are merged. A writer who had
** merged all other logs has overwritten nothing unseen. After a replacement all
** rows are judged.
*/
static int merge_choose(merge_run *run) {
  int is_apart = 1;
  int is_due = 0;
  int rc = SQLITE_OK;

  run->judge = MERGE_JUDGE_NONE;
  if (run->meta.judged == KV_JUDGED_NONE || run->first == 0 || run->is_again) {
    return SQLITE_OK;
  }
  run->judge = MERGE_JUDGE_ALL;
  if (kv_slice_count(run->slice, KV_SLICE_KEYS) < MERGE_FEW) return SQLITE_OK;
  rc = kv_contest_is_apart(run->stmts, run->device, run->first, &is_apart);
  if (rc == SQLITE_OK && is_apart) rc = merge_is_sweep_due(run, &is_due);
  if (!is_apart) run->judge = MERGE_JUDGE_NONE;
  if (rc == SQLITE_OK && is_due) {
    run->judge = MERGE_JUDGE_TYPED;
    if (run->meta.judged == KV_JUDGED_ALL) {
      rc = kv_contest_note(run->stmts, KV_JUDGED_BACK);
      run->meta.judged = KV_JUDGED_BACK;
    }
  }
  return rc;
}

/*
** The next row of the slice. Its key is judged just before the row goes into the
** cache, when it is about to be looked for there anyway.
*/
static const kv_rows_row *merge_row(kv_rows *base) {
  merge_rows *rows = (merge_rows *)base;
  merge_run *run = rows->run;
  const kv_rows_row *row = kv_slice_next(run->slice);
  int is_typed = row && row->row.bucket.n > 0;

  if (!row ||
      (run->judge == MERGE_JUDGE_ALL ? row->is_old && !is_typed : !is_typed)) {
    return row;
  }
  rows->rc = kv_contest_merge(&run->contest, &rows->device, &row->row);
  return rows->rc == SQLITE_OK ? row : NULL;
}

/* Merge the rows of keys of a slice. */
static int merge_keys(merge_run *run) {
  merge_rows rows = {{merge_row}, run, {KV_TEXT, 0, 0, NULL, 0}, SQLITE_OK};
  kv_rows *slice = kv_slice_start(run->slice, KV_SLICE_KEYS);
  kv_run put;
  int rc;

  if (kv_slice_count(run->slice, KV_SLICE_KEYS) == 0) return SQLITE_OK;
  rows.device.z = run->device;
  rows.device.n = strlen(run->device);
  kv_run_begin(&put, run->stmts,
               run->is_again ? KV_SQL_CACHE_MERGE_MISSING : KV_SQL_CACHE_MERGE);
  kv_run_text(&put, run->device);
  kv_run_int(&put, run->arrived);
  kv_run_pointer(&put, run->judge == MERGE_JUDGE_NONE ? slice : &rows.base,
                 KV_ROWS_POINTER);
  rc = kv_run_end(&put);
  run->n_added += sqlite3_changes(run->stmts->db);
  if (rc == SQLITE_OK) rc = rows.rc;
  return rc == SQLITE_OK ? kv_contest_put(&run->contest) : rc;
}

/* Merge the seen rows of a slice. */
static int merge_seen(merge_run *run) {
  kv_run put;
  kv_rows *rows;

  if (kv_slice_count(run->slice, KV_SLICE_SEEN) == 0) return SQLITE_OK;
  rows = kv_slice_start(run->slice, KV_SLICE_SEEN);
  kv_run_begin(&put, run->stmts, KV_SQL_SEEN_MERGE);
  kv_run_text(&put, run->device);
  kv_run_pointer(&put, rows, KV_ROWS_POINTER);
  return kv_run_end(&put);
}

/*
** Merge a slice. Rows that go to the back need no sweep; neither do those in
** front, if the front was empty before. Seen rows come first: they tell what the
** writer of the others had seen.
*/
static int merge_slice(merge_run *run) {
  int n_keys = kv_slice_count(run->slice, KV_SLICE_KEYS);
  int n_seen = kv_slice_count(run->slice, KV_SLICE_SEEN);
  int is_first = 0;
  int rc = SQLITE_OK;

  if (run->n_slices++ == 0) rc = merge_is_first(run->stmts, &is_first);
  run->n_read += n_keys + n_seen;
  if (rc == SQLITE_OK) rc = merge_choose(run);
  if (rc == SQLITE_OK && run->has_seen) rc = merge_seen(run);
  if (rc == SQLITE_OK) rc = merge_keys(run);
  if (run->is_again) return rc;
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

/* Record the arrival of the rows: of those that came, if none is late. */
static int merge_put_spans(const merge_run *run) {
  const kv_spans *spans = kv_reader_spans(run->reader);
  int64_t merged = run->n_added == run->n_new ? run->merged : 0;
  int n = 0;
  int rc = SQLITE_OK;
  int i;

  for (i = 0; i < spans->n && rc == SQLITE_OK; i++) {
    kv_span span = spans->span[i];

    if (span.last_seq <= merged) continue;
    if (span.first_seq <= merged) span.first_seq = merged + 1;
    rc =
      kv_cache_put_arrival(run->stmts, run->arrived + n++, run->device, &span);
  }
  if (rc == SQLITE_OK && n > 0) {
    rc = kv_cache_note_merge(run->stmts, run->arrived);
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
static int merge_next(void *from, kv_rows_row *out) {
  merge_run *run = from;
  const char *reason;
  const kv_row *row;
  int found;
  int rc = kv_reader_next(run->reader, &row, &reason);

  if (rc != SQLITE_ROW) return rc;
  if (run->first == 0 && row->op < KV_OP_SEEN) run->first = row->seq;
  out->row = *row;
  out->large = 0;
  if (row->op < KV_OP_SEEN && row->seq > run->merged) run->n_new++;
  if (!kv_values_is_for(&row->value)) return rc;
  rc = kv_values_of_row(run->stmts, run->device, row, &found, &out->large);
  if (rc == SQLITE_OK && !found) {
    rc = kv_values_put(run->stmts, &row->value, &out->large);
  }
  return rc == SQLITE_OK ? SQLITE_ROW : rc;
}

/*
** Fill a slice. At a transaction whose end the file does not have, the rest is
** only verified, to find out why, and not merged.
*/
static int merge_fill(merge_run *run) {
  int is_torn = 0;
  int rc;

  run->first = 0;
  rc = kv_slice_fill(run->slice, merge_next, run);

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
static int merge_slices(merge_run *run) {
  const kv_stretch *stretch = kv_reader_stretch(run->reader);
  int64_t merged = kv_reader_position(run->reader).seq;
  int is_usable = 0;
  int rc = kv_cache_check(run->stmts, &is_usable, &run->meta);

  if (rc != SQLITE_OK) return rc;
  rc = SQLITE_ROW;
  run->n_before = -1;
  kv_contest_begin(&run->contest, run->stmts);
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
  kv_contest_clear(&run->contest);
  if (rc != SQLITE_DONE) return rc;

  rc =
    merged > stretch->end.seq ? merge_undo(run, stretch->end.seq) : SQLITE_OK;
  if (rc == SQLITE_OK && run->has_cut) rc = kv_values_trim(run->stmts);
  if (rc == SQLITE_OK) rc = merge_put_spans(run);
  return rc == SQLITE_OK ? merge_put_swept(run) : rc;
}

/* Merge what is behind a position, as far as it verifies. */
static int merge_verified(merge_run *run, kv_position after,
                          int64_t clock_limit, sqlite3_stmt *poll,
                          kv_stretch *out) {
  int rc = kv_reader_start(run->reader, after, INT64_MAX);

  kv_reader_watch(run->reader, clock_limit, poll);
  if (rc == SQLITE_OK) rc = merge_slices(run);
  kv_reader_watch(run->reader, clock_limit, NULL);
  *out = *kv_reader_stretch(run->reader);
  return rc;
}

int kv_cache_merge_new(kv_stmts *stmts, kv_reader *reader, kv_position after,
                       int64_t clock_limit, sqlite3_stmt *poll, int64_t arrived,
                       kv_stretch *out) {
  merge_run run = {
    .stmts = stmts, .reader = reader, .arrived = arrived, .has_seen = 1};

  assert(!sqlite3_get_autocommit(stmts->db)); /* inside a savepoint */
  return merge_verified(&run, after, clock_limit, poll, out);
}

int kv_cache_merge_missing(kv_stmts *stmts, kv_reader *reader, int64_t merged,
                           int64_t clock_limit, sqlite3_stmt *poll,
                           int64_t arrived, int64_t *n_added, int *is_late,
                           kv_stretch *out) {
  merge_run run = {.stmts = stmts,
                   .reader = reader,
                   .arrived = arrived,
                   .has_seen = 1,
                   .is_again = 1,
                   .merged = merged};
  int rc = merge_verified(&run, kv_log_start(kv_reader_head(reader)),
                          clock_limit, poll, out);

  *n_added = run.n_added;
  *is_late = run.n_added != run.n_new;
  return rc;
}

int kv_cache_merge(kv_stmts *stmts, kv_reader *reader, kv_position after,
                   const kv_stretch *stretch, int64_t arrived) {
  merge_run run = {.stmts = stmts,
                   .reader = reader,
                   .arrived = arrived,
                   .has_seen = stretch->n_seen > 0};
  kv_position end;
  kv_run poll;
  int rc = kv_reader_start(reader, after, stretch->end.seq);

  kv_run_begin(&poll, stmts, KV_SQL_POLL);
  if (rc == SQLITE_OK) rc = poll.rc;
  kv_reader_watch(reader, INT64_MAX, poll.stmt);
  if (rc == SQLITE_OK) rc = merge_slices(&run);
  kv_reader_watch(reader, INT64_MAX, NULL);
  kv_run_close(&poll);
  end = kv_reader_stretch(reader)->end;
  if (rc == SQLITE_OK &&
      (end.seq != stretch->end.seq || end.sum != stretch->end.sum)) {
    rc = SQLITE_CORRUPT_VTAB;
  }
  return rc;
}
