/*
** Statements on typed tables for test_nomem_statements. See nomem_cases.h.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault/nomem_cases.h"
#include "support/connection.h"

static const char create_items[] =
  "CREATE VIRTUAL TABLE items USING kv_table(id TEXT PRIMARY KEY, name TEXT, n "
  "INTEGER NOT NULL DEFAULT 1, tags TEXT, list TEXT, CHECK(n < 9), "
  "UNIQUE(name), INDEX(n), MERGE(n counter, tags set, list list))";

/* A typed table with rows. */
static void has_items(sqlite3 *db) {
  test_run(db, "%s", create_items);
  test_run(db, "INSERT INTO items VALUES('x', 'Ann', 2, '[\"a\"]', '[1]'), "
               "('y', 'Bob', 3, NULL, NULL)");
}

/* Phone changes both rows, and one of them is not allowed then. */
static void phone_writes_items(sqlite3 *db) {
  sqlite3 *other = test_connect(":memory:");

  has_items(db);
  test_run(other, "SELECT kv_open('n.kv', 'phone', 'now=2026-11-02')");
  test_run(other, "CREATE VIRTUAL TABLE temp.items USING kv_table(id TEXT "
                  "PRIMARY KEY, name TEXT, n INTEGER, tags TEXT, list TEXT, "
                  "MERGE(n counter, tags set, list list))");
  test_run(other,
           "UPDATE items SET n = n + 6, tags = '[\"b\"]', list = '[1,2]';"
           "INSERT INTO items(id, n) VALUES('z', 1)");
  test_disconnect(other);
}

/* They are merged: the row y is hidden. */
static void items_are_merged(sqlite3 *db) {
  phone_writes_items(db);
  test_run(db, "SELECT kv_sync()");
  test_rows(db, "y|check", "SELECT key, rule FROM items_hidden");
}

/* A row was changed, one deleted, one inserted. */
static void items_have_changed(sqlite3 *db) {
  has_items(db);
  test_run(db, "UPDATE items SET n = n + 1, tags = '[2]', list = '[]', name = "
               "NULL WHERE id = 'x'; DELETE FROM items WHERE id = 'y';"
               "INSERT INTO items(id) VALUES('z')");
}

/* Somebody wrote to the tables behind them. */
static void items_are_damaged(sqlite3 *db) {
  items_are_merged(db);
  test_run(db, "DELETE FROM items_data WHERE id = 'x'; UPDATE items_data SET n "
               "= 7; INSERT INTO items_data VALUES('w', 'Eve', 1, NULL, NULL);"
               "DELETE FROM items_hidden");
}

/* Both devices wrote the same name, and what the other had not seen. */
static void items_contradict(sqlite3 *db) {
  phone_writes_items(db);
  test_run(db, "UPDATE items SET name = 'Dan' WHERE id = 'x';"
               "INSERT INTO items(id, name) VALUES('z', 'Eve')");
  test_run(db, "SELECT kv_sync()");
}

/* The table was dropped, and its values are in the log. */
static void items_are_declared_otherwise(sqlite3 *db) {
  has_items(db);
  test_run(db, "SELECT kv_alter('items', 'DROP COLUMN tags');"
               "CREATE INDEX mine ON items_data(n, name);"
               "CREATE TABLE seen(id); CREATE TRIGGER t AFTER INSERT ON "
               "items_data BEGIN INSERT INTO seen VALUES(new.id); END");
}

