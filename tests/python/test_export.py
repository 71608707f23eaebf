"""examples/export: NDJSON, CSV and Parquet, everything, and only new rows. The
SQL runs in the stock shell. The DuckDB part runs if @duckdb/node-api is
installed: KV_DUCKDB is the folder of its node_modules.
"""

import csv
import json
import math
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import tempfile
import time
import unittest

from support import HERE, MODULE, SHM, connect

SOURCE = os.path.dirname(os.path.dirname(HERE))
SCRIPTS = os.path.join(SOURCE, "examples", "export")
SHELL = os.environ.get("SQLITE3", "sqlite3")
DUCKDB = os.environ.get("KV_DUCKDB", "")

# All types, as keys and as values.
VALUES = [None, 0, 1, -1, 2**53 + 1, 2**63 - 1, -2**63, 0.5, 1 / 3, 0.1 + 0.2,
          5e-324, 1.7976931348623157e308, math.inf, -math.inf, "", "text",
          'quotes " \' and \\', "line\nline", "a\0b", "é 日本 😀", "\x01\x1f",
          '{"blob":"00"}', "[1]", "null", "12", "x'00'", b"", b"\0\xff", b"text",
          -0.0]


def same(a, b):
    """Equal, with their types and the bits of reals."""
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack("<d", a) == struct.pack("<d", b)
    return type(a) is type(b) and a == b


