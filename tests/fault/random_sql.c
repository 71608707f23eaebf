/*
** Random SQL on two connections of one host database: stores over three folders
** are created, dropped and renamed; DDL, pragmas, views and triggers;
** statements that one connection leaves half-stepped, or interrupts, while the
** other changes the schema. Errors are fine. These are not: a crash, a
** connection that does not close, a damaged database, a row that readers would
** refuse, and a row of one folder in the store or the log of another.
**
**     random_sql [FIRST LAST [SECONDS]]
**
** runs the sessions with these numbers, and starts no more after this many
** seconds. A single one is shown with its result codes.
*/
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#include "kv.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

#define SQL_ACTIONS 60   /* in a session */
#define SQL_KEPT 4       /* statements, of each connection */
#define SQL_STEPS 200000 /* of SQLite's machine, in a statement */

typedef struct sql_host {
  sqlite3 *db;
  sqlite3_stmt *kept[SQL_KEPT];
  int64_t left; /* steps until the statement is interrupted */
} sql_host;

static int sql_first = 1;
static int sql_last = 1000000;
static int sql_seconds = 20;
static int sql_number; /* of the session that runs */
static int sql_is_shown;
static int sql_spoils; /* triggers may write to shadow tables */
static uint64_t sql_random_state;

/* https://en.wikipedia.org/wiki/Xorshift */
static unsigned sql_random(unsigned n) {
  sql_random_state ^= sql_random_state << 13;
  sql_random_state ^= sql_random_state >> 7;
  sql_random_state ^= sql_random_state << 17;
  return (unsigned)(sql_random_state >> 33) % n;
}

/* --- The grammar ------------------------------------------------------ */

