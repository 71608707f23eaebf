"""kv_tables, and what a device declares in its log: when it is written, that no merge
depends on it, and what tells versions of an app apart.
"""

import json
import sqlite3
import unittest

import foreign
import support
from support import NOW, deliver, sync
from test_typed import ACCOUNTS, Typed

ITEMS = """CREATE VIRTUAL TABLE %s USING kv_table(id INTEGER PRIMARY KEY, Name TEXT NOT NULL
    DEFAULT 'it''s "new"', pieces INTEGER, at TEXT DEFAULT CURRENT_TIMESTAMP, tags TEXT, up INTEGER,
    MERGE(pieces counter, tags set), CHECK(pieces >= 0), UNIQUE(name, at), INDEX(pieces),
    FOREIGN KEY(up) REFERENCES items%s)"""
SAID = {"checks": ["pieces >= 0"],
        "columns": {"at": "TEXT DEFAULT CURRENT_TIMESTAMP", "id": "INTEGER NOT NULL",
                    "name": "TEXT NOT NULL DEFAULT 'it''s \"new\"'", "pieces": "INTEGER",
                    "tags": "TEXT", "up": "INTEGER"},
        "foreign": [{"columns": ["up"], "parent": "items"}], "key": ["id"],
        "merge": {"pieces": "counter", "tags": "set"}, "unique": [["name", "at"]]}


