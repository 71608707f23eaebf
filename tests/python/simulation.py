"""A seeded simulation of two to five devices that share a store.

Each device has its own copy of the folder, with a temp or a persistent cache,
sometimes with a second connection. Log files travel between the copies late,
stale, torn, damaged, swapped, twice and out of order, with conflict copies
beside them. Machines are cloned, or restored from an image, and continue as
the same device, until one meets the log of the other. A model in Python says
after each statement what the connection must show; in the end all devices must
be equal, and equal to the oracle's reading of the logs.

    python3 simulation.py --seed 7              replay one schedule
    python3 simulation.py --schedules 2000      run seeds 0 to 1999
"""

import argparse
import collections
import multiprocessing
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import traceback

import oracle
from clones import Clones, changes, is_refusal, published
from devices import Connection, Device, diff, need
from oracle import tag
from support import GONE, SHM, edit, kv, kv_log, log_path, put, read, sync

KEYS = [0, 1, 2, -7, 0.5, "", "a", "b", "c", "é", "nul\0x", b"", b"a", b"\xff"]
STEPS = 80
OLD = 1_600_000_000 * 10**9


class Schedule(Clones):
    def __init__(self, seed, folder):
        self.r, self.dir, self.n, self.trace = random.Random(seed), folder, 0, []
        names = self.r.sample(["alpha", "Beta", "beta2", "gamma", "zulu", "x-1", "0"],
                              self.r.randint(2, 5))
        self.devices = []
        self.delivered = {}  # path: bytes that a sync tool put there
        self.has_former = False  # whether a device started its log over
        self.gone, self.n_images, self.n_names = [], 0, 0
        self.outcomes = collections.Counter()  # meetings of clones so far
        self.devices = [Device(self, n) for n in names]
        self.stats = {d: self.stat(d) for d in self.devices}

    def note(self, *what):
        self.trace.append(" ".join(map(str, what)))

    # Other devices' directories must stay as the sync tool left them.

    def stat(self, device):
        out = {}
        top = os.path.join(device.folder, "devices")
        for base, dirs, files in os.walk(device.folder):
            if base == top and device.name in dirs:
                dirs.remove(device.name)
            for n in files:
                st = os.stat(os.path.join(base, n))
                out[base, n] = st.st_ino, st.st_size, st.st_mtime_ns
            if base not in (device.folder, top):
                out[base] = os.stat(base).st_mtime_ns
            else:
                out[base] = tuple(d for d in dirs if d != device.name)
        return out

    def untouched(self, device):
        now = self.stat(device)
        need(now == self.stats[device], device.name, "touched", diff(now, self.stats[device]))

    def deliver(self):
        target = self.r.choice(self.devices)
        devices = [d for d in self.devices + self.gone if d.name != target.name]
        if not devices:
            return
        device = self.r.choice(devices)
        if device.twin and self.r.random() < 0.3:
            device = device.twin  # maybe one that no longer exists
        if not os.path.exists(device.log()):
            return
        how = self.r.choice(["now"] * 6 + ["stale", "torn", "cut", "relay"] * 2 +
                            ["swapped", "twice", "conflict", "flipped"])
        path = log_path(target.folder, device.name)
        data = read(device.log())
        if not device.history or device.history[-1] != data:
            device.history.append(data)
        if how == "stale":
            data = self.r.choice(device.history)
        elif how == "relay":
            source = log_path(self.r.choice(self.devices).folder, device.name)
            if not os.path.exists(source):
                return
            data = read(source)
        elif how == "swapped":  # the log of another device instead
            other = self.r.choice(self.devices).log()
            if not os.path.exists(other):
                return
            data = read(other)
        elif how == "conflict":  # an older copy beside it, under another name
            beside = self.r.choice(["log.sync-conflict-1.db", "log 2.db", "log.db-journal"])
            self.note("conflict copy of", device.name, "to", target.name, beside)
            return self.put(target, os.path.join(os.path.dirname(path), beside),
                            self.r.choice(device.history))
        elif how == "flipped":
            data = bytearray(data)
            data[self.r.randrange(len(data))] ^= 1 << self.r.randrange(8)
            data = bytes(data)
        elif how == "twice":
            self.put(target, path, data)
        elif how in ("torn", "cut"):
            n = self.r.randrange(len(data) + 1)
            old = read(path) if os.path.exists(path) and how == "torn" else b""
            data = data[:n] + old[n:]
        self.note("deliver", device.name, "to", target.name, how, len(data))
        self.put(target, path, data)

    def put(self, target, path, data):
        put(path, data, OLD + len(self.trace) * 10**9)
        os.utime(os.path.dirname(path), ns=(OLD, OLD))
        self.delivered[path] = data
        self.stats[target] = self.stat(target)

    # Statements: each runs on the connection and on a copy of what it shows.

    def value(self):
        self.n += 1
        n = self.n
        return self.r.choice([
            n, n, "v%d" % n, "v%d" % n, float(n) + 0.5, b"v%d" % n,
            "v%d" % n + "x" * self.r.choice([10, 300, 10000]), "é\0%d" % n])

    def write(self, c):
        """One statement: (sql, args, the keys that it writes or None if it
        must fail)."""
        r, view = self.r, c.shown()
        kind = r.randrange(12)
        key = r.choice(KEYS)
        if kind >= 10:
            rows = [(r.choice(KEYS), self.value()) for _ in range(r.choice([1, 2]))]
            if r.random() < 0.2:
                rows[-1] = (key, None)
            sql = "INSERT INTO via VALUES " + ", ".join(["(?, ?)"] * len(rows))
            return (sql, [x for row in rows for x in row],
                    None if rows[-1][1] is None else {tag(k): tag(v) for k, v in rows})
        if kind < 4:
            rows = [(r.choice(KEYS), self.value()) for _ in range(r.choice([1, 1, 2, 5]))]
            sql = "INSERT INTO kv VALUES " + ", ".join(["(?, ?)"] * len(rows))
            return sql, [x for row in rows for x in row], {tag(k): tag(v) for k, v in rows}
        if kind == 4:
            v = self.value()
            return ("INSERT OR IGNORE INTO kv VALUES(?, ?)", (key, v),
                    {} if tag(key) in view else {tag(key): tag(v)})
        if kind == 5:
            keys = [k for k in KEYS if isinstance(k, str) and k >= "b" and tag(k) in view]
            return "DELETE FROM kv WHERE key >= 'b' AND key < x''", (), {tag(k): GONE for k in keys}
        if kind == 6:
            return ("DELETE FROM kv WHERE key = ?", (key,),
                    {tag(key): GONE} if tag(key) in view else {})
        if kind == 7:
            v = self.value()
            return ("UPDATE kv SET value = ? WHERE key = ?", (v, key),
                    {tag(key): tag(v)} if tag(key) in view else {})
        if kind == 8:
            new, v = r.choice(KEYS), self.value()
            effect = {tag(key): GONE, tag(new): tag(v)} if tag(key) in view else {}
            return "UPDATE OR REPLACE kv SET key = ?, value = ? WHERE key = ?", (new, v, key), effect
        return ("INSERT INTO kv VALUES(?, ?), (?, ?), (NULL, 0)",
                (key, self.value(), r.choice(KEYS), self.value()), None)

    def statement(self, c):
        sql, args, effect = self.write(c)
        self.note(c.device.name, c.device.connections.index(c), sql, args)
        try:
            c.db.execute(sql, args)
        except sqlite3.IntegrityError:
            need(effect is None, "unexpected constraint")
            return c.check()
        except sqlite3.OperationalError as e:
            if is_refusal(e):
                return self.refused(c)
            self.busy(c, e)
            return c.check()
        need(effect is not None, "a NULL key was taken")
        view, txn = dict(c.shown()), dict(c.txn or {})
        for k, v in effect.items():
            view[k] = txn[k] = v
        view = {k: v for k, v in view.items() if v is not GONE}
        if c.txn is not None:
            c.view, c.txn = view, txn
            c.check()
        else:
            c.committed(view, txn)

    def busy(self, c, e):
        """Only another connection's open transaction in a shared cache may get
        in the way."""
        need("locked" in str(e) or "busy" in str(e), "error:", e)
        need(c.cache.writer not in (None, c), "busy for nothing:", e)

    def control(self, c):
        r, run = self.r, c.db.execute
        self.note(c.device.name, c.device.connections.index(c), "control")
        if c.txn is None:
            try:
                run("BEGIN IMMEDIATE" if c.cache.host else "BEGIN")
            except sqlite3.OperationalError as e:
                return self.busy(c, e)
            c.view, c.txn, c.marks = dict(c.cache.view), {}, []
            c.cache.writer = c
            self.note("  begin")
            return
        kind = r.randrange(8)
        if kind < 2:
            run("SAVEPOINT s%d" % len(c.marks))
            c.marks.append((dict(c.view), dict(c.txn)))
        elif kind == 2 and c.marks:
            at = r.randrange(len(c.marks))
            run("ROLLBACK TO s%d" % at)
            c.view, c.txn = map(dict, c.marks[at])
            del c.marks[at + 1:]
        elif kind == 3 and c.marks:
            at = r.randrange(len(c.marks))
            run("RELEASE s%d" % at)
            del c.marks[at:]
        elif kind == 4:
            run("CREATE TABLE IF NOT EXISTS t%d(x)" % r.randrange(3))
        elif kind == 5:
            self.note("  rollback")
            run("ROLLBACK")
            c.ended()
        else:
            self.note("  commit")
            return self.commit(c)
        c.check()

    def commit(self, c):
        try:
            c.db.execute("COMMIT")
        except sqlite3.OperationalError as e:
            need(is_refusal(e), "error:", e)
            return self.refused(c)
        c.committed(c.view, c.txn)
        c.check()

    def sync(self, c):
        self.note(c.device.name, c.device.connections.index(c), "sync")
        try:
            n = sync(c.db)
        except sqlite3.OperationalError as e:
            if "COMMIT first" in str(e):
                need(c.txn, "refused, though it has written nothing:", e)
                return
            self.busy(c, e)
            return
        need(n >= 0, "kv_sync() returned", n)
        if c.txn is None:
            c.device.lost_log = False
        c.merged()

    def reopen(self, d):
        """Close all connections, possibly in the middle of a transaction."""
        lost = self.r.random() < 0.3
        self.restore(d)
        self.note("reopen", d.name, "with a new cache" if lost else "")
        for c in d.connections:
            c.close()
        d.connections = []
        if lost or not d.persistent:
            d.begin()
        else:
            d.open(d.cache)

    def lose(self, d):
        """The log is replaced by one from a backup; the open store completes
        it."""
        if d.single and not d.cloned and d.history[d.n_former:]:
            data = self.r.choice(d.history[d.n_former:])
            self.note("backup of", d.name, len(data))
            put(d.log(), data)
            d.lost_log = True

    def restore(self, d):
        if d.lost_log:
            c = d.connections[0]
            if c.txn is not None:
                c.db.execute("ROLLBACK")
                c.ended()
            self.sync(c)

    def start_over(self, d):
        """The device lost its cache, and its log is damaged at the end, so it
        makes a log with another id from the same rows. Older copies of the
        previous log may still be on their way."""
        if not d.single or d.cloned or not os.path.exists(d.log()):
            return
        self.restore(d)
        d.image = None
        self.note("new log of", d.name)
        for c in d.connections:
            c.close()
        d.connections = []
        before = oracle.read_log(d.log())
        d.history.append(read(d.log()))
        d.n_former = len(d.history)
        edit(d.log(), "INSERT INTO log SELECT ifnull(max(seq), 0) + 1, 1, 1, NULL, 1, '', 1, 1, 0 "
                      "FROM log")
        d.begin()
        after = oracle.read_log(d.log())
        need(before.id != after.id, d.name, "has no new log")
        need(changes(before) == changes(after), d.name, "has other rows in its new log")
        # A row with a later time than its transaction now is a transaction by
        # itself.
        d.acknowledged[:] = published(after)
        self.has_former = True

    def step(self):
        d = self.r.choice(self.devices)
        c = self.r.choice(d.connections)
        kind = self.r.random()
        if kind < 0.40:
            self.statement(c)
        elif kind < 0.58:
            self.control(c)
        elif kind < 0.68:
            self.sync(c)
        elif kind < 0.89:
            self.deliver()
        elif kind < 0.915:
            self.reopen(d)
        elif kind < 0.925:
            self.lose(d)
        elif kind < 0.93:
            self.start_over(d)
        elif kind < 0.98:
            self.clone(d)
        elif d.cloned:
            pass  # each clone has one connection
        elif len(d.connections) == 1 and d.cache.writer is None:
            self.restore(d)
            self.note("second connection", d.name)
            d.second()
        elif len(d.connections) == 2:
            d.connections.pop(self.r.randrange(2)).close()
        if d in self.devices:
            self.untouched(d)
            self.unbroken(d)

    def finish(self):
        for d in list(self.devices):
            for c in list(d.connections):
                if c.txn is not None:
                    end = self.r.choice(["COMMIT", "ROLLBACK"])
                    self.note(d.name, end)
                    if end == "COMMIT":
                        self.commit(c)
                    else:
                        c.db.execute(end)
                        c.ended()
        for d in self.devices:
            self.restore(d)
        self.settle()
        logs = {}
        for d in self.devices + self.gone:
            if os.path.exists(d.log()):
                writers = oracle.CLONES if d.cloned else 1 if d.single else 2
                logs[d.name] = oracle.read_log(d.log(), writers)
        for d in self.devices + self.gone:
            got = published(logs[d.name]) if d.name in logs else []
            need(got == d.acknowledged, d.name, "published", got, "not", d.acknowledged)
        rows = [r for log in logs.values() for r in log.rows]
        for d in self.devices:
            for c in d.connections + [Connection(d, d.new_cache(False))]:
                sync(c.db)
                need(sync(c.db) == 0, d.name, "merged the same again")
                self.equal(d, c.db, rows)
                c.close()
            self.untouched(d)
        for path, data in self.delivered.items():
            need(read(path) == data, "changed", path)
        # For the others, parent_ts does not follow from the op 2 rows.
        oracle.check_parents(logs, {d.name for d in self.devices if d.single and
                                    not self.has_former})

    def equal(self, d, db, rows):
        need(kv(db) == oracle.fold(rows), d.name, "kv:", diff(kv(db), oracle.fold(rows)))
        need(kv_log(db) == oracle.history(rows), d.name, "kv_log differs")
        states = db.execute("SELECT device, state FROM kv_devices "
                            "WHERE state NOT IN ('ok', 'ignored')").fetchall()
        need(not states, d.name, "states", states)
        if rows:
            ts = self.r.choice(rows).ts
            got = {tag(k): tag(v) for k, v in db.execute("SELECT key, value FROM kv(?)", (ts,))}
            need(got == oracle.fold(rows, ts), d.name, "kv as of", ts)


