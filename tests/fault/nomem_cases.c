/*
** Statements for test_nomem_statements. See nomem_cases.h.
*/
#include "fault/nomem_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "folder/folder.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/plists.h"

static const char open_laptop[] =
  "SELECT kv_open('n.kv', 'laptop', 'now=2026-11-01')";
static const char create_laptop[] =
  "CREATE VIRTUAL TABLE kv USING kv('n.kv', device='laptop', "
  "now='2026-11-01')";

/* --- How cases begin --------------------------------------------------- */

/* Phone writes more. */
static void phone_writes(sqlite3 *db) {
  test_log log;

  (void)db;
  test_log_open(&log, PHONE);
  test_log_set(&log, TEST_NOW + 5, "p", "new", 1);
  test_log_set(&log, TEST_NOW + 5, "more", NULL, 0);
  test_log_end(&log);
}

/* Bytes between two checks for an interrupt. */
#define MUCH 1100000

static void phone_writes_much(sqlite3 *db) {
  size_t n = MUCH;
  char *value = sqlite3_malloc((int)n + 1);
  test_log log;

  (void)db;
  memset(value, 'x', n);
  value[n] = '\0';
  test_log_open(&log, PHONE);
  test_log_set(&log, TEST_NOW + 5, "large", value, 0);
  test_log_end(&log);
  sqlite3_free(value);
}

/* Phone starts another log. */
static void phone_starts_over(sqlite3 *db) {
  test_log log;

  (void)db;
  test_remove(PHONE);
  test_log_begin(&log, PHONE, "phone", 2);
  test_log_set(&log, TEST_NOW, "other", "1", 0);
  test_log_end(&log);
}

static void phone_is_damaged(sqlite3 *db) {
  (void)db;
  test_log_break(PHONE, "UPDATE log SET value = 'x'");
}

static void phone_is_gone(sqlite3 *db) {
  (void)db;
  test_remove(PHONE);
}

static void another_process_writes(sqlite3 *db) {
  sqlite3 *other = test_connect(":memory:");

  (void)db;
  test_run(other, "%s", open_laptop);
  test_run(other, "INSERT INTO kv VALUES('theirs', 1), ('a', 'theirs')");
  test_disconnect(other);
}

/* The own log is an older copy. */
static void own_log_lost_rows(sqlite3 *db) {
  (void)db;
  test_copy("start.log", LAPTOP);
}

static void own_log_is_damaged(sqlite3 *db) {
  (void)db;
  test_log_break(LAPTOP, "UPDATE log SET value = 'x' WHERE seq = 1");
}

static void another_machine_writes(sqlite3 *db) {
  (void)db;
  test_log_break(LAPTOP, "UPDATE device SET host = '0123456789abcdef'");
}

static void folder_is_away(sqlite3 *db) {
  (void)db;
  test_move("n.kv", "away.kv");
}

void nomem_folder_back(void) {
  if (test_exists("away.kv")) test_move("away.kv", "n.kv");
}

static void rows_wait(sqlite3 *db) {
  folder_is_away(db);
  test_run(db, "INSERT INTO kv VALUES('waiting', zeroblob(70000)), ('a', 9)");
  nomem_folder_back();
}

/* One of them is so large that writing it checks for an interrupt. */
static void much_waits(sqlite3 *db) {
  folder_is_away(db);
  test_run(db, "INSERT INTO kv VALUES('much', zeroblob(%d))", MUCH);
  nomem_folder_back();
}

/* The next commit seals the log, which has been sealed before. */
static void log_is_to_be_sealed(sqlite3 *db) {
  test_run(db, "SELECT kv_open('n.kv', 'laptop', 'now=2026-11-01, segment=1')");
  test_run(db, "INSERT INTO kv VALUES('sealed', zeroblob(9000))");
}

/* It has two sealed files, and the next commit goes behind them. */
static void log_is_sealed(sqlite3 *db) {
  log_is_to_be_sealed(db);
  test_run(db, "INSERT INTO kv VALUES('b', 'sealed')");
  test_run(db, "SELECT kv_open('n.kv', 'laptop', 'now=2026-11-01, segment=0')");
}

/* Its cache does not have what another process sealed. */
static void another_process_seals(sqlite3 *db) {
  sqlite3 *other = test_connect(":memory:");

  (void)db;
  test_run(other, "%s", open_laptop);
  log_is_sealed(other);
  test_disconnect(other);
}

