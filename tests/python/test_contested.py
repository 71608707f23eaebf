"""kv_conflicts looks at the keys that kv_contested has. Whatever happens, it shows
what a look at all rows shows.
"""

import os
import random
import shutil
import unittest

from support import Case, NOW, SECOND, deliver, open_store, sync

RUNS = int(os.environ.get("KV_CONTESTED_RUNS", "12"))
STEPS = 60
NAMES = ("laptop", "phone", "tablet", "watch")
SHOWN = "SELECT key, value, device, ts, lost_value, lost_device, lost_ts, op FROM kv_conflicts"


def by_all_rows(con):
    """The conflicts if no key had been judged."""
    con.execute("SAVEPOINT look")
    con.execute("UPDATE kv_meta SET judged = 0")
    rows = con.execute(SHOWN).fetchall()
    con.execute("ROLLBACK TO look")
    con.execute("RELEASE look")
    return rows


def judged(con):
    return con.execute("SELECT judged FROM kv_meta").fetchone()[0]


def contested(con):
    return con.execute("SELECT key FROM kv_contested ORDER BY key").fetchall()


class Device:
    """A device with a folder and a persistent cache of its own."""

    def __init__(self, case, name):
        self.case, self.name = case, name
        self.folder, self.host = case.path(name + ".kv"), case.path(name + ".db")
        self.start()

    def start(self):
        self.db = self.case.connect(self.host)
        # Times that devices have in common: rows of one key can have the same.
        open_store(self.db, self.folder, self.name, "now=%d" % NOW, schema="main")

    def stop(self):
        self.db.close()
        self.case.closing.remove(self.db)

    def start_over(self):
        """Another log of the same device."""
        self.stop()
        shutil.rmtree(os.path.join(self.folder, "devices", self.name), ignore_errors=True)
        os.remove(self.host)
        self.start()

    def write(self, r):
        if r.random() < 0.3:
            self.db.execute("BEGIN")
        for _ in range(r.choice((1, 1, 2, 5, 40, 150))):
            key = r.choice((r.randrange(6), r.randrange(300), r.random() < 0.5 and "text" or 1.5))
            if r.random() < 0.2:
                self.db.execute("DELETE FROM kv WHERE key = ?", (key,))
            else:
                self.db.execute("INSERT INTO kv VALUES(?, ?)", (key, r.randrange(3)))
        if self.db.in_transaction:
            self.case.compare(self)
            self.db.execute(r.choice(("COMMIT", "COMMIT", "ROLLBACK")))

    def receive(self, r):
        for other in r.sample(self.case.devices, r.randint(1, len(NAMES))):
            if other is not self and os.path.exists(os.path.join(other.folder, "devices", other.name, "log.db")):
                deliver(other.folder, self.folder, other.name,
                        r.choice(("whole", "whole", "whole", "cut")), r.random())
        is_inside = r.random() < 0.2
        if is_inside:
            self.db.execute("BEGIN")
        sync(self.db)
        if is_inside:
            self.case.compare(self)
            self.db.execute(r.choice(("COMMIT", "ROLLBACK")))


class Contested(Case):
    def compare(self, device):
        rows = device.db.execute(SHOWN).fetchall()
        self.assertEqual(rows, by_all_rows(device.db), device.name)
        self.n_conflicts += len(rows)
        self.states.add(judged(device.db))

    def test_what_is_shown_is_what_a_look_at_all_rows_shows(self):
        self.n_conflicts, self.states = 0, set()
        for seed in range(RUNS):
            r = random.Random(seed)
            self.fresh()
            self.devices = [Device(self, name) for name in NAMES]
            try:
                for _ in range(STEPS):
                    device = r.choice(self.devices)
                    r.choice((device.write,) * 5 + (device.receive,) * 5 + (lambda r: device.start_over(),))(r)
                    self.compare(device)
            except AssertionError as e:
                raise AssertionError("KV seed %d: %s" % (seed, e))
        self.assertGreater(self.n_conflicts, 10 * RUNS)
        self.assertEqual(self.states, {0, 1, 2})


if __name__ == "__main__":
    unittest.main()
