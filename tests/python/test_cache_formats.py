"""Host databases that earlier versions made (tests/golden_hosts): this version
and a later one, whose caches have another format, show what is in them,
publish what waits, and lose nothing.
"""

import os
import shutil
import sqlite3
import unittest

import support
from oracle import tag
from support import HERE, MODULE, NOW, Case, connect, edit, kv, kv_log, log_path, open_store, sync

HOSTS = os.path.join(HERE, "..", "golden_hosts")
FORMATS = sorted(f for f in os.listdir(HOSTS) if f.startswith("format_"))
NAMES = ("waiting", "large", "swept", "indexed", "typed")
NEXT = os.environ.get("KV_NEXT", MODULE + "_next")
NEXT_FORMAT = 1000
WAITS = {"a": "waits", "b": "waits", "new large": b"w" * 9000, "c": None}


class Formats(Case):
    def setUp(self):
        super().setUp()
        probe = open_store(connect(), self.path("probe.kv"), "probe")
        probe.execute("INSERT INTO kv VALUES(1, 1)")
        probe.close()
        con = sqlite3.connect(log_path(self.path("probe.kv"), "probe"))
        self.machine = con.execute("SELECT host FROM device").fetchone()[0]
        con.close()

    def place(self, version, name):
        """A copy of a host and its folder, as if this machine had made them."""
        shutil.rmtree(self.path(name + ".kv"), ignore_errors=True)
        for ext in (".db", ".kv"):
            source = os.path.join(HOSTS, version, name + ext)
            (shutil.copytree if ext == ".kv" else shutil.copy)(source, self.path(name + ext))
        edit(self.path(name + ".db"), "UPDATE kv_meta SET machine = '%s'" % self.machine)
        for device in ("laptop", "phone"):
            edit(log_path(self.path(name + ".kv"), device),
                 "UPDATE device SET host = '%s'" % self.machine)

    def open(self, name, module):
        con = sqlite3.connect(self.path(name + ".db"), isolation_level=None)
        self.closing.append(con)
        con.text_factory = support.oracle.text
        con.enable_load_extension(True)
        con.load_extension(module)
        return con

    def each(self):
        for version in FORMATS:
            for name in NAMES:
                if not os.path.exists(os.path.join(HOSTS, version, name + ".db")):
                    continue
                for module in (MODULE, NEXT):
                    self.place(version, name)
                    yield name, module

    def format(self, con):
        return con.execute("SELECT format FROM kv_meta").fetchone()[0]

    def test_each_host_shows_what_it_held(self):
        for name, module in self.each():
            con = self.open(name, module)
            sync(con)
            self.assertEqual(self.format(con) == NEXT_FORMAT, module == NEXT, name)
            self.check(con, name + ".kv")
            if name == "typed":
                self.assertEqual(con.execute("SELECT * FROM items").fetchall(),
                                 [(1, "z", 111), (3, "c", 3)])
                self.assertEqual(con.execute("SELECT key, value FROM kv").fetchall(),
                                 [("items", "kv")])
            self.assertEqual(con.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(con.execute("SELECT name FROM sqlite_master WHERE name LIKE "
                                         "'%aside%'").fetchall(), [])
            con.execute("INSERT INTO kv VALUES('written', 'afterwards')")
            sync(con)
            self.check(con, name + ".kv")

    def test_rows_that_waited_are_published_with_their_times(self):
        for version in FORMATS:
            for module in (MODULE, NEXT):
                with self.subTest(version=version, module=module):
                    self.place(version, "waiting")
                    stock = sqlite3.connect(self.path("waiting.db"))
                    waited = stock.execute("SELECT key, ts, op FROM kv_cache WHERE device = "
                                           "'laptop' AND seq > 4 ORDER BY seq").fetchall()
                    stock.close()
                    self.assertEqual(len(waited), 4)
                    con = self.open("waiting", module)
                    sync(con)
                    rows = [r for r in self.log("laptop", "waiting.kv").rows if r.seq > 4]
                    self.assertEqual([(r.key, r.ts, r.op) for r in rows if r.op != 2],
                                     waited)
                    self.assertEqual({r.key: r.value for r in rows if r.op != 2}, WAITS)
                    other = open_store(self.connect(), self.path("waiting.kv"), "reader")
                    self.assertEqual(kv(other), kv(con))
                    self.assertEqual(kv(con)[tag("a")], tag("waits"))

    def test_what_waits_is_carried_over_while_the_folder_is_away(self):
        for version in FORMATS:
            self.place(version, "waiting")
            shown = self.open("waiting", MODULE)
            sync(shown)
            before = kv(shown), kv_log(shown)
            shown.close()
            self.place(version, "waiting")
            os.rename(self.path("waiting.kv"), self.path("away.kv"))
            con = self.open("waiting", NEXT)
            self.fails("SELECT kv_sync()", "waiting.kv is not there", con=con)
            self.assertEqual((kv(con), kv_log(con)), before)
            self.assertEqual(con.execute("SELECT unpublished FROM kv_devices WHERE device = "
                                         "'laptop'").fetchone(), (4,))
            os.rename(self.path("away.kv"), self.path("waiting.kv"))
            sync(con)
            self.check(con, "waiting.kv")

    def test_a_cache_that_was_carried_over_is_refused_by_the_version_before(self):
        self.place(FORMATS[-1], "waiting")
        sync(self.open("waiting", NEXT))
        con = self.open("waiting", MODULE)
        self.fails("SELECT kv_sync()", "newer version of sqlite-kv", con=con)

    def test_a_cache_of_another_format_that_is_damaged_says_why_it_is_kept(self):
        self.place(FORMATS[-1], "waiting")
        edit(self.path("waiting.db"), "ALTER TABLE kv_seen RENAME COLUMN peer_sum TO other")
        con = self.open("waiting", NEXT)
        self.fails("SELECT kv_sync()", "rows that are not shared", con=con)
        stock = sqlite3.connect(self.path("waiting.db"))
        self.assertEqual(stock.execute("SELECT count(*) FROM kv_cache").fetchone(), (10,))
        self.assertEqual(stock.execute("SELECT name FROM sqlite_master WHERE name LIKE "
                                       "'%aside%'").fetchall(), [])
        stock.close()

    def test_an_older_cache_that_cannot_be_read_asks_for_a_sync(self):
        self.place(FORMATS[-1], "waiting")
        edit(self.path("waiting.db"), "ALTER TABLE kv_cache RENAME COLUMN value TO other",
             "UPDATE kv_meta SET format = format - 1")
        con = self.open("waiting", MODULE)
        for sql in "SELECT * FROM kv", "SELECT * FROM kv_log", "SELECT kv_get('a')":
            self.fails(sql, "an older version of sqlite-kv made the cache of kv: call kv_sync()",
                       con=con)

    def test_this_version_has_a_fixture(self):
        con = open_store(self.connect(self.path("now.db")), self.path("now.kv"), "laptop",
                         "now=%d" % NOW, schema="main")
        self.assertIn("format_%d" % self.format(con), FORMATS)


if __name__ == "__main__":
    unittest.main()
