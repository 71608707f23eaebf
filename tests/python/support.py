"""What the tests share: stores in temporary folders, delivery of logs as a
sync tool does it, snapshots of folders, and SQL in a second process.

KV_MODULE is the path of the module, with or without its suffix.
"""

import os
import pickle
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import oracle  # noqa: E402
from oracle import tag  # noqa: E402

MODULE = os.environ.get(
    "KV_MODULE", os.path.join(HERE, "..", "..", "build", "kv"))
SHM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
NOW = 1_790_000_000_000_000  # a wall clock, in 2026
SECOND = 1_000_000
GONE = object()  # in expected transactions: the key is deleted


def connect(db=":memory:", timeout=0, **options):
    """A connection in autocommit with the module loaded."""
    con = sqlite3.connect(db, timeout=timeout, isolation_level=None, **options)
    con.text_factory = oracle.text
    con.enable_load_extension(True)
    con.load_extension(MODULE)
    con.enable_load_extension(False)
    return con


def quote(s):
    return "'" + str(s).replace("'", "''") + "'"


def open_store(con, folder, device, options="", name="kv", schema="temp"):
    """kv_open() for schema temp, else a persistent cache in that schema."""
    if schema == "temp":
        given = [o for o in (options, name != "kv" and "name=" + name) if o]
        con.execute("SELECT kv_open(?, ?, ?)", (folder, device, ", ".join(given)))
    else:
        given = [quote(folder), device and "device=" + quote(device), options]
        con.execute("CREATE VIRTUAL TABLE IF NOT EXISTS %s.%s USING kv(%s)" % (
            schema, name, ", ".join(o for o in given if o)))
    return con


def set_clock(db, now):
    """The declaration of a persistent store has the time: set it, if there is one."""
    if os.path.exists(db):
        con = sqlite3.connect(db, isolation_level=None)
        sql, = con.execute("SELECT sql FROM sqlite_schema WHERE name = 'kv'").fetchone()
        con.execute("PRAGMA writable_schema = ON")
        con.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'kv'",
                    (re.sub(r"now=\d+", "now=%d" % now, sql),))
        con.close()


def kv(con, name="kv"):
    rows = con.execute("SELECT key, value FROM %s" % name).fetchall()
    out = {tag(k): tag(v) for k, v in rows}
    assert len(out) == len(rows), "kv shows a key twice"
    return out


def kv_log(con, name=None):
    table = "kv_log(%s)" % quote(name) if name else "kv_log"
    return sorted(
        (device, seq, txn, ts, -1 if parent is None else parent, bucket, op, tag(k), tag(v))
        for device, seq, txn, ts, parent, bucket, op, k, v in con.execute(
            "SELECT device, seq, txn, ts, parent_ts, bucket, op, key, value "
            "FROM " + table))


# The latest row of each key is in front, a part is 0, 1 or the name of a bucket, no row
# is in the cache twice, and each large value belongs to a row.
MISPLACED = """
    SELECT part, key, device, seq FROM %(name)s_cache AS o
    WHERE CASE WHEN typeof(part) = 'text' THEN part = ''
      ELSE typeof(part) <> 'integer' OR part <> 0 AND (part <> 1 OR NOT EXISTS(
        SELECT 1 FROM %(name)s_cache AS n WHERE n.part = 0 AND n.key = o.key
        AND (n.ts, n.device, n.seq) > (o.ts, o.device, o.seq))) END
    UNION ALL
    SELECT NULL, NULL, device, seq FROM %(name)s_cache
    GROUP BY device, seq HAVING count(*) > 1
    UNION ALL
    SELECT NULL, 'large', NULL, id FROM %(name)s_large
    WHERE id NOT IN (SELECT large FROM %(name)s_cache WHERE large IS NOT NULL)"""


def misplaced(con, name="kv"):
    """Rows of the cache that are not where a reader expects them."""
    return con.execute(MISPLACED % {"name": name}).fetchall()


