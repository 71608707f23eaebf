/*
** The fold. See fold.h.
**
**   rows, in order          cells, by column and order      columns
**   +-----------------+     +-----------------------+      +------------+
**   | a1 {"":1,"n":2} |     | a  b1  5              | ---> | a  5       |
**   | b1 {"a":5}      | --> | n  a1  2       base   |      |            |
**   | a2 {"n":{"add"..|     | n  a2  {"add":1} seen | ---> | n  ...     |
**   +-----------------+     +-----------------------+      +------------+
**
** An operation ignores a value that is not of its kind. The kinds are add, max and
** min; push; put and cut. So only the last operations of one kind matter, and
** the base only if no operation of another kind is between.
*/
#include "fold.h"

#include <assert.h>
#include <string.h>

#include "elements.h"
#include "record/sort.h"

/* Kinds of operations. FOLD_NONE: an assignment. */
enum { FOLD_NUMBER, FOLD_LIST, FOLD_ELEMENTS, FOLD_NONE };

static int fold_kind(const kv_cell *cell) {
  static const unsigned char kinds[] = {
    FOLD_NONE,   FOLD_ELEMENTS, FOLD_NONE, FOLD_NUMBER, FOLD_NUMBER,
    FOLD_NUMBER, FOLD_ELEMENTS, FOLD_LIST, FOLD_NONE};

  return kinds[cell->op];
}

void kv_fold_init(kv_fold *fold, kv_resize resize) {
  memset(fold, 0, sizeof(*fold));
  kv_arena_init(&fold->arena, resize);
  kv_horizon_init(&fold->horizon, resize);
}

void kv_fold_free(kv_fold *fold) {
  kv_arena_free(&fold->arena);
  kv_horizon_free(&fold->horizon);
}

int kv_fold_begin(kv_fold *fold, const kv_fold_log *logs, int n_logs,
                  kv_fold_seen seen, void *source) {
  kv_arena_clear(&fold->arena);
  fold->exists = fold->is_incomplete = fold->is_large = 0;
  fold->is_whole = 1;
  fold->n_columns = fold->n_rows = fold->n_cells = 0;
  fold->columns = NULL;
  fold->rows = NULL;
  fold->cells = NULL;
  fold->ops = NULL;
  fold->room = 0;
  fold->n_bytes = 0;
  return kv_horizon_begin(&fold->horizon, logs, n_logs, seen, source);
}

/* Room for one more row. */
static int fold_grow(kv_fold *fold) {
  kv_fold_row **rows;
  size_t room = fold->room ? fold->room * 2 : 8;

  if (fold->n_rows < fold->room) return KV_OK;
  rows = kv_arena_get(&fold->arena, room * sizeof(*rows));
  if (!rows) return KV_NOMEM;
  if (fold->n_rows > 0) memcpy(rows, fold->rows, fold->n_rows * sizeof(*rows));
  fold->rows = rows;
  fold->room = room;
  return KV_OK;
}

int kv_fold_add(kv_fold *fold, const kv_fold_row *row) {
  kv_fold_row *copy;
  size_t n = row->value.type == KV_TEXT ? row->value.n : 0;
  int rc = fold_grow(fold);

  assert(row->log >= 0 && row->log < fold->horizon.n_logs);
  if (rc != KV_OK) return rc;
  copy = kv_arena_copy(&fold->arena, row, sizeof(*row));
  if (!copy) return KV_NOMEM;
  if (row->op == KV_OP_DELETE) n = 0;
  rc = kv_record_read(row->value.z, n, &fold->arena, &copy->record);
  if (rc != KV_OK) return rc;
  copy->is_live = copy->is_settled = 0;
  fold->rows[fold->n_rows++] = copy;
  fold->n_bytes += n;
  return KV_OK;
}

static int fold_compare_rows(const void *horizon, const void *a,
                             const void *b) {
  return kv_horizon_compare(horizon, a, b);
}

/* The rows in order, each once. */
static int fold_sort_rows(kv_fold *fold) {
  void **room = kv_arena_get(&fold->arena, fold->n_rows * sizeof(*room));
  size_t n = 0;
  size_t i;

  if (!room) return KV_NOMEM;
  kv_sort((void **)fold->rows, fold->n_rows, room, fold_compare_rows,
          &fold->horizon);
  for (i = 0; i < fold->n_rows; i++) {
    kv_fold_row *row = fold->rows[i];

    if (n > 0 &&
        kv_horizon_compare(&fold->horizon, fold->rows[n - 1], row) == 0) {
      continue;
    }
    row->at = n;
    fold->rows[n++] = row;
    if (row->op != KV_OP_DELETE && !row->record.is_whole) fold->is_whole = 0;
  }
  fold->n_rows = n;
  return KV_OK;
}

