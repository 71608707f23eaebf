/*
** Reading kv: cursors. See kv_scan.h.
**
** A scan reads the cache in key order: the latest row of a key comes first, and
** the older ones are skipped. Backwards, the latest row comes last, so it is
** looked up. A range of time is read in the order of time instead; for each
** row, the scan checks that it is the latest of its key.
**
** A scan of keys and values only reads many rows at a time (kv_batch.h). It
** restarts at its current key, and reads one row at a time, in two cases: after
** a write, which it would not see; and at a large value, which it would copy
** once more.
**
** Where LIKE and GLOB match blobs, a prefix is two ranges of keys: the text
** that begins with it, and the blobs, which come after all text.
*/
#include "kv_scan.h"

#include <math.h>
#include <string.h>

#include "arguments.h"
#include "cache/values.h"
#include "core/names.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "kv_batch.h"
#include "replace/past.h"
#include "store/errors.h"
#include "store/numbers.h"
#include "store/transaction.h"
#include "store/write.h"
#include "sync/upkeep.h"
#include "time_range.h"

typedef struct scan_cursor {
  sqlite3_vtab_cursor base; /* base class: must be first */
  kv_store *store;          /* borrowed from the table */
  int plan;
  int64_t as_of;
  sqlite3_value *as_of_value; /* as it was given; NULL: not given */
  kv_run scan;                /* the running scan */
  kv_run point;               /* row of a point read, or of a key backwards */
  sqlite3_stmt *current;      /* the current row: of scan or point, */
  const kv_batch_row *row;    /* or one of the batch. Both NULL: the end */
  sqlite3_value *value;       /* its value; NULL: not known yet */
  kv_value large;             /* the same, if it is large and was asked for */
  kv_batch batch;             /* what the scan has read; its key in any case */
  int behind;                 /* result of the step that read the batch */
  int64_t n_writes;           /* of the store when the scan began */
  int64_t last_seq;           /* and the last own row */
  sqlite3_value *low;         /* the bounds; NULL where there is none */
  sqlite3_value *high;
  int is_blobs; /* they are bytes now */
  int is_more;  /* another stretch follows: the bytes, or backwards the text */
} scan_cursor;

int kv_scan_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  kv_table *table = (kv_table *)vtab;
  scan_cursor *cursor = (scan_cursor *)table->spare;

  table->spare = NULL;
  if (!cursor) {
    cursor = kv_zalloc(sizeof(*cursor));
    if (!cursor) return SQLITE_NOMEM;
    kv_batch_init(&cursor->batch);
  }
  cursor->store = table->store;
  *out = &cursor->base;
  return SQLITE_OK;
}

static void cursor_close_scan(scan_cursor *cursor) {
  if (cursor->scan.stmt) kv_store_leave_scan(cursor->store);
  kv_run_close(&cursor->scan);
  cursor->behind = SQLITE_OK;
}

/* Leave the current row. */
static void cursor_leave(scan_cursor *cursor) {
  if (cursor->large.type != KV_NULL) kv_value_free(&cursor->large);
  cursor->current = NULL;
  cursor->value = NULL;
}

static void cursor_free_bounds(scan_cursor *cursor) {
  sqlite3_value_free(cursor->low);
  sqlite3_value_free(cursor->high);
  cursor->low = NULL;
  cursor->high = NULL;
}

static void cursor_reset(scan_cursor *cursor) {
  cursor_leave(cursor);
  kv_run_close(&cursor->point);
  cursor_close_scan(cursor);
  sqlite3_value_free(cursor->as_of_value);
  cursor_free_bounds(cursor);
  kv_batch_reset(&cursor->batch);
  cursor->row = NULL;
  cursor->as_of_value = NULL;
}

static void cursor_free(scan_cursor *cursor) {
  if (cursor) kv_batch_clear(&cursor->batch);
  sqlite3_free(cursor);
}

