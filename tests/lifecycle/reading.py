"""kv_sync(): what is read of another device's files, in which order, and when it is
acknowledged."""

from base import SEEN, Txn, base_sum, cut, reach


class Reading:
    def look(w, c, d):
        """what kv_sync() would do with device d: (state,), or what to append or replace:
        (kind, file, rows, seq, sum, state)"""
        h, cur = c.host, c.cur.get(d)
        log = w.view[h].get((d, "log"))
        lin = w.retired_lineage(c, d)
        if lin is None and w.r["stranger"] and w.r["copy_lineage"]:
            lin = min((f.id[0] for R, f in w.copies(h, d)), default=None)
            if cur is not None and lin != cur[0][0]:
                lin = None
        other = cur is not None and lin not in (None, cur[0][0])
        if other:
            cur = None
        a = (
            ("forget",)
            if other
            else ("stranger",)
            if log is not None and lin not in (None, log.id[0])
            else w.look_log(c, d, cur)
        )
        if other and log is not None and log.id[0] == lin:
            b = w.look_log(c, d, None)
            if len(b) > 1 and b[5] == "ok":
                a = b
        fs = [f for R, f in w.copies(h, d)]
        if not fs or not w.r["furthest"]:
            return a
        if lin is None:
            lin = (
                cur[0][0]
                if cur
                else log.id[0]
                if log
                else max(fs, key=lambda f: (f.id[0], f.id[1], f.last)).id[0]
            )
        G = max([f for f in fs if f.id[0] == lin], key=reach, default=None)
        if G is None or len(a) > 1 and a[1].id[0] != lin:
            return a
        if cur is None or G.id[1] > cur[0][1]:
            if (
                len(a) > 1
                and (a[1].id[1], a[3]) >= (G.id[1], G.last)
                and (a[0] == "replace" or cur)
            ):
                return a
            return ("replace", G, G.rows, G.last, G.lsum, "ok")
        if G.id == cur[0]:
            if (
                G.last > cur[1]
                and w.sum_at(G, cur[1]) == cur[2]
                and not (len(a) > 1 and (a[1].id[1], a[3]) >= (G.id[1], G.last))
            ):
                return ("append", G, [r for r in G.rows if r.seq > cur[1]], G.last, G.lsum, "ok")
            if len(a) == 1 and (G.last, G.lsum) == cur[1:]:
                return ("fine",)
        return a

    def look_log(w, c, d, cur):
        h = c.host
        log = w.view[h].get((d, "log"))
        if log is None:
            return ("missing",) if cur is not None and not w.indir(h, d) else ("waiting",)
        if cur is None:
            rows, seq, sm, st = w.read_on(h, d, 0, base_sum(d, log.id))
            if st == "torn" and log.former is None:  # a first reading of a plain log: what is here
                rows, seq, sm = cut(rows, 0, base_sum(d, log.id))
                return ("replace", log, rows, seq, sm, "waiting")
            return ("replace", log, rows, seq, sm, "ok") if st == "ok" else ("waiting",)
        if log.id == cur[0]:
            rows, seq, sm, st = w.read_on(h, d, cur[1], cur[2])
            if st == "short":
                if w.knows_end(c, d, log):
                    return ("behind",)
                st = "fork"
            if st == "fork":
                rows, seq, sm, st = w.read_on(h, d, 0, base_sum(d, log.id))
                return ("replace", log, rows, seq, sm, "rewritten") if st == "ok" else ("damaged",)
            if st == "torn":
                rows, seq, sm = cut(rows, cur[1], cur[2])
            return ("append", log, rows, seq, sm, "ok" if st == "ok" else "waiting")
        if log.id[0] == cur[0][0] and log.id < cur[0]:
            return ("behind",)  # never back, whatever it has
        rows, seq, sm, st = w.read_on(h, d, 0, base_sum(d, log.id))
        return ("replace", log, rows, seq, sm, "rewritten") if st == "ok" else ("waiting",)

    def apply(w, c, d, a):
        c.state[d] = "ok" if a[0] == "fine" else a[0] if len(a) == 1 else a[5]
        if a[0] == "forget":  # the rows of another lineage than the retired one
            for m in (c.cur, c.rows, c.former, c.hor):
                m.pop(d, None)
            c.ver += 1
            c.state[d] = "stranger"
        if len(a) == 1:
            return
        kind, log, rows, seq, sm, _ = a
        if kind == "append":
            for r in rows:
                c.rows[d][r.seq] = r
                c.ever.add(r.uid)
                c.ver += 1
            c.cur[d] = (log.id, seq, sm)
        else:
            w.set_rows(c, d, log, rows, seq, sm)

    def ack_due(w, c):
        """None: nothing to acknowledge. Else what is said of each device, and the devices
        about which a row is written even if it says nothing new."""
        last, when, vec, force, due = {}, None, w.vec(c), set(), False
        for k in sorted(c.rows[c.dev]):
            r = c.rows[c.dev][k]
            if r.op == SEEN:
                last[r.key], when = r.val, r.ts
        now = w.hlc(c)
        for E, cur in c.cur.items():
            a = last.get(E)
            if E == c.dev or a is None and cur[1] == 0:
                continue
            if w.r["upwards"] and a is not None and a[0][0] == cur[0][0] and a[:2] >= cur[:2]:
                vec.pop(E, None)  # another cache of this device has read as far
            if a is None or a[0][0] != cur[0][0] or a[0] < cur[0] and w.r["generations"]:
                due = True
                continue
            if a[0] > cur[0]:
                due = due or not w.r["upwards"]
                continue
            for r in c.rows[E].values():
                if r.op == SEEN:
                    continue
                if r.seq > a[1]:
                    due = True
                if when <= r.ts < now and r.op < SEEN and w.r["future"]:
                    due = True
                    force.add(E)
                    vec[E] = cur
        if not due or when is not None and w.wall(c) - w.day < when <= w.wall(c) + w.day and w.day:
            return None
        return vec, force

    def sync(w, c, order, stop, ack):
        if c.dead or w.away[c.host]:
            return
        if (
            c.synced in ((w.vver[c.host], c.ver, True), (w.vver[c.host], c.ver, ack))
            and not c.waiting
            and not (ack and w.day)
        ):
            return
        own, ver = c.dev is not None and not w.twin[c.dev], c.ver
        if own and (
            (c.dev, "log") in w.view[c.host]
            or w.copies(c.host, c.dev)
            or c.waiting
            or c.dev in c.cur
        ):
            w.publish(c)
        if c.dead:
            return
        ds = [
            d
            for d in range(w.n)
            if d != c.dev and (d in c.cur or w.indir(c.host, d) or w.copies(c.host, d))
        ]
        ds.sort(key=lambda d: (order * 40503 + 977) * (d + 3) * 2654435761 >> 7 & 0xFFFF)
        full = stop >= len(ds)
        acts = [(d, w.look(c, d)) for d in ds[:stop]]
        if w.r["once"]:
            for d, a in acts:
                if a[0] == "append":
                    w.apply(c, d, a)
                    w.check(c, "sync")
            if full:
                w.has_all(c, acts)
                for d, a in acts:
                    if a[0] != "append":
                        w.apply(c, d, a)
        else:
            if full:
                w.has_all(c, acts)
            for d, a in acts:
                w.apply(c, d, a)
                w.check(c, "sync, after device %d" % d)
        w.check(c, "sync")
        if own and c.dev in c.cur and not w.twin[c.dev]:
            said = w.ack_due(c) if ack else None
            if said is not None:
                vec, force = said
                c.waiting.append(Txn(w.hlc(c), vec, [], force))
                c.hlc = max(c.hlc, c.waiting[-1].ts)
                if not w.publish(c):
                    c.waiting.pop()
                w.check(c, "ack")
            if full and w.r["heal"]:
                w.heal(c)
        if full and ver == c.ver:
            c.synced = (w.vver[c.host], ver, ack)
