#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/connection.h"
#include "support/files.h"
#include "support/rc.h"

/* A VFS whose sleep takes no time, and runs a statement instead. */
static struct sleeper {
  sqlite3_vfs vfs;
  sqlite3_vfs *real;
  sqlite3 *other;      /* a connection that has the log locked */
  const char *then[3]; /* what it runs in the first three calls, or NULL */
  int n_calls;
  int waited; /* microseconds */
} sleeper;

static int sleeper_sleep(sqlite3_vfs *vfs, int microseconds) {
  int n = sleeper.n_calls++;

  (void)vfs;
  sleeper.waited += microseconds;
  if (n < 3 && sleeper.then[n]) test_run(sleeper.other, sleeper.then[n]);
  return microseconds;
}

static int setup(void **state) {
  memset(&sleeper, 0, sizeof(sleeper));
  sleeper.real = sqlite3_vfs_find(NULL);
  sleeper.vfs = *sleeper.real;
  sleeper.vfs.zName = "sleeper";
  sleeper.vfs.xSleep = sleeper_sleep;
  sqlite3_vfs_register(&sleeper.vfs, 1);
  return test_files_setup(state);
}

static int teardown(void **state) {
  sqlite3_vfs_register(sleeper.real, 1);
  sqlite3_vfs_unregister(&sleeper.vfs);
  return test_files_teardown(state);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static sqlite3 *open_laptop(void **state) {
  sqlite3 *db = test_connect(":memory:");

  test_run(db, "SELECT kv_open('%q', 'laptop')", test_path("%s/n.kv", *state));
  test_run(db, "INSERT INTO kv VALUES('a', 1)");
  return db;
}

/*
** Another connection has locked the log, and unlocks it during the third wait.
*/
static void lock_log(void **state) {
  sleeper.other =
    test_connect(test_path("%s/n.kv/devices/laptop/log.db", *state));
  test_run(sleeper.other, "BEGIN EXCLUSIVE");
  sleeper.then[2] = "ROLLBACK";
}

static void a_commit_waits_until_the_log_is_free(void **state) {
  sqlite3 *db = open_laptop(state);

  lock_log(state);
  test_run(db, "PRAGMA busy_timeout = 10000");
  test_run(db, "INSERT INTO kv VALUES('b', 2)");
  assert_int_equal(sleeper.n_calls, 3);
  test_rows(db, "a|1\nb|2", "SELECT key, value FROM kv");
  test_disconnect(sleeper.other);
  test_disconnect(db);
}

static void a_commit_waits_no_longer_than_the_timeout(void **state) {
  sqlite3 *db = open_laptop(state);

  lock_log(state);
  sleeper.then[2] = NULL;
  test_run(db, "PRAGMA busy_timeout = 300");
  assert_rc(test_try(db, "INSERT INTO kv VALUES('b', 2)"), SQLITE_BUSY);
  assert_true(sleeper.n_calls > 3);
  assert_int_equal(sleeper.waited, 300000);
  test_rows(db, "a|1", "SELECT key, value FROM kv");
  test_run(sleeper.other, "ROLLBACK");
  test_run(db, "INSERT INTO kv VALUES('b', 2)");
  test_disconnect(sleeper.other);
  test_disconnect(db);
}

static void without_a_timeout_nothing_waits(void **state) {
  sqlite3 *db = open_laptop(state);

  lock_log(state);
  assert_rc(test_try(db, "INSERT INTO kv VALUES('b', 2)"), SQLITE_BUSY);
  assert_int_equal(sleeper.n_calls, 0);
  test_disconnect(sleeper.other);
  test_disconnect(db);
}

static int count_calls(void *n_calls, int n) {
  (void)n;
  ++*(int *)n_calls;
  return 1;
}

static void a_handler_of_the_program_is_not_called(void **state) {
  sqlite3 *db = open_laptop(state);
  int n_calls = 0;

  lock_log(state);
  sqlite3_busy_handler(db, count_calls, &n_calls);
  assert_rc(test_try(db, "INSERT INTO kv VALUES('b', 2)"), SQLITE_BUSY);
  assert_int_equal(n_calls, 0);
  test_disconnect(sleeper.other);
  test_disconnect(db);
}

/* It has a journal, commits in the second wait, and is busy until the third. */
static void lock_log_with_journal(void **state) {
  lock_log(state);
  test_run(sleeper.other,
           "ROLLBACK; BEGIN; UPDATE device SET created = created + 1");
  assert_true(
    test_exists(test_path("%s/n.kv/devices/laptop/log.db-journal", *state)));
  sleeper.then[1] = "COMMIT; BEGIN IMMEDIATE";
}

static void it_waits_for_a_commit_with_its_journal(void **state) {
  sqlite3 *db = open_laptop(state);

  lock_log_with_journal(state);
  test_run(db, "PRAGMA busy_timeout = 10000");
  test_run(db, "INSERT INTO kv VALUES('b', 2)");
  assert_int_equal(sleeper.n_calls, 3);
  test_rows(db, "a|1\nb|2", "SELECT key, value FROM kv");
  test_disconnect(sleeper.other);
  test_disconnect(db);
}

static void it_waits_no_longer_than_the_timeout(void **state) {
  sqlite3 *db = open_laptop(state);

  lock_log_with_journal(state);
  sleeper.then[1] = sleeper.then[2] = NULL;
  test_run(db, "PRAGMA busy_timeout = 300");
  assert_rc(test_try(db, "INSERT INTO kv VALUES('b', 2)"), SQLITE_BUSY);
  assert_true(sleeper.n_calls > 3);
  assert_true(sleeper.waited >= 300000 && sleeper.waited < 330000);
  test_disconnect(sleeper.other);
  test_disconnect(db);
}

static void opening_and_syncing_wait_too(void **state) {
  sqlite3 *db = open_laptop(state);
  sqlite3 *again = test_connect(":memory:");

  lock_log(state);
  test_run(again, "PRAGMA busy_timeout = 10000");
  test_run(again, "SELECT kv_open('%q', 'laptop')",
           test_path("%s/n.kv", *state));
  assert_int_equal(sleeper.n_calls, 3);
  test_rows(again, "a|1", "SELECT key, value FROM kv");
  test_run(db, "INSERT INTO kv VALUES('b', 2)");
  test_run(sleeper.other, "BEGIN EXCLUSIVE");
  sleeper.n_calls = 0;
  test_run(again, "SELECT kv_sync()");
  assert_int_equal(sleeper.n_calls, 3);
  test_rows(again, "a|1\nb|2", "SELECT key, value FROM kv");
  test_disconnect(sleeper.other);
  test_disconnect(again);
  test_disconnect(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_commit_waits_until_the_log_is_free),
    test(a_commit_waits_no_longer_than_the_timeout),
    test(without_a_timeout_nothing_waits),
    test(a_handler_of_the_program_is_not_called),
    test(it_waits_for_a_commit_with_its_journal),
    test(it_waits_no_longer_than_the_timeout),
    test(opening_and_syncing_wait_too),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
