"""The history tables and functions wherever SQL allows them: beside writes of
the same statement, in views and joins, with two stores, with wrong arguments;
and what they cost.
"""

import sqlite3
import unittest

from oracle import tag
from support import HOSTS, Case, NOW, SECOND, connect, deliver, open_store, sync

DAY = 86400 * SECOND
MONDAY, TUESDAY = NOW, NOW + DAY
N = 20

# Older versions do not report a LIMIT, and sort by themselves: they sort whole
# tables, and run functions on rows that the LIMIT leaves out.
TELLS_LIMIT = sqlite3.sqlite_version_info >= (3, 38)


def at(day):
    return "now=%d" % day


class Rules(Case):
    def pair(self, host, name="laptop", folder="notes.kv", is_synced=True):
        """A device with keys from Monday, some of them changed on Tuesday, and
        conflicts with a phone."""
        file, schema = HOSTS[host]
        phone = self.device("phone", "phone.kv", options=at(MONDAY))
        first = self.device(name, folder, options=at(MONDAY))
        first.execute("BEGIN")
        first.executemany("INSERT INTO kv VALUES(?, ?)", [("k%02d" % i, i) for i in range(N)])
        first.execute("COMMIT")
        first.execute("INSERT INTO kv VALUES('both', 'laptop'), ('gone', 1)")
        phone.execute("INSERT INTO kv VALUES('both', 'phone'), ('k03', 'phone')")
        self.closing.remove(first)
        first.close()
        if is_synced:
            deliver(self.path("phone.kv"), self.path(folder), "phone")
        db = self.device(name, folder, file, schema, at(TUESDAY))
        if is_synced:
            sync(db)
        db.execute("INSERT INTO kv VALUES('new', 0)")  # merges the log of this device
        db.execute("CREATE TEMP TABLE since AS SELECT kv_cursor() AS cursor")
        db.execute("UPDATE kv SET value = -value WHERE key GLOB 'k0*' AND typeof(value) = 'integer'")
        db.execute("DELETE FROM kv WHERE key = 'gone'")
        return db

    def kv(self, db, name="kv"):
        return {k: tag(v) for k, v in db.execute("SELECT key, value FROM " + name)}


