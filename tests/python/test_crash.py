"""Processes killed at any moment, and readers beside a running writer:
acknowledged transactions stay, transactions are whole, and others see a
prefix.
"""

import random
import threading
import unittest

import oracle
from support import Case, kv, log_path, open_store, quote, sync, tag

KILLS = 12
PUT = "INSERT INTO kv VALUES(?, ?), ('last', ?), (-?, 1)"


class Killed(Case):
    def writer(self, db, journal, schema):
        p = self.process(db)
        p.sql("PRAGMA busy_timeout = 60000")
        if schema == "main":
            p.sql("PRAGMA journal_mode = " + journal)
            p.sql("CREATE VIRTUAL TABLE IF NOT EXISTS kv USING kv(%s, device='laptop')"
                  % quote(self.path("notes.kv")))
        else:
            p.open(self.path("notes.kv"), "laptop")
        return p

    def run_and_kill(self, schema, journal="delete", writers=1):
        r = random.Random(5)
        db = self.path("host.db") if schema == "main" else ":memory:"
        n, acknowledged = 0, set()
        for kill in range(KILLS):
            ps = [self.writer(db, journal, schema) for _ in range(writers)]
            timer = threading.Timer(r.uniform(0.0, 0.03), ps[0].p.kill)
            rounds = 0
            try:
                while True:
                    if rounds == kill % 5:  # earlier ones may end
                        timer.start()
                    rounds += 1
                    at = {}
                    for p in ps:
                        n += 1
                        at[p] = n
                        p.send(PUT, (n, "x" * r.choice([10, 3000]), n, n))
                    for p in ps:
                        p.receive()
                        acknowledged.add(at[p])
            except (EOFError, BrokenPipeError):
                pass
            timer.join()
            for p in ps[1:]:
                p.kill()
            for p in ps:
                self.closing.remove(p)
                p.close()
        con = open_store(self.connect(db, timeout=10), self.path("notes.kv"), "laptop",
                         schema=schema)
        sync(con)
        shown = {k for kind, k in kv(con) if kind == "int"}
        self.assertEqual(acknowledged - shown, set())
        self.assertEqual({-k for k in shown}, shown, "half a transaction")
        logs = oracle.read_log(log_path(self.path("notes.kv"), "laptop"), writers)
        self.assertTrue(all(len([t for t in txn if t.op == oracle.SET]) == 3
                            for txn in oracle.transactions(logs.rows)))
        con.execute("INSERT INTO kv VALUES('after', 1)")
        self.check(con)
        self.assertGreater(len(acknowledged), KILLS)

    def test_with_a_temp_cache(self):
        self.run_and_kill("temp")

    def test_with_a_persistent_cache_and_rollback_journal(self):
        self.run_and_kill("main")

    def test_with_a_persistent_cache_and_wal(self):
        self.run_and_kill("main", "wal")

    def test_beside_another_process_of_the_same_device(self):
        self.run_and_kill("main", "wal", writers=2)


class Reading(Case):
    def test_a_reader_beside_a_running_writer_sees_whole_transactions(self):
        writer = self.process()
        writer.open(self.path("notes.kv"), "laptop")
        readers = [self.device("phone"), self.device(None, db="host.db", schema="main")]
        for n in range(1, 400):
            writer.send(PUT, (n, "x" * 500, n, n))
            if n % 4 == 0:
                for con in readers:
                    sync(con)
                    shown = kv(con)
                    last = shown.get(tag("last"), ("int", 0))[1]
                    keys = {k for kind, k in shown if kind == "int"}
                    self.assertEqual(keys, set(range(-last, last + 1)) - {0})
        for _ in range(1, 400):
            writer.receive()
        for con in readers:
            sync(con)
            self.check(con)


if __name__ == "__main__":
    unittest.main()
