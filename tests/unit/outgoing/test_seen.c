/*
** Seen rows that are repeated after rows of another process.
**
** Here row 1 of laptop is common, row 2 is the other process's, and the key at
** number 3 waits.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "outgoing/seen.h"
#include "support/rc.h"
#include "support/stores.h"

static test_store t;

static int setup(void **state) {
  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db, "BEGIN; INSERT INTO kv_cache(part, key, ts, device, seq, "
                 "op, arrived, value) VALUES(0, 'a', 5, 'laptop', 3, 1, 1, 0)");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  test_run(t.db, "ROLLBACK");
  test_store_close(&t);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* At row `seq` laptop says that it had merged `peer` up to `at`. */
static void say(int seq, const char *peer, int at) {
  test_run(t.db,
           "INSERT INTO kv_seen VALUES('laptop', %Q, %d, %d, 7, "
           "x'31313131313131313131313131313131', %d, %d, 2)",
           peer, seq, seq, at, 100 + at);
}

static int64_t restore(void) {
  int64_t n = -1;

  assert_rc(kv_seen_restore(t.store, 1, 2, 9, &n), SQLITE_OK);
  return n;
}

static void what_waiting_rows_had_seen_is_repeated(void **state) {
  (void)state;
  say(1, "phone", 5);
  say(2, "phone", 9);
  assert_int_equal(restore(), 1);
  test_rows(
    t.db, "1|1|7|5|105\n2|2|7|9|109\n3|3|9|5|105",
    "SELECT seq, txn, ts, peer_seq, peer_sum FROM kv_seen ORDER BY seq");
}

static void rows_after_them_get_later_numbers(void **state) {
  (void)state;
  say(1, "phone", 5);
  say(1, "tablet", 6);
  say(2, "phone", 9);
  say(2, "tablet", 9);
  assert_int_equal(restore(), 2);
  test_rows(t.db, "5", "SELECT seq FROM kv_cache");
  test_rows(t.db, "phone|3|4|5\ntablet|4|4|6",
            "SELECT peer, seq, txn, peer_seq FROM kv_seen WHERE seq > 2 ORDER "
            "BY seq");
}

static void what_others_said_the_same_is_not_repeated(void **state) {
  (void)state;
  say(1, "phone", 5);
  say(2, "phone", 5);
  say(1, "tablet", 6);
  assert_int_equal(restore(), 0);
  test_rows(t.db, "3", "SELECT seq FROM kv_cache");
  test_rows(t.db, "3", "SELECT count(*) FROM kv_seen");
}

static void a_peer_that_was_not_seen_is_at_the_start_of_its_log(void **state) {
  char *expected =
    sqlite3_mprintf("0|%lld", kv_row_base_sum("phone", 5, "1111111111111111"));

  (void)state;
  say(2, "phone", 9);
  assert_int_equal(restore(), 1);
  test_rows(t.db, expected,
            "SELECT peer_seq, peer_sum FROM kv_seen WHERE seq = 3");
  sqlite3_free(expected);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(what_waiting_rows_had_seen_is_repeated),
    test(rows_after_them_get_later_numbers),
    test(what_others_said_the_same_is_not_repeated),
    test(a_peer_that_was_not_seen_is_at_the_start_of_its_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
