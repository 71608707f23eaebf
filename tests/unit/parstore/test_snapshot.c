/*
** Copies of databases that others write.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "db/stmt.h"
#include "parstore/snapshot.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/rc.h"

/* A database with a table t, closed. */
static const char *make(void *folder, const char *sql) {
  const char *path = test_path("%s/a.db", folder);
  sqlite3 *db = NULL;

  assert_rc(sqlite3_open(path, &db), SQLITE_OK);
  test_run(db, "PRAGMA journal_mode = TRUNCATE; CREATE TABLE t(x)");
  test_run(db, "%s", sql);
  sqlite3_close(db);
  return path;
}

static const char *take(const char *path, kv_snapshot *out) {
  sqlite3 *host = test_connect(":memory:");
  sqlite3_stmt *poll = NULL;
  const char *reason;

  assert_rc(kv_stmt_prepare(host, KV_SQL_POLL, &poll), SQLITE_OK);
  assert_rc(kv_snapshot_take(host, path, poll, out, &reason), SQLITE_OK);
  sqlite3_finalize(poll);
  test_disconnect(host);
  return reason;
}

static void assert_rows(const kv_snapshot *snapshot, const char *rows) {
  sqlite3 *db = NULL;

  assert_rc(sqlite3_open(snapshot->file, &db), SQLITE_OK);
  test_rows(db, rows, "SELECT x FROM t ORDER BY 1");
  sqlite3_close(db);
}

/* It cannot be copied or read, for a reason; and no copy is left. */
static void assert_reason(const char *path, const char *reason) {
  kv_snapshot snapshot;

  assert_string_equal(take(path, &snapshot), reason);
  kv_snapshot_drop(&snapshot);
}

