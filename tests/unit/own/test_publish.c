#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "outgoing/own.h"
#include "own/publish.h"
#include "store/transaction.h"
#include "store/write.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"

#define LOG "%s/n.kv/devices/laptop/log.db"

static void open_laptop(test_store *t, void **state) {
  test_store_open(t, test_path("%s/n.kv", *state), "laptop");
}

static void open_temp(test_store *t, void **state) {
  test_store_open_temp(t, test_path("%s/n.kv", *state), "laptop");
}

/* The log as "seq txn op key value, ...", verified to its end. */
static void expect_log_at(const char *file, int line, test_store *t,
                          const char *expected) {
  test_rows_at(file, line, t->db, expected,
               "SELECT group_concat(seq || ' ' || txn || ' ' || op || ' ' || "
               "CASE op WHEN 'seen' THEN bucket WHEN 'set' THEN key || '=' || "
               "value ELSE key END || CASE WHEN valid THEN '' ELSE reason END, "
               "', ') FROM kv_foreign('%q/devices/%q/log.db')",
               t->store->root, t->store->device);
}
#define expect_log(t, expected) expect_log_at(__FILE__, __LINE__, t, expected)

/* The cache has the rows of the own log, with the same numbers. */
static void expect_agreement(test_store *t) {
  char *n = test_ask(
    t->db,
    "SELECT count(*) FROM (SELECT seq, key, " TEST_VALUE
    ", ts FROM %s.kv_cache AS c WHERE "
    "device = %Q EXCEPT SELECT seq, key, value, ts FROM "
    "kv_foreign('%q/devices/%q/log.db')) UNION ALL "
    "SELECT count(*) FROM (SELECT seq, key, value, ts FROM "
    "kv_foreign('%q/devices/%q/log.db') WHERE op <> 'seen' EXCEPT "
    "SELECT seq, key, " TEST_VALUE ", ts FROM %s.kv_cache AS c)",
    t->store->schema, t->store->device, t->store->root, t->store->device,
    t->store->root, t->store->device, t->store->schema);

  assert_string_equal(n, "0\n0\n");
  sqlite3_free(n);
}

static int64_t waiting(test_store *t) {
  int64_t n = -1;

  assert_rc(kv_own_unpublished(t->store, &n), SQLITE_OK);
  return n;
}

static void a_transaction_that_wrote_nothing_opens_nothing(void **state) {
  test_store t;

  open_laptop(&t, state);
  test_run(t.db, "BEGIN; CREATE TABLE t(x);");
  assert_rc(test_store_commit(&t), SQLITE_OK);
  assert_false(test_exists(test_path("%s/n.kv/devices", *state)));
  test_store_close(&t);
}

static void a_commit_publishes_one_whole_transaction(void **state) {
  test_store t;

  open_laptop(&t, state);
  test_run(t.db, "BEGIN");
  test_store_write(&t, "a", "1");
  test_store_write(&t, "b", "2");
  test_store_write(&t, "a", NULL);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_store_set(&t, "c", "3");
  expect_log(&t, "1 2 delete a, 2 2 set b=2, 3 3 set c=3");
  assert_int_equal(waiting(&t), 0);
  expect_agreement(&t);
  test_store_close(&t);
}

static void the_log_holds_nothing_of_a_running_transaction(void **state) {
  test_store t;

  open_laptop(&t, state);
  test_store_set(&t, "a", "1");
  test_run(t.db, "BEGIN");
  test_store_write(&t, "b", "2");
  expect_log(&t, "1 1 set a=1");
  assert_null(t.store->txn->log);
  test_store_rollback(&t);
  expect_log(&t, "1 1 set a=1");
  test_store_close(&t);
}

static void a_prepared_commit_can_be_undone(void **state) {
  test_store t;

  open_laptop(&t, state);
  test_store_set(&t, "a", "1");
  test_run(t.db, "BEGIN");
  test_store_write(&t, "b", "2");
  assert_rc(kv_publish_prepare(t.store, &t.err), SQLITE_OK);
  assert_non_null(t.store->txn->log);
  test_store_rollback(&t);
  assert_null(t.store->txn->log);
  expect_log(&t, "1 1 set a=1");
  test_rows(t.db, "a", "SELECT key FROM kv_cache");
  test_store_set(&t, "c", "3");
  expect_log(&t, "1 1 set a=1, 2 2 set c=3");
  test_store_close(&t);
}

