#!/usr/bin/env python3
"""Random schedules of devices that write rows of typed tables and merge each
other's logs, checked against the specification in model.py.

    python3 schedules.py [SCHEDULES [SEED]]    all checks
    python3 schedules.py mutants [SCHEDULES]   shows that the checks find faults

Device.table is what an implementation keeps: rows that are the newest of their
key are applied directly, all others make it fold the key again. Both have to
agree after every step, and all devices when they have the same logs.
"""
import itertools
import random
import sys

import model
from model import Row, apply_cell, compose, conflicts, encode, fold, hb, is_live

KINDS = {"name": "lww", "city": "lww", "bal": "counter", "best": "max",
         "low": "min", "tags": "set", "hist": "list", "new": "lww",
         "mix": "any"}   # versions of the app that disagree about its kind
FAR = 300                # "five minutes": times further ahead do not count

# Members that are not cells of this version, or not written in the only valid
# way.
JUNK = [("aa", '{"times":3}'), ("best", "1e5"), ("City", '"x"'), ("hist", "true"),
        ("low", "1.50"), ("name", '"\\n"'), ("new", '[1,{"a":[]}]'),
        ("tags", '{"set":["b","a"]}'), ("bal", '{"add":"1"}'), ("zz", "[]"),
        ("city", '{"text":"61"}'), ("mix", '{"put":["a"],"cut":["a"]}'),
        ("hist", '{"push":[]}'), ("bal", '{"add":1,"max":2}')]
BROKEN = ['', 'x', '[]', '{"a":1', '{"a":1}x', '{"b":1,"a":1}', '{"a":1,"a":2}',
          '{ "a":1}', '{"a":1,}', '{"a":nul}', '{"":1,"a":"\u0001"}', "1"]


class Fault(Exception):
    pass


def check(cond, *what):
    if not cond:
        raise Fault(*what)


class Log:
    """One log of a device, which may start another one, with another lineage."""

    def __init__(self, dev, lineage):
        self.dev, self.lineage, self.rows = dev, lineage, []


class Device:
    def __init__(self, name, skew, columns, deletes, observer):
        self.name, self.skew, self.columns = name, skew, columns
        self.deletes, self.observer = deletes, observer
        self.logs = [Log(name, 0)]       # its own ones, the running one last
        self.rows = {}                   # key -> {id: row}: the cache
        self.have = {}                   # (device, lineage) -> last seq merged
        self.table = {}                  # key -> [exists, columns]
        self.clock = 0
        self.opcols = set()              # columns that ever had an operation
        self.n_refolds = self.n_direct = 0

    # --- writing
    def begin(self, wall):
        wall += self.skew
        seen_ts = [r.ts for rs in self.rows.values() for r in rs.values()
                   if r.ts <= wall + FAR]
        self.ts = max([wall, self.clock + 1] + [t + 1 for t in seen_ts])
        self.clock = self.ts
        self.pend = {}
        self.before = {}                 # rows before the transaction
        self.seen = {}                   # of each device the newest log
        for (dev, lineage), seq in sorted(self.have.items()):
            if dev != self.name:
                self.seen[dev] = lineage, seq

    def newest(self, key):
        rs = list(self.rows.get(key, {}).values())
        if key in self.pend:
            rs.append(self.pend[key])
        return max(rs, key=lambda r: r.order) if rs else None

    def current(self, key):
        return tuple(self.table.get(key, (False, {})))

    def put(self, key, op, rec):
        """Write one change, composed with an earlier one of the transaction."""
        self.before.setdefault(key, self.current(key))
        if key in self.pend:
            old = self.pend[key]
            before = dict(old.rec) if old.op == 1 else None
            table = self.current(key)[1]
            old.op, old.rec = compose(old, op, rec, table)
            if self.observer and before is not None and op and "" not in rec:
                self.observer.composed(before, rec, table, old.rec)
        else:
            w = self.newest(key)
            ts = self.ts if w is None or w.ts < self.ts else w.ts + 1
            self.pend[key] = Row(self.name, self.logs[-1].lineage, ts, op, key,
                                 rec, self.seen, w.ts if w else None)
        self.apply_local(key, op, rec)
        if key in self.pend and op == 1:
            self.sum_again(key, rec)

    def sum_again(self, key, rec):
        """Two sums of reals become one sum in the log, which may round
        differently than one after the other."""
        whole = self.pend[key].rec
        for c, cell in whole.items():
            if c and c in rec and cell[0] == "add":
                was = None if "" in whole else self.before[key][1].get(c)
                self.table[key][1][c] = apply_cell(was, cell)

    def apply_local(self, key, op, rec):
        cols = dict(self.current(key)[1])
        if op == 0:
            self.table[key] = [False, {}]
            return
        if "" in rec:
            cols = {}
        for c, cell in rec.items():
            if c:
                cols[c] = apply_cell(cols.get(c), cell)
        self.table[key] = [True, cols]

    def commit(self):
        log = self.logs[-1]
        n = len(log.rows)
        for i, row in enumerate(self.pend.values()):
            row.seq, row.txn = n + 1 + i, n + len(self.pend)
            log.rows.append(row)
            self.note(row.rec)
            self.rows.setdefault(row.key, {})[row.id] = row
        self.have[self.name, log.lineage] = len(log.rows)
        self.pend = {}

    def start_over(self):
        """Use another log from here on. The old one's rows do not change."""
        self.logs.append(Log(self.name, self.logs[-1].lineage + 1))

    def note(self, rec):
        for c, cell in rec.items():
            if c and (cell[0] != "set" or isinstance(cell[1], frozenset)):
                self.opcols.add(c)

    # --- merging
    def merge(self, log, upto):
        """Merge what is new in another log, up to the end of a transaction."""
        which = log.dev, log.lineage
        self.have[which] = max(upto, self.have.get(which, 0))
        touched = {}
        for row in log.rows[:upto]:      # also rows that are here: idempotence
            if row.id in self.rows.get(row.key, {}):
                continue
            self.note(row.rec)
            known = self.rows.setdefault(row.key, {})
            newest = all(r.order < row.order for r in known.values())
            known[row.id] = row
            if model.MUTANT == "arrival order":
                newest = True
            if newest and row.key not in touched and self.direct(row, known):
                self.n_direct += 1
            else:
                touched[row.key] = 1
        for key in touched:
            self.n_refolds += 1
            self.table[key] = list(fold(self.rows[key].values(), self.deletes))

    def direct(self, row, known):
        """Apply the newest row of a key without folding, or say that this is
        impossible."""
        if len(known) == 1:              # a new key
            if row.op == 0 or not row.birth:
                self.table[row.key] = [False, {}]
                return True
            self.table[row.key] = [True, {c: apply_cell(None, cell)
                                          for c, cell in row.rec.items() if c}]
            return True
        if model.MUTANT == "arrival order":
            if row.key in self.table:
                self.apply_local(row.key, row.op, row.rec)
            else:
                self.table[row.key] = list(fold(known.values(), self.deletes))
            return True
        if row.birth or self.deletes != "later":
            return False
        if not any(r.birth for r in known.values()):
            return False
        if row.op == 0:
            self.table[row.key] = [False, {}]
            return True
        if not self.table[row.key][0]:   # it comes back: with all columns
            return False
        for c, cell in row.rec.items():
            if cell[0] == "set" and (c in self.opcols
                                     or isinstance(cell[1], frozenset)):
                return False
            if cell[0] == "elem" and cell[2]:
                return False
        self.apply_local(row.key, row.op, row.rec)
        return True


