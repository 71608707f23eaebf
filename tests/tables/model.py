"""The specification of typed tables as a program: what the log rows of a key
fold to, what conflicts, and what two changes of one transaction become
together.

A log row is (dev, lineage, seq, ts, op, rec, seen): op 0 deletes, 1 sets; rec is
{column: cell}, with "" in it if the row is an insert (a birth); seen says, for
each other device, up to which row of which log of it the writer had merged.

A cell is ("set", value), an assignment, or an operation: ("add", number),
("max", number), ("min", number), ("push", elements), ("elem", put, cut).
A value is None, int, float, str, bytes, a set (a frozenset of elements) or a list (a
tuple of elements). An element is the JSON text of a scalar.
"""
import math

MUTANT = None            # a fault to plant, see schedules.py


class Row:
    __slots__ = ("dev", "lineage", "seq", "txn", "ts", "op", "key", "rec",
                 "seen", "parent", "text")

    def __init__(self, dev, lineage, ts, op, key, rec, seen, parent=None):
        self.dev, self.lineage, self.seq, self.txn = dev, lineage, 0, 0
        self.ts, self.op, self.key, self.rec = ts, op, key, rec
        self.seen, self.parent, self.text = seen, parent, None

    @property
    def order(self):
        return self.ts, self.dev, self.seq, self.lineage

    @property
    def id(self):
        return self.dev, self.lineage, self.seq

    @property
    def birth(self):
        return self.op == 1 and "" in self.rec

    def __repr__(self):
        what = "delete" if self.op == 0 else self.rec
        return f"<{self.dev}{self.lineage}-{self.seq} t{self.ts} {what}>"


def hb(x, y):
    """x happened before y: the writer of y had merged x."""
    if (x.dev, x.lineage) == (y.dev, y.lineage):
        return x.seq < y.seq
    if x.dev == y.dev:                  # its own log, started over
        return x.ts < y.ts
    lineage, seq = y.seen.get(x.dev, (x.lineage, 0))
    return x.seq <= seq if lineage == x.lineage else x.ts < y.ts


# ------------------------------------------------------------------- values

def is_number(v):
    return isinstance(v, (int, float))


def add(v, n):
    v = v if is_number(v) else 0
    if isinstance(v, int) and isinstance(n, int) and -2**63 <= v + n < 2**63:
        return v + n
    total = float(v) + float(n)
    return None if math.isnan(total) else total


def apply_cell(v, cell):
    """A value after the next cell, whose writer had seen all before it."""
    kind, x = cell[0], cell[1]
    if kind == "set":
        return x
    if kind == "add":
        return add(v, x)
    if kind == "max":
        return max(v, x) if is_number(v) else x
    if kind == "min":
        return min(v, x) if is_number(v) else x
    if kind == "push":
        return (v if isinstance(v, tuple) else ()) + x
    return frozenset((v if isinstance(v, frozenset) else frozenset())
                     - cell[2]) | x


# ----------------------------------------------------------------- the spec

def is_live(w, births):
    """An insert forgets what its writer had seen of the row."""
    return not any(hb(w, b) for b in births)


def fold(rows, deletes="later"):
    """The row of a table, (exists, {column: value}), from a set of log rows."""
    rows = sorted(rows, key=lambda r: r.order)
    sets = [r for r in rows if r.op == 1]
    births = [r for r in sets if r.birth]
    dels = [r for r in rows if r.op == 0]
    if not births:                       # its insert has not arrived
        return False, {}
    if deletes == "later":
        exists = rows[-1].op == 1
    elif deletes == "lose":              # an edit that no delete had seen
        exists = any(not any(hb(s, d) for d in dels) for s in sets)
    else:                                # "win": an insert that saw all deletes
        exists = any(all(hb(d, b) for d in dels) for b in births)
    if not exists:
        return False, {}
    live = [w for w in sets if is_live(w, births)]
    return True, {c: fold_column(c, [w for w in live if c in w.rec])
                  for c in {c for w in live for c in w.rec if c}}


def fold_column(c, ws):
    """ws: the live rows that name the column, in order. The last assignment is
    the base; what its writer had not seen is applied to it, in order."""
    base = None
    for w in ws:
        if w.rec[c][0] == "set":
            base = w
    ops = [w for w in ws
           if w is not base and (base is None or not hb(w, base))
           and (w.rec[c][0] != "set" or isinstance(w.rec[c][1], frozenset))]
    if MUTANT == "assign by time":
        ops = [w for w in ops if base is None or w.order > base.order]
    v = tag(base.rec[c][1], base) if base is not None else None
    for w in ops:
        cell = w.rec[c]
        if cell[0] in ("set", "elem"):   # elements, each with the row that put it
            pairs = v if isinstance(v, set) else set()
            if cell[0] == "elem":
                pairs = {(e, p) for e, p in pairs
                         if not (e in cell[2]
                                 and (MUTANT == "cut by time" or hb(p, w)))}
            v = pairs | {(e, w) for e in cell[1]}
        else:
            v = apply_cell(untag(v), cell)
    return untag(v)


