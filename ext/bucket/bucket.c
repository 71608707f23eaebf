/*
** One change of a key of another bucket. See bucket.h.
*/
#include "bucket.h"

#include <assert.h>
#include <string.h>

#include "cache/values.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "store/errors.h"
#include "store/transaction.h"
#include "store/write.h"

/* Columns of bucket_newest. */
enum {
  NEWEST_OP,
  NEWEST_TS,
  NEWEST_DEVICE,
  NEWEST_SEQ,
  NEWEST_PARENT_TS,
  NEWEST_VALUE,
  NEWEST_LARGE
};

/* The newest row is of this transaction. */
static int bucket_place_again(kv_run *run, kv_bucket_place *out) {
  kv_value large = {0};
  kv_value value;
  int rc;

  out->is_again = 1;
  out->ts = sqlite3_column_int64(run->stmt, NEWEST_TS);
  kv_run_column(run, NEWEST_PARENT_TS, &out->parent_ts);
  rc = kv_values_of_column(run->stmts, run->stmt, NEWEST_VALUE, &large, &value);
  if (rc == SQLITE_OK) rc = kv_value_copy(&value, &out->value);
  kv_value_free(&large);
  return kv_first_error(run->rc, rc);
}

/* The place behind the newest row, or in the place of an own one. */
static void bucket_place(kv_store *store, kv_run *run, kv_bucket_place *out) {
  const kv_pending *pending = &store->txn->pending;
  const char *device =
    (const char *)sqlite3_column_text(run->stmt, NEWEST_DEVICE);
  int64_t seq = sqlite3_column_int64(run->stmt, NEWEST_SEQ);
  int64_t ts = sqlite3_column_int64(run->stmt, NEWEST_TS);

  out->is_found = 1;
  out->op = sqlite3_column_int(run->stmt, NEWEST_OP);
  if (device && seq >= kv_pending_first(pending) &&
      strcmp(device, store->device) == 0) {
    out->index = seq - kv_pending_first(pending);
    run->rc = bucket_place_again(run, out);
    return;
  }
  out->ts = kv_clock_after(pending->ts, ts);
  out->parent_ts.type = KV_INTEGER;
  out->parent_ts.i = ts;
}

int kv_bucket_find(kv_store *store, const kv_value *bucket, const kv_value *key,
                   kv_bucket_place *out, char **err) {
  const kv_pending *pending = &store->txn->pending;
  static const kv_value none = {KV_NULL, 0, 0, NULL, 0};
  kv_run run;
  int rc;

  memset(out, 0, sizeof(*out));
  rc = kv_write_check(store, key, &none, err);
  if (rc == SQLITE_OK) rc = kv_write_enter(store, err);
  if (rc != SQLITE_OK) return rc;
  out->index = pending->n_rows;
  out->ts = pending->ts;
  kv_run_begin(&run, &store->stmts, KV_SQL_BUCKET_NEWEST);
  kv_run_value(&run, bucket);
  kv_run_value(&run, key);
  if (kv_run_row(&run)) bucket_place(store, &run, out);
  rc = kv_run_close(&run);
  if (rc == SQLITE_OK && out->index > pending->n_rows) {
    rc = kv_store_wrong_cache(store, err);
  }
  if (rc == SQLITE_OK && out->ts > KV_TS_MAX) {
    rc = kv_error(err, SQLITE_ERROR,
                  "a key of %.*s was written at the latest possible time, so "
                  "nothing can be newer: use another key",
                  (int)bucket->n, (const char *)bucket->z);
  }
  if (rc != SQLITE_OK) kv_value_free(&out->value);
  return kv_store_error(store, err, rc, "cannot read the cache");
}

/* Write the row into the cache. */
static int bucket_put(kv_store *store, const kv_row *row, int64_t large) {
  kv_run run;

  kv_run_begin(&run, &store->stmts, KV_SQL_BUCKET_PUT);
  kv_run_value(&run, &row->bucket);
  kv_run_value(&run, &row->key);
  kv_run_int(&run, row->ts);
  kv_run_text(&run, store->device);
  kv_run_int(&run, row->seq);
  kv_run_value(&run, &row->parent_ts);
  kv_run_int(&run, row->op);
  kv_run_int(&run, store->txn->pending.arrived);
  if (large) {
    kv_run_int(&run, large);
    kv_run_null(&run);
  } else {
    kv_run_null(&run);
    kv_run_value(&run, &row->value);
  }
  return kv_run_end(&run);
}

/* What the row replaces may have a large value; its own may be large. */
static int bucket_large(kv_store *store, const kv_bucket_place *place,
                        const kv_row *row, int64_t *replaced, int64_t *large) {
  int is_there;
  int rc = SQLITE_OK;

  *replaced = *large = 0;
  if (place->is_again) {
    rc =
      kv_values_of_row(&store->stmts, store->device, row, &is_there, replaced);
  }
  return rc == SQLITE_OK ? kv_values_put(&store->stmts, &row->value, large)
                         : rc;
}

static int bucket_write(kv_store *store, const kv_bucket_place *place,
                        const kv_row *row) {
  kv_pending *pending = &store->txn->pending;
  kv_pending_mark here = kv_pending_here(pending);
  int64_t replaced;
  int64_t large;
  int rc = bucket_large(store, place, row, &replaced, &large);

  if (rc == SQLITE_OK) {
    store->txn->n_writes++;
    rc = kv_pending_add(pending, place->index, row, 0);
    if (rc == SQLITE_OK) rc = bucket_put(store, row, large);
    if (rc == SQLITE_OK) rc = kv_values_forget(&store->stmts, replaced);
    if (rc != SQLITE_OK) kv_pending_return(pending, here);
  }
  return rc;
}

int kv_bucket_put(kv_store *store, const kv_bucket_place *place,
                  const kv_value *bucket, int op, const kv_value *key,
                  const kv_value *value, char **err) {
  kv_pending *pending = &store->txn->pending;
  kv_row row;
  int rc = SQLITE_OK;

  memset(&row, 0, sizeof(row));
  row.seq = kv_pending_first(pending) + place->index;
  row.ts = place->ts;
  row.parent_ts = place->parent_ts;
  row.op = op;
  row.bucket = *bucket;
  row.key = *key;
  if (value) row.value = *value;
  if (kv_pending_is_full(pending, bucket, key, &row.value)) {
    rc = kv_write_flush(store, err);
  }
  store->txn->is_writing = 1;
  if (rc == SQLITE_OK) rc = bucket_write(store, place, &row);
  store->txn->is_writing = 0;
  return kv_store_error(store, err, rc, "cannot write to the cache");
}