int kv_scan_close(sqlite3_vtab_cursor *base) {
  kv_table *table = (kv_table *)base->pVtab;

  cursor_reset((scan_cursor *)base);
  cursor_free((scan_cursor *)table->spare);
  table->spare = base;
  return SQLITE_OK;
}

void kv_scan_clear(kv_table *table) {
  cursor_free((scan_cursor *)table->spare);
  table->spare = NULL;
}

static int cursor_fail(scan_cursor *cursor, int rc) {
  return kv_store_error(cursor->store, &cursor->base.pVtab->zErrMsg, rc,
                        "cannot read");
}

/*
** The statement that finds a key. For text and blobs it need not read the key,
** unless a write may follow, which needs the whole row.
*/
static kv_sql cursor_point_text(const scan_cursor *cursor,
                                const kv_value *key) {
  if (cursor->plan & KV_PLAN_AS_OF) return KV_SQL_CACHE_ROW;
  return cursor->plan & KV_PLAN_VALUE && key->type >= KV_TEXT &&
             !kv_transaction_is_open(cursor->store)
           ? KV_SQL_CACHE_VALUE
           : KV_SQL_CACHE_LATEST;
}

/* Where a large value goes; NULL: the query does not need it. */
static kv_value *cursor_large(scan_cursor *cursor) {
  return cursor->plan & KV_PLAN_KEYS ? NULL : &cursor->large;
}

/* Make the row of a key the current one, if it exists. */
static int cursor_find(scan_cursor *cursor, const kv_value *key) {
  int rc;

  kv_run_close(&cursor->point);
  rc = kv_cache_get(&cursor->point, &cursor->store->stmts,
                    cursor_point_text(cursor, key), key, cursor->as_of,
                    cursor_large(cursor), &cursor->value);
  cursor->current = cursor->point.stmt;
  return rc;
}

/*
** Check that a key existed when the scan began. If a function or a program has
** written it since, it is not part of the scan. Otherwise a scan that writes a
** later key for each one that it reads would never end.
*/
static int cursor_is_old(scan_cursor *cursor, const kv_value *key,
                         int *is_old) {
  kv_store *store = cursor->store;
  kv_run run;

  *is_old = 1;
  if (kv_transaction_n_writes(store) == cursor->n_writes) return SQLITE_OK;
  kv_run_begin(&run, &store->stmts, KV_SQL_KEY_IS_OLD);
  kv_run_value(&run, key);
  kv_run_text(&run, store->device);
  kv_run_int(&run, cursor->last_seq);
  *is_old = kv_run_row(&run);
  return kv_run_close(&run);
}

/* Make the row of the scan the current one, unless it is a deletion. */
static int cursor_show(scan_cursor *cursor) {
  int rc = kv_cache_value(&cursor->store->stmts, cursor->scan.stmt,
                          cursor_large(cursor), &cursor->value);

  if (rc == SQLITE_OK && cursor->value) cursor->current = cursor->scan.stmt;
  return rc;
}

/* The scan came to a new key: make its latest row the current one. */
static int cursor_enter_key(scan_cursor *cursor, const kv_value *key) {
  int is_old = 1;
  int rc = kv_batch_enter(&cursor->batch, key);

  if (rc == SQLITE_OK) rc = cursor_is_old(cursor, cursor->batch.last, &is_old);
  if (rc != SQLITE_OK || !is_old) return rc;
  if (!(cursor->plan & KV_PLAN_DESC)) return cursor_show(cursor);
  return cursor_find(cursor, cursor->batch.last);
}

/* True if the scan reads many rows at a time. */
static int cursor_is_many(const scan_cursor *cursor) {
  return cursor->plan & KV_PLAN_VALUE && !(cursor->plan & KV_PLAN_DESC);
}

static void cursor_bind_bound(scan_cursor *cursor, sqlite3_value *bound) {
  kv_run *scan = &cursor->scan;
  const void *bytes;

  if (!cursor->is_blobs) {
    kv_run_sqlite(scan, bound);
  } else if (scan->rc == SQLITE_OK) {
    bytes = sqlite3_value_blob(bound); /* first: then these are counted */
    scan->rc = sqlite3_bind_blob(scan->stmt, ++scan->n_bound, bytes,
                                 sqlite3_value_bytes(bound), SQLITE_TRANSIENT);
  }
}

