"""Typed tables: what SQL sees of them, what two devices see of each other's writes, and
what happens to rows that a declaration does not allow.
"""

import contextlib
import itertools
import json
import os
import random
import shutil
import sqlite3
import unittest

import support
import typed
from support import Case, NOW, SECOND, deliver, open_store, sync

ACCOUNTS = """CREATE VIRTUAL TABLE %s USING kv_table(
  id TEXT PRIMARY KEY, name TEXT, city TEXT, balance INTEGER NOT NULL DEFAULT 0,
  best REAL, tags TEXT, visits TEXT,
  MERGE(balance counter, best max, tags set, visits list)%s)"""


class Typed(Case):
    def device(self, name, more="", declare=ACCOUNTS, table="accounts", now=0, file=None):
        """A device with its own copy of the folder, and a table."""
        con = self.connect(self.path(file) if file else ":memory:")
        open_store(con, self.path(name + ".kv"), name, "now=%d" % (NOW + now * SECOND),
                   schema="main" if file else "temp")
        if declare:
            con.execute(declare % (("main." if file else "temp.") + table, more))
        return con

    def at(self, con, name, day):
        """The device's clock shows a day after NOW."""
        con.execute("SELECT kv_open(?, ?, ?)",
                    (self.path(name + ".kv"), name, "now=%d" % (NOW + day * 86400 * SECOND)))

    def meet(self, **devices):
        """All devices get the logs of all others, and sync."""
        for a, b in itertools.permutations(devices, 2):
            if os.path.exists(support.log_path(self.path(a + ".kv"), a)):
                deliver(self.path(a + ".kv"), self.path(b + ".kv"), a)
        for con in devices.values():
            sync(con)

    def all(self, con, what="*", table="accounts"):
        return con.execute("SELECT %s FROM %s ORDER BY 1" % (what, table)).fetchall()

    def check(self, con, table="accounts"):
        """The table is what the model folds."""
        folded = typed.fold(con, table)
        columns = [c[1] for c in con.execute("PRAGMA table_info(%s_data)" % table)]
        for row in con.execute("SELECT * FROM %s_data" % table):
            want = folded.pop(row[0])
            for column, value in zip(columns[1:], row[1:]):
                self.assertEqual(value, want.get(column, 0 if column == "balance" else None),
                                 (row, column))
        self.assertEqual(folded, {})


