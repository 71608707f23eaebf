#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cache/cache.h"
#include "rows/slice.h"
#include "support/rc.h"
#include "support/stores.h"

/* A row in front; key is an SQL literal. */
static void put(const char *key, int ts, const char *device, int seq) {
  test_run(test_laptop.db,
           "INSERT INTO kv_cache(part, key, ts, device, seq, op, arrived, "
           "value) VALUES(0, %s, %d, %Q, %d, 1, 1, %d)",
           key, ts, device, seq, seq);
}

static void sweep(int64_t arrival, int64_t rows) {
  kv_meta meta;
  int is_usable;

  assert_rc(kv_cache_check(&test_laptop.store->stmts, &is_usable, &meta),
            SQLITE_OK);
  test_run(test_laptop.db, "BEGIN");
  assert_rc(kv_cache_sweep(&test_laptop.store->stmts, &meta, arrival, rows),
            SQLITE_OK);
  test_run(test_laptop.db, "COMMIT");
}

#define FRONT                                                                  \
  "SELECT quote(key), ts, device, seq, value FROM kv_cache WHERE part = 0"
#define BACK                                                                   \
  "SELECT quote(key), ts, device, seq, value FROM kv_cache WHERE part = 1"

static void the_latest_row_of_each_key_stays_in_front(void **state) {
  (void)state;
  put("'a'", 10, "phone", 1);
  put("'a'", 30, "laptop", 2);
  put("'a'", 20, "zebra", 3);
  put("'b'", 10, "phone", 4);
  put("'b'", 10, "zebra", 5); /* the same time: the greater device wins */
  put("'b'", 10, "phone", 6);
  put("'c'", 10, "phone", 7);
  sweep(1, 7);
  test_rows(test_laptop.db,
            "'a'|30|laptop|2|2\n'b'|10|zebra|5|5\n'c'|10|phone|7|7", FRONT);
  test_rows(test_laptop.db,
            "'a'|20|zebra|3|3\n'a'|10|phone|1|1\n'b'|10|phone|6|6\n"
            "'b'|10|phone|4|4",
            BACK);
}

static void keys_are_the_same_if_sqlite_says_so(void **state) {
  (void)state;
  put("1", 10, "phone", 1);
  put("1.0", 20, "phone", 2);
  put("'1'", 10, "phone", 3);
  put("x'31'", 10, "phone", 4);
  put("''", 10, "phone", 5);
  put("x''", 10, "phone", 6);
  sweep(1, 6);
  test_rows(test_laptop.db, "1|10|phone|1|1", BACK);
}

static int count_statement(unsigned event, void *n, void *stmt, void *text) {
  (void)event, (void)stmt, (void)text;
  ++*(int *)n;
  return 0;
}

static void many_rows_are_moved_by_a_few_statements(void **state) {
  int n = 0;

  (void)state;
  test_run(test_laptop.db,
           "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i "
           "WHERE n < 2000) INSERT INTO kv_cache(part, key, ts, device, seq, "
           "op, arrived, value) SELECT 0, n / 2, n, 'phone', n, 1, 1, n FROM "
           "i");
  sqlite3_trace_v2(test_laptop.db, SQLITE_TRACE_STMT, count_statement, &n);
  sweep(1, 2000);
  sqlite3_trace_v2(test_laptop.db, 0, NULL, NULL);
  assert_true(n < 10);
  test_rows(test_laptop.db, "0|1001\n1|999",
            "SELECT part, count(*) FROM kv_cache GROUP BY part");
}

