"""A cache that lost or changed own rows: nothing wrong is published, rows that
nobody else has are kept, and other rows are read from the folder again.
"""

import os
import shutil
import sqlite3
import unittest

from support import Publish, edit, kv, plain, sync


class Changed(Publish):
    def change(self, *statements):
        """By another program."""
        self.db.close()
        edit(self.path("host.db"), *statements)
        self.db = self.connect(self.path("host.db"))

    def rows_wait(self, *keys):
        """In a persistent cache, after a published row."""
        self.open()
        self.put("a")
        os.rename(self.path("notes.kv"), self.path("away.kv"))
        self.put(*keys)
        os.rename(self.path("away.kv"), self.path("notes.kv"))
        self.assertEqual(self.unpublished(self.db), len(keys))


class CacheDamaged(Changed):
    def leftovers(self, folder):
        return []       # damaged logs that were set aside

    def test_waiting_rows_are_not_lost_with_a_cache_of_another_format(self):
        self.rows_wait("b", "c")
        self.change("UPDATE kv_meta SET format = 1")
        message = self.fails("SELECT kv_sync()", "kv: ", "2 rows", "kv_cache", "discard=1")
        self.assertEqual(self.db.execute("SELECT key FROM kv_cache WHERE key IN ('b', 'c')")
                         .fetchall(), [("b",), ("c",)], message)
        self.assertEqual(self.keys(), ["a"])
        self.db.execute("SELECT kv_close('discard=1', 'kv')")
        sync(self.db)
        self.assertEqual(kv(self.db), plain({"a": 1}))
        self.put("d")
        self.check(self.db)

    def test_a_changed_waiting_row_is_not_published(self):
        self.rows_wait("b", "c")
        self.change("UPDATE kv_cache SET value = 'x' WHERE key = 'b'")
        self.fails("SELECT kv_sync()", "kv: ", "does not hold the rows")
        self.assertEqual(self.keys(), ["a"])

    def test_a_missing_waiting_row_is_noticed(self):
        self.rows_wait("b", "c", "d")
        self.change("DELETE FROM kv_cache WHERE key = 'c'")
        self.fails("SELECT kv_sync()", "kv: ", "does not hold the rows")
        self.assertEqual(self.keys(), ["a"])

    def test_waiting_rows_that_the_log_has_but_for_one(self):
        """A copy of the host published some of them."""
        self.rows_wait("b", "c")
        self.db.close()
        shutil.copy(self.path("host.db"), self.path("copy.db"))
        os.rename(self.path("notes.kv"), self.path("away.kv"))
        self.db = self.connect(self.path("host.db"))
        self.put("d")
        os.rename(self.path("away.kv"), self.path("notes.kv"))
        sync(self.connect(self.path("copy.db")))
        self.assertEqual(self.keys(), ["a", "b", "c"])
        self.change("DELETE FROM kv_cache WHERE key = 'b'")
        self.fails("SELECT kv_sync()", "kv: ", "does not hold the rows")
        self.assertEqual(self.keys(), ["a", "b", "c"])

    def test_a_log_that_is_gone_with_its_rows_is_not_started_again(self):
        """Readers would think that it is another log, and forget what they
        have."""
        self.open()
        self.put("a", "b")
        shutil.rmtree(os.path.dirname(self.own))
        self.change("DELETE FROM kv_cache WHERE device = 'laptop'")
        self.fails("SELECT kv_sync()", "kv: ", "does not hold the rows")
        self.fails("INSERT INTO kv VALUES('c', 1)", "kv: ", "does not hold the rows")
        self.assertEqual(os.path.getsize(self.own), 0)

    def test_a_missing_log_and_a_missing_cursor(self):
        """The new log has no rows by which it could be judged."""
        self.open()
        self.put("a")
        shutil.rmtree(os.path.dirname(self.own))
        self.change("UPDATE kv_cursor SET published_seq = 0, published_sum = 1, seq = 0, "
                    "sum = 2, waiting_seq = 0, waiting_sum = 3")
        self.fails("INSERT INTO kv VALUES('b', 1)", "kv: ", "is gone, and so are its rows")
        self.assertEqual(kv(self.db), plain({"a": 1}))

    def test_a_damaged_log_and_a_cache_that_lacks_rows(self):
        """The rows of both go into a new log."""
        self.open()
        self.put("a", "b", "c", "d")
        edit(self.own, "UPDATE log SET value = 'x' WHERE seq = 3")
        self.change("DELETE FROM kv_cache WHERE key = 'b'")
        sync(self.db)
        self.assertEqual(self.state(self.db, "laptop"), "ok")
        self.assertEqual(sorted(self.keys()), ["a", "b", "c", "d"])
        self.check(self.db)

    def test_a_cursor_that_fits_no_log(self):
        """As if it had read nothing."""
        self.device("phone").execute("INSERT INTO kv VALUES('p', 1)")
        self.open()
        self.put("a")
        self.change("UPDATE kv_cursor SET seq = -5")
        sync(self.db)
        self.assertEqual(kv(self.db), plain({"a": 1, "p": 1}))
        self.put("b")
        self.check(self.db)

    def test_a_folder_without_its_directory_of_devices(self):
        self.open()
        self.put("a")
        devices = self.path("notes.kv", "devices")
        os.rename(devices, self.path("devices"))
        with open(devices, "w"):
            pass
        message = self.fails("SELECT kv_open(?)", "kv: ", "is not a directory",
                             con=self.connect(), args=(self.path("notes.kv"),))
        self.assertIn("move it away", message)
        self.db.execute("INSERT INTO kv VALUES('w', 1)")  # waits
        self.assertEqual(self.unpublished(self.db), 1)
        self.assertIn("is not a directory", self.db.execute(
            "SELECT detail FROM kv_devices WHERE is_self").fetchone()[0])
        os.remove(devices)
        os.rename(self.path("devices"), devices)
        self.put("b")
        self.check(self.db)


