"""kv_alter(): the declaration of a typed table changes, and nothing in the logs does; old
and new versions of an app write side by side.
"""

import sqlite3
import unittest

from support import deliver, sync
from test_typed import Typed

ITEMS = """CREATE VIRTUAL TABLE %s USING kv_table(id INTEGER PRIMARY KEY, name TEXT NOT NULL,
    pieces INTEGER, -- how many
    MERGE(pieces counter)%s)"""


class Alter(Typed):
    def items(self, name="a", **more):
        return self.device(name, declare=more.pop("declare", ITEMS), table="items", **more)

    def alter(self, con, change, table="items"):
        rows = con.execute("SELECT count(*), max(seq) FROM kv_log").fetchone()
        (is_changed,), = con.execute("SELECT kv_alter(?, ?)", (table, change)).fetchall()
        self.assertEqual(con.execute("SELECT count(*), max(seq) FROM kv_log").fetchone(), rows)
        return is_changed

    def columns(self, con, table="items"):
        return [c[1] for c in con.execute("PRAGMA table_info(%s_data)" % table)]

    def declared(self, con, schema="temp"):
        return con.execute("SELECT sql FROM %s.sqlite_master WHERE name = 'items'"
                           % schema).fetchone()[0]

    def test_a_new_column_has_what_arrived_before(self):
        a, b = self.items("a"), self.items("b")
        a.execute("INSERT INTO items VALUES(1, 'Milk', 2)")
        self.assertEqual(self.alter(a, "ADD COLUMN shop TEXT"), 1)
        a.execute("UPDATE items SET shop = 'corner', pieces = pieces + 1")
        self.meet(a=a, b=b)
        b.execute("UPDATE items SET pieces = pieces + 5")
        b.execute("INSERT OR REPLACE INTO items VALUES(1, 'Oat milk', 9)")
        self.assertEqual(self.alter(b, "add shop TEXT, tags TEXT NOT NULL, MERGE(tags set), "
                                    "INDEX(shop), CHECK(pieces >= 0)"), 1)
        self.assertEqual(self.all(b, table="items"), [(1, "Oat milk", 9, "corner", "[]")])
        self.fails("UPDATE items SET pieces = -1", "CHECK constraint failed: pieces >= 0", con=b)
        self.meet(a=a, b=b)
        self.assertEqual(self.all(a, table="items"), [(1, "Oat milk", 9, "corner")])
        self.fails("SELECT kv_alter('items', 'ADD COLUMN shop TEXT')",
                   "column shop is declared twice", con=b)

    def test_a_default_is_seen_and_not_written(self):
        a = self.items()
        a.execute("INSERT INTO items(id, name) VALUES(1, 'Milk')")
        for change in ("ADD x TEXT NOT NULL", "ADD COLUMN x TEXT NOT NULL DEFAULT (kv_uuid())"):
            self.fails("SELECT kv_alter('items', ?)", "the new column x of items is NOT NULL and "
                       "has no literal DEFAULT", con=a, args=(change,))
        self.alter(a, "ADD COLUMN place TEXT NOT NULL DEFAULT 'shelf'")
        self.assertEqual(self.all(a, "place", "items"), [("shelf",)])
        self.alter(a, "ADD COLUMN n INTEGER NOT NULL, MERGE(n counter)")
        self.assertEqual(self.all(a, "place, n", "items"), [("shelf", 0)])

    def test_a_dropped_column_is_kept_in_the_logs(self):
        a = self.items(more=", INDEX(name) /* , */, shop TEXT, MERGE(shop lww, name lww)")
        a.execute("INSERT INTO items VALUES(1, 'Milk', 2, 'corner')")
        self.assertEqual(self.alter(a, "DROP COLUMN SHOP"), 1)
        self.assertEqual(self.columns(a), ["id", "name", "pieces"])
        self.assertIn("/* , */", self.declared(a))
        self.assertIn("MERGE (name lww)", self.declared(a))
        self.alter(a, "DROP pieces")
        self.assertNotIn("counter", self.declared(a))
        self.assertEqual(self.all(a, table="items"), [(1, "Milk")])
        a.execute("UPDATE items SET name = 'Oat milk'")
        self.alter(a, "ADD shop TEXT")
        self.alter(a, "ADD pieces INTEGER, MERGE(pieces counter)")
        self.assertEqual(self.all(a, table="items"), [(1, "Oat milk", "corner", 2)])
        for change, message in (("DROP COLUMN name", "column name is not declared"),
                                ("DROP COLUMN id", "it has no PRIMARY KEY"),
                                ("DROP COLUMN nobody", "there is no column nobody to drop"),
                                ("DROP COLUMN MERGE", "there is no column MERGE to drop")):
            self.fails("SELECT kv_alter('items', ?)", message, con=a, args=(change,))

    def test_a_renamed_column_keeps_its_name_in_records(self):
        a, b = self.items("a", more=", CHECK(name <> 'name'), INDEX(name)"), self.items("b")
        a.execute("INSERT INTO items VALUES(1, 'Milk', 2)")
        self.assertEqual(self.alter(a, "RENAME COLUMN name TO \"a \"\"title\""), 1)
        self.alter(a, "RENAME \"a \"\"title\" TO title")
        self.assertEqual(self.declared(a).count("NAMED"), 1)
        self.assertEqual(self.columns(a), ["id", "title", "pieces"])
        self.fails("UPDATE items SET title = 'name'", "CHECK constraint failed", con=a)
        self.meet(a=a, b=b)
        a.execute("UPDATE items SET title = 'Oat milk'")
        b.execute("UPDATE items SET pieces = pieces + 1")
        self.meet(a=a, b=b)
        self.assertEqual(self.all(a, table="items"), [(1, "Oat milk", 3)])
        self.assertEqual(self.all(b, table="items"), [(1, "Oat milk", 3)])
        self.assertEqual(a.execute("SELECT value FROM kv_log WHERE device = 'a' ORDER BY seq DESC").fetchone(),
                         ('{"name":"Oat milk"}',))
        for change, message in (
                ("RENAME COLUMN title TO pieces", "column pieces is declared twice"),
                ("ADD COLUMN name TEXT", "column name has the name of another one"),
                ("RENAME COLUMN name TO x", "there is no column name to rename"),
                ("RENAME COLUMN title TO _x", "begins with _")):
            self.fails("SELECT kv_alter('items', ?)", message, con=a, args=(change,))
        self.alter(a, "RENAME id TO number")
        self.assertEqual(self.all(a, "number", "items"), [(1,)])

    def test_a_renamed_column_leaves_those_of_a_parent_alone(self):
        a = self.items(declare="CREATE VIRTUAL TABLE %s USING kv_table(code TEXT PRIMARY KEY, "
                       "up TEXT REFERENCES Items (code)%s)")
        a.execute("CREATE VIRTUAL TABLE temp.places USING kv_table(code TEXT PRIMARY KEY)")
        a.execute("INSERT INTO places VALUES('shelf')")
        self.alter(a, "ADD place TEXT REFERENCES places(code)")
        self.alter(a, "ADD other TEXT, FOREIGN KEY(other) REFERENCES \"places\"(code), CHECK(code <> '')")
        self.alter(a, "RENAME code TO id")
        a.execute("INSERT INTO items VALUES('x', NULL, 'shelf', 'shelf'), ('y', 'x', NULL, NULL)")
        for values in ("('z', 'none', NULL, NULL)", "('z', NULL, 'none', NULL)",
                       "('z', NULL, NULL, 'none')"):
            self.fails("INSERT INTO items VALUES" + values, "FOREIGN KEY constraint failed", con=a)
        text = self.declared(a)
        self.assertEqual((text.count("(code)"), text.count('("id")')), (2, 1), text)

    def test_a_declaration_that_is_the_same_changes_nothing(self):
        a = self.items(file="a.db")
        version = "PRAGMA main.schema_version"
        body = " id INTEGER PRIMARY KEY, name TEXT, MERGE(name lww) -- end"
        self.assertEqual(self.alter(a, "DECLARE (%s\n)" % body), 1)
        before = a.execute(version).fetchone()
        self.assertEqual(self.alter(a, "DECLARE(%s\n\n)" % body), 0)
        self.assertEqual(a.execute(version).fetchone(), before)
        a.execute("ALTER TABLE items RENAME TO things")
        a.execute("ALTER TABLE kv RENAME TO store")
        a.execute("INSERT INTO things VALUES(1, 'x')")
        for changed in (1, 0):
            self.assertEqual(a.execute("SELECT kv_alter('things', ?)", (
                "DECLARE (%s2\n)" % body,)).fetchone(), (changed,))
        self.assertEqual(self.all(a, table="things"), [(1, "x")])
        self.fails("SELECT kv_alter('things', 'ADD bucket = other')",
                   "another bucket or store", con=a)
        self.fails("SELECT kv_alter('things', 'ADD store = other')",
                   "another bucket or store", con=a)

    def test_types_rules_and_kinds_change(self):
        a = self.items()
        a.execute("INSERT INTO items VALUES(1, 'Milk', 2), (2, '7', -1)")
        self.alter(a, "DECLARE (id INTEGER PRIMARY KEY, name ANY, pieces INTEGER, "
                   "CHECK(pieces > 0))")
        self.assertEqual(self.all(a, table="items"), [(1, "Milk", 2)])
        self.assertEqual(a.execute("SELECT key, rule FROM kv_violations('items')").fetchall(),
                         [(2, "check")])
        a.execute("UPDATE items SET pieces = 5")
        self.assertEqual(self.all(a, "id", "items"), [(1,)])
        self.alter(a, "DECLARE (id ANY PRIMARY KEY, name TEXT, pieces REAL, MERGE(pieces max))")
        self.assertEqual(self.all(a, table="items"), [(1, "Milk", 5.0), (2, "7", -1.0)])
        a.execute("UPDATE items SET pieces = 4 + id / 2")
        self.assertEqual(self.all(a, "id, pieces", "items"), [(1, 5.0), (2, 5.0)])
        self.alter(a, "DECLARE (name TEXT PRIMARY KEY)")
        self.assertEqual(self.all(a, table="items"), [])
        self.assertEqual(a.execute("SELECT DISTINCT rule FROM kv_violations").fetchall(),
                         [("key",)])

    def test_indexes_and_triggers_are_made_again(self):
        for file in ("a.db", "b.db"):
            a = self.items(file[0], file=file, more=", INDEX(pieces)")
            a.execute("CREATE TABLE seen(what, name)")
            a.execute("CREATE INDEX by_name ON items_data(name) WHERE name > ''")
            a.execute("CREATE TRIGGER \"a trigger\" AFTER INSERT ON items_data BEGIN "
                      "INSERT INTO seen VALUES('new', new.name); END")
            a.execute("CREATE TRIGGER gone AFTER DELETE ON items_data BEGIN "
                      "INSERT INTO seen VALUES('gone', old.name); END")
            a.execute("CREATE VIEW v AS SELECT name FROM items_data")
            a.execute("INSERT INTO items VALUES(1, 'Milk', 2)")
            a.execute("DELETE FROM seen")
            before = a.execute("SELECT name, tbl_name FROM sqlite_master WHERE sql NOT LIKE "
                               "'%VIRTUAL%' ORDER BY name").fetchall()
            self.alter(a, "ADD COLUMN shop TEXT")
            self.assertEqual(a.execute("SELECT name, tbl_name FROM sqlite_master WHERE sql NOT "
                                       "LIKE '%VIRTUAL%' ORDER BY name").fetchall(), before)
            self.assertEqual(a.execute("SELECT * FROM seen").fetchall(),
                             [("gone", "Milk"), ("new", "Milk")])
            self.assertEqual(a.execute("SELECT * FROM v").fetchall(), [("Milk",)])
            self.fails("SELECT kv_alter('items', 'DROP COLUMN name')",
                       "by_name on items_data cannot be made again: no such column: name: DROP "
                       "it before the change", con=a)
            self.assertEqual(self.columns(a), ["id", "name", "pieces", "shop"])
            a.execute("CREATE TEMP TRIGGER mine AFTER INSERT ON items_data BEGIN SELECT 1; END")
            self.fails("SELECT kv_alter('items', 'DROP COLUMN shop')",
                       "the temporary trigger mine is on items_data", con=a)
            a.execute("DROP TRIGGER mine")
            a.execute("ATTACH ? AS other", (self.path("other" + file),))
            a.execute("CREATE VIRTUAL TABLE other.kv USING kv('x.kv', device=z%s)" % file[0])
            a.execute("CREATE VIRTUAL TABLE other.items USING kv_table(id INTEGER PRIMARY KEY, "
                      "name TEXT)")
            a.execute("CREATE INDEX other.more ON items_data(name)")
            a.execute("SELECT kv_alter('other.items', 'ADD COLUMN n INTEGER')")
            self.assertEqual(a.execute("SELECT tbl_name FROM other.sqlite_master WHERE "
                                       "name = 'more'").fetchall(), [("items_data",)])

    def test_a_search_stays_in_step(self):
        a = self.items(file="a.db")
        try:
            a.execute("CREATE VIRTUAL TABLE search USING fts5(name, content='items_data', "
                      "content_rowid='id')")
        except sqlite3.OperationalError:
            self.skipTest("this SQLite has no FTS5")
        gone = "INSERT INTO search(search, rowid, name) VALUES('delete', old.id, old.name);"
        new = "INSERT INTO search(rowid, name) VALUES(new.id, new.name);"
        for event, what in (("INSERT", new), ("DELETE", gone), ("UPDATE", gone + new)):
            a.execute("CREATE TRIGGER search_%s AFTER %s ON items_data BEGIN %s END"
                      % (event, event, what))
        a.execute("INSERT INTO items VALUES(1, 'milk', -2), (2, 'tea', 1)")
        self.alter(a, "ADD CHECK(pieces > 0)")
        self.assertEqual(a.execute("SELECT rowid FROM search('milk')").fetchall(), [])
        self.assertEqual(a.execute("SELECT rowid FROM search('tea')").fetchall(), [(2,)])
        a.execute("INSERT INTO search(search, rank) VALUES('integrity-check', 1)")
        self.alter(a, "DECLARE (id INTEGER PRIMARY KEY, name TEXT)")
        self.assertEqual(a.execute("SELECT rowid FROM search('milk')").fetchall(), [(1,)])
        a.execute("INSERT INTO search(search, rank) VALUES('integrity-check', 1)")

    def test_when_it_is_refused(self):
        a = self.items(file="a.db")
        a.execute("INSERT INTO items VALUES(1, 'Milk', 2), (2, 'Tea', 1)")
        change = "SELECT kv_alter('items', 'ADD x TEXT')"
        a.execute("BEGIN")
        a.execute("UPDATE items SET pieces = 1")
        self.fails(change, "COMMIT first, then change items", con=a)
        a.execute("ROLLBACK")
        rows = a.execute("SELECT name FROM items")
        rows.fetchone()
        self.fails(change, "while another statement of this connection runs", con=a)
        rows.close()
        self.fails("SELECT kv_alter('items', 'ADD x TEXT') FROM sqlite_master",
                   "let kv_alter() or kv_check() be a statement of its own", con=a)
        for wrong in ("", "ADD", "DROP", "DROP COLUMN a b", "RENAME a", "RENAME a TO", "DECLARE",
                      "DECLARE id TEXT", "DECLARE (id TEXT PRIMARY KEY) x", "ALTER x", None, ";"):
            self.fails("SELECT kv_alter('items', ?)", "a change of a declaration is 'ADD COLUMN",
                       con=a, args=(wrong,))
        for bad in ("ADD x TEXT); DROP TABLE items; --", "ADD x TEXT; SELECT 1", "ADD x TEXT)",
                    "ADD x TEXT /*", "ADD x TEXT, CHECK (", "ADD CHECK(nobody > 1)",
                    "DECLARE ()", "DECLARE (id TEXT PRIMARY KEY, CHECK(1)", "ADD 'x"):
            self.fails("SELECT kv_alter('items', ?)", con=a, args=(bad,))
            self.assertEqual(self.columns(a), ["id", "name", "pieces"], bad)
            self.assertEqual(self.all(a, "id", "items"), [(1,), (2,)])
        self.fails("SELECT kv_alter('nobody', 'ADD x TEXT')", "there is no typed table", con=a)
        a.set_authorizer(lambda op, *args: sqlite3.SQLITE_DENY
                         if op == sqlite3.SQLITE_DROP_VTABLE else sqlite3.SQLITE_OK)
        self.fails(change, "not authorized", con=a)
        a.set_authorizer(None)
        self.assertEqual(self.all(a, "id", "items"), [(1,), (2,)])

    def test_it_is_part_of_the_transaction(self):
        a = self.items(file="a.db")
        a.execute("INSERT INTO items VALUES(1, 'Milk', 2)")
        a.execute("BEGIN")
        self.alter(a, "ADD x TEXT DEFAULT 'y'")
        a.execute("INSERT INTO items(id, name) VALUES(2, 'Tea')")
        self.assertEqual(self.all(a, "id, x", "items"), [(1, None), (2, "y")])
        a.execute("ROLLBACK")
        self.assertEqual(self.all(a, table="items"), [(1, "Milk", 2)])
        a.execute("BEGIN")
        a.execute("SAVEPOINT s")
        self.alter(a, "ADD x TEXT")
        a.execute("ROLLBACK TO s")
        self.alter(a, "ADD y TEXT")
        a.execute("UPDATE items SET y = 'z'")
        a.execute("COMMIT")
        self.assertEqual(self.all(a, table="items"), [(1, "Milk", 2, "z")])

    def test_a_second_connection_follows(self):
        one = self.items(file="a.db")
        two = self.connect(self.path("a.db"))
        two.execute("INSERT INTO items VALUES(1, 'Milk', 2)")
        self.alter(one, "ADD COLUMN shop TEXT")
        two.execute("UPDATE items SET shop = 'corner'")
        self.assertEqual(self.all(one, "shop", "items"), [("corner",)])
        self.assertEqual(self.alter(two, "ADD COLUMN n INTEGER"), 1)
        self.assertEqual(self.all(one, "n", "items"), [(None,)])
        one.execute("INSERT INTO items VALUES(2, 'Tea', 1, 'x', 3)")
        one.execute("BEGIN IMMEDIATE")
        self.fails("SELECT kv_alter('items', 'ADD m TEXT')", "locked", con=two)
        one.execute("ROLLBACK")
        two.close()
        one.close()
        again = self.connect(self.path("a.db"))
        again.execute("UPDATE items SET n = 5 WHERE id = 2")
        self.assertEqual(self.all(again, table="items"),
                         [(1, "Milk", 2, "corner", None), (2, "Tea", 1, "x", 5)])

    def test_tables_that_refer_to_it_still_do(self):
        a = self.items(file="a.db")
        a.execute("CREATE VIRTUAL TABLE notes USING kv_table(id TEXT PRIMARY KEY, item INTEGER "
                  "REFERENCES items(id))")
        a.execute("INSERT INTO items VALUES(1, 'Milk', 2)")
        self.alter(a, "ADD x TEXT, up INTEGER REFERENCES items(id)")
        a.execute("INSERT INTO notes VALUES('n', 1)")
        self.fails("DELETE FROM items", "FOREIGN KEY constraint failed", con=a)
        self.fails("UPDATE items SET up = 5", "FOREIGN KEY constraint failed", con=a)


if __name__ == "__main__":
    unittest.main()