/* Rows of several commits wait for kv_sync(). */
static void put_off(sqlite3 *db, int segment) {
  test_run(db,
           "SELECT kv_open('n.kv', 'laptop', 'now=2026-11-01, publish=sync, "
           "segment=%d')",
           segment);
  test_run(db, "INSERT INTO kv VALUES('a', 'late'), ('l', zeroblob(9000))");
  test_run(db, "DELETE FROM kv WHERE key = 'b'");
}

static void commits_are_put_off(sqlite3 *db) {
  put_off(db, 0);
}

/* The sync has to seal the log, too, which has been sealed before. */
static void commits_are_put_off_and_sealed(sqlite3 *db) {
  log_is_to_be_sealed(db);
  put_off(db, 1);
}

static void much_is_there(sqlite3 *db) {
  test_run(db, "INSERT INTO kv VALUES('much', zeroblob(%d))", MUCH);
}

/* A large value, and another one before it. */
static void values_are_large(sqlite3 *db) {
  test_run(db, "INSERT INTO kv VALUES('a', hex(zeroblob(40000)))");
  test_run(db, "INSERT INTO kv VALUES('a', zeroblob(70000))");
}

static void value_was_a_text(sqlite3 *db) {
  test_run(db, "INSERT INTO kv VALUES('a', 'before')");
  test_run(db, "INSERT INTO kv VALUES('a', 'after')");
}

static void rows_wait_and_another_process_writes(sqlite3 *db) {
  rows_wait(db);
  another_process_writes(db);
}

static void cache_is_gone(sqlite3 *db) {
  test_run(db, "DROP TABLE kv_meta");
}

/* Enough rows for a sync to move them to the back of the cache. */
static void rows_are_superseded(sqlite3 *db) {
  int i;

  for (i = 0; i < 3; i++) {
    test_run(db,
             "INSERT INTO kv WITH i(n) AS (SELECT 1 UNION ALL SELECT n + 1 "
             "FROM i WHERE n < 9) SELECT n, %d FROM i",
             i);
  }
}

/* A log that was an older copy, and was adopted by another cache. */
static void own_log_is_started_over(sqlite3 *db) {
  sqlite3 *other;

  (void)db;
  test_copy("start.db", "one.db");
  test_copy("start.log", LAPTOP);
  other = test_connect(":memory:");
  test_run(other, "%s", open_laptop);
  test_run(other, "INSERT INTO kv VALUES('theirs', 1)");
  test_disconnect(other);
  other = test_connect("one.db");
  test_run(other,
           "SELECT kv_open('n.kv', 'laptop', 'now=2026-11-01, adopt=1')");
  test_run(other, "INSERT INTO kv VALUES('after', 1)");
  test_disconnect(other);
}

/* Rows wait for a log that another machine took. */
static void rows_wait_for_a_twin(sqlite3 *db) {
  rows_wait(db);
  another_machine_writes(db);
  test_run(db, "SELECT kv_sync()");
}

static void has_trigger(sqlite3 *db) {
  test_run(db, "CREATE TABLE t(x); CREATE TRIGGER i AFTER INSERT ON t BEGIN "
               "INSERT INTO kv VALUES(new.x, 1), ('t', new.x);"
               "SELECT kv_delete('a'); END");
}

static void has_views(sqlite3 *db) {
  test_run(db, "CREATE VIEW v AS SELECT l.key, d.device FROM kv_log AS l "
               "JOIN kv_devices AS d ON d.device = l.device "
               "JOIN kv ON kv.key = l.key");
}

static void has_named_foreign(sqlite3 *db) {
  test_run(db, "CREATE VIRTUAL TABLE temp.phone USING kv_foreign('" PHONE "')");
}