static int fold_is_set(const kv_fold_row *row) {
  return row->op != KV_OP_DELETE;
}

static int fold_is_birth(const kv_fold_row *row) {
  return fold_is_set(row) && row->record.is_birth;
}

static int fold_is_delete(const kv_fold_row *row) {
  return !fold_is_set(row);
}

/* What all rows of one sort had seen of the logs of the updates and inserts. */
static int fold_horizon(kv_fold *fold, int (*is_of)(const kv_fold_row *)) {
  size_t i;
  int rc = KV_OK;

  kv_horizon_clear(&fold->horizon);
  for (i = 0; i < fold->n_rows; i++)
    if (fold_is_set(fold->rows[i])) {
      kv_horizon_mark(&fold->horizon, fold->rows[i]);
    }
  for (i = 0; i < fold->n_rows && rc == KV_OK; i++)
    if (is_of(fold->rows[i])) {
      rc = kv_horizon_add(&fold->horizon, fold->rows[i]);
    }
  return rc;
}

/* Which rows count. */
static int fold_live(kv_fold *fold) {
  size_t i;
  int rc = fold_horizon(fold, fold_is_birth);

  fold->is_incomplete = 1;
  for (i = 0; i < fold->n_rows && rc == KV_OK; i++) {
    kv_fold_row *row = fold->rows[i];

    if (!fold_is_set(row)) continue;
    row->is_live = !kv_horizon_has(&fold->horizon, row);
    if (row->record.is_birth) fold->is_incomplete = 0;
  }
  return rc;
}

/* lose: is there an update or insert that no delete had seen? */
static int fold_is_unseen(kv_fold *fold) {
  size_t i;
  int rc = fold_horizon(fold, fold_is_delete);

  for (i = 0; i < fold->n_rows && rc == KV_OK; i++)
    if (fold_is_set(fold->rows[i]) &&
        !kv_horizon_has(&fold->horizon, fold->rows[i])) {
      fold->exists = 1;
    }
  return rc;
}

/* win: is there a birth that had seen all deletes? */
static int fold_is_born(kv_fold *fold) {
  size_t i;
  int rc = KV_OK;

  kv_horizon_clear(&fold->horizon);
  for (i = 0; i < fold->n_rows; i++)
    if (!fold_is_set(fold->rows[i])) {
      kv_horizon_reach(&fold->horizon, fold->rows[i]);
    }
  for (i = 0; i < fold->n_rows && rc == KV_OK && !fold->exists; i++)
    if (fold_is_birth(fold->rows[i])) {
      rc = kv_horizon_is_seen(&fold->horizon, fold->rows[i], &fold->exists);
    }
  return rc;
}

static int fold_existence(kv_fold *fold, int deletes) {
  if (fold->is_incomplete) return KV_OK;
  if (deletes == KV_DELETES_LOSE) return fold_is_unseen(fold);
  if (deletes == KV_DELETES_WIN) return fold_is_born(fold);
  fold->exists = fold_is_set(fold->rows[fold->n_rows - 1]);
  return KV_OK;
}

static int fold_compare_cells(const void *context, const void *a,
                              const void *b) {
  const kv_fold_cell *x = a;
  const kv_fold_cell *y = b;
  int c = kv_cell_compare_names(x->cell->name, x->cell->n_name, y->cell->name,
                                y->cell->n_name);

  (void)context;
  return c ? c : (x->row->at > y->row->at) - (x->row->at < y->row->at);
}

/* All cells that are understood, in the order of rows. */
static void fold_list_cells(kv_fold *fold, kv_fold_cell *cells) {
  size_t n = 0;
  size_t i;
  size_t k;

  for (i = 0; i < fold->n_rows; i++)
    for (k = 0; k < fold->rows[i]->record.n; k++) {
      const kv_cell *cell = &fold->rows[i]->record.cells[k];

      if (cell->op == KV_CELL_UNKNOWN) continue;
      cells[n].cell = cell;
      cells[n].row = fold->rows[i];
      cells[n].is_used = 0;
      n++;
    }
  fold->n_cells = n;
  fold->cells = cells;
}

