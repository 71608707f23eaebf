"""Typed tables as they were."""

import sqlite3
import unittest

import foreign
import support
from support import NOW, SECOND, sync
from test_typed import ACCOUNTS, Typed


class Past(Typed):
    def past(self, con, day, what="*", rest=""):
        return con.execute("SELECT %s FROM accounts(?) %s ORDER BY 1" % (what, rest),
                           (int(NOW + day * 86400 * SECOND),)).fetchall()

    def test_a_table_as_it_was_each_day(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, name, balance, tags) VALUES('x', 'Ann', 1, '[1]')")
        for day, change in enumerate((
                "UPDATE accounts SET balance = balance + 3, tags = '[1,2]'",
                "INSERT INTO accounts(id) VALUES('y')", "DELETE FROM accounts WHERE id = 'x'",
                "INSERT INTO accounts(id, name) VALUES('x', 'new')"), 1):
            self.at(con, "a", day)
            con.execute(change)
        want = [[], [("x", "Ann", 1, "[1]")], [("x", "Ann", 4, "[1,2]")],
                [("x", "Ann", 4, "[1,2]"), ("y", None, 0, None)], [("y", None, 0, None)],
                [("x", "new", 0, None), ("y", None, 0, None)]]
        for day in range(6):
            self.assertEqual(self.past(con, day - 0.5, "id, name, balance, tags"), want[day], day)
        self.assertEqual(con.execute("SELECT * FROM accounts(NULL)").fetchall(),
                         con.execute("SELECT * FROM accounts").fetchall())

    def test_what_arrives_late_is_part_of_it(self):
        a, b = self.device("a"), self.device("b")
        a.execute("INSERT INTO accounts(id, balance) VALUES('x', 1)")
        self.meet(a=a, b=b)
        self.at(b, "b", 1)
        b.execute("UPDATE accounts SET balance = balance + 10")
        self.at(a, "a", 2)
        a.execute("UPDATE accounts SET balance = balance + 100")
        self.assertEqual(self.past(a, 1.5, "balance"), [(1,)])
        self.meet(a=a, b=b)
        for con in a, b:
            self.assertEqual([self.past(con, day, "balance") for day in (0.5, 1.5, 2.5)],
                             [[(1,)], [(11,)], [(111,)]])

    def test_rows_that_the_declaration_does_not_allow_are_not_shown(self):
        a = self.device("a")
        b = self.device("b", ", CHECK(balance < '10' OR name IS NULL)")
        a.execute("INSERT INTO accounts(id, name, balance) VALUES('x', 'n', 5), ('y', NULL, 50)")
        self.at(a, "a", 1)
        a.execute("UPDATE accounts SET balance = balance + 20")
        self.at(a, "a", 2)
        a.execute("UPDATE accounts SET balance = balance - 19")
        self.meet(a=a, b=b)
        self.assertEqual([self.past(b, day, "id, balance") for day in (0.5, 1.5, 2.5)], [
            [("x", 5), ("y", 50)], [("y", 70)], [("x", 6), ("y", 51)]])
        self.assertEqual(self.past(a, 1.5, "id, balance"), [("x", 25), ("y", 70)])

    def test_a_check_that_names_its_table_and_its_columns_types(self):
        con = self.device("a", declare="""CREATE VIRTUAL TABLE %s USING kv_table(
            id INTEGER PRIMARY KEY, r REAL, x ANY, b BLOB,
            CHECK(accounts_data.r > '1' AND r < 10 -- or NULL
            ), CHECK(typeof(x) <> 'text'), CHECK(id <> 3)%s)""")
        con.execute("INSERT INTO accounts VALUES(1, 2, 5, x'00'), (2, NULL, NULL, NULL)")
        self.assertEqual(self.past(con, 1), [(1, 2.0, 5, b"\0"), (2, None, None, None)])

    def test_conditions_on_the_key_are_those_of_the_table(self):
        con = self.device("a", declare=None)
        values = {"TEXT": ["", "0", "01", "1", "10", "9z", ":", "abc", "!"],
                  "INTEGER": [-3, 0, 1, 10, 2 ** 53 + 1], "REAL": [0.5, 1.0, -2.0],
                  "BLOB": [b"", b"1"], "ANY": ["", "01", "1", 1, 1.5, b"1", "x"]}
        con.execute("CREATE TEMP TABLE p(i INTEGER, t TEXT, x)")
        for value in [1, 10, 0, 1.5, "1", "01", "abc", "!", b"1", None]:
            con.execute("INSERT INTO p VALUES(?1, ?1, ?1)", (value,))
        for key, keys in values.items():
            table = "t_" + key
            con.execute("CREATE VIRTUAL TABLE temp.%s USING kv_table(k %s PRIMARY KEY)" %
                        (table, key))
            con.executemany("INSERT INTO %s VALUES(?)" % table, [(k,) for k in keys])
            for op in ("=", "IS", "<", "<=", ">", ">="):
                for other in ("p.i", "p.t", "p.x", "+p.x"):
                    sql = ("SELECT t.k, p.rowid FROM %s AS t, p WHERE t.k %s " + other +
                           " ORDER BY 1, 2")
                    self.assertEqual(
                        con.execute(sql % (table + "('2200-01-01')", op)).fetchall(),
                        con.execute(sql % (table + "_data", op)).fetchall(), (key, op, other))
            for where in ("k IN ('1', '01')", "k BETWEEN '0' AND '2'", "k > 0 AND k <= 1",
                          "k = '1' OR k = 1", "k IS NULL", "k > NULL"):
                sql = "SELECT k FROM %s WHERE " + where + " ORDER BY 1"
                self.assertEqual(con.execute(sql % (table + "('2200-01-01')")).fetchall(),
                                 con.execute(sql % (table + "_data")).fetchall(), (key, where))

    def test_a_key_is_found_without_reading_the_others(self):
        con = self.device("a")
        con.executemany("INSERT INTO accounts(id, name) VALUES(?, 'n')",
                        [("k%04d" % i,) for i in range(2000)])
        steps = [0]

        def count():
            steps[0] += 1

        def cost(sql):
            steps[0] = 0
            con.set_progress_handler(count, 100)
            con.execute(sql).fetchall()
            con.set_progress_handler(None, 0)
            return steps[0]

        all_rows = cost("SELECT count(*) FROM accounts('2200-01-01')")
        for where in ("id = 'k1000'", "id > 'k1990'", "_key = 'k1000'",
                      "id BETWEEN 'k1000' AND 'k1010'"):
            self.assertLess(cost("SELECT * FROM accounts('2200-01-01') WHERE " + where),
                            all_rows / 20, where)

    def test_order_by_and_joins(self):
        con = self.device("a", ", INDEX(name)")
        con.execute("INSERT INTO accounts(id, name, balance) VALUES('x', 'b', 1), ('y', 'a', 2)")
        self.at(con, "a", 1)
        con.execute("UPDATE accounts SET name = 'c' WHERE id = 'y'")
        self.assertEqual(con.execute(
            "SELECT id, name FROM accounts(?) ORDER BY name", (NOW + 1,)).fetchall(),
            [("y", "a"), ("x", "b")])
        self.assertEqual(con.execute(
            "SELECT a.id, a.name, b.name FROM accounts(?) AS a JOIN accounts AS b USING(id) "
            "WHERE a.name <> b.name", (NOW + 1,)).fetchall(), [("y", "a", "c")])
        self.assertEqual(con.execute(
            "SELECT column1, count(id) FROM (VALUES(?), (?), (NULL)) LEFT JOIN accounts "
            "ON as_of = column1 GROUP BY 1 ORDER BY 1",
            (NOW - 1, NOW + 1)).fetchall(), [(None, 2), (NOW - 1, 0), (NOW + 1, 2)])

    def test_the_past_cannot_be_changed(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, name) VALUES('x', 'n'), ('y', 'n')")
        for sql in ("UPDATE accounts SET name = 'm' WHERE as_of = %d" % (NOW + 1),
                    "UPDATE accounts SET as_of = %d" % (NOW + 1),
                    "INSERT INTO accounts(id, as_of) VALUES('z', %d)" % (NOW + 1)):
            self.fails(sql, "the past cannot be changed", con=con)
        self.fails("SELECT * FROM accounts('yesterday')", "is not a time", con=con)
        self.at(con, "a", 1)
        con.execute("INSERT INTO accounts(id) VALUES('new')")
        con.execute("DELETE FROM accounts WHERE as_of = ? AND id > 'x'", (NOW + 1,))
        self.assertEqual(self.all(con, "id"), [("new",), ("x",)])

    def test_what_is_written_while_it_is_read(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, balance) VALUES('x', 1), ('y', 2)")
        con.execute("BEGIN")
        con.execute("UPDATE accounts SET balance = 10 WHERE id = 'x'")
        self.assertEqual(self.past(con, 9, "id, balance"), [("x", 10), ("y", 2)])
        con.execute("INSERT INTO accounts(id, balance) SELECT id || '+', balance "
                    "FROM accounts('2200-01-01')")
        self.assertEqual(self.past(con, 9, "id, balance"),
                         [("x", 10), ("x+", 10), ("y", 2), ("y+", 2)])
        cursor = con.execute("SELECT id FROM accounts('2200-01-01')")
        self.assertEqual(cursor.fetchone(), ("x",))
        con.execute("INSERT INTO accounts(id) VALUES('z')")
        self.assertEqual(len(cursor.fetchall()), 3)
        con.execute("ROLLBACK")
        self.assertEqual(self.past(con, 9, "id"), [("x",), ("y",)])

    def test_a_column_may_have_the_name_of_the_hidden_one(self):
        con = self.device("a", declare="CREATE VIRTUAL TABLE %s USING kv_table("
                          "id TEXT PRIMARY KEY, As_Of TEXT%s)")
        con.execute("INSERT INTO accounts VALUES('x', 'mine')")
        self.assertEqual(self.past(con, 1), [("x", "mine")])
        self.assertEqual(self.past(con, -1), [])
        self.assertEqual(con.execute("SELECT id FROM accounts WHERE as_of = 'mine' AND "
                                     "_as_of = ?", (NOW + 1,)).fetchall(), [("x",)])

    def test_keys_of_several_columns(self):
        con = self.device("a", declare="CREATE VIRTUAL TABLE %s USING kv_table("
                          "a TEXT, n INTEGER, v ANY, PRIMARY KEY(a, n)%s)")
        con.execute("INSERT INTO accounts VALUES('x', 1, 'old'), ('x', 2, 5)")
        self.at(con, "a", 1)
        con.execute("UPDATE accounts SET v = 'new' WHERE n = 1")
        con.execute("DELETE FROM accounts WHERE n = 2")
        self.assertEqual(self.past(con, 0.5), [("x", 1, "old"), ("x", 2, 5)])
        self.assertEqual(self.past(con, 0.5, "v, _key", "WHERE a = 'x' AND n = 1"),
                         [("old", '["x",1]')])
        self.assertEqual(self.past(con, 2), [("x", 1, "new")])

    def test_an_observer_and_a_second_connection_see_it(self):
        a = self.device("a", file="a.db")
        a.execute("INSERT INTO accounts(id, name) VALUES('x', 'old')")
        self.at(a, "a", 1)
        a.execute("UPDATE accounts SET name = 'new'")
        other = self.connect(self.path("a.db"))
        self.assertEqual(self.past(other, 0.5, "name"), [("old",)])
        a.execute("DROP TABLE accounts")
        with self.assertRaises(sqlite3.Error):
            self.past(other, 0.5, "name")
        a.execute(ACCOUNTS % ("main.accounts", ""))
        self.assertEqual(self.past(other, 0.5, "name"), [("old",)])
        b = self.connect()
        b.execute("SELECT kv_open(?)", (self.path("a.kv"),))
        b.execute(ACCOUNTS % ("temp.accounts", ""))
        self.assertEqual(self.past(b, 0.5, "name"), [("old",)])

    def test_the_history_of_each_cell(self):
        a, b = self.device("a"), self.device("b")
        a.execute("INSERT INTO accounts(id, name, balance, tags) VALUES('x', 'Ann', 1, '[1]')")
        a.execute("INSERT INTO accounts(id) VALUES('y')")
        self.meet(a=a, b=b)
        self.at(b, "b", 1)
        b.execute("UPDATE accounts SET balance = balance + 3, tags = '[]' WHERE id = 'x'")
        self.at(a, "a", 2)
        a.execute("UPDATE accounts SET name = 'Anna', tags = '[1,2]' WHERE id = 'x'")
        a.execute("DELETE FROM accounts WHERE id = 'y'")
        self.meet(a=a, b=b)
        want = [(None, None, "insert", "a", 1), ("balance", 1, "set", "a", 1),
                ("balance", 3, "add", "b", 1), ("name", "Ann", "set", "a", 0),
                ("name", "Anna", "set", "a", 1), ("tags", "[1]", "set", "a", 1),
                ("tags", "[1]", "cut", "b", 1), ("tags", "[2]", "put", "a", 1)]
        what = "SELECT column_name, value, op, device, in_value FROM kv_history('accounts'"
        for con in a, b:
            for rest in (", 'x')", ") WHERE key = 'x'", ") WHERE only = 'x'"):
                self.assertEqual(con.execute(what + rest).fetchall(), want, rest)
            self.assertEqual(con.execute(what + ", 'y') WHERE column_name IS NULL").fetchall(), [
                (None, None, "insert", "a", 0), (None, None, "delete", "a", 1)])
        b.execute("DROP TABLE accounts")
        self.assertEqual(b.execute(what + ", 'x')").fetchall(), want)
        self.assertEqual(b.execute(what + ", NULL, 'kv') WHERE key = 'x'").fetchall(), want)
        self.assertEqual(b.execute("SELECT * FROM kv_history('nothing')").fetchall(), [])
        self.fails("SELECT * FROM kv_history", "name a typed table", con=b)

    def test_a_cell_that_cuts_and_puts_has_two_rows(self):
        con = self.device("a")
        con.execute("INSERT INTO accounts(id, tags) VALUES('x', '[1,2]')")
        con.execute("UPDATE accounts SET tags = '[2,3]'")
        self.assertEqual(con.execute("SELECT op, value, seq FROM kv_history('accounts') "
                                     "WHERE column_name = 'tags'").fetchall(),
                         [("set", "[1,2]", 2), ("cut", "[1]", 3), ("put", "[3]", 3)])
        con.execute("CREATE TEMP TABLE k AS SELECT key, device, seq, cell, op "
                    "FROM kv_history('accounts')")
        self.assertEqual(con.execute("SELECT max(n) FROM (SELECT count(*) AS n FROM k "
                                     "GROUP BY key, device, seq, cell, op)").fetchone(), (1,))

    def test_the_history_of_what_others_wrote(self):
        """Columns that this declaration does not have; what is not understood."""
        b = self.device("b")
        rows = [(1, NOW, None, 1, "accounts", "k", '{"":1,"email":"e","name":"o"}')]
        for n, record in enumerate((
                '{"balance":{"mul":3},"name":"n"}', '{"name":"n","name":"m"}', '{"name":', "", None,
                "[1]", 5, b"\xff\0", '{"":2,"name":"p"}', '{"tags":{"put":[],"cut":[]}}',
                '{"tags":{"put":[1],"cut":[1]}}', '{"balance":{"add":"1"}}', '{"odd\\u0000":1}',
                '{"%s":1}' % ("n" * 300)), 2):
            rows.append((n, NOW + n, NOW, 1, "accounts", "k", record))
        rows += [(16, NOW + 16, NOW, 1, "accounts", b"\0k", '{"":1,"name":{"blob":"00ff"}}'),
                 (17, NOW + 17, NOW, 1, "accounts", 7, '{"name":"early"}'),
                 (18, NOW + 18, NOW, 1, "other", "z", '{"":1,"c":{"max":2.5}}'),
                 (19, NOW + 19, NOW, 1, "Accounts", "Z", '{"":1}'),
                 (20, NOW + 20, NOW, 0, "accounts", "never", None)]
        foreign.make(support.log_path(self.path("b.kv"), "phone"), rows)
        sync(b)

        def cells(*given):
            return b.execute("SELECT key, column_name, value, op, in_value FROM kv_history(%s) "
                             "ORDER BY ts, key, cell" % ", ".join("?" * len(given)),
                             given).fetchall()

        want = [("k", None, None, "insert", 1), ("k", "email", "e", "set", 1),
                ("k", "name", "o", "set", 0), ("k", "name", "n", "set", 0),
                ("k", "name", "p", "set", 1), ("k", "odd\0", 1, "set", 1),
                ("k", "n" * 300, 1, "set", 1)]
        self.assertEqual(cells("accounts", "k"), want)
        self.assertEqual(cells("accounts", b"\0k"), [
            (b"\0k", None, None, "insert", 1), (b"\0k", "name", b"\0\xff", "set", 1)])
        self.assertEqual(cells("accounts", 7), [(7, "name", "early", "set", 0)])
        self.assertEqual(cells("accounts", "never"), [("never", None, None, "delete", 1)])
        self.assertEqual(cells("other"), [("z", None, None, "insert", 1), ("z", "c", 2.5, "max", 1)])
        self.assertEqual(cells("Accounts", None, "kv"), [("Z", None, None, "insert", 1)])
        self.assertEqual(cells("", None, "kv"), [])
        self.assertEqual(cells("accounts", "k'", "kv"), [])
        self.fails("SELECT * FROM kv_history('accounts', NULL, 'none')", "no store", con=b)

    def test_the_history_from_a_second_connection(self):
        a = self.device("a", file="a.db")
        a.execute("INSERT INTO accounts(id, name) VALUES('x', 'old')")
        other = self.connect(self.path("a.db"))
        what = "SELECT value FROM kv_history('accounts', 'x'%s) WHERE column_name = 'name'"
        self.assertEqual(other.execute(what % "").fetchall(), [("old",)])
        a.execute("BEGIN")
        a.execute("UPDATE accounts SET name = 'new'")
        for rest in "", ", 'kv'":
            self.assertEqual(a.execute(what % rest).fetchall(), [("old",), ("new",)])
        self.assertEqual(a.execute(what % "").fetchall(), [("old",), ("new",)])
        a.execute("COMMIT")
        cursor = other.execute(what % "")
        self.assertEqual(cursor.fetchone(), ("old",))
        other.execute("UPDATE accounts SET name = 'newer'")
        self.assertEqual(cursor.fetchall(), [("new",)])
        a.execute("DROP TABLE accounts")
        self.assertEqual(other.execute(what % "").fetchall(), [("old",), ("new",), ("newer",)])
        a.execute(ACCOUNTS % ("main.accounts", ""))
        self.assertEqual(other.execute(what % "").fetchall(), [("old",), ("new",), ("newer",)])
        other.execute("SELECT kv_open(?, 'c', 'name=two')", (self.path("c.kv"),))
        other.execute(ACCOUNTS % ("temp.accounts", ", store = two"))
        self.fails("SELECT * FROM kv_history('accounts')", "several typed tables named accounts",
                   con=other)
        self.assertEqual(other.execute(what.replace("'accounts'", "'main.accounts'") % "")
                         .fetchall(), [("old",), ("new",), ("newer",)])

    def test_the_history_of_many_keys_costs_in_proportion(self):
        a, b = self.device("a"), self.device("b")
        steps = [0]

        def count():
            steps[0] += 1

        def cost(sql, *given):
            steps[0] = 0
            a.set_progress_handler(count, 100)
            n = len(a.execute(sql, given).fetchall())
            a.set_progress_handler(None, 0)
            return n, steps[0]

        costs = []
        for n in 100, 800:
            a.executemany("INSERT OR IGNORE INTO accounts(id, name) VALUES(?, 'n')",
                          [("k%04d" % i,) for i in range(n)])
            self.meet(a=a, b=b)
            cursor, = a.execute("SELECT kv_cursor()").fetchone()
            b.execute("UPDATE accounts SET name = 'b%d'" % n)
            a.execute("UPDATE accounts SET name = 'a%d'" % n)
            self.meet(a=a, b=b)
            costs.append((cost("SELECT * FROM kv_changes(?)", cursor),
                          cost("SELECT * FROM kv_conflicts"),
                          cost("SELECT * FROM kv_conflicts WHERE bucket = 'accounts'"),
                          cost("SELECT * FROM kv_diff('2000-01-01')"),
                          cost("SELECT key FROM kv_history('accounts') WHERE column_name IS NULL")))
        for (n, few), (m, many) in zip(*costs):
            self.assertEqual((n, m), (100, 800), costs)
            self.assertLess(many, 20 * few, costs)


if __name__ == "__main__":
    unittest.main()
