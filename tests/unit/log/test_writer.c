#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <unistd.h>

#include "db/error.h"
#include "log/append.h"
#include "log/writer.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

#define test(f) cmocka_unit_test_setup_teardown(f, test_files_setup, teardown)

#define MACHINE "0123456789abcdef"

static kv_verdict verdict;
static char *err;

/* Lock the log of device phone in the store of this test. */
static int lock_as(sqlite3 *host, const char *root, const char *device,
                   kv_writer **out) {
  kv_writer_place place;

  memset(&place, 0, sizeof(place));
  place.host = host;
  place.root = root;
  place.device = device;
  place.file = "log.db";
  place.machine = MACHINE;
  place.now = TEST_NOW;
  sqlite3_free(err);
  err = NULL;
  return kv_writer_lock(&place, out, &verdict, &err);
}

static kv_writer *lock(sqlite3 *host, void **state) {
  kv_writer *log = NULL;

  assert_rc(lock_as(host, *state, "phone", &log), SQLITE_OK);
  assert_non_null(log);
  return log;
}

static void append(kv_writer *log, const char *key) {
  kv_row row;

  memset(&row, 0, sizeof(row));
  row.txn = log->tail.seq + 1;
  row.ts = TEST_NOW;
  row.op = KV_OP_SET;
  row.bucket = test_text("");
  row.key = test_text(key);
  row.value = test_integer(1);
  assert_rc(kv_append_row(log, &row), SQLITE_OK);
}

/* A log with these keys. */
static const char *make_log(sqlite3 *host, void **state, const char *keys) {
  kv_writer *log = lock(host, state);

  for (; *keys; keys++)
    append(log, test_path("%c", *keys));
  assert_rc(kv_writer_commit(log), SQLITE_OK);
  kv_writer_close(log);
  return test_path("%s/devices/phone/log.db", *state);
}

/* The keys of the log as any reader sees them, and whether they verify. */
#define expect_keys(host, state, expected)                                     \
  test_rows_at(__FILE__, __LINE__, host, expected,                             \
               "SELECT group_concat(key, '') FROM "                            \
               "kv_foreign('%q/devices/phone/log.db') WHERE valid",            \
               *state)

static int teardown(void **state) {
  sqlite3_free(err);
  err = NULL;
  kv_verdict_clear(&verdict);
  return test_files_teardown(state);
}

static void a_new_log_has_the_documented_format(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(host, state, "");
  sqlite3 *log = NULL;

  assert_rc(sqlite3_open(path, &log), SQLITE_OK);
  test_rows(log, "1263946823|2|UTF-8|0|delete",
            "SELECT a.application_id, u.user_version, e.encoding, "
            "v.auto_vacuum, j.journal_mode FROM pragma_application_id AS a, "
            "pragma_user_version AS u, pragma_encoding AS e, "
            "pragma_auto_vacuum AS v, pragma_journal_mode AS j");
  test_rows(log,
            "CREATE TABLE device(\n  name TEXT,\n  id BLOB,\n  host TEXT,\n"
            "  created INTEGER,\n  base_seq INTEGER,\n  base_sum INTEGER,\n"
            "  former_id BLOB,\n  former_seq INTEGER,\n"
            "  former_sum INTEGER,\n  horizon INTEGER,\n  algo TEXT\n)\n"
            "CREATE TABLE log(\n  seq INTEGER PRIMARY KEY,\n"
            "  txn INTEGER NOT NULL,\n  ts INTEGER NOT NULL,\n"
            "  parent_ts INTEGER,\n  op INTEGER NOT NULL,\n"
            "  bucket TEXT NOT NULL,\n  key NOT NULL,\n  value,\n"
            "  sum INTEGER NOT NULL\n)",
            "SELECT sql FROM sqlite_master");
  test_rows(log, "phone|16|" MACHINE "|1793491200000000|0|xxh3-64|1",
            "SELECT name, length(id), host, created, base_seq, algo, "
            "base_sum <> 0 FROM device");
  test_rows(log, "0", "SELECT count(*) FROM log");
  sqlite3_close(log);
  test_disconnect(host);
}

static void each_log_has_an_id_of_its_own(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_writer *phone = NULL;
  kv_writer *laptop = NULL;

  assert_rc(lock_as(host, *state, "phone", &phone), SQLITE_OK);
  assert_rc(lock_as(host, *state, "laptop", &laptop), SQLITE_OK);
  assert_memory_not_equal(phone->head.id, laptop->head.id, KV_ID_SIZE);
  kv_writer_close(phone);
  kv_writer_close(laptop);
  test_disconnect(host);
}

