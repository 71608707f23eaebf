/*
** A long life: commits, syncs, stores that open and close, connections that end
** halfway through something. What the process holds (SQLite's memory, resident
** memory, files, prepared statements) is the same after the second half as
** after the first.
**
**     long_life [COMMITS [SYNCS [OPENINGS]]]
**
** prints what it measured; README.md has the figures of a million commits.
** Below a hundred of each, and under valgrind, which needs much memory itself,
** resident memory is not compared.
*/
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "support/connection.h"
#include "support/files.h"
#include "support/rc.h"

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1 /* freed memory stays resident there */
#else
#define IS_SANITIZED 0
#endif

static int n_commits = 4000;
static int n_syncs = 600;
static int n_openings = 150;

/* What the process holds. */
typedef struct life_held {
  sqlite3_int64 memory; /* bytes from SQLite's allocator */
  long resident;        /* bytes */
  int files;
  int statements; /* of one connection */
} life_held;

static int life_files(void) {
  DIR *dir = opendir("/proc/self/fd");
  int n = 0;

  if (!dir) return 0;
  while (readdir(dir))
    n++;
  closedir(dir);
  return n;
}

static long life_resident(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  long pages = 0;

  if (!f) return 0;
  if (fscanf(f, "%*d %ld", &pages) != 1) pages = 0;
  fclose(f);
  return pages * sysconf(_SC_PAGESIZE);
}

static life_held life_now(sqlite3 *db) {
  life_held held;
  sqlite3_stmt *stmt = NULL;

  memset(&held, 0, sizeof(held));
  held.memory = sqlite3_memory_used();
  held.resident = life_resident();
  held.files = life_files();
  while (db && (stmt = sqlite3_next_stmt(db, stmt)) != NULL)
    held.statements++;
  return held;
}

static int is_valgrind(void) {
  const char *preload = getenv("LD_PRELOAD");

  return preload && strstr(preload, "vgpreload");
}

/* slack: for SQLite's own caches, which fill up page by page. */
static void expect_flat(const char *what, int n, life_held half, life_held end,
                        sqlite3_int64 slack) {
  print_message("%s, %d and %d: memory %lld and %lld bytes, resident %ld and "
                "%ld KiB, files %d and %d, statements %d and %d\n",
                what, n / 2, n, (long long)half.memory, (long long)end.memory,
                half.resident / 1024, end.resident / 1024, half.files,
                end.files, half.statements, end.statements);
  assert_true(end.memory <= half.memory + slack);
  assert_int_equal(end.files, half.files);
  assert_int_equal(end.statements, half.statements);
  if (!IS_SANITIZED && !is_valgrind() && n >= 100)
    assert_true(end.resident <= half.resident + 1024 * 1024);
}

/* A connection whose caches fill up soon. */
static sqlite3 *life_connect(const char *file) {
  sqlite3 *db = test_connect(file);

  test_run(db, "PRAGMA temp_store = FILE; PRAGMA temp.cache_size = 20;"
               "PRAGMA cache_size = 20; PRAGMA synchronous = 0");
  return db;
}

/* Run a prepared statement n times, with the number bound. */
static void life_repeat(sqlite3 *db, const char *text, int from, int to) {
  sqlite3_stmt *stmt = NULL;
  int i;

  assert_rc(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
  for (i = from; i < to; i++) {
    sqlite3_bind_int(stmt, 1, i);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
    }
    if (sqlite3_reset(stmt) != SQLITE_OK) {
      print_error("%d: %s\n", i, sqlite3_errmsg(db));
      fail();
    }
  }
  sqlite3_finalize(stmt);
}

static void life_commits(const char *what, sqlite3 *db) {
  static const char text[] = "INSERT INTO kv VALUES(?1 % 100, ?1)";
  life_held half;

  life_repeat(db, text, 0, n_commits / 2);
  half = life_now(db);
  life_repeat(db, text, n_commits / 2, n_commits);
  expect_flat(what, n_commits, half, life_now(db), 16384);
  test_rows(db, "100", "SELECT count(*) FROM kv");
}

static void commits_of_a_temporary_store_leave_nothing_behind(void **state) {
  sqlite3 *db = life_connect(":memory:");

  test_run(db, "SELECT kv_open('%s/n.kv', 'laptop')", *state);
  life_commits("commits, temporary", db);
  test_disconnect(db);
}

static void commits_of_a_persistent_store_leave_nothing_behind(void **state) {
  sqlite3 *db = life_connect(test_path("%s/host.db", *state));

  test_run(db, "CREATE VIRTUAL TABLE kv USING kv('n.kv', device='laptop')");
  life_commits("commits, persistent", db);
  test_disconnect(db);
}