/*
** A '$' and a capital letter stand for a random line of that rule, recursively;
** $Y stands for a table that gets triggers. No rule writes keys that begin with
** 'own' or 'phone': they show which folder is which.
*/
static const char *const sql_rules[26] = {
  ['A' - 'A'] = "x\ny",
  ['C' - 'A'] = "REPLACE\nIGNORE\nFAIL\nABORT\nROLLBACK",
  ['D' - 'A'] = "tab\ntab\ntab\npad",
  ['E' - 'A'] = "INSERT\nUPDATE\nDELETE",
  /* expressions */
  ['F' - 'A'] =
    "kv_sync()\nkv_sync()\nkv_sync('$N')\nkv_get($K)\nkv_get($K, 0, '$N')\n"
    "kv_set($M, $V)\nkv_set($M, $V, '$N')\nkv_delete($K)\nkv_delete($K, '$N')\n"
    "kv_revert($K)\nkv_revert($K, '2026-11-0$I', '$N')\nkv_cursor()\n"
    "kv_cursor('$N')\nkv_close()\nkv_close('$N')\nkv_close('discard=1', '$N')\n"
    "kv_open('$P.kv', '$D')\nkv_open('$P.kv', '$D')\n"
    "kv_open('$P.kv', '$D', 'name=$N')\nkv_open('$P.kv', NULL, 'name=$N')\n"
    "kv_open('$P.kv', '$D', 'now=2026-11-0$I')\nkv_open(':memory:')\n"
    "kv_hash($V)\nkv_version()\nchanges()\ntotal_changes()\n(SELECT count(*) FROM $T)",
  ['I' - 'A'] = "1\n2\n3",
  ['K' - 'A'] = "$M\n$M\n$M\n'own a'\n'own b'\n'phone a'",
  ['M' - 'A'] = "1\n2.5\n'a'\n'b'\nx'00'\nNULL",
  ['N' - 'A'] = "kv\nkv\nkv\nk2\nk3",
  ['P' - 'A'] = "a\na\nb\nb\nc",
  ['Q' - 'A'] =
    "count_changes = 1\ncount_changes = 0\ntemp_store = $I\n"
    "query_only = 1\nquery_only = 0\nquery_only = 0\nrecursive_triggers = 1\n"
    "foreign_keys = 1\nforeign_keys = 0\njournal_mode = WAL\n"
    "journal_mode = DELETE\njournal_mode = TRUNCATE\njournal_mode = MEMORY\n"
    "cache_size = $I\ncache_spill = 1\nschema_version = 10$I\n"
    "user_version = $I\nuser_version\nfull_column_names = 1\n"
    "short_column_names = 0\nempty_result_callbacks = 1\n"
    "legacy_alter_table = 1\nlegacy_alter_table = 0\nlocking_mode = EXCLUSIVE\n"
    "locking_mode = NORMAL\nreverse_unordered_selects = 1\n"
    "secure_delete = 1\nauto_vacuum = $I\nincremental_vacuum\n"
    "read_uncommitted = 1\ntrusted_schema = 0\ntrusted_schema = 1\n"
    "wal_checkpoint(TRUNCATE)\noptimize\nshrink_memory\nintegrity_check\n"
    "quick_check\nforeign_key_check\ntable_info(kv)\ntable_list\nencoding\n"
    "cell_size_check = 1\nautomatic_index = 0\ndefer_foreign_keys = 1\n"
    "page_size = 1024\nmax_page_count = 300\nmmap_size = 1000000\n"
    "synchronous = 0\nsoft_heap_limit = 10000\nsoft_heap_limit = 0\n"
    "case_sensitive_like = 1\nthreads = 2\ndata_version\n"
    "ignore_check_constraints = 0\nwritable_schema = RESET",
  /* schemas, with their dots */
  ['R' - 'A'] = "\n\n\nmain.\nmain.\ntemp.\ntemp.\nx.\ny.",
  /* statements */
  ['S' - 'A'] =
    "CREATE VIRTUAL TABLE $R$N USING kv('$P.kv', device='$D')\n"
    "CREATE VIRTUAL TABLE $R$N USING kv('$P.kv', device='$D')\n"
    "CREATE VIRTUAL TABLE $R$N USING kv('$P.kv', device='$D')\n"
    "CREATE VIRTUAL TABLE temp.$N USING kv('$P.kv', device='$D')\n"
    "CREATE VIRTUAL TABLE temp.$N USING kv('$P.kv')\n"
    "CREATE VIRTUAL TABLE IF NOT EXISTS $R$N USING kv('$P.kv', device='$D', "
    "now='2026-11-0$I')\n"
    "CREATE VIRTUAL TABLE $R$N USING kv('$P.kv')\n"
    "CREATE VIRTUAL TABLE $R$N USING kv(':memory:')\n"
    "CREATE VIRTUAL TABLE temp.f USING "
    "kv_foreign('$P.kv/devices/phone/log.db')\n"
    "SELECT count(*) FROM f\nDROP TABLE f\n"
    "DROP TABLE $R$N\nDROP TABLE $R$N\nDROP TABLE $R$N\n"
    "DROP TABLE IF EXISTS $R$N\nALTER TABLE $R$N RENAME TO $N\n"
    "ALTER TABLE $R$N RENAME TO $N\n"
    "SELECT $F\nSELECT $F\nSELECT $F\nSELECT $F\nSELECT $F\nSELECT $F\n"
    "SELECT $F, $F\nSELECT $F FROM $T\nSELECT $F FROM $T\nSELECT * FROM $T\n"
    "SELECT * FROM $T\nSELECT * FROM $T\nSELECT * FROM $T, $T\n"
    "SELECT key FROM $T ORDER BY key DESC\n$W\n$W\n$W\n$W\n$W\n$W\n"
    "BEGIN\nBEGIN IMMEDIATE\nCOMMIT\nCOMMIT\nCOMMIT\nCOMMIT\nROLLBACK\n"
    "ROLLBACK\nSAVEPOINT s\nROLLBACK TO s\nRELEASE s\nVACUUM\nVACUUM\nANALYZE\n"
    "REINDEX\nATTACH 'other.db' AS $A\nATTACH 'more.db' AS $A\n"
    "ATTACH ':memory:' AS $A\nDETACH $A\nDETACH $A\n"
    "CREATE TABLE $Rd$I(x)\nDROP TABLE $Rd$I\nCREATE INDEX i$I ON t(x)\n"
    "DROP INDEX i$I\nALTER TABLE $Rd$I ADD COLUMN y\n"
    "CREATE VIEW v$I AS SELECT * FROM $T\n"
    "CREATE TEMP VIEW v$I AS SELECT $F AS key FROM $T\nDROP VIEW v$I\n"
    "CREATE TRIGGER r$I AFTER $E ON t BEGIN $W; END\n"
    "CREATE TEMP TRIGGER r$I BEFORE $E ON t BEGIN $W; SELECT $F; END\n"
    "CREATE TRIGGER r$I AFTER $E ON $Y BEGIN $W; END\n"
    "DROP TRIGGER r$I\nPRAGMA $Q\nPRAGMA $Q\nPRAGMA $R$Q\n"
    "EXPLAIN SELECT * FROM $T\nEXPLAIN QUERY PLAN SELECT * FROM $T\n"
    "SELECT * FROM $R$U\nSELECT * FROM $N_$X",
  ['T' - 'A'] =
    "$R$N\n$R$N\n$N\n$N\nkv_log\nkv_log\nkv_log('$N')\nkv_diff('2026-01-01')\n"
    "kv_diff(1, 2, '$N')\nkv_conflicts\nkv_conflicts('$N')\nkv_changes\n"
    "kv_changes(0, '$N')\nkv_devices\nkv_devices('$N')\n"
    "kv_foreign('$P.kv/devices/$D/log.db')\nkv_parstore('$P.kv')\n$N('2026-11-0$I')\nv$I\n"
    "(SELECT x AS key FROM t)",
  ['U' - 'A'] = "sqlite_master\nsqlite_temp_master",
  ['V' - 'A'] = "1\nNULL\n'text'\nzeroblob(9000)\nhex(zeroblob(5000))\n"
                "(SELECT count(*) FROM $T)\n2.5\nx'0102'",
  /* statements that write, also in triggers */
  ['W' - 'A'] =
    "INSERT INTO $N VALUES('a', $V), ('b', $V)\nINSERT INTO $N VALUES(1, $V)\n"
    "INSERT OR $C INTO $N VALUES('a', $V)\nINSERT INTO t VALUES($V)\n"
    "UPDATE OR $C $N SET value = $F WHERE key = $K\n"
    "UPDATE $N SET value = 3\nUPDATE $N SET key = 'b' WHERE key = 'a'\n"
    "DELETE FROM $N WHERE key = $K\nDELETE FROM $N\nUPDATE t SET x = $F\n"
    "INSERT INTO $N SELECT hex(key), 7 FROM $T LIMIT 5\n"
    "INSERT INTO t SELECT key FROM $T LIMIT 5\nDELETE FROM t",
  ['X' - 'A'] = "cache\ncursor\nseen\narrival\nmeta\nlarge",
};

