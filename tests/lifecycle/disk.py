"""The module's side of a replay: folders and caches on a disk, and what they hold in the
words of the model.

Each host has a folder, and each cache a connection of its own. show() gives the model's
`view` of a host to its folder before the module acts there, and look() reads back what the
module wrote: files become File, which keep their bytes, and a cache becomes Cache.
"""

import ctypes
import os
import re
import sqlite3
import sys

from base import DEL, SEEN, SET, File, Row, Txn, Violation

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "python"))

import oracle as format  # noqa: E402  (of a log)
import support  # noqa: E402
from support import NOW, SHM, connect, misplaced  # noqa: E402

support.MODULE = os.environ.get("KV_NEXT", support.MODULE + "_next")
DAY = 86400 * 1_000_000

TICK = 6_000_000  # 50 are 5 minutes
TYPED = 4  # stands for the op of a row of another bucket, which compaction lets alone
TABLE = """CREATE VIRTUAL TABLE %s.t USING
kv_table(id INTEGER PRIMARY KEY, n INTEGER, names TEXT, MERGE (n counter))"""
SEGMENT = re.compile(r"log-([0-9a-f]{32})-(\d{19})\.db$")
COPY = re.compile(r"d(\d)\.db$")


def micros(t):
    return NOW + round(t * TICK)


def ticks(us):
    return us and (us - NOW) / TICK  # to the microsecond, since a float has 53 bits


def value_of(uid):
    """a number that tells the row; each eighth is as long as a value beside the cache"""
    return "%d %s" % (uid, "x" * 9000) if uid % 8 == 7 else uid


def uid_in(value):
    return int(value.split(" ")[0]) if isinstance(value, str) else value


def name(d):
    return "d%d" % d


def number(text):
    return int(text[1:])


def pair(id):
    return int.from_bytes(id[:8], "big"), int.from_bytes(id[8:], "big")


class OnDisk(File):
    """A File of which we have the bytes."""

    data = b""


class Host:
    def __init__(s, root, h):
        s.root = os.path.join(root, "host%d" % h)
        s.drive = os.path.join(s.root, "drive")
        s.folder, s.disk = os.path.join(s.drive, "kv"), {}
        os.makedirs(s.folder)

    def set_away(s, away):
        here, there = s.drive, s.drive + ".away"
        if away and os.path.exists(here):
            os.rename(here, there)
        elif not away and os.path.exists(there):
            os.rename(there, here)

    def path(s, key):
        d, nm = key
        directory = os.path.join(s.folder, "devices", name(d))
        if nm[0] == "seg":
            id = nm[1][0].to_bytes(8, "big") + nm[1][1].to_bytes(8, "big")
            return os.path.join(directory, format.segment_name(id, nm[2]))
        if nm[0] == "of":
            return os.path.join(directory, "of", name(nm[1]) + ".db")
        return os.path.join(directory, "log.db")

    def remove(s, key):
        path = s.path(key)
        if os.path.exists(path):
            os.remove(path)
        for directory in (os.path.dirname(path), os.path.join(s.folder, "devices", name(key[0]))):
            try:
                os.rmdir(directory)
            except OSError:
                pass
        s.disk.pop(key, None)

    def write(s, key, f, when):
        path = s.path(key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".part", "wb") as out:
            out.write(f.data)
        os.utime(path + ".part", ns=(when, when))  # never the stamp of another file
        os.rename(path + ".part", path)
        s.disk[key] = f


