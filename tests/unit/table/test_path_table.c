/*
** Tables over a path that is given as an argument or under a name, such as
** kv_foreign.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

static sqlite3 *db;

static int setup(void **state) {
  if (test_files_setup(state) != 0) return -1;
  test_make_folder(test_path("%s/phone", *state));
  test_log_make(test_path("%s/phone", *state));
  db = test_connect(":memory:");
  return 0;
}

static int teardown(void **state) {
  test_disconnect(db);
  return test_files_teardown(state);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void fails_at(int line, const char *text, const char *why) {
  if (test_try(db, "%s", text) == SQLITE_OK ||
      !strstr(sqlite3_errmsg(db), why)) {
    fail_msg("line %d: %s: %s", line, text, sqlite3_errmsg(db));
  }
}
#define fails(text, why) fails_at(__LINE__, text, why)

static void a_path_is_an_argument_or_has_a_name(void **state) {
  const char *log = test_path("%s/phone/log.db", *state);

  test_run(db, "CREATE VIRTUAL TABLE temp.phone USING kv_foreign(%Q)", log);
  test_rows(db, "abcd", "SELECT group_concat(key, '') FROM phone");
  test_run(db, "CREATE TABLE t AS SELECT %Q AS p", log);
  test_rows(db, "abcd", "SELECT group_concat(key, '') FROM t, kv_foreign(t.p)");
}

/* SQLite asks for the price of each side by itself, without the argument. */
static void conditions_with_or_are_answered(void **state) {
  const char *log = test_path("%s/phone/log.db", *state);

  test_run(db, "CREATE VIRTUAL TABLE temp.phone USING kv_foreign(%Q)", log);
  test_rows(db, "ad",
            "SELECT group_concat(key, '') FROM phone WHERE key = 'a' OR "
            "(key = 'd' AND op <> '')");
  test_rows(db, "ad",
            test_path("SELECT group_concat(key, '') FROM kv_foreign(%Q) WHERE "
                      "key = 'a' OR (key = 'd' AND op <> '')",
                      log));
  test_rows(
    db, "10",
    test_path("SELECT count(*) FROM phone AS p JOIN kv_foreign(%Q) AS f "
              "ON p.key = f.key OR p.key < f.key",
              log));
}

static void a_named_path_stays_where_the_folder_was(void **state) {
  char *before = getcwd(NULL, 0);

  assert_int_equal(chdir(*state), 0);
  test_run(db, "CREATE VIRTUAL TABLE temp.phone USING "
               "kv_foreign('phone/log.db')");
  assert_int_equal(chdir("/"), 0);
  test_rows(db, "4", "SELECT count(*) FROM phone");
  assert_int_equal(chdir(before), 0);
  free(before);
}

static void a_missing_path_is_asked_for(void **state) {
  (void)state;
  fails("SELECT * FROM kv_foreign", "name a path: kv_foreign('");
  fails("SELECT * FROM kv_foreign(NULL)", "name a path, not NULL");
  fails("SELECT * FROM kv_foreign('')", "name a path, not ''");
  fails("CREATE VIRTUAL TABLE temp.x USING kv_parstore('')",
        "name a path, not ''");
  fails("SELECT * FROM kv_foreign(char(97, 0, 98))",
        "there is a NUL in the path after 'a'");
  fails("CREATE VIRTUAL TABLE temp.x USING kv_foreign('a', 'b')",
        "takes one argument, a path");
}

static void views_of_a_database_do_not_open_files(void **state) {
  const char *log = test_path("%s/phone/log.db", *state);

  test_run(db,
           "CREATE VIEW v AS SELECT * FROM kv_foreign(%Q); "
           "CREATE TEMP VIEW w AS SELECT * FROM kv_foreign(%Q)",
           log, log);
  fails("SELECT * FROM v", "unsafe use of virtual table");
  test_rows(db, "4", "SELECT count(*) FROM w");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_path_is_an_argument_or_has_a_name),
    test(conditions_with_or_are_answered),
    test(a_named_path_stays_where_the_folder_was),
    test(a_missing_path_is_asked_for),
    test(views_of_a_database_do_not_open_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