/* A store that PARStore 1 made, with a wal left by a crash. */
static void has_parstore(sqlite3 *db) {
  static const test_object list[] = {
    test_object_of("\xd1\1\2"), test_object_of("\x61\0\xe9"),
    test_object_of("\xa2\1\3"), test_object_of("\x23\x3f\xf8\0\0\0\0\0\0")};
  sqlite3 *log = NULL;
  sqlite3_stmt *stmt = NULL;
  unsigned char *z;
  size_t n;

  (void)db;
  if (test_exists("o.parstore")) return;
  test_make_folder("o.parstore");
  test_make_folder("o.parstore/Devices");
  test_make_folder("o.parstore/Devices/1");
  test_make_folder("o.parstore/Devices/2");
  z = test_plist(list, 4, 1, &n);
  assert_int_equal(sqlite3_open("old.db", &log), SQLITE_OK);
  test_run(log,
           "PRAGMA journal_mode = WAL; CREATE TABLE ZLOG(Z_PK INTEGER PRIMARY "
           "KEY, ZPARENTTIMESTAMP, ZTIMESTAMP, ZKEY, ZBLOB);"
           "INSERT INTO ZLOG VALUES(1, NULL, 5, 'a', NULL)");
  assert_int_equal(
    sqlite3_prepare_v2(log, "INSERT INTO ZLOG VALUES(2, 5, 6, 'b', ?)", -1,
                       &stmt, NULL),
    SQLITE_OK);
  sqlite3_bind_blob(stmt, 1, z, (int)n, SQLITE_STATIC);
  assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
  sqlite3_finalize(stmt);
  test_copy("old.db", "o.parstore/Devices/1/Logs.db");
  test_copy("old.db-wal", "o.parstore/Devices/1/Logs.db-wal");
  sqlite3_close(log);
  sqlite3_free(z);
}

/* --- Cases ------------------------------------------------------------- */

