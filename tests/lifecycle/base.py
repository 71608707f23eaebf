"""Rules by name, rows, files, transactions and caches."""

from typing import Any, NamedTuple

DEL, SET, SEEN, RETIRE = 0, 1, 2, 3
AHEAD = 50  # "5 minutes": how far ahead of its own clock a device follows another's
SPAN = 300  # clocks are wrong by up to this

# Rules that a named schedule switches off, to show that it fails without.
RULES = dict(
    generations="A compaction tells every peer that it has another generation",
    upwards="... and never that it has an earlier one again",
    future="A row as late as the own last op 2 row is acknowledged once more",
    ackts="An acknowledgement counts for a tombstone only with an op 2 row of a later ts",
    uptodate="A tombstone goes only when everybody acknowledged everybody's generation",
    uptodate_retired="... the generation of retired logs as well",
    known="... and all that anybody acknowledged is merged",
    known_retired="... and all that a retire row names",
    horizon_clock="The clock follows horizons",
    again="A take-over publishes again own rows that the generation lacks",
    again_seq="... also old ones behind former_seq",
    prepared="... and no row of a prepared transaction that was compacted away",
    waited="A waiting row that the log has is not published again",
    once="All new generations of one kv_sync() in one transaction, after the appends",
    repair="Sealed files lost in a compaction: a generation from the cache",
    furthest="A copy may be further than what is here of the log itself",
    gap="A cache that does not know what was in a lost sealed file does not write log.db anew",
    sealed="Who finds its sealed files without log.db, and has no cache, begins no new log",
    comeback="A device that lost its directory begins again with the copy",
    heal="Who has rows of a retired log that no file here has writes a copy",
    chain="Who retires a device copies the logs that it had retired",
    old_copies="kv_compact() deletes the own copies of devices that are back",
    dirs="A directory goes only when unretired copies reach all that was acknowledged",
    machine="Another machine under a retired name is refused",
    stranger="A reader keeps the retired lineage",
    copy_lineage="Before a retire row is merged, a copy that is here says which lineage is",
)


class Row(NamedTuple):
    seq: int
    txn: int
    ts: int
    op: int
    key: int
    val: Any
    sum: int
    uid: Any


class File(NamedTuple):  # log.db, a sealed file or a copy; never changed, a new one replaces it
    dev: int
    id: tuple  # (lineage, generation)
    base: int
    bsum: int
    rows: tuple
    last: int  # max(seq of the last row, former_seq)
    lsum: int
    former: Any  # (id, seq, sum) of the generation before, at the end
    horizon: int
    torn: bool


def chain(prev, seq, txn, ts, op, key, val):
    return hash((prev, seq, txn, ts, op, key, val))


def base_sum(d, id):
    return hash((77, d, id))


def covers(cur, want):
    if cur is None:
        return False
    return cur[0][0] != want[0][0] or (cur[0][1], cur[1]) >= (want[0][1], want[1])


def reaches(f, id, seq):  # a file of this lineage has all up to seq of generation id
    return f.id[0] == id[0] and (f.id[1], f.last) >= (id[1], seq)


class Txn:
    __slots__ = ("ts", "vec", "rows", "prepared", "force", "is_new")

    def __init__(s, ts, vec, rows, force=()):
        s.ts, s.vec, s.rows, s.prepared, s.force = ts, vec, rows, None, force
        s.is_new = False

    def copy(s):
        t = Txn(s.ts, s.vec, list(s.rows), s.force)
        t.prepared = s.prepared
        return t


class Cache:
    def __init__(s, dev, host, persistent):
        s.dev, s.host, s.persistent = dev, host, persistent
        s.cur, s.rows, s.former, s.hor = {}, {}, {}, {}
        s.waiting, s.hlc, s.state = [], 0, {}
        s.newmachine = False
        s.exempt = ""  # why the compactions did not wait for this cache
        s.needs = None  # what it has to merge to be as the others
        s.dead = False
        s.ver, s.checked, s.ever, s.synced = 0, -1, set(), None
        s.ret = (-1, None)

    def copy(s):
        c = Cache(s.dev, s.host, s.persistent)
        c.cur, c.former, c.hor = dict(s.cur), dict(s.former), dict(s.hor)
        c.rows = {d: dict(r) for d, r in s.rows.items()}
        c.waiting, c.hlc, c.newmachine = [t.copy() for t in s.waiting], s.hlc, s.newmachine
        c.exempt, c.ever = s.exempt, set(s.ever)
        return c


class Violation(Exception):
    pass


def reach(f):
    return f.id[1], f.last


def winners(rows):
    best = {}
    for x in rows:
        b = best.get(x[4])
        if b is None or x[:3] > b[:3]:
            best[x[4]] = x
    return best


def cut(rows, seq0, sum0):
    """up to the last whole transaction"""
    rows = list(rows)
    while rows and rows[-1].seq != rows[-1].txn:
        rows.pop()
    return (rows, rows[-1].seq, rows[-1].sum) if rows else (rows, seq0, sum0)
