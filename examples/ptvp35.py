#!/usr/bin/env python3
"""Exchange with ptvp35, whose files have one JSON object a line:

    {"key": "title", "value": "Hello"}

    ptvp35.py import OLD.db NOTES.kv DEVICE          the latest value of each key
    ptvp35.py import --log OLD.db NOTES.kv DEVICE    all changes, in order
    ptvp35.py export NOTES.kv NEW.db                 the latest value of each key
    ptvp35.py export --log NOTES.kv NEW.db           all changes that set a key

A transaction keeps one change of a key, so with --log the lines are written in
as many transactions as that takes; without it, in one.

KV is the path of the module, ./kv unless set, as in KV=build/kv. It needs only
Python's standard library, whose json module defines the format.

What JSON has and SQLite does not (true, false, NaN, integers over 64 bits,
arrays, objects, half surrogates) is kept as its JSON text; a string that looks
like such a text is kept with its quotes. So each line comes back as it was. A
key that ptvp35 takes for another one (1, 1.0 and true) has its first spelling.
All NaN of a file are one key, as they are to Python when it reads one.

A file that its program left in the middle of a write is read as ptvp35 would
recover it. The files of ptvp35 are never written.
"""
import json
import os
import re
import sqlite3
import sys

BIG = re.compile(r"-?[1-9][0-9]{18,}$")
FIRST_OF_EACH_KEY = """
    SELECT kv.key, kv.value FROM (
      SELECT key, ts, device, seq, row_number() OVER (
        PARTITION BY key ORDER BY ts, device, seq) AS n FROM kv_log
    ) AS first JOIN kv ON kv.key = first.key
    WHERE first.n = 1 ORDER BY first.ts, first.device, first.seq"""
CHANGES = """
    SELECT key, value FROM kv_log WHERE op = 'set' ORDER BY ts, device, seq"""


def is_json(text, is_key):
    """Should a text of kv be read as JSON?"""
    if (text[:1] in ("[", "{", '"') or text in ("true", "false", "NaN")
            or (is_key and text == "null")
            or (BIG.match(text) and (len(text) > 20 or not -2**63 <= int(text) < 2**63))):
        try:
            return json.dumps(json.loads(text)) == text
        except (ValueError, RecursionError):  # not JSON to Python
            pass
    return False


def to_sql(value, is_key=False):
    if value is None:
        return "null" if is_key else None  # a key of kv is never NULL
    if isinstance(value, float) and value == value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -2**63 <= value < 2**63 else json.dumps(value)
    if isinstance(value, str) and not is_json(value, is_key):
        try:
            value.encode()
            return value
        except UnicodeEncodeError:  # half a surrogate
            pass
    return json.dumps(value)


def to_json(value, is_key=False):
    if isinstance(value, bytes):
        sys.exit("there is a blob, which ptvp35 does not have")
    if isinstance(value, str) and is_json(value, is_key):
        return value
    return json.dumps(value)


def hashable(key):
    """A key as ptvp35 compares it."""
    if isinstance(key, list):
        return tuple(map(hashable, key))
    if isinstance(key, dict):
        raise ValueError("an object is a key, which ptvp35 does not have")
    return key


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


def recovered(path):
    """The bytes that ptvp35 would continue with."""
    if os.path.exists(path + ".recover"):  # while it rewrote the file
        return read(path + ".backup")
    if not os.path.exists(path) and not os.path.exists(path + ".backup"):
        sys.exit("there is no file %s" % path)
    data = read(path)
    if os.path.exists(path + ".truncate_flag"):  # while it added lines
        n = int.from_bytes(read(path + ".truncate"), "little")
        for cut in (data[:n] if n <= len(data) else b"x",
                    data.decode("utf-8", "ignore")[:n].encode()):
            if not cut or cut.endswith(b"\n"):  # bytes, or else characters
                return cut
        sys.exit("%s.truncate: %d is the end of no line" % (path, n))
    return data


def changes(path):
    """The lines of a file, with the first spelling of each key."""
    spelling = {}
    for number, line in enumerate(recovered(path).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict) or list(row) != ["key", "value"]:
                raise ValueError("not a key and a value")
            key = spelling.setdefault(hashable(row["key"]), row["key"])
        except RecursionError:
            sys.exit("%s, line %d: too many brackets" % (path, number))
        except ValueError as error:
            sys.exit("%s, line %d: %s" % (path, number, error))
        yield to_sql(key, True), to_sql(row["value"])


def connect():
    con = sqlite3.connect(":memory:", isolation_level=None)
    module = os.environ.get("KV", "./kv")
    try:
        con.enable_load_extension(True)
        con.load_extension(module)
    except AttributeError:
        sys.exit("this Python loads no extensions of SQLite: try another one")
    except sqlite3.Error as error:
        sys.exit("%s: set KV to the path of the module" % error)
    return con


def latest(rows):
    """The last row of each key, in the place of its first."""
    return [list(dict(rows).items())]


def runs(rows):
    """The rows, split where a key occurs again."""
    run = {}
    for key, value in rows:
        if key in run:
            yield list(run.items())
            run = {}
        run[key] = value
    yield list(run.items())


def import_file(old, store, device, split):
    transactions = list(split(changes(old)))  # an error writes nothing
    con = connect()
    con.execute("SELECT kv_open(?, ?)", (store, device))
    for rows in transactions:
        con.execute("BEGIN")
        con.executemany("INSERT INTO kv VALUES(?, ?)", rows)
        con.execute("COMMIT")
    con.close()


def export_file(store, new, sql):
    if not os.path.isdir(store):
        sys.exit("there is no folder %s" % store)
    con = connect()
    con.execute("SELECT kv_open(?)", (store,))  # an observer
    part = new + ".tmp"
    if os.path.exists(part):
        sys.exit("%s is left of an export that was cut off: remove it" % part)
    try:
        with open(part, "x", newline="\n") as f:
            for key, value in con.execute(sql):
                f.write('{"key": %s, "value": %s}\n'
                        % (to_json(key, True), to_json(value)))
            f.flush()
            os.fsync(f.fileno())
        os.replace(part, new)
    finally:
        if os.path.exists(part):
            os.remove(part)
        con.close()


def main(arguments):
    if arguments[:2] == ["import", "--log"] and len(arguments) == 5:
        import_file(*arguments[2:], runs)
    elif arguments[:1] == ["import"] and len(arguments) == 4:
        import_file(*arguments[1:], latest)
    elif arguments[:2] == ["export", "--log"] and len(arguments) == 4:
        export_file(*arguments[2:], CHANGES)
    elif arguments[:1] == ["export"] and len(arguments) == 3:
        export_file(*arguments[1:], FIRST_OF_EACH_KEY)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (OSError, ValueError, sqlite3.Error) as error:
        sys.exit("ptvp35.py: %s" % error)
