"""Random statements against kv and against a plain table side by side: the
same outcome, the same rows, and a log that has exactly what was committed.

KV_ROUNDS sets how many seeds each test runs; a failure names its seed, and
`python3 test_differential.py SEED` replays one.
"""

import os
import random
import sqlite3
import sys
import unittest

import oracle
from support import NOW, Case, open_store, tag

ROUNDS = int(os.environ.get("KV_ROUNDS", 150))

KEYS = [0, 1, 1.0, 2, -1, 2**63 - 1, 0.5, "", "a", "b", "ab", "1", "nul\0x", b"", b"a", b"1"]
HOSTS = [("temp", "delete"), ("temp-file", "delete"), ("main", "delete"), ("main", "wal"),
         ("other", "delete")]

PLAIN = """
CREATE TABLE t(key PRIMARY KEY NOT NULL, value) WITHOUT ROWID;
CREATE TABLE touched(key PRIMARY KEY) WITHOUT ROWID;
CREATE TRIGGER ti AFTER INSERT ON t WHEN new.key NOT IN (SELECT key FROM touched)
  BEGIN INSERT INTO touched VALUES(new.key); END;
CREATE TRIGGER tu AFTER UPDATE ON t BEGIN
  INSERT INTO touched SELECT old.key EXCEPT SELECT key FROM touched;
  INSERT INTO touched SELECT new.key EXCEPT SELECT key FROM touched; END;
CREATE TRIGGER td AFTER DELETE ON t WHEN old.key NOT IN (SELECT key FROM touched)
  BEGIN INSERT INTO touched VALUES(old.key); END;
CREATE TABLE source(i INTEGER PRIMARY KEY, x, y);
"""


