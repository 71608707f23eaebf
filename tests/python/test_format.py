"""Logs written by the extension verify with an independent reading."""

import math
import os
import sqlite3
import struct
import unittest

import oracle
from support import (NOW, Case, deliver, edit, kv, log_path, plain, put, read,
                     sync, tag)
from xxh3 import xxh3_64

VALUES = [
    0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63),
    0.0, -0.0, 1.5, 1e308, 5e-324, math.inf, -math.inf, float(2**53),
    "", "text", "nul\0inside", "\0", "é ☃ 😀", "x" * 300_000,
    b"", b"\0", b"text", bytes(range(256)), b"\xff" * 300_000,
]
KEYS = [v[:65_536] if isinstance(v, (str, bytes)) else v for v in VALUES]


class Harness(Case):
    def test_xxh3_has_the_published_values(self):
        pattern = bytes(i * 7 & 255 for i in range(1025))
        for n, expected in {
            0: 0x2D06800538D394C2, 1: 0xC44BDFF4074EECDB,
            4: 0xD3D60C1519014E89, 9: 0x03688DCAD730D826,
            17: 0xF34C3C9CF5A112D1, 129: 0x28065C6EC25F5B25,
            241: 0x541B19226F0052E8, 1025: 0xE1D9CD946277AE26,
        }.items():
            self.assertEqual(xxh3_64(pattern[:n]), expected, n)

    def test_one_changed_bit_of_a_row_does_not_verify(self):
        db = self.device("laptop")
        db.execute("INSERT INTO kv VALUES('k', 5), ('l', 6)")
        path = log_path(self.path("notes.kv"), "laptop")
        self.assertEqual(len(oracle.read_log(path).rows), 2)
        for change in (
            "value = 4 WHERE seq = 1", "ts = ts + 1", "parent_ts = 0",
            "op = 0, value = NULL WHERE seq = 2", "key = 'm' WHERE seq = 2",
            "bucket = 'b'", "value = 5.0 WHERE seq = 1", "sum = sum + 1",
        ):
            stock = sqlite3.connect(path, isolation_level=None)
            before = read(path)
            stock.execute("UPDATE log SET " + change)
            stock.close()
            with self.assertRaises(oracle.BadLog, msg=change):
                oracle.read_log(path)
            with open(path, "wb") as f:
                f.write(before)
        self.assertEqual(len(oracle.read_log(path).rows), 2)


