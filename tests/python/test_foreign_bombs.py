"""A log whose schema is made to be expensive: no time and no memory is spent
on it, by other devices and by its own.
"""

import resource
import sqlite3
import unittest

from foreign import LIMIT, PATIENCE, make, work
from support import NOW, Case, kv, log_path, plain, put, read, sync

COLUMNS = ", ".join("c%d" % i for i in range(1500))
TERMS = ", ".join(["1"] * 1900)
SUM = " + ".join(["1"] * 900)
ROWS = {
    "tables of many columns": ("table", 2, "CREATE TABLE t%d(" + COLUMNS + ")"),
    "views of many terms": ("view", 0, "CREATE VIEW t%d AS SELECT " + TERMS),
    "deep defaults": ("table", 2, "CREATE TABLE t%d(x DEFAULT (" + SUM + "))"),
    "virtual tables": ("table", 0, "CREATE VIRTUAL TABLE t%d USING kv_foreign('/etc/hostname')"),
    "long texts": ("table", 2, "CREATE TABLE t%d(x)" + " " * 8000),
}


def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MB


class Bombs(Case):
    def setUp(self):
        super().setUp()
        self.laptop = self.device("laptop")
        self.laptop.execute("INSERT INTO kv VALUES('own', 1)")
        self.file = log_path(self.path("notes.kv"), "phone")

    def expensive(self, path, kind, device, n=3000):
        sort, root, sql = ROWS[kind]
        make(path, [], device)
        con = sqlite3.connect(path, isolation_level=None)
        con.execute("PRAGMA writable_schema = 1")
        con.execute("BEGIN")
        con.executemany("INSERT INTO sqlite_master VALUES(?, ?, ?, ?, ?)", (
            (sort, "t%d" % i, "t%d" % i, root, sql % i) for i in range(n)))
        con.execute("COMMIT")
        con.close()

    def test_of_another_device(self):
        for kind in ROWS:
            with self.subTest(kind=kind):
                self.expensive(self.file, kind, "phone")
                before = memory()
                seconds, n = work(sync, self.laptop)
                self.assertEqual(n, 0)
                self.assertEqual(self.state(self.laptop, "phone"), "stranger")
                self.assertLess(seconds, LIMIT)
                self.assertLess(memory() - before, 50 * PATIENCE)
                self.assertEqual(kv(self.laptop), plain({"own": 1}))

    def test_a_large_row_that_does_not_verify(self):
        """It has to be read, as its sum is known at its end; not loaded."""
        for column in ("key", "value", "bucket"):
            with self.subTest(column=column):
                make(self.file, [(1, NOW, None, 1, "", "a", 1)])
                other = self.process(self.file, module=False)  # with memory of its own
                other.sql("UPDATE log SET %s = CAST(zeroblob(64000000) AS TEXT)" % column)
                before = memory()
                seconds, n = work(sync, self.laptop)
                self.assertEqual((n, self.state(self.laptop, "phone")), (0, "damaged"))
                self.assertLess(seconds, LIMIT)
                self.assertLess(memory() - before, 10 * PATIENCE)
                self.assertEqual(kv(self.laptop), plain({"own": 1}))

    def test_in_the_place_of_the_own_log(self):
        own = log_path(self.path("notes.kv"), "laptop")
        good = read(own)
        for kind in ROWS:
            with self.subTest(kind=kind):
                self.expensive(own, kind, "laptop")
                data, before = read(own), memory()
                seconds, _ = work(sync, self.laptop)
                self.assertEqual(kv(self.laptop), plain({"own": 1}))
                self.assertLess(seconds, LIMIT)
                self.assertLess(memory() - before, 50 * PATIENCE)
                self.fails("INSERT INTO kv VALUES('x', 1)", "kv: ", con=self.laptop)
                self.assertEqual(read(own), data)
        put(own, good)
        self.laptop.execute("INSERT INTO kv VALUES('new', 1)")
        self.check(self.laptop)


if __name__ == "__main__":
    unittest.main()
