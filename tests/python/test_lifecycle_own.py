"""The own log by generations: another cache of the device has compacted it, a crash cut
that off, or an older generation is back. Each test is a schedule of the model of
tests/lifecycle by its name, or says what else it plays.
"""

import os
import shutil
import sqlite3
import time
import unittest

import oracle
from generations import Log, generation
from support import (NOW, SECOND, Publish, edit, kv, open_store, put, read, set_clock, snapshot,
                     sync)

H = NOW + 3600 * SECOND     # a horizon behind everything that is written
OLD = NOW - 3600 * SECOND


class Own(Publish):
    def setUp(self):
        super().setUp()
        self.folder = self.path("notes.kv")
        self.directory = os.path.dirname(self.own)

    def cache(self, db="host.db", now=NOW, options=""):
        """A connection with a persistent cache of the laptop's, in a file of its own."""
        con = self.connect(self.path(db))
        if not con.execute("SELECT count(*) FROM sqlite_master WHERE name = 'kv'").fetchone()[0]:
            open_store(con, self.folder, "laptop", ", ".join(
                o for o in ("now=%d" % now, options) if o), schema="main")
        return con

    def caches(self):
        return self.cache("one.db"), self.cache("two.db")

    def set(self, con, **pairs):
        for k, v in pairs.items():
            con.execute("INSERT INTO kv VALUES(?, ?)", (k, v))

    def compact(self, horizon=H, drop=None, crash=None):
        """Compact the laptop's log without the extension. crash: only its first files get
        there."""
        log = Log.read(self.folder, "laptop")
        old = [f for f in os.listdir(self.directory) if f.startswith("log-")]
        before = read(self.own)
        log.compact(drop, horizon).write(self.folder, log.former[1])
        if crash == "before log.db":
            put(self.own, before)
        elif crash is None:
            for f in old:
                os.remove(os.path.join(self.directory, f))
        return log

    def sealed(self):
        return sorted(f for f in os.listdir(self.directory) if f.startswith("log-"))

    def look(self, con):
        return con.execute("SELECT state, detail FROM kv_devices WHERE device = 'laptop'"
                           ).fetchone()

    def assert_ok(self, *cons):
        for con in cons:
            sync(con)
            self.assertEqual(self.look(con), ("ok", None))
            self.check(con)


