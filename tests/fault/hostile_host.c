/*
** A host database from a stranger: what its schema may call, how a defensive
** connection protects the shadow tables, and what happens when these contain
** anything at all. Errors are fine; a crash, or a row in the own log that
** readers would not take, is not.
**
** hostile_host runs some random databases; hostile_host FIRST LAST those with
** these numbers. A single one is shown with its result codes.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

static int host_first = 1;
static int host_last = 120;

/* --- What a schema may call ------------------------------------------- */

/* A database with kv in it, and with a stranger's additions to its schema. */
static sqlite3 *host_with_schema(const char *root, const char *schema) {
  const char *file = test_path("%s/host.db", root);
  sqlite3 *db;

  if (test_exists(file)) test_remove(file);
  db = test_connect(file);
  test_run(db, "CREATE VIRTUAL TABLE kv USING kv('%q/n.kv', device='laptop')",
           root);
  test_run(db, "CREATE TABLE t(x)");
  test_run(db, "INSERT INTO kv VALUES('a', 1)");
  test_run(db, "%s", schema);
  test_disconnect(db);
  return test_connect(file);
}

static void expect_refused(sqlite3 *db, const char *text) {
  char *rows = test_ask(db, "%s", text);

  if (!strstr(rows, "unsafe use of")) print_error("%s: %s\n", text, rows);
  assert_non_null(strstr(rows, "unsafe use of"));
  sqlite3_free(rows);
}

static void what_opens_files_cannot_be_called_by_a_schema(void **state) {
  static const char *const expressions[] = {
    "kv_open('%s/made.kv', 'x')",
    "kv_open('%s/made.kv', 'x', 'name=other')",
    "kv_sync()",
    "kv_sync('kv')",
    "kv_close()",
    "kv_close('kv')",
    "kv_close('discard=1', 'kv')",
    "(SELECT count(*) FROM kv_foreign('%s/n.kv/devices/laptop/log.db'))",
  };
  const char *root = *state;
  size_t i;
  int trusted;

  for (i = 0; i < 8; i++) {
    char *call = sqlite3_mprintf(expressions[i], root);
    char *schema = sqlite3_mprintf("CREATE VIEW v AS SELECT %s AS x;"
                                   "CREATE TRIGGER ti AFTER INSERT ON t BEGIN "
                                   "UPDATE t SET x = %s; END;",
                                   call, call);
    sqlite3 *db = host_with_schema(root, schema);

    for (trusted = 0; trusted < 2; trusted++) {
      sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, trusted, NULL);
      expect_refused(db, "SELECT x FROM v");
      expect_refused(db, "INSERT INTO t VALUES(1)");
    }
    test_rows(db, "a|1", "SELECT key, value FROM kv");
    test_disconnect(db);
    sqlite3_free(schema);
    sqlite3_free(call);
  }
  assert_false(test_exists(test_path("%s/made.kv", root)));
}

/* A virtual table in the schema is not a way around it. */
static void a_foreign_log_in_the_schema_is_not_read_by_its_views(void **state) {
  const char *root = *state;
  char *schema = sqlite3_mprintf(
    "PRAGMA writable_schema = 1;"
    "INSERT INTO sqlite_master(type, name, tbl_name, rootpage, sql) "
    "VALUES('table', 'f', 'f', 0, 'CREATE VIRTUAL TABLE f USING "
    "kv_foreign(''%s/n.kv/devices/laptop/log.db'')');"
    "CREATE TRIGGER tf AFTER INSERT ON t BEGIN "
    "INSERT INTO kv SELECT key, value FROM f; END;"
    "INSERT INTO sqlite_master(type, name, tbl_name, rootpage, sql) "
    "VALUES('view', 'v', 'v', 0, 'CREATE VIEW v AS SELECT * FROM f')",
    root);
  sqlite3 *db = host_with_schema(root, schema);

  expect_refused(db, "SELECT * FROM v");
  expect_refused(db, "INSERT INTO t VALUES(1)");
  test_disconnect(db);
  sqlite3_free(schema);
}

