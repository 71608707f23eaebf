"""kv_revert() of rows of typed tables: a row is what it was, by one log row, and on all
devices. test_typed_random.py compares it with the model.
"""

import json
import sqlite3
import unittest

import foreign
from generations import Log
from support import NOW, SECOND, log_path, sync
from test_typed import ACCOUNTS, Typed
from test_violations import HERE, NEWER, OLDER

PLACES = "CREATE VIRTUAL TABLE %s USING kv_table(a TEXT, n INTEGER, v ANY, PRIMARY KEY(a, n)%s)"


class Revert(Typed):
    def revert(self, con, key, day=None, table="accounts"):
        """What it returns; day: half a day before that of a change."""
        as_of = None if day is None else NOW + int((day - 0.5) * 86400) * SECOND
        given, = con.execute("SELECT kv_revert(?, ?, ?)", (key, as_of, table)).fetchone()
        return given and json.loads(given)

    def written(self, con, table="accounts"):
        return [(op, value and json.loads(value)) for op, value in con.execute(
            "SELECT op, value FROM kv_log WHERE bucket = ? AND device = ? ORDER BY seq DESC",
            (table, con.execute("SELECT device FROM kv_devices WHERE is_self").fetchone()[0]))]

    def days(self, con, name, *changes, first=1):
        """Each change a day after the last one."""
        for day, change in enumerate(changes, first):
            self.at(con, name, day)
            con.execute(change)

    def whole(self, *cons, table="accounts"):
        for con in cons:
            self.assertEqual(con.execute("SELECT kv_check(?)", (table,)).fetchone(), (0,))

    def test_each_kind_goes_back(self):
        a, b = self.device("a"), self.device("b", now=3 * 86400)
        a.execute("INSERT INTO accounts VALUES('x', 'n', NULL, 5, 5, '[1,2]', '[1]')")
        self.days(a, "a", "UPDATE accounts SET name = NULL, city = 'c', balance = balance + 4, "
                  "best = 9, tags = '[2,3]', visits = '[1,2]'")
        self.meet(a=a, b=b)
        self.at(a, "a", 2)
        row = {"name": "n", "city": None, "balance": 5, "best": 5.0, "tags": [1, 2], "visits": [1]}
        self.assertEqual(self.revert(a, "x", 1), row)
        self.assertEqual(self.written(a)[0], ("set", {
            **row, "tags": {"set": [1, 2]}, "visits": {"array": [1]}}))
        # b has not seen it: what it adds is added, what it cuts was put anew
        b.execute("UPDATE accounts SET balance = balance + 10, best = 11, tags = '[3,4]', "
                  "visits = '[1,2,7]', city = 'of b'")
        self.meet(a=a, b=b)
        for con in a, b:
            self.assertEqual(self.all(con), [("x", "n", "of b", 15, 11.0, "[1,2,4]", "[1,7]")])
        self.whole(a, b)

    def test_two_devices_revert_the_same_row(self):
        a, b = self.device("a"), self.device("b")
        a.execute("INSERT INTO accounts(id, balance, tags) VALUES('x', 5, '[1]'), ('y', 1, NULL)")
        self.days(a, "a", "UPDATE accounts SET balance = balance + 4, tags = '[2]'",
                  "DELETE FROM accounts WHERE id = 'y'")
        self.meet(a=a, b=b)
        for con, name in (a, "a"), (b, "b"):
            self.at(con, name, 3)
            for key in "xy":
                self.revert(con, key, 1)
        self.meet(a=a, b=b)
        for con in a, b:
            self.assertEqual(self.all(con, "id, balance, tags"), [("x", 5, "[1]"), ("y", 1, None)])
        self.whole(a, b)

    def test_nothing_is_written_if_nothing_differs(self):
        con = self.device("a")
        self.days(con, "a", "INSERT INTO accounts(id, name) VALUES('x', 'n')",
                  "UPDATE accounts SET name = 'm'", "UPDATE accounts SET name = 'n'",
                  "DELETE FROM accounts", first=0)
        self.assertIsNone(self.revert(con, "x", 4))
        self.assertIsNone(self.revert(con, "none"))
        self.assertIsNone(self.revert(con, "none", 1))
        self.assertEqual(len(self.written(con)), 4)
        self.assertEqual(self.revert(con, "x", 3), {"name": "n", "balance": 0})
        self.assertEqual(self.written(con)[0], ("set", {"": 1, "name": "n", "balance": 0}))
        self.assertEqual(self.revert(con, "x", 1), {"name": "n", "balance": 0})
        self.assertEqual(len(self.written(con)), 5)

    def test_a_row_that_a_failed_update_has_seen_is_read_again(self):
        """Behind a rollback."""
        a = self.device("a")
        a.execute("CREATE VIRTUAL TABLE temp.n USING kv_table(id INTEGER PRIMARY KEY, v INTEGER NOT NULL)")
        a.execute("INSERT INTO n VALUES(1, 10)")
        a.execute("UPDATE n SET v = 20")
        for begin, end in ("BEGIN", "ROLLBACK"), ("SAVEPOINT s", "ROLLBACK TO s; RELEASE s"):
            a.execute("UPDATE n SET v = 20")
            a.execute(begin)
            a.execute("UPDATE n SET v = 10 WHERE id = 1")
            with self.assertRaisesRegex(sqlite3.IntegrityError, "NOT NULL"):
                a.execute("UPDATE n SET v = NULL WHERE id = 1")
            for statement in end.split("; "):
                a.execute(statement)
            self.assertEqual(self.revert(a, 1, table="n"), {"v": 10})
            self.assertEqual(a.execute("SELECT v FROM n").fetchall(), [(10,)])
            self.whole(a, table="n")

    def test_deletes(self):
        """A row that one device deletes and another one changes, by each rule."""
        for deletes in "later", "lose", "win":
            self.fresh()
            more = ", deletes = " + deletes
            a, b = self.device("a", more), self.device("b", more)
            a.execute("INSERT INTO accounts(id, name) VALUES('x', 'n'), ('y', 'n')")
            self.meet(a=a, b=b)
            self.days(a, "a", "DELETE FROM accounts")
            self.days(b, "b", "UPDATE accounts SET city = 'c' WHERE id = 'x'", first=2)
            self.meet(a=a, b=b)
            shown = {"later": ["x"], "lose": ["x"], "win": []}[deletes]
            self.assertEqual([i for i, in self.all(a, "id")], shown)
            self.at(a, "a", 3)
            for key in "xy":
                self.assertEqual(self.revert(a, key, 0.6)["name"], "n")
            self.assertEqual(self.all(a, "id, city"), [("x", None), ("y", None)])
            self.at(b, "b", 4)
            sync(b)
            self.meet(a=a, b=b)
            self.assertEqual(self.all(b, "id, city"), [("x", None), ("y", None)])
            for key in "xy":
                self.assertIsNone(self.revert(b, key, 0))
            self.meet(a=a, b=b)
            for con in a, b:
                self.assertEqual(self.all(con), [], deletes)
            self.whole(a, b)

    def test_a_transaction_is_one_change(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, name, balance) VALUES('x', 'old', 1)")
        self.at(con, "a", 1)
        con.execute("BEGIN")
        con.execute("UPDATE accounts SET name = 'a', balance = balance + 1")
        con.execute("UPDATE accounts SET name = 'b'")
        self.assertEqual(self.revert(con, "x"), {"balance": 1, "name": "old"})
        con.execute("UPDATE accounts SET balance = balance + 2")
        con.execute("COMMIT")
        self.assertEqual(self.written(con)[0], ("set", {"balance": 3, "name": "old"}))
        con.execute("BEGIN")
        con.execute("DELETE FROM accounts")
        con.execute("SAVEPOINT s")
        self.assertEqual(self.revert(con, "x", 1), {"balance": 1, "name": "old"})
        self.assertEqual(self.all(con, "id, balance"), [("x", 1)])
        con.execute("ROLLBACK TO s")
        self.assertEqual(self.all(con), [])
        con.execute("INSERT INTO accounts(id) VALUES('x')")
        self.assertIsNone(self.revert(con, "x", 0))
        self.assertEqual(self.revert(con, "x", 1), {"balance": 1, "name": "old"})
        con.execute("COMMIT")
        self.assertEqual(self.all(con, "id, name, balance"), [("x", "old", 1)])
        self.assertEqual(len(self.written(con)), 3)
        con.execute("BEGIN")
        self.revert(con, "x", 0)
        con.execute("ROLLBACK")
        self.assertEqual(self.all(con, "id, name, balance"), [("x", "old", 1)])
        self.assertEqual(len(self.written(con)), 3)
        self.whole(con)

    def test_what_is_not_allowed_is_refused(self):
        con = self.device("a", ", UNIQUE(name), CHECK(balance < 10), FOREIGN KEY(city) "
                          "REFERENCES accounts")
        con.execute("INSERT INTO accounts(id, name, balance, city) VALUES('x', 'n', 1, NULL), "
                    "('p', NULL, 0, NULL), ('c', NULL, 0, 'p')")
        self.days(con, "a", "UPDATE accounts SET name = NULL, balance = 5, city = 'p' WHERE id = 'x'",
                  "DELETE FROM accounts WHERE id = 'c'", "UPDATE accounts SET city = NULL",
                  "DELETE FROM accounts WHERE id = 'p'",
                  "INSERT INTO accounts(id, name) VALUES('y', 'n')")
        n = len(self.written(con))
        con.execute("BEGIN")
        for key, day, message in (("x", 1, "UNIQUE constraint failed: accounts.name"),
                                  ("x", 2, "FOREIGN KEY constraint failed"),
                                  ("c", 1, "FOREIGN KEY constraint failed")):
            self.fails("SELECT kv_revert(?, ?, 'accounts')", message, con=con,
                       args=(key, NOW + int((day - 0.5) * 86400) * SECOND))
        con.execute("COMMIT")
        self.assertEqual(len(self.written(con)), n)
        self.assertIsNotNone(self.revert(con, "p", 1))
        self.assertIsNotNone(self.revert(con, "c", 1))
        self.fails("SELECT kv_revert('p', NULL, 'accounts')", "FOREIGN KEY constraint failed",
                   con=con)
        con.execute("SELECT kv_alter('accounts', ?)", ("DECLARE (id TEXT PRIMARY KEY, name TEXT, "
                    "balance INTEGER, city TEXT NOT NULL, CHECK(balance < 5))",))
        for key, day, message in (("x", 2, "CHECK constraint failed"),
                                  ("x", 1, "cannot be a row of accounts now: not null, city")):
            self.fails("SELECT kv_revert(?, ?, 'accounts')", message, con=con,
                       args=(key, NOW + int((day - 0.5) * 86400) * SECOND))
        self.whole(con)

    def test_columns_of_another_version_go_back_too(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, name, tags) VALUES('x', 'n', '[1]'), ('y', 'n', '[1]')")
        self.days(con, "a", "UPDATE accounts SET name = 'm', tags = '[2]'",
                  "DELETE FROM accounts WHERE id = 'y'")
        con.execute("SELECT kv_alter('accounts', 'DECLARE (id TEXT PRIMARY KEY, name TEXT)')")
        for key in "xy":
            self.assertEqual(self.revert(con, key, 1), {"balance": 0, "name": "n", "tags": [1]})
        con.execute("DROP TABLE accounts")
        con.execute(ACCOUNTS % ("temp.accounts", ""))
        self.assertEqual(self.all(con, "id, name, tags"), [("x", "n", "[1]"), ("y", "n", "[1]")])

    def test_a_hidden_row(self):
        for theirs in OLDER, NEWER:
            self.fresh()
            a = self.device("a", declare=theirs, table="people")
            b = self.device("b", declare=HERE, table="people", now=9 * 86400)
            a.execute("INSERT INTO people(id, name, age) VALUES('k', 'n', 1), (7, 'n', 1), ('l', 'n', 1)")
            self.days(a, "a", "UPDATE people SET name = NULL, age = 2", "DELETE FROM people WHERE id = 'l'",
                      "INSERT INTO people(id, age) VALUES('l', 2)")
            self.meet(a=a, b=b)
            self.assertEqual(self.all(b, "id", "people"), [])
            self.fails("SELECT kv_revert('k', NULL, 'nobody')", "there is no store named nobody", con=b)
            self.fails("SELECT kv_revert(7, ?, 'people')", "cannot be a row of people now: key",
                       con=b, args=(NOW + 1,))
            self.assertEqual(self.revert(b, "k", 1, "people"), {"name": "n", "age": 1})
            self.assertEqual(self.written(b, "people")[0], ("set", {"name": "n", "age": 1}))
            self.assertIsNone(self.revert(b, 7, 0, "people"))
            self.assertEqual(self.revert(b, "l", 1, "people"), {"name": "n", "age": 1})
            self.meet(a=a, b=b)
            for con in a, b:
                self.assertEqual(self.all(con, "id, name, age", "people"), [("k", "n", 1), ("l", "n", 1)])
                self.assertEqual(con.execute("SELECT * FROM kv_violations('people')").fetchall(), [])
            self.whole(a, b, table="people")

    def test_a_row_whose_insert_is_on_its_way(self):
        b = self.device("b")
        foreign.make(log_path(self.path("b.kv"), "phone"),
                     [(1, NOW + 5, NOW, 1, "accounts", "x", '{"name":"n"}')])
        sync(b)
        self.at(b, "b", 1)
        self.assertEqual(b.execute("SELECT rule FROM kv_violations('accounts')").fetchall(),
                         [("incomplete",)])
        self.assertIsNone(self.revert(b, "x", 1))
        self.assertEqual(self.written(b), [])
        self.assertIsNone(self.revert(b, "x", 0))
        self.assertEqual(self.written(b), [("delete", None)])
        self.assertEqual(b.execute("SELECT * FROM kv_violations('accounts')").fetchall(), [])

    def test_keys(self):
        con = self.device("a", declare=PLACES, table="t")
        con.execute("CREATE VIRTUAL TABLE temp.i USING kv_table(id INTEGER PRIMARY KEY, as_of TEXT)")
        con.execute("INSERT INTO t VALUES('x', 1, 'old')")
        con.execute("INSERT INTO i VALUES(1, 'old')")
        self.days(con, "a", "UPDATE t SET v = 'new'", "UPDATE i SET as_of = 'new'")
        for key in "[\"x\", 1]", "x", 5, "[]", "[\"x\"]", "[\"x\",1,2]", "[\"x\",\"y\"]", b"x":
            self.fails("SELECT kv_revert(?, NULL, 't')", "the key of t is (a TEXT, n INTEGER)",
                       con=con, args=(key,))
        self.fails("SELECT kv_revert('a', NULL, 'i')", "the key of i is (id INTEGER)", con=con)
        for json_key in "json_array('x', 1)", "'[\"x\",1]'":
            self.assertEqual(con.execute("SELECT kv_revert(%s, ?, 't')" % json_key, (NOW + 5,)).fetchone(),
                             ('{"v":"old"}',))
        for key, value in (1, "old"), (1.0, "new"):
            self.assertEqual(self.revert(con, key, table="i"), {"as_of": value})
        self.assertEqual(con.execute("SELECT DISTINCT typeof(key) FROM kv_log WHERE bucket = 'i'")
                         .fetchall(), [("integer",)])
        con.execute("SELECT kv_assign('i', 1, 'as_of', 'assigned')")
        self.assertEqual(self.all(con, table="i"), [(1, "assigned")])
        self.whole(con, table="t")
        self.whole(con, table="i")

    def test_before_the_horizon(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, name) VALUES('x', 'old')")
        self.days(con, "a", "UPDATE accounts SET name = 'new'", "UPDATE accounts SET name = 'newer'")
        Log("phone").set(NOW, ("k", 1)).set(NOW + 86400 * SECOND, ("k", 2), parent=NOW).compact(
            horizon=NOW + 86400 * SECOND + 1).write(self.path("a.kv"))
        sync(con)
        self.fails("SELECT kv_revert('x', ?, 'accounts')", "is not whole", "device phone", con=con,
                   args=(NOW + 1,))
        self.assertEqual(self.all(con, "name"), [("newer",)])
        self.assertEqual(self.revert(con, "x", 2)["name"], "new")
        self.assertEqual(self.revert(con, "x")["name"], "newer")

    def test_a_whole_table_in_one_statement(self):
        a = self.device("a", file="a.db")
        a.executemany("INSERT INTO accounts(id, name) VALUES(?, 'old')", [("k%03d" % i,) for i in range(200)])
        self.days(a, "a", "UPDATE accounts SET name = 'new' WHERE id < 'k100'",
                  "DELETE FROM accounts WHERE id > 'k150'", "INSERT INTO accounts(id) VALUES('z')")
        as_of = NOW + SECOND
        want = a.execute("SELECT * FROM accounts(?)", (as_of,)).fetchall()
        n, = a.execute("SELECT max(seq) FROM kv_log").fetchone()
        self.assertEqual(len(a.execute(
            "SELECT kv_revert(key, ?1, 'accounts') FROM kv_diff(?1) WHERE bucket = 'accounts'",
            (as_of,)).fetchall()), 100 + 49 + 1)
        self.assertEqual(self.all(a), want)
        self.assertEqual(a.execute("SELECT max(seq) FROM kv_log").fetchone(), (n + 150,))
        a.execute("UPDATE accounts SET city = 'c'")
        self.at(a, "a", 7)
        a.execute("CREATE TEMP TABLE done AS SELECT kv_revert(id, NULL, 'main.accounts') AS row "
                  "FROM accounts_data")
        self.assertEqual(self.all(a), want)
        self.whole(a)

    def test_triggers(self):
        con = self.device("a", file="a.db")
        con.execute("CREATE TABLE undo(id)")
        con.execute("CREATE TABLE seen(what)")
        con.execute("CREATE TRIGGER u AFTER INSERT ON undo BEGIN SELECT kv_revert(new.id, NULL, 'accounts'); END")
        for op in "INSERT", "UPDATE OF name", "UPDATE OF city", "DELETE":
            con.execute("CREATE TRIGGER \"%s\" AFTER %s ON accounts_data BEGIN INSERT INTO seen VALUES('%s'); END"
                        % (op, op, op))
        con.execute("INSERT INTO accounts(id, name) VALUES('x', 'old')")
        self.days(con, "a", "UPDATE accounts SET name = 'new'", "DELETE FROM seen", "INSERT INTO undo VALUES('x')",
                  "DELETE FROM accounts", "INSERT INTO undo VALUES('x')")
        self.assertEqual(self.all(con, "name"), [("old",)])
        self.assertEqual([w for w, in con.execute("SELECT what FROM seen")],
                         ["UPDATE OF name", "DELETE", "INSERT"])
        con.execute("CREATE TRIGGER loop AFTER UPDATE ON accounts_data BEGIN "
                    "SELECT kv_revert('x', NULL, 'accounts'); END")
        self.fails("UPDATE accounts SET name = 'newer'", "a trigger on", con=con)
        self.assertEqual(self.all(con, "name"), [("old",)])

    def test_who_cannot_write(self):
        a = self.device("a", file="a.db")
        a.execute("INSERT INTO accounts(id, name) VALUES('x', 'old')")
        a.execute("UPDATE accounts SET name = 'new'")
        o = self.connect()
        o.execute("SELECT kv_open(?)", (self.path("a.kv"),))
        o.execute(ACCOUNTS % ("temp.accounts", ""))
        self.fails("SELECT kv_revert('x', NULL, 'accounts')", "is open as an observer", con=o)
        other = self.connect(self.path("a.db"))
        other.execute("BEGIN IMMEDIATE")
        self.fails("SELECT kv_revert('x', NULL, 'accounts')", "locked", con=a)
        other.execute("COMMIT")
        other.execute("UPDATE accounts SET name = 'newer'")
        self.assertEqual(self.revert(a, "x")["name"], "new")
        a.execute("BEGIN")
        self.assertEqual(self.revert(a, "x")["name"], "newer")
        self.assertEqual(self.all(other, "name"), [("new",)])
        a.execute("COMMIT")
        self.assertEqual(self.revert(other, "x")["name"], "new")
        a.execute("DROP TABLE accounts")
        self.fails("SELECT kv_revert('x', NULL, 'accounts')", "there is no store named accounts", con=other)
        a.execute(ACCOUNTS % ("main.accounts", ", store = kv"))
        self.assertEqual(self.revert(other, "x")["name"], "newer")

    def test_a_large_row(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, name) VALUES('x', ?)", ("n" * 100000,))
        con.execute("UPDATE accounts SET name = ?", ("m" * 100000,))
        self.assertEqual(self.revert(con, "x")["name"][0], "n")
        con.execute("DELETE FROM accounts")
        self.assertEqual(self.revert(con, "x")["name"][0], "n")
        self.whole(con)


if __name__ == "__main__":
    unittest.main()
