"""Whatever is anywhere in the folder, kv_sync() and a commit do not fail or
stop because of it, do not hang, are not slowed down, and leave it alone.
"""

import faulthandler
import os
import shutil
import socket
import sqlite3
import stat
import unittest

import oracle
from foreign import LIMIT, make, work
from support import NOW, Case, kv, log_path, plain, put, read, snapshot, sync


def pipe(p):
    os.mkfifo(p)


def directory(p):
    os.mkdir(p)
    open(os.path.join(p, "log.db"), "w").close()


def link_to_a_file(p):
    os.symlink("/etc/hostname", p)


def link_to_a_directory(p):
    os.symlink("/etc", p)


def link_to_itself(p):
    os.symlink(os.path.basename(p), p)


def link_to_nothing(p):
    os.symlink("/nowhere/at/all", p)


def device_null(p):
    os.mknod(p, 0o600 | stat.S_IFCHR, os.makedev(1, 3))


def device_zero(p):
    os.mknod(p, 0o600 | stat.S_IFCHR, os.makedev(1, 5))


def own_socket(p):
    s = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(os.path.dirname(p))
    try:
        s.bind(os.path.basename(p))
    finally:
        os.chdir(here)
        s.close()


def zeros_1_gb(p):
    with open(p, "wb") as f:
        f.truncate(1 << 30)


def sparse_4_tb(p):
    with open(p, "wb") as f:
        f.truncate(4 << 40)


def noise(p):
    put(p, os.urandom(5000))


def empty(p):
    open(p, "wb").close()


KINDS = [pipe, directory, link_to_a_file, link_to_a_directory, link_to_itself, link_to_nothing,
         device_null, device_zero, own_socket, zeros_1_gb, sparse_4_tb, noise, empty]


class Places(Case):
    def setUp(self):
        super().setUp()
        self.folder = self.path("notes.kv")
        for name in ("laptop", "phone", "tablet"):
            self.device(name).execute("INSERT INTO kv VALUES(?, 1)", (name,))
        self.template = self.path("template")
        os.rename(self.folder, self.template)

    def for_each_kind(self, place, check):
        """Run check(path) in a folder with each odd thing at that place."""
        for make_it in KINDS:
            with self.subTest(kind=make_it.__name__, place=place):
                shutil.rmtree(self.folder, ignore_errors=True)
                shutil.copytree(self.template, self.folder)
                path = os.path.join(self.folder, place)
                if os.path.isdir(path):
                    shutil.rmtree(path)
                elif os.path.exists(path):
                    os.remove(path)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                try:
                    make_it(path)
                except OSError as e:
                    if e.errno not in (1, 13, 22, 27):  # not allowed, too large
                        raise
                    continue
                check(path)

    def syncs(self, *keys):
        """Open, write, read and sync; a hang ends the test with a traceback."""
        before = others(self.folder)
        faulthandler.dump_traceback_later(60, exit=True)
        seconds, con = work(self.device, "laptop")
        for sql in ("SELECT kv_sync()", "INSERT INTO kv VALUES('new', 1)", "SELECT kv_sync()"):
            seconds += work(con.execute, sql)[0]
        faulthandler.cancel_dump_traceback_later()
        self.assertEqual(kv(con), plain(dict.fromkeys(("new", "laptop", *keys), 1)))
        states = con.execute("SELECT device, state, file FROM kv_devices").fetchall()
        con.close()
        self.assertEqual(others(self.folder), before)
        self.assertLess(seconds, LIMIT)
        return states

    def test_in_the_folder_itself(self):
        def check(_):
            self.assertIn((None, "ignored", "odd"), self.syncs("phone", "tablet"))
        self.for_each_kind("odd", check)

    def test_among_the_devices(self):
        def check(path):
            states = self.syncs("phone", "tablet")
            if os.path.isdir(path) and not os.path.islink(path):
                self.assertIn(("odd", "waiting", "devices/odd/log.db"), states)
            else:
                self.assertIn((None, "ignored", "devices/odd"), states)
        self.for_each_kind("devices/odd", check)

    def test_instead_of_a_device(self):
        self.for_each_kind("devices/phone", lambda _: self.syncs("tablet"))

    def test_instead_of_a_log(self):
        def check(path):
            word = {d: s for d, s, _ in self.syncs("tablet") if d}["phone"]
            regular = stat.S_ISREG(os.lstat(path).st_mode)
            self.assertIn(word, ("waiting", "stranger") if regular else ("stranger",))
        self.for_each_kind("devices/phone/log.db", check)

    def test_beside_a_log(self):
        def check(_):
            self.assertIn(("phone", "ok", "devices/phone/log.db"), self.syncs("phone", "tablet"))
        for name in ("log.db-journal", "log.db-wal", "log.db-shm", "odd"):
            self.for_each_kind("devices/phone/" + name, check)

    def test_beside_the_own_log(self):
        def check(path):
            before = os.lstat(path)
            self.syncs("phone", "tablet")
            self.assertEqual(os.lstat(path), before)
        for name in ("odd", "log.db.aside-1", "log.db-conflict"):
            self.for_each_kind("devices/laptop/" + name, check)

    def test_instead_of_the_own_log_or_directory_it_is_named(self):
        def check(path):
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode) if path.endswith(".db") else stat.S_ISDIR(mode):
                return
            before = others(self.folder)
            con = self.connect()
            self.fails("SELECT kv_open(?, 'laptop')", "kv: ", path, "move it away",
                       con=con, args=(self.folder,))
            self.assertEqual(others(self.folder), before)
            (shutil.rmtree if stat.S_ISDIR(mode) else os.remove)(path)
            con.execute("SELECT kv_open(?, 'laptop')", (self.folder,))
            con.execute("INSERT INTO kv VALUES('new', 1)")
        self.for_each_kind("devices/laptop/log.db", check)
        self.for_each_kind("devices/laptop", check)


