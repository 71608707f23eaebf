/*
** A host database from a stranger: what its schema may call, and what a
** defensive connection keeps of the shadow tables.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "support/connection.h"
#include "support/files.h"

/* --- What a schema may call ------------------------------------------- */

/* A database with kv in it, and in its schema what a stranger put there. */
static sqlite3 *host_with_schema(const char *root, const char *schema) {
  const char *file = test_path("%s/host.db", root);
  sqlite3 *db;

  if (test_exists(file)) test_remove(file);
  db = test_connect(file);
  test_run(db, "CREATE VIRTUAL TABLE kv USING kv('%q/n.kv', device='laptop')",
           root);
  test_run(db, "CREATE TABLE t(x)");
  test_run(db, "INSERT INTO kv VALUES('a', 1)");
  test_run(db, "%s", schema);
  test_disconnect(db);
  return test_connect(file);
}

static void expect_refused(sqlite3 *db, const char *text) {
  char *rows = test_ask(db, "%s", text);

  if (!strstr(rows, "unsafe use of")) print_error("%s: %s\n", text, rows);
  assert_non_null(strstr(rows, "unsafe use of"));
  sqlite3_free(rows);
}

static void what_opens_files_cannot_be_called_by_a_schema(void **state) {
  static const char *const expressions[] = {
    "kv_open('%s/made.kv', 'x')",
    "kv_open('%s/made.kv', 'x', 'name=other')",
    "kv_sync()",
    "kv_sync('kv')",
    "kv_close()",
    "kv_close('kv')",
    "kv_close('discard=1', 'kv')",
    "(SELECT count(*) FROM kv_foreign('%s/n.kv/devices/laptop/log.db'))",
  };
  const char *root = *state;
  size_t i;
  int trusted;

  for (i = 0; i < 8; i++) {
    char *call = sqlite3_mprintf(expressions[i], root);
    char *schema = sqlite3_mprintf("CREATE VIEW v AS SELECT %s AS x;"
                                   "CREATE TRIGGER ti AFTER INSERT ON t BEGIN "
                                   "UPDATE t SET x = %s; END;",
                                   call, call);
    sqlite3 *db = host_with_schema(root, schema);

    for (trusted = 0; trusted < 2; trusted++) {
      sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, trusted, NULL);
      expect_refused(db, "SELECT x FROM v");
      expect_refused(db, "INSERT INTO t VALUES(1)");
    }
    test_rows(db, "a|1", "SELECT key, value FROM kv");
    test_disconnect(db);
    sqlite3_free(schema);
    sqlite3_free(call);
  }
  assert_false(test_exists(test_path("%s/made.kv", root)));
}

/* A virtual table of the schema's own is no way round it. */
static void a_foreign_log_in_the_schema_is_not_read_by_its_views(void **state) {
  const char *root = *state;
  char *schema = sqlite3_mprintf(
    "PRAGMA writable_schema = 1;"
    "INSERT INTO sqlite_master(type, name, tbl_name, rootpage, sql) "
    "VALUES('table', 'f', 'f', 0, 'CREATE VIRTUAL TABLE f USING "
    "kv_foreign(''%s/n.kv/devices/laptop/log.db'')');"
    "CREATE TRIGGER tf AFTER INSERT ON t BEGIN "
    "INSERT INTO kv SELECT key, value FROM f; END;"
    "INSERT INTO sqlite_master(type, name, tbl_name, rootpage, sql) "
    "VALUES('view', 'v', 'v', 0, 'CREATE VIEW v AS SELECT * FROM f')",
    root);
  sqlite3 *db = host_with_schema(root, schema);

  expect_refused(db, "SELECT * FROM v");
  expect_refused(db, "INSERT INTO t VALUES(1)");
  test_disconnect(db);
  sqlite3_free(schema);
}

