"""Two machines under one device name: writing is refused, reading goes on, and
each way out keeps acknowledged writes.
"""

import os
import shutil
import unittest

import oracle
from support import (HOSTS, NOW, SECOND, Publish, deliver, kv, log_path, misplaced, open_store,
                     put, read, snapshot, sync)


class Twins(Publish):
    """Two machines under one name: the log diverges."""

    def twin(self, host, how="ahead"):
        """A store whose log another machine replaced with its own."""
        db = self.open(host)
        self.put("a", "b")
        os.makedirs(self.path("other.kv"))
        deliver(self.path("notes.kv"), self.path("other.kv"), "laptop")
        self.put("mine")
        self.put("ours")  # a fork before the last commit is a twin
        other = self.device("laptop", "other.kv")
        for k in {"ahead": ("theirs", "more", "yet"), "even": ("theirs", "more")}[how]:
            self.put(k, value=2, db=other)
        deliver(self.path("other.kv"), self.path("notes.kv"), "laptop")
        self.db = db
        return db

    def refused(self, db):
        """Check that writing is refused, with a message that names the ways
        out, and that reading goes on."""
        before = snapshot(self.path("notes.kv"))
        for sql in ("INSERT INTO kv VALUES('x', 1)", "DELETE FROM kv WHERE key = 'a'"):
            message = self.fails(sql, "kv: ", "laptop", "adopt", con=db)
            self.assertIn("name", message)
            if db.in_transaction:
                db.execute("ROLLBACK")
        self.assertEqual(kv(db)["str", "mine"], ("int", 1))
        self.assertEqual(kv(db)["str", "a"], ("int", 1))
        self.assertNotIn(("str", "x"), kv(db))
        self.assertEqual(snapshot(self.path("notes.kv")), before)

    def adopt(self, host):
        if host == "persistent":
            self.connect(self.path("host.db")).execute("DROP TABLE kv")
        return self.open(host, options="adopt=1")

    def test_writing_is_refused_and_reading_goes_on(self):
        for host in HOSTS:
            for how in ("ahead", "even"):
                with self.subTest(host=host, how=how):
                    self.fresh()
                    db = self.twin(host, how)
                    self.refused(db)
                    self.assertEqual(sync(db), 0)
                    self.assertEqual(self.state(db, "laptop"), "twin")
                    self.refused(db)
                    phone = self.device("phone")
                    self.put("p", db=phone)
                    self.assertEqual(sync(db), 1)
                    self.assertEqual(kv(db)["str", "p"], ("int", 1))

    def test_another_name_writes_the_unshared_rows(self):
        for host in HOSTS:
            for synced in (False, True):
                with self.subTest(host=host, synced=synced):
                    self.fresh()
                    db = self.twin(host)
                    self.refused(db)
                    if synced:
                        sync(db)
                    theirs = self.log("laptop").rows
                    open_store(db, self.path("notes.kv"), "laptop2", "now=%d" % NOW, "two")
                    self.assertEqual(self.log("laptop").rows, theirs)
                    self.assertEqual(set(self.keys("laptop2")), {"mine", "ours"})
                    self.check(db, name="two")
                    db.execute("INSERT INTO two VALUES('new', 1)")
                    self.check(db, name="two")
                    db.execute("SELECT kv_close()")

    def test_unshared_rows_of_a_twin_are_not_dropped(self):
        for host in HOSTS:
            with self.subTest(host=host):
                self.fresh()
                db = self.twin(host)
                sync(db)
                self.assertEqual(self.unpublished(db), 2)
                self.fails("SELECT kv_close()", "kv: ", "discard")
                self.fails("DROP TABLE kv", "locked")
                self.assertEqual(kv(db)["str", "mine"], ("int", 1))
                db.execute("SELECT kv_close('discard=1', 'kv')")
                db.execute("DROP TABLE IF EXISTS kv")
                self.assertIn("theirs", self.keys())

    def test_adopt_in_the_open_store_keeps_the_rows_of_both(self):
        for host in HOSTS:
            with self.subTest(host=host):
                self.fresh()
                db = self.twin(host)
                self.refused(db)
                db.execute("SELECT kv_open(?, 'laptop', 'adopt=1')", (self.path("notes.kv"),))
                self.put("new")
                self.assertEqual(sorted(self.keys()), sorted(
                    ["a", "b", "mine", "ours", "theirs", "more", "yet", "new"]))
                self.assertEqual(self.state(db, "laptop"), "ok")
                self.assertNotEqual(self.leftovers(self.path("notes.kv")), [])
                self.assertEqual(kv(db), oracle.fold(self.log("laptop").rows))
                reader = self.device("reader")
                self.assertEqual(kv(reader), kv(db))

    def dated(self, folder):
        log = oracle.read_log(log_path(self.path(folder), "laptop"), oracle.CLONES)
        return {(r.ts, r.value) for r in log.rows if r.op != oracle.SEEN}

    def test_adopt_keeps_rows_of_one_key_time_and_number(self):
        """Both continue from a time that another device's clock gave them."""
        for host in HOSTS:
            with self.subTest(host=host):
                self.fresh()
                phone = self.device("phone", options="now=%d" % (NOW + 240 * SECOND))
                self.put("p", db=phone)
                db = self.open(host)
                sync(db)
                self.put("a")
                shutil.copytree(self.path("notes.kv"), self.path("other.kv"))
                other = self.device("laptop", "other.kv", options="now=%d" % (NOW + SECOND))
                for n in range(3):
                    self.put("k", value="mine%d" % n, db=db)
                    self.put("k", value="theirs%d" % n, db=other)
                mine, theirs = (self.dated(f) for f in ("notes.kv", "other.kv"))
                self.assertEqual({t for t, _ in mine}, {t for t, _ in theirs})
                deliver(self.path("other.kv"), self.path("notes.kv"), "laptop")
                self.fails("INSERT INTO kv VALUES('x', 1)", "adopt", con=db)
                db.execute("SELECT kv_open(?, 'laptop', 'adopt=1')", (self.path("notes.kv"),))
                self.assertEqual(self.dated("notes.kv"), mine | theirs)
                self.assertEqual(kv(db)["str", "k"], ("str", "mine2"))
                self.assertEqual(misplaced(db), [])
                self.assertEqual(kv(self.device("reader")), kv(db))

    def test_adopt_takes_the_log_unchanged(self):
        for host in HOSTS:
            with self.subTest(host=host):
                self.fresh()
                db = self.twin(host)
                self.refused(db)
                theirs = self.log("laptop").rows
                db.close()
                db = self.adopt(host)
                self.put("new")
                self.assertEqual(self.log("laptop").rows[:len(theirs)], theirs)
                self.assertIn("new", self.keys())
                self.check(db)

    def test_another_machine_in_the_device_row(self):
        for host in HOSTS:
            with self.subTest(host=host):
                self.fresh()
                db = self.open(host)
                self.put("a", "mine")
                stock = self.process(self.own, module=False)
                mine = stock.sql("SELECT host FROM device")[0][0]
                if mine == "":
                    self.skipTest("this machine has no identity")
                stock.sql("UPDATE device SET host = 'another machine'")
                stock.close()
                self.refused(db)
                if host == "persistent":
                    db.close()
                    db = self.open(host)
                    self.refused(db)
                db.close()
                with self.assertRaises(Exception) as caught:
                    self.open("temp")
                    self.put("x")
                self.assertIn("adopt", str(caught.exception))
                db = self.adopt(host)
                self.put("new")
                stock = self.process(self.own, module=False)
                self.assertEqual(stock.sql("SELECT host FROM device"), [(mine,)])
                self.assertEqual(self.keys(), ["a", "mine", "new"])
                self.check(db)

    def test_a_rolled_back_log_that_a_peer_had_read(self):
        """The cache is gone, and the log is from an older backup, but another
        device says that it has read more. Writing would use sequence numbers
        twice."""
        db = self.open("temp")
        self.put("a")
        backup = read(self.own)
        self.put("b", "c")
        phone = self.device("phone")
        self.put("p", db=phone)
        self.assertEqual(self.log("phone").rows[0].op, oracle.SEEN)
        db.close()
        put(self.own, backup)
        self.db = None
        with self.assertRaises(Exception) as caught:
            self.open("temp")
            self.put("x")
        self.assertIn("adopt", str(caught.exception))
        self.assertEqual(self.keys(), ["a"])

    def test_adopt_uses_what_peers_say_in_the_same_call(self):
        """Only a peer's log shows that the own log was rolled back, and it is
        read after the own log."""
        db = self.open("temp")
        self.put("a")
        backup = read(self.own)
        self.put("b")
        phone = self.device("phone")
        self.put("p", db=phone)
        db.close()
        put(self.own, backup)
        before = self.log("laptop")
        db = self.open("temp", options="adopt=1")
        self.assertEqual(self.state(db, "laptop"), "ok")
        self.put("x")
        after = self.log("laptop")
        self.assertNotEqual(after.id, before.id)
        self.assertEqual(self.keys(), ["a", "x"])
        sync(phone)
        self.assertEqual(kv(phone), kv(db))


if __name__ == "__main__":
    unittest.main()
