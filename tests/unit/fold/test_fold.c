/*
** Rows of typed tables, when devices write without having seen each other. Each
** case is tried in all orders of arrival. tests/python/test_tables_fold.py
** compares the fold with the model.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/folds.h"

#define LATER KV_DELETES_LATER
#define LOSE KV_DELETES_LOSE
#define WIN KV_DELETES_WIN

static void different_columns_both_survive(void **state) {
  const test_row rows[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"city\":\"Rome\",\"name\":\"Ann\"}"},
    {'b', 2, 1, "a1", "{\"name\":\"x\"}"},
    {'c', 3, 1, "a1", "{\"city\":\"y\"}"},
  };

  (void)state;
  test_folds(rows, LATER, "{\"city\":\"y\",\"name\":\"x\"}", "");
}

static void the_later_value_of_a_column_wins(void **state) {
  const test_row rows[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"name\":\"Ann\"}"},
    {'b', 2, 1, "a1", "{\"name\":\"x\"}"},
    {'c', 2, 1, "a1", "{\"name\":\"z\"}"}, /* the same time: by device */
  };
  const test_row equal[] = {
    {'a', 1, 1, NULL, "{\"\":1}"},
    {'b', 2, 1, "a1", "{\"name\":\"x\"}"},
    {'c', 2, 1, "a1", "{\"name\":\"x\"}"},
  };
  const test_row null[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"name\":\"Ann\"}"},
    {'a', 2, 2, NULL, "{\"name\":null}"},
  };

  (void)state;
  test_folds(rows, LATER, "{\"name\":\"z\"}", "name c1 b1");
  test_folds(equal, LATER, "{\"name\":\"x\"}", "");
  test_folds(null, LATER, "{\"name\":null}", "");
}

static void increments_add_up(void **state) {
  const test_row rows[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"n\":10}"},
    {'b', 2, 1, "a1", "{\"n\":{\"add\":3}}"},
    {'c', 3, 1, "a1", "{\"n\":{\"add\":-5}}"},
  };
  const test_row assigned[] = {
    /* b's assignment had seen a2, not c1 */
    {'a', 1, 1, NULL, "{\"\":1,\"n\":10}"},
    {'a', 2, 2, NULL, "{\"n\":{\"add\":100}}"},
    {'c', 3, 1, "a1", "{\"n\":{\"add\":3}}"},
    {'b', 4, 1, "a2", "{\"n\":0}"},
    {'c', 5, 2, "a1", "{\"n\":{\"add\":4}}"},
  };
  const test_row kinds[] = {
    {'a', 1, 1, NULL,
     "{\"\":1,\"a\":\"5\",\"b\":9223372036854775807,\"c\":0.5}"},
    {'a', 2, 2, NULL,
     "{\"a\":{\"add\":1},\"b\":{\"add\":1},\"c\":{\"add\":1},"
     "\"d\":{\"add\":1.5},\"e\":{\"add\":9e999}}"},
    {'a', 3, 3, NULL,
     "{\"e\":{\"add\":-9e999},\"f\":{\"add\":"
     "-9223372036854775808}}"},
    {'a', 4, 4, NULL, "{\"f\":{\"add\":-1}}"},
  };

  (void)state;
  test_folds(rows, LATER, "{\"n\":8}", "");
  test_folds(assigned, LATER, "{\"n\":7}", "");
  test_folds(
    kinds, LATER,
    "{\"a\":1,\"b\":9.223372036854776e+18,\"c\":1.5,\"d\":1.5,\"e\":null,"
    "\"f\":-9.223372036854776e+18}",
    "");
}

static void the_greatest_and_the_least_stay(void **state) {
  const test_row rows[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"high\":1,\"low\":\"x\",\"same\":1}"},
    {'b', 2, 1, "a1", "{\"high\":{\"max\":9},\"low\":{\"min\":3}}"},
    {'c', 3, 1, "a1",
     "{\"high\":{\"max\":7.5},\"low\":{\"min\":4},"
     "\"same\":{\"max\":1.0}}"},
    {'b', 4, 2, "a1", "{\"none\":{\"min\":5},\"same\":{\"min\":1.0}}"},
  };

  (void)state;
  test_folds(rows, LATER, "{\"high\":9,\"low\":3,\"none\":5,\"same\":1}", "");
}

