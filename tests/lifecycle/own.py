"""The own log: its lock, taking over what another cache did, appending, sealing.

lock_own() repairs in a fixed order and refuses where it cannot tell what is right.
"""

from base import AHEAD, SEEN, SET, File, Row, Txn, Violation, base_sum, chain, reach, winners


class Own:
    def rebuild(w, c):
        """log.db anew from the cache"""
        d = c.dev
        id, seq, sm = c.cur[d]
        f = File(
            d,
            id,
            0,
            base_sum(d, id),
            tuple(c.rows[d][k] for k in sorted(c.rows[d])),
            seq,
            sm,
            c.former[d],
            c.hor[d],
            False,
        )
        w.put(d, "log", f)
        return f

    def next_generation(w, c, old, ghosts, rows, former, hor, last, me=None):
        d = c.dev
        id = w.newid(old)
        for g in ghosts:
            w.ghost[id].update(w.ghost[g])
        log = w.mkfile(d, id, rows, former, hor, last)
        w.put(d, "log", log)
        if me:
            w.takeover(c, log, log.rows, log.last, log.lsum)
        else:
            w.set_rows(c, d, log, log.rows, log.last, log.lsum)
        return log

    def refuse(w, c, other=False):
        if other:
            c.dead = True  # another machine
        else:
            w.twin[c.dev] = True
        return None

    def lock_own(w, c):
        """take the own log's lock: repair, finish what a crash left, merge it. -> log or None"""
        d, h = c.dev, c.host
        if d is None or w.twin[d] or w.away[h] or c.dead:
            return None
        v = w.view[h]
        log, me = v.get((d, "log")), c.cur.get(d)
        lin = w.retired_lineage(c, d)
        if w.r["machine"] and (
            c.newmachine
            and (lin is not None or w.copies(h, d))
            or lin is not None
            and (me or log)
            and (me[0] if me else log.id)[0] != lin
        ):
            c.dead = True  # refused: another name
            if not c.newmachine and not any(o.newmachine for o in w.caches if o.dev == d):
                raise Violation("I11", "device %d is refused under its own name" % d)
            w.stats["a new machine under a retired name is refused"] += 1
            return None
        if c.newmachine and log is not None and log.id[0] not in w.strange:
            c.dead = True  # the log of another machine: as today
            return None
        if log is not None:  # sealed files of a compaction that did not get to its log.db
            for f in w.segs(h, d):
                if (
                    f.id[0] == log.id[0]
                    and f.id[1] > log.id[1]
                    and not (me and (me[0][1], me[1]) > (log.id[1], log.last))
                ):
                    if f.former != (log.id, log.last, log.lsum):
                        return w.refuse(c)  # log.db was rolled back
        if log is None:
            kept = [f for R, f in w.copies(h, d) if f.id[0] == (me[0][0] if me else lin or f.id[0])]
            G = max(kept, key=reach, default=None) if w.r["comeback"] else None
            if G and (me is None or (G.id[1], G.last) > (me[0][1], me[1])):
                # somebody has kept the log
                log = w.next_generation(
                    c, G.id, [G.id], G.rows, (G.id, G.last, G.lsum), G.horizon, G.last, me
                )
                w.stats["a device begins again with its copy"] += 1
            elif me is not None:
                log = w.rebuild(c)
            else:
                if w.r["comeback"] and d in w.retires(c):
                    return None  # waits for its copy
                if w.segs(h, d) and w.r["sealed"]:
                    return None  # log.db was lost
                if any(
                    r.op == SEEN and r.key == d for rows in c.rows.values() for r in rows.values()
                ):
                    return w.refuse(c, c.newmachine)
                id = w.newid()
                if c.newmachine:
                    w.strange.add(id[0])
                log = File(d, id, 0, base_sum(d, id), (), 0, base_sum(d, id), None, 0, False)
                w.put(d, "log", log)
                w.set_rows(c, d, log, (), 0, log.bsum)
        elif me is None:
            rows, seq, sm, st = w.read_on(h, d, 0, base_sum(d, log.id))
            if st != "ok":
                return None
            w.set_rows(c, d, log, rows, seq, sm)
            w.forget_published(c, {(r.ts, r.op, r.key, r.val) for r in rows})
        elif log.id == me[0]:
            rows, seq, sm, st = w.read_on(h, d, me[1], me[2])
            if st == "ok":
                for r in rows:
                    c.rows[d][r.seq] = r
                    c.ever.add(r.uid)
                    c.ver += 1
                c.cur[d] = (log.id, seq, sm)
                w.forget_published(c, {(r.ts, r.op, r.key, r.val) for r in rows})
            elif st == "short":
                if w.knows_end(c, d, log):
                    log = w.rebuild(c)
                else:
                    return w.refuse(c)
            elif st == "gap":  # this cache does not know what was in it
                if w.r["gap"]:
                    return None
                log = w.rebuild(c)
            else:
                return w.refuse(c)
        elif log.id[0] != me[0][0]:
            return w.refuse(c)
        elif log.id > me[0]:
            rows, seq, sm, st = w.read_on(h, d, 0, base_sum(d, log.id))
            if st == "gap" and log.former == me and w.r["repair"]:
                log = w.next_generation(
                    c,
                    log.id,
                    [me[0]],
                    [c.rows[d][k] for k in sorted(c.rows[d])] + list(log.rows),
                    (log.id, log.last, log.lsum),
                    c.hor[d],
                    log.last,
                )
                w.stats["generations made from a cache"] += 1
            elif st != "ok":
                return None
            else:
                w.takeover(c, log, rows, seq, sm)
        else:
            known = {r.uid for r in c.rows[d].values()} | set(w.ghost[me[0]])
            if not all(r.uid in known or r.op == SEEN for r in log.rows):
                return w.refuse(c)
            log = w.rebuild(c)
        # acknowledged for what is not there: the log was rolled back
        id, seq, sm = c.cur[d]
        for X, rows in c.rows.items():
            if X == d:
                continue
            for r in rows.values():
                if r.op == SEEN and r.key == d:
                    pid, pseq, psum = r.val
                    if pid[0] != id[0]:
                        continue
                    if (
                        pid[1] > id[1]
                        or pseq > seq
                        or pid == id
                        and pseq in c.rows[d]
                        and c.rows[d][pseq].sum != psum
                    ):
                        return w.refuse(c)
        # sealed files that are gone (a deletion came by sync): from the cache
        at = 0
        for f in sorted((f for f in w.segs(h, d) if f.id == log.id), key=lambda f: f.base):
            if f.base <= at < f.last:
                at = f.last
        if at < log.base:
            log = w.rebuild(c)
        for (dd, nm), f in list(v.items()):  # files of other generations go
            if dd == d and nm[0] == "seg" and f.id != log.id:
                w.put(d, nm, None)
        # waiting transactions that are in already (crash between the two phases)
        for t in list(c.waiting):
            if (
                t.prepared
                and t.prepared[0] == log.id
                and t.prepared[1] in c.rows[d]
                and c.rows[d][t.prepared[1]].sum == t.prepared[2]
            ):
                c.waiting.remove(t)
                c.ver += 1
        if c.newmachine and log.id[0] not in w.strange:
            raise Violation("I11", "two machines write one log, device %d" % d)
        return w.view[h][(d, "log")]

    def takeover(w, c, log, rows, seq, sm):
        """a new generation of the own log, made by another cache of this device"""
        d = c.dev
        old = list(c.rows[d].values())
        have = {(r.ts, r.op, r.key, r.val) for r in rows}
        again = {}
        for r in old:
            if r.op == SEEN or (r.ts, r.op, r.key, r.val) in have:
                continue
            if r.ts > log.horizon or w.r["again_seq"] and log.former and r.seq > log.former[1]:
                again.setdefault(r.txn, []).append((r.ts, r.op, r.key, r.val, r.uid))
        w.set_rows(c, d, log, rows, seq, sm)
        if not w.r["again"]:
            again = {}
        w.forget_published(c, have)
        for t in list(c.waiting):
            if t.prepared:
                t.rows = [
                    x
                    for x in t.rows
                    if x[:4] not in have
                    and (x[0] > log.horizon or t.prepared[1] > log.former[1] or not w.r["prepared"])
                ]
                t.prepared = None
                if not t.rows:
                    c.waiting.remove(t)
        for tx in sorted(again, reverse=True):
            c.waiting.insert(0, Txn(0, {}, again[tx]))
            w.stats["rows published again"] += 1

    def forget_published(w, c, have):
        """the cache is from a backup: the log may have rows that wait in it"""
        for t in list(c.waiting):
            if w.r["waited"] and t.rows and t.prepared is None and not t.is_new:
                t.rows = [x for x in t.rows if x[:4] not in have]
                if not t.rows:
                    c.waiting.remove(t)

    def append(w, c, log, t):
        d = c.dev
        last = {}
        for k in sorted(c.rows[d]):
            r = c.rows[d][k]
            if r.op == SEEN:
                last[r.key] = r.val
        body = [
            (t.ts, SEEN, p, t.vec[p], None)
            for p in sorted(t.vec)
            if last.get(p) != t.vec[p] or p in t.force
        ] + list(t.rows)
        if not body:
            return log
        for p in last:  # late: the log acknowledges more than this transaction had seen
            v = t.vec.get(p)
            if v is None or (v[0][1], v[1]) < (last[p][0][1], last[p][1]):
                w.late.update(x[4] for x in t.rows)
        seq, sm = log.last, log.lsum
        txn = seq + len(body)
        rows = list(log.rows)
        for ts, op, key, val, uid in body:
            seq += 1
            sm = chain(sm, seq, txn, ts, op, key, val)
            r = Row(seq, txn, ts, op, key, val, sm, uid)
            rows.append(r)
            c.rows[d][seq] = r
            c.ever.add(uid)
            if uid is not None and uid not in w.published:
                w.published[uid] = (d, log.id, seq)
        f = log._replace(rows=tuple(rows), last=seq, lsum=sm)
        w.put(d, "log", f)
        c.ver += 1
        c.cur[d] = (log.id, seq, sm)
        return f

    def publish(w, c):
        log = w.lock_own(c)
        if log is None:
            return False
        while c.waiting:
            log = w.append(c, log, c.waiting.pop(0))
        return True

    def wall(w, c):
        return w.now + w.off[c.dev]

    def hlc(w, c):
        wall = w.wall(c)
        w.maxwall[c.dev] = max(w.maxwall[c.dev], wall)
        lim = wall + AHEAD
        m = c.hlc if c.hlc < lim else 0
        for rows in c.rows.values():
            for r in rows.values():
                if m < r.ts < lim:
                    m = r.ts
        for x in c.waiting:
            if m < x.ts < lim:
                m = x.ts
        if w.r["horizon_clock"]:
            for x in c.hor.values():
                if m < x < lim:
                    m = x
        return max(wall, m + 1)

    def vec(w, c):
        """what this cache has merged, for op 2 rows; an empty log is not worth one"""
        said = {r.key for r in c.rows.get(c.dev, {}).values() if r.op == SEEN}
        return {p: v for p, v in c.cur.items() if p != c.dev and (v[1] > 0 or p in said)}

    def commit(w, c, changes, crash2=False):
        if c.dev is None or c.dead or w.twin[c.dev]:
            return
        ts, wall = w.hlc(c), w.wall(c)
        real = w.cands(c)
        win, g = winners(real), w.ghosts(c)
        rows = []
        for key, op, val in changes:
            x = win.get(key)
            rts = ts if x is None or x[0] < ts else x[0] + 1
            w.uid += 1
            rows.append((rts, op, key, val if op == SET else 0, w.uid))
            w.writer[w.uid], w.tsof[w.uid] = c.dev, rts
            below = [y for y in g if y[4] == key and y[:3] > (rts, c.dev, 10**9)]
            if below:  # I5
                t = max(below)
                info = w.drop.get(t[6])
                set_back = w.maxwall[c.dev] >= wall + AHEAD
                if (
                    c.hor.get(t[1], 0) >= wall + AHEAD
                    and info
                    and (c.dev not in info[1] or set_back)
                ):
                    w.stats[
                        "E5 a write below a dropped tombstone: "
                        + ("clock set back" if set_back else "newcomer, clock behind")
                    ] += 1
                    w.e5.add(w.uid)
                elif not (x and w.allowed(x, t)):
                    raise Violation(
                        "I5",
                        "cache of %d (clock %d) writes key %d at %d below %s"
                        % (c.dev, wall, key, rts, t),
                    )
        t = Txn(ts, w.vec(c), rows)
        c.hlc = max(c.hlc, ts)
        before = list(c.waiting)
        c.waiting.append(t)
        c.ver += 1
        for x in rows:
            c.ever.add(x[4])
        t.is_new = True
        is_published = w.publish(c)
        t.is_new = False
        if is_published or c.persistent:
            for x in rows:
                w.acked[x[4]] = c.dev
            if crash2 and c.persistent and not c.waiting:
                t.prepared = c.cur[c.dev]
                c.waiting.append(t)  # the cache does not know that it is in
        else:
            c.waiting = before
            c.ver += 1
        w.check(c, "write")

    def seal(w, c, crash):
        log = w.lock_own(c)
        if log is None or not log.rows:
            return
        w.put(c.dev, ("seg", log.id, log.last), log)
        if crash != 1:
            w.put(c.dev, "log", log._replace(base=log.last, bsum=log.lsum, rows=()))