class Format(Case):
    def setUp(self):
        super().setUp()
        self.db = self.device("laptop")

    def test_every_value_is_kept_with_its_type(self):
        for i, v in enumerate(VALUES + [None]):
            self.db.execute("INSERT INTO kv VALUES(?, ?)", (i, v))
        expected = plain(dict(enumerate(VALUES + [None])))
        self.assertEqual(kv(self.db), expected)
        self.check(self.db)
        other = self.device("phone")
        self.assertEqual(kv(other), expected)

    def test_every_key_is_kept_with_its_type(self):
        for i, k in enumerate(KEYS):
            self.db.execute("INSERT INTO kv VALUES(?, ?)", (k, i))
        expected = plain(dict(zip(KEYS, range(len(KEYS)))))
        del expected[tag(0)]  # 0, 0.0 and -0.0 are one key, as written last
        expected[tag(-0.0)] = tag(KEYS.index(1.5) - 1)
        self.assertEqual(kv(self.db), expected)
        self.check(self.db)
        for k in KEYS[5:7] + KEYS[10:]:
            self.assertEqual(self.db.execute(
                "SELECT key FROM kv WHERE key = ?", (k,)).fetchall(), [(k,)])

    def test_invalid_utf8_is_kept_as_stored(self):
        self.db.execute("INSERT INTO kv VALUES(CAST(x'61ff00fe' AS TEXT), CAST(x'eda080' AS TEXT))")
        r, = self.log("laptop").rows
        self.assertEqual(oracle.raw(r.key), b"a\xff\0\xfe")
        self.assertEqual(oracle.raw(r.value), b"\xed\xa0\x80")
        self.check(self.db)
        self.assertEqual(kv(self.device("phone")), kv(self.db))

    def test_a_host_in_utf16_publishes_utf8(self):
        con = self.connect(self.path("host.db"))
        con.execute("PRAGMA encoding = 'UTF-16le'")
        con.execute("CREATE TABLE t(x)")
        con.execute("CREATE VIRTUAL TABLE kv USING kv(%r, device='phone', now='%d')"
                    % (self.path("notes.kv"), NOW))
        con.execute("INSERT INTO kv VALUES('é☃', 'x😀' || char(0) || 'y')")
        r, = self.log("phone").rows
        self.assertEqual((r.key, r.value), ("é☃", "x😀\0y"))
        sync(self.db)
        self.assertEqual(kv(self.db), plain({"é☃": "x😀\0y"}))

    def test_nan_is_null(self):
        self.db.execute("INSERT INTO kv VALUES('nan', 9e999 - 9e999)")
        self.assertIsNone(self.log("laptop").rows[0].value)
        self.check(self.db)

    def test_1_and_1_0_are_one_key_and_text_is_another(self):
        self.db.execute("INSERT INTO kv VALUES(1, 'int')")
        self.db.execute("INSERT INTO kv VALUES(1.0, 'real')")
        self.db.execute("INSERT INTO kv VALUES('1', 'text')")
        self.db.execute("INSERT INTO kv VALUES(x'31', 'blob')")
        self.assertEqual(kv(self.db), plain({1.0: "real", "1": "text", b"1": "blob"}))
        self.check(self.db)

    def test_a_transaction_has_one_txn_and_one_ts(self):
        self.db.execute("BEGIN")
        for i in range(10):
            self.db.execute("INSERT INTO kv VALUES(?, ?)", (i % 7, i))
        self.db.execute("DELETE FROM kv WHERE key = 3")
        self.db.execute("COMMIT")
        rows = self.log("laptop").rows
        self.assertEqual({r.txn for r in rows}, {7})
        self.assertEqual({r.ts for r in rows}, {NOW})
        self.assertEqual({r.key: r.value for r in rows},
                         {0: 7, 1: 8, 2: 9, 3: None, 4: 4, 5: 5, 6: 6})
        self.assertEqual([r.op for r in rows if r.key == 3], [oracle.DELETE])

    def test_transactions_follow_each_other_in_seq_and_ts(self):
        for i in range(3):
            self.db.execute("INSERT INTO kv VALUES('a', ?), ('b', ?)", (i, i))
        rows = self.log("laptop").rows
        self.assertEqual([r.txn for r in rows], [2, 2, 4, 4, 6, 6])
        self.assertEqual([r.ts - NOW for r in rows], [0, 0, 1, 1, 2, 2])
        self.assertEqual([r.parent_ts and r.parent_ts - NOW for r in rows],
                         [None, None, 0, 0, 1, 1])

    def test_parent_ts_is_what_the_row_replaced(self):
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        self.db.execute("DELETE FROM kv WHERE key = 'a'")
        self.db.execute("INSERT INTO kv VALUES('a', 2)")
        phone = self.device("phone")
        phone.execute("BEGIN")
        phone.execute("INSERT INTO kv VALUES('a', 3)")
        phone.execute("INSERT INTO kv VALUES('a', 4)")
        phone.execute("COMMIT")
        own = [r for r in self.log("phone").rows if r.op == oracle.SET]
        self.assertEqual([r.parent_ts for r in own], [NOW + 2])
        oracle.check_parents(oracle.read_folder(self.path("notes.kv")))

    def test_op_2_says_what_was_merged_and_only_when_it_changed(self):
        phone = self.device("phone")
        phone.execute("INSERT INTO kv VALUES('p', 1)")
        self.assertEqual([r.op for r in self.log("phone").rows], [1])

        sync(self.db)
        self.db.execute("INSERT INTO kv VALUES('a', 1), ('b', 2)")
        self.db.execute("INSERT INTO kv VALUES('a', 2)")
        rows = self.log("laptop").rows
        self.assertEqual([r.op for r in rows], [2, 1, 1, 1])
        self.assertEqual([r.txn for r in rows], [1, 3, 3, 4])  # kv_sync() wrote it
        last = self.log("phone").rows[-1]
        self.assertEqual(
            (rows[0].bucket, rows[0].key, rows[0].value, rows[0].parent_ts),
            ("phone", self.log("phone").id, 1, last.sum))

        phone.execute("INSERT INTO kv VALUES('p', 2)")
        sync(self.db)
        self.db.execute("BEGIN")
        self.db.execute("DELETE FROM kv WHERE key = 'a'")
        self.db.execute("COMMIT")
        self.assertEqual([r.op for r in self.log("laptop").rows[4:]], [2, 0])
        self.assertEqual(self.log("laptop").rows[4].value, 2)
        oracle.check_parents(oracle.read_folder(self.path("notes.kv")))

    def test_op_2_is_from_the_first_write_not_from_begin(self):
        phone = self.device("phone")
        phone.execute("INSERT INTO kv VALUES('p', 1)")
        self.db.execute("BEGIN")
        self.assertEqual(sync(self.db), 1)
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        self.db.execute("INSERT INTO kv VALUES('b', 1)")
        self.db.execute("COMMIT")
        self.assertEqual([r.op for r in self.log("laptop").rows], [2, 1, 1])

    def test_op_2_can_go_down(self):
        phone = self.device("phone", "phone.kv")
        for i in range(3):
            phone.execute("INSERT INTO kv VALUES(?, 1)", (i,))
        deliver(self.path("phone.kv"), self.path("notes.kv"), "phone")
        sync(self.db)
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        # The phone lost its log and starts another one, which is shorter.
        os.remove(log_path(self.path("phone.kv"), "phone"))
        again = self.device("phone", "phone.kv")
        again.execute("INSERT INTO kv VALUES('p', 1)")
        deliver(self.path("phone.kv"), self.path("notes.kv"), "phone")
        sync(self.db)
        self.db.execute("INSERT INTO kv VALUES('b', 1)")
        seen = [r for r in self.log("laptop").rows if r.op == oracle.SEEN]
        self.assertEqual([r.value for r in seen], [3, 1])
        self.assertNotEqual(seen[0].key, seen[1].key)
        self.check(self.db)

    def test_op_2_can_go_down_to_nothing(self):
        """A new cache that does not find a log that it had read."""
        phone = self.device("phone", "phone.kv")
        phone.execute("INSERT INTO kv VALUES('p', 1)")
        theirs = log_path(self.path("notes.kv"), "phone")
        for n, lose in enumerate((lambda: edit(theirs, "DELETE FROM log"),
                                  lambda: put(theirs, b""), lambda: os.remove(theirs))):
            with self.subTest(way=n):
                deliver(self.path("phone.kv"), self.path("notes.kv"), "phone")
                sync(self.db)
                self.db.execute("INSERT INTO kv VALUES('p', 2)")
                lose()
                self.db.close()
                self.db = self.device("laptop")
                self.db.execute("INSERT INTO kv VALUES('p', 3)")
                self.db.execute("INSERT INTO kv VALUES('p', 4)")
                seen = [r for r in self.log("laptop").rows if r.op == oracle.SEEN][2 * n:]
                log = self.log("phone", "phone.kv")
                self.assertEqual(
                    [(r.bucket, r.key, r.value, r.parent_ts) for r in seen],
                    [("phone", log.id, 1, log.rows[0].sum),
                     ("phone", log.id, 0, oracle.base_sum("phone", log.id))])

    def test_a_log_is_a_plain_database_in_one_file(self):
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        path = log_path(self.path("notes.kv"), "laptop")
        self.assertEqual(os.listdir(os.path.dirname(path)), ["log.db"])
        header = read(path)[:100]
        self.assertEqual(header[18:20], b"\1\1")  # rollback journal
        auto_vacuum, = struct.unpack(">I", header[52:56])
        encoding, version = struct.unpack(">II", header[56:64])
        application, = struct.unpack(">I", header[68:72])
        self.assertEqual((auto_vacuum, encoding, version, application),
                         (0, 1, 2, 0x4B564C47))

    def test_a_commit_touches_page_1_and_the_tail_only(self):
        for i in range(300):
            self.db.execute("INSERT INTO kv VALUES(?, ?)", (i, "x" * 200))
        path = log_path(self.path("notes.kv"), "laptop")
        before = read(path)
        size = struct.unpack(">H", before[16:18])[0]
        size = 65536 if size == 1 else size
        self.db.execute("INSERT INTO kv VALUES('k', 'v')")
        after = read(path)
        changed = [
            n for n in range(len(before) // size)
            if before[n * size:(n + 1) * size] != after[n * size:(n + 1) * size]
        ]
        # The tail: the last leaf, and its parent if a leaf was added.
        self.assertIn(0, changed)
        self.assertLessEqual(len(changed), 3)
        self.assertLessEqual(len(after) - len(before), 2 * size)

    def test_the_chain_starts_from_the_devices_name_and_id(self):
        self.db.execute("INSERT INTO kv VALUES('a', 1)")
        log = self.log("laptop")
        self.assertEqual(
            log.rows[0].sum,
            oracle.row_sum(oracle.base_sum("laptop", log.id), log.rows[0]))
        phone = self.device("phone")
        phone.execute("INSERT INTO kv VALUES('a', 1)")
        self.assertNotEqual(self.log("phone").id, log.id)

    def test_a_transaction_too_large_to_be_remembered(self):
        run = self.db.execute
        fill = ("INSERT INTO kv WITH n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) "
                "SELECT i, printf('%.*c', 900, 'x') || i FROM n")
        run("BEGIN")
        run("INSERT INTO kv VALUES(1, 'first'), ('gone', 1)")
        run("SAVEPOINT s")
        run(fill, (1, 20_000))
        run("DELETE FROM kv WHERE key = 'gone'")
        run("SAVEPOINT t")
        run(fill, (15_000, 40_000))
        run("ROLLBACK TO t")
        run(fill, (20_001, 39_000))
        run("UPDATE kv SET value = 'later' WHERE key % 1000 = 0")
        self.fails("INSERT INTO kv VALUES(7, 'never'), (NULL, 1)")
        run("COMMIT")
        rows = self.log("laptop").rows
        self.assertEqual({r.txn for r in rows}, {39_001})
        self.assertEqual(
            {r.key: r.value for r in rows},
            {"gone": None, **{i: "x" * 900 + str(i) if i % 1000 else "later"
                              for i in range(1, 39_001)}})
        self.check(self.db)

    def test_a_large_transaction_is_whole(self):
        self.db.execute("BEGIN")
        self.db.executemany("INSERT INTO kv VALUES(?, ?)",
                            ((i, "v%d" % i) for i in range(20_000)))
        self.db.execute("COMMIT")
        rows = self.log("laptop").rows
        self.assertEqual(len(rows), 20_000)
        self.assertEqual({r.txn for r in rows}, {20_000})
        self.check(self.db)


if __name__ == "__main__":
    unittest.main()
