#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cache/ahead.h"
#include "store/transaction.h"
#include "store/write.h"
#include "support/logs.h"
#include "support/rc.h"
#include "support/stores.h"

static test_store t;
static kv_ahead ahead;

static int setup(void **state) {
  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  memset(&ahead, 0, sizeof(ahead));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  kv_ahead_clear(&ahead);
  test_store_close(&t);
  return 0;
}

/* Keys from 0 on, a third of them with many versions, a third text. */
static void fill(int n, int step) {
  test_run(
    t.db,
    "WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i "
    "WHERE n < %d) INSERT INTO kv_cache(part, key, ts, device, seq, op, "
    "arrived) SELECT 0, CASE n %% 3 WHEN 2 THEN format('k%%06d', n * %d) "
    "ELSE n * %d END, n + v.value, 'phone', n * 100 + v.value, "
    "n %% 5 > 0, 1 FROM i, json_each('[1,2,3,4,5,6,7,8,9]') AS v "
    "WHERE v.value = 1 OR n %% 3 = 1",
    n - 1, step, step);
}

/* A number, or text with the same digits. */
static kv_value key_of(char *buffer, int is_text, int i) {
  if (!is_text) return test_integer(i);
  snprintf(buffer, 20, "k%06d", i);
  return test_text(buffer);
}

/* Reading ahead tells what a search does; returns whether there is a row. */
static int same(int is_text, int i) {
  char buffer[20];
  kv_value key = key_of(buffer, is_text, i);
  kv_winner expected;
  kv_winner found;

  assert_rc(kv_cache_find(&t.store->stmts, &key, &expected), SQLITE_OK);
  assert_rc(kv_ahead_find(&ahead, &t.store->stmts, &key, &found), SQLITE_OK);
  assert_int_equal(found.is_found, expected.is_found);
  assert_int_equal(found.ts, expected.ts);
  assert_int_equal(found.op, expected.op);
  assert_int_equal(found.seq, expected.seq);
  assert_string_equal(found.device, expected.device);
  return found.is_found;
}

static int count_statement(unsigned event, void *n, void *stmt, void *text) {
  (void)event, (void)stmt, (void)text;
  ++*(int *)n;
  return 0;
}

static void keys_in_order_are_found_and_missing_ones_are_not(void **state) {
  int n_found = 0;
  int is_text;
  int i;

  (void)state;
  fill(600, 2);
  for (is_text = 0; is_text < 2; is_text++)
    for (i = 0; i < 1300; i++)
      n_found += same(is_text, i);
  assert_int_equal(n_found, 600);
}

static void keys_in_any_order_are_found(void **state) {
  unsigned random = 1;
  int i;

  (void)state;
  fill(300, 3);
  for (i = 0; i < 5000; i++) {
    random = random * 1664525 + 1013904223;
    same((random >> 16) % 2, (int)(i % 1000 + (random >> 20) % 20) - 10);
  }
}

static void few_statements_read_many_rows(void **state) {
  char buffer[20];
  kv_winner winner;
  int n = 0;
  int i;

  (void)state;
  fill(3000, 1);
  sqlite3_trace_v2(t.db, SQLITE_TRACE_STMT, count_statement, &n);
  for (i = 2; i < 3000; i += 3) {
    kv_value key = key_of(buffer, 1, i);
    kv_ahead_find(&ahead, &t.store->stmts, &key, &winner);
    assert_true(winner.is_found);
  }
  sqlite3_trace_v2(t.db, 0, NULL, NULL);
  assert_in_range(n, 1000 / 64, 1000 / 64 + 8);
}

/* A search is one statement, and one in 33 reads four rows. */
static void keys_far_apart_are_searched_one_by_one(void **state) {
  char buffer[20];
  kv_winner winner;
  int n_read = 0;
  int i;

  (void)state;
  fill(30000, 1);
  for (i = 2; i < 30000; i += 99) {
    kv_value key = key_of(buffer, 1, i);
    kv_ahead_find(&ahead, &t.store->stmts, &key, &winner);
    n_read += ahead.n;
    assert_in_range(ahead.n, 0, 4);
  }
  assert_in_range(n_read, 1, 50);
}

/* Savepoints write what is late; a ROLLBACK TO takes that back. */
static void what_a_rollback_takes_back_is_not_found(void **state) {
  char key[20];
  int i;

  (void)state;
  test_run(t.db, "BEGIN");
  test_store_write(&t, "first", "1");
  assert_rc(kv_transaction_savepoint(t.store, 0), SQLITE_OK);
  test_run(t.db, "SAVEPOINT a");
  for (i = 0; i < 100; i++) {
    snprintf(key, sizeof(key), "k%03d", i);
    assert_rc(test_store_write(&t, key, "1"), SQLITE_OK);
  }
  assert_rc(kv_write_flush(t.store, NULL), SQLITE_OK);
  assert_rc(test_store_write(&t, "a", "1"), SQLITE_OK);
  assert_rc(test_store_write(&t, "k010", "2"), SQLITE_OK);
  assert_rc(test_store_write(&t, "k011", "2"), SQLITE_OK);
  test_run(t.db, "ROLLBACK TO a");
  assert_rc(kv_transaction_rollback_to(t.store, 0), SQLITE_OK);
  assert_rc(test_store_write(&t, "a", "1"), SQLITE_OK);
  assert_rc(test_store_write(&t, "k010", "3"), SQLITE_OK);
  assert_rc(test_store_write(&t, "k012", "3"), SQLITE_OK);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "first|1|1\na|2|1\nk010|3|3\nk012|4|3",
            "SELECT key, seq, value FROM kv_cache ORDER BY seq");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(
      keys_in_order_are_found_and_missing_ones_are_not, setup, teardown),
    cmocka_unit_test_setup_teardown(keys_in_any_order_are_found, setup,
                                    teardown),
    cmocka_unit_test_setup_teardown(few_statements_read_many_rows, setup,
                                    teardown),
    cmocka_unit_test_setup_teardown(keys_far_apart_are_searched_one_by_one,
                                    setup, teardown),
    cmocka_unit_test_setup_teardown(what_a_rollback_takes_back_is_not_found,
                                    setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
