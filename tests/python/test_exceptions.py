"""What can still be wrong with logs that are compacted, retired or rolled back: each
exception of examples/guide/ten_years.md (tests/lifecycle/RULES.md, 9), as it is.
"""

import copy
import os
import shutil
import sqlite3
import unittest

from support import NOW, SECOND, Case, log_path, sync
from test_compaction import DAY, Device, carry

MINUTE = 60 * SECOND


class Exceptions(Case):
    def setUp(self):
        super().setUp()
        self.now = NOW

    def device(self, name):
        """A device with a folder of its own."""
        return Device(self, name, "w")

    def second(self, device, host):
        """Another cache of a device."""
        other = copy.copy(device)
        other.host = self.path("w", device.name, host)
        return other

    def on(self, device, *statements, by=0):
        """Run statements as the device, whose clock is off by so much."""
        self.now += SECOND
        return device.run(self.now + by, *statements)

    def set(self, device, key, value, **more):
        self.on(device, "INSERT INTO kv VALUES('%s', %d)" % (key, value), **more)

    def meet(self, *devices, rounds=2):
        for _ in range(rounds):
            for a in devices:
                for b in devices:
                    if a is not b:
                        carry(a, b)
            self.now += 2 * DAY
            for d in devices:
                self.on(d, "SELECT kv_sync()")

    def compact(self, device):
        return self.on(device, "SELECT kv_compact('now')")[0][0]

    def value(self, device, key):
        rows = self.on(device, "SELECT kv_sync()", "SELECT value FROM kv WHERE key = '%s'" % key)
        return rows[0][0] if rows else None

    def state(self, device, peer):
        return self.on(device, "SELECT kv_sync()", "SELECT state, detail FROM kv_devices "
                       "WHERE device = '%s'" % peer)[0]

    def delete_for_good(self, laptop, *others):
        """laptop wrote and deleted k, all know it, and it compacts: nothing is left."""
        for d in others:
            self.set(d, d.name, 1)
        self.set(laptop, "k", 1)
        self.on(laptop, "DELETE FROM kv WHERE key = 'k'")
        self.meet(laptop, *others)
        self.assertEqual(self.compact(laptop), 2)

    def folder(self, device, peer):
        return os.path.join(device.folder, "devices", peer.name)

    def roll_back(self, device, before):
        shutil.rmtree(self.folder(device, device))
        shutil.copytree(before, self.folder(device, device))

    def wait(self, device, sql):
        """The device writes while its folder is away."""
        self.set(device, "a", 1)
        os.rename(device.folder, device.folder + ".away")
        con = self.connect(device.host)
        con.execute(sql)
        con.close()
        os.rename(device.folder + ".away", device.folder)

    def test_E1_a_value_of_a_device_that_nobody_knew_is_back(self):
        laptop, phone, pad = map(self.device, ("laptop", "phone", "pad"))
        self.set(pad, "k", 7)  # nobody has seen the pad yet
        self.delete_for_good(laptop, phone)
        carry(laptop, phone)
        for d in laptop, phone:
            carry(pad, d)
            self.assertEqual(self.value(d, "k"), 7)

    def test_E2_a_reader_that_says_nothing_may_show_a_deleted_value_until_all_has_arrived(self):
        laptop, phone = map(self.device, ("laptop", "phone"))
        reader = self.path("reader.kv")
        self.set(phone, "k", 1)
        self.set(laptop, "l", 1)
        self.meet(laptop, phone)
        for d in laptop, phone:  # what the reader has
            shutil.copytree(self.folder(d, d), os.path.join(reader, "devices", d.name))
        self.on(laptop, "DELETE FROM kv WHERE key = 'k'")
        self.meet(laptop, phone)
        self.assertEqual(self.compact(phone), 1)
        self.meet(laptop, phone)
        self.assertEqual(self.compact(laptop), 1)
        con = self.connect()
        con.execute("SELECT kv_open(?)", (reader,))
        shown = []
        for d in None, laptop, phone:  # one directory after the other arrives
            if d:
                shutil.rmtree(os.path.join(reader, "devices", d.name))
                shutil.copytree(self.folder(d, d), os.path.join(reader, "devices", d.name))
            sync(con)
            shown.append(con.execute("SELECT count(*) FROM kv WHERE key = 'k'").fetchone()[0])
        self.assertEqual(shown, [1, 1, 0])

    def test_E4_rows_of_a_directory_that_was_rolled_back_are_lost_where_no_cache_has_them(self):
        laptop, phone = map(self.device, ("laptop", "phone"))
        self.set(phone, "a", 1)
        before = self.path("before")
        shutil.copytree(self.folder(phone, phone), before)
        self.set(phone, "b", 1)
        carry(phone, laptop)
        self.assertEqual(self.value(laptop, "b"), 1)
        self.roll_back(phone, before)
        os.remove(phone.host)
        self.assertEqual(self.value(phone, "b"), None)
        carry(phone, laptop)
        self.assertEqual(self.state(laptop, "phone")[0], "behind")
        self.assertEqual(self.value(laptop, "b"), 1)  # until the phone writes
        self.set(phone, "c", 1)
        carry(phone, laptop)
        self.assertEqual(self.state(laptop, "phone")[0], "rewritten")
        self.assertEqual(self.value(laptop, "b"), None)

    def test_E4_also_if_it_was_retired_and_is_back(self):
        laptop, phone = map(self.device, ("laptop", "phone"))
        self.set(phone, "a", 1)
        carry(phone, laptop)
        self.on(laptop, "SELECT kv_retire('phone')")
        before = self.path("before")
        shutil.copytree(self.folder(phone, phone), before)
        self.set(phone, "b", 1)  # it is back
        carry(phone, laptop)
        self.assertEqual(self.state(laptop, "phone")[0], "ok")
        self.roll_back(phone, before)
        os.remove(phone.host)
        self.set(phone, "c", 1)
        carry(phone, laptop)
        self.assertEqual(self.state(laptop, "phone")[0], "rewritten")
        self.assertEqual([self.value(laptop, k) for k in "abc"], [1, None, 1])

    def test_E4_but_not_where_another_log_says_that_they_were_read(self):
        laptop, phone = map(self.device, ("laptop", "phone"))
        self.set(phone, "a", 1)
        before = self.path("before")
        shutil.copytree(self.folder(phone, phone), before)
        self.set(phone, "b", 1)
        carry(phone, laptop)
        self.assertEqual(self.value(laptop, "b"), 1)
        self.set(laptop, "l", 1)  # says how far it had read
        self.roll_back(phone, before)
        os.remove(phone.host)
        carry(laptop, phone)
        state, detail = self.state(phone, "phone")
        self.assertEqual(state, "twin")
        self.assertIn("was rolled back: device laptop has read row 2", detail)

    def test_E5_a_newcomer_whose_clock_is_behind_writes_before_the_horizon(self):
        laptop, phone = map(self.device, ("laptop", "phone"))
        self.delete_for_good(laptop, phone)
        horizon = self.now
        pad = self.device("pad")
        carry(laptop, pad)
        self.on(pad, "SELECT kv_sync()")
        late = -(self.now - NOW) - 10 * MINUTE  # its clock is behind all that was written
        self.set(pad, "k", 9, by=late)
        carry(pad, laptop)
        self.assertEqual(self.value(laptop, "k"), 9)
        ts = self.on(laptop, "SELECT ts FROM kv_log WHERE key = 'k'")[0][0]
        self.assertLess(ts, horizon)
        with self.assertRaisesRegex(sqlite3.OperationalError, "history before .* is not whole"):
            self.on(laptop, "SELECT * FROM kv(%d)" % ts)

    def test_E7_last_rows_that_only_a_reader_has_stay_with_it(self):
        laptop, phone = map(self.device, ("laptop", "phone"))
        self.set(phone, "a", 1)
        carry(phone, laptop)
        self.on(laptop, "SELECT kv_sync()")
        self.set(phone, "b", 1)
        reader = self.path("reader.kv")
        shutil.copytree(phone.folder, reader)
        con = self.connect()
        con.execute("SELECT kv_open(?)", (reader,))
        self.on(laptop, "SELECT kv_retire('phone')")
        self.assertIn("may be deleted", self.state(laptop, "phone")[1])
        shutil.rmtree(os.path.join(reader, "devices", "phone"))
        shutil.rmtree(self.folder(laptop, phone))
        shutil.copytree(self.folder(laptop, laptop), os.path.join(reader, "devices", "laptop"))
        sync(con)
        self.assertEqual(con.execute("SELECT key FROM kv ORDER BY key").fetchall(), [("a",), ("b",)])
        self.assertEqual([self.value(laptop, k) for k in "ab"], [1, None])

    def test_E8_a_sealed_file_that_nobody_has_makes_the_log_wait(self):
        laptop, phone = map(self.device, ("laptop", "phone"))
        con = self.connect()
        con.execute("SELECT kv_open(?, 'phone', 'segment=1')", (phone.folder,))
        for i in range(3):
            con.execute("INSERT INTO kv VALUES('a', ?)", (i,))
        con.close()
        sealed = [f for f in os.listdir(self.folder(phone, phone)) if f.startswith("log-")]
        os.remove(os.path.join(self.folder(phone, phone), sorted(sealed)[0]))
        carry(phone, laptop)
        self.assertEqual(self.state(laptop, "phone")[0], "waiting")
        state, detail = self.state(phone, "phone")
        self.assertEqual(state, "waiting")
        self.assertIn("adopt=1", detail)

    def test_E9_of_two_caches_the_one_that_knows_less_goes_on_and_compacts(self):
        laptop = self.device("laptop")
        other = self.second(laptop, "other.db")
        self.set(laptop, "k", 1)
        self.on(other, "SELECT kv_sync()")
        before = self.path("before")
        shutil.copytree(self.folder(laptop, laptop), before)
        self.set(laptop, "mine", 1)
        self.roll_back(laptop, before)
        self.set(other, "k", 2)
        self.set(other, "k", 3)
        self.assertEqual(self.compact(other), 2)
        self.assertEqual(self.value(laptop, "mine"), None)
        self.assertEqual(self.value(laptop, "k"), 3)

    def test_E9_or_it_is_a_twin_if_it_did_not_compact(self):
        laptop = self.device("laptop")
        other = self.second(laptop, "other.db")
        self.set(laptop, "k", 1)
        self.on(other, "SELECT kv_sync()")
        before = self.path("before")
        shutil.copytree(self.folder(laptop, laptop), before)
        self.set(laptop, "mine", 1)
        self.on(laptop, "SELECT kv_sync()")  # the cache knows that it is in the log
        self.roll_back(laptop, before)
        self.set(other, "k", 2)
        self.assertEqual(self.state(laptop, "laptop")[0], "twin")
        self.assertEqual(self.value(laptop, "mine"), 1)

    def test_E13_what_a_machine_wrote_under_a_retired_name_is_read_by_nobody(self):
        laptop, phone = map(self.device, ("laptop", "phone"))
        self.set(phone, "a", 1)
        carry(phone, laptop)
        self.on(laptop, "SELECT kv_retire('phone')")
        shutil.rmtree(phone.folder)  # a new machine that has seen nothing
        os.remove(phone.host)
        os.makedirs(phone.folder)
        self.set(phone, "new", 1)
        carry(phone, laptop)
        self.assertEqual(self.state(laptop, "phone")[0], "stranger")
        self.assertEqual([self.value(laptop, k) for k in ("a", "new")], [1, None])
        carry(laptop, phone)
        with self.assertRaisesRegex(sqlite3.OperationalError, "phone is retired"):
            self.on(phone, "SELECT kv_sync()")
        self.assertTrue(os.path.exists(log_path(phone.folder, "phone")))

    def test_E14_a_row_that_waited_in_a_backup_and_was_compacted_away_is_published_again(self):
        laptop, phone = map(self.device, ("laptop", "phone"))
        self.wait(laptop, "INSERT INTO kv VALUES('k', 1), ('l', 1)")
        shutil.copy(laptop.host, self.path("backup.db"))
        self.on(laptop, "SELECT kv_sync()")
        self.on(laptop, "DELETE FROM kv WHERE key = 'k'")
        self.meet(laptop, phone)
        self.assertEqual(self.compact(laptop), 2)
        shutil.copy(self.path("backup.db"), laptop.host)
        self.meet(laptop, phone)
        for d in laptop, phone:
            self.assertEqual([self.value(d, k) for k in "kl"], [1, 1])
            keys = self.on(d, "SELECT key FROM kv_log ORDER BY key")
            self.assertEqual(keys, [("a",), ("k",), ("l",)])  # l is in the log once

    def test_E14_also_if_another_cache_published_before_it(self):
        laptop = self.device("laptop")
        self.wait(laptop, "INSERT INTO kv VALUES('k', 1)")
        shutil.copy(laptop.host, self.path("backup.db"))
        self.set(self.second(laptop, "other.db"), "o", 1)
        self.on(laptop, "SELECT kv_sync()")
        shutil.copy(self.path("backup.db"), laptop.host)
        self.on(laptop, "SELECT kv_sync()")
        keys = self.on(laptop, "SELECT key FROM kv_log ORDER BY seq")
        self.assertEqual(keys, [("a",), ("o",), ("k",), ("k",)])


if __name__ == "__main__":
    unittest.main()