static void lists_grow_in_order(void **state) {
  const test_row rows[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"l\":{\"array\":[\"x\"]},\"m\":\"[1]\"}"},
    {'c', 3, 1, "a1", "{\"l\":{\"push\":[\"d\",\"a\"]},\"m\":{\"push\":[2]}}"},
    {'b', 2, 1, "a1", "{\"l\":{\"push\":[\"b\"]},\"n\":{\"push\":[null]}}"},
  };
  const test_row assigned[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"l\":{\"array\":[\"x\"]}}"},
    {'b', 2, 1, "a1", "{\"l\":{\"push\":[1]}}"},
    {'c', 3, 1, "a1", "{\"l\":{\"array\":[]}}"},
    {'a', 4, 2, "b1", "{\"l\":{\"push\":[2]}}"},
  };

  (void)state;
  test_folds(
    rows, LATER,
    "{\"l\":{\"array\":[\"x\",\"b\",\"d\",\"a\"]},\"m\":{\"array\":[2]},"
    "\"n\":{\"array\":[null]}}",
    "");
  test_folds(assigned, LATER, "{\"l\":{\"array\":[1,2]}}", "");
}

static void only_a_writer_that_saw_an_element_removes_it(void **state) {
  const test_row rows[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"t\":{\"set\":[\"blue\"]}}"},
    {'c', 2, 1, "a1", "{\"t\":{\"put\":[\"red\"]}}"},
    {'a', 3, 2, "c1", "{\"t\":{\"put\":[\"red\"]}}"},
    {'b', 4, 1, "a1c1", "{\"t\":{\"cut\":[\"blue\",\"red\"]}}"},
  };
  const test_row seen[] = {
    /* b had seen both who put it */
    {'a', 1, 1, NULL, "{\"\":1}"},
    {'c', 2, 1, "a1", "{\"t\":{\"put\":[\"red\"]}}"},
    {'a', 3, 2, "c1", "{\"t\":{\"put\":[\"red\"]}}"},
    {'b', 4, 1, "a2c1", "{\"t\":{\"cut\":[\"red\"]}}"},
  };
  const test_row assigned[] = {
    /* c's set adds to what it had not seen */
    {'a', 1, 1, NULL, "{\"\":1,\"t\":{\"set\":[1]}}"},
    {'b', 2, 1, "a1", "{\"t\":{\"set\":[2,3]}}"},
    {'b', 3, 2, "a1", "{\"t\":{\"cut\":[2],\"put\":[1]}}"},
    {'c', 4, 1, "a1", "{\"t\":{\"set\":[4]}}"},
  };
  const test_row between[] = {
    /* a cut by e that only saw c, one by d: only b */
    {'a', 1, 1, NULL, "{\"\":1}"},
    {'b', 2, 1, "a1", "{\"t\":{\"put\":[7,8]}}"},
    {'c', 3, 1, "a1", "{\"t\":{\"put\":[7,8]}}"},
    {'d', 4, 1, "b1", "{\"t\":{\"cut\":[7,8]}}"},
    {'e', 5, 1, "c1", "{\"t\":{\"cut\":[7]}}"},
  };

  (void)state;
  test_folds(rows, LATER, "{\"t\":{\"set\":[\"red\"]}}", "");
  test_folds(seen, LATER, "{\"t\":{\"set\":[]}}", "");
  test_folds(assigned, LATER, "{\"t\":{\"set\":[2,3,4]}}", "");
  test_folds(between, LATER, "{\"t\":{\"set\":[8]}}", "");
}

static void the_last_kind_of_operation_counts(void **state) {
  const test_row rows[] = {
    {'a', 1, 1, NULL,
     "{\"\":1,\"a\":{\"set\":[1]},\"b\":{\"array\":[1]},\"c\":7}"},
    {'b', 2, 1, "a1",
     "{\"a\":{\"add\":3},\"b\":{\"put\":[2]},\"c\":{\"push\":[3]}}"},
    {'c', 3, 1, "a1",
     "{\"a\":{\"put\":[4]},\"b\":{\"add\":5},\"c\":{\"add\":6}}"},
    {'d', 4, 1, "a1",
     "{\"a\":{\"put\":[0]},\"b\":{\"max\":9},\"c\":{\"max\":1}}"},
  };

  (void)state;
  test_folds(rows, LATER, "{\"a\":{\"set\":[0,4]},\"b\":9,\"c\":6}", "");
}

