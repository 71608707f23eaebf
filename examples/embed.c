/*
** The extension linked into a program, so that nothing is loaded at run time:
**
**   cmake -S . -B build -DKV_STATIC=ON && cmake --build build
**   build/embed [folder device]
**
** The program counts its runs, shows what all devices wrote, and reports
** errors. Without a folder the store is in memory.
*/
#include <kv.h>
#include <sqlite3.h>
#include <stdio.h>

static int fail(sqlite3 *db, const char *what) {
  fprintf(stderr, "cannot %s: %s\n", what, sqlite3_errmsg(db));
  return 1;
}

/* Prepare a statement and bind up to two texts; either may be NULL. */
static sqlite3_stmt *prepare(sqlite3 *db, const char *sql, const char *text1,
                             const char *text2) {
  sqlite3_stmt *stmt = NULL;

  if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK) {
    sqlite3_bind_text(stmt, 1, text1, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, text2, -1, SQLITE_STATIC);
  }
  return stmt;
}

/* Prepare a statement and run it to its end. */
static int run(sqlite3 *db, const char *sql, const char *text1,
               const char *text2) {
  sqlite3_stmt *stmt = prepare(db, sql, text1, text2);

  if (!stmt) return sqlite3_errcode(db);
  while (sqlite3_step(stmt) == SQLITE_ROW) {
  }
  return sqlite3_finalize(stmt);
}

/* One transaction: every device sees both rows or none of them. */
static int count_run(sqlite3 *db, const char *device) {
  int rc = run(db, "BEGIN", NULL, NULL);

  if (rc == SQLITE_OK) {
    rc = run(db,
             "INSERT INTO kv VALUES('runs of ' || ?1, "
             "1 + kv_get('runs of ' || ?1, 0))",
             device, NULL);
  }
  if (rc == SQLITE_OK) {
    rc = run(db, "INSERT INTO kv VALUES('last run', ?1)", device, NULL);
  }
  if (rc == SQLITE_OK) rc = run(db, "COMMIT", NULL, NULL);
  if (rc != SQLITE_OK) {
    fail(db, "count this run");
    if (!sqlite3_get_autocommit(db)) run(db, "ROLLBACK", NULL, NULL);
  }
  return rc;
}

static int show(sqlite3 *db) {
  sqlite3_stmt *stmt = prepare(db, "SELECT key, value FROM kv", NULL, NULL);

  if (!stmt) return sqlite3_errcode(db);
  while (sqlite3_step(stmt) == SQLITE_ROW) {
    printf("%s: %s\n", (const char *)sqlite3_column_text(stmt, 0),
           (const char *)sqlite3_column_text(stmt, 1));
  }
  return sqlite3_finalize(stmt);
}

int main(int argc, char **argv) {
  const char *folder = argc > 2 ? argv[1] : ":memory:";
  const char *device = argc > 2 ? argv[2] : "memory";
  sqlite3 *db = NULL;
  int failed = 0;

  /* Every connection that is opened from here on has the extension. */
  sqlite3_auto_extension((void (*)(void))sqlite3_kv_init);

  if (sqlite3_open(":memory:", &db) != SQLITE_OK) {
    failed = fail(db, "open a database");
  } else if (run(db, "SELECT kv_open(?1, ?2)", folder, device) != SQLITE_OK) {
    failed = fail(db, "open the store");
  } else if (count_run(db, device) != SQLITE_OK) {
    failed = 1;
  } else if (run(db, "SELECT kv_sync()", NULL, NULL) != SQLITE_OK) {
    failed = fail(db, "sync"); /* others may have written meanwhile */
  } else if (show(db) != SQLITE_OK) {
    failed = fail(db, "read");
  }
  sqlite3_close(db);
  return failed;
}