static void an_untrusted_schema_does_not_reach_the_store(void **state) {
  static const char *const uses[] = {
    "SELECT * FROM v",         "SELECT * FROM w",    "SELECT * FROM x",
    "INSERT INTO t VALUES(1)", "UPDATE t SET x = 2", "DELETE FROM t"};
  sqlite3 *db = host_with_schema(
    *state,
    "CREATE VIEW v AS SELECT * FROM kv;"
    "CREATE VIEW w AS SELECT kv_get('a');"
    "CREATE VIEW x AS SELECT kv_set('made', 1);"
    "INSERT INTO t VALUES(0);"
    "CREATE TRIGGER ti AFTER INSERT ON t BEGIN "
    "INSERT INTO kv VALUES('made', 1); END;"
    "CREATE TRIGGER tu AFTER UPDATE ON t BEGIN "
    "SELECT kv_set('made', 1); END;"
    "CREATE TRIGGER td AFTER DELETE ON t BEGIN SELECT kv_delete('a'); END;");
  size_t i;

  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  for (i = 0; i < 6; i++)
    expect_refused(db, uses[i]);
  test_rows(db, "a|1", "SELECT key, value FROM kv");
  test_disconnect(db);
}

/* --- Defensive connections -------------------------------------------- */

static void expect_untouchable(sqlite3 *db, const char *table) {
  static const char *const attempts[] = {
    "DELETE FROM \"%w\"", "UPDATE \"%w\" SET rowid = 1",
    "INSERT INTO \"%w\" DEFAULT VALUES", "DROP TABLE \"%w\"",
    "ALTER TABLE \"%w\" RENAME TO harmless"};
  char *before = test_ask(db, "SELECT * FROM \"%w\"", table);
  char *after;
  size_t i;

  for (i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
    char *text = sqlite3_mprintf(attempts[i], table);

    if (test_try(db, "%s", text) == SQLITE_OK) {
      print_error("not refused: %s\n", text);
      fail();
    }
    sqlite3_free(text);
  }
  after = test_ask(db, "SELECT * FROM \"%w\"", table);
  assert_string_equal(after, before);
  sqlite3_free(before);
  sqlite3_free(after);
}

static void a_defensive_connection_keeps_the_shadow_tables(void **state) {
  sqlite3 *db = host_with_schema(*state, "SELECT 1");
  int n;

  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  for (n = 0;; n++) {
    char *name = test_ask(db,
                          "SELECT name FROM sqlite_master WHERE type = 'table' "
                          "AND name LIKE 'kv\\_%%' ESCAPE '\\' "
                          "ORDER BY name LIMIT 1 OFFSET %d",
                          n);
    size_t length = strlen(name);

    if (length > 0) {
      name[length - 1] = '\0';
      expect_untouchable(db, name);
    }
    sqlite3_free(name);
    if (length == 0) break;
  }
  assert_true(n >= 5);
  test_disconnect(db);
}

static void a_store_works_on_a_defensive_connection(void **state) {
  const char *root = *state;
  sqlite3 *db = test_connect(test_path("%s/defensive.db", root));

  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  test_run(db,
           "CREATE VIRTUAL TABLE kv USING kv('%q/n.kv', device='laptop');"
           "INSERT INTO kv VALUES('a', 1), ('b', 2);"
           "SELECT kv_sync();"
           "UPDATE kv SET value = 3 WHERE key = 'b';"
           "BEGIN; SELECT kv_set('c', 4); SAVEPOINT s; DELETE FROM kv;"
           "ROLLBACK TO s; COMMIT;"
           "ALTER TABLE kv RENAME TO store;"
           "SELECT kv_sync('store');"
           "DELETE FROM store WHERE key = 'a'",
           root);
  test_rows(db, "b|3\nc|4", "SELECT key, value FROM store");
  test_run(db, "DROP TABLE store");
  test_run(db, "SELECT kv_open('%q/n.kv', 'laptop')", root);
  test_rows(db, "b|3\nc|4", "SELECT key, value FROM kv");
  test_run(db, "SELECT kv_close()");
  test_disconnect(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(
      what_opens_files_cannot_be_called_by_a_schema, test_files_setup,
      test_files_teardown),
    cmocka_unit_test_setup_teardown(
      a_foreign_log_in_the_schema_is_not_read_by_its_views, test_files_setup,
      test_files_teardown),
    cmocka_unit_test_setup_teardown(
      an_untrusted_schema_does_not_reach_the_store, test_files_setup,
      test_files_teardown),
    cmocka_unit_test_setup_teardown(
      a_defensive_connection_keeps_the_shadow_tables, test_files_setup,
      test_files_teardown),
    cmocka_unit_test_setup_teardown(a_store_works_on_a_defensive_connection,
                                    test_files_setup, test_files_teardown),
  };

  /* files in memory, if there are such */
  if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
