"""Time orders the writes: the later one wins, and a clock that is far ahead
neither stays ahead nor affects other devices.
"""

import unittest

import oracle
from support import NOW, SECOND, Case, deliver, kv, plain, sync

MINUTE = 60 * SECOND
YEARS = 10 * 365 * 24 * 3600 * SECOND
ACK = 1  # a device that opens the store acknowledges what it merges; its writes come after that


class Clock(Case):
    def at(self, name, now, folder="notes.kv"):
        return self.device(name, folder, options="now=%d" % now)

    def put(self, name, now, **pairs):
        """One transaction by a device whose wall clock shows now."""
        db = self.at(name, now)
        db.execute("BEGIN")
        for k, v in pairs.items():
            db.execute("INSERT INTO kv VALUES(?, ?)", (k, v))
        db.execute("COMMIT")
        return [r.ts for r in self.log(name).rows][-len(pairs):]

    def ts(self, db, key):
        return db.execute("SELECT ts FROM kv WHERE key = ?", (key,)).fetchone()[0]

    def reader(self):
        db = self.device(None, options="now=%d" % NOW)
        self.check(db)
        return db

    def test_the_later_write_wins_not_the_larger_value(self):
        self.put("laptop", NOW, k="zzz")
        self.put("phone", NOW + SECOND, k="aaa")
        self.assertEqual(kv(self.reader()), plain({"k": "aaa"}))

    def test_the_later_write_wins_whatever_the_order_of_arrival(self):
        early = self.device("zulu", "z.kv", options="now=%d" % NOW)
        early.execute("INSERT INTO kv VALUES('k', 'early')")
        late = self.device("alpha", "a.kv", options="now=%d" % (NOW + 1))
        late.execute("INSERT INTO kv VALUES('k', 'late')")
        order = [("zulu", "z.kv"), ("alpha", "a.kv")]
        for order in (order, order[::-1]):
            to = self.path("first-" + order[0][1])
            reader = self.device("reader", to)
            for device, folder in order:
                deliver(self.path(folder), to, device)
                sync(reader)
            self.assertEqual(kv(reader), plain({"k": "late"}))

    def test_device_names_decide_between_equal_times(self):
        """Both wrote at the same microsecond without having seen the other."""
        for value, name in (("1", "beta"), ("2", "Beta"), ("9", "alpha")):
            db = self.device(name, name + ".kv", options="now=%d" % NOW)
            db.execute("INSERT INTO kv VALUES('k', ?)", (value,))
        names = ["beta", "Beta", "alpha"]
        for reader in names + ["zulu"]:
            for order in (names, names[::-1]):
                folder = "%s-%s.kv" % (reader, order[0])
                for name in order:
                    deliver(self.path(name + ".kv"), self.path(folder), name)
                con = self.device(None, folder)
                self.assertEqual(kv(con), plain({"k": "1"}))  # 'beta' is greatest
                self.assertEqual(
                    con.execute("SELECT count(DISTINCT ts) FROM kv_log").fetchone(), (1,))

    def test_each_transaction_of_a_device_is_later_than_the_one_before(self):
        times = [self.put("laptop", NOW, **{k: 1})[0] for k in "abc"]
        self.assertEqual([t - NOW for t in times], [0, 1, 2])
        self.assertEqual(self.put("phone", NOW + 2, d=1), [NOW + 3 + ACK])

    def test_a_write_comes_after_what_its_device_had_seen(self):
        self.put("laptop", NOW + 3 * MINUTE, k="from the fast clock")
        ts, = self.put("phone", NOW, k="overwritten")
        self.assertEqual(ts, NOW + 3 * MINUTE + 1 + ACK)
        self.assertEqual(kv(self.reader()), plain({"k": "overwritten"}))

    def test_a_clock_within_five_minutes_carries_all_keys_with_it(self):
        self.put("laptop", NOW + 3 * MINUTE, k=1)
        self.assertEqual(self.put("phone", NOW, other=1), [NOW + 3 * MINUTE + 1 + ACK])

    def test_five_minutes_are_exact_to_the_microsecond(self):
        limit = NOW + 5 * MINUTE
        for ahead, expected in ((limit, limit + 1), (limit + 1, NOW + ACK)):
            folder = "%d.kv" % ahead
            self.at("laptop", ahead, folder).execute("INSERT INTO kv VALUES('k', 1)")
            self.at("phone", NOW, folder).execute("INSERT INTO kv VALUES('o', 1)")
            self.assertEqual(self.log("phone", folder).rows[-1].ts, expected)

    def test_a_clock_years_ahead_affects_only_the_keys_that_it_wrote(self):
        self.put("mad", NOW + YEARS, a="mad", b="mad")
        ts = self.put("phone", NOW, a="phone", c="phone")
        self.assertEqual(ts, [NOW + YEARS + 1, NOW + ACK])
        self.assertEqual(kv(self.reader()), plain({"a": "phone", "b": "mad", "c": "phone"}))
        ts = self.put("laptop", NOW + SECOND, a="laptop", c="laptop", d="laptop")
        self.assertEqual(ts, [NOW + YEARS + 2, NOW + SECOND + ACK, NOW + SECOND + ACK])
        self.assertEqual(kv(self.reader()), plain(
            {"a": "laptop", "b": "mad", "c": "laptop", "d": "laptop"}))

    def test_a_key_of_a_clock_ahead_written_twice_has_one_time(self):
        self.put("mad", NOW + YEARS, a="mad")
        phone = self.at("phone", NOW)
        phone.execute("BEGIN")
        for value in (1, 2, 3):
            phone.execute("INSERT INTO kv VALUES('a', ?)", (value,))
            self.assertEqual(self.ts(phone, "a"), NOW + YEARS + 1)
        phone.execute("COMMIT")
        r = self.log("phone").rows[-1]
        self.assertEqual((r.ts, r.parent_ts, r.value), (NOW + YEARS + 1, NOW + YEARS, 3))
        self.check(phone)

    def test_a_delete_wins_over_a_clock_years_ahead(self):
        self.put("mad", NOW + YEARS, a="mad")
        phone = self.at("phone", NOW)
        phone.execute("DELETE FROM kv WHERE key = 'a'")
        self.assertEqual(kv(self.reader()), {})
        phone.execute("INSERT INTO kv VALUES('a', 'again')")
        self.assertEqual(kv(self.reader()), plain({"a": "again"}))
        self.assertEqual([r.ts - NOW - YEARS for r in self.log("phone").rows if r.op != 2], [1, 2])

    def test_a_device_recovers_when_its_clock_is_corrected(self):
        self.put("mad", NOW + YEARS, a="mad")
        self.assertEqual(self.put("mad", NOW, b="right"), [NOW])
        self.assertEqual(self.put("mad", NOW, a="right"), [NOW + YEARS + 1])
        self.assertEqual(self.put("mad", NOW + SECOND, c="right"), [NOW + SECOND])
        self.assertEqual(kv(self.reader()), plain({"a": "right", "b": "right", "c": "right"}))

    def test_a_clock_set_back_never_sets_own_times_back(self):
        last = self.put("laptop", NOW, k=0)[0]
        for i, back in enumerate((1, SECOND, MINUTE, 4 * MINUTE, 5 * MINUTE - 3)):
            ts, = self.put("laptop", NOW - back, k=i)
            self.assertEqual(ts, last + 1)
            last = ts
        ts, = self.put("laptop", NOW - 4 * MINUTE, other=1)
        self.assertEqual(ts, last + 1)
        self.assertEqual(kv(self.reader()), plain({"k": 4, "other": 1}))

    def test_a_clock_set_back_within_an_open_store_of_another_process(self):
        db = self.at("laptop", NOW)
        db.execute("INSERT INTO kv VALUES('k', 1)")
        later = self.at("laptop", NOW + SECOND)
        later.execute("INSERT INTO kv VALUES('k', 2)")
        sync(db)
        db.execute("INSERT INTO kv VALUES('k', 3)")
        self.assertEqual([r.ts - NOW for r in self.log("laptop").rows],
                         [0, SECOND, SECOND + 1])
        self.check(db)

    def test_the_time_is_taken_at_the_first_write(self):
        ahead = NOW + 3600 * SECOND  # too far for the clock to follow
        self.put("laptop", ahead, k=1)
        phone = self.at("phone", NOW)
        phone.execute("BEGIN")
        phone.execute("INSERT INTO kv VALUES('a', 1)")
        phone.execute("INSERT INTO kv VALUES('b', 1)")
        phone.execute("INSERT INTO kv VALUES('k', 2)")
        phone.execute("COMMIT")
        rows = {r.key: r.ts for r in self.log("phone").rows if r.op == oracle.SET}
        self.assertEqual(rows, {"a": NOW + ACK, "b": NOW + ACK, "k": ahead + 1})
        self.assertEqual(kv(self.reader()), plain({"a": 1, "b": 1, "k": 2}))

    def test_a_write_past_the_last_valid_time_names_key_and_device(self):
        last = oracle.TS_MAX
        self.put("mad", last, k=1)
        phone = self.at("phone", NOW)
        phone.execute("INSERT INTO kv VALUES('other', 1)")
        self.fails("INSERT INTO kv VALUES('k', 2)", "k", "mad", con=phone)
        phone.execute("INSERT INTO kv VALUES('more', 1)")
        self.assertEqual(kv(self.reader()), plain({"k": 1, "other": 1, "more": 1}))

    def test_times_look_like_sqlites_and_as_of_reads_them(self):
        self.put("laptop", NOW, k="old", gone=1)
        db = self.at("laptop", NOW + SECOND)
        db.execute("INSERT INTO kv VALUES('k', 'new')")
        db.execute("DELETE FROM kv WHERE key = 'gone'")
        time, ts = db.execute("SELECT time, ts FROM kv WHERE key = 'k'").fetchone()
        self.assertEqual(ts, NOW + SECOND)
        self.assertEqual(
            db.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', ? / 1e6, 'unixepoch')",
                       (ts,)).fetchone(), (time,))
        for as_of in (NOW, db.execute("SELECT time FROM kv_log ORDER BY ts").fetchone()[0]):
            self.assertEqual(
                dict(db.execute("SELECT key, value FROM kv(?)", (as_of,))),
                {"k": "old", "gone": 1})
        self.assertEqual(db.execute("SELECT count(*) FROM kv(?)", (NOW - 1000,)).fetchone(), (0,))
        now = self.at("laptop", NOW + 2 * SECOND)
        self.assertEqual(dict(now.execute("SELECT key, value FROM kv WHERE as_of = 'now'")),
                         {"k": "new"})
        self.fails("SELECT * FROM kv(?)", "seconds", con=db, args=(NOW // 10**6,))


if __name__ == "__main__":
    unittest.main()