class Taken(Own):
    def test_second_cache_two_generations_behind(self):
        one, two = self.caches()
        self.set(one, a=1, b=1)
        self.set(one, a=2, c=1)
        self.assert_ok(two)
        self.compact()
        self.compact()
        self.set(two, b=2)
        self.assert_ok(two, one)
        self.assertEqual(self.keys(), ["b", "a", "c", "b"])
        self.assertEqual([r.seq for r in self.log("laptop").rows], [2, 3, 4, 5])
        self.compact()
        self.set(one, d=1)
        self.assert_ok(one, two)

    def test_rows_that_stay_are_told_to_nobody(self):
        one, two = self.caches()
        self.set(one, a=1, b=1)
        self.set(one, a=2)
        self.assert_ok(two)
        cursors = [c.execute("SELECT kv_cursor()").fetchone()[0] for c in (one, two)]
        self.compact()
        self.assert_ok(one, two)
        for con, at in zip((one, two), cursors):
            self.assertEqual(con.execute("SELECT key FROM kv_changes(?)", (at,)).fetchall(), [])

    def test_rows_of_a_cut_transaction_keep_their_sums(self):
        """The last row of a transaction goes, so its other rows have another txn."""
        one, two = self.caches()
        one.executescript("BEGIN; INSERT INTO kv VALUES('a', 1), ('b', 1), ('c', 1); COMMIT")
        self.set(one, c=2)
        self.compact()
        self.assert_ok(one, two)
        # A log that lost rows, or that is gone, is made anew from such a cache.
        os.remove(self.own)
        self.set(one, d=1)
        self.assertEqual([r.seq for r in self.log("laptop").rows], [1, 2, 4, 5])
        self.assert_ok(one, two)

    def test_compacted_log_with_no_rows_left(self):
        one, two = self.caches()
        self.set(one, a=1)
        one.execute("DELETE FROM kv WHERE key = 'a'")
        self.assert_ok(two)
        self.compact(drop=lambda r: True)
        self.assert_ok(one, two)
        self.set(one, b=1)
        self.assertEqual([r.seq for r in self.log("laptop").rows], [3])
        self.assert_ok(one, two)
        os.remove(self.own)
        self.assert_ok(two)
        self.assertEqual([r.seq for r in self.log("laptop").rows], [3])

    def test_generation_near_2_64(self):
        """Nothing follows the last generation of a lineage: it stays and goes on."""
        one, two = self.caches()
        phone = self.device("phone", "notes.kv", options="now=%d" % NOW)
        self.set(one, a=1, b=1)
        self.set(one, a=2)
        self.assert_ok(two)
        log = Log.read(self.folder, "laptop")
        log.compact(horizon=NOW, drop=lambda r: r.seq == 1,
                    step=2 ** 64 - 1 - generation(log.id)).write(self.folder)
        sync(phone)
        self.put("p", db=phone)
        self.assert_ok(one, two)
        self.set(one, b=2)
        one.close()
        self.closing.remove(one)
        set_clock(self.path("one.db"), H)
        one, before = self.cache("one.db"), snapshot(self.folder)
        self.fails("SELECT kv_compact(%d)" % H, "no later generation", con=one)
        self.assertEqual(snapshot(self.folder), before)
        self.set(one, c=1)
        self.set(two, d=1)
        for con in (one, two, phone):
            sync(con)
            self.check(con)
        self.assertEqual(self.log("laptop").id[8:], b"\xff" * 8)
        self.assertEqual(self.keys(), ["b", "a", "b", "c", "d"])

    def test_a_commit_takes_it_over(self):
        one, two = self.caches()
        self.set(one, a=1, b=1)
        self.set(one, a=2)
        self.assert_ok(two)
        self.compact()
        two.executescript(
            "BEGIN; INSERT INTO kv VALUES('d', 1); SAVEPOINT s;"
            "INSERT INTO kv VALUES('wrong', 1); ROLLBACK TO s;"
            "INSERT INTO kv VALUES('a', 3), ('e', zeroblob(50000)); COMMIT")
        self.check(two)
        self.assertEqual([(r.seq, r.key) for r in self.log("laptop").rows],
                         [(2, "b"), (3, "a"), (4, "d"), (5, "a"), (6, "e")])
        self.assert_ok(one, two)

    def test_a_commit_that_fails_is_repeated(self):
        one, two = self.caches()
        self.set(one, a=1, b=1)
        self.set(one, a=2)
        self.assert_ok(two)
        self.compact()
        reader = self.connect(self.path("two.db"))
        two.execute("BEGIN")
        self.set(two, d=1)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM kv_cache").fetchone()
        self.fails("COMMIT", "locked", con=two)
        self.set(two, e=1)
        self.fails("COMMIT", "locked", con=two)
        reader.execute("COMMIT")
        two.execute("COMMIT")
        self.check(two)
        self.assertEqual(self.keys(), ["b", "a", "d", "e"])
        self.assert_ok(one)

    def test_a_large_transaction_is_a_scan(self):
        one, two = self.caches()
        self.set(one, a=1, b=1)
        self.set(one, a=2)
        self.assert_ok(two)
        self.compact()
        two.execute("BEGIN")
        two.executemany("INSERT INTO kv VALUES(?, 1)", [("%050000d" % i,) for i in range(700)])
        two.execute("COMMIT")
        sync(one)       # which verifies each row; the oracle would need minutes
        self.assertEqual(self.look(one), ("ok", None))
        for con in (one, two):
            self.assertEqual(con.execute("SELECT count(*), max(seq) FROM kv_log").fetchone(),
                             (702, 703))

    def test_it_is_undone_with_the_transaction_of_the_host(self):
        one, two = self.caches()
        self.set(one, a=1)
        self.set(one, a=2)
        self.assert_ok(two)
        self.compact()
        rows = two.execute("SELECT * FROM kv_log").fetchall()
        two.execute("BEGIN")
        sync(two)
        self.assertEqual(len(two.execute("SELECT * FROM kv_log").fetchall()), 1)
        two.execute("ROLLBACK")
        self.assertEqual(two.execute("SELECT * FROM kv_log").fetchall(), rows)
        self.assert_ok(two, one)

    def test_a_temp_cache_reads_it_from_the_beginning(self):
        one = self.cache()
        self.set(one, a=1, b=1)
        self.set(one, a=2)
        self.compact()
        temp = open_store(self.connect(), self.folder, "laptop", "now=%d" % NOW)
        self.set(temp, c=1)
        self.assert_ok(temp, one)
        for con in (temp, one):
            self.assertEqual(con.execute("SELECT n_rows FROM kv_devices").fetchone(), (3,))

    def test_a_missing_sealed_file_is_waited_for(self):
        one, two = self.caches()
        self.set(one, a=1, b=1)
        self.set(one, a=2)
        self.assert_ok(two)
        self.set(one, c=1)          # two does not have it: it cannot mend the log
        self.compact()
        name, = self.sealed()
        os.rename(os.path.join(self.directory, name), self.path("away"))
        before = snapshot(self.folder)
        sync(two)
        state, detail = self.look(two)
        self.assertEqual(state, "waiting")
        self.assertIn(name, detail)
        self.fails("INSERT INTO kv VALUES('d', 1)", name, con=two)
        self.assertEqual(snapshot(self.folder), before)
        os.rename(self.path("away"), os.path.join(self.directory, name))
        self.set(two, d=1)
        self.assert_ok(two, one)

    def test_adopting_goes_on_without_a_missing_sealed_file(self):
        one, two = self.caches()
        self.set(one, a=1, b=1)
        self.assert_ok(two)
        self.set(one, c=1)
        lost = self.compact()
        os.remove(os.path.join(self.directory, self.sealed()[0]))
        two.execute("SELECT kv_open(?, 'laptop', 'adopt=1')", (self.folder,))
        self.assertEqual(self.look(two), ("ok", None))
        self.assertNotEqual(self.log("laptop").id[:8], lost.id[:8])
        self.assertEqual(self.keys(), ["a", "b"])


