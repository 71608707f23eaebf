/*
** Any rows of a key, even if who had seen what is impossible. The fold must
** agree with the specification in fold.h, must not depend on the order of rows,
** and must leave nothing behind if memory runs out.
**
** A row is a line with four bytes and its record:
**
**   log, insert or delete | time | what it had seen | number | record \n
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fold/conflict.h"
#include "fold/elements.h"
#include "support/folds.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(is_so)                                                         \
  do                                                                           \
    if (!(is_so)) abort();                                                     \
  while (0)

enum { ROWS = 12, PAIRS = 2000 };

static const kv_fold_log logs[] = {
  {"a", "1"}, {"b", "1"}, {"c", "1"}, {"a", "2"}};

typedef struct input {
  kv_fold_row rows[ROWS];
  uint8_t seen[ROWS];
  size_t n;
} input;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  return 0;
}

/* kv_fold_seen: two bits a log; 3 is by time. */
static int seen(void *source, const kv_fold_row *row, int log, int64_t *seq) {
  const input *in = source;
  int bits = in->seen[row->id] >> (2 * log) & 3;

  require(log != row->log);
  *seq = bits == 3 ? KV_SEEN_BY_TIME : bits * 3;
  return KV_OK;
}

static int hb(input *in, const kv_fold_row *x, const kv_fold_row *y) {
  int64_t seq;

  if (x->log == y->log) return x->seq < y->seq;
  seen(in, y, x->log, &seq);
  return seq == KV_SEEN_BY_TIME ? x->ts < y->ts : x->seq <= seq;
}

/* Read lines as rows. Records are copied, so that nothing comes after them. */
static void read_input(const uint8_t *data, size_t size, input *in) {
  memset(in, 0, sizeof(*in));
  while (size >= 4 && in->n < ROWS) {
    kv_fold_row *row = &in->rows[in->n];
    const uint8_t *end = memchr(data + 4, '\n', size - 4);
    size_t n = end ? (size_t)(end - data) - 4 : size - 4;
    char *z = malloc(n + !n);

    memcpy(z, data + 4, n);
    row->log = data[0] & 3;
    row->op = data[0] & 12 ? KV_OP_SET : KV_OP_DELETE;
    row->ts = data[1] & 15;
    in->seen[in->n] = data[2];
    row->seq = 1 + (data[3] & 15);
    row->id = (int64_t)in->n++;
    row->value.type = KV_TEXT;
    row->value.z = z;
    row->value.n = n;
    size -= end ? n + 5 : size;
    data += end ? n + 5 : 0;
  }
}

static int fold_rows(kv_fold *fold, input *in, int is_turned, int deletes) {
  int rc = kv_fold_begin(fold, logs, 4, seen, in);
  size_t i;

  for (i = 0; i < in->n && rc == KV_OK; i++)
    rc = kv_fold_add(fold, &in->rows[is_turned ? in->n - 1 - i : i]);
  if (is_turned && in->n > 0 && rc == KV_OK) {
    rc = kv_fold_add(fold, &in->rows[in->n / 2]);
  }
  return rc == KV_OK ? kv_fold_run(fold, deletes) : rc;
}

static int is_birth(const kv_fold_row *row) {
  return row->op == KV_OP_SET && row->record.is_birth;
}

/* 5.1 of the specification. */
static int exists(input *in, const kv_fold *fold, int deletes) {
  int is_born = 0;
  size_t i;
  size_t k;

  for (i = 0; i < fold->n_rows; i++)
    is_born |= is_birth(fold->rows[i]);
  if (!is_born || deletes == KV_DELETES_LATER) {
    return is_born && fold->rows[fold->n_rows - 1]->op == KV_OP_SET;
  }
  for (i = 0; i < fold->n_rows; i++) {
    const kv_fold_row *row = fold->rows[i];
    int is_it =
      deletes == KV_DELETES_WIN ? is_birth(row) : row->op == KV_OP_SET;

    for (k = 0; k < fold->n_rows; k++) {
      const kv_fold_row *d = fold->rows[k];

      if (d->op == KV_OP_SET) continue;
      is_it &= deletes == KV_DELETES_WIN ? hb(in, d, row) : !hb(in, row, d);
    }
    if (is_it) return 1;
  }
  return 0;
}

