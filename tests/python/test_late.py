"""Rows of a running transaction are in the cache when anybody looks.

Every query sees everything that was written before, and nothing that a
savepoint undid; then the transaction commits as a whole.
"""

import random
import sqlite3
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

    def test_rows_from_before_a_savepoint_are_written_within_and_undone(self):
        rows = self.write()
        self.db.execute("SAVEPOINT a")
        self.assertEqual(self.one("SELECT count(*) FROM kv_log"), N)
        self.db.execute("INSERT INTO kv VALUES('k001', 'x')")
        self.db.execute("ROLLBACK TO a")
        self.assertEqual(self.one("SELECT kv_get('k001')"), 1)
        self.db.execute("ROLLBACK TO a")
        self.db.execute("DELETE FROM kv WHERE key = 'k002'")
        self.db.execute("RELEASE a")
        self.db.execute("COMMIT")
        del rows["k002"]
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


class LateTyped(Case):
    """Statements of every kind between savepoints: kv, a typed table and their log
    are what an ordinary table is."""

    def setUp(self):
        super().setUp()
        self.db = self.device("laptop", db="host.db", schema="main")
        self.db.execute("CREATE VIRTUAL TABLE items USING kv_table("
                        "id TEXT PRIMARY KEY, a INTEGER CHECK(a < 90), b TEXT)")
        self.db.execute("CREATE TABLE plain(id TEXT PRIMARY KEY, "
                        "a INTEGER CHECK(a < 90), b TEXT)")

    def both(self, sql, *args):
        """Run it on both tables: both refuse it, or neither does."""
        said = []
        for table in ("plain", "items"):
            try:
                self.db.execute(sql.replace("TABLE", table), args)
                said.append(None)
            except sqlite3.IntegrityError as e:
                said.append(type(e))
        self.assertEqual(said[0], said[1], sql)

    def rows(self, table):
        return self.db.execute("SELECT * FROM %s ORDER BY id" % table).fetchall()

    def look(self, rnd):
        """What a reader of the cache, of the table or nobody finds."""
        kind = rnd.randrange(4)
        if kind == 0:
            self.db.execute("SELECT count(*) FROM kv_log").fetchall()
        if kind == 1:
            self.db.execute("SELECT count(*) FROM items('2100-01-01')").fetchall()
        if kind == 2:
            self.assertEqual(self.rows("items"), self.rows("plain"))

    def write(self, rnd):
        key = rnd.choice(("k%d" % rnd.randrange(9), rnd.randrange(9)))
        a = rnd.randrange(100)
        return rnd.choice([
            ("UPDATE TABLE SET a = ? WHERE id = ?", a, key),
            ("UPDATE TABLE SET a = a + 7, b = ? WHERE id < ?", str(a), "k5"),
            ("UPDATE OR IGNORE TABLE SET id = ? WHERE id = ?", key, "k1"),
            ("UPDATE OR REPLACE TABLE SET id = ? WHERE id = ?", key, "k2"),
            ("UPDATE OR ABORT TABLE SET id = ? WHERE id = ?", key, "k3"),
            ("INSERT INTO TABLE VALUES(?, ?, 'in')", key, a),
            ("INSERT OR REPLACE INTO TABLE VALUES(?, ?, 'or')", key, a),
            ("INSERT OR IGNORE INTO TABLE VALUES(?, 5, ?), ('k4', 4, 'x')", key, a),
            ("INSERT INTO TABLE VALUES('n' || ?, 1, NULL), (?, 2, 'two')", a, key),
            ("DELETE FROM TABLE WHERE id = ?", key),
            ("DELETE FROM TABLE WHERE a > ?", 80)])

    def test_a_trigger_that_is_new_to_the_transaction(self):
        """It fails once, and nothing is left of the statement."""
        self.db.execute("CREATE VIRTUAL TABLE nums USING kv_table(id INTEGER PRIMARY KEY, a INTEGER)")
        self.db.execute("CREATE TABLE seen(n)")
        for event, sql in [("UPDATE", "UPDATE nums SET a = 5 WHERE id = 2"),
                           ("INSERT", "INSERT INTO nums VALUES(3, 1)"),
                           ("DELETE", "DELETE FROM nums WHERE id = 2")]:
            with self.subTest(event):
                self.db.execute("BEGIN")
                self.db.execute("INSERT INTO nums VALUES(1, 1), (2, 1)")
                self.db.execute(
                    "CREATE TRIGGER tr AFTER %s ON nums_data BEGIN "
                    "INSERT INTO seen VALUES(1); "
                    "INSERT INTO seen SELECT count(*) FROM kv_log; END" % event)
                self.fails(sql, "a trigger on a table behind a typed table",
                           "repeat the statement")
                self.assertEqual(self.rows("nums"), [(1, 1), (2, 1)])
                self.assertEqual(self.db.execute("SELECT * FROM seen").fetchall(), [])
                self.db.execute(sql)
                self.assertTrue(self.db.execute("SELECT * FROM seen").fetchall())
                self.db.execute("DROP TRIGGER tr")
                self.db.execute("COMMIT")
                self.assertEqual(
                    self.db.execute("SELECT kv_check('nums')").fetchone(), (0,))
                self.db.execute("DELETE FROM nums")
                self.db.execute("DELETE FROM seen")

    def test_a_trigger_cannot_write_to_the_store(self):
        self.db.execute("CREATE TRIGGER tr AFTER INSERT ON items_data BEGIN "
                        "INSERT INTO kv VALUES(1, 2); END")
        self.fails("INSERT INTO items VALUES('a', 1, 'b')", "writes to kv")
        self.assertEqual(self.rows("items"), [])

    def step(self, rnd, open_):
        """open_: the names of the savepoints."""
        kind = rnd.randrange(12)
        if kind == 0 and len(open_) < 4:
            open_.append("s%d" % len(open_))
            self.db.execute("SAVEPOINT " + open_[-1])
        elif kind == 1 and open_:
            n = rnd.randrange(len(open_))
            self.db.execute("ROLLBACK TO " + open_[n])
            del open_[n + 1:]
        elif kind == 2 and open_:
            n = rnd.randrange(len(open_))
            self.db.execute("RELEASE " + open_[n])
            del open_[n:]
        elif kind == 3:
            self.look(rnd)
        elif kind == 4:
            self.db.execute("INSERT INTO kv VALUES(?, ?)", (rnd.randrange(5), kind))
        else:
            self.both(*self.write(rnd))

    def test_random_savepoints(self):
        for seed in range(40):
            rnd = random.Random(seed)
            open_ = []
            self.db.execute("BEGIN")
            for _ in range(40):
                self.step(rnd, open_)
            self.db.execute(rnd.choice(["COMMIT", "COMMIT", "COMMIT", "ROLLBACK"]))
            with self.subTest(seed):
                self.assertEqual(self.rows("items"), self.rows("plain"))
                self.assertEqual(
                    self.db.execute("SELECT kv_check('items')").fetchone(), (0,))
                self.check(self.db)
        other = self.device("phone")
        other.execute("CREATE VIRTUAL TABLE temp.items USING kv_table("
                      "id TEXT PRIMARY KEY, a INTEGER CHECK(a < 90), b TEXT)")
        other.execute("SELECT kv_sync()")
        self.assertEqual(other.execute("SELECT * FROM items ORDER BY id").fetchall(),
                         self.rows("plain"))


if __name__ == "__main__":
    unittest.main()