def tag(v, w):
    return {(e, w) for e in v} if isinstance(v, frozenset) else v


def untag(v):
    return frozenset(e for e, _ in v) if isinstance(v, set) else v


def conflicts(rows):
    """Cells that were overwritten by a writer who had not seen them, and that
    neither a later writer of the cell nor a delete had seen; and edits against
    deletes. A list of (column, winner, loser), the rows themselves last."""
    out = []
    rows = sorted(rows, key=lambda r: r.order)
    births = [r for r in rows if r.birth]
    dels = [r for r in rows if r.op == 0]
    live = [w for w in rows if w.op == 1 and is_live(w, births)]
    names = {c for w in live for c in w.rec if c}
    for c in sorted(names, key=lambda c: c.encode()):
        ws = [w for w in live if c in w.rec and w.rec[c][0] == "set"]
        if not ws or isinstance(ws[-1].rec[c][1], frozenset):
            continue
        for l in ws[:-1]:
            if any(hb(l, r) for r in ws) or any(hb(l, d) for d in dels):
                continue
            if encode_cell(l.rec[c]) != encode_cell(ws[-1].rec[c]):
                out.append((c, ws[-1], l))
    last = rows[-1]
    for r in rows[:-1]:
        if r.op != last.op and not any(hb(r, x) for x in rows):
            out.append(("", last, r))
    return out


def compose(old, op, rec, table):
    """Two changes of a key in one transaction become one row of the log; table
    is the row before the second."""
    if op == 0:
        return 0, {}
    if old.op == 0 or "" in rec:         # an insert after a delete
        return 1, dict(rec)
    out = dict(old.rec)
    for c, cell in rec.items():
        a = out.get(c)
        if a is None or cell[0] == "set" or c == "":
            out[c] = cell
        elif a[0] == "set":
            out[c] = ("set", apply_cell(a[1], cell))
        elif cell[0] == a[0] == "elem":
            out[c] = ("elem", (a[1] - cell[2]) | cell[1],
                      (a[2] - cell[1]) | cell[2])
        elif cell[0] == a[0] == "push":
            out[c] = ("push", a[1] + cell[1])
        else:
            n = apply_cell(a[1], cell) if cell[0] == a[0] else None
            # different operations, or NaN as a sum: assign the result
            out[c] = ((cell[0], n) if n is not None else
                      ("set", apply_cell(table.get(c), cell)))
    return 1, out


# ------------------------------------------------------------------ records

def encode_text(s):
    return '"' + "".join(
        "\\" + c if c in '"\\' else f"\\u{ord(c):04x}" if c < " " else c
        for c in s) + '"'


def encode_number(n):
    return repr(n).replace("inf", "9e999")


def encode_scalar(v):
    if v is None:
        return "null"
    return encode_number(v) if is_number(v) else encode_text(v)


def element_key(e):
    """Elements are sorted: null, numbers by value, texts by their bytes."""
    if e == "null":
        return 0, 0, e
    if e[0] == '"':
        return 2, eval(e.replace("\\u00", "\\x")).encode(), e
    number = float(e) if set(e) & set(".e") else int(e)
    return 1, number, e


def encode_list(elements):
    if isinstance(elements, frozenset):
        elements = sorted(elements, key=element_key)
    return "[" + ",".join(elements) + "]"


def encode_cell(cell):
    kind, v = cell[0], cell[1]
    if kind == "set":
        if isinstance(v, frozenset):
            return '{"set":%s}' % encode_list(v)
        if isinstance(v, tuple):
            return '{"array":%s}' % encode_list(v)
        if isinstance(v, bytes):
            return '{"blob":"%s"}' % v.hex()
        if isinstance(v, str) and "\0" in v:
            return '{"text":"%s"}' % v.encode().hex()
        return encode_scalar(v)
    if kind == "push":
        return '{"push":%s}' % encode_list(v)
    if kind == "elem":
        return "{%s}" % ",".join(
            '"%s":%s' % (name, encode_list(e))
            for name, e in (("put", v), ("cut", cell[2])) if e)
    return '{"%s":%s}' % (kind, encode_number(v))


def encode(rec, junk=()):
    """The record of a log row. junk: members (name, text) that are not cells."""
    members = [(c, "1" if c == "" else encode_cell(x)) for c, x in rec.items()]
    members += [m for m in junk if m[0] not in rec]
    members.sort(key=lambda m: m[0].encode())
    return "{%s}" % ",".join(encode_text(c) + ":" + x for c, x in members)
