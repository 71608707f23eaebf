"""A device that exists twice: a clone of its cache and log writes on
elsewhere, and the sync tool puts the clone's log in the place of the device's
own. Whatever the order, the device loses no row of its own, never rewrites
what the clone wrote, and each way out leads to one store again. simulation.py
has clones, too, among everything else.
"""

import os
import random
import shutil
import unittest

import clones
import oracle
from support import NOW, Publish, deliver, kv, read, sync

SCHEDULES = int(os.environ.get("KV_TWIN_SCHEDULES", 60))


class Clones(Publish):
    def begin(self, seed):
        self.fresh()
        self.r = random.Random(seed)
        self.n = 0
        self.mine, self.theirs = [], []
        self.db = self.open("persistent")
        self.write(self.db, self.mine, self.r.randrange(1, 6))
        if self.r.random() < 0.5:
            self.db.close()  # a backup of an idle store gives this, too
            self.db = self.open("persistent")
        # The clone: a copy of the folder and of the host database.
        shutil.copytree(self.path("notes.kv"), self.path("clone.kv"))
        before = self.r.randrange(3)
        if before:
            self.write(self.db, self.mine, before)
        self.clone = self.device("laptop", "clone.kv")
        self.write(self.clone, self.theirs, self.r.randrange(1, 6))
        after = self.r.randrange(4)
        if after:
            self.write(self.db, self.mine, after)

    def write(self, con, values, n):
        for _ in range(n):
            self.n += 1
            con.execute("INSERT INTO kv VALUES(?, ?)", ("k%d" % self.n, self.n))
            values.append(self.n)

    def arrive(self):
        """The clone's log replaces the device's own."""
        deliver(self.path("clone.kv"), self.path("notes.kv"), "laptop")
        return read(self.own)

    def values(self, folder="notes.kv"):
        return {r.value for log in oracle.read_folder(self.path(folder), oracle.CLONES).values()
                for r in log.rows if r.op != oracle.SEEN}

    def try_to_write(self):
        """True if it was written, False if it was refused as a twin's."""
        self.n += 1
        wrote = clones.write(self.db, "k%d" % self.n, self.n)
        if wrote:
            self.mine.append(self.n)
        return wrote

    def test_no_row_is_lost_and_no_log_rewritten(self):
        outcomes = set()
        for seed in range(SCHEDULES):
            with self.subTest(seed=seed):
                self.begin(seed)
                mine = oracle.read_log(self.own, oracle.CLONES)
                data = self.arrive()
                there = oracle.read_log(self.own, oracle.CLONES)
                if self.r.random() < 0.5:
                    sync(self.db)
                wrote = self.try_to_write()
                state = self.state(self.db, "laptop")
                outcomes.add((wrote, state))
                # The clone's log is unchanged, or has grown.
                log = oracle.read_log(self.own, oracle.CLONES)
                if wrote:
                    clones.need_grown(log, there)
                else:
                    self.assertEqual(read(self.own), data)
                    self.get_out(mine, there)
                got = {v for _, v in self.db.execute("SELECT key, value FROM kv_log")}
                self.assertLessEqual(set(self.mine), got)
                self.assertLessEqual(set(self.mine) | set(self.theirs), self.values())
                reader = self.device("reader")
                self.assertEqual(kv(reader), oracle.fold(
                    [r for log in oracle.read_folder(self.path("notes.kv"), oracle.CLONES).values()
                     for r in log.rows]))
        self.assertEqual({w for w, _ in outcomes}, {True, False})

    def test_rows_of_one_key_and_time_are_both_kept(self):
        """Both continue from the same row, with clocks that stand still: with
        the same number, and with different ones. No transaction has a key
        twice."""
        for before in ("", "('b', 1), "):
            with self.subTest(before=before):
                self.fresh()
                self.db = self.open("persistent")
                self.db.execute("INSERT INTO kv VALUES('a', 1)")
                shutil.copytree(self.path("notes.kv"), self.path("clone.kv"))
                self.clone = self.device("laptop", "clone.kv", options="now=%d" % NOW)
                self.clone.execute("INSERT INTO kv VALUES('x', 'theirs')")
                self.db.execute("INSERT INTO kv VALUES" + before + "('x', 'mine')")
                self.arrive()
                clones.adopt(self.db, self.path("notes.kv"), "laptop", NOW)
                rows = [r for r in oracle.read_log(self.own).rows if r.key == "x"]
                self.assertEqual({r.value for r in rows}, {"mine", "theirs"})
                self.assertEqual(len({r.ts for r in rows}), 1)
                self.assertEqual(kv(self.device("reader")), kv(self.db))

    def get_out(self, mine, there):
        """A twin can read; then it takes another name, or adopts."""
        rows = clones.unshared(mine, there)
        clones.need_twin(self.db, len(rows))
        if self.r.random() < 0.5:
            clones.take_name(self.db, self.path("notes.kv"), "laptop2", "now=%d" % NOW, rows)
            self.db.execute("INSERT INTO two VALUES('way', 'out')")
            self.assertEqual(oracle.read_log(self.own, oracle.CLONES).rows, there.rows)
            self.assertEqual(kv(self.db, "two")["str", "way"], ("str", "out"))
        else:
            clones.adopt(self.db, self.path("notes.kv"), "laptop", NOW)
            self.db.execute("INSERT INTO kv VALUES('way', 'out')")
            self.assertEqual(self.state(self.db, "laptop"), "ok")
        sync(self.db)


if __name__ == "__main__":
    unittest.main()
