"""What other devices' logs and kv_sync() do to the host: nothing. Its
settings, limits, callbacks, schema and locks are as they were; no file can run
code there; and devices of one folder may share a process.
"""

import os
import sqlite3
import threading
import time
import unittest

import sqlite_c
from foreign import make
from support import (NOW, Case, connect, deliver, edit, kv, log_path, open_store, plain, put,
                     read, sync)

LIMITS = {k: getattr(sqlite3, k) for k in dir(sqlite3) if k.startswith("SQLITE_LIMIT_")}
NOT_ASKED = {  # pragmas that do something, or whose value changes by itself
    "incremental_vacuum", "integrity_check", "quick_check", "optimize", "wal_checkpoint",
    "shrink_memory", "foreign_key_check", "data_version", "freelist_count", "page_count",
    "index_info", "index_list", "index_xinfo", "table_info", "table_xinfo", "foreign_key_list",
    "case_sensitive_like", "lock_status", "stats", "vdbe_addoptrace", "vdbe_debug",
    "vdbe_eqp", "vdbe_listing", "vdbe_trace", "parser_trace", "activate_extensions"}


class Untouched(Case):
    """A host with settings of its own, before and after kv_sync()."""

    def setUp(self):
        super().setUp()
        self.folder = self.path("notes.kv")
        self.file = log_path(self.folder, "phone")
        rows = [(i + 1, NOW + i, None, 1, "", i, "x" * i) for i in range(50)]
        make(self.file, rows)
        self.whole = read(self.file)
        self.files = {
            "whole": self.whole, "cut": self.whole[:9000], "zeros": bytes(len(self.whole)),
            "noise": os.urandom(9000), "none": None,
            "damaged": self.whole[:8192] + os.urandom(4096) + self.whole[12288:]}

    def asked(self, con):
        """Everything that a host can be asked."""
        out = {"limit " + n: con.getlimit(i) for n, i in LIMITS.items()}
        for name, in con.execute("SELECT name FROM pragma_pragma_list").fetchall():
            if name not in NOT_ASKED:
                out["pragma " + name] = con.execute("PRAGMA " + name).fetchall()
        if sqlite_c.works(con):
            out.update(("config " + n, sqlite_c.config(con, n)) for n in sqlite_c.CONFIG)
        out["main"] = con.execute("SELECT * FROM sqlite_master").fetchall()
        out["temp"] = con.execute("SELECT * FROM sqlite_temp_master").fetchall()
        out["rowid"] = con.execute("SELECT last_insert_rowid()").fetchone()
        out["transaction"] = con.in_transaction
        return out

    def test_settings_are_the_same_after_each_kind_of_file(self):
        for schema in ("temp", "main"):
            con = self.connect(self.path(schema + ".db"))
            con.execute("PRAGMA temp_store = 2")  # drops what is in temp
            open_store(con, self.folder, "laptop", "now=%d" % NOW, schema=schema)
            con.execute("CREATE TABLE t(x)")
            con.executescript("""
                INSERT INTO t(rowid, x) VALUES(77, 1); PRAGMA foreign_keys = 1;
                PRAGMA recursive_triggers = 1; PRAGMA cell_size_check = 0;
                PRAGMA trusted_schema = 1; PRAGMA mmap_size = 65536; PRAGMA synchronous = 1;
                PRAGMA secure_delete = 1; PRAGMA busy_timeout = 1234; PRAGMA cache_size = 77;
                PRAGMA user_version = 5; PRAGMA application_id = 6;""")
            for i, n in enumerate(LIMITS.values()):
                con.setlimit(n, con.getlimit(n) - i)
            sync(con)  # makes an index of the cache
            self.asked(con)  # opens temp
            before = self.asked(con)
            for kind, data in self.files.items():
                with self.subTest(schema=schema, kind=kind):
                    if data is None:
                        os.remove(self.file)
                    else:
                        put(self.file, data)
                    sync(con)
                    self.assertEqual(self.asked(con), before)
            con.execute("BEGIN")
            put(self.file, self.whole)
            sync(con)
            after = self.asked(con)
            self.assertEqual(after.pop("transaction"), True)
            self.assertEqual(after, {k: v for k, v in before.items() if k != "transaction"})
            con.execute("ROLLBACK")

    def test_callbacks_are_still_called(self):
        con = open_store(self.connect(), self.folder, "laptop", "now=%d" % NOW)
        called = set()
        con.set_authorizer(lambda *a: called.add("authorizer") or sqlite3.SQLITE_OK)
        con.set_progress_handler(lambda: called.add("progress"), 1)
        con.set_trace_callback(lambda _: called.add("trace"))
        con.create_function("f", 0, lambda: called.add("function") or "f")
        con.create_collation("c", lambda a, b: called.add("collation") or 0)
        for n, data in enumerate(self.files.values()):
            put(self.file, data or b"")
            sync(con)
            called.clear()
            # A new text each time, so that it is prepared again
            con.execute("SELECT f() || %d UNION SELECT 'a' ORDER BY 1 COLLATE c" % n).fetchall()
            self.assertEqual(called, {"authorizer", "progress", "trace", "function", "collation"})

    def test_nothing_that_a_file_names_is_run(self):
        """Functions, collations and modules of the host, of the extension, and
        those that are built in."""
        os.remove(self.file)
        laptop = open_store(self.connect(), self.folder, "laptop", "now=%d" % NOW)
        run = []
        laptop.create_function("boom", -1, lambda *a: run.append(a), deterministic=True)
        laptop.create_collation("boom", lambda a, b: run.append((a, b)) or 0)
        secret = self.path("secret.db")
        edit(secret, "CREATE TABLE s(x)", "INSERT INTO s VALUES('secret')")
        write = "PRAGMA writable_schema = 1"
        rename = "UPDATE sqlite_master SET sql = replace(sql, '%s', '%s') WHERE name = 'log'"
        hostile = {
            "collation": [write, rename % ("key NOT NULL", "key NOT NULL COLLATE boom")],
            "default": [write, rename % ("value,", "value DEFAULT (boom()),")],
            "check": [write, rename % ("value,", "value CHECK (boom()),")],
            "generated": [write, rename % ("value,", "value AS (boom(key)),")],
            "stored": [write, rename % ("value,", "value AS (boom(key)) STORED,")],
            "view": ["DROP TABLE log", "CREATE VIEW log AS SELECT 1 AS seq, boom() AS txn"],
            "module": [write, "INSERT INTO sqlite_master VALUES('table', 'm', 'm', 0, "
                       "'CREATE VIRTUAL TABLE m USING kv_foreign(''%s'')')" % secret],
            "log as module": [write, "UPDATE sqlite_master SET rootpage = 0, sql = "
                              "'CREATE VIRTUAL TABLE log USING kv_foreign(''%s'')' "
                              "WHERE name = 'log'" % secret],
            "index": ["CREATE INDEX i ON log(abs(key))", write,
                      "UPDATE sqlite_master SET sql = replace(sql, 'abs', 'boom')"],
            "partial index": ["CREATE INDEX i ON log(key) WHERE key", write,
                              "UPDATE sqlite_master SET sql = sql || ' = boom()' WHERE name = 'i'"],
            "trigger": ["CREATE TRIGGER t BEFORE INSERT ON log BEGIN SELECT boom(); END"],
            "same text, other names": [write, "UPDATE sqlite_master SET tbl_name = 'device' "
                                       "WHERE name = 'log'"],
        }
        for kind, statements in hostile.items():
            with self.subTest(kind=kind):
                put(self.file, self.whole)
                edit(self.file, *statements)
                self.assertEqual(sync(laptop), 0)
                self.assertNotEqual(self.state(laptop, "phone"), "ok")
                self.assertEqual(kv(laptop), {})
                with self.assertRaises(sqlite3.Error):
                    laptop.execute("SELECT * FROM kv_foreign(?)", (self.file,)).fetchall()
        self.assertEqual(run, [])
        put(self.file, self.whole)
        self.assertEqual(sync(laptop), 50)


