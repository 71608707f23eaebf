"""A damaged log of the own device: what verifies is kept, rows of the cache
come back, numbers are never reused under the same id, and the damage is
noticed wherever it is.
"""

import os
import unittest

import oracle
from foreign import PATIENCE, work
from support import HOSTS, Publish, kv, log_path, plain, put, read, sync


class OwnDamage(Publish):
    def damaged(self, where, rows=400):
        """The open store's log, damaged; its bytes then."""
        for i in range(rows):
            self.put(i, value="x" * 100)
        self.rows = self.log("laptop").rows
        self.id = self.log("laptop").id
        data = bytearray(read(self.own))
        middle = len(data) // 2 // 4096 * 4096
        if where == "page":
            data[middle:middle + 4096] = os.urandom(4096)
        elif where == "value":
            data[bytes(data).index(b"x" * 100, middle) + 7] = ord("y")
        elif where == "tail":
            data[-4096:] = bytes(4096)
        return bytes(data)

    def test_a_reopened_store_keeps_what_verifies(self):
        """Under another id, because the numbers after it were used."""
        for host in HOSTS:
            for where in ("page", "value", "tail"):
                with self.subTest(host=host, where=where):
                    self.fresh()
                    self.open(host)
                    data = self.damaged(where)
                    peer = self.device("peer")
                    self.assertEqual(len(kv(peer)), 400)
                    self.db.close()
                    if host == "persistent":
                        os.remove(self.path("host.db"))
                    put(self.own, data)
                    db = self.open(host)
                    sync(db)
                    log = self.log("laptop")
                    self.assertNotEqual(log.id, self.id)
                    rows = [r for r in log.rows if r.op != 2]
                    n = len(rows)
                    self.assertGreater(n, 50)
                    self.assertEqual([(r.ts, r.key, r.value) for r in rows],
                                     [(r.ts, r.key, r.value) for r in self.rows[:n]])
                    self.put("new")
                    self.check(db)
                    aside = self.own + ".aside-1"
                    self.assertEqual(read(aside), data)
                    sync(peer)
                    self.check(peer)

    def test_rows_of_another_process_are_not_lost_with_it(self):
        """This cache has only the first half of what the log had."""
        first = self.open("temp")
        self.put("a")
        second = self.device("laptop")
        for i in range(400):
            second.execute("INSERT INTO kv VALUES(?, 'x')", (i,))
        peer = self.device("peer")
        before = self.log("laptop")
        second.close()
        data = read(self.own)
        put(self.own, data[:-4096] + os.urandom(4096))
        sync(first)
        self.db = first
        self.put("new")
        log = self.log("laptop")
        self.assertGreater(len(log.rows), 200)
        if log.id == before.id:
            n = min(len(log.rows), len(before.rows))
            self.assertEqual(log.rows[:n - 1], before.rows[:n - 1])
        self.check(first)
        sync(peer)
        self.check(peer)

    def test_bytes_after_the_end_are_cut_off(self):
        """A sync tool wrote the end of a longer file after it: others would
        wait for the rest."""
        for host in HOSTS:
            for then in ("sync", "write", "open"):
                with self.subTest(host=host, then=then):
                    self.fresh()
                    self.open(host)
                    self.put("a")
                    peer = self.device("peer")
                    self.assertEqual(len(kv(peer)), 1)
                    sync(self.db)  # so that it has nothing to acknowledge later
                    whole = read(self.own)
                    put(self.own, whole + b"x" * 9000)
                    sync(peer)
                    self.assertIn("longer", peer.execute(
                        "SELECT detail FROM kv_devices WHERE state = 'waiting'").fetchone()[0])
                    if then == "write":
                        self.put("b")
                    elif then == "open":
                        self.db.close()
                        sync(self.open(host))
                    else:
                        sync(self.db)
                        self.assertEqual(read(self.own), whole)
                    sync(peer)
                    self.assertEqual(peer.execute("SELECT state FROM kv_devices "
                                                  "WHERE device = 'laptop'").fetchone()[0], "ok")
                    self.assertEqual(len(kv(peer)), 2 if then == "write" else 1)
                    self.check(self.db)

    def test_damage_in_the_middle_is_noticed_and_repaired(self):
        for host in HOSTS:
            for where in ("page", "value"):
                with self.subTest(host=host, where=where):
                    self.fresh()
                    db = self.open(host)
                    data = self.damaged(where)
                    put(self.own, data)
                    self.put("new")
                    sync(db)
                    self.check(db)
                    self.assertEqual(self.log("laptop").rows[:400], self.rows)
                    self.assertEqual(self.log("laptop").id, self.id)
                    reader = self.device("reader")
                    self.assertEqual(kv(reader), kv(db))

    def test_damage_among_large_values_is_found_over_time(self):
        """Only a part of them is read at a time. All are in log.db here."""
        db = self.open(options="segment=0")
        for i in range(300):
            self.put(i, value=b"x" * 100000)
        sync(db)
        self.put("new")
        self.assertLess(work(sync, db)[0], 0.05 * PATIENCE)
        data = bytearray(read(self.own))
        data[data.index(b"x" * 100, len(data) * 2 // 3) + 7] = ord("y")
        put(self.own, bytes(data))
        for i in range(1000):
            self.put("new", value=i)
            sync(db)
            if [n for n in os.listdir(os.path.dirname(self.own)) if n != "log.db"]:
                break
        self.check(db)
        self.assertEqual(len(self.log("laptop").rows), 302 + i)

    def check(self, con):
        logs = oracle.read_folder(self.path("notes.kv"))
        rows = [r for log in logs.values() for r in log.rows]
        self.assertEqual(kv(con), oracle.fold(rows))


if __name__ == "__main__":
    unittest.main()
