/*
** C, beside kv.so, which is loaded when the program runs:
**
**   cc notes.c -o notes -lsqlite3 && ./notes
**
** or linked to the library that -DKV_STATIC=ON makes, so that nothing is
** loaded:
**
**   cc -DLINKED notes.c -o notes $(pkg-config --cflags --libs sqlite-kv)
*/
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef LINKED
#include <kv.h>
#endif

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

/* Run one statement and return the rows, one a line, for sqlite3_free(). */
static char *query(sqlite3 *db, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  char *rows = sqlite3_mprintf("");
  int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    char *more = sqlite3_mprintf("%s%s%s", rows, *rows ? "\n" : "",
                                 sqlite3_column_text(stmt, 0));

    sqlite3_free(rows);
    rows = more;
    rc = more ? SQLITE_OK : SQLITE_NOMEM;
  }
  if (rc != SQLITE_DONE) fail(sql, sqlite3_errmsg(db));
  sqlite3_finalize(stmt);
  return rows;
}

static void run(sqlite3 *db, const char *sql) {
  sqlite3_free(query(db, sql));
}

static void expect(sqlite3 *db, const char *sql, const char *expected) {
  char *rows = query(db, sql);

  if (strcmp(rows, expected) != 0) fail(sql, rows);
  sqlite3_free(rows);
}

static sqlite3 *open_store(const char *device) {
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  char *err = NULL;
  int rc = sqlite3_open(":memory:", &db);

#ifdef LINKED
  if (rc == SQLITE_OK) rc = sqlite3_kv_init(db, &err, NULL);
#else
  /* This is for C only; sqlite3_enable_load_extension() would open the door to
  ** load_extension() in SQL, too. */
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_load_extension(db, "./kv", NULL, &err);
#endif
  if (rc != SQLITE_OK) fail("open", err ? err : sqlite3_errmsg(db));
  sqlite3_prepare_v2(db, "SELECT kv_open('notes.kv', ?1)", -1, &stmt, NULL);
  sqlite3_bind_text(stmt, 1, device, -1, SQLITE_STATIC);
  if (sqlite3_step(stmt) != SQLITE_ROW) fail("open", sqlite3_errmsg(db));
  sqlite3_finalize(stmt);
  return db;
}

int main(void) {
  const char *history =
    "SELECT device || ' ' || op || ' ' || key || ' ' || value"
    " FROM kv_log ORDER BY ts, device, seq";
  sqlite3 *laptop = open_store("laptop"), *phone;

  printf("SQLite %s\n", sqlite3_libversion());
  run(laptop, "BEGIN");
  run(laptop, "INSERT INTO kv VALUES('title', 'Hello'), ('stars', 5)");
  run(laptop, "COMMIT");

  phone = open_store("phone");
  run(phone, "UPDATE kv SET value = value + 1 WHERE key = 'stars'");

  expect(laptop, "SELECT kv_sync()", "1");
  expect(laptop, "SELECT kv_get('stars')", "6");
  expect(laptop, history,
         "laptop set title Hello\nlaptop set stars 5\nphone set stars 6");
  puts("laptop set title Hello\nlaptop set stars 5\nphone set stars 6");
  sqlite3_close(phone);
  sqlite3_close(laptop);
  return 0;
}
