"""One scenario on hosts of every kind: the same results, or an error that
says why and leaves nothing half done.
"""

import os
import sqlite3
import unittest

import oracle
import sqlite_c
from support import NOW, SECOND, Case, deliver, kv, kv_log, log_path, open_store, quote, plain, sync

VALUES = [1, -2.5, "text", "", "nul\0x", "é€😀", b"\0\xff", b"", None, 2**63 - 1, 1e300]
LIMITS = {k: getattr(sqlite3, k) for k in dir(sqlite3) if k.startswith("SQLITE_LIMIT_")}


class Matrix(Case):
    def setUp(self):
        super().setUp()
        phone = self.device("phone", "theirs.kv", options="now=%d" % (NOW + SECOND))
        phone.executemany("INSERT INTO kv VALUES(?, ?)",
                          [("p%d" % i, v) for i, v in enumerate(VALUES)])
        phone.execute("INSERT INTO kv VALUES('both', 'phone'), ('p0', 'again')")

    def scenario(self, con, folder, schema="temp"):
        """Open, write, merge, roll back, write again."""
        os.mkdir(folder)
        open_store(con, folder, "laptop", "now=%d" % NOW, schema=schema)
        con.executemany("INSERT INTO kv VALUES(?, ?)", [(v, v) for v in VALUES if v is not None])
        con.execute("INSERT INTO kv VALUES('both', 'laptop'), ('gone', 1)")
        deliver(self.path("theirs.kv"), folder, "phone")
        self.assertEqual(sync(con), len(VALUES) + 2)
        con.execute("BEGIN")
        con.execute("UPDATE kv SET value = 'later' WHERE key = 'both'")
        con.execute("SAVEPOINT s")
        con.execute("DELETE FROM kv WHERE key GLOB 'p*'")
        con.execute("ROLLBACK TO s")
        con.execute("DELETE FROM kv WHERE key = 'gone'")
        con.execute("COMMIT")
        con.execute("BEGIN")
        con.execute("INSERT INTO kv VALUES('never', 1)")
        con.execute("ROLLBACK")
        self.assertEqual(sync(con), 0)

    def expected(self):
        out = {oracle.tag(v): oracle.tag(v) for v in VALUES if v is not None}
        out.update({("str", "p%d" % i): oracle.tag(v) for i, v in enumerate(VALUES)})
        out.update(plain({"both": "later", "p0": "again"}))
        return out

    def holds(self, con, folder):
        self.assertEqual(kv(con), self.expected())
        self.check(con, folder)
        self.assertEqual(len(self.published("laptop", folder)), len(VALUES) + 1)
        self.assertEqual(con.execute("SELECT count(*) FROM kv(?)", (NOW + SECOND // 2,)).fetchone(),
                         (len(VALUES) + 1,))
        self.assertEqual(self.state(con, "phone"), "ok")

    def each_host(self, prepare, schemas=("temp", "main"), **options):
        """The scenario on a prepared host, with a temp and a persistent cache;
        the latter also when it is opened again."""
        for schema in schemas:
            with self.subTest(schema=schema):
                self.n = getattr(self, "n", 0) + 1
                file = self.path("host%d.db" % self.n)
                uri = options.get("uri")
                name = (uri % file if uri else file) if schema == "main" or uri else ":memory:"
                more = {"uri": True} if uri else {}
                con = self.connect(name, **more)
                prepare(con)
                folder = self.path("f%d.kv" % self.n)
                self.scenario(con, folder, schema)
                self.holds(con, folder)
                con.close()
                if schema == "main" and not options.get("once"):
                    con = self.connect(name, **more)
                    prepare(con)
                    self.holds(con, folder)
                    con.execute("INSERT INTO kv VALUES('reopened', 1)")
                    self.check(con, folder)
                    con.close()

    def test_settings(self):
        settings = """
            locking_mode=exclusive | journal_mode=wal | journal_mode=memory
            journal_mode=truncate | journal_mode=persist | trusted_schema=0 | foreign_keys=1
            recursive_triggers=1 | reverse_unordered_selects=1 | case_sensitive_like=1
            full_column_names=1 | short_column_names=0 | empty_result_callbacks=1
            count_changes=1 | cell_size_check=1 | secure_delete=1 | cache_size=1 | cache_spill=0
            temp_store=1 | temp_store=2 | ignore_check_constraints=1 | legacy_alter_table=1
            automatic_index=0 | synchronous=0 | synchronous=3 | fullfsync=1 | page_size=512
            page_size=65536 | auto_vacuum=1 | auto_vacuum=2 | threads=4 | mmap_size=100000000
            read_uncommitted=1 | writable_schema=1 | encoding='UTF-16le' | encoding='UTF-16be'
            locking_mode=exclusive; PRAGMA journal_mode=wal"""
        for setting in settings.replace("\n", "|").split("|"):
            if setting.strip():
                with self.subTest(setting=setting.strip()):
                    self.each_host(lambda con: con.executescript("PRAGMA " + setting.strip()))

    def test_switches(self):
        if not sqlite_c.works(self.connect()):
            self.skipTest("Python has a SQLite of its own")
        for name in sqlite_c.CONFIG:
            for value in (0, 1):
                with self.subTest(switch=name, value=value):
                    self.each_host(lambda con: sqlite_c.config(con, name, value))

    def test_as_many_attached_databases_as_there_may_be(self):
        def attach(con):
            for i in range(100):
                try:
                    con.execute("ATTACH ':memory:' AS a%d" % i)
                except sqlite3.OperationalError:
                    break
            self.assertGreater(i, 5)
        self.each_host(attach)

    def test_a_shared_cache(self):
        self.each_host(lambda con: None, ("temp", "main"), uri="file:%s?cache=shared")

    def test_a_database_in_memory_with_a_name(self):
        self.each_host(lambda con: None, ("temp", "main"), uri="file:%s?mode=memory", once=True)

    def test_row_and_text_factories_callbacks_and_hooks(self):
        def prepare(con):
            self.called = []
            con.set_authorizer(lambda *a: self.called.append("authorizer") or sqlite3.SQLITE_OK)
            con.set_progress_handler(lambda: self.called.append("progress"), 1)
            con.set_trace_callback(lambda s: self.called.append("trace"))
        self.each_host(prepare)
        self.assertEqual(set(self.called), {"authorizer", "progress", "trace"})

    def test_query_only_and_read_only_hosts_say_so(self):
        con = self.connect(self.path("host.db"))
        self.scenario(con, self.path("f.kv"), "main")
        before = kv(con), kv_log(con)
        con.execute("PRAGMA query_only = 1")
        read_only = self.connect("file:%s?mode=ro" % self.path("host.db"), uri=True)
        for c in (con, read_only):
            self.fails("INSERT INTO kv VALUES('x', 1)", con=c)
            self.fails("SELECT kv_set('x', 1)", con=c)
            self.fails("SELECT kv_sync()", con=c)
            self.assertEqual((kv(c), kv_log(c)), before)
        con.execute("PRAGMA query_only = 0")
        con.execute("INSERT INTO kv VALUES('x', 1)")
        self.check(con, "f.kv")

    def test_each_limit_as_low_as_possible(self):
        """At some limit it no longer works. Then it says so, and works again
        once the limit is raised."""
        for name, number in LIMITS.items():
            for limit in (0, 1, 2, 3, 5, 8, 12, 20, 40, 100, 300, 1000):
                with self.subTest(limit=name, value=limit):
                    con = self.connect()
                    before = con.setlimit(number, limit)
                    folder = self.path("%s-%d.kv" % (name, limit))
                    error = None
                    try:
                        self.scenario(con, folder)
                    except (sqlite3.Error, MemoryError, AssertionError) as e:
                        error = e  # fewer rows merged, or what SQLite says
                    con.setlimit(number, before)
                    if con.in_transaction:
                        con.execute("ROLLBACK")
                    if error is None:
                        self.holds(con, folder)
                    else:
                        self.whole_again(con, folder)
                    con.close()

    # What a store needs of each limit; other limits do not matter.
    NEEDED = {"LENGTH": 1000, "SQL_LENGTH": 3000, "COLUMN": 25, "EXPR_DEPTH": 50,
              "COMPOUND_SELECT": 2, "VDBE_OP": 1400, "FUNCTION_ARG": 5, "VARIABLE_NUMBER": 25}
    ASKED = ("SELECT * FROM kv", "SELECT * FROM kv WHERE key > 'a' ORDER BY key DESC",
             "SELECT * FROM kv('2026-11-02')", "SELECT * FROM kv WHERE key GLOB 'p*'",
             "SELECT * FROM kv WHERE ts > 5 ORDER BY ts", "SELECT * FROM kv_log WHERE key = 'both'",
             "SELECT * FROM kv_log WHERE ts > 5 ORDER BY ts, device, seq",
             "SELECT * FROM kv_devices", "SELECT * FROM kv_conflicts",
             "SELECT * FROM kv_diff('2026-11-02')", "SELECT * FROM kv_changes(0)",
             "SELECT kv_revert('both'), kv_cursor()", "SELECT kv_get('both')", "SELECT kv_sync()")

    def test_each_limit_that_is_needed_is_named(self):
        for name in LIMITS:
            number, short = LIMITS[name], name[len("SQLITE_LIMIT_"):]
            needed = self.NEEDED.get(short, 0)
            with self.subTest(limit=name):
                folder = self.path(name + ".kv")
                con = self.connect()
                if needed:
                    con.setlimit(number, needed - 1)
                    self.fails("SELECT kv_open(?, 'laptop')", "kv: %s of this connection is %d, "
                               "and a store needs %d" % (name, needed - 1, needed),
                               con=con, args=(folder,))
                    self.assertFalse(os.path.exists(folder))
                con.setlimit(number, needed or 2)
                self.scenario(con, folder)
                for sql in self.ASKED:
                    con.execute(sql).fetchall()

    def test_a_limit_that_is_lowered_later_is_named(self):
        for short, needed in self.NEEDED.items():
            name = "SQLITE_LIMIT_" + short
            with self.subTest(limit=name):
                con = self.connect(self.path(name + ".db"))
                self.scenario(con, self.path(name + ".kv"), "main")
                con.close()
                con = self.connect(self.path(name + ".db"))
                con.execute("SELECT kv_sync()")
                before = con.setlimit(LIMITS[name], needed // 4)
                said = set()
                for sql in self.ASKED + ("INSERT INTO kv VALUES('x', 1)", "DELETE FROM kv"):
                    try:
                        con.execute(sql).fetchall()
                    except (sqlite3.Error, MemoryError) as e:
                        said.add(str(e))
                self.assertTrue(any(name in e for e in said), said)
                con.setlimit(LIMITS[name], before)
                con.execute("INSERT INTO kv VALUES('x', 1)")
                sync(con)
                self.check(con, name + ".kv")

    def test_functions_of_the_host_that_no_statement_calls(self):
        def prepare(con):
            for name in ("ifnull", "coalesce", "like", "glob", "max", "min", "iif", "nullif"):
                con.create_function(name, 2, lambda *_: "wrong")
            for name in ("lower", "upper", "length", "hex", "quote", "abs"):
                con.create_function(name, 1, lambda *_: "wrong")
            con.create_function("coalesce", -1, lambda *_: "wrong")
        self.each_host(prepare)

    def test_functions_of_the_host_that_replace_called_ones(self):
        folder = self.path("f.kv")
        for name, most in (("count", 0), ("max", 1), ("min", 1), ("row_number", 0),
                           ("substr", 3), ("sum", 1), ("typeof", 1)):
            for n in (-1, most):
                with self.subTest(name=name, n=n):
                    con = self.connect(self.path("host.db"))
                    con.create_function(name.upper(), n, lambda *_: 1)
                    words = "kv: this connection has a function %s() in place" % name
                    for sql in ("SELECT kv_open(?, 'laptop')", "CREATE VIRTUAL TABLE kv USING kv(%s, "
                                "device=laptop)" % quote(folder)):
                        self.fails(sql, words, con=con, args=(folder,) * sql.count("?"))
                    self.assertFalse(os.path.exists(folder))
        con = self.connect(self.path("host.db"))
        self.scenario(con, folder, "main")
        con = self.connect(self.path("host.db"))
        con.create_function("typeof", 1, lambda *_: 1)
        self.fails("SELECT * FROM kv", "in place of SQLite's own", con=con)
        self.check(self.connect(self.path("host.db")), folder)

    def whole_again(self, con, folder):
        """No transaction is half done, and the store can be used again."""
        con.execute("SELECT kv_open(?, 'laptop', ?)", (folder, "now=%d" % NOW))
        if not os.path.exists(log_path(folder, "phone")):
            deliver(self.path("theirs.kv"), folder, "phone")
        sync(con)
        con.execute("INSERT INTO kv VALUES('after', 1)")
        self.check(con, folder)
        self.assertEqual(kv(con)["str", "after"], ("int", 1))
        self.assertEqual(kv(con)["str", "p2"], ("str", "text"))
        got = self.published("laptop", folder)
        self.assertEqual(got[:-1], self.published_whole()[:len(got) - 1])

    def published_whole(self):
        if not os.path.exists(self.path("whole.kv")):
            self.scenario(self.connect(), self.path("whole.kv"))
        return self.published("laptop", "whole.kv")


class Authorizer(Case):
    """Each question that SQLite asks the host's authorizer is denied once."""

    STEPS = {
        "open": "SELECT kv_open(:folder, 'laptop')",
        "create": "CREATE VIRTUAL TABLE kv USING kv(%s, device='laptop')",
        "insert": "INSERT INTO kv VALUES('new', 1), ('a', 2)",
        "update": "UPDATE kv SET value = 3 WHERE key = 'a'",
        "delete": "DELETE FROM kv WHERE key = 'a'",
        "set": "SELECT kv_set('new', 1)",
        "get": "SELECT kv_get('a')",
        "sync": "SELECT kv_sync()",
        "read": "SELECT key, value, device, time FROM kv ORDER BY key",
        "log": "SELECT * FROM kv_log",
        "devices": "SELECT * FROM kv_devices",
        "drop": "DROP TABLE kv",
        "close": "SELECT kv_close()",
    }

    def store(self, step, schema, n):
        folder = self.path("%s-%s-%d.kv" % (step, schema, n))
        os.mkdir(folder)
        deliver(self.path("theirs.kv"), folder, "phone")
        con = self.connect()
        if step not in ("open", "create"):
            open_store(con, folder, "laptop", "now=%d" % NOW, schema=schema)
            con.execute("INSERT INTO kv VALUES('a', 1), ('b', 1)")
            if step == "sync":
                deliver(self.path("more.kv"), folder, "tablet")
        return con, folder

    def ask(self, con, folder, step, deny):
        """Run a step and deny its question number `deny` (or none). Returns
        how many questions there were, and the error."""
        self.asked = 0

        def answer(*_):
            self.asked += 1
            return sqlite3.SQLITE_DENY if self.asked == deny else sqlite3.SQLITE_OK
        con.set_authorizer(answer)
        try:
            sql = self.STEPS[step]
            con.execute(sql % ("'%s'" % folder) if step == "create" else sql,
                        {"folder": folder} if step == "open" else {}).fetchall()
            return None
        except sqlite3.Error as e:
            return e
        finally:
            con.set_authorizer(None)

    def setUp(self):
        super().setUp()
        for name, folder in (("phone", "theirs.kv"), ("tablet", "more.kv")):
            self.device(name, folder).execute("INSERT INTO kv VALUES('p', 1), (?, 1)", (name,))

    def test_a_denial_is_reported_and_nothing_is_half_done(self):
        for step in self.STEPS:
            for schema in ("temp", "main"):
                if (step, schema) in (("open", "main"), ("create", "temp"), ("close", "main")):
                    continue
                con, folder = self.store(step, schema, 0)
                self.assertIsNone(self.ask(con, folder, step, 0))
                n, denied = self.asked, 0
                con.close()
                for deny in range(1, n + 1, max(1, n // 40)):
                    with self.subTest(step=step, schema=schema, question=deny):
                        con, folder = self.store(step, schema, deny)
                        before = None if step in ("open", "create") else kv(con)
                        error = self.ask(con, folder, step, deny)
                        self.assertFalse(con.in_transaction)
                        denied += error is not None
                        if error is not None:
                            self.assertRegex(str(error), "authoriz|prohibit|kv: |no such")
                        self.again(con, folder, step, schema, before, error)
                        con.close()
                self.assertGreater(denied, 0, step)

    def again(self, con, folder, step, schema, before, error):
        """It was done completely or not at all; without the denial it can be
        done."""
        if step in ("drop", "close", "create") and error is None:
            return
        if before is not None and error is not None and step not in ("sync",):
            self.assertEqual(kv(con), before)
        if step in ("insert", "set") and error is None:
            self.assertEqual(kv(con)["str", "new"], ("int", 1))
        if before is not None:
            sync(con)
            self.check(con, folder)
        self.assertIsNone(self.ask(con, folder, step, 0))
        if step not in ("drop", "close"):
            sync(con)
            self.check(con, folder)


if __name__ == "__main__":
    unittest.main()
