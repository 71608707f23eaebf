/*
** Writes that lost. See conflict.h.
**
** For each column one horizon: what all rows that assign it had seen together.
*/
#include "conflict.h"

#include <string.h>

static int conflict_is_rival(const kv_fold_cell *cell) {
  return cell->row->is_live && kv_cell_is_assignment(cell->cell);
}

static void conflict_add(kv_fold_conflict *out, size_t *n,
                         const kv_fold_cell *won, const kv_fold_cell *lost) {
  kv_fold_conflict *c = &out[(*n)++];

  c->won = won->cell;
  c->won_row = won->row;
  c->lost = lost->cell;
  c->lost_row = lost->row;
}

/* Which rows a delete had seen. */
static int conflict_settle(kv_fold *fold) {
  kv_horizon *horizon = &fold->horizon;
  size_t i;
  int rc = KV_OK;

  kv_horizon_clear(horizon);
  for (i = 0; i < fold->n_rows; i++)
    kv_horizon_mark(horizon, fold->rows[i]);
  for (i = 0; i < fold->n_rows && rc == KV_OK; i++)
    if (fold->rows[i]->op == KV_OP_DELETE) {
      rc = kv_horizon_add(horizon, fold->rows[i]);
    }
  for (i = 0; i < fold->n_rows && rc == KV_OK; i++)
    fold->rows[i]->is_settled = kv_horizon_has(horizon, fold->rows[i]);
  return rc;
}

/* Find the conflicts between the cells of a column. */
static int conflict_column(kv_fold *fold, const kv_fold_cell *cells, size_t n,
                           kv_fold_conflict *out, size_t *n_out) {
  kv_horizon *horizon = &fold->horizon;
  const kv_fold_cell *won = NULL;
  size_t n_rivals = 0;
  size_t i;
  int rc = KV_OK;

  kv_horizon_clear(horizon);
  for (i = 0; i < n; i++)
    if (conflict_is_rival(&cells[i])) {
      won = &cells[i];
      kv_horizon_mark(horizon, won->row);
      n_rivals++;
    }
  /* An assigned set takes nothing away that it had not seen. */
  if (n_rivals < 2 || won->cell->op == KV_CELL_ELEMENTS) return KV_OK;
  for (i = 0; i < n && rc == KV_OK; i++)
    if (conflict_is_rival(&cells[i])) {
      rc = kv_horizon_add(horizon, cells[i].row);
    }
  for (i = 0; i < n && rc == KV_OK; i++) {
    const kv_fold_cell *lost = &cells[i];

    if (lost != won && conflict_is_rival(lost) && !lost->row->is_settled &&
        !kv_horizon_has(horizon, lost->row) &&
        !kv_cell_is_same(lost->cell, won->cell)) {
      conflict_add(out, n_out, won, lost);
    }
  }
  return rc;
}

/* Deletes against updates and inserts. */
static int conflict_rows(kv_fold *fold, kv_fold_conflict *out, size_t *n_out) {
  kv_horizon *horizon = &fold->horizon;
  kv_fold_cell won = {NULL, fold->rows[fold->n_rows - 1], 0};
  size_t i;
  int rc = KV_OK;

  kv_horizon_clear(horizon);
  for (i = 0; i < fold->n_rows; i++)
    kv_horizon_mark(horizon, fold->rows[i]);
  for (i = 0; i < fold->n_rows && rc == KV_OK; i++)
    rc = kv_horizon_add(horizon, fold->rows[i]);
  for (i = 0; i < fold->n_rows && rc == KV_OK; i++) {
    kv_fold_cell lost = {NULL, fold->rows[i], 0};

    if ((lost.row->op == KV_OP_DELETE) != (won.row->op == KV_OP_DELETE) &&
        !kv_horizon_has(horizon, lost.row)) {
      conflict_add(out, n_out, &won, &lost);
    }
  }
  return rc;
}

int kv_fold_conflicts(kv_fold *fold, kv_fold_conflict **out, size_t *n) {
  const kv_fold_cell *cells = fold->cells;
  size_t most = fold->n_cells + fold->n_rows;
  size_t from;
  size_t to;
  int rc;

  *n = 0;
  *out = NULL;
  if (fold->n_rows < 2) return KV_OK;
  *out = kv_arena_get(&fold->arena, most * sizeof(**out));
  if (!*out) return KV_NOMEM;
  rc = conflict_settle(fold);
  for (from = 0; from < fold->n_cells && rc == KV_OK; from = to) {
    const kv_cell *first = cells[from].cell;

    for (to = from + 1; to < fold->n_cells; to++)
      if (kv_cell_compare_names(cells[to].cell->name, cells[to].cell->n_name,
                                first->name, first->n_name) != 0) {
        break;
      }
    rc = conflict_column(fold, cells + from, to - from, *out, n);
  }
  if (rc == KV_OK) rc = conflict_rows(fold, *out, n);
  return rc;
}
