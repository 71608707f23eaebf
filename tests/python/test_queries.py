"""Random queries on kv, kv(as_of) and kv_log find what they find in plain
tables with the same rows: no constraint that is pushed down changes a result.
(Except for columns with an affinity: SQLite does not tell a virtual table that
a value is compared with one, so they are written +x here.)

A failure names the query; KV_ROUNDS sets how many run.
"""

import os
import random
import sqlite3
import unittest

from support import NOW, SECOND, Case, deliver, open_store, sync, tag

ROUNDS = int(os.environ.get("KV_ROUNDS", 150)) * 20

KEYS = [
    0, 1, 1.5, -3, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), float("inf"), float("-inf"), 1e300,
    "", "a", "A", "ab", "aB", "AB", "abc", "a%", "a*", "a_b", "b", "ba", "é", "éa", "\u00ff",
    "\U0001F600", "\uffff", "10", "1", "nul\0x", "nul", "%", "*x", "[x]", "zzz",
    b"", b"a", b"ab", b"\xff", b"\xff\xff", b"1", b"nul\0x",
]
PATTERNS = ["a%", "A%", "ab%", "a_b", "%b", "a", "", "%", "é%", "a\\%%", "1%", "\U0001F600%", "nul%",
            "a*", "A*", "ab*", "a?", "*", "[ab]*", "é*", "1*", "[*]x", "\uffff*", "\u00ff%"]
COLUMNS = "key, value"


