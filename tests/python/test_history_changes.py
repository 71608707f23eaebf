"""kv_changes through all that can happen to a cache: other processes with the
same cache or their own, rows that wait and get new numbers, logs that were
rewritten or belong to a twin, a cache that is rebuilt. A mirror that applies
the changes always equals kv.

    KV_CHANGES=1000 python3 test_history_changes.py     more schedules
"""

import os
import random
import shutil
import sqlite3
import traceback
import unittest

from oracle import tag
from support import Case, NOW, connect, edit, log_path, open_store, put, read, sync

SCHEDULES = int(os.environ.get("KV_CHANGES", 40))
STEPS = 40
KEYS = ["a", "b", "c", 1, 2.5, b"x"]


class Reader:
    """As the loop in examples/guide/follow.md."""

    def __init__(self):
        self.cursor, self.mirror = 0, {}

    def follow(self, con, name="kv"):
        rows = con.execute("SELECT cursor, key, value, op, is_reset FROM kv_changes(?, ?)",
                           (self.cursor, name)).fetchall()
        if rows and rows[0][4]:
            self.mirror = {}
        for cursor, key, value, op, is_reset in rows:
            if op == "set":
                self.mirror[key] = value
            else:
                self.mirror.pop(key, None)
        assert len({tag(r[1]) for r in rows}) == len(rows), "a key is told twice"
        assert len({r[4] for r in rows}) < 2, "is_reset is not the same in all rows"
        self.cursor = max((r[0] for r in rows), default=self.cursor)
        shown = {k: tag(v) for k, v in con.execute("SELECT key, value FROM " + name)}
        assert {k: tag(v) for k, v in self.mirror.items()} == shown, (rows, self.mirror, shown)
        return rows


