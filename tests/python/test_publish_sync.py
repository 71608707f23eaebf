"""publish='sync': commits go into the cache alone, and kv_sync() publishes them."""

import os
import shutil
import sqlite3
import struct
import tempfile
import unittest

import oracle
from support import (NOW, SECOND, SHM, Case, Process, connect, deliver, edit, kv, kv_log,
                     log_path, misplaced, open_store, put, read, snapshot, sync)

N = 10000
CREATE = "CREATE VIRTUAL TABLE kv USING kv('notes.kv', device='laptop', publish='sync'%s)"


def fill(con, n, begin=0):
    for i in range(begin, begin + n):
        con.execute("INSERT INTO kv VALUES(?, ?)", (i % 4000, i))


class Late(Case):
    """host.db, whose rows go out with kv_sync(), and its folder."""

    def host(self, file="host.db", options=""):
        con = self.connect(self.path(file))
        con.execute("PRAGMA synchronous = OFF")
        if not con.execute("SELECT 1 FROM sqlite_master WHERE name = 'kv'").fetchone():
            con.execute(CREATE % (options and ", " + options))
        return con

    def values(self, device="laptop", folder="notes.kv"):
        """What a log sets, in its order."""
        return [r.value for r in self.log(device, folder).rows if r.op == oracle.SET]

    def here(self, con, name="kv"):
        return con.execute("SELECT state, detail, unpublished FROM kv_devices(?) "
                           "WHERE is_self", (name,)).fetchone()


class Commits(Late):
    def test_touch_no_file_and_are_published_with_their_times(self):
        con = self.host()
        before = snapshot(self.path("notes.kv"))
        con.execute("INSERT INTO kv VALUES('a', 1)")
        con.execute("BEGIN")
        con.execute("INSERT INTO kv VALUES('b', 2), ('a', 3)")
        con.execute("COMMIT")
        self.assertEqual(snapshot(self.path("notes.kv")), before)
        self.assertEqual(self.here(con), ("waiting", "rows wait for kv_sync()", 3))
        rows = kv_log(con)
        self.assertEqual(sync(con), 0)
        self.assertEqual(self.here(con), ("ok", None, 0))
        self.assertEqual([len(t) for t in self.published("laptop")], [1, 2])
        self.assertEqual(kv_log(con), rows)
        self.check(con)
        con.execute("DELETE FROM kv WHERE key = 'a'")
        self.assertEqual(self.here(con)[2], 1)
        con.execute("SELECT kv_close()")
        self.assertEqual(self.here(con), ("ok", None, 0))
        self.check(con)

    def test_one_write_to_the_folder(self):
        con = self.host(options="segment=0")
        sync(con)
        for n in (1, 100):
            fill(con, n)
            before = read(log_path(self.path("notes.kv"), "laptop"))
            sync(con)
            after = read(log_path(self.path("notes.kv"), "laptop"))
            count, = struct.unpack(">I", after[24:28])  # SQLite's file change counter
            self.assertEqual(count, struct.unpack(">I", before[24:28])[0] + 1)

    def test_rollback_and_savepoints(self):
        con = self.host()
        con.execute("BEGIN")
        con.execute("INSERT INTO kv VALUES('a', 1)")
        con.execute("ROLLBACK")
        self.assertEqual(self.here(con), ("ok", None, 0))
        con.execute("BEGIN")
        con.execute("INSERT INTO kv VALUES('a', 1)")
        con.execute("SAVEPOINT s")
        con.execute("INSERT INTO kv VALUES('b', 1)")
        con.execute("ROLLBACK TO s")
        con.execute("INSERT INTO kv VALUES('c', 1)")
        con.execute("COMMIT")
        self.assertEqual(self.here(con)[2], 2)
        sync(con)
        self.assertEqual([r.key for r in self.log("laptop").rows], ["a", "c"])
        self.check(con)

    def test_sync_inside_a_transaction_only_merges(self):
        con = self.host()
        con.execute("INSERT INTO kv VALUES('a', 1)")
        con.execute("BEGIN")
        sync(con)
        con.execute("COMMIT")
        self.assertEqual(self.here(con)[2], 1)
        self.assertEqual(self.values(), [])
        sync(con)
        self.check(con)

    def test_why_the_last_sync_failed_stays_until_one_succeeds(self):
        con = self.host()
        con.execute("INSERT INTO kv VALUES('a', 1)")
        os.rename(self.path("notes.kv"), self.path("away"))
        self.fails("SELECT kv_close()", "is not there", con=con)
        con.execute("INSERT INTO kv VALUES('b', 1)")
        self.assertEqual(self.here(con)[2], 2)
        os.rename(self.path("away"), self.path("notes.kv"))
        con.execute("INSERT INTO kv VALUES('c', 1)")
        sync(con)
        self.assertEqual(self.here(con), ("ok", None, 0))
        self.check(con)

    def test_drop_is_refused_until_they_are_published(self):
        con = self.host()
        con.execute("INSERT INTO kv VALUES('a', 1)")
        self.fails("DROP TABLE kv", "locked", con=con)
        sync(con)
        con.execute("DROP TABLE kv")
        con.execute(CREATE.replace("sync", "commit") % "")
        con.execute("INSERT INTO kv VALUES('b', 1)")
        self.assertEqual(self.values(), [1, 1])

    def test_rows_that_a_crash_kept_from_the_log_are_counted(self):
        con = self.host()
        log = read(log_path(self.path("notes.kv"), "laptop"))
        fill(con, 5)
        sync(con)
        con.close()
        put(log_path(self.path("notes.kv"), "laptop"), log)  # as if it had lost its commit
        con = self.host()
        fill(con, 1, begin=5)
        self.assertEqual(self.here(con)[2], 6)
        sync(con)
        self.assertEqual(self.values(), list(range(6)))
        self.check(con)


