"""A device that exists twice: how that is noticed, and the ways out of it."""

import sqlite3

import oracle
from oracle import tag
from support import GONE, open_store


def is_refusal(e):
    """Is this the error that tells a twin how it may write again?"""
    return isinstance(e, sqlite3.Error) and "adopt" in str(e)


def try_to_write(con, key, value):
    """True if it was written, False if it was refused as a twin's."""
    try:
        con.execute("INSERT INTO kv VALUES(?, ?)", (key, value))
        return True
    except sqlite3.Error as e:
        if not is_refusal(e):
            raise
        return False


def take_name(con, folder, name, options):
    """Another name: what the folder does not have is written there."""
    open_store(con, folder, name, options, "two")
    con.execute("INSERT INTO two VALUES('a way', 'out')")


def adopt(con, folder, name):
    con.execute("SELECT kv_open(?, ?, 'adopt=1')", (folder, name))
    con.execute("INSERT INTO kv VALUES('a way', 'out')")


def is_kept(before, path):
    """Is a log that was there still there to the byte, but for rows behind it?"""
    log = oracle.read_log(path, 9)
    return (log.id, log.rows[:len(before.rows)]) == (before.id, before.rows)


def written(transactions):
    """Keys and values of transactions {key: value}."""
    return {(k, v) for t in transactions for k, v in t.items() if v is not GONE}


def visible(logs):
    """Those that the logs have."""
    return {(tag(r.key), tag(r.value)) for log in logs for r in log.rows if r.op == oracle.SET}



def last_times(*histories):
    """When each key was written last, by rows as kv_log() gives them."""
    out = {}
    for r in (r for rows in histories for r in rows):
        out[r[7]] = max(r[3], out.get(r[7], 0))
    return out
