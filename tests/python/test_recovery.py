"""The own log and the host database: lost, restored from a backup, damaged. A
log that verifies is never rewritten, and a damaged one is never deleted.
"""

import os
import shutil
import sqlite3
import unittest

import oracle
from support import HOSTS, Publish, edit, kv, log_path, plain, put, read, sync


class CrashesAndBackups(Publish):
    """The log and the host database, each as it was at another time."""

    def test_a_crash_between_the_host_s_commit_and_the_log_s(self):
        """The log lost its last transaction, which is appended again,
        identically."""
        for reopen in (False, True):
            with self.subTest(reopen=reopen):
                folder = "reopen-%s.kv" % reopen
                path = log_path(self.path(folder), "laptop")
                db = self.open(folder=folder, db="%s.db" % reopen)
                self.put("a", "b")
                before = read(path)
                db.execute("INSERT INTO kv VALUES('c', 1), ('a', 2)")
                expected = self.log("laptop", folder).rows
                put(path, before)
                if reopen:
                    db.close()
                    db = self.open(folder=folder, db="%s.db" % reopen)
                sync(db)
                self.assertEqual(self.log("laptop", folder).rows, expected)
                self.check(db, folder)
                self.put("d")
                self.assertEqual(self.log("laptop", folder).rows[:4], expected)
                self.check(db, folder)

    def test_what_a_crash_kept_from_the_log_counts_as_waiting(self):
        """Before any sync, in a connection that has not seen the commit."""
        db = self.open()
        self.put("a", "b")
        before = read(self.own)
        db.execute("INSERT INTO kv VALUES('c', 1), ('a', 2)")
        after = read(self.own)
        self.assertEqual(self.unpublished(db), 0)
        db.close()
        self.closing.remove(db)
        db = self.connect(self.path("host.db"))
        self.assertEqual((self.unpublished(db), self.state(db, "laptop")), (0, "ok"))
        put(self.own, before)
        self.assertEqual((self.unpublished(db), self.state(db, "laptop")),
                         (2, "waiting"))
        self.fails("DROP TABLE kv", con=db)
        put(self.own, after)
        self.assertEqual((self.unpublished(db), self.state(db, "laptop")), (0, "ok"))
        put(self.own, before)
        sync(db)
        self.assertEqual((self.unpublished(db), self.state(db, "laptop")), (0, "ok"))
        self.check(db)

    def test_what_a_crash_kept_from_the_log_can_be_given_up(self):
        db = self.open()
        self.put("a", "b")
        before = read(self.own)
        db.execute("INSERT INTO kv VALUES('c', 1), ('a', 2)")
        put(self.own, before)
        db.close()
        self.closing.remove(db)
        db = self.connect(self.path("host.db"))
        db.execute("SELECT kv_close('discard=1', 'kv')")
        self.assertEqual((self.unpublished(db), self.state(db, "laptop")), (0, "ok"))
        self.check(db)
        db.execute("DROP TABLE kv")

    def test_a_crash_then_a_write_without_a_sync(self):
        for host in HOSTS:
            with self.subTest(host=host):
                folder = host + ".kv"
                path = log_path(self.path(folder), "laptop")
                db = self.open(host, folder=folder)
                self.put("a", "b")
                before = read(path)
                self.put("c", "a", value=2)
                expected = self.log("laptop", folder).rows
                put(path, before)
                self.put("d")
                rows = self.log("laptop", folder).rows
                self.assertEqual(rows[:4], expected)
                self.assertEqual([r.key for r in rows[4:]], ["d"])
                self.check(db, folder)

    def test_a_crashed_transaction_with_op_2_rows_is_appended_identically(self):
        phone = self.device("phone")
        self.put("p", db=phone)
        db = self.open()
        self.put("a")
        self.put("p", value=2, db=phone)
        sync(db)
        before = read(self.own)
        self.put("b")
        expected = self.log("laptop").rows
        self.assertEqual(expected[-2].op, oracle.SEEN)
        put(self.own, before)
        sync(db)
        self.assertEqual(self.log("laptop").rows, expected)
        self.check(db)

    def test_a_process_that_died_after_its_commit_lost_nothing(self):
        p = self.process(self.path("host.db"))
        p.sql("CREATE VIRTUAL TABLE kv USING kv(%r, device='laptop')" % self.path("notes.kv"))
        p.sql("INSERT INTO kv VALUES('a', 1)")
        p.sql("BEGIN")
        p.sql("INSERT INTO kv VALUES('b', 1)")
        p.p.kill()
        p.p.wait()
        db = self.open()
        self.put("c")
        self.assertEqual(self.keys(), ["a", "c"])
        self.check(db)

    def test_a_host_database_from_an_older_backup(self):
        """The log is ahead of the cache, and is merged like any log."""
        db = self.open()
        self.put("a")
        db.close()
        shutil.copy(self.path("host.db"), self.path("backup.db"))
        db = self.open()
        self.put("b", "a", value=2)
        db.close()
        shutil.copy(self.path("backup.db"), self.path("host.db"))
        db = self.open()
        self.put("c")
        self.assertEqual(self.keys(), ["a", "b", "a", "c"])
        self.check(db)
        oracle.check_parents(oracle.read_folder(self.path("notes.kv")))

    def test_a_host_database_from_an_older_backup_then_sync(self):
        db = self.open()
        self.put("a")
        db.close()
        shutil.copy(self.path("host.db"), self.path("backup.db"))
        db = self.open()
        self.put("b")
        db.close()
        shutil.copy(self.path("backup.db"), self.path("host.db"))
        db = self.open()
        self.assertEqual(sync(db), 1)
        self.check(db)

    def test_a_lost_host_database_is_rebuilt(self):
        db = self.open()
        self.put("a", "b")
        db.close()
        os.remove(self.path("host.db"))
        db = self.open()
        self.assertEqual(sync(db), 2)
        self.assertEqual(kv(db), plain({"a": 1, "b": 1}))
        self.put("c")
        self.check(db)

    def test_a_log_from_an_older_backup_gets_its_rows_back(self):
        for host in HOSTS:
            with self.subTest(host=host):
                folder = host + ".kv"
                path = log_path(self.path(folder), "laptop")
                db = self.open(host, folder=folder)
                self.put("a")
                backup = read(path)
                self.put("b", "c", "a", value=2)
                expected = self.log("laptop", folder).rows
                put(path, backup)
                sync(db)
                self.assertEqual(self.log("laptop", folder).rows, expected)
                self.assertEqual(self.log("laptop", folder).rows[0], expected[0])
                self.check(db, folder)

    def test_a_log_that_lost_rows_twice_gets_exactly_its_rows_back(self):
        """The second backup is newer than the first, and the store was closed
        between: rows that log and cache have in common are not another
        writer's."""
        for close in (False, True):
            with self.subTest(close=close):
                self.fresh()
                db = self.open()
                self.put("a")
                one = read(self.own)
                self.put("b")
                put(self.own, one)
                self.put("c")
                three = read(self.own)
                put(self.own, one)
                self.put("d")
                if close:
                    db.close()
                    db = self.open()
                put(self.own, three)
                self.put("e")
                self.assertEqual(self.keys(), ["a", "b", "c", "d", "e"])
                self.check(db)

    def test_a_lost_directory_gets_its_rows_back(self):
        for host in HOSTS:
            for what in ("log.db", "directory", "devices"):
                with self.subTest(host=host, what=what):
                    folder = "%s-%s.kv" % (host, what)
                    path = log_path(self.path(folder), "laptop")
                    db = self.open(host, folder=folder, db=folder + ".db")
                    self.put("a", "b")
                    db.execute("DELETE FROM kv WHERE key = 'a'")
                    expected = self.published("laptop", folder)
                    if what == "log.db":
                        os.remove(path)
                    elif what == "directory":
                        shutil.rmtree(os.path.dirname(path))
                    else:
                        shutil.rmtree(os.path.dirname(os.path.dirname(path)))
                    self.put("c")
                    self.assertEqual(self.published("laptop", folder),
                                     expected + plain([{"c": 1}]))
                    self.check(db, folder)

    def test_a_lost_directory_gets_its_rows_back_by_sync(self):
        for host in HOSTS:
            with self.subTest(host=host):
                folder = host + ".kv"
                db = self.open(host, folder=folder)
                self.put("a", "b")
                expected = self.published("laptop", folder)
                shutil.rmtree(os.path.dirname(log_path(self.path(folder), "laptop")))
                sync(db)
                self.assertEqual(self.published("laptop", folder), expected)
                self.check(db, folder)

    def lose(self, what):
        """Own rows wait, and the log, or a folder above it, is created again.
        Another device had read everything that was published."""
        db = self.open()
        self.put("a", "b")
        phone = self.device("phone")
        self.put("p", db=phone)
        sync(db)
        self.put("c")
        expected = self.log("laptop").rows
        shutil.move(self.path("notes.kv"), self.path("away"))
        self.put("d", "a", value=2)
        if what == "folder":
            os.mkdir(self.path("notes.kv"))
        else:
            shutil.move(self.path("away"), self.path("notes.kv"))
            os.remove(self.own)
            if what == "directory":
                os.rmdir(os.path.dirname(self.own))
        return db, expected

    def test_a_lost_directory_gets_the_rows_that_wait_too(self):
        for what in ("log.db", "directory", "folder"):
            for first in ("sync", "sync in a transaction", "write"):
                with self.subTest(what=what, first=first):
                    self.fresh()
                    db, expected = self.lose(what)
                    if first == "write":
                        self.put("e")
                    elif first == "sync":
                        sync(db)
                    else:
                        db.execute("BEGIN")
                        sync(db)
                        db.execute("COMMIT")
                    sync(db)
                    self.assertEqual((self.unpublished(db), self.state(db, "laptop")),
                                     (0, "ok"))
                    self.put("f")
                    rows = self.log("laptop").rows
                    self.assertEqual(rows[:len(expected)], expected)
                    self.assertEqual([r.key for r in rows[len(expected):]],
                                     ["d", "a"] + ["e"] * (first == "write") + ["f"])
                    self.assertEqual(kv(self.device("reader")).get(("str", "d")),
                                     ("int", 2))
                    self.assertEqual(self.leftovers(self.path("notes.kv")), [])

    def test_a_cache_that_lacks_what_a_peer_read_recreates_no_log(self):
        """The host's database is from a backup, and knows that a peer had read
        more rows than it has."""
        db = self.open()
        self.put("a")
        backup = read(self.path("host.db"))
        self.put("b")
        phone = self.device("phone")
        self.put("p", db=phone)
        db.close()
        put(self.path("host.db"), backup)
        db = self.open()
        peer = read(log_path(self.path("notes.kv"), "phone"))
        shutil.rmtree(self.path("notes.kv"))
        self.put("c")
        put(log_path(self.path("notes.kv"), "phone"), peer)
        sync(db)
        self.assertEqual(self.state(db, "laptop"), "twin")
        self.fails("INSERT INTO kv VALUES('d', 1)", "was rolled back", con=db)

    def test_other_devices_accept_the_rebuilt_log(self):
        self.open("temp")
        self.put("a", "b")
        phone = self.device("phone")
        self.assertEqual(kv(phone), plain({"a": 1, "b": 1}))
        shutil.rmtree(os.path.dirname(self.own))
        self.put("c")
        sync(phone)
        self.check(phone)


