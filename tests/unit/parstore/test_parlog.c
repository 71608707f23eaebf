/*
** One log of a PARStore 1, valid or changed by another program.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/stmt.h"
#include "parstore/parlog.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/rc.h"

#define ZLOG                                                                   \
  "CREATE TABLE ZLOG ( Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT "        \
  "INTEGER, ZPARENTTIMESTAMP INTEGER, ZTIMESTAMP INTEGER, ZKEY VARCHAR, "      \
  "ZBLOB BLOB );"
/* The list of one boolean. */
#define TRUE_LIST                                                              \
  "x'62706c6973743030090800000000000001010000000000000001000000000000000000"   \
  "00000000000009'"

static void make(void *folder, const char *sql) {
  const char *path = test_path("%s/Logs.db", folder);
  sqlite3 *db = NULL;

  if (test_exists(path)) test_remove(path);
  assert_rc(sqlite3_open(path, &db), SQLITE_OK);
  test_run(db, "%s", sql);
  sqlite3_close(db);
}

static char *say_time(const kv_value *time) {
  return time->type == KV_NULL ? sqlite3_mprintf("none")
                               : sqlite3_mprintf("%lld", time->i);
}

/* All that a log says, as text. */
static char *read_log(void *folder) {
  sqlite3 *host = test_connect(":memory:");
  sqlite3_str *out = sqlite3_str_new(NULL);
  const kv_parlog_row *row;
  sqlite3_stmt *poll = NULL;
  kv_parlog *log = NULL;
  char reason[KV_PARLOG_REASON];
  int rc;

  assert_rc(kv_stmt_prepare(host, KV_SQL_POLL, &poll), SQLITE_OK);
  assert_rc(kv_parlog_open(host, folder, poll, &log, reason), SQLITE_OK);
  assert_int_equal(log == NULL, reason[0] != 0);
  rc = log ? SQLITE_ROW : SQLITE_DONE;
  while (rc == SQLITE_ROW) {
    char *ts;
    char *parent;

    rc = kv_parlog_next(log, &row, reason);
    if (rc != SQLITE_ROW) break;
    ts = say_time(&row->ts);
    parent = say_time(&row->parent_ts);
    sqlite3_str_appendf(out, "%lld %s %s %.*s %s%s%s;", row->seq, ts, parent,
                        row->key.type == KV_TEXT ? (int)row->key.n : 4,
                        row->key.type == KV_TEXT ? (const char *)row->key.z
                                                 : "none",
                        row->blob.type == KV_NULL ? "deleted"
                        : row->plist.type         ? row->plist.type
                                                  : "bytes",
                        row->reason ? " " : "", row->reason ? row->reason : "");
    sqlite3_free(ts);
    sqlite3_free(parent);
  }
  assert_rc(rc, SQLITE_DONE);
  sqlite3_str_appendall(out, reason);
  kv_parlog_close(log);
  sqlite3_finalize(poll);
  test_disconnect(host);
  return sqlite3_str_finish(out);
}

static void assert_log(void *folder, const char *expected) {
  char *got = read_log(folder);

  assert_string_equal(got ? got : "", expected);
  sqlite3_free(got);
}

static void rows_are_read_as_they_were_written(void **state) {
  make(*state, ZLOG "INSERT INTO ZLOG VALUES"
                    "(3, 1, 1, NULL, 5, 'a', " TRUE_LIST "),"
                    "(1, 1, 1, 5, -978307200000001, '', NULL),"
                    "(2, 1, 1, NULL, 9223372036854775807, 'b', x'')");
  assert_log(*state, "1 -1 978307200000005  deleted;"
                     "2 9223372036854775807 none b deleted;"
                     "3 978307200000005 none a boolean;");
}

static void what_a_row_lacks_is_reported(void **state) {
  make(*state, ZLOG "INSERT INTO ZLOG VALUES"
                    "(1, 1, 1, NULL, 5, NULL, " TRUE_LIST "),"
                    "(2, 1, 1, NULL, NULL, 'a', " TRUE_LIST "),"
                    "(3, 1, 1, NULL, 5.5, 'a', " TRUE_LIST "),"
                    "(4, 1, 1, 'x', 5, x'61', " TRUE_LIST "),"
                    "(5, 1, 1, NULL, 5, 'a', 'text')");
  assert_log(*state,
             "1 978307200000005 none none boolean its key is not text;"
             "2 none none a boolean it has no time;"
             "3 none none a boolean it has no time;"
             "4 978307200000005 none none boolean its key is not text;"
             "5 978307200000005 none a bytes its value is no binary property "
             "list;");
}

static void times_of_the_first_model_are_seconds(void **state) {
  make(*state,
       "CREATE TABLE ZLOG ( Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT "
       "INTEGER, ZTIMESTAMP TIMESTAMP, ZKEY VARCHAR, ZBLOB BLOB );"
       "INSERT INTO ZLOG VALUES(1, 1, 1, 0.0000015, 'a', NULL),"
       "(2, 1, 1, -3, 'a', NULL), (3, 1, 1, 9e999, 'a', NULL)");
  assert_log(*state, "1 978307200000002 none a deleted;"
                     "2 978307197000000 none a deleted;"
                     "3 none none a deleted it has no time;");
}

