/*
** Connections with the extension. See connection.h.
*/
#include "connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kv.h"
#include "rc.h"

sqlite3 *test_connect(const char *file) {
  /* Tests call C from outside of a statement, where its mutex is not held. */
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  sqlite3 *db = NULL;

  assert_rc(sqlite3_open_v2(file, &db, flags, NULL), SQLITE_OK);
  sqlite3_extended_result_codes(db, 1);
  assert_rc(sqlite3_kv_init(db, NULL, NULL), SQLITE_OK);
  return db;
}

void test_disconnect(sqlite3 *db) {
  assert_rc(sqlite3_close(db), SQLITE_OK);
}

static void connection_add_row(sqlite3_str *out, sqlite3_stmt *stmt) {
  int i;

  for (i = 0; i < sqlite3_column_count(stmt); i++) {
    const char *z = (const char *)sqlite3_column_text(stmt, i);
    sqlite3_str_appendf(out, "%s%s", i ? "|" : "", z ? z : "");
  }
  sqlite3_str_appendall(out, "\n");
}

static int connection_run(sqlite3 *db, const char *text, sqlite3_str *out) {
  int rc = SQLITE_OK;

  while (rc == SQLITE_OK && *text) {
    sqlite3_stmt *stmt = NULL;
    int rc2;

    rc = sqlite3_prepare_v2(db, text, -1, &stmt, &text);
    if (rc != SQLITE_OK || !stmt) break;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
      if (out) connection_add_row(out, stmt);
    }
    rc2 = sqlite3_finalize(stmt);
    if (rc == SQLITE_OK) rc = rc2;
  }
  if (rc != SQLITE_OK && out) sqlite3_str_appendall(out, sqlite3_errmsg(db));
  return rc;
}

char *test_ask(sqlite3 *db, const char *text, ...) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  va_list ap;
  char *rows;
  char *sql;

  va_start(ap, text);
  sql = sqlite3_vmprintf(text, ap);
  va_end(ap);
  connection_run(db, sql, out);
  sqlite3_free(sql);
  rows = sqlite3_str_finish(out);
  return rows ? rows : sqlite3_mprintf("");
}

int test_try(sqlite3 *db, const char *text, ...) {
  va_list ap;
  char *sql;
  int rc;

  va_start(ap, text);
  sql = sqlite3_vmprintf(text, ap);
  va_end(ap);
  rc = connection_run(db, sql, NULL);
  sqlite3_free(sql);
  return rc;
}

void test_run_at(const char *file, int line, sqlite3 *db, const char *text,
                 ...) {
  va_list ap;
  char *sql;

  va_start(ap, text);
  sql = sqlite3_vmprintf(text, ap);
  va_end(ap);
  if (connection_run(db, sql, NULL) != SQLITE_OK) {
    print_error("%s: %s\n", sql, sqlite3_errmsg(db));
    _fail(file, line);
  }
  sqlite3_free(sql);
}

void test_rows_at(const char *file, int line, sqlite3 *db, const char *expected,
                  const char *text, ...) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  va_list ap;
  char *sql;
  char *rows;
  size_t n;

  va_start(ap, text);
  sql = sqlite3_vmprintf(text, ap);
  va_end(ap);
  connection_run(db, sql, out);
  sqlite3_free(sql);
  rows = sqlite3_str_finish(out);
  n = rows ? strlen(rows) : 0;
  if (n > 0 && rows[n - 1] == '\n') rows[n - 1] = '\0';
  _assert_string_equal(rows ? rows : "", expected, file, line);
  sqlite3_free(rows);
}
