"""Django: python3 python_django.py, beside kv.so.

In a project load() goes into the ready() of an AppConfig, and Note into
models.py. `managed = False` keeps kv out of migrations. `inspectdb` would make
models of the tables of the cache, too: name the ones that you want.
"""
import io
import sqlite3

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections, models, transaction
from django.db.backends.signals import connection_created

SQLITE = "django.db.backends.sqlite3"
settings.configure(
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={"default": {"ENGINE": SQLITE, "NAME": "app.db"},
               "phone": {"ENGINE": SQLITE, "NAME": "phone.db"}})
django.setup()


def load(connection, **kwargs):
    device = "laptop" if connection.alias == "default" else connection.alias
    con = connection.connection
    con.enable_load_extension(True)
    con.load_extension("./kv")
    con.enable_load_extension(False)
    con.execute("CREATE VIRTUAL TABLE IF NOT EXISTS kv "
                "USING kv('notes.kv', device='%s')" % device)


connection_created.connect(load)


class AnyField(models.Field):
    """A value of any type: a TextField would make text of the number 5."""

    def db_type(self, connection):
        return ""


class Note(models.Model):
    key = models.TextField(primary_key=True)
    value = AnyField(null=True)

    class Meta:
        app_label = "notes"
        db_table = "kv"
        managed = False


def query(sql, using="default"):
    with connections[using].cursor() as cursor:
        return cursor.execute(sql).fetchall()


print("SQLite", sqlite3.sqlite_version)
# Outside atomic() each statement commits at once.
with transaction.atomic():
    # create() of a key that exists replaces it, without an IntegrityError.
    Note.objects.create(key="title", value="Hello")
    Note.objects.create(key="stars", value=5)

query("SELECT kv_sync()", "phone")
Note.objects.using("phone").filter(key="stars").update(
    value=models.F("value") + 1)

# kv_sync() is refused inside an atomic() that has written.
assert query("SELECT kv_sync()") == [(1,)]
assert Note.objects.get(key="stars").value == 6
history = query("SELECT device, op, key, value FROM kv_log "
                "ORDER BY ts, device, seq")
for change in history:
    print(*change)
assert history == [("laptop", "set", "title", "Hello"),
                   ("laptop", "set", "stars", 5),
                   ("phone", "set", "stars", 6)]

found = io.StringIO()
call_command("inspectdb", "kv", stdout=found)
assert found.getvalue().count("class ") == 2  # the model and its Meta