/* Take the statement of a scan. */
static void cursor_begin_scan(scan_cursor *cursor, kv_sql id) {
  kv_run_begin(&cursor->scan, &cursor->store->stmts, id);
  if (cursor->scan.stmt) kv_store_enter_scan(cursor->store);
}

/* Get the statement of a scan and bind its bounds. */
static int cursor_open_scan(scan_cursor *cursor) {
  static const kv_value lowest = {KV_REAL, 0, -INFINITY, NULL, 0};
  kv_run *scan = &cursor->scan;

  cursor_begin_scan(cursor, kv_plan_text(cursor->plan, cursor->high != NULL));
  if (cursor->low) cursor_bind_bound(cursor, cursor->low);
  if (!cursor->low) kv_run_value(scan, &lowest);
  if (cursor->high) cursor_bind_bound(cursor, cursor->high);
  if (cursor->plan & KV_PLAN_AS_OF) kv_run_int(scan, cursor->as_of);
  if (cursor_is_many(cursor)) {
    kv_run_pointer(scan, &cursor->batch, KV_BATCH_POINTER);
  }
  return scan->rc;
}

/* Restart after the current key, and read one row at a time. */
static int cursor_go_single(scan_cursor *cursor) {
  int rc = SQLITE_OK;

  if (cursor->row) rc = kv_batch_enter(&cursor->batch, &cursor->row->key);
  if (rc == SQLITE_OK) rc = kv_batch_refill(&cursor->batch);
  if (rc != SQLITE_OK) return rc;
  cursor_close_scan(cursor);
  cursor->plan &= ~KV_PLAN_VALUE;
  rc = cursor_open_scan(cursor);
  if (rc != SQLITE_OK) return rc;
  return kv_value_bind_copy(cursor->scan.stmt, 1, cursor->batch.last);
}

/* Before the next step of a scan that reads many rows at a time. */
static int cursor_choose(scan_cursor *cursor) {
  int is_stale = kv_transaction_n_writes(cursor->store) != cursor->n_writes;

  if (is_stale || cursor->batch.is_large) return cursor_go_single(cursor);
  return kv_batch_refill(&cursor->batch);
}

/* Step the scan. The rows of a batch come before the row of the step. */
static int cursor_step(scan_cursor *cursor) {
  int rc = cursor->behind;

  if (rc == SQLITE_OK) rc = sqlite3_step(cursor->scan.stmt);
  cursor->behind = SQLITE_OK;
  if (cursor->batch.n_rows > 0 && (rc == SQLITE_ROW || rc == SQLITE_DONE)) {
    cursor->behind = rc;
    cursor->row = kv_batch_next(&cursor->batch);
    rc = SQLITE_ROW;
  }
  return rc;
}

/* Continue with the other range. */
static int cursor_go_on(scan_cursor *cursor) {
  cursor_close_scan(cursor);
  cursor->is_more = 0;
  cursor->is_blobs = !cursor->is_blobs;
  return cursor_open_scan(cursor);
}

/* Find the next key that exists. */
static int cursor_advance(scan_cursor *cursor) {
  int rc = cursor_is_many(cursor) ? cursor_choose(cursor) : SQLITE_OK;

  cursor->row = NULL;
  while (rc == SQLITE_OK && !cursor->current) {
    kv_value key;

    rc = cursor_step(cursor);
    if (rc == SQLITE_DONE && cursor->is_more) {
      rc = cursor_go_on(cursor);
      continue;
    }
    if (rc == SQLITE_DONE || cursor->row) return SQLITE_OK;
    if (rc != SQLITE_ROW) break;
    if (cursor->plan & KV_PLAN_TIME) return cursor_show(cursor);
    rc = kv_value_of_column(cursor->scan.stmt, KV_COLUMN_KEY, &key);
    if (rc == SQLITE_OK && !kv_batch_leaves_out(&cursor->batch, &key)) {
      rc = cursor_enter_key(cursor, &key);
    }
  }
  return rc;
}

