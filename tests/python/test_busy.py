"""A COMMIT that is BUSY is retried, retried after more writes, or rolled
back; and one transaction over several stores commits whole or not at all.
"""

import sqlite3
import unittest

import oracle
from support import GONE, NOW, Case, kv, log_path, open_store, plain, sync

BUSY = sqlite3.OperationalError

# Ways in which another process can hold a log or a host database.
LOCKS = {
    "writer": ["BEGIN EXCLUSIVE"],
    "reserved": ["BEGIN IMMEDIATE"],
    "reader": ["BEGIN", "SELECT count(*) FROM sqlite_master"],
}


class Busy(Case):
    def host(self, folder, schema, journal="delete"):
        db = self.connect(self.path(folder + ".db"))
        db.execute("PRAGMA journal_mode = " + journal)
        open_store(db, self.path(folder), "laptop", "now=%d" % NOW, schema=schema)
        db.execute("CREATE TABLE t(x)")
        db.execute("INSERT INTO kv VALUES('first', 1)")
        self.db = db
        return db

    def stock(self, path, statements):
        p = self.process(path, module=False)
        for s in statements:
            p.sql(s)
        return p

    def each_lock(self):
        """For each lock: a transaction whose COMMIT found the log busy."""
        for name, statements in LOCKS.items():
            with self.subTest(lock=name):
                db = self.host(name, "temp")
                other = self.stock(log_path(self.path(name), "laptop"), statements)
                db.execute("BEGIN")
                db.execute("INSERT INTO kv VALUES('a', 1)")
                db.execute("INSERT INTO t VALUES(1)")
                for _ in range(2):
                    self.fails("COMMIT", "locked", error=BUSY)
                    self.assertTrue(db.in_transaction)
                yield name, db, other

    def end(self, db, folder, *transactions, rows=1):
        self.assertFalse(db.in_transaction)
        self.assertEqual(self.published("laptop", folder),
                         plain([{"first": 1}, *transactions]))
        self.check(db, folder)
        self.assertEqual(db.execute("SELECT count(*) FROM t").fetchone(), (rows,))

    def test_a_busy_log_then_retried(self):
        for name, db, other in self.each_lock():
            other.sql("ROLLBACK")
            db.execute("COMMIT")
            self.end(db, name, {"a": 1})

    def test_a_busy_log_then_more_writes_then_retried(self):
        for name, db, other in self.each_lock():
            db.execute("INSERT INTO kv VALUES('a', 2), ('b', 2)")
            self.fails("COMMIT", "locked")
            db.execute("DELETE FROM kv WHERE key = 'first'")
            other.sql("ROLLBACK")
            db.execute("COMMIT")
            self.end(db, name, {"a": 2, "b": 2, "first": GONE})

    def test_a_busy_log_then_rolled_back(self):
        for name, db, other in self.each_lock():
            db.execute("ROLLBACK")
            other.sql("ROLLBACK")
            self.end(db, name, rows=0)
            db.execute("INSERT INTO kv VALUES('c', 3)")
            self.end(db, name, {"c": 3}, rows=0)

    def test_a_busy_log_then_rolled_back_to_a_savepoint(self):
        for name, db, other in self.each_lock():
            db.execute("SAVEPOINT s")
            db.execute("INSERT INTO kv VALUES('b', 2)")
            self.fails("COMMIT", "locked")
            db.execute("ROLLBACK TO s")
            other.sql("ROLLBACK")
            db.execute("COMMIT")
            self.end(db, name, {"a": 1})

    def test_a_busy_log_lets_a_persistent_cache_commit(self):
        for journal in ("delete", "wal"):
            for lock, statements in LOCKS.items():
                with self.subTest(journal=journal, lock=lock):
                    name = journal + lock
                    db = self.host(name, "main", journal)
                    other = self.stock(log_path(self.path(name), "laptop"), statements)
                    db.execute("INSERT INTO kv VALUES('a', 1)")
                    db.execute("INSERT INTO kv VALUES('b', 2)")
                    self.assertEqual(kv(db), plain({"first": 1, "a": 1, "b": 2}))
                    self.assertEqual(self.unpublished(db), 2)
                    other.sql("ROLLBACK")
                    sync(db)
                    self.assertEqual(self.unpublished(db), 0)
                    self.end(db, name, {"a": 1}, {"b": 2}, rows=0)

    def busy_host(self, schema, lock):
        """A transaction whose COMMIT prepared the log and found the host
        database locked."""
        name = schema + lock
        db = self.host(name, schema)
        other = self.stock(self.path(name + ".db"), LOCKS[lock])
        db.execute("BEGIN")
        db.execute("INSERT INTO kv VALUES('a', 1)")
        db.execute("INSERT INTO t VALUES(1)")
        self.fails("COMMIT", "locked", error=BUSY)
        self.assertTrue(db.in_transaction)
        return name, db, other

    def test_a_busy_host_then_retried(self):
        for schema in ("temp", "main"):
            with self.subTest(schema=schema):
                name, db, other = self.busy_host(schema, "reader")
                self.fails("COMMIT", "locked", error=BUSY)
                other.sql("ROLLBACK")
                db.execute("COMMIT")
                self.end(db, name, {"a": 1})

    def test_a_busy_host_then_more_writes_then_retried(self):
        for schema in ("temp", "main"):
            with self.subTest(schema=schema):
                name, db, other = self.busy_host(schema, "reader")
                db.execute("INSERT INTO kv VALUES('a', 2), ('b', 2)")
                self.fails("COMMIT", "locked", error=BUSY)
                db.execute("SAVEPOINT s")
                db.execute("DELETE FROM kv")
                self.fails("COMMIT", "locked", error=BUSY)
                db.execute("ROLLBACK TO s")
                other.sql("ROLLBACK")
                db.execute("COMMIT")
                self.end(db, name, {"a": 2, "b": 2})

    def test_a_busy_host_then_rolled_back(self):
        for schema in ("temp", "main"):
            with self.subTest(schema=schema):
                name, db, other = self.busy_host(schema, "reader")
                db.execute("ROLLBACK")
                other.sql("ROLLBACK")
                self.end(db, name, rows=0)
                db.execute("INSERT INTO kv VALUES('c', 3)")
                self.end(db, name, {"c": 3}, rows=0)

    def test_others_see_nothing_after_a_busy_host(self):
        name, db, other = self.busy_host("temp", "reader")
        phone = self.process()
        phone.open(self.path(name), "phone", "now=%d" % NOW)
        self.assertEqual(phone.sql("SELECT key FROM kv WHERE key <> 'first'"), [])
        db.execute("ROLLBACK")
        phone.sql("SELECT kv_sync()")
        self.assertEqual(phone.sql("SELECT key, value FROM kv"), [("first", 1)])
        other.sql("ROLLBACK")
        self.end(db, name, rows=0)

    def test_another_process_can_write_after_a_busy_host(self):
        """A prepared log does not block others for ever: the next statement of
        the same connection releases it."""
        name, db, other = self.busy_host("temp", "reader")
        twin = self.process()
        db.execute("INSERT INTO kv VALUES('b', 2)")
        twin.open(self.path(name), "laptop", "now=%d" % NOW)
        twin.sql("INSERT INTO kv VALUES('twin', 1)")
        other.sql("ROLLBACK")
        db.execute("COMMIT")
        self.end(db, name, {"twin": 1}, {"a": 1, "b": 2})

    def test_a_busy_host_after_another_process_then_rolled_back_to(self):
        """The commit moved its rows after those of the other process. Only a
        savepoint from before the commit moves them back."""
        for schema in ("temp", "main"):
            for before in (True, False):
                with self.subTest(schema=schema, before=before):
                    name = "%s-%d" % (schema, before)
                    db = self.host(name, schema)
                    twin = self.process()
                    twin.open(self.path(name), "laptop", "now=%d" % NOW)
                    twin.sql("INSERT INTO kv VALUES('twin', 1), ('twins', 2)")
                    other = self.stock(self.path(name + ".db"), LOCKS["reader"])
                    db.execute("BEGIN")
                    db.execute("INSERT INTO t VALUES(1)")
                    db.execute("INSERT INTO kv VALUES('a', 1)")
                    if before:
                        db.execute("SAVEPOINT s")
                        db.execute("INSERT INTO kv VALUES('gone', 1)")
                    self.fails("COMMIT", "locked", error=BUSY)
                    if not before:
                        db.execute("SAVEPOINT s")
                    db.execute("INSERT INTO kv VALUES('gone', 2)")
                    db.execute("ROLLBACK TO s")
                    db.execute("INSERT INTO kv VALUES('b', 2)")
                    self.fails("COMMIT", "locked", error=BUSY)
                    other.sql("ROLLBACK")
                    db.execute("COMMIT")
                    self.end(db, name, {"twin": 1, "twins": 2}, {"a": 1, "b": 2})

    def test_a_busy_timeout_of_the_host_waits_for_the_log(self):
        db = self.host("notes.kv", "temp")
        other = self.stock(log_path(self.path("notes.kv"), "laptop"), LOCKS["writer"])
        db.execute("PRAGMA busy_timeout = 60000")
        other.send("SELECT count(*) FROM (WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                   "FROM n LIMIT 2000000) SELECT * FROM n)")
        other.send("ROLLBACK")
        db.execute("INSERT INTO kv VALUES('a', 1)")
        other.receive(), other.receive()
        self.end(db, "notes.kv", {"a": 1}, rows=0)


