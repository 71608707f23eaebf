"""kv_check(): what was written by hand into the tables behind a typed table, or is
damaged, is found and made again.
"""

import unittest

import support
from support import deliver, sync
from test_typed import ACCOUNTS, Typed

PEOPLE = """CREATE VIRTUAL TABLE %s USING kv_table(id TEXT PRIMARY KEY, name TEXT NOT NULL,
    age INTEGER, tags TEXT, CHECK(age < 200), INDEX(name), MERGE(tags set)%s)"""
WIDE = "CREATE VIRTUAL TABLE %s USING kv_table(id ANY PRIMARY KEY, name ANY, age ANY%s)"


class Check(Typed):
    def filled(self, file="b.db", declare=PEOPLE):
        a = self.device("a", declare=WIDE, table="people")
        b = self.device("b", declare=declare, table="people", file=file)
        b.execute("INSERT INTO people VALUES('own', 'n', 1, '[\"x\"]'), ('two', 'n', 2, NULL), "
                  "('gone', 'n', 3, NULL)")
        b.execute("DELETE FROM people WHERE id = 'gone'")
        a.execute("INSERT INTO people VALUES('far', 'n', 7), ('null', NULL, 1), ('old', 'n', 500), "
                  "('type', 'n', 'x'), (5, 'n', 1)")
        deliver(self.path("a.kv"), self.path("b.kv"), "a")
        sync(b)
        self.assertEqual(self.check(b), 0)
        return b

    def check(self, con, table="people"):
        return con.execute("SELECT kv_check(?)", (table,)).fetchone()[0]

    def state(self, con):
        return [con.execute("SELECT * FROM people_%s ORDER BY 1" % t).fetchall()
                for t in ("data", "hidden")]

    def test_each_change_by_hand_is_found(self):
        for n, statements in enumerate((
                ["UPDATE people_data SET name = 'm' WHERE id = 'far'"],
                ["UPDATE people_data SET age = NULL WHERE id = 'two'"],
                ["UPDATE people_data SET age = 1.5 WHERE id = 'own'"],
                ["UPDATE people_data SET tags = '[]'  WHERE id = 'own'"],
                ["UPDATE people_data SET id = 'moved' WHERE id = 'own'"],
                ["DELETE FROM people_data WHERE id = 'own'"],
                ["INSERT INTO people_data VALUES('gone', 'n', 3, NULL)"],
                ["INSERT INTO people_data VALUES('stray', 'n', 3, NULL)"],
                ["INSERT INTO people_data VALUES(x'00', 'n', 3, NULL)"],
                ["DELETE FROM people_hidden WHERE key = 'old'"],
                ["UPDATE people_hidden SET rule = 'check' WHERE key = 'type'"],
                ["INSERT INTO people_hidden VALUES('own', 'type', 'name', NULL, 1)"],
                ["INSERT INTO people_hidden VALUES('stray', 'type', 'name', NULL, 1)"],
                ["DELETE FROM people_data", "DELETE FROM people_hidden"])):
            b = self.filled("b%d.db" % n)
            want = self.state(b)
            for s in statements:
                b.execute(s)
            self.assertNotEqual(self.state(b), want)
            wrong = {4: 2, 13: 7}.get(n, 1)
            self.assertEqual(self.check(b), wrong, statements)
            self.assertEqual(self.state(b), want, statements)
            self.assertEqual(self.check(b), 0)
            b.close()
            self.fresh()

    def test_tables_of_another_form_are_made_again(self):
        for form in ("CREATE TABLE people_data(id TEXT PRIMARY KEY, name TEXT)",
                     "CREATE TABLE people_data(id TEXT, name TEXT, age INTEGER, tags TEXT)",
                     None):
            b = self.filled()
            want = self.state(b)
            b.execute("DROP TABLE people_data")
            if form:
                b.execute(form)
                b.execute("CREATE INDEX mine ON people_data(name)")
            self.assertEqual(self.check(b), 7)
            self.assertEqual(self.state(b), want)
            b.execute("UPDATE people SET age = age + 1 WHERE id = 'own'")
            self.assertEqual(self.all(b, "age", "people"), [(2,), (2,), (7,)])
            self.assertEqual(b.execute("SELECT count(*) FROM sqlite_master WHERE name = 'mine'")
                             .fetchone(), (int(bool(form)),))
            b.close()
            self.fresh()

    def test_a_trigger_sees_what_is_mended(self):
        b = self.filled()
        b.execute("CREATE TABLE seen(name)")
        b.execute("UPDATE people_data SET name = 'm'")
        b.execute("CREATE TRIGGER t AFTER UPDATE ON people_data BEGIN "
                  "INSERT INTO seen VALUES(old.name || new.name); END")
        self.assertEqual(self.check(b), 3)
        self.assertEqual(b.execute("SELECT name FROM seen").fetchall(), [("mn",)] * 3)
        b.execute("DROP TRIGGER t")
        b.execute("CREATE TRIGGER t BEFORE INSERT ON people_data WHEN new.id = 'far' BEGIN "
                  "SELECT RAISE(ABORT, 'not far'); END")
        b.execute("DELETE FROM people_data")
        self.assertEqual(self.check(b), 3)
        self.assertEqual(self.all(b, "id", "people"), [("own",), ("two",)])
        self.assertEqual(b.execute("SELECT detail FROM kv_violations('people') WHERE "
                                   "key = 'far'").fetchall(), [("not far",)])
        self.assertEqual(self.check(b), 0)

    def test_other_stores_and_states(self):
        b = self.filled()
        b.execute("BEGIN")
        b.execute("INSERT INTO people(id, name) VALUES('new', 'n')")
        self.fails("SELECT kv_check('people')", "COMMIT first, then kv_check()", con=b)
        b.execute("ROLLBACK")
        b.execute("BEGIN")
        b.execute("DELETE FROM people_data")
        self.assertEqual(self.check(b), 3)
        b.execute("ROLLBACK")
        self.assertEqual(self.check(b), 0)
        self.fails("SELECT kv_check('nobody')", "there is no typed table named nobody", con=b)
        other = self.connect(self.path("b.db"))
        other.execute("UPDATE people_data SET name = 'x'")
        self.assertEqual(self.check(b, "main.people"), 3)
        other.execute("BEGIN IMMEDIATE")
        self.fails("SELECT kv_check('people')", "locked", con=b)
        other.execute("ROLLBACK")
        self.assertEqual(self.check(other), 0)

    def test_keys_of_several_columns_and_integers(self):
        for declare in ("CREATE VIRTUAL TABLE %s USING kv_table(a INTEGER, b TEXT, c REAL, "
                        "PRIMARY KEY(b, a)%s)",
                        "CREATE VIRTUAL TABLE %s USING kv_table(a INTEGER PRIMARY KEY, b TEXT, "
                        "c REAL%s)"):
            b = self.device("b", declare=declare, table="t")
            b.execute("INSERT INTO t VALUES(1, 'x', 0.5), (2, 'y', -0.0), (3, 'z', NULL)")
            self.assertEqual(self.check(b, "t"), 0)
            b.execute("UPDATE t_data SET c = 1 WHERE a = 1")
            b.execute("UPDATE t_data SET a = 9 WHERE a = 3")
            self.assertEqual(self.check(b, "t"), 3)
            self.assertEqual(self.all(b, "a, b, c", "t"), [(1, "x", 0.5), (2, "y", 0.0),
                                                          (3, "z", None)])
            self.fresh()


if __name__ == "__main__":
    unittest.main()
