"""Compaction: which rows of the own log go, for whom it waits with the others, and that
nobody sees a difference. The rules are those of tests/lifecycle/RULES.md, 6.
"""

import os
import random
import shutil
import sqlite3
import unittest

from support import NOW, SECOND, Case, deliver, log_path, open_store, read, set_clock

RUNS = int(os.environ.get("KV_COMPACTION_RUNS", "6"))
STEPS = 70
DAY = 86400 * SECOND
HOUR = DAY // 24


class Device:
    """A device with a folder and a persistent cache of its own, whose clock the test
    sets."""

    def __init__(self, case, name, folder):
        self.name, self.folder = name, case.path(folder, name, "notes.kv")
        self.host = case.path(folder, name, "host.db")
        os.makedirs(os.path.dirname(self.host))
        self.case = case

    def at(self, now):
        """The open store at this time."""
        set_clock(self.host, now)
        con = self.case.connect(self.host)
        return open_store(con, self.folder, self.name, "now=%d" % now, schema="main")

    def run(self, now, *statements):
        con = self.at(now)
        out = None
        for sql in statements:
            out = con.execute(sql).fetchall()
        con.close()
        return out

    def files(self):
        return sorted(os.listdir(os.path.join(self.folder, "devices", self.name)))


def carry(source, target):
    """Carry a device's log to another one's folder, and what was deleted of it."""
    if not os.path.exists(os.path.join(source.folder, "devices", source.name)):
        return
    deliver(source.folder, target.folder, source.name)
    there = os.path.join(target.folder, "devices", source.name)
    for name in set(os.listdir(there)) - set(source.files()):
        os.unlink(os.path.join(there, name))


