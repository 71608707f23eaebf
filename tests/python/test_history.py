"""kv(as_of), kv_diff, kv_conflicts, kv_changes and kv_revert() against an
oracle in Python, on random schedules of devices that share a store.

The rows are those that the log files hold, read with stock SQLite. Who had
seen what is not: the schedule notes how far each cache had merged the other
logs, and for each row that it publishes, what its writer knew.

    KV_HISTORY=2000 python3 test_history.py     more schedules than usual
    python3 test_history.py SEED                replay one
"""

import collections
import os
import random
import sys
import traceback
import unittest

import oracle
from devices import untag as untagged
from oracle import SEEN, SET, order, tag
from support import Case, NOW, SECOND, connect, log_path, open_store, put, read, sync

SCHEDULES = int(os.environ.get("KV_HISTORY", 60))
STEPS = 45
KEYS = [0, 1, 1.0, -7, 0.5, "", "a", "b", "nul\0x", b"", b"a", "1"]
VALUES = [1, 1.0, "1", "a", b"a", None, None, 2, "", b"", float("inf"), "long" * 2000]
YEAR = 365 * 86400 * SECOND


def shown(rows):
    return [tuple(map(tag, r)) for r in rows]


class Cache:
    """What one cache holds: this many rows of each log."""

    def __init__(self, host):
        self.host, self.rows = host, {}  # device: its rows that are merged
        self.cons, self.readers = [], []

    def all(self):
        return [r for rows in self.rows.values() for r in rows if r.op != SEEN]

    def winners(self):
        """By key. The number of an own row may still change, its time may not."""
        out = {}
        for r in self.all():
            if r.key not in out or order(out[r.key]) < order(r):
                out[r.key] = r
        return out


class Reader:
    """A consumer of kv_changes: it applies them to a mirror of kv."""

    def __init__(self):
        self.cursor, self.mirror, self.before, self.is_new = 0, {}, {}, True


class Device:
    def __init__(self, world, name):
        self.r, self.name = world.r, name
        self.folder = os.path.join(world.dir, name, "notes.kv")
        os.makedirs(os.path.dirname(self.folder))
        self.persistent = world.r.random() < 0.6
        self.skew = world.r.choice([0, 0, 0, 0, -SECOND, 2 * YEAR])
        self.now = NOW + self.skew
        self.generation, self.copies = 0, []
        self.begin()

    def begin(self):
        self.generation += 1
        self.cache = Cache(os.path.join(os.path.dirname(self.folder),
                                        "host%d.db" % self.generation)
                           if self.persistent else None)
        self.open()
        if not self.cache.host:
            self.merged()

    def open(self):
        con = connect(self.cache.host or ":memory:")
        open_store(con, self.folder, self.name, "now=%d" % self.now,
                   schema="main" if self.cache.host else "temp")
        self.cache.cons.append(con)
        return con

    def con(self):
        return self.r.choice(self.cache.cons)

    def close(self):
        for con in self.cache.cons:
            con.close()
        self.cache.cons = []

    def log(self):
        path = log_path(self.folder, self.name)
        return oracle.read_log(path).rows if os.path.exists(path) else []

    def merged(self):
        """The cache now has everything in its folder, and what it had before."""
        for name, log in oracle.read_folder(self.folder).items():
            if len(log.rows) > len(self.cache.rows.get(name, [])):
                self.cache.rows[name] = log.rows

    def known(self):
        return {name: len(rows) for name, rows in self.cache.rows.items()}