class World:
    def __init__(self, case, seed):
        self.r, self.dir, self.trace = random.Random(seed), case.dir, []
        self.folder, self.host = case.path("notes.kv"), case.path("host.db")
        self.n, self.generation = 0, 0
        self.readers = [Reader(), Reader()]
        self.con = self.other = self.temp = self.phone = None
        self.open()
        self.con.execute("INSERT INTO kv VALUES('first', 0)")
        self.new_phone()

    def open(self):
        self.con = connect(self.host)
        open_store(self.con, self.folder, "laptop", "now=%d" % NOW, schema="main")

    def close(self):
        for c in (self.con, self.other, self.temp, self.phone):
            if c:
                c.close()
        self.con = self.other = self.temp = self.phone = None

    def new_phone(self):
        if self.phone:
            self.phone.close()
        self.generation += 1
        self.phone_folder = os.path.join(self.dir, "phone%d.kv" % self.generation)
        self.phone = connect()
        open_store(self.phone, self.phone_folder, "phone", "now=%d" % (NOW + self.r.choice([0, 5, -5])))

    def write(self, con):
        r, self.n = self.r, self.n + 1
        rows = [(k, self.n) for k in r.sample(KEYS, r.choice([1, 1, 2, 3]))]
        self.trace.append("  %r" % rows)
        con.execute("BEGIN IMMEDIATE")
        if r.random() < 0.3:
            con.executemany("DELETE FROM kv WHERE key = ?", [(k,) for k, _ in rows])
        else:
            con.executemany("INSERT INTO kv VALUES(?, ?)", rows)
        if r.random() < 0.2:
            con.execute("SAVEPOINT s")
            con.execute("INSERT INTO kv VALUES('a', 'lost')")
            con.execute("ROLLBACK TO s")
        con.execute("ROLLBACK" if r.random() < 0.15 else "COMMIT")

    def own(self):
        return log_path(self.folder, "laptop")

    # What can happen.

    def writes(self):
        self.write(self.con)

    def other_process_writes(self):
        if not self.other:
            self.other = connect(self.host)
        self.write(self.other)

    def process_with_a_cache_of_its_own_writes(self):
        if not self.temp:
            self.temp = connect()
            open_store(self.temp, self.folder, "laptop", "now=%d" % (NOW + self.r.choice([0, 9])))
        self.write(self.temp)

    def rows_wait(self):
        """Another program has locked the log."""
        if not os.path.exists(self.own()):
            return
        lock = sqlite3.connect(self.own(), isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        self.write(self.con)
        lock.close()

    def rows_wait_behind_those_of_another(self):
        self.rows_wait()
        self.process_with_a_cache_of_its_own_writes()

    def gives_up_what_waits(self):
        self.rows_wait()
        self.con.execute("SELECT kv_close('discard=1', 'kv')")

    def syncs(self):
        sync(self.con)

    def syncs_inside(self):
        self.con.execute("BEGIN")
        sync(self.con)
        self.con.execute("INSERT INTO kv VALUES('c', 'inside')")
        self.con.execute(self.r.choice(["COMMIT", "ROLLBACK"]))

    def phone_writes(self):
        for _ in range(self.r.choice([1, 3])):
            self.write(self.phone)

    def phone_comes(self):
        self.phone_writes()
        put(log_path(self.folder, "phone"), read(log_path(self.phone_folder, "phone"))
            ) if os.path.exists(log_path(self.phone_folder, "phone")) else None
        sync(self.con)

    def phone_starts_over(self):
        self.new_phone()
        self.phone_comes()

    def reopens(self):
        self.con.close()
        self.open()

    def vacuums(self):
        self.con.execute("VACUUM")

    def cache_is_rebuilt(self):
        """As if it had an older format; no rows may wait then."""
        sync(self.con)
        for c in (self.con, self.other):
            if c:
                c.close()
        self.other = None
        edit(self.host, "UPDATE kv_meta SET format = 1")
        self.open()
        sync(self.con)

    def log_is_a_twins(self):
        """Another laptop wrote as this one; the log is taken over."""
        self.close_temp()
        sync(self.con)
        twin = os.path.join(self.dir, "twin.kv")
        shutil.copytree(self.folder, twin)
        self.writes()
        con = connect()
        open_store(con, twin, "laptop", "now=%d" % (NOW + 1))
        self.write(con)
        con.close()
        if os.path.exists(log_path(twin, "laptop")):
            shutil.copy(log_path(twin, "laptop"), self.own())
        shutil.rmtree(twin)
        self.con.execute("SELECT kv_open(?, 'laptop', 'adopt=1')", (self.folder,))

    def log_is_damaged(self):
        self.close_temp()
        sync(self.con)
        if os.path.exists(self.own()):
            edit(self.own(), "UPDATE log SET sum = sum + 1 WHERE seq = (SELECT max(seq) FROM log)")
        sync(self.con)

    def close_temp(self):
        if self.temp:
            self.temp.close()
            self.temp = None

    EVENTS = (6 * [writes] + 4 * [other_process_writes] + 4 * [process_with_a_cache_of_its_own_writes]
              + 4 * [phone_comes] + 3 * [syncs] + [
                  rows_wait, rows_wait_behind_those_of_another, gives_up_what_waits, syncs_inside,
                  phone_writes, phone_starts_over, reopens, vacuums, cache_is_rebuilt,
                  log_is_a_twins, log_is_damaged])

    def step(self):
        event = self.r.choice(self.EVENTS)
        self.trace.append(event.__name__)
        event(self)
        reader = self.r.choice(self.readers)
        if self.r.random() < 0.7:
            reader.follow(self.other if self.other and self.r.random() < 0.3 else self.con)

    def run(self):
        for _ in range(STEPS):
            self.step()
        for reader in self.readers:
            reader.follow(self.con)
            assert reader.follow(self.con) == [], "told twice"


class Changes(Case):
    def test_a_mirror_is_what_kv_shows_whatever_happens_to_the_cache(self):
        for seed in range(SCHEDULES):
            self.fresh()
            world = None
            try:
                world = World(self, seed)
                world.run()
            except Exception:
                self.fail("seed %d\n%s\n%s" % (
                    seed, "\n".join(world.trace if world else ()), traceback.format_exc()))
            finally:
                if world:
                    world.close()


if __name__ == "__main__":
    unittest.main()