class Together(Case):
    """Several devices of one folder in one process."""

    def locked(self, path):
        """Can another process not write this database?"""
        other = self.process(path, module=False)
        try:
            other.sql("BEGIN IMMEDIATE")
            return False
        except sqlite3.OperationalError:
            return True
        finally:
            self.closing.remove(other)
            other.close()

    def test_a_reader_s_close_drops_no_lock_of_a_writer(self):
        """POSIX locks belong to the process: a raw open and close would."""
        laptop = self.device("laptop", db="host.db", schema="main")
        laptop.execute("INSERT INTO kv VALUES('a', 1)")
        phone, observer = self.device("phone"), self.device(None)
        file = log_path(self.path("notes.kv"), "laptop")
        blocker = self.process(self.path("host.db"), module=False)
        blocker.sql("BEGIN")
        blocker.sql("SELECT * FROM sqlite_master")
        laptop.execute("BEGIN")
        laptop.execute("INSERT INTO kv VALUES('b', 1)")
        self.fails("COMMIT", "locked", con=laptop)  # prepared: the log is locked now
        self.assertTrue(self.locked(file))
        sync(phone)
        sync(observer)
        phone.execute("SELECT * FROM kv_foreign(?)", (file,)).fetchall()
        phone.execute("SELECT * FROM kv_devices").fetchall()
        phone.execute("INSERT INTO kv VALUES('p', 1)")
        third = self.device("third")
        third.execute("SELECT kv_close()")
        third.close()
        self.assertTrue(self.locked(file))
        self.assertNotIn(("str", "b"), kv(phone))
        blocker.sql("ROLLBACK")
        laptop.execute("COMMIT")
        self.assertFalse(self.locked(file))
        for con in (phone, observer, laptop):
            sync(con)
            self.check(con)

    def test_devices_in_threads(self):
        names, rounds, errors = ["d%d" % i for i in range(5)], 30, []

        def run(name):
            try:
                con = connect(timeout=10, check_same_thread=False)
                open_store(con, self.path("notes.kv"), name)
                for i in range(rounds):
                    con.execute("INSERT INTO kv VALUES(?, ?), ('all', ?)", (name + str(i), i, name))
                    sync(con)
                    con.execute("SELECT count(*) FROM kv_devices").fetchone()
                    if i % 10 == 9:
                        con.close()
                        con = connect(timeout=10, check_same_thread=False)
                        open_store(con, self.path("notes.kv"), name)
                con.close()
            except Exception as e:
                errors.append((name, e))
        threads = [threading.Thread(target=run, args=(n,)) for n in names]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(errors, [])
        con = self.device("reader")
        self.check(con)
        self.assertEqual(len(kv(con)), len(names) * rounds + 1)

    def test_two_stores_of_one_device_in_threads(self):
        """Two programs under one name, in one process."""
        errors = []

        def run(n):
            try:
                con = connect(timeout=20, check_same_thread=False)
                open_store(con, self.path("notes.kv"), "laptop")
                for i in range(40):
                    con.execute("INSERT INTO kv VALUES(?, ?)", ("%d-%d" % (n, i), i))
                sync(con)
                self.assertNotEqual(self.state(con, "laptop"), "twin")
                con.close()
            except Exception as e:
                errors.append(e)
        threads = [threading.Thread(target=run, args=(n,)) for n in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(errors, [])
        con = self.device("reader")
        self.check(con)
        self.assertEqual(len(kv(con)), 120)
        self.assertEqual(len(self.log("laptop").rows), 120)

    def test_all_devices_in_one_connection(self):
        con = self.connect()
        names = ["d%d" % i for i in range(6)]
        for n in names:
            open_store(con, self.path("notes.kv"), n, "now=%d" % NOW, n)
        con.execute("BEGIN")
        for n in names:
            con.execute("INSERT INTO %s VALUES(?, 1)" % n, (n,))
        con.execute("COMMIT")
        for n in names:
            self.assertEqual(sync(con, n), 5)
            self.check(con, name=n)
        start = time.monotonic()
        self.assertEqual([sync(con, n) for n in names], [0] * 6)
        self.assertLess(time.monotonic() - start, 5)
        self.assertEqual(kv(con, "d0"), plain(dict.fromkeys(names, 1)))
        deliver(self.path("notes.kv"), self.path("copy.kv"), "d3")
        self.check(self.device("x", "copy.kv"), "copy.kv")


if __name__ == "__main__":
    unittest.main()
