"""Reading leaves no trace: what observers, and devices that only read, do to
the folder.
"""

import os
import unittest

import watch
from support import Case, deliver, kv, plain, snapshot, sync


class Observers(Case):
    def setUp(self):
        super().setUp()
        self.mine, self.theirs = self.path("mine.kv"), self.path("theirs.kv")
        self.device("laptop", "mine.kv").execute("INSERT INTO kv VALUES('own', 1)")
        self.device("phone", "theirs.kv").execute("INSERT INTO kv VALUES('a', 1)")
        deliver(self.theirs, self.mine, "phone")

    def test_an_observer_writes_nothing_at_all(self):
        for db, schema in ((":memory:", "temp"), ("host.db", "main")):
            with self.subTest(schema=schema):
                before = snapshot(self.mine)
                w = watch.Watch(self.mine, watch.CHANGES) if watch.available else None
                con = self.device(None, "mine.kv", db, schema)
                sync(con)
                self.assertEqual(kv(con), plain({"own": 1, "a": 1}))
                self.fails("INSERT INTO kv VALUES('x', 1)", "kv: ", con=con)
                self.fails("DELETE FROM kv", "kv: ", con=con)
                self.fails("SELECT kv_set('x', 1)", "kv: ", con=con)
                con.execute("SELECT kv_close()")
                con.close()
                self.assertEqual(snapshot(self.mine), before)
                if w:
                    self.assertEqual(w.events(), set())
                    w.close()

    def test_an_observer_creates_no_folder(self):
        self.fails("SELECT kv_open(?)", "kv: ", con=self.connect(), args=(self.path("none.kv"),))
        self.assertFalse(os.path.exists(self.path("none.kv")))

    def test_kv_open_creates_the_last_part_of_the_path_only(self):
        self.fails("SELECT kv_open(?, 'd')", "kv: ", con=self.connect(),
                   args=(self.path("none/none.kv"),))
        self.assertFalse(os.path.exists(self.path("none")))

    def test_a_device_that_only_reads_writes_no_rows(self):
        deliver(self.theirs, self.path("r.kv"), "phone")
        con = self.device("reader", "r.kv")
        before = snapshot(self.path("r.kv"))
        sync(con)
        sync(con)
        con.execute("BEGIN")
        self.assertEqual(kv(con), plain({"a": 1}))
        con.execute("COMMIT")
        self.assertEqual(snapshot(self.path("r.kv")), before)


if __name__ == "__main__":
    unittest.main()
