"""A device seals its log when it has grown: what is in the folder then, whatever
was cut off, and whoever else writes or reads meanwhile."""

import multiprocessing
import os
import random
import shutil
import unittest

import oracle
from support import Case, connect, edit, kv, kv_log, log_path, open_store, put, read, sync


class Sealing(Case):
    def setUp(self):
        super().setUp()
        self.folder = self.path("notes.kv")
        self.directory = os.path.join(self.folder, "devices", "laptop")

    def laptop(self, segment=20000, **options):
        return open_store(self.connect(), self.folder, "laptop", "segment=%d" % segment, **options)

    def fill(self, con, n, size=100, begin=0):
        for i in range(begin, begin + n):
            con.execute("INSERT INTO kv VALUES(?, ?)", (i, "x" * size))

    def files(self):
        return sorted(os.listdir(self.directory))

    def bytes(self):
        return {f: os.path.getsize(os.path.join(self.directory, f)) for f in self.files()}

    def state(self, con, device="laptop"):
        return con.execute("SELECT state, detail, last_seq FROM kv_devices WHERE device = ?",
                           (device,)).fetchone()

    def test_log_db_stays_small_and_sealed_files_never_change(self):
        con = self.laptop()
        reader = open_store(self.connect(), self.folder, None)
        sealed = {}
        for i in range(200):
            self.fill(con, 1, begin=i)
            sizes = self.bytes()
            self.assertLessEqual(sizes["log.db"], 24576)
            for name in sizes:
                if name != "log.db":
                    data = read(os.path.join(self.directory, name))
                    self.assertEqual(sealed.setdefault(name, data), data)
            if i % 17 == 0:
                sync(reader)
                self.assertEqual(self.state(reader), ("ok", None, i + 1))
        self.assertGreater(len(sealed), 4)
        self.assertEqual(len(oracle.read_log(log_path(self.folder, "laptop")).rows), 200)
        sync(reader)
        self.check(reader, "notes.kv")
        self.check(con, "notes.kv")
        self.assertEqual(kv(self.laptop(name="again"), "again"), kv(con))

    def test_the_default_is_a_megabyte_and_0_is_never(self):
        con = open_store(self.connect(), self.folder, "laptop")
        self.fill(con, 9, 100000)
        self.assertEqual(self.files(), ["log.db"])
        self.fill(con, 1, 100000, begin=9)
        self.assertEqual(len(self.files()), 2)
        con = open_store(self.connect(), self.path("other.kv"), "laptop", "segment=0", name="o")
        con.execute("INSERT INTO o VALUES('large', zeroblob(3000000))")
        self.assertEqual(os.listdir(self.path("other.kv/devices/laptop")), ["log.db"])
        for wrong in ("x", "-1", "", "1e6", "9" * 19):
            self.fails("SELECT kv_open('n.kv', 'n', 'name=n, segment=%s')" % wrong, "segment",
                       con=con)

    def test_a_large_value_does_not_leave_a_large_log_db(self):
        con = open_store(self.connect(), self.folder, "laptop")
        con.execute("INSERT INTO kv VALUES('large', zeroblob(5000000))")
        con.execute("INSERT INTO kv VALUES('small', 1)")
        self.assertLess(self.bytes()["log.db"], 20000)
        self.check(con, "notes.kv")

    @unittest.skipUnless(os.path.exists("/proc/self/io"), "this system does not count what is written")
    def test_a_load_is_written_into_the_cache_the_log_and_its_sealed_file(self):
        def written():
            with open("/proc/self/io") as f:
                return int(f.read().split("wchar:")[1].split()[0])

        con = self.connect()
        con.execute("PRAGMA temp_store = MEMORY")
        open_store(con, self.folder, "laptop")
        before = written()
        con.execute("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60000) "
                    "INSERT INTO kv SELECT i, hex(zeroblob(50)) FROM n")
        total = written() - before
        size = sum(self.bytes().values())
        self.assertGreater(size, 6000000)
        # The log and its sealed file; what is removed from log.db is not written once more.
        self.assertLess(total, 2.5 * size)

    def test_whatever_was_cut_off_is_read_and_goes_on(self):
        con = self.laptop(0)
        self.fill(con, 151)
        con.close()
        self.assertEqual(self.files(), ["log.db"])
        self.laptop(1).close()
        name, = [f for f in self.files() if f != "log.db"]
        sealed = read(os.path.join(self.directory, name))
        new = read(log_path(self.folder, "laptop"))
        half = {"log.db.sealed": sealed[:5000]}
        for kind, files in (
                ("half a copy", {"log.db": sealed, **half}),
                ("the copy", {"log.db": sealed, "log.db.sealed": sealed}),
                ("a sealed file that no log.db begins with", {"log.db": sealed, name: sealed}),
                ("all is done", {"log.db": new, name: sealed, **half})):
            with self.subTest(kind=kind):
                shutil.rmtree(self.directory)
                for f, data in files.items():
                    put(os.path.join(self.directory, f), data)
                reader = open_store(self.connect(), self.folder, None)
                self.assertEqual(self.state(reader), ("ok", None, 151))
                con = self.laptop(0)
                self.assertEqual(self.state(con), ("ok", None, 151))
                self.assertEqual(con.execute("SELECT file FROM kv_devices WHERE device IS NULL")
                                 .fetchall(), [])
                con.execute("INSERT INTO kv VALUES('more', 1)")
                sync(reader)
                self.assertEqual(self.state(reader), ("ok", None, 152))
                con.close()
                con = self.laptop(1)
                con.execute("INSERT INTO kv VALUES('most', 1)")
                self.assertEqual([f for f in self.files() if "log.db." in f], [])
                sync(reader)
                self.assertEqual(self.state(reader), ("ok", None, 153))
                self.check(reader, "notes.kv")
                con.close()
                reader.close()

    def test_files_that_nothing_needs_go_with_the_next_sealing(self):
        con = self.laptop(0)
        self.fill(con, 150)
        log = oracle.read_log(log_path(self.folder, "laptop"))
        for last in (20, 50, 150):
            put(os.path.join(self.directory, oracle.segment_name(log.id, last)),
                read(log_path(self.folder, "laptop")))
        other = oracle.segment_name(b"\1" * 16, 20)
        put(os.path.join(self.directory, other), b"")
        con = open_store(con, self.folder, "laptop", "segment=1")
        con.execute("INSERT INTO kv VALUES('last', 1)")
        self.assertEqual(self.files(), sorted(
            [other, "log.db"] + [oracle.segment_name(log.id, n) for n in (150, 151)]))

    def test_a_log_that_cannot_be_sealed_is_committed(self):
        con = self.laptop(0)
        self.fill(con, 150)
        blocked = os.path.join(self.directory, "log.db.sealed")
        os.mkdir(blocked)
        con = open_store(con, self.folder, "laptop", "segment=20000")
        for i in range(150, 350):
            self.fill(con, 1, begin=i)
        self.assertEqual(self.files(), ["log.db", "log.db.sealed"])
        os.rmdir(blocked)
        self.assertEqual(len(oracle.read_log(log_path(self.folder, "laptop")).rows), 350)
        self.fill(con, 200, begin=350)
        self.assertGreater(len(self.files()), 2)
        self.check(con, "notes.kv")

    def test_a_log_with_rows_that_do_not_verify_is_not_sealed(self):
        con = self.laptop(0)
        self.fill(con, 20)
        path = log_path(self.folder, "laptop")
        con = open_store(con, self.folder, "laptop", "segment=20000")
        edit(path, "UPDATE log SET value = 'other' WHERE seq = 7")
        con.execute("BEGIN")
        self.fill(con, 300, begin=20)
        con.execute("COMMIT")
        self.assertEqual(self.files(), ["log.db"])
        edit(path, "UPDATE log SET value = '%s' WHERE seq = 7" % ("x" * 100))
        con.execute("BEGIN")
        self.fill(con, 300, begin=320)
        con.execute("COMMIT")
        self.assertEqual(len(self.files()), 2)
        self.check(con, "notes.kv")

    def test_a_sealed_file_that_is_lost_is_written_again_from_the_cache(self):
        host = connect(self.path("host.db"))
        self.closing.append(host)
        open_store(host, self.folder, "laptop", "segment=20000", schema="main")
        self.fill(host, 100)
        reader = open_store(self.connect(), self.folder, None)
        for name in self.files():
            if name != "log.db":
                os.remove(os.path.join(self.directory, name))
        for _ in range(20):  # a random part is verified each time
            self.fill(host, 1, begin=100)
            sync(host)
        self.assertEqual(self.state(host)[0], "ok")
        sync(reader)
        self.assertEqual(self.state(reader), ("ok", None, 120))
        newcomer = open_store(self.connect(), self.folder, None, name="newcomer")
        self.assertEqual(kv_log(newcomer, "newcomer"), kv_log(host))
        os.remove(os.path.join(self.directory, "log.db.aside-1"))
        self.check(host, "notes.kv")

    def test_a_cache_without_the_rows_of_a_lost_file_waits_for_it(self):
        con = self.laptop()
        self.fill(con, 100)
        con.close()
        name = [f for f in self.files() if f != "log.db"][1]
        os.rename(os.path.join(self.directory, name), self.path("away"))
        con = self.laptop()
        state, detail, _ = self.state(con)
        self.assertEqual(state, "waiting")
        self.assertIn(name + " is missing", detail)
        self.fails("INSERT INTO kv VALUES('a', 1)", name, con=con)
        os.rename(self.path("away"), os.path.join(self.directory, name))
        sync(con)
        con.execute("INSERT INTO kv VALUES('a', 1)")
        self.assertEqual(self.state(con), ("ok", None, 101))
        self.check(con, "notes.kv")

    def test_log_db_lost_beside_its_own_sealed_files(self):
        con = self.laptop()
        self.fill(con, 100)
        con.close()
        os.rename(log_path(self.folder, "laptop"), self.path("away"))
        before = self.bytes()
        con = self.laptop()
        state, detail, _ = self.state(con)
        self.assertEqual(state, "waiting")
        self.assertIn("log.db is missing beside " + self.files()[-1], detail)
        self.assertIn("adopt=1", detail)
        self.fails("INSERT INTO kv VALUES('a', 1)", "log.db is missing", con=con)
        self.assertEqual(self.bytes(), before)
        os.rename(self.path("away"), log_path(self.folder, "laptop"))
        sync(con)
        con.execute("INSERT INTO kv VALUES('a', 1)")
        self.assertEqual(self.state(con), ("ok", None, 101))
        self.check(con, "notes.kv")

    def test_adopting_goes_on_without_log_db(self):
        con = self.laptop()
        self.fill(con, 100)
        con.close()
        n = int(self.files()[-2][-22:-3])  # what is sealed
        self.assertGreater(n, 50)
        os.remove(log_path(self.folder, "laptop"))
        con = open_store(self.connect(), self.folder, "laptop", "segment=20000, adopt=1")
        self.assertEqual(self.state(con)[0], "ok")
        self.assertEqual(len(kv(con)), n)
        self.fill(con, 1, begin=100)
        reader = open_store(self.connect(), self.folder, None)
        self.assertEqual(len(kv(reader)), n + 1)
        self.check(reader, "notes.kv")

    def test_a_second_cache_goes_on_behind_files_that_the_first_sealed(self):
        for schema in ("temp", "main"):
            with self.subTest(schema=schema):
                shutil.rmtree(self.folder, ignore_errors=True)
                second = connect(self.path("second-%s.db" % schema))
                self.closing.append(second)
                open_store(second, self.folder, "laptop", schema=schema)
                second.execute("INSERT INTO kv VALUES('second', 1)")
                first = self.laptop()
                self.fill(first, 100)
                first.close()
                second.execute("INSERT INTO kv VALUES('second', 2)")
                self.assertEqual(self.state(second), ("ok", None, 102))
                self.assertEqual(len(kv(second)), 101)
                self.check(second, "notes.kv")

    def test_adopting_keeps_the_rows_of_all_files(self):
        con = self.laptop()
        self.fill(con, 100)
        con.close()
        edit(log_path(self.folder, "laptop"), "UPDATE device SET host = 'ffffffffffffffff'")
        con = self.laptop()
        self.assertEqual(self.state(con)[0], "twin")
        con = open_store(con, self.folder, "laptop", "adopt=1")
        self.fill(con, 1, begin=100)
        self.assertEqual(len(kv(con)), 101)
        reader = open_store(self.connect(), self.folder, None)
        self.assertEqual(len(kv(reader)), 101)
        self.check(reader, "notes.kv")


