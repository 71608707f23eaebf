"""Large values are stored beside the cache, and nobody can tell. Whatever
reads or writes a value, large ones come back unchanged, from every table,
function and order, before and after they travel; and no value is left without
a row.
"""

import random
import sqlite3
import unittest

from support import NOW, SECOND, Case, kv, kv_log, log_path, misplaced, open_store, sync, tag

MIN = 8192  # a value of more bytes is kept beside the cache
LARGE = 65536

# Values without a row, rows without their value, and values in the wrong place.
ASTRAY = """
    SELECT count(*) FROM kv_large
    WHERE id NOT IN (SELECT large FROM kv_cache WHERE large IS NOT NULL)
    UNION ALL
    SELECT count(*) FROM kv_cache AS c WHERE large IS NOT NULL AND (
      value IS NOT NULL OR (SELECT count(*) FROM kv_large WHERE id = c.large) <> 1)
    UNION ALL
    SELECT (SELECT count(*) FROM kv_cache WHERE length(CAST(value AS BLOB)) > %d)
      + (SELECT count(*) FROM kv_large WHERE length(CAST(value AS BLOB)) <= %d)""" % (MIN, MIN)


def text(n, seed):
    """Text of n characters, of one to four bytes each."""
    r = random.Random(seed)
    return "".join(r.choice("abcé€𝄞") for _ in range(n))


def blob(n, seed):
    return random.Random(seed).randbytes(n)


SIZES = [MIN - 1, MIN, MIN + 1, LARGE, 3 * LARGE + 5, 50 * LARGE]


