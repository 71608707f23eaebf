"""The schema changes under a connection that has a store open. This tries who
changes it, how, in which kind of store, and what is called next. A row of one
folder is never seen in the store or the log of another, nothing is left
behind, and the next call gives the right result or says that there is no such
store.
"""

import itertools
import os
import shutil
import sqlite3
import unittest

from support import NOW, Case, connect, open_store

# What is done to the store kv of the folder a.kv in schema {s}, and the folders
# of the stores that exist afterwards.
CHANGES = {
    "DROP": ("DROP TABLE {s}.kv", {}),
    "DROP and CREATE": ("DROP TABLE {s}.kv; {create}", {"kv": "b"}),
    "RENAME": ("ALTER TABLE {s}.kv RENAME TO old", {"old": "a"}),
    "RENAME and CREATE": ("ALTER TABLE {s}.kv RENAME TO old; {create}", {"old": "a", "kv": "b"}),
    "CREATE and RENAME": ("{create_new}; DROP TABLE {s}.kv;"
                          "ALTER TABLE {s}.new RENAME TO kv", {"kv": "b"}),
    "DDL": ("CREATE TABLE {s}.made(x)", {"kv": "a"}),
    "VACUUM": ("VACUUM {s}", {"kv": "a"}),
    # by the same connection alone
    "CREATE, rolled back": ("DROP TABLE {s}.kv; BEGIN; {create};"
                            "INSERT INTO {s}.kv VALUES('own', 'b');"
                            "SELECT * FROM {s}.kv; ROLLBACK", {}),
    "DROP, rolled back": ("BEGIN; DROP TABLE {s}.kv; ROLLBACK", {"kv": "a"}),
    "DROP and CREATE, rolled back": ("BEGIN; DROP TABLE {s}.kv; {create};"
                                     "SELECT * FROM {s}.kv; ROLLBACK", {"kv": "a"}),
    "RENAME, rolled back": ("BEGIN; ALTER TABLE {s}.kv RENAME TO old; SELECT * FROM {s}.old;"
                            "ROLLBACK", {"kv": "a"}),
    "DETACH": ("DETACH x", {}),
    "DETACH and ATTACH another": ("DETACH x; ATTACH 'b.db' AS x", {"kv": "b"}),
    "DETACH and ATTACH as another": ("DETACH x; ATTACH 'a.db' AS y", {"kv": "a"}),
    "backup": (None, {"kv": "b"}),
    "deserialize": (None, {"kv": "b"}),
}
BY_ANY = ["DROP", "DROP and CREATE", "RENAME", "RENAME and CREATE", "CREATE and RENAME",
          "DDL", "VACUUM"]
ROLLED_BACK = [c for c in CHANGES if "rolled back" in c]
DETACHED = [c for c in CHANGES if "DETACH" in c]

# Kind of store, who changes its schema, and how.
CASES = [
    ("main", ("same", "connection"), BY_ANY),
    ("main", ("process",), ["DROP", "DROP and CREATE", "RENAME and CREATE", "VACUUM"]),
    ("main", ("same",), ROLLED_BACK + ["backup", "deserialize"]),
    ("attached", ("same",), ["DROP and CREATE", "RENAME and CREATE"] + DETACHED),
    ("attached", ("connection",), ["DROP", "DROP and CREATE", "RENAME and CREATE"]),
    ("temp", ("same",), BY_ANY[:-1] + ROLLED_BACK),
    ("temp", ("elsewhere",), ["DDL", "VACUUM"]),
    ("observer", ("connection",), ["DROP", "DROP and CREATE", "RENAME and CREATE"]),
    ("observer", ("same",), ["backup"]),
    ("two", ("connection",), ["DROP and CREATE", "RENAME", "DDL", "VACUUM"]),
]