/* One of the lines of a rule. */
static void sql_expand(sqlite3_str *out, const char *rule) {
  const char *line;
  unsigned n = 1;

  for (line = rule; *line; line++) {
    if (*line == '\n') n++;
  }
  for (line = rule, n = sql_random(n); n > 0; line++) {
    if (*line == '\n') n--;
  }
  for (; *line && *line != '\n'; line++) {
    if (line[0] == '$' && line[1] >= 'A' && line[1] <= 'Z') {
      const char *more = sql_rules[*++line - 'A'];
      sql_expand(out, more ? more : sql_spoils ? "$N_$X" : "t");
    } else {
      sqlite3_str_appendchar(out, 1, *line);
    }
  }
}

static char *sql_statement(void) {
  sqlite3_str *out = sqlite3_str_new(NULL);

  sql_expand(out, sql_rules['S' - 'A']);
  return sqlite3_str_finish(out);
}

/* --- A session -------------------------------------------------------- */

static const char *const sql_files[] = {"host.db", "other.db", "more.db"};

/* A folder with the log of a phone; a host database with a store in it. */
static void sql_make(const char *file, const char *name, char folder) {
  const char *devices = test_path("%c.kv/devices", folder);
  sqlite3 *db;
  test_log log;

  test_make_folder(test_path("%c.kv", folder));
  test_make_folder(devices);
  test_make_folder(test_path("%s/phone", devices));
  test_log_begin(&log, test_path("%s/phone/log.db", devices), "phone", folder);
  test_log_set(&log, TEST_NOW, test_path("phone %c", folder), "1", 0);
  test_log_end(&log);
  db = test_connect(file);
  test_run(db, "PRAGMA synchronous = 0; CREATE TABLE t(x)");
  test_run(db, "CREATE VIRTUAL TABLE %s USING kv('%c.kv', device='tab')", name,
           folder);
  test_run(db, "INSERT INTO %s VALUES('own %c', 1)", name, folder);
  test_disconnect(db);
}

