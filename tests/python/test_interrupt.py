"""A progress handler, as sqlite3_interrupt(), stops a long sync or load in
whatever phase it is; what was merged stays, and the next sync goes on.
"""

import sqlite3
import unittest

from support import Case, edit, log_path, sync

FILL = ("WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < {}) "
        "INSERT INTO kv SELECT n, {} FROM i")


ROWS = 16  # large ones


class Interrupts(Case):
    def setUp(self):
        super().setUp()
        self.phone = self.device("phone")
        for i in range(2):
            self.phone.execute(FILL.format(2000, i))
            self.phone.execute(FILL.format(2000, "'more' || n"))
        self.folder = self.path("notes.kv")
        self.file = log_path(self.folder, "phone")

    def calls(self, con, sql, stop=0):
        """How often the handler is called; from the stop-th time on it says no."""
        calls = 0

        def handler():
            nonlocal calls
            calls += 1
            return 0 < stop <= calls

        con.set_progress_handler(handler, 1000)
        try:
            con.execute(sql).fetchall()
        except sqlite3.Error as e:
            self.assertEqual(str(e), "interrupted")
            self.assertGreater(stop, 0)
        else:
            self.assertTrue(stop == 0 or calls < stop)
        con.set_progress_handler(None, 0)
        return calls

    def samples(self, n):
        self.assertGreater(n, 3)
        return sorted({1, 2, n - 1, n, *range(1, n, n // 7 + 1)})

    def test_a_sync_in_any_phase(self):
        def con():
            con = self.connect(self.path("%d.db" % len(self.closing)))
            con.execute("CREATE VIRTUAL TABLE kv USING kv('notes.kv', device='laptop')")
            return con

        for stop in self.samples(self.calls(con(), "SELECT kv_sync()")):
            laptop = con()
            self.calls(laptop, "SELECT kv_sync()", stop)
            self.assertFalse(laptop.in_transaction)
            rows = laptop.execute(
                "SELECT count(*) FROM kv_log WHERE device = 'phone'").fetchone()[0]
            self.assertIn(rows, (0, len(self.log("phone").rows)))
            self.assertEqual(sync(laptop) + rows, len(self.log("phone").rows))
            self.check(laptop)
            laptop.execute("INSERT INTO kv VALUES(?, 1)", (stop,))

    def test_an_opening_in_any_phase(self):
        sql = "SELECT kv_open('%s')" % self.folder
        for stop in self.samples(self.calls(self.connect(), sql)):
            con = self.connect()
            self.calls(con, sql, stop)
            self.assertFalse(con.in_transaction)
            con.execute(sql)
            self.check(con)

    def test_a_damaged_own_log_that_is_made_anew(self):
        def damage():
            edit(self.file, "UPDATE log SET sum = sum + 1 "
                 "WHERE seq = (SELECT max(seq) FROM log)")

        sync(self.phone)
        expected = self.log("phone").rows
        damage()
        for stop in self.samples(self.calls(self.phone, "SELECT kv_sync()")):
            self.assertEqual(self.log("phone").rows, expected)
            damage()
            self.calls(self.phone, "SELECT kv_sync()", stop)
            self.assertFalse(self.phone.in_transaction)
            sync(self.phone)

    def leftovers(self, folder):
        return []       # damaged logs that were set aside

    def test_verifying_asks_between_rows_and_between_large_values(self):
        con = self.connect()
        sql = "SELECT 1 FROM kv_foreign('%s') LIMIT 1"
        self.assertGreaterEqual(self.calls(con, sql % self.file), 2)
        self.calls(con, sql % self.file, 2)
        tablet = self.device("tablet")
        for _ in range(30):
            tablet.execute("INSERT INTO kv VALUES('large', zeroblob(900000))")
        self.assertGreaterEqual(
            self.calls(con, sql % log_path(self.folder, "tablet")), 5)

    def large(self, name, n, wait):
        """A store of which rows of n bytes each wait for the folder, or not."""
        con = self.connect(self.path("%s.db" % name))
        con.execute("CREATE VIRTUAL TABLE kv USING kv('%s.kv', device='laptop')" % name)
        path = log_path(self.path(name + ".kv"), "laptop")
        other = self.connect(path)
        if wait:
            other.execute("BEGIN EXCLUSIVE")
        con.execute(FILL.format(ROWS, "zeroblob(%d)" % n))
        if wait:
            other.execute("ROLLBACK")
        return con

    def rows(self, folder):
        con = sqlite3.connect(log_path(self.path(folder), "laptop"))
        n = con.execute("SELECT count(*) FROM log WHERE op = 1").fetchone()[0]
        con.close()
        return n

    def test_large_values_are_stopped_between(self):
        n = 2 << 20
        for how, sql in (("waiting", "SELECT kv_sync()"), ("foreign", "SELECT kv_open('%s')"),
                         ("own", "SELECT kv_open('%s', 'laptop')")):
            with self.subTest(how=how):
                few, much = "few %s" % how, "much %s" % how
                wait = how == "waiting"
                con = self.large(few, 10, wait)
                if not wait:
                    con, sql = self.connect(), sql % self.path("%s.kv")
                calls_of_few = self.calls(con, sql if wait else sql % few)
                con = self.large(much, n, wait)
                stop = 1
                while True:
                    target = con if wait else self.connect()
                    calls = self.calls(target, sql if wait else sql % much, stop)
                    self.assertFalse(target.in_transaction)
                    if calls < stop:
                        break
                    self.assertEqual(self.rows(much + ".kv"), 0 if wait else ROWS)
                    stop += max(1, stop // 3)
                self.assertGreaterEqual(calls - calls_of_few, ROWS - 1)  # each row asks
                self.assertEqual(target.execute("SELECT length(value) FROM kv").fetchall(),
                                 [(n,)] * ROWS)
                self.assertEqual(self.rows(much + ".kv"), ROWS)

    def test_no_transaction_is_left_open(self):
        """SQLite tells of an interrupt also behind a SAVEPOINT that has begun."""
        for n in range(1, 60):
            with self.subTest(n=n):
                db = self.device("laptop", "close%d.kv" % n)
                db.execute("INSERT INTO kv VALUES('a', 1)")
                left = [n]

                def is_last():
                    left[0] -= 1
                    return left[0] == 0

                db.set_progress_handler(is_last, 1)
                try:
                    db.execute("SELECT kv_close()").fetchall()
                except sqlite3.OperationalError:
                    pass
                db.set_progress_handler(None, 0)
                self.assertFalse(db.in_transaction)
                db.close()


if __name__ == "__main__":
    unittest.main()
