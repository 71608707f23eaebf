"""Stores as PARStore 1 leaves them, and what a reader must find in them.

    python3 tests/python/parstore.py OUT

writes nine stores and OUT/expected.json, with nothing but Python.

What is copied from PARStore's source: the layout of the package, the Core Data
model (entity Log: blob, key, timestamp, parentTimestamp), the clock
(microseconds since 2001-01-01 UTC), values as binary property lists, an empty
blob for a deletion, journal_mode TRUNCATE with an empty -journal left behind.
What is copied from Core Data files: the texts of tables and columns, page
size, auto_vacuum, Z_METADATA. Not copied: the 32 bytes of the model's version
hash, which only Core Data can compute; a reader must not look at them.
"""
import hashlib
import json
import math
import os
import plistlib
import shutil
import sqlite3
import struct
import sys
from datetime import datetime, timedelta

T0 = 434_900_000_000_000  # 2014-10-13 13:33:20 UTC, in microseconds since 2001
DDL_V1 = ["CREATE TABLE ZLOG ( Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, "
          "Z_OPT INTEGER, ZPARENTTIMESTAMP INTEGER, ZTIMESTAMP INTEGER, "
          "ZKEY VARCHAR, ZBLOB BLOB )",
          "CREATE INDEX ZLOG_ZPARENTTIMESTAMP_INDEX ON ZLOG (ZPARENTTIMESTAMP)",
          "CREATE INDEX ZLOG_ZTIMESTAMP_INDEX ON ZLOG (ZTIMESTAMP)",
          "CREATE INDEX ZLOG_ZKEY_INDEX ON ZLOG (ZKEY)"]
DDL_V0 = ["CREATE TABLE ZLOG ( Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, "
          "Z_OPT INTEGER, ZTIMESTAMP TIMESTAMP, ZKEY VARCHAR, ZBLOB BLOB )",
          "CREATE INDEX ZLOG_ZTIMESTAMP_INDEX ON ZLOG (ZTIMESTAMP)",
          "CREATE INDEX ZLOG_ZKEY_INDEX ON ZLOG (ZKEY)"]
DDL_ZZ = ["CREATE TABLE Z_PRIMARYKEY (Z_ENT INTEGER PRIMARY KEY, Z_NAME VARCHAR, "
          "Z_SUPER INTEGER, Z_MAX INTEGER)",
          "CREATE TABLE Z_METADATA (Z_VERSION INTEGER PRIMARY KEY, "
          "Z_UUID VARCHAR(255), Z_PLIST BLOB)",
          "CREATE TABLE Z_MODELCACHE (Z_CONTENT BLOB)"]


def write(path, content=b""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content)


def bplist(v, sort=True):
    return plistlib.dumps(v, fmt=plistlib.FMT_BINARY, sort_keys=sort)


def raw_bplist(objects, refs=1):
    """A bplist from encoded objects; the first one is the top."""
    out, offs = b"bplist00", []
    for o in objects:
        offs.append(len(out)); out += o
    size = 1 if len(out) < 256 else 2 if len(out) < 65536 else 4
    table = b"".join(o.to_bytes(size, "big") for o in offs)
    return out + table + struct.pack(">5xBBBQQQ", 0, size, refs, len(offs), 0, len(out))


def uuid_of(name):
    h = hashlib.sha256(name.encode()).hexdigest().upper()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-A{h[17:20]}-{h[20:32]}"


def metadata(entity_hash=None, modern=True):
    h = entity_hash or hashlib.sha256(b"not the hash that Core Data computes").digest()
    d = {"NSPersistenceFrameworkVersion": 526, "NSStoreModelVersionHashes": {"Log": h},
         "NSStoreModelVersionHashesVersion": 3, "NSStoreModelVersionIdentifiers": [""],
         "NSStoreType": "SQLite", "_NSAutoVacuumLevel": "2"}
    return bplist(d)