class Again(Own):
    """Rows that a new generation lacks."""

    def test_own_directory_restored_then_compacted_by_another_cache(self):
        one, two = self.caches()
        self.set(one, a=1)
        self.assert_ok(two)
        before = read(self.own)
        two.executescript("BEGIN; INSERT INTO kv VALUES('b', 1), ('c', 1); COMMIT")
        self.set(two, d=1)
        put(self.own, before)
        self.compact(horizon=OLD)
        self.assert_ok(two, one)
        self.assertEqual([(r.key, r.seq, r.txn) for r in self.log("laptop").rows],
                         [("a", 1, 1), ("b", 2, 3), ("c", 3, 3), ("d", 4, 4)])
        self.assertEqual(set(kv(one)), {("str", k) for k in "abcd"})

    def test_they_go_in_front_of_those_that_wait(self):
        one, two = self.caches()
        self.set(one, a=1)
        self.assert_ok(two)
        before = read(self.own)
        self.set(two, b=1)
        os.rename(self.folder, self.path("away.kv"))
        self.set(two, c=1)
        os.rename(self.path("away.kv"), self.folder)
        put(self.own, before)
        self.set(one, x=1)
        self.compact(horizon=OLD)
        self.set(two, d=1)
        self.assertEqual(self.keys(), ["a", "x", "b", "c", "d"])
        self.assert_ok(two, one)

    def test_old_cache_of_a_device_that_began_again(self):
        """Rows behind former_seq, older than the horizon, that the maker never saw."""
        one, two = self.caches()
        self.set(one, a=1)
        self.assert_ok(two)
        before = read(self.own)
        self.set(two, b=1)
        put(self.own, before)
        self.compact(horizon=H)
        self.assert_ok(two, one)
        self.assertEqual(self.keys(), ["a", "b"])

    def test_rows_that_a_generation_dropped_are_gone(self):
        one, two = self.caches()
        self.set(one, a=1)
        self.set(one, a=2, b=1)
        self.assert_ok(two)
        self.compact(horizon=H)
        self.assert_ok(two)
        self.assertEqual(self.keys(), ["a", "b"])

    def test_prepared_row_that_another_cache_compacted_away(self):
        one, two = self.caches()
        self.set(one, a=1)      # this cache does not know that it is in the log
        one.close()
        self.closing.remove(one)
        self.set(two, a=2)
        self.compact(horizon=H)
        one = self.cache("one.db")
        self.assert_ok(one, two)
        self.assertEqual([(r.key, r.value) for r in self.log("laptop").rows], [("a", 2)])

    def test_prepared_row_that_never_came_into_the_log(self):
        one, two = self.caches()
        self.set(two, z=1)
        sync(one)
        before = read(self.own)
        self.set(one, a=1)
        one.close()
        self.closing.remove(one)
        put(self.own, before)
        self.set(two, b=1, c=1)
        self.compact(horizon=OLD)
        one = self.cache("one.db")
        self.assert_ok(one, two)
        self.assertEqual(self.keys(), ["z", "b", "c", "a"])

    def test_waiting_row_older_than_a_horizon(self):
        """It was never in a log, so no generation can have dropped it."""
        one, two = self.caches()
        self.set(one, a=1)
        self.assert_ok(two)
        os.rename(self.folder, self.path("away.kv"))
        self.set(two, waits=1)
        os.rename(self.path("away.kv"), self.folder)
        self.set(one, a=2, c=3)
        self.compact(horizon=H)
        self.assert_ok(two, one)
        self.assertEqual(self.keys(), ["a", "c", "waits"])