static void a_moved_row_keeps_all_its_columns(void **state) {
  static const char columns[] =
    "SELECT key, ts, device, seq, txn, parent_ts, op, arrived, large, "
    "quote(value) FROM kv_cache WHERE ts < 30 ORDER BY seq";
  char *before;

  (void)state;
  test_run(
    test_laptop.db,
    "INSERT INTO kv_cache(part, key, ts, device, seq, txn, parent_ts, op, "
    "arrived, large, value) VALUES"
    "(0, 'a', 10, 'laptop', 1, NULL, NULL, 1, 4, NULL, x'00ff'),"
    "(0, 'a', 11, 'phone', 2, 3, 10, 1, 5, NULL, 1.5),"
    "(0, 'a', 12, 'phone', 3, 3, -5, 1, 5, 77, NULL),"
    "(0, 'a', 13, 'phone', 4, 4, 0, 0, 6, NULL, NULL),"
    "(0, 'a', 14, 'phone', 5, 5, 13, 1, 6, NULL, ''),"
    "(0, 'a', 30, 'phone', 6, 6, 14, 1, 7, NULL, 'now')");
  before = test_ask(test_laptop.db, "%s", columns);
  before[strlen(before) - 1] = '\0'; /* the last \n */
  sweep(1, 6);
  test_rows(test_laptop.db, before, columns);
  test_rows(test_laptop.db, "5",
            "SELECT count(*) FROM kv_cache WHERE part = 1");
  sqlite3_free(before);
}

static void rows_are_found_also_backwards(void **state) {
  (void)state;
  put("'a'", 10, "phone", 1);
  put("'a'", 10, "zebra", 1); /* a row of another device with the same number */
  put("'a'", 20, "laptop", 2);
  put("'b'", 10, "phone", 3);
  put("'b'", 20, "phone", 4);
  test_run(test_laptop.db, "PRAGMA reverse_unordered_selects = 1");
  sweep(1, 5);
  test_run(test_laptop.db, "PRAGMA reverse_unordered_selects = 0");
  test_rows(test_laptop.db, "'a'|20|laptop|2|2\n'b'|20|phone|4|4", FRONT);
  test_rows(test_laptop.db,
            "'a'|10|zebra|1|1\n'a'|10|phone|1|1\n'b'|10|phone|3|3", BACK);
}

static void more_rows_than_a_slice_holds_are_all_moved(void **state) {
  (void)state;
  test_run(test_laptop.db,
           "WITH n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE "
           "i < %d) INSERT INTO kv_cache(part, key, ts, device, seq, op, "
           "arrived, value) SELECT 0, (i %% 3) || hex(zeroblob(500)), i, "
           "'phone', i, 1, 1, i FROM n",
           2 * KV_SLICE_SIZE / 1000);
  sweep(1, 2 * KV_SLICE_SIZE / 1000);
  test_rows(test_laptop.db, "3|8385|8388|8388",
            "SELECT sum(part = 0), sum(part), count(*), "
            "max(CASE WHEN part = 0 THEN seq END) FROM kv_cache");
}

static void it_notes_what_is_left_in_front(void **state) {
  (void)state;
  put("'a'", 10, "phone", 1);
  put("'a'", 20, "phone", 2);
  put("'b'", 10, "phone", 3);
  sweep(5, 17);
  test_rows(test_laptop.db, "5|17|2",
            "SELECT swept_arrival, swept_rows, n_front FROM kv_meta");
}

static void a_row_is_not_in_the_back_twice(void **state) {
  (void)state;
  put("'a'", 10, "phone", 1);
  put("'a'", 20, "phone", 2);
  sweep(1, 2);
  put("'a'", 10, "phone", 1); /* it arrived again */
  sweep(2, 2);
  test_rows(test_laptop.db, "'a'|20|phone|2|2", FRONT);
  test_rows(test_laptop.db, "'a'|10|phone|1|1", BACK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_with_laptop(the_latest_row_of_each_key_stays_in_front),
    test_with_laptop(keys_are_the_same_if_sqlite_says_so),
    test_with_laptop(more_rows_than_a_slice_holds_are_all_moved),
    test_with_laptop(it_notes_what_is_left_in_front),
    test_with_laptop(a_row_is_not_in_the_back_twice),
    test_with_laptop(many_rows_are_moved_by_a_few_statements),
    test_with_laptop(a_moved_row_keeps_all_its_columns),
    test_with_laptop(rows_are_found_also_backwards),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
