"""kv_sync() merges other devices' logs in whatever state they arrive: it never
fails for one, never takes half a transaction or a wrong value, and never
changes a byte outside its own device's directory.
"""

import os
import shutil
import time
import unittest

import oracle
import watch
from support import (Case, deliver, edit, kv, log_path, plain, put,
                     read, snapshot, sync)

OLD = 1_700_000_000 * 10**9


class Sync(Case):
    """A laptop with its folder, mine.kv, and a phone with theirs.kv."""

    def setUp(self):
        super().setUp()
        self.mine, self.theirs = self.path("mine.kv"), self.path("theirs.kv")
        self.laptop = self.db = self.device("laptop", "mine.kv")
        self.phone = self.device("phone", "theirs.kv")
        self.laptop.execute("INSERT INTO kv VALUES('own', 1)")
        self.file = log_path(self.mine, "phone")

    def write(self, *keys, value=1):
        self.phone.executemany("INSERT INTO kv VALUES(?, ?)", [(k, value) for k in keys])

    def arrive(self, how="whole", part=0.5):
        deliver(self.theirs, self.mine, "phone", how, part)

    def merge(self):
        """kv_sync(), which must not touch anybody else's files."""
        before = snapshot(self.mine, without="laptop")
        n = sync(self.laptop)
        self.assertEqual(snapshot(self.mine, without="laptop"), before)
        return n

    def shows(self, *phone_keys, value=1):
        self.assertEqual(kv(self.laptop), plain(
            {"own": 1, **{k: value for k in phone_keys}}))

    def state(self, con=None, device="phone"):
        return super().state(con or self.laptop, device)


