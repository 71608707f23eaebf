/*
** Two changes of a row in one transaction become one row of the log.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fold/compose.h"
#include "support/folds.h"

static void read_text(kv_arena *arena, const char *z, kv_record *out) {
  assert_int_equal(kv_record_read(z, strlen(z), arena, out), KV_OK);
  assert_int_equal(out->is_whole, 1);
}

/* The record of both changes, with the row before the second one. */
static void composes_at(int line, const char *earlier, const char *later,
                        const char *row, const char *expected, int is_rounded) {
  kv_record a, b, r;
  kv_fold_column columns[10];
  kv_arena arena;
  kv_bytes bytes;
  size_t i;

  kv_arena_init(&arena, test_resize);
  kv_bytes_init(&bytes, test_resize, KV_RECORD_MAX);
  read_text(&arena, earlier, &a);
  read_text(&arena, later, &b);
  read_text(&arena, row, &r);
  memset(columns, 0, sizeof(columns));
  for (i = 0; i < r.n; i++) {
    columns[i].name = r.cells[i].name;
    columns[i].n_name = r.cells[i].n_name;
    assert_int_equal(kv_apply_cell(&r.cells[i], &arena, &columns[i]), KV_OK);
  }
  assert_int_equal(kv_compose(&a, &b, columns, r.n, &arena, &bytes),
                   is_rounded);
  assert_int_equal(bytes.rc, KV_OK);
  if (bytes.n != strlen(expected) || memcmp(bytes.z, expected, bytes.n) != 0) {
    fail_msg("line %d: %.*s, not %s", line, (int)bytes.n, bytes.z, expected);
  }
  kv_bytes_free(&bytes);
  kv_arena_free(&arena);
}
#define composes(earlier, later, row, expected)                                \
  composes_at(__LINE__, earlier, later, row, expected, 0)

static void columns_of_both_changes_are_kept(void **state) {
  (void)state;
  composes("{\"b\":1}", "{\"a\":2,\"c\":3}", "{}", "{\"a\":2,\"b\":1,\"c\":3}");
  composes("{\"\":1,\"b\":1}", "{\"a\":null}", "{}",
           "{\"\":1,\"a\":null,\"b\":1}");
  composes("{\"a\":\"\\\"\"}", "{}", "{}", "{\"a\":\"\\\"\"}");
  composes("{\"a\":{\"text\":\"00\"}}", "{\"b\":{\"blob\":\"ff\"}}", "{}",
           "{\"a\":{\"text\":\"00\"},\"b\":{\"blob\":\"ff\"}}");
}

static void an_assignment_replaces(void **state) {
  (void)state;
  composes("{\"a\":1}", "{\"a\":\"x\"}", "{\"a\":1}", "{\"a\":\"x\"}");
  composes("{\"a\":{\"add\":1}}", "{\"a\":5}", "{\"a\":3}", "{\"a\":5}");
  composes("{\"a\":{\"put\":[1]}}", "{\"a\":{\"set\":[]}}", "{}",
           "{\"a\":{\"set\":[]}}");
}

static void an_operation_is_applied_to_an_assignment(void **state) {
  (void)state;
  composes("{\"a\":1}", "{\"a\":{\"add\":2}}", "{\"a\":1}", "{\"a\":3}");
  composes("{\"a\":{\"set\":[1,2]}}", "{\"a\":{\"put\":[3],\"cut\":[1]}}", "{}",
           "{\"a\":{\"set\":[2,3]}}");
  composes("{\"a\":{\"array\":[2]}}", "{\"a\":{\"push\":[1]}}", "{}",
           "{\"a\":{\"array\":[2,1]}}");
  composes("{\"a\":\"x\"}", "{\"a\":{\"max\":1}}", "{}", "{\"a\":1}");
}

static void operations_of_one_kind_become_one(void **state) {
  (void)state;
  composes("{\"a\":{\"add\":1}}", "{\"a\":{\"add\":2}}", "{\"a\":8}",
           "{\"a\":{\"add\":3}}");
  composes("{\"a\":{\"max\":1}}", "{\"a\":{\"max\":1.0}}", "{}",
           "{\"a\":{\"max\":1}}");
  composes("{\"a\":{\"min\":1}}", "{\"a\":{\"min\":0.5}}", "{}",
           "{\"a\":{\"min\":0.5}}");
  composes("{\"a\":{\"push\":[2]}}", "{\"a\":{\"push\":[1,1]}}", "{}",
           "{\"a\":{\"push\":[2,1,1]}}");
  composes("{\"a\":{\"put\":[1,2],\"cut\":[5]}}",
           "{\"a\":{\"put\":[3,5],\"cut\":[2]}}", "{}",
           "{\"a\":{\"put\":[1,3,5],\"cut\":[2]}}");
  composes("{\"a\":{\"put\":[1]}}", "{\"a\":{\"cut\":[1]}}", "{}",
           "{\"a\":{\"cut\":[1]}}");
  composes("{\"a\":{\"cut\":[1]}}", "{\"a\":{\"put\":[1]}}", "{}",
           "{\"a\":{\"put\":[1]}}");
}

static void other_operations_assign_their_result(void **state) {
  (void)state;
  composes("{\"a\":{\"add\":1}}", "{\"a\":{\"max\":9}}", "{\"a\":8}",
           "{\"a\":9}");
  composes("{\"a\":{\"push\":[1]}}", "{\"a\":{\"put\":[2]}}",
           "{\"a\":{\"array\":[0,1]}}", "{\"a\":{\"set\":[2]}}");
  composes("{\"a\":{\"add\":9e999}}", "{\"a\":{\"add\":-9e999}}",
           "{\"a\":9e999}", "{\"a\":null}");
}

static void sums_of_reals_are_reported(void **state) {
  (void)state;
  composes_at(__LINE__, "{\"a\":{\"add\":0.1}}", "{\"a\":{\"add\":1}}",
              "{\"a\":1.1}", "{\"a\":{\"add\":1.1}}", 1);
  composes_at(__LINE__, "{\"a\":{\"add\":1}}", "{\"a\":{\"add\":1}}",
              "{\"a\":1.5}", "{\"a\":{\"add\":2}}", 1);
  composes_at(__LINE__, "{\"a\":{\"add\":1}}", "{\"a\":{\"add\":1}}",
              "{\"a\":9223372036854775807}", "{\"a\":{\"add\":2}}", 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(columns_of_both_changes_are_kept),
    cmocka_unit_test(an_assignment_replaces),
    cmocka_unit_test(an_operation_is_applied_to_an_assignment),
    cmocka_unit_test(operations_of_one_kind_become_one),
    cmocka_unit_test(other_operations_assign_their_result),
    cmocka_unit_test(sums_of_reals_are_reported),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