class SeveralStores(Case):
    """Two folders, and a second device in the first folder."""

    def setUp(self):
        super().setUp()
        self.db = self.connect(self.path("host.db"))
        self.db.execute("CREATE TABLE t(x)")
        for schema, name, folder, device in self.stores():
            open_store(self.db, self.path(folder), device, "now=%d" % NOW, name, schema)

    def stores(self):
        return [("temp", "kv", "one.kv", "laptop"), ("main", "two", "two.kv", "laptop"),
                ("temp", "three", "one.kv", "phone")]

    def write(self, value):
        for _, name, _, _ in self.stores():
            self.db.execute("INSERT INTO %s VALUES(?, ?)" % name, (name, value))

    def logs(self, *values):
        for _, name, folder, device in self.stores():
            self.assertEqual(self.published(device, folder),
                             plain([{name: v} for v in values]) if values else [], name)

    def all_agree(self):
        for _, name, folder, _ in self.stores():
            sync(self.db, name)
            self.check(self.db, folder, name)

    def test_one_transaction_over_all(self):
        self.write(1)
        self.db.execute("BEGIN")
        self.write(2)
        self.db.execute("SAVEPOINT s")
        self.write(3)
        self.db.execute("ROLLBACK TO s")
        self.db.execute("COMMIT")
        self.logs(1, 2)
        self.all_agree()

    def test_rolled_back_over_all(self):
        self.write(1)
        self.db.execute("BEGIN")
        self.write(2)
        self.db.execute("ROLLBACK")
        self.logs(1)
        self.all_agree()

    def test_a_statement_over_several_that_fails(self):
        self.write(1)
        self.db.execute(
            "CREATE TEMP TRIGGER tr AFTER INSERT ON t BEGIN "
            "INSERT INTO kv VALUES(new.x, 2); INSERT INTO two VALUES(new.x, 2);"
            "INSERT INTO three VALUES(new.x, 2);"
            "SELECT RAISE(ABORT, 'no') WHERE new.x = 3; END")
        self.fails("INSERT INTO t VALUES(1), (2), (3)", "no")
        self.fails("INSERT INTO t VALUES(3)", "no")
        self.db.execute("BEGIN")
        self.fails("INSERT INTO t VALUES(1), (2), (3)", "no")
        self.fails("INSERT INTO t VALUES(3)", "no")
        self.db.execute("COMMIT")
        self.logs(1)
        self.all_agree()

    def test_one_of_the_logs_is_busy(self):
        self.write(1)
        for folder, device in (("one.kv", "laptop"), ("one.kv", "phone")):
            with self.subTest(folder=folder, device=device):
                before = self.published("laptop", "one.kv"), self.published("phone", "one.kv")
                other = self.process(log_path(self.path(folder), device), module=False)
                other.sql("BEGIN EXCLUSIVE")
                self.db.execute("BEGIN")
                self.write(2)
                self.fails("COMMIT", "locked", error=BUSY)
                self.fails("COMMIT", "locked", error=BUSY)
                self.db.execute("ROLLBACK")
                other.sql("ROLLBACK")
                self.assertEqual(before, (self.published("laptop", "one.kv"),
                                          self.published("phone", "one.kv")))
        self.logs(1)
        other.sql("BEGIN EXCLUSIVE")
        self.db.execute("BEGIN")
        self.write(2)
        self.fails("COMMIT", "locked", error=BUSY)
        self.write(3)
        other.sql("ROLLBACK")
        self.db.execute("COMMIT")
        self.logs(1, 3)
        self.all_agree()

    def test_the_same_folder_and_device_twice_is_refused(self):
        message = self.fails(
            "CREATE VIRTUAL TABLE temp.again USING kv(%r, device='laptop')"
            % self.path("one.kv"), "kv")
        self.assertTrue(message.startswith("kv: "), message)
        self.fails("SELECT kv_open(?, 'phone', 'name=again')", "three",
                   args=(self.path("one.kv"),))
        self.write(1)
        self.logs(1)

    def test_the_devices_of_one_folder_see_each_other_after_sync(self):
        self.write(1)
        sync(self.db, "kv")
        sync(self.db, "three")
        self.assertEqual(kv(self.db, "kv"), plain({"kv": 1, "three": 1}))
        self.assertEqual(kv(self.db, "three"), plain({"kv": 1, "three": 1}))
        self.assertEqual(kv(self.db, "two"), plain({"two": 1}))
        self.write(2)
        self.all_agree()
        oracle.check_parents(oracle.read_folder(self.path("one.kv")))


if __name__ == "__main__":
    unittest.main()