/* Then by column. */
static int fold_sort_cells(kv_fold *fold) {
  kv_fold_cell *cells;
  kv_fold_cell **order;
  size_t n = 0;
  size_t i;

  for (i = 0; i < fold->n_rows; i++)
    n += fold->rows[i]->record.n;
  cells = kv_arena_get(&fold->arena, n * sizeof(*cells));
  if (!cells) return KV_NOMEM;
  fold_list_cells(fold, cells);
  n = fold->n_cells;
  fold->ops = kv_arena_get(&fold->arena, n * sizeof(*fold->ops));
  if (!fold->ops) return KV_NOMEM;
  if (fold->n_rows == 1) return KV_OK;
  order = kv_arena_get(&fold->arena, n * sizeof(*order));
  cells = kv_arena_get(&fold->arena, n * sizeof(*cells));
  if (!order || !cells) return KV_NOMEM;
  for (i = 0; i < n; i++)
    order[i] = &fold->cells[i];
  kv_sort((void **)order, n, (void **)fold->ops, fold_compare_cells, NULL);
  for (i = 0; i < n; i++)
    cells[i] = *order[i];
  fold->cells = cells;
  return KV_OK;
}

/*
** Find the base of a column, or NULL, and what is applied to it: *n operations
** in fold->ops.
*/
static int fold_choose(kv_fold *fold, kv_fold_cell *cells, size_t n_cells,
                       kv_fold_cell **base, size_t *n) {
  size_t i;
  int rc = KV_OK;

  *base = NULL;
  *n = 0;
  for (i = 0; i < n_cells; i++)
    if (cells[i].row->is_live && kv_cell_is_assignment(cells[i].cell)) {
      *base = &cells[i];
    }
  for (i = 0; i < n_cells && rc == KV_OK; i++) {
    int is_seen = 0;

    if (&cells[i] == *base || !cells[i].row->is_live ||
        fold_kind(cells[i].cell) == FOLD_NONE) {
      continue;
    }
    if (*base) {
      rc = kv_horizon_hb(&fold->horizon, cells[i].row, (*base)->row, &is_seen);
    }
    if (rc == KV_OK && !is_seen) fold->ops[(*n)++] = &cells[i];
  }
  return rc;
}

static int fold_lists(kv_fold *fold, const kv_fold_cell *base,
                      kv_fold_cell **ops, size_t n, kv_fold_column *column) {
  kv_list *lists = kv_arena_get(&fold->arena, (n + 1) * sizeof(*lists));
  kv_list list;
  size_t n_lists = 0;
  size_t i;
  int rc;

  if (!lists) return KV_NOMEM;
  if (base) lists[n_lists++] = base->cell->put;
  for (i = 0; i < n; i++)
    lists[n_lists++] = ops[i]->cell->put;
  rc = kv_apply_lists(lists, n_lists, &fold->arena, &list);
  if (rc == KV_OK) kv_apply_show(column, KV_CELL_ARRAY, list);
  return rc;
}

/* Add what a cell puts and cuts to lists that are merged. */
static size_t fold_add_elements(const kv_fold_cell *cell, size_t at,
                                kv_elements *lists) {
  size_t n = 0;
  int is_cut;

  for (is_cut = 0; is_cut <= 1; is_cut++) {
    kv_list list = is_cut ? cell->cell->cut : cell->cell->put;

    if (list.n <= 2) continue;
    lists[n].list = list;
    lists[n].is_cut = is_cut;
    lists[n].at = at;
    lists[n].row = cell->row;
    n++;
  }
  return n;
}

static int fold_elements(kv_fold *fold, const kv_fold_cell *base,
                         kv_fold_cell **ops, size_t n, kv_fold_column *column) {
  kv_elements *lists = kv_arena_get(&fold->arena, 2 * (n + 1) * sizeof(*lists));
  kv_list list;
  size_t n_lists = 0;
  size_t i;
  int rc;

  if (!lists) return KV_NOMEM;
  if (base) n_lists = fold_add_elements(base, 0, lists);
  for (i = 0; i < n; i++)
    n_lists += fold_add_elements(ops[i], i + 1, lists + n_lists);
  rc = kv_elements_merge(lists, n_lists, &fold->horizon, &fold->arena, &list);
  if (rc == KV_OK) kv_apply_show(column, KV_CELL_ELEMENTS, list);
  return rc;
}

/* The base without operations, in column->value. */
static int fold_base(kv_fold *fold, const kv_fold_cell *base,
                     kv_fold_column *column) {
  if (!base) return KV_OK;
  return kv_apply_cell(base->cell, &fold->arena, column);
}

static int fold_numbers(const kv_fold_cell *base, kv_fold_cell **ops, size_t n,
                        kv_fold_column *column) {
  size_t i;

  if (base) column->value = base->cell->value;
  for (i = 0; i < n; i++)
    kv_apply_number(ops[i]->cell, &column->value);
  return KV_OK;
}