class Whole(Sync):
    def test_it_returns_the_number_of_rows_merged(self):
        self.write("a", "b")
        self.assertEqual(self.merge(), 0)
        self.arrive()
        self.assertEqual(self.merge(), 2)
        self.assertEqual(self.merge(), 0)
        self.shows("a", "b")
        self.phone.execute("DELETE FROM kv WHERE key = 'a'")
        self.phone.execute("INSERT INTO kv VALUES('a', 1), ('c', 1)")
        self.arrive()
        self.assertEqual(self.merge(), 3)
        self.shows("a", "b", "c")
        self.assertEqual(self.state(), "ok")
        self.check(self.laptop, "mine.kv")

    def test_acknowledgements_do_not_count(self):
        deliver(self.mine, self.theirs, "laptop")
        sync(self.phone)
        self.write("a")
        self.assertEqual([r.op for r in self.log("phone", "theirs.kv").rows], [2, 1])
        self.arrive()
        self.assertEqual(self.merge(), 1)
        acked, n, last = self.laptop.execute(
            "SELECT acked_seq, n_rows, last_seq FROM kv_devices WHERE device = 'phone'").fetchone()
        self.assertEqual((acked, n, last), (1, 1, 2))

    def test_an_idle_sync_opens_nothing(self):
        if not watch.available:
            self.skipTest("no inotify")
        self.write("a")
        self.arrive()
        self.merge()
        time.sleep(2.1)  # a stamp counts once it is older than that
        self.merge()
        w = watch.Watch(self.mine, watch.OPEN)
        self.closing.append(w)
        self.assertEqual(sync(self.laptop), 0)
        self.assertEqual({e for e in w.events() if e[0] == "phone"}, set())
        self.write("b")
        self.arrive()
        w.events()
        self.assertEqual(sync(self.laptop), 1)
        self.assertIn(("phone", "log.db"), w.events())

    def test_a_change_within_the_clock_s_tick_is_not_missed(self):
        """The same size, inode and times: only its freshness shows that it may
        have changed."""
        self.write("a")
        one = read(log_path(self.theirs, "phone"))
        self.write("b")
        two = read(log_path(self.theirs, "phone"))
        self.assertEqual(len(one), len(two))
        os.makedirs(os.path.dirname(self.file))

        def place(data):
            with open(self.file, "r+b" if os.path.exists(self.file) else "wb") as f:
                f.write(data)
            os.utime(self.file, ns=(OLD, OLD))
            return os.stat(self.file).st_ctime_ns
        for _ in range(300):
            reader = self.device(None, "mine.kv")
            before = place(one)
            sync(reader)
            if place(two) == before:
                self.assertEqual(sync(reader), 1)
                return
            reader.close()
        self.skipTest("the file system's clock is too fine")

    def test_a_sync_inside_begin_rolls_back_with_it(self):
        self.write("a")
        self.arrive()
        run = self.laptop.execute
        run("BEGIN")
        self.assertEqual(sync(self.laptop), 1)
        self.shows("a")
        run("INSERT INTO kv VALUES('a', 2)")
        run("ROLLBACK")
        self.shows()
        self.assertEqual(kv_devices_cursor(self.laptop), None)
        run("BEGIN")
        run("SAVEPOINT s")
        self.assertEqual(sync(self.laptop), 1)
        run("ROLLBACK TO s")
        self.shows()
        run("COMMIT")
        run("BEGIN")
        self.assertEqual(sync(self.laptop), 1)
        run("COMMIT")
        self.shows("a")
        self.assertEqual(self.merge(), 0)
        self.check(self.laptop, "mine.kv")

    def test_a_sync_inside_a_writing_statement_is_refused(self):
        self.write("a")
        self.arrive()
        self.laptop.execute("CREATE TABLE t(x)")
        self.fails("INSERT INTO t SELECT kv_sync()", "kv: ")
        self.fails("INSERT INTO kv VALUES('n', kv_sync())", "kv: ")
        self.fails("UPDATE kv SET value = kv_sync()", "kv: ")
        self.shows()
        self.assertEqual(self.merge(), 1)
        self.shows("a")

    def test_a_sync_while_a_read_is_open(self):
        self.write("a")
        self.arrive()
        rows = self.laptop.execute("SELECT key FROM kv UNION ALL SELECT 1 UNION ALL SELECT 2")
        rows.fetchone()
        self.assertEqual(sync(self.laptop), 1)
        rows.fetchall()
        self.shows("a")

    def test_a_device_that_disappeared_loses_nothing(self):
        self.write("a")
        self.arrive()
        self.merge()
        shutil.rmtree(os.path.dirname(self.file))
        self.assertEqual(self.merge(), 0)
        self.shows("a")
        self.assertEqual(self.state(), "missing")
        self.write("b")
        self.arrive()
        self.assertEqual(self.merge(), 1)
        self.assertEqual(self.state(), "ok")

    def test_a_lock_on_another_device_s_log_does_not_matter(self):
        self.write("a")
        self.arrive()
        other = self.process(self.file, module=False)
        other.sql("BEGIN EXCLUSIVE")
        self.assertEqual(self.merge(), 1)

    def test_a_journal_beside_another_device_s_log_is_left_alone(self):
        self.write("a")
        self.arrive()
        for suffix in ("-journal", "-wal", "-shm"):
            put(self.file + suffix, os.urandom(4096))
        self.assertEqual(self.merge(), 1)
        self.shows("a")

    def test_many_devices_in_any_order_become_equal(self):
        names = ["d%d" % i for i in range(5)]
        cons = {n: self.device(n, n + ".kv") for n in names}
        for i in range(4):
            for n, con in cons.items():
                con.execute("INSERT INTO kv VALUES('k', ?), (?, ?)", (n + str(i), n, i))
                con.execute("DELETE FROM kv WHERE key = ?", (names[i],))
                for m in names[:names.index(n)] if i % 2 else names[names.index(n) + 1:]:
                    deliver(self.path(n + ".kv"), self.path(m + ".kv"), n)
                    sync(cons[m])
        for n in names:
            for m in names:
                if m != n:
                    deliver(self.path(n + ".kv"), self.path(m + ".kv"), n)
        for n, con in cons.items():
            sync(con)
            self.check(con, n + ".kv")
            self.assertEqual(kv(con), kv(cons["d0"]))


