"""The programs of examples/guide/follow.md that wait for changes: each is run as
it is there, and prints what another process writes within 50 ms.

KV_NODE is a node that has node:sqlite (node). If there is none, its program is
skipped, and with KV_REQUIRE_ALL it fails.
"""

import glob
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import tty
import unittest

from support import MODULE, Case

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "..", "..", "examples", "guide", "follow.md")
NODE = os.environ.get("KV_NODE", "node")


def block(kind):
    with open(PAGE) as f:
        found = re.findall(r"(?ms)^```%s\n(.*?)^```$" % kind, f.read())
    assert len(found) == 1, kind
    return found[0]


def has_node():
    try:
        return subprocess.run([NODE, "-e", "require('node:sqlite')"],
                              stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


class Follow(Case):
    def setUp(self):
        super().setUp()
        module, = glob.glob(MODULE + ".so") + glob.glob(MODULE + ".dylib")
        shutil.copy(module, self.dir)
        self.phone = self.process()
        self.phone.open(self.path("notes.kv"), "phone")
        self.phone.sql("INSERT INTO kv VALUES('title', 'Hello'), ('draft', 1)")

    def put(self, name, kind):
        with open(self.path(name), "w") as f:
            f.write(block(kind))

    def follow(self, command, delete):
        """Run a program of the page; `delete` is its line for a deletion."""
        # To a terminal, a program prints its lines at once.
        terminal, inner = pty.openpty()
        tty.setraw(inner)
        program = subprocess.Popen(command, cwd=self.dir, stdout=inner,
                                   stdin=subprocess.DEVNULL,
                                   start_new_session=True,
                                   env=dict(os.environ, NO_COLOR="1"))
        os.close(inner)
        timer = threading.Timer(30, os.killpg, (program.pid, signal.SIGKILL))
        timer.start()
        try:
            with os.fdopen(terminal, errors="replace") as lines:
                self.assertEqual({lines.readline(), lines.readline()},
                                 {self.line("set", "title", "Hello"),
                                  self.line("set", "draft", "1")})
                self.write_and_read(lines)
                self.phone.sql("DELETE FROM kv WHERE key = 'draft'")
                self.assertEqual(lines.readline(), delete)
                self.assertIsNone(program.poll())
        finally:
            timer.cancel()
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()

    def line(self, *words):
        return self.between.join(words) + "\n"

    def write_and_read(self, lines):
        """Each write is printed, and at least one within 50 ms."""
        took = []
        while not took or (min(took) >= 0.05 and len(took) < 20):
            time.sleep(0.1)
            n = str(len(took))
            self.phone.sql("INSERT INTO kv VALUES('n', ?)", (n,))
            start = time.monotonic()
            self.assertEqual(lines.readline(), self.line("set", "n", n))
            took.append(time.monotonic() - start)
        if sys.platform == "linux":
            self.assertLess(min(took), 0.05)

    def test_sql(self):
        self.between = "|"
        self.put("follow.sql", "sql")
        self.follow(["sh", "-c", block("bash")], "delete|draft|\n")

    def test_python(self):
        self.between = " "
        self.put("follow.py", "py")
        self.follow([sys.executable, "follow.py"], "delete draft None\n")

    def test_node(self):
        if not has_node():
            self.assertNotIn("KV_REQUIRE_ALL", os.environ)
            self.skipTest("no node with node:sqlite (22.13 or newer)")
        self.between = " "
        self.put("follow.mjs", "js")
        self.follow([NODE, "--no-warnings", "follow.mjs"], "delete draft null\n")


if __name__ == "__main__":
    unittest.main()