int kv_scan_next(sqlite3_vtab_cursor *base) {
  scan_cursor *cursor = (scan_cursor *)base;

  if (cursor->row &&
      kv_transaction_n_writes(cursor->store) == cursor->n_writes) {
    cursor->row = kv_batch_next(&cursor->batch);
    if (cursor->row) return SQLITE_OK;
  }
  cursor_leave(cursor);
  if (cursor->plan & KV_PLAN_POINT) return SQLITE_OK;
  return cursor_fail(cursor, cursor_advance(cursor));
}

static int cursor_point(scan_cursor *cursor, sqlite3_value *value) {
  kv_store *store = cursor->store;
  kv_value key;
  int rc = kv_value_peek(value, &key);

  if (rc == SQLITE_OK && key.type == KV_NULL) return SQLITE_OK;
  if (rc == SQLITE_OK && kv_write_is_late(store, &key)) {
    rc = kv_write_flush(store, &cursor->base.pVtab->zErrMsg);
  }
  if (rc == SQLITE_OK) rc = kv_batch_enter(&cursor->batch, &key);
  if (rc == SQLITE_OK) rc = cursor_find(cursor, cursor->batch.last);
  if (rc == SQLITE_OK && cursor->point.stmt &&
      cursor->point.id == KV_SQL_CACHE_LATEST) {
    kv_write_note_read(store, cursor->batch.last, cursor->point.stmt);
  }
  return cursor_fail(cursor, rc);
}

/* Exclude a bound: as if the scan had passed it, or ended before it. */
static int cursor_leave_out(scan_cursor *cursor, sqlite3_value *bound,
                            int is_first) {
  kv_value key;
  int rc = kv_value_of(bound, &key);

  if (rc == SQLITE_OK && is_first) return kv_batch_enter(&cursor->batch, &key);
  cursor->batch.skip = key;
  return rc;
}

/* Start a scan between its bounds. */
static int cursor_start(scan_cursor *cursor) {
  int is_desc = cursor->plan & KV_PLAN_DESC;
  int rc = SQLITE_OK;

  cursor->is_more = (cursor->plan & KV_PLAN_BLOBS) != 0;
  cursor->is_blobs = cursor->is_more && is_desc;
  if (cursor->low && (cursor->plan & KV_PLAN_LOW_STRICT)) {
    rc = cursor_leave_out(cursor, cursor->low, !is_desc);
  }
  if (rc == SQLITE_OK && cursor->high && (cursor->plan & KV_PLAN_HIGH_STRICT)) {
    rc = cursor_leave_out(cursor, cursor->high, is_desc);
  }
  if (rc == SQLITE_OK && cursor_is_many(cursor)) {
    rc = kv_batch_begin(&cursor->batch);
    cursor->batch.is_keys = (cursor->plan & KV_PLAN_KEYS) != 0;
  }
  if (rc == SQLITE_OK) rc = cursor_open_scan(cursor);
  if (rc != SQLITE_OK) return cursor_fail(cursor, rc);
  return kv_scan_next(&cursor->base);
}

/*
** Restart from the beginning, and read one row at a time: the statement sorts
** its rows, so the batch did not get them in order. (With PRAGMA
** legacy_file_format the primary key cannot be descending.)
*/
static int cursor_start_sorted(scan_cursor *cursor) {
  cursor_close_scan(cursor);
  kv_batch_reset(&cursor->batch);
  cursor->row = NULL;
  cursor_leave(cursor);
  cursor->plan &= ~KV_PLAN_VALUE;
  return cursor_start(cursor);
}

