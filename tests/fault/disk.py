"""A file system that is really full, a folder without permissions, a folder
that disappears: there is an error that says so, or rows wait, and nothing is
lost when it is over.

A full file system needs the permission to mount one; without it those tests
are skipped.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))

import oracle  # noqa: E402
import support  # noqa: E402
from support import Case, kv, log_path, open_store, sync, tag  # noqa: E402

NOBODY = 65534

# Commits one row, in a process of its own.
COMMIT = """
import sys
sys.path.insert(0, sys.argv[1])
from support import connect, open_store
db = open_store(connect(sys.argv[2], timeout=60), sys.argv[3], "laptop")
db.execute("BEGIN")
db.execute("INSERT INTO own VALUES(0)")
db.execute("INSERT INTO kv VALUES('killed', 1)")
db.execute("COMMIT")
"""


class Disk(Case):
    """self.host is the host's database, self.folder the store's."""

    folder = "notes.kv"

    def setUp(self):
        super().setUp()
        self.n = 0
        self.acknowledged = set()

    @contextlib.contextmanager
    def case(self, **what):
        """One of several cases, in a new folder."""
        with self.subTest(**what):
            try:
                yield
            finally:
                for c in self.closing:
                    c.close()
                self.closing.clear()
                self.tearDown()
                self.setUp()

    def open(self, schema, host="host.db"):
        self.db = self.connect(self.path(host))
        self.db.execute("CREATE TABLE IF NOT EXISTS own(i)")
        self.schema = schema
        open_store(self.db, self.path(self.folder), "laptop", schema=schema)
        return self.db

    def put(self, size=10):
        """A transaction; the error's text if it fails."""
        self.n += 1
        try:
            self.db.execute("BEGIN IMMEDIATE")
            self.db.execute("INSERT INTO own VALUES(?)", (self.n,))
            self.db.execute("INSERT INTO kv VALUES(?, ?), (?, 1)",
                            (self.n, "x" * size, -self.n))
            self.db.execute("COMMIT")
        except sqlite3.Error as e:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            self.assertNotIn(tag(self.n), kv(self.db))
            return str(e)
        self.acknowledged.add(self.n)
        return None

    def fails_or_waits(self, *words, size=10):
        """With a persistent cache a commit succeeds and its rows wait; with a
        temp cache it fails. In both cases these words say why."""
        before = self.unpublished(self.db)
        why = self.put(size)
        self.assertEqual(why is None, self.schema == "main")
        if why is None:
            self.assertEqual(self.unpublished(self.db), before + 2)
            state, why = self.db.execute(
                "SELECT state, detail FROM kv_devices WHERE is_self").fetchone()
            self.assertEqual(state, "waiting")
        for w in words:
            self.assertIn(w, why)

    def is_well(self):
        """It is over: the next sync and commit work, and everything is there."""
        sync(self.db)
        self.assertEqual(self.unpublished(self.db), 0)
        self.assertIsNone(self.put())
        self.check(self.db, self.folder)
        there = {r.key for r in oracle.read_log(
            log_path(self.path(self.folder), "laptop")).rows if r.op == oracle.SET}
        mine = {k for n in self.acknowledged for k in (n, -n)}
        self.assertEqual(there, mine)
        own = {n for n, in self.db.execute("SELECT i FROM own")}
        self.assertEqual(own, self.acknowledged)
        observer = open_store(self.connect(), self.path(self.folder), None)
        self.assertEqual(kv(observer), kv(self.db))