class WritingWhileReading(Rules):
    """A statement reads the rows that existed when it began, and ends."""

    def each_host(self):
        for host, is_synced, is_inside in (("temp", 1, 0), ("temp", 1, 1), ("persistent", 1, 0),
                                           ("persistent", 0, 0), ("persistent", 0, 1)):
            self.fresh()
            db = self.pair(host, is_synced=is_synced)
            if is_inside:  # rows of the transaction replace them
                db.execute("BEGIN")
                db.execute("UPDATE kv SET value = value * 2 WHERE key >= 'k1'")
            db.set_progress_handler(Limit(), 10000)
            yield db
            if is_inside:
                shown = self.kv(db)
                db.execute("COMMIT")
                self.assertEqual(self.kv(db), shown)
            db.set_progress_handler(None, 0)  # the rest is slow in old versions of SQLite
            if is_synced:
                self.check(db)

    # Each key once.
    KEYS = ["kv", "kv WHERE time >= '2026'", "kv WHERE ts > %d" % (MONDAY + 5),
            "kv WHERE time > '2026' ORDER BY ts DESC",
            *(["kv ORDER BY ts LIMIT 7"] if TELLS_LIMIT else []),
            "(SELECT key, new_value AS value FROM kv_diff(%d))" % (MONDAY + DAY // 2),
            "(SELECT key, lost_value AS value FROM kv_conflicts)", "kv_changes", "kv_changes((SELECT cursor FROM since))",
            "kv(%d)" % (MONDAY + DAY // 2), "kv_log WHERE parent_ts IS NULL AND device = 'laptop'",
            "kv_log WHERE time < '2100' AND parent_ts IS NULL AND device = 'laptop' ORDER BY ts DESC"]
    SOURCES = KEYS + ["kv_log", "kv_log WHERE time < '2100'", "kv_log ORDER BY ts DESC"]

    def test_an_insert_of_new_keys_ends_and_does_not_read_its_own_rows(self):
        for db in self.each_host():
            for i, source in enumerate(self.SOURCES):
                rows = db.execute("SELECT key, value FROM " + source).fetchall()
                expected = self.kv(db)
                for k, v in rows:
                    expected["%d %s" % (i, k)] = tag(v)
                db.execute("INSERT INTO kv SELECT '%d ' || key, value FROM %s" % (i, source))
                self.assertEqual(self.kv(db), expected, source)

    def test_a_change_of_each_key_that_is_read_is_made_once(self):
        for db in self.each_host():
            for source in self.KEYS:
                rows = db.execute("SELECT key, value FROM " + source).fetchall()
                expected = self.kv(db)
                self.assertEqual(len({k for k, _ in rows}), len(rows), source)
                for k, v in rows:
                    expected[k] = tag("%s+" % v)
                db.execute("INSERT INTO kv SELECT key, coalesce(value, 'None') || '+' FROM " + source)
                self.assertEqual(self.kv(db), expected, source)

    def test_functions_that_write_see_each_row_once(self):
        for db in self.each_host():
            for source in self.KEYS:
                rows = db.execute("SELECT key, value FROM " + source).fetchall()
                expected = self.kv(db)
                expected.update((k, tag("%s!" % v)) for k, v in rows)
                got = db.execute("SELECT key, value, kv_set(key, coalesce(value, 'None') || '!') FROM "
                                 + source).fetchall()
                self.assertEqual([r[:2] for r in got], rows, source)
                self.assertEqual(self.kv(db), expected, source)
            db.execute("SAVEPOINT s")
            for source in ("kv WHERE time > '2026'", "kv WHERE ts > 0 ORDER BY ts DESC", "kv_changes",
                           "kv_diff('2020-01-01')", "kv_log"):
                keys = {k for k, in db.execute("SELECT key FROM " + source)}
                expected = {k: v for k, v in self.kv(db).items() if k not in keys}
                n = db.execute("SELECT sum(kv_delete(key)) FROM " + source).fetchone()[0]
                self.assertEqual(self.kv(db), expected, source)
                self.assertLessEqual(n, len(keys), source)
                db.execute("ROLLBACK TO s")
            db.execute("RELEASE s")

    def test_rows_read_later_are_unchanged_by_earlier_writes(self):
        for db in self.each_host():
            if db.in_transaction:
                continue  # a row of the same transaction is written in its place
            for source in self.SOURCES:
                if source in ("kv", "kv(%d)" % (MONDAY + DAY // 2)):
                    continue  # in the order of keys a value may be the new one
                sql = "SELECT key, value FROM " + source
                rows = db.execute(sql).fetchall()
                for write in ("kv_set('k09', 'later') || kv_set('k01', 'later') || kv_set('both', 1)",
                              "kv_delete('k09') || kv_delete('k01') || kv_delete('both')"):
                    db.execute("SAVEPOINT s")
                    got = db.execute(sql.replace("value FROM", "value, %s FROM" % write, 1)).fetchall()
                    db.execute("ROLLBACK TO s")
                    db.execute("RELEASE s")
                    self.assertEqual([r[:2] for r in got], rows, source)

    def test_update_and_delete_by_time_change_each_row_once(self):
        for db in self.each_host():
            where = "WHERE time >= date('2026-09-21') AND ts >= %d AND typeof(value) = 'integer'" % MONDAY
            rows = db.execute("SELECT key, value FROM kv " + where).fetchall()
            self.assertGreater(len(rows), N / 2)
            expected = self.kv(db)
            expected.update((k, tag(v + 1000)) for k, v in rows)
            db.execute("UPDATE kv SET value = value + 1000 " + where)
            self.assertEqual(self.kv(db), expected)
            for k, v in rows:
                del expected[k]
                expected[k + "'"] = tag(v + 1000)
            db.execute("UPDATE kv SET key = key || '''' " + where)
            self.assertEqual(self.kv(db), expected)
            gone = [k for k, in db.execute("SELECT key FROM kv WHERE ts > %d" % (TUESDAY - 1))]
            self.assertGreater(len(gone), 5)
            db.execute("DELETE FROM kv WHERE ts > %d" % (TUESDAY - 1))
            self.assertEqual(self.kv(db), {k: v for k, v in expected.items() if k not in gone})

    def test_the_whole_store_goes_back_by_reverting_what_differs(self):
        for db in self.each_host():
            past = MONDAY + DAY // 2
            n = db.execute("SELECT count(*) FROM kv_log").fetchone()[0]
            differ = db.execute("SELECT key FROM kv_diff(?)", (past,)).fetchall()
            got = db.execute("SELECT key, kv_revert(key, ?1) FROM kv_diff(?1)", (past,)).fetchall()
            self.assertEqual([k for k, _ in got], [k for k, in differ])
            self.assertGreater(len(got), 8)
            self.assertEqual(self.kv(db), self.kv(db, "kv(%d)" % past))
            self.assertEqual(db.execute("SELECT * FROM kv_diff(?)", (past,)).fetchall(), [])
            self.assertLessEqual(db.execute("SELECT count(*) FROM kv_log").fetchone()[0], n + len(got))

    def test_every_lost_value_is_shown_though_the_first_is_restored(self):
        db = self.pair("temp")
        other = self.device("other", "other.kv", options=at(MONDAY - 5))
        other.execute("INSERT INTO kv VALUES('both', 'other')")
        deliver(self.path("other.kv"), self.path("notes.kv"), "other")
        sync(db)
        sql = "SELECT lost_device FROM kv_conflicts WHERE key = 'both' AND kv_set(key, lost_value) = lost_value"
        self.assertEqual(db.execute(sql).fetchall(), [("phone",), ("other",)])
        self.assertEqual(db.execute("SELECT kv_get('both')").fetchone(), ("other",))
        self.assertEqual(db.execute("SELECT * FROM kv_conflicts WHERE key = 'both'").fetchall(), [])


class ReadingOn(Rules):
    def test_a_sync_during_a_read_neither_repeats_nor_loses_a_row(self):
        """It moves superseded rows to the back of the cache."""
        for sql in ("SELECT seq, key FROM kv_log", "SELECT seq FROM kv_log ORDER BY ts, device, seq",
                    "SELECT seq FROM kv_log WHERE key = 'a'", "SELECT * FROM kv", "SELECT * FROM kv('2100-01-01')",
                    "SELECT * FROM kv WHERE ts > 0", "SELECT * FROM kv ORDER BY key DESC",
                    "SELECT key, op FROM kv_changes", "SELECT key, change FROM kv_diff('2020-01-01')"):
            self.fresh()
            db = self.device("laptop")
            db.executemany("INSERT INTO kv VALUES(?, ?)", [("abcd"[i % 4], i) for i in range(40)])
            expected = db.execute(sql).fetchall()
            rows = db.execute(sql)
            got = [rows.fetchone() for _ in range(3)]
            sync(db)
            self.assertEqual(got + rows.fetchall(), expected, sql)
            sync(db)
            self.assertEqual(sorted(db.execute(sql).fetchall()), sorted(expected), sql)


class Limit:
    """A progress handler that stops what does not end by itself."""

    def __init__(self):
        self.n = 0

    def __call__(self):
        self.n += 1
        return self.n > 3000


class Places(Rules):
    VIEWS = {"d": "SELECT * FROM kv_diff(%d)" % (MONDAY + DAY // 2),
             "c": "SELECT * FROM kv_conflicts", "n": "SELECT * FROM kv_changes(0)",
             "l": "SELECT * FROM kv_log WHERE time >= '2026-09-22'",
             "a": "SELECT * FROM kv(%d)" % (MONDAY + DAY // 2),
             "r": "SELECT key, time FROM kv WHERE time > '2026' ORDER BY ts DESC, key LIMIT 3"}

    def test_saved_views_work_after_reopening(self):
        db = self.pair("persistent")
        for name, sql in self.VIEWS.items():
            db.execute("CREATE VIEW main.%s AS %s" % (name, sql))
        before = {n: db.execute(sql).fetchall() for n, sql in self.VIEWS.items()}
        self.assertTrue(all(before.values()), before)
        self.closing.remove(db)
        db.close()
        for name in self.VIEWS:  # each as the first thing that a connection does
            db = connect(self.path("host.db"))
            # kv itself writes, so a schema that is not trusted may not name it.
            db.execute("PRAGMA trusted_schema = %d" % (name in ("a", "r")))
            self.assertEqual(db.execute("SELECT * FROM " + name).fetchall(), before[name], name)
            db.close()

    def test_a_trigger_may_use_the_history(self):
        db = self.pair("persistent")
        db.executescript("""
          CREATE TABLE undo(key); CREATE TABLE report(key, change, cursor);
          CREATE TRIGGER t AFTER INSERT ON undo BEGIN
            INSERT INTO report SELECT key, change, kv_cursor() FROM kv_diff(%d) WHERE key = new.key;
            INSERT INTO kv SELECT key, old_value FROM kv_diff(%d) WHERE key = new.key;
          END;""" % ((MONDAY + DAY // 2,) * 2))
        cursor = db.execute("SELECT kv_cursor()").fetchone()[0]
        db.execute("INSERT INTO undo VALUES('k01'), ('gone'), ('k12')")
        self.assertEqual(db.execute("SELECT * FROM report").fetchall(),
                         [("k01", "changed", cursor), ("gone", "removed", cursor)])
        self.assertEqual(db.execute("SELECT kv_get('k01'), kv_get('gone')").fetchone(), (1, 1))

    def test_each_of_two_stores_has_its_history(self):
        db = self.pair("persistent")
        open_store(db, self.path("two.kv"), "laptop", at(TUESDAY), name="two")
        db.execute("INSERT INTO two VALUES('only', 1)")
        db.execute("INSERT INTO two VALUES('only', 2)")
        self.assertEqual(db.execute("SELECT key, change FROM kv_diff(?, NULL, 'two')", (MONDAY,)).fetchall(),
                         [("only", "added")])
        self.assertEqual(db.execute("SELECT op, key, value FROM kv_changes(0, 'two')").fetchall(),
                         [("set", "only", 2)])
        self.assertEqual(db.execute("SELECT key, value FROM kv_log('two') WHERE time > '2026' ORDER BY ts").fetchall(),
                         [("only", 1), ("only", 2)])
        self.assertEqual(db.execute("SELECT * FROM kv_conflicts('two')").fetchall(), [])
        self.assertEqual(len(db.execute("SELECT * FROM kv_conflicts('kv')").fetchall()), 2)
        cursor = db.execute("SELECT kv_cursor('two')").fetchone()[0]
        self.assertNotEqual(cursor, db.execute("SELECT kv_cursor()").fetchone()[0])
        self.assertEqual(db.execute("SELECT kv_revert('only', NULL, 'two')").fetchone(), (1,))
        self.assertEqual(db.execute("SELECT key, value, is_reset FROM kv_changes(?, 'two')", (cursor,)).fetchall(),
                         [("only", 1, 0)])
        self.assertEqual(db.execute(
            "SELECT s.name, count(*) FROM (SELECT 'kv' AS name UNION ALL SELECT 'two') AS s, "
            "kv_changes(0, s.name) AS c WHERE c.op = 'set' GROUP BY 1").fetchall(), [("kv", N + 2), ("two", 1)])

    def test_arguments_come_from_other_tables(self):
        db = self.pair("temp")
        db.execute("CREATE TEMP TABLE t(start, stop)")
        half = MONDAY + DAY // 2
        db.execute("INSERT INTO t VALUES('2020-01-01', ?1), (?1, ?2 + 1), (?1, NULL), (?2, 'now')", (half, TUESDAY))
        separate = [len(db.execute("SELECT 1 FROM kv_diff(?, ?)", row).fetchall())
                    for row in db.execute("SELECT * FROM t").fetchall()]
        self.assertTrue(0 < separate[1] < separate[2] < separate[0], separate)
        for join in ("t CROSS JOIN kv_diff(t.start, t.stop) AS d", "kv_diff(t.start, t.stop) AS d, t",
                     "t JOIN kv_diff AS d ON d.start = t.start AND d.stop IS NOT 0 WHERE d.stop = t.stop"):
            rows = dict(db.execute("SELECT t.rowid, count(*) FROM %s GROUP BY 1" % join))
            self.assertEqual([rows.get(i + 1, 0) for i in range(4)][:2], separate[:2], join)
        self.assertEqual(db.execute("SELECT t.rowid, d.key FROM t LEFT JOIN kv_diff(t.start, t.stop) AS d "
                                    "WHERE t.rowid = 4").fetchall(), [(4, None)])
        cursor = db.execute("SELECT kv_cursor()").fetchone()[0]
        db.execute("INSERT INTO kv VALUES('k00', 'new')")
        self.assertEqual(db.execute(
            "SELECT a.x, count(*) FROM (SELECT 0 AS x UNION ALL SELECT ?) AS a, kv_changes(a.x) "
            "GROUP BY 1", (cursor,)).fetchall(), [(0, N + 3), (cursor, 1)])
        self.assertEqual(db.execute(
            "SELECT t.rowid, k.key FROM t, kv(t.stop) AS k WHERE k.key IN ('k01', 'new') AND t.rowid < 3"
            ).fetchall(), [(1, "k01"), (2, "k01"), (2, "new")])
        self.assertEqual(db.execute("SELECT start, stop, store FROM kv_diff(?, '2030-01-01') LIMIT 1",
                                    (half,)).fetchall(), [(half, "2030-01-01", "kv")])

    def test_a_cursor_may_be_a_real(self):
        # Node binds its numbers as reals.
        self.db = con = self.pair("temp")
        for cursor in (0, con.execute("SELECT kv_cursor()").fetchone()[0]):
            rows = [con.execute("SELECT key, cursor FROM kv_changes(?)", (kind(cursor),)).fetchall()
                    for kind in (int, float)]
            self.assertEqual(*rows)

    def test_wrong_arguments_say_what_is_expected(self):
        self.db = self.pair("temp")
        for sql, *words in (
                ("SELECT * FROM kv_diff", "say where to start", "kv_diff(start [, stop])"),
                ("SELECT * FROM kv_diff(NULL)", "say where to start"),
                ("SELECT * FROM kv_diff('soon')", "'soon' is not a time", "YYYY-MM-DD HH:MM:SS.SSS", "'now'"),
                ("SELECT * FROM kv_diff('2026-02-30')", "no such day"),
                ("SELECT * FROM kv_diff('2026-11')", "is not a time"),
                ("SELECT * FROM kv_diff(1790000000)", "looks like seconds", "microseconds"),
                ("SELECT * FROM kv_diff(1790000000000)", "looks like seconds or milliseconds"),
                ("SELECT * FROM kv_diff(-1)", "is not a time"),
                ("SELECT * FROM kv_diff(1.5)", "1.5 is not a time"),
                ("SELECT * FROM kv_diff(x'00')", "is not a time"),
                ("SELECT * FROM kv_diff('2026-11-02', '2026-11-01')", "2026-11-01 is before 2026-11-02",
                 "kv_diff(start, stop)"),
                ("SELECT * FROM kv_diff('now', 1790000000000000 - 1)", "is before now"),
                ("SELECT * FROM kv_diff('2026-11-02', 'x')", "'x' is not a time"),
                ("SELECT * FROM kv_diff('2026-11-02', NULL, 'nix')", "no store named nix", "kv_open"),
                ("SELECT * FROM kv_conflicts('nix')", "no store named nix"),
                ("SELECT * FROM kv_log('nix')", "no store named nix"),
                ("SELECT * FROM kv_changes(0, 'nix')", "no store named nix"),
                ("SELECT kv_cursor('nix')", "no store named nix"),
                ("SELECT kv_revert('k01', NULL, 'nix')", "no store named nix"),
                ("SELECT * FROM kv_changes('0')", "0 is not a cursor", "kv_cursor()"),
                ("SELECT * FROM kv_changes(1.5)", "is not a cursor"),
                ("SELECT * FROM kv_changes(NULL)", "NULL is not a cursor"),
                ("SELECT kv_revert('k01', 'soon')", "'soon' is not a time"),
                ("SELECT kv_revert('k01', 1790000000)", "looks like seconds"),
                ("SELECT * FROM kv('soon')", "'soon' is not a time"),
                ("SELECT * FROM kv WHERE as_of = 5", "looks like seconds"),
                ("SELECT kv_revert()", "wrong number of arguments"),
                ("SELECT kv_cursor(1, 2)", "wrong number of arguments"),
                ("SELECT * FROM kv_diff(1, 2, 3, 4)", "too many arguments"),
                ("SELECT * FROM kv_conflicts(1, 2, 3)", "too many arguments")):
            message = self.fails(sql, *words)
            self.assertTrue(message.startswith("kv: ") or "arguments" in message, message)
        before = self.kv(self.db)
        observer = self.device(None)
        self.fails("SELECT kv_revert('k01')", "observer", "name a device", con=observer)
        self.assertEqual(self.kv(self.db), before)

    def test_revert_returns_what_it_wrote(self):
        db = self.device("laptop")
        run = lambda sql: db.execute("SELECT " + sql).fetchone()[0]
        count = lambda: run("count(*) FROM kv_log")
        self.assertIsNone(run("kv_revert('never')"))
        self.assertIsNone(run("kv_revert(NULL)"))
        self.assertEqual(count(), 0)
        db.execute("INSERT INTO kv VALUES('x', NULL)")
        self.assertIsNone(run("kv_revert('x')"))
        self.assertEqual((run("count(*) FROM kv"), count()), (0, 2))  # there was no value: deleted
        self.assertIsNone(run("kv_revert('x')"))
        self.assertEqual(db.execute("SELECT * FROM kv").fetchall(), [("x", None)])  # NULL is a value
        for value in (x := b"\0", 1.0, "t" * 100000, 1):
            db.execute("INSERT INTO kv VALUES('x', ?)", (value,))
        for value in ("t" * 100000, 1, "t" * 100000):  # and back again
            self.assertEqual(tag(run("kv_revert('x')")), tag(value))
        log = db.execute("SELECT value FROM kv_log ORDER BY ts").fetchall()
        self.assertEqual([v for v, in log[3:]], [b"\0", 1.0, "t" * 100000, 1, "t" * 100000, 1, "t" * 100000])


class Costs(Rules):
    """Counted in steps of SQLite's virtual machine: the cost depends on what
    changed, not on the number of keys."""

    QUERIES = [
        "SELECT count(*) FROM kv_changes(:cursor)",
        "SELECT count(*) FROM kv_diff(:then)",
        "SELECT count(*) FROM kv_diff(:then, 'now')",
        "SELECT count(*) FROM kv WHERE ts > :then",
        "SELECT count(*) FROM kv WHERE time > datetime(:then / 1000000, 'unixepoch')",
        "SELECT count(*) FROM kv_log WHERE ts > :then",
        "SELECT count(*) FROM kv_log WHERE time >= date('2026-09-22') AND time < '2026-10'",
        *(["SELECT count(*) FROM (SELECT key FROM kv ORDER BY ts DESC LIMIT 10)",
           "SELECT count(*) FROM (SELECT key FROM kv ORDER BY time DESC LIMIT 10)"] if TELLS_LIMIT else []),
        "SELECT count(*) FROM (SELECT key FROM kv_log ORDER BY ts DESC, device DESC, seq DESC LIMIT 10)",
        "SELECT count(*) FROM (SELECT key FROM kv_log ORDER BY ts LIMIT 10)",
        "SELECT 10 FROM kv(:then) WHERE key = 'key 77'",
        "SELECT 10 FROM kv WHERE as_of = 'now' AND key = 'key 77'",
        "SELECT 9 + count(*) FROM kv_log WHERE key = 'key 777'",
        "SELECT 10 + 0 * kv_cursor()",
        "SELECT 10 + 0 * kv_revert('key 78')",
    ]

    def store(self, n):
        db = self.device("laptop", "%d.kv" % n, options=at(MONDAY))
        db.execute("WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < %d) "
                   "INSERT INTO kv SELECT 'key ' || n, n FROM i" % n)
        args = {"cursor": db.execute("SELECT kv_cursor()").fetchone()[0], "then": MONDAY + DAY // 2}
        db.execute("SELECT kv_open(?, 'laptop', ?)", (self.path("%d.kv" % n), at(TUESDAY)))
        db.execute("UPDATE kv SET value = 'new' WHERE key GLOB 'key 7[0-9]'")
        return db, args

    def steps(self, db, sql, args):
        db.execute(sql, args).fetchall()  # asks for the index by time
        db.execute("SELECT kv_sync()").fetchall()
        db.execute(sql, args).fetchall()  # statements are prepared once
        count = [0]
        db.set_progress_handler(lambda: count.__setitem__(0, count[0] + 1), 1)
        got = db.execute(sql, args).fetchone()[0]
        db.set_progress_handler(None, 1)
        self.assertEqual(got, 10, sql)
        return count[0]

    def test_the_cost_depends_on_what_changed(self):
        small, large = self.store(1000), self.store(50000)
        for sql in self.QUERIES:
            few, many = self.steps(*small[:1], sql, small[1]), self.steps(*large[:1], sql, large[1])
            self.assertGreater(few, 5, sql)
            self.assertLess(many, 1.5 * few + 200, sql)
            self.assertLess(many, 5000, sql)


if __name__ == "__main__":
    unittest.main()