class Option(Late):
    def test_is_refused_for_a_cache_that_ends_with_the_connection(self):
        con = self.connect()
        for sql in ("SELECT kv_open(%r, 'laptop', 'publish=sync')",
                    "CREATE VIRTUAL TABLE temp.kv USING kv(%r, device='laptop', publish='sync')",
                    "CREATE VIRTUAL TABLE main.kv USING kv(%r, device='laptop', publish='sync')"):
            self.fails(sql % self.path("notes.kv"), "database file", con=con)
        self.assertFalse(os.path.exists(self.path("notes.kv")))
        con.execute("SELECT kv_open(?, 'laptop', 'publish=commit')", (self.path("notes.kv"),))
        con.execute("INSERT INTO kv VALUES('a', 1)")
        self.assertEqual(self.values(), [1])
        for wrong in ("", "1", "SYNC", "never"):
            self.fails("SELECT kv_open('n.kv', 'n', 'name=n, publish=%s')" % wrong,
                       "neither 'commit' nor 'sync'", con=con)

    def test_kv_open_changes_it_for_the_connection(self):
        con = self.host()
        for option, waits in (("", 1), ("publish=commit", 0), ("", 0), ("publish=sync", 1)):
            con.execute("SELECT kv_open(?, 'laptop', ?)", (self.path("notes.kv"), option))
            con.execute("INSERT INTO kv VALUES(?, 1)", (option,))
            self.assertEqual(self.here(con)[2], waits)
        other = self.host()
        other.execute("INSERT INTO kv VALUES('other', 1)")
        self.assertEqual(self.here(other)[2], 2)

    def test_stays_when_the_table_is_renamed_or_opened_again(self):
        con = self.host()
        con.execute("ALTER TABLE kv RENAME TO notes")
        con.execute("INSERT INTO notes VALUES('a', 1)")
        con.close()
        con = self.connect(self.path("host.db"))
        con.execute("INSERT INTO notes VALUES('b', 1)")
        self.assertEqual(self.here(con, "notes")[2], 2)
        self.assertEqual(sync(con, "notes"), 0)
        self.check(con, name="notes")

    def test_a_cache_that_is_copied_into_memory_publishes_at_once(self):
        con = self.host(options="now=%d" % NOW)
        con.execute("INSERT INTO kv VALUES('a', 1)")
        memory = self.connect()
        con.backup(memory)
        con.close()
        os.symlink(self.path("notes.kv"), "notes.kv")
        self.addCleanup(os.remove, "notes.kv")
        memory.execute("INSERT INTO kv VALUES('b', 2)")
        self.assertEqual(self.values(), [1, 2])

    def test_a_store_without_a_folder_has_nothing_to_publish(self):
        con = self.connect(self.path("host.db"))
        con.execute("CREATE VIRTUAL TABLE kv USING kv(':memory:', publish='sync')")
        con.execute("INSERT INTO kv VALUES('a', 1)")
        self.assertEqual(self.here(con), ("ok", None, 0))