/*
** Keep the bounds of a scan, each NULL if it has none. They are copied before
** anything reads their text, because reading can change their bytes.
*/
static int cursor_keep_bounds(scan_cursor *cursor, sqlite3_value **argv) {
  int plan = cursor->plan;
  sqlite3_value *pattern = plan & KV_PLAN_LIKE ? *argv++ : NULL;
  sqlite3_value *low = plan & (KV_PLAN_LOW | KV_PLAN_LIKE) ? *argv++ : NULL;
  sqlite3_value *high = plan & (KV_PLAN_HIGH | KV_PLAN_LIKE) ? *argv++ : NULL;

  cursor->low = sqlite3_value_dup(low);
  cursor->high = sqlite3_value_dup(high);
  if ((low && !cursor->low) || (high && !cursor->high)) return SQLITE_NOMEM;
  if (plan & (KV_PLAN_LIKE | KV_PLAN_BLOBS)) {
    kv_plan_prefix prefix = kv_plan_find_prefix(pattern, low, high);

    if (prefix != KV_PREFIX_ASCII) cursor->plan &= ~KV_PLAN_BLOBS;
    if (prefix == KV_PREFIX_NONE && pattern) cursor_free_bounds(cursor);
    if (prefix == KV_PREFIX_OTHER) { /* all blobs, after the text */
      sqlite3_value_free(cursor->high);
      cursor->high = NULL;
    }
  }
  return SQLITE_OK;
}

static int bound_is_null(sqlite3_value *bound) {
  return bound && sqlite3_value_type(bound) == SQLITE_NULL;
}

/* Scan between two bounds. */
static int cursor_scan(scan_cursor *cursor, sqlite3_value **argv) {
  int rc = kv_numbers_last_seq(cursor->store, &cursor->last_seq);

  cursor->n_writes = kv_transaction_n_writes(cursor->store);
  if (rc == SQLITE_OK) rc = cursor_keep_bounds(cursor, argv);
  if (rc != SQLITE_OK) return cursor_fail(cursor, rc);
  if (bound_is_null(cursor->low) || bound_is_null(cursor->high)) {
    return SQLITE_OK;
  }
  rc = cursor_start(cursor);
  if (rc != SQLITE_OK || !cursor_is_many(cursor)) return rc;
  return sqlite3_stmt_status(cursor->scan.stmt, SQLITE_STMTSTATUS_SORT, 1)
           ? cursor_start_sorted(cursor)
           : rc;
}

/* Start to read a range of time. */
static int cursor_scan_time(scan_cursor *cursor, sqlite3_value **argv) {
  kv_run *scan = &cursor->scan;
  int64_t first;
  int64_t last;
  int rc = kv_numbers_last_seq(cursor->store, &cursor->last_seq);

  kv_upkeep_want_index(cursor->store);
  kv_time_range_read(cursor->plan, argv, &first, &last);
  if (rc != SQLITE_OK) return cursor_fail(cursor, rc);
  cursor_begin_scan(cursor, cursor->plan & KV_PLAN_DESC ? KV_SQL_SCAN_TIME_DESC
                                                        : KV_SQL_SCAN_TIME);
  kv_run_int(scan, first);
  kv_run_int(scan, last);
  kv_run_text(scan, cursor->store->device);
  kv_run_int(scan, cursor->last_seq);
  if (scan->rc != SQLITE_OK) return cursor_fail(cursor, scan->rc);
  return kv_scan_next(&cursor->base);
}

