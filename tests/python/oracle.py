"""An independent reading of a store's folder, without the extension.

Reads each device's log with stock SQLite, checks all that the format says,
and folds the rows of all devices to what kv and kv_log must show. Nothing
here is shared with the extension: neither code, nor SQL, nor the hash.
"""

import collections
import os
import sqlite3
import struct

from xxh3 import xxh3_64

APPLICATION_ID = 0x4B564C47  # 'KVLG'
SCHEMA = {
    "device": """CREATE TABLE device(
  name TEXT,
  id BLOB,
  host TEXT,
  created INTEGER,
  base_seq INTEGER,
  base_sum INTEGER,
  algo TEXT
)""",
    "log": """CREATE TABLE log(
  seq INTEGER PRIMARY KEY,
  txn INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  parent_ts INTEGER,
  op INTEGER NOT NULL,
  bucket TEXT NOT NULL,
  key NOT NULL,
  value,
  sum INTEGER NOT NULL
)""",
}
DELETE, SET, SEEN = 0, 1, 2
TS_MAX = 1 << 53
CLONES = 9  # writers of a log: clones of a device, whose logs may be put together
COLUMNS = "seq, txn, ts, parent_ts, op, bucket, key, value, sum"

Row = collections.namedtuple("Row", "device " + COLUMNS.replace(",", ""))
Log = collections.namedtuple("Log", "name id host created algo rows")


class BadLog(Exception):
    """A log that is not what the format says."""


def need(condition, *why):
    if not condition:
        raise BadLog(" ".join(map(str, why)))


def text(b):
    """Text as SQLite stores it, invalid UTF-8 included."""
    return b.decode("utf-8", "surrogateescape")


def raw(s):
    return s.encode("utf-8", "surrogateescape")


def i64(u):
    return u - (1 << 64) if u >> 63 else u


def encode(v):
    """V() of the format: a tag, then the value."""
    if v is None:
        return b"\0"
    if isinstance(v, int):
        return b"\1" + struct.pack("<q", v)
    if isinstance(v, float):
        return b"\2" + struct.pack("<d", v)
    if isinstance(v, str):
        v, kind = raw(v), b"\3"
    else:
        kind = b"\4"
    return kind + struct.pack("<Q", len(v)) + v


def base_sum(name, log_id):
    name = name.encode()
    return i64(xxh3_64(b"KVLG1" + struct.pack("<I", len(name)) + name + log_id))


def row_sum(previous, r):
    return i64(
        xxh3_64(
            struct.pack("<qqqq", previous, r.seq, r.txn, r.ts)
            + encode(r.parent_ts)
            + bytes([r.op])
            + encode(r.bucket)
            + encode(r.key)
            + encode(r.value)
        )
    )


def tag(v):
    """A value with its type, so that 1, 1.0 and -0.0, 0.0 differ."""
    return (type(v).__name__, encode(v)) if isinstance(v, float) else (
        type(v).__name__, v)


def read_log(path, writers=1):
    """The log at path, every rule of the format checked; BadLog if one fails.

    One of several writers may acknowledge again what another one just did.
    """
    con = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    con.text_factory = text
    try:
        return _read(con, os.path.basename(os.path.dirname(path)), writers)
    except sqlite3.Error as e:
        raise BadLog("%s: %s" % (path, e))
    finally:
        con.close()


def _read(con, directory, writers):
    def one(sql):
        return con.execute(sql).fetchone()[0]

    need(one("PRAGMA application_id") == APPLICATION_ID, "application_id")
    need(one("PRAGMA user_version") == 1, "user_version")
    need(one("PRAGMA encoding") == "UTF-8", "encoding")
    need(one("PRAGMA auto_vacuum") == 0, "auto_vacuum")
    need(one("PRAGMA journal_mode") == "delete", "journal_mode")
    need(one("PRAGMA integrity_check") == "ok", "integrity_check")
    schema = con.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    need(sorted(schema) == [("table", n, n, SCHEMA[n]) for n in sorted(SCHEMA)], "schema is", schema)

    devices = con.execute(
        "SELECT name, id, host, created, base_seq, base_sum, algo FROM device"
    ).fetchall()
    need(len(devices) == 1, "device has", len(devices), "rows")
    name, log_id, host, created, base, sum_, algo = devices[0]
    need(name == directory, "device", name, "in directory", directory)
    need(isinstance(log_id, bytes) and len(log_id) == 16, "id", log_id)
    need(isinstance(host, str) and isinstance(created, int), "host, created")
    need(algo == "xxh3-64", "algo", algo)
    need(base == 0 and sum_ == base_sum(name, log_id), "base", base, sum_)

    rows = [Row(name, *r) for r in con.execute("SELECT %s FROM log ORDER BY seq" % COLUMNS)]
    check_rows(rows, sum_, writers)
    return Log(name, log_id, host, created, algo, rows)