class Steps(Late):
    """What kv_sync() takes depends on what waits, not on what the cache has."""

    def steps(self, con, sql="SELECT kv_sync()"):
        n = [0]

        def count():
            n[0] += 1

        con.set_progress_handler(count, 100)
        con.execute(sql).fetchall()
        con.set_progress_handler(None, 100)
        return 100 * n[0]

    def test_a_sync_of_a_large_cache_finds_the_rows_that_wait(self):
        con = self.host()
        con.execute("INSERT INTO kv WITH i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i "
                    "WHERE n < 30000) SELECT n, 'x' FROM i")
        sync(con)  # has to build the index by time
        for n in (1, 10):
            fill(con, n)
            self.assertLess(self.steps(con), 20000)
            self.assertEqual(self.here(con), ("ok", None, 0))
        fill(con, 20)
        other = open_store(self.connect(), self.path("notes.kv"), "laptop", name="o")
        other.execute("INSERT INTO o VALUES('other', 1)")
        self.assertEqual(sync(con), 1)
        self.check(con)

    def test_rows_are_found_whatever_the_arrivals_say(self):
        con = self.host()
        fill(con, 1000)
        sync(con)
        con.execute("SELECT count(*) FROM kv_changes(kv_cursor())").fetchone()
        sync(con)
        for statement in ("UPDATE kv_arrival SET first_ts = last_ts + 1",
                          "DELETE FROM kv_arrival WHERE arrived % 2"):
            fill(con, 10)
            con.execute(statement)
            fill(con, 10)
            sync(con)
            self.assertEqual(self.here(con), ("ok", None, 0))
            self.assertEqual(oracle.fold(self.log("laptop").rows), kv(con))

    def test_numbers_that_were_given_up_before(self):
        con = self.host(options="now=%d" % NOW)  # all have nearly one time
        fill(con, 1000)
        sync(con)
        con.execute("SELECT count(*) FROM kv_changes(kv_cursor())").fetchone()
        sync(con)
        for _ in range(3):
            fill(con, 10)
            con.execute("SELECT kv_close('discard=1', 'kv')")
        fill(con, 12)
        sync(con)
        self.check(con)


class Times(Late):
    """Rows keep their times, so they come late to the others: before rows that are
    there already."""

    def test_a_reader_finds_rows_of_the_past_that_come_late(self):
        con = self.host(options="now=%d" % NOW)
        fill(con, 20, begin=90)
        phone = self.device("phone", options="now=%d" % (NOW + 60 * SECOND))
        for i in range(100):
            phone.execute("INSERT INTO kv VALUES(?, 'phone')", (i,))
        then = NOW + 30 * SECOND
        for _ in range(2):  # the second time with an index by time
            self.assertEqual(phone.execute("SELECT count(*) FROM kv(?)", (then,)).fetchone(), (0,))
            phone.execute("SELECT count(*) FROM kv_diff(?)", (then,)).fetchone()
            sync(phone)
        self.assertEqual(phone.execute("SELECT is_indexed FROM kv_meta").fetchone(), (1,))
        cursor, = phone.execute("SELECT kv_cursor()").fetchone()
        sync(con)
        self.assertEqual(sync(phone), 20)
        self.assertEqual(phone.execute("SELECT key, value FROM kv(?) ORDER BY 1", (then,)).fetchall(),
                         [(i, i) for i in range(90, 110)])
        self.assertEqual(phone.execute("SELECT key, value FROM kv_changes(?) ORDER BY 1",
                                       (cursor,)).fetchall(), [(i, i) for i in range(100, 110)])
        self.assertEqual(phone.execute("SELECT count(*) FROM kv_diff(?, ?)",
                                       (NOW - 1, then)).fetchone(), (20,))
        self.assertEqual(phone.execute("SELECT count(*) FROM kv_conflicts").fetchone(), (10,))
        self.check(phone)

    def test_a_write_that_had_seen_a_value_wins_however_late_it_comes(self):
        phone = self.device("phone", options="now=%d" % (NOW + 60 * SECOND))
        phone.execute("INSERT INTO kv VALUES('a', 'phone'), ('b', 'phone')")
        con = self.host(options="now=%d" % NOW)
        sync(con)
        con.execute("INSERT INTO kv VALUES('a', 'laptop')")
        phone.execute("INSERT INTO kv VALUES('c', 'phone')")
        sync(con)
        sync(phone)
        self.assertEqual(phone.execute("SELECT value FROM kv WHERE key = 'a'").fetchone(), ("laptop",))
        self.assertEqual(phone.execute("SELECT count(*) FROM kv_conflicts").fetchone(), (0,))
        self.check(phone)
        self.check(con)


