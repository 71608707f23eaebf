"""Foreign logs for tests: written by hand with stock SQLite, broken in every
way, and what they may show.
"""

import os
import sqlite3
import time

import oracle
from support import kv_log, log_path, put, sync

ID = bytes(range(16))
# Sanitizers are several times slower, and the machine may be busy.
PATIENCE = 5 if "asan" in os.environ.get("LD_PRELOAD", "") else 1
LIMIT = 0.1 * PATIENCE  # seconds of work on a file without a verified row


def make(path, rows, device="phone", log_id=ID, page_size=4096, before=(), after=(), sums=True):
    """A log of rows (txn, ts, parent_ts, op, bucket, key, value), with correct
    sums unless sums is false; statements run before and after them."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        os.remove(path)
    con = sqlite3.connect(path, isolation_level=None)
    for s in ("page_size = %d" % page_size, "journal_mode = off", "synchronous = off",
              "application_id = %d" % oracle.APPLICATION_ID, "user_version = 2"):
        con.execute("PRAGMA " + s)
    con.execute("BEGIN")
    for s in before or oracle.SCHEMA.values():
        con.execute(s)
    sum_ = oracle.base_sum(device, log_id)
    con.execute("INSERT INTO device VALUES(?, ?, '', 1, 0, ?, NULL, NULL, NULL, 0, 'xxh3-64')",
                (device, log_id, sum_))
    for n, r in enumerate(rows):
        row = oracle.Row(device, n + 1, *r, 0)
        sum_ = oracle.row_sum(sum_, row) if sums else 0
        con.execute("INSERT INTO log VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row[1:-1], sum_))
    con.execute("COMMIT")
    for s in after:
        con.execute(s)
    con.close()


class Original:
    """The log of a device before any damage, and what each prefix of it shows."""

    def __init__(self, folder, device):
        self.device = device
        self.path = log_path(folder, device)
        self.rows = oracle.read_log(self.path).rows
        self.ends = [t[-1].seq for t in oracle.transactions(self.rows)]
        # kv_log's rows of a prefix, by their number. A transaction of
        # acknowledgements alone shows nothing, so the first prefix counts.
        self.shown = {}
        for end in [0] + self.ends:
            rows = [r for r in self.rows[:end] if r.op != oracle.SEEN]
            self.shown.setdefault(len(rows), (end, oracle.history(rows)))

    def prefix(self, con):
        """The seq up to which con shows this log; an error if that is not the
        log up to the end of a transaction."""
        got = [r for r in kv_log(con) if r[0] == self.device]
        end, expected = self.shown.get(len(got), (None, None))
        if got != expected:
            raise AssertionError("%s: %d rows that are no prefix of its log" % (
                self.device, len(got)))
        return end


def work(f, *args):
    """Seconds of processor time that f(*args) takes, and what it returns."""
    start = time.process_time()
    result = f(*args)
    return time.process_time() - start, result


def place(path, data):
    """Write over the content of the same file."""
    with open(path, "r+b" if os.path.exists(path) else "wb") as f:
        f.write(data)
        f.truncate()


def arrive(con, path, data):
    put(path, data)
    return sync(con)
