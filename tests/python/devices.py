"""The devices of the simulation, and what each of their connections must show:
a model of every cache in Python, updated with each statement.
"""

import os
import struct

import oracle
from oracle import tag
from support import (
    GONE, NOW, SECOND, connect, kv, kv_log, log_path, misplaced, open_store, sync)


class Wrong(Exception):
    """The extension does not do what the model says."""


def need(condition, *why):
    if not condition:
        raise Wrong(" ".join(map(str, why)))


def untag(t):
    kind, v = t
    return struct.unpack("<d", v[1:])[0] if kind == "float" else v


def diff(got, expected):
    return {k: (got.get(k), "not", expected.get(k)) for k in {**got, **expected}
            if got.get(k) != expected.get(k)}


class Cache:
    """One cache: in temp, for one connection, or in a host database."""

    def __init__(self, host=None, journal="delete"):
        self.host, self.journal = host, journal
        self.view = None  # what is committed; None: not opened yet
        self.own = []  # the transactions of the device that it knows
        self.writer = None  # the connection inside a transaction


class Connection:
    """view, txn: inside a transaction, what it shows and what it has written."""

    def __init__(self, device, cache):
        self.device, self.cache = device, cache
        is_new = cache.view is None
        self.db = connect(cache.host or ":memory:")
        if is_new:
            self.db.execute("PRAGMA journal_mode = " + cache.journal)
        # A path in a host database is relative to it, so that both can be copied.
        open_store(self.db, "notes.kv" if cache.host else device.folder, device.name,
                   "now=%d" % device.now, schema="main" if cache.host else "temp")
        self.view = self.txn = None
        self.marks = []  # (view, txn) at each savepoint
        if is_new:
            self.db.executescript("""
              CREATE TABLE via(x, y);
              CREATE %sTRIGGER tr AFTER INSERT ON via BEGIN
                INSERT INTO kv VALUES(new.x, new.y);
                SELECT RAISE(ABORT, 'no') WHERE new.y IS NULL;
              END;""" % ("" if cache.host else "TEMP "))
            cache.own = list(device.acknowledged)
            if cache.host:
                sync(self.db)  # kv_open() syncs, a virtual table does not
        self.merged()

    def close(self):
        self.db.close()
        if self.cache.writer is self:
            self.cache.writer = None

    def shown(self):
        return self.cache.view if self.view is None else self.view

    def check(self):
        got = kv(self.db)
        need(got == self.shown(), self.device.name, "shows", diff(got, self.shown()))

    def merged(self):
        """Rows of others may have arrived. Check that kv is still the fold of
        kv_log, and that own writes are among its rows."""
        got, log = kv(self.db), kv_log(self.db)
        rows = [oracle.Row(d, seq, txn, ts, None, oracle.SET if op == "set" else oracle.DELETE,
                           b, untag(k), untag(v), 0)
                for d, seq, txn, ts, _, b, op, k, v in log]
        need(got == oracle.fold(rows), self.device.name, "kv is not the fold of kv_log",
             diff(got, oracle.fold(rows)))
        need(not misplaced(self.db), self.device.name, "misplaced", misplaced(self.db))
        if self.view is None:
            self.cache.view = got
        else:
            self.view = got
        own = {(k, v) for d, _, _, _, _, _, op, k, v in log
               if d == self.device.name and op == "set"}
        for t in self.cache.own:
            for k, v in t.items():
                need(v is GONE or (k, v) in own, self.device.name, "cannot read its own", k, v)

    def ended(self):
        self.view = self.txn = None
        self.marks = []
        if self.cache.writer is self:
            self.cache.writer = None

    def committed(self, view, txn):
        self.ended()
        if txn:
            self.device.acknowledged.append(txn)
            self.cache.own.append(txn)
            self.device.lost_log = False
        if self.device.single:
            self.cache.view = view
            return self.check()
        self.merged()
        for k, v in txn.items():
            self.own(k, v)

    def own(self, k, v):
        """While it commits, a write may lose to one of another connection of
        the same device. It stays in kv_log."""
        name, got = self.device.name, self.cache.view.get(k, GONE)
        if got == v:
            return
        rows = [(tag(value) if op == "set" else GONE, device)
                for value, op, device in self.db.execute(
                    "SELECT value, op, device FROM kv_log WHERE key = ? "
                    "ORDER BY ts, device, seq", (untag(k),))]
        need(rows[-1][0] == got and (v, name) in rows, name, "lost its write of", k)
        need(rows[-1][1] == name, rows[-1], "came unasked")


class Device:
    def __init__(self, schedule, name):
        self.r, self.name = schedule.r, name
        self.root = os.path.join(schedule.dir, name)
        self.folder = os.path.join(self.root, "notes.kv")
        os.makedirs(self.root)
        self.persistent = self.r.random() < 0.5
        self.generation = 0
        self.acknowledged = []  # transactions, in the order of their commits
        self.history = []  # older bytes of its log, of all its ids
        self.n_former = 0  # how many of them are of an older id
        self.lost_log = False  # whether its log is one of these
        self.single = True  # whether it never had a second connection
        self.image = self.twin = None  # a copy of the machine; a clone that continues
        self.cloned = False  # whether it ever had one
        self.seen = None  # its log at the last check, with clones
        self.connections, self.cache = [], None
        self.begin()

    def new_cache(self, persistent):
        self.generation += 1
        host = os.path.join(self.root, "host%d.db" % self.generation)
        return Cache(host if persistent else None, self.r.choice(["delete", "wal"]))

    def begin(self):
        """Open the store with a new cache and its own clock."""
        self.cache = self.new_cache(self.persistent)
        skew = [0, 0, self.r.randrange(-100, 100) * SECOND, self.r.randrange(-900, 900) * SECOND]
        if self.r.random() < 0.1:
            skew = [10 * 365 * 86400 * SECOND]
        self.now = NOW + self.r.choice(skew)
        self.open(self.cache)

    def second(self):
        """Another process, with the same persistent cache or its own."""
        self.single = False
        share = self.persistent and self.r.random() < 0.6
        self.open(self.cache if share else self.new_cache(self.r.random() < 0.3))

    def open(self, cache):
        self.connections.append(Connection(self, cache))

    def log(self):
        return log_path(self.folder, self.name)
