"""A progress handler, like sqlite3_interrupt(), stops a long sync or load in
any phase; what was merged stays, and the next sync continues.
"""

import os
import sqlite3
import unittest

import oracle
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
        """How often the handler is called; from the stop-th time on it
        interrupts."""
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

    def test_a_damaged_own_log_that_is_rebuilt(self):
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
        sealed = os.path.dirname(log_path(self.folder, "tablet"))
        self.assertGreater(len(os.listdir(sealed)), 5)
        self.assertGreaterEqual(self.calls(con, sql % sealed), 5)
        self.calls(con, sql % sealed, 5)
        one = self.device("one", options="segment=0")
        for _ in range(30):
            one.execute("INSERT INTO kv VALUES('large', zeroblob(900000))")
        self.assertGreaterEqual(self.calls(con, sql % log_path(self.folder, "one")), 5)

    def large(self, name, n, wait, segment=1 << 20):
        """A store with rows of n bytes each, which may wait for the folder."""
        con = self.connect(self.path("%s.db" % name))
        con.execute("CREATE VIRTUAL TABLE kv USING kv('%s.kv', device='laptop', segment=%d)" %
                    (name, segment))
        path = log_path(self.path(name + ".kv"), "laptop")
        other = self.connect(path)
        if wait:
            other.execute("BEGIN EXCLUSIVE")
        con.execute(FILL.format(ROWS, "zeroblob(%d)" % n))
        if wait:
            other.execute("ROLLBACK")
        return con

    def rows(self, folder):
        """How many keys were set, in all files of the log."""
        path = log_path(self.path(folder), "laptop")
        files = [path] + [os.path.join(os.path.dirname(path), f)
                          for f in os.listdir(os.path.dirname(path)) if oracle.SEGMENT.match(f)]
        seqs = []
        for file in files:
            con = sqlite3.connect(file)
            seqs += con.execute("SELECT seq FROM log WHERE op = 1").fetchall()
            con.close()
        self.assertEqual(len(seqs), len(set(seqs)))  # no row is in two of them
        return len(seqs)

    def test_it_stops_between_large_values(self):
        n = 2 << 20
        for how, sql in (("waiting", "SELECT kv_sync()"), ("foreign", "SELECT kv_open('%s')"),
                         ("own", "SELECT kv_open('%s', 'laptop')")):
            with self.subTest(how=how):
                few, much = "few %s" % how, "much %s" % how
                wait = how == "waiting"
                # Sealing comes after the commit: see the next test.
                segment = 0 if wait else 1 << 20
                con = self.large(few, 10, wait, segment)
                if not wait:
                    con, sql = self.connect(), sql % self.path("%s.kv")
                calls_of_few = self.calls(con, sql if wait else sql % few)
                con = self.large(much, n, wait, segment)
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

    def test_sealing_that_is_stopped_is_done_later(self):
        """The rows are there, so opening the folder succeeds."""
        sql = "SELECT kv_open('%s.kv', 'laptop', 'segment=%d')"
        for name in "none", "seal":
            self.large(name, 2 << 20, False, 0).close()
        directory = os.path.dirname(log_path(self.path("seal.kv"), "laptop"))
        opening = self.calls(self.connect(), sql % (self.path("none"), 0))
        con = self.connect()
        self.stopped(con, sql % (self.path("seal"), 1 << 20), opening + ROWS // 2)
        self.assertFalse(con.in_transaction)
        self.assertEqual(os.listdir(directory), ["log.db"])
        self.assertEqual(self.rows("seal.kv"), ROWS)
        con.execute("INSERT INTO kv VALUES('more', zeroblob(1000000))")
        self.assertEqual(len(os.listdir(directory)), 2)
        self.assertEqual(self.rows("seal.kv"), ROWS + 1)
        self.check(con, "seal.kv")

    def stopped(self, con, sql, stop):
        """Interrupt a statement that succeeds all the same."""
        calls = 0

        def handler():
            nonlocal calls
            calls += 1
            return stop <= calls

        con.set_progress_handler(handler, 1000)
        con.execute(sql).fetchall()
        con.set_progress_handler(None, 0)
        self.assertGreaterEqual(calls, stop)

    def test_no_transaction_is_left_open(self):
        """SQLite may report an interrupt although the SAVEPOINT has begun."""
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
