"""Devices that write typed tables at random, beside kv, with clocks that differ, and
exchange logs: after every step each table shows what the model folds from the log
rows that its cache has, and in the end all devices show the same.

KV_TYPED_RUNS and KV_TYPED_SEED repeat other schedules.
"""

import os
import random
import shutil
import sqlite3
import unittest

import support
import typed
from support import Case, NOW, SECOND, connect, deliver, open_store, sync

RUNS = int(os.environ.get("KV_TYPED_RUNS", "25"))
SEED = int(os.environ.get("KV_TYPED_SEED", "1"))
COLUMNS = {
    "n": "INTEGER NOT NULL DEFAULT 0", "r": "REAL", "a": "TEXT", "b": "ANY",
    "m": "INTEGER", "k": "REAL", "s": "TEXT", "l": "TEXT"}
KINDS = "n counter, r counter, m max, k min, s set, l list"
KEYS = ["x", "y", "z"]


class Device:
    def __init__(self, test, name, rnd, deletes, columns):
        self.name, self.rnd, self.deletes = name, rnd, deletes
        self.columns = columns
        self.folder = test.path(name + ".kv")
        self.file = test.path(name + ".db") if rnd.random() < 0.5 else None
        self.con = connect(self.file or ":memory:")
        test.closing.append(self.con)
        open_store(self.con, self.folder, name,
                   "now=%d" % (NOW + rnd.randrange(-5, 5) * SECOND),
                   schema="main" if self.file else "temp")
        self.declare()

    def elements(self, columns):
        kinds = ", ".join(k for k in KINDS.split(", ") if k.split()[0] in columns)
        return ", ".join(["%s %s" % (c, COLUMNS[c]) for c in columns] +
                         ["MERGE(%s)" % kinds] * bool(kinds))

    def declaration(self):
        return "id TEXT PRIMARY KEY, %s, CHECK(n > -20), deletes = %s" % (
            self.elements(self.columns), self.deletes)

    def declare(self):
        self.con.execute("CREATE VIRTUAL TABLE %s.t USING kv_table(%s)" % (
            "main" if self.file else "temp", self.declaration()))

    def upgrade(self):
        """A newer version of the app, in one step or in several; no row is written."""
        before = self.con.execute("SELECT count(*) FROM kv_log").fetchone()
        new = [c for c in COLUMNS if c not in self.columns]
        self.columns = list(COLUMNS)
        how = self.rnd.randrange(3)
        if how == 0:
            self.con.execute("SELECT kv_alter('t', ?)", ("DECLARE (%s)" % self.declaration(),))
        elif how == 1:
            self.con.execute("SELECT kv_alter('t', ?)", ("ADD COLUMN " + self.elements(new),))
        else:
            for column in new:
                self.con.execute("SELECT kv_alter('t', ?)", ("ADD " + self.elements([column]),))
        assert self.con.execute("SELECT count(*) FROM kv_log").fetchone() == before

    def value(self, column):
        rnd = self.rnd
        if column == "n":
            return rnd.randrange(-30, 30)
        if column in "mk":
            return rnd.choice([None, rnd.randrange(9), 2.0])
        if column == "r":
            return rnd.choice([None, 0.5, 0.1, 3])
        if column == "a":
            return rnd.choice([None, "", "é\"\\\n", "x" * rnd.randrange(3), "z" * 9000])
        if column == "b":
            return rnd.choice([None, 1, 1.5, "t", b"\0\xff", "nul\0"])
        kinds = ["red", "blue", 1, 2.5, None, "\u20ac\""]
        array = [rnd.choice(kinds) for _ in range(rnd.randrange(4))]
        return rnd.choice([None, typed.json.dumps(array)])

    def change(self):
        rnd, key = self.rnd, self.rnd.choice(KEYS)
        some = rnd.sample(self.columns, rnd.randrange(1, 4))
        if rnd.random() < 0.3:
            some = list(self.columns)
        values = [self.value(c) for c in some]
        what = rnd.random()
        if what < 0.3:
            self.con.execute("INSERT %s INTO t(id, %s) VALUES(?, %s)" % (
                rnd.choice(["", "OR IGNORE", "OR REPLACE"]), ", ".join(some),
                ", ".join("?" * len(some))), [key] + values)
        elif what < 0.55:
            self.con.execute("UPDATE t SET %s WHERE id = ?" % ", ".join(
                "%s = ?" % c for c in some), values + [key])
        elif what < 0.7:
            self.con.execute("UPDATE t SET n = n + ? %s" % rnd.choice(
                ["WHERE id = 'x'", "WHERE id > 'x'", ", r = ifnull(r, 0) + 0.1"]),
                (rnd.randrange(-4, 5),))
        elif what < 0.8 and "s" in self.columns:
            self.con.execute("UPDATE t SET s = json_insert(ifnull(s, '[]'), '$[#]', ?) "
                             "WHERE id = ?", (rnd.choice(["red", 3]), key))
        elif what < 0.86 and "l" in self.columns:
            self.con.execute("UPDATE t SET l = json_insert(ifnull(l, '[]'), '$[#]', ?) "
                             "WHERE id = ?", (rnd.randrange(5), key))
        elif what < 0.9:
            self.con.execute("UPDATE t SET id = ? WHERE id = ?",
                             (rnd.choice(KEYS), key))
        elif what < 0.95:
            self.con.execute("DELETE FROM t WHERE id = ?", (key,))
        elif what < 0.97:
            self.con.execute("SELECT kv_revert(?, ?, 't')", (key, self.time()))
        else:
            self.con.execute("INSERT INTO kv VALUES(?, ?)", (key, rnd.randrange(9)))

    def time(self):
        """Of a row, or just before it; or NULL, before the latest change."""
        times = [ts for ts, in self.con.execute("SELECT ts FROM kv_log WHERE bucket = 't'")]
        return self.rnd.choice([None, self.rnd.choice(times) - self.rnd.randrange(2)]
                               if times else [None])

    def write(self):
        """A transaction, with savepoints; some statements fail."""
        self.con.execute("BEGIN")
        for _ in range(self.rnd.randrange(1, 5)):
            is_inside = self.rnd.random() < 0.3
            if is_inside:
                self.con.execute("SAVEPOINT s")
            try:
                self.change()
            except sqlite3.IntegrityError:
                pass
            if is_inside and self.rnd.random() < 0.5:
                self.con.execute("ROLLBACK TO s")
            if is_inside:
                self.con.execute("RELEASE s")
        self.con.execute("ROLLBACK" if self.rnd.random() < 0.1 else "COMMIT")

    def expected(self, as_of=None):
        out = {}
        for key, row in typed.fold(self.con, "t", self.deletes, as_of=as_of).items():
            values = {c: row.get(c) for c in self.columns}
            if values["n"] is None:
                values["n"] = 0
            for c in ("r", "k"):
                if c in values and isinstance(values[c], int):
                    values[c] = float(values[c])
            if values["n"] > -20:
                out[key] = tuple(map(support.tag, values.values()))
        return out

    def shown(self, table):
        return {r[0]: tuple(map(support.tag, r[1:])) for r in self.con.execute(
            "SELECT id, %s FROM %s" % (", ".join(self.columns), table))}


