#!/usr/bin/env python3
"""The schedules of the model, played with the module.

  replay.py named                   the named schedules, as the model has them and with more
  replay.py run MODE N [SEED]       N random schedules; MODE as in README.md, or all
  replay.py show MODE SEED [SIZE]   one schedule that fails, made short; SIZE 0 as run
                                    has it where SEED is no multiple of 4
  replay.py test N [PART/PARTS]     named, and N random ones over all modes; or a part
  ... -rules                        without a comparison of each step with the rules

KV_NEXT is a module whose clock can be set (clock.c). KV_REPLAYS is a number of random
schedules instead of N for test.

Replay is World without the model's rules: instead, folders and caches on a disk are what
the module makes of them (disk.py), in the words of the model. So invariants.py checks the
module as it checks the model. Where the rules say what comes out of a step, it has to be
that, too: need() in compact(), compare_sync() and may_go().
"""

import collections
import os
import random
import shutil
import sys
import tempfile
import time

import files
import invariants
import reading
from base import DEL, RULES, SEEN, SET, Cache, Row, Violation, winners
from disk import DAY, NOW, SHM, TICK, TYPED, Disk, OnDisk, micros, name, value_of
from named import NAMED
from schedules import MODES, generate, shorten
from world import World

WITHOUT_RULES = "-rules" in sys.argv
SEALS = 9  # a key that is set to seal a log

# What the module may answer where the rules refuse, too.
REFUSED = (
    "adopt", "is missing", "has not arrived", "is not there", "cannot be retired", "is waiting",
    "another one", "and its log is not here", "another process changed row",
)


