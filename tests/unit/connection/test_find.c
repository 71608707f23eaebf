#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/connection.h"
#include "support/files.h"
#include "support/rc.h"

/* A host database in a file with the store `name` of device `a` in `folder`. */
static sqlite3 *open_host(const char *dir, const char *host, const char *name,
                          const char *folder) {
  sqlite3 *db = test_connect(test_path("%s/%s", dir, host));
  char *sql = sqlite3_mprintf("CREATE VIRTUAL TABLE \"%w\" USING "
                              "kv(%Q, device='a', now='2026-11-01')",
                              name, folder);

  test_run(db, sql);
  sqlite3_free(sql);
  sql = sqlite3_mprintf("INSERT INTO \"%w\" VALUES('who', %Q)", name, folder);
  test_run(db, sql);
  sqlite3_free(sql);
  return db;
}

static void attach(sqlite3 *db, const char *dir, const char *host,
                   const char *schema) {
  char *sql =
    sqlite3_mprintf("ATTACH %Q AS %s", test_path("%s/%s", dir, host), schema);
  test_run(db, sql);
  sqlite3_free(sql);
}

static void a_persistent_table_is_connected_when_it_is_found(void **state) {
  sqlite3 *db = open_host(*state, "h.db", "notes", "n.kv");

  test_disconnect(db);
  db = test_connect(test_path("%s/h.db", *state));
  test_rows(db, "n.kv", "SELECT kv_get('who', 0, 'notes')");
  test_rows(db, "1", "SELECT count(*) FROM kv_log('notes')");
  test_disconnect(db);
}

static void a_missing_store_is_named(void **state) {
  sqlite3 *db = open_host(*state, "h.db", "kv", "n.kv");

  test_rows(db,
            "kv: there is no store named notes: open one first, SELECT "
            "kv_open('folder', 'device')",
            "SELECT kv_sync('notes')");
  test_rows(db,
            "kv: there is no store named temp.kv: open one first, SELECT "
            "kv_open('folder', 'device')",
            "SELECT kv_sync('temp.kv')");
  test_disconnect(db);
}

static void two_stores_of_one_name_differ_by_schema(void **state) {
  sqlite3 *db = open_host(*state, "b.db", "kv", "b.kv");

  test_disconnect(db);
  db = open_host(*state, "a.db", "kv", "a.kv");
  test_rows(db, "0", "SELECT kv_sync()");
  attach(db, *state, "b.db", "other");
  test_rows(
    db,
    "kv: there are several stores named kv: say which one: main.kv, other.kv",
    "SELECT kv_sync()");
  test_rows(db, "a.kv|b.kv",
            "SELECT kv_get('who', 0, 'main.kv'), kv_get('who', 0, 'other.kv')");
  test_rows(db, "b.kv", "SELECT value FROM kv_log('other.kv')");
  test_rows(db, "a", "SELECT device FROM kv_devices('other.KV')");
  test_run(db, "DETACH other");
  test_rows(db, "0|a.kv", "SELECT kv_sync(), kv_get('who')");
  test_disconnect(db);
}

static void a_name_with_a_dot_is_a_table_name_first(void **state) {
  sqlite3 *db = open_host(*state, "h.db", "kv", "a.kv");

  test_run(db, "CREATE VIRTUAL TABLE \"main.kv\" USING kv('b.kv', device='a')");
  test_run(db, "INSERT INTO \"main.kv\" VALUES('who', 'b')");
  test_rows(db, "b|a.kv", "SELECT kv_get('who', 0, 'main.kv'), kv_get('who')");
  test_disconnect(db);
}

static void a_table_that_another_connection_makes_is_found(void **state) {
  sqlite3 *a = open_host(*state, "h.db", "kv", "a.kv");
  sqlite3 *b = test_connect(test_path("%s/h.db", *state));
  char *id = test_ask(a, "SELECT id FROM kv_meta");
  char *other;

  test_rows(a, "a.kv", "SELECT kv_get('who')");
  test_run(b, "DROP TABLE kv");
  test_rows(a,
            "kv: there is no store named kv: open one first, SELECT "
            "kv_open('folder', 'device')",
            "SELECT kv_get('who')");
  test_rows(a, "0", "SELECT count(*) FROM sqlite_master");
  test_run(b, "CREATE VIRTUAL TABLE kv USING kv('b.kv', device='a')");
  test_run(b, "INSERT INTO kv VALUES('who', 'b')");
  test_rows(a, "b|0", "SELECT kv_get('who'), kv_sync()");
  other = test_ask(a, "SELECT id FROM kv_meta");
  assert_string_not_equal(id, other);
  test_run(b, "ALTER TABLE kv RENAME TO notes");
  test_rows(a, "b|0", "SELECT kv_get('who', 0, 'notes'), kv_sync('notes')");
  sqlite3_free(id);
  sqlite3_free(other);
  test_disconnect(a);
  test_disconnect(b);
}

