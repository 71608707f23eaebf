"""What is not a twin: caches and programs of one machine that write under one
device name, in any order, copied, moved, closed and opened again. And a log
never uses a number for two rows.
"""

import os
import random
import shutil
import subprocess
import sys
import unittest

import oracle
from support import HERE, NOW, Publish, connect, kv, log_path, open_store, put, read, sync

SCHEDULES = int(os.environ.get("KV_TWIN_SCHEDULES", 60))


class Numbers:
    """Every row of every state of one log, by id and number."""

    def __init__(self):
        self.rows = {}

    def look(self, path):
        log = oracle.read_log(path, 9)
        for r in log.rows:
            known = self.rows.setdefault((log.id, r.seq), r)
            assert known == r, "number %d of one log has two rows: %s, %s" % (r.seq, known, r)
        return log


class Caches(Publish):
    """A schedule of writes by caches of one device name."""

    def begin(self, seed):
        self.fresh()
        self.r = random.Random(seed)
        self.folder = self.path("notes.kv")
        self.file = log_path(self.folder, "laptop")
        self.written, self.stores, self.files, self.n = [], [], [], 0
        self.numbers, self.backups = Numbers(), []
        self.peer = self.device("phone")
        self.add()

    def add(self, file=None):
        """One more cache: in temp, in a new host database, or one that was
        closed."""
        kind = self.r.choice(["temp", "new", "old"]) if file is None else "old"
        if kind == "temp":
            con, schema = self.connect(), "temp"
        else:
            if kind == "new" or not (self.files or file):
                file = self.path("host%d.db" % len(self.files))
                self.files.append(file)
            con, schema = self.connect(file or self.r.choice(self.files), timeout=5), "main"
        open_store(con, self.folder, "laptop", "now=%d" % NOW, schema=schema)
        self.stores.append((con, schema))

    def write(self, con):
        self.n += 1
        sql = self.r.choice([
            "INSERT INTO kv VALUES('k' || ?1, ?1)", "INSERT INTO kv VALUES('all', ?1)",
            "INSERT INTO kv VALUES('x', ?1), ('y' || ?1, 'z')"])
        con.execute(sql, (self.n,))
        self.written.append(self.n)

    def copy(self):
        """A copy of a host database, as a backup makes it."""
        if self.files:
            copy = self.path("host%d.db" % len(self.files))
            source = connect(self.r.choice(self.files), timeout=5)
            to = connect(copy)
            source.backup(to)
            source.close()
            to.close()
            self.files.append(copy)
            self.add(copy)

    def lose_rows(self):
        """The log is replaced by one from a backup. The open caches have read
        its rows, and one of them writes first."""
        for con, _ in self.stores:
            sync(con)
        if self.backups:
            put(self.file, self.r.choice(self.backups))
            self.r.choice([sync, self.write])(self.r.choice(self.stores)[0])

    def move(self):
        """The folder is copied, moved away and back, so inodes and times
        change."""
        shutil.copytree(self.folder, self.path("moved.kv"))
        shutil.rmtree(self.folder)
        os.rename(self.path("moved.kv"), self.folder)

    def step(self):
        kind = self.r.random()
        con, schema = self.r.choice(self.stores)
        if kind < 0.45:
            self.write(con)
        elif kind < 0.60:
            sync(con)
        elif kind < 0.70:
            self.add()
        elif kind < 0.78 and len(self.stores) > 1:
            if self.unpublished(con) == 0:
                self.stores.remove((con, schema))
                con.close()
        elif kind < 0.84:
            self.copy()
        elif kind < 0.88:
            self.lose_rows()
        elif kind < 0.92:
            self.move()
        else:
            sync(self.peer)
            self.peer.execute("INSERT INTO kv VALUES('peer', ?)", (self.n,))
        log = self.numbers.look(self.file)
        self.backups.append(read(self.file))
        for con, _ in self.stores:
            self.assertNotEqual(self.state(con, "laptop"), "twin")
        return log

    def test_caches_of_one_machine_are_not_twins(self):
        for seed in range(SCHEDULES):
            with self.subTest(seed=seed):
                self.begin(seed)
                for _ in range(40):
                    self.step()
                for _ in range(2):
                    for con, _ in self.stores:
                        sync(con)
                log = self.numbers.look(self.file)
                got = {r.value for r in log.rows if r.op != oracle.SEEN}
                self.assertLessEqual(set(self.written), got)
                logs = oracle.read_folder(self.folder, 9)
                rows = [r for each in logs.values() for r in each.rows]
                sync(self.peer)
                for con in [c for c, _ in self.stores] + [self.peer]:
                    self.assertEqual(kv(con), oracle.fold(rows))
                    self.assertIn(self.state(con, "laptop"), ("ok", "rewritten"))
                self.assertEqual(self.leftovers(self.folder), [])

    def test_a_host_of_another_name_is_the_same_machine(self):
        change = ("import ctypes, sys; libc = ctypes.CDLL(None, use_errno=True); "
                  "ok = libc.unshare(0x04000000) == 0 and libc.sethostname(b'another', 7) == 0; "
                  "sys.exit(3) if not ok else None; import socket; "
                  "assert socket.gethostname() == 'another'; sys.path.insert(0, sys.argv[1]); "
                  "from support import *; con = open_store(connect(), sys.argv[2], 'laptop'); "
                  "con.execute(\"INSERT INTO kv VALUES('b', 1)\")")
        db = self.open()
        self.put("a")
        done = subprocess.run([sys.executable, "-c", change, HERE, self.path("notes.kv")])
        if done.returncode == 3:
            self.skipTest("the host's name cannot be changed here")
        self.assertEqual(done.returncode, 0)
        self.put("c")
        self.assertEqual(self.keys(), ["a", "b", "c"])
        self.check(db)


class Aside(Publish):
    def test_each_damaged_log_is_set_aside_under_a_name_of_its_own(self):
        db = self.open()
        self.put("a")
        kept = []
        for i in range(4):
            for k in range(50):
                self.put("k%d" % k, value="x" * 100)
            data = read(self.own)[:8192] + os.urandom(8192)
            put(self.own, data)
            kept.append(data)
            self.put("n%d" % i)
            self.assertEqual(kv(db), oracle.fold(self.log("laptop").rows))
        self.assertEqual([read("%s.aside-%d" % (self.own, i + 1)) for i in range(4)], kept)
        self.assertEqual(len(kv(db)), 55)
        ignored = {f for f, in db.execute(
            "SELECT file FROM kv_devices WHERE state = 'ignored'")}
        self.assertEqual(ignored, {"devices/laptop/log.db.aside-%d" % i for i in range(1, 5)})


if __name__ == "__main__":
    unittest.main()
