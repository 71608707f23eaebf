/*
** Tables that show the rows of one statement: kv_log stands for all of them.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/connection.h"
#include "support/rc.h"

static sqlite3 *db;

static int setup(void **state) {
  (void)state;
  db = test_connect(":memory:");
  test_run(db, "CREATE VIRTUAL TABLE kv USING"
               " kv(':memory:', now='2026-11-01')");
  test_run(db, "CREATE VIRTUAL TABLE temp.two USING kv(':memory:',"
               " device='b', now='2026-11-02')");
  test_run(db, "INSERT INTO kv VALUES('a', 1), ('b', 2); DELETE FROM kv"
               " WHERE key = 'b'; INSERT INTO two VALUES('c', 3)");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  test_disconnect(db);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void the_last_argument_names_the_store(void **state) {
  (void)state;
  test_rows(db, "a", "SELECT DISTINCT key FROM kv_log WHERE key < 'b'");
  test_rows(db, "c|two", "SELECT key, store FROM kv_log('two')");
  test_rows(db, "c|two", "SELECT key, store FROM kv_log('temp.two')");
  test_rows(db, "4",
            "SELECT count(*) FROM (VALUES('kv'), ('two')) AS s,"
            " kv_log(s.column1)");
  assert_rc(test_try(db, "SELECT * FROM kv_log('three')"), SQLITE_ERROR);
  assert_non_null(strstr(sqlite3_errmsg(db), "three"));
}

static void columns_are_values_times_and_operations(void **state) {
  (void)state;
  test_rows(db,
            "a|1|set|2026-11-01 00:00:00.000\n"
            "b|2|set|2026-11-01 00:00:00.000\n"
            "b||delete|2026-11-01 00:00:00.000",
            "SELECT key, value, op, time FROM kv_log ORDER BY seq");
}

static void arguments_are_shown_as_they_were_given(void **state) {
  (void)state;
  test_rows(db, "2026-10-31|",
            "SELECT DISTINCT start, stop"
            " FROM kv_diff('2026-10-31')");
  test_rows(db, "a", "SELECT key FROM kv_diff('2026-10-31', '2026-11-02')");
}

static void a_view_does_not_see_what_is_written_while_it_runs(void **state) {
  (void)state;
  test_run(db, "INSERT INTO kv SELECT key || 'x', value FROM kv_log");
  test_rows(db, "a ax bx", "SELECT group_concat(key, ' ') FROM kv");
}

static void a_condition_of_a_view_is_a_condition(void **state) {
  (void)state;
  test_rows(db, "2", "SELECT count(*) FROM kv_log WHERE key = 'b'");
  test_rows(db, "0", "SELECT count(*) FROM kv_log WHERE key = NULL");
  test_rows(db, "0", "SELECT count(*) FROM kv_log('kv') WHERE key = 'c'");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(the_last_argument_names_the_store),
    test(columns_are_values_times_and_operations),
    test(arguments_are_shown_as_they_were_given),
    test(a_view_does_not_see_what_is_written_while_it_runs),
    test(a_condition_of_a_view_is_a_condition),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
