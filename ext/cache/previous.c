/*
** The row that a write replaces. See previous.h.
*/
#include "previous.h"

#include <string.h>

#include "core/order.h"
#include "db/run.h"

static const kv_value previous_kv = {KV_TEXT, 0, 0, "", 0};

void kv_previous_note_read(kv_previous *previous, int64_t n_writes,
                           const kv_value *key, sqlite3_stmt *row) {
  if (key->n > KV_PREVIOUS_KEY) return;
  previous->n_writes = n_writes;
  previous->read = *key;
  if (key->n) memcpy(previous->read_bytes, key->z, key->n);
  previous->read.z = previous->read_bytes;
  kv_cache_winner(row, &previous->winner);
}

/* Keep a copy of the last key; if there is no memory, it is not known. */
static void previous_keep(kv_previous *previous, const kv_value *key) {
  previous->is_known = 0;
  if (key->n > previous->n_last_bytes) {
    size_t n = 2 * key->n + 64;
    char *bytes = sqlite3_realloc64(previous->last_bytes, n);

    if (!bytes) return;
    previous->last_bytes = bytes;
    previous->n_last_bytes = n;
  }
  previous->last = *key;
  if (key->n > 0) {
    previous->last.z = memcpy(previous->last_bytes, key->z, key->n);
  }
  previous->is_known = 1;
}

void kv_previous_note_write(kv_previous *previous, const kv_value *bucket,
                            const kv_value *key) {
  kv_ahead_forget(&previous->ahead);
  if (previous->is_known && kv_order_is_same(bucket, &previous->bucket) &&
      kv_order_keys(key, &previous->last) > 0) {
    previous_keep(previous, key);
  }
}

static int previous_load(kv_previous *previous, kv_stmts *stmts,
                         const kv_value *bucket) {
  kv_value key = {KV_NULL, 0, 0, NULL, 0};
  kv_run run;

  kv_run_begin(&run, stmts, KV_SQL_CACHE_LAST_KEY);
  if (bucket->n > 0) {
    kv_run_value(&run, bucket);
  } else {
    kv_run_int(&run, 0);
  }
  if (kv_run_row(&run)) kv_run_column(&run, 0, &key);
  if (run.rc == SQLITE_OK) previous_keep(previous, &key);
  previous->bucket = *bucket;
  previous->bucket.z = previous->bucket_bytes;
  if (bucket->n > KV_PREVIOUS_BUCKET) previous->is_known = 0;
  if (previous->is_known && bucket->n > 0) {
    memcpy(previous->bucket_bytes, bucket->z, bucket->n);
  }
  return kv_run_close(&run);
}

int kv_previous_is_behind(kv_previous *previous, kv_stmts *stmts,
                          const kv_value *bucket, const kv_value *key,
                          int *is_behind) {
  int rc = SQLITE_OK;

  if (!previous->is_known || !kv_order_is_same(bucket, &previous->bucket)) {
    rc = previous_load(previous, stmts, bucket);
  }
  *is_behind =
    rc == SQLITE_OK && previous->is_known &&
    (previous->last.type == KV_NULL || kv_order_keys(key, &previous->last) > 0);
  return rc;
}

int kv_previous_find(kv_previous *previous, kv_stmts *stmts, int64_t n_writes,
                     int is_load, const kv_value *key, kv_winner *out) {
  int is_behind = 0;
  int rc = SQLITE_OK;

  if (previous->n_writes == n_writes &&
      kv_order_keys(&previous->read, key) == 0) {
    *out = previous->winner;
    return SQLITE_OK;
  }
  if (!is_load) return kv_cache_find(stmts, key, out);
  rc = kv_previous_is_behind(previous, stmts, &previous_kv, key, &is_behind);
  if (rc != SQLITE_OK) return rc;
  if (!is_behind) return kv_ahead_find(&previous->ahead, stmts, key, out);
  memset(out, 0, sizeof(*out));
  out->ts = -1;
  return SQLITE_OK;
}

void kv_previous_forget(kv_previous *previous) {
  kv_ahead_forget(&previous->ahead);
  previous->is_known = 0;
}

void kv_previous_clear(kv_previous *previous) {
  kv_ahead_clear(&previous->ahead);
  sqlite3_free(previous->last_bytes);
  memset(previous, 0, sizeof(*previous));
  previous->n_writes = -1;
}