static void what_is_there_instead_is_reported(void **state) {
  assert_log(*state, "has no log yet");
  test_write(test_path("%s/.Logs.db.icloud", *state), "x", 1);
  assert_log(*state, "is not downloaded: a cloud drive has only a placeholder "
                     "of its log here");
  test_remove(test_path("%s/.Logs.db.icloud", *state));
  test_write(test_path("%s/Logs.db-old", *state), "x", 1);
  assert_log(*state, "has no log, but a Logs.db-old: a merge was interrupted");
  test_remove(test_path("%s/Logs.db-old", *state));
  test_write(test_path("%s/log.db", *state), "x", 1);
  assert_log(*state, "has a log of kv, not one of PARStore");
  test_make_folder(test_path("%s/Logs.db", *state));
  assert_log(*state, "has a folder where its log belongs");
}

/* A file whose schema would run code, or is a different one, is not a log. */
static void only_tables_that_compute_nothing_are_read(void **state) {
  static const struct {
    const char *sql;
    const char *reason;
  } schemas[] = {
    {"CREATE TABLE t(x)", "is no log of PARStore"},
    {"CREATE VIEW ZLOG AS SELECT 1 AS Z_PK, 2 AS ZKEY, 3 AS ZBLOB, 4 AS "
     "ZTIMESTAMP",
     "is no log of PARStore"},
    {ZLOG "CREATE VIRTUAL TABLE v USING fts4(x)", "is no log of PARStore"},
    {ZLOG "CREATE TABLE t(x); PRAGMA writable_schema = 1; UPDATE "
          "sqlite_master SET rootpage = 0, sql = 'create/**/VIRTUAL TABLE t "
          "USING fts4(x)' WHERE name = 't'",
     "is no log of PARStore"},
    {"CREATE TABLE ZLOG(Z_PK INTEGER PRIMARY KEY, ZKEY, ZTIMESTAMP, ZBLOB AS "
     "(zeroblob(1000000)), x)",
     "has another model than PARStore 1"},
    {"CREATE TABLE ZLOG(Z_PK INTEGER PRIMARY KEY, ZKEY, ZTIMESTAMP)",
     "has another model than PARStore 1"},
    {"CREATE TABLE ZLOG(Z_PK, ZKEY, ZTIMESTAMP, ZBLOB)",
     "has another model than PARStore 1"},
  };
  size_t i;

  for (i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
    make(*state, schemas[i].sql);
    assert_log(*state, schemas[i].reason);
  }
  make(*state, "CREATE TABLE ZLOG(virtual, Z_PK INTEGER PRIMARY KEY, ZKEY, "
               "ZPARENTTIMESTAMP, ZTIMESTAMP, ZBLOB, columns);"
               "CREATE TABLE ZVIRTUALTABLE(x);"
               "INSERT INTO ZLOG VALUES(1, 7, 'a', NULL, 5, NULL, 3)");
  assert_log(*state, "7 978307200000005 none a deleted;");
}

/*
** Pages of the tree that lead to the same pages twice would give rows without
** end.
*/
static void a_tree_with_circles_ends(void **state) {
  const char *path = test_path("%s/Logs.db", *state);
  unsigned char *page;
  size_t n;
  size_t root = 0;
  size_t i;
  char *got;

  make(*state, "PRAGMA page_size = 512;" ZLOG
               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
               "n WHERE i < 5000) INSERT INTO ZLOG SELECT i, 1, 1, NULL, i, "
               "'key ' || i, NULL FROM n");
  page = test_read(path, &n);
  for (i = 512; i < n && root == 0; i += 512) {
    if (page[i] == 5 && (page[i + 3] << 8 | page[i + 4]) > 1) root = i;
  }
  assert_true(root > 0);
  /* All children of an inner page become its first one. */
  for (i = 1; i < (size_t)(page[root + 3] << 8 | page[root + 4]); i++) {
    size_t first = (size_t)(page[root + 12] << 8 | page[root + 13]);
    size_t cell =
      (size_t)(page[root + 12 + 2 * i] << 8 | page[root + 12 + 2 * i + 1]);

    memcpy(page + root + cell, page + root + first, 4);
  }
  test_write(path, page, n);
  sqlite3_free(page);
  got = read_log(*state);
  assert_non_null(strstr(got, "is damaged: database disk image is malformed"));
  sqlite3_free(got);
}

static void a_row_over_the_limit_ends_it(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const kv_parlog_row *row;
  sqlite3_stmt *poll = NULL;
  kv_parlog *log = NULL;
  char reason[KV_PARLOG_REASON];

  make(*state, ZLOG "INSERT INTO ZLOG VALUES(1, 1, 1, NULL, 5, 'a', NULL),"
                    "(2, 1, 1, NULL, 5, 'a', zeroblob(5000))");
  sqlite3_limit(host, SQLITE_LIMIT_LENGTH, 4000);
  assert_rc(kv_stmt_prepare(host, KV_SQL_POLL, &poll), SQLITE_OK);
  assert_rc(kv_parlog_open(host, *state, poll, &log, reason), SQLITE_OK);
  assert_rc(kv_parlog_next(log, &row, reason), SQLITE_ROW);
  assert_rc(kv_parlog_next(log, &row, reason), SQLITE_DONE);
  assert_string_equal(reason,
                      "has a row that is larger than this connection takes");
  kv_parlog_close(log);
  sqlite3_finalize(poll);
  test_disconnect(host);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(rows_are_read_as_they_were_written),
    test_in_folder(what_a_row_lacks_is_reported),
    test_in_folder(times_of_the_first_model_are_seconds),
    test_in_folder(what_is_there_instead_is_reported),
    test_in_folder(only_tables_that_compute_nothing_are_read),
    test_in_folder(a_tree_with_circles_ends),
    test_in_folder(a_row_over_the_limit_ends_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
