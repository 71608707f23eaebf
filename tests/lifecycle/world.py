"""Folders, caches, clocks, and the steps of a schedule: what programs, sync tools,
people and crashes do."""

import collections
import random

from base import DEL, SEEN, SET, SPAN, Cache, Violation, covers
from compaction import Compaction
from files import Files
from invariants import Oracle
from own import Own
from reading import Reading


class World(Files, Own, Reading, Compaction, Oracle):
    def __init__(w, n, nobs, offs, rules):
        w.n, w.r, w.off = n, rules, list(offs) + [0] * nobs
        w.view = [dict() for _ in range(n + nobs)]  # host -> (device, name) -> File
        w.hist = [
            dict() for _ in range(n)
        ]  # device -> name -> [File or None]: what may be delivered
        w.snaps = [[] for _ in range(n)]
        w.caches, w.now, w.away = [], 1000, [False] * (n + nobs)
        w.twin = [False] * n
        w.ghost, w.nid, w.uid = collections.defaultdict(dict), 0, 0
        w.acked, w.drop, w.late, w.lost = {}, {}, set(), set()
        w.published, w.writer, w.e5, w.told = {}, {}, set(), set()
        w.maxwall = [0] * (n + nobs)
        w.day, w.lazy = 0, False
        w.rolled, w.restored, w.lostdir, w.strange = (
            {},
            set(),
            set(),
            set(),
        )  # rolled: device -> rows lost (E4)
        w.e4keys, w.e13keys = set(), set()
        w.needs, w.promised, w.tsof, w.deleted = {}, set(), {}, set()
        w.stats = collections.Counter()
        w.csnaps, w.waited = [], set()  # waited: rows that wait in caches from a backup
        w.vver = [0] * len(w.view)

    def put(w, d, name, f):
        v = w.view[d]
        w.vver[d] += 1
        if f is None:
            v.pop((d, name), None)
        else:
            v[(d, name)] = f
        w.hist[d].setdefault(name, []).append(f)
        if f is not None:
            for (dd, nm), g in v.items():
                if dd == d and w.hist[d][nm][-1] is None:
                    w.hist[d][nm].append(g)
        w.snaps[d].append({k: x for k, x in v.items() if k[0] == d})

    def newid(w, old=None):
        """greater than the old generation by a random step: of two that were made from
        one, either may be the greater"""
        w.nid += 1
        if old is None:
            return (w.nid, 0)
        return (old[0], (old[1] // 10000 + 1 + (w.nid * 2654435761 >> 9) % 7) * 10000 + w.nid)

    def step(w, s):
        w.now += 7
        op = s[0]
        if op == "tick":
            w.now += s[1]
            return
        if op == "day":
            w.day = s[1]
            return
        if op == "lazy":
            w.lazy = bool(s[1])
            return
        if op == "away":
            w.away[s[1] % len(w.view)] = bool(s[2])
            w.vver[s[1] % len(w.view)] += 1
            return
        if op == "deliver":
            w.deliver(*s[1:])
            return
        if op == "open":
            w.open(*s[1:])
            return
        if op == "newmachine":
            w.newmachine(*s[1:])
            return
        if op == "restore":
            w.restore(*s[1:])
            return
        if op == "rmdir":
            w.rmdir(*s[1:])
            return
        if op in ("lose log.db", "find log.db"):  # at its device alone
            d = s[1] % w.n
            w.view[d].pop((d, "log"), None)
            if op == "find log.db":
                w.view[d][d, "log"] = w.hist[d]["log"][-1]
            w.vver[d] += 1
            return
        if op == "lose":  # the own sealed files are deleted, here and by the sync tool
            d = s[1] % w.n
            for nm in w.hist[d]:
                if nm[0] == "seg":
                    w.hist[d][nm].append(None)
                    w.view[d].pop((d, nm), None)
            w.vver[d] += 1
            return
        if op == "expect_go":
            if not any(w.may_go(c, s[1], s[2]) for c in w.caches if c.host == s[1]):
                raise Violation("I12", "the directory of %d may not go" % s[2])
            return
        if op == "return":
            w.give_back(s[1] % w.n)
            return
        if op == "die":
            w.die(s[1] % w.n)
            return
        if op == "jump":
            w.off[s[1] % w.n] += s[2]
            return
        if not w.caches:
            return
        c = w.caches[s[1] % len(w.caches)]
        if c.dead:
            return
        if op == "crash":  # between the two phases: the log has it, the cache does not know
            w.commit(c, [(k, SET, w.uid + 100 + k) for k in s[2]], True)
        elif op == "set":
            w.commit(c, [(k, SET, w.uid + 100 + k) for k in s[2]])
        elif op == "del":
            w.commit(c, [(k, DEL, 0) for k in s[2]])
        elif op == "sync":
            w.sync(c, s[2], s[3], s[4])
        elif c.dev is None:
            return
        elif op == "seal":
            w.seal(c, s[2])
        elif op == "compact":
            w.compact(c, w.wall(c) - s[2], *s[3:])
        elif op == "retire":
            w.retire(c, s[2] % w.n, *s[3:])
        elif op == "snapcache":
            if c.persistent:
                w.csnaps.append((w.caches.index(c), c.copy()))
        elif op == "oldcache" and w.csnaps:
            i, o = w.csnaps[s[2] % len(w.csnaps)]
            now = w.caches[i]
            if now.dead:
                return
            n = o.copy()
            n.exempt = "old cache"
            for t in now.waiting:
                for x in t.rows:
                    w.lost.add(x[4])
            w.caches[i] = n
            w.waited.update(x[4] for t in n.waiting for x in t.rows)
            if n.dev in w.restored | w.lostdir:
                w.roll(n.dev, ())  # directory and cache, both older: E4

    def open(w, d, persistent, observer):
        d %= len(w.view)
        dev = d if d < w.n and not observer else None
        if len([o for o in w.caches if not o.dead]) >= 9:
            return
        c = Cache(dev, d, bool(persistent))
        second = any(o.dev == dev and o.dev is not None and not o.dead for o in w.caches)
        c.newmachine = dev is not None and any(o.newmachine for o in w.caches if o.dev == dev)
        w.caches.append(c)
        c.exempt = "second cache" if second else "fresh"
        w.sync(c, 1, 99, False)
        if c.exempt == "fresh":
            c.exempt = ""
            if w.needs:
                c.exempt, c.needs = "newcomer", dict(w.needs)

    def newmachine(w, X, known):
        """another machine takes the name of a retired device; it has seen nothing of the
        folder, or (known) what others wrote"""
        X %= w.n
        if not any(X in w.retires(c) for c in w.caches) or any(
            c.newmachine and not c.dead for c in w.caches if c.dev == X
        ):
            return
        v = w.view[X]
        w.die(X)
        for c in w.caches:
            if c.host == X:
                c.dead = True
        for k in list(v):
            if k[0] == X or not known:
                v.pop(k)
        w.vver[X] += 1
        c = Cache(X, X, True)
        c.newmachine = True
        w.caches.append(c)
        if w.needs:
            c.exempt, c.needs = "newcomer", dict(w.needs)
        if known:
            w.sync(c, 1, 99, False)
        w.stats["new machines under a retired name"] += 1

    def deliver(w, dst, d, mode, r):
        dst %= len(w.view)
        d %= w.n
        if dst == d and not any(c.newmachine for c in w.caches if c.dev == d):
            return
        v, hist = w.view[dst], w.hist[d]
        names = sorted(hist, key=str)
        if not names:
            return
        rnd = random.Random(r) if mode in ("one", "old", "torn") else None

        def put(nm, f):
            if v.get((d, nm)) is f:
                return
            w.vver[dst] += 1
            if f is None:
                v.pop((d, nm), None)
            else:
                v[(d, nm)] = f

        if mode == "all":
            for nm in names:
                put(nm, hist[nm][-1])
        elif mode == "dels":
            for nm in names:
                if hist[nm][-1] is None:
                    put(nm, None)
        elif mode == "adds":
            for nm in names:
                if hist[nm][-1] is not None:
                    put(nm, hist[nm][-1])
        elif mode == "one":
            nm = rnd.choice(names)
            put(nm, hist[nm][-1])
        elif mode == "ver":
            put("log", hist["log"][r % len(hist["log"])])
        elif mode == "log":
            put("log", hist.get("log", [None])[-1])
        elif mode == "old":
            nm = rnd.choice(names)
            put(nm, rnd.choice(hist[nm]))
        elif mode == "torn":
            nm = rnd.choice(names)
            f = rnd.choice(hist[nm][-3:])
            if f is not None and f.rows:
                rows = f.rows[: rnd.randrange(len(f.rows))]
                while rows and rows[-1].seq != rows[-1].txn:
                    rows = rows[:-1]
                put(nm, f._replace(rows=rows, torn=True))

    def die(w, d):
        for c in w.caches:
            if c.dev == d:
                c.dead = True
        if d in w.restored:
            w.roll(
                d, {r.uid for (dd, _), f in w.view[d].items() if dd == f.dev == d for r in f.rows}
            )

    def roll(w, d, keep):
        """E4: the rows of d that are not in keep are lost with the directory"""
        gone = {u for u, p in w.published.items() if p[0] == d and u not in keep}
        w.rolled.setdefault(d, set()).update(gone)
        for k in list(w.hist[d].values()):
            for f in k:
                if f is not None and f.dev == d:
                    w.e4keys.update(r.key for r in f.rows if r.op < SEEN and r.uid in gone)

    def restore(w, d, r, keepcache):
        """the device's own directory goes back to an older state, chosen by r; keepcache:
        0 no cache survives, 1 the best one does, 2 and 3 the same with r as a number"""
        d %= w.n
        if not w.snaps[d]:
            return
        snap = random.Random(r).choice(w.snaps[d])
        alive = [c for c in w.caches if c.dev == d and not c.dead and c.persistent]
        if any(c.newmachine for c in alive):
            return
        if keepcache > 1:
            snap = w.snaps[d][r % len(w.snaps[d])]
        if keepcache == 3:
            keepcache = 0
        if keepcache == 2:
            pass
        elif not keepcache:
            for c in w.caches:
                if c.dev == d:
                    c.dead = True
        elif not alive:
            return
        else:
            best = max(
                alive,
                key=lambda c: (c.cur.get(d, ((0, -1), 0))[0][1], c.cur.get(d, ((0, -1), 0))[1]),
            )
            log = w.view[d].get((d, "log"))
            if log is not None and (best.cur.get(d) or (None,))[:2] != (log.id, log.last):
                return  # the surviving cache does not know it all: E4
            for c in w.caches:  # the others end with the restore
                if c.dev == d and c is not best:
                    c.dead = True
        w.restored.add(d)
        v = w.view[d]
        w.vver[d] += 1
        for k in [k for k in v if k[0] == d]:
            v.pop(k)
        v.update(snap)
        for nm in set(list(w.hist[d]) + [k[1] for k in snap]):
            w.hist[d].setdefault(nm, []).append(snap.get((d, nm)))
        if all(c.dead for c in w.caches if c.dev == d) or any(
            c.dev == d and c.exempt == "old cache" for c in w.caches
        ):
            w.roll(
                d,
                {x.uid for f in snap.values() if f.dev == d for x in f.rows}
                | {u for f in snap.values() if f.dev == d for u in w.ghost[f.id]},
            )
        if not keepcache:  # the program starts again, with nothing but the directory
            c = Cache(d, d, True)
            c.exempt = "restored"
            w.caches.append(c)
            w.sync(c, 1, 99, False)

    def rmdir(w, h, X, own=0):
        """somebody deletes X's directory where kv_devices says that it may go; own: the
        sync tool deletes it at X's, too (1: all but log.db)"""
        h %= len(w.view)
        X %= w.n
        if h == X or not any(w.may_go(c, h, X) for c in w.caches if c.host == h):
            return
        for nm in w.hist[X]:
            w.hist[X][nm].append(None)
        w.deleted.add(X)
        w.vver[h] += 1
        w.vver[X] += 1
        if own:
            w.lostdir.add(X)
        log, alive = w.view[X].get((X, "log")), [c for c in w.caches if c.dev == X and not c.dead]
        if own and (
            any(c.exempt == "old cache" for c in alive)
            or alive
            and log
            and not any(covers(c.cur.get(X), (log.id, log.last)) for c in alive)
        ):
            w.roll(X, ())  # the caches do not know it all: E4
        for (dd, nm), f in list(w.view[h].items()) + (
            list(w.view[X].items()) if own else []
        ):  # what was in it and anybody is known to have had
            if dd == X:
                acked = [
                    r.val[:2]
                    for c in w.caches
                    if c.host == h
                    for rr in c.rows.values()
                    for r in rr.values()
                    if r.op == SEEN and r.key == f.dev and r.val[0][0] == f.id[0]
                ]
                w.promised |= {
                    r.uid for r in f.rows if r.uid is not None and any(r.seq <= s for _, s in acked)
                }
        if own:
            for k in [k for k in w.view[X] if k[0] == X and (own > 1 or k[1] != "log")]:
                w.view[X].pop(k)
        for k in [k for k in w.view[h] if k[0] == X]:
            w.view[h].pop(k)
        w.stats["directories deleted"] += 1

    def give_back(w, X):
        for (d, nm), f in w.view[X].items():
            if d == X and w.hist[X][nm][-1] is None and not f.torn:  # else it is on its way here
                w.hist[X][nm].append(f)

    def come_home(w):
        """all folders are there again, and who is alive has its directory"""
        for h in range(len(w.view)):
            w.away[h] = False
            w.vver[h] += 1
        for d in range(w.n):  # who is alive has its directory, and the sync tool brings it
            if any(c.dev == d and not c.dead for c in w.caches):
                w.give_back(d)
            else:  # nobody there: its disk is as the others' folders
                for k in [k for k in w.view[d] if k[0] == d and w.hist[d][k[1]][-1] is None]:
                    w.view[d].pop(k)

    def settle(w):
        w.come_home()
        for rnd in range(4):
            for d in range(w.n):
                for h in range(len(w.view)):
                    w.deliver(h, d, "all", 0)
            for c in w.caches:
                w.now += 7 + w.day
                if not c.dead:
                    w.sync(c, rnd, 99, rnd < 1)

    def rest(w):
        """devices that sync in turns write nothing more after a while"""
        for rnd in range(9):
            before = list(w.vver), [c.ver for c in w.caches]
            for d in range(w.n):
                for h in range(len(w.view)):
                    w.deliver(h, d, "all", 0)
            for c in w.caches:
                w.now += SPAN + w.day
                c.synced = None  # the clock alone may make an acknowledgement due
                if not c.dead:
                    w.sync(c, rnd, 99, True)
            if before == (list(w.vver), [c.ver for c in w.caches]):
                return
        raise Violation("rest", "the devices do not come to rest")
