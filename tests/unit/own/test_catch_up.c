/*
** Bringing the cache and the own log together, under the log's lock.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "outgoing/own.h"
#include "own/catch_up.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"

#define LOG "%s/n.kv/devices/laptop/log.db"

static test_store t;

static int setup(void **state) {
  if (test_files_setup(state) != 0) return -1;
  test_store_open(&t, test_path("%s/n.kv", *state), "laptop");
  return 0;
}

static int teardown(void **state) {
  test_store_close(&t);
  return test_files_teardown(state);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Another process writes a key as the same device. */
static void write_elsewhere(void **state, const char *key) {
  test_store other;

  test_store_open(&other, test_path("%s/n.kv", *state), "laptop");
  test_store_sync(&other);
  test_store_set(&other, key, "1");
  test_store_close(&other);
}

/* Catch up in a transaction that is kept. Returns the rows merged. */
static int64_t catch_up(kv_log_cursor *own, int is_usable) {
  int64_t n = 0;
  kv_writer *log;

  assert_rc(kv_own_load(t.store, own), SQLITE_OK);
  test_run(t.db, "BEGIN");
  assert_rc(kv_catch_up(t.store, own, 0, &n, &log, &t.err), SQLITE_OK);
  assert_int_equal(log != NULL, is_usable);
  if (log) assert_rc(kv_writer_commit(log), SQLITE_OK);
  kv_writer_close(log);
  test_run(t.db, "COMMIT");
  return n;
}

static void the_lock_creates_a_missing_log(void **state) {
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_log_cursor own;
  kv_writer *log;

  assert_rc(kv_own_load(t.store, &own), SQLITE_OK);
  assert_false(test_exists(test_path(LOG, *state)));
  assert_rc(kv_catch_up_lock(t.store, &own, 0, 0, &log, &verdict, &t.err),
            SQLITE_OK);
  assert_non_null(log);
  assert_true(kv_writer_is_locked(log));
  assert_true(test_exists(test_path(LOG, *state)));
  kv_writer_close(log);
  kv_log_cursor_clear(&own);
}

static void rows_of_another_process_are_merged(void **state) {
  kv_log_cursor own;

  test_store_set(&t, "a", "1");
  write_elsewhere(state, "b");
  write_elsewhere(state, "c");
  assert_int_equal(catch_up(&own, 1), 2);
  assert_int_equal(own.cached.seq, 3);
  assert_int_equal(own.published.seq, 3);
  test_rows(t.db, "a1 b2 c3",
            "SELECT group_concat(key || seq, ' ') FROM kv_cache");
  kv_log_cursor_clear(&own);
}

static void waiting_rows_come_after_those_of_another_process(void **state) {
  kv_log_cursor own;
  char *log;

  test_store_set(&t, "a", "1");
  test_move(test_path("%s/n.kv", *state), test_path("%s/away", *state));
  test_store_set(&t, "late", "1");
  test_move(test_path("%s/away", *state), test_path("%s/n.kv", *state));
  write_elsewhere(state, "b");
  assert_int_equal(catch_up(&own, 1), 1);
  assert_int_equal(own.cached.seq, 3);
  test_rows(t.db, "1a 2b 3late",
            "SELECT group_concat(k, ' ') FROM (SELECT seq || key AS k FROM "
            "kv_cache ORDER BY seq)");
  log = test_store_log(&t, "laptop");
  assert_string_equal(log, "1|1|set|a|1\n2|2|set|b|1\n3|3|set|late|1\n");
  sqlite3_free(log);
  kv_log_cursor_clear(&own);
}

static void a_log_that_lost_rows_gets_them_again(void **state) {
  const char *older = test_path("%s/older", *state);
  kv_log_cursor own;
  char *log;

  test_store_set(&t, "a", "1");
  test_copy(test_path(LOG, *state), older);
  test_store_set(&t, "b", "2");
  test_copy(older, test_path(LOG, *state));
  assert_int_equal(catch_up(&own, 1), 0);
  log = test_store_log(&t, "laptop");
  assert_string_equal(log, "1|1|set|a|1\n2|2|set|b|2\n");
  sqlite3_free(log);
  kv_log_cursor_clear(&own);
}

static void a_log_of_another_cache_is_refused_and_kept(void **state) {
  kv_log_cursor own;
  test_store twin;
  unsigned char *before;
  size_t n;

  test_store_set(&t, "a", "1");
  test_store_open(&twin, test_path("%s/twin.kv", *state), "laptop");
  test_store_set(&twin, "x", "1");
  test_store_close(&twin);
  test_copy(test_path("%s/twin.kv/devices/laptop/log.db", *state),
            test_path(LOG, *state));
  before = test_read(test_path(LOG, *state), &n);
  assert_int_equal(catch_up(&own, 0), 0);
  assert_int_equal(own.verdict.state, KV_STATE_TWIN);
  test_rows(t.db, "a", "SELECT key FROM kv_cache");
  test_is_kept(test_path(LOG, *state), before, n);
  kv_log_cursor_clear(&own);
}

static void only_a_bad_page_of_the_log_is_a_verdict(void **state) {
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_writer log;

  (void)state;
  memset(&log, 0, sizeof(log));
  assert_rc(kv_catch_up_judge_write(&log, SQLITE_CORRUPT, &verdict),
            SQLITE_CORRUPT); /* it was the host's database */
  log.has_failed = 1;
  assert_rc(kv_catch_up_judge_write(&log, SQLITE_FULL, &verdict), SQLITE_FULL);
  assert_int_equal(verdict.state, KV_STATE_OK);
  assert_rc(kv_catch_up_judge_write(&log, SQLITE_CORRUPT, &verdict), SQLITE_OK);
  assert_int_equal(verdict.state, KV_STATE_DAMAGED);
  kv_verdict_clear(&verdict);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(the_lock_creates_a_missing_log),
    test(rows_of_another_process_are_merged),
    test(waiting_rows_come_after_those_of_another_process),
    test(a_log_that_lost_rows_gets_them_again),
    test(a_log_of_another_cache_is_refused_and_kept),
    test(only_a_bad_page_of_the_log_is_a_verdict),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
