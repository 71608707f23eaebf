"""The own log: written by several processes, and a folder that is unavailable.
Acknowledged writes are never lost.
"""

import os
import unittest

import oracle
from support import GONE, HOSTS, Publish, kv, plain, sync


class Processes(Publish):
    """Several processes as one device."""

    def run_processes(self, dbs, schema, n=3, rounds=15):
        """Each writes its own keys, and one key that all of them write."""
        ps = []
        for i in range(n):
            p = self.process(dbs(i))
            p.sql("PRAGMA busy_timeout = 60000")
            if schema == "temp":
                p.open(self.path("notes.kv"), "laptop")
            else:
                p.sql("CREATE VIRTUAL TABLE IF NOT EXISTS kv USING kv(%r, device='laptop')"
                      % self.path("notes.kv"))
            ps.append(p)
        for j in range(rounds):
            for i, p in enumerate(ps):
                p.send("INSERT INTO kv VALUES(?, ?), ('all', ?), ('same' || ?, ?)",
                       ("p%d.%d" % (i, j), j, "p%d.%d" % (i, j), j, i))
            for p in ps:
                p.receive()
        for p in ps:
            p.sql("SELECT kv_sync()")
        rows = self.log("laptop").rows
        got = {(r.key, r.value) for r in rows}
        for i in range(n):
            for j in range(rounds):
                self.assertIn(("p%d.%d" % (i, j), j), got)
                self.assertIn(("all", "p%d.%d" % (i, j)), got)
        self.assertEqual(len(rows), 3 * n * rounds)
        self.assertEqual(len(oracle.transactions(rows)), n * rounds)
        stores = [sorted(p.sql("SELECT key, value, ts, device FROM kv")) for p in ps]
        logs = [sorted(p.sql("SELECT seq, key, value, ts FROM kv_log")) for p in ps]
        fold = oracle.fold(rows)
        for s, g in zip(stores, logs):
            self.assertEqual(plain({k: v for k, v, _, _ in s}), fold)
            self.assertEqual(g, sorted((r.seq, r.key, r.value, r.ts) for r in rows))
            self.assertEqual(s, stores[0])

    def test_with_temp_caches(self):
        self.run_processes(lambda i: ":memory:", "temp")

    def test_with_one_shared_persistent_cache(self):
        self.run_processes(lambda i: self.path("host.db"), "main")

    def test_with_a_persistent_cache_each(self):
        self.run_processes(lambda i: self.path("host%d.db" % i), "main")

    def test_interleaved_transactions_follow_each_other_in_the_log(self):
        for host in HOSTS:
            with self.subTest(host=host):
                folder = host + ".kv"
                a = self.open(host, folder=folder, db="a-%s.db" % host)
                b = self.open(host, folder=folder, db="b-%s.db" % host)
                a.execute("BEGIN")
                self.put("k", "a1", value="a", db=a)
                self.put("k", "b1", value="b", db=b)
                self.put("k", "a2", value="a2", db=a)
                b.execute("BEGIN")
                self.put("b2", value="b", db=b)
                a.execute("COMMIT")
                b.execute("COMMIT")
                self.assertEqual([len(t) for t in self.published("laptop", folder)],
                                 [1, 1, 3, 1])
                for con in (a, b):
                    sync(con)
                    self.check(con, folder)
                self.assertEqual(kv(a), kv(b))
                self.assertEqual(set(kv(a)), set(plain(dict.fromkeys(["k", "a1", "a2", "b1", "b2"], 0))))