class World:
    def __init__(self, case, seed):
        self.case, self.r, self.dir = case, random.Random(seed), case.dir
        self.trace = []
        self.known = {}  # (device, seq): what its writer had merged
        self.parent = {}  # (device, seq): the row that it replaced
        names = self.r.sample(["alpha", "Beta", "gamma", "zulu", "0"], self.r.choice([2, 3, 3, 4]))
        self.devices = [Device(self, n) for n in names]

    def note(self, *what):
        self.trace.append(" ".join(map(str, what)))

    def run(self):
        for _ in range(STEPS):
            self.step()
        for d in self.devices:  # and in the end everybody has everything
            for other in self.devices:
                self.deliver(other, d, other.log() and read(log_path(other.folder, other.name)))
        for d in self.devices:
            self.sync(d)
            self.check(d)

    def close(self):
        for d in self.devices:
            d.close()

    def step(self):
        r, d = self.r, self.r.choice(self.devices)
        kind = r.random()
        if kind < 0.35:
            self.write(d)
        elif kind < 0.45:
            self.revert(d)
        elif kind < 0.70:
            self.arrive(d)
            self.sync(d)
        elif kind < 0.78:
            self.sync(d)
        elif kind < 0.86:
            self.tick(d)
        elif kind < 0.90:
            self.reopen(d)
        elif kind < 0.94 and d.cache.host and len(d.cache.cons) < 3:
            self.note(d.name, "one more process")
            d.open()
        self.check(d)

    def arrive(self, d):
        """Some device's log arrives here, not always its newest copy."""
        source = self.r.choice([x for x in self.devices if x is not d])
        if source.log():
            source.copies.append(read(log_path(source.folder, source.name)))
            self.deliver(source, d, self.r.choice(source.copies[-3:]))

    def deliver(self, source, target, data):
        if data and source is not target:
            self.note("deliver", source.name, "to", target.name, len(data))
            put(log_path(target.folder, source.name), data)

    def sync(self, d):
        self.note(d.name, "sync")
        sync(d.con())
        d.merged()

    def tick(self, d):
        """Another time, often that of others; kv_open() syncs, too."""
        d.now += self.r.choice([0, 1, 1, 2, 999, SECOND, 600 * SECOND, -3])
        self.note(d.name, "clock", d.now)
        con = d.con()
        con.execute("SELECT kv_open(?, ?, ?)", (d.folder, d.name, "now=%d" % d.now))
        d.merged()

    def reopen(self, d):
        self.note(d.name, "reopen")
        d.close()
        if d.cache.host:
            d.open()
        else:
            d.begin()

    # Writing: each row is noted with what its writer knew.

    def published(self, d, start, at_write):
        """Rows were added to the own log. start: what was merged when the
        transaction began; at_write: (key, rows merged by then) for each write.
        """
        old, rows = len(d.cache.rows.get(d.name, [])), d.log()
        d.cache.rows[d.name] = rows
        for row in rows[old:]:
            if row.op == SEEN:
                continue
            self.known[d.name, row.seq] = start
            for key, before in at_write:
                same = [p for p in before if p.key == key == row.key]
                if same and max(same, key=order).ts == row.parent_ts:
                    parent = max(same, key=order)
                    self.parent[d.name, row.seq] = parent.device, parent.seq
                    break

    def statement(self, d, con, at_write):
        r, keys = self.r, self.r.sample(KEYS, self.r.choice([1, 1, 2, 4]))
        kind, before = r.random(), d.cache.all()
        at_write += [(k, before) for k in keys]
        self.note(" ", kind, keys)
        if kind < 0.6:
            con.executemany("INSERT INTO kv VALUES(?, ?)", [(k, r.choice(VALUES)) for k in keys])
        elif kind < 0.8:
            con.executemany("DELETE FROM kv WHERE key = ?", [(k,) for k in keys])
        elif kind < 0.9:
            con.executemany("UPDATE kv SET value = ? WHERE key = ?",
                            [(r.choice(VALUES), k) for k in keys])
        else:
            con.execute("SELECT kv_revert(?)", keys[:1]).fetchall()

    def write(self, d):
        r, con, at_write = self.r, d.con(), []
        start = d.known()
        self.note(d.name, "write")
        if r.random() < 0.4:
            self.statement_alone(d, con)
            return
        con.execute("BEGIN IMMEDIATE")
        merged = dict(d.cache.rows)
        changes, cursor = self.changes(con, 0), con.execute("SELECT kv_cursor()").fetchone()
        has_merged, quiet = False, con.total_changes
        for _ in range(r.choice([1, 2, 3])):
            if r.random() < 0.2 and con.total_changes == quiet:
                self.note("  sync inside")
                has_merged = True
                self.arrive(d)
                sync(con)
                d.merged()  # before the first change: it is seen
                start, quiet = d.known(), con.total_changes
            self.statement(d, con, at_write)
        times = sorted([self.time(d), self.time(d)])
        inside = self.tables(con, *times)
        if not has_merged:
            self.equal(self.changes(con, 0), changes, "uncommitted changes are told")
            self.equal(con.execute("SELECT kv_cursor()").fetchone(), cursor, "the cursor moved")
        if r.random() < 0.2:
            self.note("  rollback")
            con.execute("ROLLBACK")
            d.cache.rows = merged
        else:
            con.execute("COMMIT")
            self.published(d, start, at_write)
            self.equal(self.tables(con, *times), inside, "COMMIT changed what is shown")

    def statement_alone(self, d, con):
        """Each statement of it commits by itself."""
        for _ in range(self.r.choice([1, 2])):
            key, start, at_write = self.r.choice(KEYS), d.known(), []
            at_write.append((key, d.cache.all()))
            value = self.r.choice(VALUES)
            self.note("  set", key)
            con.execute(*self.r.choice([
                ("INSERT INTO kv VALUES(?, ?)", (key, value)),
                ("SELECT kv_set(?, ?)", (key, value)),
                ("DELETE FROM kv WHERE key = ?", (key,))])).fetchall()
            self.published(d, start, at_write)

    def revert(self, d):
        """kv_revert() writes the earlier value as a new one, if it differs."""
        r, con, key = self.r, d.con(), self.r.choice(KEYS)
        rows = sorted((x for x in d.cache.all() if x.key == key), key=order)
        when = None
        if r.random() < 0.5:
            when = self.time(d)
            past = [x for x in rows if x.ts <= when]
        else:
            past = rows[:-1]
        old = past[-1] if past and past[-1].op == SET else None
        now = rows[-1] if rows and rows[-1].op == SET else None
        self.note(d.name, "revert", key, when)
        start, n = d.known(), len(d.log())
        got = con.execute("SELECT kv_revert(?, ?)", (key, when)).fetchone()[0]
        self.equal(tag(got), tag(old.value if old else None), "kv_revert() returns")
        self.published(d, start, [(key, rows)])
        new = [x for x in d.log()[n:] if x.op != SEEN]
        if (old and tag(old.value)) == (now and tag(now.value)):
            self.equal(new, [], "a value that is there is written again")
        else:
            self.equal([(x.op, tag(x.value)) for x in new],
                       [(SET, tag(old.value)) if old else (oracle.DELETE, tag(None))], "written")

    # Reading: what the tables show is what the oracle says.

    def time(self, d):
        rows = d.cache.all()
        ts = self.r.choice(rows).ts if rows else NOW
        return ts + self.r.choice([0, 0, -1, 1, 1000])

    def equal(self, got, expected, *why):
        if got != expected:
            raise AssertionError("%s:\n  got      %.3000s\n  expected %.3000s" % (
                " ".join(map(str, why)), got, expected))

    def tables(self, con, start, stop):
        return [shown(con.execute(sql).fetchall()) for sql in (
            "SELECT * FROM kv_conflicts", "SELECT * FROM kv_diff(%d)" % start,
            "SELECT * FROM kv_diff(%d, %d)" % (start, stop), "SELECT * FROM kv(%d)" % stop)]

    def changes(self, con, cursor):
        return con.execute("SELECT cursor, key, value, op, ts, device, is_reset, time, bucket "
                           "FROM kv_changes(?)", (cursor,)).fetchall()

    def check(self, d):
        con = d.con()
        self.note(d.name, "check", [(k, len(v)) for k, v in d.cache.rows.items()])
        rows = d.cache.all()
        self.check_as_of(con, d, rows)
        self.check_diff(con, d, rows)
        self.check_conflicts(con, rows)
        self.check_changes(con, d)

    def check_as_of(self, con, d, rows):
        ts, key = self.time(d), self.r.choice(KEYS)
        expected = oracle.fold(rows, ts)
        got = {tag(k): tag(v) for k, v in con.execute("SELECT * FROM kv(?)", (ts,))}
        self.equal(got, expected, "kv as of", ts)
        got = {tag(k): tag(v) for k, v in con.execute(
            "SELECT key, value FROM kv WHERE as_of = ? AND key = ?", (ts, key))}
        self.equal(got, {k: v for k, v in expected.items() if k[1] == tag(key)[1] or
                         (isinstance(key, (int, float)) and untagged(k) == key)}, "key", key, "as of", ts)

    def check_diff(self, con, d, rows):
        start, stop = sorted([self.time(d), self.time(d)])
        if self.r.random() < 0.3:
            stop = None
        old, new = oracle.fold(rows, start), oracle.fold(rows, stop)
        old = {untagged(k): v for k, v in old.items()}
        new = {untagged(k): v for k, v in new.items()}
        expected = {}
        for k in {**old, **new}:
            if old.get(k) != new.get(k):
                expected[k] = ("added" if k not in old else "removed" if k not in new else "changed",
                               old.get(k, tag(None)), new.get(k, tag(None)))
        got = con.execute("SELECT bucket, key, change, old_value, new_value FROM kv_diff(?, ?)",
                          (start, stop)).fetchall()
        self.equal({k: (change, tag(o), tag(n)) for _, k, change, o, n in got}, expected,
                   "kv_diff", start, stop)
        self.equal(len(got), len(expected), "kv_diff shows a key twice")
        in_order = [k for k, in con.execute("SELECT key FROM kv_log GROUP BY key ORDER BY key")]
        self.equal([k for _, k, _, _, _ in got], [k for k in in_order if k in expected], "order")

    def had_seen(self, r, l):
        return (r.device == l.device or l.seq <= self.known[r.device, r.seq].get(l.device, 0)
                or self.parent.get((r.device, r.seq)) == (l.device, l.seq))

    def doubtful(self, rows):
        """Rows of two devices with the same key and time: a parent_ts does not
        say which of them it means. The op 2 rows do, if both rows are here."""
        found = collections.Counter(
            (r.key, r.ts) for d in self.devices for r in d.log() if r.op != SEEN)
        here = collections.Counter((r.key, r.ts) for r in rows)
        return {x for x, n in found.items() if n > 1 and n > here[x]}

    def check_conflicts(self, con, rows):
        doubtful = self.doubtful(rows)
        by_key = collections.defaultdict(list)
        for r in rows:
            by_key[r.key].append(r)
        expected = []
        for same in by_key.values():
            w = max(same, key=order)
            for l in same:
                if (l.key, l.ts) in doubtful or l is w or l.op != SET or any(
                        order(r) > order(l) and self.had_seen(r, l) for r in same):
                    continue
                if w.op != SET or tag(w.value) != tag(l.value):
                    expected.append((w.key, tag(w.value), w.device, w.ts, tag(l.value), l.device, l.ts,
                                     "set" if w.op == SET else "delete"))
        got = [(k, tag(v), d, ts, tag(lv), ld, lts, op) for k, v, d, ts, lv, ld, lts, op in con.execute(
            "SELECT key, value, device, ts, lost_value, lost_device, lost_ts, op FROM kv_conflicts") if (k, lts) not in doubtful]
        self.equal(sorted(got, key=repr), sorted(expected, key=repr), "kv_conflicts")

    def check_changes(self, con, d):
        """Each key whose winner has changed since the last read, once."""
        readers, now = d.cache.readers, d.cache.winners()
        if not readers or (len(readers) < 3 and self.r.random() < 0.2):
            readers.append(Reader())
        reader = self.r.choice(readers)
        con.execute("BEGIN")
        rows, end = self.changes(con, reader.cursor), con.execute("SELECT kv_cursor()").fetchone()[0]
        con.execute("COMMIT")
        changed = {k for k, r in now.items() if reader.before.get(k) != r}
        self.equal(sorted(repr(float(r[1]) if isinstance(r[1], int) else r[1]) for r in rows),
                   sorted(repr(float(k) if isinstance(k, int) else k) for k in changed),
                   "keys that changed since", reader.cursor)
        for cursor, k, v, op, ts, device, is_reset, _, bucket in rows:
            w = now[k]
            self.equal((tag(v), op, ts, device, bucket),
                       (tag(w.value), "set" if w.op == SET else "delete", w.ts, w.device, ""), k)
            self.equal(is_reset, int(reader.is_new), "is_reset")
            if not reader.cursor < cursor <= end:
                raise AssertionError("cursor %d not in %d to %d" % (cursor, reader.cursor, end))
            if op == "set":
                reader.mirror[k] = v
            else:
                reader.mirror.pop(k, None)
        self.equal({k: tag(v) for k, v in reader.mirror.items()},
                   {k: tag(v) for k, v in con.execute("SELECT key, value FROM kv")}, "the mirror")
        greatest = max((r[0] for r in rows), default=reader.cursor)
        reader.cursor = end if self.r.random() < 0.5 else greatest
        reader.before, reader.is_new = now, reader.cursor == 0




class History(Case):
    def replay(self, seed):
        self.fresh()
        world = None
        try:
            world = World(self, seed)
            world.run()
        except Exception:
            trace = "\n".join(line[:160] for line in world.trace) if world else ""
            self.fail("seed %d\n%s\n%s" % (seed, trace, traceback.format_exc()))
        finally:
            if world:
                world.close()

    def test_the_history_is_what_the_logs_and_their_writers_say(self):
        for seed in range(SCHEDULES):
            self.replay(seed)


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].isdigit():
        SEED = int(sys.argv.pop())
        History.test_the_history_is_what_the_logs_and_their_writers_say = (
            lambda self: self.replay(SEED))
    unittest.main()