def kv_devices_cursor(con):
    row = con.execute("SELECT last_seq FROM kv_devices WHERE device = 'phone'").fetchone()
    return row[0] if row and row[0] else None


class NotWhole(Sync):
    def test_a_half_delivered_log_is_merged_later(self):
        self.write(*range(60), value="x" * 100)
        self.arrive()
        self.merge()
        first = len(self.log("phone", "theirs.kv").rows)
        self.write(*range(60, 200), value="y" * 100)
        rows = self.log("phone", "theirs.kv").rows
        before = read(self.file)
        own = self.log("laptop", "mine.kv").rows
        for how in ("cut", "torn"):
            for part in (0.0, 0.01, 0.2, 0.5, 0.8, 0.97, 0.999):
                with self.subTest(how=how, part=part):
                    put(self.file, before)
                    laptop = self.device("laptop", "mine.kv")
                    self.laptop = laptop
                    self.arrive(how, part)
                    n = self.merge()
                    self.assertEqual(kv(laptop), oracle.fold(own + rows[:first + n]))
                    if not (how == "torn" and part == 0.0):
                        self.assertIn(self.state(), ("waiting", "damaged"))
                    self.merge()
                    self.assertEqual(kv(laptop), oracle.fold(own + rows[:first + n]))
                    self.arrive()
                    self.assertEqual(self.merge(), len(rows) - first - n)
                    self.assertEqual(self.state(), "ok")
                    self.check(laptop, "mine.kv")

    def test_half_a_transaction_waits(self):
        self.write("a")
        self.phone.execute("INSERT INTO kv VALUES('b', 1), ('c', 1), ('d', 1)")
        self.arrive()
        edit(self.file, "DELETE FROM log WHERE seq = 4")
        self.assertEqual(self.merge(), 1)
        self.shows("a")
        self.assertEqual(self.state(), "waiting")
        edit(self.file, "DELETE FROM log WHERE seq = 2")
        self.assertEqual(self.merge(), 0)
        self.arrive()
        self.assertEqual(self.merge(), 3)
        self.shows("a", "b", "c", "d")
        self.assertEqual(self.state(), "ok")

    def test_an_older_copy_removes_nothing(self):
        self.write("a")
        old = read(log_path(self.theirs, "phone"))
        self.write("b")
        self.arrive()
        self.merge()
        put(self.file, old)
        self.assertEqual(self.merge(), 0)
        self.shows("a", "b")
        self.assertEqual(self.state(), "behind")
        self.assertEqual(self.merge(), 0)
        self.write("c")
        self.arrive()
        self.assertEqual(self.merge(), 1)
        self.shows("a", "b", "c")
        self.assertEqual(self.state(), "ok")

    def test_a_log_of_another_id_replaces_the_previous_one(self):
        self.write("a", "b", "c")
        self.arrive()
        self.merge()
        os.remove(log_path(self.theirs, "phone"))
        self.phone.close()
        self.phone = self.device("phone", "theirs.kv")
        self.write("new", value=2)
        self.arrive()
        self.assertEqual(self.merge(), 1)
        self.assertEqual(kv(self.laptop), plain({"own": 1, "new": 2}))
        self.assertEqual(self.state(), "rewritten")
        self.check(self.laptop, "mine.kv")
        self.write("more", value=2)
        self.arrive()
        self.assertEqual(self.merge(), 1)
        self.assertEqual(self.state(), "ok")
        self.check(self.laptop, "mine.kv")

    def test_a_log_with_another_history_replaces_the_previous_one(self):
        """The same id and another history: shorter, equally long, and longer."""
        self.write("a")
        fork = read(log_path(self.theirs, "phone"))
        for n, keys in enumerate((["x"], ["x", "y"], ["x", "y", "z"])):
            with self.subTest(rows=n):
                put(log_path(self.theirs, "phone"), fork)
                self.phone = self.device("phone", "theirs.kv")
                self.write("b%d" % n, "c%d" % n)
                self.arrive()
                self.merge()
                self.shows("a", "b%d" % n, "c%d" % n)
                put(log_path(self.theirs, "phone"), fork)
                self.phone = self.device("phone", "theirs.kv")
                self.write(*keys)
                self.arrive()
                self.assertEqual(self.merge(), 1 + len(keys))
                self.shows("a", *keys)
                self.assertEqual(self.state(), "rewritten")
                self.check(self.laptop, "mine.kv")

    def test_a_wrong_row_stops_before_its_transaction(self):
        for change in ("value = 'wrong'", "sum = sum + 1", "ts = 5", "txn = 9",
                       "key = 'wrong'", "op = 0", "bucket = 'x'", "parent_ts = 7"):
            with self.subTest(change=change):
                self.fresh()
                self.write("a")
                self.arrive()
                self.merge()
                self.write("b", "c")
                self.phone.execute("INSERT INTO kv VALUES('d', 1), ('e', 1)")
                self.arrive()
                edit(self.file, "UPDATE log SET %s WHERE key = 'e'" % change)
                self.assertEqual(self.merge(), 2)
                self.shows("a", "b", "c")
                self.assertEqual(self.state(), "damaged")
                self.arrive()
                self.assertEqual(self.merge(), 2)
                self.shows("a", "b", "c", "d", "e")

    def test_a_damaged_log_loses_nothing_that_was_read(self):
        self.write("a")
        self.arrive()
        self.merge()
        n = os.path.getsize(self.file)
        for data in (b"", b"\0" * n, os.urandom(n), b"SQLite format 3\0" + os.urandom(n),
                     read(self.file)[:50] + os.urandom(n)):
            with self.subTest(data=data[:20]):
                put(self.file, data)
                self.assertEqual(self.merge(), 0)
                self.shows("a")
                self.assertIn(self.state(), ("damaged", "waiting", "stranger"))
        self.write("b")
        self.arrive()
        self.assertEqual(self.merge(), 1)
        self.assertEqual(self.state(), "ok")