static void a_new_log_takes_the_id_that_it_is_given(void **state) {
  static const unsigned char id[KV_ID_SIZE] = "0123456789abcde";
  kv_log_head head;
  sqlite3 *host = test_connect(":memory:");
  kv_writer_place place = {host, *state, "phone",  "log.db",
                           "",   &head,  TEST_NOW, 0};
  kv_writer *log = NULL;

  memset(&head, 0, sizeof(head));
  memcpy(head.id, id, KV_ID_SIZE);
  assert_rc(kv_writer_lock(&place, &log, &verdict, &err), SQLITE_OK);
  assert_true(log->is_new);
  assert_memory_equal(log->head.id, id, KV_ID_SIZE);
  assert_true(log->head.base.sum == kv_row_base_sum("phone", 5, id));
  assert_int_equal(log->tail.seq, 0);
  kv_writer_close(log);
  test_disconnect(host);
}

static void rows_are_visible_once_committed(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_writer *log;

  make_log(host, state, "a");
  log = lock(host, state);
  assert_false(log->is_new);
  assert_int_equal(log->tail.seq, 1);
  append(log, "b");
  append(log, "c");
  assert_int_equal(log->tail.seq, 3);
  expect_keys(host, state, "a");
  assert_rc(kv_writer_commit(log), SQLITE_OK);
  expect_keys(host, state, "abc");
  kv_writer_close(log);
  expect_keys(host, state, "abc");
  test_disconnect(host);
}

static void an_uncommitted_row_leaves_no_trace(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(host, state, "a");
  kv_writer *log;
  size_t n;
  unsigned char *before = test_read(path, &n);

  log = lock(host, state);
  append(log, "b");
  kv_writer_close(log);
  test_is_kept(path, before, n);
  assert_false(test_exists(test_path("%s-journal", path)));
  test_disconnect(host);
}

/* A full file is its own fault; a row that no reader would take is not. */
static void a_log_that_failed_says_so(void **state) {
  static char bytes[20000];
  sqlite3 *host = test_connect(":memory:");
  kv_writer *log = lock(host, state);
  kv_row row;

  memset(&row, 0, sizeof(row));
  row.txn = 1;
  row.ts = -1;
  row.op = KV_OP_SET;
  row.bucket = test_text("");
  row.key = test_text("a");
  row.value.type = KV_BLOB;
  row.value.z = bytes;
  row.value.n = sizeof(bytes);
  assert_false(kv_writer_has_failed(NULL));
  assert_rc(kv_append_row(log, &row), KV_REFUSED);
  assert_false(kv_writer_has_failed(log));
  row.ts = TEST_NOW;
  test_run(log->handle, "PRAGMA max_page_count = 1");
  assert_rc(kv_append_row(log, &row), SQLITE_FULL);
  assert_true(kv_writer_has_failed(log));
  kv_writer_close(log);
  test_disconnect(host);
}

#ifdef _WIN32
/* A folder with an open file cannot be renamed. */
static int count_open(const char *folder) {
  const char *other = test_path("%s.moved", folder);

  test_move(folder, other);
  test_move(other, folder);
  return 0;
}
#else
static int count_open(const char *folder) {
  DIR *fds = opendir("/proc/self/fd");
  struct dirent *fd;
  char target[500];
  int n_open = 0;

  while (fds && (fd = readdir(fds)) != NULL) {
    ssize_t n = readlink(test_path("/proc/self/fd/%s", fd->d_name), target,
                         sizeof(target) - 1);
    if (n < 0) continue;
    target[n] = '\0';
    n_open += strstr(target, folder) != NULL;
  }
  if (fds) closedir(fds);
  return n_open;
}
#endif

static void between_locks_no_file_is_open(void **state) {
  sqlite3 *host = test_connect(":memory:");

  make_log(host, state, "a");
  assert_int_equal(count_open(*state), 0);
  test_disconnect(host);
}

static void the_folder_is_not_created(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_writer *log = NULL;

  assert_rc(lock_as(host, test_path("%s/gone", *state), "phone", &log),
            SQLITE_CANTOPEN);
  assert_null(log);
  assert_non_null(strstr(err, "is not there"));
  assert_false(test_exists(test_path("%s/gone", *state)));
  test_disconnect(host);
}

static void names_that_differ_in_case_do_not_meet(void **state) {
  sqlite3 *host;
  kv_writer *log = NULL;

  test_not_on_windows("they are one folder, whose log is another device's");
  host = test_connect(":memory:");
  make_log(host, state, "a");
  assert_rc(lock_as(host, *state, "Phone", &log), SQLITE_CANTOPEN);
  assert_null(log);
  assert_non_null(strstr(err, "differs from the existing phone only in case"));
  assert_false(test_exists(test_path("%s/devices/Phone", *state)));
  /* where both exist already, both are used */
  test_make_folder(test_path("%s/devices/Phone", *state));
  assert_rc(lock_as(host, *state, "Phone", &log), SQLITE_OK);
  kv_writer_close(log);
  test_disconnect(host);
}