class Export(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="kv-export.", dir=SHM)
        self.addCleanup(shutil.rmtree, self.dir)
        shutil.copytree(SCRIPTS, self.path("examples", "export"))
        self.con = self.open("laptop")

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def open(self, device):
        con = connect()
        self.addCleanup(con.close)
        con.execute("SELECT kv_open(?, ?)", (self.path("n.kv"), device))
        return con

    def fill(self, con=None):
        con = con or self.con
        with_key = [v for v in VALUES if v is not None]
        con.executemany("INSERT INTO kv VALUES(?, ?)",
                        [(i, v) for i, v in enumerate(VALUES)])
        con.executemany("INSERT INTO kv VALUES(?, 'key')",
                        [(k,) for k in with_key
                         if not isinstance(k, (int, float)) or k < 0 or k > 99
                         or k == 0.5])
        con.execute("INSERT INTO kv VALUES('gone', 1)")
        con.execute("DELETE FROM kv WHERE key = 'gone'")

    def shell(self, *lines, since=False):
        """Run lines in the shell with the store, as the comments say."""
        script = [".load '%s'" % os.path.abspath(MODULE).removesuffix(".so"),
                  "SELECT 0 * length(coalesce(kv_open('n.kv'), ''));",
                  ".read examples/export/views.sql"]
        if since:
            script.append(".read examples/export/since.sql")
        done = subprocess.run(
            [SHELL, "-batch", "-bail", "-init", os.devnull], cwd=self.dir,
            input="\n".join(script + list(lines)) + "\n", text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual((done.returncode, done.stdout), (0, "0\n"))

    def remember(self):
        return (".mode csv", ".once export.state", "SELECT * FROM had_next;",
                ".mode list")

    def lines(self, view, name, since=False):
        self.shell(".once " + name, "SELECT line FROM %s;" % view,
                   *self.remember(), since=since)
        with open(self.path(name), encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def log(self):
        return self.con.execute(
            "SELECT ts, device, seq, txn, parent_ts, op, key, value FROM kv_log "
            "ORDER BY ts, device, seq").fetchall()

    def assert_rows(self, got, expected):
        self.assertEqual(len(got), len(expected))
        for a, b in zip(got, expected):
            self.assertEqual(len(a), len(b))
            self.assertTrue(all(map(same, a, b)), (a, b))

    @staticmethod
    def of_json(value):
        if isinstance(value, dict):
            (kind, text), = value.items()
            data = bytes.fromhex(text)
            return data.decode() if kind == "text" else data
        return value

    @staticmethod
    def of_columns(row):
        kind = row["type"]
        if kind in (None, "null"):
            return None
        value = row[{"integer": "int"}.get(kind, kind)]
        return bytes.fromhex(value) if kind == "blob" else value

    @staticmethod
    def key_of_columns(row):
        return {"integer": int, "real": float, "text": str,
                "blob": bytes.fromhex}[row["key_type"]](row["key"])


class Lossless(Export):
    def test_the_history_as_ndjson(self):
        self.fill()
        rows = [tuple(row[k] for k in ("ts", "device", "seq", "txn", "parent_ts",
                                       "op")) +
                (self.of_json(row["key"]), self.of_json(row["value"]))
                for row in self.lines("log_ndjson", "log.ndjson")]
        self.assert_rows(rows, self.log())

    def test_the_latest_values_as_ndjson(self):
        self.fill()
        got = [(self.of_json(row["key"]), self.of_json(row["value"]))
               for row in self.lines("kv_ndjson", "kv.ndjson")
               if row["op"] == "set"]
        self.assert_rows(got, self.con.execute("SELECT key, value FROM kv "
                                               "ORDER BY key").fetchall())

    def test_csv_is_read_back_as_sql(self):
        self.fill()
        self.shell(".mode csv", ".headers on", ".once log.csv",
                   "SELECT * FROM log_csv;", ".once kv.csv",
                   "SELECT * FROM kv_csv;")
        plain = sqlite3.connect(":memory:")
        self.addCleanup(plain.close)
        read = lambda text: plain.execute("SELECT " + text).fetchone()[0]
        with open(self.path("log.csv"), newline="", encoding="utf-8") as f:
            rows = [(int(r["ts"]), r["device"], int(r["seq"]), int(r["txn"]),
                     int(r["parent_ts"]) if r["parent_ts"] else None, r["op"],
                     read(r["key"]), read(r["value"]))
                    for r in csv.DictReader(f)]
        # SQLite itself reads some reals with extreme exponents with the last
        # bit wrong.
        self.assert_rows([r for r in rows if r[6] not in (10, 11) and
                          (not isinstance(r[6], float) or 0.1 < r[6] < 1)],
                         [r for r in self.log() if r[6] not in (10, 11) and
                          (not isinstance(r[6], float) or 0.1 < r[6] < 1)])
        with open(self.path("kv.csv"), newline="", encoding="utf-8") as f:
            self.assertEqual([r["op"] for r in csv.DictReader(f)
                              if r["key"] == "'gone'"], ["delete"])

    def test_columns_have_one_for_each_type(self):
        self.fill()
        rows = [tuple(row[k] for k in ("ts", "device", "seq", "txn", "parent_ts",
                                       "op")) +
                (self.key_of_columns(row), self.of_columns(row))
                for row in self.lines("log_columns", "log.ndjson")]
        self.assert_rows(rows, self.log())
        got = [(self.key_of_columns(row), self.of_columns(row))
               for row in self.lines("kv_columns", "kv.ndjson")
               if row["op"] == "set"]
        self.assert_rows(got, self.con.execute("SELECT key, value FROM kv "
                                               "ORDER BY key").fetchall())

    def test_a_key_is_written_as_it_was_last_set(self):
        """1, 1.0 are one key, and so are 0 and -0.0."""
        self.con.execute("INSERT INTO kv VALUES(0, 1), (1, 1)")
        self.con.execute("DELETE FROM kv")
        self.con.executemany("INSERT INTO kv VALUES(?, 2)", [(-0.0,), (1.0,)])
        expected = [(-0.0, 2), (1.0, 2)]
        self.assert_rows(self.con.execute("SELECT key, value FROM kv "
                                          "ORDER BY key").fetchall(), expected)
        self.assert_rows([(row["key"], row["value"]) for row in
                          self.lines("kv_ndjson", "kv.ndjson")], expected)
        self.assert_rows([(self.key_of_columns(row), self.of_columns(row))
                          for row in self.lines("kv_columns", "kv.ndjson")],
                         expected)

    def test_the_views_may_be_read_twice(self):
        self.shell(".read examples/export/views.sql")

    def test_every_real_comes_back(self):
        chance = random.Random(1)
        reals = []
        while len(reals) < 5000:
            x, = struct.unpack("<d", struct.pack("<Q", chance.getrandbits(64)))
            if math.isfinite(x):
                reals += [x, chance.uniform(-1e6, 1e6)]
        self.con.execute("BEGIN")
        self.con.executemany("INSERT INTO kv VALUES(?, ?)", enumerate(reals))
        self.con.execute("COMMIT")
        got = [row["value"] for row in self.lines("kv_ndjson", "kv.ndjson")]
        self.assertTrue(all(map(same, got, reals)))


class Since(Export):
    def keys(self, since=True):
        return [(row["op"], row["key"])
                for row in self.lines("kv_ndjson", "kv.ndjson", since)]

    def test_only_new_rows_are_exported(self):
        self.con.execute("INSERT INTO kv VALUES('a', 1), ('b', 2)")
        self.assertEqual(self.keys(since=False), [("set", "a"), ("set", "b")])
        self.assertEqual(self.keys(), [])
        self.con.execute("INSERT INTO kv VALUES('b', 3), ('c', 4)")
        self.con.execute("DELETE FROM kv WHERE key = 'a'")
        self.assertEqual(self.keys(), [("delete", "a"), ("set", "b"),
                                       ("set", "c")])
        self.assertEqual(self.keys(), [])

    def test_a_state_that_grew_or_was_edited_is_used(self):
        self.con.execute("INSERT INTO kv VALUES('a', 1)")
        self.keys(since=False)
        with open(self.path("export.state"), newline="") as f:
            first = f.read()
        self.con.execute("INSERT INTO kv VALUES('b', 2)")
        self.keys()
        with open(self.path("export.state"), newline="") as f:
            second = f.read()
        self.con.execute("INSERT INTO kv VALUES('c', 3)")
        for state in (first + second, second + first, second.rstrip(),
                      "device,seq\n\n" + second):
            with self.subTest(state):
                with open(self.path("export.state"), "w", newline="") as f:
                    f.write(state)
                self.assertEqual(self.keys(), [("set", "c")])

    def test_rows_that_arrive_late_are_not_missed(self):
        phone = self.open("phone")
        phone.execute("INSERT INTO kv VALUES('early', 1)")
        log = self.path("n.kv", "devices", "phone")
        shutil.move(log, self.path("away"))
        self.con.execute("INSERT INTO kv VALUES('late', 1)")
        whole = self.lines("log_ndjson", "1.ndjson")
        self.assertEqual([row["key"] for row in whole], ["late"])
        shutil.move(self.path("away"), log)
        more = self.lines("log_ndjson", "2.ndjson", since=True)
        self.assertEqual([row["key"] for row in more], ["early"])
        self.assertEqual(self.lines("log_ndjson", "3.ndjson", since=True), [])

    def test_successive_files_add_up_to_the_whole(self):
        parts = []
        for i in range(4):
            self.fill(self.open("device%d" % (i % 2)))
            parts += self.lines("log_ndjson", "part.ndjson", since=i > 0)
        shutil.rmtree(self.path("export.state"), True)
        whole = self.lines("log_ndjson", "whole.ndjson")
        order = lambda row: (row["device"], row["seq"])
        self.assertEqual(sorted(parts, key=order), sorted(whole, key=order))


@unittest.skipUnless(DUCKDB, "KV_DUCKDB is not set: npm install @duckdb/node-api")
class DuckDB(Export):
    def duckdb(self, *statements):
        """Run statements in DuckDB; returns the rows of the last one."""
        program = """
            import { createRequire } from 'node:module';
            const require = createRequire(process.argv[2] + '/x.js');
            const { DuckDBInstance } = require('@duckdb/node-api');
            const db = await (await DuckDBInstance.create(':memory:')).connect();
            let rows;
            for (const sql of JSON.parse(process.argv[3]))
              rows = (await db.runAndReadAll(sql)).getRowsJson();
            console.log(JSON.stringify(rows));"""
        with open(self.path("run.mjs"), "w") as f:
            f.write(program)
        done = subprocess.run(
            ["node", "run.mjs", DUCKDB, json.dumps(statements)], cwd=self.dir,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise RuntimeError(done.stdout)
        return json.loads(done.stdout)

    def to_parquet(self):
        self.lines("kv_columns", "kv.ndjson")
        self.lines("log_columns", "log.ndjson")
        with open(os.path.join(SCRIPTS, "parquet.sql")) as f:
            self.duckdb(*[sql for sql in f.read().split(";\n")
                          if "COPY" in sql])

    def test_types_come_back_exactly(self):
        self.fill()
        self.to_parquet()
        for file in ("kv", "log"):
            got = self.duckdb(
                "SELECT key, key_type, type, int::VARCHAR, real::VARCHAR, "
                "hex(encode(text)), hex(blob), typeof(int), typeof(real), "
                "typeof(blob) FROM '%s.parquet' WHERE op = 'set'" % file)
            expected = self.con.execute(
                "SELECT key, value FROM kv ORDER BY key" if file == "kv" else
                "SELECT key, value FROM kv_log WHERE op = 'set' "
                "ORDER BY ts, device, seq").fetchall()
            self.assertEqual(len(got), len(expected))
            for row, (key, value) in zip(got, expected):
                self.assertEqual(row[7:], ["BIGINT", "DOUBLE", "BLOB"])
                kinds = {type(None): "null", int: "integer", float: "real",
                         str: "text", bytes: "blob"}
                self.assertEqual(row[2], kinds[type(value)])
                self.assertEqual(row[1], kinds[type(key)])
                back = {"null": lambda: None, "integer": lambda: int(row[3]),
                        "real": lambda: float(row[4]),
                        "text": lambda: bytes.fromhex(row[5]).decode(),
                        "blob": lambda: bytes.fromhex(row[6])}[row[2]]()
                self.assertTrue(same(back, value), (row, value))

    def test_100_000_rows(self):
        self.con.execute(
            "INSERT INTO kv WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
            "i + 1 FROM n WHERE i < 100000) SELECT i, 'value ' || i FROM n")
        start = time.time()
        self.to_parquet()
        print("100,000 rows, kv and kv_log: %.1f s, %d KB" % (
            time.time() - start,
            os.path.getsize(self.path("log.parquet")) // 1000))
        self.assertEqual(self.duckdb(
            "SELECT count(*)::INT, max(int)::INT FROM 'log.parquet'"),
            [[100000, None]])


class OtherPrograms(Export):
    """A host database with a kv table, without the module."""

    def test_everything_but_the_table_itself_can_be_read(self):
        host = connect(self.path("app.db"))
        host.execute("CREATE TABLE notes(id INTEGER PRIMARY KEY, text)")
        host.execute("INSERT INTO notes VALUES(1, 'Hello')")
        host.execute("CREATE VIRTUAL TABLE kv USING kv('%s', device='x')"
                     % self.path("n.kv"))
        host.execute("INSERT INTO kv VALUES('a', 1)")
        host.close()
        plain = sqlite3.connect(self.path("app.db"), isolation_level=None)
        self.addCleanup(plain.close)
        self.assertEqual(plain.execute("SELECT * FROM notes").fetchall(),
                         [(1, "Hello")])
        # DuckDB's extension lists the tables like this, then asks each.
        tables = [name for name, in plain.execute(
            "SELECT name FROM sqlite_master WHERE length(sql) > 0 "
            "AND type = 'table'")]
        self.assertIn("kv", tables)
        for name in sorted(tables):
            if name != "kv":
                self.assertTrue(plain.execute(
                    "PRAGMA table_info('%s')" % name).fetchall())
        for sql in ("SELECT * FROM kv", "PRAGMA table_info(kv)", "DROP TABLE kv"):
            with self.assertRaisesRegex(sqlite3.OperationalError,
                                        "no such module: kv"):
                plain.execute(sql).fetchall()
        plain.execute("INSERT INTO notes VALUES(2, 'Still')")
        plain.execute("VACUUM")
        self.assertEqual(plain.execute("PRAGMA integrity_check").fetchone(),
                         ("ok",))

    def test_a_cache_in_its_own_file_hides_the_table(self):
        both = sqlite3.connect(self.path("app.db"), isolation_level=None)
        both.enable_load_extension(True)
        both.load_extension(MODULE)
        both.execute("CREATE TABLE notes(id INTEGER PRIMARY KEY, text)")
        both.execute("ATTACH ? AS cache", (self.path("cache.db"),))
        both.execute("CREATE VIRTUAL TABLE cache.kv USING kv(?, device='x')"
                     .replace("?", "'%s'" % self.path("n.kv")))
        both.execute("INSERT INTO kv VALUES('a', 1)")
        both.close()
        plain = sqlite3.connect(self.path("app.db"))
        self.assertEqual(plain.execute(
            "SELECT name FROM sqlite_master").fetchall(), [("notes",)])
        plain.close()


if __name__ == "__main__":
    unittest.main()
