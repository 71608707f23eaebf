"""How the logs in life.kv were made, by the first version that wrote all of them.
They are never changed: later versions must read them.

    KV_MODULE=build/kv python3 tests/golden_logs/make_life.py FOLDER

laptop has a compacted log, of another generation than it began with, sealed files
behind it, the copy of a log, and typed rows of all merge kinds; it retired tablet.
phone acknowledges by kv_sync(). tablet wrote rows, and its directory is gone. watch has
sealed files, one of which is missing.
"""

import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))

import support  # noqa: E402

DAY = 86400 * support.SECOND
ITEMS = ("CREATE VIRTUAL TABLE temp.items USING kv_table(id TEXT PRIMARY KEY, name TEXT, "
         "shop TEXT, pieces INTEGER NOT NULL DEFAULT 1, top INTEGER, low REAL, tags TEXT, "
         "steps TEXT, MERGE (pieces counter, top max, low min, tags set, steps list))")


def at(con, folder, device, day, *statements, options=""):
    support.open_store(con, folder, device, "now=%d%s" % (
        support.NOW + day * DAY, options))
    for sql in statements:
        con.execute(sql).fetchall()


def main(folder):
    laptop, phone, tablet, watch = (support.connect() for _ in range(4))
    sealed = ", segment=1"
    at(tablet, folder, "tablet", 0, "INSERT INTO kv VALUES('by tablet', 1), ('title', 'Tablet')")
    at(laptop, folder, "laptop", 1,
       "INSERT INTO kv VALUES('title', 'Draft'), ('large', '%s'), ('short', 1)" % ("x" * 9000),
       "INSERT INTO kv VALUES('title', 'Hello'), ('blob', x'00ff'), (7, 1.5)",
       "DELETE FROM kv WHERE key = 'short'",
       ITEMS,
       "INSERT INTO items(id, name, pieces, top, low, tags, steps) "
       "VALUES('milk', 'Milk', 2, 5, 0.5, '[\"cold\"]', '[1,\"two\"]'), ('tea', 'Tea', 1, 1, 1, '[]', '[]')",
       options=sealed)
    at(phone, folder, "phone", 2, "SELECT kv_sync()", ITEMS,
       "UPDATE items SET shop = 'corner', pieces = pieces + 3 WHERE id = 'milk'",
       "INSERT INTO kv VALUES('title', 'Phone')")
    at(laptop, folder, "laptop", 3, "SELECT kv_sync()",
       "UPDATE items SET pieces = pieces - 1, top = 9, low = 0.25, tags = '[\"cold\",\"daily\"]', "
       "steps = '[1,\"two\",3]' WHERE id = 'milk'",
       "DELETE FROM items WHERE id = 'tea'")
    at(phone, folder, "phone", 5, "SELECT kv_sync()")       # says so by itself
    at(laptop, folder, "laptop", 6, "SELECT kv_sync()", "SELECT kv_retire('tablet')")
    shutil.rmtree(os.path.join(folder, "devices", "tablet"))
    at(phone, folder, "phone", 8, "SELECT kv_sync()")
    at(laptop, folder, "laptop", 10, "SELECT kv_sync()", "SELECT kv_compact('now')",
       "INSERT INTO kv VALUES('after', 1)", options=sealed)
    for day in 11, 12, 13:
        at(watch, folder, "watch", day, "INSERT INTO kv VALUES('day %d', %d)" % (day, day),
           options=sealed)
    directory = os.path.join(folder, "devices", "watch")
    os.unlink(os.path.join(directory, sorted(os.listdir(directory))[1]))
    for name in "laptop", "phone", "watch":
        support.edit(support.log_path(folder, name), "UPDATE device SET host = ''")


if __name__ == "__main__":
    main(sys.argv[1])
