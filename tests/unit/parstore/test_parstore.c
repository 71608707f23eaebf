/*
** A whole PARStore 1. test_parlog.c tests single logs.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "parstore/parstore.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/rc.h"

static void make_log(const char *folder, const char *name, int n_rows) {
  sqlite3 *db = NULL;

  test_make_folder(folder);
  assert_rc(sqlite3_open(test_path("%s/%s", folder, name), &db), SQLITE_OK);
  test_run(db, "CREATE TABLE ZLOG(Z_PK INTEGER PRIMARY KEY, ZPARENTTIMESTAMP "
               "INTEGER, ZTIMESTAMP INTEGER, ZKEY VARCHAR, ZBLOB BLOB)");
  test_run(db,
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
           "INSERT INTO ZLOG SELECT i, NULL, i, 'k' || i, NULL FROM n LIMIT %d",
           n_rows);
  sqlite3_close(db);
}

/* All rows as text. */
static void assert_store(const char *path, const char *expected) {
  sqlite3 *host = test_connect(":memory:");
  sqlite3_str *out = sqlite3_str_new(NULL);
  const kv_parstore_row *row;
  kv_parstore *store = NULL;
  char *err = NULL;
  char *got;
  int rc = kv_parstore_open(host, path, &store, &err);

  while (rc == SQLITE_OK || rc == SQLITE_ROW) {
    rc = kv_parstore_next(store, &row);
    if (rc != SQLITE_ROW) break;
    sqlite3_str_appendf(out, "%s:%.*s%s;", row->device,
                        row->row ? (int)row->row->key.n : 0,
                        row->row ? (const char *)row->row->key.z : "",
                        row->reason ? row->reason : "");
  }
  if (store) {
    assert_rc(rc, SQLITE_DONE);
    assert_null(row);
  }
  if (err) sqlite3_str_appendall(out, err);
  sqlite3_free(err);
  kv_parstore_close(store);
  got = sqlite3_str_finish(out);
  assert_string_equal(got ? got : "", expected);
  sqlite3_free(got);
  test_disconnect(host);
}

static void devices_come_in_order_and_are_folders(void **state) {
  const char *devices = test_path("%s/Devices", *state);

  test_make_folder(devices);
  assert_store(*state, "");
  make_log(test_path("%s/b'c", devices), "Logs.db", 2);
  make_log(test_path("%s/.hidden", devices), "Logs.db", 1);
  make_log(test_path("%s/a", devices), "logs.db", 1);
  make_log(test_path("%s/c", devices), "Logs.db", 0);
  test_make_folder(test_path("%s/\xc3\xa9 e", devices));
  test_write(test_path("%s/file", devices), "x", 1);
  assert_store(*state, "a:k1;b'c:k1;b'c:k2;\xc3\xa9 e:has no log yet;");
}

static void links_are_told_and_not_followed(void **state) {
  test_make_folder(test_path("%s/Devices", *state));
  make_log(test_path("%s/real", *state), "Logs.db", 1);
  test_link("../real", test_path("%s/Devices/a", *state));
  test_link("none", test_path("%s/Devices/.b", *state));
  assert_store(*state, "a:is a link or pipe, not a folder;");
}

static void a_store_of_kv_is_none(void **state) {
  char *expected = sqlite3_mprintf(
    "kv: %s is a store of kv, no PARStore: open it with kv_open()", *state);

  test_make_folder(test_path("%s/devices", *state));
  test_make_folder(test_path("%s/devices/b", *state));
  test_make_folder(test_path("%s/devices/c", *state));
  test_write(test_path("%s/devices/b/log.db", *state), "x", 1);
  assert_store(*state, expected);
  make_log(test_path("%s/devices/a", *state), "Logs.db", 1);
  assert_store(*state, "a:k1;b:has a log of kv, not one of PARStore;"
                       "c:has no log yet;");
  sqlite3_free(expected);
}

static void old_names_are_lower_case(void **state) {
  test_make_folder(test_path("%s/devices", *state));
  make_log(test_path("%s/devices/a", *state), "logs.db", 1);
  assert_store(*state, "a:k1;");
}

static void a_folder_that_is_not_a_store_is_refused(void **state) {
  const char *path = test_path("%s/none", *state);
  char *expected =
    sqlite3_mprintf("kv: %s is no PARStore: it has no folder Devices", path);

  assert_store(path, expected);
  test_make_folder(path);
  assert_store(path, expected);
  test_write(test_path("%s/Devices", path), "x", 1);
  assert_store(path, expected);
  sqlite3_free(expected);
}

/* Closing it halfway leaves nothing behind. */
static void reading_half_of_it_leaves_nothing(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const kv_parstore_row *row;
  kv_parstore *store = NULL;
  char *temp = sqlite3_temp_directory;

  test_make_folder(test_path("%s/temp", *state));
  test_make_folder(test_path("%s/Devices", *state));
  make_log(test_path("%s/Devices/a", *state), "Logs.db", 9);
  sqlite3_temp_directory = sqlite3_mprintf("%s/temp", *state);
  assert_rc(kv_parstore_open(host, *state, &store, NULL), SQLITE_OK);
  assert_rc(kv_parstore_next(store, &row), SQLITE_ROW);
  kv_parstore_close(store);
  test_remove(test_path("%s/temp", *state)); /* rmdir: is it empty? */
  sqlite3_free(sqlite3_temp_directory);
  sqlite3_temp_directory = temp;
  test_disconnect(host);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(devices_come_in_order_and_are_folders),
    test_in_folder(links_are_told_and_not_followed),
    test_in_folder(a_store_of_kv_is_none),
    test_in_folder(old_names_are_lower_case),
    test_in_folder(a_folder_that_is_not_a_store_is_refused),
    test_in_folder(reading_half_of_it_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