class Disk:
    """A part of Replay: w.n, w.view, w.hist, w.published ... are the model's."""

    def begin(w, root):
        w.root, w.stamp = root, 10**18
        module = next(f for f in (support.MODULE, support.MODULE + ".so") if os.path.isfile(f))
        w.clock = ctypes.CDLL(module).kv_test_set
        w.clock.argtypes = ctypes.c_int64, ctypes.c_int64
        w.hosts = [Host(root, h) for h in range(len(w.view))]
        w.others = [set() for _ in range(w.n)]  # lineages of other machines
        w.sums, w.starts, w.gen_rows, w.vecs = {}, {}, {}, {}

    # folders

    def show(w, h, hidden=()):
        """the folder of host h as the model's view says, without some devices"""
        host, view = w.hosts[h], w.view[h]
        host.set_away(False)
        for key in [k for k in host.disk if k not in view or k[0] in hidden]:
            host.remove(key)
        for key, f in view.items():
            if key[0] not in hidden and host.disk.get(key) is not f:
                w.stamp += 1
                host.write(key, f, w.stamp)
        host.set_away(w.away[h])

    def look_own(w, h, d):
        """what the module changed in the directory of device d"""
        host = w.hosts[h]
        directory = os.path.join(host.folder, "devices", name(d))
        there = {}
        for base, _, files in os.walk(directory):
            for f in files:
                m, c = SEGMENT.match(f), COPY.match(f)
                if base != directory and c:
                    key = d, ("of", int(c[1]))
                elif m:
                    key = d, ("seg", pair(bytes.fromhex(m[1])), int(m[2]))
                elif f == "log.db":
                    key = d, "log"
                else:
                    continue
                with open(os.path.join(base, f), "rb") as stream:
                    data = stream.read()
                if data:  # else it was locked, and nothing was committed
                    there[key] = data
        old = {k: f for k, f in w.view[h].items() if k[0] == d}
        n_snaps = len(w.snaps[d])
        order = {"seg": 0, "of": 1, "log": 2}
        for key in sorted(there, key=lambda k: order[k[1] if k[1] == "log" else k[1][0]]):
            if key not in old or old[key].data != there[key]:
                f = w.read_file(host.path(key), key, there[key])
                host.disk[key] = f
                w.put(d, key[1], f)
                w.know(f)
        for key in old.keys() - there.keys():
            host.disk.pop(key, None)
            w.put(d, key[1], None)
        log, was = w.view[h].get((d, "log")), old.get((d, "log"))
        if log and was and log.id == was.id:  # what is between them in a commit is not seen
            del w.snaps[d][n_snaps:-1]

    def give_to_another(w, d):
        """all files of the log of device d are of another machine, copies, too"""
        files = [f for v in w.view for f in v.values()]
        files += [f for h in w.hist for l in h.values() for f in l if f]
        files += [f for s in w.snaps for v in s for f in v.values()]
        path = os.path.join(w.root, "another.db")
        for f in {id(f): f for f in files if f.dev == d and not f.torn}.values():
            with open(path, "wb") as out:
                out.write(f.data)
            con = sqlite3.connect(path)
            con.execute("UPDATE device SET host = 'another machine'")
            con.commit()
            con.close()
            with open(path, "rb") as new:
                f.data = new.read()
            w.others[d].add(f.id[0])
        for host in w.hosts:  # they have to be written
            host.disk.update({k: None for k, f in host.disk.items() if f and f.dev == d})

    def look_machine(w, c, log, error):
        """the new machine: was it refused, or did it begin a log?"""
        new = w.view[c.host].get((c.dev, "log"))
        if error and "is retired" in error or c.state.get(c.dev) == "twin":
            c.dead = True
        elif new is not None and new is not log:
            if new.id[0] in w.others[c.dev]:
                raise Violation("I11", "two machines write one log, device %d" % c.dev)
            w.strange.add(new.id[0])

    def read_file(w, path, key, data):
        con = sqlite3.connect("file:%s?mode=ro&immutable=1" % path, uri=True)
        con.text_factory = format.text
        dev, id, base, bsum, *former, horizon = con.execute(
            "SELECT name, id, base_seq, base_sum, former_id, former_seq, former_sum, horizon"
            " FROM device"
        ).fetchone()
        raw = con.execute(
            "SELECT seq, txn, ts, parent_ts, op, bucket, key, value, sum FROM log ORDER BY seq"
        ).fetchall()
        con.close()
        start = format.first_sum(dev, id, tuple(former) if former[0] else None, horizon)
        d, pid = number(dev), pair(id)
        w.starts[pid] = start
        rows = []
        for seq, txn, ts, parent, op, bucket, k, value, sm in raw:
            if op >= SEEN:
                k, value = number(bucket), (pair(k), value, parent)
            elif bucket:
                op, k = TYPED, (bucket, k)
            else:
                value = uid_in(value)
            r = Row(seq, txn, ticks(ts), op, k, value if op else 0, sm, w.uid_of(d, op, ts, k, value))
            rows.append(r)
            w.sums[pid, seq, r.ts, r.op, r.key, r.val] = sm
        former = (pair(former[0]), former[1], former[2]) if former[0] else None
        last = max([base] + [r.seq for r in rows[-1:]])
        if key[1][0] == "seg":
            last = key[1][2]
        elif former and base < former[1]:
            last = max(last, former[1])
        f = OnDisk(d, pid, base, bsum, tuple(rows), last, rows[-1].sum if rows else bsum,
                   former, ticks(horizon), False)
        f.data = data
        return f

    def uid_of(w, d, op, ts, key, value):
        return value if op == SET else ("del", d, ts, key) if op == DEL else None

    def know(w, f):
        """what a generation holds, what its compaction dropped, which rows are published"""
        d, id = f.dev, f.id
        if id not in w.gen_rows:
            w.gen_rows[id] = {}
            if f.former:
                old = f.former[0]
                have = {r.uid for r in f.rows}
                w.ghost[id].update(w.ghost[old])
                w.ghost[id].update(
                    {u: x for u, x in w.gen_rows[old].items() if u not in have and x[2] <= f.former[1]}
                )
        last = {}
        for r in f.rows:
            if r.op == SEEN:
                last[r.key] = r.val
            if r.op >= SEEN:
                continue
            w.gen_rows[id][r.uid] = (r.ts, d, r.seq, r.op, r.key, r.val, r.uid)
            if r.uid not in w.published:
                w.published[r.uid] = d, id, r.seq
                vec = w.vecs.get(r.uid, {})
                for p, v in last.items():  # as in Own.append()
                    mine = vec.get(p)
                    if mine is None or (mine[0][1], mine[1]) < (v[0][1], v[1]):
                        w.late.add(r.uid)

    # caches

    def file_of(w, c):
        return os.path.join(w.hosts[c.host].root, "cache%d.db" % c.number)

    def open_cache(w, c, **more):
        """the connection of a cache, with the clock of now; more: options for this once"""
        w.clock(micros(w.now + w.off[c.host]), DAY if w.day else 0)
        given = ["'%s'" % w.hosts[c.host].folder]
        if c.dev is not None:
            given.append("device='%s'" % name(c.dev))
        given += ["%s=%s" % o for o in {**w.options(c), **more}.items()]
        sql = "CREATE VIRTUAL TABLE kv USING kv(%s)" % ", ".join(given)
        if c.con is None:
            c.con = connect(w.file_of(c) if c.persistent else ":memory:")
            c.con.execute("PRAGMA synchronous = OFF")
            was = c.con.execute("SELECT sql FROM sqlite_schema WHERE name = 'kv'").fetchone()
            c.made = was and was[0]
        if c.made is None:
            c.con.execute(sql)
            c.made = sql
            if w.typed:
                c.con.execute(TABLE % "main")
        elif c.made != sql:
            c.con.execute("PRAGMA writable_schema = ON")
            c.con.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'kv'", (sql,))
            c.con.execute("PRAGMA writable_schema = RESET")
        c.made = sql
        return c.con

    def close_cache(w, c):
        if c.con is not None:
            c.con.close()
            c.con = c.looked = None

    def bytes_of(w, c):
        w.close_cache(c)
        if not os.path.exists(w.file_of(c)):
            return None
        with open(w.file_of(c), "rb") as f:
            return f.read()

    def put_cache(w, c, data):
        w.close_cache(c)
        with open(w.file_of(c), "wb") as f:
            f.write(data)

    def is_made(w, c):
        return c.number is not None and (c.con is not None or os.path.exists(w.file_of(c)))

    def run(w, c, *statements, hidden=(), **options):
        """-> the error of the first statement that fails, or None"""
        w.show(c.host, hidden)
        error = None
        try:
            con = w.open_cache(c, **options)
            for s in statements:
                con.execute(*s if isinstance(s, tuple) else (s,)).fetchall()
        except sqlite3.Error as e:
            error = str(e)
            if c.con is not None and c.con.in_transaction:
                c.con.execute("ROLLBACK")
        w.stats["module: calls"] += 1
        log = w.view[c.host].get((c.dev, "log"))
        if c.dev is not None and not w.away[c.host]:
            w.look_own(c.host, c.dev)
        w.look_cache(c)
        if c.newmachine:
            w.look_machine(c, log, error)
        return error

    def look_cache(w, c):
        """the cache as the model has one"""
        if c.con is None or c.made is None or c.looked == c.con.total_changes:
            return
        c.looked = c.con.total_changes
        before = c.cur, c.rows, c.former, c.hor, [t.rows for t in c.waiting]
        c.cur, c.rows, c.former, c.hor, c.waiting, c.state = {}, {}, {}, {}, [], {}
        ends = {}
        for dev, id, seq, sm, wseq, wsum, fid, fseq, fsum, hor, state in c.con.execute(
            "SELECT device, id, seq, sum, waiting_seq, waiting_sum, former_id, former_seq,"
            " former_sum, horizon, state FROM kv_cursor"
        ):
            d = number(dev)
            c.state[d] = state
            if d == c.dev and wseq is not None:
                seq, sm = wseq, wsum
            if id is None:
                continue
            c.cur[d] = pair(id), seq, sm
            c.rows[d], ends[d] = {}, seq
            c.former[d] = (pair(fid), fseq, fsum) if fid else None
            c.hor[d] = ticks(hor)
        waiting = []
        for dev, seq, ts, op, bucket, key, value in c.con.execute(
            "SELECT device, seq, ts, op, CASE WHEN part > 1 THEN part ELSE '' END, key,"
            " CASE WHEN large IS NULL THEN value ELSE"
            " (SELECT v.value FROM kv_large AS v WHERE v.id = large) END FROM kv_cache"
        ):
            d = number(dev)
            if bucket:
                op, key = TYPED, (bucket, key)
            else:
                value = uid_in(value)
            r = w.row(c, d, seq, ts, op, key, value if op else 0)
            if d == c.dev and (seq > ends.get(d, 0) or op < SEEN and r.uid not in w.published):
                if op < SEEN:
                    waiting.append(r)
            else:
                c.rows[d][seq] = r
        for dev, peer, seq, ts, id, n, sm, op in c.con.execute(
            "SELECT device, peer, seq, ts, peer_id, peer_seq, peer_sum, op FROM kv_seen"
        ):
            d = number(dev)
            if d != c.dev or seq <= ends.get(d, 0):
                c.rows[d][seq] = w.row(c, d, seq, ts, op, number(peer), (pair(id), n, sm))
        if waiting:
            waiting.sort()
            c.waiting = [Txn(0, {}, [(r.ts, r.op, r.key, r.val, r.uid) for r in waiting])]
        c.ever.update(r.uid for rows in c.rows.values() for r in rows.values())
        c.ever.update(r.uid for r in waiting)
        if before != (c.cur, c.rows, c.former, c.hor, [t.rows for t in c.waiting]):
            c.ver += 1
        if c.dev is not None and c.state.get(c.dev) == "twin" and not c.dead and not c.newmachine:
            w.twin[c.dev] = True

    def row(w, c, d, seq, ts, op, key, value):
        id = c.cur[d][0] if d in c.cur else None
        sm = w.sums.get((id, seq, ticks(ts), op, key, value))
        return Row(seq, seq, ticks(ts), op, key, value, sm, w.uid_of(d, op, ts, key, value))

    def shown(w, c, at=None):
        """kv, or kv(TIME), or the error"""
        sql = "SELECT key, value FROM kv" + ("(%d)" % at if at is not None else "")
        try:
            return {k: uid_in(v) for k, v in c.con.execute(sql)}
        except sqlite3.Error as e:
            return str(e)

    def is_placed(w, c):
        return misplaced(c.con) == []