static void a_commit_may_be_prepared_again_with_more_rows(void **state) {
  test_store t;

  open_laptop(&t, state);
  test_run(t.db, "BEGIN");
  test_store_write(&t, "a", "1");
  assert_rc(kv_publish_prepare(t.store, &t.err), SQLITE_OK);
  assert_rc(kv_publish_prepare(t.store, &t.err), SQLITE_OK);
  test_store_write(&t, "b", "2");
  test_store_write(&t, "a", "3");
  assert_rc(test_store_commit(&t), SQLITE_OK);
  expect_log(&t, "1 2 set a=3, 2 2 set b=2");
  expect_agreement(&t);
  test_store_close(&t);
}

static void a_busy_log_can_be_tried_again(void **state) {
  sqlite3 *other = NULL;
  test_store t;

  open_temp(&t, state);
  test_store_set(&t, "a", "1");
  sqlite3_open(test_path(LOG, *state), &other);
  test_run(other, "BEGIN; SELECT * FROM log;");
  test_run(t.db, "BEGIN");
  test_store_write(&t, "b", "2");
  assert_rc(test_store_commit(&t), SQLITE_BUSY);
  assert_non_null(strstr(t.err, "is locked by another program"));
  assert_true(kv_store_in_transaction(t.store));
  test_run(other, "COMMIT");
  sqlite3_close(other);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  expect_log(&t, "1 1 set a=1, 2 2 set b=2");
  test_store_close(&t);
}

static void a_temporary_cache_does_not_wait_for_its_folder(void **state) {
  test_store t;

  open_temp(&t, state);
  test_store_set(&t, "a", "1");
  test_move(test_path("%s/n.kv", *state), test_path("%s/away", *state));
  test_run(t.db, "BEGIN");
  test_store_write(&t, "b", "2");
  assert_rc(test_store_commit(&t), SQLITE_CANTOPEN);
  assert_non_null(strstr(t.err, "is not there"));
  test_store_rollback(&t);
  test_move(test_path("%s/away", *state), test_path("%s/n.kv", *state));
  test_store_set(&t, "c", "3");
  expect_log(&t, "1 1 set a=1, 2 2 set c=3");
  expect_agreement(&t);
  test_store_close(&t);
}

static void rows_of_a_persistent_cache_wait_for_the_folder(void **state) {
  kv_publish_run run = {0};
  test_store t;

  open_laptop(&t, state);
  test_store_set(&t, "a", "1");
  test_move(test_path("%s/n.kv", *state), test_path("%s/away", *state));
  test_store_set(&t, "b", "2");
  test_store_set(&t, "c", "3");
  assert_int_equal(waiting(&t), 2);
  assert_false(test_exists(test_path("%s/n.kv", *state)));
  test_move(test_path("%s/away", *state), test_path("%s/n.kv", *state));
  expect_log(&t, "1 1 set a=1");
  assert_rc(kv_publish_waiting(t.store, &run, &t.err), SQLITE_OK);
  assert_int_equal(run.n_merged, 0);
  assert_true(run.is_published);
  assert_int_equal(waiting(&t), 0);
  expect_log(&t, "1 1 set a=1, 2 2 set b=2, 3 3 set c=3");
  expect_agreement(&t);
  test_store_close(&t);
}

static void waiting_rows_go_before_those_of_the_next_commit(void **state) {
  test_store t;

  open_laptop(&t, state);
  test_store_set(&t, "a", "1");
  test_move(test_path("%s/n.kv", *state), test_path("%s/away", *state));
  test_store_set(&t, "b", "2");
  test_move(test_path("%s/away", *state), test_path("%s/n.kv", *state));
  test_store_set(&t, "c", "3");
  expect_log(&t, "1 1 set a=1, 2 2 set b=2, 3 3 set c=3");
  assert_int_equal(waiting(&t), 0);
  expect_agreement(&t);
  test_store_close(&t);
}