class Writers(Late):
    def test_connections_and_processes_share_the_rows_that_wait(self):
        a = self.host()
        b = self.host()
        p = self.process(self.path("host.db"))
        for i in range(0, 30, 3):
            a.execute("INSERT INTO kv VALUES(?, ?)", (i, i))
            b.execute("INSERT INTO kv VALUES(?, ?)", (i + 1, i + 1))
            p.sql("INSERT INTO kv VALUES(?, ?)", (i + 2, i + 2))
            if i == 15:
                sync(b)
                self.assertEqual(self.values(), list(range(18)))
        for con in (a, b):
            self.assertEqual(self.here(con)[2], 12)
        p.sql("SELECT kv_sync()")
        self.assertEqual(self.values(), list(range(30)))
        for con in (a, b):
            self.assertEqual(self.here(con), ("ok", None, 0))
            con.execute("INSERT INTO kv VALUES('more', 1)")
            sync(con)
            self.check(con)

    def test_two_caches_of_a_device(self):
        a, b = self.host("a.db"), self.host("b.db")
        for i in range(20):
            a.execute("INSERT INTO kv VALUES('a', ?), (?, 1)", (i, i))
            b.execute("INSERT INTO kv VALUES('b', ?), (?, 2)", (i, i))
        sync(b)
        sync(a)
        a.execute("INSERT INTO kv VALUES('c', 1)")
        self.assertEqual(sync(b), 40)
        sync(a)
        sync(b)
        self.assertEqual(len(self.published("laptop")), 41)
        self.check(a)
        self.check(b)

    def test_a_process_that_publishes_at_commit_publishes_what_waits(self):
        con = self.host()
        fill(con, 3)
        p = self.process(self.path("host.db"))
        p.open(self.path("notes.kv"), "laptop", "publish=commit")
        self.assertEqual(self.values(), [0, 1, 2])
        fill(con, 3, begin=3)
        p.sql("INSERT INTO kv VALUES('p', 6)")
        self.assertEqual(self.values(), list(range(7)))
        self.assertEqual(self.here(con), ("ok", None, 0))
        self.check(con)

    def test_typed_tables(self):
        con = self.host()
        con.execute("CREATE VIRTUAL TABLE t USING kv_table(id INTEGER PRIMARY KEY, "
                    "n INTEGER, MERGE(n counter))")
        before = snapshot(self.path("notes.kv"))
        con.execute("INSERT INTO t VALUES(1, 0), (2, 0)")
        for _ in range(50):
            con.execute("UPDATE t SET n = n + 1 WHERE id = 1")
        con.execute("DELETE FROM t WHERE id = 2")
        con.execute("BEGIN")
        con.execute("UPDATE t SET n = n + 1")
        con.execute("INSERT INTO kv VALUES('a', 1)")
        con.execute("ROLLBACK")
        self.assertEqual(snapshot(self.path("notes.kv")), before)
        self.assertEqual(self.here(con)[2], 54)  # with the one of #schema
        sync(con)
        self.assertEqual(len(self.published("laptop")), 52)
        phone = self.device("phone")
        phone.execute("CREATE VIRTUAL TABLE temp.t USING kv_table(id INTEGER PRIMARY KEY, "
                      "n INTEGER, MERGE(n counter))")
        self.assertEqual(phone.execute("SELECT * FROM t").fetchall(), [(1, 50)])
        self.check(phone)


