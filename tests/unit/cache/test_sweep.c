#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cache/cache.h"
#include "cache/slice.h"
#include "support/rc.h"
#include "support/stores.h"

static test_store t;

static int setup(void **state) {
  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  test_store_close(&t);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* A row in front; key is an SQL literal. */
static void put(const char *key, int ts, const char *device, int seq) {
  test_run(t.db,
           "INSERT INTO kv_cache(bucket, key, ts, device, seq, op, arrived, "
           "value) VALUES('', %s, %d, %Q, %d, 1, 1, %d)",
           key, ts, device, seq, seq);
}

static void sweep(int64_t arrival, int64_t rows) {
  test_run(t.db, "BEGIN");
  assert_rc(kv_cache_sweep(&t.store->stmts, arrival, rows), SQLITE_OK);
  test_run(t.db, "COMMIT");
}

#define FRONT                                                                  \
  "SELECT quote(key), ts, device, seq, value FROM kv_cache WHERE is_old = 0"
#define BACK                                                                   \
  "SELECT quote(key), ts, device, seq, value FROM kv_cache WHERE is_old = 1"

static void the_latest_row_of_each_key_stays_in_front(void **state) {
  (void)state;
  put("'a'", 10, "phone", 1);
  put("'a'", 30, "laptop", 2);
  put("'a'", 20, "zebra", 3);
  put("'b'", 10, "phone", 4);
  put("'b'", 10, "zebra", 5); /* of one time: the greater device */
  put("'b'", 10, "phone", 6);
  put("'c'", 10, "phone", 7);
  sweep(1, 7);
  test_rows(t.db, "'a'|30|laptop|2|2\n'b'|10|zebra|5|5\n'c'|10|phone|7|7",
            FRONT);
  test_rows(t.db,
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
  test_rows(t.db, "1|10|phone|1|1", BACK);
}

static void more_rows_than_a_slice_holds_are_all_moved(void **state) {
  (void)state;
  test_run(t.db,
           "WITH n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE "
           "i < %d) INSERT INTO kv_cache(bucket, key, ts, device, seq, op, "
           "arrived, value) SELECT '', (i %% 3) || hex(zeroblob(500)), i, "
           "'phone', i, 1, 1, i FROM n",
           2 * KV_SLICE_SIZE / 1000);
  sweep(1, 2 * KV_SLICE_SIZE / 1000);
  test_rows(t.db, "3|8385|8388|8388",
            "SELECT sum(is_old = 0), sum(is_old), count(*), "
            "max(CASE WHEN is_old = 0 THEN seq END) FROM kv_cache");
}

static void it_notes_what_is_left_in_front(void **state) {
  (void)state;
  put("'a'", 10, "phone", 1);
  put("'a'", 20, "phone", 2);
  put("'b'", 10, "phone", 3);
  sweep(5, 17);
  test_rows(t.db, "5|17|2",
            "SELECT swept_arrival, swept_rows, n_front FROM kv_meta");
}

static void a_row_is_not_in_the_back_twice(void **state) {
  (void)state;
  put("'a'", 10, "phone", 1);
  put("'a'", 20, "phone", 2);
  sweep(1, 2);
  put("'a'", 10, "phone", 1); /* it came again */
  sweep(2, 2);
  test_rows(t.db, "'a'|20|phone|2|2", FRONT);
  test_rows(t.db, "'a'|10|phone|1|1", BACK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(the_latest_row_of_each_key_stays_in_front),
    test(keys_are_the_same_if_sqlite_says_so),
    test(more_rows_than_a_slice_holds_are_all_moved),
    test(it_notes_what_is_left_in_front),
    test(a_row_is_not_in_the_back_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