static void an_obstacle_is_named(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_writer *log = NULL;

  test_make_folder(test_path("%s/devices", *state));
  test_write(test_path("%s/devices/phone", *state), "x", 1);
  assert_rc(lock_as(host, *state, "phone", &log), SQLITE_CANTOPEN);
  assert_non_null(strstr(err, "is not a directory"));
  test_remove(test_path("%s/devices/phone", *state));
  test_make_folder(test_path("%s/devices/phone", *state));
  test_make_folder(test_path("%s/devices/phone/log.db", *state));
  assert_rc(lock_as(host, *state, "phone", &log), SQLITE_CANTOPEN);
  assert_non_null(strstr(err, "is not a regular file"));
  test_disconnect(host);
}

static void a_reader_of_stock_sqlite_shows_at_once(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(host, state, "a");
  kv_writer *log = NULL;
  sqlite3 *other = NULL;

  assert_rc(sqlite3_open(path, &other), SQLITE_OK);
  test_run(other, "BEGIN; SELECT * FROM log;");
  assert_rc(lock_as(host, *state, "phone", &log), SQLITE_BUSY);
  assert_null(log);
  assert_non_null(strstr(err, "is locked by another program"));
  test_run(other, "COMMIT; BEGIN IMMEDIATE;");
  assert_rc(lock_as(host, *state, "phone", &log), SQLITE_BUSY);
  test_run(other, "COMMIT");
  log = lock(host, state);
  assert_rc(test_try(other, "SELECT * FROM log"), SQLITE_BUSY);
  kv_writer_close(log);
  assert_rc(test_try(other, "SELECT * FROM log"), SQLITE_OK);
  sqlite3_close(other);
  test_disconnect(host);
}

static void a_file_that_is_not_this_devices_log_is_left_alone(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(host, state, "a");
  kv_writer *log = NULL;
  char junk[5000];

  test_make_folder(test_path("%s/devices/tablet", *state));
  test_copy(path, test_path("%s/devices/tablet/log.db", *state));
  assert_rc(lock_as(host, *state, "tablet", &log), SQLITE_OK);
  assert_null(log);
  assert_int_equal(verdict.state, KV_STATE_STRANGER);

  test_log_break(path, "PRAGMA user_version = 3");
  assert_rc(lock_as(host, *state, "phone", &log), SQLITE_OK);
  assert_null(log);
  assert_int_equal(verdict.state, KV_STATE_NEWER);

  memset(junk, 'x', sizeof(junk));
  test_write(path, junk, sizeof(junk));
  assert_rc(lock_as(host, *state, "phone", &log), SQLITE_OK);
  assert_null(log);
  assert_int_equal(verdict.state, KV_STATE_DAMAGED);
  assert_true(test_exists(path));
  test_disconnect(host);
}

static void another_machine_can_take_it_over(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(host, state, "a");
  kv_writer *log = lock(host, state);
  sqlite3 *other = NULL;

  assert_string_equal(log->head.host, MACHINE);
  assert_rc(kv_writer_take_over(log, "fedcba9876543210"), SQLITE_OK);
  assert_string_equal(log->head.host, "fedcba9876543210");
  assert_rc(kv_writer_commit(log), SQLITE_OK);
  kv_writer_close(log);
  assert_rc(sqlite3_open(path, &other), SQLITE_OK);
  test_rows(other, "phone|fedcba9876543210", "SELECT name, host FROM device");
  sqlite3_close(other);
  expect_keys(host, state, "a");
  test_disconnect(host);
}

static void a_log_is_set_aside_and_not_deleted(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(host, state, "a");

  test_write(test_path("%s-journal", path), "j", 1);
  assert_rc(kv_writer_set_aside(*state, "phone", &err), SQLITE_OK);
  assert_false(test_exists(path));
  assert_false(test_exists(test_path("%s-journal", path)));
  assert_true(test_exists(test_path("%s.aside-1", path)));
  assert_true(test_exists(test_path("%s.aside-1-journal", path)));
  make_log(host, state, "b");
  assert_rc(kv_writer_set_aside(*state, "phone", &err), SQLITE_OK);
  assert_true(test_exists(test_path("%s.aside-1", path)));
  assert_true(test_exists(test_path("%s.aside-2", path)));
  /* nothing exists there */
  assert_int_not_equal(kv_writer_set_aside(*state, "phone", &err), SQLITE_OK);
  assert_non_null(strstr(err, "cannot rename"));
  test_disconnect(host);
}

