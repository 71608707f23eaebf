"""Alembic with SQLAlchemy: python3 python_alembic.py, beside kv.so.

The migration creates the store. Autogenerate compares the models with what is
in the database, and would drop the tables of the cache, since no model has
them: include_name, in env.py, leaves them out.
"""
import sqlite3

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations

models = sa.MetaData()
sa.Table("bookmark", models, sa.Column("id", sa.Integer, primary_key=True))


def upgrade(op, device):
    op.create_table("bookmark", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("CREATE VIRTUAL TABLE kv "
               "USING kv('notes.kv', device='%s')" % device)


def engine(file, device):
    made = sa.create_engine("sqlite:///" + file)

    @sa.event.listens_for(made, "connect")
    def load(con, record):
        con.enable_load_extension(True)
        con.load_extension("./kv")
        con.enable_load_extension(False)

    with made.begin() as con:
        upgrade(Operations(MigrationContext.configure(con)), device)
    return made


def differences(con):
    shadows = {name for name, kind in con.execute(sa.text(
        "SELECT name, type FROM pragma_table_list")) if kind == "shadow"}

    def include_name(name, type_, parents):
        return type_ != "table" or name != "kv" and name not in shadows

    context = MigrationContext.configure(
        con, opts={"include_name": include_name})
    return compare_metadata(context, models)


def query(engine, sql, rows=None):
    with engine.begin() as con:
        found = con.execute(sa.text(sql), rows or {})
        return [tuple(row) for row in found] if found.returns_rows else []


print("SQLite", sqlite3.sqlite_version)
laptop = engine("app.db", "laptop")
query(laptop, "INSERT INTO kv VALUES (:key, :value)", [
    {"key": "title", "value": "Hello"}, {"key": "stars", "value": 5}])
with laptop.connect() as con:
    assert differences(con) == []

phone = engine("phone.db", "phone")
query(phone, "SELECT kv_sync()")
query(phone, "UPDATE kv SET value = value + 1 WHERE key = 'stars'")

assert query(laptop, "SELECT kv_sync()") == [(1,)]
history = query(laptop, "SELECT device, op, key, value FROM kv_log "
                        "ORDER BY ts, device, seq")
for change in history:
    print(*change)
assert history == [("laptop", "set", "title", "Hello"),
                   ("laptop", "set", "stars", 5),
                   ("phone", "set", "stars", 6)]
