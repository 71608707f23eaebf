"""Typed tables with SQLAlchemy and Alembic: python3 python_sqlalchemy_typed.py,
beside kv.so.

The models are as for any table. What is not: a migration creates the table with
kv_table(), and changes it with kv_alter(); create_all() would make an ordinary
one. The ORM makes the key before the INSERT.
"""
import sqlite3

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.orm import Session, declarative_base, relationship

Base = declarative_base()


class Typed(Base):
    __abstract__ = True
    # SQLAlchemy 2 would ask with RETURNING for what the database fills in, and
    # RETURNING has NULL for a default.
    __table_args__ = {"info": {"typed": True}, "implicit_returning": False}
    # Not left to the table: the ORM has to know the key.
    id = sa.Column(sa.Text, primary_key=True, default=sa.func.kv_uuid())


class Account(Typed):
    __tablename__ = "accounts"
    name = sa.Column(sa.Text, nullable=False)
    city = sa.Column(sa.Text)
    balance = sa.Column(sa.Integer, nullable=False, default=0)
    # Deletes the payments first: the foreign key of a typed table restricts.
    payments = relationship("Payment", back_populates="account",
                            cascade="all, delete-orphan")


class Payment(Typed):
    __tablename__ = "payments"
    account_id = sa.Column(sa.ForeignKey(Account.id), nullable=False)
    amount = sa.Column(sa.Integer, nullable=False)
    account = relationship(Account, back_populates="payments")


class Photo(Base):
    """An ordinary table, of this device alone."""
    __tablename__ = "photos"
    file = sa.Column(sa.Text, primary_key=True)
    # No ForeignKey to a typed table in the database: the ORM joins without.
    account_id = sa.Column(sa.Text)
    account = relationship(
        Account, primaryjoin=sa.orm.foreign(account_id) == Account.id)


def upgrade_1(op, device):
    op.execute("CREATE VIRTUAL TABLE kv USING kv('bank.kv', device='%s')" % device)
    op.execute("""CREATE VIRTUAL TABLE accounts USING kv_table(
        id TEXT PRIMARY KEY DEFAULT (kv_uuid()), name TEXT NOT NULL,
        balance INTEGER NOT NULL DEFAULT 0, MERGE (balance counter))""")
    op.execute("""CREATE VIRTUAL TABLE payments USING kv_table(
        id TEXT PRIMARY KEY DEFAULT (kv_uuid()),
        account_id TEXT NOT NULL REFERENCES accounts(id),
        amount INTEGER NOT NULL, INDEX (account_id))""")
    op.create_table("photos", sa.Column("file", sa.Text, primary_key=True),
                    sa.Column("account_id", sa.Text))


def upgrade_2(op):
    op.execute("SELECT kv_alter('accounts', 'ADD COLUMN city TEXT')")


def engine(device):
    made = sa.create_engine("sqlite:///%s.db" % device)

    @sa.event.listens_for(made, "connect")
    def load(con, record):
        con.enable_load_extension(True)
        con.load_extension("./kv")
        con.enable_load_extension(False)

    return made


def migrate(engine, upgrade, *args):
    with engine.begin() as con:
        upgrade(Operations(MigrationContext.configure(con)), *args)


def differences(con):
    """What `alembic revision --autogenerate` would write."""
    ours = {name for name, kind in con.execute(sa.text(
        "SELECT name, type FROM pragma_table_list"))
        if kind in ("virtual", "shadow")}

    def include_object(item, name, type_, reflected, compare_to):
        return type_ != "table" or not (name in ours or item.info.get("typed"))

    context = MigrationContext.configure(
        con, opts={"include_object": include_object})
    return compare_metadata(context, Base.metadata)


def sync(session):
    session.commit()
    return session.execute(sa.text("SELECT kv_sync()")).scalar()


print("SQLite", sqlite3.sqlite_version)
laptop, phone = engine("laptop"), engine("phone")
migrate(laptop, upgrade_1, "laptop")
migrate(phone, upgrade_1, "phone")
migrate(laptop, upgrade_2)
migrate(phone, upgrade_2)
with laptop.connect() as con:
    assert differences(con) == []

with Session(laptop) as on_laptop, Session(phone) as on_phone:
    ann = Account(name="Ann", balance=10, payments=[Payment(amount=10)])
    on_laptop.add(ann)
    sync(on_laptop)
    sync(on_phone)

    # Both change the row before they hear of each other. The expression counts
    # from what the row has by then; `same.balance -= 3` would write what Python
    # knows less 3, also if a sync has changed the row since.
    same = on_phone.get(Account, ann.id)
    same.name = "Anna"
    same.balance = Account.balance - 3
    same.payments.append(Payment(amount=-3))
    sync(on_phone)
    ann.city = "Oslo"
    ann.balance = Account.balance + 5
    sync(on_laptop)
    sync(on_phone)
    for account in ann, same:
        assert (account.name, account.city, account.balance) == ("Anna", "Oslo", 12)
        assert sorted(p.amount for p in account.payments) == [-3, 10]

    # Instead of on_conflict_do_update(), which virtual tables do not have:
    # merge(), which reads and then writes the columns that differ; and instead
    # of on_conflict_do_nothing():
    on_laptop.merge(Account(id=ann.id, city="Oslo"))
    ignored = on_laptop.execute(sa.insert(Account).prefix_with("OR IGNORE").values(
        id=ann.id, name="nobody"))
    assert ignored.rowcount == 0

    on_laptop.add(Photo(file="ann.png", account=ann))
    with on_laptop.begin_nested() as savepoint:
        on_laptop.add(Account(name="nobody"))
        on_laptop.flush()
        savepoint.rollback()
    on_laptop.commit()
    assert on_laptop.execute(
        sa.select(Photo.file, Account.name).join(Photo.account)).all() == [
            ("ann.png", "Anna")]
    assert on_laptop.query(Account).count() == 1