class Writes(Typed):
    def test_a_row_is_written_read_and_deleted(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, name) VALUES('x', 'Ann'), ('y', 'Bob')")
        con.execute("UPDATE accounts SET city = 'Oslo' WHERE id = 'x'")
        con.execute("DELETE FROM accounts WHERE id = 'y'")
        self.assertEqual(self.all(con), [("x", "Ann", "Oslo", 0, None, None, None)])
        self.assertEqual([json.loads(v) for v, in con.execute(
            "SELECT value FROM kv_log WHERE key = 'x' ORDER BY seq")],
            [{"": 1, "balance": 0, "name": "Ann"}, {"city": "Oslo"}])
        self.check(con)

    def test_an_update_that_changes_nothing_writes_nothing(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, name, tags, best) VALUES('x', 'Ann', '[1]', 5)")
        con.execute("UPDATE accounts SET name = 'Ann', tags = '[1, 1]', best = 4")
        self.assertEqual(con.execute("SELECT count(*) FROM kv_log WHERE bucket = 'accounts'")
                         .fetchone(), (1,))
        self.assertEqual(self.all(con, "best"), [(5.0,)])

    def test_operations_are_logged_as_differences(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, balance, tags) VALUES('x', 10, '[\"b\",\"a\"]')")
        for change in ("balance = balance - 3", "best = 7",
                       "tags = '[\"c\", \"a\"]'", "visits = '[1]'", "visits = '[1,2]'",
                       "visits = '[2]'"):
            con.execute("UPDATE accounts SET " + change)
        self.assertEqual([v for v, in con.execute(
            "SELECT value FROM kv_log WHERE bucket = 'accounts' ORDER BY seq")], [
            '{"":1,"balance":10,"tags":{"set":["a","b"]}}', '{"balance":{"add":-3}}',
            '{"best":{"max":7.0}}', '{"tags":{"put":["c"],"cut":["b"]}}',
            '{"visits":{"push":[1]}}', '{"visits":{"push":[2]}}',
            '{"visits":{"array":[2]}}'])
        self.assertEqual(self.all(con), [("x", None, None, 7, 7.0, '["a","c"]', "[2]")])
        self.check(con)

    def test_one_transaction_with_kv(self):
        con = self.device("a")
        con.execute("BEGIN")
        con.execute("INSERT INTO kv VALUES('k', 1)")
        con.execute("INSERT INTO accounts(id, balance) VALUES('x', 1)")
        con.execute("SAVEPOINT s")
        con.execute("UPDATE accounts SET balance = balance + 1")
        con.execute("INSERT INTO accounts(id) VALUES('gone')")
        con.execute("ROLLBACK TO s")
        con.execute("UPDATE accounts SET balance = balance + 5")
        con.execute("COMMIT")
        self.assertEqual(self.all(con, "id, balance"), [("x", 6)])
        rows = [r for r in self.log("a", "a.kv").rows]
        self.assertEqual([(r.bucket, r.key, r.txn) for r in rows],
                         [("", "k", 3), ("#schema", "accounts", 3), ("accounts", "x", 3)])
        con.execute("BEGIN")
        con.execute("DELETE FROM accounts")
        con.execute("ROLLBACK")
        self.assertEqual(self.all(con, "id, balance"), [("x", 6)])
        self.check(con)

    def test_a_statement_that_fails_leaves_nothing(self):
        con = self.device("a", ", CHECK(balance < 10)")
        con.execute("INSERT INTO accounts(id, balance) VALUES('x', 1), ('y', 2), ('z', 9)")
        con.execute("BEGIN")
        self.fails("UPDATE accounts SET balance = balance + 1", "CHECK constraint failed", con=con)
        self.fails("INSERT INTO accounts(id) VALUES('new'), ('x')",
                   "UNIQUE constraint failed: accounts.id", con=con)
        self.fails("UPDATE accounts SET id = 'w', balance = 50 WHERE id = 'x'",
                   "CHECK constraint failed", con=con)
        con.execute("COMMIT")
        self.assertEqual(self.all(con, "id, balance"), [("x", 1), ("y", 2), ("z", 9)])
        self.assertEqual(con.execute("SELECT count(*) FROM kv_log WHERE bucket = 'accounts'")
                         .fetchone(), (3,))
        self.check(con)

    def test_rules_of_columns(self):
        con = self.device("a", declare="""CREATE VIRTUAL TABLE %s USING kv_table(
            id INTEGER PRIMARY KEY, t TEXT NOT NULL DEFAULT 'none', i INTEGER, r REAL,
            b BLOB, x ANY, u TEXT, UNIQUE(u)%s)""", table="t")
        con.execute("INSERT INTO t(id, i, r, b, x) VALUES('7', '5', 3, x'00', 'any')")
        con.execute("INSERT INTO t(id, t, i, r) VALUES(8.0, 1.5, 2.0, '0.5')")
        self.assertEqual(self.all(con, table="t"), [
            (7, "none", 5, 3.0, b"\0", "any", None), (8, "1.5", 2, 0.5, None, None, None)])
        for values, message in (
                ("(id) VALUES(NULL)", "NOT NULL constraint failed: t.id"),
                ("(id, i) VALUES(9, 'x')", "cannot store TEXT value in INTEGER column t.i"),
                ("(id, i) VALUES(9, 1.5)", "cannot store REAL value in INTEGER column t.i"),
                ("(id, b) VALUES(9, 'x')", "cannot store TEXT value in BLOB column t.b"),
                ("(id, t) VALUES(9, x'00')", "cannot store BLOB value in TEXT column t.t"),
                ("(id) VALUES('x')", "cannot store TEXT value in INTEGER column t.id")):
            self.fails("INSERT INTO t" + values, message, con=con)
        con.execute("UPDATE t SET u = 'one' WHERE id = 7")
        self.fails("UPDATE t SET u = 'one' WHERE id = 8", "UNIQUE constraint failed: t.u", con=con)
        self.fails("UPDATE t SET t = NULL", "NOT NULL constraint failed: t.t", con=con)
        con.execute("UPDATE t SET id = 77 WHERE id = 7")
        self.fails("UPDATE t SET u = 'one' WHERE id = 8", "UNIQUE constraint failed: t.u", con=con)

    def test_or_replace_updates_and_or_ignore_ignores(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, name, balance) VALUES('x', 'Ann', 3)")
        con.execute("INSERT OR IGNORE INTO accounts(id, name) VALUES('x', 'Bob')")
        con.execute("INSERT OR REPLACE INTO accounts(id, city) VALUES('x', 'Oslo')")
        self.assertEqual(self.all(con), [("x", None, "Oslo", 0, None, None, None)])
        self.assertEqual(json.loads(con.execute(
            "SELECT value FROM kv_log ORDER BY seq DESC").fetchone()[0]),
            {"balance": 0, "best": None, "city": "Oslo", "name": None, "tags": None,
             "visits": None})
        self.check(con)

    def test_a_value_may_change_its_type_alone(self):
        """1 and 1.0 are one key, and two values."""
        declare = "CREATE VIRTUAL TABLE %s USING kv_table(id INTEGER PRIMARY KEY, x ANY, y TEXT%s)"
        a, b = (self.device(name, declare=declare, table="t") for name in "ab")
        a.execute("INSERT INTO t VALUES(1, 1.0, 'a'), (2, 1.0, 'b'), (3, 1.0, 'c'), (4, 2, 'd')")
        a.execute("UPDATE t SET x = 1 WHERE id = 1")
        a.execute("INSERT OR REPLACE INTO t VALUES(2, 1, 'b')")
        a.execute("SELECT kv_assign('t', 3, 'x', 1)")
        a.execute("UPDATE t SET x = 2.0 WHERE id = 4")
        self.meet(a=a, b=b)
        for con in a, b:
            self.assertEqual(self.all(con, "id, typeof(x)", table="t"),
                             [(1, "integer"), (2, "integer"), (3, "integer"), (4, "real")])
            self.assertEqual(con.execute("SELECT kv_check('t')").fetchone(), (0,))

    def test_a_whole_number_as_a_key_of_any_type_is_an_integer(self):
        """1 and 1.0 are one key: all devices show the same one."""
        declare = "CREATE VIRTUAL TABLE %s USING kv_table(id ANY PRIMARY KEY, x TEXT%s)"
        a, b, c = (self.device(name, declare=declare, table="t") for name in "abc")
        a.execute("INSERT INTO t VALUES(1, 'a'), (2.0, 'a'), (2.5, 'a'), ('3.0', 'a')")
        b.execute("INSERT INTO t VALUES(1.0, 'b'), (2, 'b')")
        b.execute("INSERT OR REPLACE INTO t VALUES(-0.0, 'b'), (1e300, 'b')")
        self.meet(a=a, b=b, c=c)
        b.execute("UPDATE t SET id = 2.0 WHERE id = 2")
        self.meet(a=a, b=b, c=c)
        for con in a, b, c:
            for table in "t", "t_data":
                self.assertEqual(self.all(con, "id, typeof(id), x", table=table), [
                    (0, "integer", "b"), (1, "integer", "b"), (2, "integer", "b"),
                    (2.5, "real", "a"), (1e300, "real", "b"), ("3.0", "text", "a")])
            self.assertEqual(con.execute("SELECT kv_check('t')").fetchone(), (0,))

    def test_keys_of_several_columns(self):
        con = self.device("a", declare="""CREATE VIRTUAL TABLE %s USING kv_table(
            a TEXT, n INTEGER, v, PRIMARY KEY(a, n)%s)""".replace("v,", "v ANY,"), table="t")
        con.execute("INSERT INTO t VALUES('x', 1, 'one'), ('x', 2, 'two'), ('y\"', 1, 3)")
        con.execute("UPDATE t SET v = 'new' WHERE a = 'x' AND n = 2")
        con.execute("UPDATE t SET n = 5 WHERE v = 3")
        con.execute("DELETE FROM t WHERE n = 1")
        self.assertEqual(self.all(con, table="t"), [("x", 2, "new"), ("y\"", 5, 3)])
        self.assertEqual(con.execute("SELECT DISTINCT key FROM kv_log WHERE bucket = 't' ORDER BY 1").fetchall(), [
            ('["x",1]',), ('["x",2]',), ('["y\\"",1]',), ('["y\\"",5]',)])
        b = self.device("b", declare="""CREATE VIRTUAL TABLE %s USING kv_table(
            a TEXT, n INTEGER, v ANY, PRIMARY KEY(a, n)%s)""", table="t")
        self.meet(a=con, b=b)
        self.assertEqual(self.all(b, table="t"), self.all(con, table="t"))

    def test_foreign_keys_restrict(self):
        con = self.device("a", declare="""CREATE VIRTUAL TABLE %s USING kv_table(
            id TEXT PRIMARY KEY%s)""", table="users")
        con.execute("""CREATE VIRTUAL TABLE temp.notes USING kv_table(
            id TEXT PRIMARY KEY, owner TEXT REFERENCES users(id), up TEXT,
            FOREIGN KEY(up) REFERENCES notes)""")
        con.execute("INSERT INTO users VALUES('ann'), ('bob')")
        self.fails("INSERT INTO notes VALUES('n', 'carl', NULL)",
                   "FOREIGN KEY constraint failed", con=con)
        con.execute("INSERT INTO notes VALUES('n', 'ann', NULL), ('m', NULL, 'n')")
        con.execute("INSERT INTO notes VALUES('self', NULL, 'self')")
        self.fails("INSERT INTO notes VALUES('o', NULL, 'nobody')",
                   "FOREIGN KEY constraint failed", con=con)
        self.fails("DELETE FROM users WHERE id = 'ann'", "FOREIGN KEY constraint failed", con=con)
        self.fails("DELETE FROM notes WHERE id = 'n'", "FOREIGN KEY constraint failed", con=con)
        con.execute("DELETE FROM users WHERE id = 'bob'")
        con.execute("UPDATE notes SET owner = NULL")
        con.execute("DELETE FROM users")
        self.assertEqual(self.all(con, table="users"), [])

    def test_types_and_foreign_keys_end_the_statement(self):
        """OR IGNORE, FAIL and ROLLBACK are for other constraints, as in SQLite."""
        con = self.device("a", table="p", declare="CREATE VIRTUAL TABLE %s USING kv_table("
                          "id TEXT PRIMARY KEY, n INTEGER NOT NULL, CHECK (n > 0)%s)")
        con.execute("CREATE VIRTUAL TABLE temp.c USING kv_table("
                    "id TEXT PRIMARY KEY, p TEXT REFERENCES p(id))")
        con.execute("INSERT INTO p VALUES('x', 1), ('y', 2)")
        con.execute("INSERT INTO c VALUES('c', 'x')")
        wrong = (("INSERT OR %s INTO p VALUES('z', 1), ('w', 'text')", "cannot store TEXT value"),
                 ("UPDATE OR %s p SET n = CASE id WHEN 'x' THEN 7 ELSE 'text' END",
                  "cannot store TEXT value"),
                 ("INSERT OR %s INTO c VALUES('d', 'y'), ('e', 'none')", "FOREIGN KEY"),
                 ("UPDATE OR %s p SET id = 'z' WHERE id = 'x'", "FOREIGN KEY"),
                 ("UPDATE OR %s p SET id = id || id || ''", "FOREIGN KEY"))
        for begin in "BEGIN", "SELECT 1":
            con.execute(begin)
            con.execute("UPDATE p SET n = n + 1")
            rows = self.all(con, table="p")
            for clause, (sql, message) in itertools.product(
                    ("ABORT", "FAIL", "IGNORE", "REPLACE", "ROLLBACK"), wrong):
                self.fails(sql % clause, message, con=con)
                self.assertEqual(con.in_transaction, begin == "BEGIN", (clause, sql))
                self.assertEqual(self.all(con, table="p"), rows, (clause, sql))
                self.assertEqual(self.all(con, table="c"), [("c", "x")], (clause, sql))
            if begin == "BEGIN":
                con.execute("COMMIT")
        con.execute("INSERT OR IGNORE INTO p VALUES('x', 1), ('z', 0), ('z', NULL), ('w', 9)")
        self.assertEqual(self.all(con, table="p"), [("w", 9), ("x", 3), ("y", 4)])
        for table in "pc":
            self.assertEqual(con.execute("SELECT kv_check(?)", (table,)).fetchone(), (0,))

    def test_the_error_of_a_row_that_is_ignored_is_forgotten(self):
        con = self.device("a", table="t", declare="CREATE VIRTUAL TABLE %s USING kv_table("
                          "id TEXT PRIMARY KEY%s)")
        con.execute("INSERT INTO t VALUES('x')")
        con.create_function("stop", 1, lambda key: con.interrupt() if key == "y" else None)
        self.fails("INSERT OR IGNORE INTO t SELECT value FROM json_each('[\"x\",\"y\",\"z\"]') "
                   "WHERE stop(value) IS NULL", "interrupted", con=con)

    def test_a_row_that_refers_to_itself_is_deleted_and_moved(self):
        con = self.device("a", table="t", declare="""CREATE VIRTUAL TABLE %s USING kv_table(
            id INTEGER PRIMARY KEY, p INTEGER REFERENCES t(id)%s)""")
        con.execute("INSERT INTO t VALUES(1, 1), (2, 2), (3, 2)")
        con.execute("DELETE FROM t WHERE id = 1")
        self.fails("DELETE FROM t WHERE id = 2", "FOREIGN KEY constraint failed", con=con)
        con.execute("DELETE FROM t WHERE id = 3")
        self.fails("UPDATE t SET id = 5", "FOREIGN KEY constraint failed", con=con)
        con.execute("UPDATE t SET id = 5, p = 5")
        self.assertEqual(self.all(con, table="t"), [(5, 5)])

    def test_foreign_keys_refer_to_the_key_of_a_typed_table(self):
        con = self.device("a", table="p", declare="CREATE VIRTUAL TABLE %s USING kv_table("
                          "id TEXT PRIMARY KEY, name TEXT%s)")
        child = ("CREATE VIRTUAL TABLE temp.c USING kv_table(id TEXT PRIMARY KEY, "
                 "o TEXT REFERENCES %s)")
        con.execute("INSERT INTO p VALUES('x', 'Ann')")
        con.execute("CREATE VIRTUAL TABLE temp.other USING kv(?, device = 'a')"
                    .replace("?", "'%s'" % self.path("other.kv")))
        con.execute("CREATE VIRTUAL TABLE temp.o USING kv_table(id TEXT PRIMARY KEY, "
                    "store = other)")
        con.execute("CREATE TEMP TABLE pl_data(id TEXT PRIMARY KEY)")
        con.execute("INSERT INTO pl_data VALUES('x')")
        for parent, message in (("p(name)", "refers to p, but not to its primary key"),
                                ("p(nosuch)", "refers to p, but not to its primary key"),
                                ("o", "refers to o, which is a table of another store")):
            self.fails(child % parent, message, con=con)
        con.execute(child % "pl")
        insert = "INSERT INTO c VALUES('k', 'x')"
        self.fails(insert, "refers to pl, which is no typed table of this schema", con=con)
        con.execute("DROP TABLE c")
        con.execute(child % "late(name)")
        con.execute("CREATE VIRTUAL TABLE temp.late USING kv_table(id TEXT PRIMARY KEY, "
                    "name TEXT)")
        self.fails(insert, "refers to late, but not to its primary key", con=con)
        con.execute("DROP TABLE c")
        con.execute(child % "P(ID)")
        con.execute(insert)
        con.execute("ALTER TABLE p RENAME TO q")
        self.fails(insert.replace("'k'", "'l'"), "refers to P, which is no typed table", con=con)
        con.execute("ALTER TABLE q RENAME TO p")
        con.execute(insert.replace("'k'", "'l'"))

    def test_assign_takes_a_value(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, name) VALUES('x', 'Ann')")
        self.fails("UPDATE accounts SET _assign = 'name'", "which the UPDATE does not set",
                   con=con)
        self.assertEqual(self.all(con, "name"), [("Ann",)])
        con.execute("SELECT kv_assign('accounts', 'x', 'name', NULL)")
        self.assertEqual(self.all(con, "name"), [(None,)])

    def test_reads_use_key_and_index(self):
        con = self.device("a", ", INDEX(name, city)")
        con.executemany("INSERT INTO accounts(id, name, city) VALUES(?, ?, ?)",
                        [("k%03d" % i, "n%d" % (i % 7), i % 3) for i in range(100)])
        for where in ("id = 'k042'", "id > 'k090'", "id BETWEEN 'k010' AND 'k012'",
                      "name = 'n3'", "name = 'n3' AND city > '0'", "name IN ('n1', 'n2')",
                      "city IS '2'", "name LIKE 'N1'", "id = 'k001' OR name = 'n6'",
                      "name = 'N3' COLLATE NOCASE", "balance = 0 AND id < 'k005'"):
            for order in ("id", "name DESC, id", "city, id DESC"):
                sql = "SELECT id, name, city FROM %%s WHERE %s ORDER BY %s" % (where, order)
                self.assertEqual(con.execute(sql % "accounts").fetchall(),
                                 con.execute(sql % "accounts_data").fetchall(), sql)
        self.assertEqual(con.execute("SELECT count(*) FROM accounts").fetchone(), (100,))
        con.execute("UPDATE accounts SET city = a.id FROM (SELECT 'k001' AS id) AS a "
                    "WHERE accounts.id = a.id") if sqlite3.sqlite_version_info >= (3, 33) \
            else None

    def test_an_empty_text_is_a_key(self):
        a = self.device("a")
        a.execute("INSERT INTO accounts(id, tags) VALUES('', '[1]'), ('a', '[]')")
        for tags in "[0]", "[1]", "[2]":
            a.execute("UPDATE accounts SET tags = ? WHERE id = ''", (tags,))
        b = self.device("b")
        self.meet(a=a, b=b)
        for con in a, b:
            self.assertEqual(self.all(con, "id, tags"), [("", "[2]"), ("a", "[]")])
            self.check(con)

    def test_keys_that_are_made(self):
        con = self.device("a", declare="""CREATE VIRTUAL TABLE %s USING kv_table(
            id TEXT PRIMARY KEY DEFAULT (kv_uuid()), n INTEGER DEFAULT (kv_id()),
            at TEXT DEFAULT CURRENT_TIMESTAMP%s)""", table="t")
        con.execute("WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE "
                    "n < 2000) INSERT INTO t(id) SELECT NULL FROM i")
        rows = con.execute("SELECT id, n, at FROM t_data ORDER BY id").fetchall()
        self.assertEqual(len(rows), 2000)
        self.assertEqual(len({n for _, n, _ in rows}), 2000)
        self.assertEqual(sorted(n for _, n, _ in rows), [n for _, n, _ in rows])
        self.assertRegex(rows[0][0], "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                         "[0-9a-f]{12}$")
        self.assertRegex(rows[0][2], r"^2026-\d\d-\d\d \d\d:\d\d:\d\d$")
        self.assertTrue(all(n > 0 for _, n, _ in rows))

    def test_an_integer_key_is_the_last_insert_rowid(self):
        con = self.device("a", file="a.db", table="t", declare="""CREATE VIRTUAL TABLE %s
            USING kv_table(id INTEGER PRIMARY KEY DEFAULT (kv_id()), name TEXT UNIQUE%s)""")
        con.execute("""CREATE VIRTUAL TABLE texts USING kv_table(
            id TEXT PRIMARY KEY DEFAULT (kv_uuid()), n INTEGER)""")
        con.execute("""CREATE VIRTUAL TABLE pairs USING kv_table(
            a INTEGER, b INTEGER, PRIMARY KEY(a, b))""")
        con.execute("CREATE TABLE seen(id INTEGER PRIMARY KEY, of INTEGER)")
        con.execute("CREATE TRIGGER see AFTER INSERT ON t_data BEGIN "
                    "INSERT INTO seen(of) VALUES(new.id); END")

        def last(sql):
            with contextlib.suppress(sqlite3.IntegrityError):
                con.execute(sql)
            return con.execute("SELECT last_insert_rowid()").fetchone()[0]

        made = last("INSERT INTO t(name) VALUES('a')")
        self.assertEqual(self.all(con, "*", "t"), [(made, "a")])
        self.assertEqual(last("INSERT INTO t VALUES(7, 'b')"), 7)
        self.assertEqual(last("INSERT INTO t VALUES('8', 'c')"), 8)
        self.assertEqual(last("INSERT INTO t VALUES(9, 'd'), (5, 'e')"), 5)
        for other in ("INSERT OR IGNORE INTO t VALUES(7, 'x')", "INSERT INTO t VALUES(7, 'x')",
                      "INSERT OR IGNORE INTO t VALUES(6, 'a')", "UPDATE t SET id = 4 WHERE id = 5",
                      "DELETE FROM t WHERE id = 9", "INSERT INTO texts(n) VALUES(3)",
                      "INSERT INTO pairs VALUES(1, 2)", "INSERT INTO kv VALUES(1, 2)"):
            self.assertEqual(last(other), 5, other)
        self.assertEqual(last("INSERT OR REPLACE INTO t VALUES(7, 'x')"), 7)
        b = self.device("b", table="t", declare="""CREATE VIRTUAL TABLE %s
            USING kv_table(id INTEGER PRIMARY KEY, name TEXT%s)""")
        b.execute("INSERT INTO t VALUES(21, 'theirs'), (22, NULL)")
        self.meet(a=con, b=b)
        self.assertEqual(last("SELECT 1"), 7)
        con.execute("DELETE FROM t_data WHERE id = 21")
        self.assertEqual(last("SELECT kv_check('t')"), 7)
        self.assertEqual(con.execute("SELECT id FROM t WHERE id IN (21, 22)").fetchall(),
                         [(21,), (22,)])

    def test_places_in_a_list(self):
        con = self.device("a", declare=None)
        def between(*args):
            return con.execute("SELECT kv_between(%s)" % ", ".join("?" * len(args)),
                               args).fetchone()[0]
        low, high = between(None, None), None
        for _ in range(60):
            place = between(low, high)
            self.assertTrue(low < place and (high is None or place < high))
            low, high = (low, place) if _ % 3 else (place, high)
        places = [between("a", "b", i, 100) for i in range(100)]
        self.assertEqual(sorted(set(places)), places)
        self.assertTrue("a" < places[0] and places[-1] < "b")
        self.assertNotEqual(between("a", "b"), between("a", "b"))
        self.assertLess(len(between("a", "b")), 9)
        for wrong in (("b", "a"), ("a", "a"), ("a-", None), (None, None, 3, 3)):
            self.fails("SELECT kv_between(%s)" % ", ".join(map(
                lambda v: "NULL" if v is None else repr(v), wrong)),
                "takes two places", con=con)


class Declarations(Typed):
    def test_what_is_wrong_is_said(self):
        con = self.device("a", declare=None)
        for text, message in (
                ("", "a name is missing"),
                ("id TEXT", "it has no PRIMARY KEY"),
                ("id PRIMARY KEY", "a column's type is INTEGER"),
                ("id VARCHAR PRIMARY KEY", "a column's type is INTEGER"),
                ("id TEXT PRIMARY KEY, _x TEXT", "begins with _"),
                ("id TEXT PRIMARY KEY, ID TEXT", "column ID is declared twice"),
                ("id TEXT PRIMARY KEY, PRIMARY KEY(id)", "second PRIMARY KEY"),
                ("id TEXT PRIMARY KEY, n TEXT, MERGE(n counter)", "merged as a number"),
                ("id TEXT PRIMARY KEY, n INTEGER, MERGE(n set)", "is a set or list"),
                ("id TEXT PRIMARY KEY, n INTEGER, MERGE(n sum)", "a kind is lww"),
                ("id TEXT PRIMARY KEY, MERGE(id set)", "is of the key"),
                ("id TEXT PRIMARY KEY, MERGE(x set)", "column x is not declared"),
                ("id TEXT PRIMARY KEY, INDEX(x)", "column x is not declared"),
                ("id TEXT PRIMARY KEY, UNIQUE(id, id)", "named twice"),
                ("id TEXT PRIMARY KEY DEFAULT (1 + 1)", ") is missing"),
                ("id TEXT PRIMARY KEY DEFAULT (random())", "a default is a literal"),
                ("id TEXT PRIMARY KEY, n INTEGER DEFAULT 'x'", "default of column n is no INTEGER"),
                ("id TEXT PRIMARY KEY, n TEXT DEFAULT 'x', MERGE(n set)",
                 "default of column n is no JSON array"),
                ("id TEXT PRIMARY KEY, o TEXT REFERENCES t(o)", "but not to its primary key"),
                ("id TEXT PRIMARY KEY, o TEXT REFERENCES t(id) ON DELETE CASCADE",
                 "can only RESTRICT"),
                ("id TEXT PRIMARY KEY, CHECK (id > )", "syntax error"),
                ("id TEXT PRIMARY KEY, CHECK (nobody > 1)", "no such column: nobody"),
                ("id TEXT PRIMARY KEY, deletes = never", "deletes is later"),
                ("id TEXT PRIMARY KEY, bucket = '#x'", "does not begin with #"),
                ("id TEXT PRIMARY KEY, store = nothing", "which is not there"),
                ("id TEXT PRIMARY KEY; DROP TABLE x", "near \"; DROP"),
                ("id TEXT COLLATE NOCASE PRIMARY KEY", "a constraint that is not known")):
            with self.assertRaises(sqlite3.Error) as error:
                con.execute("CREATE VIRTUAL TABLE temp.t USING kv_table(%s)" % text)
            self.assertIn(message, str(error.exception), text)
            self.assertEqual(con.execute("SELECT name FROM sqlite_temp_master WHERE name "
                                         "LIKE 't%'").fetchall(), [], text)

    def test_names_are_quoted_as_in_sql(self):
        con = self.device("a", declare=None)
        con.execute("""CREATE VIRTUAL TABLE temp."my ""table" USING kv_table(
            "the ""key" TEXT PRIMARY KEY, [select] INTEGER DEFAULT -1, /* a comment, */
            `order` TEXT DEFAULT 'it''s', -- ends here )
            INDEX("order"), CHECK ("select" < 5 -- less
            ))""")
        con.execute("""INSERT INTO "my ""table"("the ""key") VALUES('k')""")
        self.assertEqual(con.execute("""SELECT * FROM "my ""table" """).fetchall(),
                         [("k", -1, "it's")])
        self.fails("""UPDATE "my ""table" SET "select" = 5""", "CHECK constraint", con=con)

    def test_drop_keeps_what_the_logs_have(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, name) VALUES('x', 'Ann')")
        con.execute("DROP TABLE accounts")
        self.assertEqual(con.execute("SELECT name FROM sqlite_temp_master WHERE name LIKE "
                                     "'acc%'").fetchall(), [])
        con.execute(ACCOUNTS % ("temp.accounts", ""))
        self.assertEqual(self.all(con, "id, name"), [("x", "Ann")])

    def test_the_store_stays_as_long_as_its_tables(self):
        con = self.device("a")
        self.fails("SELECT kv_close()", "kv has typed tables: DROP TABLE them first (accounts)",
                   con=con)
        self.fails("DROP TABLE kv", "locked", con=con)
        con.execute("DROP TABLE accounts")
        con.execute("SELECT kv_close()")

    def test_tables_and_stores_are_renamed(self):
        con = self.device("a", file="a.db")
        con.execute("INSERT INTO accounts(id, name) VALUES('x', 'Ann')")
        con.execute("ALTER TABLE accounts RENAME TO people")
        con.execute("ALTER TABLE kv RENAME TO store")
        con.execute("INSERT INTO people(id, name) VALUES('y', 'Bob')")
        self.assertEqual(self.all(con, "id, name", "people"), [("x", "Ann"), ("y", "Bob")])
        self.assertEqual(con.execute("SELECT DISTINCT bucket FROM kv_log('store')").fetchall(),
                         [("#schema",), ("accounts",)])
        con.close()
        con = self.connect(self.path("a.db"))
        con.execute("UPDATE people SET name = 'Cec' WHERE id = 'y'")
        self.assertEqual(self.all(con, "id, name", "people"), [("x", "Ann"), ("y", "Cec")])


class Merges(Typed):
    """Section by section: what two devices see that did not see each other."""

    def both(self, a, b, before="", deletes="later"):
        """Two devices with one row write; later is b. Returns the row, which is the
        same for all orders of arrival."""
        a_con = self.device("a", ", deletes = " + deletes)
        b_con = self.device("b", ", deletes = " + deletes, now=10)
        c_con = self.device("c", ", deletes = " + deletes)
        a_con.execute("INSERT INTO accounts(id, name, balance, tags, best) VALUES('x', 'old', "
                      "10, '[\"blue\"]', 1)")
        if before:
            c_con.execute("SELECT 1")
        self.meet(a=a_con, b=b_con)
        for statement in a:
            a_con.execute(statement)
        for statement in b:
            b_con.execute(statement)
        deliver(self.path("b.kv"), self.path("c.kv"), "b")
        sync(c_con)
        deliver(self.path("a.kv"), self.path("c.kv"), "a")
        sync(c_con)
        self.meet(a=a_con, b=b_con)
        rows = self.all(a_con)
        for con in (a_con, b_con, c_con):
            self.assertEqual(self.all(con), rows)
            if deletes == "later":
                self.check(con)
        return rows

    def row(self, rows):
        self.assertEqual(len(rows), 1)
        return dict(zip(("id", "name", "city", "balance", "best", "tags", "visits"), rows[0]))

    def test_different_columns_both_survive(self):
        row = self.row(self.both(["UPDATE accounts SET name = 'x'"],
                                 ["UPDATE accounts SET city = 'y'"]))
        self.assertEqual((row["name"], row["city"]), ("x", "y"))

    def test_the_later_one_of_a_column_wins(self):
        row = self.row(self.both(["UPDATE accounts SET name = 'x'"],
                                 ["UPDATE accounts SET name = 'z'"]))
        self.assertEqual(row["name"], "z")

    def test_no_increment_is_lost(self):
        row = self.row(self.both(["UPDATE accounts SET balance = balance + 3"],
                                 ["UPDATE accounts SET balance = balance - 5"]))
        self.assertEqual(row["balance"], 8)

    def test_an_assignment_keeps_increments_that_it_had_not_seen(self):
        row = self.row(self.both(["UPDATE accounts SET balance = balance + 3"],
                                 ["SELECT kv_assign('accounts', 'x', 'balance', 0)"]))
        self.assertEqual(row["balance"], 3)

    def test_adding_to_a_set_wins(self):
        row = self.row(self.both(
            ["UPDATE accounts SET tags = '[\"blue\",\"red\"]'"],
            ["UPDATE accounts SET tags = '[\"red\"]'", "UPDATE accounts SET tags = '[]'"]))
        self.assertEqual(row["tags"], '["red"]')

    def test_the_greater_one_stays(self):
        row = self.row(self.both(["UPDATE accounts SET best = 9"],
                                 ["UPDATE accounts SET best = 7"]))
        self.assertEqual(row["best"], 9.0)

    def test_lists_have_what_both_appended(self):
        row = self.row(self.both(["UPDATE accounts SET visits = '[1]'"],
                                 ["UPDATE accounts SET visits = '[2]'"]))
        self.assertEqual(row["visits"], "[1,2]")

    def test_a_delete_and_a_later_edit(self):
        row = self.row(self.both(["DELETE FROM accounts"],
                                 ["UPDATE accounts SET city = 'y'"]))
        self.assertEqual((row["name"], row["city"]), ("old", "y"))

    def test_an_edit_and_a_later_delete(self):
        self.assertEqual(self.both(["UPDATE accounts SET city = 'y'"],
                                   ["DELETE FROM accounts"]), [])

    def test_deletes_that_lose(self):
        row = self.row(self.both(["UPDATE accounts SET city = 'y'"],
                                 ["DELETE FROM accounts"], deletes="lose"))
        self.assertEqual(row["city"], "y")

    def test_kv_delete_of_a_row_whose_delete_lost(self):
        a, b = (self.device(name, ", CHECK(name <> 'bad'), deletes = lose", now=now)
                for name, now in (("a", 0), ("b", 60)))
        c = self.device("c", ", deletes = lose")
        a.execute("INSERT INTO accounts(id, name) VALUES('shown', 'x'), ('hidden', 'x'), "
                  "('gone', 'x')")
        self.meet(a=a, c=c)
        self.meet(a=a, b=b)
        c.execute("UPDATE accounts SET name = 'bad' WHERE id = 'hidden'")
        c.execute("UPDATE accounts SET name = 'y' WHERE id = 'shown'")
        b.execute("DELETE FROM accounts")
        self.meet(a=a, b=b, c=c)
        for con in (a, b):
            self.assertEqual(self.all(con, "id"), [("shown",)])
            self.assertEqual(con.execute("SELECT key FROM accounts_hidden").fetchall(),
                             [("hidden",)])
        delete = "SELECT kv_delete(?, 'accounts')"
        for key, existed in (("shown", 1), ("hidden", 1), ("gone", 0), ("none", 0)):
            for again in (existed, 0):
                self.assertEqual(a.execute(delete, (key,)).fetchall(), [(again,)], key)
        self.meet(a=a, b=b, c=c)
        for con in (a, b, c):
            self.assertEqual(self.all(con, "id"), [])
            self.assertEqual(con.execute("SELECT key FROM accounts_hidden").fetchall(), [])

    def test_deletes_that_win(self):
        self.assertEqual(self.both(["DELETE FROM accounts"],
                                   ["UPDATE accounts SET city = 'y'"], deletes="win"), [])

    def test_kv_delete_and_DELETE_that_win(self):
        a, b = (self.device(name, ", CHECK(name <> 'bad'), deletes = win", now=now)
                for name, now in (("a", 0), ("b", 60)))
        c = self.device("c", ", deletes = win", now=120)
        keys = ["delete", "hidden", "kv_delete", "revived"]
        a.executemany("INSERT INTO accounts(id, name) VALUES(?, 'x')", [(k,) for k in keys])
        self.meet(a=a, b=b, c=c)
        c.execute("UPDATE accounts SET name = 'bad' WHERE id = 'hidden'")
        self.meet(a=a, b=b, c=c)
        self.assertEqual(self.all(b, "id"), [(k,) for k in keys if k != "hidden"])
        delete = "SELECT kv_delete(?, 'accounts')"
        for key in "kv_delete", "hidden":
            for existed in 1, 0:
                self.assertEqual(b.execute(delete, (key,)).fetchone(), (existed,), key)
        b.execute("DELETE FROM accounts WHERE id IN ('delete', 'hidden')")
        # c, which has not seen that, changes all; and begins one anew
        c.execute("UPDATE accounts SET name = 'y', balance = balance + 1")
        c.execute("DELETE FROM accounts WHERE id = 'revived'")
        c.execute("INSERT INTO accounts(id) VALUES('revived')")
        b.execute("SELECT kv_delete('revived', 'accounts')")
        self.meet(a=a, b=b, c=c)
        for con in (a, b, c):
            self.assertEqual(self.all(con, "id"), [])
            self.assertEqual(con.execute("SELECT key FROM accounts_hidden").fetchall(), [])
            for key in keys:
                self.assertEqual(con.execute(delete, (key,)).fetchone(), (0,), key)
        self.assertEqual(a.execute("SELECT count(*) FROM kv_log WHERE device = 'a' AND op = "
                                   "'delete'").fetchone(), (0,))
        a.execute("INSERT INTO accounts(id, name) VALUES('revived', 'again'), ('delete', 'z')")
        self.meet(a=a, b=b, c=c)
        self.assertEqual(c.execute(delete, ("delete",)).fetchone(), (1,))
        self.meet(a=a, b=b, c=c)
        for con in (a, b, c):
            self.assertEqual(self.all(con, "id, name, balance"), [("revived", "again", 0)])
            self.check_deleted(con)

    def check_deleted(self, con):
        self.assertEqual(con.execute("SELECT kv_check('accounts')").fetchone(), (0,))
        self.assertEqual({k for k in typed.fold(con, "accounts", "win")}, {"revived"})

    def test_an_insert_after_a_delete_begins_anew(self):
        row = self.row(self.both(
            ["UPDATE accounts SET city = 'a'"],
            ["DELETE FROM accounts", "INSERT INTO accounts(id, name) VALUES('x', 'new')"]))
        self.assertEqual((row["name"], row["city"], row["balance"]), ("new", "a", 0))

    def test_two_inserts_of_a_key_are_one_row(self):
        a = self.device("a")
        b = self.device("b", now=10)
        a.execute("INSERT INTO accounts(id, name) VALUES('x', 'Ann')")
        b.execute("INSERT INTO accounts(id, city) VALUES('x', 'Oslo')")
        self.meet(a=a, b=b)
        for con in (a, b):
            self.assertEqual(self.all(con, "id, name, city"), [("x", "Ann", "Oslo")])

    def test_a_key_that_is_renamed_comes_back_by_a_later_edit(self):
        rows = self.both(["UPDATE accounts SET id = 'y'"], ["UPDATE accounts SET name = 'z'"])
        self.assertEqual([(r[0], r[1]) for r in rows], [("x", "z"), ("y", "old")])


class Violations(Typed):
    NARROW = """CREATE VIRTUAL TABLE %s USING kv_table(id TEXT PRIMARY KEY,
        name TEXT NOT NULL, balance INTEGER NOT NULL DEFAULT 0, city TEXT, email TEXT,
        CHECK(balance >= 0), UNIQUE(email), MERGE(balance counter)%s)"""
    WIDE = """CREATE VIRTUAL TABLE %s USING kv_table(id ANY PRIMARY KEY, name ANY,
        balance INTEGER, city ANY, email TEXT, MERGE(balance counter)%s)"""

    def hidden(self, con):
        return con.execute("SELECT key, rule, column_name FROM accounts_hidden "
                           "ORDER BY key").fetchall()

    def test_rows_that_are_not_allowed_are_hidden_until_they_are(self):
        a = self.device("a", declare=self.WIDE)
        b = self.device("b", declare=self.NARROW)
        a.execute("INSERT INTO accounts VALUES('check', 'n', -1, NULL, NULL), "
                  "('null', NULL, 1, NULL, NULL), ('ok', 'n', 1, NULL, NULL), "
                  "('type', 'n', 1, 5, NULL), (7, 'n', 1, NULL, NULL)")
        self.meet(a=a, b=b)
        self.assertEqual(self.all(b, "id"), [("ok",)])
        self.assertEqual(self.hidden(b), [
            (7, "key", None), ("check", "check", None), ("null", "not null", "name"),
            ("type", "type", "city")])
        a.execute("UPDATE accounts SET name = 'n', city = NULL, balance = 1")
        self.meet(a=a, b=b)
        self.assertEqual(self.all(b, "id"), [("check",), ("null",), ("ok",), ("type",)])
        self.assertEqual(self.hidden(b), [(7, "key", None)])

    def test_two_valid_decrements_may_hide_a_row(self):
        a = self.device("a", declare=self.NARROW)
        b = self.device("b", declare=self.NARROW)
        a.execute("INSERT INTO accounts(id, name, balance) VALUES('x', 'n', 5)")
        self.meet(a=a, b=b)
        a.execute("UPDATE accounts SET balance = balance - 4")
        b.execute("UPDATE accounts SET balance = balance - 3")
        self.meet(a=a, b=b)
        self.assertEqual((self.all(a), self.all(b)), ([], []))
        self.assertEqual(self.hidden(a), self.hidden(b))
        b.execute("DROP TABLE accounts")
        b.execute(self.WIDE % ("temp.accounts", ""))
        self.assertEqual(self.all(b, "balance"), [(-2,)])

    def test_an_update_waits_for_its_insert(self):
        a = self.device("a")
        b = self.device("b")
        c = self.device("c")
        a.execute("INSERT INTO accounts(id, name) VALUES('x', 'Ann')")
        self.meet(a=a, b=b)
        b.execute("UPDATE accounts SET city = 'Oslo'")
        deliver(self.path("b.kv"), self.path("c.kv"), "b")
        sync(c)
        self.assertEqual(self.all(c), [])
        self.assertEqual(self.hidden(c), [("x", "incomplete", None)])
        deliver(self.path("a.kv"), self.path("c.kv"), "a")
        sync(c)
        self.assertEqual(self.all(c, "name, city"), [("Ann", "Oslo")])
        self.assertEqual(self.hidden(c), [])

    def test_a_row_inserted_over_a_hidden_one_begins_anew(self):
        declare = "CREATE VIRTUAL TABLE %s USING kv_table(id TEXT PRIMARY KEY, a TEXT, c TEXT%s)"
        a = self.device("a", declare=declare, table="t")
        b = self.device("b", ", CHECK(a <> 'bad')", declare=declare, table="t")
        a.execute("INSERT INTO t VALUES('k', 'bad', 'Oslo')")
        self.meet(a=a, b=b)
        self.assertEqual(b.execute("SELECT key, rule FROM t_hidden").fetchall(), [("k", "check")])
        b.execute("INSERT INTO t(id, a) VALUES('k', 'good')")
        self.assertEqual(b.execute("SELECT key FROM t_hidden").fetchall(), [])
        self.meet(a=a, b=b)
        for con in (a, b):
            self.assertEqual(self.all(con, table="t"), [("k", "good", None)])

    def test_a_key_of_another_form_touches_no_row(self):
        for columns, rows in (
                (("id INTEGER, k TEXT, v TEXT, PRIMARY KEY(id, k)",
                  "id REAL, k TEXT, v TEXT, PRIMARY KEY(id, k)"),
                 (("INSERT INTO t VALUES(1, 'a', 'a')", '[1,"a"]'),
                  ("INSERT INTO t VALUES(1, 'a', 'b')", '[1.0,"a"]'))),
                (("id INTEGER PRIMARY KEY, v TEXT", "id REAL PRIMARY KEY, v TEXT"),
                 (("INSERT INTO t VALUES(9007199254740993, 'a')", 9007199254740993),
                  ("INSERT INTO t VALUES(9007199254740992, 'b')", None)))):
            a, b = (self.device(name, table="t", declare="CREATE VIRTUAL TABLE %s USING "
                                "kv_table(" + c + "%s)") for name, c in zip("ab", columns))
            a.execute(rows[0][0])
            b.execute(rows[1][0])
            self.meet(a=a, b=b)
            self.assertIn(("a",), self.all(a, "v", "t"))
            self.assertEqual(self.all(b, "v", "t"), [("b",)])
            if rows[1][1]:
                self.assertEqual(a.execute("SELECT key, rule FROM t_hidden").fetchall(),
                                 [(rows[1][1], "key")])
            self.assertEqual(b.execute("SELECT key, rule FROM t_hidden").fetchall(),
                             [(rows[0][1], "key")])
            b.execute("DELETE FROM t")
            self.meet(a=a, b=b)
            self.assertEqual(self.all(a, "v", "t"), [("a",)])
            for con in (a, b):
                con.execute("DROP TABLE t")
                con.execute("SELECT kv_close()")
                con.close()
            for name in "ab":
                shutil.rmtree(self.path(name + ".kv"))

    def test_unknown_columns_appear_when_they_are_declared(self):
        a = self.device("a")
        b = self.device("b", declare="CREATE VIRTUAL TABLE %s USING kv_table("
                        "id TEXT PRIMARY KEY, name TEXT%s)")
        a.execute("INSERT INTO accounts(id, name, city) VALUES('x', 'Ann', 'Oslo')")
        self.meet(a=a, b=b)
        b.execute("UPDATE accounts SET name = 'Anna'")
        b.execute("INSERT OR REPLACE INTO accounts VALUES('x', 'Anne')")
        self.meet(a=a, b=b)
        self.assertEqual(self.all(a, "name, city"), [("Anne", "Oslo")])
        b.execute("DROP TABLE accounts")
        b.execute(ACCOUNTS % ("temp.accounts", ""))
        self.assertEqual(self.all(b), self.all(a))


class Comparisons(Typed):
    """A query finds in a typed table what it finds in an ordinary one."""

    TEXTS = ["", "0", "1", "01", " 1", "1.0", "10", "5", "-3", "+2", ".5", "1e0", "9z", "abc",
             "!", ":", "2026-02-01", "inf", "\u20ac"]
    NUMBERS = [0, 1, 5, 10, -3, 2, 0.5, 1.5, 10.0, float("inf"), 2 ** 53 + 1, 2.0 ** 53]
    VALUES = {"TEXT": TEXTS, "INTEGER": [0, 1, 5, 10, -3, 2, 2 ** 53 + 1],
              "REAL": [0.0, 1.0, 0.5, -3.0, 2.0 ** 53], "BLOB": [b"", b"1", b"abc"],
              "ANY": TEXTS + NUMBERS + [b"1", b""]}
    OTHERS = ["", "INTEGER", "REAL", "DATE", "TEXT", "BLOB"]

    def filled(self, key):
        con = self.device("d" + key, declare=None)
        con.execute("CREATE VIRTUAL TABLE temp.t USING kv_table(k %s PRIMARY KEY, t TEXT, "
                    "i INTEGER, r REAL, b BLOB, x ANY, INDEX(t), INDEX(i, r), INDEX(x, t))" % key)
        for n, value in enumerate(self.VALUES[key]):
            con.execute("INSERT OR IGNORE INTO t VALUES(?, ?, ?, ?, ?, ?)", [value] + [
                (of + [None])[n * 7 % (len(of) + 1)] for of in
                map(self.VALUES.get, ("TEXT", "INTEGER", "REAL", "BLOB", "ANY"))])
        con.execute("CREATE TEMP TABLE p(%s)" % ", ".join(
            "p%d %s" % (n, of) for n, of in enumerate(self.OTHERS)))
        for value in self.VALUES["ANY"] + [None]:
            con.execute("INSERT INTO p VALUES(%s)" % ", ".join(["?1"] * 6), (value,))
        return con

    def query(self, rnd):
        column = rnd.choice("kktirbx")
        op = rnd.choice(["=", "=", "<", "<=", ">", ">=", "IS"])
        other = "p%d" % rnd.randrange(6)
        values = rnd.choices(self.VALUES["ANY"] + [None], k=2)
        tail = rnd.choice(["", " AND x > %s" % rnd.choice(["1", "'a'", "p0"]), " AND i = 1"])
        order = rnd.choice(["", " ORDER BY t.k", " ORDER BY t.x DESC, t.t"])
        return rnd.choice([
            ("SELECT t.k, p.rowid FROM %%s AS t, p WHERE t.%s %s p.%s%s%s" % (
                column, op, other, tail, order), []),
            ("SELECT k FROM %%s AS t WHERE %s IN (SELECT %s FROM p)%s" % (
                column, other, order), []),
            ("SELECT k FROM %%s AS t WHERE %s IN (?, ?)%s" % (column, order), values),
            ("SELECT k FROM %%s AS t WHERE %s %s ?%s" % (column, op, order), values[:1]),
            ("SELECT k FROM %%s AS t WHERE %s %s CAST(? AS %s)" % (
                column, op, rnd.choice(["INTEGER", "TEXT", "BLOB", "NUMERIC"])), values[:1]),
            ("SELECT k FROM %%s AS t WHERE %s BETWEEN ? AND ?" % column, values),
            ("SELECT p.rowid, (SELECT count(t.k) FROM %%s AS t WHERE t.%s %s p.%s) FROM p" % (
                column, op, other), [])])

    def test_random_conditions(self):
        rnd = random.Random(4)
        for key in ("TEXT", "INTEGER", "REAL", "ANY"):
            con = self.filled(key)
            for _ in range(int(os.environ.get("KV_TYPED_QUERIES", "150"))):
                sql, values = self.query(rnd)
                rows, want = (con.execute(sql % table, values).fetchall()
                              for table in ("t", "t_data"))
                self.assertEqual(sorted(rows, key=repr), sorted(want, key=repr),
                                 (key, sql, values))

    def test_conditions_that_need_another_affinity(self):
        con = self.device("a", declare="CREATE VIRTUAL TABLE %s USING kv_table("
                          "id TEXT PRIMARY KEY, n INTEGER%s)", table="t")
        con.execute("INSERT INTO t VALUES('0', 1), ('01', 1), ('1', 1), ('x', 1)")
        con.execute("CREATE TEMP TABLE p(i INTEGER)")
        con.execute("INSERT INTO p VALUES(1)")
        for sql, want in (("FROM t, p WHERE t.id = p.i", ["01", "1"]),
                          ("FROM t WHERE id = CAST(1 AS INTEGER)", ["01", "1"]),
                          ("FROM t, p WHERE t.id >= p.i", ["01", "1", "x"]),
                          ("FROM t WHERE id IN (SELECT i FROM p)", ["01", "1"]),
                          ("FROM t WHERE id = 1", ["1"]),
                          ("FROM t WHERE _key = CAST(1 AS INTEGER)", ["01", "1"])):
            self.assertEqual(sorted(i for i, in con.execute("SELECT id " + sql)), want, sql)
        con.execute("UPDATE t SET n = 2 WHERE id = CAST(1 AS INTEGER)")
        con.execute("DELETE FROM t WHERE id = 1")
        self.assertEqual(self.all(con, table="t"), [("0", 1), ("01", 2), ("x", 1)])


class Schemas(Typed):
    """Several typed tables of one database."""

    def test_a_bucket_has_one_table(self):
        con = self.device("a", file="a.db")
        con.execute("ALTER TABLE accounts RENAME TO people")
        for name, more in (("accounts", ""), ("other", ", bucket = 'accounts'")):
            self.fails(ACCOUNTS % ("main." + name, more),
                       "table people has bucket 'accounts' of kv already: declare another "
                       "one, as in bucket =", con=con)
        con.execute(ACCOUNTS % ("main.accounts", ", bucket = 'more'"))
        con.execute("DROP TABLE people")
        con.execute(ACCOUNTS % ("main.people", ", bucket = 'accounts'"))

    def test_the_module_may_be_quoted(self):
        for n, quoted in enumerate(('"kv_table"', "[KV_table]", "`kv_table`", "'kv_table'")):
            a, b = self.device("a%d" % n, declare=None), self.device("b%d" % n, declare=None)
            for con in (a, b):
                con.execute("CREATE VIRTUAL TABLE temp.t USING kv_table(id TEXT PRIMARY KEY)")
                con.execute("CREATE VIRTUAL TABLE temp.u USING %s(id TEXT PRIMARY KEY, "
                            "t TEXT REFERENCES t)" % quoted)
            a.execute("INSERT INTO t VALUES('x')")
            a.execute("INSERT INTO u VALUES('y', 'x')")
            self.fails("DELETE FROM t", "FOREIGN KEY constraint failed", con=a)
            self.meet(**{"a%d" % n: a, "b%d" % n: b})
            self.assertEqual(self.all(b, table="u"), [("y", "x")], quoted)

    def test_a_renamed_table_leaves_its_name_to_another_one(self):
        con = self.device("a", ", INDEX(name), INDEX(city)", file="a.db")
        con.execute("ALTER TABLE accounts RENAME TO people")
        con.execute(ACCOUNTS % ("main.accounts", ", INDEX(name), INDEX(city), bucket = 'b'"))
        con.execute("INSERT INTO accounts(id, name) VALUES('x', 'Ann')")
        self.assertEqual(self.all(con, "id"), [("x",)])
        self.assertEqual([n for n, in con.execute(
            "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
            "AND tbl_name LIKE '%_data' GROUP BY tbl_name")], [2, 2])

    def test_or_replace_moves_a_row_with_its_unique_columns(self):
        con = self.device("a", declare="CREATE VIRTUAL TABLE %s USING kv_table("
                          "id TEXT PRIMARY KEY, e TEXT UNIQUE%s)", table="t")
        con.execute("INSERT INTO t VALUES('a', 'x'), ('b', 'y'), ('c', 'z')")
        con.execute("UPDATE OR REPLACE t SET id = 'b' WHERE id = 'a'")
        self.assertEqual(self.all(con, table="t"), [("b", "x"), ("c", "z")])
        con.execute("UPDATE OR REPLACE t SET id = 'c', e = 'z' WHERE id = 'b'")
        self.assertEqual(self.all(con, table="t"), [("c", "z")])
        con.execute("INSERT INTO t VALUES('d', 'w'), ('e', 'v')")
        self.fails("UPDATE OR REPLACE t SET id = 'd', e = 'v' WHERE id = 'c'",
                   "UNIQUE constraint failed: t.e", con=con)

    def test_foreign_keys_are_looked_for_when_the_schema_changes(self):
        con = self.device("a", file="a.db", table="t", declare="CREATE VIRTUAL TABLE %s USING "
                          "kv_table(id TEXT PRIMARY KEY%s)")
        child = ("CREATE VIRTUAL TABLE %s USING kv_table(id TEXT PRIMARY KEY, "
                 "t TEXT REFERENCES t)")
        other = child.replace(" REFERENCES t", ", INDEX(t)") # as many changes of the schema
        con.execute("INSERT INTO t VALUES('x'), ('y'), ('z')")
        con.execute("BEGIN")
        con.execute(other % "u")
        con.execute("DELETE FROM t WHERE id = 'z'")
        con.execute("ROLLBACK")
        con.execute(child % "u")
        con.execute("INSERT INTO u VALUES('u', 'x')")
        self.fails("DELETE FROM t WHERE id = 'x'", "FOREIGN KEY constraint failed", con=con)
        con.execute("DROP TABLE u")
        con.execute("DELETE FROM t WHERE id = 'x'")
        con.execute("SAVEPOINT s")
        con.execute("INSERT INTO t VALUES('w')")
        con.execute("SAVEPOINT s2")
        con.execute(other % "v")
        con.execute("DELETE FROM t WHERE id = 'w'")
        con.execute("ROLLBACK TO s2")
        con.execute(child % "v")
        con.execute("INSERT INTO v VALUES('v', 'y')")
        self.fails("DELETE FROM t WHERE id = 'y'", "FOREIGN KEY constraint failed", con=con)
        con.execute("RELEASE s")

    def test_a_delete_does_not_read_all_declarations(self):
        con = self.device("a", declare=None)
        for n in range(20):
            con.execute("CREATE VIRTUAL TABLE temp.t%d USING kv_table(id TEXT PRIMARY KEY, "
                        "n INTEGER, CHECK(n > 0))" % n)
        con.execute("WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE "
                    "n < 200) INSERT INTO t0 SELECT n, n FROM i")
        steps = []
        con.set_progress_handler(lambda: steps.append(1), 1)
        con.execute("DELETE FROM t0 WHERE id = '1'")
        first = len(steps)
        con.execute("DELETE FROM t0 WHERE id = '2'")
        self.assertLess(len(steps) - first, first - 20 * 8)


class Hosts(Typed):
    def test_a_second_connection_sees_and_writes(self):
        one = self.device("a", file="a.db")
        two = self.connect(self.path("a.db"))
        two.execute("SELECT count(*) FROM sqlite_master").fetchall()
        one.execute("INSERT INTO accounts(id, name) VALUES('x', 'Ann')")
        two.execute("UPDATE accounts SET balance = balance + 1")
        one.execute("UPDATE accounts SET balance = balance + 1")
        self.assertEqual(self.all(two, "balance"), [(2,)])
        two.execute("DROP TABLE accounts")
        two.execute(self.NARROWER % "main.accounts")
        one.execute("INSERT INTO accounts(id, name) VALUES('y', 'Bob')")
        self.assertEqual(self.all(two), [("x", "Ann"), ("y", "Bob")])
        b = self.device("b")
        b.execute("INSERT INTO accounts(id, name) VALUES('z', 'Cec')")
        deliver(self.path("b.kv"), self.path("a.kv"), "b")
        sync(one)
        self.assertEqual(self.all(two, "id"), [("x",), ("y",), ("z",)])

    NARROWER = "CREATE VIRTUAL TABLE %s USING kv_table(id TEXT PRIMARY KEY, name TEXT)"

    def test_a_connection_without_the_table_keeps_its_rows(self):
        a = self.device("a")
        b = self.device("b", declare=None)
        a.execute("INSERT INTO accounts(id, name) VALUES('x', 'Ann')")
        self.meet(a=a, b=b)
        self.assertEqual(b.execute("SELECT bucket, key FROM kv_log").fetchall(),
                         [("#schema", "accounts"), ("accounts", "x")])
        b.execute(ACCOUNTS % ("temp.accounts", ""))
        self.assertEqual(self.all(b, "id, name"), [("x", "Ann")])

    def test_a_trigger_on_the_data_keeps_a_search_in_step(self):
        a = self.device("a", file="a.db", declare="CREATE VIRTUAL TABLE %s USING kv_table("
                        "id INTEGER PRIMARY KEY DEFAULT (kv_id()), body TEXT%s)",
                        table="notes")
        try:
            a.execute("CREATE VIRTUAL TABLE search USING fts5(body, content='notes_data', "
                      "content_rowid='id')")
        except sqlite3.OperationalError:
            self.skipTest("this SQLite has no FTS5")
        gone = "INSERT INTO search(search, rowid, body) VALUES('delete', old.id, old.body);"
        new = "INSERT INTO search(rowid, body) VALUES(new.id, new.body);"
        for event, what in (("INSERT", new), ("DELETE", gone), ("UPDATE", gone + new)):
            a.execute("CREATE TRIGGER search_%s AFTER %s ON notes_data BEGIN %s END"
                      % (event, event, what))
        a.execute("INSERT INTO notes VALUES(1, 'milk and bread'), (2, 'tea')")
        a.execute("UPDATE notes SET body = 'green tea' WHERE id = 2")
        b = self.device("b", table="notes", declare="CREATE VIRTUAL TABLE %s USING kv_table("
                        "id INTEGER PRIMARY KEY, body TEXT%s)")
        self.meet(a=a, b=b)
        b.execute("UPDATE notes SET body = 'milk alone' WHERE id = 1")
        b.execute("DELETE FROM notes WHERE id = 2")
        self.meet(a=a, b=b)
        self.assertEqual(a.execute("SELECT rowid FROM search('milk')").fetchall(), [(1,)])
        self.assertEqual(a.execute("SELECT rowid FROM search('bread OR tea')").fetchall(), [])
        a.execute("INSERT INTO search(search) VALUES('integrity-check')")

    def test_a_trigger_on_the_data_that_rolls_back(self):
        a = self.device("a", file="a.db")
        b = self.device("b")
        b.execute("INSERT INTO accounts(id, name) VALUES('x', 'Ann')")
        deliver(self.path("b.kv"), self.path("a.kv"), "b")
        a.execute("CREATE TRIGGER no AFTER INSERT ON accounts_data BEGIN "
                  "SELECT RAISE(ROLLBACK, 'no'); END")
        for _ in range(2):
            self.fails("SELECT kv_sync()", "a trigger on accounts_data rolled back the "
                       "transaction", con=a)
            self.assertFalse(a.in_transaction)
        self.fails("INSERT INTO accounts(id) VALUES('y')", con=a)
        self.assertEqual(self.all(a), [])
        a.execute("DROP TRIGGER no")
        sync(a)
        self.assertEqual(self.all(a, "id, name"), [("x", "Ann")])

    def test_a_trigger_on_the_data_that_fails(self):
        """RAISE(FAIL) keeps what the statement did; the row is not in the log, though."""
        con = self.device("a")
        con.execute("CREATE TEMP TRIGGER no AFTER INSERT ON accounts_data BEGIN "
                    "SELECT RAISE(FAIL, 'no'); END")
        for begin in "BEGIN", "SELECT 1":
            con.execute(begin)
            self.fails("INSERT INTO accounts(id) VALUES('x')", "no", con=con)
            con.execute("END" if begin == "BEGIN" else begin)
            self.assertEqual(self.all(con), [])
        con.execute("DROP TRIGGER no")
        con.execute("INSERT INTO accounts(id) VALUES('x')")
        self.assertEqual(con.execute("SELECT kv_check('accounts')").fetchone(), (0,))

    def test_a_bucket_that_was_written_by_hand(self):
        a = self.device("a", file="a.db")
        for bucket in ("", "#x"):
            a.execute("UPDATE accounts_meta SET bucket = ?", (bucket,))
            self.fails("INSERT INTO accounts(id) VALUES('x')",
                       "accounts_meta names the bucket '%s', which is not one" % bucket, con=a)

    def test_a_table_behind_it_that_is_gone_is_named(self):
        for gone in ("data", "hidden", "meta"):
            a = self.device("a", file=gone + ".db")
            b = self.device("b")
            b.execute("INSERT INTO accounts(id, name) VALUES(?, 'Ann')", (gone,))
            deliver(self.path("b.kv"), self.path("a.kv"), "b")
            a.execute("DROP TABLE accounts_" + gone)
            self.fails("SELECT kv_sync()", "no such table: main.accounts_%s: DROP TABLE accounts, "
                       "and create it again" % gone, con=a)
            a.execute("DROP TABLE accounts")
            a.execute(ACCOUNTS % ("main.accounts", ""))
            sync(a)
            self.assertIn((gone,), self.all(a, "id"))

    def test_a_trigger_on_the_data_cannot_write_to_the_store(self):
        a = self.device("a", file="a.db")
        a.execute("CREATE TRIGGER back AFTER INSERT ON accounts_data BEGIN "
                  "INSERT INTO kv VALUES('k', 1); END")
        self.fails("INSERT INTO accounts(id) VALUES('x')", "a trigger on a table behind a typed table", "writes to kv", con=a)
        self.assertEqual(self.all(a), [])

    def test_two_processes_of_a_device_do_not_overwrite_each_other(self):
        one = self.device("a")
        one.execute("INSERT INTO accounts(id, name, balance) VALUES('x', 'Ann', 5)")
        two = self.device("a")
        one.execute("UPDATE accounts SET balance = balance + 1")
        two.execute("UPDATE accounts SET balance = balance + 2")
        one.execute("UPDATE accounts SET balance = balance + 4")
        with self.assertRaises(sqlite3.OperationalError) as error:
            two.execute("UPDATE accounts SET name = 'Bob'")
        self.assertIn("another process changed row x of accounts", str(error.exception))
        self.assertEqual(self.all(two, "name"), [("Ann",)])
        sync(two)
        two.execute("UPDATE accounts SET name = 'Bob'")
        sync(one)
        for con in (one, two):
            self.assertEqual(self.all(con, "name, balance"), [("Bob", 12)])
            self.check(con)

    def test_a_copy_of_the_host_has_the_tables(self):
        a = self.device("a", file="a.db", more=", INDEX(name)")
        a.execute("INSERT INTO accounts(id, name) VALUES('x', 'Ann')")
        a.execute("VACUUM INTO ?", (self.path("copy.db"),))
        a.execute("VACUUM")
        a.execute("UPDATE accounts SET city = 'Oslo'")
        a.execute("ATTACH ? AS other", (self.path("copy.db"),))
        self.assertEqual(a.execute("SELECT id, name, city FROM other.accounts_data").fetchall(),
                         [("x", "Ann", None)])
        a.execute("DETACH other")
        a.close()
        copy = self.connect(self.path("copy.db"))
        sync(copy)
        self.assertEqual(self.all(copy, "id, name, city"), [("x", "Ann", "Oslo")])
        copy.execute("UPDATE accounts SET name = 'Anna'")
        self.assertEqual(copy.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.check(copy)

    def test_a_cache_that_is_made_again_makes_the_tables_again(self):
        a = self.device("a", file="a.db")
        a.execute("INSERT INTO accounts(id, name) VALUES('x', 'Ann'), ('y', 'Bob')")
        a.execute("DELETE FROM accounts WHERE id = 'y'")
        support.edit(self.path("a.db"), "DELETE FROM accounts_data", "DROP TABLE kv_meta")
        a.close()
        a = self.connect(self.path("a.db"))
        sync(a)
        self.assertEqual(self.all(a, "id, name"), [("x", "Ann")])
        self.check(a)

    def test_rows_wait_while_the_folder_is_away(self):
        a = self.device("a", file="a.db")
        os.rename(self.path("a.kv"), self.path("away"))
        a.execute("INSERT INTO accounts(id, name, city) VALUES('x', ?, 'y')", ("n" * 2000,))
        a.execute("UPDATE accounts SET city = 'Oslo'")
        os.rename(self.path("away"), self.path("a.kv"))
        sync(a)
        b = self.device("b")
        self.meet(a=a, b=b)
        self.assertEqual(self.all(b), self.all(a))

    def test_rows_that_are_not_in_the_cache_yet_are_read(self):
        """A transaction writes its log rows late; whoever reads them sees them."""
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, balance) VALUES('a', 1), ('c', 3)")
        reads = {
            "kv_log": "SELECT key, value ->> '$.balance' FROM kv_log WHERE bucket = 'accounts' "
                      "AND seq > 4 ORDER BY seq",
            "as of": "SELECT id, balance FROM accounts(4000000000000000) ORDER BY id",
            "history": "SELECT key, value FROM kv_history('accounts') WHERE column_name = 'balance'"
                       " ORDER BY seq",
            "kv": "SELECT count(*) FROM kv"}
        for name, sql in reads.items():
            con.execute("BEGIN")
            for key in "bdea":
                con.execute("INSERT OR REPLACE INTO accounts(id, balance) VALUES(?, 5)", (key,))
            con.execute("INSERT INTO kv VALUES('k', 1)")
            con.execute("UPDATE accounts SET balance = balance + 1 WHERE id IN ('b', 'c')")
            con.execute("DELETE FROM accounts WHERE id = 'd'")
            con.execute("SAVEPOINT s")
            con.execute("INSERT INTO accounts(id, balance) VALUES('f', 7), ('g', 8)")
            con.execute("UPDATE accounts SET balance = 9 WHERE id = 'b'")
            con.execute("ROLLBACK TO s")
            con.execute("INSERT INTO accounts(id, balance) VALUES('z', 10)")
            got = con.execute(sql).fetchall()
            con.execute("UPDATE accounts SET balance = balance + 1 WHERE id = 'z'")
            con.execute("COMMIT")
            rows = [("a", 5), ("b", 6), ("c", 4), ("e", 5), ("z", 11)]
            self.assertEqual(self.all(con, "id, balance"), rows, name)
            self.assertEqual(con.execute("SELECT kv_check('accounts')").fetchone(), (0,), name)
            want = con.execute(sql).fetchall()
            if name in ("kv_log", "as of", "history"):
                self.assertEqual([r for r in got if r[0] != "z"], [r for r in want if r[0] != "z"])
                self.assertIn("z", [r[0] for r in got], name)
            con.execute("DELETE FROM accounts WHERE id NOT IN ('a', 'c')")
            con.execute("UPDATE accounts SET balance = 3 WHERE id = 'c'")
            con.execute("DELETE FROM kv")

    def test_a_trigger_on_the_data_reads_what_the_transaction_wrote(self):
        con = self.device("a")
        con.execute("CREATE TABLE seen(n)")
        con.execute("CREATE TEMP TRIGGER see AFTER INSERT ON accounts_data BEGIN INSERT INTO "
                    "seen SELECT count(*) FROM kv_log WHERE bucket = 'accounts'; END")
        con.execute("BEGIN")
        for key in "abc":
            con.execute("INSERT INTO accounts(id) VALUES(?)", (key,))
        con.execute("COMMIT")
        self.assertEqual(self.all(con, "n", "seen"), [(0,), (1,), (2,)])

    def test_many_rows_in_one_transaction(self):
        a = self.device("a")
        a.execute("WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < "
                  "9000) INSERT INTO accounts(id, name) SELECT n, printf('%05000d', n) FROM i")
        b = self.device("b")
        self.meet(a=a, b=b)
        self.assertEqual(self.all(b, "count(*), sum(length(name))"), [(9000, 45000000)])


if __name__ == "__main__":
    unittest.main()