static void a_process_knows_what_another_left_waiting(void **state) {
  kv_publish_run run = {0};
  test_store t;

  open_laptop(&t, state);
  test_store_set(&t, "a", "1");
  test_store_set(&t, "b", "2");
  test_move(test_path("%s/n.kv", *state), test_path("%s/away", *state));
  /* another process: it has not committed the log itself */
  memset(&t.store->txn->committed, 0, sizeof(t.store->txn->committed));
  test_store_set(&t, "c", "3");
  memset(&t.store->txn->committed, 0, sizeof(t.store->txn->committed));
  assert_int_equal(waiting(&t), 1);
  test_move(test_path("%s/away", *state), test_path("%s/n.kv", *state));
  assert_rc(kv_publish_waiting(t.store, &run, &t.err), SQLITE_OK);
  assert_int_equal(run.n_merged, 0);
  assert_true(run.is_published);
  expect_log(&t, "1 1 set a=1, 2 2 set b=2, 3 3 set c=3");
  expect_agreement(&t);
  test_store_close(&t);
}

static void waiting_rows_can_be_given_up(void **state) {
  test_store t;

  open_laptop(&t, state);
  test_store_set(&t, "a", "1");
  test_move(test_path("%s/n.kv", *state), test_path("%s/away", *state));
  test_store_set(&t, "b", "2");
  assert_rc(kv_own_discard(t.store, &t.err), SQLITE_OK);
  assert_int_equal(waiting(&t), 0);
  test_rows(t.db, "a", "SELECT key FROM kv_cache");
  test_move(test_path("%s/away", *state), test_path("%s/n.kv", *state));
  test_store_set(&t, "c", "3");
  expect_log(&t, "1 1 set a=1, 2 2 set c=3");
  expect_agreement(&t);
  test_store_close(&t);
}

/* The host commits, and then nothing more happens. */
static void commit_and_crash(test_store *t, const char *key) {
  test_run(t->db, "BEGIN");
  test_store_write(t, key, "1");
  assert_rc(kv_publish_prepare(t->store, &t->err), SQLITE_OK);
  test_run(t->db, "COMMIT");
  kv_transaction_rollback(t->store);
}

/* The log is rolled back between the two phases: its COMMIT fails. */
static void commit_and_fail(test_store *t, const char *key) {
  test_run(t->db, "BEGIN");
  test_store_write(t, key, "1");
  assert_rc(kv_publish_prepare(t->store, &t->err), SQLITE_OK);
  test_run(t->store->txn->log->handle, "ROLLBACK");
  test_run(t->db, "COMMIT");
  kv_publish_commit(t->store);
}

static void a_temporary_cache_reports_once_that_the_log_failed(void **state) {
  kv_value key = {.type = KV_TEXT, .z = "c", .n = 1};
  test_store t;
  int64_t n = 0;

  open_temp(&t, state);
  test_store_set(&t, "a", "1");
  commit_and_fail(&t, "b");
  test_run(t.db, "BEGIN");
  assert_rc(kv_write_set(t.store, &key, &key, KV_CONFLICT_SET, &t.err),
            SQLITE_ERROR);
  assert_non_null(strstr(t.err, "did not reach the folder: cannot write"));
  test_run(t.db, "ROLLBACK");
  assert_rc(kv_transaction_tell(t.store, &t.err), SQLITE_OK);
  assert_rc(kv_own_unpublished(t.store, &n), SQLITE_OK);
  assert_int_equal(n, 1);
  test_store_set(&t, "c", "2");
  expect_log(&t, "1 1 set a=1, 2 2 set b=1, 3 3 set c=2");
  expect_agreement(&t);
  commit_and_fail(&t, "d");
  assert_int_equal(test_store_sync(&t), 0);
  assert_rc(kv_transaction_tell(t.store, &t.err), SQLITE_OK);
  expect_log(&t, "1 1 set a=1, 2 2 set b=1, 3 3 set c=2, 4 4 set d=1");
  test_store_close(&t);
}

static void
a_persistent_cache_lets_rows_wait_when_the_log_failed(void **state) {
  test_store t;

  open_laptop(&t, state);
  commit_and_fail(&t, "a");
  assert_rc(kv_transaction_tell(t.store, &t.err), SQLITE_OK);
  test_store_set(&t, "b", "2");
  expect_log(&t, "1 1 set a=1, 2 2 set b=2");
  expect_agreement(&t);
  test_store_close(&t);
}

static void
rows_left_by_a_crash_between_the_phases_are_published(void **state) {
  test_store t;

  open_laptop(&t, state);
  test_store_set(&t, "a", "1");
  commit_and_crash(&t, "b");
  expect_log(&t, "1 1 set a=1");
  test_store_set(&t, "c", "1");
  expect_log(&t, "1 1 set a=1, 2 2 set b=1, 3 3 set c=1");
  commit_and_crash(&t, "d");
  commit_and_crash(&t, "e");
  assert_int_equal(test_store_sync(&t), 0);
  expect_log(&t, "1 1 set a=1, 2 2 set b=1, 3 3 set c=1, 4 4 set d=1, "
                 "5 5 set e=1");
  expect_agreement(&t);
  test_store_close(&t);
}

