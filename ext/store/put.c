/*
** Rows of the running transaction, into the cache. See put.h.
*/
#include "put.h"

#include <assert.h>
#include <string.h>

#include "cache/values.h"
#include "transaction.h"

int kv_put_replaced(kv_store *store, const kv_row *row, int is_again,
                    int64_t *replaced) {
  int found;

  *replaced = 0;
  if (!is_again) return SQLITE_OK;
  return kv_values_of_row(&store->stmts, store->device, row, &found, replaced);
}

int kv_put_forget(kv_store *store, int64_t replaced) {
  int rc = kv_values_forget(&store->stmts, replaced);

  return store->txn->pending.is_open ? SQLITE_OK : rc;
}

void kv_put_value(kv_run *run, const kv_value *value, int64_t large) {
  if (large) {
    kv_run_int(run, large);
    kv_run_null(run);
  } else {
    kv_run_null(run);
    kv_run_value(run, value);
  }
}

int kv_put_row(kv_store *store, const kv_row *row, int64_t large,
               int is_again) {
  kv_run run;
  int64_t replaced;
  int rc;

  assert(store->txn->pending.is_open && !store->txn->log);
  rc = kv_put_replaced(store, row, is_again, &replaced);
  if (rc != SQLITE_OK) return rc;
  kv_previous_note_write(&store->txn->previous, &row->bucket, &row->key);
  kv_run_begin(&run, &store->stmts, KV_SQL_PUT_ROW);
  if (row->bucket.n > 0) {
    kv_run_value(&run, &row->bucket);
  } else {
    kv_run_int(&run, 0);
  }
  kv_run_value(&run, &row->key);
  kv_run_int(&run, row->ts);
  kv_run_text(&run, store->device);
  kv_run_int(&run, row->seq);
  kv_run_value(&run, &row->parent_ts);
  kv_run_int(&run, row->op);
  kv_run_int(&run, store->txn->pending.arrived);
  kv_put_value(&run, &row->value, large);
  rc = kv_run_end(&run);
  return rc == SQLITE_OK ? kv_put_forget(store, replaced) : rc;
}

/* Put one late row. */
static int put_late_row(kv_store *store, const kv_late_rows *rows,
                        const kv_pending_row *from) {
  kv_row row;

  memset(&row, 0, sizeof(row));
  kv_remembered_read(from, &row);
  row.seq = rows->first + from->index;
  return kv_put_row(store, &row, 0, from->is_again);
}

/* Put the new rows before `end` by one statement, if they are more than one. */
static int put_new(kv_store *store, kv_sql id, kv_late_rows *rows, size_t end) {
  kv_run run;

  rows->end = end;
  if (rows->next == end) return SQLITE_OK;
  if (rows->next + 1 == end) {
    return put_late_row(store, rows, rows->rows[rows->next++]);
  }
  kv_run_begin(&run, &store->stmts, id);
  kv_run_text(&run, store->device);
  kv_run_int(&run, store->txn->pending.arrived);
  kv_run_pointer(&run, &rows->base, KV_ROWS_POINTER);
  return kv_run_end(&run);
}

int kv_put_late(kv_store *store, kv_late_rows *rows) {
  int rc = put_new(store, KV_SQL_PUT_LATE, rows, rows->n_kv);
  size_t i;

  if (rc == SQLITE_OK) {
    rc = put_new(store, KV_SQL_PUT_LATE_BUCKET, rows, rows->n_new);
  }
  for (i = rows->n_new; i < rows->n && rc == SQLITE_OK; i++) {
    rc = put_late_row(store, rows, rows->rows[i]);
  }
  return rc;
}