@unittest.skipUnless(os.path.isdir("/proc/self/fd"), "it looks which files are open")
class Lock(Own):
    def test_lock_of_an_inode_that_was_renamed(self):
        """While this waits for the lock of log.db, who has it puts another file there."""
        one = self.cache()
        self.set(one, a=1, b=1)
        self.set(one, a=2)
        for how in ("a later generation", "the same log anew"):
            with self.subTest(how=how):
                log = Log.read(self.folder, "laptop")
                waits = self.process()
                waits.sql("PRAGMA busy_timeout = 20000")
                waits.open(self.folder, "laptop", "now=%d" % NOW)
                holder = sqlite3.connect(self.own, isolation_level=None)
                holder.execute("BEGIN EXCLUSIVE")
                waits.send("INSERT INTO kv VALUES('waited', 1)")
                self.wait_for(waits.p.pid)
                os.link(self.own, self.path("old"))
                before = read(self.own)
                if how == "a later generation":
                    log.compact(horizon=H)
                log.set(NOW + SECOND, (how, 1)).write(self.folder)
                holder.execute("COMMIT")
                holder.close()
                waits.receive()
                self.assertEqual(read(self.path("old")), before)
                self.assertEqual(self.keys()[-2:], [how, "waited"])
                os.remove(self.path("old"))
                self.assert_ok(one)

    def wait_for(self, pid):
        """Until a process has the log open."""
        fds = "/proc/%d/fd" % pid
        for _ in range(2000):
            if self.own in [os.readlink(os.path.join(fds, n)) for n in os.listdir(fds)
                            if os.path.lexists(os.path.join(fds, n))]:
                return time.sleep(0.05)
            time.sleep(0.005)
        self.fail("it does not open the log")


class Crash(Own):
    def test_crash_after_sealed_file_of_a_compaction(self):
        one, two = self.caches()
        self.set(one, a=1)
        self.set(one, a=2)
        self.compact(crash="before log.db")
        self.assertEqual(len(self.sealed()), 1)
        self.set(one, b=1)
        self.assert_ok(two, one)
        self.assertEqual(self.sealed(), [])
        self.assertEqual(self.keys(), ["a", "a", "b"])

    def test_crash_after_log_of_a_compaction(self):
        one = self.cache(options="segment=1")
        self.set(one, a=1)
        self.set(one, a=2)
        self.assertGreater(len(self.sealed()), 1)
        log = self.compact(crash="after log.db")
        self.set(one, b=1)
        self.assert_ok(one)
        self.assertTrue(all(log.id.hex() in f for f in self.sealed()))
        self.assertEqual(self.keys(), ["a", "b"])

    def test_log_db_of_before_a_compaction_that_was_cut_off(self):
        """directory_restored_into_a_crashed_compaction: log.db is of before the rows
        that the sealed file has."""
        one, two = self.caches()
        self.set(one, a=1)
        self.assert_ok(two)
        before = read(self.own)
        self.set(one, b=1)
        self.compact()
        put(self.own, before)
        files = snapshot(self.folder)
        self.assertEqual(self.keys(), ["a"])
        sync(two)
        state, detail = self.look(two)
        self.assertEqual(state, "twin")
        self.assertIn("sealed file", detail)
        self.fails("INSERT INTO kv VALUES('c', 1)", "adopt", con=two)
        self.assertEqual(snapshot(self.folder), files)
        # The cache that knows more makes it whole again.
        self.assert_ok(one)
        self.assertEqual(self.keys(), ["a", "b"])
        self.assertEqual(self.sealed(), [])

    def test_crash_in_compaction_then_the_sealed_file_is_deleted(self):
        one, two = self.caches()
        self.set(one, a=1, b=1)
        self.set(one, a=2)
        self.assert_ok(one)
        log = self.compact(crash="after log.db")
        for f in self.sealed():
            os.remove(os.path.join(self.directory, f))
        self.set(one, c=1)
        self.assertEqual(self.keys(), ["a", "b", "a", "c"])
        self.assertGreater(self.log("laptop").id, log.id)
        self.assertEqual(self.log("laptop").horizon, H)
        self.assert_ok(one, two)

    def test_rows_behind_the_lost_sealed_file_stay(self):
        one, two = self.caches()
        self.set(one, a=1, b=1)
        self.set(one, a=2)
        self.assert_ok(one)
        self.compact()
        self.set(two, c=1)
        os.remove(os.path.join(self.directory, self.sealed()[0]))
        self.assert_ok(one, two)
        self.assertEqual(self.keys(), ["a", "b", "a", "c"])