/* Statements that fail, and transactions that are rolled back. */
static void failures_leave_nothing_behind(void **state) {
  sqlite3 *db = life_connect(test_path("%s/host.db", *state));
  life_held half;
  int i;

  memset(&half, 0, sizeof(half));
  test_run(db, "CREATE VIRTUAL TABLE kv USING kv('n.kv', device='laptop');"
               "INSERT INTO kv VALUES('a', 1)");
  for (i = 0; i < n_syncs; i++) {
    if (i == n_syncs / 2) half = life_now(db);
    assert_int_not_equal(test_try(db, "INSERT INTO kv VALUES(1, 1), (NULL, 1)"),
                         SQLITE_OK);
    assert_int_not_equal(test_try(db, "SELECT kv_get(1, 2, 'none')"),
                         SQLITE_OK);
    assert_int_not_equal(
      test_try(db, "SELECT kv_open('n.kv', 'laptop', 'what=1')"), SQLITE_OK);
    assert_int_not_equal(test_try(db, "SELECT * FROM kv('yesterday')"),
                         SQLITE_OK);
    assert_int_not_equal(test_try(db, "SELECT * FROM kv_foreign('none')"),
                         SQLITE_OK);
    test_run(db, "BEGIN; INSERT INTO kv VALUES('b', zeroblob(3000));"
                 "SAVEPOINT s; DELETE FROM kv; ROLLBACK TO s");
    assert_rc(test_try(db, "SELECT kv_sync()"), SQLITE_LOCKED);
    test_run(db, "ROLLBACK");
  }
  expect_flat("failures and rollbacks", n_syncs, half, life_now(db), 16384);
  test_rows(db, "a|1", "SELECT key, value FROM kv");
  test_disconnect(db);
}

/* Every table and function, read again and again. */
static void reading_leaves_nothing_behind(void **state) {
  sqlite3 *db = life_connect(test_path("%s/host.db", *state));
  life_held half;
  int i;

  memset(&half, 0, sizeof(half));
  test_run(db, "CREATE VIRTUAL TABLE kv USING kv('n.kv', device='laptop');"
               "INSERT INTO kv VALUES('a', 1), ('b', 2), ('c', 3)");
  for (i = 0; i < n_syncs; i++) {
    if (i == n_syncs / 2) half = life_now(db);
    test_run(db,
             "SELECT * FROM kv; SELECT * FROM kv WHERE key = 'a';"
             "SELECT * FROM kv ORDER BY key DESC LIMIT 1;"
             "SELECT * FROM kv('now') WHERE key > 'a' AND key LIKE 'b%%';"
             "SELECT * FROM kv_log; SELECT * FROM kv_log WHERE key = 'a';"
             "SELECT * FROM kv_devices; SELECT kv_get('a'), kv_version();"
             "SELECT * FROM kv_diff('2026-01-01'); SELECT * FROM kv_conflicts;"
             "SELECT * FROM kv_changes; SELECT kv_cursor();"
             "SELECT * FROM kv_log WHERE ts > 5 ORDER BY ts;"
             "SELECT * FROM kv AS x JOIN kv AS y ON x.key = y.key;"
             "SELECT * FROM kv_foreign('%s/n.kv/devices/laptop/log.db')",
             *state);
  }
  expect_flat("reads", n_syncs, half, life_now(db), 16384);
  test_disconnect(db);
}

static void syncs_leave_nothing_behind(void **state) {
  sqlite3 *laptop = life_connect(test_path("%s/host.db", *state));
  sqlite3 *phone = life_connect(":memory:");
  life_held half;
  int i;

  memset(&half, 0, sizeof(half));
  test_run(laptop, "CREATE VIRTUAL TABLE kv USING kv('n.kv', device='laptop')");
  test_run(phone, "SELECT kv_open('%s/n.kv', 'phone')", *state);
  for (i = 0; i < n_syncs; i++) {
    if (i == n_syncs / 2) half = life_now(laptop);
    if (i % 2) test_run(phone, "INSERT INTO kv VALUES(%d, %d)", i % 100, i);
    if (i % 3) test_run(laptop, "INSERT INTO kv VALUES(%d, 0)", i % 70);
    test_run(laptop, "SELECT kv_sync()");
    test_run(phone, "SELECT kv_sync()");
  }
  expect_flat("syncs of two devices", n_syncs, half, life_now(laptop), 24576);
  test_disconnect(phone);
  test_disconnect(laptop);
}

static void opening_and_closing_leaves_nothing_behind(void **state) {
  sqlite3 *db = life_connect(":memory:");
  life_held half;
  int i;

  memset(&half, 0, sizeof(half));
  for (i = 0; i < n_openings; i++) {
    if (i == n_openings / 2) half = life_now(db);
    test_run(db, "SELECT kv_open('%s/n.kv', 'laptop')", *state);
    if (i < 3) test_run(db, "INSERT INTO kv VALUES(%d, 1)", i);
    test_run(db,
             "CREATE VIRTUAL TABLE temp.f USING kv_foreign('%s/n.kv/devices/"
             "laptop/log.db'); SELECT * FROM f; DROP TABLE f",
             *state);
    test_run(db, "SELECT kv_close()");
  }
  expect_flat("stores opened and closed", n_openings, half, life_now(db),
              16384);
  test_disconnect(db);
}

