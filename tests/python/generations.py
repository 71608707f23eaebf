"""Logs of every kind, written by hand with stock SQLite: several generations, with
holes and horizons, in one file or several, and copies that another device keeps."""

import os
import sqlite3

import oracle
from oracle import DELETE, RETIRE, SEEN, SET, Row, first_sum, row_sum
from support import NOW, log_path


def write_file(path, name, log_id, base, rows, former=None, horizon=0):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = os.path.join(os.path.dirname(path), ".part")
    if os.path.exists(part):
        os.remove(part)
    con = sqlite3.connect(part, isolation_level=None)
    for s in ("page_size = 1024", "journal_mode = off", "synchronous = off",
              "application_id = %d" % oracle.APPLICATION_ID, "user_version = 2"):
        con.execute("PRAGMA " + s)
    con.execute("BEGIN")
    for s in oracle.SCHEMA.values():
        con.execute(s)
    con.execute("INSERT INTO device VALUES(?, ?, '', ?, ?, ?, ?, ?, ?, ?, 'xxh3-64')",
                (name, log_id, NOW, *base, *(former or (None, None, None)), horizon))
    con.executemany("INSERT INTO log VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", [r[1:] for r in rows])
    con.execute("COMMIT")
    con.close()
    os.rename(part, path)


def generation(log_id):
    return int.from_bytes(log_id[8:], "big")


class Log:
    """The log of a device, and the rows that its compactions dropped."""

    def __init__(self, name, lineage=None, first=1):
        self.name, self.rows, self.dropped = name, [], []
        self.id = (lineage or name.encode().ljust(8, b"."))[:8] + first.to_bytes(8, "big")
        self.last, self.former, self.horizon = 0, None, 0

    @classmethod
    def read(cls, folder, name):
        """The log as it is in the folder."""
        log, there = cls(name), oracle.read_log(log_path(folder, name), oracle.CLONES)
        log.id, log.rows, log.former, log.horizon = (there.id, there.rows, there.former,
                                                     there.horizon)
        log.last = max([r.seq for r in log.rows[-1:]] + [log.former[1] if log.former else 0])
        return log

    def copy(self):
        new = Log(self.name)
        new.__dict__.update(self.__dict__, rows=list(self.rows), dropped=list(self.dropped))
        return new

    @property
    def start(self):
        return first_sum(self.name, self.id, self.former, self.horizon)

    @property
    def end(self):
        return self.last, self.rows[-1].sum if self.rows else self.start

    def add(self, *changes):
        """One transaction of (ts, parent_ts, op, bucket, key, value)."""
        txn = self.last + len(changes)
        for c in changes:
            self.last += 1
            row = Row(self.name, self.last, txn, *c, 0)
            self.rows.append(row._replace(sum=row_sum(self.end[1], row)))
        return self

    def set(self, ts, *pairs, parent=None):
        return self.add(*[(ts, parent, SET, "", k, v) for k, v in pairs])

    def delete(self, ts, *keys, parent=None):
        return self.add(*[(ts, parent, DELETE, "", k, None) for k in keys])

    def seen(self, ts, *logs):
        return self.add(*[(ts, g.end[1], SEEN, g.name, g.id, g.last) for g in logs])

    def retire(self, ts, log):
        self.add((ts, log.end[1], SEEN, log.name, log.id, log.last),
                 (ts, log.end[1], RETIRE, log.name, log.id, log.last))
        return self

    def compact(self, drop=None, horizon=None, step=1):
        """A next generation without some rows: those that a later row of this log hides,
        or those for which drop(row) is true."""
        horizon = NOW * 2 if horizon is None else horizon
        best = {}
        for r in self.rows:
            if r.op < SEEN and r.ts <= horizon and (r.bucket, r.key) in best:
                best[r.bucket, r.key] = max(best[r.bucket, r.key], r, key=oracle.order)
            elif r.op < SEEN and r.ts <= horizon:
                best[r.bucket, r.key] = r
        if drop is None:
            def drop(r):
                s = best.get((r.bucket, r.key))
                return r.op < SEEN and s and oracle.order(r) < oracle.order(s)
        kept = [r for r in self.rows if not drop(r)]
        self.dropped += [r for r in self.rows if drop(r)]
        self.former = (self.id, *self.end)
        self.id = self.id[:8] + (generation(self.id) + step).to_bytes(8, "big")
        self.horizon = max(self.horizon, horizon)
        self.rows = []
        ends = {}
        for r in kept:
            ends[r.txn] = r.seq
        sum_ = self.start
        for r in kept:
            r = r._replace(txn=ends[r.txn])
            sum_ = row_sum(sum_, r)
            self.rows.append(r._replace(sum=sum_))
        return self

    def write(self, folder, *sealed, path=None):
        """Write it; its rows up to the numbers in `sealed` into sealed files."""
        path = path or log_path(folder, self.name)
        base = (0, self.start)
        for last in sealed:
            rows = [r for r in self.rows if base[0] < r.seq <= last]
            write_file(os.path.join(os.path.dirname(path), oracle.segment_name(self.id, last)),
                       self.name, self.id, base, rows, self.former, self.horizon)
            base = (last, rows[-1].sum if rows else base[1])
        write_file(path, self.name, self.id, base, [r for r in self.rows if r.seq > base[0]],
                   self.former, self.horizon)
        return path

    def write_copy(self, folder, keeper):
        return self.write(folder, path=os.path.join(folder, "devices", keeper, "of",
                                                    self.name + ".db"))