def write(folder, number, n):
    con = connect(timeout=60)
    con.execute("PRAGMA busy_timeout = 60000")
    open_store(con, folder, "laptop", "segment=20000")
    for i in range(n):
        con.execute("INSERT INTO kv VALUES(?, ?)", ("%d-%d" % (number, i), "x" * 200))
    con.close()


class Together(Case):
    def test_processes_seal_and_append_while_others_copy_and_read(self):
        folder = self.path("notes.kv")
        open_store(self.connect(), folder, "laptop").close()
        context = multiprocessing.get_context("spawn")
        writers = [context.Process(target=write, args=(folder, k, 60)) for k in range(3)]
        for w in writers:
            w.start()
        copy = self.path("copy.kv")
        os.mkdir(copy)
        reader = open_store(self.connect(), self.path("copy.kv"), None)
        rng = random.Random(1)
        seen = 0
        while any(w.is_alive() for w in writers):
            names = os.listdir(os.path.join(folder, "devices", "laptop"))
            rng.shuffle(names)
            for name in names:  # one file at a time, in any order
                try:
                    data = read(os.path.join(folder, "devices", "laptop", name))
                except FileNotFoundError:
                    continue
                put(os.path.join(copy, "devices", "laptop", name), data)
                sync(reader)
                got = reader.execute("SELECT max(last_seq) FROM kv_devices").fetchone()[0] or 0
                self.assertGreaterEqual(got, seen)
                seen = got
        for w in writers:
            w.join()
            self.assertEqual(w.exitcode, 0)
        log = oracle.read_log(log_path(folder, "laptop"), writers=3)
        self.assertEqual({r.key for r in log.rows if r.op == oracle.SET},
                         {"%d-%d" % (k, i) for k in range(3) for i in range(60)})
        self.assertGreater(len(os.listdir(os.path.join(folder, "devices", "laptop"))), 2)
        shutil.rmtree(copy)
        shutil.copytree(folder, copy)
        sync(reader)
        self.assertEqual(reader.execute("SELECT state, last_seq FROM kv_devices").fetchone(),
                         ("ok", len(log.rows)))


if __name__ == "__main__":
    unittest.main()