const nomem_case nomem_cases[] = {
  {"open", NO_STORE, NULL,
   "SELECT kv_open('n.kv', 'laptop', 'now=2026-11-01, name=kv')", NULL},
  {"open an observer", NO_STORE, NULL, "SELECT kv_open('n.kv')", NULL},
  {"open a new folder", NO_STORE, NULL,
   "SELECT kv_open('new.kv', 'laptop'); INSERT INTO kv VALUES(1, 1)", NULL},
  {"open without a folder", NO_STORE, NULL,
   "SELECT kv_open(':memory:'); INSERT INTO kv VALUES(1, 1)", NULL},
  {"open a second store", TEMP, NULL,
   "SELECT kv_open('n.kv', 'tablet', 'name=\"the second\"')", NULL},
  {"open again", TEMP, phone_writes,
   "SELECT kv_open('n.kv', 'laptop', 'now=2026-11-02')", NULL},
  {"open under another name", PERSISTENT, rows_wait_for_a_twin,
   "SELECT kv_open('n.kv', 'tablet', 'now=2026-11-01, name=second')", NULL},
  {"adopt", NO_STORE, another_machine_writes,
   "SELECT kv_open('n.kv', 'laptop', 'now=2026-11-01, adopt=1');"
   "INSERT INTO kv VALUES('adopted', 1)",
   NULL},
  {"close", TEMP, NULL, "SELECT kv_close()", NULL},
  {"close a persistent one", PERSISTENT, rows_wait, "SELECT kv_close('kv')",
   NULL},
  {"discard", PERSISTENT, rows_wait, "SELECT kv_close('discard=1', 'kv')",
   NULL},
  {"create", NO_STORE, NULL,
   "CREATE VIRTUAL TABLE kv USING kv('n.kv', device='laptop', "
   "now='2026-11-01')",
   NULL},
  {"create an observer", NO_STORE, NULL,
   "CREATE VIRTUAL TABLE IF NOT EXISTS kv USING kv('n.kv'); SELECT kv_sync()",
   NULL},
  {"drop", PERSISTENT, NULL, "DROP TABLE kv", NULL},
  {"rename the table", PERSISTENT, NULL,
   "ALTER TABLE kv RENAME TO \"the store\"", NULL},
  {"connect", PERSISTENT, NULL, "SELECT count(*) FROM kv_log('kv')", NULL},
  {"vacuum", PERSISTENT, NULL, "VACUUM", NULL},

  {"get", TEMP, NULL, "SELECT kv_get('a'), kv_get('none', 'x'), kv_get(4)",
   NULL},
  {"set", TEMP, NULL, "SELECT kv_set('a', 'new')", NULL},
  {"set a large value", PERSISTENT, NULL, "SELECT kv_set('a', zeroblob(9000))",
   NULL},
  {"set large values again", PERSISTENT, NULL,
   "BEGIN; INSERT INTO kv VALUES('a', zeroblob(70000));"
   "INSERT INTO kv VALUES('a', zeroblob(9000)), ('b', zeroblob(9000));"
   "UPDATE OR REPLACE kv SET key = 'b' WHERE key = 'a'; COMMIT",
   NULL},
  {"read large values", TEMP, values_are_large,
   "SELECT kv_get('a'); SELECT * FROM kv; SELECT value FROM kv WHERE key = 'a';"
   "SELECT value, value FROM kv ORDER BY key DESC; SELECT value FROM kv_log;"
   "SELECT * FROM kv_diff('2026-01-01')",
   NULL},
  {"revert to a large value", PERSISTENT, values_are_large,
   "SELECT kv_revert('a')", NULL},
  {"delete", TEMP, NULL, "SELECT kv_delete('a')", NULL},
  {"hash", NO_STORE, NULL,
   "SELECT kv_hash(1, 'a', x'00'), kv_hash(1, 2, 3, 4, 5, 6, 7, 8, 9)", NULL},
  {"version", NO_STORE, NULL, "SELECT kv_version()", NULL},

  {"scan", TEMP, NULL, "SELECT key, value, time, device, parent_ts FROM kv",
   NULL},
  {"scan backwards", PERSISTENT, NULL,
   "SELECT * FROM kv WHERE key > 'a' AND key <= 'z' ORDER BY key DESC", NULL},
  {"as it was", TEMP, NULL,
   "SELECT * FROM kv('2026-11-01 12:00') WHERE key IN ('a', 'p', 3)", NULL},
  {"pattern", TEMP, NULL,
   "SELECT * FROM kv WHERE key LIKE 'b%'; "
   "SELECT * FROM kv WHERE key GLOB 'b*'",
   NULL},
  {"log", TEMP, NULL,
   "SELECT * FROM kv_log ORDER BY ts, seq; "
   "SELECT * FROM kv_log WHERE bucket = '' AND key = 'a'",
   NULL},
  {"history", PERSISTENT, phone_writes,
   "SELECT * FROM kv_diff('2026-01-01'); SELECT * FROM kv_diff('2026-10-01', 'now');"
   "SELECT * FROM kv_conflicts; SELECT * FROM kv_changes;"
   "SELECT * FROM kv_changes(kv_cursor())",
   NULL},
  {"times", TEMP, NULL,
   "SELECT * FROM kv_log WHERE ts > 5 ORDER BY ts; "
   "SELECT * FROM kv WHERE time >= '2026-11-01' ORDER BY time DESC",
   NULL},
  {"revert", PERSISTENT, NULL, "SELECT kv_revert('b', '2026-10-01')", NULL},
  {"revert to a text", TEMP, value_was_a_text, "SELECT kv_revert('a')", NULL},
  {"revert to a time", TEMP, NULL, "SELECT kv_revert('a', '2026-10-01')", NULL},
  {"devices", TEMP, phone_writes, "SELECT * FROM kv_devices", NULL},
  {"views", PERSISTENT, has_views, "SELECT * FROM v", NULL},
  {"foreign", NO_STORE, NULL,
   "SELECT * FROM kv_foreign('" PHONE "'); "
   "SELECT * FROM kv_foreign('" LAPTOP "') WHERE seq > 1",
   NULL},
  {"damaged foreign", NO_STORE, phone_is_damaged,
   "SELECT * FROM kv_foreign('" PHONE "')", NULL},
  {"named foreign", NO_STORE, has_named_foreign, "SELECT * FROM phone", NULL},
  {"create foreign", NO_STORE, NULL,
   "CREATE VIRTUAL TABLE temp.f USING kv_foreign('" PHONE "')", NULL},
  {"parstore", NO_STORE, has_parstore,
   "SELECT * FROM kv_parstore('o.parstore')", NULL},
  {"drop foreign", NO_STORE, has_named_foreign, "DROP TABLE phone", NULL},

  {"insert", TEMP, NULL, "INSERT INTO kv VALUES('a', 2), ('n', 'x')", NULL},
  {"insert or ignore", PERSISTENT, NULL,
   "INSERT OR IGNORE INTO kv VALUES('a', 2), ('n', 'x')", NULL},
  {"insert many", PERSISTENT, NULL,
   "INSERT INTO kv WITH i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i "
   "WHERE n < 30) SELECT n, zeroblob(n * 60) FROM i",
   NULL},
  {"update", TEMP, NULL, "UPDATE kv SET value = value || '!'", NULL},
  {"rename a key", TEMP, NULL, "UPDATE kv SET key = 'c' WHERE key = 'a'", NULL},
  {"rename onto a key", PERSISTENT, NULL,
   "UPDATE OR REPLACE kv SET key = 'b' WHERE key = 'a'", NULL},
  {"delete keys", TEMP, NULL, "DELETE FROM kv WHERE key < 'c'", NULL},
  {"trigger", PERSISTENT, has_trigger, "INSERT INTO t VALUES('x')", NULL},
  {"transaction", PERSISTENT, NULL,
   "BEGIN; INSERT INTO kv VALUES('a', 2), ('n', zeroblob(2000)); SAVEPOINT s;"
   "DELETE FROM kv; ROLLBACK TO s; UPDATE kv SET value = 3 WHERE key = 'b';"
   "RELEASE s; COMMIT",
   NULL},
  {"write after another process", PERSISTENT, another_process_writes,
   "INSERT INTO kv VALUES('a', 2), ('n', zeroblob(2000))", NULL},
  {"write for a folder that is away", PERSISTENT, folder_is_away,
   "INSERT INTO kv VALUES('a', 2), ('n', zeroblob(2000))", NULL},
  {"write to a folder that is away", TEMP, folder_is_away,
   "INSERT INTO kv VALUES('a', 2)", nomem_folder_back},
  {"write to a log that lost rows", PERSISTENT, own_log_lost_rows,
   "INSERT INTO kv VALUES('a', 2)", NULL},
  {"write to a log that was started over", PERSISTENT, own_log_is_started_over,
   "INSERT INTO kv VALUES('a', 2)", NULL},
  {"write to a damaged log", PERSISTENT, own_log_is_damaged,
   "INSERT INTO kv VALUES('a', 2)", NULL},

  {"seal", PERSISTENT, log_is_to_be_sealed, "INSERT INTO kv VALUES('a', 2)",
   NULL},
  {"seal with a temp cache", TEMP, log_is_to_be_sealed,
   "INSERT INTO kv VALUES('a', 2)", NULL},
  {"write behind sealed files", PERSISTENT, log_is_sealed,
   "INSERT INTO kv VALUES('a', 2)", NULL},
  {"open sealed files", NO_STORE, another_process_seals,
   "SELECT kv_open('n.kv', 'laptop', 'now=2026-11-01')", NULL},
  {"merge own sealed files", PERSISTENT, another_process_seals,
   "SELECT kv_sync()", NULL},
  {"put off a commit", PERSISTENT, commits_are_put_off,
   "INSERT INTO kv VALUES('a', 2), ('n', zeroblob(2000))", NULL},
  {"publish commits that were put off", PERSISTENT, commits_are_put_off,
   "SELECT kv_sync()", NULL},
  {"publish and seal", PERSISTENT, commits_are_put_off_and_sealed,
   "SELECT kv_sync()", NULL},

  {"sync", TEMP, phone_writes, "SELECT kv_sync()", NULL},
  {"sync a large value", TEMP, phone_writes_much, "SELECT kv_sync()", NULL},
  {"sync what was superseded", PERSISTENT, rows_are_superseded,
   "SELECT kv_sync()", NULL},
  {"sync a log that was started over", PERSISTENT, own_log_is_started_over,
   "SELECT kv_sync()", NULL},
  {"sync nothing", PERSISTENT, NULL, "SELECT kv_sync('kv')", NULL},
  {"wait for nothing", TEMP, NULL, "SELECT kv_wait(0)", NULL},
  {"wait for what is there", TEMP, phone_writes, "SELECT kv_wait(9)", NULL},
  {"sync a log that was replaced", PERSISTENT, phone_starts_over,
   "SELECT kv_sync()", NULL},
  {"sync a damaged log", TEMP, phone_is_damaged, "SELECT kv_sync()", NULL},
  {"sync a log that is gone", TEMP, phone_is_gone, "SELECT kv_sync()", NULL},
  {"publish", PERSISTENT, rows_wait, "SELECT kv_sync()", NULL},
  {"publish a large value", PERSISTENT, much_waits, "SELECT kv_sync()", NULL},
  {"write after a large value", PERSISTENT, much_is_there,
   "INSERT INTO kv VALUES('a', 2)", NULL},
  {"publish after another process", PERSISTENT,
   rows_wait_and_another_process_writes, "SELECT kv_sync()", NULL},
  {"own rows that were lost", PERSISTENT, own_log_lost_rows, "SELECT kv_sync()",
   NULL},
  {"own damaged log", PERSISTENT, own_log_is_damaged, "SELECT kv_sync()", NULL},
  {"rebuild the cache", PERSISTENT, cache_is_gone, "SELECT kv_sync()", NULL},
};

