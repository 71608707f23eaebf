/*
** Cursors of kv, stepped one by one, with writes between two steps.
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
static sqlite3_stmt *scan;

/* A store in memory with the keys a to f; d is deleted, e is large. */
static int setup(void **state) {
  (void)state;
  db = test_connect(":memory:");
  test_run(db, "SELECT kv_open(':memory:', 'a', 'now=2026-11-01')");
  test_run(db, "INSERT INTO kv VALUES('a', 1), ('b', 2), ('c', 3), ('d', 4),"
               " ('e', zeroblob(20000)), ('f', 6)");
  test_run(db, "DELETE FROM kv WHERE key = 'd'");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  sqlite3_finalize(scan);
  scan = NULL;
  test_disconnect(db);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void start(const char *text) {
  assert_rc(sqlite3_prepare_v2(db, text, -1, &scan, NULL), SQLITE_OK);
}

/* The first column of the next row; NULL: the end. */
static void next_at(int line, const char *expected) {
  int rc = sqlite3_step(scan);
  const char *got = rc == SQLITE_ROW
                      ? (const char *)sqlite3_column_text(scan, 0)
                      : test_rc_name(rc);

  if (strcmp(got, expected ? expected : "SQLITE_DONE") != 0) {
    fail_msg("line %d: %s", line, got);
  }
}
#define next(expected) next_at(__LINE__, expected)

static void each_key_comes_once_in_both_directions(void **state) {
  (void)state;
  test_run(db, "UPDATE kv SET value = value + 10 WHERE key < 'c'");
  test_rows(db, "a11 b12 c3 e20000 f6",
            "SELECT group_concat(key || iif(typeof(value) = 'blob',"
            " length(value), value), ' ') FROM kv");
  test_rows(db, "f e c b a",
            "SELECT group_concat(key, ' ') FROM"
            " (SELECT key FROM kv ORDER BY key DESC)");
}

static void a_scan_sees_changes_of_keys_that_it_has_not_reached(void **state) {
  (void)state;
  start("SELECT key || iif(key = 'e', '', value) FROM kv");
  next("a1");
  test_run(db, "UPDATE kv SET value = 20 WHERE key = 'b'");
  next("b20");
  test_run(db, "DELETE FROM kv WHERE key = 'c'");
  next("e");
  next("f6");
  next(NULL);
}

static void a_scan_does_not_see_new_keys(void **state) {
  (void)state;
  start("SELECT key FROM kv WHERE key > 'b'");
  next("c");
  test_run(db, "INSERT INTO kv VALUES('cc', 1), ('g', 1)");
  next("e");
  next("f");
  next(NULL);
}

static void bounds_are_exact(void **state) {
  (void)state;
  test_rows(db, "b c e",
            "SELECT group_concat(key, ' ') FROM kv"
            " WHERE key >= 'b' AND key < 'f'");
  test_rows(db, "c e f",
            "SELECT group_concat(key, ' ') FROM kv"
            " WHERE key > 'b' AND key <= 'f'");
  test_rows(db, "", "SELECT group_concat(key, ' ') FROM kv WHERE key > 'f'");
  test_rows(db, "",
            "SELECT group_concat(key, ' ') FROM kv"
            " WHERE key > NULL");
}

static void the_past_is_read_as_it_was(void **state) {
  (void)state;
  test_run(db, "SELECT kv_open(':memory:', 'a', 'now=2026-11-02')");
  test_run(db, "UPDATE kv SET value = 30 WHERE key = 'c'");
  test_rows(db, "3|30",
            "SELECT (SELECT value FROM kv('2026-11-01 12:00')"
            " WHERE key = 'c'), kv_get('c')");
  test_rows(db, "0", "SELECT count(*) FROM kv('2026-10-31')");
  test_rows(db, "2026-11-02", "SELECT DISTINCT as_of FROM kv('2026-11-02')");
  test_rows(db, "", "SELECT DISTINCT as_of FROM kv");
}

static void two_cursors_of_one_table_do_not_meet(void **state) {
  (void)state;
  test_rows(db, "25", "SELECT count(*) FROM kv AS x, kv AS y");
  start("SELECT key FROM kv");
  next("a");
  test_rows(db, "a b c e f", "SELECT group_concat(key, ' ') FROM kv");
  next("b");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(each_key_comes_once_in_both_directions),
    test(a_scan_sees_changes_of_keys_that_it_has_not_reached),
    test(a_scan_does_not_see_new_keys),
    test(bounds_are_exact),
    test(the_past_is_read_as_it_was),
    test(two_cursors_of_one_table_do_not_meet),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
