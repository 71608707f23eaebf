#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "db/handle.h"
#include "file/confine.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

/* A log with one row, at any path. */
static const char *make_log(const char *path) {
  test_log log;

  test_log_begin(&log, path, "phone", 1);
  test_log_set(&log, TEST_NOW, "a", "1", 0);
  test_log_end(&log);
  return path;
}

/* Read all keys of a log through a reader's handle. */
static int ask(sqlite3 *handle, const char *text) {
  char *rows = NULL;
  int rc = sqlite3_exec(handle, text, NULL, NULL, &rows);

  sqlite3_free(rows);
  return rc;
}

static void any_path_can_be_opened(void **state) {
  static const char *const names[] = {"plain.db",
                                      "a b.db",
                                      "a#b%20c.db",
                                      "50%.db",
#ifndef _WIN32 /* where names have none of these */
                                      "a?b.db",
                                      "it's \"it\".db",
#endif
                                      "\xc3\xa9\xe2\x98\x83.db"};
  sqlite3 *host = test_connect(":memory:");
  size_t i;

  for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    const char *path = make_log(test_path("%s/%s", *state, names[i]));
    sqlite3 *handle = NULL;

    assert_rc(kv_handle_read(host, path, &handle), SQLITE_OK);
    test_rows(handle, "a|1", "SELECT key, value FROM log");
    assert_rc(sqlite3_close(handle), SQLITE_OK);
    assert_rc(kv_handle_write(host, path, 0, 0, &handle), SQLITE_OK);
    test_rows(handle, "a|1", "SELECT key, value FROM log");
    assert_rc(sqlite3_close(handle), SQLITE_OK);
  }
  test_disconnect(host);
}

static void reading_creates_nothing(void **state) {
  sqlite3 *host = test_connect(":memory:");
  sqlite3 *handle = (sqlite3 *)1;
  const char *path = test_path("%s/none.db", *state);

  assert_int_not_equal(kv_handle_read(host, path, &handle), SQLITE_OK);
  assert_null(handle);
  assert_false(test_exists(path));
  assert_int_not_equal(kv_handle_write(host, path, 0, 0, &handle), SQLITE_OK);
  assert_null(handle);
  assert_false(test_exists(path));
  test_disconnect(host);
}

static void a_reader_cannot_write(void **state) {
  sqlite3 *host = test_connect(":memory:");
  sqlite3 *handle = NULL;

  assert_rc(
    kv_handle_read(host, make_log(test_path("%s/log.db", *state)), &handle),
    SQLITE_OK);
  assert_rc(ask(handle, "DELETE FROM log") & 0xff, SQLITE_READONLY);
  sqlite3_close(handle);
  test_disconnect(host);
}

static void no_lock_stops_a_reader(void **state) {
  const char *path = make_log(test_path("%s/log.db", *state));
  sqlite3 *host = test_connect(":memory:");
  sqlite3 *other = NULL;
  sqlite3 *handle = NULL;

  assert_rc(sqlite3_open(path, &other), SQLITE_OK);
  test_run(other, "BEGIN EXCLUSIVE");
  assert_rc(kv_handle_read(host, path, &handle), SQLITE_OK);
  test_rows(handle, "1", "SELECT count(*) FROM log");
  /* and closing it loses no lock of this process */
  assert_rc(sqlite3_close(handle), SQLITE_OK);
  assert_rc(kv_handle_write(host, path, 0, 0, &handle), SQLITE_OK);
  assert_rc(ask(handle, "SELECT count(*) FROM log"), SQLITE_BUSY);
  sqlite3_close(handle);
  test_run(other, "COMMIT");
  sqlite3_close(other);
  test_disconnect(host);
}

static void a_link_is_not_followed(void **state) {
  const char *path = make_log(test_path("%s/log.db", *state));
  const char *link = test_path("%s/link.db", *state);
  sqlite3 *host = test_connect(":memory:");
  sqlite3 *handle = NULL;

  test_link(path, link);
  assert_rc(kv_handle_read(host, link, &handle) & 0xff, SQLITE_CANTOPEN);
  assert_rc(kv_handle_write(host, link, 1, 0, &handle) & 0xff, SQLITE_CANTOPEN);
  test_disconnect(host);
}