class Many(Late):
    """10,000 commits of one row that wait."""

    @classmethod
    def setUpClass(cls):
        cls.source = tempfile.mkdtemp(prefix="kv-", dir=SHM)
        con = connect(os.path.join(cls.source, "host.db"))
        con.execute("PRAGMA synchronous = OFF")
        con.execute("PRAGMA journal_mode = MEMORY")
        con.execute(CREATE % ", segment=200000")
        con.execute("INSERT INTO kv VALUES('first', -1)")
        sync(con)
        fill(con, N // 2)
        cls.copy(con, "half.db")
        fill(con, N // 2, begin=N // 2)
        con.close()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.source)

    @classmethod
    def copy(cls, con, name):
        to = sqlite3.connect(os.path.join(cls.source, name))
        con.backup(to)
        to.close()

    def setUp(self):
        super().setUp()
        shutil.copytree(self.source, self.dir, dirs_exist_ok=True)

    def restore(self, name):
        shutil.copyfile(os.path.join(self.source, name), self.path("host.db"))
        return self.host()

    def whole(self, con, more=()):
        """All are published, once, in their order."""
        self.assertEqual(self.here(con), ("ok", None, 0))
        values = self.values()
        self.assertEqual(values[0], -1)
        self.assertEqual(sorted(values[1:]), sorted([*range(N), *more]))
        self.assertEqual([v for v in values if v in range(N)], list(range(N)))
        self.assertEqual(len(self.published("laptop")), len(values))
        self.check(con)

    def test_a_process_that_dies_leaves_them(self):
        p = Process(self.path("host.db"))
        p.sql("INSERT INTO kv VALUES('more', 10000)")
        p.kill()
        con = self.host()
        self.assertEqual(self.here(con)[2], N + 1)
        self.assertEqual(self.values(), [-1])
        sync(con)
        self.whole(con, [N])
        self.assertGreater(len(os.listdir(self.path("notes.kv/devices/laptop"))), 1)  # sealed

    def test_a_host_that_is_restored_publishes_them_once(self):
        con = self.host()
        sync(con)
        con.close()
        for name in ("half.db", "host.db"):
            con = self.restore(name)
            sync(con)
            self.whole(con)
            con.close()

    def test_a_host_that_is_restored_and_written_to(self):
        con = self.host()
        sync(con)
        con.close()
        con = self.restore("half.db")
        fill(con, 10, begin=N)
        self.assertEqual(self.here(con)[2], N // 2 + 10)
        sync(con)
        self.whole(con, range(N, N + 10))

    def test_a_host_that_is_restored_before_any_was_published(self):
        self.host().close()
        con = self.restore("half.db")
        fill(con, N // 2, begin=N // 2)
        sync(con)
        self.whole(con)

    def test_a_folder_that_is_made_again(self):
        shutil.rmtree(self.path("notes.kv"))
        os.mkdir(self.path("notes.kv"))
        con = self.host()
        sync(con)
        self.whole(con)

    def test_another_writer_of_the_device_goes_first(self):
        other = open_store(self.connect(), self.path("notes.kv"), "laptop", name="o")
        for i in range(N, N + 10):
            other.execute("INSERT INTO o VALUES('other', ?)", (i,))
        con = self.host()
        self.assertEqual(sync(con), 10)
        self.whole(con, range(N, N + 10))

    def test_a_twin_keeps_them_for_another_name(self):
        theirs = self.path("theirs.kv")
        os.makedirs(theirs)
        deliver(self.path("notes.kv"), theirs, "laptop")
        other = open_store(self.connect(), theirs, "laptop")
        other.execute("INSERT INTO kv VALUES('theirs', 1)")
        other.close()
        edit(log_path(theirs, "laptop"), "UPDATE device SET host = 'ffffffffffffffff'")
        con = self.host()
        deliver(theirs, self.path("notes.kv"), "laptop")
        sync(con)
        self.assertEqual(self.here(con)[0], "twin")
        self.assertEqual(self.here(con)[2], N)
        self.fails("INSERT INTO kv VALUES('x', 1)", "laptop", "adopt", con=con)
        con.execute("SELECT kv_open(?, 'laptop2', 'name=two')", (self.path("notes.kv"),))
        self.assertEqual(len(kv(con, "two")), 4000 + 2)
        self.assertEqual(kv(con, "two")["int", 3999], ("int", 7999))
        self.assertEqual(self.here(con)[2], 0)
        self.check(con, name="two")

    def test_adopting_a_log_publishes_them(self):
        edit(log_path(self.path("notes.kv"), "laptop"), "UPDATE device SET host = 'ffffffffffffffff'")
        con = self.host()
        sync(con)
        self.assertEqual(self.here(con)[0], "twin")
        con.execute("SELECT kv_open(?, 'laptop', 'adopt=1')", (self.path("notes.kv"),))
        sync(con)
        self.whole(con)

    def test_discard_gives_them_up(self):
        con = self.host()
        con.execute("SELECT kv_close('discard=1', 'kv')")
        self.assertEqual(self.here(con), ("ok", None, 0))
        self.assertEqual(len(kv(con)), 1)
        sync(con)
        self.check(con)


if __name__ == "__main__":
    unittest.main()
