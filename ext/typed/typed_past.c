/*
** A typed table as it was. See typed_past.h.
**
** One statement reads all rows in the order of keys. A key ends where another one
** begins, so the statement is one row ahead.
*/
#include "typed_past.h"

#include <math.h>
#include <string.h>

#include "connection/registry.h"
#include "core/order.h"
#include "db/error.h"
#include "db/value.h"
#include "store/numbers.h"
#include "tables/lens.h"

/* Columns of past_rows. */
enum { PAST_KEY, PAST_ROW };

int kv_typed_past_open(kv_typed *typed, kv_store *store, kv_typed_past **out) {
  kv_typed_past *past = kv_zalloc(sizeof(*past));
  size_t n = (size_t)typed->declared.n_columns;

  *out = past;
  if (!past) {
    kv_store_close(store);
    return SQLITE_NOMEM;
  }
  past->typed = typed;
  past->store = store;
  kv_folded_init(&past->folded);
  kv_store_enter_scan(store);
  past->bucket = kv_strdup(typed->meta.bucket);
  past->values = kv_zalloc(n * sizeof(*past->values));
  past->is_eof = 1;
  return past->bucket && past->values ? SQLITE_OK : SQLITE_NOMEM;
}

void kv_typed_past_close(kv_typed_past *past) {
  if (!past) return;
  kv_run_close(&past->rows);
  kv_folded_clear(&past->folded);
  kv_value_free(&past->low);
  kv_value_free(&past->high);
  kv_value_free(&past->key);
  kv_store_leave_scan(past->store);
  kv_store_close(past->store);
  sqlite3_free(past->bucket);
  sqlite3_free(past->values);
  sqlite3_free(past);
}

/* Make a copy the bound. */
static int past_bound(kv_value *bound, const kv_value *value) {
  kv_value copy = {0};
  int rc = kv_value_copy(value, &copy);

  if (rc != SQLITE_OK) return rc;
  kv_value_free(bound);
  *bound = copy;
  return SQLITE_OK;
}

int kv_typed_past_low(kv_typed_past *past, const kv_value *low) {
  if (past->low.type != KV_NULL && kv_order_keys(low, &past->low) <= 0) {
    return SQLITE_OK;
  }
  return past_bound(&past->low, low);
}

int kv_typed_past_high(kv_typed_past *past, const kv_value *high) {
  if (past->high.type != KV_NULL && kv_order_keys(high, &past->high) >= 0) {
    return SQLITE_OK;
  }
  return past_bound(&past->high, high);
}

/* Fold the rows of the key that the statement is on, and go on to the next one. */
static int past_fold(kv_typed_past *past) {
  kv_value key;
  int rc = kv_folded_start(&past->folded);

  kv_value_free(&past->key);
  kv_run_column(&past->rows, PAST_KEY, &key);
  if (rc == SQLITE_OK) rc = past->rows.rc;
  if (rc == SQLITE_OK) rc = kv_value_copy(&key, &past->key);
  while (rc == SQLITE_OK && past->is_row) {
    rc = kv_folded_add(&past->folded, &past->rows, PAST_ROW);
    if (rc != SQLITE_OK) break;
    past->is_row = kv_run_row(&past->rows);
    rc = past->rows.rc;
    if (!past->is_row) break;
    kv_run_column(&past->rows, PAST_KEY, &key);
    if (past->rows.rc != SQLITE_OK) return past->rows.rc;
    if (kv_order_keys(&key, &past->key) != 0) break;
  }
  if (rc != SQLITE_OK) return rc;
  return kv_fold_run(&past->folded.fold, past->typed->declared.deletes);
}

/* Is the row that was folded one that the table shows? */
static int past_show(kv_typed_past *past, int *is_shown) {
  kv_lens_why why;
  int has_key;
  int rc;

  *is_shown = 0;
  if (!past->folded.fold.exists) return SQLITE_OK;
  rc = kv_lens_row(past->typed, &past->folded.fold, &past->key, past->values,
                   &has_key, &why);
  sqlite3_free(why.detail);
  if (rc != SQLITE_OK || why.rule) return rc;
  return kv_lens_check(past->typed, past->values, is_shown);
}

int kv_typed_past_next(kv_typed_past *past) {
  int is_shown = 0;
  int rc = past->rows.rc;

  while (rc == SQLITE_OK && past->is_row && !is_shown) {
    rc = past_fold(past);
    if (rc == SQLITE_OK) rc = past_show(past, &is_shown);
  }
  past->is_eof = !is_shown;
  return rc;
}

int kv_typed_past_begin(kv_typed_past *past, int64_t as_of) {
  static const kv_value lowest = {KV_REAL, 0, -INFINITY, NULL, 0};
  kv_run *rows = &past->rows;
  int has_low = past->low.type != KV_NULL;
  int has_high = past->high.type != KV_NULL;
  int64_t until = 0; /* the last own row when the scan begins */
  int rc = kv_folded_begin(&past->folded, past->store);

  if (rc == SQLITE_OK) rc = kv_numbers_last_seq(past->store, &until);
  if (rc != SQLITE_OK) return rc;
  kv_run_begin(rows, &past->store->stmts,
               has_high ? KV_SQL_PAST_ROWS_TO : KV_SQL_PAST_ROWS);
  kv_run_text(rows, past->bucket);
  kv_run_value(rows, has_low ? &past->low : &lowest);
  if (has_high) kv_run_value(rows, &past->high);
  kv_run_int(rows, as_of);
  kv_run_text(rows, past->store->device);
  kv_run_int(rows, until);
  past->is_row = kv_run_row(rows);
  return kv_typed_past_next(past);
}