static void without_a_birth_there_is_no_row(void **state) {
  const test_row update[] = {{'b', 2, 1, "a1", "{\"name\":\"x\"}"}};
  const test_row delete[] = {{'b', 2, 1, "a1", NULL}};
  const test_row both[] = {
    {'b', 2, 1, "a1", "{\"name\":\"x\"}"},
    {'a', 1, 1, NULL, "{\"\":1,\"name\":\"y\"}"},
  };

  (void)state;
  test_folds(update, LATER, "?", "");
  test_folds(delete, LATER, "?", "");
  test_folds(update, LOSE, "?", "");
  test_folds(both, WIN, "{\"name\":\"x\"}", "");
}

static void deletes_follow_the_rule_of_the_table(void **state) {
  const test_row early[] = {
    /* the delete is earlier than the edit */
    {'a', 1, 1, NULL, "{\"\":1,\"city\":\"y\",\"name\":\"x\"}"},
    {'b', 2, 1, "a1", NULL},
    {'c', 3, 1, "a1", "{\"name\":\"z\"}"},
  };
  const test_row late[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"name\":\"x\"}"},
    {'c', 2, 1, "a1", "{\"name\":\"z\"}"},
    {'b', 3, 1, "a1", NULL},
  };
  const test_row seen[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"name\":\"x\"}"},
    {'c', 2, 1, "a1", "{\"name\":\"z\"}"},
    {'b', 3, 1, "a1c1", NULL},
  };

  (void)state;
  test_folds(early, LATER, "{\"city\":\"y\",\"name\":\"z\"}", "* c1 b1");
  test_folds(early, LOSE, "{\"city\":\"y\",\"name\":\"z\"}", "* c1 b1");
  test_folds(early, WIN, "-", "* c1 b1");
  test_folds(late, LATER, "-", "* b1 c1");
  test_folds(late, LOSE, "{\"name\":\"z\"}", "* b1 c1");
  test_folds(late, WIN, "-", "* b1 c1");
  test_folds(seen, LATER, "-", "");
  test_folds(seen, LOSE, "-", "");
  test_folds(seen, WIN, "-", "");
}

static void an_insert_starts_over(void **state) {
  const test_row rows[] = {
    /* b's edit is of the old row */
    {'a', 1, 1, NULL, "{\"\":1,\"city\":\"y\",\"name\":\"x\"}"},
    {'a', 2, 2, NULL, NULL},
    {'a', 4, 3, NULL, "{\"\":1,\"name\":\"new\"}"},
    {'b', 3, 1, "a1", "{\"city\":\"old\",\"name\":\"old\"}"},
  };
  const test_row win[] = {
    /* the insert had not seen b's delete */
    {'a', 1, 1, NULL, "{\"\":1,\"name\":\"x\"}"},
    {'b', 2, 1, "a1", NULL},
    {'c', 3, 1, "a1", NULL},
    {'b', 4, 2, "a1", "{\"\":1,\"name\":\"y\"}"},
  };
  const test_row concurrent[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"a\":1,\"c\":1}"},
    {'b', 2, 1, NULL, "{\"\":1,\"b\":2,\"c\":2}"},
  };

  (void)state;
  test_folds(rows, WIN, "{\"city\":\"old\",\"name\":\"new\"}", "name a3 b1");
  test_folds(win, LATER, "{\"name\":\"y\"}", "* b2 c1");
  test_folds(win, LOSE, "{\"name\":\"y\"}", "* b2 c1");
  test_folds(win, WIN, "-", "* b2 c1");
  test_folds(concurrent, LATER, "{\"a\":1,\"b\":2,\"c\":2}", "c b1 a1");
}