class Tables(Typed):
    def items(self, name, more="", **rest):
        return self.device(name, more, declare=ITEMS, table="items", **rest)

    def said(self, con):
        return con.execute("SELECT device, key, value FROM kv_log WHERE bucket = '#schema' "
                           "ORDER BY device, seq").fetchall()

    def tables(self, con, what="bucket, table_name, n_rows, n_hidden, n_log_rows, differs"):
        return con.execute("SELECT %s FROM kv_tables ORDER BY bucket" % what).fetchall()

    def test_it_is_written_with_the_first_change_under_a_declaration(self):
        a = self.items("a")
        self.assertEqual(self.said(a), [])
        a.execute("INSERT INTO items(id) VALUES(1)")
        (device, key, value), = self.said(a)
        self.assertEqual((device, key, json.loads(value)), ("a", "items", SAID))
        self.assertEqual(value, json.dumps(SAID, separators=(",", ":"), sort_keys=True))
        a.execute("UPDATE items SET pieces = 5")
        a.execute("DROP TABLE items")
        a.execute(ITEMS % ("temp.items", ", INDEX(name)"))
        a.execute("DELETE FROM items")
        self.assertEqual(len(self.said(a)), 1)
        a.execute("SELECT kv_alter('items', 'ADD deletes = lose')")
        self.assertEqual(len(self.said(a)), 1)
        a.execute("INSERT INTO items(id) VALUES(1)")
        self.assertEqual([json.loads(v) for *_, v in self.said(a)],
                         [SAID, dict(SAID, deletes="lose")])

    def test_a_rollback_takes_it_back(self):
        a = self.items("a", file="a.db")
        a.execute("BEGIN")
        a.execute("INSERT INTO items(id) VALUES(1)")
        a.execute("ROLLBACK")
        self.assertEqual(self.said(a), [])
        self.fails("INSERT INTO items(id, pieces) VALUES(1, -1)", "CHECK", con=a)
        self.assertEqual(self.said(a), [])
        a.execute("BEGIN")
        a.execute("SAVEPOINT s")
        a.execute("INSERT INTO items(id) VALUES(1)")
        a.execute("ROLLBACK TO s")
        a.execute("INSERT INTO items(id) VALUES(2)")
        a.execute("COMMIT")
        self.assertEqual([r.bucket for r in self.log("a", "a.kv").rows], ["#schema", "items"])
        a.close()
        a = self.connect(self.path("a.db"))
        a.execute("DELETE FROM items")
        self.assertEqual(len(self.said(a)), 1)

    def test_it_is_no_row_of_kv_or_of_the_history(self):
        a, b = self.items("a"), self.items("b", ", deletes = win")
        for con in (a, b):
            con.execute("INSERT INTO items(id) VALUES(1)")
        self.meet(a=a, b=b)
        for con in (a, b):
            self.assertEqual(con.execute("SELECT * FROM kv").fetchall(), [])
            for table in ("kv_conflicts", "kv_changes(0)", "kv_diff('2020-01-01')"):
                self.assertEqual(con.execute("SELECT count(*) FROM %s WHERE bucket = '#schema'"
                                             % table).fetchone(), (0,), table)
        self.fails("CREATE VIRTUAL TABLE temp.x USING kv_table(id TEXT PRIMARY KEY, "
                   "bucket = '#schema')", "does not begin with #", con=a)

    def test_all_tables_are_listed(self):
        a = self.device("a")
        b = self.items("b")
        a.execute("INSERT INTO accounts(id, balance) VALUES('x', 1)")
        a.execute("UPDATE accounts SET balance = balance + 1, tags = '[1]'")
        a.execute("UPDATE accounts SET tags = '[]', best = 4")
        b.execute("INSERT INTO items(id, pieces, at) VALUES(1, 5, 1), (2, NULL, 2)")
        a.execute("CREATE VIRTUAL TABLE temp.things USING kv_table(id ANY PRIMARY KEY, "
                  "pieces INTEGER, bucket = items)")
        a.execute("INSERT INTO things VALUES('no', -1), (3, -1)")
        a.execute("CREATE VIRTUAL TABLE temp.empty USING kv_table(id TEXT PRIMARY KEY)")
        a.execute("CREATE VIRTUAL TABLE temp.kv2 USING kv(':memory:', device='m')")
        a.execute("CREATE VIRTUAL TABLE temp.other USING kv_table(id TEXT PRIMARY KEY, "
                  "store = kv2)")
        self.meet(a=a, b=b)
        self.assertEqual(self.tables(a), [
            ("accounts", "accounts", 1, 0, 3, None), ("empty", "empty", 0, 0, 0, None),
            ("items", "things", 4, 0, 4, self.tables(a)[2][5])])
        self.assertEqual(self.tables(b), [
            ("accounts", None, None, None, 3, None), ("items", "items", 2, 2, 4,
                                                      self.tables(b)[1][5])])
        self.assertEqual([json.loads(c) for c, in self.tables(b, "columns")], [
            {"balance": ["set", "add"], "best": ["max"], "tags": ["put"]},
            {"at": ["set"], "name": ["set"], "pieces": ["set"]}])
        self.assertEqual(a.execute("SELECT bucket, store FROM kv_tables('kv2')").fetchall(),
                         [("other", "kv2")])
        self.fails("SELECT * FROM kv_tables('nothing')", "there is no store named nothing", con=a)

    def test_who_declares_what(self):
        a = self.items("a")
        b = self.items("b", ", deletes = lose, note TEXT", now=10)
        self.assertEqual(self.tables(a, "differs, declared_by"), [(None, "[]")])
        a.execute("INSERT INTO items(id) VALUES(1)")
        b.execute("INSERT INTO items(id) VALUES(2)")
        self.assertEqual(self.tables(a, "differs"), [(None,)])
        self.meet(a=a, b=b)
        self.assertEqual(self.tables(a, "differs"), [("columns, deletes",)])
        self.assertEqual(self.tables(b, "differs"), [(None,)])
        for con in (a, b):
            (by, ), = self.tables(con, "declared_by")
            self.assertEqual([(d["device"], d["declaration"]["columns"].get("note"))
                              for d in json.loads(by)], [("b", "TEXT"), ("a", None)])
        a.execute("SELECT kv_alter('items', 'ADD deletes = lose, note TEXT')")
        self.assertEqual(self.tables(a, "differs"), [(None,)])

    def test_what_others_declare_may_be_anything(self):
        a = self.items("a")
        rows = [(1, NOW, None, 1, "#schema", "items", "{\"columns\":[[[" + "[" * 100),
                (2, NOW, None, 1, "#schema", "deep", "{" + "\"a\":{" * 50 + "}" * 51),
                (3, NOW, None, 1, "#schema", "bad\0name", "{"),
                (4, NOW, None, 1, "#schema", 7, 7), (5, NOW, None, 1, "#schema", "blob", b"{}"),
                (6, NOW, None, 1, "#schema", "ok", "{\"key\":[\"\\u0000\"],\"x\":1}"),
                (7, NOW, None, 1, "#other", "k", "v"),
                (8, NOW, None, 1, "mess", "k", "{\"a\":{\"x\":1},\"b\":{\"add\":1}}"),
                (9, NOW, None, 1, "mess", "l", 5), (10, NOW, None, 0, "mess", "m", None),
                (11, NOW + 1, NOW, 0, "#schema", "ok", None)]
        foreign.make(support.log_path(self.path("a.kv"), "phone"), rows)
        sync(a)
        self.assertEqual([t for t, in self.tables(a, "bucket")],
                         ["bad", "blob", "deep", "items", "mess", "ok"])
        for by, columns in self.tables(a, "declared_by, columns"):
            json.loads(by)
            json.loads(columns)
        self.assertEqual(dict(self.tables(a, "bucket, columns"))["mess"],
                         '{"a":[""],"b":["add"]}')
        self.assertEqual(dict(self.tables(a, "bucket, differs"))["items"], None)
        a.execute("INSERT INTO items(id) VALUES(1)")
        self.assertEqual(self.all(a, "id", "items"), [(1,)])

    def test_two_processes_that_declare_the_same(self):
        one, two = self.items("a"), self.items("a")
        one.execute("INSERT INTO items(id) VALUES(1)")
        two.execute("INSERT INTO items(id) VALUES(2)")
        sync(one)
        self.assertEqual(self.all(one, "id", "items"), [(1,), (2,)])
        sync(two)
        two.execute("UPDATE items SET pieces = 1")
        sync(one)
        self.assertEqual(len(one.execute("SELECT * FROM kv_tables").fetchall()), 1)

    def test_an_observer_reads(self):
        a = self.items("a")
        a.execute("INSERT INTO items(id) VALUES(1)")
        con = self.connect()
        con.execute("SELECT kv_open(?)", (self.path("a.kv"),))
        con.execute(ITEMS % ("temp.items", ""))
        sync(con)
        self.assertEqual(self.tables(con), [("items", "items", 1, 0, 1, None)])
        self.fails("INSERT INTO items(id) VALUES(2)", con=con)


if __name__ == "__main__":
    unittest.main()
