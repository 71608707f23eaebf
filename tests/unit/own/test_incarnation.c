#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "own/incarnation.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"

#define LOG "%s/n.kv/devices/laptop/log.db"

static test_store t;

static void open_laptop(void **state) {
  test_store_open(&t, test_path("%s/n.kv", *state), "laptop");
}

static int setup(void **state) {
  if (test_files_setup(state) != 0) return -1;
  open_laptop(state);
  return 0;
}

static int teardown(void **state) {
  test_store_close(&t);
  return test_files_teardown(state);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* State and detail of the own log in the cache. */
static kv_state own_state(const char *part_of_detail) {
  kv_log_cursor own;
  kv_state state;

  assert_rc(kv_log_cursor_load(&t.store->stmts, "laptop", &own), SQLITE_OK);
  state = own.verdict.state;
  if (part_of_detail) {
    assert_non_null(own.verdict.detail);
    assert_non_null(strstr(own.verdict.detail, part_of_detail));
  }
  kv_log_cursor_clear(&own);
  return state;
}

/* The keys of the own log, if it verifies. */
static void expect_keys_at(const char *file, int line, const char *expected) {
  test_rows_at(file, line, t.db, expected,
               "SELECT group_concat(CASE WHEN valid THEN key ELSE reason END, "
               "' ') FROM kv_foreign('%q/devices/laptop/log.db') "
               "WHERE op IS NOT 'seen'",
               t.store->root);
}
#define expect_keys(expected) expect_keys_at(__FILE__, __LINE__, expected)

static void expect_refused(void) {
  test_run(t.db, "BEGIN");
  assert_rc(test_store_write(&t, "refused", "1"), SQLITE_READONLY);
  assert_non_null(strstr(t.err, "device laptop cannot write"));
  assert_non_null(strstr(t.err, "adopt=1"));
  test_store_rollback(&t);
}

static void a_log_of_another_machine_is_not_written(void **state) {
  const char *log = test_path(LOG, *state);
  size_t n;
  unsigned char *before;

  test_store_set(&t, "a", "1");
  test_log_break(log, "UPDATE device SET host = '0000000000000000'");
  before = test_read(log, &n);
  test_store_sync(&t);
  if (t.store->machine[0]) {
    assert_int_equal(own_state("is written by another machine"), KV_STATE_TWIN);
    expect_refused();
    test_rows(t.db, "a", "SELECT key FROM kv_cache");
  }
  test_is_kept(log, before, n);
}

static void adopting_makes_this_machine_the_writer(void **state) {
  const char *log = test_path(LOG, *state);

  test_store_set(&t, "a", "1");
  test_log_break(log, "UPDATE device SET host = '0000000000000000'");
  test_store_sync(&t);
  t.store->exchange->adopt = 1;
  test_store_sync(&t);
  assert_int_equal(own_state(NULL), KV_STATE_OK);
  assert_false(t.store->exchange->adopt);
  test_store_set(&t, "b", "2");
  expect_keys("a b");
}

static void a_machine_without_identity_is_not_checked(void **state) {
  test_store_set(&t, "a", "1");
  test_log_break(test_path(LOG, *state), "UPDATE device SET host = ''");
  test_store_sync(&t);
  assert_int_equal(own_state(NULL), KV_STATE_OK);
  test_store_set(&t, "b", "2");
  expect_keys("a b");
}

static void a_damaged_log_is_set_aside_and_rebuilt(void **state) {
  const char *log = test_path(LOG, *state);

  test_store_set(&t, "a", "1");
  test_store_set(&t, "b", "2");
  test_set_byte(log, 0, 'x');
  test_store_sync(&t);
  assert_int_equal(own_state(NULL), KV_STATE_OK);
  assert_true(test_exists(test_path("%s.aside-1", log)));
  expect_keys("a b");
  test_store_set(&t, "c", "3");
  expect_keys("a b c");
}

static void a_commit_repairs_a_damaged_log_too(void **state) {
  const char *log = test_path(LOG, *state);

  test_store_set(&t, "a", "1");
  test_store_set(&t, "b", "2");
  test_log_break(log, "UPDATE log SET value = 9; DELETE FROM device");
  test_store_set(&t, "c", "3");
  expect_keys("a b c");
  assert_true(test_exists(test_path("%s.aside-1", log)));
}

/* Another log of device laptop, complete and valid, takes its place. */
static void replace_log(void **state) {
  const char *log = test_path(LOG, *state);
  test_store twin;

  test_store_open(&twin, test_path("%s/twin.kv", *state), "laptop");
  test_store_set(&twin, "x", "1");
  test_store_set(&twin, "y", "2");
  test_store_close(&twin);
  test_copy(test_path("%s/twin.kv/devices/laptop/log.db", *state), log);
}

static void a_log_of_another_writer_is_never_rewritten(void **state) {
  const char *log = test_path(LOG, *state);
  size_t n;
  unsigned char *before;

  test_store_set(&t, "a", "1");
  replace_log(state);
  before = test_read(log, &n);
  test_store_sync(&t);
  assert_int_equal(own_state("not the one that this device published"),
                   KV_STATE_TWIN);
  expect_refused();
  test_is_kept(log, before, n);
  test_rows(t.db, "a", "SELECT key FROM kv_cache");
}

static void adopting_a_twin_keeps_the_rows_of_both(void **state) {
  const char *log = test_path(LOG, *state);

  test_store_set(&t, "a", "1");
  test_store_set(&t, "b", "2");
  replace_log(state);
  test_store_sync(&t);
  t.store->exchange->adopt = 1;
  test_store_sync(&t);
  assert_int_equal(own_state(NULL), KV_STATE_OK);
  test_rows(t.db, "a\nb\nx\ny", "SELECT key FROM kv_cache ORDER BY key");
  assert_true(test_exists(test_path("%s.aside-1", log)));
  test_store_set(&t, "c", "3");
  {
    char *rows =
      test_ask(t.db,
               "SELECT count(*), min(valid), sum(key IN ('a', 'b', 'c', 'x', "
               "'y')), min(seq), max(seq) FROM kv_foreign('%q')",
               log);
    assert_string_equal(rows, "5|1|5|1|5\n");
    sqlite3_free(rows);
  }
}

static void a_peer_knows_that_the_log_was_rolled_back(void **state) {
  const char *log = test_path(LOG, *state);
  const char *old = test_path("%s/old.db", *state);
  test_store phone;

  test_store_open(&phone, test_path("%s/n.kv", *state), "phone");
  test_store_set(&t, "a", "1");
  test_copy(log, old);
  test_store_set(&t, "b", "2");
  assert_int_equal(test_store_sync(&phone), 2);
  test_store_set(&phone, "p", "1");
  test_store_close(&t);

  /* its cache is gone, and its log is an older one */
  test_copy(old, log);
  open_laptop(state);
  test_store_sync(&t);
  test_store_sync(&t);
  assert_int_equal(own_state("was rolled back: device phone has read "
                             "row 2"),
                   KV_STATE_TWIN);
  expect_refused();

  t.store->exchange->adopt = 1;
  test_store_sync(&t);
  assert_int_equal(own_state(NULL), KV_STATE_OK);
  test_store_set(&t, "c", "3");
  expect_keys("a c");
  assert_true(test_store_sync(&phone) > 0);
  test_rows(phone.db, "a\nc",
            "SELECT DISTINCT key FROM kv_cache WHERE device = 'laptop' "
            "AND key IN ('a', 'c') ORDER BY key");
  test_store_close(&phone);
}

static void a_restored_cache_catches_up_with_its_log(void **state) {
  test_store old;

  (void)state;
  test_store_set(&t, "a", "1");
  test_store_open(&old, ":memory:", "other");
  {
    sqlite3_backup *backup = sqlite3_backup_init(old.db, "main", t.db, "main");
    assert_non_null(backup);
    assert_rc(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    sqlite3_backup_finish(backup);
  }
  test_store_set(&t, "b", "2");
  test_store_set(&t, "c", "3");
  kv_stmt_clear(&t.store->stmts);
  {
    sqlite3_backup *backup = sqlite3_backup_init(t.db, "main", old.db, "main");
    assert_non_null(backup);
    assert_rc(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    sqlite3_backup_finish(backup);
  }
  memset(&t.store->txn->committed, 0, sizeof(t.store->txn->committed));
  test_rows(t.db, "a", "SELECT key FROM kv_cache");
  test_store_set(&t, "d", "4");
  test_rows(t.db, "a|1\nb|2\nc|3\nd|4", "SELECT key, seq FROM kv_cache");
  expect_keys("a b c d");
  test_store_close(&old);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_log_of_another_machine_is_not_written),
    test(adopting_makes_this_machine_the_writer),
    test(a_machine_without_identity_is_not_checked),
    test(a_damaged_log_is_set_aside_and_rebuilt),
    test(a_commit_repairs_a_damaged_log_too),
    test(a_log_of_another_writer_is_never_rewritten),
    test(adopting_a_twin_keeps_the_rows_of_both),
    test(a_peer_knows_that_the_log_was_rolled_back),
    test(a_restored_cache_catches_up_with_its_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
