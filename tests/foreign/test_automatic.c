/*
** The extension as an automatic extension: every connection of the program has
** it, even the short-lived handles on other devices' files.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kv.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

#define test(f)                                                                \
  cmocka_unit_test_setup_teardown(f, automatic_setup, automatic_teardown)

static int n_calls; /* of boom(), which every connection has */

static void automatic_boom(sqlite3_context *ctx, int n, sqlite3_value **args) {
  (void)ctx, (void)n, (void)args;
  n_calls++;
}

static int automatic_init(sqlite3 *db, char **err,
                          const sqlite3_api_routines *api) {
  (void)err, (void)api;
  return sqlite3_create_function(
    db, "boom", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
    automatic_boom, NULL, NULL);
}

static int automatic_setup(void **state) {
  n_calls = 0;
  if (sqlite3_auto_extension((void (*)(void))sqlite3_kv_init) != SQLITE_OK) {
    return -1;
  }
  if (sqlite3_auto_extension((void (*)(void))automatic_init) != SQLITE_OK) {
    return -1;
  }
  return test_files_setup(state);
}

static int automatic_teardown(void **state) {
  sqlite3_reset_auto_extension();
  return test_files_teardown(state);
}

static sqlite3 *open_store(void **state, const char *device) {
  sqlite3 *db = NULL;

  assert_rc(sqlite3_open(":memory:", &db), SQLITE_OK);
  test_run(db, "SELECT kv_open('%s/n.kv', %Q)", *state, device);
  return db;
}

/* A log of phone in the folder, made hostile by SQL. */
static const char *put_log(void **state, const char *text) {
  const char *folder = test_path("%s/n.kv/devices/phone", *state);
  const char *path = test_path("%s/log.db", folder);

  if (!test_exists(folder)) test_make_folder(folder);
  if (test_exists(path)) test_remove(path);
  test_log_make(folder);
  if (text) test_log_break(path, text);
  return path;
}

static void it_works_as_when_it_is_loaded(void **state) {
  sqlite3 *laptop = open_store(state, "laptop");
  sqlite3 *desk = NULL;

  test_run(laptop, "INSERT INTO kv VALUES('own', 1)");
  put_log(state, NULL);
  test_rows(laptop, "4", "SELECT kv_sync()");
  test_rows(laptop, "a|1\nb|2\nc|3\nown|1", "SELECT * FROM kv");
  assert_rc(sqlite3_kv_init(laptop, NULL, NULL), SQLITE_OK);
  desk = open_store(state, "desk");
  test_run(desk, "UPDATE kv SET value = 2 WHERE key = 'own'");
  test_rows(laptop, "1", "SELECT kv_sync()");
  test_rows(laptop, "2", "SELECT kv_get('own')");
  test_disconnect(desk);
  test_disconnect(laptop);
}

/* Functions and modules that a file names exist, but are not run. */
static void a_file_cannot_run_its_functions(void **state) {
  static const char *const texts[] = {
    "PRAGMA writable_schema = ON; INSERT INTO sqlite_master VALUES('table', "
    "'m', 'm', 0, 'CREATE VIRTUAL TABLE m USING kv_foreign(''/etc/hostname'')'"
    ")",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = 0, sql = "
    "'CREATE VIRTUAL TABLE log USING kv(''/tmp/hostile.kv'', "
    "device=''evil'')' WHERE name = 'log'",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = "
    "replace(sql, 'value,', 'value AS (boom(key)),') WHERE name = 'log'",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = "
    "replace(sql, 'value,', 'value DEFAULT (boom()),') WHERE name = 'log'",
    "DROP TABLE log; CREATE VIEW log AS SELECT boom() AS seq, kv_open('/tmp', "
    "'evil') AS txn",
    "CREATE TRIGGER t AFTER INSERT ON log BEGIN SELECT boom(); END",
    "CREATE INDEX i ON log(boom(key))"};
  sqlite3 *laptop = open_store(state, "laptop");
  size_t i;

  for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    const char *path = put_log(state, texts[i]);

    n_calls = 0; /* CREATE INDEX called it */
    test_rows(laptop, "0", "SELECT kv_sync()");
    test_rows(laptop, "stranger",
              "SELECT state FROM kv_devices WHERE device = 'phone'");
    test_rows(laptop, "0", "SELECT count(*) FROM kv");
    assert_int_not_equal(test_try(laptop, "SELECT * FROM kv_foreign(%Q)", path),
                         SQLITE_OK);
    assert_int_equal(n_calls, 0);
    assert_false(test_exists("/tmp/hostile.kv"));
  }
  put_log(state, NULL);
  test_rows(laptop, "4", "SELECT kv_sync()");
  test_disconnect(laptop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(it_works_as_when_it_is_loaded),
    test(a_file_cannot_run_its_functions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