static void another_log_of_a_device_is_compared_by_time(void **state) {
  const test_row rows[] = {
    /* A is a's log after it started over */
    {'a', 1, 7, NULL, "{\"\":1,\"n\":1}"},
    {'a', 5, 8, NULL, "{\"n\":{\"add\":10}}"},
    {'b', 4, 1, "a?", "{\"n\":100}"},
    {'A', 6, 1, NULL, "{\"n\":{\"add\":1000}}"},
  };
  const test_row own[] = {
    /* its assignment had seen what it wrote before */
    {'a', 1, 7, NULL, "{\"\":1}"},
    {'a', 2, 8, NULL, "{\"n\":{\"add\":10}}"},
    {'A', 3, 1, NULL, "{\"n\":5}"},
  };

  const test_row equal[] = {
    /* rows that are not earlier were not seen */
    {'a', 2, 7, NULL, "{\"\":1,\"m\":1}"},
    {'b', 2, 1, "a?", "{\"\":1,\"n\":1}"},
    {'A', 2, 7, NULL, "{\"\":1,\"o\":1}"},
  };

  (void)state;
  test_folds(rows, LATER, "{\"n\":1110}", "");
  test_folds(own, LATER, "{\"n\":5}", "");
  test_folds(equal, LATER, "{\"m\":1,\"n\":1,\"o\":1}", "");
}

/*
** Logs that a program invented, whose numbers and times contradict each other.
*/
static void numbers_and_times_may_contradict_each_other(void **state) {
  const test_row win[] = {
    {'a', 2, 5, NULL, NULL},
    {'a', 4, 3, NULL, NULL},
    {'b', 6, 1, "a3", "{\"\":1}"},
  };
  const test_row cut[] = {
    /* a cut that is earlier than what it had seen */
    {'a', 5, 1, NULL, "{\"\":1,\"t\":{\"put\":[1]}}"},
    {'b', 3, 1, "a1", "{\"t\":{\"cut\":[1]}}"},
  };

  (void)state;
  test_folds(win, WIN, "-", "* b1 a5");
  test_folds(cut, LATER, "{\"t\":{\"set\":[1]}}", "");
}

static void unknown_cells_do_not_count(void **state) {
  const test_row cells[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"a\":1,\"b\":2}"},
    {'b', 2, 1, "a1", "{\"a\":{\"times\":2},\"b\":3}"},
    {'b', 3, 2, "a1", "x"},
    {'b', 4, 3, "a1", "{\"b\":1,\"a\":1}"},
  };
  const test_row birth[] = {{'a', 1, 1, NULL, "{\"\":2,\"a\":1}"}};
  kv_fold fold;

  (void)state;
  test_folds(cells, LATER, "{\"a\":1,\"b\":3}", "");
  test_folds(birth, LATER, "?", "");
  kv_fold_init(&fold, test_resize);
  assert_int_equal(test_fold(&fold, cells, 1, LATER), KV_OK);
  assert_int_equal(fold.is_whole, 1);
  assert_int_equal(test_fold(&fold, cells, 2, LATER), KV_OK);
  assert_int_equal(fold.is_whole, 0);
  kv_fold_free(&fold);
}

static void cells_tell_what_the_value_is_made_of(void **state) {
  const test_row rows[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"m\":1,\"n\":1}"},
    {'b', 2, 1, "a1", "{\"n\":{\"add\":1}}"},
    {'a', 3, 2, NULL, "{\"n\":5}"},
    {'a', 4, 3, NULL, "{\"m\":{\"push\":[1]},\"n\":{\"add\":2}}"},
  };
  const int used[] = {0, 1, 0, 1, 1, 1};
  const char names[] = "mmnnnn";
  const kv_fold_column *n;
  kv_fold fold;
  size_t i;

  (void)state;
  kv_fold_init(&fold, test_resize);
  assert_int_equal(test_fold(&fold, rows, 4, LATER), KV_OK);
  assert_int_equal(fold.n_cells, 6);
  for (i = 0; i < fold.n_cells; i++) {
    assert_int_equal(fold.cells[i].cell->name[0], names[i]);
    assert_int_equal(fold.cells[i].is_used, used[i]);
  }
  n = kv_fold_find(&fold, "n", 1);
  assert_int_equal(n->value.i, 8);
  assert_int_equal(n->n_ops, 2);
  assert_null(kv_fold_find(&fold, "nn", 2));
  assert_null(kv_fold_find(&fold, "", 0));
  assert_int_equal(fold.rows[fold.n_rows - 1]->id, 3);
  kv_fold_free(&fold);
}

