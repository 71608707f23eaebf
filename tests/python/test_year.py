"""A year in a minute: four devices overwrite and delete keys every day, a phone is
replaced, a laptop is away for three months; once with history='30 days', and once
without. The store is the same, as a dict says; with the option the folder stays as
large as it was in the third month.

KV_YEAR_KEYS is the number of keys that are overwritten on a day, 100 unless given, and
KV_YEAR_EVERY says how many days lie between two days of work, 3 unless given. Run by
hand it prints the bytes in the folder at the end of each month; those of 1,000 keys on
every day are in tests/bench/README.md.
"""

import os
import random
import shutil
import sys
import time
import unittest

from support import NOW, SECOND, Case, kv, open_store, sync, tag

KEYS = int(os.environ.get("KV_YEAR_KEYS", "100"))
EVERY = int(os.environ.get("KV_YEAR_EVERY", "3"))
DAY = 86400 * SECOND
MONTH = 30  # days
PHONE_LOST, PHONE_RETIRED = 5 * MONTH, 5 * MONTH + 3
AWAY = range(6 * MONTH, 9 * MONTH)
SEGMENT = "segment=%d" % (1000 * KEYS)  # that of 1,000 keys is what it is unless given
FLAT = 1.5  # how much larger than in the third month the folder may be


def mirror(source, target):
    """Carry a device's directory as a sync tool does, sealed files first."""
    os.makedirs(target, exist_ok=True)
    names = sorted(os.listdir(source), key=lambda n: n == "log.db")
    for name in names:
        a, b = os.path.join(source, name), os.path.join(target, name)
        if os.path.isdir(a):
            mirror(a, b)
        elif not os.path.exists(b) or (os.stat(a).st_size, os.stat(a).st_mtime_ns) != (
                os.stat(b).st_size, os.stat(b).st_mtime_ns):
            shutil.copy2(a, b)
    for name in set(os.listdir(target)) - set(names):
        os.unlink(os.path.join(target, name))


class World:
    """One folder that all devices share but the laptop, which has its own copy."""

    def __init__(self, case, name, options):
        self.case, self.name, self.options = case, name, options
        self.shared, self.laptops = (case.path(name, n) for n in ("shared.kv", "laptop.kv"))
        os.makedirs(case.path(name))
        self.devices, self.bytes = {}, []

    def folder(self, device):
        return self.laptops if device == "laptop" else self.shared

    def at(self, device, now):
        """The open store of a device, at this time, after a sync."""
        if device not in self.devices:
            con = self.case.connect(self.case.path(self.name, device + ".db"))
            con.execute("PRAGMA synchronous = OFF")
            open_store(con, self.folder(device), device,
                       ", ".join(o for o in ("now=%d" % now, SEGMENT, self.options) if o),
                       schema="main")
            self.devices[device] = con
        con = self.devices[device]
        con.execute("SELECT kv_open(?, ?, ?)", (
            self.folder(device), device, "now=%d, %s" % (now, SEGMENT)))
        sync(con)
        return con

    def carry(self):
        """What a sync tool does with the laptop's copy, both ways."""
        there, here = (os.path.join(f, "devices") for f in (self.shared, self.laptops))
        for source, target in (here, there), (there, here):
            for name in os.listdir(source) if os.path.exists(source) else ():
                if (name == "laptop") == (source == here):
                    mirror(os.path.join(source, name), os.path.join(target, name))

    def tidy(self, con):
        """Delete the phone's directory once kv_devices allows it."""
        if con.execute("SELECT 1 FROM kv_devices WHERE device = 'phone' AND state = 'retired' "
                       "AND detail LIKE '%may be deleted%'").fetchone():
            for folder in self.shared, self.laptops:
                shutil.rmtree(os.path.join(folder, "devices", "phone"), ignore_errors=True)

    def weigh(self):
        self.bytes.append(sum(os.path.getsize(os.path.join(base, f))
                              for base, _, files in os.walk(self.shared) for f in files))


class Year(Case):
    def write(self, r, device, day, now, worlds):
        """One transaction of a device, the same in both worlds; the dict follows."""
        cons = [w.at(device, now) for w in worlds]
        seen = [kv(con) for con in cons]
        self.assertEqual(*seen)
        keys = {k[1] for k in seen[0]}
        rows = [("key %d" % r.randrange(KEYS), "%s, day %d, %030d" % (device, day, r.randrange(10 ** 9)))
                for _ in range(KEYS // 4)]
        rows += [("day %03d %s %d" % (day, device, i), i) for i in range(KEYS // 40)]
        gone = [k for k in ("key %d" % r.randrange(KEYS) for _ in range(KEYS // 8)) if k in keys]
        gone += [k for k in sorted(keys) if "day " < k < "day %03d" % (day - EVERY)]
        for con in cons:
            con.execute("BEGIN")
            con.executemany("DELETE FROM kv WHERE key = ?", [(k,) for k in gone])
            con.executemany("INSERT INTO kv VALUES(?, ?)", rows)
            con.execute("COMMIT")
        for k in gone:
            self.oracle.pop(k, None)
        self.oracle.update(rows)

    def live(self, r, worlds):
        self.oracle = {}
        for day in range(0, 12 * MONTH, EVERY):
            phone = "phone" if day < PHONE_LOST else "phone2"
            if day not in AWAY:
                for w in worlds:
                    w.carry()
            for i, device in enumerate(("desktop", "laptop", phone, "tablet")):
                self.write(r, device, day, NOW + day * DAY + i * DAY // 5, worlds)
            if day == PHONE_RETIRED:
                for w in worlds:
                    w.devices["desktop"].execute("SELECT kv_retire('phone')")
            for w in worlds:
                if day > PHONE_RETIRED:
                    w.tidy(w.devices["desktop"])
                if (day + EVERY) % MONTH == 0:
                    w.weigh()

    def test_a_year(self):
        worlds = World(self, "kept", ""), World(self, "given up", "history='30 days'")
        begin = time.time()
        self.live(random.Random(1), worlds)
        kept, given_up = (w.bytes for w in worlds)
        if __name__ == "__main__":
            print("%d keys, every %d days, %.0f s" % (KEYS, EVERY, time.time() - begin))
            for month, sizes in enumerate(zip(kept, given_up), 1):
                print("month %2d: %11d bytes, %11d with history='30 days'" % (month, *sizes))
            sys.stdout.flush()
        self.agree(worlds)
        self.assertLess(given_up[11], FLAT * given_up[2])
        self.assertGreater(kept[11], 2 * kept[2])

    def agree(self, worlds):
        """All devices, and one that is new, show what the dict has."""
        expected = {tag(k): tag(v) for k, v in self.oracle.items()}
        for w in worlds:
            w.carry()
            for device in "desktop", "laptop", "phone2", "tablet":
                con = w.at(device, NOW + 12 * MONTH * DAY)
                self.assertEqual(kv(con), expected, (w.name, device))
                self.assertEqual(con.execute("SELECT device, state, detail FROM kv_devices WHERE state <> 'ok' "
                                             "AND device IS NOT 'phone'").fetchall(), [])
            self.assertFalse(os.path.exists(os.path.join(w.shared, "devices", "phone")))
            newcomer = open_store(self.connect(), w.shared, None)
            self.assertEqual(kv(newcomer), expected)
            newcomer.close()


if __name__ == "__main__":
    unittest.main()
