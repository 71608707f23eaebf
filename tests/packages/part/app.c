#include <kv.h>
#include <stddef.h>

int main(void) {
  sqlite3 *db;

  if (sqlite3_open(":memory:", &db) != SQLITE_OK) return 1;
  if (sqlite3_kv_init(db, NULL, NULL) != SQLITE_OK) return 2;
  if (sqlite3_exec(db, "SELECT kv_version()", NULL, NULL, NULL)) return 3;
  return sqlite3_close(db);
}