const nomem_case nomem_typed_cases[] = {
  {"typed: create", PERSISTENT, NULL, create_items, NULL},
  {"typed: drop", PERSISTENT, has_items, "DROP TABLE items", NULL},
  {"typed: rename", PERSISTENT, has_items, "ALTER TABLE items RENAME TO things",
   NULL},
  {"typed: insert", PERSISTENT, has_items,
   "INSERT INTO items(id, name, tags) VALUES('n', 'Cec', '[2, \"b\"]')", NULL},
  {"typed: insert some", PERSISTENT, has_items,
   "INSERT OR REPLACE INTO items(id, name) VALUES('x', 'Dan'), ('n', 'Cec')",
   NULL},
  {"typed: update", PERSISTENT, has_items,
   "UPDATE items SET n = n + 1, tags = '[\"b\"]', list = '[1,2]' WHERE id = 'x'",
   NULL},
  {"typed: transaction", PERSISTENT, has_items,
   "BEGIN; UPDATE items SET n = n + 1; INSERT INTO kv VALUES('k', 1);"
   "SAVEPOINT s; DELETE FROM items WHERE id = 'y'; ROLLBACK TO s;"
   "UPDATE items SET id = 'w', list = '[]' WHERE id = 'x'; COMMIT",
   NULL},
  {"typed: assign", PERSISTENT, has_items,
   "SELECT kv_assign('items', 'x', 'tags', '[5]')", NULL},
  {"typed: delete", PERSISTENT, has_items, "DELETE FROM items WHERE n > 1",
   NULL},
  {"typed: delete rows by key", PERSISTENT, items_are_merged,
   "BEGIN; SELECT kv_delete('x', 'items'), kv_delete('y', 'main.items'); COMMIT",
   NULL},
  {"typed: revert", PERSISTENT, items_have_changed,
   "BEGIN; SELECT kv_revert(column1, NULL, 'items') FROM (VALUES('x'), ('y'), "
   "('z')); COMMIT",
   NULL},
  {"typed: revert a hidden row", PERSISTENT, items_are_merged,
   "SELECT kv_revert('y', NULL, 'items')", NULL},
  {"typed: revert again", PERSISTENT, items_have_changed,
   "BEGIN; UPDATE items SET n = n + 1, list = '[7]' WHERE id = 'x';"
   "SAVEPOINT s; SELECT kv_revert('x', '2026-11-01 01:00', 'items');"
   "RELEASE s; COMMIT",
   NULL},
  {"typed: read", PERSISTENT, has_items,
   "SELECT * FROM items WHERE name = 'Ann'; SELECT _key FROM items ORDER BY n",
   NULL},
  {"typed: sync", PERSISTENT, phone_writes_items, "SELECT kv_sync()", NULL},
  {"typed: create with rows", PERSISTENT, phone_writes_items,
   "DROP TABLE items; SELECT kv_sync()", NULL},
  {"typed: as it was", PERSISTENT, items_are_merged,
   "SELECT * FROM items('2026-11-01 12:00'); SELECT _key, as_of, n FROM items "
   "WHERE as_of = '2026-11-03' AND id >= 'x'",
   NULL},
  {"typed: history", PERSISTENT, items_contradict,
   "SELECT * FROM kv_history('items'); SELECT * FROM kv_conflicts;"
   "SELECT * FROM kv_changes; SELECT * FROM kv_diff('2026-11-01 12:00')",
   NULL},
  {"typed: violations", PERSISTENT, items_contradict,
   "SELECT * FROM kv_violations('items'); SELECT * FROM kv_violations", NULL},
  {"typed: tables", PERSISTENT, items_are_merged, "SELECT * FROM kv_tables",
   NULL},
  {"typed: check", PERSISTENT, items_are_damaged, "SELECT kv_check('items')",
   NULL},
  {"typed: add a column", PERSISTENT, items_are_declared_otherwise,
   "SELECT kv_alter('items', 'ADD COLUMN tags TEXT, MERGE(tags set)')", NULL},
  {"typed: drop a column", PERSISTENT, has_items,
   "SELECT kv_alter('items', 'DROP COLUMN tags')", NULL},
  {"typed: rename a column", PERSISTENT, has_items,
   "SELECT kv_alter('items', 'RENAME COLUMN name TO title')", NULL},
  {"typed: declare", PERSISTENT, items_are_declared_otherwise,
   "SELECT kv_alter('items', 'DECLARE (id TEXT PRIMARY KEY, name TEXT NOT NULL, "
   "n REAL, tags TEXT, list TEXT, UNIQUE(n), MERGE(tags set), INDEX(name))')",
   NULL},
  {"typed: keys", NO_STORE, NULL,
   "SELECT kv_uuid() > '', kv_id() > 0, kv_between('a', NULL) > 'a'", NULL},
};

const int nomem_n_typed_cases =
  (int)(sizeof(nomem_typed_cases) / sizeof(nomem_typed_cases[0]));
