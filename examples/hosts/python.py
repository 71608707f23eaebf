"""Python's own sqlite3: python3 python.py, beside kv.so.

Your Python must be able to load extensions. Debian's /usr/bin/python3 can; one
that pyenv built cannot, unless it was configured with
--enable-loadable-sqlite-extensions, and needs preload.c.
"""
import sqlite3


def connect(device):
    con = sqlite3.connect(":memory:")
    con.enable_load_extension(True)
    con.load_extension("./kv")
    con.enable_load_extension(False)
    con.execute("SELECT kv_open('notes.kv', ?)", (device,))
    return con


print("SQLite", sqlite3.sqlite_version)
laptop = connect("laptop")
laptop.executemany("INSERT INTO kv VALUES (?, ?)",
                   [("title", "Hello"), ("stars", 5)])
# Python has begun a transaction. Nothing leaves this device before it ends,
# and kv_sync() refuses to run in it.
laptop.commit()

phone = connect("phone")
phone.execute("UPDATE kv SET value = value + 1 WHERE key = 'stars'")
phone.commit()

merged, = laptop.execute("SELECT kv_sync()").fetchone()
stars, = laptop.execute("SELECT kv_get('stars')").fetchone()
history = laptop.execute("SELECT device, op, key, value FROM kv_log "
                         "ORDER BY ts, device, seq").fetchall()
for change in history:
    print(*change)
assert (merged, stars) == (1, 6)
assert history == [("laptop", "set", "title", "Hello"),
                   ("laptop", "set", "stars", 5),
                   ("phone", "set", "stars", 6)]
phone.close()
laptop.close()