class Run:
    """One seed: a connection with kv, t and the transactions that commit."""

    def __init__(self, case, seed):
        self.case, self.seed = case, seed
        self.r = random.Random(seed)
        schema, journal = HOSTS[seed % len(HOSTS)]
        name = "host%d.db" % seed
        db = case.connect(":memory:" if schema == "temp" else case.path(name))
        db.execute("PRAGMA journal_mode = " + journal)
        self.folder = case.path("seed%d.kv" % seed)
        self.schema = "temp" if schema.startswith("temp") else schema
        if schema == "other":
            db.execute("ATTACH ? AS other", (case.path("other%d.db" % seed),))
        open_store(db, self.folder, "laptop", "now=%d" % NOW, schema=self.schema)
        db.executescript(PLAIN)
        self.db, self.n, self.depth = db, 0, 0
        self.expected, self.tables, self.trace = [], 0, []
        # A host trigger writes kv; its twin writes t, and may refuse rows.
        temp = "" if self.schema == "main" else "TEMP "
        db.executescript("""
          CREATE TABLE via_kv(x, y); CREATE TABLE via_t(x, y);
          CREATE %sTRIGGER vk AFTER INSERT ON via_kv BEGIN
            INSERT INTO kv VALUES(new.x, new.y);
            SELECT RAISE(ABORT, 'no') WHERE new.y %% 5 = 0;
          END;
          CREATE TRIGGER vt AFTER INSERT ON via_t BEGIN
            REPLACE INTO t VALUES(new.x, new.y);
            SELECT RAISE(ABORT, 'no') WHERE new.y %% 5 = 0;
          END;""" % temp)

    def key(self):
        return self.r.choice(KEYS)

    def value(self):
        self.n += 1
        return self.n

    def rows(self):
        n = self.r.choice([1, 1, 1, 2, 3, 8])
        keys = [self.key() for _ in range(n)]
        if self.r.random() < 0.15:
            keys[self.r.randrange(n)] = None
        return [(k, self.value()) for k in keys]

    def both(self, sql, args=(), for_t=None):
        """Run on kv and on t; the same class of outcome, the same rows."""
        self.trace.append((sql, args))
        results = []
        for table, statement in (("kv", sql), ("t", for_t or sql)):
            statement = statement.replace("{kv}", table).replace("{via}", "via_" + table)
            before = self.db.in_transaction
            try:
                c = self.db.execute(statement, args)
                rows = [tuple(map(tag, x)) for x in c.fetchall()]
                results.append((None, c.rowcount, sorted(rows)))
            except sqlite3.Error as e:
                results.append((type(e), before == self.db.in_transaction, None))
        self.case.assertEqual(*results, self.context())

    def context(self):
        return "\nseed %d\n%s" % (self.seed, "\n".join(map(repr, self.trace[-12:])))

    def statement(self):
        r, rows = self.r, self.rows()
        marks = ", ".join(["(?, ?)"] * len(rows))
        flat = [x for row in rows for x in row]
        where = r.choice(["key = ?1", "key > ?1", "value % 3 = 0 AND ?1 IS ?1", "key IN (?1, 'a', 1)",
                          "typeof(key) = 'text' AND ?1 IS ?1"])
        kind = r.randrange(13)
        if kind < 4:
            self.both("INSERT INTO {kv} VALUES " + marks, flat,
                      for_t="REPLACE INTO {kv} VALUES " + marks)
        elif kind == 4:
            how = r.choice(["IGNORE", "REPLACE"])
            self.both("INSERT OR %s INTO {kv} VALUES %s" % (how, marks), flat)
        elif kind == 5:
            self.both("INSERT OR FAIL INTO {kv} VALUES " + marks, flat)
        elif kind == 6:
            self.both("DELETE FROM {kv} WHERE " + where, (self.key(),))
        elif kind == 7:
            self.both("UPDATE {kv} SET value = value + 1 WHERE " + where, (self.key(),))
        elif kind == 8:
            how = r.choice(["", "OR REPLACE ", "OR IGNORE "])
            new = r.choice(["?2", "NULL", "key || 'x'", "key"])
            self.both("UPDATE %s{kv} SET key = %s, value = ?3 WHERE key = ?1 AND ?2 IS ?2"
                      % (how, new), (self.key(), self.key(), self.value()))
        elif kind == 9:
            self.db.execute("DELETE FROM source")
            self.db.executemany("INSERT INTO source(x, y) VALUES(?, ?)", rows)
            self.both("INSERT INTO {kv} SELECT x, y FROM source ORDER BY i",
                      for_t="REPLACE INTO {kv} SELECT x, y FROM source ORDER BY i")
        elif kind == 10:
            self.both("INSERT INTO {via} VALUES " + marks, flat)
        elif kind == 11:
            select = " INTO {kv} SELECT value, key FROM {kv} WHERE %s ORDER BY key" % where
            self.both("INSERT" + select, (self.key(),), for_t="REPLACE" + select)
        elif sqlite3.sqlite_version_info >= (3, 35):
            self.both("INSERT INTO {kv} VALUES " + marks + " RETURNING key, value", flat,
                      for_t="REPLACE INTO {kv} VALUES " + marks + " RETURNING key, value")

    def run(self, sql):
        self.trace.append(sql)
        self.db.execute(sql)

    def control(self):
        r = self.r
        kind = r.randrange(12)
        if not self.db.in_transaction:
            self.run(r.choice(["BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT s0"]))
            self.depth = self.trace[-1].startswith("SAVEPOINT")
            self.outer = bool(self.depth)
        elif kind < 3:
            self.run("SAVEPOINT s%d" % self.depth)
            self.depth += 1
        elif kind < 6 and self.depth:
            self.run("ROLLBACK TO s%d" % r.randrange(self.depth))
            self.depth = int(self.trace[-1][13:]) + 1
        elif kind < 8 and self.depth > 1:
            at = r.randrange(1, self.depth)
            self.run("RELEASE s%d" % at)
            self.depth = at
        elif kind == 8:
            self.tables += 1
            self.run("CREATE TABLE x%d(y)" % self.tables)
        elif kind == 9:
            self.run("ROLLBACK")
        else:
            self.commit("RELEASE s0" if self.outer and r.random() < 0.5 else "COMMIT")

    def commit(self, sql):
        self.remember()
        self.run(sql)
        self.db.execute("DELETE FROM touched")

    def remember(self):
        rows = self.db.execute(
            "SELECT touched.key, t.key, t.value FROM touched LEFT JOIN t USING (key)").fetchall()
        if rows:
            # A deleted key may have had another type (1 and 1.0 are one).
            self.expected.append({
                k: None if tk is None else (tag(tk), tag(v)) for k, tk, v in rows})

    def step(self):
        if self.r.random() < 0.35:
            self.control()
        elif self.db.in_transaction:
            self.statement()
        else:
            # In autocommit each side is a transaction of its own.
            self.statement()
            self.remember()
            self.db.execute("DELETE FROM touched")
        rows = [[tuple(map(tag, x)) for x in self.db.execute(
            "SELECT key, value FROM %s ORDER BY key" % table)] for table in ("kv", "t")]
        self.case.assertEqual(*rows, self.context())

    def finish(self):
        if self.db.in_transaction:
            self.commit("COMMIT")
        log = oracle.read_log(os.path.join(self.folder, "devices", "laptop", "log.db")) \
            if self.expected else None
        got = [
            {r.key: None if r.op == oracle.DELETE else (tag(r.key), tag(r.value)) for r in txn}
            for txn in (oracle.transactions(log.rows) if log else [])
        ]
        self.case.assertEqual(got, self.expected, self.context())
        self.case.check(self.db, self.folder)


