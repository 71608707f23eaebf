"""A commit in the second of the one before, which leaves the log as large as it
was, is not seen by rsync -a. Two seconds later kv_sync() gives the log another
time, once.
"""

import os
import shutil
import subprocess
import time
import unittest

from support import Case, log_path, read, sync

N = 20


class Unseen(Case):
    def devices(self, schema="temp"):
        out = []
        for i in range(N):
            name = "d%02d" % i
            db = ":memory:" if schema == "temp" else name + ".db"
            out.append((name, self.device(name, options="", db=db, schema=schema)))
        for _, con in out:
            con.execute("INSERT INTO kv VALUES('first', 1)")
        for _, con in out:
            sync(con)  # acknowledges, which it need not do again today
        return out

    def two_commits(self, devices, between):
        """Of the same size and within one second; of all devices."""
        for _ in range(10):
            for _, con in devices:
                con.execute("INSERT INTO kv VALUES('first', 1)")
            time.sleep(1.01 - time.time() % 1)
            sizes, seconds = [], []
            for step in (1, 2):
                for _, con in devices:
                    con.execute("INSERT INTO kv VALUES('key', ?)", (step,))
                stats = [os.stat(self.file(name)) for name, _ in devices]
                sizes.append([st.st_size for st in stats])
                seconds.append([int(st.st_mtime) for st in stats])
                if step == 1:
                    between()
            if sizes[0] == sizes[1] and seconds[0] == seconds[1]:
                return
        self.fail("the machine is too slow")

    def file(self, name):
        return log_path(self.path("notes.kv"), name)

    def arrived(self, devices):
        return sum(read(self.file(name)) == read(log_path(self.path("copy"), name))
                   for name, _ in devices)

    def rsync(self):
        subprocess.run(["rsync", "-a", self.path("notes.kv") + "/", self.path("copy") + "/"],
                       check=True)

    def mtimes(self, devices):
        return [os.stat(self.file(name)).st_mtime_ns for name, _ in devices]

    def check(self, schema):
        devices = self.devices(schema)
        self.two_commits(devices, self.rsync)
        self.rsync()
        self.assertEqual(self.arrived(devices), 0)  # this is what it is for
        for name, con in devices:
            before = os.stat(self.file(name)).st_mtime_ns
            sync(con)
            if time.time_ns() < before + 2 * 10**9:
                self.assertEqual(os.stat(self.file(name)).st_mtime_ns, before)  # too early
        time.sleep(2.1)
        if schema != "temp":  # another connection does it as well
            devices = self.devices(schema)
        for _, con in devices:
            sync(con)
        self.rsync()
        self.assertEqual(self.arrived(devices), N)
        touched = self.mtimes(devices)
        time.sleep(2.1)
        for _ in range(2):
            for _, con in devices:
                sync(con)
        self.assertEqual(self.mtimes(devices), touched)  # only once

    @unittest.skipUnless(shutil.which("rsync"), "no rsync")
    def test_all_arrive(self):
        self.check("temp")

    @unittest.skipUnless(shutil.which("rsync"), "no rsync")
    def test_all_arrive_from_persistent_caches(self):
        self.check("main")

    def test_a_commit_that_tools_see_is_left_alone(self):
        con = self.device("laptop", options="")
        con.execute("INSERT INTO kv VALUES('key', 1)")
        time.sleep(1.01 - time.time() % 1)
        # Another size in the same second.
        con.execute("INSERT INTO kv VALUES('key', 2)")
        con.execute("INSERT INTO kv VALUES('large', zeroblob(100000))")
        before = os.stat(self.file("laptop")).st_mtime_ns
        time.sleep(2.1)
        # Another second, the same size.
        con.execute("INSERT INTO kv VALUES('key', 3)")
        later = os.stat(self.file("laptop")).st_mtime_ns
        self.assertNotEqual(later, before)
        time.sleep(2.1)
        sync(con)
        self.assertEqual(os.stat(self.file("laptop")).st_mtime_ns, later)


if __name__ == "__main__":
    unittest.main()
