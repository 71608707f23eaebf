/*
** Late rows. See late.h.
**
** Open addressing with linear probing, at most half full. Single rows are never
** removed, so a free slot ends every search.
*/
#include "late.h"

#include <stdlib.h>
#include <string.h>

#include "core/order.h"
#include "db/error.h"

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
  int c = (*left)->is_again - (*right)->is_again;

  return c ? c : kv_order_keys(&(*left)->key, &(*right)->key);
}

static const kv_rows_row *late_next(kv_rows *base) {
  kv_late_rows *rows = (kv_late_rows *)base;
  kv_row *out = &rows->out.row;
  const kv_pending_row *row;

  if (rows->next == rows->n_new) return NULL;
  row = rows->rows[rows->next++];
  out->seq = rows->first + row->index;
  out->ts = row->ts;
  out->parent_ts = row->parent_ts;
  out->op = row->op;
  out->key = row->key;
  out->value = row->value;
  return &rows->out;
}

int kv_late_sort(const kv_late *late, int64_t first, kv_late_rows *out) {
  size_t i;

  memset(out, 0, sizeof(*out));
  out->base.next = late_next;
  out->first = first;
  out->rows =
    sqlite3_malloc64((sqlite3_uint64)late->n * sizeof(*out->rows) + 1);
  if (!out->rows) return SQLITE_NOMEM;
  for (i = 0; i < late->n_slots; i++) {
    if (!late->slots[i]) continue;
    out->rows[out->n++] = late->slots[i];
    if (!late->slots[i]->is_again) out->n_new++;
  }
  qsort(out->rows, out->n, sizeof(*out->rows), late_compare);
  return SQLITE_OK;
}

void kv_late_rows_clear(kv_late_rows *rows) {
  sqlite3_free(rows->rows);
  rows->rows = NULL;
  rows->n = rows->n_new = rows->next = 0;
}

void kv_late_doubt(kv_late *late) {
  size_t i;

  for (i = 0; i < late->n_slots; i++) {
    if (late->slots[i]) late->slots[i]->is_again = 1;
  }
}

void kv_late_clear(kv_late *late) {
  kv_late empty = {NULL, 0, 0};

  sqlite3_free(late->slots);
  *late = empty;
}
