"""Copies of a log that are made while its device writes as fast as it can: in
one piece or in small ones, with its journal before or after, and then the
files that were sealed meanwhile. Readers show whole transactions, more and
more of them; the device that gets such a copy back continues.

    KV_LIVE_SECONDS=60 python3 test_foreign_live.py     longer than the suite
"""

import os
import subprocess
import sys
import time
import unittest

from support import HERE, Case, kv, log_path, put, read, sync

SECONDS = float(os.environ.get("KV_LIVE_SECONDS", 6)) / 3
WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from support import connect, open_store
con = open_store(connect(timeout=5), sys.argv[2], "writer", "segment=200000")
print("ready", flush=True)
for i in range(10**9):
    pad = "x" * (i % 13 * 150)
    con.execute("BEGIN")
    con.execute("INSERT INTO kv VALUES('a', ?), ('b', ?)", (i, i))
    con.execute("INSERT INTO kv VALUES(?, ?), ('c', ?)", ("n%d" % (i % 40), pad, i))
    con.execute("COMMIT")
"""


def read_in_pieces(path):
    """As a sync tool on a busy machine."""
    out = b""
    with open(path, "rb") as f:
        size = os.fstat(f.fileno()).st_size  # it grows as fast as it is read
        while True:
            piece = f.read(4096)
            if not piece or len(out) >= size:
                return out
            out += piece
            if len(out) % 65536 == 0:
                time.sleep(0.0005)


class Live(Case):
    def setUp(self):
        super().setUp()
        self.source = log_path(self.path("notes.kv"), "writer")
        self.writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, HERE, self.path("notes.kv")], stdout=subprocess.PIPE)
        self.writer.stdout.readline()

    def tearDown(self):
        self.writer.kill()
        self.writer.wait()
        self.writer.stdout.close()
        super().tearDown()

    def shown(self, con):
        """How many transactions con shows; each of them whole."""
        rows, seq, txn = con.execute(
            "SELECT count(*), max(seq), max(txn) FROM kv_log WHERE device = 'writer'").fetchone()
        self.assertEqual(rows % 4, 0)
        if rows == 0:
            return 0
        self.assertEqual((rows, rows), (seq, txn))
        last = rows // 4 - 1
        self.assertEqual(con.execute(
            "SELECT key, value FROM kv WHERE key < 'd'").fetchall(),
            [(k, last) for k in "abc"])
        return rows // 4

    def journal(self):
        try:
            return read(self.source + "-journal")
        except FileNotFoundError:
            return None

    def put_sealed(self, path):
        """The sealed files of the log, which do not change, to beside path."""
        source, copy = os.path.dirname(self.source), os.path.dirname(path)
        for name in os.listdir(source):
            if name.startswith("log-") and name.endswith(".db"):
                if not os.path.exists(os.path.join(copy, name)):
                    put(os.path.join(copy, name), read(os.path.join(source, name)))

    def copies(self):
        """Bytes of log.db, and of a journal from before or after or None."""
        end = time.monotonic() + SECONDS
        n = 0
        while time.monotonic() < end:
            n += 1
            before = self.journal()
            data = (read_in_pieces if n % 3 == 0 else read)(self.source)
            after = self.journal()
            yield n, data, (None, before, after)[n % 3]
        self.assertGreater(n, 5)

    def finish(self, con, path):
        """The writer is killed. Its log, opened by it once more, is complete."""
        self.writer.kill()
        self.writer.wait()
        again = self.device("writer")
        put(path, read(self.source))
        self.put_sealed(path)
        sync(con)
        self.assertEqual(self.state(con, "writer"), "ok")
        self.assertGreater(self.shown(con), 10)
        self.assertEqual(kv(con), kv(again))

    def test_a_reader_shows_more_and_more_whole_transactions(self):
        path = log_path(self.path("mine.kv"), "writer")
        con = self.device("reader", "mine.kv")
        last, steps = 0, 0
        for n, data, journal in self.copies():
            put(path, data)
            if journal is not None:
                put(path + "-journal", journal)
            self.put_sealed(path)
            sync(con)
            shown = self.shown(con)
            self.assertGreaterEqual(shown, last)
            steps, last = steps + (shown > last), shown
            self.assertIn(self.state(con, "writer"), ("ok", "waiting", "damaged", "behind"))
        self.assertGreater(steps, 3)
        self.finish(con, path)

    def test_a_reader_beside_it_in_the_same_folder(self):
        con = self.device("reader")
        end, last, steps = time.monotonic() + SECONDS, 0, 0
        while time.monotonic() < end:
            sync(con)
            shown = self.shown(con)
            self.assertGreaterEqual(shown, last)
            steps, last = steps + (shown > last), shown
        self.assertGreater(steps, 3)
        self.assertIsNone(self.writer.poll(), "the writer failed")
        self.finish(con, self.source)

    def test_the_device_continues_from_such_a_copy(self):
        steps = 0
        for n, data, journal in self.copies():
            folder = "copy%d.kv" % n
            path = log_path(self.path(folder), "writer")
            put(path, data)
            if journal is not None:
                put(path + "-journal", journal)
            self.put_sealed(path)
            con = self.device("writer", folder)
            shown = self.shown(con)
            con.execute("INSERT INTO kv VALUES('mine', ?)", (n,))
            self.assertFalse(os.path.exists(path + "-journal"))
            observer = self.device(None, folder)
            self.assertEqual(kv(observer), kv(con))
            self.assertEqual(kv(con)["str", "mine"], ("int", n))
            steps += shown > 0
            for c in (con, observer):
                c.close()
        self.assertGreater(steps, 3)


if __name__ == "__main__":
    unittest.main()
