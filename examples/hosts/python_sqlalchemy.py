"""SQLAlchemy: python3 python_sqlalchemy.py, beside kv.so.

Each connection of the pool loads the extension when it is made. They share one
cache in app.db, so a pool of any size is fine. With kv_open() and `sqlite://`
each connection would have a cache of its own: use StaticPool there.
"""
import sqlite3

import sqlalchemy as sa
from sqlalchemy.orm import Session, declarative_base

Base = declarative_base()


class Note(Base):
    __tablename__ = "kv"
    # NullType hands values over as they are, so that they keep their types.
    key = sa.Column(sa.Text, primary_key=True)
    value = sa.Column(sa.types.NullType)


def engine(file, device):
    made = sa.create_engine("sqlite:///" + file)

    @sa.event.listens_for(made, "connect")
    def load(con, record):
        con.enable_load_extension(True)
        con.load_extension("./kv")
        con.enable_load_extension(False)
        con.execute("CREATE VIRTUAL TABLE IF NOT EXISTS kv "
                    "USING kv('notes.kv', device='%s')" % device)

    return made


def sync(session):
    session.commit()  # kv_sync() is refused after a write
    return session.execute(sa.text("SELECT kv_sync()")).scalar()


print("SQLite", sqlite3.sqlite_version)
laptop, phone = engine("app.db", "laptop"), engine("phone.db", "phone")
with Session(laptop) as on_laptop, Session(phone) as on_phone:
    on_laptop.add_all([Note(key="title", value="Hello"),
                       Note(key="stars", value=5)])
    sync(on_laptop)

    sync(on_phone)
    on_phone.get(Note, "stars").value += 1
    # Not on_conflict_do_update(): `UPSERT not implemented for virtual table`.
    # A plain INSERT replaces the key, so it is not needed.
    sync(on_phone)

    assert sync(on_laptop) == 1
    assert on_laptop.get(Note, "stars").value == 6
    history = on_laptop.execute(sa.text(
        "SELECT device, op, key, value FROM kv_log "
        "ORDER BY ts, device, seq")).fetchall()
    for change in history:
        print(*change)
    assert history == [("laptop", "set", "title", "Hello"),
                       ("laptop", "set", "stars", 5),
                       ("phone", "set", "stars", 6)]

# reflect() finds the tables of the cache, too: leave out what SQLite calls a
# shadow.
with laptop.connect() as con:
    shadows = {name for name, kind in con.execute(sa.text(
        "SELECT name, type FROM pragma_table_list")) if kind == "shadow"}
    found = sa.MetaData()
    found.reflect(con, only=lambda name, meta: name not in shadows)
    assert "kv_cache" in shadows and list(found.tables) == ["kv"]
