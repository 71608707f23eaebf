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
#include "store/put.h"
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

  out->is_again = out->is_put = 1;
  out->ts = sqlite3_column_int64(run->stmt, NEWEST_TS);
  kv_run_column(run, NEWEST_PARENT_TS, &out->parent_ts);
  rc = kv_values_of_column(run->stmts, run->stmt, NEWEST_VALUE, &large, &value);
  if (rc == SQLITE_OK) rc = kv_value_copy(&value, &out->value);
  kv_value_free(&large);
  return kv_first_error(run->rc, rc);
}

/* The newest row is late. */
static int bucket_place_late(const kv_pending_row *late, kv_bucket_place *out) {
  kv_row row;

  memset(&row, 0, sizeof(row));
  kv_remembered_read(late, &row);
  out->is_found = out->is_again = out->is_late = 1;
  out->is_put = late->is_again;
  out->op = row.op;
  out->index = late->index;
  out->ts = row.ts;
  out->parent_ts = row.parent_ts;
  return kv_value_copy(&row.value, &out->value);
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

int kv_bucket_stamp_of(kv_store *store, const kv_value *bucket,
                       const kv_value *key, kv_bucket_stamp *out) {
  kv_pending *pending = &store->txn->pending;
  const kv_pending_row *late;
  const char *device = store->device;
  kv_run run;
  int rc = kv_pending_recall(pending);

  memset(out, 0, sizeof(*out));
  if (rc != SQLITE_OK) return rc;
  late = kv_late_find(&pending->late, bucket, key);
  if (late) {
    out->is_found = 1;
    out->ts = late->ts;
    sqlite3_snprintf(sizeof(out->device), out->device, "%s", device);
    return SQLITE_OK;
  }
  kv_run_begin(&run, &store->stmts, KV_SQL_BUCKET_NEWEST);
  kv_run_value(&run, bucket);
  kv_run_value(&run, key);
  if (kv_run_row(&run)) {
    device = (const char *)sqlite3_column_text(run.stmt, NEWEST_DEVICE);
    if (!device) run.rc = SQLITE_NOMEM;
    out->is_found = device != NULL;
    out->ts = sqlite3_column_int64(run.stmt, NEWEST_TS);
    sqlite3_snprintf(sizeof(out->device), out->device, "%s",
                     device ? device : "");
  }
  return kv_run_close(&run);
}

/* Look for the newest row of a key in the cache. */
static int bucket_look(kv_store *store, const kv_value *bucket,
                       const kv_value *key, kv_bucket_place *out) {
  int is_new = 0;
  int rc = SQLITE_OK;
  kv_run run;

  if (kv_write_is_load(store, bucket, key)) {
    rc = kv_previous_is_behind(&store->txn->previous, &store->stmts, bucket,
                               key, &is_new);
  }
  if (rc != SQLITE_OK || is_new) return rc;
  kv_run_begin(&run, &store->stmts, KV_SQL_BUCKET_NEWEST);
  kv_run_value(&run, bucket);
  kv_run_value(&run, key);
  if (kv_run_row(&run)) bucket_place(store, &run, out);
  return kv_run_close(&run);
}

int kv_bucket_find(kv_store *store, const kv_value *bucket, const kv_value *key,
                   kv_bucket_place *out, char **err) {
  const kv_pending *pending = &store->txn->pending;
  static const kv_value none = {KV_NULL, 0, 0, NULL, 0};
  const kv_pending_row *late;
  int rc;

  memset(out, 0, sizeof(*out));
  rc = kv_write_check(store, key, &none, err);
  if (rc == SQLITE_OK) rc = kv_write_enter(store, err);
  if (rc != SQLITE_OK) return rc;
  out->index = pending->n_rows;
  out->ts = pending->ts;
  late = kv_late_find(&pending->late, bucket, key);
  rc =
    late ? bucket_place_late(late, out) : bucket_look(store, bucket, key, out);
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

/* Remember the row, and put it into the cache. */
static int bucket_put(kv_store *store, const kv_bucket_place *place,
                      const kv_row *row, int is_put) {
  kv_pending *pending = &store->txn->pending;
  kv_pending_mark here = kv_pending_here(pending);
  int64_t large;
  int rc = kv_values_put(&store->stmts, &row->value, &large);

  if (rc != SQLITE_OK) return rc;
  rc = kv_pending_add(pending, place->index, row, 0);
  if (rc == SQLITE_OK) rc = kv_put_row(store, row, large, is_put);
  if (rc != SQLITE_OK) kv_pending_return(pending, here);
  return rc;
}

/* Remember the row, which goes into the cache later. */
static int bucket_put_late(kv_store *store, const kv_bucket_place *place,
                           const kv_row *row, int is_put) {
  kv_pending *pending = &store->txn->pending;
  int rc = kv_late_reserve(&pending->late, &row->bucket, &row->key);

  if (rc == SQLITE_OK) rc = kv_pending_add(pending, place->index, row, 1);
  if (rc == SQLITE_OK) pending->last->is_again = is_put;
  return rc;
}

/* Before a row that cannot be late, write the late ones. */
static int bucket_make_room(kv_store *store, const kv_bucket_place *place,
                            const kv_row *row, int is_late, int *is_put,
                            char **err) {
  *is_put = place->is_put;
  if (!kv_pending_is_full(&store->txn->pending, &row->bucket, &row->key,
                          &row->value) &&
      !kv_values_is_for(&row->value) && (is_late || !place->is_late)) {
    return SQLITE_OK;
  }
  *is_put |= place->is_late;
  return kv_write_flush(store, err);
}

int kv_bucket_put(kv_store *store, const kv_bucket_place *place,
                  const kv_value *bucket, int op, const kv_value *key,
                  const kv_value *value, int may_be_late, char **err) {
  kv_row row;
  int is_late;
  int is_put;
  int rc;

  memset(&row, 0, sizeof(row));
  row.seq = kv_pending_first(&store->txn->pending) + place->index;
  row.ts = place->ts;
  row.parent_ts = place->parent_ts;
  row.op = op;
  row.bucket = *bucket;
  row.key = *key;
  if (value) row.value = *value;
  is_late =
    may_be_late && place->index > 0 && kv_pending_may_be_late(&row.value);
  rc = bucket_make_room(store, place, &row, is_late, &is_put, err);
  store->txn->is_writing = 1;
  if (rc == SQLITE_OK) {
    store->txn->n_writes++;
    rc = is_late ? bucket_put_late(store, place, &row, is_put)
                 : bucket_put(store, place, &row, is_put);
  }
  store->txn->is_writing = 0;
  return kv_store_error(store, err, rc, "cannot write to the cache");
}
