/*
** The table kv: its names and arguments, what a write does about a key that
** exists, and its hidden columns.
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
  test_run(db, "INSERT INTO kv VALUES('a', 1), ('b', 2)");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  test_disconnect(db);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void fails_at(int line, int rc, const char *text, const char *why) {
  int got = test_try(db, "%s", text);

  if (got != rc || !strstr(sqlite3_errmsg(db), why)) {
    fail_msg("line %d: %s: %s: %s", line, text, test_rc_name(got),
             sqlite3_errmsg(db));
  }
}
#define fails(rc, text, why) fails_at(__LINE__, rc, text, why)

/* kv_table is a module, but no table. */
static void names_of_the_extensions_tables_are_refused(void **state) {
  char *names = test_ask(db, "SELECT name FROM pragma_module_list"
                             " WHERE name LIKE 'kv!_%%' ESCAPE '!'"
                             " AND name <> 'kv_table'");
  char *name = strtok(names, "\n");
  int n = 0;

  (void)state;
  for (; name; name = strtok(NULL, "\n"), n++) {
    char *text = sqlite3_mprintf(
      "CREATE VIRTUAL TABLE temp.%s USING kv(':memory:', device='b')", name);

    fails(SQLITE_ERROR, text, "is the name of a table of this extension");
    sqlite3_free(text);
  }
  assert_true(n >= 8);
  sqlite3_free(names);
}

static void arguments_are_a_folder_and_options(void **state) {
  (void)state;
  fails(SQLITE_ERROR, "CREATE VIRTUAL TABLE x USING kv", "kv('notes.kv'");
  fails(SQLITE_ERROR, "CREATE VIRTUAL TABLE x USING kv(':memory:', name=y)",
        "device");
}

static void a_conflict_is_resolved_as_the_statement_says(void **state) {
  (void)state;
  test_run(db, "INSERT INTO kv VALUES('a', 3)");
  test_run(db, "INSERT OR IGNORE INTO kv VALUES('a', 4)");
  fails(SQLITE_CONSTRAINT_UNIQUE, "INSERT OR FAIL INTO kv VALUES('a', 5)",
        "UNIQUE constraint failed: kv.key");
  fails(SQLITE_CONSTRAINT_UNIQUE, "UPDATE kv SET key = 'a' WHERE key = 'b'",
        "UNIQUE constraint failed: kv.key");
  test_rows(db, "a|3\nb|2", "SELECT * FROM kv");
  test_run(db, "UPDATE OR REPLACE kv SET key = 'a' WHERE key = 'b'");
  test_rows(db, "a|2", "SELECT * FROM kv");
}

static void hidden_columns_are_not_written(void **state) {
  (void)state;
  fails(SQLITE_ERROR, "UPDATE kv SET device = 'x' WHERE key = 'a'",
        "column device of kv cannot be written");
  fails(SQLITE_ERROR, "INSERT INTO kv(key, value, ts) VALUES('c', 1, 5)",
        "column ts of kv cannot be written");
  fails(SQLITE_ERROR, "UPDATE kv SET value = 9 WHERE as_of = '2026-11-01'",
        "the past cannot be changed");
  test_run(db, "CREATE TABLE new AS SELECT *, device, ts FROM kv");
  test_run(db, "UPDATE kv SET value = 7, device = new.device, ts = new.ts"
               " FROM new WHERE new.key = kv.key");
  test_rows(db, "7|7", "SELECT group_concat(value, '|') FROM kv");
}

static void a_savepoint_undoes_writes(void **state) {
  (void)state;
  test_run(db, "BEGIN; INSERT INTO kv VALUES('c', 3); SAVEPOINT s;"
               " DELETE FROM kv WHERE key > 'a'; ROLLBACK TO s; COMMIT");
  test_rows(db, "a b c", "SELECT group_concat(key, ' ') FROM kv");
  test_rows(db, "3", "SELECT count(*) FROM kv_log");
}

static void
a_renamed_table_keeps_its_rows_and_a_dropped_one_none(void **state) {
  (void)state;
  test_run(db, "ALTER TABLE kv RENAME TO notes");
  test_rows(db, "a b", "SELECT group_concat(key, ' ') FROM notes");
  test_run(db, "DROP TABLE notes");
  test_rows(db, "0", "SELECT count(*) FROM sqlite_schema");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(names_of_the_extensions_tables_are_refused),
    test(arguments_are_a_folder_and_options),
    test(a_conflict_is_resolved_as_the_statement_says),
    test(hidden_columns_are_not_written),
    test(a_savepoint_undoes_writes),
    test(a_renamed_table_keeps_its_rows_and_a_dropped_one_none),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