static void an_untrusted_schema_does_not_reach_the_store(void **state) {
  static const char *const uses[] = {
    "SELECT * FROM v",         "SELECT * FROM w",    "SELECT * FROM x",
    "INSERT INTO t VALUES(1)", "UPDATE t SET x = 2", "DELETE FROM t"};
  sqlite3 *db = host_with_schema(
    *state,
    "CREATE VIEW v AS SELECT * FROM kv;"
    "CREATE VIEW w AS SELECT kv_get('a');"
    "CREATE VIEW x AS SELECT kv_set('made', 1);"
    "INSERT INTO t VALUES(0);"
    "CREATE TRIGGER ti AFTER INSERT ON t BEGIN "
    "INSERT INTO kv VALUES('made', 1); END;"
    "CREATE TRIGGER tu AFTER UPDATE ON t BEGIN "
    "SELECT kv_set('made', 1); END;"
    "CREATE TRIGGER td AFTER DELETE ON t BEGIN SELECT kv_delete('a'); END;");
  size_t i;

  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  for (i = 0; i < 6; i++)
    expect_refused(db, uses[i]);
  test_rows(db, "a|1", "SELECT key, value FROM kv");
  test_disconnect(db);
}

/* --- Defensive connections -------------------------------------------- */

static void expect_untouchable(sqlite3 *db, const char *table) {
  static const char *const attempts[] = {
    "DELETE FROM \"%w\"", "UPDATE \"%w\" SET rowid = 1",
    "INSERT INTO \"%w\" DEFAULT VALUES", "DROP TABLE \"%w\"",
    "ALTER TABLE \"%w\" RENAME TO harmless"};
  char *before = test_ask(db, "SELECT * FROM \"%w\"", table);
  char *after;
  size_t i;

  for (i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
    char *text = sqlite3_mprintf(attempts[i], table);

    if (test_try(db, "%s", text) == SQLITE_OK) {
      print_error("not refused: %s\n", text);
      fail();
    }
    sqlite3_free(text);
  }
  after = test_ask(db, "SELECT * FROM \"%w\"", table);
  assert_string_equal(after, before);
  sqlite3_free(before);
  sqlite3_free(after);
}

static void a_defensive_connection_keeps_the_shadow_tables(void **state) {
  sqlite3 *db = host_with_schema(*state, "SELECT 1");
  int n;

  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  for (n = 0;; n++) {
    char *name = test_ask(db,
                          "SELECT name FROM sqlite_master WHERE type = 'table' "
                          "AND name LIKE 'kv\\_%%' ESCAPE '\\' "
                          "ORDER BY name LIMIT 1 OFFSET %d",
                          n);
    size_t length = strlen(name);

    if (length > 0) {
      name[length - 1] = '\0';
      expect_untouchable(db, name);
    }
    sqlite3_free(name);
    if (length == 0) break;
  }
  assert_true(n >= 5);
  test_disconnect(db);
}

static void a_store_works_on_a_defensive_connection(void **state) {
  const char *root = *state;
  sqlite3 *db = test_connect(test_path("%s/defensive.db", root));

  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  test_run(db,
           "CREATE VIRTUAL TABLE kv USING kv('%q/n.kv', device='laptop');"
           "INSERT INTO kv VALUES('a', 1), ('b', 2);"
           "SELECT kv_sync();"
           "UPDATE kv SET value = 3 WHERE key = 'b';"
           "BEGIN; SELECT kv_set('c', 4); SAVEPOINT s; DELETE FROM kv;"
           "ROLLBACK TO s; COMMIT;"
           "ALTER TABLE kv RENAME TO store;"
           "SELECT kv_sync('store');"
           "DELETE FROM store WHERE key = 'a'",
           root);
  test_rows(db, "b|3\nc|4", "SELECT key, value FROM store");
  test_run(db, "DROP TABLE store");
  test_run(db, "SELECT kv_open('%q/n.kv', 'laptop')", root);
  test_rows(db, "b|3\nc|4", "SELECT key, value FROM kv");
  test_run(db, "SELECT kv_close()");
  test_disconnect(db);
}

/* --- Random shadow tables --------------------------------------------- */