static void a_confined_handle_reads_a_log_and_nothing_else(void **state) {
  static const char *const denied[] = {
    "INSERT INTO log(seq) VALUES(9)",
    "PRAGMA writable_schema = ON",
    "PRAGMA user_version",
    "ATTACH ':memory:' AS other",
    "CREATE TEMP TABLE t(x)",
    "SELECT load_extension('x')",
    "SELECT max(seq) FROM log",
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION SELECT 2 FROM n) SELECT i FROM n",
    "SELECT x FROM other"};
  const char *path = make_log(test_path("%s/log.db", *state));
  sqlite3 *host = test_connect(":memory:");
  sqlite3 *handle = NULL;
  kv_work work = KV_WORK_ROW;
  size_t i;

  test_log_break(path, "CREATE TABLE other(x)");
  assert_rc(kv_handle_read(host, path, &handle), SQLITE_OK);
  assert_rc(kv_confine(handle, &work), SQLITE_OK);
  test_rows(handle, "a|1", "SELECT key, value FROM log");
  test_rows(handle, "phone", "SELECT name FROM device");
  test_rows(handle, "3", "SELECT 1 + 2");
  for (i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
    assert_int_not_equal(ask(handle, denied[i]), SQLITE_OK);
    assert_true(strstr(sqlite3_errmsg(handle), "not authorized") ||
                strstr(sqlite3_errmsg(handle), "prohibited"));
  }
  sqlite3_close(handle);
  test_disconnect(host);
}

static void work_has_a_limit(void **state) {
  const char *path = make_log(test_path("%s/log.db", *state));
  static const char endless[] =
    "SELECT a.seq FROM log AS a, log AS b, log AS c, log AS d, log AS e "
    "WHERE a.seq + b.seq + c.seq + d.seq + e.seq = 0";
  sqlite3 *host = test_connect(":memory:");
  sqlite3 *handle = NULL;
  test_log log;
  kv_work work = {5, 100};
  int i;

  test_log_open(&log, path);
  test_run(log.db, "BEGIN");
  for (i = 0; i < 50; i++)
    test_log_set(&log, TEST_NOW + i, "a", "1", 0);
  test_run(log.db, "COMMIT");
  test_log_end(&log);
  assert_rc(kv_handle_read(host, path, &handle), SQLITE_OK);
  assert_rc(kv_confine(handle, &work), SQLITE_OK);
  assert_rc(ask(handle, endless), SQLITE_INTERRUPT);
  assert_true(work.steps < 0);
  work = KV_WORK_ROW;
  assert_rc(ask(handle, "SELECT seq FROM log"), SQLITE_OK);
  sqlite3_close(handle);
  test_disconnect(host);
}

static void reads_have_a_limit(void **state) {
  const char *path = make_log(test_path("%s/log.db", *state));
  sqlite3 *host = test_connect(":memory:");
  sqlite3 *handle = NULL;
  kv_work work = {100, 100};
  sqlite3_file *file;

  /* One value of 2000 pages, which a single step skips. */
  test_log_break(path, "UPDATE log SET value = zeroblob(8000000)");
  assert_rc(kv_handle_read(host, path, &handle), SQLITE_OK);
  assert_rc(kv_confine(handle, &work), SQLITE_OK);
  assert_rc(ask(handle, "SELECT sum FROM log"), SQLITE_INTERRUPT);
  assert_int_equal(work.reads, 0);
  assert_rc(ask(handle, "SELECT name FROM device"), SQLITE_INTERRUPT);
  work = KV_WORK_ROW;
  assert_rc(ask(handle, "SELECT sum FROM log"), SQLITE_OK);
  assert_in_range(KV_WORK_ROW.reads - work.reads, 1800, 2000);
  /* The other methods of the file work as before. */
  sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  assert_true(file->pMethods->iVersion >= 1);
  assert_true(file->pMethods->xSectorSize(file) > 0);
  sqlite3_close(handle);
  test_disconnect(host);
}