# ---------------------------------------------------------------- schedules

class Values:
    """What a schedule writes: small numbers and words, or also difficult
    values."""

    def __init__(self, rnd):
        self.rnd = rnd
        self.is_hard = rnd.random() < .4
        self.elements = ['"u"', '"v"', '"w"']
        if self.is_hard:
            self.elements = rnd.sample(
                ['"u"', '"v"', '""', "null", "1", "1.0", "10", "9", "-0.0", "0",
                 "1e+16", '"\\""', '"\\u0000"', '"\\u001f"', '"!"', '"é"', '"\\\\"',
                 "9e999", "-9223372036854775808", '"\U0001f600"', '"\uffff"'], 5)

    def number(self, low, high):
        if self.is_hard and self.rnd.random() < .3:
            return self.rnd.choice([
                0.1, -2.5, 1e300, float("inf"), -float("inf"), -0.0,
                2**63 - 1, -2**63, 2**53 + 1, float(2**53), 1.0,
                self.rnd.random()])
        return self.rnd.randint(low, high)

    def plain(self):
        hard = ["", "a\"b\\c\n", "\0", "Zürich", b"", b"\x00\xff", 0.1, 1e22, -0.0,
                2**63 - 1, "[1]"]
        return self.rnd.choice([None, 1, 2, 3, "x", "y"]
                               + (hard if self.is_hard else []))

    def list(self, low, high):
        return tuple(self.rnd.choices(self.elements,
                                      k=self.rnd.randint(low, high)))

    def set(self, most):
        return frozenset(self.rnd.sample(self.elements,
                                         self.rnd.randint(0, most)))