class Queries(Case):
    def setUp(self):
        super().setUp()
        self.r = random.Random(3)

    def fill(self, schema):
        """A store of two devices with a history, and plain copies of it."""
        db = self.connect(self.path("%s.db" % schema))
        open_store(db, self.path("notes.kv"), "laptop", "now=%d" % NOW, schema=schema)
        other = self.device("phone", options="now=%d" % (NOW + SECOND))
        for con in (db, other, db):
            sync(con)
            for k in self.r.sample(KEYS, 30):
                con.execute("INSERT INTO kv VALUES(?, ?)", (k, self.r.choice(KEYS + [None])))
            con.executemany("DELETE FROM kv WHERE key = ?", [(k,) for k in self.r.sample(KEYS, 6)])
        sync(db)
        db.executescript("""
          CREATE TABLE t(key, value, ts, time TEXT, device TEXT, parent_ts);
          INSERT INTO t SELECT key, value, ts, time, device, parent_ts FROM kv;
          CREATE TABLE l(bucket TEXT, key, value, op TEXT, ts, time TEXT, device TEXT, seq, txn, parent_ts);
          INSERT INTO l SELECT bucket, key, value, op, ts, time, device, seq, txn, parent_ts FROM kv_log;
          CREATE TABLE args(i INTEGER PRIMARY KEY, n, x TEXT, y INTEGER, z REAL, w BLOB);""")
        for k in KEYS + [None]:
            db.execute("INSERT INTO args(n, x, y, z, w) VALUES(?1, ?1, ?1, ?1, ?1)", (k,))
        self.db = db
        self.times = [ts for ts, in db.execute("SELECT ts FROM l UNION SELECT ts + 1 FROM l")]

    def same(self, sql, args=(), ordered=False):
        """{kv}, {log}, {as_of}: the virtual tables, then the plain ones."""
        results = []
        for names in ({"kv": "kv", "log": "kv_log"}, {"kv": "t", "log": "l"}):
            try:
                rows = [tuple(map(tag, row)) for row in self.db.execute(sql.format(**names), args)]
                results.append(rows if ordered else sorted(rows, key=repr))
            except sqlite3.Error as e:
                results.append(type(e))
        self.assertEqual(*results, "%s %r" % (sql, args))

    def literal(self):
        k = self.r.choice(KEYS)
        self.args.append(k)
        return "?"

    def column(self):
        return self.r.choice(["key", "key", "key", "key", "value", "ts", "time", "device"])

    def term(self, depth=0):
        r, c = self.r, self.column()
        kind = r.randrange(13)
        if c in ("ts", "time") and kind < 6:
            self.args.append(r.choice(self.times))
            arg = "?" if c == "ts" else "(SELECT time FROM l WHERE ts <= ? ORDER BY ts DESC)"
            return "%s %s %s" % (c, r.choice(["=", "<", "<=", ">", ">="]), arg)
        if kind < 5:
            return "%s %s %s" % (c, r.choice(["=", "=", "<", "<=", ">", ">=", "IS", "<>"]), self.literal())
        if kind == 5:
            return "%s BETWEEN %s AND %s" % (c, self.literal(), self.literal())
        if kind == 6:
            return "%s %sIN (%s)" % (c, r.choice(["", "", "NOT "]), ", ".join(
                self.literal() for _ in range(r.choice([1, 2, 5]))))
        if kind == 7:
            self.args.append(r.choice(PATTERNS))
            return "%s %sLIKE ?" % (c, r.choice(["", "", "NOT "])) + r.choice(["", " ESCAPE '\\'"])
        if kind == 8:
            self.args.append(r.choice(PATTERNS))
            return "%s GLOB ?" % c
        if kind == 9 and depth == 0:  # with OR, SQLite's own indexes get this wrong
            return "%s = %s COLLATE NOCASE" % (c, self.literal())
        if kind == 10:
            return r.choice(["key IS NULL", "value IS NULL", "value IS NOT NULL", "key = NULL",
                             "typeof(key) = 'text'", "+key = 1", "key > NULL", "device = 'phone'",
                             "device IN ('laptop', 'none')", "key = value"])
        if kind == 11 and depth < 2:
            return "(%s OR %s)" % (self.term(depth + 1), self.term(depth + 1))
        self.args.append(r.randrange(1, 9))
        return "%s %s (SELECT %s FROM args WHERE i %% ? = 0)" % (
            c, r.choice(["IN", "NOT IN"]), r.choice(["n", "n", "+x", "+y", "+z", "+w"]))

    def where(self):
        self.args = []
        return " AND ".join(self.term() for _ in range(self.r.choice([1, 1, 2, 3])))

    def tail(self, columns):
        """A complete order, and a limit."""
        way = self.r.choice(["", " DESC"])
        order = " ORDER BY " + ", ".join("%s%s" % (c, way) for c in columns)
        if self.r.random() < 0.3:
            order += " LIMIT %d OFFSET %d" % (self.r.randrange(5), self.r.randrange(3))
        return order

    def test_kv(self):
        for schema in ("temp", "main"):
            self.fresh()
            self.fill(schema)
            for _ in range(ROUNDS // 4):
                where = self.where()
                if self.r.random() < 0.5:
                    self.same("SELECT %s FROM {kv} WHERE %s" % (COLUMNS, where), self.args)
                else:
                    self.same("SELECT %s FROM {kv} WHERE %s%s" % (COLUMNS, where, self.tail(["key"])),
                              self.args, ordered=True)

    def test_kv_log(self):
        columns = "bucket, key, value, op, ts, device, seq, txn, parent_ts"
        for schema in ("temp", "main"):
            self.fresh()
            self.fill(schema)
            for _ in range(ROUNDS // 4):
                where = self.where() + self.r.choice(
                    ["", "", " AND bucket = ''", " AND bucket = 'x'", " AND op = 'set'", " AND seq < 9"])
                order = self.r.choice([["ts", "device", "seq"], ["key", "ts", "device", "seq"],
                                       ["device", "seq"], ["key", "device", "seq"]])
                self.same("SELECT %s FROM {log} WHERE %s%s" % (columns, where, self.tail(order)),
                          self.args, ordered=True)

    def test_kv_as_of(self):
        self.fill("temp")
        for _ in range(ROUNDS // 8):
            as_of = self.r.choice(self.times)
            self.db.execute("DROP TABLE t")
            self.db.execute(
                "CREATE TABLE t AS SELECT key, value, ts, time, device FROM (SELECT *, row_number() OVER ("
                "PARTITION BY key ORDER BY ts DESC, device DESC, seq DESC) n FROM l WHERE ts <= ?) "
                "WHERE n = 1 AND op = 'set'", (as_of,))
            for _ in range(3):
                where = self.where()
                rows = [self.db.execute("SELECT key, value FROM %s WHERE (%s)%s" % (source, where, order),
                                        self.args + more).fetchall()
                        for source, order, more in (
                            ("kv", " AND as_of = ? ORDER BY key", [as_of]),
                            ("t", " ORDER BY key", []))]
                self.assertEqual(*[[tuple(map(tag, x)) for x in r] for r in rows],
                                 "%s %r as of %d" % (where, self.args, as_of))

    def both(self, encoding="UTF-8"):
        """kv and a plain table with all keys, among them blobs that begin like text."""
        self.db = db = self.connect(self.path("host.db"))
        db.execute("PRAGMA encoding = '%s'" % encoding)
        open_store(db, self.path("notes.kv"), "laptop", "now=%d" % NOW, schema="main")
        db.execute("CREATE TABLE t(key, value)")
        blobs = [k.encode(encoding.replace("le", "-le").replace("be", "-be")) for k in KEYS if isinstance(k, str)]
        for k in KEYS + [b for b in blobs if b not in KEYS]:
            db.execute("INSERT INTO kv VALUES(?1, typeof(?1))", (k,))
            db.execute("INSERT INTO t VALUES(?1, typeof(?1))", (k,))

    def either_way(self, where, args=()):
        columns = self.r.choice(["key", "key, value", "value, key"])
        way = self.r.choice(["", " DESC"])
        self.same("SELECT %s FROM {kv} WHERE %s ORDER BY key%s" % (columns, where, way), args, ordered=True)

    def test_patterns_of_a_key_with_a_collation(self):
        more = ["", " AND key >= 'A'", " AND key < 'b'", " AND key > x'61'", " AND key BETWEEN 'a' AND x'62'",
                " AND key >= 'a' AND key < 'ac'", " AND key IN ('ab', x'6162', 'AB')"]
        for encoding in ("UTF-8", "UTF-16le", "UTF-16be"):
            self.fresh()
            self.both(encoding)
            for sensitive in (0, 1):
                self.db.execute("PRAGMA case_sensitive_like = %d" % sensitive)
                for key in ("key", "(key COLLATE NOCASE)", "(key COLLATE RTRIM)", "(key COLLATE BINARY)"):
                    for pattern in PATTERNS:
                        # SQLite misses such text itself, where it has an index.
                        if encoding != "UTF-8" and not pattern.isascii():
                            continue
                        for op in ("LIKE", "GLOB"):
                            self.either_way("%s %s ?" % (key, op) + self.r.choice(more), (pattern,))
                            self.either_way("%s %s '%s'" % (key, op, pattern) + self.r.choice(more))

    def test_a_pattern_and_the_key_of_another_row(self):
        self.both()
        for op in ("<", "<=", ">", ">="):
            self.same("SELECT a.key, b.key FROM {kv} AS a CROSS JOIN {kv} AS b "
                      "WHERE a.key %s b.key AND (b.key COLLATE NOCASE) GLOB 'a*'" % op)

    def test_comparisons_with_a_collation(self):
        self.both()
        self.db.create_function("regexp", 2, lambda pattern, x: str(x).startswith(pattern))
        self.db.create_function("match", 2, lambda pattern, x: str(x).endswith(pattern))
        for collation in ("BINARY", "NOCASE", "RTRIM"):
            key, other = "(key COLLATE %s)" % collation, "? COLLATE %s" % collation
            for k in KEYS:
                for op in ("=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT", "REGEXP", "MATCH"):
                    self.either_way("%s %s ?" % (key, op), (k,))
                    self.either_way("key %s %s" % (op, other), (k,))
                    self.either_way("? %s %s" % (op, key), (k,))
                self.either_way("%s BETWEEN ? AND ?" % key, (k, self.r.choice(KEYS)))
                self.either_way("key BETWEEN %s AND %s" % (other, other), (k, self.r.choice(KEYS)))
                self.either_way("%s IN (?, ?)" % key, (k, self.r.choice(KEYS)))
                self.either_way("%s NOT IN (?, ?)" % key, (k, self.r.choice(KEYS)))

    def test_a_write_between_the_ranges_of_a_pattern(self):
        self.both()
        for columns in ("key", "key, value", "key, value, ts"):
            seen = []
            for row in self.db.execute("SELECT %s FROM kv WHERE key GLOB 'a*'" % columns):
                seen.append(tag(row[0]))
                self.db.execute("INSERT INTO kv VALUES('n' || ?, 1)", (len(seen),))
            expected = self.db.execute("SELECT key FROM t WHERE key GLOB 'a*' ORDER BY key").fetchall()
            self.assertEqual(seen, [tag(k) for k, in expected])

    def test_rows_of_two_devices_under_one_number_are_both_found(self):
        laptop = self.device("laptop", "laptop.kv")
        laptop.execute("INSERT INTO kv VALUES('x', 1)")
        db = self.device("phone", "phone.kv")
        db.execute("INSERT INTO kv VALUES('y', 1)")
        deliver(self.path("laptop.kv"), self.path("phone.kv"), "laptop")
        sync(db)
        self.assertEqual(db.execute(
            "SELECT key, seq FROM kv_log WHERE key IN (SELECT 'x') OR key = 'y' ORDER BY key").fetchall(),
            [("x", 1), ("y", 1)])

    def test_joins(self):
        self.fill("main")
        for sql in (
            "SELECT a.key, b.key FROM {kv} a JOIN {kv} b ON a.value = b.key",
            "SELECT a.key, b.key FROM {kv} a JOIN {kv} b ON a.key < b.key AND b.key < 5",
            "SELECT i, key FROM args JOIN {kv} ON key = n",
            "SELECT i, key FROM args JOIN {kv} ON key = +x",
            "SELECT i, key FROM args JOIN {kv} ON key = +y",
            "SELECT i, key FROM args JOIN {kv} ON key = +z",
            "SELECT i, key FROM args JOIN {kv} ON key = +w",
            "SELECT i, key FROM args LEFT JOIN {kv} ON key = n AND value > 3",
            "SELECT i, key FROM args LEFT JOIN {kv} ON key >= n AND key <= +x",
            "SELECT i, seq FROM args JOIN {log} ON key = n",
            "SELECT i, seq FROM args LEFT JOIN {log} ON key = n AND device = 'phone' AND op = 'set'",
            "SELECT a.key FROM {kv} a WHERE EXISTS (SELECT 1 FROM {log} b WHERE b.key = a.key "
            "AND b.device <> a.device)",
            "SELECT key FROM {kv} WHERE (key, value) IN (SELECT key, value FROM {log})",
            "SELECT key, seq FROM {log} WHERE key IN (SELECT n FROM args WHERE i < 9) OR key = 'b'",
            "SELECT key, seq FROM {log} WHERE device = 'phone' OR key IN (SELECT n FROM args)",
            "SELECT key FROM {kv} WHERE key IN (SELECT n FROM args WHERE i < 9) OR key > 'b'",
            "SELECT count(*), min(key), max(key) FROM {kv}",
            "SELECT device, count(*), max(ts) FROM {log} GROUP BY device",
            "SELECT DISTINCT typeof(key) FROM {kv} UNION ALL SELECT op FROM {log}",
        ):
            self.same(sql)


class Hidden(Case):
    """Columns that hold the arguments, and conditions on them that are not
    arguments."""

    def test_the_arguments_are_columns(self):
        db = self.device("laptop")
        db.execute("INSERT INTO kv VALUES('a', 1)")
        file = os.path.join(self.path("notes.kv"), "devices", "laptop", "log.db")
        self.assertEqual(db.execute("SELECT DISTINCT file FROM kv_foreign(?)", (file,)).fetchall(), [(file,)])
        self.assertEqual(db.execute(
            "SELECT count(*) FROM kv_foreign AS f, (SELECT ? AS file) AS g WHERE f.file = g.file", (file,))
            .fetchall(), [(1,)])
        self.assertEqual(db.execute("SELECT store FROM kv_devices").fetchall(), [("kv",)])
        self.assertEqual(db.execute("SELECT count(*) FROM kv_devices WHERE store > 'a'").fetchall(), [(1,)])
        self.assertEqual(db.execute(
            "SELECT count(*) FROM kv_devices AS a CROSS JOIN kv_devices AS b ON a.store = b.store").fetchall(), [(1,)])
        with self.assertRaisesRegex(sqlite3.Error, "name a path"):
            db.execute("SELECT * FROM kv_foreign WHERE file > 'a'")


if __name__ == "__main__":
    unittest.main()
