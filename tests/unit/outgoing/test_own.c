#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/error.h"
#include "outgoing/own.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"

/* A store with three own rows in two transactions: a, b | c. */
static test_store t;
static kv_log_cursor own;

static kv_log_cursor load(void) {
  kv_log_cursor out;

  assert_rc(kv_own_load(t.store, &out), SQLITE_OK);
  return out;
}

static int setup(void **state) {
  if (test_files_setup(state) != 0) return -1;
  test_store_open(&t, test_path("%s/n.kv", *state), "laptop");
  test_run(t.db, "BEGIN");
  test_store_write(&t, "a", "1");
  test_store_write(&t, "b", "2");
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_store_set(&t, "c", "3");
  own = load();
  return 0;
}

static int teardown(void **state) {
  kv_log_cursor_clear(&own);
  test_store_close(&t);
  return test_files_teardown(state);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static kv_position base(void) {
  kv_position out = {0, 0};

  out.sum = kv_row_base_sum("laptop", 6, own.id);
  return out;
}

static kv_writer *lock(void) {
  kv_writer_place place;
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_writer *log = NULL;

  memset(&place, 0, sizeof(place));
  place.host = t.db;
  place.root = t.store->root;
  place.device = "laptop";
  place.file = "log.db";
  place.machine = t.store->machine;
  assert_rc(kv_writer_lock(&place, &log, &verdict, &t.err), SQLITE_OK);
  assert_non_null(log);
  return log;
}

static void the_cache_chains_to_the_sum_of_the_log(void **state) {
  kv_position end;
  kv_writer *log;

  (void)state;
  log = lock();
  assert_rc(kv_own_rows(t.store, NULL, 0, base(), 3, &end), SQLITE_OK);
  assert_int_equal(end.seq, 3);
  assert_true(end.sum == log->tail.sum);
  assert_true(end.sum == own.cached.sum);
  kv_writer_close(log);
}

static void rows_end_where_asked(void **state) {
  kv_position end;
  kv_position rest;

  (void)state;
  assert_rc(kv_own_rows(t.store, NULL, 0, base(), 2, &end), SQLITE_OK);
  assert_int_equal(end.seq, 2);
  assert_rc(kv_own_rows(t.store, NULL, 0, end, 3, &rest), SQLITE_OK);
  assert_int_equal(rest.seq, 3);
  assert_true(rest.sum == own.cached.sum);
}

static void a_missing_number_is_reported(void **state) {
  kv_position end;

  (void)state;
  test_run(t.db, "DELETE FROM kv_cache WHERE seq = 2");
  assert_rc(kv_own_rows(t.store, NULL, 0, base(), 3, &end), KV_GAP);
}

static void numbers_up_to_a_compaction_may_be_missing(void **state) {
  kv_position end;
  kv_position whole;
  int64_t sum;

  (void)state;
  test_run(t.db, "DELETE FROM kv_cache WHERE seq = 2");
  assert_rc(kv_own_rows(t.store, NULL, 2, base(), 3, &end), SQLITE_OK);
  assert_int_equal(end.seq, 3);
  assert_true(end.sum != own.cached.sum);
  assert_rc(kv_own_rows(t.store, NULL, 1, base(), 3, &end), KV_GAP);
  /* What is behind the last row was dropped: they end there all the same. */
  test_run(t.db, "DELETE FROM kv_cache WHERE seq = 3");
  test_run(t.db, "UPDATE kv_cache SET txn = 1 WHERE seq = 1");
  assert_rc(kv_own_rows(t.store, NULL, 0, base(), 1, &end), SQLITE_OK);
  sum = end.sum;
  assert_rc(kv_own_rows_verify(t.store, 3, base(), 3, &end, &whole), SQLITE_OK);
  assert_int_equal(end.seq, 3);
  assert_int_equal(whole.seq, 3);
  assert_true(end.sum == sum && whole.sum == sum);
  assert_rc(kv_own_rows(t.store, NULL, 3, base(), 2, &end), SQLITE_OK);
  assert_int_equal(end.seq, 2);
}

static void a_changed_value_changes_the_sum(void **state) {
  kv_position end;

  (void)state;
  test_run(t.db, "UPDATE kv_cache SET value = 'x' WHERE seq = 1");
  assert_rc(kv_own_rows(t.store, NULL, 0, base(), 3, &end), SQLITE_OK);
  assert_true(end.sum != own.cached.sum);
}

static void log_and_cache_have_their_end_in_common(void **state) {
  kv_position common;
  kv_writer *log;
  int found;

  (void)state;
  log = lock();
  assert_rc(kv_own_common(t.store, log, &own, &common, &found), SQLITE_OK);
  assert_true(found);
  assert_int_equal(common.seq, 3);
  assert_true(common.sum == log->tail.sum);
  kv_writer_close(log);
}

static void a_log_that_lost_rows_has_its_end_in_common(void **state) {
  const char *path = test_path("%s/n.kv/devices/laptop/log.db", *state);
  kv_position common;
  kv_writer *log;
  int found;

  test_log_break(path, "DELETE FROM log WHERE seq > 2");
  own.published = own.cached;
  log = lock();
  assert_rc(kv_own_common(t.store, log, &own, &common, &found), SQLITE_OK);
  assert_true(found);
  assert_int_equal(common.seq, 2);
  kv_writer_close(log);

  test_log_break(path, "UPDATE log SET sum = sum + 1 WHERE seq = 2");
  log = lock();
  assert_rc(kv_own_common(t.store, log, &own, &common, &found), SQLITE_OK);
  assert_false(found);
  kv_writer_close(log);
}

static void a_log_of_another_id_has_nothing_in_common(void **state) {
  kv_position common;
  kv_writer *log;
  int found;

  (void)state;
  own.id[0] ^= 1;
  log = lock();
  assert_rc(kv_own_common(t.store, log, &own, &common, &found), SQLITE_OK);
  assert_false(found);
  /* a cache that does not know a log yet accepts any */
  own.has_id = 0;
  assert_rc(kv_own_common(t.store, log, &own, &common, &found), SQLITE_OK);
  assert_true(found);
  assert_int_equal(common.seq, 0);
  kv_writer_close(log);
}

static void renumbering_leaves_room_for_other_rows(void **state) {
  (void)state;
  test_run(t.db,
           "INSERT INTO kv_seen VALUES('laptop', 'phone', 4, 4, 1, "
           "x'00', 1, 1, 2), ('phone', 'laptop', 4, 4, 1, x'00', 1, 1, 2)");
  test_run(t.db, "BEGIN");
  assert_rc(kv_own_renumber(t.store, 10, 1), SQLITE_OK);
  test_rows(t.db, "a|1\nb|12\nc|13",
            "SELECT key, seq FROM kv_cache ORDER BY key");
  test_rows(t.db, "laptop|14\nphone|4", "SELECT device, seq FROM kv_seen");
  assert_rc(kv_own_renumber(t.store, 1, 11), SQLITE_OK);
  test_run(t.db, "COMMIT");
  test_rows(t.db, "a|1\nb|13\nc|14",
            "SELECT key, seq FROM kv_cache ORDER BY key");
}

static void what_was_committed_here_is_known_to_be_published(void **state) {
  (void)state;
  own = load();
  assert_int_equal(own.published.seq, 3);
  kv_log_cursor_clear(&own);
  /* another process knows only what the cache says */
  memset(&t.store->txn->committed, 0, sizeof(t.store->txn->committed));
  own = load();
  assert_true(own.published.seq < 3);
  assert_int_equal(own.cached.seq, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(the_cache_chains_to_the_sum_of_the_log),
    test(rows_end_where_asked),
    test(a_missing_number_is_reported),
    test(numbers_up_to_a_compaction_may_be_missing),
    test(a_changed_value_changes_the_sum),
    test(log_and_cache_have_their_end_in_common),
    test(a_log_that_lost_rows_has_its_end_in_common),
    test(a_log_of_another_id_has_nothing_in_common),
    test(renumbering_leaves_room_for_other_rows),
    test(what_was_committed_here_is_known_to_be_published),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