class Strangers(Sync):
    def test_another_device_s_log_under_its_name(self):
        self.write("a")
        put(self.file, read(log_path(self.mine, "laptop")))
        self.assertEqual(self.merge(), 0)
        self.shows()
        self.assertEqual(self.state(), "stranger")
        self.arrive()
        self.assertEqual(self.merge(), 1)
        self.assertEqual(self.state(), "ok")

    def test_databases_that_are_not_logs(self):
        """For each kind: nothing is merged or run, and no other device is
        delayed."""
        tablet = self.device("tablet", "tablet.kv")
        tablet.execute("INSERT INTO kv VALUES('t', 1)")
        self.laptop.create_function("boom", -1, lambda *a: self.fail("ran host code"))
        self.write("a")
        schema = "PRAGMA writable_schema = on"
        for name, statements in {
            "application": ["PRAGMA application_id = 5"],
            "no device": ["DROP TABLE device"],
            "no log": ["DROP TABLE log"],
            "no row": ["DELETE FROM device"],
            "two rows": ["INSERT INTO device SELECT * FROM device"],
            "name": ["UPDATE device SET name = 'tablet'"],
            "null name": ["UPDATE device SET name = NULL"],
            "short id": ["UPDATE device SET id = x'00'"],
            "other id": ["UPDATE device SET id = zeroblob(16)"],
            "base sum": ["UPDATE device SET base_sum = base_sum + 1"],
            "index": ["CREATE INDEX i ON log(key)"],
            "table": ["CREATE TABLE t(x)"],
            "trigger": ["CREATE TRIGGER t AFTER INSERT ON log BEGIN SELECT 1; END"],
            "view": [schema, "DROP TABLE log",
                     "CREATE VIEW log AS SELECT 1 AS seq, boom() AS txn"],
            "default": [schema, "UPDATE sqlite_master SET sql = replace(sql, 'value,', "
                        "'value DEFAULT (boom()),')"],
            "generated": [schema, "UPDATE sqlite_master SET sql = replace(sql, 'value,', "
                          "'value AS (boom(key)),')"],
            "newer": ["PRAGMA user_version = 3"],
            "older": ["PRAGMA user_version = 1"],
            "base seq": ["UPDATE device SET base_seq = 5"],
            "wal": ["PRAGMA journal_mode = wal"],
        }.items():
            with self.subTest(kind=name):
                self.arrive()
                edit(self.file, *statements)
                deliver(self.path("tablet.kv"), self.mine, "tablet")
                self.merge()
                self.assertNotEqual(self.state(), "ok" if name != "wal" else None)
                if name in ("newer", "base seq"):
                    self.assertEqual(self.state(), "newer" if name == "newer" else "waiting")
                self.assertEqual(kv(self.laptop), plain(
                    {"own": 1, "t": 1, **({"a": 1} if self.state() == "ok" else {})}))
        self.arrive()
        self.merge()
        self.shows("a", "t")

    def test_files_of_other_kinds_under_a_log_s_name(self):
        self.write("a")
        real = log_path(self.theirs, "phone")
        directory = os.path.dirname(self.file)
        os.makedirs(directory)
        for kind, make in {
            "directory": lambda: os.mkdir(self.file),
            "link": lambda: os.symlink(real, self.file),
            "dangling": lambda: os.symlink("/nowhere/at/all", self.file),
            "fifo": lambda: os.mkfifo(self.file),
        }.items():
            with self.subTest(kind=kind):
                make()
                self.assertEqual(self.merge(), 0)
                self.shows()
                self.assertNotIn(self.state(), ("ok",))
                (os.rmdir if kind == "directory" else os.remove)(self.file)
        os.rmdir(directory)
        os.symlink(os.path.dirname(real), directory)
        self.assertEqual(self.merge(), 0)
        self.shows()
        os.remove(directory)
        self.arrive()
        self.assertEqual(self.merge(), 1)

    def test_other_files_in_the_folder_are_listed_and_left_alone(self):
        self.write("a")
        self.arrive()
        names = [
            "readme.txt", ".stfolder/x", "devices/file", "devices/.hidden/log.db",
            "devices/nul/log.db", "devices/bad name/log.db", "devices/x" + "y" * 64 + "/log.db",
            "devices/phone/log.sync-conflict-20260101.db",
            "devices/phone/log (conflicted copy).db", "devices/phone/.syncthing.log.db.tmp",
            "devices/laptop/log 2.db",
        ]
        for n in names:
            put(os.path.join(self.mine, n), read(self.file), OLD)
        sync(self.laptop)  # so that it has nothing to acknowledge later
        before = snapshot(self.mine)
        self.assertEqual(self.merge(), 0)
        self.assertEqual(snapshot(self.mine), before)
        self.laptop.execute("INSERT INTO kv VALUES('own', 1)")
        self.shows("a")
        rows = self.laptop.execute(
            "SELECT device, state, file FROM kv_devices WHERE state = 'ignored'").fetchall()
        self.assertEqual({d for d, _, _ in rows}, {None})
        shown = " ".join(f for _, _, f in rows)
        for n in names:
            if n.startswith("devices/"):
                self.assertIn(n.split("/")[1] if n.count("/") == 1 or "log.db" == n.split("/")[-1]
                              else n.split("/")[-1], shown)
                self.assertTrue(os.path.exists(os.path.join(self.mine, n)), n)

    def test_a_name_that_differs_only_in_case_is_refused_but_read(self):
        self.fails("SELECT kv_open(?, 'Laptop', 'name=other')", "laptop", "kv: ",
                   args=(self.mine,))
        self.assertEqual(os.listdir(os.path.join(self.mine, "devices")), ["laptop"])
        upper = self.device("Phone", "upper.kv")
        upper.execute("INSERT INTO kv VALUES('u', 1)")
        self.write("a")
        self.arrive()
        deliver(self.path("upper.kv"), self.mine, "Phone")
        self.assertEqual(self.merge(), 2)
        self.shows("a", "u")


if __name__ == "__main__":
    unittest.main()
