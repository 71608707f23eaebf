"""The path of the folder: what it may contain, and where it leads while the
store is open.
"""

import os
import shutil
import sqlite3
import unittest

from support import HOSTS, Publish, kv, open_store, plain, sync


class Names(Publish):
    def test_a_backslash_is_an_ordinary_character(self):
        if os.sep != "/":
            self.skipTest("it separates there")
        folder = "back\\slash"
        db, phone = self.open(folder=folder), self.device("phone", folder)
        self.put("a")
        self.put("b", db=phone)
        sync(db)
        sync(phone)
        for con in (db, phone):
            self.check(con, folder)
            self.assertEqual(kv(con), plain({"a": 1, "b": 1}))
        path = os.path.join(self.path(folder), "devices", "phone", "log.db")
        self.assertEqual(db.execute("SELECT key FROM kv_foreign(?) WHERE op = 'set'",
                                    (path,)).fetchall(), [("b",)])
        self.assertEqual(sorted(os.listdir(self.dir)), ["back\\slash", "host.db"])

    def test_a_nul_is_refused_and_nothing_is_made(self):
        db = self.connect()
        for args in (("n\0.kv", "laptop"), ("n.kv", "lap\0top")):
            self.fails("SELECT kv_open(?, ?)", "there is a NUL in the", con=db,
                       args=(self.path(args[0]), args[1]))
        self.fails("SELECT * FROM kv_foreign(?)", "there is a NUL in the path", con=db,
                   args=(self.path("n\0.kv"),))
        self.assertEqual(os.listdir(self.dir), [])

    def long(self, n):
        """A path of n bytes, whose last part does not exist."""
        path = self.dir
        while n - len(path) > 250:
            path = os.path.join(path, "d" * 200)
        os.makedirs(path, exist_ok=True)
        return os.path.join(path, "n" * (n - len(path) - 1))

    def test_a_path_that_is_too_long_is_refused_before_the_folder_is_made(self):
        for schema in ("temp", "main"):
            path, db = self.long(421), self.connect()
            with self.assertRaises(sqlite3.OperationalError) as caught:
                open_store(db, path, "laptop", schema=schema)
            self.assertIn("too long", str(caught.exception))
            self.assertFalse(os.path.exists(path))
        self.fails("SELECT kv_open(?)", "too long", con=db, args=(path,))

    def test_the_longest_path_has_room_for_the_longest_name(self):
        path, name = self.long(420), "d" * 64
        db = open_store(self.connect(), path, name)
        self.put("a", db=db)
        other = open_store(self.connect(), path, "e" * 64)
        self.assertEqual(kv(other), plain({"a": 1}))
        shutil.rmtree(os.path.join(path, "devices", name))
        sync(db)
        self.assertEqual(self.state(db, name), "ok")


class Moved(Publish):
    """The folder is moved while it is open, and a link is put in its place."""

    def go_on(self, db, phone):
        """Both write and read in the folder that the link leads to."""
        self.put("b", db=db)
        self.assertEqual(sync(db), 0)
        self.assertEqual((self.unpublished(db), self.state(db, "laptop")), (0, "ok"))
        self.assertEqual(sync(phone), 1)
        self.put("c", db=phone)
        self.assertEqual(sync(db), 1)
        self.assertEqual(kv(db), plain({"a": 1, "b": 1, "c": 1}))
        self.assertEqual(kv(phone), kv(db))

    def test_the_folder(self):
        for host in HOSTS:
            with self.subTest(host=host):
                self.fresh()
                db, phone = self.open(host), self.device("phone")
                self.put("a")
                sync(phone)
                shutil.move(self.path("notes.kv"), self.path("moved.kv"))
                os.symlink("moved.kv", self.path("notes.kv"))
                self.go_on(db, phone)
                self.check(db, "moved.kv")

    def test_a_folder_above_it(self):
        for host in HOSTS:
            with self.subTest(host=host):
                self.fresh()
                os.mkdir(self.path("above"))
                folder = "above/notes.kv"
                db, phone = self.open(host, folder=folder), self.device("phone", folder)
                self.put("a")
                sync(phone)
                shutil.move(self.path("above"), self.path("moved"))
                os.symlink("moved", self.path("above"))
                self.go_on(db, phone)

    def test_what_a_link_leads_to(self):
        for host in HOSTS:
            with self.subTest(host=host):
                self.fresh()
                os.mkdir(self.path("real.kv"))
                os.symlink("real.kv", self.path("notes.kv"))
                db, phone = self.open(host), self.device("phone")
                self.put("a")
                sync(phone)
                shutil.move(self.path("real.kv"), self.path("moved.kv"))
                os.remove(self.path("notes.kv"))
                os.symlink("moved.kv", self.path("notes.kv"))
                self.go_on(db, phone)

    def test_rows_that_wait_go_where_it_is(self):
        db = self.open()
        self.put("a")
        shutil.move(self.path("notes.kv"), self.path("moved.kv"))
        self.put("b")
        self.assertEqual(self.unpublished(db), 1)
        os.symlink("moved.kv", self.path("notes.kv"))
        sync(db)
        self.assertEqual(self.keys(), ["a", "b"])
        self.check(db, "moved.kv")

    def test_a_link_that_leads_to_another_store_is_not_followed_to_it(self):
        """A connection has only one store for a folder and device."""
        db = self.open("temp")
        self.put("a")
        open_store(db, self.path("other.kv"), "laptop", name="other")
        db.execute("INSERT INTO other VALUES('o', 1)")
        shutil.rmtree(self.path("notes.kv"))
        os.symlink("other.kv", self.path("notes.kv"))
        self.fails("SELECT kv_sync()", "is not there", con=db)
        self.assertEqual(kv(db), plain({"a": 1}))
        self.assertEqual(kv(db, "other"), plain({"o": 1}))

    def test_a_store_is_found_again_by_its_new_path(self):
        db = self.open()
        self.put("a")
        shutil.move(self.path("notes.kv"), self.path("moved.kv"))
        os.symlink("moved.kv", self.path("notes.kv"))
        db.execute("SELECT kv_open(?, 'laptop')", (self.path("moved.kv"),))
        with self.assertRaises(sqlite3.Error) as caught:
            open_store(db, self.path("notes.kv"), "laptop", name="again")
        self.assertIn("this store is already open", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
