"""kv_retire(): a device that does not come back; its log is kept, nobody waits for it,
and its directory may go."""

import os
import shutil
import sqlite3
import unittest

import oracle
from support import NOW, SECOND, Case, edit, kv, kv_log, log_path, misplaced, open_store, sync


class Retire(Case):
    def setUp(self):
        super().setUp()
        self.folder = self.path("notes.kv")
        self.clock = NOW

    def open(self, name, folder=None):
        self.clock += SECOND
        return open_store(self.connect(), folder or self.folder, name, "now=%d" % self.clock)

    def directory(self, *names):
        return os.path.join(self.folder, "devices", *names)

    def look(self, con, device="phone"):
        return con.execute("SELECT state, detail FROM kv_devices WHERE device = ?",
                           (device,)).fetchone()

    def retire(self, con, device="phone"):
        return con.execute("SELECT kv_retire(?)", (device,)).fetchone()[0]

    def assert_same(self, *cons):
        for con in cons[1:]:
            self.assertEqual(kv(con), kv(cons[0]))
            self.assertEqual(kv_log(con), kv_log(cons[0]))
        for con in cons:
            self.assertEqual(misplaced(con), [])


class Story(Retire):
    """phone wrote, laptop and pad have read it."""

    def setUp(self):
        super().setUp()
        phone = self.open("phone")
        phone.execute("INSERT INTO kv VALUES('a', 1), ('b', 'x')")
        phone.execute("UPDATE kv SET value = 2 WHERE key = 'a'")
        phone.execute("INSERT INTO kv VALUES('large', ?)", ("l" * 9000,))
        phone.close()
        self.laptop, self.pad = self.open("laptop"), self.open("pad")

    def test_history_of_a_retired_device_stays(self):
        before = kv(self.laptop), kv_log(self.laptop)
        self.assertEqual(self.retire(self.laptop), 4)
        self.assertEqual((kv(self.laptop), kv_log(self.laptop)), before)
        copy = self.directory("laptop", "of", "phone.db")
        rows = self.laptop.execute("SELECT seq, key, valid FROM kv_foreign(?)", (copy,)).fetchall()
        self.assertEqual([r[2] for r in rows], [1] * 4)
        last = self.laptop.execute("SELECT op, bucket, value FROM kv_foreign(?)",
                                   (self.directory("laptop"),)).fetchall()[-1]
        self.assertEqual(last, ("retire", "phone", 4))
        self.assertEqual(self.look(self.laptop),
                         ("retired", "its directory may be deleted: others keep all that is in it"))
        sync(self.pad)
        self.assertEqual(self.look(self.pad)[0], "retired")
        shutil.rmtree(self.directory("phone"))
        for con in (self.laptop, self.pad):
            sync(con)
            self.assertEqual(self.look(con), ("retired", None))
            self.assertEqual((kv(con), kv_log(con)), before)
        self.assert_same(self.laptop, self.open("newcomer"))
        self.assertEqual(os.listdir(self.directory("laptop", "of")), ["phone.db"])

    def test_a_newcomer_reads_a_copy_beside_a_log_that_is_empty_again(self):
        alone = self.path("alone.kv")
        self.open("tablet", alone).close()
        shutil.copytree(os.path.join(alone, "devices", "tablet"), self.path("before"))
        tablet = self.open("tablet", alone)
        for i in range(3):
            tablet.execute("INSERT INTO kv VALUES('t', ?)", (i,))
        tablet.close()
        tablet = self.open("tablet", alone)
        self.assertEqual(tablet.execute("SELECT kv_compact('2255-01-01')").fetchone()[0], 2)
        tablet.close()
        shutil.copytree(os.path.join(alone, "devices", "tablet"), self.directory("tablet"))
        sync(self.laptop)
        self.retire(self.laptop, "tablet")
        shutil.rmtree(self.directory("tablet"))
        shutil.copytree(self.path("before"), self.directory("tablet"))
        self.assert_same(self.laptop, self.open("newcomer"))

    def test_twice_is_once(self):
        self.retire(self.laptop)
        log = self.laptop.execute("SELECT count(*) FROM kv_foreign(?)", (self.directory("laptop"),))
        n = log.fetchone()
        self.assertEqual(self.retire(self.laptop), 4)
        log = self.laptop.execute("SELECT count(*) FROM kv_foreign(?)", (self.directory("laptop"),))
        self.assertEqual(log.fetchone(), n)
        os.remove(self.directory("laptop", "of", "phone.db"))
        self.assertIn("must stay", self.look(self.laptop)[1])
        self.retire(self.laptop)
        self.assertIn("may be deleted", self.look(self.laptop)[1])

    def test_rows_after_a_retirement_make_the_device_live(self):
        self.retire(self.laptop)
        phone = self.open("phone")
        phone.execute("INSERT INTO kv VALUES('back', 1)")
        for con in (self.laptop, self.pad):
            sync(con)
            self.assertEqual(self.look(con)[0], "ok")
        self.assert_same(self.laptop, self.pad)
        self.assertEqual(self.retire(self.pad), 5)
        self.assertEqual(self.look(self.pad)[0], "retired")

    def test_what_may_not_be_retired(self):
        fails = lambda *words, **more: self.fails("SELECT kv_retire(?)", *words, **more)  # noqa: E731
        self.db = self.laptop
        fails("device laptop cannot retire itself", "another device", args=("laptop",))
        fails("nothing of a device nobody was read", "kv_devices", args=("nobody",))
        fails("nothing of a device ", args=(None,))
        observer = self.open(None)
        fails("observer", con=observer, args=("phone",))
        memory = self.connect()
        memory.execute("SELECT kv_open(':memory:')")
        fails("is in memory", con=memory, args=("phone",))
        self.db.execute("BEGIN")
        fails("inside a transaction", "COMMIT", args=("phone",))
        self.db.execute("ROLLBACK")
        path = log_path(self.folder, "phone")
        with open(path, "r+b") as f:
            f.truncate(os.path.getsize(path) - 1000)
        fails("while its log is waiting", "have arrived", args=("phone",))
        self.assertFalse(os.path.exists(self.directory("laptop", "of")))
        self.assertEqual(self.laptop.execute("SELECT count(*) FROM kv_foreign(?) WHERE op = 'retire'",
                                             (self.directory("laptop"),)).fetchone(), (0,))

    def test_a_copy_that_cannot_be_written_retires_nobody(self):
        with open(self.directory("laptop", "of"), "w") as f:
            f.write("a file in its place")
        self.fails("SELECT kv_retire('phone')", "cannot write the copy", con=self.laptop)
        self.assertEqual(self.look(self.laptop)[0], "ok")

    def test_retirer_is_retired_its_copies_go_with_it(self):
        self.retire(self.laptop)
        shutil.rmtree(self.directory("phone"))
        sync(self.pad)
        self.laptop.close()
        self.retire(self.pad, "laptop")
        self.assertEqual(sorted(os.listdir(self.directory("pad", "of"))), ["laptop.db", "phone.db"])
        self.assertIn("may be deleted", self.look(self.pad, "laptop")[1])
        os.remove(self.directory("pad", "of", "phone.db"))
        self.assertIn("must stay", self.look(self.pad, "laptop")[1])
        self.retire(self.pad, "laptop")
        shutil.rmtree(self.directory("laptop"))
        sync(self.pad)
        self.assert_same(self.pad, self.open("newcomer"))

    def test_directory_whose_last_rows_another_device_acknowledged(self):
        other = self.path("other.kv")
        shutil.copytree(self.folder, other)
        phone = self.open("phone", other)
        phone.execute("INSERT INTO kv VALUES('late', 1)")
        watch = self.open("watch", other)
        watch.execute("INSERT INTO kv VALUES('w', 1)")
        self.retire(self.laptop)
        self.assertIn("may be deleted", self.look(self.laptop)[1])
        shutil.copytree(os.path.join(other, "devices", "watch"), self.directory("watch"))
        sync(self.laptop)
        self.assertEqual(self.look(self.laptop)[0], "retired")
        self.assertIn("must stay", self.look(self.laptop)[1])

    def test_directory_whose_later_generation_another_device_acknowledged(self):
        for con in self.pad, self.open("phone"), self.laptop:  # all is acknowledged
            con.execute("INSERT INTO kv VALUES('x', 1)")
        for con in self.laptop, self.pad:
            sync(con)
        other = self.path("other.kv")
        shutil.copytree(self.folder, other)
        phone = self.open("phone", other)
        self.clock += 9 * SECOND
        self.assertEqual(phone.execute("SELECT kv_compact(%d)" % self.clock).fetchone(), (1,))
        watch = self.open("watch", other)
        watch.execute("INSERT INTO kv VALUES('w', 1)")
        self.retire(self.laptop)
        self.assertIn("may be deleted", self.look(self.laptop)[1])
        shutil.copytree(os.path.join(other, "devices", "watch"), self.directory("watch"))
        sync(self.laptop)
        self.assertIn("must stay", self.look(self.laptop)[1])

    def test_last_rows_known_to_a_third_device_only(self):
        other = self.path("other.kv")
        shutil.copytree(self.folder, other)
        phone = self.open("phone", other)
        phone.execute("INSERT INTO kv VALUES('late', 1)")
        watch = self.open("watch", other)
        self.retire(self.laptop)
        shutil.rmtree(os.path.join(other, "devices", "phone"))
        shutil.copytree(self.directory("laptop"), os.path.join(other, "devices", "laptop"),
                        dirs_exist_ok=True)
        watch.execute("INSERT INTO kv VALUES('w', 1)")
        sync(watch)
        self.assertEqual(os.listdir(os.path.join(other, "devices", "watch", "of")), ["phone.db"])
        shutil.rmtree(self.directory("phone"))
        shutil.copytree(os.path.join(other, "devices", "watch"), self.directory("watch"))
        for con in (self.laptop, self.pad):
            sync(con)
            self.assertEqual(con.execute("SELECT value FROM kv WHERE key = 'late'").fetchall(), [(1,)])
        self.assert_same(self.laptop, self.pad, watch)

    def test_copy_by_a_device_without_a_retire_row(self):
        """A crash before the row, or who has the last rows: it is one more source of the
        log, and retires nobody."""
        other = self.path("other.kv")
        shutil.copytree(self.folder, other)
        self.retire(self.open("laptop", other))
        copy = self.directory("laptop", "of")
        shutil.copytree(os.path.join(other, "devices", "laptop", "of"), copy)
        before = kv(self.pad), kv_log(self.pad)
        shutil.move(self.directory("phone"), self.path("phone"))
        self.clock += 3600 * SECOND
        newcomer = self.open("newcomer")
        for con in (self.laptop, self.pad, newcomer):
            sync(con)
            self.assertEqual(self.look(con), ("ok", None))
            self.assertEqual((kv(con), kv_log(con)), before)
        shutil.move(self.path("phone"), self.directory("phone"))
        phone = self.open("phone")
        phone.execute("INSERT INTO kv VALUES('on', 1)")
        for con in (self.laptop, self.pad, newcomer):
            sync(con)
            self.assertEqual(self.look(con), ("ok", None))
        self.assert_same(phone, self.laptop, self.pad, newcomer)
        with open(os.path.join(copy, "phone.db"), "r+b") as f:
            f.seek(os.path.getsize(f.name) // 2)
            f.write(b"evil" * 100)
        self.assert_same(phone, self.laptop, self.pad, self.open("last"))

    def test_copy_lost_with_a_restored_directory(self):
        before = self.path("before")
        self.laptop.execute("INSERT INTO kv VALUES('mine', 1)")
        shutil.copytree(self.directory("laptop"), before)
        self.retire(self.laptop)
        sync(self.pad)
        self.pad.execute("INSERT INTO kv VALUES('p', 1)")
        shutil.rmtree(self.directory("phone"))
        shutil.rmtree(self.directory("laptop"))
        shutil.copytree(before, self.directory("laptop"))
        for _ in range(2):
            sync(self.pad)
            self.assertEqual(os.listdir(self.directory("pad", "of")), ["phone.db"])
        copy = self.directory("pad", "of", "phone.db")
        stamp = os.stat(copy).st_mtime_ns
        sync(self.pad)
        self.assertEqual(os.stat(copy).st_mtime_ns, stamp)
        self.pad.close()
        self.assertEqual(self.open("newcomer").execute("SELECT value FROM kv WHERE key = 'a'")
                         .fetchall(), [(2,)])

    def test_a_copy_that_cannot_be_written_stops_no_sync(self):
        self.retire(self.laptop)
        sync(self.pad)
        self.pad.execute("INSERT INTO kv VALUES('p', 1)")
        shutil.rmtree(self.directory("phone"))
        os.remove(self.directory("laptop", "of", "phone.db"))
        with open(self.directory("pad", "of"), "w"):
            sync(self.pad)
        os.remove(self.directory("pad", "of"))
        sync(self.pad)
        self.assertEqual(os.listdir(self.directory("pad", "of")), ["phone.db"])

    def test_half_of_a_copy_is_shown_nowhere_and_goes_with_the_next_sync(self):
        half = self.directory("laptop", "log.db.sealed")
        for name in half, half + "-journal":
            shutil.copy(log_path(self.folder, "phone"), name)
        listed = "SELECT file FROM kv_devices WHERE state = 'ignored'"
        for con in self.pad, self.laptop:
            sync(con)
            self.assertEqual(con.execute(listed).fetchall(), [])
        self.laptop.execute("INSERT INTO kv VALUES('l', 1)")
        sync(self.laptop)
        self.assertEqual(os.listdir(self.directory("laptop")), ["log.db"])
        self.retire(self.laptop)
        self.assertEqual(sorted(os.listdir(self.directory("laptop"))), ["log.db", "of"])
        self.assertEqual(os.listdir(self.directory("laptop", "of")), ["phone.db"])

    def test_newcomer_finds_an_old_directory_beside_a_later_copy(self):
        before = self.path("before")
        phone = self.open("phone")
        phone.execute("INSERT INTO kv VALUES('c', 3)")
        shutil.copytree(self.directory("phone"), before)
        self.clock += 9 * SECOND
        self.assertEqual(phone.execute("SELECT kv_compact(%d)" % self.clock).fetchone(), (1,))
        phone.close()
        sync(self.laptop)
        self.retire(self.laptop)
        shutil.rmtree(self.directory("phone"))
        shutil.copytree(before, self.directory("phone"))
        newcomer = self.open("newcomer")
        self.assertEqual(self.look(newcomer)[0], "retired")
        self.assert_same(self.laptop, newcomer)
        seen = "SELECT device, seq, txn, peer, peer_seq FROM kv_seen WHERE device = 'phone' ORDER BY seq"
        self.assertEqual(self.laptop.execute(seen).fetchall(), newcomer.execute(seen).fetchall())

    def test_copy_of_a_device_that_is_back(self):
        self.retire(self.laptop)
        copy = self.directory("laptop", "of", "phone.db")
        self.laptop.execute("INSERT INTO kv VALUES('k', 1)")
        self.laptop.execute("INSERT INTO kv VALUES('k', 2)")
        compact = "SELECT kv_compact(%d)" % (self.clock + 3 * SECOND)
        sync(self.laptop)
        self.laptop.execute(compact)
        self.assertTrue(os.path.exists(copy))
        phone = self.open("phone")
        phone.execute("INSERT INTO kv VALUES('back', 1)")
        shutil.move(self.directory("phone"), self.path("away"))
        sync(self.laptop)
        self.laptop.execute(compact)
        self.assertTrue(os.path.exists(copy))
        shutil.move(self.path("away"), self.directory("phone"))
        sync(self.laptop)
        self.laptop.execute(compact)
        self.assertFalse(os.path.exists(copy))
        sync(self.pad)
        self.assert_same(self.laptop, self.pad, self.open("newcomer"))

    def other_machine(self):
        """phone's log is of another machine."""
        edit(log_path(self.folder, "phone"), "UPDATE device SET host = 'another machine'")

    def test_a_new_machine_under_its_name_is_refused_and_leaves_nothing(self):
        before = kv(self.laptop)
        self.other_machine()
        self.retire(self.laptop)
        shutil.rmtree(self.directory("phone"))
        for _ in range(2):
            with self.assertRaisesRegex(sqlite3.OperationalError, "phone is retired.*another name"):
                self.open("phone")
            self.assertFalse(os.path.exists(self.directory("phone")))
        sync(self.laptop)
        self.assertEqual(self.look(self.laptop), ("retired", None))
        self.assertEqual(kv(self.laptop), before)
        self.assert_same(self.laptop, self.open("phone2"))

    def test_with_nothing_but_its_name_it_is_refused_and_leaves_nothing(self):
        """The copy may be older than what others have read."""
        self.retire(self.laptop)
        self.open("phone").execute("INSERT INTO kv VALUES('behind the copy', 1)")
        sync(self.laptop)
        before = kv(self.laptop)
        shutil.rmtree(self.directory("phone"))
        for _ in range(2):
            self.fails("SELECT kv_open(?, 'phone')", "phone is retired, and its log is not here",
                       con=self.connect(), args=(self.folder,))
            self.assertFalse(os.path.exists(self.directory("phone")))
        for con in self.laptop, self.open("laptop"):
            sync(con)
            self.assertEqual(kv(con), before)

    def test_a_sync_inside_a_transaction_does_not_forget_what_was_published(self):
        def again(*statements):
            con = self.connect(self.path("phone.db"))
            open_store(con, self.folder, "phone", "now=%d" % self.clock, schema="main")
            for sql in statements:
                con.execute(sql)
            return con
        again("SELECT kv_sync()").close()
        phone = again("SELECT kv_sync()")
        before = kv_log(phone)
        phone.close()
        self.retire(self.laptop)
        shutil.rmtree(self.directory("phone"))
        again("BEGIN", "SELECT kv_sync()", "COMMIT").close()
        phone = again()
        phone.execute("INSERT INTO kv VALUES('back', 1)")
        self.assertEqual(len(kv_log(phone)), len(before) + 1)
        sync(self.laptop)
        self.assert_same(phone, self.laptop, self.open("newcomer"))

    def test_a_new_log_under_a_retired_name_is_refused_with_adopt_too(self):
        before = self.path("before")
        shutil.copytree(self.directory("phone"), before)
        phone = self.open("phone")
        phone.execute("INSERT INTO kv VALUES('late', 1)")
        sync(self.laptop)
        self.laptop.execute("INSERT INTO kv VALUES('l', 1)")
        self.retire(self.laptop)
        phone.close()
        shutil.rmtree(self.directory("phone"))
        shutil.copytree(before, self.directory("phone"))
        self.assertEqual(self.look(self.open("phone"))[0], "twin")
        with self.assertRaisesRegex(sqlite3.OperationalError, "cannot begin a new log.*another name"):
            open_store(self.connect(), self.folder, "phone", "now=%d, adopt=1" % self.clock)
        sync(self.laptop)
        self.assertIn(self.look(self.laptop)[0], ("retired", "ok"))

    def test_a_stranger_that_arrives_before_the_row_that_retires_is_not_read(self):
        self.other_machine()
        self.retire(self.laptop)
        other = self.path("other.kv")
        phone = self.open("phone", other)
        phone.execute("INSERT INTO kv VALUES('new', 1)")
        reader = self.path("reader.kv")
        shutil.copytree(os.path.join(other, "devices", "phone"), os.path.join(reader, "devices", "phone"))
        shutil.copytree(self.directory("laptop", "of"), os.path.join(reader, "devices", "laptop", "of"))
        con = self.open("reader", reader)
        self.assertEqual(con.execute("SELECT value FROM kv WHERE key IN ('a', 'new')").fetchall(), [(2,)])

    def test_it_leaves_nothing_without_a_copy_either(self):
        self.retire(self.laptop)
        shutil.rmtree(self.directory("phone"))
        shutil.move(self.directory("laptop", "of"), self.path("of"))
        phone = self.connect(self.path("phone.db"))
        open_store(phone, self.folder, "phone", "now=%d" % self.clock, schema="main")
        for _ in range(2):
            self.fails("SELECT kv_sync()", "phone is retired", con=phone)
            self.assertFalse(os.path.exists(self.directory("phone")))
        self.fails("INSERT INTO kv VALUES('new', 1)", "phone is retired", con=phone)
        shutil.move(self.path("of"), self.directory("laptop", "of"))
        self.fails("INSERT INTO kv VALUES('new', 1)", "phone is retired", con=phone)

    def test_with_its_directory_it_is_not(self):
        self.retire(self.laptop)
        phone = self.open("phone")
        self.assert_same(self.laptop, phone)
        phone.execute("INSERT INTO kv VALUES('back', 1)")
        sync(self.laptop)
        self.assert_same(self.laptop, phone)

    def test_a_device_that_began_again_is_told_when_the_row_arrives(self):
        pad = self.directory("pad")
        other = self.path("other.kv")
        self.pad.execute("INSERT INTO kv VALUES('p', 1)")
        shutil.copytree(pad, os.path.join(other, "devices", "pad"))
        phone = self.open("phone", other)
        phone.execute("INSERT INTO kv VALUES('new', 1)")
        self.retire(self.pad)
        shutil.copytree(pad, os.path.join(other, "devices", "pad"), dirs_exist_ok=True)
        for _ in range(2):
            with self.assertRaisesRegex(sqlite3.OperationalError, "phone is retired"):
                sync(phone)

    def test_a_row_that_retires_and_got_lost_is_published_again(self):
        def cache(name):
            con = self.connect(self.path(name))
            return open_store(con, self.folder, "laptop", "now=%d" % self.clock, schema="main")
        self.laptop.execute("INSERT INTO kv VALUES('mine', 1), ('old', 1)")
        self.laptop.execute("DELETE FROM kv WHERE key = 'old'")
        first, second = cache("first.db"), cache("second.db")
        for con in first, second:
            sync(con)
        before = self.path("before")
        shutil.copytree(self.directory("laptop"), before)
        self.retire(first)
        first.execute("INSERT INTO kv VALUES('after', 1)")
        shutil.rmtree(self.directory("laptop"))
        shutil.copytree(before, self.directory("laptop"))
        second.execute("INSERT INTO kv VALUES('mine', 2)")
        self.assertEqual(second.execute("SELECT kv_compact(%d)" % (NOW + 99 * SECOND)).fetchone(), (1,))
        self.assertEqual(self.look(second)[0], "ok")
        for con in first, second:
            sync(con)
        rows = second.execute("SELECT op, bucket, key, valid FROM kv_foreign(?) WHERE seq > 5",
                              (self.directory("laptop"),)).fetchall()
        self.assertEqual([r[3] for r in rows], [1] * len(rows))
        self.assertIn(("retire", "phone"), [r[:2] for r in rows])
        self.assertIn(("set", "after"), [(r[0], r[2]) for r in rows])
        for con in first, second, self.open("newcomer"):
            self.assertEqual(self.look(con)[0], "retired")
        self.assert_same(first, second, self.open("newcomer"))

    def test_both_retire_each_other(self):
        self.retire(self.laptop, "pad")
        self.retire(self.pad, "laptop")
        for con in (self.laptop, self.pad, self.laptop):
            sync(con)
        self.assert_same(self.laptop, self.pad, self.open("newcomer"))

    def test_typed_fold_of_a_retired_device_is_the_same_everywhere(self):
        """phone adds to a counter, and has not seen what the laptop did with the row
        meanwhile. All its rows stay its own, behind what they had seen."""
        table = ("CREATE VIRTUAL TABLE temp.t USING kv_table(id INTEGER PRIMARY KEY, n INTEGER, "
                 "names TEXT, MERGE (n counter, names set))")

        def typed(con):
            con.execute(table)
            return con

        def rows(con):
            self.assertEqual(con.execute("SELECT kv_check('t')").fetchone(), (0,))
            return con.execute("SELECT * FROM t ORDER BY id").fetchall()
        phone = typed(self.open("phone"))
        phone.execute("INSERT INTO t VALUES(1, 5, '[\"a\"]'), (2, 1, '[]'), (3, 1, '[]')")
        away = self.path("away.kv")
        shutil.copytree(self.folder, away)
        for con in self.laptop, self.pad:
            sync(typed(con))
        self.laptop.execute("UPDATE t SET n = 7, names = '[]' WHERE id = 1")
        self.laptop.execute("DELETE FROM t WHERE id = 2")
        self.laptop.execute("DELETE FROM t WHERE id = 3")
        self.laptop.execute("INSERT INTO t VALUES(3, 10, '[\"l\"]')")
        phone = typed(self.open("phone", away))
        phone.execute("UPDATE t SET n = n + 3, names = '[\"a\", \"b\"]' WHERE id = 1")
        phone.execute("UPDATE t SET n = n + 1 WHERE id > 1")
        shutil.rmtree(self.directory("phone"))
        shutil.copytree(os.path.join(away, "devices", "phone"), self.directory("phone"))
        watch = typed(self.open("watch"))           # reads it before it is retired
        expected = rows(watch)
        self.assertEqual(expected[0], (1, 10, '["b"]'))
        sync(self.pad)
        self.retire(self.pad)
        shutil.rmtree(self.directory("phone"))
        self.laptop.execute("INSERT INTO kv VALUES('a', 3)")
        self.clock += 99 * SECOND
        self.open("laptop").execute("SELECT kv_compact(%d)" % self.clock)
        for con in self.laptop, self.pad, watch, typed(self.open("newcomer")):
            sync(con)
            self.assertEqual(rows(con), expected)
        self.assert_same(self.laptop, self.pad, watch)

    def test_a_compacted_log_is_copied_with_its_holes(self):
        from generations import Log
        T = NOW - 100 * SECOND
        watch = Log("watch").set(T, ("k", 1), ("m", 1)).set(T + 1, ("k", 2), ("l", 1))
        watch.compact(horizon=T + 5).set(T + 6, ("k", 3)).write(self.folder)
        sync(self.laptop)
        self.assertEqual(self.retire(self.laptop, "watch"), 4)
        copy = oracle.sqlite3.connect(self.directory("laptop", "of", "watch.db"))
        rows = copy.execute("SELECT seq, txn, sum FROM log ORDER BY seq").fetchall()
        self.assertEqual(rows, [(r.seq, r.txn, r.sum) for r in watch.rows])
        copy.close()
        shutil.rmtree(self.directory("watch"))
        self.assert_same(self.laptop, self.open("newcomer"))


if __name__ == "__main__":
    unittest.main()
