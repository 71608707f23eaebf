"""How the logs in version_2.kv were made, by the first version that wrote
this format. They are never changed: later versions must read them.

    KV_MODULE=build/kv python3 tests/golden_logs/make.py FOLDER

laptop and phone are written by the module, each having merged the other;
tablet by hand: buckets, and times far ahead; watch claims a later format
(user_version 3), and old that of an unreleased version.
"""

import math
import os
import sqlite3
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))

import oracle  # noqa: E402
import support  # noqa: E402

VALUES = [
    None, 0, 1, -1, 255, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63),
    0.0, -0.0, 1.5, -2.25, 1 / 3, 1e308, 5e-324, math.inf, -math.inf,
    "", "text", "nul\0inside", "é ☃ 😀", "x" * 9000, "'quoted'",
    b"", b"\0", b"text", bytes(range(256)), b"\xff" * 9000,
]


def make_by_hand(folder, name, rows, version=2):
    os.makedirs(os.path.join(folder, "devices", name))
    con = sqlite3.connect(support.log_path(folder, name), isolation_level=None)
    con.execute("PRAGMA application_id = %d" % oracle.APPLICATION_ID)
    con.execute("PRAGMA user_version = %d" % version)
    con.execute(oracle.SCHEMA["device"])
    con.execute(oracle.SCHEMA["log"])
    log_id = bytes(range(16))
    total = oracle.base_sum(name, log_id)
    con.execute("INSERT INTO device VALUES(?, ?, '', ?, 0, ?, NULL, NULL, NULL, 0, "
                "'xxh3-64')",
                (name, log_id, support.NOW, total))
    for row in rows:
        total = oracle.row_sum(total, oracle.Row(name, *row, None))
        con.execute("INSERT INTO log VALUES(?,?,?,?,?,?,?,?,?)", (*row, total))
    con.close()


def main(folder):
    now = support.NOW
    laptop = support.open_store(support.connect(), folder, "laptop", "now=%d" % now)
    for i, v in enumerate(VALUES):
        laptop.execute("INSERT INTO kv VALUES('value ' || ?, ?)", (i, v))
    laptop.execute("BEGIN")
    for i, v in enumerate(VALUES[1:]):
        laptop.execute("INSERT INTO kv VALUES(?, ?)", (v, "key %d" % i))
    laptop.execute("COMMIT")
    laptop.execute("INSERT INTO kv VALUES(CAST(x'61ff00fe' AS TEXT), "
                   "CAST(x'eda080' AS TEXT))")

    phone = support.open_store(support.connect(), folder, "phone",
                               "now=%d" % (now + 60 * support.SECOND))
    phone.execute("BEGIN")
    phone.execute("INSERT INTO kv VALUES('value 4', 'phone'), ('phone', 1)")
    phone.execute("DELETE FROM kv WHERE key = 'value 5'")
    phone.execute("UPDATE kv SET key = 'renamed' WHERE key = 'value 20'")
    phone.execute("COMMIT")
    support.sync(laptop)
    laptop.execute("UPDATE kv SET value = value || ' and laptop' WHERE key = 'value 4'")
    laptop.execute("DELETE FROM kv WHERE key = 'phone'")
    support.sync(phone)
    phone.execute("INSERT INTO kv VALUES('value 5', 'again')")

    make_by_hand(folder, "tablet", [
        (1, 2, now + 1, None, 1, "", "value 4", "earlier"),
        (2, 2, now + 1, None, 1, "settings", "color", "green"),
        (3, 3, now + 2, now + 1, 0, "settings", "color", None),
        (4, 4, 2**53, None, 1, "", "ahead", "of all clocks"),
        (5, 5, now + 3, -1, 2, "phone", bytes(16), 7),
        (6, 6, now + 3, -1, 3, "watch", bytes(16), 7),
    ])
    make_by_hand(folder, "watch", [(1, 1, now, None, 1, "", "watch", 1)], 3)
    make_by_hand(folder, "old", [(1, 1, now, None, 1, "", "old", 1)], 1)
    for name in ("laptop", "phone"):
        support.edit(support.log_path(folder, name), "UPDATE device SET host = ''")


if __name__ == "__main__":
    main(sys.argv[1])
