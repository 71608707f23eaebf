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

static void its_first_write_chooses_its_time_and_numbers(void **state) {
  const kv_pending *pending = &test_laptop.store->txn->pending;

  (void)state;
  test_store_set(&test_laptop, "a", "1");
  test_store_set(&test_laptop, "b", "1");
  assert_false(kv_transaction_is_open(test_laptop.store));
  test_run(test_laptop.db, "BEGIN");
  assert_rc(kv_transaction_open(test_laptop.store, &test_laptop.err),
            SQLITE_OK);
  assert_true(kv_transaction_is_open(test_laptop.store));
  assert_false(kv_transaction_has_rows(test_laptop.store));
  assert_int_equal(kv_pending_first(pending), 3);
  assert_int_equal(pending->ts, TEST_NOW + 2); /* after those before */
  assert_rc(test_store_write(&test_laptop, "c", "1"), SQLITE_OK);
  assert_true(kv_transaction_has_rows(test_laptop.store));
  test_store_rollback(&test_laptop);
  assert_false(kv_transaction_is_open(test_laptop.store));
  assert_false(kv_transaction_has_rows(test_laptop.store));
}

static void observers_and_twins_do_not_write(void **state) {
  char *device = test_laptop.store->device;

  (void)state;
  test_laptop.store->device = NULL;
  assert_rc(kv_transaction_open(test_laptop.store, &test_laptop.err),
            SQLITE_READONLY);
  test_laptop.store->device = device;
  assert_non_null(strstr(test_laptop.err, "observer"));
  assert_false(kv_transaction_is_open(test_laptop.store));
  test_store_set(&test_laptop, "a", "1");
  test_run(test_laptop.db, "UPDATE kv_cursor SET state = 'twin'");
  sqlite3_free(test_laptop.err);
  test_laptop.err = NULL;
  assert_rc(kv_transaction_open(test_laptop.store, &test_laptop.err),
            SQLITE_READONLY);
  assert_non_null(strstr(test_laptop.err, "laptop"));
  assert_false(kv_transaction_is_open(test_laptop.store));
}

static void rows_that_a_scan_has_read_ahead_become_stale(void **state) {
  int64_t n = kv_transaction_n_writes(test_laptop.store);

  (void)state;
  test_run(test_laptop.db, "BEGIN");
  test_store_write(&test_laptop, "a", "1");
  assert_true(kv_transaction_n_writes(test_laptop.store) > n);
  assert_rc(kv_transaction_savepoint(test_laptop.store, 0), SQLITE_OK);
  n = kv_transaction_n_writes(test_laptop.store);
  kv_transaction_release(test_laptop.store, 1);
  assert_true(kv_transaction_n_writes(test_laptop.store) == n);
  assert_rc(kv_transaction_rollback_to(test_laptop.store, 0), SQLITE_OK);
  assert_true(kv_transaction_n_writes(test_laptop.store) > n);
  n = kv_transaction_n_writes(test_laptop.store);
  test_store_rollback(&test_laptop);
  assert_true(kv_transaction_n_writes(test_laptop.store) > n);
}

static void savepoints_within_a_write_are_ignored(void **state) {
  (void)state;
  test_run(test_laptop.db, "BEGIN");
  assert_rc(kv_transaction_savepoint(test_laptop.store, 0), SQLITE_OK);
  test_store_write(&test_laptop, "a", "1");
  test_laptop.store->txn->is_writing = 1;
  assert_true(kv_transaction_is_writing(test_laptop.store));
  assert_rc(kv_transaction_rollback_to(test_laptop.store, 0), SQLITE_OK);
  assert_true(kv_transaction_has_rows(test_laptop.store));
  test_laptop.store->txn->is_writing = 0;
  assert_rc(kv_transaction_rollback_to(test_laptop.store, 0), SQLITE_OK);
  assert_false(kv_transaction_has_rows(test_laptop.store));
  test_store_rollback(&test_laptop);
}

static void a_temp_cache_reports_once_what_its_log_lost(void **state) {
  test_store temp;

  (void)state;
  kv_exchange_note_commit(test_laptop.store->exchange, SQLITE_FULL,
                          "the disk is full");
  assert_rc(kv_transaction_tell(test_laptop.store, &test_laptop.err),
            SQLITE_OK);
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
  assert_false(kv_transaction_can_undo(test_laptop.store));
  test_run(test_laptop.db, "SAVEPOINT s");
  assert_true(kv_transaction_can_undo(test_laptop.store));
  test_run(test_laptop.db, "RELEASE s");
  assert_rc(kv_transaction_open(test_laptop.store, &test_laptop.err),
            SQLITE_OK);
  assert_true(kv_transaction_can_undo(test_laptop.store));
  kv_transaction_rollback(test_laptop.store);
  assert_false(kv_transaction_can_undo(test_laptop.store));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_with_laptop(its_first_write_chooses_its_time_and_numbers),
    test_with_laptop(observers_and_twins_do_not_write),
    test_with_laptop(rows_that_a_scan_has_read_ahead_become_stale),
    test_with_laptop(savepoints_within_a_write_are_ignored),
    test_with_laptop(a_temp_cache_reports_once_what_its_log_lost),
    test_with_laptop(changes_can_be_undone_inside_a_transaction),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