static void a_table_that_cannot_be_opened_says_why(void **state) {
  sqlite3 *db = open_host(*state, "a.db", "kv", "n.kv");

  test_disconnect(db);
  db = open_host(*state, "b.db", "kv", "m.kv");
  test_copy(test_path("%s/a.db", *state), test_path("%s/c.db", *state));
  attach(db, *state, "a.db", "a");
  test_rows(db, "1", "SELECT count(*) FROM a.kv");
  attach(db, *state, "c.db", "c");
  assert_rc(test_try(db, "SELECT kv_sync('c.kv')"), SQLITE_ERROR);
  assert_non_null(
    strstr(sqlite3_errmsg(db),
           "kv: this store is already open as table a.kv of this connection"));
  test_disconnect(db);
}

/* Deny what xConnect needs to declare its table. */
static int deny_insert(void *arg, int action, const char *a, const char *b,
                       const char *c, const char *d) {
  (void)arg;
  (void)a;
  (void)b;
  (void)c;
  (void)d;
  return action == SQLITE_INSERT ? SQLITE_DENY : SQLITE_OK;
}

static void a_table_that_an_authorizer_forbids_says_so(void **state) {
  sqlite3 *db = open_host(*state, "h.db", "kv", "n.kv");

  test_disconnect(db);
  db = test_connect(test_path("%s/h.db", *state));
  sqlite3_set_authorizer(db, deny_insert, NULL);
  test_rows(db, "kv: cannot be declared: not authorized", "SELECT kv_sync()");
  test_rows(db, "kv: cannot be declared: not authorized",
            "SELECT kv_get('who')");
  sqlite3_set_authorizer(db, NULL, NULL);
  test_rows(db, "n.kv|0", "SELECT kv_get('who'), kv_sync()");
  test_disconnect(db);
}

/* Write the bytes of a database over those of another, as cp does. */
static void copy_over(const char *from, const char *to) {
  size_t n;
  unsigned char *bytes = test_read(from, &n);

  test_write(to, bytes, n);
  sqlite3_free(bytes);
}

static void a_database_that_was_written_over_is_refused(void **state) {
  static const char refused[] = "the database that holds main.kv was replaced "
                                "by another one: close the connection and "
                                "open it again";
  sqlite3 *db = open_host(*state, "b.db", "kv", "b.kv");
  char *rows;
  size_t i;
  static const char *const writes[] = {
    "SELECT kv_sync()", "SELECT kv_set('who', 'mixed up')",
    "INSERT INTO kv VALUES('who', 'mixed up')", "SELECT * FROM kv_devices"};

  test_run(db, "INSERT INTO kv VALUES('more', 1)");
  test_rows(db, "0|b.kv", "SELECT kv_sync(), kv_get('who')");
  test_disconnect(db);
  db = open_host(*state, "a.db", "kv", "a.kv");
  test_rows(db, "0|a.kv", "SELECT kv_sync(), kv_get('who')");
  copy_over(test_path("%s/b.db", *state), test_path("%s/a.db", *state));
  for (i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
    assert_int_not_equal(test_try(db, writes[i]), SQLITE_OK);
    assert_non_null(strstr(sqlite3_errmsg(db), refused));
  }
  test_disconnect(db);
  db = test_connect(test_path("%s/a.db", *state));
  test_rows(db, "0|b.kv", "SELECT kv_sync(), kv_get('who')");
  rows = test_ask(db, "SELECT key, value FROM kv_foreign(%Q)",
                  test_path("%s/a.kv/devices/a/log.db", *state));
  assert_string_equal(rows, "who|a.kv\n");
  sqlite3_free(rows);
  test_disconnect(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(a_persistent_table_is_connected_when_it_is_found),
    test_in_folder(a_missing_store_is_named),
    test_in_folder(two_stores_of_one_name_differ_by_schema),
    test_in_folder(a_name_with_a_dot_is_a_table_name_first),
    test_in_folder(a_table_that_another_connection_makes_is_found),
    test_in_folder(a_table_that_cannot_be_opened_says_why),
    test_in_folder(a_table_that_an_authorizer_forbids_says_so),
    test_in_folder(a_database_that_was_written_over_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
