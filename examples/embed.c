/*
** The extension linked into a program, nothing loaded at run time:
**
**   cmake -S . -B build -DKV_STATIC=ON && cmake --build build
**   build/embed [folder device]
**
** Without a folder the store is in memory.
*/
#include <kv.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static void run(sqlite3_stmt *stmt, sqlite3 *db) {
  while (sqlite3_step(stmt) == SQLITE_ROW) {
    if (sqlite3_column_count(stmt) < 2) continue;
    printf("%s = %s\n", (const char *)sqlite3_column_text(stmt, 0),
           (const char *)sqlite3_column_text(stmt, 1));
  }
  if (sqlite3_finalize(stmt) != SQLITE_OK) {
    fprintf(stderr, "%s\n", sqlite3_errmsg(db));
    exit(1);
  }
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql) {
  sqlite3_stmt *stmt;

  if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
    fprintf(stderr, "%s\n", sqlite3_errmsg(db));
    exit(1);
  }
  return stmt;
}

int main(int argc, char **argv) {
  sqlite3 *db;
  sqlite3_stmt *stmt;

  /* Every connection opened from here on has it. */
  sqlite3_auto_extension((void (*)(void))sqlite3_kv_init);
  if (sqlite3_open(":memory:", &db) != SQLITE_OK) return 1;

  stmt = prepare(db, "SELECT kv_open(?1, ?2)");
  sqlite3_bind_text(stmt, 1, argc > 2 ? argv[1] : ":memory:", -1, NULL);
  sqlite3_bind_text(stmt, 2, argc > 2 ? argv[2] : "memory", -1, NULL);
  run(stmt, db);

  run(prepare(db, "INSERT INTO kv VALUES('title', 'Hello'), ('stars', 5)"), db);
  run(prepare(db, "SELECT key, value FROM kv ORDER BY key"), db);
  run(prepare(db, "SELECT kv_close()"), db);
  return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}