const int nomem_n_cases = (int)(sizeof(nomem_cases) / sizeof(nomem_cases[0]));

/* --- What they begin with ----------------------------------------------- */

void nomem_make_start(void) {
  sqlite3 *db;
  test_log log;

  test_make_folder("n.kv");
  test_make_folder("n.kv/devices");
  test_make_folder("n.kv/devices/phone");
  test_log_begin(&log, PHONE, "phone", 1);
  test_log_set(&log, TEST_NOW, "p", "1", 1);
  test_log_set(&log, TEST_NOW, "b", "phone", 0);
  test_log_end(&log);
  db = test_connect("start.db");
  test_run(db, "%s", create_laptop);
  test_run(db, "SELECT kv_sync(); INSERT INTO kv VALUES('a', 1), ('b', 'two')");
  test_copy(LAPTOP, "start.log");
  test_run(db, "INSERT INTO kv VALUES(3, x'03'), ('b', 'three')");
  test_run(db, "SELECT kv_sync()");
  test_disconnect(db);
  test_copy(LAPTOP, "laptop.log");
  test_copy(PHONE, "phone.log");
}

static void remove_if_there(const char *path) {
  if (test_exists(path)) test_remove(path);
}

/* A copy that a device keeps of the log of another one. */
static void remove_copy(const char *device, const char *of) {
  const char *folder = test_path("n.kv/devices/%s/of", device);

  remove_if_there(test_path("%s/%s.db", folder, of));
  remove_if_there(folder);
}