static int seen_nothing(void *source, const kv_fold_row *row, int log,
                        int64_t *seq) {
  (void)source;
  (void)row;
  (void)log;
  *seq = 0;
  return KV_OK;
}

/* 5000 rows of 50 devices that have not seen each other. */
static void many_rows_are_folded(void **state) {
  enum { ROWS = 5000, LOGS = 50 };
  static kv_fold_log logs[LOGS];
  static char names[LOGS][16];
  kv_fold fold;
  int i;

  (void)state;
  for (i = 0; i < LOGS; i++) {
    snprintf(names[i], sizeof(names[i]), "d%d", i);
    logs[i].device = names[i];
  }
  kv_fold_init(&fold, test_resize);
  assert_int_equal(kv_fold_begin(&fold, logs, LOGS, seen_nothing, NULL), KV_OK);
  for (i = 0; i < ROWS; i++) {
    static char texts[ROWS][64];
    kv_fold_row row;

    memset(&row, 0, sizeof(row));
    snprintf(texts[i], sizeof(texts[i]),
             "{%s\"n\":{\"add\":1},\"s\":{\"put\":[%d]}}", i ? "" : "\"\":1,",
             i % 100);
    row.log = i % LOGS;
    row.op = KV_OP_SET;
    row.ts = (i * 7919) % ROWS;
    row.seq = i + 1;
    row.value.type = KV_TEXT;
    row.value.z = texts[i];
    row.value.n = strlen(texts[i]);
    assert_int_equal(kv_fold_add(&fold, &row), KV_OK);
  }
  assert_int_equal(kv_fold_run(&fold, LATER), KV_OK);
  assert_int_equal(kv_fold_find(&fold, "n", 1)->value.i, ROWS);
  assert_int_equal(kv_fold_find(&fold, "s", 1)->value.n, 291);
  kv_fold_free(&fold);
}

static int fails_to_say(void *source, const kv_fold_row *row, int log,
                        int64_t *seq) {
  int *left = source;

  (void)row;
  (void)log;
  *seq = 1;
  return (*left)-- > 0 ? KV_OK : 266;
}

static void an_error_of_seen_is_returned(void **state) {
  static const kv_fold_log logs[] = {{"a", "1"}, {"b", "1"}};
  static const char *const texts[] = {"{\"\":1,\"t\":{\"set\":[1]}}",
                                      "{\"t\":{\"cut\":[1]}}",
                                      "{\"t\":{\"put\":[1]}}"};
  int deletes;
  int most;

  (void)state;
  for (deletes = LATER; deletes <= WIN; deletes++)
    for (most = 0;; most++) {
      int left = most;
      int rc;
      int i;
      kv_fold fold;

      kv_fold_init(&fold, test_resize);
      rc = kv_fold_begin(&fold, logs, 2, fails_to_say, &left);
      for (i = 0; i < 4 && rc == KV_OK; i++) {
        kv_fold_row row;

        memset(&row, 0, sizeof(row));
        row.log = i % 2;
        row.seq = 1 + i / 2;
        row.ts = i;
        row.op = i < 3 ? KV_OP_SET : KV_OP_DELETE;
        row.value.type = KV_TEXT;
        row.value.z = texts[i % 3];
        row.value.n = strlen(texts[i % 3]);
        rc = kv_fold_add(&fold, &row);
      }
      rc = kv_fold_run(&fold, deletes);
      kv_fold_free(&fold);
      if (rc == KV_OK) break;
      assert_int_equal(rc, 266);
    }
  assert_true(most > 0);
}

