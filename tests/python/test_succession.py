"""A log that another process of this machine started over replaces the one
that a cache knows, if it has everything that was published there.
"""

import os
import shutil

from support import Publish, edit, read, sync


class Succession(Publish):

    def twin_of(self, db, copy):
        """Two host databases with caches of one device."""
        self.open(db=db)
        self.put("a", "b", "c")
        self.db.close()
        self.closing.remove(self.db)
        shutil.copy(self.path(db), self.path(copy))

    def reopen(self, db):
        return self.connect(self.path(db))

    def leftovers(self, folder):
        return []       # logs that were set aside stay

    def damage(self):
        """A byte of the last row's value changes: the log has to be rebuilt."""
        edit(self.own, "UPDATE log SET value = 'other' WHERE seq = 2",
             "UPDATE log SET sum = sum + 1 WHERE seq = 3")

    def test_a_log_that_a_temp_cache_rebuilt_is_not_a_twin(self):
        self.twin_of("one.db", "two.db")
        old = self.log("laptop").id
        self.damage()
        temp = self.open("temp", db=":memory:")
        self.assertNotEqual(self.log("laptop").id, old)
        self.assertEqual(sorted(self.keys()), ["a"])
        # The cache has rows that the new log lacks: that is a real difference.
        one = self.reopen("one.db")
        sync(one)
        self.assertEqual(self.state(one, "laptop"), "twin")

    def test_another_cache_accepts_a_new_log_that_has_all(self):
        self.twin_of("one.db", "two.db")
        old = self.log("laptop").id
        one, two = self.reopen("one.db"), self.reopen("two.db")
        # A real difference, which one cache settles by adopting.
        edit(self.own, "DELETE FROM log WHERE seq >= 2")
        other = self.connect()
        other.execute("SELECT kv_open(?, 'laptop')", (self.path("notes.kv"),))
        other.execute("INSERT INTO kv VALUES('other', 1)")
        sync(one)
        self.assertEqual(self.state(one, "laptop"), "twin")
        one.execute("SELECT kv_open(?, 'laptop', 'adopt=1')",
                    (self.path("notes.kv"),))
        self.assertEqual(self.state(one, "laptop"), "ok")
        self.assertNotEqual(self.log("laptop").id, old)
        sync(two)
        self.assertEqual(self.state(two, "laptop"), "ok")
        self.check(two)
        two.execute("INSERT INTO kv VALUES('d', 1)")
        sync(one)
        self.check(one)
        self.check(two)
        self.assertEqual(len(set(self.keys())), len(self.keys()))

    def test_waiting_rows_go_after_the_new_log(self):
        self.twin_of("one.db", "two.db")
        two = self.reopen("two.db")
        os.rename(self.path("notes.kv"), self.path("away.kv"))
        two.execute("INSERT INTO kv VALUES('waits', 1)")
        self.assertEqual(self.unpublished(two), 1)
        os.rename(self.path("away.kv"), self.path("notes.kv"))
        edit(self.own, "DELETE FROM log WHERE seq >= 2")
        other = self.connect()
        other.execute("SELECT kv_open(?, 'laptop')", (self.path("notes.kv"),))
        other.execute("INSERT INTO kv VALUES('other', 1)")
        one = self.reopen("one.db")
        sync(one)
        one.execute("SELECT kv_open(?, 'laptop', 'adopt=1')", (self.path("notes.kv"),))
        sync(two)
        self.assertEqual(self.state(two, "laptop"), "ok")
        self.assertEqual(self.unpublished(two), 0)
        self.check(two)
        sync(one)
        self.check(one)
        self.assertEqual(sorted(self.keys()), ["a", "b", "c", "other", "waits"])

    def test_a_database_older_than_the_new_log_continues(self):
        """A crash between the two phases of rebuilding a log."""
        self.twin_of("one.db", "two.db")
        one = self.reopen("one.db")
        sync(one)
        edit(self.own, "DELETE FROM log WHERE seq >= 2")
        other = self.connect()
        other.execute("SELECT kv_open(?, 'laptop')", (self.path("notes.kv"),))
        other.execute("INSERT INTO kv VALUES('other', 1)")
        one.execute("SELECT kv_open(?, 'laptop', 'adopt=1')", (self.path("notes.kv"),))
        one.close()
        self.closing.remove(one)
        shutil.copy(self.path("two.db"), self.path("one.db"))
        one = self.reopen("one.db")
        before = one.execute("SELECT kv_cursor()").fetchone()[0]
        sync(one)
        self.assertEqual(self.state(one, "laptop"), "ok")
        self.check(one)
        # What a program knew of the old log no longer applies.
        self.assertEqual({k for k, in one.execute(
            "SELECT key FROM kv_changes(?)", (before,))}, {"a", "b", "c", "other"})

    def adopted_by_one(self):
        """A log with a new id that has everything that was published, and one
        more row."""
        self.twin_of("one.db", "two.db")
        edit(self.own, "DELETE FROM log WHERE seq >= 2")
        other = self.connect()
        other.execute("SELECT kv_open(?, 'laptop')", (self.path("notes.kv"),))
        other.execute("INSERT INTO kv VALUES('other', 1)")
        one = self.reopen("one.db")
        one.execute("SELECT kv_open(?, 'laptop', 'adopt=1')", (self.path("notes.kv"),))
        return one

    def test_a_write_accepts_a_new_log_that_has_all(self):
        one = self.adopted_by_one()
        two = self.reopen("two.db")
        before = two.execute("SELECT kv_cursor()").fetchone()[0]
        two.executescript(
            "BEGIN; INSERT INTO kv VALUES('d', 1); SAVEPOINT s;"
            "INSERT INTO kv VALUES('wrong', 1); ROLLBACK TO s;"
            "INSERT INTO kv VALUES('a', 2), ('e', zeroblob(5000)); COMMIT")
        self.assertEqual(self.state(two, "laptop"), "ok")
        self.check(two)
        self.assertEqual(sorted(self.keys()), ["a", "a", "b", "c", "d", "e", "other"])
        self.assertEqual(two.execute("SELECT kv_get('a')").fetchone()[0], 2)
        self.assertEqual({k for k, in two.execute(
            "SELECT key FROM kv_changes(?)", (before,))},
            {"a", "b", "c", "d", "e", "other"})
        two.execute("DELETE FROM kv WHERE key = 'b'")
        sync(one)
        self.check(one)
        self.check(two)

    def test_a_write_accepts_it_with_rows_that_wait(self):
        self.twin_of("one.db", "two.db")
        two = self.reopen("two.db")
        os.rename(self.path("notes.kv"), self.path("away.kv"))
        two.execute("INSERT INTO kv VALUES('waits', 1)")
        os.rename(self.path("away.kv"), self.path("notes.kv"))
        edit(self.own, "DELETE FROM log WHERE seq >= 2")
        other = self.connect()
        other.execute("SELECT kv_open(?, 'laptop')", (self.path("notes.kv"),))
        other.execute("INSERT INTO kv VALUES('other', 1)")
        one = self.reopen("one.db")
        one.execute("SELECT kv_open(?, 'laptop', 'adopt=1')", (self.path("notes.kv"),))
        two.execute("INSERT INTO kv VALUES('d', 1)")
        self.assertEqual(self.state(two, "laptop"), "ok")
        self.assertEqual(self.unpublished(two), 0)
        self.check(two)
        sync(one)
        self.check(one)
        self.assertEqual(sorted(self.keys()), ["a", "b", "c", "d", "other", "waits"])

    def test_a_write_accepts_it_once_though_its_commit_is_repeated(self):
        self.adopted_by_one()
        two = self.reopen("two.db")
        reader = self.connect(self.path("two.db"))
        for undone in (False, True):
            two.execute("BEGIN")
            two.execute("INSERT INTO kv VALUES('d', 1)")
            two.execute("SAVEPOINT s")
            two.execute("INSERT INTO kv VALUES('e', 1)")
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM kv_cache").fetchone()
            self.fails("COMMIT", "locked", con=two)
            if undone:
                two.execute("ROLLBACK TO s")
            two.execute("INSERT INTO kv VALUES('f', 1)")
            self.fails("COMMIT", "locked", con=two)
            reader.execute("COMMIT")
            two.execute("COMMIT")
            self.check(two)
        self.assertEqual(sorted(self.keys()),
                         ["a", "b", "c", "d", "d", "e", "f", "f", "other"])

    def test_a_write_to_a_log_that_differs_changes_nothing(self):
        self.twin_of("one.db", "two.db")
        two = self.reopen("two.db")
        os.remove(self.own)
        other = self.connect()
        other.execute("SELECT kv_open(?, 'laptop')", (self.path("notes.kv"),))
        other.execute("INSERT INTO kv VALUES('other', 1)")
        rows = two.execute("SELECT * FROM kv_log").fetchall()
        for _ in range(2):      # it is tried the first time only
            self.fails("INSERT INTO kv VALUES('d', 1)", "lacks rows of that one", "adopt=1", con=two)
            self.assertFalse(two.in_transaction)
            self.assertEqual(two.execute("SELECT * FROM kv_log").fetchall(), rows)
            self.assertEqual(two.execute(
                "SELECT min(seq) FROM kv_cache").fetchone()[0], 1)
        self.assertEqual(self.keys(), ["other"])
        sync(two)
        self.assertEqual(self.state(two, "laptop"), "twin")
        two.execute("SELECT kv_open(?, 'laptop', 'adopt=1')", (self.path("notes.kv"),))
        self.check(two)
        self.assertEqual(sorted(self.keys()), ["a", "b", "c", "other"])

    def test_an_interrupted_replacement_is_completed(self):
        self.open()
        self.put("a", "b")
        self.db.close()
        self.closing.remove(self.db)
        whole = read(self.own)
        os.rename(self.own, self.own + ".new")      # the old one is aside
        con = self.open("temp", db=":memory:")
        self.assertEqual(read(self.own), whole)
        self.assertFalse(os.path.exists(self.own + ".new"))
        self.check(con)

    def test_a_journal_that_returns_after_a_replacement_is_deleted(self):
        self.open()
        self.put("a")
        for name in (".new", ".new-journal"):
            with open(self.own + name, "wb") as f:
                f.write(b"anything")
        self.put("b")       # it may be unfinished
        self.assertTrue(os.path.exists(self.own + ".new-journal"))
        os.remove(self.own + ".new")
        self.put("c")
        self.assertEqual(os.listdir(os.path.dirname(self.own)), ["log.db"])
        self.assertEqual(self.keys(), ["a", "b", "c"])

    def test_an_incomplete_replacement_is_not_used(self):
        self.open()
        self.put("a", "b")
        self.db.close()
        self.closing.remove(self.db)
        with open(self.own + ".new", "wb") as f:
            f.write(read(self.own)[:-100])
        os.remove(self.own)
        self.open("temp", db=":memory:")
        self.assertEqual(self.keys(), [])


if __name__ == "__main__":
    import unittest
    unittest.main()