class Tampered(Changed):
    def test_triggers_on_the_cache_that_call_the_store(self):
        for body, message in (("INSERT INTO kv VALUES('x', 1)", "no such table"),
                              ("SELECT kv_set('x', 1)", "remove it"),
                              ("SELECT kv_get('a')", None)):
            with self.subTest(body=body):
                self.fresh()
                self.open()
                self.put("a")
                self.db.execute("CREATE TRIGGER tr AFTER INSERT ON kv_cache BEGIN %s; END" % body)
                if message:
                    self.fails("INSERT INTO kv VALUES('b', 1)", "kv: ", message)
                with self.assertRaisesRegex(sqlite3.Error, "no such table|remove it"):
                    self.db.execute("BEGIN")
                    self.db.executemany("INSERT INTO kv VALUES(?, 1)", [(k,) for k in "bcd"])
                    self.db.execute("COMMIT")
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                self.db.execute("DROP TRIGGER tr")
                self.put("e")
                self.check(self.db)

    def test_triggers_on_large_values_that_call_the_store(self):
        for body, message in (("INSERT INTO kv VALUES('x', 1)", "no such table"),
                              ("SELECT kv_set('x', 1)", "remove it"),
                              ("DELETE FROM kv", "no such table"),
                              ("UPDATE kv SET value = 1", "no such table")):
            with self.subTest(body=body):
                self.fresh()
                self.open()
                self.put("a")
                self.db.execute("CREATE TRIGGER tr AFTER INSERT ON kv_large BEGIN %s; END" % body)
                self.fails("INSERT INTO kv VALUES('b', zeroblob(100000))", "kv: ", message)
                self.assertEqual(self.keys(), ["a"])
                self.db.execute("DROP TRIGGER tr")
                self.db.execute("INSERT INTO kv VALUES('b', zeroblob(100000))")
                self.check(self.db)

    def test_a_view_that_replaces_the_cache_and_calls_the_store(self):
        self.open()
        self.put("a")
        self.change("ALTER TABLE kv_cache RENAME TO was",
                    "CREATE VIEW kv_cache AS SELECT * FROM was WHERE kv_get('a') IS NOT 1")
        self.fails("SELECT kv_get('a')", "kv: ", "call themselves")

    def test_it_is_not_closed_with_rows_of_a_transaction(self):
        for host in ("temp", "persistent"):
            with self.subTest(host=host):
                self.fresh()
                self.open(host)
                self.db.execute("BEGIN")
                self.put("a")
                self.fails("SELECT kv_close()", "kv: ", "COMMIT or ROLLBACK")
                self.db.execute("COMMIT")
                self.assertEqual(self.keys(), ["a"])

    def test_it_is_dropped_though_its_tables_are_gone(self):
        self.open()
        self.put("a")
        self.change("DROP TABLE kv_cursor", "DROP TABLE kv_cache")
        self.db.execute("DROP TABLE kv")
        self.open()
        sync(self.db)
        self.assertEqual(kv(self.db), plain({"a": 1}))

    def test_text_that_utf_16_would_change_is_refused(self):
        self.db = self.connect(self.path("utf16.db"))
        self.db.execute("PRAGMA encoding = 'UTF-16le'")
        self.db.execute("CREATE VIRTUAL TABLE kv USING kv(%r, device='laptop')" % self.path("notes.kv"))
        for key, value in (("'k'", "CAST(x'00d8' AS TEXT)"), ("CAST(x'00d8' AS TEXT)", "1")):
            self.fails("INSERT INTO kv VALUES(%s, %s)" % (key, value), "kv: ", "not valid Unicode")
        self.put("a")
        self.check(self.db)


