"""Rows wait in a backup of the host database; they were published, and the log was
compacted; then the backup is restored.
"""

import unittest

import oracle
from generations import Log
from support import kv, sync
from test_publish_sync import Late


class Restored(Late):
    TABLE = "CREATE VIRTUAL TABLE t USING kv_table(id INTEGER PRIMARY KEY, n INTEGER, MERGE(n counter))"

    def begin(self):
        con = self.host()
        con.execute(self.TABLE)
        con.execute("INSERT INTO t VALUES(1, 0)")
        con.executescript("INSERT INTO kv VALUES('a', 1); INSERT INTO kv VALUES('a', 2)")
        sync(con)
        return con

    def publish(self, con, *more, file="backup.db"):
        """Back up, publish what waits and more, compact; then go on with the backup."""
        con.execute("VACUUM INTO ?", (self.path(file),))
        for sql in more:
            con.execute(sql)
        sync(con)
        self.assertGreater(con.execute("SELECT kv_compact('now')").fetchone()[0], 0)
        self.check(con)
        con.close()
        return self.host(file)

    def keys(self):
        return [r.key for r in self.log("laptop").rows if r.op < oracle.SEEN and not r.bucket]

    def settled(self, con):
        self.assertEqual(self.here(con), ("ok", None, 0))
        self.check(con)
        self.check(self.device("phone"))

    def test_a_counter_counts_once(self):
        con = self.begin()
        con.execute("UPDATE t SET n = n + 1")
        con = self.publish(con)
        cursor = con.execute("SELECT kv_cursor()").fetchone()[0]
        sync(con)
        self.assertEqual(con.execute("SELECT n FROM t").fetchall(), [(1,)])
        phone = self.device("phone")
        phone.execute(self.TABLE.replace("TABLE t ", "TABLE temp.t "))
        self.assertEqual(phone.execute("SELECT n FROM t").fetchall(), [(1,)])
        self.settled(con)
        con.execute("UPDATE t SET n = n + 1")
        sync(con)
        self.assertEqual(con.execute("SELECT n FROM t").fetchall(), [(2,)])
        self.assertEqual(con.execute("SELECT count(*) FROM kv_changes(?) WHERE bucket = 't'",
                                     (cursor,)).fetchone(), (1,))
        self.settled(con)

    def test_rows_that_are_not_in_the_log_any_more_are_published_again(self):
        con = self.begin()
        con.executescript("BEGIN; INSERT INTO kv VALUES('b', 1), ('c', 1); COMMIT;"
                          "BEGIN; INSERT INTO kv VALUES('d', 1), ('e', 1), ('f', 1); COMMIT;")
        con = self.publish(con, "INSERT INTO kv VALUES('c', 2)", "INSERT INTO kv VALUES('d', 2)",
                           "INSERT INTO kv VALUES('f', 2)")
        con.executescript("BEGIN; INSERT INTO kv VALUES('g', 1), ('h', 1); COMMIT;")
        sync(con)
        self.assertEqual(self.keys(), [*"abecdf", *"cdfgh"])
        self.assertEqual([len(t) for t in self.published("laptop")][-3:], [1, 2, 2])
        self.assertEqual(sorted(kv(con)), sorted(("str", k) for k in "abcdefgh"))
        self.assertEqual(con.execute("SELECT value FROM kv WHERE key IN ('c', 'd', 'f')").fetchall(),
                         [(2,)] * 3)
        self.settled(con)

    def test_rows_that_were_not_published_are(self):
        """Others have their numbers, and those are later, and compacted."""
        con = self.begin()
        con.execute("VACUUM INTO ?", (self.path("other.db"),))
        other = self.host("other.db")
        other.executescript("INSERT INTO kv VALUES('x', 1); INSERT INTO kv VALUES('y', 1)")
        waiting = other.execute("SELECT seq, ts FROM kv_log WHERE key IN ('x', 'y')").fetchall()
        con.executescript("INSERT INTO kv VALUES('a', 3); INSERT INTO kv VALUES('a', 4)")
        self.publish(con, "INSERT INTO kv VALUES('a', 5)").close()
        log = Log.read(self.path("notes.kv"), "laptop")
        for seq, ts in waiting:
            self.assertLessEqual(seq, log.former[1])
            self.assertLessEqual(ts, log.horizon)
        sync(other)
        self.assertEqual(self.keys(), ["a", "x", "y"])
        self.settled(other)

    def test_a_commit_that_publishes_them(self):
        con = self.begin()
        con.executescript("INSERT INTO kv VALUES('b', 1); INSERT INTO kv VALUES('c', 1)")
        con = self.publish(con, "INSERT INTO kv VALUES('b', 2)")
        con.execute("SELECT kv_open('notes.kv', 'laptop', 'publish=commit')")
        con.executescript("BEGIN; INSERT INTO kv VALUES('d', 1), ('e', 1); COMMIT")
        self.assertEqual(self.keys(), [*"acb", *"bde"])
        self.assertEqual([len(t) for t in self.published("laptop")][-2:], [1, 2])
        sync(con)
        self.settled(con)

    def test_what_they_had_seen_is_said_again(self):
        con = self.begin()
        phone = self.device("phone")
        phone.execute("INSERT INTO kv VALUES('p', 1)")
        sync(con)
        phone.execute("INSERT INTO kv VALUES('p', 2)")
        con.executescript("INSERT INTO kv VALUES('b', 1); INSERT INTO kv VALUES('c', 1)")
        sync(phone)
        con = self.publish(con, "INSERT INTO kv VALUES('b', 2)")
        sync(con)
        self.settled(con)
        said = [r.value for r in self.log("laptop").rows if r.op == oracle.SEEN]
        self.assertEqual(said, sorted(said))
        self.assertGreaterEqual(said[-1], 2)


if __name__ == "__main__":
    unittest.main()
