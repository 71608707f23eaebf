#!/usr/bin/env python3
"""What sealed files cost: commits with and without sealing, and a log of many
sealed files beside the same rows in one file.

    KV_MODULE=build/kv /usr/bin/python3 tests/tools/segments.py [FILES [FOLDER]]

With tests/tools/slow_fsync.c in LD_PRELOAD, on a disk whose fsync takes a
millisecond. FILES is 1000 unless given: of 500 rows each, 150 KB.
"""

import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time

MODULE = os.environ.get("KV_MODULE", "build/kv")
COMMITS = 400
AGE = 2.1  # seconds until the date of a file is trusted


def connect(db=":memory:"):
    con = sqlite3.connect(db, isolation_level=None)
    con.enable_load_extension(True)
    con.load_extension(MODULE)
    return con


def clock(f):
    """Milliseconds: elapsed, and of the processor."""
    start, cpu = time.perf_counter(), time.process_time()
    f()
    return 1e3 * (time.perf_counter() - start), 1e3 * (time.process_time() - cpu)


def directory(folder):
    return os.path.join(folder, "devices", "laptop")


def commits(folder, segment):
    """Commits of one row of 10 KB each; so the log is sealed after 100."""
    con = connect()
    con.execute("SELECT kv_open(?, 'laptop', ?)", (folder, "segment=%d" % segment))
    times = sorted(clock(lambda i=i: con.execute("INSERT INTO kv VALUES(?, hex(zeroblob(5000)))",
                                                 (i,)))[0] for i in range(COMMITS))
    print("  segment=%-8d %6.2f ms a commit, median %6.2f, slowest %6.2f, files %d" % (
        segment, statistics.mean(times), statistics.median(times), times[-1],
        len(os.listdir(directory(folder)))))
    con.close()


def write(folder, files, segment):
    con = connect()
    con.execute("SELECT kv_open(?, 'laptop', ?)", (folder, "segment=%d" % segment))
    for i in range(files):
        con.execute("INSERT INTO kv WITH n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n "
                    "WHERE n < 500) SELECT ? * 500 + n, hex(zeroblob(100)) FROM n", (i,))
    con.close()
    time.sleep(AGE)


def read(folder):
    con = connect()
    steps = [("opening", "SELECT kv_open('%s', 'phone')" % folder),
             ("kv_sync() without news", "SELECT kv_sync()"),
             ("kv_devices", "SELECT n_files FROM kv_devices")]
    for what, sql in steps:
        print("  %-28s %9.2f ms, %9.2f of the processor" % (
            what, *clock(lambda sql=sql: con.execute(sql).fetchall())))
    own = connect()
    own.execute("SELECT kv_open(?, 'laptop')", (folder,))
    for what, sql in (("a commit of one row", "INSERT INTO kv VALUES('a', 1)"),
                      ("another", "INSERT INTO kv VALUES('a', 2)")):
        print("  %-28s %9.2f ms, %9.2f of the processor" % (
            what, *clock(lambda sql=sql: own.execute(sql))))
    print("  %-28s %9.2f ms, %9.2f of the processor" % (
        "kv_sync() of these two rows", *clock(lambda: con.execute("SELECT kv_sync()"))))
    con.close()
    own.close()


def main():
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    place = tempfile.mkdtemp(prefix="kv-segments-", dir=sys.argv[2] if len(sys.argv) > 2 else ".")
    try:
        print("%d commits of one row of 10 KB" % COMMITS)
        for i, segment in enumerate((0, 1000000, 0, 1000000)):
            commits(os.path.join(place, "commits%d.kv" % i), segment)
        for name, segment in (("one file", 0), ("sealed files", 80000)):
            folder = os.path.join(place, name.replace(" ", "") + ".kv")
            write(folder, files, segment)
            print("%d rows in %s: %d" % (500 * files, name, len(os.listdir(directory(folder)))))
            read(folder)
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