static void two_processes_may_write_as_one_device(void **state) {
  test_store a;
  test_store b;
  int i;

  open_laptop(&a, state);
  open_temp(&b, state);
  test_store_set(&a, "a", "1");
  for (i = 0; i < 3; i++) {
    test_store_set(&b, test_path("b%d", i), "1");
    test_store_set(&a, test_path("a%d", i), "1");
  }
  expect_log(&a, "1 1 set a=1, 2 2 set b0=1, 3 3 set a0=1, 4 4 set b1=1, "
                 "5 5 set a1=1, 6 6 set b2=1, 7 7 set a2=1");
  assert_int_equal(test_store_sync(&b), 1);
  expect_agreement(&a);
  expect_agreement(&b);
  test_store_close(&a);
  test_store_close(&b);
}

static void waiting_rows_go_after_those_of_another_process(void **state) {
  test_store a;
  test_store b;

  open_laptop(&a, state);
  test_store_set(&a, "a", "1");
  open_temp(&b, state);
  commit_and_crash(&a, "x");
  commit_and_crash(&a, "y");
  test_store_set(&b, "b", "1");
  test_store_set(&b, "c", "1");
  test_store_set(&a, "z", "1");
  expect_log(&a, "1 1 set a=1, 2 2 set b=1, 3 3 set c=1, 4 4 set x=1, "
                 "5 5 set y=1, 6 6 set z=1");
  expect_agreement(&a);
  test_store_close(&a);
  test_store_close(&b);
}

static void a_log_that_lost_rows_gets_them_again(void **state) {
  const char *log = test_path(LOG, *state);
  const char *old = test_path("%s/old.db", *state);
  test_store t;
  char *before;
  char *after;

  open_laptop(&t, state);
  test_store_set(&t, "a", "1");
  test_copy(log, old);
  test_store_set(&t, "b", "2");
  test_run(t.db, "BEGIN");
  test_store_write(&t, "c", "3");
  test_store_write(&t, "d", "4");
  test_store_commit(&t);
  before = test_store_log(&t, "laptop");
  test_copy(old, log);
  test_store_sync(&t);
  after = test_store_log(&t, "laptop");
  assert_string_equal(before, after);
  expect_agreement(&t);
  sqlite3_free(before);
  sqlite3_free(after);
  test_store_close(&t);
}

static void a_lost_folder_is_created_again_with_the_same_log(void **state) {
  const char *log = test_path(LOG, *state);
  sqlite3_stmt *stmt = NULL;
  unsigned char id[KV_ID_SIZE];
  sqlite3 *db = NULL;
  test_store t;

  open_laptop(&t, state);
  test_store_set(&t, "a", "1");
  test_store_set(&t, "b", "2");
  sqlite3_open(log, &db);
  sqlite3_prepare_v2(db, "SELECT id FROM device", -1, &stmt, NULL);
  assert_rc(sqlite3_step(stmt), SQLITE_ROW);
  memcpy(id, sqlite3_column_blob(stmt, 0), KV_ID_SIZE);
  sqlite3_finalize(stmt);
  sqlite3_close(db);

  test_move(test_path("%s/n.kv", *state), test_path("%s/lost", *state));
  test_make_folder(test_path("%s/n.kv", *state));
  test_store_set(&t, "c", "3");
  expect_log(&t, "1 1 set a=1, 2 2 set b=2, 3 3 set c=3");
  sqlite3_open(log, &db);
  sqlite3_prepare_v2(db, "SELECT id FROM device", -1, &stmt, NULL);
  assert_rc(sqlite3_step(stmt), SQLITE_ROW);
  assert_memory_equal(id, sqlite3_column_blob(stmt, 0), KV_ID_SIZE);
  sqlite3_finalize(stmt);
  sqlite3_close(db);
  test_store_close(&t);
}

