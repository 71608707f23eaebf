"""Rows of a running transaction are in the cache when anybody looks.

Every query sees everything that was written before, and nothing that a
savepoint undid; then the transaction commits as a whole.
"""

import random
import unittest

from support import NOW, Case, kv, open_store, plain

N = 300


class Late(Case):

    def setUp(self):
        super().setUp()
        self.db = self.connect()
        open_store(self.db, self.path("notes.kv"), "laptop", "now=%d" % NOW)
        self.db.execute("CREATE TABLE t(x)")

    def write(self, seed=1):
        """Begin, and write keys in random order: set, again, deleted."""
        order = list(range(N))
        random.Random(seed).shuffle(order)
        self.db.execute("BEGIN")
        self.db.executemany(
            "INSERT INTO kv VALUES(?, ?)", [("k%03d" % i, i) for i in order])
        self.db.executemany(
            "INSERT INTO kv VALUES(?, ?)",
            [("k%03d" % i, -i) for i in order if i % 3 == 0])
        self.db.executemany(
            "DELETE FROM kv WHERE key = ?",
            [("k%03d" % i,) for i in order if i % 5 == 0])
        return {"k%03d" % i: -i if i % 3 == 0 else i
                for i in range(N) if i % 5}

    def one(self, sql, *args):
        return self.db.execute(sql, args).fetchone()[0]

    def test_every_query_sees_all_rows(self):
        n = len(range(N)) - len(range(0, N, 5))
        for sql, expected in [
                ("SELECT count(*) FROM kv", n),
                ("SELECT count(*) FROM kv WHERE key >= 'k100' AND key < 'k200'", 80),
                ("SELECT count(*) FROM kv WHERE key GLOB 'k1*'", 80),
                ("SELECT value FROM kv WHERE key = 'k003'", -3),
                ("SELECT count(*) FROM kv WHERE key = 'k005'", 0),
                ("SELECT count(*) FROM kv WHERE key = 'none'", 0),
                ("SELECT sum(value) FROM kv WHERE key IN ('k001', 'k003', 'k005')", -2),
                ("SELECT max(key) FROM kv", "k299"),
                ("SELECT key FROM kv ORDER BY key DESC LIMIT 1", "k299"),
                ("SELECT count(DISTINCT ts) FROM kv WHERE device = 'laptop'", 1),
                ("SELECT ts - %d FROM kv WHERE key = 'k001'" % NOW, 0),
                ("SELECT parent_ts IS NULL FROM kv WHERE key = 'k001'", 1),
                ("SELECT count(*) FROM kv WHERE ts >= %d" % NOW, n),
                ("SELECT count(*) FROM kv('2100-01-01')", n),
                ("SELECT value FROM kv('2100-01-01') WHERE key = 'k003'", -3),
                ("SELECT count(*) FROM kv_log", N),
                ("SELECT count(*) FROM kv_log WHERE op = 'delete'", N - n),
                ("SELECT value FROM kv_log WHERE key = 'k003'", -3),
                ("SELECT count(*) FROM kv_log WHERE ts >= %d" % NOW, N),
                ("SELECT count(*) FROM kv_diff('2000-01-01')", n),
                ("SELECT kv_get('k003')", -3),
                ("SELECT kv_get('k005', 'gone')", "gone"),
                ("SELECT kv_revert('k001')", None),
                ("SELECT kv_delete('k005')", 0),
                ("SELECT kv_delete('k001')", 1),
                ("SELECT kv_set('k005', 'back')", "back"),
                ("SELECT count(*) FROM kv_changes(0)", 0),
                ("SELECT count(*) FROM kv_devices WHERE device = 'laptop'", 1)]:
            with self.subTest(sql):
                self.write()
                try:
                    self.assertEqual(self.one(sql), expected)
                finally:
                    self.db.execute("ROLLBACK")
                self.assertEqual(kv(self.db), {})

    def test_it_commits_whole(self):
        for seed in range(5):
            rows = self.write(seed)
            self.db.execute("COMMIT")
            self.assertEqual(kv(self.db), plain(rows))
        self.assertEqual(len(self.published("laptop")), 5)
        self.check(self.db)

    def test_a_savepoint_undoes_what_came_after_it(self):
        rows = self.write()
        self.db.execute("SAVEPOINT a")
        self.db.executemany("INSERT INTO kv VALUES(?, 'x')",
                            [("k%03d" % i,) for i in range(0, N, 2)])
        self.db.execute("DELETE FROM kv WHERE key = 'k001'")
        self.db.execute("ROLLBACK TO a")
        self.db.execute("INSERT INTO kv VALUES('last', 1)")
        self.db.execute("COMMIT")
        rows["last"] = 1
        self.assertEqual(kv(self.db), plain(rows))
        self.check(self.db)

    def test_a_statement_that_aborts_undoes_only_its_own_rows(self):
        rows = self.write()
        self.db.execute(
            "CREATE TEMP TRIGGER tr AFTER INSERT ON t BEGIN "
            "  INSERT INTO kv VALUES('from ' || new.x, 1);"
            "  SELECT RAISE(ABORT, 'enough') WHERE new.x = 3; END")
        self.fails("INSERT INTO t VALUES(1), (2), (3)", "enough")
        self.db.execute("INSERT INTO t VALUES(4)")
        self.db.execute("COMMIT")
        rows["from 4"] = 1
        self.assertEqual(kv(self.db), plain(rows))
        self.check(self.db)

    def test_updates_see_what_was_written(self):
        rows = self.write()
        self.db.execute("UPDATE kv SET value = value + 1000 WHERE key > 'k200'")
        self.db.execute("UPDATE kv SET key = 'moved' WHERE key = 'k002'")
        self.db.execute("INSERT OR IGNORE INTO kv VALUES('k001', 'no'), ('k005', 'yes')")
        self.fails("INSERT OR FAIL INTO kv VALUES('k004', 'no')", "UNIQUE")
        self.db.execute("COMMIT")
        rows = {k: v + 1000 if k > "k200" else v for k, v in rows.items()}
        rows["moved"] = rows.pop("k002")
        rows["k005"] = "yes"
        self.assertEqual(kv(self.db), plain(rows))
        self.check(self.db)

    def test_a_table_that_is_renamed_keeps_them(self):
        rows = self.write()
        self.db.execute("ALTER TABLE kv RENAME TO notes")
        self.assertEqual(kv(self.db, "notes"), plain(rows))
        self.db.execute("COMMIT")
        self.assertEqual(kv(self.db, "notes"), plain(rows))

    def test_more_than_is_remembered(self):
        self.db.execute("BEGIN")
        rows = [("k%06d" % (i * 7919 % 100000), "x" * 400) for i in range(100000)]
        self.db.executemany("INSERT INTO kv VALUES(?, ?)", rows)
        self.db.executemany("INSERT INTO kv VALUES(?, 'new')",
                            [(k,) for k, _ in rows[:50]])
        self.assertEqual(self.one("SELECT kv_get(?)", rows[-1][0]), "x" * 400)
        self.db.execute("COMMIT")
        self.assertEqual(self.one("SELECT count(*) FROM kv"), 100000)
        self.assertEqual(self.one("SELECT count(*) FROM kv WHERE value = 'new'"), 50)
        self.assertEqual(len(self.published("laptop")), 1)


if __name__ == "__main__":
    unittest.main()
