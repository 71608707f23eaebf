/*
** Writes of typed rows that lost to writers who had not seen them.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/folds.h"

#define BIRTH                                                                  \
  { 'a', 1, 1, NULL, "{\"\":1,\"n\":0}" }

static void each_column_has_its_own_conflicts(void **state) {
  const test_row rows[] = {
    BIRTH,
    {'b', 2, 1, "a1", "{\"m\":1,\"n\":1}"},
    {'c', 3, 1, "a1", "{\"n\":2,\"o\":2}"},
    {'d', 4, 1, "a1", "{\"m\":3}"},
    {'e', 5, 1, "a1", "{\"n\":3}"},
  };

  (void)state;
  test_folds(rows, KV_DELETES_LATER, "{\"m\":3,\"n\":3,\"o\":2}",
             "m d1 b1, n e1 b1, n e1 c1");
}

static void a_later_assignment_settles_it(void **state) {
  const test_row rows[] = {
    BIRTH,
    {'b', 2, 1, "a1", "{\"n\":1}"},
    {'c', 3, 1, "a1", "{\"n\":2}"},
    {'a', 4, 2, "b1c1", "{\"n\":2}"},
  };
  const test_row other[] = {
    /* another column, or an operation, does not */
    BIRTH,
    {'b', 2, 1, "a1", "{\"n\":1}"},
    {'c', 3, 1, "a1", "{\"n\":2}"},
    {'a', 4, 2, "b1c1", "{\"m\":2}"},
    {'a', 5, 3, "b1c1", "{\"n\":{\"add\":1}}"},
  };

  (void)state;
  test_folds(rows, KV_DELETES_LATER, "{\"n\":2}", "");
  test_folds(other, KV_DELETES_LATER, "{\"m\":2,\"n\":3}", "n c1 b1");
}

static void operations_and_equal_values_do_not_lose(void **state) {
  const test_row rows[] = {
    BIRTH,
    {'b', 2, 1, "a1",
     "{\"l\":{\"push\":[1]},\"n\":{\"add\":1},\"o\":1,\"t\":{\"set\":[1]}}"},
    {'c', 3, 1, "a1",
     "{\"l\":{\"array\":[2]},\"n\":5,\"o\":1,\"t\":{\"set\":[2]}}"},
  };
  const test_row types[] = {
    BIRTH,
    {'b', 2, 1, "a1", "{\"n\":1}"},
    {'c', 3, 1, "a1", "{\"n\":1.0}"},
    {'d', 4, 1, "a1", "{\"n\":1}"},
  };

  (void)state;
  test_folds(rows, KV_DELETES_LATER,
             "{\"l\":{\"array\":[2,1]},\"n\":6,\"o\":1,\"t\":{\"set\":[1,2]}}",
             "");
  test_folds(types, KV_DELETES_LATER, "{\"n\":1}", "n d1 c1");
}

static void a_delete_that_saw_both_settles_them(void **state) {
  const test_row rows[] = {
    BIRTH,
    {'b', 2, 1, "a1", "{\"n\":1}"},
    {'c', 3, 1, "a1", "{\"n\":2}"},
    {'a', 4, 2, "b1c1", NULL},
  };
  const test_row unseen[] = {
    BIRTH,
    {'b', 2, 1, "a1", "{\"n\":1}"},
    {'c', 3, 1, "a1", "{\"n\":2}"},
    {'a', 4, 2, "c1", NULL},
  };

  (void)state;
  test_folds(rows, KV_DELETES_LATER, "-", "");
  test_folds(unseen, KV_DELETES_LATER, "-", "n c1 b1, * a2 b1");
}

static void what_an_insert_had_seen_is_forgotten(void **state) {
  const test_row rows[] = {
    BIRTH,
    {'b', 2, 1, "a1", "{\"n\":1}"},
    {'a', 3, 2, NULL, NULL},
    {'a', 4, 3, "b1", "{\"\":1,\"n\":2}"},
  };

  (void)state;
  test_folds(rows, KV_DELETES_LATER, "{\"n\":2}", "");
}

static void edits_and_deletes_lose_to_each_other(void **state) {
  const test_row rows[] = {
    BIRTH,
    {'b', 2, 1, "a1", NULL},
    {'c', 3, 1, "a1", "{\"n\":2}"},
    {'d', 4, 1, "a1", NULL},
  };
  const test_row seen[] = {
    /* an insert that saw the edit settles it */
    BIRTH,
    {'c', 2, 1, "a1", "{\"n\":2}"},
    {'d', 3, 1, "a1", NULL},
    {'d', 4, 2, "a1c1", "{\"\":1}"},
  };

  (void)state;
  test_folds(rows, KV_DELETES_LATER, "-", "* d1 c1");
  test_folds(seen, KV_DELETES_LATER, "{}", "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_column_has_its_own_conflicts),
    cmocka_unit_test(a_later_assignment_settles_it),
    cmocka_unit_test(operations_and_equal_values_do_not_lose),
    cmocka_unit_test(a_delete_that_saw_both_settles_them),
    cmocka_unit_test(what_an_insert_had_seen_is_forgotten),
    cmocka_unit_test(edits_and_deletes_lose_to_each_other),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
