"""Clones of a device: a copy of its machine, with its log and its cache, that
writes on under the same name. What test_twins_clones.py and the simulation
check about clones, and how the simulation makes them.
"""

import glob
import os
import shutil
import sqlite3

import oracle
from devices import Cache, Device, need
from oracle import tag
from support import GONE, edit, kv, kv_log, log_path, open_store, put, read, sync


def is_refusal(e):
    """Whether a write failed because the log has another writer."""
    return "cannot write" in str(e) and "adopt" in str(e)


def write(db, key, value):
    """True if it was written, False if it was refused as a twin's."""
    try:
        db.execute("INSERT INTO kv VALUES(?, ?)", (key, value))
        return True
    except sqlite3.Error as e:
        need(is_refusal(e), "another error:", e)
        return False


def need_grown(log, before):
    """Check that a log is unchanged, or has more rows at its end."""
    need((log.id, log.rows[:len(before.rows)]) == (before.id, before.rows),
         log.name, "was rewritten")


def unshared(mine, there):
    """The rows of the log `mine` that the log `there`, which replaced it, does
    not have. Incomplete transactions do not count."""
    n = 0
    while n < min(len(mine.rows), len(there.rows)) and mine.rows[n] == there.rows[n]:
        n += 1
    while 0 < n < len(mine.rows) and mine.rows[n - 1].txn == mine.rows[n].txn:
        n -= 1
    return [r for r in mine.rows[n:] if r.op != oracle.SEEN]


def need_twin(db, n):
    """Check that it is a twin with n rows that nobody else has, also after
    kv_sync()."""
    for _ in range(2):
        sync(db)
        got = db.execute("SELECT state, unpublished FROM kv_devices WHERE is_self").fetchall()
        need(got == [("twin", n)], "state, unpublished", got, "not", n)


def take_name(db, folder, device, options, rows):
    """The first way out: another name, in the table two. It gets the last row
    of each key, unless the folder has a later one."""
    open_store(db, folder, device, options, "two")
    view, log = kv(db, "two"), kv_log(db, "two")
    for r in {r.key: r for r in rows}.values():
        op = "set" if r.op == oracle.SET else "delete"
        known = [(ts, name, what, v) for name, _, _, ts, _, bucket, what, k, v in log
                 if bucket == "" and k == tag(r.key)]
        need(any(ts > r.ts or (name in (device, r.device) and (what, v) == (op, tag(r.value)))
                 for ts, name, what, v in known) or (op == "delete" and tag(r.key) not in view),
             device, "did not get", r)


def adopt(db, folder, device, now):
    """The second way out: take over the log. With another clock than before, such
    as the machine's, an acknowledgement may be due, which the same call writes."""
    db.execute("SELECT kv_open(?, ?, ?)", (folder, device, "adopt=1, now=%d" % now))


def published(log):
    """What each transaction of a log did to its keys. Transactions with only
    seen rows did nothing."""
    return [{tag(r.key): tag(r.value) if r.op == oracle.SET else GONE
             for r in txn if r.op != oracle.SEEN} for txn in oracle.transactions(log.rows)
            if any(r.op != oracle.SEEN for r in txn)]


def changes(log):
    return sorted((r.ts, r.op, r.bucket, tag(r.key), tag(r.value)) for r in log.rows
                  if r.op != oracle.SEEN)


class Image:
    """A copy of a device's machine, taken while no transaction runs."""

    def __init__(self, device, root):
        shutil.copytree(device.folder, os.path.join(root, "notes.kv"))
        self.root, self.host, cache = root, None, device.cache
        if cache.host:
            for file in glob.glob(glob.escape(cache.host) + "*"):
                if not file.endswith("-shm"):
                    shutil.copy2(file, root)
            self.host = os.path.join(root, os.path.basename(cache.host))
        self.view, self.own, self.journal = dict(cache.view), list(cache.own), cache.journal
        self.acknowledged = list(device.acknowledged)

    def start(self, schedule, device):
        d = Device.__new__(Device)
        d.__dict__.update(device.__dict__, root=self.root, connections=[], history=[],
                          folder=os.path.join(self.root, "notes.kv"),
                          acknowledged=self.acknowledged, image=None)
        d.now += schedule.r.choice([0, schedule.r.randrange(-10**8, 10**8)])
        if self.host:
            d.cache = Cache(self.host, self.journal)
            d.cache.view, d.cache.own = self.view, self.own
        else:
            d.cache = d.new_cache(False)
        d.open(d.cache)
        if self.host:  # the clock is an argument of the table
            c = d.connections[0]
            c.db.execute("SELECT kv_open(?, ?, ?)", (d.folder, d.name, "now=%d" % d.now))
            c.merged()
        return d