class LargeValues(Case):

    def store(self, device="laptop", schema="temp", db=":memory:", t=0, folder="notes.kv"):
        return self.device(device, folder, db, schema, "now=%d" % (NOW + t * SECOND))

    def well(self, db):
        self.assertEqual(db.execute(ASTRAY).fetchall(), [(0,), (0,), (0,)])
        self.assertEqual(misplaced(db), [])

    def fill(self, db):
        """Small and large values, text and blobs; returns them."""
        rows = {}
        for i, n in enumerate(SIZES):
            rows["b%d" % i] = blob(n, i)
            rows["t%d" % i] = text(n, i)
            rows["s%d" % i] = i
        keys = list(rows)
        random.Random(7).shuffle(keys)
        db.execute("BEGIN")
        for k in keys:
            db.execute("INSERT INTO kv VALUES(?, ?)", (k, rows[k]))
        db.execute("COMMIT")
        return rows

    def same(self, got, expected):
        """Compare without printing megabytes."""
        got, expected = list(got), list(expected)
        self.assertEqual(len(got), len(expected))
        for a, b in zip(got, expected):
            if a != b or type(a) is not type(b):
                self.fail("%.60r is not %.60r" % (a, b))

    def each_cache(self):
        for schema, db in [("temp", ":memory:"), ("main", "cache.db")]:
            with self.subTest(schema):
                yield self.store(schema=schema, db=db)
                self.fresh()

    def test_every_query_returns_whole_values(self):
        for db in self.each_cache():
            rows = self.fill(db)
            order = sorted(rows)
            for sql in ["SELECT key, value FROM kv",
                        "SELECT key, value FROM kv ORDER BY key",
                        "SELECT key, value FROM kv WHERE key >= 'a'",
                        "SELECT key, value FROM kv WHERE key > 'a' AND key < 'u'",
                        "SELECT key, value FROM kv WHERE ts > 0 ORDER BY key",
                        "SELECT key, value FROM kv('2100-01-01')",
                        "SELECT key, value FROM kv WHERE as_of = '2100-01-01' ORDER BY key",
                        "SELECT key, value FROM kv_log ORDER BY key",
                        "SELECT key, value FROM kv_log WHERE ts > 0 ORDER BY key",
                        "SELECT key, new_value FROM kv_diff('2000-01-01') ORDER BY key",
                        "SELECT key, value FROM kv_changes(0) ORDER BY key",
                        "SELECT key, kv_get(key) FROM kv",
                        "SELECT k.key, (SELECT value FROM kv WHERE key = k.key) FROM kv AS k"]:
                with self.subTest(sql):
                    self.same(db.execute(sql), [(k, rows[k]) for k in order])
            backwards = [(k, rows[k]) for k in reversed(order)]
            for sql in ["SELECT key, value FROM kv ORDER BY key DESC",
                        "SELECT key, value FROM kv('2100-01-01') ORDER BY key DESC"]:
                with self.subTest(sql):
                    self.same(db.execute(sql), backwards)
            for k in order:
                self.same(db.execute("SELECT value, value, length(value), ts > 0 FROM kv WHERE key = ?",
                                     (k,)).fetchone(),
                          [rows[k], rows[k], db.execute("SELECT length(?)", (rows[k],)).fetchone()[0], 1])
            for sql in ["SELECT key FROM kv", "SELECT key FROM kv WHERE key > 'a'",
                        "SELECT key FROM kv('2100-01-01')", "SELECT key FROM kv WHERE ts > 0 ORDER BY key"]:
                with self.subTest(sql):
                    self.same(db.execute(sql), [(k,) for k in order])
            self.assertEqual(db.execute("SELECT count(*) FROM kv").fetchone()[0], len(rows))
            self.assertEqual(db.execute("SELECT max(ts), value FROM kv WHERE key = 'b5'").fetchone()[1],
                             rows["b5"])
            self.well(db)

    def test_deletions_and_later_values_are_distinguished(self):
        db = self.store()
        rows = self.fill(db)
        for k in ["b5", "t3", "s2"]:
            db.execute("DELETE FROM kv WHERE key = ?", (k,))
            del rows[k]
        for k, v in [("b3", 1), ("t2", None), ("s5", text(LARGE, 9)), ("b4", blob(2 * LARGE, 9))]:
            db.execute("UPDATE kv SET value = ? WHERE key = ?", (v, k))
            rows[k] = v
        db.execute("UPDATE kv SET key = 'moved' WHERE key = 't5'")
        rows["moved"] = rows.pop("t5")
        for sql in ["SELECT key, value FROM kv", "SELECT key, value FROM kv('2100-01-01')"]:
            self.same(db.execute(sql), [(k, rows[k]) for k in sorted(rows)])
            self.same(db.execute(sql + " ORDER BY key DESC"), [(k, rows[k]) for k in sorted(rows, reverse=True)])
        self.same(db.execute("SELECT key FROM kv"), [(k,) for k in sorted(rows)])
        self.well(db)
        sync(db)
        self.well(db)

    def test_a_value_set_again_in_its_transaction_leaves_nothing_behind(self):
        for db in self.each_cache():
            big = [blob(LARGE + i, i) for i in range(9)]
            db.execute("BEGIN")
            for i, v in enumerate(big[:4]):
                db.execute("INSERT INTO kv VALUES('a', ?)", (v,))
                db.execute("INSERT INTO kv VALUES('b', ?)", (i,))
                db.execute("INSERT INTO kv VALUES('c', ?)", (v,))
            db.execute("INSERT INTO kv VALUES('b', ?)", (big[5],))
            db.execute("SELECT count(*) FROM kv").fetchone()
            db.execute("INSERT INTO kv VALUES('b', 'small')")
            db.execute("DELETE FROM kv WHERE key = 'c'")
            db.execute("INSERT INTO kv VALUES('old', ?)", (big[6],))
            db.execute("INSERT INTO kv VALUES('new', ?)", (big[7],))
            db.execute("UPDATE OR REPLACE kv SET key = 'new' WHERE key = 'old'")
            self.well(db)
            db.execute("COMMIT")
            self.well(db)
            self.assertEqual(kv(db), {tag("a"): tag(big[3]), tag("b"): tag("small"), tag("new"): tag(big[6])})
            self.assertEqual(db.execute("SELECT count(*) FROM kv_large").fetchone()[0], 2)
            self.assertEqual([r[7:] for r in kv_log(db) if r[6] == "set"],
                             [(tag("a"), tag(big[3])), (tag("b"), tag("small")), (tag("new"), tag(big[6]))])

    def test_the_hosts_last_rowid_is_unchanged(self):
        laptop, phone = self.store(), self.store("phone", t=1)
        for db in (laptop, phone):
            db.execute("CREATE TABLE t(x)")
            db.execute("INSERT INTO t(rowid) VALUES(77)")
        laptop.execute("INSERT INTO kv VALUES('a', ?)", (blob(LARGE, 1),))
        laptop.execute("SELECT kv_set('a', zeroblob(100000))").fetchone()
        phone.execute("SELECT kv_sync()").fetchone()
        for db in (laptop, phone):
            self.assertEqual(db.execute("SELECT last_insert_rowid()").fetchone()[0], 77)

    def test_what_is_rolled_back_is_gone(self):
        db = self.store()
        db.execute("INSERT INTO kv VALUES('a', ?)", (blob(LARGE, 1),))
        db.execute("BEGIN")
        db.execute("INSERT INTO kv VALUES('b', ?)", (blob(LARGE, 2),))
        db.execute("SAVEPOINT s")
        db.execute("INSERT INTO kv VALUES('a', ?)", (blob(LARGE, 3),))
        db.execute("INSERT INTO kv VALUES('c', ?)", (blob(LARGE, 4),))
        db.execute("ROLLBACK TO s")
        self.well(db)
        with self.assertRaises(sqlite3.IntegrityError):
            db.execute("INSERT OR ABORT INTO kv SELECT * FROM (SELECT 'd', zeroblob(100000) "
                       "UNION ALL SELECT NULL, 1)")
        self.well(db)
        self.assertEqual(kv(db), {tag("a"): tag(blob(LARGE, 1)), tag("b"): tag(blob(LARGE, 2))})
        db.execute("ROLLBACK")
        self.well(db)
        self.assertEqual(kv(db), {tag("a"): tag(blob(LARGE, 1))})

    def test_savepoints_around_the_first_one(self):
        """Its statement begins its own savepoint, which must not affect the
        others."""
        v = [blob(LARGE, i) for i in range(3)]
        for before in range(3):
            for inside in range(3):
                with self.subTest(before=before, inside=inside):
                    self.fresh()
                    db = self.store(schema="main", db="cache.db")
                    db.execute("BEGIN")
                    for i in range(before):
                        db.execute("INSERT INTO kv VALUES(?, ?)", ("before%d" % i, v[i] if i else i))
                    db.execute("SAVEPOINT s")
                    for i in range(inside):
                        db.execute("INSERT INTO kv VALUES(?, ?), ('x', ?)", ("in%d" % i, i, v[i]))
                    db.execute("INSERT INTO kv VALUES('large', ?)", (v[2],))
                    db.execute("ROLLBACK TO s")
                    db.execute("INSERT INTO kv VALUES('after', ?)", (v[1],))
                    db.execute("COMMIT")
                    self.well(db)
                    expected = {tag("before%d" % i): tag(v[i] if i else i) for i in range(before)}
                    expected[tag("after")] = tag(v[1])
                    self.assertEqual(kv(db), expected)
                    self.assertEqual(kv(self.store("phone", t=1)), expected)

    def test_a_schema_that_changed_meanwhile(self):
        """SQLite prepares the statement that stores the value again."""
        db = self.store(schema="main", db="cache.db")
        db.execute("INSERT INTO kv VALUES('first', zeroblob(10000))")
        n = 1
        for i, sql in enumerate(["INSERT INTO kv VALUES('p', zeroblob(10000)), ('q', 1)",
                                 "INSERT INTO kv VALUES('r', 1), ('s', zeroblob(10000)), ('t', 1)",
                                 "BEGIN; INSERT INTO kv VALUES('u', zeroblob(10000)); "
                                 "INSERT INTO kv VALUES('v', 1); COMMIT",
                                 "UPDATE kv SET key = 'w', value = zeroblob(9000) WHERE key = 'v'"]):
            db.execute("CREATE TABLE t%d(x)" % i)
            db.executescript(sql)
            n += 3 if i == 1 else 2
            self.well(db)
            self.assertEqual(len(self.log("laptop").rows), n)
            self.assertEqual(kv(self.store("phone", t=1)), kv(db))

    def test_many_rows_some_of_them_large(self):
        db = self.store()
        r = random.Random(5)
        rows = {"k%03d" % i: blob(r.choice([10, 2000, 9000, LARGE + 1]), i) for i in range(300)}
        keys = list(rows)
        r.shuffle(keys)
        db.execute("BEGIN")
        db.executemany("INSERT INTO kv VALUES(?, 0)", [(k,) for k in keys])
        db.executemany("INSERT INTO kv VALUES(?, ?)", [(k, rows[k]) for k in keys])
        db.execute("COMMIT")
        db.execute("CREATE TABLE t AS SELECT key, value FROM kv")
        self.same(db.execute("SELECT key, value FROM t ORDER BY key"), sorted(rows.items()))
        db.execute("INSERT INTO kv SELECT key, value || 'x' FROM t ORDER BY random()")
        self.well(db)
        self.assertEqual(kv(self.store("phone", t=1)), kv(db))

    def test_they_travel(self):
        for schema, file in [("temp", ":memory:"), ("main", "phone.db")]:
            with self.subTest(schema):
                laptop, phone = self.store(), self.store("phone", schema, file, t=1)
                rows = self.fill(laptop)
                sync(phone)
                self.same(phone.execute("SELECT key, value FROM kv"), [(k, rows[k]) for k in sorted(rows)])
                self.well(phone)
                phone.execute("BEGIN")
                for k in list(rows)[::3]:
                    rows[k] = text(LARGE, k)
                    phone.execute("INSERT INTO kv VALUES(?, ?)", (k, rows[k]))
                phone.execute("COMMIT")
                laptop.execute("INSERT INTO kv VALUES('t1', ?)", (text(LARGE, "other"),))
                sync(laptop)
                sync(phone)
                self.assertEqual(kv(laptop), kv(phone))
                self.assertEqual(kv_log(laptop), kv_log(phone))
                self.assertEqual(kv(self.store("tablet", t=2)), kv(laptop))
                for db in (laptop, phone):
                    self.well(db)
                self.fresh()

    def test_overwritten_ones_are_conflicts_with_their_values(self):
        laptop, phone = self.store(), self.store("phone", t=1)
        a, b = text(LARGE, 1), text(LARGE, 2)
        laptop.execute("INSERT INTO kv VALUES('k', ?), ('same', ?)", (a, a))
        phone.execute("INSERT INTO kv VALUES('k', ?), ('same', ?)", (b, a))
        sync(laptop)
        self.same(laptop.execute("SELECT key, value, lost_value FROM kv_conflicts"), [("k", b, a)])
        self.same(laptop.execute("SELECT key, change, old_value, new_value FROM kv_diff(?, ?)",
                                 (NOW, NOW + 2 * SECOND)), [("k", "changed", a, b)])

    def test_an_earlier_value_comes_back(self):
        db = self.store()
        for v in [text(LARGE, 1), 2, text(LARGE, 3), text(LARGE, 3)]:
            db.execute("INSERT INTO kv VALUES('k', ?)", (v,))
        self.same([db.execute("SELECT kv_revert('k')").fetchone()[0]], [text(LARGE, 3)])
        self.same(db.execute("SELECT value FROM kv"), [(text(LARGE, 3),)])
        first = db.execute("SELECT min(ts) FROM kv_log").fetchone()[0]
        self.same(db.execute("SELECT kv_revert('k', ?)", (first,)), [(text(LARGE, 1),)])
        self.same(db.execute("SELECT value FROM kv"), [(text(LARGE, 1),)])
        self.same(db.execute("SELECT value FROM kv(?)", (first,)), [(text(LARGE, 1),)])
        self.same(db.execute("SELECT kv_revert('k')"), [(text(LARGE, 3),)])
        db.execute("INSERT INTO kv VALUES('k', 5)")
        self.same(db.execute("SELECT kv_revert('k', ?)", (NOW - 1,)), [(None,)])
        self.assertEqual(kv(db), {})
        self.well(db)

    def test_a_log_that_starts_over_leaves_no_old_values(self):
        laptop, phone = self.store(), self.store("phone", "main", "phone.db", t=1)
        rows = self.fill(laptop)
        phone.execute("INSERT INTO kv VALUES('mine', ?)", (blob(LARGE, 1),))
        sync(phone)
        self.assertEqual(len(kv(phone)), len(rows) + 1)
        other = self.store("laptop", folder="other.kv", t=9)
        other.execute("INSERT INTO kv VALUES('anew', ?)", (blob(LARGE, 2),))
        with open(log_path(self.path("other.kv"), "laptop"), "rb") as f:
            data = f.read()
        with open(log_path(self.path("notes.kv"), "laptop"), "wb") as f:
            f.write(data)
        sync(phone)
        self.assertEqual(kv(phone), {tag("mine"): tag(blob(LARGE, 1)), tag("anew"): tag(blob(LARGE, 2))})
        self.well(phone)
        self.assertEqual(phone.execute("SELECT count(*) FROM kv_large").fetchone()[0], 2)

    def test_discarded_rows_take_their_large_values_with_them(self):
        db = self.store(schema="main", db="cache.db")
        db.execute("INSERT INTO kv VALUES('a', ?)", (blob(LARGE, 1),))
        self.blocked = self.connect(log_path(self.path("notes.kv"), "laptop"))
        self.blocked.execute("BEGIN EXCLUSIVE")
        db.execute("INSERT INTO kv VALUES('a', ?), ('b', ?)", (blob(LARGE, 2), blob(LARGE, 3)))
        self.blocked.execute("ROLLBACK")
        self.assertEqual(db.execute("SELECT sum(unpublished) FROM kv_devices").fetchone()[0], 2)
        self.assertEqual(sync(db), 0)
        self.assertEqual(db.execute("SELECT sum(unpublished) FROM kv_devices").fetchone()[0], 0)
        self.assertEqual(kv(self.store("phone", t=1)),
                         {tag("a"): tag(blob(LARGE, 2)), tag("b"): tag(blob(LARGE, 3))})
        self.well(db)

    def test_a_host_of_utf16_keeps_text(self):
        db = self.connect()
        db.execute("PRAGMA encoding = 'UTF-16le'")
        open_store(db, self.path("notes.kv"), "laptop", "now=%d" % NOW)
        rows = self.fill(db)
        self.same(db.execute("SELECT key, value FROM kv"), [(k, rows[k]) for k in sorted(rows)])
        self.same(db.execute("SELECT key, value FROM kv_log ORDER BY key"), [(k, rows[k]) for k in sorted(rows)])
        self.assertEqual(kv(self.store("phone", t=1)), kv(db))

    def test_a_missing_value_is_an_error_everywhere(self):
        db = self.store()
        rows = self.fill(db)
        number = db.execute("SELECT large FROM kv_cache WHERE key = 'b5'").fetchone()[0]
        db.execute("DELETE FROM kv_large WHERE id = ?", (number,))
        for sql in ["SELECT value FROM kv WHERE key = 'b5'", "SELECT * FROM kv", "SELECT kv_get('b5')",
                    "SELECT value FROM kv WHERE ts > 0", "SELECT * FROM kv ORDER BY key DESC",
                    "SELECT * FROM kv('2100-01-01')", "SELECT * FROM kv_log", "SELECT kv_revert('b5', 'now')"]:
            with self.subTest(sql):
                with self.assertRaisesRegex(sqlite3.DatabaseError, "^kv: .*open the folder with a new cache"):
                    db.execute(sql).fetchall()
        self.same(db.execute("SELECT key FROM kv"), [(k,) for k in sorted(rows)])
        self.same(db.execute("SELECT value FROM kv WHERE key = 'b4'"), [(rows["b4"],)])


if __name__ == "__main__":
    unittest.main()
