"""Sealed files of a log, made with stock SQLite."""

import os
import shutil
import sqlite3

import oracle
from support import log_path


def seal(folder, device, last=None):
    """Seal the log of a device: all of log.db, or its rows up to `last`. Returns
    the path of the sealed file."""
    path = log_path(folder, device)
    log = oracle._read_file(path)
    rows = [r for r in log.rows if last is None or r.seq <= last]
    sealed = os.path.join(os.path.dirname(path), oracle.segment_name(log.id, rows[-1].seq))
    shutil.copyfile(path, sealed)
    con = sqlite3.connect(sealed, isolation_level=None)
    con.execute("DELETE FROM log WHERE seq > ?", (rows[-1].seq,))
    con.close()
    con = sqlite3.connect(path, isolation_level=None)
    con.execute("BEGIN")
    con.execute("DELETE FROM log WHERE seq <= ?", (rows[-1].seq,))
    con.execute("UPDATE device SET base_seq = ?, base_sum = ?", (rows[-1].seq, rows[-1].sum))
    con.execute("COMMIT")
    con.close()
    return sealed