static uint64_t host_random_state;

/* https://en.wikipedia.org/wiki/Xorshift */
static unsigned host_random(unsigned n) {
  host_random_state ^= host_random_state << 13;
  host_random_state ^= host_random_state >> 7;
  host_random_state ^= host_random_state << 17;
  return (unsigned)(host_random_state >> 33) % n;
}

#define HOST_PICK(list) list[host_random(sizeof(list) / sizeof((list)[0]))]

static const char *const host_tables[] = {
  "cache", "cache", "cursor", "cursor", "seen", "arrival", "meta", "large"};

static const char *const host_columns[] = {
  "bucket",        "key",           "ts",          "device",
  "seq",           "txn",           "parent_ts",   "op",
  "arrived",       "value",         "id",          "sum",
  "published_seq", "published_sum", "waiting_seq", "waiting_sum",
  "last_ts",       "newest",        "synced",      "stamp_size",
  "state",         "detail",        "peer",        "peer_id",
  "peer_seq",      "peer_sum",      "first_seq",   "last_seq",
  "format",        "epoch",         "machine",     "clock_offset",
  "large"};

static const char *const host_values[] = {"NULL",
                                          "0",
                                          "1",
                                          "2",
                                          "3",
                                          "7",
                                          "-1",
                                          "100000000",
                                          "9007199254740992",
                                          "9007199254740993",
                                          "9223372036854775806",
                                          "9223372036854775807",
                                          "-9223372036854775808",
                                          "1.5",
                                          "9e999",
                                          "''",
                                          "'a'",
                                          "'laptop'",
                                          "'phone'",
                                          "'../../../host'",
                                          "'twin'",
                                          "'damaged'",
                                          "'ok'",
                                          "x''",
                                          "zeroblob(16)",
                                          "randomblob(32)",
                                          "zeroblob(100000)",
                                          "printf('%.*c', 2000, 'x')",
                                          "CAST(x'61ff00fe' AS TEXT)",
                                          "seq + 1",
                                          "seq - 1",
                                          "-seq"};

static const char *const host_rows[] = {"",
                                        "",
                                        "WHERE device = 'laptop'",
                                        "WHERE device = 'phone'",
                                        "WHERE key = 'b'",
                                        "WHERE seq > 1"};

static const char *const host_actions[] = {
  "INSERT INTO kv VALUES(random(), 1)",
  "DELETE FROM kv WHERE key = 'b'",
  "SELECT kv_set(random(), 1)",
  "SELECT kv_get('a')",
  "SELECT kv_delete('a')",
  "SELECT count(*) FROM kv_log",
  "SELECT count(*) FROM kv_devices",
  "SELECT RAISE(IGNORE)",
  "SELECT RAISE(ABORT, 'made')",
  "SELECT RAISE(FAIL, 'made')",
  "SELECT RAISE(ROLLBACK, 'made')",
  "DELETE FROM kv_cache",
  "DELETE FROM kv_cursor",
  "UPDATE kv_cursor SET seq = seq + 1",
  "UPDATE OR REPLACE kv_cache SET seq = seq + 1, ts = ts + 1",
  ("INSERT OR IGNORE INTO kv_cache SELECT part, random(), ts, "
   "device, seq, txn, parent_ts, op, arrived, large, value FROM kv_cache LIMIT 3")};

