"""The parts of SQLite's C interface that Python's sqlite3 lacks."""

import ctypes
import ctypes.util

LIB = ctypes.CDLL(ctypes.util.find_library("sqlite3") or "libsqlite3.so.0")

# https://www.sqlite.org/c3ref/c_dbconfig_defensive.html
CONFIG = {
    "fkey": 1002, "trigger": 1003, "no_ckpt_on_close": 1006, "qpsg": 1007,
    "trigger_eqp": 1008, "defensive": 1010, "writable_schema": 1011,
    "legacy_alter_table": 1012, "dqs_dml": 1013, "dqs_ddl": 1014, "view": 1015,
    "legacy_file_format": 1016, "trusted_schema": 1017, "comments": 1022,
}


def handle(con):
    """The sqlite3* of a connection: the first member of CPython's object."""
    at = id(con) + object.__basicsize__
    return ctypes.c_void_p(ctypes.c_void_p.from_address(at).value)


def works(con):
    """Is it? SQLite's library may not be the one that Python uses."""
    LIB.sqlite3_total_changes.argtypes = [ctypes.c_void_p]
    LIB.sqlite3_libversion.restype = ctypes.c_char_p
    import sqlite3
    return LIB.sqlite3_libversion().decode() == sqlite3.sqlite_version


def config(con, name, value=-1):
    """Set a switch of sqlite3_db_config() (-1: do not change it); returns its
    value."""
    out = ctypes.c_int(-1)
    LIB.sqlite3_db_config(handle(con), ctypes.c_int(CONFIG[name]), ctypes.c_int(value),
                          ctypes.byref(out))
    return out.value
