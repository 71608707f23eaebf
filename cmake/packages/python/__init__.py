"""sqlite-kv: a key-value store for many devices and one shared folder.

    import sqlite3
    import sqlite_kv

    con = sqlite3.connect(":memory:")
    sqlite_kv.load(con)
    con.execute("SELECT kv_open('notes.kv', 'laptop')")

    con.execute("INSERT INTO kv VALUES (?, ?)", ("title", "Hello"))
    con.commit()                        # writes to the folder
    con.execute("SELECT kv_sync()")     # merges what other devices wrote
    con.execute("SELECT key, value FROM kv").fetchall()

notes.kv is the folder that the devices share; Syncthing, Dropbox, rsync or a
network drive carries its files.

Some builds of Python cannot load SQLite extensions, those of pyenv and of macOS
among them. load() says so.
"""

import os
import sqlite3
from importlib.metadata import version

__all__ = ["load", "loadable_path"]
__version__ = version("sqlite-kv")


def loadable_path() -> str:
    """The path of the extension without its suffix, as SQLite takes it.

    For libraries that load extensions themselves, such as apsw, SQLAlchemy and
    Django, and for `.load` in the sqlite3 shell.
    """
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "kv")


def load(connection: sqlite3.Connection) -> None:
    """Give a connection the tables and functions of sqlite-kv.

    Afterwards, the connection loads no other extension until it is told to.
    Doing it twice is harmless. Raises sqlite3.NotSupportedError if this Python
    cannot load extensions, sqlite3.OperationalError if SQLite refuses it.
    """
    if not hasattr(connection, "enable_load_extension"):
        raise sqlite3.NotSupportedError(
            "this Python is built without loading of SQLite extensions: use "
            "another one, such as /usr/bin/python3, or apsw")
    connection.enable_load_extension(True)
    try:
        connection.load_extension(loadable_path())
    finally:
        connection.enable_load_extension(False)
