/*
** What operations make of the value of a column.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fold/apply.h"
#include "support/folds.h"
#include "support/logs.h"

static kv_arena arena;

static int setup(void **state) {
  (void)state;
  kv_arena_init(&arena, test_resize);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  kv_arena_free(&arena);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void apply_number(int op, kv_value n, kv_value *value) {
  kv_cell cell;

  memset(&cell, 0, sizeof(cell));
  cell.op = op;
  cell.value = n;
  kv_apply_number(&cell, value);
}

static void integers_are_added_until_they_overflow(void **state) {
  kv_value v = test_integer(INT64_MAX - 1);

  (void)state;
  apply_number(KV_CELL_ADD, test_integer(1), &v);
  assert_int_equal(v.type, KV_INTEGER);
  assert_true(v.i == INT64_MAX);
  apply_number(KV_CELL_ADD, test_integer(1), &v);
  assert_int_equal(v.type, KV_REAL);
  assert_true(v.r == 9223372036854775808.0);
  v = test_integer(INT64_MIN);
  apply_number(KV_CELL_ADD, test_integer(-1), &v);
  assert_int_equal(v.type, KV_REAL);
}

static void values_that_are_not_numbers_count_as_nothing(void **state) {
  kv_value v = test_text("5");

  (void)state;
  apply_number(KV_CELL_ADD, test_integer(2), &v);
  assert_int_equal(v.type, KV_INTEGER);
  assert_int_equal(v.i, 2);
  v = test_text("5");
  apply_number(KV_CELL_MAX, test_integer(-2), &v);
  assert_int_equal(v.i, -2);
  apply_number(KV_CELL_MAX, test_integer(-3), &v);
  assert_int_equal(v.i, -2);
  apply_number(KV_CELL_MIN, test_real(-2.5), &v);
  assert_true(v.type == KV_REAL && v.r == -2.5);
}

static void lists(const char *a, const char *b, const char *expected) {
  kv_list both[2];
  kv_list out;

  both[0].z = a;
  both[0].n = strlen(a);
  both[1].z = b;
  both[1].n = strlen(b);
  assert_int_equal(kv_apply_lists(both, 2, &arena, &out), KV_OK);
  assert_int_equal(out.n, strlen(expected));
  assert_memory_equal(out.z, expected, out.n);
}

static void lists_are_joined(void **state) {
  kv_list one = {"[1]", 3};
  kv_list out;

  (void)state;
  lists("[1,2]", "[2]", "[1,2,2]");
  lists("[]", "[2]", "[2]");
  lists("[1]", "", "[1]");
  lists("[]", "[]", "[]");
  assert_int_equal(kv_apply_lists(&one, 1, &arena, &out), KV_OK);
  assert_ptr_equal(out.z, one.z);
}

/* Apply the cells c of records, one after the other. */
static void cells_at(int line, const char *const *records, size_t n,
                     const char *expected) {
  kv_fold_column column;
  kv_cell cell;
  kv_bytes bytes;
  size_t i;

  memset(&column, 0, sizeof(column));
  column.name = "c";
  column.n_name = 1;
  for (i = 0; i < n; i++) {
    kv_record record;

    assert_int_equal(
      kv_record_read(records[i], strlen(records[i]), &arena, &record), KV_OK);
    assert_int_equal(record.n, 1);
    assert_int_equal(kv_apply_cell(&record.cells[0], &arena, &column), KV_OK);
  }
  kv_bytes_init(&bytes, test_resize, KV_RECORD_MAX);
  kv_apply_assign(&column, &cell);
  kv_record_begin(&bytes, 0);
  kv_record_add(&bytes, &cell);
  kv_record_end(&bytes);
  if (bytes.n != strlen(expected) || memcmp(bytes.z, expected, bytes.n) != 0) {
    fail_msg("line %d: %.*s", line, (int)bytes.n, bytes.z);
  }
  kv_bytes_free(&bytes);
}
#define cells(records, expected)                                               \
  cells_at(__LINE__, records, sizeof(records) / sizeof(*(records)), expected)

static void each_operation_starts_from_its_own_kind(void **state) {
  static const char *const list[] = {"{\"c\":5}", "{\"c\":{\"push\":[1]}}",
                                     "{\"c\":{\"push\":[0]}}"};
  static const char *const set[] = {
    "{\"c\":{\"array\":[9]}}", "{\"c\":{\"put\":[2,3]}}",
    "{\"c\":{\"put\":[1],\"cut\":[3]}}", "{\"c\":true}"};
  static const char *const number[] = {"{\"c\":{\"array\":[9]}}",
                                       "{\"c\":{\"add\":2}}"};
  static const char *const text[] = {"{\"c\":{\"set\":[1]}}",
                                     "{\"c\":\"\\\"\"}"};

  (void)state;
  cells(list, "{\"c\":{\"array\":[1,0]}}");
  cells(set, "{\"c\":{\"set\":[1,2]}}");
  cells(number, "{\"c\":2}");
  cells(text, "{\"c\":\"\\\"\"}");
}

static void a_column_is_found_by_its_whole_name(void **state) {
  kv_fold_column columns[3];

  (void)state;
  memset(columns, 0, sizeof(columns));
  columns[0].name = "a";
  columns[1].name = "ab";
  columns[2].name = "c";
  columns[0].n_name = columns[2].n_name = 1;
  columns[1].n_name = 2;
  assert_ptr_equal(kv_apply_find(columns, 3, "a", 1), &columns[0]);
  assert_ptr_equal(kv_apply_find(columns, 3, "abc", 2), &columns[1]);
  assert_ptr_equal(kv_apply_find(columns, 3, "c", 1), &columns[2]);
  assert_null(kv_apply_find(columns, 3, "abc", 3));
  assert_null(kv_apply_find(columns, 3, "", 0));
  assert_null(kv_apply_find(columns, 0, "a", 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(integers_are_added_until_they_overflow),
    test(values_that_are_not_numbers_count_as_nothing),
    test(lists_are_joined),
    test(each_operation_starts_from_its_own_kind),
    test(a_column_is_found_by_its_whole_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
