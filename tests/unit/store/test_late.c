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

typedef struct late_row {
  kv_pending_row row;
  char key[20];
} late_row;

static kv_pending_row *text_row(late_row *row, const char *key) {
  memset(row, 0, sizeof(*row));
  snprintf(row->key, sizeof(row->key), "%s", key);
  row->row.key = test_text(row->key);
  return &row->row;
}

static void put(kv_late *late, kv_pending_row *row) {
  assert_rc(kv_late_reserve(late, 1), SQLITE_OK);
  kv_late_put(late, row);
}

static void nothing_is_found_in_none(void **state) {
  kv_late late = {NULL, 0, 0};
  kv_value key = test_text("a");

  (void)state;
  assert_null(kv_late_find(&late, &key));
  kv_late_clear(&late);
}

static void a_row_is_found_by_its_key(void **state) {
  static late_row rows[MANY];
  kv_late late = {NULL, 0, 0};
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
    assert_ptr_equal(kv_late_find(&late, &rows[i].row.key), &rows[i].row);
  assert_null(kv_late_find(&late, &other));
  kv_late_clear(&late);
  assert_int_equal(late.n, 0);
  assert_null(kv_late_find(&late, &rows[0].row.key));
}

static void the_last_row_of_a_key_counts(void **state) {
  late_row rows[3];
  kv_late late = {NULL, 0, 0};
  kv_late_rows sorted;

  (void)state;
  text_row(&rows[0], "");
  rows[0].row.key.type = KV_INTEGER;
  rows[0].row.key.i = 1;
  text_row(&rows[1], "1");
  text_row(&rows[2], "");
  rows[2].row.key.type = KV_REAL;
  rows[2].row.key.r = 1.0;
  put(&late, &rows[0].row);
  put(&late, &rows[1].row);
  put(&late, &rows[2].row);
  assert_int_equal(late.n, 2);
  assert_ptr_equal(kv_late_find(&late, &rows[0].row.key), &rows[2].row);
  assert_rc(kv_late_sort(&late, 1, &sorted), SQLITE_OK);
  assert_int_equal(sorted.base.next(&sorted.base)->row.key.type, KV_REAL);
  assert_int_equal(sorted.base.next(&sorted.base)->row.key.type, KV_TEXT);
  assert_null(sorted.base.next(&sorted.base));
  kv_late_rows_clear(&sorted);
  kv_late_clear(&late);
}

static void rows_are_sorted_by_key(void **state) {
  static late_row rows[MANY];
  kv_late late = {NULL, 0, 0};
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

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_is_found_in_none),
    cmocka_unit_test(a_row_is_found_by_its_key),
    cmocka_unit_test(the_last_row_of_a_key_counts),
    cmocka_unit_test(rows_are_sorted_by_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