class Random(Case):
    def check_device(self, device, where):
        expected = device.expected()
        self.assertEqual(device.shown("t"), expected, where)
        self.assertEqual(device.shown("t_data"), expected, where)
        self.assertEqual(support.misplaced(device.con), [], where)

    def check_past(self, device, where):
        """The table as of the time of each row, and just before it."""
        times = [ts for ts, in device.con.execute(
            "SELECT DISTINCT ts FROM kv_log WHERE bucket = 't'")]
        for ts in device.rnd.sample(times, min(len(times), 4)):
            for as_of in ts - 1, ts:
                self.assertEqual(device.shown("t(%d)" % as_of), device.expected(as_of),
                                 (where, as_of))

    def check_revert(self, device, where):
        """A row is what it was, in all columns, also those that are not declared here;
        and then nothing is written."""
        key, as_of = device.rnd.choice(KEYS), device.time()
        rows = typed.rows(device.con, "t").get(key, [])
        if as_of is None:
            rows = sorted(rows, key=lambda r: (r.ts, r.dev, r.seq))[:-1]
        else:
            rows = [r for r in rows if r.ts <= as_of]
        want = typed.model.fold(rows, device.deletes) if rows else (False, {})
        count = "SELECT count(*) FROM kv_log WHERE bucket = 't'"
        before = device.con.execute(count).fetchone()[0]
        revert = "SELECT kv_revert(?, ?, 't')"
        try:
            given = device.con.execute(revert, (key, as_of)).fetchone()[0]
        except sqlite3.IntegrityError: # CHECK
            self.assertLessEqual(want[1]["n"], -20, where)
            return
        written = device.con.execute(count).fetchone()[0] - before
        self.assertLessEqual(written, 1, where)
        now = typed.model.fold(typed.rows(device.con, "t").get(key, []), device.deletes)

        def known(row):
            return row[0], {c: support.tag(typed.shown(v)) for c, v in row[1].items()
                            if v is not None} if row[0] else {}

        self.assertEqual(known(now), known(want), (where, key, as_of))
        self.assertEqual(given is not None, want[0], where)
        if as_of is not None:
            self.assertEqual(device.con.execute(revert, (key, as_of)).fetchone(), (given,))
            self.assertEqual(device.con.execute(count).fetchone()[0] - before, written, where)

    def check_history(self, device, where):
        """kv_changes, kv_diff and kv_conflicts are what the model says."""
        con, rnd = device.con, device.rnd

        def row(columns):
            return {c: v.hex() if isinstance(v, bytes) else v for c, v in columns.items()}

        def read(value):
            return {c: v["blob"] if isinstance(v, dict) and "blob" in v else
                    bytes.fromhex(v["text"]).decode() if isinstance(v, dict) else
                    typed.model.encode_list(map(typed.model.encode_scalar, v))
                    if isinstance(v, list) else v
                    for c, v in typed.json.loads(value).items()}

        changes = con.execute("SELECT key, op, value FROM kv_changes WHERE bucket = 't'").fetchall()
        self.assertEqual({k: read(v) for k, op, v in changes if op == "set"},
                         {k: row(c) for k, c in typed.fold(con, "t", device.deletes).items()},
                         where)
        self.assertEqual(sorted(k for k, _, _ in changes), sorted(typed.rows(con, "t")), where)
        times = [ts for ts, in con.execute("SELECT ts FROM kv_log WHERE bucket = 't'")] + [NOW]
        start, stop = sorted(rnd.choice(times) for _ in "ab")
        old, new = (typed.fold(con, "t", device.deletes, as_of=t) for t in (start, stop))
        want = {}
        for key in set(old) | set(new):
            a, b = ({c: v for c, v in row(f.get(key, {})).items() if v is not None}
                    for f in (old, new))
            if key not in old or key not in new:
                want[key] = ("added", None, b) if key in new else ("removed", a, None)
            elif a != b or any(type(a[c]) is not type(b[c]) for c in a):
                want[key] = ("changed", *({c: f[c] for c in f if c not in o or o[c] != f[c] or
                                           type(o[c]) is not type(f[c])}
                                          for f, o in ((a, b), (b, a))))
        found = {key: (change, *(v and {c: x for c, x in read(v).items() if x is not None}
                                 for v in values))
                 for key, change, *values in con.execute(
                     "SELECT key, change, old_value, new_value FROM kv_diff(?, ?) "
                     "WHERE bucket = 't'", (start, stop))}
        self.assertEqual(found, want, (where, start, stop))
        want = sorted((key, column, w.ts, w.dev, l.ts, l.dev)
                      for key, rows in typed.rows(con, "t").items()
                      for column, w, l in typed.model.conflicts(rows))
        found = con.execute("SELECT key, column_name, ts, device, lost_ts, lost_device "
                            "FROM kv_conflicts WHERE bucket = 't'").fetchall()
        self.assertEqual(sorted(found), want, where)
        for key in KEYS:
            self.assertEqual(sorted(con.execute(
                "SELECT key, column_name, ts, device, lost_ts, lost_device FROM kv_conflicts "
                "WHERE key = ? AND column_name NOT NULL", (key,)).fetchall()),
                [w for w in want if w[0] == key], where)

    def run_schedule(self, seed):
        rnd = random.Random(seed)
        deletes = rnd.choice(["later", "lose", "win"])
        names = ["a", "b", "c"][:rnd.randrange(2, 4)]
        devices = []
        for name in names:
            columns = list(COLUMNS)
            if rnd.random() < 0.3:  # an older version, which does not know all
                columns = columns[:5]
            devices.append(Device(self, name, rnd, deletes, columns))
        for step in range(rnd.randrange(10, 40)):
            where = "seed %d, step %d" % (seed, step)
            device = rnd.choice(devices)
            if len(device.columns) < len(COLUMNS) and rnd.random() < 0.04:
                device.upgrade()
            elif rnd.random() < 0.55:
                device.write()
            else:
                other = rnd.choice(devices)
                if other is not device:
                    deliver(other.folder, device.folder, other.name)
                sync(device.con)
            self.check_device(device, where)
            if rnd.random() < 0.2:
                self.check_history(device, where)
            if rnd.random() < 0.2:
                self.check_revert(device, where)
                self.check_device(device, where + ", reverted")
        for _ in range(2):
            for device in devices:
                for other in devices:
                    if other is not device:
                        deliver(other.folder, device.folder, other.name)
                sync(device.con)
        for device in devices:
            self.check_device(device, "seed %d, end" % seed)
            if len(device.columns) < len(COLUMNS):
                device.upgrade()
            self.check_device(device, "seed %d, upgraded" % seed)
            self.check_past(device, "seed %d, past" % seed)
            self.check_history(device, "seed %d, history" % seed)
        for device in devices:
            self.assertEqual(device.shown("t"), devices[0].shown("t"), seed)
        for device in devices:
            device.con.close()
        for name in names:
            shutil.rmtree(self.path(name + ".kv"))
            if os.path.exists(self.path(name + ".db")):
                os.remove(self.path(name + ".db"))

    def test_tables_show_what_the_model_folds(self):
        for seed in range(SEED, SEED + RUNS):
            self.run_schedule(seed)


if __name__ == "__main__":
    unittest.main()