def cell_for(rnd, values, c, old, birth):
    """What an UPDATE or INSERT of a column logs: a difference for merge kinds."""
    k = KINDS[c]
    if k == "any":
        k = rnd.choice(["lww", "lww", "counter", "max", "set", "list"])
    if k == "lww":
        return "set", values.plain()
    if k == "counter":
        if birth or rnd.random() < .15:
            return "set", values.number(0, 9)
        return "add", values.number(-3, 5)
    if k in ("max", "min"):
        if birth or rnd.random() < .1:
            return "set", values.number(0, 9)
        return k, values.number(0, 20)
    if k == "list":
        if birth or rnd.random() < .1:
            return "set", values.list(0, 2)
        return "push", values.list(1, 2)
    old = old if isinstance(old, frozenset) else frozenset()
    if birth or rnd.random() < .1:
        return "set", values.set(2)
    new = values.set(3)
    # put names an element even if it exists: adding it again is an intent
    again = frozenset(e for e in sorted(new & old) if rnd.random() < .3)
    return "elem", (new - old) | again, old - new


def write(rnd, d, keys, values, wall):
    """A transaction, which may be rolled back."""
    d.begin(wall)
    for _ in range(rnd.randint(1, 3)):
        key = rnd.choice(keys)
        exists, cols = d.current(key)
        before = {k: list(v) for k, v in d.table.items()}
        if not exists:
            rec = {"": 1}
            for c in d.columns:
                if rnd.random() < .8:
                    cell = cell_for(rnd, values, c, None, True)
                    if cell[1] is not None:      # NULLs of an insert are left out
                        rec[c] = cell
            d.put(key, 1, rec)
        elif rnd.random() < .2:
            d.put(key, 0, {})
        else:
            rec = {c: cell_for(rnd, values, c, cols.get(c), False)
                   for c in rnd.sample(sorted(d.columns), rnd.randint(1, 3))}
            rec = {c: x for c, x in rec.items()
                   if x != ("elem", frozenset(), frozenset())}
            if not rec:
                continue
            d.put(key, 1, rec)
            # an old version does not touch columns that it does not know
            for c in set(KINDS) - set(d.columns):
                check(d.current(key)[1].get(c) == before[key][1].get(c),
                      "unknown column changed")
    if rnd.random() < .1:                        # ROLLBACK
        d.pend = {}
        d.table = {k: list(fold(r.values(), d.deletes))
                   for k, r in d.rows.items()}
        return False
    for row in d.pend.values():
        junk = rnd.sample(JUNK, 2) if rnd.random() < .05 else ()
        row.text = encode(row.rec, sorted(dict(junk).items()))
    d.commit()
    return True


def write_broken(rnd, d, keys, wall):
    """A row without a valid record changes no column, but it is an edit."""
    d.begin(wall)
    key = rnd.choice(keys)
    if d.current(key)[0]:
        d.put(key, 1, {})
        d.pend[key].text = rnd.choice(BROKEN)
    d.commit()


def agrees(d, when):
    """Check that the table of a device is the fold of its rows."""
    for k, r in d.rows.items():
        spec = fold(r.values(), d.deletes)
        check(tuple(d.table[k]) == spec, when, d.name, k, d.table[k], spec,
              sorted(r.values(), key=lambda x: x.order))
        if d.observer:
            d.observer.folded(r.values(), d.deletes, spec)


def schedule(seed, observer=None):
    rnd = random.Random(seed)
    deletes = rnd.choice(["later", "later", "lose", "win"])
    values = Values(rnd)
    devs = []
    for i in range(rnd.randint(2, 5)):
        cols = dict(KINDS)
        if rnd.random() < .3:
            cols.pop("new")                      # an older version of the app
        devs.append(Device("abcde"[i], rnd.choice([0, 0, -50, 20, 400, 5000]),
                           cols, deletes, observer))
    keys = range(rnd.randint(1, 3))
    wall = 1000
    starts_over = rnd.random() < .2
    for _ in range(rnd.randint(8, 40)):
        wall += rnd.choice([0, 1, 1, 5, 60])
        d = rnd.choice(devs)
        if starts_over and rnd.random() < .05:
            d.start_over()
        elif rnd.random() < .02:
            write_broken(rnd, d, keys, wall)
            agrees(d, "after commit")
        elif rnd.random() < .55:
            if write(rnd, d, keys, values, wall):
                agrees(d, "after commit")        # read your writes
        else:
            log = rnd.choice(rnd.choice(devs).logs)
            if log.dev == d.name or not log.rows:
                continue
            # whole transactions, maybe an older copy
            d.merge(log, rnd.choice(log.rows).txn)
            agrees(d, "after merge")
    deliver(rnd, devs)
    converged(rnd, devs, values)
    ref = devs[0].rows.values()
    return (sum(d.n_direct for d in devs), sum(d.n_refolds for d in devs),
            sum(len(conflicts(r.values())) for r in ref),
            sum(len(log.rows) for d in devs for log in d.logs))