class CacheUnfit(Changed):
    """A cache of another format, or with a part missing."""

    TABLES = ("meta", "cache", "cursor", "seen", "arrival", "former", "large", "contested")
    RENAMED = {"meta": "epoch", "cache": "value", "cursor": "detail", "seen": "peer_sum",
               "arrival": "last_ts", "former": "newest", "large": "value", "contested": "key"}

    def breaks(self):
        """Ways to remove a part of the cache, by table."""
        for t in self.TABLES:
            yield t, "DROP TABLE kv_" + t
            yield t, "ALTER TABLE kv_%s RENAME COLUMN %s TO other" % (t, self.RENAMED[t])

    def test_a_cache_that_lacks_a_table_or_column_is_rebuilt(self):
        for table, how in self.breaks():
            with self.subTest(how=how):
                self.fresh()
                self.open()
                self.put("a", "b", value="x" * 10000)
                phone = self.device("phone")
                phone.execute("INSERT INTO kv VALUES('c', 1)")
                sync(self.db)
                self.change(how)
                sync(self.db)
                self.check(self.db)
                self.put("d")
                sync(self.db)
                self.check(self.db)
                self.assertEqual(self.keys()[:2], ["a", "b"])

    def test_waiting_rows_are_not_lost_with_a_table_or_column(self):
        for table, how in self.breaks():
            if how != "DROP TABLE kv_cache":
                with self.subTest(how=how):
                    self.fresh()
                    self.rows_wait("b", "c")
                    self.change(how)
                    for _ in range(2):
                        self.fails("SELECT kv_sync()", "kv: ", "rows that are not shared",
                                   "kv_cache")
                    self.fails("DROP TABLE kv", "locked")
                    self.assertEqual(self.db.execute("SELECT count(*) FROM kv_cache WHERE key IN "
                                                     "('b', 'c')").fetchone(), (2,))
                    self.assertEqual(self.keys(), ["a"])
                    self.change("DROP TABLE kv_cache")  # as it says
                    sync(self.db)
                    self.assertEqual(kv(self.db), plain({"a": 1}))
                    self.put("d")
                    self.check(self.db)

    def format(self):
        """The format of the cache that this version made."""
        return self.db.execute("SELECT format FROM kv_meta").fetchone()[0]

    def test_waiting_rows_are_not_lost_with_an_older_format(self):
        """The same if the tables of that format had other columns."""
        self.rows_wait("b")
        known = self.format()
        self.change("UPDATE kv_meta SET format = 1",
                    "ALTER TABLE kv_cursor RENAME COLUMN waiting_seq TO other")
        self.fails("SELECT kv_sync()", "kv: the cache of kv has to be rebuilt", "DROP TABLE")
        self.change(f"UPDATE kv_meta SET format = {known}",
                    "ALTER TABLE kv_cursor RENAME COLUMN other TO waiting_seq")
        sync(self.db)
        self.assertEqual(self.keys(), ["a", "b"])

    def test_an_older_cache_is_kept_until_the_log_tells_that_nothing_waits(self):
        self.open()
        self.put("a", "b")
        known = self.format()
        os.rename(self.path("notes.kv"), self.path("away.kv"))
        self.change("UPDATE kv_meta SET format = 1")
        self.fails("SELECT kv_sync()", "kv: the cache of kv has to be rebuilt", "reachable")
        self.assertEqual(self.db.execute("SELECT count(*) FROM kv_cache").fetchone(), (2,))
        os.rename(self.path("away.kv"), self.path("notes.kv"))
        sync(self.db)
        self.assertEqual(self.format(), known)
        self.check(self.db)

    def test_a_newer_cache_is_refused_and_left_alone(self):
        self.rows_wait("b")
        known = self.format()
        self.change(f"UPDATE kv_meta SET format = {known + 1}",
                    "ALTER TABLE kv_cache RENAME COLUMN value TO other")
        before = self.db.execute("SELECT * FROM kv_cache").fetchall()
        log = self.keys()
        for sql in ("SELECT * FROM kv", "SELECT * FROM kv WHERE key = 'a'",
                    "SELECT * FROM kv_log", "SELECT * FROM kv_devices",
                    "SELECT kv_get('a')", "INSERT INTO kv VALUES('x', 1)",
                    "DELETE FROM kv WHERE key = 'a'", "SELECT kv_set('x', 1)",
                    "SELECT kv_sync()", "SELECT kv_close('discard=1', 'kv')",
                    "ALTER TABLE kv RENAME TO other"):
            self.fails(sql, "kv: ", "newer version of sqlite-kv", "kv",
                       f"is {known + 1}", f"knows {known}")
        self.fails("DROP TABLE kv", "locked")
        self.assertEqual(self.db.execute("SELECT * FROM kv_cache").fetchall(), before)
        self.assertEqual(self.keys(), log)
        self.change(f"UPDATE kv_meta SET format = {known}",
                    "ALTER TABLE kv_cache RENAME COLUMN other TO value")
        sync(self.db)
        self.check(self.db)
        self.assertEqual(self.keys(), ["a", "b"])

    def test_a_store_is_not_named_like_a_table_of_every_connection(self):
        self.db = self.connect()
        for name in ("kv_log", "KV_DEVICES", "kv_diff", "kv_changes", "kv_conflicts", "kv_foreign",
                     "kv_rows"):
            self.fails("CREATE VIRTUAL TABLE temp.%s USING kv(%r, device='laptop')"
                       % (name, self.path("notes.kv")), "kv: %s is the name of a table" % name.lower())
        self.assertFalse(os.path.exists(self.path("notes.kv")))
        self.open()
        self.fails("ALTER TABLE kv RENAME TO kv_log", "kv: kv_log is the name of a table")
        self.put("a")
        self.check(self.db)


if __name__ == "__main__":
    unittest.main()
