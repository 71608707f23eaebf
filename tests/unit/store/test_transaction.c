/*
** The running transaction of a store: how it begins, and how it is undone.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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

static void its_first_write_chooses_its_time_and_numbers(void **state) {
  const kv_pending *pending = &t.store->txn->pending;

  (void)state;
  test_store_set(&t, "a", "1");
  test_store_set(&t, "b", "1");
  assert_false(kv_transaction_is_open(t.store));
  test_run(t.db, "BEGIN");
  assert_rc(kv_transaction_open(t.store, &t.err), SQLITE_OK);
  assert_true(kv_transaction_is_open(t.store));
  assert_false(kv_transaction_has_rows(t.store));
  assert_int_equal(kv_pending_first(pending), 3);
  assert_int_equal(pending->ts, TEST_NOW + 2); /* after those before */
  assert_rc(test_store_write(&t, "c", "1"), SQLITE_OK);
  assert_true(kv_transaction_has_rows(t.store));
  test_store_rollback(&t);
  assert_false(kv_transaction_is_open(t.store));
  assert_false(kv_transaction_has_rows(t.store));
}

static void observers_and_twins_do_not_write(void **state) {
  char *device = t.store->device;

  (void)state;
  t.store->device = NULL;
  assert_rc(kv_transaction_open(t.store, &t.err), SQLITE_READONLY);
  t.store->device = device;
  assert_non_null(strstr(t.err, "observer"));
  assert_false(kv_transaction_is_open(t.store));
  test_store_set(&t, "a", "1");
  test_run(t.db, "UPDATE kv_cursor SET state = 'twin'");
  sqlite3_free(t.err);
  t.err = NULL;
  assert_rc(kv_transaction_open(t.store, &t.err), SQLITE_READONLY);
  assert_non_null(strstr(t.err, "laptop"));
  assert_false(kv_transaction_is_open(t.store));
}

static void what_a_scan_has_read_ahead_becomes_stale(void **state) {
  int64_t n = kv_transaction_n_writes(t.store);

  (void)state;
  test_run(t.db, "BEGIN");
  test_store_write(&t, "a", "1");
  assert_true(kv_transaction_n_writes(t.store) > n);
  assert_rc(kv_transaction_savepoint(t.store, 0), SQLITE_OK);
  n = kv_transaction_n_writes(t.store);
  kv_transaction_release(t.store, 1);
  assert_true(kv_transaction_n_writes(t.store) == n);
  assert_rc(kv_transaction_rollback_to(t.store, 0), SQLITE_OK);
  assert_true(kv_transaction_n_writes(t.store) > n);
  n = kv_transaction_n_writes(t.store);
  test_store_rollback(&t);
  assert_true(kv_transaction_n_writes(t.store) > n);
}

static void savepoints_within_a_write_are_ignored(void **state) {
  (void)state;
  test_run(t.db, "BEGIN");
  assert_rc(kv_transaction_savepoint(t.store, 0), SQLITE_OK);
  test_store_write(&t, "a", "1");
  t.store->txn->is_writing = 1;
  assert_true(kv_transaction_is_writing(t.store));
  assert_rc(kv_transaction_rollback_to(t.store, 0), SQLITE_OK);
  assert_true(kv_transaction_has_rows(t.store));
  t.store->txn->is_writing = 0;
  assert_rc(kv_transaction_rollback_to(t.store, 0), SQLITE_OK);
  assert_false(kv_transaction_has_rows(t.store));
  test_store_rollback(&t);
}

static void what_the_log_of_a_temp_cache_lost_is_told_once(void **state) {
  test_store temp;

  (void)state;
  kv_exchange_note_commit(t.store->exchange, SQLITE_FULL, "the disk is full");
  assert_rc(kv_transaction_tell(t.store, &t.err), SQLITE_OK);
  test_store_open_temp(&temp, ":memory:", "phone");
  kv_exchange_note_commit(temp.store->exchange, SQLITE_FULL,
                          "the disk is full");
  assert_rc(kv_transaction_tell(temp.store, &temp.err), SQLITE_FULL);
  assert_non_null(strstr(temp.err, "the disk is full"));
  assert_rc(kv_transaction_tell(temp.store, &temp.err), SQLITE_OK);
  test_store_close(&temp);
}

static void changes_can_be_undone_inside_a_transaction(void **state) {
  (void)state;
  assert_false(kv_transaction_can_undo(t.store));
  test_run(t.db, "SAVEPOINT s");
  assert_true(kv_transaction_can_undo(t.store));
  test_run(t.db, "RELEASE s");
  assert_rc(kv_transaction_open(t.store, &t.err), SQLITE_OK);
  assert_true(kv_transaction_can_undo(t.store));
  kv_transaction_rollback(t.store);
  assert_false(kv_transaction_can_undo(t.store));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(its_first_write_chooses_its_time_and_numbers),
    test(observers_and_twins_do_not_write),
    test(what_a_scan_has_read_ahead_becomes_stale),
    test(savepoints_within_a_write_are_ignored),
    test(what_the_log_of_a_temp_cache_lost_is_told_once),
    test(changes_can_be_undone_inside_a_transaction),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