def run(seed):
    """None if the schedule holds, else what is wrong with it."""
    folder = tempfile.mkdtemp(prefix="kv-simulation-", dir=SHM)
    s = None
    try:
        s = Schedule.__new__(Schedule)
        s.__init__(seed, folder)
        for _ in range(STEPS):
            s.step()
        s.finish()
    except Exception:
        trace = "\n".join("  " + line[:200] for line in s.trace) if hasattr(s, "trace") else ""
        return seed, trace + "\n" + traceback.format_exc() + command(seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return seed, None


def command(seed):
    return "seed %d failed; replay: KV_MODULE=%s python3 %s --seed %d" % (
        seed, os.environ.get("KV_MODULE", ""), os.path.abspath(__file__), seed)


def run_all(first, schedules):
    """Reports of the schedules that fail."""
    with multiprocessing.Pool(os.cpu_count()) as pool:
        done = pool.imap_unordered(run, range(first, first + schedules), chunksize=8)
        return [report for _, report in done if report]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--seed", type=int, help="replay one schedule")
    p.add_argument("--schedules", type=int, default=2000)
    p.add_argument("--first", type=int, default=0)
    a = p.parse_args()
    if a.seed is not None:
        failures = [report for _, report in [run(a.seed)] if report]
    else:
        failures = run_all(a.first, a.schedules)
        print("%d schedules, %d failed" % (a.schedules, len(failures)))
    print("\n".join(failures[:3]), end="")
    print("".join("\n" + f.splitlines()[-1] for f in failures[3:20]))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
