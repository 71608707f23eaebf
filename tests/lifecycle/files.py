"""What a folder and a cache hold: files of a log, rows, who is retired."""

from base import RETIRE, SEEN, File, base_sum, chain


class Files:
    def segs(w, h, d):
        return [f for (dd, nm), f in w.view[h].items() if dd == d and nm[0] == "seg"]

    def copies(w, h, X):
        return [
            (R, f)
            for (R, nm), f in w.view[h].items()
            if nm[0] == "of" and nm[1] == X and not f.torn
        ]

    def indir(w, h, d):
        return any(k[0] == d and k[1][0] != "of" for k in w.view[h])

    def sum_at(w, f, seq):
        """the position n has the sum of the last row <= n"""
        if seq == f.base:
            return f.bsum
        if seq == f.last:
            return f.lsum
        if not f.base <= seq <= f.last:
            return None
        sm = f.bsum
        for r in f.rows:
            if r.seq > seq:
                break
            sm = r.sum
        return sm

    def knows_end(w, c, d, log):
        """whether the cache, which is of this generation, has the end of this file"""
        sm = base_sum(d, log.id)
        for k in sorted(c.rows[d]):
            if k > log.last:
                break
            sm = c.rows[d][k].sum
        return sm == log.lsum

    def read_on(w, h, d, seq, sm):
        """rows behind (seq, sum) of the generation of log.db -> rows, seq, sum, status"""
        log = w.view[h][(d, "log")]
        segs = sorted((f for f in w.segs(h, d) if f.id == log.id), key=lambda f: f.last)
        at = log.base  # it begins with the file that ends there, and so on: others do not count
        while at and (f := next((f for f in segs if f.last == at), None)):
            if f.base >= at:
                break
            segs = [o for o in segs if o.last <= f.base or o.last >= at]
            at = f.base
        out = []
        while True:
            f = log
            if log.base > seq:
                c = [s for s in segs if s.base <= seq < s.last]
                if not c:
                    return out, seq, sm, "gap"
                f = c[0]
            if seq > f.last:
                return out, seq, sm, "short"
            if w.sum_at(f, seq) != sm:
                return out, seq, sm, "fork"
            new = [r for r in f.rows if r.seq > seq]
            out += new
            if f.torn:
                if new:
                    seq, sm = new[-1].seq, new[-1].sum
                return out, seq, sm, "torn"
            seq, sm = f.last, f.lsum
            if f is log:
                return out, seq, sm, "ok"

    def retires(w, c):
        """X -> [(ts, device, seq, id, n)], all retire rows merged"""
        if c.ret[0] != c.ver:
            out = {}
            for d, rows in c.rows.items():
                for r in rows.values():
                    if r.op == RETIRE:
                        out.setdefault(r.key, []).append((r.ts, d, r.seq, r.val[0], r.val[1]))
            c.ret = (c.ver, out)
        return c.ret[1]

    def retired_lineage(w, c, X):
        l = w.retires(c).get(X)
        return min(l)[3][0] if l and w.r["stranger"] else None

    def retired(w, c, X):
        l = w.retires(c).get(X)
        if not l:
            return False
        if X not in c.cur:
            return True
        id, seq, _ = c.cur[X]
        return seq <= max([n for _, _, _, i, n in l if i[0] == id[0]], default=-1)

    def waiting(w, c):
        i = 10**9
        for t in c.waiting:
            for ts, op, key, val, uid in t.rows:
                if op < SEEN:
                    i += 1
                    yield (ts, c.dev, i, op, key, val, uid)

    def cands(w, c):
        out = [
            (r.ts, d, r.seq, r.op, r.key, r.val, r.uid)
            for d, rows in c.rows.items()
            for r in rows.values()
            if r.op < SEEN
        ]
        out += w.waiting(c)
        return out

    def mkfile(w, d, id, rows, former, hor, last):
        """one file of a generation, from its beginning; the rows keep their numbers"""
        sm, out = base_sum(d, id), []
        for r in rows:
            sm = chain(sm, r.seq, r.txn, r.ts, r.op, r.key, r.val)
            out.append(r._replace(sum=sm))
        return File(d, id, 0, base_sum(d, id), tuple(out), last, sm, former, hor, False)

    def set_rows(w, c, d, log, rows, seq, sm):
        c.rows[d] = {r.seq: r for r in rows}
        c.cur[d] = (log.id, seq, sm)
        c.former[d], c.hor[d] = log.former, log.horizon
        c.ver += 1
        c.ever.update(r.uid for r in rows)