# What is called next, with {v} for the value that belongs into the store, and
# the value that it returns: "own" is the value of the key 'own', None is
# anything.
CALLS = {
    "kv_open": ("SELECT kv_open('a.kv', 'tab')", None),
    "kv_sync": ("SELECT kv_sync()", None),
    "kv_get": ("SELECT kv_get('own')", "own"),
    "kv_set": ("SELECT kv_set('new', '{v}')", "{v}"),
    "kv_delete": ("SELECT kv_delete('own')", None),
    "kv_revert": ("SELECT kv_revert('own')", None),
    "kv_cursor": ("SELECT kv_cursor()", None),
    "kv_close": ("SELECT kv_close()", None),
    "kv": ("SELECT value FROM kv WHERE key = 'own'", "own"),
    "INSERT": ("INSERT INTO kv VALUES('new', '{v}')", None),
    "UPDATE": ("UPDATE kv SET value = '{v}'", None),
    "kv_log": ("SELECT value FROM kv_log WHERE key = 'own'", "own"),
    "kv_diff": ("SELECT new_value FROM kv_diff('2020-01-01') WHERE key = 'own'", "own"),
    "kv_conflicts": ("SELECT value FROM kv_conflicts", None),
    "kv_changes": ("SELECT value FROM kv_changes WHERE key = 'own'", "own"),
    "kv_devices": ("SELECT value FROM (SELECT kv_get('own') AS value, count(*) FROM kv_devices)",
                   "own"),
    "kv_foreign": ("SELECT value FROM kv_foreign('b.kv/devices/tab/log.db')", None),
    "a store": ("CREATE VIRTUAL TABLE temp.more USING kv('b.kv', device='pad')", None),
    "an observer": ("CREATE VIRTUAL TABLE temp.more USING kv('b.kv')", None),
    "a foreign log": ("CREATE VIRTUAL TABLE temp.more USING"
                      " kv_foreign('b.kv/devices/phone/log.db')", None),
}
STEP = int(os.environ.get("KV_FAULT_STEP", 3))  # 1 tries every combination
CREATE = "CREATE VIRTUAL TABLE {s}.%s USING kv('b.kv'{device})"