static void a_log_stays_if_no_name_is_free(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *log = make_log(host, state, "a");
  char *path = sqlite3_mprintf("%s", log);
  int i;

  for (i = 1; i < 1000; i++)
    test_write(test_path("%s.aside-%d", path, i), "x", 1);
  assert_rc(kv_writer_set_aside(*state, "phone", &err), SQLITE_CANTOPEN);
  assert_non_null(strstr(err, "move it away by hand"));
  assert_true(test_exists(path));
  sqlite3_free(path);
  test_disconnect(host);
}

/*
** Cut off a commit: change pages of the file, with a journal beside it, and
** keep both as they are halfway through.
*/
static void cut_off(const char *path, const char *file, const char *journal) {
  sqlite3 *db = NULL;

  assert_rc(sqlite3_open(path, &db), SQLITE_OK);
  test_run(db, "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;"
               "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM "
               "n WHERE i < 200) "
               "INSERT INTO log SELECT 100 + i, 300, 1, NULL, 1, '', i, "
               "zeroblob(1000), 1 FROM n;"
               "UPDATE log SET value = 2;");
  assert_rc(sqlite3_db_cacheflush(db), SQLITE_OK);
  assert_true(test_exists(test_path("%s-journal", path)));
  if (file) test_copy(path, file);
  test_copy(test_path("%s-journal", path), journal);
  test_run(db, "ROLLBACK");
  assert_rc(sqlite3_close(db), SQLITE_OK);
}

static void a_commit_that_was_cut_off_is_rolled_back(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(host, state, "abc");
  const char *file = test_path("%s/file", *state);
  const char *journal = test_path("%s-journal", path);
  const char *kept = test_path("%s/journal", *state);
  kv_writer *log;

  cut_off(path, file, kept);
  test_copy(file, path);
  test_copy(kept, journal);
  log = lock(host, state);
  assert_int_equal(log->tail.seq, 3);
  append(log, "d");
  assert_rc(kv_writer_commit(log), SQLITE_OK);
  kv_writer_close(log);
  assert_false(test_exists(journal));
  expect_keys(host, state, "abcd");
  test_disconnect(host);
}

static void a_journal_of_an_older_state_is_deleted(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(host, state, "abc");
  const char *journal = test_path("%s-journal", path);
  const char *kept = test_path("%s/journal", *state);
  kv_writer *log;

  cut_off(path, NULL, kept);
  make_log(host, state, "de");
  test_copy(kept, journal); /* a sync tool brings it late */
  log = lock(host, state);
  assert_int_equal(log->tail.seq, 5);
  assert_rc(kv_writer_commit(log), SQLITE_OK);
  kv_writer_close(log);
  assert_false(test_exists(journal));
  expect_keys(host, state, "abcde");
  test_disconnect(host);
}

static void a_journal_is_not_judged_while_another_writes(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(host, state, "abc");
  kv_writer *log = NULL;
  sqlite3 *other = NULL;

  assert_rc(sqlite3_open(path, &other), SQLITE_OK);
  test_run(other, "BEGIN IMMEDIATE; UPDATE device SET host = 'x';");
  assert_true(test_exists(test_path("%s-journal", path)));
  assert_rc(lock_as(host, *state, "phone", &log), SQLITE_BUSY);
  assert_true(test_exists(test_path("%s-journal", path)));
  test_run(other, "COMMIT");
  sqlite3_close(other);
  expect_keys(host, state, "abc");
  test_disconnect(host);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_new_log_has_the_documented_format),
    test(each_log_has_an_id_of_its_own),
    test(a_new_log_takes_the_id_that_it_is_given),
    test(rows_are_visible_once_committed),
    test(an_uncommitted_row_leaves_no_trace),
    test(a_log_that_failed_says_so),
    test(between_locks_no_file_is_open),
    test(the_folder_is_not_created),
    test(names_that_differ_in_case_do_not_meet),
    test(an_obstacle_is_named),
    test(a_reader_of_stock_sqlite_shows_at_once),
    test(a_file_that_is_not_this_devices_log_is_left_alone),
    test(another_machine_can_take_it_over),
    test(a_log_is_set_aside_and_not_deleted),
    test(a_log_stays_if_no_name_is_free),
    test(a_commit_that_was_cut_off_is_rolled_back),
    test(a_journal_of_an_older_state_is_deleted),
    test(a_journal_is_not_judged_while_another_writes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
