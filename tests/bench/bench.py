"""What users see from Python: kv beside a plain table of sqlite3, in the same
rounds. It loads the module as a program does:

    KV_MODULE=build/kv /usr/bin/python3 tests/bench/bench.py [--keys=N] [--rounds=N]

Both are durable: kv has a temp cache and a log in the folder, the plain table is in
a file beside it.
"""

import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time

MODULE = os.environ.get("KV_MODULE", "build/kv")
COMMITS = 100


def option(name, default):
    return next((int(a.split("=")[1]) for a in sys.argv[1:] if a.startswith("--%s=" % name)), default)


N, ROUNDS = option("keys", 50000), option("rounds", 5)
ROWS = [("key %07d" % (i * 7919 % N), "value %07d " % i * 4) for i in range(N)]


def opened(folder, kind):
    con = sqlite3.connect(":memory:" if kind == "kv" else os.path.join(folder, "plain.db"),
                          isolation_level=None)
    if kind == "kv":
        con.enable_load_extension(True)
        con.load_extension(MODULE)
        con.execute("SELECT kv_open(?, 'laptop')", (os.path.join(folder, "notes.kv"),))
    else:
        con.execute("CREATE TABLE kv(key PRIMARY KEY, value) WITHOUT ROWID")
    return con


def within(con, sql, rows):
    con.execute("BEGIN")
    con.executemany(sql, rows)
    con.execute("COMMIT")


# OR REPLACE is what kv's INSERT does.
SET = "INSERT OR REPLACE INTO kv VALUES(?, ?)"
WORK = [
    ("executemany, a list", N, (2.0, 2.5), lambda c: within(c, SET, ROWS)),
    ("executemany, a generator, set again", N, (2.0, 2.5), lambda c: within(c, SET, (r for r in ROWS))),
    ("a transaction a row", COMMITS, (2.0, 3.0), lambda c: [c.execute(SET, r) for r in ROWS[:COMMITS]]),
    ("read by key", N, (1.5, 2.0), lambda c: [c.execute("SELECT value FROM kv WHERE key = ?", r[:1]).fetchone()
                                              for r in ROWS]),
    ("read all", N, (1.5, 2.0), lambda c: c.execute("SELECT key, value FROM kv").fetchall()),
    ("delete all, one by one", N, (2.0, 2.5),
     lambda c: within(c, "DELETE FROM kv WHERE key = ?", [r[:1] for r in ROWS])),
]


def a_round(kind):
    """Microseconds of processor time for each row of each work."""
    folder = tempfile.mkdtemp(prefix="kv-bench-", dir=".")
    con = opened(folder, kind)
    out = []
    for _, n, _, work in WORK:
        start = time.process_time()
        work(con)
        out.append(1e6 * (time.process_time() - start) / n)
    assert con.execute("SELECT count(*) FROM kv").fetchone() == (0,)
    con.close()
    shutil.rmtree(folder)
    return out


rounds = [(a_round("kv"), a_round("plain")) for _ in range(ROUNDS)]
print("%d keys, %d rounds, processor time, Python %s, load %.1f" % (
    N, ROUNDS, sys.version.split()[0], os.getloadavg()[0]))
print("%-38s %-6s %8s %8s | %5s  target (most)" % ("", "", "kv", "plain", "ratio"))
for i, (name, _, (target, most), _) in enumerate(WORK):
    kv, plain = (statistics.median(r[side][i] for r in rounds) for side in (0, 1))
    ratio = statistics.median(r[0][i] / r[1][i] for r in rounds)
    print("%-38s %-6s %8.2f %8.2f | %5.2f  %g (%g) %s" % (
        name, "us/row", kv, plain, ratio, target, most,
        "ok" if ratio <= target else "most" if ratio <= most else "over"))