static int is_live(input *in, const kv_fold *fold, const kv_fold_row *row) {
  size_t i;

  for (i = 0; i < fold->n_rows; i++)
    if (is_birth(fold->rows[i]) && hb(in, row, fold->rows[i])) return 0;
  return row->op == KV_OP_SET;
}

/* The elements of a set, each with the row that put it. */
static struct pair {
  kv_scalar element;
  const kv_fold_row *row;
} pairs[PAIRS];
static size_t n_pairs;

static int is_in(kv_list list, const kv_scalar *element) {
  kv_list_at at = kv_list_first(list);
  kv_scalar e;

  while (kv_list_next(&at, &e))
    if (e.n == element->n && memcmp(e.z, element->z, e.n) == 0) return 1;
  return 0;
}

static void apply_elements(input *in, const kv_fold_cell *cell) {
  kv_list_at at = kv_list_first(cell->cell->put);
  kv_scalar e;
  size_t n = 0;
  size_t i;

  for (i = 0; i < n_pairs; i++)
    if (!is_in(cell->cell->cut, &pairs[i].element) ||
        !hb(in, pairs[i].row, cell->row)) {
      pairs[n++] = pairs[i];
    }
  n_pairs = n;
  while (kv_list_next(&at, &e) && n_pairs < PAIRS) {
    pairs[n_pairs].element = e;
    pairs[n_pairs++].row = cell->row;
  }
}

static int compare_pairs(const void *a, const void *b) {
  return kv_json_compare(&((const struct pair *)a)->element,
                         &((const struct pair *)b)->element);
}

/* The pairs as a column's value. */
static void show_elements(kv_arena *arena, kv_fold_column *column) {
  kv_bytes bytes;
  kv_list list;
  size_t i;

  kv_bytes_init(&bytes, test_resize_failing, KV_RECORD_MAX);
  kv_bytes_add(&bytes, "[", 1);
  qsort(pairs, n_pairs, sizeof(*pairs), compare_pairs);
  for (i = 0; i < n_pairs; i++) {
    if (i > 0 && compare_pairs(&pairs[i - 1], &pairs[i]) == 0) continue;
    if (bytes.n > 1) kv_bytes_add(&bytes, ",", 1);
    kv_bytes_add(&bytes, pairs[i].element.z, pairs[i].element.n);
  }
  kv_bytes_add(&bytes, "]", 1);
  list.z = kv_arena_copy(arena, bytes.z, bytes.n);
  list.n = bytes.n;
  kv_apply_show(column, KV_CELL_ELEMENTS, list);
  kv_bytes_free(&bytes);
}

/* 5.3: the value of the column that cells[0..n) are of. */
static int value_of(input *in, kv_fold *fold, const kv_fold_cell *cells,
                    size_t n, kv_fold_column *column) {
  const kv_fold_cell *base = NULL;
  int is_elements = 0;
  int n_live = 0;
  size_t i;

  memset(column, 0, sizeof(*column));
  n_pairs = 0;
  for (i = 0; i < n; i++) {
    if (!is_live(in, fold, cells[i].row)) continue;
    n_live++;
    if (kv_cell_is_assignment(cells[i].cell)) base = &cells[i];
  }
  if (base) {
    kv_apply_cell(base->cell, &fold->arena, column);
    is_elements = base->cell->op == KV_CELL_ELEMENTS;
    if (is_elements) apply_elements(in, base);
  }
  for (i = 0; i < n; i++) {
    int op = cells[i].cell->op;

    if (!is_live(in, fold, cells[i].row) || &cells[i] == base ||
        (base && hb(in, cells[i].row, base->row)) || op == KV_CELL_SET ||
        op == KV_CELL_ARRAY) {
      continue;
    }
    if (op == KV_CELL_ELEMENTS || op == KV_CELL_PUT) {
      if (!is_elements) n_pairs = 0;
      is_elements = 1;
      column->op = KV_CELL_ELEMENTS;
      apply_elements(in, &cells[i]);
    } else {
      is_elements = 0;
      kv_apply_cell(cells[i].cell, &fold->arena, column);
    }
  }
  if (is_elements) show_elements(&fold->arena, column);
  return n_live;
}

