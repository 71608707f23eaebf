/*
** Late rows. See late.h.
**
** In order, the slots are filled from the first. Hashed: open addressing with
** linear probing, at most half full; single rows are never removed, so a free
** slot ends every search.
*/
#include "late.h"

#include <stdlib.h>
#include <string.h>

#include "core/order.h"
#include "db/error.h"

#define LATE_SLOTS 256

/* The bucket of a row, and the key in it. */
static void late_names(const kv_pending_row *row, kv_value *bucket,
                       kv_value *key) {
  static const kv_value none = {KV_TEXT, 0, 0, NULL, 0};

  *bucket = none;
  bucket->z = row + 1;
  bucket->n = row->n_bucket;
  kv_remembered_key(row, key);
}

static uint64_t late_hash_key(const kv_value *bucket, const kv_value *key) {
  uint64_t hash = kv_order_hash(key);

  return bucket->n ? hash ^ kv_order_hash(bucket) : hash;
}

/* Compare a key of a bucket with a row. */
static int late_compare(const kv_value *bucket, const kv_value *key,
                        const kv_pending_row *row) {
  kv_value other_bucket;
  kv_value other;

  late_names(row, &other_bucket, &other);
  if (kv_order_is_same(bucket, &other_bucket))
    return kv_order_keys(key, &other);
  return kv_order_keys(bucket, &other_bucket);
}

/* The slot of a key: its row's, or the free one that it would get. */
static size_t late_slot(const kv_late *late, const kv_value *bucket,
                        const kv_value *key, uint64_t hash) {
  size_t i = (size_t)hash & (late->n_slots - 1);

  while (late->slots[i] && (late->slots[i]->hash != hash ||
                            late_compare(bucket, key, late->slots[i]) != 0)) {
    i = (i + 1) & (late->n_slots - 1);
  }
  return i;
}

static void late_hash(kv_late *late, kv_pending_row *row) {
  kv_value bucket;
  kv_value key;
  size_t i;

  late_names(row, &bucket, &key);
  row->hash = late_hash_key(&bucket, &key);
  i = late_slot(late, &bucket, &key, row->hash);
  if (!late->slots[i]) late->n++;
  late->slots[i] = row;
}

/* Put all rows into other slots, of this number; SQLITE_NOMEM. */
static int late_resize(kv_late *late, size_t n_slots, int is_hashed) {
  kv_late other = {NULL, n_slots, 0, is_hashed};
  size_t i;

  if (n_slots == late->n_slots && is_hashed == late->is_hashed) {
    return SQLITE_OK;
  }
  other.slots = kv_zalloc((sqlite3_uint64)n_slots * sizeof(*other.slots));
  if (!other.slots) return SQLITE_NOMEM;
  for (i = 0; i < late->n_slots; i++) {
    kv_pending_row *row = late->slots[i];

    if (!row) continue;
    if (is_hashed) late_hash(&other, row);
    if (!is_hashed) other.slots[other.n++] = row;
  }
  sqlite3_free(late->slots);
  *late = other;
  return SQLITE_OK;
}

/* Compare a key with the greatest one of rows in order; none: 1. */
static int late_compare_last(const kv_late *late, const kv_value *bucket,
                             const kv_value *key) {
  if (late->n == 0) return 1;
  return late_compare(bucket, key, late->slots[late->n - 1]);
}

int kv_late_is_next(const kv_late *late, const kv_value *bucket,
                    const kv_value *key) {
  kv_value last_bucket;
  kv_value last;

  if (late->n == 0 || late->is_hashed) return 0;
  late_names(late->slots[late->n - 1], &last_bucket, &last);
  return kv_order_is_same(bucket, &last_bucket) &&
         kv_order_keys(key, &last) > 0;
}