/* The limit of a statement, and interrupts. */
static int sql_is_enough(void *host) {
  return --((sql_host *)host)->left <= 0;
}

static void sql_open(sql_host *host, int is_shared) {
  const char *uri = is_shared ? "file:host.db?cache=shared" : "host.db";

  assert_rc(sqlite3_open_v2(uri, &host->db,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                              SQLITE_OPEN_URI,
                            NULL),
            SQLITE_OK);
  sqlite3_progress_handler(host->db, 1, sql_is_enough, host);
  host->left = SQL_STEPS;
  if (sqlite3_kv_init(host->db, NULL, NULL) == SQLITE_OK) {
    sqlite3_exec(host->db, "PRAGMA synchronous = 0", NULL, NULL, NULL);
  }
}

static void sql_close(sql_host *host) {
  int i;

  for (i = 0; i < SQL_KEPT; i++) {
    sqlite3_finalize(host->kept[i]);
    host->kept[i] = NULL;
  }
  assert_rc(sqlite3_close(host->db), SQLITE_OK);
  host->db = NULL;
}

/* Put another database in place of the open one. */
static void sql_replace(sql_host *host) {
  sqlite3 *from = NULL;
  sqlite3_backup *backup;

  sqlite3_open(sql_files[sql_random(3)], &from);
#if SQLITE_VERSION_NUMBER >= 3054000 /* 3.40.1 crashes by itself after it */
  if (sql_random(2)) {
    sqlite3_int64 n = 0;
    unsigned char *bytes = sqlite3_serialize(from, "main", &n, 0);

    if (bytes) {
      sqlite3_deserialize(host->db, "main", bytes, n, n,
                          SQLITE_DESERIALIZE_FREEONCLOSE |
                            SQLITE_DESERIALIZE_RESIZEABLE);
    }
    sqlite3_close(from);
    return;
  }
#endif
  backup =
    sqlite3_backup_init(host->db, sql_random(2) ? "main" : "x", from, "main");
  if (backup) sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  sqlite3_close(from);
}

static void sql_show(const sql_host *host, char who, int rc, const char *what) {
  if (!sql_is_shown) return;
  fprintf(stderr, "%c %4d | %s%s%s\n", who, rc, what,
          rc && rc < SQLITE_ROW ? "   -- " : "",
          rc && rc < SQLITE_ROW ? sqlite3_errmsg(host->db) : "");
}

/* Run a statement to its end, or to a row where it is left half-stepped. */
static void sql_run(sql_host *host, char who) {
  unsigned slot = sql_random(SQL_KEPT * 5);
  char *text = sql_statement();
  sqlite3_stmt *stmt = NULL;
  int rc;

  host->left = sql_random(10) ? SQL_STEPS : 1 + (int64_t)sql_random(600);
  if (sql_is_shown) fprintf(stderr, "%c      > %s\n", who, text);
  rc = sqlite3_prepare_v2(host->db, text, -1, &stmt, NULL);
  if (rc == SQLITE_OK && slot < SQL_KEPT) {
    rc = sqlite3_step(stmt);
    sqlite3_finalize(host->kept[slot]);
    host->kept[slot] = stmt;
  } else if (rc == SQLITE_OK) {
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
      continue;
    sqlite3_finalize(stmt);
  }
  sql_show(host, who, rc, text);
  sqlite3_free(text);
}