class DamagedOwnLog(Publish):
    def damage(self):
        data = bytearray(read(self.own))
        data[len(data) // 2:] = os.urandom(len(data) - len(data) // 2)
        put(self.own, bytes(data))
        return bytes(data)

    def test_it_is_renamed_and_rebuilt(self):
        for host in HOSTS:
            with self.subTest(host=host):
                self.fresh()
                db = self.open(host)
                for i in range(200):
                    self.put(i, value="x" * 100)
                expected = self.published("laptop")
                data = self.damage()
                self.put("new")
                self.assertEqual(self.published("laptop"), expected + plain([{"new": 1}]))
                self.assertEqual(kv(db)["str", "new"], ("int", 1))
                aside = [f for f in self.leftovers(self.path("notes.kv"))]
                self.assertEqual(len(aside), 1)
                self.assertEqual(read(os.path.join(os.path.dirname(self.own), aside[0])), data)

    def absurd(self):
        """A schema row that claims a length for which SQLite has no memory."""
        edit(self.own, "PRAGMA page_size = 512", "VACUUM")
        data = bytearray(read(self.own))
        at = data.index(b"tabledevicedevice") - 10
        data[at:at + 13] = b"\xff" * 13
        put(self.own, bytes(data))
        try:
            edit(self.own, "SELECT * FROM log")
        except MemoryError:
            return
        except sqlite3.Error as e:
            self.skipTest("this SQLite says: %s" % e)

    def test_a_log_that_asks_for_too_much_memory_is_rebuilt_too(self):
        for host in HOSTS:
            for first in ("SELECT kv_sync()", "INSERT INTO kv VALUES('new', 1)"):
                with self.subTest(host=host, first=first):
                    self.fresh()
                    db = self.open(host)
                    self.put("a", "b")
                    sync(db)
                    self.absurd()
                    db.execute(first).fetchall()
                    self.put("newer")
                    self.assertEqual(self.state(db, "laptop"), "ok")
                    self.assertEqual(self.keys()[:2], ["a", "b"])
                    self.assertEqual(kv(db), oracle.fold(self.log("laptop").rows))
                    self.assertEqual(self.leftovers(self.path("notes.kv")),
                                     ["log.db.aside-1"])

    def test_one_that_can_be_read_but_not_written(self):
        """Damage in the free space of a page is seen by the next append."""
        for host in HOSTS:
            with self.subTest(host=host):
                self.fresh()
                db = self.open(host)
                self.put("a", "b", "c")
                sync(db)
                data = bytearray(read(self.own))
                at = [i for i in range(0, len(data), 4096) if data[i] == 13][-1]
                data[at + 1] = 25       # a free block within the header
                put(self.own, bytes(data))
                self.fails("INSERT INTO kv VALUES('d', 1)", "kv_sync()", con=db)
                self.assertEqual(read(self.own), bytes(data))
                self.assertEqual(kv(db), plain({k: 1 for k in "abc"}))
                sync(db)
                self.put("d")
                self.assertEqual(self.state(db, "laptop"), "ok")
                self.assertEqual(self.keys(), ["a", "b", "c", "d"])
                self.assertEqual(self.leftovers(self.path("notes.kv")),
                                 ["log.db.aside-1"])

    def test_one_without_rows_that_cannot_be_written(self):
        db = self.open("persistent")
        sync(db)
        data = bytearray(read(self.own))
        at = [i for i in range(0, len(data), 4096) if data[i] == 13 and data[i + 4] == 0][-1]
        data[at + 1] = 25
        put(self.own, bytes(data))
        self.fails("INSERT INTO kv VALUES('d', 1)", "kv_sync()", con=db)
        sync(db)
        self.put("d")
        self.assertEqual(self.keys(), ["d"])

    def test_other_devices_lose_nothing_and_recover(self):
        db = self.open("temp")
        for i in range(200):
            self.put(i, value="x" * 100)
        phone = self.device("phone")
        before = kv(phone)
        self.damage()
        sync(phone)
        self.assertEqual(kv(phone), before)
        self.assertEqual(self.state(phone, "laptop"), "damaged")
        self.put("new")
        sync(phone)
        self.assertEqual(kv(phone), kv(db))
        self.assertIn(self.state(phone, "laptop"), ("ok", "rewritten"))

    def test_a_stale_journal_beside_it_does_no_harm(self):
        """On another machine, a commit left a journal, and the sync tool
        brought it here."""
        db = self.open()
        self.put("a")
        for i in range(50):
            self.put(i, value="x" * 100)
        writer = self.process(self.own, module=False)
        writer.sql("PRAGMA cache_size = 1")
        writer.sql("BEGIN IMMEDIATE")
        writer.sql("UPDATE log SET value = value || 'y'")
        stale = read(self.own + "-journal")
        writer.sql("ROLLBACK")
        writer.close()
        self.put("b")
        expected = self.log("laptop").rows
        put(self.own + "-journal", stale)
        self.put("c")
        self.assertEqual(self.log("laptop").rows[:len(expected)], expected)
        self.assertEqual(self.keys()[-2:], ["b", "c"])
        self.check(db)


if __name__ == "__main__":
    unittest.main()