static int is_same(const kv_fold_column *a, const kv_fold_column *b) {
  const kv_value *v = &a->value;
  const kv_value *w = &b->value;

  if (a->op != b->op || v->type != w->type || v->n != w->n) return 0;
  if (v->type == KV_INTEGER) return v->i == w->i;
  if (v->type == KV_REAL) return memcmp(&v->r, &w->r, sizeof(v->r)) == 0;
  return v->n == 0 || memcmp(v->z, w->z, v->n) == 0;
}

/* Check that the fold agrees with the specification. */
static void check_fold(input *in, kv_fold *fold, int deletes) {
  size_t n_columns = 0;
  size_t from;
  size_t to;

  require(fold->exists == exists(in, fold, deletes));
  for (from = 0; from < fold->n_cells && fold->exists; from = to) {
    const kv_cell *first = fold->cells[from].cell;
    const kv_fold_column *got = kv_fold_find(fold, first->name, first->n_name);
    kv_fold_column column;

    for (to = from + 1; to < fold->n_cells; to++)
      if (kv_cell_compare_names(fold->cells[to].cell->name,
                                fold->cells[to].cell->n_name, first->name,
                                first->n_name) != 0) {
        break;
      }
    if (value_of(in, fold, fold->cells + from, to - from, &column)) {
      require(got != NULL && is_same(got, &column));
      n_columns++;
    }
  }
  require(fold->n_columns == n_columns);
}

/* Check that another order, and a repeated row, change nothing. */
static void check_order(const kv_fold *a, const kv_fold *b) {
  size_t i;

  require(a->exists == b->exists && a->n_columns == b->n_columns);
  require(a->n_rows == b->n_rows && a->is_whole == b->is_whole);
  for (i = 0; i < a->n_columns; i++)
    require(is_same(&a->columns[i], &b->columns[i]));
}

/* Rows with the same identity are kept only once: they would not be a set. */
static void drop_doubles(input *in) {
  size_t n = 0;
  size_t i;
  size_t k;

  for (i = 0; i < in->n; i++) {
    for (k = 0; k < n; k++)
      if (in->rows[k].log == in->rows[i].log &&
          in->rows[k].seq == in->rows[i].seq) {
        break;
      }
    if (k < n) {
      free((void *)(uintptr_t)in->rows[i].value.z);
      continue;
    }
    in->rows[n] = in->rows[i];
    in->seen[n] = in->seen[i];
    in->rows[n].id = (int64_t)n;
    n++;
  }
  in->n = n;
}

static void check_memory(input *in, int deletes) {
  long most;

  for (most = 0; most < 12; most++) {
    kv_fold fold;
    kv_fold_conflict *conflicts;
    size_t n;
    int rc;

    test_memory = most;
    kv_fold_init(&fold, test_resize_failing);
    rc = fold_rows(&fold, in, 0, deletes);
    if (rc == KV_OK) rc = kv_fold_conflicts(&fold, &conflicts, &n);
    kv_fold_free(&fold);
    test_memory = INT32_MAX;
    require(test_open == 0);
    if (rc == KV_OK) return;
    require(rc == KV_NOMEM);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int deletes = size > 0 ? data[0] % 3 : 0;
  kv_fold fold;
  kv_fold turned;
  kv_fold_conflict *conflicts;
  input in;
  size_t n;
  size_t i;

  test_memory = INT32_MAX;
  test_open = 0;
  read_input(data + (size > 0), size - (size > 0), &in);
  drop_doubles(&in);
  kv_fold_init(&fold, test_resize_failing);
  kv_fold_init(&turned, test_resize_failing);
  require(fold_rows(&fold, &in, 0, deletes) == KV_OK);
  check_fold(&in, &fold, deletes);
  require(fold_rows(&turned, &in, 1, deletes) == KV_OK);
  check_order(&fold, &turned);
  require(kv_fold_conflicts(&fold, &conflicts, &n) == KV_OK);
  kv_fold_free(&fold);
  kv_fold_free(&turned);
  check_memory(&in, deletes);
  for (i = 0; i < in.n; i++)
    free((void *)(uintptr_t)in.rows[i].value.z);
  return 0;
}