def deliver(rnd, devs):
    """Everything arrives everywhere, in any order, in pieces, twice."""
    logs = [log for d in devs for log in d.logs if log.rows]
    jobs = [(d, log, t) for d in devs for log in logs if log.dev != d.name
            for t in sorted({log.rows[-1].txn, rnd.choice(log.rows).txn})] * 2
    rnd.shuffle(jobs)
    for d, log, t in jobs:
        d.merge(log, t)
    for d in devs:
        for log in logs:
            if log.dev != d.name:
                d.merge(log, log.rows[-1].txn)


def converged(rnd, devs, values):
    ref = devs[0]
    deletes = ref.deletes
    for d in devs:
        check(d.rows.keys() == ref.rows.keys())
        for k in ref.rows:
            check(d.rows[k].keys() == ref.rows[k].keys(), "sets of rows")
            check(tuple(d.table[k]) == tuple(ref.table[k]),
                  "diverged", d.name, k, d.table[k], ref.table[k])
    for k, r in ref.rows.items():
        rows = list(r.values())
        if ref.observer:
            ref.observer.folded(rows, deletes, tuple(ref.table[k]))
        # hb never contradicts the order within a key
        for x, y in itertools.permutations(rows, 2):
            if hb(x, y):
                check(x.order < y.order, "order against causality", x, y)
        # any arrival order of the rows gives the same fold
        for _ in range(3):
            rnd.shuffle(rows)
            check(fold(rows, deletes) == tuple(ref.table[k]),
                  "fold depends on the order")
        properties(rows, ref.table[k], deletes, values)


def elements_put(cell):
    if cell[0] == "elem" or isinstance(cell[1], frozenset):
        return cell[1]
    return ()


def removes(cell, e):
    if cell[0] == "elem":
        return e in cell[2]
    return cell[0] == "set"              # an assignment replaces everything that its writer had seen


def properties(rows, state, deletes, values):
    exists, cols = state
    births = [r for r in rows if r.birth]
    live = [w for w in rows if w.op == 1 and is_live(w, births)]
    for c in cols if exists else ():
        # columns are independent: what another column got does not matter
        only = []
        for r in rows:
            rec = {x: v for x, v in r.rec.items() if x in ("", c)}
            one = Row(r.dev, r.lineage, r.ts, r.op, r.key, rec, r.seen)
            one.seq = r.seq
            only.append(one)
        check(fold(only, deletes)[1].get(c) == cols.get(c),
              "columns depend on each other", c)
        writers = [w for w in live if c in w.rec]
        if KINDS[c] == "lww":
            # a write that nobody overwrote, seen or later, is there
            top = max(writers, key=lambda w: w.order)
            check(cols[c] == top.rec[c][1], "lww", c)
            for w in writers:
                if all(x is w or hb(x, w) for x in writers):
                    check(cols[c] == w.rec[c][1], "saw all, lost", c)
        if KINDS[c] == "counter" and not values.is_hard:
            counted(c, cols[c], writers)
        if KINDS[c] == "set" and isinstance(cols[c], frozenset):
            # add wins: nobody who removed it had seen this put
            for w in writers:
                for e in elements_put(w.rec[c]):
                    if not any(hb(w, q) and removes(q.rec[c], e)
                               for q in writers):
                        check(e in cols[c], "a put was lost")
    # as in kv: the newest row decides whether it exists
    if deletes == "later" and births:
        check(exists == (max(rows, key=lambda r: r.order).op == 1), "existence")


def counted(c, value, writers):
    """Check that no increment is lost that the last assignment had not seen."""
    base = [w for w in writers if w.rec[c][0] == "set"]
    b = max(base, key=lambda w: w.order) if base else None
    start = b.rec[c][1] if b else 0
    unseen = sum(w.rec[c][1] for w in writers
                 if w.rec[c][0] == "add" and not (b and hb(w, b)))
    check(value == start + unseen, "an increment was lost")


def run(n, seed, observer=None):
    total = [0, 0, 0, 0]
    for i in range(n):
        try:
            for j, x in enumerate(schedule(seed + i, observer)):
                total[j] += x
        except Fault as f:
            return i, seed + i, f
    return n, total, None


def mutants(n):
    """Whether each planted fault is found, and after how many schedules."""
    found = {}
    for m in ["arrival order", "cut by time", "assign by time"]:
        model.MUTANT = m
        i, _, f = run(n, 1)
        found[m] = i + 1 if f else None
    model.MUTANT = None
    return found


def main(args):
    if args[:1] == ["mutants"]:
        for m, i in mutants(int(args[1]) if args[1:] else 2000).items():
            print(f"{m:16s} " + (f"found after {i} schedules" if i else
                                 "NOT FOUND"))
        return 0
    n = int(args[0]) if args else 10000
    i, s, f = run(n, int(args[1]) if args[1:] else 1)
    if f:
        print("FAULT in schedule with seed", s, *f.args)
        return 1
    print(f"{n} schedules converge: {s[3]} log rows, {s[0]} applied directly, "
          f"{s[1]} folds again, {s[2]} conflicts of cells and rows")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