class SchemaChanges(Case):
    @classmethod
    def setUpClass(cls):
        cls.home = os.getcwd()

    def setUp(self):
        """Two folders with a phone and a tab, whose hosts are a.db and b.db."""
        super().setUp()
        self.made = self.path("made")
        for kind in ("tab", "observer"):
            os.makedirs(os.path.join(self.made, kind))
            os.chdir(os.path.join(self.made, kind))
            for f in "ab":
                phone = open_store(connect(), f + ".kv", "phone", "now=%d" % NOW)
                phone.execute("INSERT INTO kv VALUES('phone', ?)", f)
                phone.close()
                tab = connect(f + ".db")
                tab.execute("PRAGMA journal_mode = MEMORY")
                open_store(tab, f + ".kv", "tab", schema="main")
                tab.execute("INSERT INTO kv VALUES('own', ?)", f)
                tab.execute("SELECT kv_sync()")
                if kind == "observer":
                    tab.execute("DROP TABLE kv")
                    open_store(tab, f + ".kv", None, schema="main")
                    tab.execute("SELECT kv_sync()")
                tab.close()
        self.other = self.process()

    def tearDown(self):
        os.chdir(self.home)
        super().tearDown()

    def host(self, kind, cached):
        """A connection that has read kv; the schema that it is in."""
        os.chdir("/")
        shutil.rmtree(self.path("now"), ignore_errors=True)
        shutil.copytree(os.path.join(self.made, "observer" if kind == "observer" else "tab"),
                        self.path("now"))
        os.chdir(self.path("now"))
        host, schema = {"attached": (":memory:", "x"), "temp": ("plain.db", "temp")}.get(
            kind, ("a.db", "main"))
        con = connect(host, cached_statements=cached)
        if kind == "attached":
            con.execute("ATTACH 'a.db' AS x")
        if kind == "temp":
            con.execute("CREATE TABLE plain(x)")
            con.execute("SELECT kv_open('a.kv', 'tab')")
        if kind == "two":
            con.execute("SELECT kv_open('a.kv', 'pad', 'name=second')")
        con.execute("SELECT count(*) FROM kv").fetchall()
        return con, schema

    def change(self, con, kind, who, how, schema):
        if how == "backup":
            source = sqlite3.connect("b.db")
            source.backup(con)
            source.close()
            return
        if how == "deserialize":
            source = sqlite3.connect("b.db")
            con.deserialize(source.serialize())
            source.close()
            return
        text = CHANGES[how][0]
        with_create = {"create": CREATE % "kv", "create_new": CREATE % "new"}
        for name, create in with_create.items():
            text = text.replace("{%s}" % name, create)
        device = "" if kind == "observer" else ", device='tab'"
        run, other = con.execute, None
        if who in ("connection", "elsewhere"):
            other = connect()
            run = other.execute
        elif who == "process":
            run = self.other.sql
        if who != "same":
            file = "plain.db" if kind == "temp" else "a.db"
            run("ATTACH '%s' AS h" % self.path("now", file))
            schema = "h"
        try:
            for sql in text.format(s=schema, device=device).split(";"):
                run(sql)
            if who != "same" and "CREATE" in how:
                run("SELECT kv_sync()")
            if who != "same":
                run("DETACH h")
        finally:
            if other:
                other.close()

    def call(self, con, kind, name, there, is_new):
        """Check that the result is right, or that the message is."""
        sql, expected = CALLS[name]
        belongs = there.get("kv")
        try:
            rows = con.execute(sql.format(v=belongs)).fetchall()
        except sqlite3.Error as e:
            said = str(e)
            if name == "kv_open":
                self.assertRegex(said, "^kv: .*(is open as another store|this store is already|"
                                 "there is already a table)")
            elif name == "an observer":
                self.assertIn("this store is already", said)
                self.assertEqual(kind, "observer")
            elif not belongs and name in ("kv", "INSERT", "UPDATE"):
                self.assertIn("no such table", said)
            elif not belongs:
                self.assertIn("kv: there is no store named kv", said)
            else:
                self.assertIn("is open as an observer", said)
                self.assertEqual(kind, "observer")
            return
        if name == "kv_open" or "CREATE" in sql or name == "kv_foreign":
            return  # the state afterwards counts
        self.assertTrue(belongs, "there is no kv, and %s gave %s" % (sql, rows))
        if expected:
            value = expected.format(v=belongs).replace("own", belongs)
            self.assertIn(rows, [[(value,)], []] + [[(None,)]] * is_new if is_new else [[(value,)]])

    def afterwards(self, con, kind, name, there):
        """Check that each existing store has the rows of its folder, and no
        others."""
        if name == "an observer" and kind == "observer":
            con.execute("DROP TABLE IF EXISTS more")  # kv is over the same folder
        elif name in ("a store", "an observer"):
            con.execute("SELECT kv_sync('more')")
            self.assertEqual(con.execute("SELECT value FROM more WHERE key = 'own'").fetchall(),
                             [("b",)])
        if name == "kv_open" and "kv" not in there:
            there = dict(there, **self.opened(con))
        if name == "kv_close" and kind == "temp":
            there = {s: f for s, f in there.items() if s != "kv"}
        for store, folder in there.items():
            self.usable(con, store, folder, kind == "observer" and store != "second")
        if "kv" not in there:
            # SQLite 3.31 does not check by itself whether a table still exists
            con.execute("SELECT * FROM sqlite_master").fetchall()
            con.execute("CREATE VIRTUAL TABLE kv USING kv('b.kv', device='tab')")
            self.usable(con, "kv", "b", False)
            con.execute("DROP TABLE kv")
        con.close()
        for file in ("a.db", "b.db"):
            host = connect(file)
            tables = [r[0] for r in host.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'")]
            for store, sql in host.execute("SELECT name, sql FROM sqlite_master "
                                           "WHERE sql LIKE 'CREATE VIRTUAL%'").fetchall():
                self.usable(host, store, sql.split(".kv'")[0][-1], "device" not in sql)
                tables = [t for t in tables if t != store and not t.startswith(store + "_")]
            self.assertEqual([t for t in tables if t != "made"], [], "left behind in " + file)
            host.close()
        for folder in "ab":
            observer = open_store(connect(), folder + ".kv", None)
            self.holds(observer, "kv", folder)
            observer.close()

    def opened(self, con):
        try:
            return {"kv": con.execute("SELECT kv_get('phone')").fetchone()[0]}
        except sqlite3.Error:
            return {}

    def holds(self, con, store, folder):
        values = con.execute("SELECT DISTINCT value FROM kv_log(?) WHERE op = 'set'", (store,))
        self.assertEqual(values.fetchall(), [(folder,)], "%s over %s.kv" % (store, folder))

    def usable(self, con, store, folder, is_observer):
        con.execute("SELECT kv_sync(?)", (store,))
        if not is_observer:
            con.execute("INSERT INTO %s VALUES('last', ?)" % store, (folder,))
            self.assertEqual(con.execute(
                "SELECT state, detail, unpublished FROM kv_devices(?) WHERE is_self",
                (store,)).fetchall(), [("ok", None, 0)])
        self.holds(con, store, folder)

    def run_cases(self, store):
        cases = [case for kind, whos, hows in CASES if kind == store
                 for case in itertools.product(whos, hows, CALLS, (0, 128))]
        for who, how, name, cached in cases[::STEP]:
            if how == "deserialize" and not hasattr(sqlite3.Connection, how):
                continue
            with self.subTest(store=store, who=who, how=how, then=name, cached=cached):
                there = dict(CHANGES[how][1])
                if store == "two":
                    there["second"] = "a"
                con, schema = self.host(store, cached)
                try:
                    self.change(con, store, who, how, schema)
                    self.call(con, store, name, there, who == "same" and "CREATE" in how)
                    self.afterwards(con, store, name, there)
                finally:
                    con.close()

    def test_persistent(self):
        self.run_cases("main")

    def test_attached(self):
        self.run_cases("attached")

    def test_temporary(self):
        self.run_cases("temp")

    def test_observers(self):
        self.run_cases("observer")

    def test_two_of_one_folder(self):
        self.run_cases("two")


if __name__ == "__main__":
    unittest.main()
