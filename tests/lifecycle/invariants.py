"""What must hold, after each step and at the end.

Beside each generation of a log the world keeps its ghosts, the rows that compaction
dropped. The shadow of a cache, its rows and the ghosts of all generations that it
merged, is what it would show had nobody ever compacted. A deviation is a Violation
unless it is one of the exceptions of README.md, each of which is told by its cause
and counted.
"""

from base import DEL, SEEN, SET, SPAN, Cache, Violation, base_sum, covers, winners


class Oracle:
    def ghosts(w, c):
        out = []
        for d in c.rows:
            out += w.ghost[c.cur[d][0]].values()
        return out

    def allowed(w, real, sh):
        """E1: the shadow's winner is a dropped tombstone, the real row is one that its dropper had not
        seen and did not wait for (and that its writer wrote before it knew: commit() checks that)
        """
        if real is None or sh is None:
            return False
        u, r = sh[6], real[6]
        info = w.drop.get(u)
        if info is None:
            return False
        seen, awaited, acked, retired = info
        if r in w.e5:
            return True
        if r in w.waited:
            if (r, u) not in w.told:
                w.told.add((r, u))
                w.stats["E14 a row that waited in a backup is published again"] += 1
            return True
        if r in seen:
            return False
        p, dev = w.published.get(r), w.writer.get(r)
        several = sum(c.dev == dev for c in w.caches) > 1 or dev in w.restored | w.lostdir
        if p is None:
            why = "waits in a cache" if dev not in awaited or several else None
        elif dev not in awaited:
            why = "by a device not awaited (new, retired)"
        elif dev == sh[1] and several:
            why = "waited in another cache of the device that dropped it"
        elif r in w.late and several:
            why = "published behind an ack of another cache of its device"
        else:
            why = None
        if p and any(i[0] == p[1][0] and q >= p[2] for i, q in acked.get(p[0], ())):
            why = None  # an acker had it
        if p and retired.get((p[0], p[1][0]), -1) >= p[2]:
            why = None  # the retirer had it
        if why and (r, u) not in w.told:
            w.told.add((r, u))
            w.stats["E1 late row outlives dropped tombstone: " + why] += 1
        return why is not None

    def diff(w, a, b):
        for k in a.keys() | b.keys():
            x, y = a.get(k), b.get(k)
            if x is y:
                continue
            vx = None if x is None or x[3] == DEL else x[5]
            vy = None if y is None or y[3] == DEL else y[5]
            if vx != vy and not w.allowed(x, y):
                if k in w.e13keys:
                    w.stats["E13 a key dropped under a row of a stranger"] += 1
                    continue
                if k in w.e4keys:
                    w.stats["E4 a key of rows that were rolled back"] += 1
                    continue
                return k, x, y
        return None

    def check(w, c, where):
        if c.checked == c.ver:
            return
        c.checked = c.ver
        if c.exempt and c.needs is not None:
            if all(covers(c.cur.get(d), v) for d, v in c.needs.items()):
                c.exempt, c.needs = "", None
                w.stats["E2 caches not waited for that caught up"] += 1
        if c.dead or c.exempt or (c.dev is not None and w.twin[c.dev]):
            return
        if w.strange and any(v[0][0] in w.strange for v in c.cur.values()):
            return
        g = w.ghosts(c)
        if not g:
            return
        real = w.cands(c)
        d = w.diff(winners(real), winners(real + g))
        if d:
            raise Violation(
                "I2/I3",
                "%s: cache of %s key %d shows %s, shadow %s" % (where, c.dev, d[0], d[1], d[2]),
            )
        H = max(c.hor.values(), default=0)
        if H:
            ts = sorted({x[0] for x in real if x[0] > H})
            for T in {H, *ts[:1], *ts[len(ts) // 2 : len(ts) // 2 + 1]}:
                a = [x for x in real if x[0] <= T]
                d = w.diff(winners(a), winners(a + [x for x in g if x[0] <= T]))
                if d:
                    raise Violation(
                        "I6",
                        "%s: cache of %s as_of(%d) H=%d key %d: %s, shadow %s"
                        % (where, c.dev, T, H, d[0], d[1], d[2]),
                    )

    def has_all(w, c, acts):
        """everything that a compaction had is here: from now on this cache must be right, too"""
        if c.needs is None:
            return
        then = dict(c.cur)
        for d, a in acts:
            if len(a) > 1:
                then[d] = (a[1].id, a[3], a[4])
        if all(covers(then.get(d), v) for d, v in c.needs.items()):
            c.exempt, c.needs = "", None
            w.stats["E2 caches not waited for that caught up"] += 1

    def finish(w, size):
        w.settle()
        live = [c for c in w.caches if not c.dead and not (c.dev is not None and w.twin[c.dev])]
        e8 = [
            c
            for c in live
            if c.dev is not None
            and (c.dev, "log") in w.view[c.host]
            and w.view[c.host][(c.dev, "log")].base
            and not w.publish(c)
            and not c.dead
            and not w.twin[c.dev]
        ]
        for c in e8:
            if c.dev in c.cur and w.view[c.host][(c.dev, "log")].former == c.cur[c.dev]:
                raise Violation("I8", "device %d waits for itself" % c.dev)
        w.stats["E8 own sealed files lost"] += len(e8)  # waiting, adopt=1
        live = [
            c
            for c in live
            if c not in e8 and not c.dead and not (c.dev is not None and w.twin[c.dev])
        ]
        for c in live:
            c.exempt = ""
        for h in range(len(w.view)):
            c = Cache(None, h, False)
            c.exempt = "fresh"
            w.caches.append(c)
            live.append(c)
            for i in range(4):
                w.sync(c, 5, 99, False)
            c.exempt = ""
        ref = live[-1]
        for d in range(w.n):
            if w.twin[d]:
                if d not in w.rolled and (
                    d not in w.restored | w.lostdir or sum(c.dev == d for c in w.caches) < 2
                ):
                    raise Violation("twin", "device %d" % d)
                w.stats["twins, rolled back (E4)" if d in w.rolled else "twins, restored (E9)"] += 1
                w.roll(d, ())
        bad = set(w.rolled)
        e7 = {c.dev for c in e8}
        for d in range(w.n):
            log = w.view[d].get((d, "log"))
            if (
                log
                and log.base
                and not any(o.dev == d and not o.dead for o in w.caches)
                and w.read_on(d, d, 0, base_sum(d, log.id))[3] == "gap"
            ):
                w.stats["E8 sealed files of a dead device lost"] += 1
                e7.add(d)
        if w.rolled:
            e7 |= {
                d for d in w.deleted if not any(o.dev == d and not o.dead for o in w.caches)
            }  # E4: the retirer was rolled back
        for c in live:
            for d, v in c.cur.items():
                if (
                    (c.dev is None or c.dev not in c.cur)
                    and not any(o.dev == d and not o.dead and not o.newmachine for o in w.caches)
                    and not any(
                        d in o.cur and o.cur[d][0][0] == v[0][0] and covers(o.cur[d], v)
                        for o in live
                        if o.dev in o.cur or o is ref
                    )
                ):
                    if d not in e7:
                        w.stats["E7 rows of a dead device that only caches without a log have"] += 1
                    e7.add(d)
        bad |= e7
        for d in e7:
            w.roll(d, ())
        for c in live:
            for d in range(w.n):
                if (
                    d == c.dev
                    or w.twin[d]
                    or d in e7
                    or not any(k[0] == d and k[1][0] != "of" for k in w.view[c.host])
                ):
                    continue
                if d in w.rolled and c.state.get(d) == "behind":
                    if (
                        c.dev is None
                        or c.dev not in c.cur
                        or c.dev in w.rolled
                        or not w.has_said(c, d)
                        or not any(o.dev == d and not o.dead for o in w.caches)
                    ):
                        w.stats[
                            "E4 rolled back, read further by one that has not said so, or it is dead"
                        ] += 1
                        w.e4keys.update(
                            r.key
                            for l in w.hist[d].values()
                            for f in l
                            if f is not None and f.dev == d
                            for r in f.rows
                            if r.op < SEEN
                        )
                        continue
                if c.state.get(d) not in ("ok", "rewritten", "stranger"):
                    raise Violation(
                        "I8",
                        "cache of %s at host %d: device %d stays %s"
                        % (c.dev, c.host, d, c.state.get(d)),
                    )
            a, b = winners(w.cands(c)), winners(w.cands(ref))
            for k in a.keys() | b.keys():
                x, y = a.get(k), b.get(k)
                if (x and x[3] == SET and x[5]) != (y and y[3] == SET and y[5]):
                    if (
                        (x is None or x[3] == DEL)
                        and (y is None or y[3] == DEL)
                        or k in w.e4keys
                        or k in w.e13keys
                    ):
                        continue
                    raise Violation(
                        "I1/I7",
                        "cache of %s at %d: key %d %s, others %s" % (c.dev, c.host, k, x, y),
                    )
            for d, rr in c.rows.items():
                uids = [r.uid for r in rr.values() if r.op < SEEN and r.uid is not None]
                several = sum(o.dev == d for o in w.caches) > 1
                if len(uids) > len(set(uids)) and not several:
                    raise Violation("I14", "the log of device %d has a row twice" % d)
            la = {
                (d, r.seq, r.uid) for d, rr in c.rows.items() if d not in bad for r in rr.values()
            }
            lb = {
                (d, r.seq, r.uid) for d, rr in ref.rows.items() if d not in bad for r in rr.values()
            }
            if la != lb:
                raise Violation(
                    "I1 log",
                    "cache of %s at %d: %s" % (c.dev, c.host, sorted(la ^ lb, key=str)[:3]),
                )
        # the shadow of all rows
        allsh = {x[6]: x for c in live for x in w.cands(c) + w.ghosts(c)}
        strangers = {c.dev for c in w.caches if c.newmachine}
        hor = {d: max([0] + [c.hor[d] for c in live if d in c.cur]) for d in range(w.n)}

        form = {
            d: max([0] + [c.former[d][1] for c in live if d in c.cur and c.former[d]])
            for d in range(w.n)
        }

        def e9(u, d):  # rows later than the horizon or behind former_seq are saved
            return (
                d in w.restored | w.lostdir
                and sum(c.dev == d for c in w.caches) > 1
                and w.tsof.get(u, 0) <= hor[d]
                and (u not in w.published or w.published[u][2] <= form[d])
            )

        # a sealed file is read only beside a log.db of its lineage
        files = {f.id[0] for v in w.view for (_, nm), f in v.items() if nm[0] != "seg"}

        def e13(p):  # of a stranger, or what nobody had when the device was retired
            return (
                p[1][0] in w.strange
                or p[0] in strangers
                and p[1][0] not in files
                or p[0] in strangers
                and not any(
                    id[0] == p[1][0] and p[2] <= n
                    for l in w.retires(ref).get(p[0], ())
                    for *_, id, n in [l]
                )
            )

        present = (
            set(allsh)
            | {r.uid for c in live + e8 for rr in c.rows.values() for r in rr.values()}
            | {x[4] for c in e8 for t in c.waiting for x in t.rows}
        )
        w.e13keys.update(
            r.key
            for d in strangers
            for l in w.hist[d].values()
            for f in l
            if f is not None
            for r in f.rows
            if r.op < SEEN and r.uid not in present and e13(w.published[r.uid])
        )
        best = winners(allsh.values())
        for c in live:
            d = w.diff(winners(w.cands(c)), best)
            if d:
                raise Violation(
                    "I2 end",
                    "cache of %s at %d: key %d shows %s, shadow %s"
                    % (c.dev, c.host, d[0], d[1], d[2]),
                )
        for u in {u for c in live for u in c.ever} - present:
            if u is None or u in w.lost:
                continue
            p = w.published.get(u)
            if p is None or p[0] in bad:
                continue
            if e9(u, p[0]):
                w.stats["E9 rows lost"] += 1
                continue
            if e13(p):
                w.stats["E13 rows of a stranger"] += 1
                continue
            raise Violation("I4b", "row %d, once merged, is nowhere" % u)
        for u in w.promised - present:
            if w.rolled:
                w.stats["E4 rows of a directory that went, its copy rolled back"] += 1
                continue
            if not e9(u, w.published[u][0]) and not e13(w.published[u]):
                raise Violation("I4c", "row %d went with a directory" % u)
        for u, d in w.acked.items():
            if (
                u in present
                or u in w.lost
                or w.twin[d]
                or any(c.dead and c.dev == d for c in w.caches)
            ):
                continue
            if d in w.rolled and u in w.rolled[d]:
                w.stats["E4 rows rolled back"] += 1
                continue
            if e9(u, d):
                w.stats["E9 rows lost"] += 1
                continue
            raise Violation("I4", "row %d of device %d is nowhere" % (u, d))
        w.rest()
        if size and not bad:
            w.size(live)

    def has_said(w, c, d):
        """whether c's own log names all that c has read of d"""
        v = [r.val for r in c.rows[c.dev].values() if r.op == SEEN and r.key == d]
        return bool(v) and covers(v[-1], c.cur[d])

    def size(w, live):
        """I10"""
        w.off = [0] * len(w.off)
        w.now += 3 * SPAN + 1000 + w.day
        byd = {}
        for c in w.caches:
            c.synced = None  # clocks are set
        for c in live:
            if c.dev is not None and c.dev in c.cur:
                byd.setdefault(c.dev, c)
        ref = live[-1]
        if any(d not in byd and not w.retired(ref, d) for d in ref.cur):
            return
        for rnd in range(3):  # 2, but acknowledgements may be older than a clock that is ahead
            for i in range(3):
                for c in byd.values():
                    w.sync(c, 0, 99, True)
                    w.now += 7 + w.day
                for d in range(w.n):
                    for h in range(len(w.view)):
                        w.deliver(h, d, "all", 0)
            for d, c in sorted(byd.items()):
                w.now += 7 + w.day
                w.compact(c, w.now - 10, 0, True)
        w.settle()
        for i in range(2):
            w.sync(ref, 0, 99, False)
        win = winners(w.cands(ref))
        old = w.now - 1500 - 30 * w.day
        kept = {
            r.key
            for d, rr in ref.rows.items()
            if w.retired(ref, d)
            for r in rr.values()
            if r.op < SEEN
        }
        for d, rr in ref.rows.items():
            if w.retired(ref, d):
                continue
            for r in rr.values():
                if r.op < SEEN and r.ts < old:
                    x = win[r.key]
                    if (x[6] != r.uid or x[3] == DEL and r.key not in kept) and x[0] < old:
                        raise Violation("I10", "device %d still holds %s (winner %s)" % (d, r, x))
        for dd, nm in w.view[ref.host]:
            if nm[0] == "of" and dd in byd and nm[1] in byd and not w.retired(ref, nm[1]):
                raise Violation("I10", "device %d keeps a copy of %d" % (dd, nm[1]))
        w.stats["size checked"] += 1
        if any(w.retired(ref, X) for X in ref.cur):
            w.stats["size checked, with a retired device"] += 1