/* Can operations of that kind start from the base? */
static int fold_goes_on(const kv_fold_cell *base, int kind) {
  int type = base->cell->value.type;

  switch (kind) {
    case FOLD_NUMBER:
      return base->cell->op == KV_CELL_SET &&
             (type == KV_INTEGER || type == KV_REAL);
    case FOLD_LIST: return base->cell->op == KV_CELL_ARRAY;
    case FOLD_ELEMENTS: return base->cell->op == KV_CELL_ELEMENTS;
  }
  return 1;
}

/* Make a column from its cells; *column has its name and the value NULL. */
static int fold_column(kv_fold *fold, kv_fold_cell *cells, size_t n_cells,
                       kv_fold_column *column) {
  kv_fold_cell **ops = fold->ops;
  kv_fold_cell *base;
  size_t n;
  size_t from;
  size_t i;
  int kind;
  int rc = fold_choose(fold, cells, n_cells, &base, &n);

  if (rc != KV_OK) return rc;
  column->n_ops = (int)n;
  kind = n > 0 ? fold_kind(ops[n - 1]->cell) : FOLD_NONE;
  for (from = n; from > 0 && fold_kind(ops[from - 1]->cell) == kind;)
    from--;
  for (i = from; i < n; i++)
    ops[i]->is_used = 1;
  if (from > 0 || (base && !fold_goes_on(base, kind))) base = NULL;
  if (base) base->is_used = 1;
  switch (kind) {
    case FOLD_NUMBER: return fold_numbers(base, ops + from, n - from, column);
    case FOLD_LIST: return fold_lists(fold, base, ops + from, n - from, column);
    case FOLD_ELEMENTS:
      return fold_elements(fold, base, ops + from, n - from, column);
  }
  return fold_base(fold, base, column);
}

/*
** Are all columns together more than fits into a record? Measured only if that
** is possible: a column takes at most three times the bytes of its cells.
*/
static void fold_measure(kv_fold *fold) {
  kv_bytes bytes;
  size_t i;

  if (fold->n_bytes <= KV_RECORD_MAX / 4) return;
  kv_bytes_init(&bytes, NULL, KV_RECORD_MAX);
  kv_record_begin(&bytes, 1);
  for (i = 0; i < fold->n_columns; i++) {
    kv_cell cell;

    kv_apply_assign(&fold->columns[i], &cell);
    kv_record_add(&bytes, &cell);
  }
  kv_record_end(&bytes);
  fold->is_large = bytes.rc != KV_OK;
}

/* All columns that a live row names. */
static int fold_columns(kv_fold *fold) {
  kv_fold_cell *cells = fold->cells;
  size_t n = fold->n_cells;
  size_t from;
  size_t to;
  int rc = KV_OK;

  fold->columns = kv_arena_get(&fold->arena, n * sizeof(*fold->columns));
  if (!fold->columns) return KV_NOMEM;
  for (from = 0; from < n && rc == KV_OK; from = to) {
    kv_fold_column *column = &fold->columns[fold->n_columns];
    int is_live = 0;

    memset(column, 0, sizeof(*column));
    column->name = cells[from].cell->name;
    column->n_name = cells[from].cell->n_name;
    for (to = from; to < n; to++) {
      const kv_cell *cell = cells[to].cell;

      if (cell->n_name != column->n_name ||
          memcmp(cell->name, column->name, cell->n_name) != 0) {
        break;
      }
      is_live |= cells[to].row->is_live;
    }
    if (!is_live) continue;
    rc = fold_column(fold, cells + from, to - from, column);
    if (rc == KV_OK) fold->n_columns++;
  }
  if (rc == KV_OK) fold_measure(fold);
  return rc;
}

int kv_fold_run(kv_fold *fold, int deletes) {
  int rc;

  fold->is_incomplete = 1;
  if (fold->n_rows == 0) return KV_OK;
  rc = fold_sort_rows(fold);
  if (rc == KV_OK) rc = fold_live(fold);
  if (rc == KV_OK) rc = fold_existence(fold, deletes);
  if (rc == KV_OK) rc = fold_sort_cells(fold);
  if (rc == KV_OK && fold->exists) rc = fold_columns(fold);
  return rc;
}

const kv_fold_column *kv_fold_find(const kv_fold *fold, const char *name,
                                   size_t n) {
  return kv_apply_find(fold->columns, fold->n_columns, name, n);
}