/* One thing that a stranger may do to a shadow table. */
static char *host_mutation(void) {
  static const char *const times[] = {"BEFORE", "AFTER"};
  static const char *const events[] = {"INSERT", "UPDATE", "DELETE"};
  static const char *const sources[] = {"(SELECT value FROM kv)", "kv_get('a')",
                                        "kv_set('v', 1)",
                                        "(SELECT max(seq) FROM kv_log)"};
  const char *table = HOST_PICK(host_tables);

  switch (host_random(12)) {
    case 0: return sqlite3_mprintf("DELETE FROM kv_%s", table);
    case 1: return sqlite3_mprintf("DROP TABLE kv_%s", table);
    case 2: /* without constraints, without a key */
      return sqlite3_mprintf("CREATE TABLE made AS SELECT * FROM kv_%s;"
                             "DROP TABLE kv_%s;"
                             "ALTER TABLE made RENAME TO kv_%s",
                             table, table, table);
    case 3:
      return sqlite3_mprintf("ALTER TABLE kv_%s RENAME TO was_%s;"
                             "CREATE VIEW kv_%s AS SELECT *, %s FROM was_%s",
                             table, table, table, HOST_PICK(sources), table);
    case 4:
      return sqlite3_mprintf(
        "ALTER TABLE kv_cache RENAME TO was;"
        "CREATE VIEW kv_cache AS SELECT part, key, ts, device, seq, "
        "txn, parent_ts, op, arrived, large, %s AS value FROM was",
        HOST_PICK(sources));
    case 5:
    case 6:
      return sqlite3_mprintf("CREATE TRIGGER made%d %s %s ON kv_%s BEGIN %s; "
                             "END",
                             host_random(100), HOST_PICK(times),
                             HOST_PICK(events), table, HOST_PICK(host_actions));
    case 7:
      return sqlite3_mprintf(
        "INSERT OR REPLACE INTO kv_cache SELECT part, key, ts + %d, "
        "device, seq + %d, txn, parent_ts, op, arrived, large, value FROM kv_cache",
        host_random(3), host_random(4));
    default:
      return sqlite3_mprintf("UPDATE OR REPLACE kv_%s SET %s = %s %s", table,
                             HOST_PICK(host_columns), HOST_PICK(host_values),
                             HOST_PICK(host_rows));
  }
}

/* The work of an unsuspecting program. */
static const char *const host_session[] = {
  "SELECT key, value, ts, time, device, parent_ts FROM kv",
  "SELECT * FROM kv WHERE key = 'a'",
  "SELECT * FROM kv WHERE key > 'a' ORDER BY key DESC",
  "SELECT * FROM kv('2026-11-02') WHERE key LIKE 'b%'",
  "SELECT * FROM kv_log",
  "SELECT * FROM kv_log WHERE key = 'a'",
  "SELECT * FROM kv_devices",
  "SELECT * FROM kv_diff('2026-01-01')",
  "SELECT * FROM kv_conflicts",
  "SELECT * FROM kv_changes",
  "SELECT * FROM kv_changes(kv_cursor() - 1)",
  "SELECT * FROM kv_log WHERE ts > 5 ORDER BY ts DESC",
  "SELECT kv_get('a'), kv_get('none', 2), kv_revert('b')",
  "UPDATE kv SET value = 5 WHERE key = 'a'",
  "INSERT INTO kv VALUES('n', 1), ('m', zeroblob(3000))",
  "INSERT INTO kv VALUES('l', hex(zeroblob(50000))), ('l', zeroblob(9000))",
  "SELECT kv_set('s', 1), kv_delete('a')",
  "INSERT OR IGNORE INTO kv VALUES('b', 3)",
  "UPDATE OR REPLACE kv SET key = 'c' WHERE key = 'b'",
  ("BEGIN; INSERT INTO kv VALUES('x', 1); UPDATE kv SET value = 6;"
   "SAVEPOINT s; DELETE FROM kv; ROLLBACK TO s; SELECT kv_sync(); COMMIT"),
  "ROLLBACK",
  "SELECT kv_sync()",
  "UPDATE kv SET value = value || '!'",
  "SELECT kv_sync()",
  "SELECT * FROM kv_devices",
  "SELECT kv_close()",
  "ALTER TABLE kv RENAME TO other",
  "INSERT INTO other VALUES('o', 1)",
  "SELECT kv_close('discard=1', 'other')",
  "DROP TABLE other"};

static void host_forget(const char *root) {
  static const char *const files[] = {"host.db", "host.db-journal",
                                      "n.kv/devices/laptop/log.db",
                                      "n.kv/devices/laptop/log.db-journal"};
  size_t i;

  for (i = 0; i < 4; i++) {
    const char *path = test_path("%s/%s", root, files[i]);
    if (test_exists(path)) test_remove(path);
  }
}

