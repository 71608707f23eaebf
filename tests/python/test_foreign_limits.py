"""A row that a limit of the host, or a lack of memory, kept from being read is
read later, once that is gone. The host's limit bounds memory.
"""

import os
import sqlite3
import time
import unittest

from foreign import make
from support import NOW, Case, kv, log_path, plain, put, read, sync

LENGTH = sqlite3.SQLITE_LIMIT_LENGTH


class Limits(Case):
    def setUp(self):
        super().setUp()
        self.file = log_path(self.path("notes.kv"), "phone")
        self.rows = [(1, NOW, None, 1, "", "a", 1), (2, NOW + 1, None, 1, "", "big", "x" * 500_000),
                     (3, NOW + 2, None, 1, "", "z", 1)]
        make(self.file, self.rows)
        os.utime(self.file, ns=(10**18, 10**18))
        self.full = plain({"a": 1, "big": "x" * 500_000, "z": 1})

    def test_a_value_over_the_limit_is_merged_when_the_limit_is_raised(self):
        laptop = self.connect()
        before = laptop.setlimit(LENGTH, 100_000)
        time.sleep(2.1)  # the stamp of a file counts once it is older than that
        laptop.execute("SELECT kv_open(?, 'laptop')", (self.path("notes.kv"),))
        for _ in range(2):
            self.assertEqual(sync(laptop), 0)
            self.assertEqual(kv(laptop), plain({"a": 1}))
            state, detail = laptop.execute(
                "SELECT state, detail FROM kv_devices WHERE device = 'phone'").fetchone()
            self.assertEqual(state, "waiting")
            self.assertIn("SQLITE_LIMIT_LENGTH", detail)
        self.assertEqual(laptop.getlimit(LENGTH), 100_000)
        laptop.setlimit(LENGTH, before)
        self.assertEqual(sync(laptop), 2)
        self.assertEqual(kv(laptop), self.full)
        self.assertEqual(self.state(laptop, "phone"), "ok")

    def test_a_persistent_cache_opened_with_a_higher_limit_reads_it(self):
        time.sleep(2.1)
        laptop = self.connect(self.path("host.db"))
        laptop.setlimit(LENGTH, 100_000)
        laptop.execute("CREATE VIRTUAL TABLE kv USING kv('%s', device='laptop')"
                       % self.path("notes.kv"))
        self.assertEqual(sync(laptop), 1)
        laptop.close()
        laptop = self.connect(self.path("host.db"))
        self.assertEqual(sync(laptop), 2)
        self.assertEqual(kv(laptop), self.full)

    def test_a_key_over_the_limit_only_delays_what_comes_after_it(self):
        make(self.file, [(1, NOW, None, 1, "", "a", 1), (2, NOW + 1, None, 1, "", "k" * 500_000, 1)])
        laptop = self.connect()
        laptop.setlimit(LENGTH, 100_000)
        laptop.execute("SELECT kv_open(?, 'laptop')", (self.path("notes.kv"),))
        self.assertEqual(kv(laptop), plain({"a": 1}))
        laptop.execute("INSERT INTO kv VALUES('own', 1)")
        self.assertEqual(kv(laptop), plain({"a": 1, "own": 1}))


if __name__ == "__main__":
    unittest.main()