/* Connections that end without kv_close(), some in a transaction. */
static void connections_leave_nothing_behind(void **state) {
  life_held half;
  int i;

  memset(&half, 0, sizeof(half));
  for (i = 0; i < n_openings; i++) {
    sqlite3 *db;

    if (i == n_openings / 2) half = life_now(NULL);
    db = test_connect(i % 2 ? test_path("%s/host.db", *state) : ":memory:");
    if (i % 2) {
      test_run(db, "CREATE VIRTUAL TABLE IF NOT EXISTS kv USING "
                   "kv('n.kv', device='laptop')");
    } else {
      test_run(db, "SELECT kv_open('%s/n.kv', 'phone')", *state);
    }
    test_run(db, "SELECT * FROM kv");
    test_run(db, "BEGIN; INSERT INTO kv VALUES('a', %d)", i);
    if (i < 10) test_run(db, "COMMIT");
    test_disconnect(db);
  }
  expect_flat("connections", n_openings, half, life_now(NULL), 16384);
}

/*
** A connection that is closed while statements run on each table, inside a
** transaction that wrote, ends with the last of the statements.
*/
static void a_connection_may_end_while_statements_run(void **state) {
  static const char *const texts[] = {
    "SELECT * FROM kv",
    "SELECT * FROM kv ORDER BY key DESC",
    "SELECT * FROM kv('now')",
    "SELECT * FROM kv_log",
    "SELECT * FROM kv_changes",
    "SELECT kv_get(key) FROM kv",
    "SELECT * FROM f",
    "SELECT x.key, y.key FROM kv AS x, kv_log AS y",
    "INSERT INTO kv VALUES('r', 1), ('s', 2)",
    "UPDATE kv SET value = value + 1"};
  sqlite3_stmt *stmts[10];
  sqlite3_int64 used;
  int files = life_files();
  int is_temp;
  int is_inside;
  int i;

  (void)test_path(NULL);
  used = sqlite3_memory_used();
  for (is_temp = 0; is_temp < 2; is_temp++) {
    for (is_inside = 0; is_inside < 2; is_inside++) {
      sqlite3 *db = test_connect(test_path("%s/%d.db", *state, is_temp));

      if (is_temp) {
        test_run(db, "SELECT kv_open('%s/t.kv', 'laptop')", *state);
        test_run(db, "INSERT INTO kv VALUES('a', 1), ('b', 2), ('c', 3)");
      } else {
        test_run(db, "CREATE VIRTUAL TABLE IF NOT EXISTS kv USING "
                     "kv('p.kv', device='laptop');"
                     "INSERT INTO kv VALUES('a', 1), ('b', 2), ('c', 3)");
      }
      test_run(
        db,
        "CREATE VIRTUAL TABLE temp.f USING kv_foreign('%s/%s/devices/laptop/log.db')",
        *state, is_temp ? "t.kv" : "p.kv");
      if (is_inside) test_run(db, "BEGIN; INSERT INTO kv VALUES('d', 4)");
      for (i = 0; i < 10; i++) {
        assert_rc(sqlite3_prepare_v2(db, texts[i], -1, &stmts[i], NULL),
                  SQLITE_OK);
        if (i < 8) assert_rc(sqlite3_step(stmts[i]), SQLITE_ROW);
        if (i >= 8 && is_inside) {
          assert_rc(sqlite3_step(stmts[i]), SQLITE_DONE);
        }
      }
      assert_rc(sqlite3_close(db), SQLITE_BUSY);
      assert_rc(sqlite3_close_v2(db), SQLITE_OK);
      for (i = 0; i < 10; i++)
        sqlite3_finalize(stmts[i]);
      (void)test_path(NULL);
      assert_int_equal(life_files(), files);
      assert_int_equal(sqlite3_memory_used(), used);
    }
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    test_in_folder(commits_of_a_temporary_store_leave_nothing_behind),
    test_in_folder(commits_of_a_persistent_store_leave_nothing_behind),
    test_in_folder(failures_leave_nothing_behind),
    test_in_folder(reading_leaves_nothing_behind),
    test_in_folder(syncs_leave_nothing_behind),
    test_in_folder(opening_and_closing_leaves_nothing_behind),
    test_in_folder(connections_leave_nothing_behind),
    test_in_folder(a_connection_may_end_while_statements_run),
  };

  if (argc > 1) n_commits = atoi(argv[1]);
  if (argc > 2) n_syncs = atoi(argv[2]);
  if (argc > 3) n_openings = atoi(argv[3]);
  if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
