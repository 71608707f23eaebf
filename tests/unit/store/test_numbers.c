/*
** The numbers of rows and merges: what a running transaction has, and what is
** committed.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/numbers.h"
#include "support/rc.h"
#include "support/stores.h"

static void merges_and_the_transaction_have_different_numbers(void **state) {
  test_store t;
  int64_t next;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db, "BEGIN");
  test_store_write(&t, "a", "1");
  assert_rc(kv_numbers_next_arrival(t.store, &next), SQLITE_OK);
  assert_int_equal(next, t.store->txn->pending.arrived + 1);
  test_store_rollback(&t);
  assert_rc(kv_numbers_next_arrival(t.store, &next), SQLITE_OK);
  assert_int_equal(next, 1);
  test_store_close(&t);
}

static void what_is_open_is_not_settled(void **state) {
  test_store t;
  kv_settled settled;
  int64_t last;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db, "BEGIN");
  test_store_write(&t, "a", "1");
  assert_rc(kv_numbers_last_seq(t.store, &last), SQLITE_OK);
  assert_int_equal(last, 1);
  assert_rc(kv_numbers_settled(t.store, &settled), SQLITE_OK);
  assert_int_equal(settled.seq, 0);
  assert_int_equal(settled.open_seq, 1);
  test_store_rollback(&t);
  assert_rc(kv_numbers_settled(t.store, &settled), SQLITE_OK);
  assert_int_equal(settled.seq, 0);
  assert_true(settled.open_seq == INT64_MAX);
  test_store_close(&t);
}

static void an_observer_has_no_last_row(void **state) {
  test_store t;
  int64_t last;

  (void)state;
  test_store_open(&t, ":memory:", NULL);
  assert_rc(kv_numbers_last_seq(t.store, &last), SQLITE_OK);
  assert_true(last == INT64_MAX);
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(merges_and_the_transaction_have_different_numbers),
    cmocka_unit_test(what_is_open_is_not_settled),
    cmocka_unit_test(an_observer_has_no_last_row),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