static void seen_rows_come_before_the_next_rows(void **state) {
  test_store a;
  test_store b;

  open_laptop(&a, state);
  test_store_open(&b, test_path("%s/n.kv", *state), "phone");
  test_store_set(&b, "b", "1");
  assert_int_equal(test_store_sync(&a), 1);
  test_store_set(&a, "x", "1");
  test_store_set(&a, "y", "1");
  expect_log(&a, "1 1 seen phone, 2 2 set x=1, 3 3 set y=1");
  test_store_set(&b, "b", "2");
  test_store_sync(&a);
  test_store_set(&a, "z", "1");
  expect_log(&a, "1 1 seen phone, 2 2 set x=1, 3 3 set y=1, 4 5 seen phone, "
                 "5 5 set z=1");
  expect_agreement(&a);
  test_store_close(&a);
  test_store_close(&b);
}

static void large_values_are_published_whole(void **state) {
  char *large = sqlite3_malloc(100001);
  test_store t;

  memset(large, 'x', 100000);
  large[100000] = '\0';
  open_laptop(&t, state);
  test_run(t.db, "BEGIN");
  test_store_write(&t, "a", large);
  test_store_write(&t, "b", "2");
  large[99999] = 'y';
  test_store_write(&t, "a", large);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  expect_agreement(&t);
  test_rows(t.db, "100000|y",
            "SELECT length(v), substr(v, -1) FROM (SELECT " TEST_VALUE
            " AS v FROM kv_cache AS c WHERE key = 'a')");
  test_rows(t.db, "1", "SELECT count(*) FROM kv_large");
  sqlite3_free(large);
  test_store_close(&t);
}

static void a_huge_transaction_is_published_by_a_scan(void **state) {
  char value[KV_PENDING_COPY + 1];
  test_store t;
  int i;

  memset(value, 'x', sizeof(value));
  value[KV_PENDING_COPY] = '\0';
  open_laptop(&t, state);
  test_store_set(&t, "before", "1");
  test_run(t.db, "BEGIN");
  for (i = 0; !t.store->txn->pending.is_scan; i++)
    test_store_write(&t, test_path("%d", i), value);
  test_store_write(&t, "last", "1");
  assert_rc(test_store_commit(&t), SQLITE_OK);
  expect_agreement(&t);
  {
    char *n = test_ask(t.db,
                       "SELECT count(*) - %d, min(valid), count(DISTINCT txn) "
                       "FROM kv_foreign('%q')",
                       i + 2, test_path(LOG, *state));
    assert_string_equal(n, "0|1|2\n");
    sqlite3_free(n);
  }
  test_store_close(&t);
}

static void introducing_creates_a_log_without_rows(void **state) {
  test_store t;

  open_laptop(&t, state);
  assert_rc(kv_publish_introduce(t.store, &t.err), SQLITE_OK);
  assert_true(test_exists(test_path(LOG, *state)));
  expect_log(&t, "");
  test_store_set(&t, "a", "1");
  expect_log(&t, "1 1 set a=1");
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(a_transaction_that_wrote_nothing_opens_nothing),
    test_in_folder(a_commit_publishes_one_whole_transaction),
    test_in_folder(the_log_holds_nothing_of_a_running_transaction),
    test_in_folder(a_prepared_commit_can_be_undone),
    test_in_folder(a_commit_may_be_prepared_again_with_more_rows),
    test_in_folder(a_busy_log_can_be_tried_again),
    test_in_folder(a_temporary_cache_does_not_wait_for_its_folder),
    test_in_folder(rows_of_a_persistent_cache_wait_for_the_folder),
    test_in_folder(waiting_rows_go_before_those_of_the_next_commit),
    test_in_folder(a_process_knows_what_another_left_waiting),
    test_in_folder(waiting_rows_can_be_given_up),
    test_in_folder(a_temporary_cache_reports_once_that_the_log_failed),
    test_in_folder(a_persistent_cache_lets_rows_wait_when_the_log_failed),
    test_in_folder(rows_left_by_a_crash_between_the_phases_are_published),
    test_in_folder(two_processes_may_write_as_one_device),
    test_in_folder(waiting_rows_go_after_those_of_another_process),
    test_in_folder(a_log_that_lost_rows_gets_them_again),
    test_in_folder(a_lost_folder_is_created_again_with_the_same_log),
    test_in_folder(seen_rows_come_before_the_next_rows),
    test_in_folder(large_values_are_published_whole),
    test_in_folder(a_huge_transaction_is_published_by_a_scan),
    test_in_folder(introducing_creates_a_log_without_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
