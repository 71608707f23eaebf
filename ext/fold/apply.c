/*
** What operations make of a value. See apply.h.
*/
#include "apply.h"

#include <string.h>

#include "core/order.h"
#include "elements.h"
#include "record/real.h"

static const kv_value apply_null = {KV_NULL, 0, 0, NULL, 0};

static double apply_real(const kv_value *v) {
  return v->type == KV_INTEGER ? (double)v->i : v->r;
}

/* Add integers as integers, unless the sum overflows. */
static void apply_add(const kv_value *n, kv_value *v) {
  if (v->type == KV_INTEGER && n->type == KV_INTEGER &&
      (n->i >= 0 ? v->i <= INT64_MAX - n->i : v->i >= INT64_MIN - n->i)) {
    v->i += n->i;
    return;
  }
  v->r = kv_real_add(apply_real(v), apply_real(n));
  v->type = v->r == v->r ? KV_REAL : KV_NULL;
}

void kv_apply_number(const kv_cell *cell, kv_value *value) {
  int c;

  if (value->type != KV_INTEGER && value->type != KV_REAL) {
    *value = apply_null;
    if (cell->op != KV_CELL_ADD) *value = cell->value;
    if (cell->op == KV_CELL_ADD) value->type = KV_INTEGER;
  }
  if (cell->op == KV_CELL_ADD) {
    apply_add(&cell->value, value);
    return;
  }
  c = kv_order_keys(&cell->value, value);
  if (cell->op == KV_CELL_MAX ? c > 0 : c < 0) *value = cell->value;
}

int kv_apply_lists(const kv_list *lists, size_t n, kv_arena *arena,
                   kv_list *out) {
  size_t room = 2;
  size_t at = 1;
  size_t i;
  char *z;

  if (n == 1) {
    *out = lists[0];
    return KV_OK;
  }
  for (i = 0; i < n; i++)
    room += lists[i].n;
  z = kv_arena_get(arena, room);
  if (!z) return KV_NOMEM;
  z[0] = '[';
  for (i = 0; i < n; i++) {
    if (lists[i].n <= 2) continue;
    memcpy(z + at, lists[i].z + 1, lists[i].n - 2);
    at += lists[i].n - 2;
    z[at++] = ',';
  }
  if (at == 1) at++;
  z[at - 1] = ']';
  out->z = z;
  out->n = at;
  return KV_OK;
}

void kv_apply_show(kv_fold_column *column, int op, kv_list list) {
  column->op = op;
  column->value = apply_null;
  column->value.type = KV_TEXT;
  column->value.z = list.z;
  column->value.n = list.n;
}

kv_list kv_apply_list(const kv_fold_column *column, int op) {
  kv_list list = {NULL, 0};

  if (column->op == op) {
    list.z = column->value.z;
    list.n = column->value.n;
  }
  return list;
}

static int apply_push(const kv_cell *cell, kv_arena *arena,
                      kv_fold_column *column) {
  kv_list lists[2];
  kv_list list;
  int rc;

  lists[0] = kv_apply_list(column, KV_CELL_ARRAY);
  lists[1] = cell->put;
  rc = kv_apply_lists(lists, 2, arena, &list);
  if (rc == KV_OK) kv_apply_show(column, KV_CELL_ARRAY, list);
  return rc;
}

static int apply_put(const kv_cell *cell, kv_arena *arena,
                     kv_fold_column *column) {
  kv_elements lists[3];
  kv_list list;
  size_t i;
  int rc;

  memset(lists, 0, sizeof(lists));
  lists[0].list = kv_apply_list(column, KV_CELL_ELEMENTS);
  lists[1].list = cell->cut;
  lists[1].is_cut = 1;
  lists[2].list = cell->put;
  for (i = 0; i < 3; i++)
    lists[i].at = i;
  rc = kv_elements_merge(lists, 3, NULL, arena, &list);
  if (rc == KV_OK) kv_apply_show(column, KV_CELL_ELEMENTS, list);
  return rc;
}

int kv_apply_cell(const kv_cell *cell, kv_arena *arena,
                  kv_fold_column *column) {
  kv_value value;
  int rc;

  switch (cell->op) {
    case KV_CELL_SET:
      rc = kv_cell_value(cell, arena, &value);
      if (rc != KV_OK) return rc;
      column->op = KV_CELL_SET;
      column->value = value;
      return KV_OK;
    case KV_CELL_ELEMENTS:
    case KV_CELL_ARRAY:
      kv_apply_show(column, cell->op, cell->put);
      return KV_OK;
    case KV_CELL_PUT: return apply_put(cell, arena, column);
    case KV_CELL_PUSH: return apply_push(cell, arena, column);
    case KV_CELL_UNKNOWN: return KV_OK;
  }
  column->op = KV_CELL_SET; /* a set or list is text, not a number */
  kv_apply_number(cell, &column->value);
  return KV_OK;
}

void kv_apply_assign(const kv_fold_column *column, kv_cell *out) {
  memset(out, 0, sizeof(*out));
  out->name = column->name;
  out->n_name = column->n_name;
  out->op = column->op;
  if (column->op == KV_CELL_SET) {
    out->value = column->value;
  } else {
    out->put = kv_apply_list(column, column->op);
  }
}

const kv_fold_column *kv_apply_find(const kv_fold_column *columns, size_t n,
                                    const char *name, size_t n_name) {
  size_t low = 0;
  size_t high = n;

  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const kv_fold_column *column = &columns[middle];
    int c = kv_cell_compare_names(column->name, column->n_name, name, n_name);

    if (c == 0) return column;
    if (c < 0) low = middle + 1;
    if (c > 0) high = middle;
  }
  return NULL;
}
