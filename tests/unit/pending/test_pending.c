#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pending/pending.h"
#include "support/logs.h"
#include "support/rc.h"

/* What a transaction would publish: "key=value ..." in order. */
static const char *rows_of(const kv_pending *pending) {
  static char out[500];
  kv_pending_row **rows = kv_pending_rows(pending);
  size_t n = 0;
  int64_t i;

  out[0] = '\0';
  assert_non_null(rows);
  for (i = 0; i < pending->n_rows; i++) {
    kv_row row;

    assert_non_null(rows[i]);
    kv_remembered_read(rows[i], &row);
    n += (size_t)snprintf(
      out + n, sizeof(out) - n, "%s%.*s=%.*s", i ? " " : "", (int)row.key.n,
      (const char *)row.key.z, rows[i]->is_reference ? 1 : (int)row.value.n,
      rows[i]->is_reference ? "@" : (const char *)row.value.z);
  }
  sqlite3_free(rows);
  return out;
}

/* *state is a transaction that has begun. */
static int setup(void **state) {
  static kv_pending pending;

  memset(&pending, 0, sizeof(pending));
  pending.max_ts = -1;
  pending.is_open = 1;
  *state = &pending;
  return 0;
}

static int teardown(void **state) {
  kv_pending_clear(*state);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void put_row(kv_pending *pending, int64_t index, const char *key,
                    const char *value, int is_late) {
  kv_row row;

  memset(&row, 0, sizeof(row));
  row.ts = TEST_NOW + index;
  row.op = KV_OP_SET;
  row.key = test_text(key);
  row.value = test_text(value);
  pending->is_open = 1;
  if (is_late) {
    assert_rc(kv_late_reserve(&pending->late, &row.bucket, &row.key),
              SQLITE_OK);
  }
  assert_rc(kv_pending_add(pending, index, &row, is_late), SQLITE_OK);
}

static void put(kv_pending *pending, int64_t index, const char *key,
                const char *value) {
  put_row(pending, index, key, value, 0);
}

static void add_late(kv_pending *pending, const char *key, const char *value) {
  put_row(pending, pending->n_rows, key, value, 1);
}

/* The late rows, in the order of keys. */
static const char *late_of(kv_pending *pending) {
  static char out[500];
  kv_late_rows rows;
  const kv_rows_row *row;
  size_t n = 0;

  out[0] = '\0';
  assert_rc(kv_pending_recall(pending), SQLITE_OK);
  assert_rc(kv_late_sort(&pending->late, 0, &rows), SQLITE_OK);
  while ((row = rows.base.next(&rows.base)) != NULL) {
    n +=
      (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s=%.*s", n ? " " : "",
                       (int)row->row.key.n, (const char *)row->row.key.z,
                       (int)row->row.value.n, (const char *)row->row.value.z);
  }
  kv_late_rows_clear(&rows);
  return out;
}

static void add(kv_pending *pending, const char *key, const char *value) {
  put(pending, pending->n_rows, key, value);
}

static void rows_come_in_the_order_of_their_numbers(void **state) {
  kv_pending *pending = *state;

  assert_string_equal(rows_of(pending), "");
  add(pending, "a", "1");
  add(pending, "b", "2");
  add(pending, "c", "3");
  assert_string_equal(rows_of(pending), "a=1 b=2 c=3");
  assert_int_equal(pending->max_ts, TEST_NOW + 2);
}

static void a_row_set_again_keeps_its_number(void **state) {
  kv_pending *pending = *state;

  add(pending, "a", "1");
  add(pending, "b", "2");
  put(pending, 0, "a", "3");
  put(pending, 0, "a", "4");
  assert_string_equal(rows_of(pending), "a=4 b=2");
  assert_int_equal(pending->n_rows, 2);
}

static void what_is_remembered_is_a_copy(void **state) {
  char key[] = "a";
  char value[] = "1";
  kv_pending *pending = *state;

  add(pending, key, value);
  key[0] = value[0] = 'x';
  assert_string_equal(rows_of(pending), "a=1");
}

static void large_values_are_referred_to(void **state) {
  char large[KV_PENDING_COPY + 2];
  kv_pending *pending = *state;

  memset(large, 'x', sizeof(large));
  large[KV_PENDING_COPY + 1] = '\0';
  add(pending, "large", large);
  large[KV_PENDING_COPY] = '\0';
  add(pending, "small", large);
  {
    kv_pending_row **rows = kv_pending_rows(pending);
    assert_true(rows[0]->is_reference);
    assert_false(rows[1]->is_reference);
    sqlite3_free(rows);
  }
}

static void seen_rows_come_before_the_first_number(void **state) {
  kv_pending *pending = *state;

  pending->base.seq = 10;
  assert_int_equal(kv_pending_first(pending), 11);
  pending->n_seen = 2;
  assert_int_equal(kv_pending_first(pending), 13);
  pending->n_seen = 0;
}

static void a_failed_write_goes_back_to_where_it_was(void **state) {
  kv_pending *pending = *state;
  kv_pending_mark here;

  add(pending, "a", "1");
  here = kv_pending_here(pending);
  add(pending, "b", "2");
  put(pending, 0, "a", "3");
  kv_pending_return(pending, here);
  assert_string_equal(rows_of(pending), "a=1");
  add(pending, "c", "4");
  assert_string_equal(rows_of(pending), "a=1 c=4");
}

static void rollback_to_undoes_what_came_after(void **state) {
  kv_pending *pending = *state;

  add(pending, "a", "1");
  kv_pending_savepoint(pending, 0);
  add(pending, "b", "2");
  put(pending, 0, "a", "3");
  kv_pending_savepoint(pending, 1);
  add(pending, "c", "4");
  kv_pending_rollback_to(pending, 1);
  assert_string_equal(rows_of(pending), "a=3 b=2");
  kv_pending_rollback_to(pending, 0);
  assert_string_equal(rows_of(pending), "a=1");
}

static void a_savepoint_outlives_going_back_to_it(void **state) {
  kv_pending *pending = *state;
  int i;

  add(pending, "a", "1");
  kv_pending_savepoint(pending, 0);
  for (i = 0; i < 3; i++) {
    add(pending, "b", "2");
    kv_pending_rollback_to(pending, 0);
    assert_string_equal(rows_of(pending), "a=1");
  }
}

static void a_released_savepoint_is_part_of_the_outer_one(void **state) {
  kv_pending *pending = *state;

  add(pending, "a", "1");
  kv_pending_savepoint(pending, 0);
  add(pending, "b", "2");
  kv_pending_savepoint(pending, 1);
  add(pending, "c", "3");
  kv_pending_release(pending, 1);
  assert_string_equal(rows_of(pending), "a=1 b=2 c=3");
  kv_pending_rollback_to(pending, 0);
  assert_string_equal(rows_of(pending), "a=1");
  kv_pending_release(pending, 0);
  assert_string_equal(rows_of(pending), "a=1");
}

/* SQLite reports only savepoints that begin while the table takes part. */
static void savepoints_before_the_first_write_are_known(void **state) {
  kv_pending *pending = *state;
  int i;

  kv_pending_savepoint(pending, 2);
  add(pending, "a", "1");
  kv_pending_release(pending, 2);
  add(pending, "b", "2");
  kv_pending_rollback_to(pending, 1);
  assert_int_equal(pending->n_rows, 0);
  for (i = 0; i < 2; i++) {
    add(pending, "c", "3");
    kv_pending_rollback_to(pending, 0);
    assert_int_equal(pending->n_rows, 0);
  }
}

static void two_tables_may_report_the_same_savepoint(void **state) {
  kv_pending *pending = *state;

  add(pending, "a", "1");
  kv_pending_savepoint(pending, 0);
  kv_pending_savepoint(pending, 0);
  add(pending, "b", "2");
  kv_pending_savepoint(pending, 1);
  kv_pending_savepoint(pending, 1);
  assert_int_equal(pending->n_marks, 2);
  add(pending, "c", "3");
  kv_pending_rollback_to(pending, 1);
  kv_pending_rollback_to(pending, 1);
  assert_string_equal(rows_of(pending), "a=1 b=2");
  kv_pending_release(pending, 1);
  kv_pending_release(pending, 1);
  kv_pending_rollback_to(pending, 0);
  kv_pending_rollback_to(pending, 0);
  assert_string_equal(rows_of(pending), "a=1");
}

static void without_rows_the_transaction_has_no_time(void **state) {
  kv_pending *pending = *state;

  kv_pending_savepoint(pending, 0);
  add(pending, "a", "1");
  kv_pending_rollback_to(pending, 0);
  assert_false(pending->is_open);
  assert_int_equal(pending->max_ts, -1);
  add(pending, "b", "2");
  kv_pending_rollback_to(pending, 0);
  assert_false(pending->is_open);
}

static void level_minus_one_is_the_transaction(void **state) {
  kv_pending *pending = *state;

  kv_pending_savepoint(pending, 0);
  add(pending, "a", "1");
  kv_pending_savepoint(pending, 1);
  add(pending, "b", "2");
  kv_pending_rollback_to(pending, -1);
  assert_int_equal(pending->n_rows, 0);
  assert_int_equal(pending->n_marks, 0);
  assert_false(pending->is_open);
  add(pending, "c", "3");
  assert_string_equal(rows_of(pending), "c=3");
}

static void closing_forgets_rows_and_keeps_savepoints(void **state) {
  kv_pending *pending = *state;

  kv_pending_savepoint(pending, 0);
  add(pending, "a", "1");
  kv_pending_close(pending);
  assert_int_equal(pending->n_rows, 0);
  assert_int_equal(pending->n_marks, 1);
  add(pending, "b", "2");
  kv_pending_rollback_to(pending, 0);
  assert_int_equal(pending->n_rows, 0);
}

/* Add rows of 1 KiB until the transaction is no longer remembered. */
static int64_t fill(kv_pending *pending) {
  char value[KV_PENDING_COPY + 1];
  int64_t i;

  memset(value, 'x', KV_PENDING_COPY);
  value[KV_PENDING_COPY] = '\0';
  for (i = 0; !pending->is_scan; i++) {
    assert_true(i < 40000);
    add(pending, "key", value);
  }
  return i;
}

static void a_huge_transaction_is_only_counted(void **state) {
  sqlite3_int64 used = sqlite3_memory_used();
  kv_pending *pending = *state;
  int64_t n;

  n = fill(pending);
  assert_in_range(n, 25000, 32768);
  assert_true(sqlite3_memory_used() - used < 1000000);
  assert_null(kv_pending_rows(pending));
  assert_int_equal(pending->n_rows, n);
  add(pending, "one more", "1");
  assert_int_equal(pending->n_rows, n + 1);
  put(pending, 0, "key", "again");
  assert_int_equal(pending->n_rows, n + 1);
  assert_null(kv_pending_rows(pending));
  kv_pending_clear(pending);
  assert_int_equal(sqlite3_memory_used(), used);
}

static void going_back_works_in_a_huge_transaction_too(void **state) {
  kv_pending *pending = *state;
  kv_pending_mark here;
  int64_t n;

  kv_pending_savepoint(pending, 0);
  add(pending, "a", "1");
  kv_pending_savepoint(pending, 1);
  n = fill(pending);
  kv_pending_savepoint(pending, 2);
  add(pending, "b", "2");
  kv_pending_rollback_to(pending, 2);
  assert_int_equal(pending->n_rows, n + 1);
  here = kv_pending_here(pending);
  add(pending, "b", "2");
  kv_pending_return(pending, here);
  assert_int_equal(pending->n_rows, n + 1);
  kv_pending_rollback_to(pending, 1);
  assert_int_equal(pending->n_rows, 1);
  kv_pending_rollback_to(pending, 0);
  assert_int_equal(pending->n_rows, 0);
  assert_false(pending->is_scan);
  add(pending, "c", "3");
  assert_string_equal(rows_of(pending), "c=3");
}

static void late_rows_stay_late_over_a_savepoint(void **state) {
  kv_pending *pending = *state;

  add(pending, "a", "1");
  add_late(pending, "c", "2");
  kv_pending_savepoint(pending, 0);
  add_late(pending, "b", "3");
  put_row(pending, 1, "c", "4", 1);
  assert_string_equal(late_of(pending), "b=3 c=4");
  kv_pending_rollback_to(pending, 0);
  assert_string_equal(late_of(pending), "c=2");
  assert_string_equal(rows_of(pending), "a=1 c=2");
}

static void rows_written_after_a_savepoint_are_late_again(void **state) {
  kv_pending *pending = *state;

  add(pending, "a", "1");
  add_late(pending, "b", "2");
  kv_pending_settle(pending);
  add_late(pending, "d", "3");
  put_row(pending, 2, "d", "4", 1);
  add_late(pending, "c", "5");
  kv_pending_savepoint(pending, 0);
  kv_pending_settle(pending);
  add(pending, "e", "6");
  kv_pending_savepoint(pending, 1);
  add_late(pending, "f", "7");
  kv_pending_rollback_to(pending, 1);
  assert_string_equal(late_of(pending), "");
  kv_pending_rollback_to(pending, 0);
  assert_string_equal(late_of(pending), "c=5 d=4");
  assert_string_equal(rows_of(pending), "a=1 b=2 d=4 c=5");
  kv_pending_settle(pending);
  kv_pending_rollback_to(pending, 0);
  assert_string_equal(late_of(pending), "c=5 d=4");
}

/* What was late at a savepoint is kept, whatever comes after it. */
static void late_rows_outlive_a_huge_transaction(void **state) {
  kv_pending *pending = *state;

  add(pending, "a", "1");
  kv_pending_savepoint(pending, 0);
  add_late(pending, "b", "2");
  kv_pending_savepoint(pending, 1);
  kv_pending_settle(pending);
  kv_pending_savepoint(pending, 2);
  fill(pending);
  add_late(pending, "c", "3");
  kv_pending_settle(pending);
  kv_pending_savepoint(pending, 3);
  add_late(pending, "d", "4");
  kv_pending_rollback_to(pending, 3);
  assert_string_equal(late_of(pending), "");
  kv_pending_rollback_to(pending, 2);
  assert_string_equal(late_of(pending), "");
  kv_pending_rollback_to(pending, 1);
  assert_string_equal(late_of(pending), "b=2");
  assert_int_equal(pending->n_rows, 2);
  kv_pending_rollback_to(pending, 0);
  assert_string_equal(late_of(pending), "");
  assert_int_equal(pending->n_rows, 1);
}

static void nothing_is_left_when_it_is_cleared(void **state) {
  sqlite3_int64 used = sqlite3_memory_used();
  kv_pending *pending = *state;

  add(pending, "a", "1");
  kv_pending_savepoint(pending, 0);
  add(pending, "b", "2");
  pending->seen = sqlite3_malloc(sizeof(kv_seen));
  pending->n_seen = 1;
  kv_pending_clear(pending);
  assert_int_equal(sqlite3_memory_used(), used);
  assert_int_equal(pending->n_rows, 0);
  assert_int_equal(pending->n_seen, 0);
  assert_int_equal(pending->n_marks, 0);
  assert_int_equal(pending->max_ts, -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(rows_come_in_the_order_of_their_numbers),
    test(a_row_set_again_keeps_its_number),
    test(what_is_remembered_is_a_copy),
    test(large_values_are_referred_to),
    test(seen_rows_come_before_the_first_number),
    test(a_failed_write_goes_back_to_where_it_was),
    test(rollback_to_undoes_what_came_after),
    test(a_savepoint_outlives_going_back_to_it),
    test(a_released_savepoint_is_part_of_the_outer_one),
    test(savepoints_before_the_first_write_are_known),
    test(two_tables_may_report_the_same_savepoint),
    test(without_rows_the_transaction_has_no_time),
    test(level_minus_one_is_the_transaction),
    test(closing_forgets_rows_and_keeps_savepoints),
    test(a_huge_transaction_is_only_counted),
    test(going_back_works_in_a_huge_transaction_too),
    test(late_rows_stay_late_over_a_savepoint),
    test(rows_written_after_a_savepoint_are_late_again),
    test(late_rows_outlive_a_huge_transaction),
    test(nothing_is_left_when_it_is_cleared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