/* Continue one that was left half-stepped. */
static void sql_go_on(sql_host *host, char who) {
  unsigned slot = sql_random(SQL_KEPT);
  unsigned n = sql_random(5);
  sqlite3_stmt *stmt = host->kept[slot];
  int rc = SQLITE_ROW;

  if (!stmt) return;
  host->left = SQL_STEPS;
  if (sql_random(2)) sqlite3_reset(stmt);
  if (sql_random(4) == 0) {
    sqlite3_finalize(stmt);
    host->kept[slot] = NULL;
    return;
  }
  while (n-- > 0 && rc == SQLITE_ROW)
    rc = sqlite3_step(stmt);
  sql_show(host, who, rc, sqlite3_sql(stmt));
}

static void sql_session(void) {
  sql_host hosts[2];
  int is_shared = sql_random(8) == 0;
  int i;

  memset(hosts, 0, sizeof(hosts));
  if (sql_is_shown) {
    fprintf(stderr, "cache %s, shadow tables %s\n",
            is_shared ? "shared" : "private", sql_spoils ? "spoiled" : "kept");
  }
  sql_make("host.db", "kv", 'a');
  sql_make("other.db", "kv", 'b');
  sql_make("more.db", "k2", 'c');
  sql_open(&hosts[0], is_shared);
  sql_open(&hosts[1], is_shared);
  for (i = 0; i < SQL_ACTIONS; i++) {
    unsigned n = sql_random(2);
    sql_host *host = &hosts[n];
    char who = "AB"[n];

    switch (sql_random(50)) {
      case 0:
        sql_close(host);
        sql_open(host, is_shared);
        break;
      case 1:
        if (!is_shared) sql_replace(host);
        sql_show(host, who, 0, "-- another database in its place");
        break;
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
      case 9: sql_go_on(host, who); break;
      default: sql_run(host, who); break;
    }
  }
  sql_close(&hosts[0]);
  sql_close(&hosts[1]);
}

/* --- Checks after it -------------------------------------------------- */

static void sql_expect(sqlite3 *db, const char *expected, const char *text) {
  char *rows = test_ask(db, "%s", text);

  if (strcmp(rows, expected) != 0) {
    print_error("%s: %s\n", text, rows);
    fail();
  }
  sqlite3_free(rows);
}

/* A store has only rows of its folder, and readers accept its log. */
static void sql_check_folder(char folder) {
  const char *log = test_path("%c.kv/devices/tab/log.db", folder);
  sqlite3 *db = test_connect(":memory:");

  test_run(db, "SELECT kv_open('%c.kv')", folder);
  sql_expect(db, "",
             test_path("SELECT device, seq, op, key FROM kv_log WHERE (key "
                       "GLOB 'own *' OR key GLOB 'phone *') AND key NOT GLOB "
                       "'* %c'",
                       folder));
  if (test_exists(log)) {
    sql_expect(db, "",
               test_path("SELECT seq, reason FROM kv_foreign('%s') WHERE NOT "
                         "valid",
                         log));
  }
  test_disconnect(db);
}

/* A store of a host database works, and has the rows of its folder. */
static void sql_check_store(sqlite3 *db, const char *name, const char *path) {
  int is_observer = !strstr(path, "device=");
  char *folder = strstr(path, ".kv'");

  sql_expect(db, "",
             test_path("SELECT device, seq, op, key FROM kv_log('%s') WHERE "
                       "(key GLOB 'own *' OR key GLOB 'phone *') AND key NOT "
                       "GLOB '* %c'",
                       name, folder ? folder[-1] : '-'));
  if (sql_spoils) return;
  test_run(db, "SELECT kv_sync('%s')", name);
  sql_expect(db, "",
             test_path("SELECT state, detail FROM kv_devices('%s') WHERE "
                       "is_self AND state <> 'ok'",
                       name));
  if (!is_observer) test_run(db, "INSERT INTO %s VALUES('last', 1)", name);
}

