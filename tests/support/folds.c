/*
** Log rows of a key. See folds.h.
*/
#include "support/folds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const kv_fold_log logs[] = {
  {"a", "1"}, {"b", "1"}, {"c", "1"}, {"d", "1"}, {"e", "1"}, {"a", "2"},
};
#define LOGS ((int)(sizeof(logs) / sizeof(*logs)))

int test_memory;
int test_open;

void *test_resize(void *p, size_t n) {
  if (n > 0) return realloc(p, n);
  free(p);
  return NULL;
}

void *test_resize_failing(void *p, size_t n) {
  if (n == 0) {
    test_open--;
    free(p);
    return NULL;
  }
  if (test_memory-- <= 0) return NULL;
  test_open += p == NULL;
  return realloc(p, n);
}

static int seen(void *source, const kv_fold_row *row, int log, int64_t *seq) {
  const test_row *rows = source;
  const char *z = rows[row->id].seen;

  if (log == row->log) fail_msg("asked about a row's own log");
  *seq = 0;
  z = z ? strchr(z, logs[log].device[0]) : NULL;
  if (!z && strcmp(logs[log].device, logs[row->log].device) == 0) z = "a?";
  if (z) *seq = z[1] == '?' ? KV_SEEN_BY_TIME : z[1] - '0';
  return KV_OK;
}

int test_fold(kv_fold *fold, const test_row *rows, size_t n, int deletes) {
  size_t i;
  int rc = kv_fold_begin(fold, logs, LOGS, seen, (void *)(uintptr_t)rows);

  for (i = 0; i < n && rc == KV_OK; i++) {
    kv_fold_row row;

    memset(&row, 0, sizeof(row));
    row.log = rows[i].log == 'A' ? LOGS - 1 : rows[i].log - 'a';
    row.ts = rows[i].ts;
    row.seq = rows[i].seq;
    row.id = (int64_t)i;
    row.op = rows[i].record ? KV_OP_SET : KV_OP_DELETE;
    if (rows[i].record) {
      row.value.type = KV_TEXT;
      row.value.z = rows[i].record;
      row.value.n = strlen(rows[i].record);
    }
    rc = kv_fold_add(fold, &row);
  }
  return rc == KV_OK ? kv_fold_run(fold, deletes) : rc;
}

char *test_fold_text(const kv_fold *fold) {
  kv_bytes bytes;
  size_t i;

  kv_bytes_init(&bytes, test_resize, KV_RECORD_MAX);
  if (fold->exists) {
    kv_record_begin(&bytes, 0);
    for (i = 0; i < fold->n_columns; i++) {
      kv_cell cell;

      kv_apply_assign(&fold->columns[i], &cell);
      kv_record_add(&bytes, &cell);
    }
    kv_record_end(&bytes);
  } else {
    kv_bytes_add(&bytes, fold->is_incomplete ? "?" : "-", 1);
  }
  kv_bytes_add(&bytes, "", 1);
  assert_int_equal(bytes.rc, KV_OK);
  return bytes.z;
}

static void add_row(kv_bytes *bytes, const kv_fold_row *row) {
  char z[40];
  char log = row->log == LOGS - 1 ? 'A' : (char)('a' + row->log);

  kv_bytes_add(bytes, z,
               (size_t)snprintf(z, sizeof(z), " %c%d", log, (int)row->seq));
}

char *test_conflicts_text(kv_fold *fold) {
  kv_fold_conflict *conflicts;
  kv_bytes bytes;
  size_t n;
  size_t i;

  kv_bytes_init(&bytes, test_resize, KV_RECORD_MAX);
  assert_int_equal(kv_fold_conflicts(fold, &conflicts, &n), KV_OK);
  for (i = 0; i < n; i++) {
    if (i > 0) kv_bytes_add(&bytes, ", ", 2);
    if (conflicts[i].won) {
      kv_bytes_add(&bytes, conflicts[i].won->name, conflicts[i].won->n_name);
    } else {
      kv_bytes_add(&bytes, "*", 1);
    }
    add_row(&bytes, conflicts[i].won_row);
    add_row(&bytes, conflicts[i].lost_row);
  }
  kv_bytes_add(&bytes, "", 1);
  return bytes.z;
}

/*
** The next permutation of n numbers, in dictionary order; 0 after the last one.
*/
static int next_order(size_t *order, size_t n) {
  size_t i = n;
  size_t k = n;
  size_t was;

  while (i > 1 && order[i - 2] > order[i - 1])
    i--;
  if (i <= 1) return 0;
  while (order[k - 1] < order[i - 2])
    k--;
  was = order[i - 2];
  order[i - 2] = order[k - 1];
  order[k - 1] = was;
  for (; i < n; i++, n--) { /* the rest descends: reverse it */
    was = order[i - 1];
    order[i - 1] = order[n - 1];
    order[n - 1] = was;
  }
  return 1;
}

void test_folds_at(const char *file, int line, const test_row *rows, size_t n,
                   int deletes, const char *expected, const char *conflicts) {
  test_row *turned = malloc(n * sizeof(*turned));
  size_t *order = malloc(n * sizeof(*order));
  kv_fold fold;
  size_t i;
  int n_orders = 0;

  for (i = 0; i < n; i++)
    order[i] = i;
  kv_fold_init(&fold, test_resize);
  do {
    char *row;
    char *lost;

    for (i = 0; i < n; i++)
      turned[i] = rows[order[i]];
    assert_int_equal(test_fold(&fold, turned, n, deletes), KV_OK);
    row = test_fold_text(&fold);
    lost = test_conflicts_text(&fold);
    if (strcmp(row, expected) != 0) {
      fail_msg("%s:%d: %s, not %s", file, line, row, expected);
    }
    if (strcmp(lost, conflicts) != 0) {
      fail_msg("%s:%d: conflicts: %s, not: %s", file, line, lost, conflicts);
    }
    free(row);
    free(lost);
  } while (++n_orders < 200 && next_order(order, n));
  kv_fold_free(&fold);
  free(turned);
  free(order);
}