class Compaction(Case):
    def make(self, *names):
        self.now = NOW
        self.fresh()
        self.devices = {n: Device(self, n, "w") for n in names}
        return [self.devices[n] for n in names]

    def run_on(self, device, *statements):
        self.now += SECOND
        return device.run(self.now, *statements)

    def meet(self, *devices, rounds=2, pause=2 * DAY):
        """Everybody gets everything, and acknowledges it."""
        for _ in range(rounds):
            for a in devices:
                for b in devices:
                    if a is not b:
                        carry(a, b)
            self.now += pause
            for d in devices:
                self.run_on(d, "SELECT kv_sync()")

    def plan(self, device, before="now"):
        """{reason: (n_rows, waits_for)} of kv_compaction."""
        return {r[0]: r[1:] for r in self.run_on(
            device, "SELECT reason, n_rows, waits_for FROM kv_compaction(%r)" % before)}

    def compact(self, device, before="now"):
        return self.run_on(device, "SELECT kv_compact(%r)" % before)[0][0]

    def log_of(self, device):
        return self.run_on(device, "SELECT key, op, value FROM kv_log WHERE device = '%s' "
                           "ORDER BY ts, seq" % device.name)

    def test_a_peer_whose_cache_forgot_a_compacted_log_is_no_alarm(self):
        """It says that it has nothing of it."""
        a, b = self.make("a", "b")
        self.run_on(b, "SELECT kv_sync()")
        shutil.copy(b.host, b.host + "-before")
        for i in range(3):
            self.run_on(a, "INSERT INTO kv VALUES('k', %d)" % i)
        self.now += DAY
        self.run_on(a, "SELECT kv_compact('2255-01-01')")
        carry(a, b)
        self.run_on(b, "SELECT kv_sync()", "INSERT INTO kv VALUES('b', 1)")
        shutil.copy(b.host + "-before", b.host)
        self.run_on(b, "INSERT INTO kv VALUES('b', 2)")
        carry(b, a)
        out = self.run_on(a, "SELECT kv_sync()", "SELECT state, detail FROM kv_devices WHERE is_self")
        self.assertEqual(out, [("ok", None)])

    def test_superseded_rows_go_and_their_numbers_stay(self):
        laptop, = self.make("laptop")
        for i in range(5):
            self.run_on(laptop, "INSERT INTO kv VALUES('k', %d)" % i)
        self.run_on(laptop, "INSERT INTO kv VALUES('other', 1)")
        self.assertEqual(self.plan(laptop), {"superseded": (4, None), "value": (2, None)})
        self.assertEqual(self.compact(laptop), 4)
        self.assertEqual(self.run_on(laptop, "SELECT key, value, seq, txn FROM kv_log"),
                         [("k", 4, 5, 5), ("other", 1, 6, 6)])
        self.assertEqual(self.compact(laptop), 0)
        self.run_on(laptop, "INSERT INTO kv VALUES('k', 9)")
        self.assertEqual(self.run_on(laptop, "SELECT state, detail, last_seq FROM kv_devices"),
                         [("ok", None, 7)])
        newcomer = self.connect()
        open_store(newcomer, laptop.folder, None)
        self.assertEqual(newcomer.execute("SELECT key, value FROM kv").fetchall(),
                         [("k", 9), ("other", 1)])

    def test_the_files_become_small(self):
        laptop, = self.make("laptop")
        path = os.path.join(laptop.folder, "devices", "laptop")
        for i in range(3):
            self.run_on(laptop, "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) "
                        "INSERT INTO kv SELECT i, hex(randomblob(50)) FROM n")
        before = sum(os.path.getsize(os.path.join(path, f)) for f in os.listdir(path))
        self.assertEqual(self.compact(laptop), 2000)
        after = sum(os.path.getsize(os.path.join(path, f)) for f in os.listdir(path))
        self.assertLess(after, before / 2)

    def test_no_file_keeps_what_was_given_up(self):
        laptop, = self.make("laptop")
        path = os.path.join(laptop.folder, "devices", "laptop")
        self.run_on(laptop, "INSERT INTO kv VALUES('pin', 'given up 0451')")
        self.run_on(laptop, "INSERT INTO kv VALUES('pin', 'still here')")
        self.assertEqual(self.compact(laptop), 1)
        data = b"".join(read(os.path.join(path, f)) for f in os.listdir(path))
        self.assertIn(b"still here", data)
        self.assertNotIn(b"given up", data)

    def test_a_transaction_ends_with_the_last_of_its_rows_that_stays(self):
        laptop, phone = self.make("laptop", "phone")
        self.run_on(laptop, "INSERT INTO kv VALUES('a', 1), ('b', 1), ('c', 1)")
        self.run_on(laptop, "INSERT INTO kv VALUES('c', 2)")
        self.assertEqual(self.compact(laptop), 1)
        rows = "SELECT key, value, seq, txn FROM kv_log ORDER BY seq"
        expected = [("a", 1, 1, 2), ("b", 1, 2, 2), ("c", 2, 4, 4)]
        self.assertEqual(self.run_on(laptop, rows), expected)
        self.meet(laptop, phone, rounds=1)
        self.assertEqual(self.run_on(phone, rows), expected)

    def test_compacted_log_with_no_rows_left(self):
        laptop, phone = self.make("laptop", "phone")
        self.run_on(laptop, "INSERT INTO kv VALUES('k', 1), ('l', 1)")
        self.run_on(laptop, "DELETE FROM kv")
        carry(laptop, phone)
        self.run_on(phone, "SELECT kv_sync()")
        for n_dropped, last in ((4, 4), (0, 4), (2, 6)):
            self.assertEqual(self.compact(laptop), n_dropped)
            self.assertEqual(self.run_on(laptop, "SELECT count(*) FROM kv_foreign('%s')" %
                                         os.path.dirname(log_path(laptop.folder, "laptop"))), [(0,)])
            carry(laptop, phone)
            for d in (laptop, phone):
                self.assertEqual(self.run_on(
                    d, "SELECT kv_sync()", "SELECT state, detail, n_rows, last_seq FROM kv_devices "
                    "WHERE device = 'laptop'"), [("ok", None, 0, last)])
            if n_dropped == 0:
                self.run_on(laptop, "INSERT INTO kv VALUES('k', 2)", "DELETE FROM kv")
                carry(laptop, phone)
                self.assertEqual(self.run_on(phone, "SELECT kv_sync()"), [(2,)])
        self.run_on(laptop, "INSERT INTO kv VALUES('k', 3)")
        carry(laptop, phone)
        for d in (laptop, phone):
            self.assertEqual(self.run_on(d, "SELECT kv_sync()", "SELECT key, value, seq FROM kv_log"),
                             [("k", 3, 7)])

    def test_history_since_the_horizon_stays(self):
        laptop, = self.make("laptop")
        times = []
        for i in range(4):
            self.run_on(laptop, "INSERT INTO kv VALUES('k', %d)" % i)
            times.append(self.now)
            self.now += 10 * DAY
        self.assertEqual(self.plan(laptop, times[2]), {
            "superseded": (2, None), "history": (1, None), "recent": (1, None)})
        self.assertEqual(self.compact(laptop, times[2]), 2)
        for i in (2, 3):
            self.assertEqual(self.run_on(laptop, "SELECT value FROM kv(%d)" % times[i]), [(i,)])

    def test_a_row_that_another_device_supersedes_waits_for_all(self):
        laptop, phone, tablet = devices = self.make("laptop", "phone", "tablet")
        for d in devices:
            self.run_on(d, "INSERT INTO kv VALUES('own %s', 1)" % d.name)
        self.run_on(laptop, "INSERT INTO kv VALUES('k', 1)")
        self.meet(*devices)
        self.run_on(phone, "INSERT INTO kv VALUES('k', 2)")
        carry(phone, laptop)
        self.run_on(laptop, "SELECT kv_sync()")
        self.assertEqual(self.plan(laptop)["superseded elsewhere"], (1, "tablet"))
        self.assertEqual(self.compact(laptop), 0)
        self.meet(*devices)
        self.assertEqual(self.compact(laptop), 1)
        self.assertEqual(self.log_of(laptop), [("own laptop", "set", 1)])

    def test_a_deletion_goes_when_all_know_it(self):
        laptop, phone = devices = self.make("laptop", "phone")
        self.run_on(laptop, "INSERT INTO kv VALUES('secret', 1), ('own', 1)")
        self.run_on(phone, "INSERT INTO kv VALUES('p', 1)")
        self.meet(*devices)
        self.run_on(laptop, "DELETE FROM kv WHERE key = 'secret'")
        self.assertEqual(self.plan(laptop)["deletes"], (1, "phone"))
        self.assertEqual(self.compact(laptop), 1)  # the value, but not its deletion
        self.assertEqual(self.plan(laptop)["deletes"], (1, "phone"))
        self.meet(*devices)
        self.assertEqual(self.compact(laptop), 1)
        self.assertEqual(self.log_of(laptop), [("own", "set", 1)])
        for name in laptop.files():
            with open(os.path.join(laptop.folder, "devices", "laptop", name), "rb") as f:
                self.assertNotIn(b"secret", f.read())
        self.meet(*devices)
        self.assertEqual(self.run_on(phone, "SELECT key FROM kv"), [("own",), ("p",)])

    def test_a_deletion_waits_for_the_earlier_value_in_another_log(self):
        laptop, phone = devices = self.make("laptop", "phone")
        self.run_on(phone, "INSERT INTO kv VALUES('k', 1)")
        self.meet(*devices)
        self.run_on(laptop, "DELETE FROM kv")
        self.meet(*devices)
        self.assertEqual(self.plan(laptop)["deletes elsewhere"], (1, "phone"))
        self.assertEqual(self.compact(laptop), 0)
        self.assertEqual(self.compact(phone), 1)
        self.meet(*devices)
        self.assertEqual(self.compact(laptop), 1)
        self.assertEqual(self.run_on(phone, "SELECT count(*) FROM kv"), [(0,)])

    def test_the_plan_names_who_is_silent_and_what_to_do(self):
        laptop, phone = devices = self.make("laptop", "phone")
        self.run_on(phone, "INSERT INTO kv VALUES('p', 1)")
        self.meet(*devices)
        self.run_on(laptop, "INSERT INTO kv VALUES('k', 1)")
        self.run_on(laptop, "DELETE FROM kv WHERE key = 'k'")
        self.now += 208 * DAY
        self.assertIn(("waits for phone, silent for 212 days: SELECT kv_retire('phone')",),
                      self.run_on(laptop, "SELECT detail FROM kv_compaction"))

    def test_tombstone_overtakes_compaction_of_older_row(self):
        """V1: the phone has the old generation of the tablet, with a value below the
        laptop's deletion."""
        laptop, tablet, phone = devices = self.make("laptop", "tablet", "phone")
        for d in devices:
            self.run_on(d, "INSERT INTO kv VALUES('own %s', 1)" % d.name)
        self.run_on(tablet, "INSERT INTO kv VALUES('k', 1)")
        self.meet(*devices)
        self.run_on(laptop, "DELETE FROM kv WHERE key = 'k'")
        self.meet(*devices)
        self.assertEqual(self.compact(tablet), 1)
        carry(tablet, laptop)
        self.run_on(laptop, "SELECT kv_sync()")
        self.assertEqual(self.plan(laptop)["deletes"], (1, "phone"))
        self.assertEqual(self.compact(laptop), 0)
        carry(laptop, phone)
        self.run_on(phone, "SELECT kv_sync()")
        self.assertEqual(self.run_on(phone, "SELECT count(*) FROM kv WHERE key = 'k'"), [(0,)])
        self.meet(*devices)
        self.assertEqual(self.compact(laptop), 1)
        self.meet(*devices)
        for d in devices:
            self.assertEqual(self.run_on(d, "SELECT count(*) FROM kv_log WHERE key = 'k'"), [(0,)])

    def test_acker_knows_a_device_that_the_compactor_does_not(self):
        """V2: the phone had merged a value of the tablet's below the laptop's deletion,
        and the laptop has never heard of the tablet."""
        laptop, phone, tablet = self.make("laptop", "phone", "tablet")
        self.run_on(laptop, "INSERT INTO kv VALUES('own', 1)")
        self.run_on(phone, "INSERT INTO kv VALUES('p', 1)")
        self.meet(laptop, phone)
        self.run_on(tablet, "INSERT INTO kv VALUES('k', 1)")
        carry(tablet, phone)
        self.now += 2 * DAY
        self.run_on(phone, "SELECT kv_sync()")
        self.run_on(laptop, "INSERT INTO kv VALUES('k', 2)", "DELETE FROM kv WHERE key = 'k'")
        self.meet(laptop, phone, rounds=2)
        self.assertEqual(self.plan(laptop)["deletes"], (1, "tablet"))
        self.compact(laptop)
        self.meet(laptop, phone)
        self.assertEqual(self.run_on(phone, "SELECT count(*) FROM kv WHERE key = 'k'"), [(0,)])

    def test_the_horizon_is_not_later_than_what_was_written(self):
        laptop, = self.make("laptop")
        for i in range(3):
            self.run_on(laptop, "INSERT INTO kv VALUES('k', %d)" % i)
        latest = self.now
        self.now += 9999 * DAY
        self.assertEqual(self.compact(laptop), 2)
        self.now = latest + DAY
        self.assertEqual(self.run_on(laptop, "SELECT max(horizon) FROM kv_cursor"), [(latest,)])
        self.assertEqual(self.run_on(laptop, "SELECT value FROM kv(%d)" % latest), [(2,)])

    def prepare_damage(self):
        laptop, phone = self.make("laptop", "phone")
        self.run_on(phone, "INSERT INTO kv VALUES('p', 1)")
        carry(phone, laptop)
        self.run_on(laptop, "INSERT INTO kv VALUES('stays', 'a value'), ('large', hex(zeroblob(9000)))")
        for i in range(4):
            self.run_on(laptop, "INSERT INTO kv VALUES('k', %d)" % i)
        self.run_on(laptop, "SELECT kv_sync()")
        self.assertGreater(self.run_on(laptop, "SELECT count(*) FROM kv_seen WHERE device = 'laptop'"),
                           [(0,)])
        return laptop

    def test_nothing_is_compacted_if_the_cache_is_not_what_the_log_is(self):
        for damage in ("UPDATE kv_cache SET value = 'a walue' WHERE key = 'stays'",
                       "UPDATE kv_cache SET ts = ts + 1000000000 WHERE value = 2",
                       "UPDATE kv_cache SET key = 'l' WHERE value = 0",
                       "UPDATE kv_cache SET parent_ts = 1 WHERE key = 'stays'",
                       "UPDATE kv_cache SET op = 0 WHERE key = 'stays'",
                       "UPDATE kv_cache SET large = NULL WHERE key = 'large'",
                       "DELETE FROM kv_cache WHERE key = 'stays'",
                       "DELETE FROM kv_cache WHERE value = 1",
                       "INSERT INTO kv_cache SELECT part, 'new', ts, device, seq, txn, "
                       "parent_ts, op, arrived, large, value FROM kv_cache WHERE key = 'stays'",
                       "UPDATE kv_seen SET peer_seq = peer_seq - 1 WHERE device = 'laptop'",
                       "DELETE FROM kv_seen WHERE device = 'laptop'",
                       "UPDATE kv_cache SET key = 'q' WHERE key = 'p'",
                       "UPDATE kv_cache SET ts = ts + 1 WHERE key = 'p'",
                       "UPDATE kv_cache SET value = 2 WHERE key = 'p'",
                       "DELETE FROM kv_cache WHERE key = 'p'",
                       "UPDATE kv_cache SET device = 'tablet' WHERE key = 'p'",
                       "INSERT INTO kv_cache SELECT part, 'new', ts, device, seq, txn, "
                       "parent_ts, op, arrived, large, value FROM kv_cache WHERE key = 'p'"):
            with self.subTest(damage):
                laptop = self.prepare_damage()
                con = sqlite3.connect(laptop.host)
                con.execute(damage)
                con.commit()
                con.close()
                path = os.path.join(laptop.folder, "devices", "laptop", "log.db")
                with open(path, "rb") as f:
                    before = f.read()
                con = laptop.at(self.now)
                self.fails("SELECT kv_compact(%d)" % self.now, "does not hold the rows", "new cache", con=con)
                with open(path, "rb") as f:
                    self.assertEqual(f.read(), before)
                self.assertEqual(laptop.files(), ["log.db"])

    def test_a_large_value_comes_from_the_log(self):
        laptop = self.prepare_damage()
        con = sqlite3.connect(laptop.host)
        con.execute("UPDATE kv_large SET value = 'changed'")
        con.commit()
        con.close()
        self.assertEqual(self.compact(laptop), 3)
        newcomer = self.connect()
        open_store(newcomer, laptop.folder, None)
        self.assertEqual(newcomer.execute("SELECT value = hex(zeroblob(9000)) FROM kv WHERE "
                                          "key = 'large'").fetchall(), [(1,)])

    def test_a_damaged_log_is_not_compacted(self):
        for rows in 100, 30000:  # of a small log all rows are read at each lock
            with self.subTest(rows):
                laptop, = self.make("laptop")
                self.run_on(laptop, "INSERT INTO kv VALUES('stays', 'a value')")
                for value in 1, 2:
                    self.run_on(laptop, "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                                "LIMIT %d) INSERT INTO kv SELECT i, %d FROM n" % (rows, value))
                name = sorted(laptop.files())[0]
                with open(os.path.join(laptop.folder, "devices", "laptop", name), "r+b") as f:
                    data = f.read()
                    f.seek(data.index(b"a value"))
                    f.write(b"A")
                self.now += DAY
                con = laptop.at(self.now)
                if rows > 2000:
                    self.fails("SELECT kv_compact(%d)" % self.now, "is damaged at row 1",
                               "checksum", "kv_sync()", con=con)
                    self.assertNotIn("log.db.aside-1", laptop.files())
                    con.execute("SELECT kv_sync()")
                self.assertEqual(con.execute("SELECT kv_compact(%d)" % self.now).fetchall(),
                                 [(rows,)])
                self.assertIn("log.db.aside-1", laptop.files())
                newcomer = self.connect()
                open_store(newcomer, laptop.folder, None)
                self.assertEqual(newcomer.execute("SELECT value, count(*) FROM kv GROUP BY 1")
                                 .fetchall(), [(2, rows), ("a value", 1)])

    def test_who_it_refuses(self):
        laptop, = self.make("laptop")
        con = laptop.at(self.now)
        con.execute("INSERT INTO kv VALUES('k', 1)")
        con.execute("BEGIN")
        self.fails("SELECT kv_compact()", "COMMIT first", con=con)
        con.execute("ROLLBACK")
        for reads in "kv", "kv_log", "kv_compaction":
            self.fails("SELECT kv_compact() FROM %s" % reads, "still reads", con=con)
        scan = con.execute("SELECT key FROM kv UNION ALL SELECT 1")
        scan.fetchone()
        self.fails("SELECT kv_compact()", "end it", con=con)
        scan.fetchall()
        self.assertEqual(con.execute("SELECT kv_compact()").fetchall(), [(0,)])
        self.fails("SELECT kv_compact('soon')", "soon", con=con)
        self.fails("SELECT kv_compact(NULL, 'none')", "none", con=con)
        eyes = open_store(self.connect(), laptop.folder, None)
        self.fails("SELECT kv_compact()", "observer", con=eyes)
        memory = self.connect()
        memory.execute("SELECT kv_open(':memory:')")
        self.fails("SELECT kv_compact()", "in memory", con=memory)

    def play(self, r):
        """One schedule, with compaction and without; after each step both show the same."""
        self.fresh()
        names = ["laptop", "phone", "tablet", "zoo"][:r.choice([2, 3, 3, 4])]
        worlds = [{n: Device(self, n, "%d" % i) for n in names} for i in range(2)]
        now, n_dropped = NOW, 0

        def both(name, *statements):
            return [w[name].run(now, *statements) for w in worlds]

        for name in names:
            both(name, "INSERT INTO kv VALUES('own %s', 1)" % name)
        for step in range(STEPS):
            now += r.choice([SECOND, HOUR, DAY, 2 * DAY])
            name, what = r.choice(names), r.random()
            key = r.choice("abc")
            if what < 0.2:
                both(name, "INSERT INTO kv VALUES('%s', %d)" % (key, step))
            elif what < 0.32:
                both(name, "DELETE FROM kv WHERE key = '%s'" % key)
            elif what < 0.5:
                before = now - r.choice([0, 0, DAY, 20 * DAY])
                n_dropped += worlds[0][name].run(now, "SELECT kv_compact(%d)" % before)[0][0]
            elif what < 0.6:
                for other in names:
                    for w in worlds:
                        for n in names:
                            if n != other:
                                carry(w[other], w[n])
                for n in names:
                    both(n, "SELECT kv_sync()")
            else:
                other = r.choice(names)
                for w in worlds:
                    if other != name:
                        carry(w[other], w[name])
                both(name, "SELECT kv_sync()")
            shown = both(name, "SELECT key, value FROM kv")
            self.assertEqual(*shown, (step, name))
            (horizon,), = worlds[0][name].run(now, "SELECT max(horizon) FROM kv_cursor")
            past = max(horizon, now - r.choice([0, DAY, 9 * DAY, 90 * DAY]))
            self.assertEqual(*both(name, "SELECT key, value FROM kv(%d)" % past))
            self.assertEqual(both(name, "SELECT count(*) FROM kv_devices WHERE state <> 'ok'")[0],
                             [(0,)])
        return n_dropped

    def test_nobody_sees_a_difference(self):
        n_dropped = 0
        for seed in range(RUNS):
            with self.subTest(seed=seed):
                n_dropped += self.play(random.Random(seed))
        self.assertGreater(n_dropped, 5 * RUNS)


if __name__ == "__main__":
    unittest.main()