def sync(con, name="kv"):
    return con.execute("SELECT kv_sync(?)", (name,)).fetchone()[0]


def log_path(folder, device):
    return os.path.join(folder, "devices", device, "log.db")


def read(path):
    with open(path, "rb") as f:
        return f.read()


def put(path, data, mtime_ns=None):
    """Put a file in place as sync tools do: a temporary name, then rename."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = os.path.join(os.path.dirname(path), ".incoming.tmp")
    with open(part, "wb") as f:
        f.write(data)
    if mtime_ns is not None:
        os.utime(part, ns=(mtime_ns, mtime_ns))
    os.rename(part, path)


def edit(path, *statements):
    """Change a database with stock SQLite."""
    con = sqlite3.connect(path, isolation_level=None)
    for s in statements:
        con.execute(s)
    con.close()


def deliver(source, target, device, how="whole", part=0.5):
    """Carry one device's log from one copy of the folder to another: its sealed
    files as they are, and of log.db

    whole: unchanged; torn: its first part, over the old file; cut: only its
    first part.
    """
    src, dst = log_path(source, device), log_path(target, device)
    for name in os.listdir(os.path.dirname(src)):  # sealed files go first
        if name.startswith("log-") and name.endswith(".db"):
            sealed = os.path.join(os.path.dirname(src), name)
            put(os.path.join(os.path.dirname(dst), name), read(sealed),
                os.stat(sealed).st_mtime_ns)
    data, n = read(src), int(os.path.getsize(src) * part)
    if how == "torn":
        old = read(dst) if os.path.exists(dst) else b""
        data = data[:n] + old[n:]
    elif how == "cut":
        data = data[:n]
    put(dst, data, os.stat(src).st_mtime_ns)


def exchange(*folders):
    """Deliver every device's log to every folder; newest (longest) wins."""
    best = {}
    for f in folders:
        for name, log in oracle.read_folder(f).items():
            if name not in best or len(log.rows) > len(best[name][1].rows):
                best[name] = (f, log)
    for name, (source, _) in best.items():
        for f in folders:
            if f != source:
                deliver(source, f, name)


def snapshot(folder, without=None):
    """Bytes and times of everything in a folder, except one device's own
    files. Of directories too: their mtime shows a file that came and went.
    """
    out = {}
    own = without and os.path.join(folder, "devices", without)
    for base, dirs, files in os.walk(folder):
        dirs[:] = [d for d in dirs if os.path.join(base, d) != own]
        st = os.stat(base)
        out[base] = (sorted(dirs), None if own and base == os.path.dirname(own)
                     else st.st_mtime_ns)
        for f in files:
            p = os.path.join(base, f)
            st = os.lstat(p)
            out[p] = (st.st_ino, st.st_mtime_ns, st.st_ctime_ns,
                      os.readlink(p) if os.path.islink(p) else
                      read(p) if os.path.isfile(p) else None)
    return out


class Process:
    """A second process with one connection; sql() runs a statement in it."""

    def __init__(self, db=":memory:", module=True):
        self.p = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), db, str(int(module))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, sql, args=()):
        pickle.dump((sql, args), self.p.stdin)
        self.p.stdin.flush()

    def receive(self):
        result = pickle.load(self.p.stdout)
        if isinstance(result, Exception):
            raise result
        return result

    def sql(self, sql, args=()):
        self.send(sql, args)
        return self.receive()

    def open(self, folder, device, options=""):
        return self.sql("SELECT kv_open(?, ?, ?)", (folder, device, options))

    def close(self):
        try:
            self.p.stdin.close()
        except BrokenPipeError:
            pass  # it died before it had read everything
        self.p.stdout.close()
        return self.p.wait()

    def kill(self):
        self.p.kill()
        self.close()


def serve(db, module):
    con = connect(db) if module else sqlite3.connect(db, 0, isolation_level=None)
    while True:
        try:
            sql, args = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            result = con.execute(sql, args).fetchall()
        except sqlite3.Error as e:
            result = e
        pickle.dump(result, sys.stdout.buffer)
        sys.stdout.buffer.flush()


