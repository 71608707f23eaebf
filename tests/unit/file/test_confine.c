#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "file/confine.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/rc.h"

/* A file with two tables of fifty rows, open in a handle. */
static sqlite3 *open_file(const char *path, int page_size) {
  sqlite3 *db = NULL;

  assert_rc(sqlite3_open(path, &db), SQLITE_OK);
  test_run(db,
           "PRAGMA page_size = %d; CREATE TABLE a(x, y); CREATE TABLE b(x);"
           "WITH n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n "
           "WHERE i < 50) INSERT INTO a(x) SELECT i FROM n;"
           "INSERT INTO b SELECT x FROM a",
           page_size);
  return db;
}

static void only_select_from_the_named_tables_is_allowed(void **state) {
  static const char *const tables[] = {"a", NULL};
  static const char *const denied[] = {"SELECT x FROM b",
                                       "SELECT name FROM sqlite_master",
                                       "INSERT INTO a(x) VALUES(1)",
                                       "DELETE FROM a",
                                       "DROP TABLE a",
                                       "PRAGMA user_version",
                                       "ATTACH ':memory:' AS c"};
  sqlite3 *db = open_file(test_path("%s/file.db", *state), 4096);
  kv_work work = KV_WORK_ROW;
  size_t i;

  assert_rc(kv_confine_to(db, tables, &work), SQLITE_OK);
  test_rows(db, "50", "SELECT x FROM a WHERE x = 50");
  test_rows(db, "0|x||0||0|0\n1|y||0||0|0", "PRAGMA table_xinfo(a)");
  assert_rc(test_try(db, "PRAGMA cache_size = 10"), SQLITE_OK);
  for (i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
    assert_rc(test_try(db, "%s", denied[i]), SQLITE_AUTH);
  sqlite3_close(db);
}

static void steps_are_counted_down_until_they_are_set_again(void **state) {
  static const char *const tables[] = {"a", NULL};
  static const char often[] = "SELECT 1 FROM a AS p, a AS q, a AS r "
                              "WHERE p.x + q.x + r.x = 0";
  sqlite3 *db = open_file(test_path("%s/file.db", *state), 4096);
  kv_work work = {5, 1000};

  assert_rc(kv_confine_to(db, tables, &work), SQLITE_OK);
  assert_rc(test_try(db, often), SQLITE_INTERRUPT);
  assert_true(work.steps < 0);
  work.steps = 100000;
  assert_rc(test_try(db, often), SQLITE_OK);
  assert_in_range(work.steps, 1, 99999);
  work.steps = 5;
  kv_confine_steps(db, NULL);
  assert_rc(test_try(db, often), SQLITE_OK);
  kv_confine_steps(db, &work);
  assert_rc(test_try(db, often), SQLITE_INTERRUPT);
  sqlite3_close(db);
}

/*
** How many reads it takes to skip a value of 40 large pages, before they fail.
*/
static int count_reads(void **state, int page_size) {
  static const char *const tables[] = {"a", NULL};
  static const char last[] = "SELECT y FROM a WHERE x = 99";
  const char *path = test_path("%s/file.db", *state);
  sqlite3 *db = open_file(path, page_size);
  kv_work work = KV_WORK_ROW;
  int n;

  test_run(db, "INSERT INTO a VALUES(99, zeroblob(%d))", 40 * 65536);
  assert_rc(sqlite3_close(db), SQLITE_OK);
  assert_rc(sqlite3_open(path, &db), SQLITE_OK);
  assert_rc(kv_confine_to(db, tables, &work), SQLITE_OK);
  assert_rc(test_try(db, last), SQLITE_OK);
  n = KV_WORK_ROW.reads - work.reads;
  assert_rc(sqlite3_db_release_memory(db), SQLITE_OK);
  work.reads = n / 2;
  assert_rc(test_try(db, last), SQLITE_INTERRUPT);
  assert_true(work.reads <= 0);
  sqlite3_close(db);
  test_remove(path);
  return n;
}

static void a_large_page_counts_as_several_reads(void **state) {
  assert_in_range(count_reads(state, 4096), 640, 700);
  assert_in_range(count_reads(state, 65536), 640, 760);
}

static void the_memory_of_a_confined_file_is_freed_with_it(void **state) {
  static const char *const tables[] = {"a", NULL};
  const char *path = test_path("%s/file.db", *state);
  sqlite3_int64 before = sqlite3_memory_used();
  sqlite3 *db = open_file(path, 4096);
  kv_work work = KV_WORK_ROW;

  assert_rc(kv_confine_to(db, tables, &work), SQLITE_OK);
  assert_rc(test_try(db, "SELECT x FROM a"), SQLITE_OK);
  assert_rc(sqlite3_close(db), SQLITE_OK);
  assert_int_equal(sqlite3_memory_used(), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(only_select_from_the_named_tables_is_allowed),
    test_in_folder(steps_are_counted_down_until_they_are_set_again),
    test_in_folder(a_large_page_counts_as_several_reads),
    test_in_folder(the_memory_of_a_confined_file_is_freed_with_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
