/*
** Out of memory, and interrupts: allocations of single statements fail, one
** each time, for every function and table; then they are interrupted, at one
** step each time.
**
** A statement ends with an error that says so or well, and leaves the store as
** it was before or as it is after it. Then it runs again, undisturbed, and has
** done what it does: in this connection, and in the folder as others read it.
** Nothing leaks.
**
** Every 47th allocation and step is tried, of opening every 199th; all of them
** with KV_NOMEM_STEP=1. An argument, part of a name, chooses cases and tells
** of each failure.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "fault/nomem.h"
#include "kv.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"

#define LAPTOP "n.kv/devices/laptop/log.db"
#define PHONE "n.kv/devices/phone/log.db"

/* How a case begins: a store of laptop that has merged phone's first rows. */
typedef enum nomem_kind { NO_STORE, TEMP, PERSISTENT } nomem_kind;

typedef struct nomem_case {
  const char *name;
  nomem_kind kind;
  void (*prepare)(sqlite3 *db); /* before the statement, with memory */
  const char *text;
  void (*undo)(void); /* before it runs again */
} nomem_case;

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

/* Phone begins another log. */
static void phone_begins_anew(sqlite3 *db) {
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

static void folder_is_back(void) {
  if (test_exists("away.kv")) test_move("away.kv", "n.kv");
}

static void rows_wait(sqlite3 *db) {
  folder_is_away(db);
  test_run(db, "INSERT INTO kv VALUES('waiting', zeroblob(2000)), ('a', 9)");
  folder_is_back();
}

static void rows_wait_and_another_process_writes(sqlite3 *db) {
  rows_wait(db);
  another_process_writes(db);
}

static void cache_is_gone(sqlite3 *db) {
  test_run(db, "DROP TABLE kv_meta");
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

/* --- Cases ------------------------------------------------------------- */

static const nomem_case cases[] = {
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
  {"delete", TEMP, NULL, "SELECT kv_delete('a')", NULL},
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
  {"write behind another process", PERSISTENT, another_process_writes,
   "INSERT INTO kv VALUES('a', 2), ('n', zeroblob(2000))", NULL},
  {"write for a folder that is away", PERSISTENT, folder_is_away,
   "INSERT INTO kv VALUES('a', 2), ('n', zeroblob(2000))", NULL},
  {"write to a folder that is away", TEMP, folder_is_away,
   "INSERT INTO kv VALUES('a', 2)", folder_is_back},
  {"write to a log that lost rows", PERSISTENT, own_log_lost_rows,
   "INSERT INTO kv VALUES('a', 2)", NULL},
  {"write to a damaged log", PERSISTENT, own_log_is_damaged,
   "INSERT INTO kv VALUES('a', 2)", NULL},

  {"sync", TEMP, phone_writes, "SELECT kv_sync()", NULL},
  {"sync nothing", PERSISTENT, NULL, "SELECT kv_sync('kv')", NULL},
  {"sync a log that was replaced", PERSISTENT, phone_begins_anew,
   "SELECT kv_sync()", NULL},
  {"sync a damaged log", TEMP, phone_is_damaged, "SELECT kv_sync()", NULL},
  {"sync a log that is gone", TEMP, phone_is_gone, "SELECT kv_sync()", NULL},
  {"publish", PERSISTENT, rows_wait, "SELECT kv_sync()", NULL},
  {"publish behind another process", PERSISTENT,
   rows_wait_and_another_process_writes, "SELECT kv_sync()", NULL},
  {"own rows that were lost", PERSISTENT, own_log_lost_rows, "SELECT kv_sync()",
   NULL},
  {"own damaged log", PERSISTENT, own_log_is_damaged, "SELECT kv_sync()", NULL},
  {"build the cache anew", PERSISTENT, cache_is_gone, "SELECT kv_sync()", NULL},
};

#define N_CASES ((int)(sizeof(cases) / sizeof(cases[0])))

static const char *chosen = ""; /* cases of these names, and told of */

/* --- One run ----------------------------------------------------------- */

/* The folder and the host database that every run begins with. */
static void make_start(void) {
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

static void begin_again(void) {
  int i;

  folder_is_back();
  for (i = 1; test_exists(test_path("%s.aside-%d", LAPTOP, i)); i++)
    test_remove(test_path("%s.aside-%d", LAPTOP, i));
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

/* What a store shows, or why it shows nothing. */
static char *dump(sqlite3 *db) {
  return test_ask(db, "SELECT quote(key), quote(value) FROM kv ORDER BY key");
}

/* What others read. */
static char *dump_folder(const char *folder) {
  sqlite3 *db;
  char *rows;

  if (!test_exists(folder)) return sqlite3_mprintf("");
  db = test_connect(":memory:");
  rows = test_ask(
    db,
    "SELECT kv_open('%q') IS NULL;"
    "SELECT quote(key), quote(value), device FROM kv ORDER BY key;"
    "SELECT device, state FROM kv_devices WHERE device IS NOT NULL ORDER BY 1",
    folder);

  test_disconnect(db);
  return rows;
}

static sqlite3 *connect_case(const nomem_case *c) {
  sqlite3 *db;

  begin_again();
  db = test_connect(c->kind == PERSISTENT ? "host.db" : ":memory:");
  if (c->kind == TEMP) test_run(db, "%s", open_laptop);
  if (c->prepare) c->prepare(db);
  return db;
}

/* Run statements to the first error. */
static int run(sqlite3 *db, const char *text) {
  int rc = sqlite3_exec(db, text, NULL, NULL, NULL);
  return rc == SQLITE_OK ? rc : sqlite3_extended_errcode(db);
}

/* How a case goes with memory. */
typedef struct nomem_expected {
  int rc;
  char *before;
  char *after;
  char *folder; /* after kv_sync(), if there is still a store */
  char *new_folder;
} nomem_expected;

static void end_case(sqlite3 *db, const nomem_case *c) {
  if (c->undo) c->undo();
  folder_is_back();
  test_try(db, "SELECT kv_sync()");
  test_disconnect(db);
}

static void expect_of(const nomem_case *c, nomem_expected *out) {
  sqlite3 *db = connect_case(c);

  out->before = dump(db);
  out->rc = run(db, c->text);
  out->after = dump(db);
  if (c->undo) {
    assert_int_not_equal(out->rc, SQLITE_OK);
    c->undo();
    assert_int_equal(run(db, c->text), SQLITE_OK);
    sqlite3_free(out->after);
    out->after = dump(db);
  } else if (out->rc != SQLITE_OK) {
    run(db, c->text); /* the message again */
    print_error("%s: %s\n", c->name, sqlite3_errmsg(db));
    fail();
  }
  end_case(db, c);
  out->folder = dump_folder("n.kv");
  out->new_folder = dump_folder("new.kv");
}

static void expect_same(const nomem_case *c, int64_t n, const char *what,
                        char *rows, const char *expected, const char * or) {
  if (strcmp(rows, expected) != 0 && (! or || strcmp(rows, or) != 0)) {
    print_error("%s, failure %lld, %s:\n%s\nexpected:\n%s\n", c->name,
                (long long)n, what, rows, expected);
    if (or) print_error("or:\n%s\n", or);
    fail();
  }
  sqlite3_free(rows);
}

/* The second phase of a commit failed, and rows are not given up for it. */
static int is_late(sqlite3 *db, int rc) {
  return rc == SQLITE_LOCKED && strstr(sqlite3_errmsg(db), "not published");
}

static int64_t steps_left; /* until the interrupt; 0: none */

static int step_is_last(void *unused) {
  (void)unused;
  return steps_left > 0 && --steps_left == 0;
}

static int is_disturbance(int rc) {
  return nomem_is(rc) || rc == SQLITE_INTERRUPT;
}

/* One allocation or step fails. Returns 0 if there are not so many. */
static int fail_one(const nomem_case *c, const nomem_expected *expected,
                    int is_interrupt, int64_t n) {
  sqlite3 *db = connect_case(c);
  char *rows;
  int has_failed;
  int rc;

  if (is_interrupt) {
    steps_left = n;
    sqlite3_progress_handler(db, 1, step_is_last, NULL);
  } else {
    nomem_fail(n);
  }
  rc = run(db, c->text);
  has_failed = is_interrupt ? steps_left == 0 : nomem_end();
  sqlite3_progress_handler(db, 0, NULL, NULL);
  if (rc != SQLITE_OK && !is_disturbance(rc) && rc != expected->rc &&
      !is_late(db, rc)) {
    print_error("%s, failure %lld: error %d: %s\n", c->name, (long long)n, rc,
                sqlite3_errmsg(db));
    fail();
  }
  if (chosen[0])
    print_message("%lld: %d %s\n", (long long)n, rc, sqlite3_errmsg(db));
  if (!sqlite3_get_autocommit(db)) test_run(db, "ROLLBACK");
  rows = dump(db);
  if (rc != SQLITE_OK && (c->kind == NO_STORE || c->prepare == cache_is_gone)) {
    /* Each log is merged by itself; and a kv_open() that failed could not
    ** drop its table: SQLite runs no statement inside one that ran out of
    ** memory. */
    sqlite3_free(rows);
  } else {
    /* SQLite also tells of an interrupt behind a commit, when a statement
    ** is at its end. */
    if (rc == SQLITE_INTERRUPT && strcmp(rows, expected->before) != 0) {
      rc = SQLITE_OK;
    }
    expect_same(c, n, "then", rows, expected->before, expected->after);
  }

  if (c->undo) c->undo();
  if (rc != SQLITE_OK) rc = run(db, c->text);
  expect_same(c, n, "in the end", dump(db), expected->after, NULL);
  end_case(db, c);
  expect_same(c, n, "the folder", dump_folder("n.kv"), expected->folder, NULL);
  expect_same(c, n, "the new folder", dump_folder("new.kv"),
              expected->new_folder, NULL);
  return has_failed;
}

static void fail_all(const nomem_case *c, int is_interrupt, int first) {
  /* opening takes thousands */
  int step = nomem_step(c->kind == NO_STORE ? 199 : 47);
  nomem_expected expected;
  sqlite3_int64 used;
  int64_t n;

  expect_of(c, &expected);
  used = sqlite3_memory_used();
  for (n = first; fail_one(c, &expected, is_interrupt, n); n += step) {
    if (sqlite3_memory_used() != used) {
      print_error("%s, failure %lld: %lld bytes leaked\n", c->name,
                  (long long)n, (long long)(sqlite3_memory_used() - used));
      fail();
    }
  }
  sqlite3_free(expected.before);
  sqlite3_free(expected.after);
  sqlite3_free(expected.folder);
  sqlite3_free(expected.new_folder);
}

static void fail_cases(const char *folder, int is_interrupt) {
  int i;

  assert_int_equal(chdir(folder), 0);
  make_start();
  (void)test_path(NULL);
  for (i = 0; i < N_CASES; i++) {
    if (!strstr(cases[i].name, chosen)) continue;
    if (chosen[0]) print_message("%s\n", cases[i].name);
    fail_all(&cases[i], is_interrupt, 1 + i % nomem_step(47));
  }
  assert_int_equal(chdir("/"), 0);
}

static void statements_survive_out_of_memory(void **state) {
  fail_cases(*state, 0);
}

static void statements_survive_interrupts(void **state) {
  fail_cases(*state, 1);
}

/* Loading: the connection has all of it or can go on without. */
static void loading_survives_out_of_memory(void **state) {
  sqlite3_int64 used = sqlite3_memory_used();
  int has_failed = 1;
  int64_t n;

  (void)state;
  for (n = 1; has_failed; n++) {
    sqlite3 *db = NULL;
    int rc;

    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    nomem_fail(n);
    rc = sqlite3_kv_init(db, NULL, NULL);
    has_failed = nomem_end();
    assert_true(rc == SQLITE_OK || nomem_is(rc));
    if (rc != SQLITE_OK) rc = sqlite3_kv_init(db, NULL, NULL);
    assert_int_equal(rc, SQLITE_OK);
    test_run(db, "SELECT kv_open(':memory:'); INSERT INTO kv VALUES(1, 2)");
    test_rows(db, "2", "SELECT kv_get(1)");
    test_disconnect(db);
    assert_int_equal(sqlite3_memory_used(), used);
  }
  assert_true(n > 20);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(loading_survives_out_of_memory),
    cmocka_unit_test_setup_teardown(statements_survive_out_of_memory,
                                    test_files_setup, test_files_teardown),
    cmocka_unit_test_setup_teardown(statements_survive_interrupts,
                                    test_files_setup, test_files_teardown),
  };

  if (argc > 1) chosen = argv[1];
  return cmocka_run_group_tests(tests, nomem_install, NULL);
}
