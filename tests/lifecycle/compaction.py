"""Which rows a compaction drops, retirement, copies, and whose directory may go."""

import collections

from base import DEL, RETIRE, SEEN, File, Txn, base_sum, reaches, covers


class Compaction:
    def compact(w, c, H, crash, lazy=False):
        if not w.publish(c):
            return
        d = c.dev
        log = w.view[c.host][(d, "log")]
        if w.r["old_copies"]:
            w.drop_copies(c)
        H = min(H, w.wall(c))
        keep, dropped, live, acks = w.plan(c, H)
        if (lazy or w.lazy) and not dropped:
            return
        w.stats["rows dropped"] += len(dropped)
        w.stats["compactions"] += 1
        # the new generation
        id = w.newid(log.id)
        w.ghost[id] = dict(w.ghost[log.id])
        for r in dropped:
            w.ghost[id][r.uid] = (r.ts, d, r.seq, r.op, r.key, r.val, r.uid)
        ends = {}
        for r in keep:
            ends[r.txn] = r.seq
        seg = w.mkfile(
            d,
            id,
            [r._replace(txn=ends[r.txn]) for r in keep],
            (log.id, log.last, log.lsum),
            w.next_horizon(c, H),
            log.last,
        )
        w.not_awaited(c, id, live, acks)
        olds = [nm for (dd, nm), f in w.view[c.host].items() if dd == d and nm[0] == "seg"]
        w.put(d, ("seg", id, seg.last), seg)
        if crash == 1:
            return
        w.put(d, "log", seg._replace(base=seg.last, bsum=seg.lsum, rows=()))
        if crash == 2:
            return
        for nm in olds:
            w.put(d, nm, None)
            if crash == 3:
                return
        w.set_rows(c, d, seg, seg.rows, seg.last, seg.lsum)
        w.check(c, "compact")

    def next_horizon(w, c, H):
        """whatever made a row go is not later than the latest row that H reaches"""
        latest = max(
            (r.ts for rows in c.rows.values() for r in rows.values() if r.ts <= H), default=0
        )
        return max(c.hor[c.dev], latest)

    def plan(w, c, H):
        """which rows of the own log stay, which go; whom it waited for, and what they said"""
        d = c.dev
        live = [Y for Y in c.cur if Y != d and not w.retired(c, Y)]
        acks = {}
        clocks = {}
        for X in live:
            mine = c.rows[X]
            clocks[X] = [(q, r.ts) for q, r in mine.items() if r.op == SEEN]
            for q in sorted(mine):
                if mine[q].op == SEEN:
                    acks[X, mine[q].key] = mine[q]

        def stable(E, seq, ts=None):  # every live X other than E has acknowledged it
            for X in live:
                if X == E:
                    continue
                a = acks.get((X, E))
                if a is None or a.val[0][0] != c.cur[E][0][0] or a.val[1] < seq:
                    return False
                if ts is not None and w.r["ackts"]:  # and cannot write below it any more
                    if not any(q >= a.seq and t > ts for q, t in clocks[X]):
                        return False
            return True

        complete = True  # for tombstones: nobody can have, or get, a row below one
        for X in live:
            for E in c.cur:  # the generation that D has, or a later one
                if (
                    E in (X, d)
                    or not w.r["uptodate"]
                    or w.retired(c, E)
                    and not w.r["uptodate_retired"]
                ):
                    continue
                a, g = acks.get((X, E)), c.cur[E][0]
                if a is None and c.cur[E][1] == 0:
                    continue  # E has written nothing
                if a is None or a.val[0][0] != g[0] or a.val[0][1] < g[1]:
                    complete = False
        names = [(Z, a.val[0], a.val[1]) for (X, Z), a in acks.items()] if w.r["known"] else []
        if w.r["known_retired"]:
            names += [(Z, id, n) for Z, l in w.retires(c).items() for _, _, _, id, n in l]
        for Z, id, s in names:  # all that anybody names is merged here
            if Z == d:
                continue
            cz = c.cur.get(Z)
            if cz is None or id[0] == cz[0][0] and (id[1] > cz[0][1] or s > cz[1]):
                complete = False

        bykey = collections.defaultdict(list)
        for x in w.cands(c):
            bykey[x[4]].append(x)
        for l in bykey.values():
            l.sort()
        own = c.rows[d]
        later, dominated = {}, set()
        for k in sorted(own):
            r = own[k]
            if r.op == SEEN and r.ts <= H:
                later[r.key] = k
            if r.op < SEEN:
                for s in bykey[r.key]:
                    if (
                        s[:3] > (r.ts, d, r.seq)
                        and s[0] <= H
                        and s[2] < 10**9
                        and (s[1] == d or stable(s[1], s[2]))
                    ):
                        dominated.add(k)
                        break
        dropped, keep = [], []
        for k in sorted(own):
            r = own[k]
            if r.op == RETIRE:
                keep.append(r)
                continue
            if r.op == SEEN:
                if later.get(r.key, 0) <= k:
                    keep.append(r)
                continue
            out = k in dominated
            if (
                not out
                and r.op == DEL
                and r.ts <= H
                and complete
                and bykey[r.key][-1][:3] == (r.ts, d, r.seq)
                and stable(d, r.seq, r.ts)
            ):
                if all(x[1] == d and (x[2] == k or x[2] in dominated) for x in bykey[r.key]):
                    out = True
                    ak = {}
                    for Y in live:
                        for q in c.rows[Y].values():
                            if q.op == SEEN:
                                ak.setdefault(q.key, []).append(q.val[:2])
                    w.drop[r.uid] = (
                        {x[6] for x in w.cands(c) + w.ghosts(c)},
                        frozenset(live) | {d},
                        ak,
                        {
                            (X, id[0]): max(n for _, _, _, i, n in l if i[0] == id[0])
                            for X, l in w.retires(c).items()
                            for _, _, _, id, _ in l
                        },
                    )
                    w.stats["tombstones dropped"] += 1
            (dropped if out else keep).append(r)
            if (
                out
                and w.strange
                and any(x[1] != d and c.cur[x[1]][0][0] in w.strange for x in bykey[r.key])
            ):
                w.e13keys.add(r.key)
        return keep, dropped, live, acks

    def not_awaited(w, c, id, live, acks):
        """whom this compaction did not wait for (E2)"""
        d = c.dev
        at = list(c.cur.items()) + [(d, (id, 0, 0))]

        def exempt(o, why):
            if not o.exempt:
                w.stats["E2 caches not waited for: " + why] += 1
            if o.exempt and o.needs is None:
                return
            o.exempt = o.exempt or why
            o.needs = o.needs or {}
            for E, v in at:
                if E not in o.needs or not covers(o.needs[E], v):
                    o.needs[E] = v

        for E, v in at:
            if E not in w.needs or not covers(w.needs[E], v):
                w.needs[E] = v
        for o in w.caches:
            if o is c or o.dead:
                continue
            if o.dev is None or o.dev != d and o.dev not in live:
                exempt(o, "not awaited")
            elif o.dev == d:
                if any(not covers(o.cur.get(E), v) for E, v in c.cur.items() if E != d):
                    exempt(o, "second cache")
            elif not covers(o.cur.get(o.dev), c.cur[o.dev]) or any(
                not covers(o.cur.get(E), acks[o.dev, E].val) for E in c.cur if (o.dev, E) in acks
            ):
                exempt(o, "second cache")

    def write_copy(w, c, X):
        """devices/R/of/X.db from the cache: one file, one rename"""
        id, seq, sm = c.cur[X]
        m = w.view[c.host].get((c.dev, ("of", X)))
        if m is not None and (m.id, m.last) == (id, seq):
            return
        w.put(
            c.dev,
            ("of", X),
            File(
                X,
                id,
                0,
                base_sum(X, id),
                tuple(c.rows[X][k] for k in sorted(c.rows[X])),
                seq,
                sm,
                c.former[X],
                c.hor[X],
                False,
            ),
        )
        w.stats["copies written"] += 1

    def retire(w, c, X, crash=0):
        if (
            c.dev is None
            or X == c.dev
            or X not in c.cur
            or c.state.get(X) in ("waiting", "damaged", "stranger")
            or not w.publish(c)
            or w.retired(c, X)
        ):
            return
        todo = [X]
        if w.r["chain"]:
            todo += [
                Z
                for Z, l in w.retires(c).items()
                if any(dd == X for _, dd, _, _, _ in l) and Z not in (c.dev, X) and Z in c.cur
            ]
        for Z in todo:
            w.write_copy(c, Z)
            if crash == 1:
                return
        ts = w.hlc(c)
        w.uid += 1
        c.hlc = max(c.hlc, ts)
        c.waiting.append(Txn(ts, w.vec(c), [(ts, RETIRE, X, c.cur[X], w.uid)]))
        w.publish(c)
        w.stats["retirements"] += 1
        if len(todo) > 1:
            w.stats["... of a retirer"] += 1
        w.check(c, "retire")

    def drop_copies(w, c):
        """own copies of devices that are back"""
        for dd, nm in list(w.view[c.host]):
            if dd != c.dev or nm[0] != "of" or nm[1] not in c.cur or w.retired(c, nm[1]):
                continue
            X = nm[1]
            id, seq, _ = c.cur[X]
            log = w.view[c.host].get((X, "log"))
            if log is None or log.id[0] != id[0]:
                continue
            rows, q, sm, st = w.read_on(c.host, X, 0, base_sum(X, log.id))
            if st == "ok" and (log.id[1], q) >= (id[1], seq):
                w.put(dd, nm, None)
                w.stats["copies of devices that are back: deleted"] += 1

    def heal(w, c):
        """a retired log of which no file here has what this cache has"""
        for X in sorted(w.retires(c)):
            cur = c.cur.get(X)
            if (
                X == c.dev
                or cur is None
                or cur[0][0] not in {id[0] for _, _, _, id, _ in w.retires(c)[X]}
            ):
                continue
            if any(reaches(f, cur[0], cur[1]) for R, f in w.copies(c.host, X)):
                continue
            log = w.view[c.host].get((X, "log"))
            if log is not None and log.id[0] == cur[0][0]:
                rows, seq, sm, st = w.read_on(c.host, X, 0, base_sum(X, log.id))
                if st == "ok" and (log.id[1], seq) >= (cur[0][1], cur[1]):
                    continue
            w.write_copy(c, X)
            w.stats["copies by another that has the rows"] += 1

    def may_go(w, c, h, X):
        """what kv_devices says of X's directory"""
        if c.dead or X not in c.cur or not w.retired(c, X):
            return False

        def kept(Z):
            if Z not in c.cur:
                return False
            id, seq, _ = c.cur[Z]
            need = [(id, seq)]
            if w.r["dirs"]:
                for Y, rows in c.rows.items():
                    for r in rows.values():
                        if r.op in (SEEN, RETIRE) and r.key == Z and r.val[0][0] == id[0]:
                            need.append(r.val[:2])
            fs = [f for R, f in w.copies(h, Z) if R != X and not w.retired(c, R)]
            return any(all(reaches(f, i, s) for i, s in need) for f in fs)

        if not kept(X):
            return False
        if w.r["dirs"]:
            for dd, nm in w.view[h]:
                if (
                    dd == X
                    and nm[0] == "of"
                    and nm[1] not in (X, c.dev)
                    and not kept(nm[1])
                    and (w.retired(c, nm[1]) or not w.indir(h, nm[1]))
                ):
                    return False
        return True