class Differential(Case):
    def test_kv_does_what_a_plain_table_does(self):
        for seed in range(ROUNDS):
            self.one(seed)

    def one(self, seed):
        run = Run(self, seed)
        for _ in range(120):
            run.step()
        run.finish()
        run.db.close()

class Moves(Case):
    """Keys moved onto keys of the same statement. Like a table with rowids: an
    UPDATE finds its rows and their new keys first, as for any virtual table.
    In a plain WITHOUT ROWID table it computes them again while the rows
    change."""

    NEW = ["key + 1", "key - 1", "value", "-key", "key % 3", "CASE key WHEN 1 THEN 2 WHEN 2 "
           "THEN 1 ELSE key END", "abs(key * 7 + ?1) % 6", "CASE WHEN key % 2 THEN ?1 ELSE key END"]
    WHERE = ["1", "key > ?1", "value IS NOT ?1", "key IN (1, 2, ?1)"]

    def one(self, seed):
        r = random.Random(seed)
        db = self.device("laptop", db="host%d.db" % seed, schema=r.choice(["main", "temp"]))
        db.execute("CREATE TABLE u(key PRIMARY KEY NOT NULL, value)")
        moved = 0
        for step in range(30):
            if r.random() < 0.3:
                db.execute(r.choice(["COMMIT", "SAVEPOINT s", "ROLLBACK TO s"])
                           if db.in_transaction else "SAVEPOINT s")
            for i in range(r.randint(0, 4)):
                db.execute("INSERT INTO kv VALUES(?, ?)", (r.randint(0, 5), r.randint(0, 5)))
            db.execute("DELETE FROM u")
            db.execute("INSERT INTO u SELECT key, value FROM kv ORDER BY key")
            sql = "UPDATE %sTABLE SET key = %s, value = value + 10 WHERE (%s) AND ?1 IS ?1" % (
                r.choice(["OR REPLACE "] * 4 + ["", "OR IGNORE ", "OR ABORT "]),
                r.choice(self.NEW), r.choice(self.WHERE))
            given, outcome = (r.randint(0, 5),), []
            for table in ("u", "kv"):
                try:
                    db.execute(sql.replace("TABLE", table), given)
                    error = None
                except sqlite3.IntegrityError as e:
                    error = str(e).replace("u.key", "kv.key")
                outcome.append((error, db.execute(
                    "SELECT key, value FROM %s ORDER BY key" % table).fetchall()))
            self.assertEqual(outcome[1], outcome[0], (seed, step, sql, given))
            moved += len(outcome[0][1])
        if db.in_transaction:
            db.execute("COMMIT")
        self.check(db)
        db.close()
        return moved

    def test_kv_does_what_a_table_with_rowids_does(self):
        seeds = range(max(ROUNDS // 5, 1))
        self.assertGreater(sum(map(self.one, seeds)), len(seeds) * 30)


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].isdigit():
        seed = int(sys.argv.pop(1))
        Differential.test_kv_does_what_a_plain_table_does = lambda self: self.one(seed)
    unittest.main()