/*
** A database with some history, as a stranger finds it, and a phone's log to
** merge.
*/
static void host_make(const char *root, int has_folder) {
  sqlite3 *db;

  host_forget(root);
  db = test_connect(test_path("%s/host.db", root));
  test_run(db, "PRAGMA synchronous = 0");
  if (has_folder) {
    test_run(db, "CREATE VIRTUAL TABLE kv USING kv('n.kv', device='laptop')");
    test_run(db, "SELECT kv_sync()");
  } else {
    test_run(db, "CREATE VIRTUAL TABLE kv USING kv(':memory:')");
  }
  test_run(db, "INSERT INTO kv VALUES('a', 1), ('b', 2)");
  test_run(db, "INSERT INTO kv VALUES('b', 'three'), (4, zeroblob(2000)), "
               "('large', zeroblob(70000)), ('l', hex(zeroblob(8000)))");
  test_run(db, "DELETE FROM kv WHERE key = 4");
  test_disconnect(db);
}

/* Readers accept every row that they see in the own log. */
static void expect_sound_log(const char *root) {
  sqlite3 *db = test_connect(":memory:");
  const char *log = test_path("%s/n.kv/devices/laptop/log.db", root);

  if (test_exists(log)) {
    char *rows = test_ask(
      db, "SELECT seq, reason FROM kv_foreign('%q') WHERE NOT valid", log);
    assert_string_equal(rows, "");
    sqlite3_free(rows);
  }
  test_disconnect(db);
}

static void host_run(const char *root, int number, int is_shown) {
  sqlite3 *db = NULL;
  size_t i;
  unsigned n;

  host_random_state = UINT64_C(0x9e3779b97f4a7c15) * (unsigned)number;
  host_make(root, host_random(4) > 0);
  assert_rc(sqlite3_open(test_path("%s/host.db", root), &db), SQLITE_OK);
  for (n = 1 + host_random(4); n > 0; n--) {
    char *text = host_mutation();
    int rc = sqlite3_exec(db, text, NULL, NULL, NULL);

    if (is_shown) fprintf(stderr, "%3d | %s\n", rc, text);
    sqlite3_free(text);
  }
  sqlite3_close(db);

  db = test_connect(test_path("%s/host.db", root));
  test_try(db, "PRAGMA synchronous = 0");
  for (i = 0; i < sizeof(host_session) / sizeof(host_session[0]); i++) {
    if (is_shown) fprintf(stderr, "    > %s\n", host_session[i]);
    n = (unsigned)test_try(db, "%s", host_session[i]);
    if (is_shown && n) fprintf(stderr, "%3u: %s\n", n, sqlite3_errmsg(db));
  }
  test_disconnect(db);
  expect_sound_log(root);
}

static void made_up_shadow_tables_give_errors_not_crashes(void **state) {
  const char *root = *state;
  test_log log;
  int i;

  test_make_folder(test_path("%s/n.kv", root));
  test_make_folder(test_path("%s/n.kv/devices", root));
  test_make_folder(test_path("%s/n.kv/devices/phone", root));
  test_log_begin(&log, test_path("%s/n.kv/devices/phone/log.db", root), "phone",
                 1);
  test_log_set(&log, TEST_NOW, "p", "1", 0);
  test_log_set(&log, TEST_NOW + 1, "q", "2", 0);
  test_log_end(&log);
  for (i = host_first; i <= host_last; i++) {
    if (host_first != 1) fprintf(stderr, "random database %d\n", i);
    host_run(root, i, host_first == host_last);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    test_in_folder(what_opens_files_cannot_be_called_by_a_schema),
    test_in_folder(a_foreign_log_in_the_schema_is_not_read_by_its_views),
    test_in_folder(an_untrusted_schema_does_not_reach_the_store),
    test_in_folder(a_defensive_connection_keeps_the_shadow_tables),
    test_in_folder(a_store_works_on_a_defensive_connection),
    test_in_folder(made_up_shadow_tables_give_errors_not_crashes),
  };

  if (argc > 1) host_first = host_last = atoi(argv[1]);
  if (argc > 2) host_last = atoi(argv[2]);
  /* files in memory, if the system has that */
  if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
