"""Conditions on ts and time, and orders of them, which kv and kv_log answer
with their own index, compared with what SQLite answers on a copy of the same
rows.

    KV_TIMES=20000 python3 test_times.py        more queries than usual
"""

import os
import random
import unittest

from support import Case, NOW, SECOND, exchange, open_store, sync

QUERIES = int(os.environ.get("KV_TIMES", 1000))  # of each host
DAY = 86400 * SECOND
CLOCKS = [10**14, NOW, NOW, NOW + 1, NOW + 999, NOW + 1000, NOW + SECOND,
          NOW + DAY, NOW + DAY // 2, NOW + 40 * DAY, NOW + 400 * DAY, 9_000_000_000_000_000]
COPIES = """
    CREATE TEMP TABLE kv_copy(key, value, ts INTEGER, time TEXT, device TEXT, parent_ts INTEGER);
    INSERT INTO kv_copy SELECT key, value, ts, time, device, parent_ts FROM kv;
    CREATE TEMP TABLE log_copy(bucket TEXT, key, value, op TEXT, ts INTEGER, time TEXT,
      device TEXT, seq INTEGER, txn INTEGER, parent_ts INTEGER);
    INSERT INTO log_copy SELECT bucket, key, value, op, ts, time, device, seq, txn, parent_ts
      FROM kv_log;
    CREATE TEMP TABLE w(a, b);
"""
COLUMNS = {"kv": "key, value, ts, time, device, parent_ts",
           "kv_log": "bucket, key, value, op, ts, time, device, seq, txn, parent_ts"}
COPY = {"kv": "kv_copy", "kv_log": "log_copy"}
ORDERS = {"kv": ["ts", "time", "ts, device", "device, ts", "ts, key", "key", "time, key"],
          "kv_log": ["ts", "time", "ts, device, seq", "ts, device", "ts, seq", "device, seq",
                     "seq, ts, device", "ts, device, key", "time, device, seq", "key, ts"]}


class Queries:
    """Random queries, with values of the rows and values near them."""

    def __init__(self, seed, times):
        self.r, self.times = random.Random(seed), times

    def value(self, column):
        r = self.r
        ts, time = r.choice(self.times)
        odd = [None, b"", time.encode(), "", "x", "2", ":", "2026-11-0\xe9", "\u0131", "~", 0, -1, -0.5,
               2026, 2026.5, "2026", "2026.0", "1e3", " 2026", "9" * 30, float("inf"), float("-inf"),
               2**53, 2**53 + 1, 2**63 - 1, -2**63, 2.0**53, 1e300, time + "\0", time[:4] + "\0"]
        if r.random() < 0.25:
            return r.choice(odd)
        if column == "time" and r.random() < 0.9:
            return r.choice([time, time, time[:r.randrange(len(time) + 1)], time[:10], time[:7],
                             time + "0", time[:-1] + ":", time.replace(" ", "T"), time[:19]])
        near = ts + r.choice([0, 0, 1, -1, 1000, -1000])
        return r.choice([near, near, float(near), near + 0.5, str(near), "%d.0" % near])

    def literal(self, v):
        if v is None or (isinstance(v, str) and "\0" in v) or v in (float("inf"), float("-inf")):
            return None
        return "x'%s'" % v.hex() if isinstance(v, bytes) else (
            "'%s'" % v if isinstance(v, str) else repr(v))

    def operand(self, column, args):
        v = self.value(column)
        text = self.literal(v) if self.r.random() < 0.5 else None
        if text is None:
            args.append(v)
            text = "?"
        kind = self.r.random()
        if kind < 0.06:
            return "datetime(%s, '-7 days')" % text
        if kind < 0.12:
            return "date(%s, 'start of month')" % text
        if kind < 0.15:
            return "(SELECT %s)" % text
        return text

    def term(self, args):
        r = self.r
        column = r.choice(["ts", "time"])
        kind = r.random()
        collate = " COLLATE NOCASE" if r.random() < 0.08 else ""
        if kind < 0.6:
            op = r.choice(["=", "<", "<=", ">", ">=", "<>", "IS", "=="])
            side = self.operand(column, args)
            if r.random() < 0.15:
                return "%s %s %s%s" % (side, op, column, collate)
            return "%s %s %s%s" % (column, op, side, collate)
        if kind < 0.75:
            return "%s%s BETWEEN %s AND %s" % (
                column, collate, self.operand(column, args), self.operand(column, args))
        if kind < 0.88:
            return "%s IN (%s)" % (column, ", ".join(
                self.operand(column, args) for _ in range(r.choice([1, 2, 3]))))
        if kind < 0.92:
            return "%s IS %sNULL" % (column, r.choice(["", "NOT "]))
        args.append(self.value(column))
        return r.choice(["%s LIKE ?", "%s GLOB ? || '*'", "substr(%s, 1, 7) = ?",
                         "+%s >= ?"]) % column

    def where(self, args):
        r = self.r
        terms = []
        for _ in range(r.choice([1, 1, 2, 2, 3])):
            kind = r.random()
            if kind < 0.06:
                terms.append("device = 'phone'")
            elif kind < 0.12:
                terms.append("key IN (1, 'a', 'k3', x'00')")
            elif kind < 0.16:
                terms.append("value IS NOT NULL")
            elif kind < 0.24:
                a = self.term(args)
                terms.append("(%s OR %s)" % (a, self.term(args)))
            else:
                terms.append(self.term(args))
        return " AND ".join(terms)

    def order(self, table):
        r = self.r
        columns = r.choice(ORDERS[table]).split(", ")
        mixed = r.random() < 0.15
        desc = r.random() < 0.5
        return columns, ", ".join(
            c + (" DESC" if (r.random() < 0.5 if mixed else desc) else "") for c in columns)


class Times(Case):
    def devices(self):
        """Three devices that wrote at all kinds of times; laptop has all rows."""
        r = random.Random(7)
        cons = {}
        for d in ("phone", "0", "laptop"):
            cons[d] = self.connect()
            for i, now in enumerate(r.choices(CLOCKS, k=18)):
                open_store(cons[d], self.path(d + ".kv"), d, "now=%d" % now)
                keys = ["k%d" % n for n in range(30)] + [1, 0.5, b"\0", "a"]
                cons[d].execute("BEGIN")
                for k in r.sample(keys, k=r.choice([1, 1, 3, 9])):
                    if r.random() < 0.2:
                        cons[d].execute("DELETE FROM kv WHERE key = ?", (k,))
                    else:
                        cons[d].execute("INSERT INTO kv VALUES(?, ?)", (k, i))
                cons[d].execute("COMMIT")
                if r.random() < 0.3:
                    exchange(*(self.path(n + ".kv") for n in cons))
                    sync(cons[d])
        exchange(*(self.path(d + ".kv") for d in cons))
        sync(cons["laptop"])
        return cons["laptop"]

    def persistent(self, encoding):
        """The same in a host database, before its first kv_sync(): the rows
        of laptop came from its log with the first commit."""
        self.devices()
        db = self.connect(self.path("host-%s.db" % encoding))
        db.execute("PRAGMA encoding = '%s'" % encoding)
        open_store(db, self.path("laptop.kv"), "laptop", "now=%d" % NOW, schema="main")
        db.execute("INSERT INTO kv VALUES('a', 'b')")
        self.assertEqual(self.is_indexed(db), 0)
        return db

    def is_indexed(self, db):
        return db.execute("SELECT count(*) FROM main.sqlite_master "
                          "WHERE type = 'index' AND sql IS NOT NULL").fetchone()[0]

    def run_queries(self, db, seed):
        db.executescript(COPIES)
        times = db.execute("SELECT DISTINCT ts, time FROM log_copy").fetchall()
        self.assertGreater(len({time for _, time in times}), 5)
        self.assertGreater(len(times), len({time for _, time in times}))
        queries, found = Queries(seed, times), 0
        for _ in range(QUERIES):
            table = queries.r.choice(["kv", "kv_log"])
            kind = queries.r.random()
            if kind < 0.5:
                found += self.compare_where(db, table, queries)
            elif kind < 0.85:
                found += self.compare_order(db, table, queries)
            else:
                found += self.compare_join(db, table, queries)
        # Most of them ask neither for nothing nor for everything.
        self.assertGreater(found, QUERIES / 4)

    def both(self, db, table, sql, args):
        out = [db.execute(sql % t, args).fetchall() for t in (table, COPY[table])]
        return [[tuple(map(repr, row)) for row in rows] for rows in out]

    def compare_where(self, db, table, queries):
        args = []
        sql = "SELECT %s FROM %%s WHERE %s" % (COLUMNS[table], queries.where(args).replace("%", "%%"))
        got, expected = self.both(db, table, sql, args)
        self.assertEqual(sorted(got), sorted(expected), (sql, args))
        return len(got) > 0

    def compare_order(self, db, table, queries):
        """Check the order; and with LIMIT, that the rows belong to it: SQLite
        may choose among equal ones."""
        args, r = [], queries.r
        columns, order = queries.order(table)
        where = queries.where(args).replace("%", "%%") if r.random() < 0.6 else "1"
        limit = " LIMIT %d" % r.choice([0, 1, 2, 5, 1000]) if r.random() < 0.6 else ""
        if limit and r.random() < 0.4:
            limit += " OFFSET %d" % r.choice([0, 1, 3, 50])
        distinct = r.choice(["", "", "", "DISTINCT "])
        sql = "SELECT %s%s FROM %%s WHERE %s ORDER BY %s%s" % (
            distinct, ", ".join(columns), where, order, limit)
        got, expected = self.both(db, table, sql, args)
        self.assertEqual(got, expected, (sql, args))
        sql = "SELECT %s FROM %%s WHERE %s" % (COLUMNS[table], where)
        all_rows = self.both(db, table, sql, args)[1]
        some = self.both(db, table, sql + " ORDER BY " + order + limit, args)[0]
        for row in some:
            all_rows.remove(row)
        return len(got) > 0

    def compare_join(self, db, table, queries):
        """The values come from another table."""
        r, column = queries.r, queries.r.choice(["ts", "time"])
        db.execute("DELETE FROM w")
        db.executemany("INSERT INTO w VALUES(?, ?)", [
            (queries.value(column), queries.value(column)) for _ in range(r.choice([1, 3]))])
        kind = r.choice(["JOIN", "LEFT JOIN", "CROSS JOIN"])
        term = r.choice(["t.{0} BETWEEN w.a AND w.b", "t.{0} = w.a", "t.{0} >= w.a",
                         "w.b > t.{0}", "t.{0} IN (SELECT a FROM w)", "t.{0} = w.a OR t.{0} = w.b",
                         "t.{0} > w.a AND t.{0} < w.b"]).format(column)
        sql = "SELECT w.rowid, t.key, t.ts, t.device FROM w %s %%s AS t ON %s" % (kind, term)
        got, expected = self.both(db, table, sql, ())
        self.assertEqual(sorted(got), sorted(expected), (sql, db.execute("SELECT * FROM w").fetchall()))
        return len(got) > 0

    def test_a_temp_store_answers_like_a_plain_table(self):
        self.run_queries(self.devices(), 1)

    def test_a_persistent_store_answers_like_a_plain_table_before_its_first_sync(self):
        self.run_queries(self.persistent("UTF-8"), 2)

    def test_a_persistent_store_answers_like_a_plain_table(self):
        db = self.persistent("UTF-8")
        sync(db)
        self.assertEqual(self.is_indexed(db), 0)
        db.execute("SELECT * FROM kv WHERE ts > 0").fetchall()
        sync(db)
        self.assertEqual(self.is_indexed(db), 1)
        self.run_queries(db, 3)

    def test_a_utf16_host_answers_like_a_plain_table(self):
        db = self.persistent("UTF-16le")
        sync(db)
        self.run_queries(db, 4)

    def test_an_uncommitted_row_is_found_by_its_time(self):
        db = self.devices()
        db.execute("BEGIN")
        db.execute("UPDATE kv SET value = -1 WHERE ts % 2")
        db.execute("DELETE FROM kv WHERE key > 'k2'")
        db.execute("INSERT INTO kv VALUES('new', 1)")
        self.run_queries(db, 5)


if __name__ == "__main__":
    unittest.main()