int kv_late_reserve(kv_late *late, const kv_value *bucket,
                    const kv_value *key) {
  int is_hashed = late->is_hashed || late_compare_last(late, bucket, key) < 0;
  size_t n_slots = late->n_slots ? late->n_slots : LATE_SLOTS;

  while ((is_hashed ? 2 : 1) * (late->n + 1) > n_slots)
    n_slots *= 2;
  return late_resize(late, n_slots, is_hashed);
}

void kv_late_put(kv_late *late, kv_pending_row *row) {
  kv_value bucket;
  kv_value key;

  late_names(row, &bucket, &key);
  if (late->is_hashed) {
    late_hash(late, row);
  } else if (late_compare_last(late, &bucket, &key) == 0) {
    late->slots[late->n - 1] = row;
  } else {
    late->slots[late->n++] = row;
  }
}

/* A binary search among rows in order. */
static kv_pending_row *late_search(const kv_late *late, const kv_value *bucket,
                                   const kv_value *key) {
  size_t low = 0;
  size_t high = late->n;
  int c = late_compare_last(late, bucket, key);

  if (c >= 0) return c == 0 ? late->slots[late->n - 1] : NULL;
  while (low < high) {
    size_t i = low + (high - low) / 2;

    c = late_compare(bucket, key, late->slots[i]);
    if (c == 0) return late->slots[i];
    if (c < 0) high = i;
    if (c > 0) low = i + 1;
  }
  return NULL;
}

kv_pending_row *kv_late_find(const kv_late *late, const kv_value *bucket,
                             const kv_value *key) {
  if (late->n == 0) return NULL;
  if (!late->is_hashed) return late_search(late, bucket, key);
  return late->slots[late_slot(late, bucket, key, late_hash_key(bucket, key))];
}

static int late_compare_rows(const void *a, const void *b) {
  const kv_pending_row *const *left = a;
  const kv_pending_row *const *right = b;
  kv_value bucket;
  kv_value key;

  late_names(*left, &bucket, &key);
  return late_compare(&bucket, &key, *right);
}

static const kv_rows_row *late_next(kv_rows *base) {
  kv_late_rows *rows = (kv_late_rows *)base;
  kv_row *out = &rows->out.row;
  const kv_pending_row *row;

  if (rows->next == rows->end) return NULL;
  row = rows->rows[rows->next++];
  kv_remembered_read(row, out);
  out->seq = rows->first + row->index;
  return &rows->out;
}

int kv_late_sort(const kv_late *late, int64_t first, kv_late_rows *out) {
  int is_again;
  size_t i;

  memset(out, 0, sizeof(*out));
  out->base.next = late_next;
  out->first = first;
  out->rows =
    sqlite3_malloc64((sqlite3_uint64)late->n * sizeof(*out->rows) + 1);
  if (!out->rows) return SQLITE_NOMEM;
  for (is_again = 0; is_again < 2; is_again++) {
    for (i = 0; i < late->n_slots; i++) {
      kv_pending_row *row = late->slots[i];

      if (!row || !row->is_again != !is_again) continue;
      out->rows[out->n++] = row;
      out->n_kv += !is_again && row->n_bucket == 0;
    }
    if (!is_again) out->n_new = out->end = out->n;
  }
  if (late->is_hashed) {
    qsort(out->rows, out->n_new, sizeof(*out->rows), late_compare_rows);
    qsort(out->rows + out->n_new, out->n - out->n_new, sizeof(*out->rows),
          late_compare_rows);
  }
  return SQLITE_OK;
}

void kv_late_rows_clear(kv_late_rows *rows) {
  sqlite3_free(rows->rows);
  rows->rows = NULL;
  rows->n = rows->n_kv = rows->n_new = rows->next = rows->end = 0;
}

void kv_late_doubt(kv_late *late) {
  size_t i;

  for (i = 0; i < late->n_slots; i++) {
    if (late->slots[i]) late->slots[i]->is_again = 1;
  }
}

void kv_late_clear(kv_late *late) {
  kv_late empty = {NULL, 0, 0, 0};

  sqlite3_free(late->slots);
  *late = empty;
}