static void a_copy_is_private_and_goes(void **state) {
  const char *path =
    make(*state, "INSERT INTO t VALUES(1), (zeroblob(300000))");
  kv_snapshot snapshot;
  struct stat st;
  char *folder;

  assert_null(take(path, &snapshot));
  assert_int_equal(stat(snapshot.folder, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0700);
  folder = sqlite3_mprintf("%s", snapshot.folder);
  kv_snapshot_drop(&snapshot);
  assert_false(test_exists(folder));
  sqlite3_free(folder);
  assert_null(snapshot.folder);
}

static void nothing_beside_the_file_is_touched(void **state) {
  const char *path = make(*state, "INSERT INTO t VALUES(1)");
  kv_snapshot snapshot;
  unsigned char *bytes;
  size_t n;

  test_write(test_path("%s-journal", path), "", 0);
  bytes = test_read(path, &n);
  assert_null(take(path, &snapshot));
  assert_rows(&snapshot, "1");
  kv_snapshot_drop(&snapshot);
  test_is_kept(path, bytes, n);
  assert_true(test_exists(test_path("%s-journal", path)));
  assert_false(test_exists(test_path("%s-wal", path)));
  assert_false(test_exists(test_path("%s-shm", path)));
}

static void a_wal_that_was_left_counts(void **state) {
  const char *path = make(*state, "PRAGMA journal_mode = WAL");
  const char *copy = test_path("%s/b.db", *state);
  sqlite3 *db = NULL;
  kv_snapshot snapshot;

  assert_rc(sqlite3_open(path, &db), SQLITE_OK);
  test_run(db, "INSERT INTO t VALUES('in the wal')");
  test_copy(path, copy);
  test_copy(test_path("%s-wal", path), test_path("%s-wal", copy));
  sqlite3_close(db);
  assert_null(take(copy, &snapshot));
  assert_rows(&snapshot, "in the wal");
  kv_snapshot_drop(&snapshot);
}

/* A database that is in the middle of a transaction, and its journal. */
static const char *make_hot(void *folder) {
  const char *path = make(folder, "INSERT INTO t VALUES(zeroblob(100000))");
  const char *copy = test_path("%s/b.db", folder);
  sqlite3 *db = NULL;

  assert_rc(sqlite3_open(path, &db), SQLITE_OK);
  test_run(db, "UPDATE t SET x = 1; INSERT INTO t VALUES(zeroblob(90000));"
               "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;"
               "UPDATE t SET x = 'not committed'");
  test_run(db, "INSERT INTO t VALUES(zeroblob(500000))");
  test_copy(path, copy);
  test_copy(test_path("%s-journal", path), test_path("%s-journal", copy));
  sqlite3_close(db);
  return copy;
}

static void a_hot_journal_is_rolled_back_in_the_copy(void **state) {
  const char *path = make_hot(*state);
  kv_snapshot snapshot;
  sqlite3 *db = NULL;

  assert_null(take(path, &snapshot));
  assert_rc(sqlite3_open(snapshot.file, &db), SQLITE_OK);
  test_rows(db, "1|2", "SELECT min(x), count(*) FROM t");
  sqlite3_close(db);
  kv_snapshot_drop(&snapshot);
}

/* SQLite would delete the file that it names. */
static void a_journal_that_names_a_super_journal_is_refused(void **state) {
  static const unsigned char magic[8] = {0xd9, 0xd5, 0x05, 0xf9,
                                         0x20, 0xa1, 0x63, 0xd7};
  const char *path = make_hot(*state);
  const char *journal = test_path("%s-journal", path);
  unsigned char *bytes;
  size_t n;

  bytes = test_read(journal, &n);
  assert_true(n > 100);
  memcpy(bytes + n - 8, magic, 8);
  test_write(journal, bytes, n);
  sqlite3_free(bytes);
  assert_reason(path, "has a journal that is not its own");
}

static void what_is_no_database_is_told(void **state) {
  static const unsigned char zeros[8192] = {0};
  const char *path = make(*state, "INSERT INTO t VALUES(zeroblob(20000))");

  test_truncate(path, 8192);
  assert_reason(path, "is damaged or not here as a whole");
  test_write(path, zeros, sizeof(zeros));
  assert_reason(path, "is not here yet");
  test_write(path, "", 0);
  assert_reason(path, "is not here yet");
  test_write(path, test_path("%0*d", 9000, 1), 9000);
  assert_reason(path, "is no SQLite database");
  assert_reason(test_path("%s/none.db", *state), "cannot be read");
}

/* A journal that comes and goes: its program writes all the time. */
static void a_journal_gets_time_to_go(void **state) {
  const char *path = make(*state, "INSERT INTO t VALUES(1)");
  kv_snapshot snapshot;

  /* No journal of SQLite: it is copied after a while, and is not rolled back. */
  test_write(test_path("%s-journal", path), "x", 1);
  assert_null(take(path, &snapshot));
  assert_true(test_exists(test_path("%s-journal", snapshot.file)));
  assert_rows(&snapshot, "1");
  kv_snapshot_drop(&snapshot);
}

static int interrupt(void *unused) {
  (void)unused;
  return 1;
}

static void an_interrupt_ends_it(void **state) {
  const char *path = make(*state, "INSERT INTO t VALUES(1)");
  sqlite3 *host = test_connect(":memory:");
  sqlite3_stmt *poll = NULL;
  kv_snapshot snapshot;
  const char *reason;

  assert_rc(kv_stmt_prepare(host, KV_SQL_POLL, &poll), SQLITE_OK);
  sqlite3_progress_handler(host, 1, interrupt, NULL);
  assert_rc(kv_snapshot_take(host, path, poll, &snapshot, &reason),
            SQLITE_INTERRUPT);
  kv_snapshot_drop(&snapshot);
  sqlite3_finalize(poll);
  test_disconnect(host);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(a_copy_is_private_and_goes),
    test_in_folder(nothing_beside_the_file_is_touched),
    test_in_folder(a_wal_that_was_left_counts),
    test_in_folder(a_hot_journal_is_rolled_back_in_the_copy),
    test_in_folder(a_journal_that_names_a_super_journal_is_refused),
    test_in_folder(what_is_no_database_is_told),
    test_in_folder(a_journal_gets_time_to_go),
    test_in_folder(an_interrupt_ends_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