class Full(Disk):
    folder = "small/notes.kv"

    def setUp(self):
        super().setUp()
        self.small = self.path("small")
        os.mkdir(self.small)
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.small]
        try:
            done = subprocess.run(mount, stderr=subprocess.PIPE)
            why = done.returncode and done.stderr.decode().strip()
        except FileNotFoundError as e:
            why = str(e)
        if why:
            super().tearDown()
            self.skipTest("no file system to fill can be mounted: " + why)

    def tearDown(self):
        for c in self.closing:
            c.close()
        self.closing.clear()
        self.db = None
        subprocess.run(["umount", self.small], check=True)
        super().tearDown()

    def fill(self, leave=0):
        """Use up all space except some bytes."""
        with open(os.path.join(self.small, "ballast"), "ab", buffering=0) as f:
            for size in (4096, 1):
                with contextlib.suppress(OSError):
                    while f.write(b"x" * size) == size:
                        pass
            f.truncate(max(0, f.tell() - leave))

    def empty(self):
        os.remove(os.path.join(self.small, "ballast"))

    def run_full(self, schema, leave):
        self.open(schema)
        self.assertIsNone(self.put())
        self.fill(leave)
        self.fails_or_waits("disk is full", size=20000)
        self.fails_or_waits("disk is full", size=20000)
        self.empty()
        self.is_well()

    def test_a_full_folder(self):
        for schema in ("temp", "main"):
            for leave in (0, 4096, 8192, 16384):
                with self.case(schema=schema, leave=leave):
                    self.run_full(schema, leave)

    def test_all_free_sizes_around_what_a_commit_needs(self):
        for size in (10, 20000):
            self.open("temp")
            self.assertIsNone(self.put(size))
            for leave in range(0, 256 * 1024 + 1, 4096):
                self.fill(leave)
                why = self.put(size)
                self.empty()
                self.assertIn("disk is full", why or "disk is full")
                self.assertEqual(self.unpublished(self.db), 0)
            self.assertIsNone(why)
            self.is_well()
            self.db.close()

    def test_a_crash_that_left_the_file_that_keeps_room(self):
        """Killed between the two phases: the host's COMMIT waits for a reader."""
        place = os.path.dirname(log_path(self.path(self.folder), "laptop"))
        room = os.path.join(place, "log.db.room-journal")
        self.open("temp")
        self.fill(128 * 1024)
        self.db.execute("BEGIN")
        self.db.execute("SELECT count(*) FROM own").fetchone()
        child = subprocess.Popen([sys.executable, "-c", COMMIT, support.HERE,
                                  self.path("host.db"), self.path(self.folder)])
        while child.poll() is None and not os.path.exists(room):
            time.sleep(0.01)
        child.kill()
        child.wait()
        self.assertGreater(os.path.getsize(room), 0)
        self.db.execute("COMMIT")
        self.assertIsNone(self.put())
        self.assertEqual(os.listdir(place), ["log.db"])
        self.empty()
        self.is_well()

    def test_a_sync_merges_and_then_says_that_the_disk_is_full(self):
        self.open("main")
        self.assertIsNone(self.put())
        self.device("phone", self.folder).execute("INSERT INTO kv VALUES('p', 1)")
        self.fill()
        self.assertIsNone(self.put(20000))
        for _ in range(2):
            with self.assertRaises(sqlite3.Error) as caught:
                sync(self.db)
            self.assertRegex(str(caught.exception),
                             "^kv: rows of kv are not published: cannot write .*log.db: "
                             "the disk is full")
            self.assertEqual(kv(self.db)[tag("p")], tag(1))
        self.assertEqual(self.unpublished(self.db), 2)
        self.empty()
        self.assertEqual(sync(self.db), 0)
        self.assertEqual(self.unpublished(self.db), 0)

    def test_10000_commits_wait_for_a_folder_that_is_full(self):
        self.open("main")
        self.assertIsNone(self.put())
        self.db.execute("SELECT kv_open(?, 'laptop', 'publish=sync')",
                        (self.path(self.folder),))
        self.db.execute("PRAGMA synchronous = OFF")
        for leave in (0, 8192, 300000, 600000):
            self.fill(leave)
            while self.n < 10000:
                self.assertIsNone(self.put())
            with self.assertRaisesRegex(sqlite3.Error, "not published: .*the disk is full"):
                sync(self.db)
            self.assertIsNone(self.put())  # without a look at the folder
            self.assertIn("disk is full", self.db.execute(
                "SELECT detail FROM kv_devices WHERE is_self").fetchone()[0])
            self.assertEqual(self.unpublished(self.db), 2 * self.n - 2)
            self.empty()
        subprocess.run(["mount", "-o", "remount,size=9m", self.small], check=True)
        sync(self.db)
        self.db.execute("SELECT kv_open(?, 'laptop', 'publish=commit')",
                        (self.path(self.folder),))
        self.is_well()

    def test_a_full_folder_at_the_first_opening(self):
        self.fill()
        self.db = self.connect(self.path("host.db"))
        with self.assertRaises(sqlite3.Error) as caught:
            open_store(self.db, self.path(self.folder), "laptop")
        self.assertRegex(str(caught.exception), "No space left|disk is full")
        self.empty()
        self.open("temp")
        self.is_well()

    def test_a_full_disk_under_the_host_too(self):
        for schema in ("temp", "main"):
            with self.case(schema=schema):
                self.open(schema, "small/host.db")
                failed = 0
                for leave in range(0, 60000, 6000):
                    self.fill(leave)
                    why = self.put(20000)
                    self.empty()
                    if why:
                        self.assertIn("full", why)
                        failed += 1
                    self.assertIsNone(self.put())
                self.assertGreater(failed, 2)
                self.is_well()