static void without_memory_nothing_stays(void **state) {
  static char texts[60][400];
  test_row rows[60];
  kv_fold fold;
  int rc = KV_NOMEM;
  int i;

  (void)state;
  for (i = 0; i < 60; i++) {
    snprintf(
      texts[i], sizeof(texts[i]),
      "{%s\"b\":{\"blob\":\"%0200d\"},\"l\":{\"push\":[%d]},\"t\":{\"put\":[%d]}}",
      i ? "" : "\"\":1,", 0, i, i);
    rows[i].log = (char)('a' + i % 3);
    rows[i].ts = 60 - i;
    rows[i].seq = 1 + i;
    rows[i].seen = NULL;
    rows[i].record = texts[i];
  }
  for (i = 0; rc != KV_OK; i++) {
    test_memory = i;
    test_open = 0;
    kv_fold_init(&fold, test_resize_failing);
    rc = test_fold(&fold, rows, 60, LATER);
    assert_true(rc == KV_OK || rc == KV_NOMEM);
    if (rc == KV_NOMEM) { /* it can be used again */
      test_memory = 1000;
      assert_int_equal(test_fold(&fold, rows, 60, LATER), KV_OK);
      assert_true(fold.exists);
    }
    kv_fold_free(&fold);
    assert_int_equal(test_open, 0);
  }
  assert_true(i > 5);
}

static void a_fold_that_repeats_asks_for_no_memory(void **state) {
  const test_row rows[] = {
    {'a', 1, 1, NULL, "{\"\":1,\"n\":1,\"t\":{\"set\":[1]}}"},
    {'b', 2, 1, "a1", "{\"n\":{\"add\":1},\"t\":{\"put\":[2]}}"},
  };
  kv_fold fold;

  (void)state;
  test_memory = 1000;
  test_open = 0;
  kv_fold_init(&fold, test_resize_failing);
  assert_int_equal(test_fold(&fold, rows, 2, LATER), KV_OK);
  test_memory = 0;
  assert_int_equal(test_fold(&fold, rows, 2, LATER), KV_OK);
  kv_fold_free(&fold);
  assert_int_equal(test_open, 0);
}

/* {"":1,"NAME":"111..."}, of n bytes; for free(). */
static char *long_record(char name, size_t n) {
  char *z = malloc(n + 1);

  memset(z, '1', n);
  memcpy(z, "{\"\":1,\"a\":\"", 11);
  z[7] = name;
  memcpy(z + n - 2, "\"}", 3);
  return z;
}

static void a_row_that_is_too_large_says_so(void **state) {
  test_row rows[2];
  kv_fold fold;
  int i;

  (void)state;
  memset(rows, 0, sizeof(rows));
  for (i = 0; i < 2; i++) { /* as one record they share six bytes */
    char *a = long_record('a', KV_RECORD_MAX / 2);
    char *b = long_record('b', KV_RECORD_MAX / 2 + 6 + (size_t)i);

    rows[0].seq = rows[1].seq = 1;
    rows[0].log = 'a';
    rows[0].record = a;
    rows[1].log = 'b';
    rows[1].record = b;
    kv_fold_init(&fold, test_resize);
    assert_int_equal(test_fold(&fold, rows, 2, LATER), KV_OK);
    assert_int_equal(fold.n_columns, 2);
    assert_int_equal(fold.is_large, i);
    kv_fold_free(&fold);
    free(a);
    free(b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(different_columns_both_survive),
    cmocka_unit_test(the_later_value_of_a_column_wins),
    cmocka_unit_test(increments_add_up),
    cmocka_unit_test(the_greatest_and_the_least_stay),
    cmocka_unit_test(lists_grow_in_order),
    cmocka_unit_test(only_a_writer_that_saw_an_element_removes_it),
    cmocka_unit_test(the_last_kind_of_operation_counts),
    cmocka_unit_test(without_a_birth_there_is_no_row),
    cmocka_unit_test(deletes_follow_the_rule_of_the_table),
    cmocka_unit_test(an_insert_starts_over),
    cmocka_unit_test(another_log_of_a_device_is_compared_by_time),
    cmocka_unit_test(numbers_and_times_may_contradict_each_other),
    cmocka_unit_test(unknown_cells_do_not_count),
    cmocka_unit_test(cells_tell_what_the_value_is_made_of),
    cmocka_unit_test(many_rows_are_folded),
    cmocka_unit_test(an_error_of_seen_is_returned),
    cmocka_unit_test(without_memory_nothing_stays),
    cmocka_unit_test(a_fold_that_repeats_asks_for_no_memory),
    cmocka_unit_test(a_row_that_is_too_large_says_so),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
