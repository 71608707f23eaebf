"""kv_violations: rows of other devices that the declaration of a typed table does not
allow, by each rule, as an older and as a newer version of an app writes them; and what
mends them.
"""

import json
import unittest

import foreign
import support
from support import NOW, SECOND, deliver, sync
from test_typed import Typed

PEOPLE = """CREATE VIRTUAL TABLE %%s USING kv_table(id TEXT PRIMARY KEY, name TEXT NOT NULL,
    age INTEGER, email TEXT, boss TEXT, %sCHECK(age >= 0), UNIQUE(email),
    FOREIGN KEY(boss) REFERENCES people%%s)"""
HERE = PEOPLE % ""
WIDE = """CREATE VIRTUAL TABLE %s USING kv_table(id ANY PRIMARY KEY, name ANY, age ANY,
    email ANY, boss ANY%s)"""
# Older versions did not have the rule; newer ones have more columns, and a wider rule.
OLDER = WIDE.replace("age ANY,", "age ANY, nick TEXT,")
NEWER = WIDE.replace("age ANY,", "age ANY, phone TEXT, tags TEXT, MERGE(tags set),")
COLUMNS = "table_name, key, rule, column_name, detail, is_hidden, value, device, ts, time"


class Violations(Typed):
    def violations(self, con, what="key, rule, column_name, is_hidden", table="people"):
        return con.execute("SELECT %s FROM kv_violations(%s) ORDER BY key, rule" % (
            what, support.quote(table))).fetchall()

    def pair(self, theirs, here=HERE, rows=()):
        """A device with a row that it may write, whose log has arrived here."""
        a = self.device("a", declare=theirs, table="people")
        b = self.device("b", declare=here, table="people", now=5)
        for row in rows:
            a.execute(row)
        self.meet(a=a, b=b)
        return a, b

    def wider(self, con, ids):
        """With a declaration that allows them, the rows are there."""
        con.execute("DROP TABLE people")
        con.execute(WIDE % ("temp.people", ""))
        self.assertEqual([i for i, in con.execute("SELECT id FROM people ORDER BY id")], ids)
        self.assertEqual(self.violations(con), [])

    def mended(self, theirs, row, found, update, is_hidden=1):
        """A row that breaks a rule is listed, and no longer after a later write."""
        a, b = self.pair(theirs, rows=[
            row, "INSERT OR IGNORE INTO people(id, name) VALUES('ok', 'n')"])
        self.assertEqual(self.violations(b), [found + (is_hidden,)])
        shown = ["ok"] if is_hidden else ["k", "ok"]
        self.assertEqual([i for i, in b.execute("SELECT id FROM people ORDER BY id")], shown)
        self.wider(b, ["k", "ok"])
        b.execute("DROP TABLE people")
        b.execute(HERE % ("temp.people", ""))
        self.assertEqual(self.violations(b), [found + (is_hidden,)])
        a.execute(update)
        self.meet(a=a, b=b)
        self.assertEqual(self.violations(b), [])
        self.assertEqual([i for i, in b.execute("SELECT id FROM people ORDER BY id")],
                         ["k", "ok"])

    def each(self, *args, **more):
        for theirs in (OLDER, NEWER):
            with self.subTest(theirs=theirs):
                self.mended(theirs, *args, **more)
            self.fresh()

    def test_type(self):
        self.each("INSERT INTO people(id, name, age) VALUES('k', 'n', 'old')",
                  ("k", "type", "age"), "UPDATE people SET age = 7 WHERE id = 'k'")

    def test_not_null(self):
        self.each("INSERT INTO people(id, age) VALUES('k', 1)", ("k", "not null", "name"),
                  "UPDATE people SET name = 'n' WHERE id = 'k'")

    def test_check(self):
        self.each("INSERT INTO people(id, name, age) VALUES('k', 'n', -1)",
                  ("k", "check", None), "UPDATE people SET age = 1 WHERE id = 'k'")

    def test_unique(self):
        self.each("INSERT INTO people(id, name, email) VALUES('k', 'n', 'x'), ('ok', 'n', 'x')",
                  ("ok", "unique", "email"), "UPDATE people SET email = 'y' WHERE id = 'ok'",
                  is_hidden=0)

    def test_foreign_key(self):
        self.each("INSERT INTO people(id, name, boss) VALUES('k', 'n', 'nobody')",
                  ("k", "foreign key", "boss"), "UPDATE people SET boss = 'ok' WHERE id = 'k'",
                  is_hidden=0)

    def test_key(self):
        """A key cannot be mended by a write: it is another row."""
        for theirs, row, key in (
                (OLDER, "INSERT INTO people(id, name) VALUES(7, 'n')", 7),
                ("CREATE VIRTUAL TABLE %s USING kv_table(id TEXT, n INTEGER, name TEXT, "
                 "PRIMARY KEY(id, n)%s)", "INSERT INTO people VALUES('k', 1, 'n')", '["k",1]')):
            here = HERE if key == 7 else HERE.replace("id TEXT", "id INTEGER")
            a, b = self.pair(theirs, here, [row])
            self.assertEqual(self.violations(b), [(key, "key", None, 1)])
            self.assertEqual(self.violations(b, "detail"), [
                ("it is no key of (id %s)" % ("TEXT" if key == 7 else "INTEGER"),)])
            self.wider(b, [key])
            a.execute("DELETE FROM people")
            self.meet(a=a, b=b)
            b.execute("DROP TABLE people")
            b.execute(here % ("temp.people", ""))
            self.assertEqual(self.violations(b), [])
            self.fresh()

    def test_incomplete(self):
        for theirs in (OLDER, NEWER):
            a = self.device("a", declare=theirs, table="people")
            c = self.device("c", declare=theirs, table="people")
            b = self.device("b", declare=HERE, table="people")
            a.execute("INSERT INTO people(id, name) VALUES('k', 'n')")
            self.meet(a=a, c=c)
            c.execute("UPDATE people SET age = 3")
            deliver(self.path("c.kv"), self.path("b.kv"), "c")
            sync(b)
            self.assertEqual(self.violations(b), [("k", "incomplete", None, 1)])
            self.assertEqual(self.violations(b, "detail, value, device"),
                             [("its insert has not arrived", None, "c")])
            deliver(self.path("a.kv"), self.path("b.kv"), "a")
            sync(b)
            self.assertEqual(self.violations(b), [])
            self.assertEqual(b.execute("SELECT name, age FROM people").fetchall(), [("n", 3)])
            self.fresh()

    def test_record(self):
        """What is not understood: a cell of a later sqlite-kv, a record in another form."""
        for record, name in (('{"":1,"age":{"mul":3},"name":"n"}', "n"),
                             ('{"":1,"name":"n","name":"m"}', None),
                             ('{"":1, "name":"n"}', None), ("", None), ("[1]", None)):
            b = self.device("b", declare=HERE.replace(" NOT NULL", ""), table="people")
            rows = [(1, NOW, None, 1, "people", "k", '{"":1,"email":"e","name":"o"}'),
                    (2, NOW + 1, NOW, 1, "people", "k", record)]
            foreign.make(support.log_path(self.path("b.kv"), "phone"), rows)
            sync(b)
            self.assertEqual(self.violations(b), [("k", "record", None, 0)])
            self.assertEqual(b.execute("SELECT name, email FROM people").fetchall(),
                             [(name or "o", None if name else "e")])
            rows.append((3, NOW + 2, NOW + 1, 0, "people", "k", None))
            foreign.make(support.log_path(self.path("b.kv"), "phone"), rows)
            sync(b)
            self.assertEqual(self.violations(b), [])
            self.fresh()

    def test_all_columns(self):
        a, b = self.pair(NEWER, rows=[
            "INSERT INTO people(id, name, age, phone, tags) VALUES('k', x'00ff', -1.5, '1', "
            "'[2,\"a\"]')"])
        row = self.violations(b, COLUMNS)[0]
        self.assertEqual(row[:6], ("people", "k", "type", "name", "BLOB value in TEXT column", 1))
        self.assertEqual(row[6], '{"age":-1.5,"name":{"blob":"00ff"},"phone":"1","tags":[2,"a"]}')
        self.assertEqual((row[7], row[9]), ("a", b.execute(
            "SELECT time FROM kv_log WHERE ts = ?", (row[8],)).fetchone()[0]))

    def test_several_with_the_same_values(self):
        """All but the one that was inserted first, wherever they are in the table."""
        declare = HERE.replace("UNIQUE(email)", "UNIQUE(email, age)")
        a = self.device("a", declare=OLDER, table="people")
        c = self.device("c", declare=OLDER, table="people", now=-50)
        b = self.device("b", declare=declare, table="people")
        a.execute("INSERT INTO people(id, name, email, age) VALUES('1', 'n', 'x', 1), "
                  "('2', 'n', 'x', 1), ('3', 'n', 'x', 2), ('4', 'n', NULL, 1), "
                  "('5', 'n', NULL, 1), ('7', 'n', 'z', 1)")
        c.execute("INSERT INTO people(id, name, email, age) VALUES('6', 'n', 'x', 1), "
                  "('8', 'n', 'z', 1)")
        self.meet(a=a, b=b, c=c)
        self.assertEqual(self.violations(b), [
            (i, "unique", "email, age", 0) for i in ("1", "2", "7")])

    def test_parents_of_another_table(self):
        con = self.device("a", declare="CREATE VIRTUAL TABLE %s USING kv_table(i INTEGER, "
                          "t TEXT, PRIMARY KEY(i, t)%s)", table="p")
        b = self.device("b", declare="CREATE VIRTUAL TABLE %s USING kv_table(id INTEGER PRIMARY "
                        "KEY, a TEXT, b TEXT, FOREIGN KEY(b, a) REFERENCES p(t, i)%s)", table="c")
        con.execute("CREATE VIRTUAL TABLE temp.c USING kv_table(id INTEGER PRIMARY KEY, a TEXT, "
                    "b TEXT)")
        con.execute("INSERT INTO p VALUES(1, 'x')")
        con.execute("INSERT INTO c VALUES(1, '1', 'x'), (2, '2', 'x'), (3, NULL, 'y')")
        self.meet(a=con, b=b)
        self.assertEqual(self.violations(b, "key, detail", "c"), [
            (1, "p is not declared here"), (2, "p is not declared here")])
        b.execute("CREATE VIRTUAL TABLE temp.p USING kv_table(i INTEGER, t TEXT, "
                  "PRIMARY KEY(i, t))")
        self.assertEqual(self.violations(b, "key, detail, column_name", "c"), [
            (2, "p has no such row", "b, a")])
        con.execute("DELETE FROM p")
        self.meet(a=con, b=b)
        self.assertEqual(self.violations(b, table="temp.c"), [
            (1, "foreign key", "b, a", 0), (2, "foreign key", "b, a", 0)])

    def test_names(self):
        a, b = self.pair(OLDER, rows=["INSERT INTO people(id) VALUES('k')"])
        self.fails("SELECT * FROM kv_violations('nobody')",
                   "there is no typed table named nobody: declare it first", con=b)
        self.fails("SELECT * FROM kv_violations('x.people')",
                   "there is no typed table named x.people", con=b)
        self.fails("SELECT * FROM kv_violations(NULL)", "no typed table named NULL", con=b)
        self.assertEqual(b.execute("SELECT table_name, only FROM kv_violations").fetchall(),
                         [("people", None)])
        self.assertEqual(self.violations(b, "only", "temp.people"), [("temp.people",)])
        b.execute("CREATE VIRTUAL TABLE temp.empty USING kv_table(id TEXT PRIMARY KEY)")
        self.assertEqual(self.violations(b, table="EMPTY"), [])
        other = self.path("other.db")
        b.execute("ATTACH ? AS other", (other,))
        b.execute("CREATE VIRTUAL TABLE other.kv2 USING kv(?, device=b2)".replace(
            "?", support.quote(self.path("other.kv"))))
        b.execute("CREATE VIRTUAL TABLE other.people USING kv_table(id TEXT PRIMARY KEY, "
                  "store = kv2)")
        self.fails("SELECT * FROM kv_violations('people')", "there are several typed tables "
                   "named people: say which one: ", con=b)
        self.assertEqual(self.violations(b, table="other.people"), [])
        self.assertEqual(len(self.violations(b, table="temp.people")), 1)

    def test_they_are_mended_while_they_are_read(self):
        a, b = self.pair(OLDER, rows=["INSERT INTO people(id, name, email) VALUES('%d', 'n', 'x')"
                                      % i for i in range(9)])
        for key, value in b.execute("SELECT key, value FROM kv_violations('people')"):
            self.assertEqual(json.loads(value)["email"], "x")
            b.execute("UPDATE people SET email = ? WHERE id = ?", (key, key))
        self.assertEqual(self.violations(b), [])

    def test_a_hidden_row_is_deleted(self):
        a, b = self.pair(OLDER, rows=[
            "INSERT INTO people(id, name, age) VALUES('k', NULL, 1), ('ok', 'n', 1), (7, 'n', 1)"])
        self.assertEqual(len(self.violations(b)), 2)
        for key, existed in (("k", 1), ("k", 0), ("nobody", 0), (7, 1), ("ok", 1)):
            self.assertEqual(b.execute("SELECT kv_delete(?, 'people')", (key,)).fetchone(),
                             (existed,))
        self.assertEqual(self.violations(b), [])
        self.fails("SELECT kv_delete(1, 'nobody')", "there is no store named nobody", con=b)
        b.execute("BEGIN")
        b.execute("INSERT INTO people(id, name) VALUES('k', 'new')")
        b.execute("SELECT kv_delete('k', 'temp.people')")
        b.execute("INSERT INTO people(id, name) VALUES('k', 'newer'), ('boss', 'n')")
        b.execute("INSERT INTO people(id, name, boss) VALUES('l', 'n', 'boss')")
        self.fails("SELECT kv_delete('boss', 'people')", "FOREIGN KEY constraint failed", con=b)
        b.execute("COMMIT")
        self.meet(a=a, b=b)
        for con in (a, b):
            self.assertEqual(con.execute("SELECT id, name, age FROM people").fetchall(), [
                ("boss", "n", None), ("k", "newer", None), ("l", "n", None)])

    def test_in_a_transaction_and_from_a_second_connection(self):
        b = self.device("b", declare=HERE, table="people", file="b.db")
        a = self.device("a", declare=OLDER, table="people")
        a.execute("INSERT INTO people(id, name, email) VALUES('k', 'n', 'x'), ('l', 'n', 'x'), "
                  "('m', NULL, NULL)")
        deliver(self.path("a.kv"), self.path("b.kv"), "a")
        other = self.connect(self.path("b.db"))
        sync(other)
        want = [("l", "unique", "email", 0), ("m", "not null", "name", 1)]
        self.assertEqual(self.violations(b), want)
        b.execute("BEGIN")
        b.execute("UPDATE people SET email = 'y' WHERE id = 'l'")
        self.assertEqual(self.violations(b), want[1:])
        b.execute("ROLLBACK")
        self.assertEqual(self.violations(b), want)
        self.assertEqual(self.violations(other), want)
        other.execute("DROP TABLE people")
        self.fails("SELECT * FROM kv_violations('people')", "there is no typed table", con=b)
        b.set_authorizer(lambda op, *args: 1 if op == 20 else 0)
        self.fails("SELECT * FROM kv_violations", con=b)


if __name__ == "__main__":
    unittest.main()
