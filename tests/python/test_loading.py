"""Loading that fails leaves nothing behind: the connection closes, and the
extension can be loaded into it afterwards.
"""

import ctypes
import sqlite3
import unittest

import sqlite_c
from support import MODULE, NOW, Case, open_store

SELECT, FUNCTION, PRAGMA = 21, 31, 19  # actions of an authorizer


class Loading(Case):
    def bare(self, db=":memory:", **options):
        con = sqlite3.connect(db, timeout=0, isolation_level=None, **options)
        con.enable_load_extension(True)
        self.closing.append(con)
        return con

    def works(self, con):
        """Check that the extension can be loaded, and works."""
        con.load_extension(MODULE)
        open_store(con, self.path("notes.kv"), "phone", "now=%d" % NOW)
        con.execute("INSERT INTO kv VALUES('a', 1)")
        self.assertEqual(con.execute("SELECT kv_sync(), kv_get('a')").fetchone(), (0, 1))
        con.execute("SELECT kv_close()")

    def refused(self, con, *words):
        """Check that it cannot be loaded, says why, and leaves nothing behind."""
        with self.assertRaises(sqlite3.Error) as caught:
            con.load_extension(MODULE)
        for w in words:
            self.assertIn(w, str(caught.exception))

    def nothing(self, con):
        self.assertEqual(con.execute("SELECT name FROM pragma_function_list "
                                     "WHERE name LIKE 'kv%'").fetchall(), [])
        self.assertEqual(con.execute("SELECT name FROM pragma_module_list "
                                     "WHERE name LIKE 'kv%'").fetchall(), [])

    def authorized(self, answer, *actions):
        """A connection whose authorizer gives this answer to these actions."""
        con = self.bare()
        con.set_authorizer(lambda action, *_: answer if not actions or action in actions else 0)
        return con

    def test_an_authorizer_that_refuses_all(self):
        for answer in (sqlite3.SQLITE_DENY, sqlite3.SQLITE_IGNORE):
            with self.subTest(answer=answer):
                con = self.authorized(answer)
                self.refused(con, "kv: cannot be loaded: ", "authoriz")
                con.set_authorizer(None)
                self.nothing(con)
                self.works(con)
                con = self.authorized(answer)
                self.refused(con)
                con.close()

    def test_an_authorizer_that_refuses_something(self):
        for answer in (sqlite3.SQLITE_DENY, sqlite3.SQLITE_IGNORE):
            for actions in ((SELECT,), (FUNCTION,), (PRAGMA,), (FUNCTION, PRAGMA),
                            (SELECT, FUNCTION)):
                with self.subTest(answer=answer, actions=actions):
                    con = self.authorized(answer, *actions)
                    con.load_extension(MODULE)
                    con.set_authorizer(None)
                    self.works(con)

    def test_loading_twice_before_an_authorizer(self):
        for answer in (sqlite3.SQLITE_DENY, sqlite3.SQLITE_IGNORE):
            for actions in ((SELECT,), (FUNCTION,), (PRAGMA,)):
                with self.subTest(answer=answer, actions=actions):
                    con = self.bare()
                    self.works(con)
                    open_store(con, self.path("notes.kv"), "phone")
                    con.set_authorizer(lambda action, *_: answer if action in actions else 0)
                    con.load_extension(MODULE)
                    con.set_authorizer(None)
                    self.assertEqual(con.execute("SELECT kv_get('a'), kv_sync()").fetchone(),
                                     (1, 0))

    def test_a_limit_of_statements(self):
        con = self.bare()
        con.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 10)
        self.refused(con, "kv: SQLITE_LIMIT_SQL_LENGTH of this connection is 10")
        con.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 1_000_000)
        self.nothing(con)
        self.works(con)

    def test_a_schema_that_is_locked(self):
        uri = "file:%s?cache=shared" % self.path("host.db")
        other = self.bare(uri, uri=True)
        other.executescript("BEGIN; CREATE TABLE t(x)")
        con = self.bare(uri, uri=True)
        self.refused(con, "kv: cannot be loaded: database schema is locked")
        other.execute("COMMIT")
        self.nothing(con)
        self.works(con)

    def test_an_interrupt(self):
        for n in range(1, 8):
            with self.subTest(n=n):
                con = self.bare()
                con.set_progress_handler(lambda: 1, n)
                try:
                    con.load_extension(MODULE)
                except sqlite3.Error as e:  # of newer SQLites, which ask while they parse
                    self.assertIn("kv: cannot be loaded: interrupted", str(e))
                con.set_progress_handler(None, 0)
                self.works(con)

    def test_a_file_that_is_not_a_database(self):
        with open(self.path("none.db"), "wb") as f:
            f.write(b"no database " * 100)
        con = self.bare(self.path("none.db"))
        con.load_extension(MODULE)
        self.fails("SELECT * FROM sqlite_master", "not a database", con=con)

    def test_out_of_memory(self):
        """Also while the statement that loads it runs: no function can be
        removed then."""
        if not sqlite_c.works(self.bare()):
            self.skipTest("Python has its own SQLite")
        lib = sqlite_c.LIB
        lib.sqlite3_memory_used.restype = ctypes.c_int64
        lib.sqlite3_hard_heap_limit64.argtypes = [ctypes.c_int64]

        for is_running in (False, True):
            seen = set()
            for more in range(0, 18_000, 150):
                con = self.bare()
                # SQLITE_DBCONFIG_LOOKASIDE: no allocation beside the heap
                lib.sqlite3_db_config(sqlite_c.handle(con), 1001, None, 0, 0)
                rows = con.execute("SELECT 1 FROM sqlite_master UNION ALL SELECT 1 UNION SELECT 2")
                rows.fetchone() if is_running else rows.fetchall()
                lib.sqlite3_hard_heap_limit64(lib.sqlite3_memory_used() + more)
                # Python itself fails on a message for which there is no memory
                rc = lib.sqlite3_load_extension(sqlite_c.handle(con), MODULE.encode(), None, None)
                lib.sqlite3_hard_heap_limit64(0)
                there = con.execute("SELECT name FROM pragma_function_list "
                                    "WHERE name LIKE 'kv%'").fetchall()
                seen.add((rc == 0, ("kv_version",) in there, there != []))
                rows.close()
                if more % 300:  # loaded again, the library may be where it was
                    self.works(con)
                con.close()
            if is_running:
                seen -= {(True, False, True)}  # a part, with the library
            # All is there when SQLite has no memory for its own list of libraries.
            seen -= {(False, True, True)}
            self.assertEqual(seen, {(False, False, False), (True, True, True)})


if __name__ == "__main__":
    unittest.main()