class Log:
    """One Logs.db.  Rows are (ts, parent, key, blob) in order of Z_PK."""
    def __init__(self, path, uuid, ddl=DDL_V1, journal="TRUNCATE", extra=(), entity_hash=None):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.path, self.v0 = path, ddl is DDL_V0
        self.db = sqlite3.connect(path, isolation_level=None)
        for p in ("page_size=4096", "auto_vacuum=2", "encoding='UTF-8'"):
            self.db.execute("PRAGMA " + p)
        self.db.execute("PRAGMA journal_mode=" + journal)
        self.db.execute("BEGIN")
        for s in list(ddl) + DDL_ZZ + list(extra):
            self.db.execute(s)
        self.db.execute("INSERT INTO Z_METADATA VALUES(1,?,?)", (uuid, metadata(entity_hash)))
        self.db.execute("INSERT INTO Z_PRIMARYKEY VALUES(1,'Log',0,0)")
        self.db.execute("COMMIT")

    def add(self, *rows):
        """One save of Core Data: one transaction."""
        self.db.execute("BEGIN")
        for ts, parent, key, blob in rows:
            pk = self.db.execute("UPDATE Z_PRIMARYKEY SET Z_MAX=Z_MAX+1 RETURNING Z_MAX").fetchone()[0]
            if self.v0:
                self.db.execute("INSERT INTO ZLOG(Z_PK,Z_ENT,Z_OPT,ZTIMESTAMP,ZKEY,ZBLOB) "
                                "VALUES(?,1,1,?,?,?)", (pk, ts, key, blob))
            else:
                self.db.execute("INSERT INTO ZLOG(Z_PK,Z_ENT,Z_OPT,ZPARENTTIMESTAMP,ZTIMESTAMP,"
                                "ZKEY,ZBLOB) VALUES(?,1,1,?,?,?,?)", (pk, parent, ts, key, blob))
        self.db.execute("COMMIT")

    def close(self, keep_journal=True):
        self.db.close()
        j = self.path + "-journal"
        if keep_journal and not os.path.exists(j):
            write(j)  # TRUNCATE leaves an empty one


# ---- what a reader must say -------------------------------------------------
class Raw(Exception):
    """SQL has no such value: the bytes, unchanged."""


