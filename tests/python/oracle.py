"""An independent reading of a store's folder, without the extension.

Reads each device's log with stock SQLite, checks every rule of the format, and
folds the rows of all devices to what kv and kv_log must show. Nothing here is
shared with the extension: neither code, nor SQL, nor the hash.
"""

import collections
import os
import re
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
  former_id BLOB,
  former_seq INTEGER,
  former_sum INTEGER,
  horizon INTEGER,
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
DELETE, SET, SEEN, RETIRE = 0, 1, 2, 3
TS_MAX = 1 << 53
DAY = 86400 * 1000 * 1000
SEGMENT = re.compile(r"log-[0-9a-f]{32}-[0-9]{19}\.db$")
CLONES = 9  # writers of a log: clones of a device, whose logs may have been joined
COLUMNS = "seq, txn, ts, parent_ts, op, bucket, key, value, sum"

Row = collections.namedtuple("Row", "device " + COLUMNS.replace(",", ""))
Log = collections.namedtuple("Log", "name id host created algo rows former horizon")


class BadLog(Exception):
    """A log that breaks a rule of the format."""


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


def first_sum(name, log_id, former, horizon):
    """That of a log which took the place of another one; former: its id, seq and sum."""
    if former is None and not horizon:
        return base_sum(name, log_id)
    device = name.encode()
    data = b"KVLG1" + struct.pack("<I", len(device)) + device + log_id
    data += b"".join(encode(v) for v in former or (None, None, None))
    return i64(xxh3_64(data + struct.pack("<q", horizon)))


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
    last = _read_file(path)
    start = first_sum(last.name, last.id, last.former, last.horizon)
    holes = last.former[1] if last.former else 0
    rows, end = [], 0
    for part in sealed_files(path, last) + [last]:
        need(part[:5] == last[:5], "a file of another log")
        need(part.base == (end, rows[-1].sum if rows else start), "base", part.base)
        rows += part.rows
        end = max(rows[-1].seq if rows else 0, min(holes, part.end))
    check_rows(rows, start, writers, holes)
    return Log(last.name, last.id, last.host, last.created, last.algo, rows, last.former,
               last.horizon)


def segment_name(log_id, last):
    return "log-%s-%019d.db" % (log_id.hex(), last)


def sealed_files(path, log):
    """The files that the log at path begins with, each named by where the next begins."""
    out, base = [], log.base[0]
    while base:
        name = os.path.join(os.path.dirname(path), segment_name(log.id, base))
        need(os.path.exists(name), name, "is missing")
        out.append(_read_file(name)._replace(end=base))
        holes = log.former[1] if log.former else 0
        if base > holes:
            need(out[-1].rows[-1].seq == base, name, "has another last row")
        need(out[-1].base[0] < base, name, "has no rows")
        base = out[-1].base[0]
    return out[::-1]


File = collections.namedtuple("File", "name id algo former horizon host created base rows end")


def _read_file(path):
    con = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    con.text_factory = text
    try:
        return _read(con, os.path.basename(os.path.dirname(path)))
    except sqlite3.Error as e:
        raise BadLog("%s: %s" % (path, e))
    finally:
        con.close()


def _read(con, directory):
    def one(sql):
        return con.execute(sql).fetchone()[0]

    need(one("PRAGMA application_id") == APPLICATION_ID, "application_id")
    need(one("PRAGMA user_version") == 2, "user_version")
    need(one("PRAGMA encoding") == "UTF-8", "encoding")
    need(one("PRAGMA auto_vacuum") == 0, "auto_vacuum")
    need(one("PRAGMA journal_mode") == "delete", "journal_mode")
    need(one("PRAGMA integrity_check") == "ok", "integrity_check")
    schema = con.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    need(sorted(schema) == [("table", n, n, SCHEMA[n]) for n in sorted(SCHEMA)], "schema is", schema)

    devices = con.execute(
        "SELECT name, id, host, created, base_seq, base_sum, algo, former_id, former_seq,"
        " former_sum, horizon FROM device"
    ).fetchall()
    need(len(devices) == 1, "device has", len(devices), "rows")
    name, log_id, host, created, base, sum_, algo, *origin = devices[0]
    need(name == directory, "device", name, "in directory", directory)
    need(isinstance(log_id, bytes) and len(log_id) == 16, "id", log_id)
    need(isinstance(host, str) and isinstance(created, int), "host, created")
    need(algo == "xxh3-64", "algo", algo)
    former, horizon = tuple(origin[:3]), origin[3]
    need(former == (None, None, None) or list(map(type, former)) == [bytes, int, int], "former")
    need(isinstance(horizon, int) and horizon >= 0, "horizon", horizon)
    if former[0] is None:
        former = None
    elif former[0][:8] == log_id[:8]:
        need(former[0] < log_id, "a generation before", former[0])
    need(isinstance(base, int) and isinstance(sum_, int), "base", base, sum_)

    rows = [Row(name, *r) for r in con.execute("SELECT %s FROM log ORDER BY seq" % COLUMNS)]
    return File(name, log_id, algo, former, horizon, host, created, (base, sum_), rows, TS_MAX)


def check_rows(rows, sum_, writers, holes=0):
    last = {}  # the last op 2 of each peer
    for n, r in enumerate(rows):
        where = "row %d:" % r.seq
        before = rows[n - 1].seq if n else 0
        need(before < r.seq <= max(before, holes) + 1 and (
            r.seq <= holes or r.seq == max(before, holes) + 1), where, "follows a hole")
        first = n == 0 or rows[n - 1].txn == rows[n - 1].seq
        need(first or r.txn == rows[n - 1].txn, where, "txn changes inside")
        need(r.seq <= r.txn <= rows[-1].seq, where, "txn", r.txn)
        need(r.txn <= holes or r.seq > holes, where, "txn over the end of a compaction")
        need(0 <= r.ts <= TS_MAX, where, "ts", r.ts)
        need(r.parent_ts is None or isinstance(r.parent_ts, int), where, "parent_ts")
        need(r.op in (DELETE, SET, SEEN, RETIRE), where, "op", r.op)
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
            # The same again a day later: a row of a clock ahead is not ahead any more.
            same, when = last.get(r.bucket, (None, 0))
            need(same != entry or r.ts > when + DAY or writers > 1, where,
                 "op 2 says nothing new")
            last[r.bucket] = entry, r.ts
            continue
        # A key is set twice only if kv_sync() merged a later row in between.
        need(keys.get((r.bucket, r.key), -1) < r.ts, where, "key twice in a transaction")
        keys[r.bucket, r.key] = r.ts
        need(r.parent_ts is None or r.ts > r.parent_ts, where, "not after its parent")
    check_times(rows)


def check_times(rows):
    """One ts for each transaction, or winner + 1 over a value from a clock
    that was ahead."""
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
        if r.op >= SEEN or r.bucket != "" or (as_of is not None and r.ts > as_of):
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
        for r in rows if r.op < SEEN
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
                    if r.value < first:  # an older copy, after the log started over
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
