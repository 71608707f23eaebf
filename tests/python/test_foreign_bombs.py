"""A log whose schema is made to be expensive: neither other devices nor its
own spend time or memory on it.
"""

import os
import resource
import sqlite3
import time
import unittest

from foreign import LIMIT, PATIENCE, make, work
from support import NOW, Case, kv, log_path, plain, put, read, sync

COLUMNS = ", ".join("c%d" % i for i in range(1500))
COLUMNS_OF_LOG = "seq, txn, ts, parent_ts, op, bucket, key, value, sum"
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
        """It must be read, because its sum is known only at its end; a key
        over the limit ends the log without that."""
        long = ("waiting", "merged up to row 0; at the next one its key is over the limit of 64 KiB")
        for column, state in (("key", long), ("value", ("damaged", None)), ("bucket", long)):
            with self.subTest(column=column):
                make(self.file, [(1, NOW, None, 1, "", "a", 1)])
                other = self.process(self.file, module=False)  # with memory of its own
                other.sql("UPDATE log SET %s = CAST(zeroblob(67000000) AS TEXT)" % column)
                before = memory()
                tries = [work(sync, self.laptop) for _ in range(5)]
                self.assertEqual([n for _, n in tries], [0] * 5)
                # 67 MB are read and summed up once, which takes half of this.
                self.assertLess(min(seconds for seconds, _ in tries), 2 * LIMIT)
                got = self.laptop.execute("SELECT state, detail FROM kv_devices "
                                          "WHERE device = 'phone'").fetchone()
                self.assertEqual((got[0], state[1] and got[1]), state)
                self.assertLess(memory() - before, 80 * PATIENCE)
                self.assertEqual(kv(self.laptop), plain({"own": 1}))

    def test_several_large_columns(self):
        """Each is within the limit, but all together are too large, so they
        are not read."""
        make(self.file, [(1, NOW, None, 1, "", "a", 1)], page_size=65536)
        self.process(self.file, module=False).sql(
            "UPDATE log SET key = zeroblob(60000000), value = zeroblob(60000000), "
            "bucket = CAST(zeroblob(60000000) AS TEXT)")
        tries = [work(sync, self.laptop) for _ in range(5)]
        self.assertLess(min(seconds for seconds, _ in tries), LIMIT)
        self.assertIn(self.state(self.laptop, "phone"), ("damaged", "waiting"))
        self.assertEqual(kv(self.laptop), plain({"own": 1}))

    def test_a_huge_row_is_not_read(self):
        for page_size in (512, 4096):
            with self.subTest(page_size=page_size):
                make(self.file, [(1, NOW, None, 1, "", "a", 1), (2, NOW, None, 1, "", "b", 1)],
                     page_size=page_size)
                self.process(self.file, module=False).sql(
                    "UPDATE log SET value = zeroblob(500000000) WHERE seq = 2")
                os.utime(self.file, ns=(10**18, 10**18))
                time.sleep(2.1)  # the stamp of a file counts once it is older than that
                before = memory()
                seconds, _ = work(sync, self.laptop)
                self.assertLess(seconds, LIMIT)
                state = "SELECT state, detail FROM kv_devices WHERE device = 'phone'"
                for _ in range(2):
                    self.assertEqual(self.laptop.execute(state).fetchone(), (
                        "waiting", "merged up to row 1; at the next one key and value are over "
                        "the limit of 64 MB for a row"))
                    # The file is not read again, either.
                    self.assertLess(work(sync, self.laptop)[0], 0.01 * PATIENCE)
                self.assertLess(memory() - before, 10 * PATIENCE)
                self.assertEqual(kv(self.laptop), plain({"own": 1, "a": 1}))

    def test_content_in_the_place_of_a_number_is_not_skipped(self):
        """SQLite takes seq from the row's place in the table. It ignores the
        content of the row's first column, but skips over all of it."""
        make(self.file, [(n, NOW, None, 1, "", "k%d" % n, n) for n in (1, 2, 3)], page_size=512)
        other = self.process(self.file, module=False)
        other.sql("PRAGMA writable_schema = 1")
        other.sql("CREATE TABLE made(%s)" % COLUMNS_OF_LOG)
        other.sql("INSERT INTO made(rowid, %s) "
                  "SELECT seq, CASE seq WHEN 3 THEN zeroblob(300000000) END, %s FROM log"
                  % (COLUMNS_OF_LOG, COLUMNS_OF_LOG[5:]))
        other.sql("UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master "
                  "WHERE name = 'made') WHERE name = 'log'")
        other.sql("DELETE FROM sqlite_master WHERE name = 'made'")
        self.assertEqual(sync(self.laptop), 2)  # nothing else is wrong with it
        state, detail = self.laptop.execute(
            "SELECT state, detail FROM kv_devices WHERE device = 'phone'").fetchone()
        self.assertEqual(state, "damaged")
        self.assertIn(detail, (  # the second with SQLite 3.31, which limits whole rows
            "merged up to row 2; at the next one the file promises more than it has",
            "merged up to row 2; at the next one a column has a value of another type"))
        for con in self.laptop, self.device("laptop"), self.device("tablet"):
            seconds, _ = work(sync, con)
            self.assertLess(seconds, LIMIT)
            self.assertEqual(self.state(con, "phone"), "damaged")

    def test_two_rows_with_one_number(self):
        """In the wrong order, so that one search finds a valid large row, and
        another one a huge row of the same number."""
        # Sizes of which little is in the leaf, so that all rows share one.
        rows = [(1, NOW, None, 1, "", "a", 1), (2, NOW, None, 1, "", "b", "b" * (489 + 100 + 500 * 4092))]
        make(self.file, rows[:1])
        self.assertEqual(sync(self.laptop), 1)
        make(self.file, rows)
        other = self.process(self.file, module=False)
        other.sql("INSERT INTO log SELECT 3, 2, ts, parent_ts, op, bucket, 'c', "
                  "zeroblob(489 + 100 + 50000 * 4092), sum FROM log WHERE seq = 2")
        page = other.sql("SELECT rootpage FROM sqlite_master WHERE name = 'log'")[0][0]
        at = (page - 1) * 4096
        with open(self.file, "r+b") as f:
            f.seek(at)
            leaf = bytearray(f.read(4096))
            self.assertEqual((leaf[0], leaf[3:5]), (13, b"\0\3"))
            cells = [leaf[n:n + 2] for n in (8, 10, 12)]
            leaf[8:14] = cells[1] + cells[0] + cells[2]
            third = int.from_bytes(cells[2], "big") + 4  # behind its size
            self.assertEqual(leaf[third], 3)
            leaf[third] = 2
            f.seek(at)
            f.write(leaf)
        before = memory()
        seconds, n = work(sync, self.laptop)
        self.assertEqual(n, 0)
        self.assertLess(seconds, LIMIT)
        self.assertLess(memory() - before, 10 * PATIENCE)
        self.assertIn(self.state(self.laptop, "phone"), ("damaged", "waiting"))
        self.assertEqual(kv(self.laptop), plain({"own": 1, "a": 1}))

    def test_instead_of_the_own_log(self):
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