static void a_file_cannot_run_code(void **state) {
  const char *path = make_log(test_path("%s/log.db", *state));
  sqlite3 *host = test_connect(":memory:");
  sqlite3 *handle = NULL;

  test_log_break(path, "CREATE TABLE noted(x);"
                       "CREATE TRIGGER t AFTER INSERT ON log BEGIN "
                       "INSERT INTO noted VALUES(new.seq); END;"
                       "CREATE VIEW v AS SELECT seq FROM log;");
  assert_rc(kv_handle_write(host, path, 0, 0, &handle), SQLITE_OK);
  assert_rc(ask(handle, "INSERT INTO log VALUES(2, 2, 2, 2, 1, '', 2, 2, 2)"),
            SQLITE_OK);
  test_rows(handle, "0", "SELECT count(*) FROM noted");
  assert_rc(ask(handle, "SELECT seq FROM v"), SQLITE_ERROR);
  assert_rc(ask(handle, "PRAGMA writable_schema = ON; DELETE FROM "
                        "sqlite_master"),
            SQLITE_ERROR);
  sqlite3_close(handle);
  test_disconnect(host);
}

static void the_hosts_limits_apply(void **state) {
  const char *path = make_log(test_path("%s/log.db", *state));
  sqlite3 *host = test_connect(":memory:");
  sqlite3 *handle = NULL;

  sqlite3_limit(host, SQLITE_LIMIT_LENGTH, 12345);
  assert_rc(kv_handle_read(host, path, &handle), SQLITE_OK);
  assert_int_equal(sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, -1), 12345);
  assert_int_equal(sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, -1), 0);
  sqlite3_close(handle);
  test_disconnect(host);
}

static void a_writer_waits_as_long_as_it_is_told(void **state) {
  const char *path = make_log(test_path("%s/log.db", *state));
  sqlite3 *host = test_connect(":memory:");
  sqlite3 *handle = NULL;

  assert_rc(kv_handle_write(host, path, 1, 250, &handle), SQLITE_OK);
  test_rows(handle, "250", "PRAGMA busy_timeout");
  sqlite3_close(handle);
  test_disconnect(host);
}

static void handles_use_the_vfs_of_the_host(void **state) {
  sqlite3 *memory = test_connect(":memory:");
  sqlite3 *file = test_connect(test_path("%s/host.db", *state));
  const char *vfs = kv_handle_vfs(memory);

  assert_string_equal(kv_handle_vfs(file), sqlite3_vfs_find(NULL)->zName);
  assert_non_null(sqlite3_vfs_find(vfs));
  assert_string_not_equal(sqlite3_vfs_find(vfs)->zName, "memdb");
  test_disconnect(file);
  test_disconnect(memory);
}

static void random_bytes_always_differ(void **state) {
  sqlite3 *host = test_connect(":memory:");
  int n;

  (void)state;
  for (n = 8; n <= 64; n *= 2) {
    unsigned char a[64] = {0};
    unsigned char b[64] = {0};

    kv_handle_random(host, n, a);
    kv_handle_random(host, n, b);
    assert_memory_not_equal(a, b, (size_t)n);
  }
  test_disconnect(host);
}

/* A VFS that knows no more than the time. */
static int random_of_the_time(sqlite3_vfs *vfs, int n, char *out) {
  (void)vfs;
  memset(out, 7, (size_t)n);
  return 12;
}

static void what_the_vfs_does_not_know_is_random_too(void **state) {
  sqlite3_vfs vfs = *sqlite3_vfs_find(NULL);
  unsigned char a[8] = {0};
  unsigned char b[8] = {0};
  sqlite3 *host = NULL;

  vfs.zName = "time";
  vfs.xRandomness = random_of_the_time;
  assert_rc(sqlite3_vfs_register(&vfs, 0), SQLITE_OK);
  assert_rc(sqlite3_open_v2(test_path("%s/host.db", *state), &host,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "time"),
            SQLITE_OK);
  kv_handle_random(host, 8, a);
  kv_handle_random(host, 8, b);
  assert_memory_not_equal(a, b, 8);
  test_disconnect(host);
  sqlite3_vfs_unregister(&vfs);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(any_path_can_be_opened),
    test_in_folder(reading_creates_nothing),
    test_in_folder(a_reader_cannot_write),
    test_in_folder(no_lock_stops_a_reader),
    test_in_folder(a_link_is_not_followed),
    test_in_folder(a_confined_handle_reads_a_log_and_nothing_else),
    test_in_folder(work_has_a_limit),
    test_in_folder(reads_have_a_limit),
    test_in_folder(a_file_cannot_run_code),
    test_in_folder(the_hosts_limits_apply),
    test_in_folder(a_writer_waits_as_long_as_it_is_told),
    test_in_folder(handles_use_the_vfs_of_the_host),
    cmocka_unit_test(random_bytes_always_differ),
    test_in_folder(what_the_vfs_does_not_know_is_random_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
