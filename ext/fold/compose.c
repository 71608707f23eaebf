/*
** Two changes of a row. See compose.h.
*/
#include "compose.h"

#include <string.h>

#include "elements.h"

/* Apply a cell to a column, and make an assignment of the result. */
static int compose_assign(const kv_cell *cell, kv_fold_column *column,
                          kv_arena *arena, kv_cell *out) {
  int rc = kv_apply_cell(cell, arena, column);

  column->name = cell->name;
  column->n_name = cell->n_name;
  kv_apply_assign(column, out);
  return rc;
}

/* Elements of both, less those that the later change has in the other list. */
static int compose_elements(kv_list earlier, kv_list other, kv_list later,
                            kv_arena *arena, kv_list *out) {
  kv_elements lists[3];
  size_t i;
  int rc;

  memset(lists, 0, sizeof(lists));
  lists[0].list = earlier;
  lists[1].list = other;
  lists[1].is_cut = 1;
  lists[2].list = later;
  for (i = 0; i < 3; i++)
    lists[i].at = i;
  rc = kv_elements_merge(lists, 3, NULL, arena, out);
  if (rc == KV_OK && out->n == 2) out->n = 0;
  return rc;
}

static int compose_put(const kv_cell *a, const kv_cell *b, kv_arena *arena,
                       kv_cell *out) {
  int rc = compose_elements(a->put, b->cut, b->put, arena, &out->put);

  if (rc != KV_OK) return rc;
  return compose_elements(a->cut, b->put, b->cut, arena, &out->cut);
}

/*
** Is one of the sums a real? Sums of integers are the same in any order, unless
** they overflow.
*/
static int compose_is_rounded(const kv_cell *a, const kv_cell *b,
                              const kv_cell *sum,
                              const kv_fold_column *before) {
  kv_value value = {KV_NULL, 0, 0, NULL, 0};

  if (a->op != KV_CELL_ADD || sum->op != KV_CELL_ADD) return 0;
  if (before && before->op == KV_CELL_SET) value = before->value;
  if (value.type == KV_REAL || sum->value.type == KV_REAL) return 1;
  kv_apply_number(b, &value);
  return value.type == KV_REAL;
}

/* Compose two cells of one column. */
static int compose_cell(const kv_cell *a, const kv_cell *b,
                        const kv_fold_column *before, kv_arena *arena,
                        kv_cell *out) {
  kv_fold_column column;
  kv_list lists[2];
  int rc;

  *out = *b;
  if (kv_cell_is_assignment(b)) return KV_OK;
  memset(&column, 0, sizeof(column));
  if (kv_cell_is_assignment(a)) {
    rc = kv_apply_cell(a, arena, &column);
    return rc == KV_OK ? compose_assign(b, &column, arena, out) : rc;
  }
  if (a->op == b->op && a->op == KV_CELL_PUT) {
    return compose_put(a, b, arena, out);
  }
  if (a->op == b->op && a->op == KV_CELL_PUSH) {
    lists[0] = a->put;
    lists[1] = b->put;
    return kv_apply_lists(lists, 2, arena, &out->put);
  }
  if (a->op == b->op) {
    out->value = a->value;
    kv_apply_number(b, &out->value);
    if (out->value.type != KV_NULL) return KV_OK;
  }
  if (before) column = *before;
  return compose_assign(b, &column, arena, out);
}

int kv_compose(const kv_record *earlier, const kv_record *later,
               const kv_fold_column *columns, size_t n_columns, kv_arena *arena,
               kv_bytes *out) {
  size_t i = 0;
  size_t k = 0;
  int is_rounded = 0;

  kv_record_begin(out, earlier->is_birth);
  while ((i < earlier->n || k < later->n) && out->rc == KV_OK) {
    const kv_cell *a = i < earlier->n ? &earlier->cells[i] : NULL;
    const kv_cell *b = k < later->n ? &later->cells[k] : NULL;
    int c = !a ? 1
            : !b
              ? -1
              : kv_cell_compare_names(a->name, a->n_name, b->name, b->n_name);
    kv_cell cell;

    if (c == 0) {
      const kv_fold_column *before =
        kv_apply_find(columns, n_columns, b->name, b->n_name);

      out->rc = compose_cell(a, b, before, arena, &cell);
      is_rounded |= compose_is_rounded(a, b, &cell, before);
    }
    if (out->rc == KV_OK) kv_record_add(out, c < 0 ? a : c > 0 ? b : &cell);
    i += c <= 0;
    k += c >= 0;
  }
  kv_record_end(out);
  return is_rounded;
}