class Clones:
    """The part of the simulation that makes and ends clones."""

    def clone(self, d):
        """The next step in the life of a device with clones: take an image of
        it, start a clone from the image, put the clone's log in place of its
        own."""
        if d.twin:
            return self.meet(d) if self.r.random() < 0.5 else None
        if (not d.single or len(self.devices) > 6 or d.lost_log or not os.path.exists(d.log()) or
                d.connections[0].txn is not None):
            return
        if not d.image:
            self.note("image of", d.name)
            self.n_images += 1
            root = os.path.join(self.dir, "image%d" % self.n_images)
            os.makedirs(root)
            d.image = Image(d, root)
            if self.r.random() < 0.5:
                return
        d.cloned = self.has_former = True  # there may be other logs of one name
        twin = d.image.start(self, d)
        d.image, d.twin, twin.twin = None, twin, d
        self.devices.append(twin)
        self.stats[twin] = self.stat(twin)
        twin.seen = d.seen = None
        if self.r.random() < 0.3:
            self.move(twin)
        if d.twin and self.r.random() < 0.3:
            self.note("image of", d.name, "restored")
            self.retire(d)
        else:
            self.note("clone of", d.name)

    def move(self, d):
        """A clone notices that the log belongs to another machine."""
        log = oracle.read_log(d.log(), oracle.CLONES)
        if not log.host:
            return  # this machine has no identity
        self.note("clone of", d.name, "on another machine")
        edit(d.log(), "UPDATE device SET host = 'another machine'")
        c = d.connections[0]
        need(not write(c.db, "a", self.value()), d.name, "writes as another machine")
        need_twin(c.db, 0)
        self.outcomes["moved"] += 1
        if self.r.random() < 0.5 or self.is_read_otherwise(d, log):
            d.twin.twin, twin, d.twin = None, d.twin, None
            self.rename(d, twin, [])
        else:
            adopt(c.db, d.folder, d.name, d.now)
            need(oracle.read_log(d.log(), oracle.CLONES) == log, d.name, "is not as it was")
            c.merged()

    def is_read_otherwise(self, d, log):
        """Whether another device last said of this log that it has read a row
        which it lacks: an earlier clone acknowledged something under this name
        when it was opened, and then took another name. Adopting makes another
        log of it, which is right; meet() compares logs with one beginning."""
        last = d.connections[0].db.execute(
            "SELECT peer_id, peer_seq, peer_sum, max(seq) FROM kv_seen "
            "WHERE peer = ? GROUP BY device", (d.name,)).fetchall()
        places = {(r.seq, r.sum) for r in log.rows}
        return any(id_ == log.id and seq > 0 and (seq, sum_) not in places
                   for id_, seq, sum_, _ in last)

    def retire(self, d):
        for c in d.connections:
            c.close()
        d.connections = []
        if d in self.devices:
            self.devices.remove(d)

    def quiet(self, d):
        for c in d.connections:
            if c.txn is not None:
                c.db.execute("ROLLBACK")
                c.ended()

    def refused(self, c):
        """A write was refused. That is right if another machine has written as
        this device. Take a way out at once."""
        d = c.device
        need(d.cloned, d.name, "was refused for nothing")
        self.note("  refused")
        if c.db.in_transaction:
            c.db.execute("ROLLBACK")
        c.ended()
        c.check()
        if d.twin:
            self.meet(d)
        else:
            self.take_over(d, [oracle.read_log(d.log(), oracle.CLONES)])

    def meet(self, d):
        """The other one's log replaces its own."""
        twin = d.twin
        if not d.connections:
            d, twin = twin, d
        self.quiet(d)
        self.quiet(twin)
        mine, there = (oracle.read_log(x.log(), oracle.CLONES) for x in (d, twin))
        for x, log in ((d, mine), (twin, there)):
            need(published(log) == x.acknowledged, x.name, "published", published(log))
        closed = d.persistent and self.r.random() < 0.5
        self.note("the other log of", d.name, "closed" if closed else "")
        if closed:
            d.connections.pop().close()
        data = read(twin.log())
        put(d.log(), data)
        d.seen = None
        if closed:
            d.open(d.cache)
        c = d.connections[0]
        if self.r.random() < 0.5:
            sync(c.db)
            c.merged()
        d.twin = twin.twin = None
        rows = unshared(mine, there)
        value = self.value()
        wrote = write(c.db, "a", value)
        if not wrote and not rows:
            # It was found out before that log arrived; a sync looks at it.
            need(read(d.log()) == data, d.name, "wrote though it was refused")
            sync(c.db)
            c.merged()
            wrote = write(c.db, "a", value)
        self.outcomes["wrote" if wrote else "refused"] += 1
        if wrote:
            log = oracle.read_log(d.log(), oracle.CLONES)
            need(tag(value) in {tag(r.value) for r in log.rows[len(there.rows):]}, "not written")
            # Only a fork at its last commit is known not to be a twin.
            need(len({r.txn for r in rows}) < 2 or not unshared(there, mine),
                 d.name, "writes into another one's log")
            need_grown(log, there)
            need({*changes(mine), *changes(there)} <= {*changes(log)}, d.name, "lost rows")
            self.retire(twin)
            d.acknowledged[:] = published(log)
            c.merged()
        else:
            need(read(d.log()) == data, d.name, "wrote into another one's log")
            need_twin(c.db, len(rows))
            c.merged()
            if self.r.random() < 0.5:
                self.rename(d, twin, rows)
            else:
                self.retire(twin)
                self.take_over(d, [mine, there])

    def rename(self, d, twin, rows):
        """The other one, or what it became, keeps the name."""
        db, old, data = d.connections[0].db, d.log(), read(d.log())
        self.n_names += 1
        name = "%s-%d" % (d.name, self.n_names)
        self.note(d.name, "is", name)
        take_name(db, d.folder, name, "now=%d" % d.now, rows)
        need(read(old) == data, name, "changed the log of", d.name)
        n, = db.execute("SELECT unpublished FROM kv_devices('kv') WHERE is_self").fetchone()
        need(n == 0, d.name, "still has rows", n)
        d.connections.pop().close()
        d.name, d.history, d.seen = name, [], None
        log = d.log()
        d.acknowledged = published(oracle.read_log(log)) if os.path.exists(log) else []
        d.begin()
        self.delivered[old] = data
        self.stats[d] = self.stat(d)
        if not twin.connections:
            self.gone.append(twin)

    def take_over(self, d, logs):
        self.note("adopt", d.name)
        self.outcomes["adopted"] += 1
        c = d.connections[0]
        adopt(c.db, d.folder, d.name, d.now)
        log = oracle.read_log(d.log(), oracle.CLONES)
        need(log.id not in {x.id for x in logs}, d.name, "has the id of a log of two writers")
        expected, got = {x for log in logs for x in changes(log)}, {*changes(log)}
        need(got == expected, d.name, "adopted", expected - got, got - expected)
        d.acknowledged[:] = published(log)
        d.seen = None
        c.merged()

    def unbroken(self, d):
        """No row of the log of a device with clones has changed since the last
        check, except where another log replaced it."""
        if not d.cloned or not os.path.exists(d.log()):
            return
        con = sqlite3.connect("file:%s?mode=ro" % d.log(), uri=True)
        con.text_factory = bytes
        now = [con.execute("SELECT id FROM device").fetchone()] + con.execute(
            "SELECT * FROM log ORDER BY seq").fetchall()
        con.close()
        need(d.seen is None or now[:len(d.seen)] == d.seen, d.name, "rewrote its log")
        d.seen = now

    def settle(self):
        """Everybody meets, and every log reaches everybody. Whoever is a twin
        because another device has read rows that its log does not have adopts
        the log."""
        while any(d.twin for d in self.devices):
            self.meet(next(d for d in self.devices if d.twin))
        for _ in range(3):
            for d in self.devices + self.gone:
                if os.path.exists(d.log()):
                    for other in self.devices:
                        if other.name != d.name:
                            self.put(other, log_path(other.folder, d.name), read(d.log()))
            twins = 0
            for d in self.devices:
                for c in d.connections:
                    sync(c.db)
                    c.merged()
                if d.cloned and d.connections[0].db.execute(
                        "SELECT state FROM kv_devices WHERE is_self").fetchone() == ("twin",):
                    self.take_over(d, [oracle.read_log(d.log(), oracle.CLONES)])
                    twins += 1
            if not twins:
                return
        need(False, "twins without end")
