#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/busy.h"
#include "support/connection.h"
#include "support/files.h"

#define test(f)                                                                \
  cmocka_unit_test_setup_teardown(f, test_files_setup, test_files_teardown)

/* A handler of a program, and another connection that has the log locked. */
typedef struct program {
  sqlite3 *other;
  int n_calls;
  int n_of_last; /* what SQLite said, or kv: how often it waited before */
  int patience;  /* calls after which it gives up */
  int release;   /* the call in which the other one ends */
} program;

static int program_wait(void *arg, int n) {
  program *p = arg;

  p->n_calls++;
  p->n_of_last = n;
  if (p->n_calls == p->release) test_run(p->other, "ROLLBACK");
  return p->n_calls < p->patience;
}

static sqlite3 *open_laptop(void **state) {
  sqlite3 *db = test_connect(":memory:");

  test_run(db, "SELECT kv_open('%q', 'laptop')", test_path("%s/n.kv", *state));
  test_run(db, "INSERT INTO kv VALUES('a', 1)");
  return db;
}

static sqlite3 *lock_log(void **state) {
  sqlite3 *db =
    test_connect(test_path("%s/n.kv/devices/laptop/log.db", *state));

  test_run(db, "BEGIN EXCLUSIVE");
  return db;
}

static void a_handler_is_called_until_the_log_is_free(void **state) {
  sqlite3 *db = open_laptop(state);
  program p = {lock_log(state), 0, -1, 100, 3};

  sqlite3_busy_handler(db, program_wait, &p);
  test_run(db, "INSERT INTO kv VALUES('b', 2)");
  assert_int_equal(p.n_calls, 3);
  assert_int_equal(p.n_of_last, 2);
  test_rows(db, "a|1\nb|2", "SELECT key, value FROM kv");
  test_disconnect(p.other);
  test_disconnect(db);
}

static void a_handler_that_gives_up_is_an_error(void **state) {
  sqlite3 *db = open_laptop(state);
  program p = {lock_log(state), 0, -1, 5, 0};

  sqlite3_busy_handler(db, program_wait, &p);
  assert_int_equal(test_try(db, "INSERT INTO kv VALUES('b', 2)"), SQLITE_BUSY);
  assert_int_equal(p.n_calls, 5);
  test_rows(db, "a|1", "SELECT key, value FROM kv");
  test_run(p.other, "ROLLBACK");
  test_run(db, "INSERT INTO kv VALUES('b', 2)");
  assert_int_equal(p.n_calls, 5);
  test_disconnect(p.other);
  test_disconnect(db);
}

/* It commits in the second call, and has the log locked until the third. */
static int program_wait_for_commit(void *arg, int n) {
  program *p = arg;

  (void)n;
  p->n_calls++;
  if (p->n_calls == 2) test_run(p->other, "COMMIT; BEGIN IMMEDIATE");
  if (p->n_calls == 3) test_run(p->other, "ROLLBACK");
  return 1;
}

static void a_commit_with_its_journal_is_waited_for(void **state) {
  sqlite3 *db = open_laptop(state);
  program p = {lock_log(state), 0, -1, 0, 0};
  const char *journal =
    test_path("%s/n.kv/devices/laptop/log.db-journal", *state);

  test_run(p.other, "ROLLBACK; BEGIN; UPDATE device SET created = created + 1");
  assert_true(test_exists(journal));
  sqlite3_busy_handler(db, program_wait_for_commit, &p);
  test_run(db, "INSERT INTO kv VALUES('b', 2)");
  assert_int_equal(p.n_calls, 3);
  test_rows(db, "a|1\nb|2", "SELECT key, value FROM kv");
  test_disconnect(p.other);
  test_disconnect(db);
}