class FolderAway(Publish):
    def away(self):
        os.rename(self.path("notes.kv"), self.path("away"))

    def back(self):
        os.rename(self.path("away"), self.path("notes.kv"))

    def test_with_a_temp_cache_commit_fails_and_says_why(self):
        db = self.open("temp")
        db.execute("CREATE TABLE t(x)")
        self.put("a")
        self.away()
        db.execute("BEGIN")
        db.execute("INSERT INTO t VALUES(1)")
        self.put("b")
        message = self.fails("COMMIT", "kv: ", "notes.kv")
        self.assertNotIn("SQL logic error", message)
        self.assertFalse(os.path.exists(self.path("notes.kv")), "made a new store")
        if db.in_transaction:
            db.execute("ROLLBACK")
        self.assertEqual(db.execute("SELECT count(*) FROM t").fetchone(), (0,))
        self.assertEqual(kv(db), plain({"a": 1}))
        self.fails("INSERT INTO kv VALUES('c', 1)", "kv: ")
        self.assertEqual(kv(db), plain({"a": 1}))
        self.back()
        self.put("d")
        self.assertEqual(self.keys(), ["a", "d"])
        self.check(db)

    def test_with_a_temp_cache_the_next_commit_succeeds_once_it_is_back(self):
        db = self.open("temp")
        self.away()
        db.execute("BEGIN")
        self.put("b")
        self.fails("COMMIT")
        self.assertFalse(db.in_transaction)  # as after any error but BUSY
        self.assertEqual(kv(db), {})
        self.back()
        self.put("c")
        self.assertEqual(self.published("laptop"), plain([{"c": 1}]))
        self.check(db)

    def test_with_a_persistent_cache_rows_wait_and_come_out_in_order(self):
        db = self.open()
        self.put("a")
        self.away()
        self.put("b", "c")
        db.execute("BEGIN")
        self.put("d", "b", value=2)
        db.execute("COMMIT")
        self.assertEqual(self.unpublished(db), 4)
        self.assertEqual(kv(db), plain({"a": 1, "b": 2, "c": 1, "d": 2}))
        self.fails("SELECT kv_sync()", "kv: ", "notes.kv")
        db.close()
        db = self.open()
        self.assertEqual(self.unpublished(db), 4)
        self.put("e")
        self.assertEqual(self.unpublished(db), 5)
        self.assertEqual(kv(db), plain({"a": 1, "b": 2, "c": 1, "d": 2, "e": 1}))
        self.back()
        sync(db)
        self.assertEqual(self.unpublished(db), 0)
        self.assertEqual(self.published("laptop"), plain(
            [{"a": 1}, {"b": 1}, {"c": 1}, {"b": 2, "d": 2}, {"e": 1}]))
        self.check(db)

    def test_waiting_rows_come_out_with_the_next_commit(self):
        db = self.open()
        self.put("a")
        self.away()
        self.put("b")
        db.execute("DELETE FROM kv WHERE key = 'a'")
        self.back()
        self.put("c")
        self.assertEqual(self.published("laptop"),
                         plain([{"a": 1}, {"b": 1}, {"a": GONE}, {"c": 1}]))
        self.assertEqual(self.unpublished(db), 0)

    def test_waiting_rows_come_out_with_kv_close(self):
        db = self.open()
        self.away()
        self.put("b")
        self.back()
        db.execute("SELECT kv_close()")
        self.assertEqual(self.published("laptop"), plain([{"b": 1}]))

    def test_waiting_rows_go_after_another_processs(self):
        a, b = self.open(db="a.db"), self.open(db="b.db")
        self.put("a1", db=a)
        sync(b)
        self.away()
        self.put("a2", "k", value="a", db=a)
        self.put("b2", "k", value="b", db=b)
        self.back()
        for con in (b, a, b):
            sync(con)
        self.assertEqual(self.keys(), ["a1", "b2", "k", "a2", "k"])
        self.check(a)
        self.check(b)

    def test_drop_table_is_refused_while_rows_wait(self):
        db = self.open()
        self.away()
        self.put("b")
        # SQLite passes no message on; its error log has it.
        self.fails("DROP TABLE kv", "locked")
        self.assertEqual(kv(db), plain({"b": 1}))
        self.back()
        sync(db)
        db.execute("DROP TABLE kv")
        self.assertEqual(self.keys(), ["b"])
        self.assertEqual(db.execute("SELECT count(*) FROM sqlite_master").fetchone(), (0,))

    def test_discard_gives_up_waiting_rows(self):
        db = self.open()
        self.put("a")
        self.away()
        self.put("b")
        db.execute("SELECT kv_close('discard=1', 'kv')")
        db.execute("DROP TABLE IF EXISTS kv")
        self.back()
        db = self.open()
        sync(db)
        self.assertEqual(kv(db), plain({"a": 1}))
        self.put("c")
        self.assertEqual(self.keys(), ["a", "c"])
        self.check(db)


if __name__ == "__main__":
    unittest.main()