def others(folder):
    """Everything in the folder except what laptop may write."""
    out = {}
    for base, dirs, files in os.walk(folder):
        if base == os.path.join(folder, "devices", "laptop"):
            files = [f for f in files if f != "log.db"]
        for f in files + dirs:
            p = os.path.join(base, f)
            st = os.lstat(p)
            out[p] = (st.st_mode, st.st_ino, st.st_size, st.st_mtime_ns
                      if not stat.S_ISDIR(st.st_mode) else None)
    out.pop(os.path.join(folder, "devices", "laptop"), None)
    return out


class Many(Case):
    """A laptop, and files of others that are expensive to read."""

    def setUp(self):
        super().setUp()
        self.laptop = self.device("laptop")
        self.laptop.execute("INSERT INTO kv VALUES('own', 1)")
        self.folder = self.path("notes.kv")
        self.file = log_path(self.folder, "phone")
        make(log_path(self.folder, "zulu"), [(1, NOW, None, 1, "", "z", 1)], "zulu")

    def cheap(self, *states, rows=1):
        """One sync without a verified row of phone; zulu's is merged."""
        before = snapshot(self.folder, without="laptop")
        seconds, n = work(sync, self.laptop)
        self.assertEqual(n, rows)
        self.assertEqual(snapshot(self.folder, without="laptop"), before)
        self.assertEqual(kv(self.laptop), plain({"own": 1, "z": 1}))
        self.assertIn(self.state(self.laptop, "phone"), states)
        # It is read again while it is fresh; the machine may be busy.
        again = [work(sync, self.laptop)[0] for _ in range(2)]
        self.assertLess(min(seconds, *again), LIMIT)

    def test_a_million_entries_in_its_schema(self):
        """Only as many are read as it takes to see that it is not a log."""
        kinds = {
            "tables": "'table', 't' || i, 't' || i, 2, 'CREATE TABLE t' || i || '(x)'",
            "views": "'view', 't' || i, 't' || i, 0, 'CREATE VIEW t' || i || ' AS SELECT 1'",
            "nothing": "NULL, NULL, NULL, NULL, NULL",
        }
        for kind, row in kinds.items():
            with self.subTest(kind=kind):
                make(self.file, [], after=[
                    "PRAGMA writable_schema = 1",
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e6) "
                    "INSERT INTO sqlite_master SELECT %s FROM n" % row])
                self.cheap("stranger", "damaged", rows=1 if kind == "tables" else 0)

    def test_a_million_device_rows(self):
        make(self.file, [], after=[
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e6) "
            "INSERT INTO device "
            "SELECT 'phone', x'00', '', i, 0, 0, NULL, NULL, NULL, 0, 'xxh3-64' FROM n"])
        self.cheap("damaged")

    def test_a_million_rows_that_do_not_verify(self):
        fill = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e6) "
                "INSERT INTO log SELECT i%s, 1e6, 1, NULL, 1, '', i, i, 0 FROM n")
        for n, shift in enumerate(("", " + 1", " - 2000000")):
            with self.subTest(shift=shift):
                make(self.file, [], after=[fill % shift])
                # Rows before the first number are not looked for.
                self.cheap("damaged", "ok", rows=0 if n else 1)

    def test_rows_of_one_transaction_without_an_end_wait(self):
        """They verify, so they may take their time."""
        make(self.file, [(300_000, NOW, None, 1, "", 1, 1)] * 1000)
        self.cheap("waiting")

    def test_pages_in_a_circle(self):
        make(self.file, [(i + 1, NOW + i, None, 1, "", i, "x" * 500) for i in range(3000)],
             page_size=512)
        data = read(self.file)
        con = sqlite3.connect(self.file)
        root = con.execute("SELECT rootpage FROM sqlite_master WHERE name = 'log'").fetchone()[0]
        con.close()
        page = bytearray(data[(root - 1) * 512:root * 512])
        self.assertEqual(page[0], 5)  # an interior page: its cells begin with a page number
        cells = [int.from_bytes(page[12 + 2 * i:14 + 2 * i], "big")
                 for i in range(int.from_bytes(page[3:5], "big"))]
        for c in cells + [8]:
            page[c:c + 4] = root.to_bytes(4, "big")
        put(self.file, data[:(root - 1) * 512] + bytes(page) + data[root * 512:])
        self.cheap("damaged")

    def test_a_thousand_invalid_names_and_a_hundred_without_a_log(self):
        for i in range(1000):
            os.makedirs(os.path.join(self.folder, "devices", "no name %d" % i))
            put(os.path.join(self.folder, "devices", "file%d" % i), b"x")
        for i in range(100):
            os.makedirs(os.path.join(self.folder, "devices", "d%d" % i))
        seconds, n = work(sync, self.laptop)
        self.assertEqual(n, 1)
        self.assertLess(seconds, LIMIT)
        seconds, n = work(sync, self.laptop)
        self.assertEqual(n, 0)
        self.assertLess(seconds, LIMIT)
        shown = self.laptop.execute(
            "SELECT count(*) FROM kv_devices WHERE state = 'ignored'").fetchone()[0]
        self.assertEqual(shown, 1000)  # the first thousand of them
        self.assertEqual(self.state(self.laptop, "d7"), "waiting")
        self.assertEqual(self.state(self.laptop, "zulu"), "ok")

    def test_a_good_log_in_a_file_of_4_tb(self):
        """What comes after its last page is not read, but there should not be
        anything."""
        make(self.file, [(1, NOW, None, 1, "", "p", 1)])
        try:
            os.truncate(self.file, 4 << 40)
        except OSError:
            self.skipTest("the file system has no files of 4 TB")
        seconds, n = work(sync, self.laptop)
        self.assertEqual((n, self.state(self.laptop, "phone")), (2, "waiting"))
        self.assertLess(seconds, LIMIT)
        self.assertEqual(kv(self.laptop), plain({"own": 1, "p": 1, "z": 1}))

    def test_a_log_of_any_page_size_is_merged(self):
        for n, size in enumerate((512, 1024, 8192, 65536)):
            rows = [(i + 1, NOW + n, None, 1, "", i, "x" * i * 7) for i in range(200)]
            make(self.file, rows, page_size=size, log_id=bytes([n] * 16))
            sync(self.laptop)
            self.assertEqual(oracle.read_log(self.file).rows[-1].key, 199)
            self.check(self.laptop)


if __name__ == "__main__":
    unittest.main()