def day(d):
    """NSDate -> text."""
    if not 0 <= d.year <= 9999: raise Raw
    us = d.microsecond
    return "%04d-%02d-%02d %02d:%02d:%02d." % d.timetuple()[:6] + (
        "%03d" % (us // 1000) if us % 1000 == 0 else "%06d" % us)


def to_json(v):
    if isinstance(v, bool): return "true" if v else "false"
    if isinstance(v, int): return str(v)
    if isinstance(v, float):
        if math.isnan(v): raise Raw
        return "9e999" if v == math.inf else "-9e999" if v == -math.inf else c17(v)
    if isinstance(v, str): return js(v)
    if isinstance(v, (bytes, bytearray)): return '{"blob":"%s"}' % bytes(v).hex().upper()
    if isinstance(v, datetime): return js(day(v))
    if isinstance(v, list): return "[" + ",".join(map(to_json, v)) + "]"
    if isinstance(v, dict):
        return "{" + ",".join(js(k) + ":" + to_json(v[k]) for k in
                              sorted(v, key=lambda k: k.encode())) + "}"
    raise Raw


def c17(x):                     # the shortest of %.15g, %.16g, %.17g that reads back the same
    for p in (15, 16, 17):
        s = "%.*g" % (p, x)
        if float(s) == x: break
    return s if any(c in s for c in ".einf") else s + ".0"


def js(s):
    out = '"'
    for c in s:
        o = ord(c)
        out += ("\\" + c if c in '"\\' else {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}.get(o)
                or ("\\u%04x" % o if o < 32 else c))
    return out + '"'


def sql(v, blob):
    """-> (type, how SQL shows it): quote() text, so that JSON can hold it."""
    try:
        if isinstance(v, bool): return "boolean", "1" if v else "0"
        if isinstance(v, int):
            if -2**63 <= v < 2**63: return "integer", str(v)
            raise Raw
        if isinstance(v, float):
            if math.isnan(v): raise Raw
            return "real", {"real": struct.pack(">d", v).hex()}
        if isinstance(v, str): return "string", {"text": v.encode().hex()}
        if isinstance(v, (bytes, bytearray)): return "data", {"blob": bytes(v).hex()}
        if isinstance(v, datetime): return "date", {"text": day(v).encode().hex()}
        if isinstance(v, list): return "array", {"text": to_json(v).encode().hex()}
        if isinstance(v, dict): return "dictionary", {"text": to_json(v).encode().hex()}
        raise Raw
    except Raw:
        return "plist", {"blob": blob.hex()}


def row(device, pk, ts, parent, key, blob, v="?", type_=None):
    r = {"device": device, "pk": pk, "ts2001": ts, "parent2001": parent, "key": key}
    if not blob:
        r.update(op="delete", type=None, value=None)
    else:
        t, val = (type_, {"blob": blob.hex()}) if type_ else sql(v, blob)
        r.update(op="set", type=t, value=val)
    return r


def current(rows):
    """What PARStore loads, with ties decided by (timestamp, device, Z_PK)."""
    best = {}
    for r in rows:
        if r["key"] is None or r["ts2001"] is None or r["type"] == "unreadable": continue
        o = (r["ts2001"], r["device"].encode(), r["pk"])
        if r["key"] not in best or o > best[r["key"]][0]: best[r["key"]] = (o, r)
    return {k: [r["type"], r["value"]] for k, (_, r) in sorted(best.items()) if r["op"] == "set"}


def guide(root):
    """The store of the guide page."""
    one = Log(f"{root}/Devices/68753A44-4D6F-1226-9C60-0050E4C00067/Logs.db", uuid_of("1"))
    two = Log(f"{root}/Devices/iPad/Logs.db", uuid_of("2"))
    one.add((T0, None, "title", bplist("Notes of Monday")),
            (T0, None, "tags", bplist({"color": "green", "at": [1, 2.5, True]})),
            (T0, None, "draft", bplist("Hello")))
    two.add((T0 + 90_000_000, T0, "title", bplist("Notes of Tuesday")))
    two.add((T0 + 95_000_000, T0, "draft", b""))
    one.close(), two.close()
    write(f"{root}/Devices/iPhone/Logs.db")
    write(f"{root}/Blobs/photo.png", b"\x89PNG")
    write(f"{root}/Blobs/scans/page 1.txt", b"text")
    write(f"{root}/Blobs/.hidden", b"x")


def main(out):
    shutil.rmtree(out, ignore_errors=True); os.makedirs(out)
    exp = {}

    def P(store, dev, lower=False):
        return (f"{out}/{store}/devices/{dev}/logs.db" if lower
                else f"{out}/{store}/Devices/{dev}/Logs.db")

    # 1 Basic: two devices, as PARStoreTests does it (setters, nil, dictionary setter)
    rows = []
    def put(log, dev, *rr):
        for (ts, parent, key, v) in rr:
            blob = b"" if v is None else bplist(v)
            rows.append(row(dev, len([1 for r in rows if r["device"] == dev]) + 1, ts, parent, key, blob, v))
        log.add(*[(ts, p, k, b"" if v is None else bplist(v)) for ts, p, k, v in rr])
    l1 = Log(P("Basic.parstore", "1"), uuid_of("b1")); l2 = Log(P("Basic.parstore", "2"), uuid_of("b2"))
    put(l1, "1", (T0, None, "title", "Some title"), (T0 + 1500, None, "first", "Albert"))
    put(l2, "2", (T0 + 2_000_000, T0, "title", "The Title"))
    put(l1, "1", (T0 + 3_000_000, T0 + 1500, "first", None))                       # nil setter
    put(l1, "1", (T0 + 4_000_000, None, "last", "Einstein"), (T0 + 4_000_000, None, "summary", "Awesome"))
    put(l2, "2", (T0 + 5_000_000, T0 + 4_000_000, "last", "Einstein é 日本 😀"))
    l1.close(); l2.close()
    exp["Basic.parstore"] = {"rows": rows, "current": current(rows), "devices": {"1": "ok", "2": "ok"}}

    # 2 Types: every kind of property list value
    D = datetime(2001, 1, 1)
    deep = "x"
    for _ in range(100): deep = [deep]
    vals = {"s.ascii": "Hello", "s.empty": "", "s.quote": "it's \"quoted\" \\ / \n\t\x01", "s.nul": "a\0b",
            "s.utf16": "é", "s.emoji": "😀 family 👨‍👩‍👧", "s.long": "abc " * 100, "s.long16": "ü" * 300,
            "i.0": 0, "i.1": 1, "i.255": 255, "i.256": 256, "i.65536": 65536, "i.-1": -1, "i.2p31": 2**31,
            "i.2p53+1": 2**53 + 1, "i.min": -2**63, "i.max": 2**63 - 1, "i.2p63": 2**63, "i.umax": 2**64 - 1,
            "r.0": 0.0, "r.-0": -0.0, "r.pi": math.pi, "r.big": 1e300, "r.tiny": 5e-324, "r.inf": math.inf,
            "r.-inf": -math.inf, "r.nan": math.nan, "b.true": True, "b.false": False,
            "d.2001": D, "d.1969": datetime(1969, 12, 31, 23, 59, 59), "d.frac": D + timedelta(seconds=500000000.125),
            "d.year1": datetime(1, 1, 1), "d.9999": datetime(9999, 12, 31, 23, 59, 59),
            "x.empty": b"", "x.3": b"\x00\xff\x10", "x.15": bytes(range(15)), "x.70k": bytes(i * 7 & 255 for i in range(70000)),
            "x.bplist": bplist({"inside": 1}),
            "a.empty": [], "a.flat": [1, "two", 3.5, True, b"\x04", D], "a.deep100": deep, "a.20": list(range(20)),
            "h.empty": {}, "h.flat": {"b": 1, "a": "x", "é": False}, "h.nested": {"list": [{"k": [1, [2, {}]]}], "when": D, "raw": b"\x00\x01"},
            "h.20": {"k%02d" % i: i for i in range(20)}, "a.big": [2**63, 2**53 + 1, -1], "a.inf": [math.inf, 1e16, 1e-7, 0.1],
            "a.nan": [math.nan], "u.uid": plistlib.UID(7)}
    rows, recs = [], []
    for i, (k, v) in enumerate(vals.items()):
        b = bplist(v); recs.append((T0 + i, None, k, b)); rows.append(row("types", i + 1, T0 + i, None, k, b, v))
    # encodings that Core Foundation writes or reads but plistlib does not write
    f32 = raw_bplist([b"\x22" + struct.pack(">f", 1.5)])
    odd = [("r.float32", f32, 1.5), ("i.1byte-255", raw_bplist([b"\x10\xff"]), 255),
           ("i.8byte-neg", raw_bplist([b"\x13" + struct.pack(">q", -2)]), -2),
           ("i.16byte", raw_bplist([b"\x14" + (5).to_bytes(16, "big")]), 5),
           ("d.frac6", raw_bplist([b"\x33" + struct.pack(">d", 0.000001)]), D + timedelta(microseconds=1)),
           ("a.shared", raw_bplist([b"\xa2\x01\x01", b"\x51x"]), ["x", "x"]),
           ("a.ref2", raw_bplist([b"\xa1\x00\x01", b"\x51x"], refs=2), ["x"]),
           ("h.dup", raw_bplist([b"\xd2\x01\x01\x02\x03", b"\x51k", b"\x51a", b"\x51b"]), {"k": "b"})]
    n = len(recs)
    for i, (k, b, v) in enumerate(odd):
        recs.append((T0 + n + i, None, k, b)); rows.append(row("types", n + i + 1, T0 + n + i, None, k, b, v))
    n = len(recs)
    bad = [("bad.text", b"hello"), ("bad.short", b"bplist00"), ("bad.trailer", b"bplist00" + b"\xff" * 32),
           ("bad.cycle", raw_bplist([b"\xa1\x00"])), ("bad.ref", raw_bplist([b"\xa1\x09"])),
           ("bad.null", raw_bplist([b"\x00"])), ("bad.set", raw_bplist([b"\xc1\x01", b"\x51x"])),
           ("bad.len", raw_bplist([b"\x5f\x13\x7f\xff\xff\xff\xff\xff\xff\xff"])),
           ("bad.key", raw_bplist([b"\xd1\x01\x01", b"\x10\x01"])),
           ("bad.bomb", raw_bplist([b"\xaf\x10\x20" + bytes([i + 1]) * 32 for i in range(12)] + [b"\x51x"])),
           ("xml", plistlib.dumps({"a": 1})), ("s.surrogate", raw_bplist([b"\x61\xd8\x00"]))]
    for i, (k, b) in enumerate(bad):
        t = "plist" if k == "s.surrogate" else "unreadable"
        recs.append((T0 + n + i, None, k, b)); rows.append(row("types", n + i + 1, T0 + n + i, None, k, b, type_=t))
    l = Log(P("Types.parstore", "types"), uuid_of("t")); l.add(*recs); l.close()
    exp["Types.parstore"] = {"rows": rows, "current": current(rows), "devices": {"types": "ok"}}

    # 3 History: order, ties, deletions, unreadable rows, odd names, entries
    # that are not devices
    rows = []; pk = {}
    def put2(log, dev, *rr):
        for ts, parent, key, v in rr:
            pk[dev] = pk.get(dev, 0) + 1
            b = v if isinstance(v, bytes) or v is None else bplist(v)
            kw = {"type_": "unreadable"} if b == b"junk" else {}
            rows.append(row(dev, pk[dev], ts, parent, key, b, v, **kw))
        log.add(*[(ts, p, k, v if isinstance(v, bytes) or v is None else bplist(v)) for ts, p, k, v in rr])
    A = "68753A44-4D6F-1226-9C60-0050E4C00067"; B = "Charles’s iMac"; V = A + "|" + B
    la, lb, lv = (Log(P("History.parstore", d), uuid_of(d)) for d in (A, B, V))
    put2(la, A, (T0 + 10, None, "order", "newer, first in file"), (T0 + 5, None, "order", "older, later in file"))
    put2(la, A, (T0 + 20, None, "tie", "A"), (T0 + 30, None, "tie in one device", "first"), (T0 + 30, None, "tie in one device", "second"))
    put2(lb, B, (T0 + 20, None, "tie", "B"))
    put2(lb, B, (T0 + 40, None, "deleted", 1), (T0 + 41, T0 + 40, "deleted", b""))
    put2(la, A, (T0 + 40, None, "null blob deletes", 1), (T0 + 42, T0 + 40, "null blob deletes", None))
    put2(la, A, (T0 + 50, None, "revived", 1), (T0 + 51, T0 + 50, "revived", b""))
    put2(lb, B, (T0 + 52, T0 + 51, "revived", "yes"))
    put2(la, A, (T0 + 60, None, "unreadable", "still this"), (T0 + 61, T0 + 60, "unreadable", b"junk"))
    put2(lv, V, (T0 + 70, None, "virtual", "of mergeStore:"))
    put2(la, A, (-1, None, "before 2001", "x"), (-2**63, None, "distant past", "x"), (2**63 - 1, None, "distant future", "x"))
    put2(lb, B, (T0 + 80, None, "", "empty key"), (T0 + 81, None, "key with \0 nul", "x"), (T0 + 82, None, "ключ 😀", "x"))
    put2(lb, B, (T0 + 90, None, None, "no key"), (None, None, "no timestamp", "x"))
    la.close(); lb.close(); lv.close()
    le = Log(P("History.parstore", "empty"), uuid_of("e")); le.close()
    base = f"{out}/History.parstore"
    os.makedirs(base + "/Devices/nothing yet"); os.makedirs(base + "/Devices/.hidden")
    shutil.copy(P("History.parstore", "empty"), base + "/Devices/.hidden/Logs.db")
    write(base + "/Devices/.DS_Store", b"\0\0\0\1Bud1")
    write(base + "/Devices/a file", b"x")
    os.makedirs(base + "/Devices/dir as db/Logs.db")
    shutil.copy(P("History.parstore", "empty"), base + f"/Devices/{B}/Logs (conflicted copy).db")
    for p, c in (("Blobs/photo.png", b"\x89PNG"), ("Blobs/sub/dir/note.txt", b"hi"), ("Blobs/.hidden", b"x"), ("Blobs/empty", b"")):
        write(f"{base}/{p}", c)
    exp["History.parstore"] = {"rows": rows, "current": current(rows),
        "devices": {A: "ok", B: "ok", V: "ok", "empty": "ok", "nothing yet": "waiting", "dir as db": "stranger"},
        "not_devices": [".hidden", ".DS_Store", "a file"],
        "blobs": {"photo.png": 4, "sub/dir/note.txt": 2, "empty": 0}}

    # 4 Legacy names, before 2016-11-21 (and with PARSTORE_LEGACY)
    rows = []; pk.clear()
    l = Log(P("Legacy.parstore", "1", lower=True), uuid_of("l")); put2(l, "1", (T0, None, "title", "lower case")); l.close()
    exp["Legacy.parstore"] = {"rows": rows, "current": current(rows), "devices": {"1": "ok"}}

    # 5 V0: before 2013-03-25 the timestamp was a date, real seconds since 2001, and there was no parent
    l = Log(P("V0.parstore", "1", lower=True), uuid_of("v0"), ddl=DDL_V0)
    secs = 385_000_000.123456
    l.add((secs, None, "title", bplist("first version"))); l.close()
    rows = [row("1", 1, int(round(secs * 1e6)), None, "title", bplist("first version"), "first version")]
    exp["V0.parstore"] = {"rows": rows, "current": current(rows), "devices": {"1": "ok"}}

    # 6 Wal: as left by OS X 10.9 with PARStore before 2014-07-12; two rows are only in the -wal
    rows = []; pk.clear(); p = P("Wal.parstore", "1")
    l = Log(p, uuid_of("w"), journal="WAL"); put2(l, "1", (T0, None, "a", "in the file"))
    l.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    put2(l, "1", (T0 + 1, T0, "a", "in the wal"), (T0 + 2, None, "b", 2))
    for s in ("", "-wal", "-shm"): shutil.copy(p + s, p + s + ".keep")
    l.db.close()
    for s in ("", "-wal", "-shm"): os.replace(p + s + ".keep", p + s)
    p2 = P("Wal.parstore", "2")                     # WAL mode, all of it checkpointed, no -wal
    rows2 = len(rows); l = Log(p2, uuid_of("w2"), journal="WAL"); put2(l, "2", (T0 + 9, None, "c", "checkpointed")); l.close(keep_journal=False)
    exp["Wal.parstore"] = {"rows": rows, "current": current(rows), "devices": {"1": "ok", "2": "ok"},
                           "note": "a reader that ignores the -wal finds a='in the file' and no b: wrong"}

    # 7 Hot: a hot journal; the file holds pages of a transaction that did not commit
    rows = []; pk.clear(); p = P("Hot.parstore", "1")
    l = Log(p, uuid_of("h"), journal="DELETE")
    put2(l, "1", *[(T0 + i, None, "k%d" % i, "committed " + "x" * 900) for i in range(40)])
    l.db.execute("PRAGMA cache_size=1"); l.db.execute("PRAGMA cache_spill=1"); l.db.execute("BEGIN")
    l.db.execute("UPDATE ZLOG SET ZBLOB=?", (bplist("not committed" + "y" * 900),))
    for s in ("", "-journal"): shutil.copy(p + s, p + s + ".keep")
    l.db.execute("ROLLBACK"); l.db.close()
    for s in ("", "-journal"): os.replace(p + s + ".keep", p + s)
    exp["Hot.parstore"] = {"rows": rows, "current": current(rows), "devices": {"1": "ok"},
                           "note": "a reader that ignores the -journal finds 'not committed' or SQLITE_CORRUPT: wrong"}

    # 8 Damaged: one good device among bad ones
    rows = []; pk.clear()
    l = Log(P("Damaged.parstore", "good"), uuid_of("dg")); put2(l, "good", (T0, None, "title", "still here")); l.close()
    l = Log(P("Damaged.parstore", "cut"), uuid_of("dc")); l.add(*[(T0 + i, None, "k%d" % i, bplist("x" * 500)) for i in range(50)]); l.close()
    cut = P("Damaged.parstore", "cut")
    os.truncate(cut, os.path.getsize(cut) // 2)
    for name, c in (("zero bytes", b""), ("zeros", bytes(8192)), ("noise", bytes(i * 31 & 255 for i in range(8192)))):
        write(P("Damaged.parstore", name), c)
    l = Log(P("Damaged.parstore", "other tables"), uuid_of("do"), ddl=["CREATE TABLE ZNOTE ( Z_PK INTEGER PRIMARY KEY, ZTEXT VARCHAR )"]); l.close()
    exp["Damaged.parstore"] = {"rows": rows, "current": current(rows), "devices": {
        "good": "ok", "cut": "damaged", "zero bytes": "waiting", "zeros": "waiting", "noise": "stranger", "other tables": "stranger"}}

    # 9 Newer: another model version. Extra columns do no harm; the needed ones
    # must exist
    rows = []; pk.clear()
    more = [DDL_V1[0].replace("ZKEY VARCHAR", "ZFLAGS INTEGER, ZKEY VARCHAR, ZACTOR VARCHAR")] + DDL_V1[1:]
    l = Log(P("Newer.parstore", "more columns"), uuid_of("n1"), ddl=more, entity_hash=bytes(32)); put2(l, "more columns", (T0, None, "title", "readable")); l.close()
    less = ["CREATE TABLE ZLOG ( Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZKEY VARCHAR, ZVALUE BLOB )"]
    l = Log(P("Newer.parstore", "renamed"), uuid_of("n2"), ddl=less, entity_hash=bytes(32)); l.close()
    exp["Newer.parstore"] = {"rows": rows, "current": current(rows), "devices": {"more columns": "ok", "renamed": "newer"}}

    write(out + "/expected.json", json.dumps(exp, ensure_ascii=False).encode())
    n = sum(len(e["rows"]) for e in exp.values())
    return n


if __name__ == "__main__":
    main(sys.argv[1])
