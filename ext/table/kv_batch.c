/*
** Rows of a scan, many at a time. See kv_batch.h.
*/
#include "kv_batch.h"

#include <string.h>

#include "core/order.h"
#include "db/value.h"

#define BATCH_ROWS 64
#define BATCH_BYTES 16384
#define BATCH_LARGE 2048 /* of a row that is not worth a copy */

void kv_batch_init(kv_batch *batch) {
  memset(batch, 0, sizeof(*batch));
  batch->last = &batch->key;
}

int kv_batch_begin(kv_batch *batch) {
  size_t n = BATCH_ROWS * sizeof(*batch->rows);

  batch->limit = 0;
  if (batch->rows) return SQLITE_OK;
  batch->rows = sqlite3_malloc64(n + BATCH_BYTES);
  if (!batch->rows) return SQLITE_NOMEM;
  batch->bytes = (char *)batch->rows + n;
  return SQLITE_OK;
}

const kv_batch_row *kv_batch_next(kv_batch *batch) {
  return batch->next < batch->n_rows ? &batch->rows[batch->next++] : NULL;
}

static void batch_forget(kv_batch *batch) {
  batch->n_rows = 0;
  batch->next = 0;
  batch->n_bytes = 0;
  batch->is_large = 0;
}

int kv_batch_refill(kv_batch *batch) {
  int rc = SQLITE_OK;

  if (batch->last != &batch->key) rc = kv_batch_enter(batch, batch->last);
  batch_forget(batch);
  if (batch->limit < BATCH_ROWS)
    batch->limit = batch->limit * 2 + !batch->limit;
  return rc;
}

int kv_batch_enter(kv_batch *batch, const kv_value *key) {
  if (key->n >= batch->n_key_bytes) {
    size_t n = 2 * key->n + 64;
    char *bytes = sqlite3_realloc64(batch->key_bytes, n);
    if (!bytes) return SQLITE_NOMEM;
    batch->key_bytes = bytes;
    batch->n_key_bytes = n;
  }
  batch->key = *key;
  if (key->n > 0) {
    memcpy(batch->key_bytes, key->z, key->n);
    batch->key_bytes[key->n] = 0;
    batch->key.z = batch->key_bytes;
  }
  batch->last = &batch->key;
  return SQLITE_OK;
}

int kv_batch_leaves_out(const kv_batch *batch, const kv_value *key) {
  return kv_order_is_same(key, batch->last) ||
         (batch->skip.type != KV_NULL && kv_order_is_same(key, &batch->skip));
}

void kv_batch_reset(kv_batch *batch) {
  batch_forget(batch);
  batch->key.type = KV_NULL;
  batch->skip.type = KV_NULL;
  batch->last = &batch->key;
  if (batch->n_key_bytes <= BATCH_LARGE) return;
  sqlite3_free(batch->key_bytes);
  batch->key_bytes = NULL;
  batch->n_key_bytes = 0;
}

void kv_batch_clear(kv_batch *batch) {
  sqlite3_free(batch->key_bytes);
  sqlite3_free(batch->rows);
  kv_batch_init(batch);
}

/* Copy the bytes of a value into the batch, which has room for them. */
static void batch_copy(kv_batch *batch, kv_value *value) {
  char *bytes = batch->bytes + batch->n_bytes;

  if (value->n == 0) return;
  memcpy(bytes, value->z, value->n);
  bytes[value->n] = 0;
  value->z = bytes;
  batch->n_bytes += value->n + 1;
}

/* Keep a row that is part of the scan. *is_full: the batch has no room. */
static int batch_add(kv_batch *batch, sqlite3_value **argv, int *is_full) {
  kv_batch_row *row = &batch->rows[batch->n_rows];
  size_t n;
  int rc = kv_value_of(argv[1], &row->key);

  if (rc != SQLITE_OK || kv_batch_leaves_out(batch, &row->key)) return rc;
  rc = kv_value_of(argv[2], &row->value);
  if (rc != SQLITE_OK) return rc;
  if (row->value.type == KV_NULL &&
      sqlite3_value_pointer(argv[2], KV_BATCH_POINTER)) {
    return kv_batch_enter(batch, &row->key);
  }
  n = row->key.n + 1 + row->value.n + 1;
  batch->is_large =
    n > BATCH_LARGE ||
    (!batch->is_keys && sqlite3_value_type(argv[3]) != SQLITE_NULL);
  *is_full = batch->is_large || n > BATCH_BYTES - batch->n_bytes;
  if (*is_full) return SQLITE_OK;
  batch_copy(batch, &row->key);
  batch_copy(batch, &row->value);
  batch->last = &row->key;
  batch->n_rows++;
  return SQLITE_OK;
}

static void batch_function(sqlite3_context *ctx, int argc,
                           sqlite3_value **argv) {
  kv_batch *batch = sqlite3_value_pointer(argv[0], KV_BATCH_POINTER);
  int is_full = 0;

  (void)argc;
  if (!batch) {
    sqlite3_result_error(ctx, "kv: kv_batch() is internal", -1);
  } else if (batch->n_rows == batch->limit) {
    sqlite3_result_int(ctx, 1);
  } else if (batch_add(batch, argv, &is_full) != SQLITE_OK) {
    sqlite3_result_error_nomem(ctx);
  } else if (is_full) {
    sqlite3_result_int(ctx, 1);
  }
}

int kv_batch_register(sqlite3 *db, int is_there) {
  return sqlite3_create_function_v2(
    db, "kv_batch", 4, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL,
    is_there ? batch_function : NULL, NULL, NULL, NULL);
}
