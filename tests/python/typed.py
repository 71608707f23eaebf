"""The model of typed tables (tests/tables/model.py) beside the module: the rows of a
cache as the model has them, and what a table has to show.
"""

import json
import os
import sys

import support

sys.path.insert(0, os.path.join(support.HERE, "..", "tables"))

import model  # noqa: E402


def elements(values):
    return [model.encode_scalar(v) for v in values]


def cell(v):
    """A cell of a record, from its JSON."""
    if not isinstance(v, dict):
        return "set", v
    if "blob" in v:
        return "set", bytes.fromhex(v["blob"])
    if "text" in v:
        return "set", bytes.fromhex(v["text"]).decode()
    if "set" in v:
        return "set", frozenset(elements(v["set"]))
    if "array" in v:
        return "set", tuple(elements(v["array"]))
    if "push" in v:
        return "push", tuple(elements(v["push"]))
    if "put" in v or "cut" in v:
        return ("elem", frozenset(elements(v.get("put", []))),
                frozenset(elements(v.get("cut", []))))
    (kind, n), = v.items()
    return kind, n


def rows(con, bucket, name="kv"):
    """{key: [model.Row]} of a bucket in the cache, outside a transaction."""
    ids = dict(con.execute("SELECT device, id FROM %s_cursor" % name))
    seen = con.execute("SELECT device, seq, peer, peer_id, peer_seq FROM %s_seen "
                       "ORDER BY device, seq" % name).fetchall()
    out = {}
    for device, seq, ts, op, key, value in con.execute(
            "SELECT device, seq, ts, op, key, value FROM kv_log(?) WHERE bucket = ?",
            (name, bucket)):
        had = {}
        for d, s, peer, peer_id, peer_seq in seen:
            if d == device and s < seq:
                had[peer] = peer_id[:8], peer_seq
        record = json.loads(value) if op == "set" else {}
        row = model.Row(device, ids[device][:8], ts, int(op == "set"), key,
                        {c: 1 if c == "" else cell(v) for c, v in record.items()}, had)
        row.seq = seq
        out.setdefault(key, []).append(row)
    return out


def shown(value):
    """A value of the model as a column shows it."""
    if isinstance(value, (frozenset, tuple)):
        return model.encode_list(value)
    return value


def fold(con, bucket, deletes="later", name="kv", as_of=None):
    """{key: {column: value}} of the rows that exist, or existed at a time."""
    out = {}
    for key, log_rows in rows(con, bucket, name).items():
        log_rows = [r for r in log_rows if as_of is None or r.ts <= as_of]
        exists, columns = model.fold(log_rows, deletes)
        if exists:
            out[key] = {c: shown(v) for c, v in columns.items()}
    return out
