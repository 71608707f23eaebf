/*
** Rows kept back from the cache. See late.h.
**
** Open addressing with linear probing, at most half full. Nothing is ever
** taken out of it alone, so that a free slot ends every search.
*/
#include "late.h"

#include <stdlib.h>

#include "core/order.h"
#include "error.h"
#include "pending.h"

#define LATE_SLOTS 256

/* The slot of a key: its row's, or the free one that it would get. */
static size_t late_slot(const kv_late *late, const kv_value *key,
                        uint64_t hash) {
  size_t i = (size_t)hash & (late->n_slots - 1);

  while (late->slots[i] && (late->slots[i]->hash != hash ||
                            kv_order_keys(&late->slots[i]->key, key) != 0)) {
    i = (i + 1) & (late->n_slots - 1);
  }
  return i;
}

int kv_late_reserve(kv_late *late, size_t n) {
  kv_late larger = {NULL, late->n_slots ? late->n_slots : LATE_SLOTS, late->n};
  size_t i;

  while (2 * (late->n + n) > larger.n_slots)
    larger.n_slots *= 2;
  if (larger.n_slots == late->n_slots) return SQLITE_OK;
  larger.slots =
    kv_zalloc((sqlite3_uint64)larger.n_slots * sizeof(*larger.slots));
  if (!larger.slots) return SQLITE_NOMEM;
  for (i = 0; i < late->n_slots; i++) {
    kv_pending_row *row = late->slots[i];
    if (row) larger.slots[late_slot(&larger, &row->key, row->hash)] = row;
  }
  sqlite3_free(late->slots);
  *late = larger;
  return SQLITE_OK;
}

void kv_late_put(kv_late *late, kv_pending_row *row) {
  size_t i;

  row->hash = kv_order_hash(&row->key);
  i = late_slot(late, &row->key, row->hash);
  if (!late->slots[i]) late->n++;
  late->slots[i] = row;
}

kv_pending_row *kv_late_find(const kv_late *late, const kv_value *key) {
  if (late->n == 0) return NULL;
  return late->slots[late_slot(late, key, kv_order_hash(key))];
}

static int late_compare(const void *a, const void *b) {
  const kv_pending_row *const *left = a;
  const kv_pending_row *const *right = b;

  return kv_order_keys(&(*left)->key, &(*right)->key);
}

kv_pending_row **kv_late_sorted(const kv_late *late) {
  kv_pending_row **rows =
    sqlite3_malloc64((sqlite3_uint64)late->n * sizeof(*rows) + 1);
  size_t n = 0;
  size_t i;

  if (!rows) return NULL;
  for (i = 0; i < late->n_slots; i++) {
    if (late->slots[i]) rows[n++] = late->slots[i];
  }
  qsort(rows, n, sizeof(*rows), late_compare);
  return rows;
}

void kv_late_clear(kv_late *late) {
  kv_late empty = {NULL, 0, 0};

  sqlite3_free(late->slots);
  *late = empty;
}