class Older(Own):
    """log.db of a smaller generation than the cache."""

    def old(self):
        one, two = self.caches()
        self.set(one, a=1, b=1)
        self.set(one, a=2)
        self.assert_ok(two)
        before = read(self.own)
        self.compact()
        self.assert_ok(one)
        put(self.own, before)
        return one, two

    def test_old_generation_whose_rows_are_known_is_replaced(self):
        one, two = self.old()
        self.set(one, c=1)
        self.assertEqual([r.seq for r in self.log("laptop").rows], [2, 3, 4])
        self.assert_ok(one, two)

    def test_it_is_replaced_by_a_sync(self):
        one, two = self.old()
        self.assert_ok(one)
        self.assertEqual([r.seq for r in self.log("laptop").rows], [2, 3])
        self.assert_ok(two)

    def test_old_generation_that_went_on_is_a_twin(self):
        one, two = self.old()
        self.set(two, d=1)
        files = snapshot(self.folder)
        sync(one)
        self.assertEqual(self.look(one)[0], "twin")
        self.fails("INSERT INTO kv VALUES('c', 1)", "adopt", con=one)
        self.assertEqual(snapshot(self.folder), files)
        one.execute("SELECT kv_open(?, 'laptop', 'adopt=1')", (self.folder,))
        os.remove(self.own + ".aside-1")
        self.assert_ok(one)
        self.assertEqual(sorted(self.keys()), ["a", "a", "b", "d"])

    def test_a_row_of_the_horizon_is_known(self):
        """A generation before the last one has rows that both compactions dropped."""
        one, two = self.caches()
        self.set(one, a=1)
        self.set(one, a=2)
        before = read(self.own)
        self.compact()
        self.set(one, a=3)
        self.compact()
        self.assert_ok(one)
        put(self.own, before)
        self.assert_ok(one)
        self.assertEqual([r.value for r in self.log("laptop").rows], [3])

    def test_log_made_anew_when_the_cursor_is_at_a_hole(self):
        one = self.cache()
        self.set(one, a=1)
        one.execute("DELETE FROM kv WHERE key = 'a'")
        self.compact(drop=lambda r: True)
        self.assert_ok(one)
        phone = self.device("phone", "notes.kv")
        sync(phone)
        os.remove(self.own)
        self.set(one, b=1)
        sync(phone)
        self.check(phone)


class Peers(Own):
    def met(self):
        one = self.cache()
        self.set(one, a=1, b=1)
        phone = self.device("phone", "notes.kv", options="now=%d" % NOW)
        sync(phone)
        self.put("p", db=phone)
        self.assert_ok(one)
        return one, phone

    def test_slow_peer_acks_an_old_generation_no_twin(self):
        one, phone = self.met()
        self.compact()
        self.set(one, c=1)
        self.assert_ok(one)
        sync(phone)
        self.check(phone)

    def test_a_greater_generation_that_a_peer_has_read_is(self):
        one, phone = self.met()
        old = shutil.copytree(self.directory, self.path("old"))
        self.compact()
        sync(phone)
        self.put("q", db=phone)
        shutil.rmtree(self.directory)
        shutil.move(old, self.directory)
        sync(one)
        state, detail = self.look(one)
        self.assertEqual(state, "twin")
        self.assertIn("phone", detail)

    def test_rows_that_a_peer_has_read_of_an_older_generation_are_an_alarm(self):
        one, phone = self.met()
        before = read(self.own)
        self.set(one, c=1)
        sync(phone)
        self.put("q", db=phone)
        one.close()
        self.closing.remove(one)
        put(self.own, before)
        self.compact()
        two = self.cache("two.db")
        sync(two)
        self.assertEqual(self.look(two)[0], "twin")


if __name__ == "__main__":
    unittest.main()
