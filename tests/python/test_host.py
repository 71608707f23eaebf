"""What a host does with its database and its connection: the store goes on
working, and does not change the host's settings.
"""

import os
import shutil
import sqlite3
import unittest

import oracle
from support import MODULE, NOW, Case, connect, kv, log_path, open_store, plain, sync


class Host(Case):
    def setUp(self):
        super().setUp()
        self.db = self.persistent()
        self.put("a")

    def persistent(self, db="host.db", schema="main"):
        return self.device("laptop", db=db, schema=schema)

    def put(self, *keys, db=None, name="kv"):
        for k in keys:
            (db or self.db).execute("INSERT INTO %s VALUES(?, 1)" % name, (k,))

    def holds(self, *keys, db=None, name="kv"):
        self.assertEqual(kv(db or self.db, name), plain(dict.fromkeys(keys, 1)))
        self.check(db or self.db, name=name)

    def test_rename(self):
        self.db.execute("ALTER TABLE kv RENAME TO notes")
        self.put("b", name="notes")
        self.holds("a", "b", name="notes")
        self.assertEqual(sync(self.db, "notes"), 0)
        tables = {n for n, in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        self.assertTrue(all(n.startswith("notes") for n in tables), tables)
        self.db.close()
        self.db = self.connect(self.path("host.db"))
        self.holds("a", "b", name="notes")
        self.put("c", name="notes")
        self.holds("a", "b", "c", name="notes")

    def test_rename_of_a_temp_store(self):
        db = self.device("phone")
        db.execute("ALTER TABLE kv RENAME TO notes")
        self.put("b", db=db, name="notes")
        self.holds("a", "b", db=db, name="notes")

    def test_rename_then_roll_back_then_write(self):
        self.db.execute("BEGIN")
        self.put("b")
        self.db.execute("ALTER TABLE kv RENAME TO notes")
        self.put("c", name="notes")
        self.db.execute("ROLLBACK")
        self.put("d")
        self.holds("a", "d")

    def test_rename_and_commit(self):
        self.db.execute("BEGIN")
        self.put("b")
        self.db.execute("ALTER TABLE kv RENAME TO notes")
        self.put("c", name="notes")
        self.db.execute("COMMIT")
        self.holds("a", "b", "c", name="notes")
        self.assertEqual(len(self.published("laptop")), 2)

    def test_drop_and_create_again(self):
        self.db.execute("DROP TABLE kv")
        self.assertEqual(self.db.execute("SELECT count(*) FROM sqlite_master").fetchone(), (0,))
        open_store(self.db, self.path("notes.kv"), "laptop", "now=%d" % NOW, schema="main")
        self.put("b")
        sync(self.db)
        self.holds("a", "b")

    def test_vacuum(self):
        self.put(*range(50))
        self.db.execute("DELETE FROM kv WHERE key > 1 AND key < 49")
        self.db.execute("VACUUM")
        self.put("b")
        self.holds("a", "b", 0, 1, 49)

    def test_copies_of_the_host_database_go_on_working(self):
        """VACUUM INTO, the backup API and a plain copy: each is a cache of the
        same device."""
        self.db.execute("VACUUM INTO ?", (self.path("into.db"),))
        to = sqlite3.connect(self.path("backup.db"))
        self.db.backup(to)
        to.close()
        shutil.copy(self.path("host.db"), self.path("copy.db"))
        self.put("b")
        for i, name in enumerate(("into.db", "backup.db", "copy.db")):
            con = self.connect(self.path(name))
            self.assertEqual(kv(con), plain({"a": 1}))
            self.put(i, db=con)
            self.holds("a", "b", *range(i + 1), db=con)
        sync(self.db)
        self.holds("a", "b", 0, 1, 2)

    def test_a_relative_path_is_relative_to_the_host_database(self):
        os.mkdir(self.path("sub"))
        con = self.connect(self.path("sub/host.db"))
        con.execute("CREATE VIRTUAL TABLE kv USING kv('rel.kv', device='laptop')")
        self.put("b", db=con)
        self.assertTrue(os.path.exists(log_path(self.path("sub/rel.kv"), "laptop")))
        con.close()
        here = os.getcwd()
        os.chdir(self.path("sub"))
        try:
            con = self.connect("host.db")
            self.put("c", db=con)
            os.chdir("/")
            self.put("d", db=con)
        finally:
            os.chdir(here)
        rows = oracle.read_log(log_path(self.path("sub/rel.kv"), "laptop")).rows
        self.assertEqual([r.key for r in rows], ["b", "c", "d"])

    def test_a_read_only_host_database_reads(self):
        self.db.close()
        con = connect("file:%s?mode=ro" % self.path("host.db"), uri=True)
        self.closing.append(con)
        self.assertEqual(kv(con), plain({"a": 1}))
        self.assertEqual(con.execute("SELECT count(*) FROM kv_log").fetchone(), (1,))
        self.fails("INSERT INTO kv VALUES('b', 1)", con=con)
        self.assertEqual(len(self.log("laptop").rows), 1)

    def test_the_hosts_settings_are_obeyed_and_unchanged(self):
        pragmas = ["foreign_keys", "recursive_triggers", "reverse_unordered_selects",
                   "trusted_schema", "query_only", "locking_mode", "synchronous",
                   "case_sensitive_like", "full_column_names", "count_changes"]
        for con, schema in ((self.db, "main"), (self.device("phone"), "temp")):
            for name, value in (("foreign_keys", 1), ("recursive_triggers", 1),
                                ("reverse_unordered_selects", 1), ("trusted_schema", 0),
                                ("synchronous", 0), ("count_changes", 1),
                                ("full_column_names", 1), ("case_sensitive_like", 1),
                                ("cell_size_check", 1)):
                con.execute("PRAGMA %s = %d" % (name, value)).fetchall()
            before = [con.execute("PRAGMA " + p).fetchall() for p in pragmas]
            con.execute("INSERT INTO kv VALUES(?, 1)", (schema,)).fetchall()
            con.execute("UPDATE kv SET value = 1").fetchall()
            sync(con)
            self.assertEqual([con.execute("PRAGMA " + p).fetchall() for p in pragmas], before)
        sync(self.db)
        self.assertEqual(kv(self.db), plain({"a": 1, "main": 1, "temp": 1}))
        self.db.execute("PRAGMA query_only = 1")
        self.fails("INSERT INTO kv VALUES('b', 1)")
        self.db.execute("PRAGMA query_only = 0")
        self.put("c")

    def test_changes_and_rowids_are_those_of_the_statement(self):
        c = self.db.execute("INSERT INTO kv VALUES('b', 1), ('c', 1)")
        self.assertEqual(c.rowcount, 2)
        self.assertEqual(self.db.execute("SELECT changes()").fetchone(), (2,))
        self.db.execute("CREATE TABLE t(x)")
        self.db.execute("INSERT INTO t VALUES(1), (2), (3)")
        last = self.db.execute("SELECT last_insert_rowid()").fetchone()
        self.put("d")
        sync(self.db)
        self.assertEqual(self.db.execute("SELECT last_insert_rowid()").fetchone(), last)

    def test_loading_twice_is_harmless(self):
        self.db.enable_load_extension(True)
        self.db.load_extension(os.environ.get("KV_MODULE") or __import__("support").MODULE)
        self.put("b")
        self.holds("a", "b")

    def test_loading_reads_no_database(self):
        """The database may be locked by another process, or not be one."""
        other = sqlite3.connect(self.path("locked.db"), isolation_level=None)
        other.executescript("CREATE TABLE t(a); BEGIN EXCLUSIVE")
        with open(self.path("none.db"), "wb") as f:
            f.write(b"no database " * 100)
        for name in ("locked.db", "none.db"):
            with self.subTest(name=name):
                db = self.connect(self.path(name))
                db.enable_load_extension(True)
                db.load_extension(MODULE)  # again
                with self.assertRaisesRegex(sqlite3.DatabaseError, "locked|not a database"):
                    db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        other.execute("ROLLBACK")
        other.close()
        db = self.connect(self.path("locked.db"))
        self.put("a", db=open_store(db, ":memory:", None, "now=%d" % NOW))

    def test_opening_twice_is_harmless(self):
        con = self.device("phone")
        for _ in range(2):
            self.assertEqual(con.execute("SELECT kv_open(?, 'phone')",
                                         (self.path("notes.kv"),)).fetchone(), ("phone",))
        self.put("b", db=con)
        self.holds("a", "b", db=con)

    def test_close_and_open_again(self):
        con = self.device("phone")
        self.put("b", db=con)
        con.execute("SELECT kv_close()")
        self.fails("SELECT * FROM kv", con=con)
        con.execute("SELECT kv_open(?, 'phone', ?)", (self.path("notes.kv"), "now=%d" % NOW))
        self.put("c", db=con)
        self.holds("a", "b", "c", db=con)

    def test_a_host_table_that_is_in_the_way_is_left_alone(self):
        con = self.connect()
        con.execute("CREATE TABLE kv(x)")
        message = self.fails("SELECT kv_open(?, 'phone')", "kv: ", "name=",
                             con=con, args=(self.path("notes.kv"),))
        self.assertEqual(con.execute("SELECT * FROM kv").fetchall(), [], message)
        con.execute("SELECT kv_open(?, 'phone', 'name=store')", (self.path("notes.kv"),))
        self.put("b", db=con, name="store")

    def test_functions_are_as_good_as_statements(self):
        con = self.device("phone")

        def one(sql, *args):
            return con.execute("SELECT " + sql, args).fetchone()[0]
        self.assertEqual(one("kv_get('a')"), 1)
        self.assertIsNone(one("kv_get('none')"))
        self.assertEqual(one("kv_get('none', 7)"), 7)
        self.assertEqual(one("kv_set('b', 2.5)"), 2.5)
        self.assertEqual(one("kv_get('b')"), 2.5)
        self.assertIsNone(one("kv_set('n', NULL)"))
        self.assertIsNone(one("kv_get('n', 7)"))
        self.assertEqual(one("kv_delete('b')"), 1)
        self.assertEqual(one("kv_delete('b')"), 0)
        con.execute("BEGIN")
        one("kv_set('r', 1)")
        con.execute("ROLLBACK")
        self.fails("SELECT kv_set(NULL, 1)", "kv.key", con=con)
        self.assertEqual(kv(con), plain({"a": 1, "n": None}))
        self.check(con)

    @unittest.skipIf(sqlite3.sqlite_version_info < (3, 37), "table_list is of 3.37")
    def test_table_list_marks_the_tables_of_the_cache_as_shadows(self):
        open_store(self.db, self.path("notes.kv"), "phone", name="notes")
        for schema, store in (("main", "kv"), ("temp", "notes")):
            kinds = {name: kind for name, kind in self.db.execute(
                "SELECT name, type FROM pragma_table_list WHERE schema = ?", (schema,))
                if not name.startswith("sqlite_")}
            self.assertEqual(kinds.pop(store), "virtual")
            self.assertIn(store + "_cache", kinds)
            self.assertEqual(set(kinds.values()), {"shadow"}, kinds)

    def test_a_cache_in_a_file_of_its_own_leaves_nothing_in_main(self):
        con = self.connect(self.path("app.db"))
        con.execute("CREATE TABLE t(x)")
        con.execute("ATTACH ? AS store", (self.path("store.db"),))
        open_store(con, self.path("notes.kv"), "phone", schema="store")
        for end, n in (("ROLLBACK", 0), ("COMMIT", 1)):
            con.execute("BEGIN")
            con.execute("INSERT INTO t VALUES(1)")
            self.put("b", db=con)
            con.execute(end)
            self.assertEqual(con.execute("SELECT count(*) FROM t").fetchone(), (n,))
            self.assertEqual(con.execute("SELECT kv_get('b', 0)").fetchone(), (n,))
        tables = "SELECT name FROM %s WHERE type = 'table'"
        self.assertEqual(con.execute(tables % "main.sqlite_master").fetchall(), [("t",)])
        self.assertEqual(con.execute(tables % "temp.sqlite_master").fetchall(), [])
        # A program without the extension opens the file as it is.
        without = sqlite3.connect(self.path("app.db"))
        self.assertEqual(without.execute("SELECT x FROM t").fetchall(), [(1,)])
        without.close()
        self.assertEqual(sync(self.db), 1)
        self.holds("a", "b")

    def test_memory_is_a_store_without_a_folder(self):
        con = self.connect()
        self.assertEqual(con.execute("SELECT kv_open(':memory:')").fetchone(), ("memory",))
        self.put("a", db=con)
        con.execute("BEGIN")
        self.put("b", db=con)
        con.execute("ROLLBACK")
        con.execute("DELETE FROM kv WHERE key = 'none'")
        self.assertEqual(kv(con), plain({"a": 1}))
        self.assertEqual(sync(con), 0)
        self.assertEqual(con.execute("SELECT key, device, seq FROM kv_log").fetchall(),
                         [("a", "memory", 1)])


if __name__ == "__main__":
    unittest.main()
