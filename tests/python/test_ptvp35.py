"""examples/ptvp35.py: files of ptvp35 in and out.

tests/ptvp35 has files that ptvp35 wrote, some as a crash left them. A
.recover, .backup or .truncate beside a file belongs to it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from support import HERE, MODULE, SHM, connect

SOURCE = os.path.dirname(os.path.dirname(HERE))
SCRIPT = os.path.join(SOURCE, "examples", "ptvp35.py")
FILES = os.path.join(SOURCE, "tests", "ptvp35")

A_AND_B = '{"key": "a", "value": 1}\n{"key": "b", "value": 2}\n'
# What ptvp35 continues with, if that is not all lines of the file.
RECOVERED = {
    "torn": A_AND_B,           # a line cut off, the length before it is known
    "torn_full": A_AND_B,      # a line too many
    "rebuild": A_AND_B,        # the new file half written
    "rebuild_lost": A_AND_B,   # the new file not there
    "noflag": A_AND_B,         # a length that does not count
    "prebackup": A_AND_B,      # a copy that does not count
    "chars": '{"key": "\\u00e9", "value": 1}\n',  # its length is in characters
}
NAMES = sorted(set(RECOVERED) | {"seed", "log", "empty", "values", "keys"})
# Texts that look like JSON which Python does not read.
NO_JSON = ('{"key": "digits", "value": "%s"}\n' % ("1" * 5000)
           + '{"key": "%s", "value": 1}\n' % ("[" * 1000))
# Values that could be mistaken for something else on the way.
LOOK_ALIKES = r"""
{"key": "null", "value": "null"}
{"key": null, "value": "[1]"}
{"key": "[1]", "value": "\"q\""}
{"key": [1], "value": "true"}
{"key": "x", "value": "1000000000000000000000"}
{"key": "y", "value": 1000000000000000000000}
{"key": "z", "value": "{\"a\": 1}"}
{"key": "\"[1]\"", "value": NaN}
{"key": "i", "value": [Infinity, -0.0]}
{"key": "j", "value": -Infinity}
{"key": "k", "value": "NaN"}
{"key": "l", "value": "\u0000"}
{"key": "\ud800", "value": "\udc00"}
{"key": "m", "value": -9223372036854775808}
{"key": "n", "value": 0.1}
""".lstrip()


def rebuilt(text, each=False):
    """What ptvp35 makes of its lines: a Python dict; or all of them."""
    def hashable(v):
        return tuple(map(hashable, v)) if isinstance(v, list) else v
    spelling, values, lines = {}, {}, []
    for line in text.split("\n"):
        if line.strip():
            row = json.loads(line)
            key = hashable(row["key"])
            spelling.setdefault(key, row["key"])
            values[key] = row["value"]
            lines.append((key, row["value"]))
    return "".join(json.dumps({"key": spelling[k], "value": v}) + "\n"
                   for k, v in (lines if each else values.items()))


class Files(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="kv-ptvp35.", dir=SHM)
        self.addCleanup(shutil.rmtree, self.dir)
        self.before = self.digest()

    def tearDown(self):
        self.assertEqual(self.digest(), self.before)

    def digest(self):
        found = {}
        for name in os.listdir(FILES):
            path = os.path.join(FILES, name)
            with open(path, "rb") as f:
                found[name] = (hashlib.sha256(f.read()).hexdigest(),
                               os.stat(path).st_mtime_ns)
        return found

    def path(self, name):
        return os.path.join(self.dir, name)

    def script(self, *arguments, module=MODULE):
        done = subprocess.run(
            [sys.executable, SCRIPT] + list(arguments), text=True,
            env=dict(os.environ, KV=module), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        return done.stdout if done.returncode else None

    def both_ways(self, source, *options):
        self.assertIsNone(self.script(
            "import", *options, source, self.path("n.kv"), "dev"))
        self.assertIsNone(self.script(
            "export", *options, self.path("n.kv"), self.path("new.db")))
        with open(self.path("new.db"), newline="") as f:
            got = f.read()
        shutil.rmtree(self.path("n.kv"))
        return got

    def text_of(self, name):
        if name in RECOVERED:
            return RECOVERED[name]
        with open(os.path.join(FILES, name + ".db"), newline="\n") as f:
            return f.read()

    def one_line(self, why, *arguments, **env):
        """It fails, and says why in a line or two, not in a traceback."""
        got = self.script(*arguments, **env)
        self.assertIsNotNone(got, arguments)
        self.assertIn(why, got)
        self.assertNotIn("Traceback", got)
        self.assertLess(got.count("\n"), 3, got)

    def test_every_file_comes_back_as_ptvp35_would_rebuild_it(self):
        for name in NAMES:
            with self.subTest(name):
                self.assertEqual(
                    self.both_ways(os.path.join(FILES, name + ".db")),
                    rebuilt(self.text_of(name)))
        self.assertEqual(len(NAMES), 12)

    def test_a_rebuilt_file_comes_back_byte_for_byte(self):
        for name, text in [(n, rebuilt(self.text_of(n))) for n in NAMES] + [
                ("look alikes", LOOK_ALIKES), ("no JSON", NO_JSON)]:
            with self.subTest(name):
                self.assertEqual(rebuilt(text), text)
                with open(self.path("old.db"), "w", newline="\n") as f:
                    f.write(text)
                self.assertEqual(self.both_ways(self.path("old.db")), text)

    def test_keys_that_are_one_in_python_are_one(self):
        """All NaN that Python reads are one object."""
        for text in ('{"key": NaN, "value": 1}\n{"key": NaN, "value": 2}\n',
                     '{"key": [NaN], "value": 1}\n{"key": "NaN", "value": 2}\n'
                     '{"key": [NaN], "value": 3}\n',
                     '{"key": 0, "value": 1}\n{"key": -0.0, "value": -0.0}\n'
                     '{"key": false, "value": 3}\n'):
            with self.subTest(text):
                with open(self.path("old.db"), "w", newline="\n") as f:
                    f.write(text)
                self.assertEqual(self.both_ways(self.path("old.db")),
                                 rebuilt(text))

    def test_the_changes_come_back_in_their_order(self):
        for name in NAMES:
            with self.subTest(name):
                self.assertEqual(
                    self.both_ways(os.path.join(FILES, name + ".db"), "--log"),
                    rebuilt(self.text_of(name), each=True))

    def test_newer_changes_come_after_it(self):
        store = self.path("n.kv")
        self.script("import", os.path.join(FILES, "log.db"), store, "dev")
        con = connect()
        con.execute("SELECT kv_open(?, 'other')", (store,))
        con.execute("INSERT INTO kv VALUES('new', 1), ('a', 'changed')")
        con.execute("DELETE FROM kv WHERE key = 'b'")
        con.close()
        self.script("export", store, self.path("new.db"))
        with open(self.path("new.db")) as f:
            self.assertEqual(f.read(), (
                '{"key": "a", "value": "changed"}\n'
                '{"key": ["x", ["y", 3]], "value": []}\n'
                '{"key": "new", "value": 1}\n'))

    def test_what_cannot_be_exchanged_is_reported(self):
        old, store, new = map(self.path, ("old.db", "n.kv", "new.db"))
        for text, why in (('{"key": {}, "value": 1}\n', "an object is a key"),
                          ('{"key": 1}\n', "line 1: not a key and a value"),
                          ('{"key": 1, "value": 1}\n{"key', "line 2: ")):
            with open(old, "w") as f:
                f.write(text)
            self.assertIn(why, self.script("import", old, store, "dev"))
            self.assertFalse(os.path.exists(store))
        self.assertIn("there is no file", self.script(
            "import", self.path("none.db"), store, "dev"))
        for text in ('{"key": %s, "value": 1}\n' % ("[" * 100_000),
                     '{"key": "%s\n' % ("\\ud800" * 9)):
            with open(old, "w") as f:
                f.write(text)
            self.one_line("line 1: ", "import", old, store, "dev")
        self.assertFalse(os.path.exists(store))
        con = connect()
        con.execute("SELECT kv_open(?, 'dev')", (store,))
        con.execute("INSERT INTO kv VALUES('blob', x'00')")
        con.close()
        self.assertIn("there is a blob", self.script("export", store, new))
        self.assertFalse(os.path.exists(new))
        self.assertIn("there is a blob", self.script("export", store, new))
        # An existing temporary file may belong to another export.
        with open(new + ".tmp", "w"):
            pass
        self.assertIn("new.db.tmp is left of an export",
                      self.script("export", store, new))
        self.assertIn("ptvp35.py import OLD.db", self.script())


    def test_what_cannot_be_opened_is_told(self):
        old, store, new = map(self.path, ("old.db", "n.kv", "new.db"))
        with open(old, "w") as f:
            f.write(A_AND_B)
        self.one_line("Is a directory", "import", self.dir, store, "dev")
        self.one_line("cannot be a device name", "import", old, store, "a/b")
        self.one_line("cannot be a device name", "import", old, store, "")
        self.one_line("name the folder", "import", old, "", "dev")
        self.one_line("cannot create folder", "import", old,
                      self.path("none/n.kv"), "dev")
        self.one_line("is not a folder", "import", old, old, "dev")
        self.one_line("there is no file", "import", "", store, "dev")
        self.one_line("set KV to the path", "import", old, store, "dev",
                      module=self.path("none"))
        self.assertFalse(os.path.exists(store))
        self.one_line("there is no folder", "export", store, new)
        self.one_line("there is no folder", "export", old, new)
        self.assertIsNone(self.script("import", old, store, "dev"))
        self.one_line("No such file", "export", store, self.path("none/x"))
        os.mkdir(new)
        self.one_line("directory", "export", store, new)
        self.assertEqual(sorted(os.listdir(self.dir)),
                         ["n.kv", "new.db", "old.db"])
        self.one_line("there is no file", "import", "--lgo", store, "dev")


if __name__ == "__main__":
    unittest.main()
