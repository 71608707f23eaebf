"""Scans of many rows, which kv reads many at a time: each key once, with its
latest value, whatever comes in between and whatever is written meanwhile.
"""

import random
import unittest

import sqlite_c
from support import NOW, Case, open_store, sync, tag

N = 400


class Scans(Case):
    def store(self, encoding="UTF-8", name="host.db"):
        db = self.connect(self.path(name))
        db.execute("PRAGMA encoding = '%s'" % encoding)
        return open_store(db, ":memory:", None, "now=%d" % NOW, schema="main")

    def same(self, db, expected, sql="SELECT key, value FROM kv", args=()):
        rows = [(tag(k), tag(v)) for k, v in db.execute(sql, args)]
        self.assertEqual(rows, [(tag(k), tag(v)) for k, v in expected])

    def keys(self, n=N):
        return ["key %05d" % i for i in range(n)]

    def fill(self, db, n=N):
        db.executemany("INSERT INTO kv VALUES(?, ?)", ((k, k[4:]) for k in self.keys(n)))

    def test_each_key_is_met_once_with_its_latest_value(self):
        for encoding in ("UTF-8", "UTF-16le", "UTF-16be"):
            db, r = self.store(encoding, encoding), random.Random(5)
            plain = {}
            pool = ([i for i in range(-50, 50)] + [i + 0.5 for i in range(100)] +
                    ["é%04d" % i for i in range(100)] + [""] + [b""] +
                    [b"\xff%04d" % i for i in range(100)])
            values = [None, 0, 1.5, "", b"", "text\0☃", b"\xff", "x" * 1000, "y" * 3000, b"z" * 30000]
            for i in range(5):
                db.execute("BEGIN")
                for k in r.sample(pool, 300):
                    if r.random() < 0.2:
                        db.execute("DELETE FROM kv WHERE key = ?", (k,))
                        plain.pop(tag(k), None)
                    else:
                        v = r.choice(values[:8] if r.random() < 0.95 else values)
                        db.execute("INSERT INTO kv VALUES(?, ?)", (k, v))
                        plain[tag(k)] = (k, v)
                db.execute("COMMIT")
                db.execute("CREATE TABLE t%d(key PRIMARY KEY, value) WITHOUT ROWID" % i)
                db.executemany("INSERT INTO t%d VALUES(?, ?)" % i, plain.values())
                t = "SELECT key, value FROM t%d " % i
                for where in ("", "WHERE key > 0", "WHERE key >= 'é0005' AND key < 'é0080'", "WHERE key < 'é0080'",
                              "WHERE key > 'é0005' AND key <= x'ff'", "WHERE key BETWEEN x'' AND x'ff30303930'",
                              "WHERE key > -40 AND key < 40", "WHERE key GLOB 'é*'", "LIMIT 40"):
                    self.same(db, db.execute(t + where), "SELECT key, value FROM kv " + where)
                self.same(db, db.execute(t + "ORDER BY key DESC"), "SELECT key, value FROM kv ORDER BY key DESC")

    def test_many_deletions_between(self):
        db = self.store()
        self.fill(db, 2000)
        db.execute("DELETE FROM kv WHERE CAST(substr(key, 5) AS INTEGER) % 500")
        self.same(db, [("key " + i, i) for i in ("00000", "00500", "01000", "01500")])
        self.assertEqual(db.execute("SELECT count(*) FROM kv").fetchone(), (4,))

    def test_large_keys_and_values_between(self):
        db = self.store()
        self.fill(db)
        for at in (0, 20, 100, 399):
            db.execute("INSERT INTO kv VALUES('key %05d' || ?, ?)" % at, ("x" * 20000, b"y" * 50000))
        rows = db.execute("SELECT length(key), length(value) FROM kv").fetchall()
        self.assertEqual(len(rows), N + 4)
        self.assertEqual(rows.count((20009, 50000)), 4)
        self.assertEqual(set(rows), {(20009, 50000), (9, 5)})

    def test_a_key_is_shown_as_it_was_written(self):
        db = self.store()
        for k in (1, 1.0, 2.0, 2, 2**53, float(2**53), "a", b"a", ""):
            db.execute("INSERT INTO kv VALUES(?, 'x')", (k,))
        keys = [1.0, 2, float(2**53), "", "a", b"a"]
        for order in ("", "ORDER BY key DESC"):
            self.same(db, [(k, "x") for k in (reversed(keys) if order else keys)],
                      "SELECT key, value FROM kv " + order)
        for k in keys + [1, 2.0, 2**53]:
            for sql in ("SELECT key, value FROM kv WHERE key = ?", "SELECT key, 'x' FROM kv WHERE key = ?",
                        "SELECT key, value FROM kv('2030-01-01') WHERE key = ?",
                        "SELECT key, device = 'memory' AND value FROM kv WHERE key = ?"):
                shown, = (tag(row[0]) for row in db.execute(sql, (k,)))
                self.assertEqual(shown, tag([other for other in keys if type(other) in (
                    (int, float) if type(k) in (int, float) else (type(k),)) and other == k][0]), sql)
        self.same(db, [("a", "x"), (1.0, "x")],
                  "SELECT key, value FROM (SELECT column1 AS k FROM (VALUES('a'), (1)))"
                  " CROSS JOIN kv ON key = k")

    def test_joins_of_two_scans(self):
        db = self.store()
        self.fill(db, 100)
        self.assertEqual(db.execute(
            "SELECT count(*) FROM kv AS a JOIN kv AS b ON a.value + 1 = CAST(b.value AS INTEGER)").fetchone(), (99,))
        self.assertEqual(db.execute(
            "SELECT count(*) FROM kv AS a WHERE EXISTS("
            "  SELECT 1 FROM kv AS b WHERE b.key > a.key AND b.value > 50)").fetchone(), (99,))

    def test_aggregates_keep_what_they_hold(self):
        db = self.store()
        self.fill(db)
        self.assertEqual(db.execute("SELECT min(value), key FROM kv").fetchone(), ("00000", "key 00000"))
        self.assertEqual(db.execute("SELECT max(value), key FROM kv").fetchone(), ("00399", "key 00399"))
        self.assertEqual(
            db.execute("SELECT value / 100, max(value), key FROM kv GROUP BY 1").fetchall(),
            [(i, "00%d99" % i, "key 00%d99" % i) for i in range(4)])
        self.assertEqual(
            db.execute("SELECT lag(key, 70) OVER (ORDER BY key) FROM kv LIMIT 1 OFFSET 170").fetchone(),
            ("key 00100",))

    def during(self, at, write, expected, begin=False):
        """Read `at` rows of a scan, write, and read on."""
        db = self.store(name="%d.db" % len(self.seen))
        self.seen.append(at)
        self.fill(db)
        if begin:
            db.execute("BEGIN")
            db.execute("INSERT INTO kv VALUES('key 00390', 'inside')")
            db.execute("SAVEPOINT s")
            db.execute("DELETE FROM kv WHERE key = 'key 00391'")
        cursor = db.execute("SELECT key, value FROM kv")
        rows = [cursor.fetchone() for _ in range(at)]
        write(db)
        self.assertEqual(rows[0], ("key 00000", "00000"))
        self.assertEqual(dict(rows + cursor.fetchall()), expected)

    def test_what_is_written_while_a_scan_runs(self):
        self.seen = []
        whole = {k: k[4:] for k in self.keys()}

        def write(db):
            db.execute("INSERT INTO kv VALUES('key 00300', 'new')")
            db.execute("DELETE FROM kv WHERE key = 'key 00301'")
            db.execute("INSERT INTO kv VALUES('key 00300+', 'added')")

        for at in (1, 15, 16, 17, 18, 79, 80, 81, 82, 83, 150, 299):
            expected = dict(whole, **{"key 00300": "new"})
            del expected["key 00301"]
            with self.subTest(at=at):
                self.during(at, write, expected)
        with self.subTest(at=400):
            self.during(400, write, whole)

    def test_what_is_rolled_back_while_a_scan_runs(self):
        self.seen = []
        whole = {k: k[4:] for k in self.keys()}
        for at in (1, 16, 17, 18, 100, 380):
            with self.subTest(at=at):
                self.during(at, lambda db: db.execute("ROLLBACK TO s"), dict(whole, **{"key 00390": "inside"}), True)
                self.during(at, lambda db: db.execute("ROLLBACK"), whole, True)

    def test_what_is_merged_while_a_scan_runs(self):
        a, b = self.device("a"), self.device("b")
        self.fill(a)
        b.execute("INSERT INTO kv VALUES('key 00300', 'theirs'), ('key 00301+', 'theirs')")
        cursor = a.execute("SELECT key, value FROM kv")
        rows = [cursor.fetchone() for _ in range(100)]
        self.assertEqual(sync(a), 2)
        rows = dict(rows + cursor.fetchall())
        self.assertEqual(rows["key 00300"], a.execute("SELECT kv_get('key 00300')").fetchone()[0])
        self.assertEqual(set(self.keys()) - set(rows), set())

    def test_a_scan_that_writes_each_key_that_it_reads(self):
        db = self.store()
        self.fill(db)
        db.execute("SELECT max(kv_set(key, value || '!')) FROM kv").fetchone()
        db.execute("UPDATE kv SET value = value || '?'")
        db.execute("INSERT INTO kv SELECT key || '+', value FROM kv")
        self.assertEqual(dict(db.execute("SELECT * FROM kv")),
                         {k + s: k[4:] + "!?" for k in self.keys() for s in ("", "+")})

    def test_a_database_whose_keys_do_not_descend(self):
        """An old file format: SQLite sorts rows that it would otherwise read
        in order."""
        db = self.connect(self.path("host.db"))
        if not sqlite_c.works(db):
            self.skipTest("Python has a SQLite of its own")
        sqlite_c.config(db, "legacy_file_format", 1)
        open_store(db, ":memory:", None, "now=%d" % NOW, schema="main")
        for text in ("first", "second", "third"):
            db.executemany("INSERT INTO kv VALUES(?, ?)", [(k, text + k[4:]) for k in self.keys()])
        db.execute("DELETE FROM kv WHERE key = 'key 00200'")
        rows = [(k, "third" + k[4:]) for k in self.keys() if k != "key 00200"]
        self.assertEqual(db.execute("SELECT desc FROM pragma_index_xinfo("
                                    "(SELECT name FROM pragma_index_list('kv_cache'))) WHERE name = 'ts'").fetchall(), [(0,)])
        self.assertEqual(db.execute("SELECT * FROM kv").fetchall(), rows)
        self.assertEqual(db.execute("SELECT * FROM kv WHERE key > 'key 00100' AND key <= 'key 00300'").fetchall(),
                         [r for r in rows if "key 00100" < r[0] <= "key 00300"])

    def test_only_the_store_can_call_the_function(self):
        db = self.store()
        with self.assertRaisesRegex(Exception, r"kv: kv_batch\(\) is internal"):
            db.execute("SELECT kv_batch(1, 2, 3, 4)").fetchone()


if __name__ == "__main__":
    unittest.main()