class Permissions(Disk):
    def setUp(self):
        super().setUp()
        self.is_root = os.geteuid() == 0
        if self.is_root:  # root may enter everywhere
            os.chown(self.dir, NOBODY, NOBODY)
            os.seteuid(NOBODY)

    def tearDown(self):
        if self.is_root:
            os.seteuid(0)
        super().tearDown()

    @contextlib.contextmanager
    def denied(self, path, mode):
        """Only the owner may use it, and the test runs as somebody else."""
        was = os.stat(path).st_mode & 0o777
        os.chmod(path, mode)
        try:
            yield
        finally:
            os.chmod(path, was)

    def test_a_device_directory_that_cannot_be_written(self):
        for schema in ("temp", "main"):
            with self.case(schema=schema):
                self.open(schema)
                self.put()
                with self.denied(os.path.dirname(log_path(self.path(self.folder), "laptop")),
                                 0o555):
                    self.fails_or_waits("cannot write")
                self.is_well()

    def test_a_log_that_cannot_be_written(self):
        for schema in ("temp", "main"):
            with self.case(schema=schema):
                self.open(schema)
                self.put()
                with self.denied(log_path(self.path(self.folder), "laptop"), 0o444):
                    self.assertEqual(sync(self.db), 0)  # nothing waits
                    self.fails_or_waits("cannot write")
                    if schema == "main":
                        with self.assertRaises(sqlite3.Error) as caught:
                            sync(self.db)
                        self.assertIn("are not published: cannot write", str(caught.exception))
                    else:
                        self.assertEqual(sync(self.db), 0)
                self.is_well()

    def test_a_folder_that_cannot_be_entered(self):
        for schema in ("temp", "main"):
            with self.case(schema=schema):
                self.open(schema)
                self.put()
                with self.denied(self.path(self.folder), 0):
                    self.fails_or_waits("kv" if schema == "temp" else "")
                    with self.assertRaises(sqlite3.Error):
                        sync(self.db)
                    self.assertIn(tag(1), kv(self.db))
                self.is_well()

    def test_a_folder_that_cannot_be_made(self):
        os.mkdir(self.path("closed"))
        with self.denied(self.path("closed"), 0o555):
            with self.assertRaises(sqlite3.Error) as caught:
                open_store(self.connect(), self.path("closed", "notes.kv"), "laptop")
            self.assertIn("cannot create folder", str(caught.exception))
            self.assertIn("Permission denied", str(caught.exception))
        open_store(self.connect(), self.path("closed", "notes.kv"), "laptop")

    def test_the_log_of_another_that_cannot_be_read(self):
        phone = self.device("phone")
        phone.execute("INSERT INTO kv VALUES('p', 1)")
        tablet = self.device("tablet")
        tablet.execute("INSERT INTO kv VALUES('t', 1)")
        log = log_path(self.path(self.folder), "phone")
        with self.denied(log, 0):
            self.open("temp")
            self.assertEqual(self.state(self.db, "phone"), "busy")
            self.assertEqual(kv(self.db), {tag("t"): tag(1)})
            self.put()
        sync(self.db)
        self.assertEqual(self.state(self.db, "phone"), "ok")
        self.assertIn(tag("p"), kv(self.db))


class Away(Disk):
    def test_a_folder_that_goes_away_and_comes_back(self):
        for schema in ("temp", "main"):
            with self.case(schema=schema):
                self.open(schema)
                self.put()
                os.rename(self.path(self.folder), self.path("away"))
                self.fails_or_waits("is not there")
                with self.assertRaises(sqlite3.Error) as caught:
                    sync(self.db)
                self.assertIn("is not there", str(caught.exception))
                self.assertIn(tag(1), kv(self.db))
                os.rename(self.path("away"), self.path(self.folder))
                self.is_well()

    def test_a_folder_that_goes_away_within_a_transaction(self):
        for schema in ("temp", "main"):
            with self.case(schema=schema):
                self.open(schema)
                self.db.execute("BEGIN")
                self.db.execute("INSERT INTO kv VALUES(-1, 1), (1, 1)")
                self.db.execute("INSERT INTO own VALUES(1)")
                self.n = 1
                os.rename(self.path(self.folder), self.path("away"))
                if schema == "temp":
                    self.fails("COMMIT", "is not there")
                    os.rename(self.path("away"), self.path(self.folder))
                    if self.db.in_transaction:
                        self.db.execute("ROLLBACK")
                else:
                    self.db.execute("COMMIT")
                    os.rename(self.path("away"), self.path(self.folder))
                    self.acknowledged.add(1)
                self.is_well()

    def test_a_folder_that_is_created_again(self):
        for schema in ("temp", "main"):
            for what in (self.folder, self.folder + "/devices",
                         self.folder + "/devices/laptop",
                         self.folder + "/devices/laptop/log.db"):
                with self.case(schema=schema, what=what):
                    self.open(schema)
                    self.put()
                    self.put()
                    if os.path.isdir(self.path(what)):
                        shutil.rmtree(self.path(what))
                    else:
                        os.remove(self.path(what))
                    if what == self.folder:
                        self.fails_or_waits("is not there")
                        os.mkdir(self.path(what))
                    self.is_well()

    def test_a_folder_that_comes_and_goes_at_any_moment(self):
        for schema in ("temp", "main"):
            with self.case(schema=schema):
                self.open(schema)
                over = threading.Event()

                def move():
                    while not over.is_set():
                        os.rename(self.path(self.folder), self.path("away"))
                        time.sleep(0.001)
                        os.rename(self.path("away"), self.path(self.folder))
                        time.sleep(0.002)

                mover = threading.Thread(target=move)
                mover.start()
                end = time.monotonic() + 1.5
                n_failed = 0
                while time.monotonic() < end:
                    n_failed += self.put() is not None
                    with contextlib.suppress(sqlite3.Error):
                        sync(self.db)
                over.set()
                mover.join()
                self.assertGreater(len(self.acknowledged), 5)
                self.is_well()


if __name__ == "__main__":
    unittest.main()
