"""What is fast stays fast: the work of SQLite is counted, in steps of its
virtual machine, and no time is measured.
"""

import unittest

from support import Case, sync

N = 2000
EVERY = 10  # steps between two counts


class Steps(Case):
    def steps(self, con, work):
        """How many steps `work` takes on this connection."""
        n = 0

        def count():
            nonlocal n
            n += EVERY
            return 0

        con.set_progress_handler(count, EVERY)
        work()
        con.set_progress_handler(None, EVERY)
        return n

    def load(self, con, sql, keys):
        con.execute("BEGIN")
        con.executemany(sql, keys)
        con.execute("COMMIT")

    def test_keys_in_order_are_not_looked_up(self):
        sql = "INSERT INTO kv VALUES('key ' || ?, 'value')"
        con = self.device("laptop")
        down = self.steps(con, lambda: self.load(con, sql, [(n,) for n in range(19999, 19999 - N, -1)]))
        up = self.steps(con, lambda: self.load(con, sql, [(n,) for n in range(20000, 20000 + N)]))
        self.assertLess(up, 0.9 * down)

    def test_merging_deletes_takes_as_long_as_merging_sets(self):
        laptop, phone = self.device("laptop"), self.device("phone")
        keys = [("key %d" % (n * 7919 % N),) for n in range(N)]
        self.load(laptop, "INSERT INTO kv VALUES(?, 'value')", keys)
        sets = self.steps(phone, lambda: self.assertEqual(sync(phone), N))
        self.load(laptop, "DELETE FROM kv WHERE key = ?", keys)
        deletes = self.steps(phone, lambda: self.assertEqual(sync(phone), N))
        self.assertLess(deletes, 1.5 * sets)
        # The next ones pay for a sweep of both.
        self.load(laptop, "INSERT INTO kv VALUES(?, 'value')", keys)
        again = self.steps(phone, lambda: self.assertEqual(sync(phone), N))
        self.assertLess(again, 5 * sets)

    def test_conflicts_cost_what_there_are(self):
        """Not what the store has, from the first query on."""
        laptop, phone, tablet = (self.device(name) for name in ("laptop", "phone", "tablet"))
        self.load(laptop, "INSERT INTO kv VALUES(?, 'old')", [(n,) for n in range(20 * N)])
        sync(tablet), sync(phone)
        for con in phone, laptop:
            self.load(con, "UPDATE kv SET value = random() WHERE key = ?", [(n,) for n in range(10)])
        sync(tablet)
        count = "SELECT count(*) FROM kv_conflicts"
        one = count + " WHERE key = 5"
        for sql, most in (count, 20000), (one, 2000):
            self.assertLess(self.steps(tablet, lambda: tablet.execute(sql).fetchone()), most)
        self.assertEqual(tablet.execute(count).fetchone(), (10,))
        self.assertEqual(tablet.execute(one).fetchone(), (1,))
        self.load(tablet, "UPDATE kv SET value = 'settled' WHERE key = ?", [(5,)])
        self.assertEqual(tablet.execute(count).fetchone(), (9,))
        self.assertEqual(tablet.execute(one).fetchone(), (0,))

    def test_a_utf16_database_has_its_own_order_of_texts(self):
        """U+0100 comes after 'b' in UTF-8, and before 'a' in UTF-16le."""
        con = self.connect(self.path("host.db"))
        con.execute("PRAGMA encoding = 'UTF-16le'")
        con.execute("CREATE VIRTUAL TABLE kv USING kv('%s', device='laptop')" % self.path("notes.kv"))
        con.execute("INSERT INTO kv VALUES('\u0100', 'old')")
        con.execute("INSERT INTO kv VALUES('b', 'old')")
        self.load(con, "INSERT INTO kv VALUES(?, 'new')", [("a",), ("aa",), ("ab",), ("\u0100",)])
        self.assertEqual(con.execute("SELECT count(*), count(parent_ts) FROM kv").fetchone(), (5, 1))


if __name__ == "__main__":
    unittest.main()
