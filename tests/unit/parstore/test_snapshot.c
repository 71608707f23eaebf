/*
** Copies of databases that other programs write.
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

/*
** Assert that it cannot be copied, with this reason, and that no copy is left.
*/
static void assert_reason(const char *path, const char *reason) {
  kv_snapshot snapshot;

  assert_string_equal(take(path, &snapshot), reason);
  kv_snapshot_drop(&snapshot);
}

static void a_copy_is_private_and_temporary(void **state) {
  const char *path =
    make(*state, "INSERT INTO t VALUES(1), (zeroblob(300000))");
  kv_snapshot snapshot;
  struct stat st;
  char *folder;

  assert_null(take(path, &snapshot));
  assert_int_equal(stat(snapshot.folder, &st), 0);
#ifndef _WIN32 /* where the folder for temporary files is the user's */
  assert_int_equal(st.st_mode & 0777, 0700);
#endif
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

static void a_wal_left_by_a_crash_counts(void **state) {
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

/* A database halfway through a transaction, and its journal. */
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

static void a_file_that_is_not_a_database_is_refused(void **state) {
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
  test_remove(path);
  path = make(*state, "INSERT INTO t VALUES(1)");
  test_set_byte(path, 95, 255); /* its number of pages does not count */
  assert_reason(path, "is damaged or not here as a whole");
}

/* A journal that comes and goes, because its program writes all the time. */
static void a_journal_gets_time_to_go(void **state) {
  const char *path = make(*state, "INSERT INTO t VALUES(1)");
  kv_snapshot snapshot;

  /*
  ** Not a journal of SQLite: after a while it is copied, and nothing is rolled
  ** back.
  */
  test_write(test_path("%s-journal", path), "x", 1);
  assert_null(take(path, &snapshot));
  assert_true(test_exists(test_path("%s-journal", snapshot.file)));
  assert_rows(&snapshot, "1");
  kv_snapshot_drop(&snapshot);
}

static struct stat look(const char *path) {
  struct stat st;

  assert_int_equal(stat(path, &st), 0);
  return st;
}

/* Its header says how much of a file there is, or its journal. */
static void what_a_sparse_file_takes_is_not_copied(void **state) {
  const char *path =
    make(*state, "INSERT INTO t VALUES('one'), (zeroblob(90000))");
  off_t whole = look(path).st_size;
  kv_snapshot snapshot;

  test_truncate(path, (size_t)1 << 26);
  assert_null(take(path, &snapshot));
  assert_int_equal(look(snapshot.file).st_size, whole);
  kv_snapshot_drop(&snapshot);

  /* Nor what a journal takes. */
  test_write(test_path("%s-wal", path), "x", 1);
  test_truncate(test_path("%s-wal", path), (size_t)1 << 26);
  assert_null(take(path, &snapshot));
#ifndef _WIN32 /* where stat() does not tell what a file takes */
  assert_true(look(test_path("%s-wal", snapshot.file)).st_blocks < 2000);
#endif
  kv_snapshot_drop(&snapshot);
}

/* The transaction that it takes back made the file shorter. */
static void a_journal_says_how_long_the_file_was(void **state) {
  const char *path = make(*state, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM;"
                                  "INSERT INTO t VALUES(zeroblob(200000)),"
                                  "(zeroblob(90000))");
  const char *copy = test_path("%s/c.db", *state);
  sqlite3 *db = NULL;
  kv_snapshot snapshot;

  assert_rc(sqlite3_open(path, &db), SQLITE_OK);
  test_run(db,
           "PRAGMA cache_size = 1; BEGIN; DELETE FROM t WHERE rowid = 2;"
           "PRAGMA incremental_vacuum; INSERT INTO t VALUES(zeroblob(90000))");
  test_copy(path, copy);
  test_copy(test_path("%s-journal", path), test_path("%s-journal", copy));
  sqlite3_close(db);
  test_set_byte(copy, 31, 1); /* as if that page had been written */
  assert_null(take(copy, &snapshot));
  assert_rc(sqlite3_open(snapshot.file, &db), SQLITE_OK);
  test_rows(db, "200000|ok\n90000|ok",
            "SELECT length(x), quick_check FROM t, pragma_quick_check "
            "ORDER BY 1 DESC");
  sqlite3_close(db);
  kv_snapshot_drop(&snapshot);
}

/* What a process leaves that is killed while it reads. */
static void a_copy_that_is_open_has_no_name(void **state) {
  static const char *const modes[] = {"TRUNCATE", "WAL"};
  int i;

  for (i = 0; i < 2; i++) {
    const char *path = make(*state, "INSERT INTO t VALUES('still there')");
    kv_snapshot snapshot;
    sqlite3 *db = NULL;
    char *folder;

    assert_rc(sqlite3_open(path, &db), SQLITE_OK);
    test_run(db, "PRAGMA journal_mode = %s", modes[i]);
    sqlite3_close(db);
    assert_null(take(path, &snapshot));
    folder = sqlite3_mprintf("%s", snapshot.folder);
    assert_rc(sqlite3_open(snapshot.file, &db), SQLITE_OK);
    test_rows(db, "1", "SELECT count(*) FROM t");
    kv_snapshot_hide(&snapshot);
#if !defined(_WIN32) && !defined(__APPLE__)
    assert_false(test_exists(folder));
#endif
    test_rows(db, "still there", "SELECT x FROM t");
    sqlite3_close(db);
    kv_snapshot_drop(&snapshot);
    assert_false(test_exists(folder));
    sqlite3_free(folder);
    test_remove(path);
  }
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
    test_in_folder(a_copy_is_private_and_temporary),
    test_in_folder(nothing_beside_the_file_is_touched),
    test_in_folder(a_wal_left_by_a_crash_counts),
    test_in_folder(a_hot_journal_is_rolled_back_in_the_copy),
    test_in_folder(a_journal_that_names_a_super_journal_is_refused),
    test_in_folder(a_file_that_is_not_a_database_is_refused),
    test_in_folder(a_journal_gets_time_to_go),
    test_in_folder(what_a_sparse_file_takes_is_not_copied),
    test_in_folder(a_journal_says_how_long_the_file_was),
    test_in_folder(a_copy_that_is_open_has_no_name),
    test_in_folder(an_interrupt_ends_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
