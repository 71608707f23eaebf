"""Acknowledgements: how far each device says that it has read the others, although it
only reads; when it says so, and when not.
"""

import os
import unittest

from support import NOW, SECOND, Case, edit, log_path, put, read, set_clock, sync

DAY = 86400 * SECOND
SEEN = 2


class Acknowledge(Case):
    def at(self, name, now, db=":memory:", folder="notes.kv"):
        return self.device(name, folder, db, "main" if db != ":memory:" else "temp",
                           options="now=%d" % now)

    def said(self, name):
        """[(peer, how far, when)] of all acknowledgements in a log."""
        return [(r.bucket, r.value, r.ts) for r in self.log(name).rows if r.op == SEEN]

    def write(self, name, now, **values):
        con = self.at(name, now)
        for key, value in values.items():
            con.execute("INSERT INTO kv VALUES(?, ?)", (key, value))
        con.close()

    def test_a_device_that_only_reads_says_how_far(self):
        self.write("laptop", NOW, a=1, b=2)
        self.at("phone", NOW + 5)
        self.assertEqual(self.said("phone"), [("laptop", 2, NOW + 5)])
        laptop = self.at("laptop", NOW + 9)
        self.assertEqual(laptop.execute(
            "SELECT acked_seq, acked_time, last_time FROM kv_devices "
            "WHERE device = 'phone'").fetchall(),
            [(2, "2026-09-21 14:13:20.000", "2026-09-21 14:13:20.000")])

    def test_at_most_once_a_day_by_its_own_clock(self):
        self.write("laptop", NOW, a=1)
        self.at("phone", NOW)
        self.write("laptop", NOW + SECOND, b=2)
        first = self.said("phone")
        for later in (2 * SECOND, DAY - SECOND, DAY, 2 - DAY):
            self.at("phone", NOW + later)
            self.assertEqual(self.said("phone"), first)
        self.at("phone", NOW + DAY + 2)
        self.assertEqual(self.said("phone")[1:], [("laptop", 3, NOW + DAY + 2)])

    def test_a_clock_that_was_set_back_by_more_than_a_day_does_not_wait(self):
        self.write("laptop", NOW, a=1)
        self.at("phone", NOW)
        self.write("laptop", NOW + SECOND, b=2)
        self.at("phone", NOW - 3 * DAY)
        self.assertEqual([s[:2] for s in self.said("phone")], [("laptop", 1), ("laptop", 3)])

    def test_devices_that_sync_in_turns_come_to_rest(self):
        names = "laptop", "phone", "tablet"
        for i, name in enumerate(names):
            self.write(name, NOW + i, **{name: i})
        for day in range(2, 6):
            for name in names:
                self.at(name, NOW + day * DAY)
        before = [read(log_path(self.path("notes.kv"), name)) for name in names]
        for day in range(6, 12):
            for name in names:
                self.at(name, NOW + day * DAY)
        self.assertEqual(
            [read(log_path(self.path("notes.kv"), name)) for name in names], before)

    def test_caches_of_a_device_that_have_read_others_further_by_turns_come_to_rest(self):
        early = {}
        for name in "phone", "tablet":
            self.write(name, NOW, **{name: 1})
            early[name] = read(log_path(self.path("notes.kv"), name))
            self.write(name, NOW + 1, **{name: 2})
        late = {n: read(log_path(self.path("notes.kv"), n)) for n in early}

        def sync_with(db, day, phone, tablet):
            for name, data in ("phone", phone), ("tablet", tablet):
                put(log_path(self.path("notes.kv"), name), data)
            set_clock(self.path(db), NOW + day * DAY)
            con = self.device("laptop", db=db, schema="main", options="now=%d" % (NOW + day * DAY))
            sync(con)
            con.close()

        sync_with("a.db", 2, late["phone"], early["tablet"])
        sync_with("b.db", 4, early["phone"], late["tablet"])
        for day in range(6, 20, 2):
            sync_with("ab"[day // 2 % 2] + ".db", day, early["phone"], early["tablet"])
        self.assertEqual([s[:2] for s in self.said("laptop")],
                         [("phone", 2), ("tablet", 2), ("tablet", 3)])

    def test_acknowledgements_alone_are_not_acknowledged_but_the_next_change_is(self):
        self.write("laptop", NOW, a=1)
        self.at("phone", NOW)
        self.at("laptop", NOW)  # a log of which nothing was said
        self.write("tablet", NOW, t=1)
        self.at("phone", NOW + 2 * DAY)
        said = self.said("laptop")
        self.at("laptop", NOW + 2 * DAY)  # for tablet; and phone, which has come further
        self.assertEqual({s[0] for s in self.said("laptop")[len(said):]}, {"phone", "tablet"})
        said = self.said("tablet")
        self.at("tablet", NOW + 4 * DAY)
        self.assertEqual(self.said("tablet"), said)
        self.write("phone", NOW + 4 * DAY, p=1)
        self.at("tablet", NOW + 5 * DAY)
        self.assertIn("phone", {s[0] for s in self.said("tablet")[len(said):]})

    def test_an_empty_log_is_not_acknowledged(self):
        self.at("laptop", NOW)
        self.at("phone", NOW)
        self.assertEqual(self.said("phone"), [])

    def test_a_change_of_a_clock_ahead_is_acknowledged_again_when_this_clock_is_past_it(self):
        self.write("laptop", NOW + 9 * DAY, a=1)
        self.at("phone", NOW)
        for day in range(1, 9):
            self.at("phone", NOW + day * DAY + SECOND)
        self.assertEqual(self.said("phone"), [("laptop", 1, NOW)])
        for day in range(10, 14):
            self.at("phone", NOW + day * DAY)
        self.assertEqual(self.said("phone")[1:], [("laptop", 1, NOW + 10 * DAY)])

    def test_another_machine_says_nothing_until_it_adopts_the_log_and_then_behind_its_rows(self):
        self.write("phone", NOW, p=1)
        self.write("laptop", NOW, a=1)
        self.at("phone", NOW)
        path = log_path(self.path("notes.kv"), "phone")
        edit(path, "UPDATE device SET host = 'another machine'")
        before, data = self.log("phone"), read(path)
        self.write("laptop", NOW + SECOND, b=2)
        later = NOW + 2 * DAY
        phone = self.at("phone", later)
        self.assertEqual(sync(phone), 0)
        self.assertEqual(self.state(phone, "phone"), "twin")
        self.assertEqual(read(path), data)
        self.device("phone", options="adopt=1, now=%d" % later)
        after = self.log("phone")
        self.assertEqual((after.id, after.rows[:len(before.rows)]), (before.id, before.rows))
        self.assertEqual([(r.op, r.bucket, r.value, r.ts) for r in after.rows[len(before.rows):]],
                         [(SEEN, "laptop", 4, later)])

    def test_not_inside_a_transaction_and_not_by_an_observer(self):
        phone = self.at("phone", NOW)
        self.write("laptop", NOW, a=1)
        phone.execute("BEGIN")
        self.assertEqual(sync(phone), 1)
        phone.execute("COMMIT")
        self.assertEqual(self.said("phone"), [])
        sync(self.device(None))
        self.assertEqual(sorted(os.listdir(self.path("notes.kv", "devices"))),
                         ["laptop", "phone"])
        sync(phone)
        self.assertEqual(self.said("phone"), [])  # an hour later, or with the next rows
        self.write("laptop", NOW, b=1)
        sync(phone)
        self.assertEqual([s[:2] for s in self.said("phone")], [("laptop", 2)])


if __name__ == "__main__":
    unittest.main()