def check_rows(rows, sum_, writers):
    last = {}  # the last op 2 of each peer
    for n, r in enumerate(rows):
        where = "row %d:" % r.seq
        need(r.seq == n + 1, where, "follows a hole")
        first = n == 0 or rows[n - 1].txn == rows[n - 1].seq
        need(first or r.txn == rows[n - 1].txn, where, "txn changes inside")
        need(r.seq <= r.txn <= len(rows), where, "txn", r.txn)
        need(0 <= r.ts <= TS_MAX, where, "ts", r.ts)
        need(r.parent_ts is None or isinstance(r.parent_ts, int), where, "parent_ts")
        need(r.op in (DELETE, SET, SEEN), where, "op", r.op)
        need(r.key is not None and isinstance(r.bucket, str), where, "bucket, key")
        need(r.op != DELETE or r.value is None, where, "delete with a value")
        sum_ = row_sum(sum_, r)
        need(r.sum == sum_, where, "its sum does not match")
        if first:
            start, keys = n, {}
        if r.op == SEEN:
            need(all(p.op == SEEN for p in rows[start:n]), where, "op 2 is not first")
            need(isinstance(r.key, bytes) and len(r.key) == 16, where, "peer's id")
            need(isinstance(r.value, int) and r.value >= 0, where, "peer's seq")
            entry = (r.key, r.value, r.parent_ts)
            need(last.get(r.bucket) != entry or writers > 1, where, "op 2 says nothing new")
            last[r.bucket] = entry
            continue
        # A key is set twice only when kv_sync() brought a later row between.
        need(keys.get((r.bucket, r.key), -1) < r.ts, where, "key twice in a transaction")
        keys[r.bucket, r.key] = r.ts
        need(r.parent_ts is None or r.ts > r.parent_ts, where, "not after its parent")
    check_times(rows)


def check_times(rows):
    """One ts a transaction; winner + 1 for what a clock ahead had written."""
    for txn in transactions(rows):
        base = min(r.ts for r in txn)
        for r in txn:
            ahead = r.op != SEEN and r.parent_ts == r.ts - 1
            need(r.ts == base or ahead, "row", r.seq, "has a ts of its own")


def transactions(rows):
    """The rows of a log as a list of lists."""
    out, at = [], None
    for r in rows:
        if r.txn != at:
            out.append([])
        out[-1].append(r)
        at = r.txn
    return out


def read_folder(folder, writers=1):
    """Every device's log in a store's folder, by name."""
    devices = os.path.join(folder, "devices")
    names = sorted(os.listdir(devices)) if os.path.isdir(devices) else []
    paths = {n: os.path.join(devices, n, "log.db") for n in names}
    return {n: read_log(p, writers) for n, p in paths.items() if os.path.exists(p)}


def order(r):
    return (r.ts, r.device.encode(), r.seq)


def fold(rows, as_of=None):
    """What kv shows: a dict of tagged key to tagged value."""
    win = {}
    for r in rows:
        if r.op == SEEN or r.bucket != "" or (as_of is not None and r.ts > as_of):
            continue
        if r.key not in win or order(win[r.key]) < order(r):
            win[r.key] = r
    return {tag(r.key): tag(r.value) for r in win.values() if r.op == SET}


def history(rows):
    """What kv_log shows, as a sorted list of tagged tuples."""
    names = {DELETE: "delete", SET: "set"}
    return sorted(
        (r.device, r.seq, r.txn, r.ts, -1 if r.parent_ts is None else r.parent_ts, r.bucket, names[r.op],
         tag(r.key), tag(r.value))
        for r in rows if r.op != SEEN
    )


def check_parents(logs, only=None):
    """Each parent_ts is the ts of the winner that its writer had merged.

    Exact when a device has one connection and merges outside transactions:
    what it knew is then its own earlier transactions and what its op 2 rows
    say of the others.
    """
    for log in (logs[n] for n in logs if only is None or n in only):
        seen, winner, done = {}, {}, []
        for txn in transactions(log.rows):
            for r in txn:
                if r.op == SEEN:
                    peer = logs[r.bucket]
                    need(r.key == peer.id, "op 2 names another log of", r.bucket)
                    at = peer.rows[r.value - 1] if r.value else None
                    sum_ = at.sum if at else base_sum(peer.name, peer.id)
                    need(sum_ == r.parent_ts, "op 2 has another sum")
                    need(not at or at.seq == at.txn, "op 2 within a transaction")
                    first, seen[r.bucket] = seen.get(r.bucket, 0), r.value
                    if r.value < first:  # an older copy, after a new beginning
                        winner = {}
                        for p in done + [p for n in seen for p in logs[n].rows[:seen[n]]]:
                            _note(winner, p)
                    for p in peer.rows[first:r.value]:
                        _note(winner, p)
            for r in txn:
                if r.op != SEEN:
                    known = winner.get((r.bucket, r.key))
                    expected = known.ts if known else None
                    need(r.parent_ts == expected, log.name, "row", r.seq,
                         "parent_ts", r.parent_ts, "not", expected)
            for r in txn:
                _note(winner, r)
            done += txn


def _note(winner, r):
    if r.op != SEEN:
        k = (r.bucket, r.key)
        if k not in winner or order(winner[k]) < order(r):
            winner[k] = r
