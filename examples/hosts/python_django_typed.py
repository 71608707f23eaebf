"""Typed tables with Django: python3 python_django_typed.py, beside kv.so.

The models are unmanaged, and migrations create and change their tables by SQL.
In a project Bank is in apps.py, the models in models.py, and each Migration in a
file of its own.
"""
import sqlite3
import uuid

import django
from django.apps import AppConfig
from django.conf import settings
from django.db import connections, migrations, models, transaction
from django.db.backends.signals import connection_created
from django.db.migrations.state import ProjectState

SQLITE = "django.db.backends.sqlite3"


def load(connection, **kwargs):
    con = connection.connection
    con.enable_load_extension(True)
    con.load_extension("./kv")
    con.enable_load_extension(False)


class Bank(AppConfig):
    name = "__main__"
    label = "bank"

    def ready(self):
        connection_created.connect(load)


settings.configure(
    INSTALLED_APPS=["__main__.Bank"],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={"default": {"ENGINE": SQLITE, "NAME": "laptop.db"},
               "phone": {"ENGINE": SQLITE, "NAME": "phone.db"}})
django.setup()


def new_id():
    """A UUIDField would do, too. It stores 32 digits without hyphens, though,
    which are another key than the text of kv_uuid()."""
    return str(uuid.uuid4())


class Account(models.Model):
    id = models.TextField(primary_key=True, default=new_id)
    name = models.TextField()
    city = models.TextField(null=True)
    balance = models.IntegerField(default=0)

    class Meta:
        app_label = "bank"
        db_table = "accounts"
        managed = False


class Payment(models.Model):
    id = models.TextField(primary_key=True, default=new_id)
    # delete() of an account deletes its payments first, as it has to: the foreign
    # key of a typed table restricts.
    account = models.ForeignKey(Account, models.CASCADE, related_name="payments")
    amount = models.IntegerField()

    class Meta:
        app_label = "bank"
        db_table = "payments"
        managed = False


class Photo(models.Model):
    """An ordinary table, of this device alone."""
    file = models.TextField(primary_key=True)
    # With a constraint an INSERT would fail: `database disk image is malformed`.
    account = models.ForeignKey(Account, models.CASCADE, db_constraint=False)

    class Meta:
        app_label = "bank"


class Migration1(migrations.Migration):
    operations = [
        # The device comes from the settings.
        migrations.RunPython(lambda apps, editor: editor.execute(
            "CREATE VIRTUAL TABLE kv USING kv('bank.kv', device='%s')"
            % editor.connection.settings_dict["NAME"][:-3])),
        migrations.RunSQL(["""CREATE VIRTUAL TABLE accounts USING kv_table(
            id TEXT PRIMARY KEY DEFAULT (kv_uuid()), name TEXT NOT NULL,
            balance INTEGER NOT NULL DEFAULT 0, MERGE (balance counter))""",
            """CREATE VIRTUAL TABLE payments USING kv_table(
            id TEXT PRIMARY KEY DEFAULT (kv_uuid()),
            account_id TEXT NOT NULL REFERENCES accounts(id),
            amount INTEGER NOT NULL, INDEX (account_id))"""]),
        # makemigrations writes CreateModel of unmanaged models, too: they are for
        # Photo to refer to, and create nothing.
        migrations.CreateModel("Account", [
            ("id", models.TextField(primary_key=True, default=new_id))],
            {"db_table": "accounts", "managed": False}),
        migrations.CreateModel("Photo", [
            ("file", models.TextField(primary_key=True)),
            ("account", models.ForeignKey("bank.Account", models.CASCADE,
                                          db_constraint=False))])]


class Migration2(migrations.Migration):
    operations = [migrations.RunSQL(
        ["SELECT kv_alter('accounts', 'ADD COLUMN city TEXT')"],
        ["SELECT kv_alter('accounts', 'DROP COLUMN city')"])]


def migrate(using):
    state = ProjectState()
    for migration in Migration1("0001", "bank"), Migration2("0002", "bank"):
        with connections[using].schema_editor() as editor:
            state = migration.apply(state, editor)


def sync(using):
    with connections[using].cursor() as cursor:
        return cursor.execute("SELECT kv_sync()").fetchone()[0]


print("SQLite", sqlite3.sqlite_version)
migrate("default")
migrate("phone")
with transaction.atomic():
    ann = Account.objects.create(name="Ann", balance=10)
    ann.payments.create(amount=10)
sync("phone")

# Both change the row before they hear of each other. save() alone would write all
# fields, also those that a sync has brought since this object was read. F()
# counts from what the row has by then.
same = Account.objects.using("phone").get(name="Ann")
with transaction.atomic("phone"):
    same.name = "Anna"
    same.balance = models.F("balance") - 3
    same.save(update_fields=["name", "balance"])
    same.payments.create(amount=-3)
ann.city = "Oslo"
ann.balance = models.F("balance") + 5
ann.save(update_fields=["city", "balance"])
sync("default")
sync("phone")
for account in ann, same:
    account.refresh_from_db()
    assert (account.name, account.city, account.balance) == ("Anna", "Oslo", 12)
    assert sorted(account.payments.values_list("amount", flat=True)) == [-3, 10]

# update_or_create() reads and writes. bulk_create() takes ignore_conflicts, and
# not update_conflicts, which is ON CONFLICT.
Account.objects.update_or_create(id=ann.id, defaults={"city": "Oslo"})
Account.objects.bulk_create([Account(id=ann.id, name="nobody")],
                            ignore_conflicts=True)
Photo.objects.create(file="ann.png", account=ann)
with transaction.atomic():
    try:
        with transaction.atomic():
            Account.objects.create(name="nobody")
            raise ValueError
    except ValueError:
        pass
assert Photo.objects.get(account__name="Anna").file == "ann.png"
assert Account.objects.count() == 1
