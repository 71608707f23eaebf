"""A row has key and value of up to 64 MB, and its key up to 64 KiB: exactly that
much works everywhere; one byte more is refused when written, and waits when
read.
"""

import os
import sqlite3
import unittest

from foreign import make
from support import NOW, Case, kv, log_path, plain, read, sync

MAX = 64 * 1024 * 1024
KEY_MAX = 64 * 1024
OVER_KEY = "its key is over the limit of 64 KiB"
OVER = "key and value are over the limit of 64 MB for a row"
LENGTH = sqlite3.SQLITE_LIMIT_LENGTH


def blob(n, byte=b"x"):
    """n bytes, the last of which differs."""
    return byte * (n - 1) + b"."


class ValueLimit(Case):
    def same(self, a, b):
        """Compare without printing megabytes."""
        if a != b or type(a) is not type(b):
            self.fail("%.40r (%d) is not %.40r (%d)" % (a, len(a), b, len(b)))

    def test_a_row_of_64_mb_works_everywhere(self):
        first, second = blob(MAX - 1, b"a"), blob(MAX - 1, b"b")
        laptop = self.device("laptop")
        laptop.execute("INSERT INTO kv VALUES('k', ?)", (first,))
        self.same(laptop.execute("SELECT value FROM kv").fetchone()[0], first)
        laptop.execute("UPDATE kv SET value = ? WHERE key = 'k'", (second,))
        self.same(laptop.execute("SELECT kv_get('k')").fetchone()[0], second)
        laptop.execute("SELECT length(kv_revert('k'))").fetchone()
        rows = laptop.execute("SELECT value FROM kv_log ORDER BY ts, seq")
        for value in first, second, first:
            self.same(rows.fetchone()[0], value)
        laptop.execute("DELETE FROM kv")
        phone = self.persistent("phone")
        self.assertEqual(sync(phone), 4)
        self.assertEqual(self.state(phone, "laptop"), "ok")
        lengths = phone.execute("SELECT op, length(value), substr(value, 1, 1) FROM kv_log "
                                "ORDER BY seq").fetchall()
        self.assertEqual(lengths, [("set", MAX - 1, b"a"), ("set", MAX - 1, b"b"),
                                   ("set", MAX - 1, b"a"), ("delete", None, None)])
        directory = os.path.dirname(log_path(self.path("notes.kv"), "laptop"))
        rows = phone.execute("SELECT valid, length(value) FROM kv_foreign(?)",
                             (directory,)).fetchall()
        self.assertEqual(rows, [(1, MAX - 1)] * 3 + [(1, None)])
        phone.execute("SELECT length(kv_revert('k'))").fetchone()
        sync(laptop)
        self.same(laptop.execute("SELECT value FROM kv").fetchone()[0], first)

    def persistent(self, device):
        con = self.connect(self.path("host.db"))
        con.execute("CREATE VIRTUAL TABLE kv USING kv('%s', device='%s', now=%d)"
                    % (self.path("notes.kv"), device, NOW))
        return con

    def test_a_key_of_64_kib_works_everywhere(self):
        laptop, phone = self.device("laptop"), self.persistent("phone")
        text = "\u20ac" * (KEY_MAX // 3) + "t" * (KEY_MAX % 3)
        for key, value in (blob(KEY_MAX), 1), (text, blob(MAX - KEY_MAX)):
            laptop.execute("INSERT INTO kv VALUES(?, ?)", (key, value))
            sync(phone)
            self.same(phone.execute("SELECT kv_get(?)", (key,)).fetchone()[0], value)
            phone.execute("DELETE FROM kv WHERE key = ?", (key,))
            sync(laptop)
            self.assertEqual(kv(laptop), {})

    def test_one_byte_more_is_refused(self):
        laptop = self.device("laptop")
        small, big = "k", blob(MAX)
        long, rest = "h" * KEY_MAX, "r" * (MAX - KEY_MAX)
        laptop.execute("INSERT INTO kv VALUES('k', 'old'), ('m', ?), (?, ?)", (rest + "r", long, rest))
        before = kv(laptop), read(log_path(self.path("notes.kv"), "laptop"))
        laptop.execute("BEGIN")
        for sql, args in (("INSERT INTO kv VALUES(?, ?)", (small, big)),
                          ("INSERT INTO kv VALUES(?, ?)", (long, rest + "v")),
                          ("INSERT INTO kv VALUES('k', ?)", ("\u20ac" * (MAX // 3 + 1),)),
                          ("UPDATE kv SET value = ? WHERE key = 'k'", (big,)),
                          ("UPDATE kv SET key = ? WHERE key = 'm'", (long[1:] + "x",)),
                          ("UPDATE OR REPLACE kv SET key = ?, value = ? WHERE key = 'k'", (long, big)),
                          ("SELECT kv_set('k', ?)", (big,))):
            with self.subTest(sql=sql):
                with self.assertRaisesRegex(sqlite3.DataError, r"^kv: key and value have \d+ bytes, "
                                            r"and the limit is 67108864 \(64 MB\): "):
                    laptop.execute(sql, args)
        laptop.execute("COMMIT")
        self.assertTrue((kv(laptop), read(log_path(self.path("notes.kv"), "laptop"))) == before)

    def test_one_byte_more_of_a_key_is_refused(self):
        laptop = self.device("laptop")
        long = "h" * KEY_MAX
        laptop.execute("INSERT INTO kv VALUES('k', 'old'), (?, 1)", (long,))
        before = kv(laptop), read(log_path(self.path("notes.kv"), "laptop"))
        laptop.execute("BEGIN")
        for sql, args in (("INSERT INTO kv VALUES(?, 1)", (long + "x",)),
                          ("INSERT INTO kv VALUES(?, 1)", ("\u20ac" * (KEY_MAX // 3 + 1),)),
                          ("INSERT INTO kv VALUES(zeroblob(65537), 1)", ()),
                          ("INSERT INTO kv VALUES(?, 1)", (blob(MAX + 1),)),
                          ("UPDATE kv SET key = key || 'x' WHERE key = ?", (long,)),
                          ("UPDATE OR REPLACE kv SET key = ? WHERE key = 'k'", (long + "x",)),
                          ("SELECT kv_set(?, 1)", (long + "x",))):
            with self.subTest(sql=sql):
                with self.assertRaisesRegex(sqlite3.DataError, r"^kv: the key has \d+ bytes, and the limit "
                                            r"is 65536 \(64 KiB\): use a shorter one"):
                    laptop.execute(sql, args)
        laptop.execute("COMMIT")
        self.assertEqual((kv(laptop), read(log_path(self.path("notes.kv"), "laptop"))), before)
        # There is no such key, so it is no error to ask for it.
        self.assertIsNone(laptop.execute("SELECT kv_get(?)", (long + "x",)).fetchone()[0])
        self.assertEqual(laptop.execute("DELETE FROM kv WHERE key = ?", (long + "x",)).rowcount, 0)

    def test_the_rows_before_a_longer_key_of_another_device_are_merged(self):
        path = self.foreign()
        laptop = self.device("laptop")
        for sql in ("UPDATE log SET value = 3, key = zeroblob(65537) WHERE seq = 3",
                    "UPDATE log SET key = 'k', bucket = printf('%65536d', 1) WHERE seq = 3"):
            self.enlarge(path, sql)
            sync(laptop)
            self.assertEqual(kv(laptop), plain({"a": 1}))
            state = laptop.execute("SELECT state, detail FROM kv_devices WHERE device = 'phone'").fetchone()
            self.assertEqual(state, ("waiting", "merged up to row 1; at the next one " + OVER_KEY))
            reasons = laptop.execute("SELECT reason FROM kv_foreign(?)", (path,)).fetchall()
            self.assertEqual(reasons[-1], (OVER_KEY,))
        make(path, [(1, NOW, None, 1, "", "a", 1), (2, NOW + 1, None, 1, "", "k" * KEY_MAX, 2)])
        self.assertEqual(sync(laptop), 1)
        self.assertEqual(self.state(laptop, "phone"), "ok")

    def test_the_own_log_with_a_longer_key_is_left_alone(self):
        path = self.foreign("laptop")
        self.enlarge(path, "UPDATE log SET value = 3, key = zeroblob(65537) WHERE seq = 3")
        self.own_is_told(self.connect(), path, 2, "SELECT kv_open('%s', 'laptop')" % self.path("notes.kv"),
                         OVER_KEY)

    def foreign(self, device="phone", column="value"):
        """A log whose second transaction has a row that is too large."""
        path = log_path(self.path("notes.kv"), device)
        rows = [(1, NOW, None, 1, "", "a", 1), (3, NOW + 1, None, 1, "", "b", 2),
                (3, NOW + 1, None, 1, "", "k", 3), (4, NOW + 2, None, 1, "", "c", 4)]
        make(path, rows, device)
        self.enlarge(path, "UPDATE log SET %s = zeroblob(%d) WHERE seq = 3" % (column, MAX))
        return path

    def enlarge(self, path, sql):
        con = sqlite3.connect(path, isolation_level=None)
        con.execute("PRAGMA synchronous = OFF")
        con.execute(sql)
        con.close()

    def test_the_rows_before_a_larger_one_of_another_device_are_merged(self):
        path = self.foreign()
        laptop = self.device("laptop")
        state = "SELECT state, detail FROM kv_devices WHERE device = 'phone'"
        for _ in range(2):
            self.assertEqual(kv(laptop), plain({"a": 1}))
            self.assertEqual(laptop.execute(state).fetchone(),
                             ("waiting", "merged up to row 1; at the next one " + OVER))
            self.assertEqual(sync(laptop), 0)
        self.assertEqual(laptop.execute("SELECT key, valid, reason FROM kv_foreign(?)",
                                        (path,)).fetchall(),
                         [("a", 1, None), ("b", 0, "its transaction is incomplete"), (None, 0, OVER)])
        laptop.execute("INSERT INTO kv VALUES('mine', 1)")
        self.assertEqual(kv(laptop), plain({"a": 1, "mine": 1}))
        make(path, [(1, NOW, None, 1, "", "a", 1), (2, NOW + 1, None, 1, "", "k", 2)])
        self.assertEqual(sync(laptop), 1)
        self.assertEqual(self.state(laptop, "phone"), "ok")

    def test_a_row_of_more_pages_than_the_largest_one_waits_too(self):
        """No row of 64 MB takes 68.4 MB of pages, so reading more than that is
        stopped as damage. The limit of 64 MB is noticed before."""
        rows = [(i, NOW + i, None, 1, "", key, i) for i, key in enumerate("abc", 1)]
        for mb, seq in ((66, 2), (72, 2), (72, 3), (200, 3)):
            with self.subTest(mb=mb, seq=seq):
                folder = "%d-%d.kv" % (mb, seq)
                path = log_path(self.path(folder), "phone")
                make(path, rows)
                self.enlarge(path, "UPDATE log SET value = zeroblob(%d) WHERE seq = %d"
                             % (mb * 1024 * 1024, seq))
                laptop = self.device("laptop", folder=folder)
                self.assertEqual(len(kv(laptop)), seq - 1)
                self.assertEqual(
                    laptop.execute("SELECT state, detail FROM kv_devices WHERE device = 'phone'").fetchone(),
                    ("waiting", "merged up to row %d; at the next one %s" % (seq - 1, OVER)))
                reasons = laptop.execute("SELECT reason FROM kv_foreign(?)", (path,)).fetchall()
                self.assertEqual(reasons[-1], (OVER,))
                laptop.close()
                os.remove(path)

    def test_a_key_and_value_that_exceed_it_together(self):
        path = self.foreign()
        self.enlarge(path, "UPDATE log SET key = zeroblob(%d), value = zeroblob(%d) WHERE seq = 3"
                     % (KEY_MAX, MAX - KEY_MAX + 1))
        laptop = self.device("laptop")
        self.assertEqual(kv(laptop), plain({"a": 1}))
        self.assertEqual(self.state(laptop, "phone"), "waiting")

    def test_another_log_with_a_larger_row_does_not_replace_the_first(self):
        make(log_path(self.path("notes.kv"), "phone"),
             [(1, NOW, None, 1, "", "old", 1)], log_id=bytes(16))
        laptop = self.device("laptop")
        self.foreign()
        self.assertEqual(sync(laptop), 0)
        self.assertEqual(kv(laptop), plain({"old": 1}))
        state, detail = laptop.execute(
            "SELECT state, detail FROM kv_devices WHERE device = 'phone'").fetchone()
        self.assertEqual(state, "waiting")
        self.assertIn(OVER, detail)

    def own_is_told(self, con, path, row, sql, reason=OVER):
        """The own log has a larger row: it stays, and other logs are merged."""
        make(log_path(self.path("notes.kv"), "phone"), [(1, NOW, None, 1, "", "theirs", 1)])
        before = read(path)
        message = self.fails(sql, "kv: at row %d of " % row, reason, "another device name", con=con,
                             error=sqlite3.DataError)
        self.assertIn(path, message)
        self.assertEqual(os.listdir(os.path.dirname(path)), ["log.db"])
        self.assertTrue(read(path) == before)
        return before

    def test_the_own_log_with_a_larger_row_is_left_alone(self):
        con, path = self.connect(), self.foreign("laptop")
        sql = "SELECT kv_open('%s', '%%s')" % self.path("notes.kv")
        before = self.own_is_told(con, path, 2, sql % "laptop")
        con.execute(sql % "again")  # as it says
        self.assertEqual(kv(con), plain({"a": 1, "theirs": 1}))
        con.execute("INSERT INTO kv VALUES('new', 1)")
        self.assertTrue(read(path) == before)

    def test_the_own_log_with_a_larger_row_and_a_persistent_cache(self):
        con = self.persistent("laptop")
        con.execute("INSERT INTO kv VALUES('mine', 1)")
        path = log_path(self.path("notes.kv"), "laptop")
        self.enlarge(path, "INSERT INTO log SELECT 2, 2, ts + 1, NULL, 1, '', 'k', zeroblob(%d), 7 "
                     "FROM log" % MAX)
        before = self.own_is_told(con, path, 2, "SELECT kv_sync()")
        self.assertEqual(kv(con), plain({"mine": 1, "theirs": 1}))
        self.fails("INSERT INTO kv VALUES('new', 1)", "kv: ", OVER, con=con, error=sqlite3.DataError)
        self.assertTrue(read(path) == before)

    def test_another_own_log_with_a_larger_row(self):
        con = self.persistent("laptop")
        con.execute("INSERT INTO kv VALUES('mine', 1)")
        path = self.foreign("laptop")
        before = read(path)
        sync(con)
        self.assertEqual(self.state(con, "laptop"), "waiting")
        self.fails("INSERT INTO kv VALUES('new', 1)", "kv: ", OVER, con=con)
        self.assertTrue(read(path) == before)
        self.assertEqual(os.listdir(os.path.dirname(path)), ["log.db"])

    def test_a_lower_limit_of_the_host(self):
        laptop = self.device("laptop")
        laptop.setlimit(LENGTH, 1_000_000)
        n = 999_900
        laptop.execute("INSERT INTO kv VALUES('k', zeroblob(?))", (n,))
        laptop.execute("INSERT INTO kv VALUES(zeroblob(60000), zeroblob(?))", (n,))
        for value in (999_999, 1_000_000, 2_000_000):
            with self.assertRaises(sqlite3.DataError):
                laptop.execute("INSERT INTO kv VALUES('k', zeroblob(?))", (value,))
        self.fails("INSERT INTO kv VALUES('k', zeroblob(999999))", "SQLITE_LIMIT_LENGTH", con=laptop,
                   error=sqlite3.DataError)
        self.assertEqual(len(self.log("laptop").rows), 2)
        phone = self.device("phone")
        self.assertEqual(phone.execute("SELECT length(value) FROM kv").fetchall(), [(n,), (n,)])
        # Rows that it could not store wait; the sync does not fail.
        tablet = self.connect()
        tablet.setlimit(LENGTH, 1_000_000)
        tablet.execute("SELECT kv_open('%s', 'tablet')" % self.path("notes.kv"))
        for n in range(999_700, 1_000_001, 50):
            make(log_path(self.path("notes.kv"), "radio"),
                 [(1, NOW, None, 1, "", "k", blob(n))], "radio")
            sync(tablet)
            self.assertIn(self.state(tablet, "radio"), ("ok", "waiting", "rewritten"))

    def test_the_own_log_over_a_lower_limit_is_left_alone(self):
        self.device("laptop").execute("INSERT INTO kv VALUES('k', zeroblob(500000))")
        path = log_path(self.path("notes.kv"), "laptop")
        before = read(path)
        con = self.connect()
        high = con.setlimit(LENGTH, 100_000)
        self.fails("SELECT kv_open('%s', 'laptop')" % self.path("notes.kv"), "SQLITE_LIMIT_LENGTH", con=con,
                   error=sqlite3.DataError)
        self.assertEqual(read(path), before)
        con.setlimit(LENGTH, high)
        con.execute("SELECT kv_open('%s', 'laptop')" % self.path("notes.kv"))
        self.assertEqual(con.execute("SELECT length(value) FROM kv").fetchall(), [(500000,)])
        for _ in range(20):  # it looks at a part of its log each time
            con.setlimit(LENGTH, 100_000)
            con.execute("INSERT INTO kv VALUES('a', 1)")
            os.utime(path)
            sync(con)
        self.assertEqual(self.state(con, "laptop"), "ok")
        self.assertEqual(os.listdir(os.path.dirname(path)), ["log.db"])


if __name__ == "__main__":
    unittest.main()
