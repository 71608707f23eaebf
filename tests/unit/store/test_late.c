#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/late.h"
#include "store/pending.h"
#include "support/logs.h"
#include "support/rc.h"

#define MANY 1000

/* A remembered row; its key follows it. */
typedef struct late_row {
  kv_pending_row row;
  char key[24];
} late_row;

static const kv_value *key_of(const kv_pending_row *row) {
  static kv_value key;

  kv_remembered_key(row, &key);
  return &key;
}

static kv_pending_row *row_of(late_row *row, kv_value key) {
  kv_row from;

  memset(row, 0, sizeof(*row));
  memset(&from, 0, sizeof(from));
  from.bucket = test_text("");
  from.key = key;
  kv_remembered_write(&row->row, &from, 0);
  return &row->row;
}

static kv_pending_row *text_row(late_row *row, const char *key) {
  return row_of(row, test_text(key));
}

static void put(kv_late *late, kv_pending_row *row) {
  assert_rc(kv_late_reserve(late, key_of(row)), SQLITE_OK);
  kv_late_put(late, row);
}

static void nothing_is_found_in_an_empty_set(void **state) {
  kv_late late = {NULL, 0, 0, 0};
  kv_value key = test_text("a");

  (void)state;
  assert_null(kv_late_find(&late, &key));
  kv_late_clear(&late);
}

static void a_row_is_found_by_its_key(void **state) {
  static late_row rows[MANY];
  kv_late late = {NULL, 0, 0, 0};
  kv_value other = test_text("other");
  char key[20];
  int i;

  (void)state;
  for (i = 0; i < MANY; i++) {
    snprintf(key, sizeof(key), "key %d", i);
    put(&late, text_row(&rows[i], key));
  }
  assert_int_equal(late.n, MANY);
  for (i = 0; i < MANY; i++)
    assert_ptr_equal(kv_late_find(&late, key_of(&rows[i].row)), &rows[i].row);
  assert_null(kv_late_find(&late, &other));
  kv_late_clear(&late);
  assert_int_equal(late.n, 0);
  assert_null(kv_late_find(&late, key_of(&rows[0].row)));
}

static void the_last_row_of_a_key_counts(void **state) {
  late_row rows[3];
  kv_late late = {NULL, 0, 0, 0};
  kv_late_rows sorted;

  (void)state;
  row_of(&rows[0], test_integer(1));
  text_row(&rows[1], "1");
  row_of(&rows[2], test_real(1.0));
  put(&late, &rows[0].row);
  put(&late, &rows[1].row);
  put(&late, &rows[2].row);
  assert_int_equal(late.n, 2);
  assert_ptr_equal(kv_late_find(&late, key_of(&rows[0].row)), &rows[2].row);
  assert_rc(kv_late_sort(&late, 1, &sorted), SQLITE_OK);
  assert_int_equal(sorted.base.next(&sorted.base)->row.key.type, KV_REAL);
  assert_int_equal(sorted.base.next(&sorted.base)->row.key.type, KV_TEXT);
  assert_null(sorted.base.next(&sorted.base));
  kv_late_rows_clear(&sorted);
  kv_late_clear(&late);
}

static void rows_are_sorted_by_key(void **state) {
  static late_row rows[MANY];
  kv_late late = {NULL, 0, 0, 0};
  kv_late_rows sorted;
  char key[20];
  int i;

  (void)state;
  for (i = 0; i < MANY; i++) {
    snprintf(key, sizeof(key), "%04d", i * 7919 % MANY);
    put(&late, text_row(&rows[i], key));
    rows[i].row.index = i;
  }
  assert_rc(kv_late_sort(&late, 10, &sorted), SQLITE_OK);
  for (i = 0; i < MANY; i++) {
    const kv_row *row = &sorted.base.next(&sorted.base)->row;

    snprintf(key, sizeof(key), "%04d", i);
    assert_memory_equal(row->key.z, key, 4);
    assert_int_equal((row->seq - 10) * 7919 % MANY, i);
  }
  assert_null(sorted.base.next(&sorted.base));
  kv_late_rows_clear(&sorted);
  kv_late_clear(&late);
}

static void rows_in_the_order_of_keys_are_not_hashed(void **state) {
  static late_row rows[MANY];
  kv_late late = {NULL, 0, 0, 0};
  kv_value before = test_text("");
  kv_value between = test_text("0001x");
  kv_value behind = test_text("9");
  kv_late_rows sorted;
  char key[20];
  int i;

  (void)state;
  assert_false(kv_late_is_next(&late, &behind));
  for (i = 0; i < MANY; i++) {
    snprintf(key, sizeof(key), "%04d", i);
    put(&late, text_row(&rows[i], key));
    put(&late, text_row(&rows[i], key));
  }
  assert_false(late.is_hashed);
  assert_int_equal(late.n, MANY);
  for (i = 0; i < MANY; i++)
    assert_ptr_equal(kv_late_find(&late, key_of(&rows[i].row)), &rows[i].row);
  assert_null(kv_late_find(&late, &before));
  assert_null(kv_late_find(&late, &between));
  assert_null(kv_late_find(&late, &behind));
  assert_true(kv_late_is_next(&late, &behind));
  assert_false(kv_late_is_next(&late, key_of(&rows[MANY - 1].row)));
  rows[5].row.is_again = 1;
  assert_rc(kv_late_sort(&late, 1, &sorted), SQLITE_OK);
  assert_int_equal(sorted.n_new, MANY - 1);
  assert_ptr_equal(sorted.rows[MANY - 1], &rows[5].row);
  for (i = 0; i < MANY - 1; i++)
    assert_ptr_equal(sorted.rows[i], &rows[i < 5 ? i : i + 1].row);
  kv_late_rows_clear(&sorted);
  kv_late_clear(&late);
}

static void one_row_out_of_order_hashes_all(void **state) {
  static late_row rows[MANY];
  late_row other;
  kv_late late = {NULL, 0, 0, 0};
  kv_late_rows sorted;
  char key[20];
  int i;

  (void)state;
  for (i = 0; i < MANY; i++) {
    snprintf(key, sizeof(key), "%04d", i);
    put(&late, text_row(&rows[i], key));
  }
  put(&late, text_row(&other, "0007"));
  assert_true(late.is_hashed);
  assert_int_equal(late.n, MANY);
  assert_false(kv_late_is_next(&late, key_of(&rows[MANY - 1].row)));
  for (i = 0; i < MANY; i++) {
    assert_ptr_equal(kv_late_find(&late, key_of(&rows[i].row)),
                     i == 7 ? &other.row : &rows[i].row);
  }
  assert_rc(kv_late_sort(&late, 1, &sorted), SQLITE_OK);
  for (i = 0; i < MANY; i++)
    assert_ptr_equal(sorted.rows[i], i == 7 ? &other.row : &rows[i].row);
  kv_late_rows_clear(&sorted);
  kv_late_clear(&late);
  assert_false(late.is_hashed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_is_found_in_an_empty_set),
    cmocka_unit_test(a_row_is_found_by_its_key),
    cmocka_unit_test(the_last_row_of_a_key_counts),
    cmocka_unit_test(rows_are_sorted_by_key),
    cmocka_unit_test(rows_in_the_order_of_keys_are_not_hashed),
    cmocka_unit_test(one_row_out_of_order_hashes_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