/* Sealed files of the laptop, and a copy that was to become one. */
static void remove_sealed(void) {
  static const char folder[] = "n.kv/devices/laptop";
  char **names = NULL;
  int n = 0;
  int i;

  assert_int_equal(kv_folder_list(folder, 100, 0, &names, &n), SQLITE_OK);
  for (i = 0; i < n; i++) {
    if (strncmp(names[i], "log-", 4) == 0 ||
        strcmp(names[i], "log.db.sealed") == 0) {
      test_remove(test_path("%s/%s", folder, names[i]));
    }
  }
  kv_folder_free_names(names, n);
}

void nomem_begin_again(void) {
  int i;

  nomem_folder_back();
  for (i = 1; test_exists(test_path("%s.aside-%d", LAPTOP, i)); i++)
    test_remove(test_path("%s.aside-%d", LAPTOP, i));
  remove_sealed();
  remove_copy("laptop", "phone");
  remove_copy("tablet", "laptop");
  (void)test_path(NULL); /* or it counts as a leak */
  remove_if_there(LAPTOP ".new");
  remove_if_there(LAPTOP ".new-journal");
  remove_if_there("host.db-journal");
  remove_if_there(LAPTOP "-journal");
  remove_if_there("n.kv/devices/tablet/log.db-journal");
  remove_if_there("n.kv/devices/tablet/log.db");
  remove_if_there("n.kv/devices/tablet");
  remove_if_there("new.kv/devices/laptop/log.db-journal");
  remove_if_there("new.kv/devices/laptop/log.db");
  remove_if_there("new.kv/devices/laptop");
  remove_if_there("new.kv/devices");
  remove_if_there("new.kv");
  test_copy("laptop.log", LAPTOP);
  test_copy("phone.log", PHONE);
  test_copy("start.db", "host.db");
}

sqlite3 *nomem_connect(const nomem_case *c) {
  sqlite3 *db;

  nomem_begin_again();
  db = test_connect(c->kind == PERSISTENT ? "host.db" : ":memory:");
  if (c->kind == TEMP) test_run(db, "%s", open_laptop);
  if (c->prepare) c->prepare(db);
  return db;
}

int nomem_loses_cache(const nomem_case *c) {
  return c->prepare == cache_is_gone;
}
