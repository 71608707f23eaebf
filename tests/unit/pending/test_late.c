#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pending/late.h"
#include "pending/pending.h"
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

static const kv_value no_bucket = {KV_TEXT, 0, 0, "", 0};

static kv_pending_row *row_in(late_row *row, const char *bucket, kv_value key) {
  kv_row from;

  memset(row, 0, sizeof(*row));
  memset(&from, 0, sizeof(from));
  from.bucket = test_text(bucket);
  from.key = key;
  kv_remembered_write(&row->row, &from, 0);
  return &row->row;
}

static kv_pending_row *row_of(late_row *row, kv_value key) {
  return row_in(row, "", key);
}

static kv_pending_row *text_row(late_row *row, const char *key) {
  return row_of(row, test_text(key));
}

static void put(kv_late *late, kv_pending_row *row) {
  kv_row whole;

  memset(&whole, 0, sizeof(whole));
  kv_remembered_read(row, &whole);
  assert_rc(kv_late_reserve(late, &whole.bucket, &whole.key), SQLITE_OK);
  kv_late_put(late, row);
}

static void nothing_is_found_in_an_empty_set(void **state) {
  kv_late late = {NULL, 0, 0, 0};
  kv_value key = test_text("a");

  (void)state;
  assert_null(kv_late_find(&late, &no_bucket, &key));
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
    assert_ptr_equal(kv_late_find(&late, &no_bucket, key_of(&rows[i].row)),
                     &rows[i].row);
  assert_null(kv_late_find(&late, &no_bucket, &other));
  kv_late_clear(&late);
  assert_int_equal(late.n, 0);
  assert_null(kv_late_find(&late, &no_bucket, key_of(&rows[0].row)));
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
  assert_ptr_equal(kv_late_find(&late, &no_bucket, key_of(&rows[0].row)),
                   &rows[2].row);
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
  assert_false(kv_late_is_next(&late, &no_bucket, &behind));
  for (i = 0; i < MANY; i++) {
    snprintf(key, sizeof(key), "%04d", i);
    put(&late, text_row(&rows[i], key));
    put(&late, text_row(&rows[i], key));
  }
  assert_false(late.is_hashed);
  assert_int_equal(late.n, MANY);
  for (i = 0; i < MANY; i++)
    assert_ptr_equal(kv_late_find(&late, &no_bucket, key_of(&rows[i].row)),
                     &rows[i].row);
  assert_null(kv_late_find(&late, &no_bucket, &before));
  assert_null(kv_late_find(&late, &no_bucket, &between));
  assert_null(kv_late_find(&late, &no_bucket, &behind));
  assert_true(kv_late_is_next(&late, &no_bucket, &behind));
  assert_false(kv_late_is_next(&late, &no_bucket, key_of(&rows[MANY - 1].row)));
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
  assert_false(kv_late_is_next(&late, &no_bucket, key_of(&rows[MANY - 1].row)));
  for (i = 0; i < MANY; i++) {
    assert_ptr_equal(kv_late_find(&late, &no_bucket, key_of(&rows[i].row)),
                     i == 7 ? &other.row : &rows[i].row);
  }
  assert_rc(kv_late_sort(&late, 1, &sorted), SQLITE_OK);
  for (i = 0; i < MANY; i++)
    assert_ptr_equal(sorted.rows[i], i == 7 ? &other.row : &rows[i].row);
  kv_late_rows_clear(&sorted);
  kv_late_clear(&late);
  assert_false(late.is_hashed);
}

/* What the rows from `next` to `end` say: their values of index. */
static void reads(kv_late_rows *rows, size_t end, int first, int second) {
  rows->end = end;
  assert_int_equal(rows->base.next(&rows->base)->row.seq, first);
  assert_int_equal(rows->base.next(&rows->base)->row.seq, second);
  assert_null(rows->base.next(&rows->base));
}

static void keys_of_several_buckets_are_apart(void **state) {
  static const char *const buckets[] = {"b", "", "a", ""};
  static const char *const keys[] = {"1", "2", "1", "1"};
  late_row rows[4];
  kv_late late = {NULL, 0, 0, 0};
  kv_late_rows sorted;
  kv_value bucket = test_text("a");
  kv_value behind = test_text("2");
  int i;

  (void)state;
  put(&late, row_in(&rows[2], "a", test_text("1")));
  assert_true(kv_late_is_next(&late, &bucket, &behind));
  assert_false(kv_late_is_next(&late, &no_bucket, &behind));
  for (i = 0; i < 4; i++) {
    row_in(&rows[i], buckets[i], test_text(keys[i]));
    rows[i].row.index = i;
    put(&late, &rows[i].row);
  }
  assert_int_equal(late.n, 4);
  for (i = 0; i < 4; i++) {
    kv_value of = test_text(buckets[i]);

    assert_ptr_equal(kv_late_find(&late, &of, key_of(&rows[i].row)),
                     &rows[i].row);
  }
  assert_null(kv_late_find(&late, &bucket, &behind));
  assert_rc(kv_late_sort(&late, 0, &sorted), SQLITE_OK);
  assert_int_equal(sorted.n_kv, 2);
  reads(&sorted, sorted.n_kv, 3, 1);
  reads(&sorted, sorted.n_new, 2, 0);
  kv_late_rows_clear(&sorted);
  kv_late_clear(&late);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_is_found_in_an_empty_set),
    cmocka_unit_test(a_row_is_found_by_its_key),
    cmocka_unit_test(the_last_row_of_a_key_counts),
    cmocka_unit_test(rows_are_sorted_by_key),
    cmocka_unit_test(rows_in_the_order_of_keys_are_not_hashed),
    cmocka_unit_test(one_row_out_of_order_hashes_all),
    cmocka_unit_test(keys_of_several_buckets_are_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
