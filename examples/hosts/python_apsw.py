"""APSW: python3 python_apsw.py, beside kv.so."""
import apsw


def connect(device):
    con = apsw.Connection(":memory:")
    con.enableloadextension(True)
    con.loadextension("./kv")
    con.enableloadextension(False)
    con.cursor().execute("SELECT kv_open('notes.kv', ?)", (device,))
    return con


def query(con, sql):
    return con.cursor().execute(sql).fetchall()


print("SQLite", apsw.sqlitelibversion())
laptop = connect("laptop")

# An update hook is not called for kv, nor for any virtual table. Ask
# kv_changes what changed since a cursor, for your own writes and the others'.
hooked = []
laptop.setupdatehook(lambda op, db, table, row: hooked.append(table))
cursor, = query(laptop, "SELECT kv_cursor()")[0]
with laptop:  # a transaction; within another one it is a savepoint
    laptop.cursor().executemany("INSERT INTO kv VALUES (?, ?)",
                                [("title", "Hello"), ("stars", 5)])
changed = laptop.cursor().execute(
    "SELECT key, value FROM kv_changes(?) ORDER BY key", (cursor,)).fetchall()
assert not hooked
assert changed == [("stars", 5), ("title", "Hello")]

phone = connect("phone")
query(phone, "UPDATE kv SET value = value + 1 WHERE key = 'stars'")

assert query(laptop, "SELECT kv_sync()") == [(1,)]
assert query(laptop, "SELECT kv_get('stars')") == [(6,)]
history = query(laptop, "SELECT device, op, key, value FROM kv_log "
                        "ORDER BY ts, device, seq")
for change in history:
    print(*change)
assert history == [("laptop", "set", "title", "Hello"),
                   ("laptop", "set", "stars", 5),
                   ("phone", "set", "stars", 6)]
phone.close()
laptop.close()
