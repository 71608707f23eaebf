"""How the host databases here were made, each with the folder of its store, by
the version whose number is in the name of the folder. They are never changed;
a version with another format of the cache adds its own:

    KV_MODULE=build/kv python3 tests/golden_hosts/make.py tests/golden_hosts/format_12
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))

import support  # noqa: E402


class Host:
    """The device laptop, whose cache is in NAME.db, and phone, over NAME.kv."""

    def __init__(self, folder, name):
        self.folder = os.path.join(folder, name + ".kv")
        self.clock = 0
        self.con = support.connect(os.path.join(folder, name + ".db"))
        self.con.execute("PRAGMA page_size = 1024")
        self.con.execute("CREATE VIRTUAL TABLE kv USING kv('%s.kv', device='laptop', now=%d)"
                         % (name, support.NOW))
        self.phone = support.open_store(support.connect(), self.folder, "phone",
                                        "now=%d" % support.NOW)

    def set(self, *rows, con=None):
        (con or self.con).executemany("INSERT INTO kv VALUES(?, ?)", rows)

    def sync(self):
        self.con.execute("SELECT kv_sync()")
        self.phone.execute("SELECT kv_sync()")

    def close(self):
        self.con.close()
        self.phone.close()


def waiting(host):
    host.set(("a", 1), ("b", 1.5), ("c", None), ("large", "x" * 9000))
    host.sync()
    host.set(("b", "phone"), (b"blob", b"\0"), con=host.phone)
    host.sync()
    away = host.folder + ".away"
    os.rename(host.folder, away)
    host.con.execute("BEGIN")
    host.set(("a", "waits"), ("new large", b"w" * 9000))
    host.con.execute("DELETE FROM kv WHERE key = 'c'")
    host.con.execute("COMMIT")
    host.set(("b", "waits"))
    os.rename(away, host.folder)


def large(host):
    host.set(("text", "é" * 5000), ("blob", b"\xff" * 9000), ("small", 1))
    host.set(("phone", "p" * 9000), con=host.phone)
    host.sync()
    host.set(("text", "changed"))


def swept(host):
    for i in range(3):
        host.set(*[("key %02d" % k, i) for k in range(20)])
    host.set(*[("key %02d" % k, "phone") for k in range(5)], con=host.phone)
    host.sync()
    assert host.con.execute("SELECT swept_arrival FROM kv_meta").fetchone()[0] > 0
    host.set(("key 00", "newest"))


def indexed(host):
    host.set(*[(k, 1) for k in "abc"])
    host.con.execute("SELECT * FROM kv_log WHERE ts > 0").fetchall()
    host.sync()
    assert host.con.execute("SELECT is_indexed FROM kv_meta").fetchone()[0]
    host.set(("a", 2))


def typed(host):
    table = ("CREATE VIRTUAL TABLE %s USING kv_table(id INTEGER PRIMARY KEY, name TEXT, n INTEGER, "
             "MERGE (n counter))")
    host.con.execute(table % "items")
    host.con.executemany("INSERT INTO items VALUES(?, ?, ?)", [(1, "a", 1), (2, "b", 2)])
    host.set(("items", "kv"))
    host.sync()
    host.phone.execute(table % "temp.items")
    host.phone.execute("UPDATE items SET n = n + 10 WHERE id = 1")
    host.phone.execute("INSERT INTO items VALUES(3, 'c', 3)")
    host.sync()
    host.con.execute("UPDATE items SET n = n + 100, name = 'z' WHERE id = 1")
    host.con.execute("DELETE FROM items WHERE id = 2")


if __name__ == "__main__":
    os.makedirs(sys.argv[1])
    for fill in (waiting, large, swept, indexed, typed):
        made = Host(sys.argv[1], fill.__name__)
        fill(made)
        made.close()
