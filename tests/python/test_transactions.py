"""What was not committed leaves no trace in kv, in kv_log or in any file.
Every claim is checked with the cache in temp, in temp beside a host file, and
persistent in a host file with rollback journal and with WAL.
"""

import os
import sqlite3
import unittest

from support import (GONE, NOW, Case, kv, log_path, open_store, plain, read,
                     sync, tag)

BUSY = sqlite3.OperationalError
CONSTRAINT = sqlite3.IntegrityError


class Transactions:
    """Mixed into one class for each kind of host, below."""

    schema, journal, file = "temp", "delete", False

    def setUp(self):
        super().setUp()
        self.db = self.connect(self.path("host.db") if self.file else ":memory:")
        self.db.execute("PRAGMA journal_mode = " + self.journal)
        if self.schema == "other":
            self.db.execute("ATTACH ? AS other", (self.path("other.db"),))
        open_store(self.db, self.path("notes.kv"), "laptop", "now=%d" % NOW,
                   schema=self.schema)
        self.db.executescript(
            "CREATE TABLE t(x, y); CREATE TABLE u(x UNIQUE);"
            "INSERT INTO kv VALUES('old', 0);")
        self.expected = [plain({"old": 0})]
        self.store = plain({"old": 0})

    def trigger(self, body, when="AFTER INSERT", name="tr"):
        temp = "" if self.schema == "main" else "TEMP "
        self.db.execute("CREATE %sTRIGGER %s %s ON t BEGIN %s END" % (
            temp, name, when, body))

    def commits(self, *transactions):
        """Check that the log has exactly these transactions more."""
        for t in plain(list(transactions)):
            self.expected.append(t)
            self.store.update(t)
        self.store = {k: v for k, v in self.store.items() if v is not None}
        self.assertFalse(self.db.in_transaction)
        self.assertEqual(self.published("laptop"), self.expected)
        self.assertEqual(kv(self.db), self.store)
        self.check(self.db)

    def no_trace(self):
        self.commits()

    def each_way(self, sql, *words, error=CONSTRAINT, begin=True):
        """Check that the statement fails and leaves nothing: alone, in a
        transaction, in a savepoint, and after a savepoint."""
        self.fails(sql, *words, error=error)
        self.no_trace()
        if not begin:
            return
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO kv VALUES('before', 1)")
        self.fails(sql, *words, error=error)
        self.assertEqual(kv(self.db), {**self.store, **plain({"before": 1})})
        self.db.execute("INSERT INTO kv VALUES('after', 2)")
        self.db.execute("COMMIT")
        self.commits({"before": 1, "after": 2})
        self.db.execute("BEGIN")
        self.db.execute("SAVEPOINT a")
        self.fails(sql, *words, error=error)
        self.db.execute("RELEASE a")
        self.db.execute("SAVEPOINT b")
        self.db.execute("INSERT INTO kv VALUES('before', 3)")
        self.db.execute("ROLLBACK TO b")
        self.fails(sql, *words, error=error)
        self.db.execute("COMMIT")
        self.no_trace()
        self.db.execute("DELETE FROM kv WHERE key IN ('before', 'after')")
        self.commits({"before": GONE, "after": GONE})

    # Errors of the table itself

    def test_null_key_in_a_multi_row_insert(self):
        self.each_way("INSERT INTO kv VALUES('a', 1), ('b', 2), (NULL, 3), ('c', 4)",
                      "NOT NULL constraint failed: kv.key")

    def test_null_key_in_a_single_row_insert(self):
        self.each_way("INSERT INTO kv VALUES(NULL, 3)", "NOT NULL constraint failed: kv.key")

    def test_null_key_in_an_insert_select(self):
        self.db.execute("INSERT INTO t VALUES('a', 1), ('old', 2), (NULL, 3), ('d', 4)")
        self.each_way("INSERT INTO kv SELECT x, y FROM t", "kv.key")

    def test_an_expression_that_fails_halfway(self):
        self.each_way(
            "INSERT INTO kv SELECT value, abs(CASE value WHEN 3 THEN -9223372036854775808 ELSE 1 END) "
            "FROM json_each('[1,2,3,4]')", "overflow", error=BUSY)

    def test_update_of_a_key_onto_another(self):
        self.db.execute("INSERT INTO kv VALUES('a', 1), ('b', 2), ('c', 3)")
        self.commits({"a": 1, "b": 2, "c": 3})
        self.each_way("UPDATE kv SET key = 'c' WHERE key = 'b'",
                      "UNIQUE constraint failed: kv.key")
        self.each_way("UPDATE kv SET key = 'new' WHERE key IN ('a', 'b', 'c')",
                      "UNIQUE constraint failed: kv.key")
        self.each_way("UPDATE kv SET key = NULL WHERE key = 'a'", "kv.key")

    def test_update_of_a_key_is_a_delete_and_a_set(self):
        self.db.execute("UPDATE kv SET key = 'new' WHERE key = 'old'")
        self.commits({"old": GONE, "new": 0})

    def test_update_or_replace_of_a_key(self):
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        self.commits({"a": 1})
        self.db.execute("UPDATE OR REPLACE kv SET key = 'a', value = 7 WHERE key = 'old'")
        self.commits({"old": GONE, "a": 7})

    def test_update_of_a_key_to_itself(self):
        self.db.execute("UPDATE kv SET key = 'old', value = 9 WHERE key = 'old'")
        self.commits({"old": 9})

    def test_insert_or_ignore_keeps_existing_values(self):
        self.db.execute("INSERT OR IGNORE INTO kv VALUES('old', 9), ('new', 1), (NULL, 2)")
        self.commits({"new": 1})
        self.db.execute("INSERT OR IGNORE INTO kv VALUES('old', 9)")
        self.no_trace()

    @unittest.skipIf(sqlite3.sqlite_version_info < (3, 35), "RETURNING is of 3.35")
    def test_insert_returning(self):
        rows = self.db.execute(
            "INSERT INTO kv VALUES('a', 1), ('old', 2) RETURNING key, value").fetchall()
        self.assertEqual(rows, [("a", 1), ("old", 2)])
        self.commits({"a": 1, "old": 2})

    def test_writing_a_hidden_column(self):
        for column in ("as_of", "ts", "time", "device", "parent_ts"):
            self.each_way("INSERT INTO kv(key, value, %s) VALUES('a', 1, 2)" % column,
                          column, error=sqlite3.Error, begin=False)
            self.each_way("UPDATE kv SET %s = 5" % column,
                          column, error=sqlite3.Error, begin=False)

    def test_delete_and_delete_of_nothing(self):
        self.db.execute("DELETE FROM kv WHERE key = 'none'")
        self.no_trace()
        self.db.execute("INSERT INTO kv VALUES('a', 1), ('b', 2)")
        self.commits({"a": 1, "b": 2})
        self.db.execute("DELETE FROM kv WHERE value > 0")
        self.commits({"a": GONE, "b": GONE})
        self.db.execute("DELETE FROM kv")
        self.commits({"old": GONE})

    def test_a_statement_over_its_own_rows_ends(self):
        self.db.execute("INSERT INTO kv SELECT key || '+', value + 1 FROM kv")
        self.commits({"old+": 1})
        self.db.execute("UPDATE kv SET key = key || '!'")
        self.commits({"old": GONE, "old+": GONE, "old!": 0, "old+!": 1})

    def test_or_fail_keeps_what_came_before(self):
        self.fails("INSERT OR FAIL INTO kv VALUES('a', 1), (NULL, 2), ('c', 3)", "kv.key")
        self.commits({"a": 1})

    def test_or_rollback_ends_the_transaction(self):
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        self.fails("INSERT OR ROLLBACK INTO kv VALUES('b', 1), (NULL, 2)", "kv.key")
        self.no_trace()

    # Errors of others in the same statement

    def test_a_trigger_s_raise(self):
        self.trigger("INSERT INTO kv VALUES(new.x, new.y);"
                     "SELECT RAISE(ABORT, 'no') WHERE new.y = 3;")
        self.each_way("INSERT INTO t VALUES('a', 3)", "no")
        self.each_way("INSERT INTO t VALUES('a', 1), ('b', 3), ('c', 4)", "no")
        self.assertEqual(self.db.execute("SELECT count(*) FROM t").fetchone(), (0,))
        self.db.execute("INSERT INTO t VALUES('a', 1), ('b', 2)")
        self.commits({"a": 1, "b": 2})

    def test_a_before_trigger_s_raise(self):
        self.trigger("INSERT INTO kv VALUES(new.x, new.y), ('also', 1);"
                     "DELETE FROM kv WHERE key = 'old';"
                     "SELECT RAISE(ABORT, 'no') WHERE new.y = 3;", "BEFORE INSERT")
        self.each_way("INSERT INTO t VALUES('a', 3)", "no")
        self.each_way("INSERT INTO t SELECT 'a', value FROM json_each('[1,2,3]')", "no")

    def test_a_trigger_s_raise_fail_keeps_what_came_before(self):
        self.trigger("INSERT INTO kv VALUES(new.x, new.y);"
                     "SELECT RAISE(FAIL, 'no') WHERE new.y = 3;")
        self.fails("INSERT INTO t VALUES('a', 1), ('b', 3), ('c', 4)", "no")
        self.commits({"a": 1, "b": 3})

    def test_a_trigger_s_raise_rollback_ends_the_transaction(self):
        self.trigger("INSERT INTO kv VALUES(new.x, new.y);"
                     "SELECT RAISE(ROLLBACK, 'no') WHERE new.y = 3;")
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO kv VALUES('before', 1)")
        self.fails("INSERT INTO t VALUES('a', 1), ('b', 3)", "no")
        self.no_trace()

    def test_a_trigger_s_raise_ignore_skips_a_row(self):
        self.trigger("SELECT RAISE(IGNORE) WHERE new.y = 3;"
                     "INSERT INTO kv VALUES(new.x, new.y);", "BEFORE INSERT")
        self.db.execute("INSERT INTO t VALUES('a', 1), ('b', 3), ('c', 4)")
        self.commits({"a": 1, "c": 4})

    def test_another_table_s_unique_constraint(self):
        self.db.execute("INSERT INTO u VALUES(3)")
        self.trigger("INSERT INTO kv VALUES(new.x, new.y); INSERT INTO u VALUES(new.y);")
        self.each_way("INSERT INTO t VALUES('a', 3)", "u.x")
        self.each_way("INSERT INTO t VALUES('a', 1), ('b', 3)", "u.x")
        self.assertEqual(self.db.execute("SELECT * FROM u").fetchall(), [(3,)])

    def test_the_written_table_s_own_constraint_after_kv(self):
        self.db.execute("CREATE UNIQUE INDEX i ON t(y)")
        self.db.execute("INSERT INTO t VALUES('first', 3)")
        self.trigger("INSERT INTO kv VALUES(new.x, new.y);", "BEFORE INSERT")
        self.each_way("INSERT INTO t VALUES('a', 3)", "t.y")
        self.each_way("INSERT INTO t VALUES('a', 1), ('b', 3)", "t.y")
        self.each_way("UPDATE OR ABORT t SET y = NULL, x = abs(-9223372036854775808)",
                      "overflow", error=BUSY)

    def test_a_foreign_key_at_the_statement_s_end(self):
        self.db.executescript(
            "PRAGMA foreign_keys = on; CREATE TABLE p(id INTEGER PRIMARY KEY);"
            "CREATE TABLE c(p REFERENCES p(id), x);")
        temp = "" if self.schema == "main" else "TEMP "
        self.db.execute("CREATE %sTRIGGER trc AFTER INSERT ON c BEGIN "
                        "INSERT INTO kv VALUES(new.x, 1); END" % temp)
        self.each_way("INSERT INTO c VALUES(5, 'a')", "FOREIGN KEY")

    def test_a_deferred_foreign_key_at_commit(self):
        self.db.executescript(
            "PRAGMA foreign_keys = on; CREATE TABLE p(id INTEGER PRIMARY KEY);"
            "CREATE TABLE c(p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED);")
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        self.db.execute("INSERT INTO c VALUES(5)")
        self.fails("COMMIT", "FOREIGN KEY")
        self.assertEqual(len(self.log("laptop").rows), 1)
        self.db.execute("INSERT INTO kv VALUES('b', 2)")
        self.db.execute("INSERT INTO p VALUES(5)")
        self.db.execute("COMMIT")
        self.commits({"a": 1, "b": 2})

    def test_a_trigger_that_writes_many_keys(self):
        self.trigger("INSERT INTO kv SELECT key || new.x, value FROM kv;"
                     "UPDATE kv SET value = value + 1;"
                     "SELECT RAISE(ABORT, 'no') WHERE new.y = 3;")
        self.each_way("INSERT INTO t VALUES('a', 3)", "no")
        self.each_way("INSERT INTO t VALUES('a', 1), ('b', 3)", "no")
        self.db.execute("INSERT INTO t VALUES('a', 1)")
        self.commits({"old": 1, "olda": 1})

    def test_an_interrupted_statement(self):
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO kv VALUES('before', 1)")
        self.db.create_function("stop", 1, lambda i: self.db.interrupt() if i == 50 else i)
        self.fails("INSERT INTO kv WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                   "LIMIT 10000) SELECT i, stop(i) FROM n", "interrupted")
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")
        self.no_trace()

    # Savepoints and schema changes

    def test_rollback_undoes_everything(self):
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO kv VALUES('a', 1), ('old', 2)")
        self.db.execute("DELETE FROM kv WHERE key = 'old'")
        self.assertEqual(kv(self.db), plain({"a": 1}))
        self.db.execute("ROLLBACK")
        self.no_trace()

    def test_nothing_is_published_before_the_commit(self):
        path = log_path(self.path("notes.kv"), "laptop")
        before = read(path), os.stat(path).st_mtime_ns
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        self.db.execute("SAVEPOINT s")
        self.db.execute("INSERT INTO kv VALUES('b', 1)")
        self.db.execute("RELEASE s")
        self.assertEqual((read(path), os.stat(path).st_mtime_ns), before)
        self.assertEqual(os.listdir(os.path.dirname(path)), ["log.db"])
        self.db.execute("COMMIT")
        self.commits({"a": 1, "b": 1})

    def test_savepoints_nest(self):
        run = self.db.execute
        run("SAVEPOINT a")
        run("INSERT INTO kv VALUES('a', 1)")
        run("SAVEPOINT b")
        run("INSERT INTO kv VALUES('a', 2), ('b', 2)")
        run("SAVEPOINT c")
        run("DELETE FROM kv WHERE key = 'a'")
        run("INSERT INTO kv VALUES('c', 3)")
        run("ROLLBACK TO b")
        self.assertEqual(kv(self.db), plain({"old": 0, "a": 1}))
        run("INSERT INTO kv VALUES('d', 4)")
        run("SAVEPOINT c")
        run("INSERT INTO kv VALUES('e', 5), ('a', 5)")
        run("RELEASE c")
        run("RELEASE b")
        run("SAVEPOINT z")
        run("INSERT INTO kv VALUES('d', 9)")
        run("ROLLBACK TO z")
        run("RELEASE a")
        self.commits({"a": 5, "d": 4, "e": 5})

    def test_a_trigger_s_writes_are_rolled_back_with_a_savepoint(self):
        self.trigger("INSERT INTO kv VALUES(new.x, new.y), ('also', 1);")
        self.db.execute("BEGIN")
        self.db.execute("SAVEPOINT s")
        self.db.execute("INSERT INTO t VALUES('a', 1), ('b', 1)")
        self.db.execute("INSERT INTO t VALUES('a', 2)")
        self.db.execute("ROLLBACK TO s")
        self.db.execute("INSERT INTO t VALUES('c', 1)")
        self.db.execute("SAVEPOINT s2")
        self.db.execute("INSERT INTO t VALUES('d', 1)")
        self.db.execute("ROLLBACK TO s2")
        self.db.execute("COMMIT")
        self.commits({"also": 1, "c": 1})

    def test_rollback_to_the_first_savepoint_leaves_nothing(self):
        self.db.execute("SAVEPOINT a")
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        self.db.execute("ROLLBACK TO a")
        self.db.execute("RELEASE a")
        self.no_trace()

    def test_rollback_to_before_the_first_write(self):
        self.db.execute("BEGIN")
        self.db.execute("SAVEPOINT a")
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        self.db.execute("ROLLBACK TO a")
        self.db.execute("INSERT INTO kv VALUES('b', 2)")
        self.db.execute("ROLLBACK TO a")
        self.db.execute("RELEASE a")
        self.db.execute("INSERT INTO kv VALUES('c', 3)")
        self.db.execute("COMMIT")
        self.commits({"c": 3})

    def test_a_schema_change_between_the_writes_of_a_savepoint(self):
        run = self.db.execute
        run("BEGIN")
        run("INSERT INTO kv VALUES('a', 1)")
        run("SAVEPOINT s")
        run("INSERT INTO kv VALUES('b', 2)")
        run("CREATE TABLE x(y)")
        run("INSERT INTO kv VALUES('c', 3), ('a', 3)")
        run("ROLLBACK TO s")
        self.assertEqual(kv(self.db), plain({"old": 0, "a": 1}))
        run("INSERT INTO kv VALUES('d', 4)")
        run("CREATE TABLE x(y)")
        run("INSERT INTO kv VALUES('e', 5)")
        run("COMMIT")
        self.commits({"a": 1, "d": 4, "e": 5})

    def test_a_schema_change_before_the_savepoint_s_first_write(self):
        run = self.db.execute
        run("SAVEPOINT s")
        run("CREATE TABLE x(y)")
        run("CREATE TEMP TABLE y(y)")
        run("INSERT INTO kv VALUES('a', 1)")
        run("ROLLBACK TO s")
        run("INSERT INTO kv VALUES('b', 2)")
        run("RELEASE s")
        self.commits({"b": 2})

    def test_another_virtual_table_created_and_rolled_back(self):
        run = self.db.execute
        run("BEGIN")
        run("INSERT INTO kv VALUES('a', 1)")
        run("SAVEPOINT s")
        run("CREATE VIRTUAL TABLE %s.two USING kv(%r, device='two')"
            % (self.schema, self.path("notes.kv")))
        run("INSERT INTO kv VALUES('b', 2)")
        run("INSERT INTO two VALUES('b', 2)")
        run("ROLLBACK TO s")
        run("INSERT INTO kv VALUES('c', 3)")
        run("COMMIT")
        self.commits({"a": 1, "c": 3})
        run("INSERT INTO kv VALUES('d', 4)")
        self.commits({"d": 4})

    def test_a_drop_of_the_table_rolled_back(self):
        run = self.db.execute
        run("BEGIN")
        run("DROP TABLE kv")
        run("ROLLBACK")
        self.no_trace()
        run("INSERT INTO kv VALUES('a', 1)")
        self.commits({"a": 1})
        run("BEGIN")
        run("SAVEPOINT s")
        run("DROP TABLE kv")
        run("ROLLBACK TO s")
        run("INSERT INTO kv VALUES('b', 1)")
        run("COMMIT")
        self.commits({"b": 1})

    def test_a_rename_rolled_back(self):
        run = self.db.execute
        run("BEGIN")
        run("SAVEPOINT s")
        run("ALTER TABLE kv RENAME TO other")
        run("INSERT INTO other VALUES('a', 1)")
        run("ROLLBACK TO s")
        run("INSERT INTO kv VALUES('b', 1)")
        run("COMMIT")
        self.commits({"b": 1})

    def test_a_failed_statement_inside_a_savepoint_with_schema_changes(self):
        run = self.db.execute
        run("BEGIN")
        run("SAVEPOINT s")
        run("INSERT INTO kv VALUES('a', 1)")
        run("CREATE TABLE x(y)")
        self.fails("INSERT INTO kv VALUES('b', 1), (NULL, 2)")
        run("DROP TABLE x")
        run("INSERT INTO kv VALUES('c', 1)")
        run("RELEASE s")
        run("COMMIT")
        self.commits({"a": 1, "c": 1})

    def test_an_open_read_during_writes_and_rollback(self):
        self.db.execute("INSERT INTO kv SELECT value, value FROM json_each('[1,2,3,4,5]')")
        self.commits({i: i for i in range(1, 6)})
        self.db.execute("BEGIN")
        rows = self.db.execute("SELECT key FROM kv WHERE typeof(key) = 'integer'")
        rows.fetchone()
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        self.db.execute("ROLLBACK")
        try:
            rows.fetchall()
        except sqlite3.Error:
            pass  # SQLite may abort the read, the store never does
        self.no_trace()

    def test_python_s_own_commit_and_rollback(self):
        self.db.isolation_level = ""
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        self.db.rollback()
        self.db.execute("INSERT INTO kv VALUES('b', 1)")
        self.db.commit()
        self.commits({"b": 1})
        with self.assertRaises(CONSTRAINT), self.db:
            self.db.execute("INSERT INTO kv VALUES('c', 1)")
            self.db.execute("INSERT INTO kv VALUES(NULL, 1)")
        self.no_trace()


    # Settings that the host changes meanwhile

    def test_a_host_that_forbids_writes_can_commit(self):
        for look in (False, True):
            with self.subTest(look=look):
                a, b = "a%d" % look, "b%d" % look
                self.db.execute("BEGIN")
                self.db.execute("INSERT INTO kv VALUES(?, 1)", (a,))
                self.db.execute("INSERT INTO kv VALUES(?, 2)", (b,))
                self.db.execute("PRAGMA query_only = 1")
                if look:
                    self.assertEqual(kv(self.db)[tag(b)], tag(2))
                    self.fails("INSERT INTO kv VALUES('c', 3)", "readonly")
                self.db.execute("COMMIT")
                self.assertEqual(self.db.execute("PRAGMA query_only").fetchone(), (1,))
                self.fails("INSERT INTO kv VALUES('c', 3)", "readonly")
                self.db.execute("PRAGMA query_only = 0")
                self.commits({a: 1, b: 2})

    def test_a_savepoint_where_the_host_forbids_writes(self):
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        self.db.execute("INSERT INTO kv VALUES('b', 2)")
        self.db.execute("PRAGMA query_only = 1")
        self.db.execute("SAVEPOINT s")
        self.db.execute("ROLLBACK TO s")
        self.db.execute("PRAGMA query_only = 0")
        self.db.execute("INSERT INTO kv VALUES('c', 3)")
        self.db.execute("PRAGMA query_only = 1")
        self.db.execute("ROLLBACK TO s")
        self.db.execute("RELEASE s")
        self.db.execute("COMMIT")
        self.db.execute("PRAGMA query_only = 0")
        self.commits({"a": 1, "b": 2})

    # Syncs within

    def test_a_transaction_that_has_written_is_not_synced(self):
        desk = self.device("desk")
        desk.execute("INSERT INTO kv VALUES('k', 'desk')")
        for n in (1, 2):  # so that k is later than desk's, which had acknowledged
            self.db.execute("INSERT INTO kv VALUES('old', ?)", (n,))
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        self.fails("SELECT kv_sync()", "COMMIT first, then kv_sync()")
        if self.schema == "temp":
            self.db.execute("SELECT kv_open(?, 'laptop')", (self.path("notes.kv"),))
        self.assertNotIn(tag("k"), kv(self.db))
        self.db.execute("INSERT INTO kv VALUES('k', 'laptop')")
        self.db.execute("COMMIT")
        self.assertEqual(sync(self.db), 1)
        self.commits({"old": 1}, {"old": 2}, {"a": 1, "k": "laptop"})
        sync(desk)
        for c in (self.db, desk):
            self.assertEqual(c.execute("SELECT key, lost_device FROM kv_conflicts").fetchall(),
                             [("k", "desk")])

    def test_undone_writes_do_not_prevent_a_sync(self):
        desk = self.device("desk")
        desk.execute("INSERT INTO kv VALUES('k', 'desk')")
        self.db.execute("BEGIN")
        self.db.execute("SAVEPOINT s")
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        self.db.execute("ROLLBACK TO s")
        self.assertEqual(sync(self.db), 1)
        self.db.execute("INSERT INTO kv VALUES('k', 'laptop')")
        self.db.execute("COMMIT")
        self.commits({"k": "laptop"})
        sync(desk)
        for c in (self.db, desk):
            self.assertEqual(c.execute("SELECT key FROM kv_conflicts").fetchall(), [])


class TempInMemory(Transactions, Case):
    pass


class TempBesideFile(Transactions, Case):
    file = True


class PersistentRollbackJournal(Transactions, Case):
    schema, file = "main", True


class PersistentWal(Transactions, Case):
    schema, journal, file = "main", "wal", True


class PersistentInMemory(Transactions, Case):
    schema = "main"


class PersistentAttached(Transactions, Case):
    schema, file = "other", True


if __name__ == "__main__":
    unittest.main()
