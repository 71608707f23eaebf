/*
** Opening and closing a store in temp, below the functions that do it.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cache/values.h"
#include "connection/registry.h"
#include "rows/rows.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"
#include "surface/open.h"
#include "table/kv_batch.h"
#include "table/kv_table.h"

static sqlite3 *db;
static kv_registry *registry;
static kv_store *store;
static char *err;

static int setup(void **state) {
  if (test_files_setup(state) != 0) return -1;
  assert_rc(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_rc(kv_registry_create(db, &registry), SQLITE_OK);
  assert_rc(kv_values_register(db, 1), SQLITE_OK);
  assert_rc(kv_rows_register(db, 1), SQLITE_OK);
  assert_rc(kv_batch_register(db, 1), SQLITE_OK);
  return kv_table_register(db, registry) == SQLITE_OK ? 0 : -1;
}

static int teardown(void **state) {
  kv_store_close(store);
  store = NULL;
  sqlite3_free(err);
  err = NULL;
  assert_rc(sqlite3_close(db), SQLITE_OK);
  return test_files_teardown(state);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Open a store like kv_open(path, device, options). */
static int open_store(const char *path, const char *device,
                      const char *options) {
  kv_arguments arguments;
  int rc;

  kv_store_close(store);
  store = NULL;
  sqlite3_free(err);
  err = NULL;
  kv_arguments_init(&arguments);
  arguments.path = sqlite3_mprintf("%s", path);
  arguments.options.path = arguments.path;
  arguments.options.device = device;
  rc = kv_arguments_list(&arguments, options, " now name ", &err);
  if (rc == SQLITE_OK) {
    rc = kv_open_table(registry, db, &arguments, &store, &err);
  }
  kv_arguments_clear(&arguments);
  return rc;
}

static void a_store_is_opened_in_temp_and_found_again(void **state) {
  const char *path = test_path("%s/n.kv", *state);
  kv_store *first;

  assert_rc(open_store(path, "laptop", "now=2026-11-01"), SQLITE_OK);
  test_rows(db, "kv",
            "SELECT name FROM temp.sqlite_schema WHERE sql LIKE"
            " 'CREATE VIRTUAL%'");
  first = store;
  assert_rc(open_store(path, "laptop", "now=2026-11-02"), SQLITE_OK);
  assert_ptr_equal(store, first);
  assert_true(store->fixed_now % 86400000000 == 0);
  test_run(db, "INSERT INTO kv VALUES('a', 1)");
  test_rows(db, "2026-11-02 00:00:00.000", "SELECT time FROM kv");
}

static void a_name_that_is_taken_is_refused(void **state) {
  const char *path = test_path("%s/n.kv", *state);

  test_run(db, "CREATE TABLE notes(x)");
  assert_rc(open_store(path, "laptop", "name=notes"), SQLITE_ERROR);
  assert_non_null(strstr(err, "there is already a table notes"));
  assert_rc(open_store(path, "laptop", ""), SQLITE_OK);
  assert_rc(open_store(path, "phone", ""), SQLITE_ERROR);
  assert_non_null(strstr(err, "kv is open as another store"));
}

static void a_store_that_cannot_be_opened_leaves_no_table(void **state) {
  assert_rc(open_store(test_path("%s/no/n.kv", *state), "laptop", ""),
            SQLITE_CANTOPEN);
  test_rows(db, "0", "SELECT count(*) FROM temp.sqlite_schema");
}

static void a_store_that_cannot_be_read_leaves_no_table(void **state) {
  const char *root = test_path("%s/n.kv", *state);
  const char *log = test_path("%s/devices/laptop/log.db", root);
  char *key = sqlite3_mprintf("%70000d", 1);
  test_log own;

  test_make_folder(root);
  test_make_folder(test_path("%s/devices", root));
  test_make_folder(test_path("%s/devices/laptop", root));
  test_log_begin(&own, log, "laptop", 1);
  test_log_set(&own, TEST_NOW, key, "1", 0);
  test_log_end(&own);
  sqlite3_free(key);
  assert_rc(open_store(root, "laptop", ""), SQLITE_TOOBIG);
  test_rows(db, "0", "SELECT count(*) FROM temp.sqlite_schema");
}

static void uncommitted_rows_keep_a_store_open(void **state) {
  assert_rc(open_store(test_path("%s/n.kv", *state), "laptop", ""), SQLITE_OK);
  test_run(db, "BEGIN; INSERT INTO kv VALUES('a', 1)");
  assert_rc(kv_open_publish(store, 0, &err), SQLITE_LOCKED);
  assert_non_null(strstr(err, "has uncommitted rows"));
  test_run(db, "COMMIT");
  sqlite3_free(err);
  err = NULL;
  assert_rc(kv_open_publish(store, 0, &err), SQLITE_OK);
  kv_store_close(store);
  store = NULL;
  assert_rc(kv_open_drop(db, "kv", &err), SQLITE_OK);
  test_rows(db, "0", "SELECT count(*) FROM temp.sqlite_schema");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_store_is_opened_in_temp_and_found_again),
    test(a_name_that_is_taken_is_refused),
    test(a_store_that_cannot_be_opened_leaves_no_table),
    test(a_store_that_cannot_be_read_leaves_no_table),
    test(uncommitted_rows_keep_a_store_open),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
