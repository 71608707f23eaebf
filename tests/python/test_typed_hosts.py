"""Host databases with typed tables are dumped, copied, attached under another name and
renamed, and go on; what is in the ordinary tables is joined with others.
"""

import os
import sqlite3
import subprocess
import unittest

import support
from support import deliver, sync
from test_typed import Typed

TREE = """CREATE VIRTUAL TABLE %s USING kv_table(id INTEGER PRIMARY KEY, name TEXT NOT NULL,
    up INTEGER REFERENCES tree(id), n INTEGER NOT NULL DEFAULT 0, INDEX(name), UNIQUE(name, up),
    MERGE(n counter)%s)"""
SHELL = os.environ.get("SQLITE3", "sqlite3")


class Hosts(Typed):
    def filled(self):
        a = self.device("a", declare=TREE, table="tree", file="a.db")
        a.execute("INSERT INTO tree VALUES(1, 'root', NULL, 1), (2, 'leaf', 1, 2), "
                  "(3, 'self', 3, 3)")
        a.execute("INSERT INTO kv VALUES('k', 'v')")
        return a

    def goes_on(self, con, table="tree", schema="main"):
        """It shows its rows, checks its rules, writes, and merges."""
        name = "%s.%s" % (schema, table)
        self.assertEqual(self.all(con, "id, name, up", name),
                         [(1, "root", None), (2, "leaf", 1), (3, "self", 3)])
        self.assertEqual(con.execute("SELECT kv_check(?)", (name,)).fetchone(), (0,))
        self.fails("DELETE FROM %s WHERE id = 1" % name, "FOREIGN KEY", con=con)
        self.fails("INSERT INTO %s VALUES(4, 'x', 9, 0)" % name, "FOREIGN KEY", con=con)
        self.fails("INSERT INTO %s VALUES(4, 'leaf', 1, 0)" % name, "UNIQUE", con=con)
        con.execute("UPDATE %s SET n = n + 10" % name)
        self.assertEqual(self.all(con, "n", name), [(11,), (12,), (13,)])
        self.assertIn("SEARCH", " ".join(r[3] for r in con.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM %s_data WHERE name = 'x'" % name)))
        self.assertEqual(con.execute("PRAGMA integrity_check").fetchall(), [("ok",)])

    def test_dump(self):
        a = self.filled()
        a.close()
        load = "\n.load %s\n" % support.MODULE
        dump = subprocess.run([SHELL, "-batch", "-init", "/dev/null", self.path("a.db")],
                              input=load + ".dump\n", stdout=subprocess.PIPE, text=True, check=True)
        self.assertIn("kv_table(id INTEGER", dump.stdout)
        subprocess.run([SHELL, "-batch", "-init", "/dev/null", self.path("copy.db")],
                       input=dump.stdout, stdout=subprocess.PIPE, text=True, check=True)
        os.rename(self.path("copy.db"), self.path("a.db"))
        con = self.connect(self.path("a.db"))
        sync(con)
        self.goes_on(con)

    def test_vacuum_into_and_attached_under_another_name(self):
        a = self.filled()
        a.execute("VACUUM INTO ?", (self.path("copy.db"),))
        a.close()
        con = self.connect()
        con.execute("ATTACH ? AS other", (self.path("copy.db"),))
        con.execute("SELECT kv_sync('other.kv')")
        self.goes_on(con, schema="other")
        con.execute("SELECT kv_alter('other.tree', 'ADD COLUMN note TEXT')")
        con.execute("UPDATE other.tree SET note = 'x'")
        con.execute("SELECT kv_assign('other.tree', 1, 'note', 'y')")
        self.assertEqual(con.execute("SELECT note FROM other.tree WHERE id = 1").fetchone(), ("y",))
        self.fails("SELECT kv_assign('other.none', 1, 'note', 'y')",
                   "no typed table named other.none", con=con)
        b = self.device("b", declare=TREE, table="tree")
        deliver(self.path("a.kv"), self.path("b.kv"), "a")
        sync(b)
        self.assertEqual(self.all(b, "n", "tree"), [(11,), (12,), (13,)])

    def test_a_table_that_refers_to_itself_is_renamed(self):
        """Its declaration still names the old table: a change gives it the new one."""
        a = self.filled()
        a.execute("ALTER TABLE tree RENAME TO wood")
        self.assertEqual(self.all(a, "id", "wood"), [(1,), (2,), (3,)])
        self.fails("INSERT INTO wood VALUES(4, 'x', 1, 0)", "which is no typed table", con=a)
        self.assertEqual(a.execute("SELECT kv_alter('wood', ?)", (
            "DECLARE (%s)" % TREE.split("kv_table(")[1].replace("tree(id)", "wood(id)")
            .replace("%s)", ""),)).fetchone(), (1,))
        self.goes_on(a, "wood")
        self.assertEqual(a.execute("SELECT DISTINCT bucket FROM kv_log WHERE bucket > '#z'")
                         .fetchall(), [("tree",)])
        a.close()
        a = self.connect(self.path("a.db"))
        a.execute("DELETE FROM wood WHERE id = 3")
        self.assertEqual(a.execute("SELECT bucket, table_name FROM kv_tables").fetchall(),
                         [("tree", "wood")])

    def test_a_host_is_renamed_and_read_without_the_extension(self):
        a = self.filled()
        a.execute("ALTER TABLE kv RENAME TO store")
        a.close()
        os.rename(self.path("a.db"), self.path("moved.db"))
        import sqlite3
        plain = sqlite3.connect(self.path("moved.db"))
        self.assertEqual(plain.execute("SELECT name FROM tree_data ORDER BY id").fetchall(),
                         [("root",), ("leaf",), ("self",)])
        plain.close()
        con = self.connect(self.path("moved.db"))
        sync(con, "store")
        self.goes_on(con)

    def test_what_virtual_tables_do_not_have(self):
        """As examples/guide/languages.md says."""
        a = self.filled()
        a.execute("PRAGMA foreign_keys = ON")
        a.execute("CREATE TABLE photos(file TEXT, of INTEGER REFERENCES tree(id))")
        for sql, why in (
                ("INSERT INTO tree(id, name) VALUES(1, 'x') ON CONFLICT DO NOTHING",
                 'UPSERT not implemented for virtual table "tree"'),
                ("INSERT INTO tree(id, name) VALUES(1, 'x') ON CONFLICT(id) DO UPDATE SET n = 1",
                 'UPSERT not implemented for virtual table "tree"'),
                ("INSERT INTO photos VALUES('root.png', 1)", "database disk image is malformed"),
                ("SELECT rowid FROM tree", "no such column: rowid"),
                ("CREATE INDEX i ON tree(n)", "virtual tables may not be indexed"),
                ("CREATE TRIGGER i AFTER INSERT ON tree BEGIN SELECT 1; END",
                 "cannot create triggers on virtual tables"),
                ("ALTER TABLE tree ADD COLUMN x TEXT", "virtual tables may not be altered"),
                ("CREATE VIRTUAL TABLE t USING kv_table(id TEXT PRIMARY KEY, up TEXT REFERENCES "
                 "tree(id) ON DELETE CASCADE)", "a foreign key can only RESTRICT")):
            self.fails(sql, why, con=a)
        self.assertEqual(a.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.goes_on(a)
        a.execute("INSERT OR REPLACE INTO tree(id, name) VALUES(1, 'root')")
        self.assertEqual(a.execute("SELECT n FROM tree WHERE id = 1").fetchone(), (0,))
        if sqlite3.sqlite_version_info >= (3, 35):
            for sql in "UPDATE tree SET n = 1", "DELETE FROM tree":
                self.fails(sql + " RETURNING id",
                           "RETURNING is not available on virtual tables", con=a)
            self.assertEqual(a.execute("INSERT INTO tree(id, name) VALUES(5, 'x') "
                                       "RETURNING id, name, n").fetchall(), [(5, "x", None)])

    def test_foreign_keys_to_the_data_are_named(self):
        """SQLite enforces them when a merge deletes a row, or the table is made again."""
        a, b = self.filled(), self.device("b", declare=TREE, table="tree", file="b.db")
        self.meet(a=a, b=b)
        b.execute("DELETE FROM tree WHERE id = 3")
        for action in "", "ON DELETE CASCADE", "ON DELETE SET NULL":
            a.execute("PRAGMA foreign_keys = ON")
            a.execute("CREATE TABLE photos(file TEXT, of INTEGER REFERENCES TREE_data(id) %s)"
                      % action)
            a.execute("INSERT INTO photos VALUES('root.png', 1), ('self.png', 3)")
            why = "table photos has a foreign key to tree_data"
            if not action:
                deliver(self.path("b.kv"), self.path("a.kv"), "b")
                self.fails("SELECT kv_sync()", why, con=a)
                self.assertEqual(self.all(a, "id", "tree"), [(1,), (2,), (3,)])
            self.fails("SELECT kv_alter('tree', 'ADD COLUMN x TEXT')", why, con=a)
            # As after the cache was made again.
            a.execute("UPDATE tree_meta SET epoch = -1")
            self.fails("SELECT kv_sync()", why, con=a)
            self.fails("INSERT INTO tree(id, name) VALUES(9, 'x')", why, con=a)
            self.assertEqual(self.all(a, "*", "photos"), [("root.png", 1), ("self.png", 3)])
            a.execute("PRAGMA foreign_keys = OFF")
            sync(a)
            self.assertEqual(self.all(a, "id", "tree"), [(1,), (2,)] + [(3,)] * (action != ""))
            self.assertEqual(self.all(a, "*", "photos"), [("root.png", 1), ("self.png", 3)])
            a.execute("DROP TABLE photos")
            a.execute("INSERT OR IGNORE INTO tree(id, name, up) VALUES(3, 'self', 3)")
        a.execute("PRAGMA foreign_keys = ON")
        a.execute("SELECT kv_alter('tree', 'ADD COLUMN x TEXT')")

    def test_deferred_foreign_keys_to_the_data_are_named(self):
        a, b = self.filled(), self.device("b", declare=TREE, table="tree", file="b.db")
        self.meet(a=a, b=b)
        a.execute("PRAGMA foreign_keys = ON")
        a.execute("CREATE TABLE photos(file TEXT, of INTEGER REFERENCES tree_data(id) "
                  "DEFERRABLE INITIALLY DEFERRED)")
        a.execute("INSERT INTO photos VALUES('self.png', 3)")
        for sql in "DELETE FROM tree WHERE id = 3", "DELETE FROM tree":
            b.execute("UPDATE tree SET up = NULL")
            b.execute(sql)
            deliver(self.path("b.kv"), self.path("a.kv"), "b")
            self.fails("SELECT kv_sync()", "table photos has a foreign key to tree_data", con=a)
            self.assertEqual(self.all(a, "id", "tree"), [(1,), (2,), (3,)])
        a.execute("BEGIN")
        sync(a)
        a.execute("DELETE FROM photos")
        a.execute("COMMIT")
        self.assertEqual(self.all(a, "id", "tree"), [])

    def test_joins_use_the_ordinary_tables(self):
        a = self.filled()
        a.execute("CREATE TABLE notes(item INTEGER, text TEXT)")
        a.execute("INSERT INTO notes VALUES(2, 'two'), (3, 'three'), (9, 'none')")
        sql = "SELECT t.name, n.text FROM notes AS n JOIN tree%s AS t ON t.id = n.item"
        self.assertEqual(a.execute(sql % "_data").fetchall(), [("leaf", "two"), ("self", "three")])
        self.assertEqual(a.execute(sql % "").fetchall(), a.execute(sql % "_data").fetchall())
        plan = " ".join(r[3] for r in a.execute("EXPLAIN QUERY PLAN " + sql % "_data"))
        self.assertIn("SEARCH t USING INTEGER PRIMARY KEY", plan)


if __name__ == "__main__":
    unittest.main()
