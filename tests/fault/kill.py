"""Processes killed with SIGKILL at random moments: of opening, writing,
publishing and syncing, one or several as one device, beside another device.

    kill.py [KILLS [SEED]]

After each kill the other processes go on. Then the store is opened without
help, and acknowledged writes, the logs (by an independent reader), kv, the
host's own table and an observer must agree.
"""

import os
import random
import signal
import sqlite3
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))

import oracle  # noqa: E402
from support import Case, kv, kv_log, misplaced, open_store, sync  # noqa: E402

MODES = [(schema, journal, writers)
         for schema in ("temp", "main")
         for journal in ("delete", "wal")
         for writers in (1, 3)]
ROUNDS = 4  # kills in one folder, before a new one
PHONE = 900  # workers from here on are the phone's


class Worker:
    """A process that writes and syncs, and notes in a file what it did:
    B number begun, A number acknowledged, E error."""

    def __init__(self, test, number, run):
        self.number = number
        self.notes = test.path("notes-%d" % number)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.fd = os.open(self.notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                run(self)
            except BaseException as e:  # no error may leave the child
                at = traceback.extract_tb(e.__traceback__)[-1]
                os.write(self.fd, b"E %r (%s), line %d: %s\n" % (
                    e, getattr(e, "sqlite_errorname", "").encode(), at.lineno,
                    at.line.encode()))
            finally:
                os._exit(1)

    def note(self, what, n):
        os.write(self.fd, b"%s %d\n" % (what, n))

    def read(self, what):
        try:
            with open(self.notes, "rb") as f:
                lines = f.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        return [line[2:] for line in lines if line[:1] == what]

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Kill(Case):
    def __init__(self, seed):
        super().__init__("check_all")
        self.r = random.Random(seed)
        self.n = 0  # transactions
        self.kills = 0
        self.acknowledged = set()
        self.begun = set()

    def check_all(self):
        """The name that unittest wants."""

    def set_journal(self, con, journal):
        """SQLite does not wait here, whatever the timeout."""
        until = time.monotonic() + 60
        while True:
            try:
                return con.execute("PRAGMA journal_mode = " + journal).fetchall()
            except sqlite3.OperationalError as e:
                if "locked" not in str(e) or time.monotonic() > until:
                    raise
            time.sleep(0.002)

    def host(self, schema, journal):
        con = self.connect(self.path("host.db"), timeout=60)
        self.set_journal(con, journal)
        con.execute("CREATE TABLE IF NOT EXISTS own(i INTEGER PRIMARY KEY)")
        return open_store(con, self.path("notes.kv"), "laptop", schema=schema)

    def put(self, con, n, r):
        con.execute("BEGIN IMMEDIATE")
        con.execute("INSERT INTO own VALUES(?)", (n,))
        con.execute("INSERT INTO kv VALUES(?, ?), (?, 1), ('last', ?)",
                    (n, "x" * r.choice([10, 10, 3000, 30000]), -n, n))
        con.execute("COMMIT")

    def laptop(self, worker, schema, journal):
        r = random.Random(worker.number)
        n = worker.number * 10000
        con = self.host(schema, journal)
        while True:
            what = r.random()
            if what < 0.7:
                n += 1
                worker.note(b"B", n)
                self.put(con, n, r)
                worker.note(b"A", n)
            elif what < 0.95:
                sync(con)
            else:
                con.close()
                con = self.host(schema, journal)

    def phone(self, worker):
        r = random.Random(worker.number)
        con = open_store(self.connect(timeout=60), self.path("notes.kv"), "phone")
        while True:
            con.execute("INSERT INTO kv VALUES('phone', ?)", (r.random(),))
            sync(con)
            time.sleep(0.01)

    def wait_for_more(self, workers):
        """The processes that were not killed go on."""
        had = {w: len(w.read(b"A")) for w in workers}
        until = time.monotonic() + 120
        while any(len(w.read(b"A")) <= had[w] and not w.read(b"E") for w in workers):
            self.assertLess(time.monotonic(), until, "a survivor hangs")
            time.sleep(0.002)

    def one_round(self, schema, journal, writers):
        if not os.path.isdir(self.path("notes.kv")):
            os.mkdir(self.path("notes.kv"))
        workers = []
        for _ in range(writers):
            self.n += 1
            workers.append(Worker(self, self.n, lambda w: self.laptop(w, schema, journal)))
        phone = Worker(self, PHONE * 1000 + self.n, self.phone)
        time.sleep(self.r.uniform(0.0, 0.12))
        victim, rest = workers[0], workers[1:]
        victim.kill()
        self.kills += 1
        if rest and self.r.random() < 0.5:
            self.wait_for_more(rest)
        if self.r.random() < 0.5:
            self.kills += 1
            phone.kill()
            phone = None
        for w in rest + [phone] * bool(phone):
            w.kill()
        for w in workers:
            self.assertEqual(w.read(b"E"), [])
            self.begun |= {int(n) for n in w.read(b"B")}
            self.acknowledged |= {int(n) for n in w.read(b"A")}

    def check_round(self, schema, journal, writers):
        open_store(self.connect(), self.path("notes.kv"), "phone").execute(
            "INSERT INTO kv VALUES('phone', 0)")
        con = self.host(schema, journal)
        sync(con)
        logs = oracle.read_folder(self.path("notes.kv"), writers)
        rows = [r for log in logs.values() for r in log.rows]
        there = set()
        for txn in oracle.transactions(logs["laptop"].rows):
            keys = {r.key for r in txn if r.op == oracle.SET}
            if keys and "after" not in keys:
                n = max(k for k in keys if isinstance(k, int))
                self.assertEqual(keys, {n, -n, "last"}, "half a transaction")
                self.assertNotIn(n, there, "a transaction twice")
                there.add(n)
        self.assertEqual(self.acknowledged - there, set(), "lost")
        self.assertEqual(there - self.begun, set(), "never written")
        own = {n for n, in con.execute("SELECT i FROM own")}
        self.assertEqual(there - own, set(), "the host lost it")
        if schema == "main":
            self.assertEqual(own - there, set(), "the host alone has it")
        self.assertEqual(kv(con), oracle.fold(rows))
        self.assertEqual(kv_log(con), oracle.history(rows))
        state = con.execute("SELECT state, unpublished FROM kv_devices WHERE is_self")
        self.assertEqual(state.fetchall(), [("ok", 0)])
        self.assertEqual(misplaced(con), [])
        con.execute("INSERT INTO kv VALUES('after', ?)", (self.n,))
        self.assertEqual(kv(open_store(self.connect(), self.path("notes.kv"), None)), kv(con))
        self.close_all()

    def close_all(self):
        for c in self.closing:
            c.close()
        self.closing.clear()

    def run_all(self, kills):
        mode = 0
        while self.kills < kills:
            self.setUp()
            self.acknowledged, self.begun = set(), set()
            try:
                for _ in range(ROUNDS):
                    self.one_round(*MODES[mode % len(MODES)])
                    self.check_round(*MODES[mode % len(MODES)])
                    if self.kills >= kills:
                        break
            except BaseException:
                print("after %d kills, %s, in %s" % (
                    self.kills, MODES[mode % len(MODES)], self.dir), file=sys.stderr)
                self.closing.clear()
                raise
            print(*MODES[mode % len(MODES)], len(self.acknowledged), "acknowledged", flush=True)
            self.tearDown()
            mode += 1
        print("%d kills" % self.kills)


if __name__ == "__main__":
    test = Kill(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    test.run_all(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