static void sql_check_host(const char *file) {
  sqlite3 *db = test_connect(file);
  sqlite3_stmt *stores = NULL;

  sql_expect(db, "ok\n", "PRAGMA integrity_check");
  if (!sql_spoils) {
    sql_expect(db, "",
               "SELECT name FROM sqlite_master WHERE type = 'table' AND name "
               "GLOB 'k*_*' AND substr(name, 1, instr(name, '_') - 1) NOT IN "
               "(SELECT name FROM sqlite_master WHERE type = 'table')");
  }
  test_run(db, "DROP TRIGGER IF EXISTS r1; DROP TRIGGER IF EXISTS r2;"
               "DROP TRIGGER IF EXISTS r3");
  sqlite3_prepare_v2(db,
                     "SELECT name, sql FROM sqlite_master WHERE sql LIKE "
                     "'CREATE VIRTUAL TABLE %USING kv(%'",
                     -1, &stores, NULL);
  while (sqlite3_step(stores) == SQLITE_ROW) {
    char *name = sqlite3_mprintf("%s", sqlite3_column_text(stores, 0));
    char *text = sqlite3_mprintf("%s", sqlite3_column_text(stores, 1));

    sql_check_store(db, name, text);
    sqlite3_free(name);
    sqlite3_free(text);
  }
  sqlite3_finalize(stores);
  test_disconnect(db);
}

/* Which session was it? */
static void sql_tell(void) {
  char text[64];
  int n = snprintf(text, sizeof(text), "\nin random_sql %d %d\n", sql_number,
                   sql_number);

  if (write(2, text, (size_t)n) < 0) _exit(3);
}

static void sql_signal(int signal) {
  (void)signal;
  sql_tell();
  _exit(2);
}

/* Instead of those of cmocka. */
static void sql_catch(void) {
  signal(SIGABRT, sql_signal);
  signal(SIGALRM, sql_signal);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_set_death_callback(sql_tell);
#else
  signal(SIGSEGV, sql_signal);
#endif
}

static void random_sql_mixes_no_stores_and_breaks_nothing(void **state) {
  time_t end = time(NULL) + sql_seconds;

  setenv("TMPDIR", *state, 1);
  sql_catch();
  for (sql_number = sql_first; sql_number <= sql_last; sql_number++) {
    void *root;
    size_t i;

    if (time(NULL) > end) break;
    alarm(120);
    assert_int_equal(test_files_setup(&root), 0);
    assert_int_equal(chdir(root), 0);
    sql_random_state = UINT64_C(0x9e3779b97f4a7c15) * (unsigned)sql_number;
    sql_spoils = sql_random(3) == 0;
    sql_session();
    for (i = 0; i < 3; i++)
      sql_check_folder("abc"[i]);
    for (i = 0; i < 3; i++)
      sql_check_host(sql_files[i]);
    assert_int_equal(chdir("/"), 0);
    test_files_teardown(&root);
  }
  fprintf(stderr, "random_sql: %d sessions\n", sql_number - sql_first);
  sql_number = 0;
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    test_in_folder(random_sql_mixes_no_stores_and_breaks_nothing),
  };
  int rc;

  if (argc > 1) sql_first = sql_last = atoi(argv[1]);
  if (argc > 2) sql_last = atoi(argv[2]);
  if (argc > 1) sql_seconds = argc > 3 ? atoi(argv[3]) : 1000000;
  sql_is_shown = argc > 1 && sql_first == sql_last;
  /* files in memory, if the system has that */
  if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
  rc = cmocka_run_group_tests(tests, NULL, NULL);
  if (rc) sql_tell();
  return rc;
}