int kv_scan_filter(sqlite3_vtab_cursor *base, int plan, const char *unused,
                   int argc, sqlite3_value **argv) {
  scan_cursor *cursor = (scan_cursor *)base;
  int rc;

  (void)unused;
  (void)argc;
  cursor_reset(cursor);
  rc = kv_transaction_tell(cursor->store, &base->pVtab->zErrMsg);
  if (rc != SQLITE_OK) return rc;
  kv_write_begin(cursor->store);
  cursor->plan = plan;
  cursor->as_of = INT64_MAX;
  if (plan & KV_PLAN_AS_OF) {
    cursor->as_of_value = sqlite3_value_dup(argv[0]);
    if (!cursor->as_of_value) return SQLITE_NOMEM;
    if (sqlite3_value_type(argv[0]) != SQLITE_NULL) {
      rc = kv_argument_time(argv[0], kv_store_now(cursor->store),
                            &cursor->as_of, &base->pVtab->zErrMsg);
      if (rc == SQLITE_OK) {
        rc = kv_past_check(&cursor->store->stmts, cursor->as_of,
                           &base->pVtab->zErrMsg);
        kv_store_error(cursor->store, &base->pVtab->zErrMsg, rc, "cannot read");
      }
      if (rc != SQLITE_OK) return rc;
    }
    argv++;
  }
  rc = kv_store_refuse_newer(cursor->store, &base->pVtab->zErrMsg);
  if (rc != SQLITE_OK) return rc;
  if (plan & KV_PLAN_POINT) return cursor_point(cursor, argv[0]);
  rc = kv_write_flush(cursor->store, &base->pVtab->zErrMsg);
  if (rc != SQLITE_OK) return rc;
  if (plan & KV_PLAN_TIME) return cursor_scan_time(cursor, argv);
  return cursor_scan(cursor, argv);
}

int kv_scan_eof(sqlite3_vtab_cursor *base) {
  const scan_cursor *cursor = (scan_cursor *)base;

  return !cursor->current && !cursor->row;
}

/*
** True if the key that was searched or scanned is the key to show. A number may
** be stored differently than it was searched (1, 1.0).
*/
static int cursor_has_key(const scan_cursor *cursor) {
  int type = cursor->batch.last->type;

  return type >= KV_TEXT ||
         (type != KV_NULL && cursor->current == cursor->scan.stmt);
}

/* Return a large value. The second time, it is read again. */
static int cursor_give_large(scan_cursor *cursor, sqlite3_context *ctx) {
  int64_t first = sqlite3_column_int64(cursor->current, KV_COLUMN_LARGE);
  int rc = SQLITE_OK;

  if (!cursor->large.z) {
    rc = kv_values_read(&cursor->store->stmts, first, &cursor->large);
  }
  if (rc != SQLITE_OK) return cursor_fail(cursor, rc);
  kv_value_give(ctx, &cursor->large);
  return SQLITE_OK;
}

int kv_scan_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                   int column) {
  static const int from[] = {
    KV_COLUMN_KEY,    KV_COLUMN_VALUE,    -1, KV_COLUMN_TS, KV_COLUMN_TS,
    KV_COLUMN_DEVICE, KV_COLUMN_PARENT_TS};
  scan_cursor *cursor = (scan_cursor *)base;
  char time[KV_TIME_SIZE];

  if (cursor->row && column <= KV_TABLE_VALUE) {
    kv_value_result_terminated(
      ctx, column == KV_TABLE_KEY ? &cursor->row->key : &cursor->row->value);
    return SQLITE_OK;
  }
  if (column == KV_TABLE_AS_OF) {
    /* Always set: an UPDATE of the past is recognized by it. */
    if (cursor->as_of_value) sqlite3_result_value(ctx, cursor->as_of_value);
    return SQLITE_OK;
  }
  if (column > KV_TABLE_AS_OF && sqlite3_vtab_nochange(ctx)) return SQLITE_OK;
  if (column == KV_TABLE_VALUE && cursor->large.type != KV_NULL) {
    return cursor_give_large(cursor, ctx);
  }
  if (column == KV_TABLE_TIME) {
    kv_time_format(sqlite3_column_int64(cursor->current, KV_COLUMN_TS), time);
    sqlite3_result_text(ctx, time, -1, SQLITE_TRANSIENT);
  } else if (column == KV_TABLE_KEY && cursor_has_key(cursor)) {
    kv_value_result_terminated(ctx, cursor->batch.last);
  } else if (column == KV_TABLE_VALUE && cursor->value) {
    return kv_value_result_value(ctx, cursor->value);
  } else {
    return kv_value_result_column(ctx, cursor->current, from[column]);
  }
  return SQLITE_OK;
}

/* WITHOUT ROWID tables have none. */
int kv_scan_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  (void)base;
  *out = 0;
  return SQLITE_OK;
}
