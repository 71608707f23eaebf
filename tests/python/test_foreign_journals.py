"""Whatever a sync tool or a stranger puts beside the own log is not rolled
into it, does not lead to other files, and does not make anything hang.
"""

import faulthandler
import os
import struct
import unittest

import oracle
from support import HOSTS, Publish, kv, put, read, sync

MAGIC = bytes.fromhex("d9d505f920a163d7")


def journal(pages, super_journal=b"", page_size=4096):
    """An empty rollback journal, as https://www.sqlite.org/fileformat.html
    has it, with the name of a super-journal at its end."""
    out = (MAGIC + struct.pack(">IIIII", 0, 12345, pages, 512, page_size)).ljust(512, b"\0")
    if super_journal:
        out += struct.pack(">I", (1 << 30) // page_size + 1) + super_journal
        out += struct.pack(">II", len(super_journal), sum(super_journal)) + MAGIC
    return out


def with_commit(db, rows):
    """In one transaction."""
    db.execute("BEGIN")
    db.executemany("INSERT INTO kv VALUES(?, ?)", rows)
    db.execute("COMMIT")


class Beside(Publish):
    """A device with 200 rows; its log good, or damaged in several ways."""

    def setUp(self):
        super().setUp()
        faulthandler.dump_traceback_later(120, exit=True)

    def tearDown(self):
        faulthandler.cancel_dump_traceback_later()
        super().tearDown()

    def each(self):
        for host in HOSTS:
            for damage in ("none", "tail", "cut", "gone"):
                with self.subTest(host=host, damage=damage):
                    self.fresh()
                    db = self.open(host)
                    for i in range(0, 200, 20):
                        db.executemany("INSERT INTO kv VALUES(?, ?)",
                                       [(k, "x" * 100) for k in range(i, i + 10)])
                        with_commit(db, [(k, "x" * 100) for k in range(i + 10, i + 20)])
                    data = read(self.own)
                    self.damaged = {
                        "none": data, "tail": data[:-4096] + bytes(4096), "cut": data[:8192],
                        "gone": None}[damage]
                    if self.damaged is None:
                        os.remove(self.own)
                    else:
                        put(self.own, self.damaged)
                    yield db, damage

    def goes_on(self, db):
        sync(db)
        self.put("new")
        sync(db)
        self.assertEqual(len(kv(db)), 201)
        self.assertEqual(kv(db), oracle.fold(self.log("laptop").rows))
        self.assertFalse([f for f in os.listdir(os.path.dirname(self.own))
                          if f.startswith("log.db-")])

    def test_a_journal_that_names_another_file_does_not_reach_it(self):
        for db, _ in self.each():
            victim = self.path("precious.txt")
            put(victim, b"precious")
            put(self.own + "-journal", journal(len(self.damaged or b"") // 4096, victim.encode()))
            self.goes_on(db)
            self.assertEqual(read(victim), b"precious")

    def test_a_pipe_or_a_link_as_a_journal(self):
        for name, make in {
            "pipe": os.mkfifo, "link": lambda p: os.symlink(self.path("precious.txt"), p),
            "device": lambda p: os.symlink("/dev/zero", p),
            "self": lambda p: os.symlink(os.path.basename(p), p),
        }.items():
            for db, _ in self.each():
                put(self.path("precious.txt"), b"precious")
                make(self.own + "-journal")
                self.goes_on(db)
                self.assertEqual(read(self.path("precious.txt")), b"precious", name)

    def test_a_directory_as_a_journal_is_named(self):
        for suffix in ("-journal", "-wal"):
            for host in HOSTS:
                self.fresh()
                db = self.open(host)
                self.put("a")
                os.mkdir(self.own + suffix)
                if host == "temp":
                    self.fails("INSERT INTO kv VALUES('b', 1)", self.own + suffix, "move it away")
                else:
                    self.put("b")
                    self.assertIn("move it away", db.execute(
                        "SELECT detail FROM kv_devices WHERE is_self").fetchone()[0])
                os.rmdir(self.own + suffix)
                self.put("c")
                self.check(db)

    def test_a_wal_of_another_copy_is_not_replayed(self):
        for change in ("UPDATE log SET value = 'wrong' WHERE seq = 200",
                       "UPDATE log SET value = 'wrong' WHERE seq = 100",
                       "DELETE FROM log WHERE seq > 100"):
            for db, damage in self.each():
                if damage != "none":
                    continue
                copy = self.path("copy.db")
                put(copy, self.damaged)
                other = self.process(copy, module=False)
                other.sql("PRAGMA journal_mode = wal")
                other.sql(change)
                put(self.own + "-wal", read(copy + "-wal"))
                self.goes_on(db)
                self.check(db)


if __name__ == "__main__":
    unittest.main()
