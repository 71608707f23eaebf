"""Who had seen what: random runs of several processes and caches of each
device, and of hosts that are restored from a copy. The test is the oracle: for
each write it notes what the writing cache had merged, and compares the
conflicts that follow from this with those of a new observer.
"""

import os
import random
import shutil
import unittest

from support import Case, open_store

RUNS = int(os.environ.get("KV_SEEN_RUNS", "40"))
STEPS = 40
KEYS = ("k", "l", "m")


class Process:
    """A connection with a cache, and the writes that it has merged."""

    def __init__(self, case, device, host):
        self.case, self.device, self.host = case, device, host
        self.seen = set()
        self.copy = None
        self.open()

    def open(self):
        self.db = self.case.connect(self.host or ":memory:")
        open_store(self.db, self.case.path("n.kv"), self.device,
                   schema="main" if self.host else "temp")
        if not self.host:  # kv_open() merges
            self.seen = set(self.case.contexts)

    def sync(self):
        self.db.execute("SELECT kv_sync()")
        self.seen = set(self.case.contexts)

    def write(self, r, is_synced_within=False):
        keys = r.sample(KEYS, r.randint(1, 2))
        self.db.execute("BEGIN")
        if is_synced_within:
            self.sync()
        new = []
        for key in keys:
            value = len(self.case.contexts) + len(new) + 1
            new.append(value)
            if self.db.execute("SELECT count(*) FROM kv WHERE key = ?", (key,)).fetchone()[0] \
                    and r.random() < 0.2:
                self.db.execute("DELETE FROM kv WHERE key = ?", (key,))
            else:
                self.db.execute("INSERT INTO kv VALUES(?, ?)", (key, value))
        self.db.execute("COMMIT")
        rows = self.db.execute(
            "SELECT key, ts, device, seq, op, value FROM kv_log WHERE device = ? "
            "ORDER BY seq DESC LIMIT ?", (self.device, len(keys))).fetchall()
        context = frozenset(self.seen)
        for value, row in zip(new, reversed(rows)):
            self.case.contexts[value] = (row, context)
        # A commit brings what other processes of the device have published.
        self.seen |= {v for v, (row, _) in self.case.contexts.items() if row[2] == self.device}

    def restart(self):
        self.db.close()
        self.open()

    def keep_a_copy(self):
        if self.host:
            shutil.copy(self.host, self.host + ".copy")
            self.copy = set(self.seen)

    def restore(self):
        if self.copy is not None:
            self.db.close()
            shutil.copy(self.host + ".copy", self.host)
            self.seen = set(self.copy)
            self.open()


class Seen(Case):
    def lost(self):
        """(key, value) of each value that no later writer had seen."""
        rows = [(row, context, value) for value, (row, context) in self.contexts.items()]
        out = []
        for (key, *place, op, value), _, name in rows:
            later = [(r, c) for r, c, _ in rows if r[0] == key and r[1:4] > tuple(place)]
            if op == "set" and later and not any(
                    r[2] == place[1] or name in c for r, c in later):
                out.append((key, value))
        return sorted(out)

    def run_once(self, seed):
        self.fresh()
        self.contexts = {}  # for each write: its row, and what was merged by then
        r = random.Random(seed)
        processes = [
            Process(self, device, self.path(host) if host else None)
            for device, host in (("a", "a1.db"), ("a", "a2.db"), ("a", None), ("a", None),
                                 ("b", "b1.db"), ("b", None), ("c", None))]
        for step in range(STEPS):
            p = r.choice(processes)
            what = r.random()
            if what < 0.6:
                p.write(r)
            elif what < 0.65:
                p.write(r, is_synced_within=True)
            elif what < 0.85:
                p.sync()
            elif what < 0.9:
                p.restart()
            elif what < 0.95:
                p.keep_a_copy()
            else:
                p.restore()
        eyes = open_store(self.connect(), self.path("n.kv"), None)
        found = eyes.execute("SELECT key, lost_value FROM kv_conflicts").fetchall()
        self.assertEqual(sorted(found), self.lost())
        self.assertEqual(eyes.execute(
            "SELECT count(*) FROM kv_devices WHERE state <> 'ok'").fetchone(), (0,))
        for p in processes:
            p.db.close()
        return len(found)

    def test_conflicts_are_the_values_that_nobody_had_seen(self):
        n_found = 0
        for seed in range(RUNS):
            with self.subTest(seed=seed):
                n_found += self.run_once(seed)
        self.assertGreater(n_found, RUNS // 2)  # there is something to find


if __name__ == "__main__":
    unittest.main()