static void a_handler_that_was_taken_away_is_not_called(void **state) {
  sqlite3 *db = open_laptop(state);
  program p = {lock_log(state), 0, -1, 5, 0};
  program q = {NULL, 0, -1, 7, 0};

  sqlite3_busy_handler(db, program_wait, &p);
  sqlite3_busy_handler(db, NULL, NULL);
  assert_int_equal(test_try(db, "INSERT INTO kv VALUES('b', 2)"), SQLITE_BUSY);
  assert_int_equal(p.n_calls, 0);
  sqlite3_busy_handler(db, program_wait, &q);
  assert_int_equal(test_try(db, "INSERT INTO kv VALUES('b', 2)"), SQLITE_BUSY);
  assert_int_equal(q.n_calls, 7);
  sqlite3_busy_timeout(db, 1);
  assert_int_equal(test_try(db, "INSERT INTO kv VALUES('b', 2)"), SQLITE_BUSY);
  assert_int_equal(q.n_calls, 7);
  test_disconnect(p.other);
  test_disconnect(db);
}

static void opening_and_syncing_wait_by_it_too(void **state) {
  sqlite3 *db = open_laptop(state);
  program p = {lock_log(state), 0, -1, 100, 3};
  sqlite3 *again = test_connect(":memory:");

  sqlite3_busy_handler(again, program_wait, &p);
  test_run(again, "SELECT kv_open('%q', 'laptop')",
           test_path("%s/n.kv", *state));
  assert_int_equal(p.n_calls, 3);
  test_rows(again, "a|1", "SELECT key, value FROM kv");
  test_run(db, "INSERT INTO kv VALUES('b', 2)");
  test_run(p.other, "BEGIN EXCLUSIVE");
  p.n_calls = 0;
  test_run(again, "SELECT kv_sync()");
  assert_int_equal(p.n_calls, 3);
  test_rows(again, "a|1\nb|2", "SELECT key, value FROM kv");
  test_disconnect(p.other);
  test_disconnect(again);
  test_disconnect(db);
}

static void a_handler_stays_as_it_was(void **state) {
  sqlite3 *db = test_connect(":memory:");
  program p = {NULL, 0, -1, 5, 0};
  kv_busy_handler found;
  int where = 0;
  int kept;

  (void)state;
  found = kv_busy_find(db, &where);
  assert_true(where > 0);
  assert_true(found.call == NULL && found.arg == NULL);
  sqlite3_busy_handler(db, program_wait, &p);
  kept = where;
  found = kv_busy_find(db, &where);
  assert_true(found.call == program_wait && found.arg == &p);
  found = kv_busy_find(db, &where);
  assert_true(found.call == program_wait && found.arg == &p);
  assert_int_equal(where, kept);
  where = -1; /* as in an SQLite that is another one */
  found = kv_busy_find(db, &where);
  assert_true(found.call == NULL && found.arg == NULL);
  assert_int_equal(p.n_calls, 0);
  test_disconnect(db);
}

static void waits_add_up_to_the_timeout(void **state) {
  kv_busy busy = {30, {NULL, NULL}};
  kv_busy_wait wait = {0, 0, 0};
  int n = 0;

  (void)state;
  while (kv_busy_again(&busy, &wait))
    n++;
  assert_true(n > 1);
  assert_true(wait.waited >= 30 && wait.waited < 60);
  busy.timeout = 0;
  wait.waited = 0;
  assert_false(kv_busy_again(&busy, &wait));
}

static void a_handler_is_told_how_often_it_waited(void **state) {
  program p = {NULL, 0, -1, 3, 0};
  kv_busy busy = {1000, {program_wait, NULL}};
  kv_busy_wait wait = {0, 0, 0};

  (void)state;
  busy.handler.arg = &p;
  assert_true(kv_busy_again(&busy, &wait));
  assert_int_equal(p.n_of_last, 0);
  assert_true(kv_busy_again(&busy, &wait));
  assert_int_equal(p.n_of_last, 1);
  assert_false(kv_busy_again(&busy, &wait));
  assert_int_equal(p.n_calls, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_handler_is_called_until_the_log_is_free),
    test(a_handler_that_gives_up_is_an_error),
    test(a_commit_with_its_journal_is_waited_for),
    test(a_handler_that_was_taken_away_is_not_called),
    test(opening_and_syncing_wait_by_it_too),
    test(a_handler_stays_as_it_was),
    test(waits_add_up_to_the_timeout),
    test(a_handler_is_told_how_often_it_waited),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