class Replay(Disk, World):
    def __init__(w, n, nobs, offs, seed=0):
        super().__init__(n, nobs, offs, dict.fromkeys(RULES, True))
        w.is_plain, w.rnd = seed is None, random.Random(seed)
        w.n_caches = 0
        w.typed = w.chance(0.2)  # there is a typed table, too
        w.sealing = [w.chance(0.2) for _ in range(n)]  # these seal at each commit
        w.ends = w.rnd.choice([0, 0.1, 0.2])  # how often a program ends after a call
        w.expires = [w.chance(0.4) for _ in range(n)]  # these compact by themselves
        w.begin(tempfile.mkdtemp(prefix="kv-replay-", dir=SHM))
        for m in (files, reading, invariants):
            m.base_sum = lambda d, id: w.starts[id]

    def end(w):
        for c in w.caches + [o for _, o in w.csnaps]:
            w.close_cache(c)
        shutil.rmtree(w.root)

    def chance(w, p):
        """of what the model does not have"""
        return not w.is_plain and w.rnd.random() < p

    def need(w, ok, kind, *what):
        """what the rules say"""
        if not ok and not WITHOUT_RULES:
            raise Violation(kind, " ".join(map(str, what)))

    def left_out(w, what):
        w.stats["left out: " + what] += 1

    def is_left_out(w, c):
        """the own directory is gone, and somebody has kept the log"""
        d = c.dev
        if d is None or c.newmachine or (d, "log") in w.view[c.host] or w.away[c.host]:
            return False
        if w.copies(c.host, d) or d in w.retires(c):
            w.left_out("a device without its directory goes on from a copy (3.3)")
            return True
        return False

    # steps

    def step(w, s):
        op = s[0]
        if op == "day":
            w.day = DAY // TICK if s[1] else 0
        elif op == "rmdir" and len(s) > 3 and s[3]:
            w.left_out("a device without its directory goes on from a copy (3.3)")
            super().step(s[:3] + (0,))
        elif op == "lazy":
            pass
        elif op == "snapcache":
            w.now += 7
            c = w.caches[s[1] % len(w.caches)] if w.caches else None
            if c and not c.dead and c.persistent and c.number is not None:
                old = c.copy()
                old.data = w.bytes_of(c)
                if old.data:
                    w.csnaps.append((w.caches.index(c), old))
        elif op == "oldcache":
            super().step(s)
            w.restore_cache()
        else:
            super().step(s)
        for c in w.caches:
            if c.dead:
                w.close_cache(c)

    def restore_cache(w):
        """a cache was put back: World has its copy, the disk not yet"""
        for i, c in enumerate(w.caches):
            if c.exempt == "old cache" and c.number is None:
                src = next(o for j, o in w.csnaps if j == i and o.cur == c.cur and o.ever == c.ever)
                w.numbered(c)
                w.put_cache(c, src.data)

    def newmachine(w, X, known):
        """The module knows one machine: what there is of this name becomes another one's."""
        X %= w.n
        if any(X in w.retires(c) for c in w.caches) and not any(
            c.newmachine and not c.dead for c in w.caches if c.dev == X
        ):
            w.give_to_another(X)
        super().newmachine(X, known)

    def numbered(w, c):
        if c.number is None:
            w.n_caches += 1
            c.number = w.n_caches
        return c

    def options(w, c):
        given = {}
        if c.dev is not None and w.sealing[c.dev]:
            given["segment"] = 1
        if c.dev is not None and c.puts_off:
            given["publish"] = "'sync'"
        if c.dev is not None and w.day and w.expires[c.dev]:
            given["history"] = "'1 day'"
        return given

    def call(w, c, *statements, **more):
        w.numbered(c)
        if c.dev is not None:
            w.maxwall[c.dev] = max(w.maxwall[c.dev], w.wall(c))
        if c.puts_off is None:
            c.puts_off = c.persistent and w.chance(0.15)
        error = w.run(c, *statements, **more)
        if c.persistent and w.chance(w.ends):
            w.close_cache(c)
        if error and not (any(x in error for x in REFUSED) or c.dev is not None and w.twin[c.dev] or w.is_left_out(c)):
            raise Violation("error", "cache %s of %s: %s" % (c.number, c.dev, error))
        return error

    def may_write(w, c):
        return not (c.dev is None or c.dead or w.twin[c.dev])

    def commit(w, c, changes, crash2=False, **options):
        if not w.may_write(c) or w.away[c.host] and not w.is_made(c):
            return
        real, g, old = w.cands(c), w.ghosts(c), {x[6] for x in w.cands(c)}
        win = winners(real)
        statements = ["BEGIN"]
        for key, op, _ in changes:
            if op == DEL and (key not in win or win[key][3] == DEL):  # else there is none
                w.uid += 1
                statements.append(("INSERT INTO kv VALUES(?, ?)", (key, value_of(w.uid))))
            w.uid += 1
            statements.append(("INSERT INTO kv VALUES(?, ?)", (key, value_of(w.uid))) if op == SET
                              else ("DELETE FROM kv WHERE key = ?", (key,)))
        w.more(statements)
        vec = dict(c.cur)
        error = w.call(c, *statements, "COMMIT", **options)
        new = [x for x in w.cands(c) if x[1] == c.dev and x[6] not in old and x[6] not in w.writer]
        if error and new:
            raise Violation("error", "%s, but it was written" % error)
        if error and c.persistent and w.away[c.host]:
            raise Violation("error", error)
        wall = w.wall(c)
        for x in new:
            w.writer[x[6]], w.tsof[x[6]] = c.dev, x[0]
            w.acked[x[6]] = c.dev
            w.vecs.setdefault(x[6], vec)
            below = [y for y in g if y[4] == x[4] and y[:3] > (x[0], c.dev, 10**9)]
            if below:
                w.judge_below(c, wall, x, win.get(x[4]), max(below))
        w.check(c, "write")

    def more(w, statements):
        """what the model does not have: rows that are rolled back, and a typed table"""
        if w.chance(0.1):
            statements += ["SAVEPOINT s", "INSERT INTO kv VALUES(0, -1), (1, -1)", "ROLLBACK TO s"]
        if w.typed and w.chance(0.5):
            id = w.rnd.randrange(3)
            statements.insert(w.rnd.randrange(1, len(statements)), w.rnd.choice([
                ("INSERT OR IGNORE INTO t VALUES(?, 1, 'a')", (id,)),
                ("UPDATE t SET n = n + 1 WHERE id = ?", (id,)),
                ("UPDATE t SET names = ? WHERE id = ?", (w.uid, id)),
                ("DELETE FROM t WHERE id = ?", (id,)),
            ]))

    def judge_below(w, c, wall, row, before, t):
        """I5, as in Own.commit()"""
        info = w.drop.get(t[6])
        set_back = w.maxwall[c.dev] >= wall + 50
        if c.hor.get(t[1], 0) >= wall + 50 and info and (c.dev not in info[1] or set_back):
            w.stats["E5 a write below a dropped tombstone"] += 1
            w.e5.add(row[6])
        elif not (before and w.allowed(before, t)):
            raise Violation("I5", "cache of %d (clock %d) writes key %d at %s below %s"
                            % (c.dev, wall, row[4], row[0], t))

    def publish(w, c):
        if not w.may_write(c) or w.away[c.host]:
            return False
        w.call(c, "SELECT kv_compact(%d)" % (NOW - 10 * DAY))
        return (c.dev, "log") in w.view[c.host] and c.state.get(c.dev) == "ok" and not c.waiting

    def seal(w, c, crash):
        if not w.may_write(c) or w.away[c.host]:
            return
        w.commit(c, [(SEALS, SET, 0)], segment=0 if crash else 1)
        log = w.view[c.host].get((c.dev, "log"))
        if crash and log and log.rows:  # a sealed file is the log as it was
            nm = ("seg", log.id, log.last)
            w.put(c.dev, nm, log)

    # kv_sync()

    def sync(w, c, order, stop, ack):
        if c.dead or w.away[c.host] or w.is_left_out(c):
            return
        now = (w.vver[c.host], c.ver, True)
        if c.synced in (now, now[:2] + (ack,)) and not c.waiting and not (ack and w.day):
            return
        ver = c.ver
        ds = [d for d in range(w.n)
              if d != c.dev and (d in c.cur or w.indir(c.host, d) or w.copies(c.host, d))]
        ds.sort(key=lambda d: (order * 40503 + 977) * (d + 3) * 2654435761 >> 7 & 0xFFFF)
        full = stop >= len(ds)
        if full:
            then = w.compare_begin(c, ds)
            w.has_all(c, [(d, w.look(c, d)) for d in ds])
        o, known = c.copy(), set(w.gen_rows)
        in_order = ["SELECT kv_sync()"] if ack or not full else ["BEGIN", "SELECT kv_sync()", "COMMIT"]
        error = w.call(c, *in_order, hidden=ds[stop:])
        if c.dev in c.cur and c.cur[c.dev][0] not in known:
            w.expired(c, o)
        if full and not error:
            w.compare_sync(c, ds, then)
        w.check(c, "sync")
        if full and ver == c.ver:
            c.synced = (w.vver[c.host], ver, ack)

    def expired(w, c, o):
        """option history: what kv_sync() compacted, as in compact(), what waited included"""
        d = c.dev
        if d not in c.cur or not c.former[d] or not w.expires[d] or not w.day:
            return
        id, old, end = c.cur[d][0], c.former[d][0], 0
        if d in o.cur:
            end = o.cur[d][1]
            if o.cur[d][0] != old:
                return
        waits = {x[6] for x in w.waiting(c)}
        own = o.rows.get(d, {}) | c.rows[d]
        here = waits | {r.uid for r in own.values()}
        for ts, _, i, op, key, val, uid in w.waiting(o):  # published, and dropped at once
            if uid not in here:
                seq = end + i / 10**10
                own[seq] = Row(seq, seq, ts, op, key, val, None, uid)
                w.published[uid] = d, old, seq
        gone = {r.uid: r for r in own.values() if r.op < SEEN}
        for r in c.rows[d].values():
            gone.pop(r.uid, None)
        w.ghost[id].update({u: (r.ts, d, r.seq, r.op, r.key, r.val, u) for u, r in gone.items()})
        o.cur, o.rows, o.waiting = dict(c.cur), {**c.rows, d: own}, []
        o.ret = (-1, None)
        keep, dropped, live, acks = w.plan(o, c.hor[d])
        rules = {r.uid for r in dropped} - {r.uid for r in keep}
        may_be_earlier = c.hor[d] == o.hor.get(d, 0)  # than the horizon of before
        w.need(gone.keys() == rules or may_be_earlier and gone.keys() <= rules, "drops", "history of", d,
               "at", c.hor[d], "drops", sorted(gone.keys() - rules, key=str), "not",
               sorted(rules - gone.keys(), key=str))
        w.stats["compactions by kv_sync()"] += 1
        w.not_awaited(c, id, live, acks)

    def compare_begin(w, c, ds):
        """what the rules say that this kv_sync() reads of the others"""
        o = c.copy()
        o.state = {}
        for _ in range(4):  # a retire row may change what counts
            before = dict(o.cur)
            acts = [(d, w.look(o, d)) for d in ds]
            for d, a in acts:
                if a[0] == "append":
                    w.apply(o, d, a)
            for d, a in acts:
                if a[0] != "append":
                    w.apply(o, d, a)
            if o.cur == before:
                return o
        return o

    def compare_sync(w, c, ds, then):
        for d in ds:
            if any(f.torn for (dd, nm), f in w.view[c.host].items() if d in (dd, f.dev)):
                continue
            if c.state.get(d) == "rewritten":
                continue  # E4: it was rolled back, and went on in another way
            a, b = then.cur.get(d), c.cur.get(d)
            if a is None and b and c.state[d] == "waiting" and c.former[d] is None:
                continue  # the first files of a log that is not here as a whole
            if a is None and b and c.state.get(d) == "stranger" and b[0][0] == w.retired_lineage(c, d):
                continue  # it read the row that retires first, and kept what the rules lose (E13)
            w.need(a == b and then.rows.get(d, {}).keys() == c.rows.get(d, {}).keys(), "reads",
                   "cache", c.number, "of", c.dev, "reads of device", d, b, c.state.get(d),
                   ", the rules say", a, then.state.get(d))

    def settle(w):
        w.come_home()
        for rnd in range(20):  # five whose days begin apart need 15
            before = list(w.vver), [c.ver for c in w.caches]
            for d in range(w.n):
                for h in range(len(w.view)):
                    w.deliver(h, d, "all", 0)
            for c in w.caches:
                w.now += 7 + w.day
                if not c.dead:
                    w.sync(c, rnd, 99, True)
            if rnd > 2 and before == (list(w.vver), [c.ver for c in w.caches]):
                return
        raise Violation("rest", "the devices do not come to rest")

    # compaction

    def save(w, c):
        return w.bytes_of(c), dict(w.view[c.host]), len(w.snaps[c.dev])

    def crash(w, c, saved, *back):
        """the cache, and these files, as they were: the program ended before"""
        data, view, n_snaps = saved
        w.put_cache(c, data)
        d = c.dev
        for key, f in list(w.view[c.host].items()):
            if key[0] == d and back_matches(key, back) and view.get(key) is not f:
                w.put(d, key[1], view.get(key))
        for key, f in view.items():
            if key[0] == d and key not in w.view[c.host] and back_matches(key, back):
                w.put(d, key[1], f)
        del w.snaps[d][n_snaps:-1]  # what there was meanwhile is no backup
        w.open_cache(c)
        w.look_cache(c)

    def is_published(w, c):
        log = w.view[c.host].get((c.dev, "log"))
        return (log and not c.waiting and c.state.get(c.dev) == "ok" and w.may_write(c)
                and not w.away[c.host] and c.cur.get(c.dev) == (log.id, log.last, log.lsum))

    def compact(w, c, H, crash, lazy=False):
        if (crash or not w.is_published(c)) and not w.publish(c):
            return
        d = c.dev
        H = min(H, w.wall(c))
        keep, dropped, live, acks = w.plan(c, H)
        before = {r.uid for r in c.rows[d].values() if r.op < SEEN}
        old_hor, limit = c.hor[d], max(c.hor[d], H)
        saved = w.save(c) if crash and c.persistent else None
        if w.call(c, "SELECT kv_compact(%d)" % micros(H)):
            return
        gone = before - {r.uid for r in c.rows[d].values()}
        rules = {r.uid for r in dropped} - {r.uid for r in keep}
        w.need(gone == rules, "drops", "cache", c.number, "of", d, "at", H, "drops",
               sorted(gone - rules, key=str), "not", sorted(rules - gone, key=str))
        if not gone:
            return
        w.need(old_hor <= c.hor[d] <= limit, "horizon", c.hor[d], "not", old_hor, "to", limit)
        w.stats["compactions"] += 1
        w.stats["rows dropped"] += len(gone)
        w.not_awaited(c, c.cur[d][0], live, acks)
        if saved:
            w.stats["crashes in a compaction"] += 1
            new = [k for k in w.view[c.host] if k[0] == d and k not in saved[1]]
            olds = [k for k in saved[1] if k[0] == d and k[1][0] == "seg"]
            back = olds + [(d, "log")] if crash == 1 else olds if crash == 2 else olds[1:]
            assert new
            w.crash(c, saved, *back)
        w.check(c, "compact")

    # retirement

    def retire(w, c, X, crash=0):
        if not w.may_write(c) or X == c.dev or w.away[c.host]:
            return
        w.sync(c, 0, 99, True)
        if c.dead or w.twin[c.dev] or not w.publish(c):
            return
        if X not in c.cur or c.state.get(X) in ("waiting", "damaged", "stranger") or w.retired(c, X):
            return
        saved = w.save(c) if crash and c.persistent else None
        if w.call(c, ("SELECT kv_retire(?)", (name(X),))):
            return
        w.stats["retirements"] += 1
        if not w.retired(c, X):
            raise Violation("retire", "%d is not retired" % X)
        if saved:
            w.crash(c, saved, (c.dev, "log"), *[k for k in saved[1] if k[1][0] == "seg"],
                    *[k for k in w.view[c.host] if k[0] == c.dev and k[1][0] == "seg"])
        w.check(c, "retire")

    def may_go(w, c, h, X):
        if c.dead or X not in c.cur or w.away[h] or c.number is None:
            return False
        w.show(h)
        con = w.open_cache(c)
        said = con.execute("SELECT state, detail FROM kv_devices WHERE device = ?", (name(X),)).fetchone()
        w.look_cache(c)
        rules = super().may_go(c, h, X)
        go = said is not None and said[0] == "retired" and "may be deleted" in (said[1] or "")
        is_torn = any(f.torn and X in (d, f.dev) for (d, _), f in w.view[h].items())
        w.need(rules or not go or is_torn, "goes", "cache", c.number, "of", c.dev, ": kv_devices says of", X, said)
        return go

    def deliver(w, dst, d, mode, r):
        if mode != "torn":
            return super().deliver(dst, d, mode, r)
        dst, d = dst % len(w.view), d % w.n
        hist = w.hist[d]
        if dst == d or not hist:
            return
        rnd = random.Random(r)
        nm = rnd.choice(sorted(hist, key=str))
        f = rnd.choice(hist[nm][-3:])
        if f is None:
            return
        old = w.view[dst].get((d, nm))
        n = rnd.randrange(1, len(f.data) // 512) * 512
        torn = OnDisk(*f._replace(rows=(), torn=True))
        torn.data = f.data[:n] + (old.data[n:] if old and rnd.random() < 0.5 else b"")
        w.view[dst][d, nm] = torn
        w.vver[dst] += 1

    # what is shown

    def check(w, c, where):
        new = c.checked != c.ver
        super().check(c, where)
        if not new or c.con is None or c.dead:
            return
        if not w.is_placed(c):
            raise Violation("placed", "%s: cache %s of %s" % (where, c.number, c.dev))
        real, H = w.cands(c), max(c.hor.values(), default=0)
        times = sorted({x[0] for x in real if x[0] > H})
        for T in [None] + ([H] if H else []) + times[len(times) // 2 : len(times) // 2 + 1]:
            a = winners([x for x in real if T is None or x[0] <= T])
            a = {k: x[5] for k, x in a.items() if x[3] == SET}
            b = w.shown(c, None if T is None else micros(T))
            if a != b:
                raise Violation("shows", "%s: cache %s of %s at %s: %s, its rows say %s"
                                % (where, c.number, c.dev, T, b, a))
        if H and not isinstance(w.shown(c, micros(H) - 1), str):
            raise Violation("shows", "%s: cache %s of %s before its horizon %s" % (where, c.number, c.dev, H))

    def finish(w, size):
        super().finish(size)
        for c in [c for c in w.caches if not c.dead and c.dev is not None and not w.twin[c.dev]]:
            w.compact_all(c)
        if w.typed:
            w.compare_typed()

    def compact_all(w, c):
        """a log is compacted only if the cache holds it, row by row"""
        for _ in range(2):
            w.now += 7
            w.commit(c, [(SEALS, SET, 0)])
        if w.twin[c.dev] or not w.publish(c):
            return
        w.compact(c, w.wall(c), 0)
        left = [r for r in c.rows[c.dev].values() if r.op == SET and r.key == SEALS]
        if len(left) != 1 and left[0].ts <= w.wall(c):
            raise Violation("drops", "cache %s of %d keeps %s" % (c.number, c.dev, left))

    def compare_typed(w):
        """all that agree about the rows show the same"""
        seen = {}
        for c in w.caches:
            if c.dead or c.con is None:
                continue
            rows = frozenset((d, r.seq, r.ts, r.key, r.val) for d, rr in c.rows.items()
                             for r in rr.values() if r.op == TYPED)
            t = c.con.execute("SELECT * FROM t ORDER BY id").fetchall()
            if seen.setdefault(rows, t) != t:
                raise Violation("typed", "cache %s of %s: %s, another one: %s" % (c.number, c.dev, t, seen[rows]))
            if wrong := c.con.execute("SELECT kv_check('t')").fetchone()[0]:
                raise Violation("typed", "cache %s of %s: %s rows" % (c.number, c.dev, wrong))
        w.stats["typed tables compared"] += 1

    def size(w, live):
        for c in w.caches:
            c.synced = None  # clocks are set
        super().size(live)


def back_matches(key, back):
    return key in back


Cache.con = Cache.number = Cache.puts_off = Cache.made = Cache.looked = None


def play(sched, seed=0, stats=None, size=True):
    n, nobs, offs, steps = sched
    w = Replay(n, nobs, offs, seed)
    try:
        for s in steps:
            w.step(s)
        w.finish(size)
    except Violation as e:
        return e.args
    finally:
        if stats is not None:
            stats.update(w.stats)
        w.end()
    return None


def attempt(sched, seed, stats=None, size=True):
    try:
        return play(sched, seed, stats, size)
    except Exception as e:  # noqa: BLE001  (a driver's fault counts as one of its kind)
        if os.environ.get("KV_TRACE"):
            raise
        return type(e).__name__, str(e)


def run(mode, seeds):
    found, stats, t0 = [], collections.Counter(), time.time()
    for s in seeds:
        v = attempt(generate(s, mode), s, stats, s % 4 == 0)
        if v:
            found.append(s)
            print("  ", mode, s, *v, " (replay.py show %s %d%s)" % (mode, s, " 0" if s % 4 else ""), flush=True)
    print("%s: %d schedules from seed %d: %d violations, %.0f s"
          % (mode, len(seeds), seeds[0], len(found), time.time() - t0))
    for k in sorted(stats):
        print("    %-80s %d" % (k, stats[k]))
    sys.stdout.flush()
    return len(found)


def named():
    bad, stats = 0, collections.Counter()
    for title, _, n, offs, steps in NAMED:
        v = attempt((n, 0, offs, steps), None, stats) or attempt((n, 0, offs, steps), 0, stats)
        bad += v is not None
        print("%-4s %-75s %s" % ("BAD" if v else "ok", title, v or ""))
    for k in sorted(stats):
        if k.startswith("left out"):
            print("    %-80s %d" % (k, stats[k]))
    return bad


def main():
    a = [x for x in sys.argv[1:] if x != "-rules"]
    modes = MODES if len(a) > 1 and a[1] == "all" else a[1:2]
    if a[:1] == ["named"]:
        return named()
    if a[:1] == ["run"]:
        seed = int(a[3]) if len(a) > 3 else 0
        return sum(run(m, range(seed, seed + int(a[2]))) for m in modes)
    if a[:1] == ["show"]:
        seed = int(a[2])
        sched = generate(seed, a[1])
        size = a[3:4] != ["0"]
        v = attempt(sched, seed, size=size)
        if v:
            (n, nobs, offs, steps), v = shorten(
                sched, v, lambda s: attempt(s, seed, size=size), 120)
            print("  n=%d observers=%d clocks=%s" % (n, nobs, offs))
            for s in steps:
                print("   ", s)
            print("  ->", *v)
        return v is not None
    if a[:1] == ["test"]:
        count = int(os.environ.get("KV_REPLAYS", a[1])) // len(MODES) + 1
        part, parts = map(int, a[2].split("/")) if len(a) > 2 else (1, 1)
        bad = named() if part == parts else 0
        return bad + sum(run(m, range(part, count + 1, parts)) for m in MODES)
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main() != 0)