class Case(unittest.TestCase):
    """A test with a temporary folder and connections closed at its end."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="kv-", dir=SHM)
        self.closing = []

    def tearDown(self):
        for c in reversed(self.closing):
            c.close()
        shutil.rmtree(self.dir)

    def fresh(self):
        self.tearDown()
        self.setUp()

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def connect(self, db=":memory:", **options):
        con = connect(db, **options)
        self.closing.append(con)
        return con

    def process(self, db=":memory:", module=True):
        p = Process(db, module)
        self.closing.append(p)
        return p

    def device(self, name, folder="notes.kv", db=":memory:", schema="temp",
               options="now=%d" % NOW):
        """A connection with a store; folder and db are names in self.dir."""
        if db != ":memory:":
            db = self.path(db)
        con = self.connect(db)
        return open_store(con, self.path(folder), name, options, schema=schema)

    def log(self, device, folder="notes.kv"):
        return oracle.read_log(log_path(self.path(folder), device))

    def published(self, device, folder="notes.kv"):
        """The transactions in a log, each {tagged key: tagged value, or None
        for a delete}, without those of acknowledgements alone."""
        txns = [
            {tag(r.key): tag(r.value) if r.op == oracle.SET else None
             for r in txn if r.op != oracle.SEEN}
            for txn in oracle.transactions(self.log(device, folder).rows)
        ]
        return [txn for txn in txns if txn]

    def state(self, con, device):
        row = con.execute("SELECT state, detail FROM kv_devices WHERE device = ?",
                          (device,)).fetchone()
        return row[0] if row else None

    def unpublished(self, con):
        return con.execute(
            "SELECT unpublished FROM kv_devices WHERE is_self").fetchone()[0]

    def check(self, con, folder="notes.kv", name="kv"):
        """Check that the connection shows the fold of all logs in its folder."""
        folder = self.path(folder)
        logs = oracle.read_folder(folder)
        rows = [r for log in logs.values() for r in log.rows]
        self.assertEqual(kv(con, name), oracle.fold(rows))
        self.assertEqual(kv_log(con, name), oracle.history(rows))
        self.assertEqual(misplaced(con, name), [])
        self.assertEqual(self.leftovers(folder), [])

    def leftovers(self, folder):
        return [f for base, _, files in os.walk(folder) for f in files
                if f != "log.db" and not oracle.SEGMENT.match(f) and os.path.basename(os.path.dirname(base)) == "devices"]

    def fails(self, sql, *words, con=None, error=sqlite3.Error, args=()):
        """Check that the statement fails, with a message that contains these
        words."""
        with self.assertRaises(error) as caught:
            (con or self.db).execute(sql, args).fetchall()
        for w in words:
            self.assertIn(w, str(caught.exception))
        return str(caught.exception)


HOSTS = {"temp": (":memory:", "temp"), "persistent": ("host.db", "main")}


class Publish(Case):
    """A test of the own log; self.db is the connection that was opened last."""

    def open(self, host="persistent", name="laptop", folder="notes.kv", options="", db=None):
        file, schema = HOSTS[host]
        self.db = self.device(name, folder, db or file, schema,
                              ", ".join(o for o in ("now=%d" % NOW, options) if o))
        return self.db

    def put(self, *keys, value=1, db=None):
        for k in keys:
            (db or self.db).execute("INSERT INTO kv VALUES(?, ?)", (k, value))

    @property
    def own(self):
        return log_path(self.path("notes.kv"), "laptop")

    def keys(self, device="laptop"):
        return [r.key for r in self.log(device).rows if r.op != oracle.SEEN]


def plain(d):
    """A dict or list of dicts with values tagged, for comparing."""
    if isinstance(d, list):
        return [plain(x) for x in d]
    return {tag(k): None if v is GONE else tag(v) for k, v in d.items()}


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
