"""Whatever settings a host has, statements do the same, with the same
messages.
"""

import sqlite3
import unittest

from support import NOW, Case, kv_log, open_store

PRAGMAS = """
    count_changes=1 full_column_names=1 short_column_names=0
    empty_result_callbacks=1 reverse_unordered_selects=1 recursive_triggers=1
    case_sensitive_like=1 legacy_alter_table=1 cell_size_check=1
    defer_foreign_keys=1 foreign_keys=1 automatic_index=0
    ignore_check_constraints=1 read_uncommitted=1 trusted_schema=0
    writable_schema=1 secure_delete=1 cache_spill=0 cache_size=1 mmap_size=1048576
    locking_mode=exclusive synchronous=off journal_mode=truncate
    journal_mode=persist journal_mode=memory journal_mode=wal
    temp_store=2 temp_store=1 threads=2 hard_heap_limit=0 analysis_limit=1
    auto_vacuum=1 encoding='UTF-16' wal_autocheckpoint=1 fullfsync=1
""".split()

STATEMENTS = """
    INSERT INTO kv VALUES('a', 1), ('b', 'two'), (3, x'03'), (4.5, NULL)
    INSERT INTO kv VALUES('a', 2)
    INSERT OR IGNORE INTO kv VALUES('a', 3)
    UPDATE kv SET value = value + 1 WHERE key = 'a'
    UPDATE kv SET key = 'c' WHERE key = 'b'
    DELETE FROM kv WHERE key = 3
    SELECT kv_set('d', 5)
    SELECT kv_set('d', 6)
    SELECT kv_delete('d'), kv_delete('none')
    SELECT kv_revert('d')
    BEGIN
    SAVEPOINT s
    INSERT INTO kv VALUES('gone', 1)
    ROLLBACK TO s
    INSERT INTO kv VALUES('kept', zeroblob(9000))
    COMMIT
    SELECT kv_sync()
    SELECT key, value, ts, device, parent_ts FROM kv
    SELECT key FROM kv ORDER BY key DESC
    SELECT key, value FROM kv WHERE key BETWEEN 'a' AND 'd'
    SELECT key, value FROM kv('2100-01-01') LIMIT 3
    SELECT kv_get('a'), kv_get('none', 'x')
    SELECT key, value, device, lost_value, lost_device FROM kv_conflicts
    SELECT key, op, device FROM kv_log('kv') WHERE key = 'a' ORDER BY ts, device, seq
    SELECT device, state, is_self, unpublished FROM kv_devices
    SELECT count(*) FROM kv_diff('2020-01-01')
    SELECT kv_open('n.kv', 'laptop', 'name=again')
""".strip().split("\n")


class Pragmas(Case):
    def outcome(self, pragma, when, schema):
        """What the statements return, and what a new observer reads
        afterwards."""
        self.fresh()
        folder = self.path("n.kv")
        phone = open_store(self.connect(), folder, "phone", "now=%d" % NOW)
        phone.execute("INSERT INTO kv VALUES('a', 'phone'), ('p', 1)")
        db = self.connect(self.path("host.db"))
        if when == "before":
            db.execute("PRAGMA " + pragma)
        open_store(db, folder, "laptop", "now=%d" % NOW, schema=schema)
        if when == "after":
            db.execute("PRAGMA " + pragma)
        said = []
        for statement in STATEMENTS:
            statement = statement.strip().replace("n.kv", folder)
            try:
                rows = db.execute(statement).fetchall()
            except sqlite3.Error as error:
                rows = str(error).replace(folder, "n.kv")
            if statement.startswith("SELECT"):  # others may count changes
                said.append((statement.replace(folder, "n.kv"), rows))
        eyes = open_store(self.connect(), folder, None)
        said.append(kv_log(eyes))
        said.append(eyes.execute("SELECT device, state FROM kv_devices").fetchall())
        return said

    def test_they_change_nothing(self):
        for schema in ("temp", "main"):
            expected = self.outcome("user_version=0", "before", schema)
            self.assertEqual(len(expected[-2]), 16)  # rows of both devices
            for pragma in PRAGMAS:
                for when in ("before", "after"):
                    if pragma.startswith("temp_store") and when == "after":
                        continue  # SQLite drops the temporary tables
                    with self.subTest(pragma=pragma, when=when, schema=schema):
                        self.assertEqual(self.outcome(pragma, when, schema), expected)

    def test_a_second_table_of_one_store_is_noticed(self):
        """Also one that is not connected yet, which is found by its text."""
        db = self.connect(self.path("host.db"))
        open_store(db, self.path("n.kv"), "laptop", schema="main")
        db.close()
        for pragma in PRAGMAS:
            with self.subTest(pragma=pragma):
                db = self.connect(self.path("host.db"))
                db.execute("PRAGMA " + pragma)
                with self.assertRaisesRegex(sqlite3.Error, "this store is already open"):
                    db.execute("SELECT kv_open(?, 'laptop', 'name=again')", (self.path("n.kv"),))
                db.close()

    def test_a_temp_store_is_opened_again_after_temp_store(self):
        """SQLite drops all temporary tables when the setting changes."""
        db = open_store(self.connect(), self.path("n.kv"), "laptop")
        db.execute("INSERT INTO kv VALUES('a', 1)")
        for mode in ("memory", "file", "memory"):
            kept = db.execute("SELECT count(*) FROM kv")  # a statement that is kept
            kept.fetchall()
            db.execute("PRAGMA temp_store = " + mode)
            with self.assertRaisesRegex(sqlite3.Error, "there is no store named kv"):
                db.execute("SELECT kv_sync()")
            with self.assertRaisesRegex(sqlite3.Error, "there is no store named kv"):
                db.execute("SELECT kv_close()")
            open_store(db, self.path("n.kv"), "laptop")
            db.execute("UPDATE kv SET value = value + 1")
        self.assertEqual(db.execute("SELECT key, value FROM kv").fetchall(), [("a", 4)])
        db.execute("SELECT kv_close()")


if __name__ == "__main__":
    unittest.main()
