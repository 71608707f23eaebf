/*
** Statements on logs that are compacted, and on devices that are retired and come
** back, for test_nomem_statements. See nomem_cases.h.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault/nomem_cases.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"

/* One key has several large values: most of the log can go. */
static void log_has_history(sqlite3 *db) {
  int i;

  for (i = 0; i < 5; i++)
    test_run(db, "INSERT INTO kv VALUES('large', zeroblob(%d))", 9000 + i);
}

static void log_has_sealed_history(sqlite3 *db) {
  test_run(db, "SELECT kv_open('n.kv', 'laptop', 'now=2026-11-01, segment=1')");
  log_has_history(db);
  test_run(db, "SELECT kv_open('n.kv', 'laptop', 'now=2026-11-01, segment=0')");
}

/* The next kv_sync() gives it up. */
static void history_is_due(sqlite3 *db) {
  log_has_history(db);
  test_run(db, "SELECT kv_open('n.kv', 'laptop', 'now=2026-12-01, "
               "history=1 day')");
  test_run(db, "INSERT INTO kv VALUES('a', 'later')");
}

/* The cache knows the generation before. */
static void another_process_compacts(sqlite3 *db) {
  sqlite3 *other = test_connect(":memory:");

  log_has_history(db);
  test_run(other, "SELECT kv_open('n.kv', 'laptop', 'now=2026-11-02')");
  test_run(other, "SELECT kv_compact('2255-01-01')");
  test_disconnect(other);
}

/* Phone has written more, once it was retired. */
static void phone_is_back(sqlite3 *db) {
  test_log log;

  log_has_history(db);
  test_run(db, "SELECT kv_retire('phone')");
  test_log_open(&log, PHONE);
  test_log_set(&log, TEST_NOW + 5, "p", "new", 0);
  test_log_end(&log);
  test_run(db, "SELECT kv_sync()");
}

/* Nothing but the copy of phone's log is left. */
static void phone_is_retired_and_gone(sqlite3 *db) {
  test_run(db, "SELECT kv_retire('phone')");
  test_remove(PHONE);
}

/* Another device retires laptop. */
static void laptop_is_retired(sqlite3 *db) {
  sqlite3 *other = test_connect(":memory:");

  (void)db;
  test_run(other, "SELECT kv_open('n.kv', 'tablet', 'now=2026-11-01')");
  test_run(other, "SELECT kv_retire('laptop')");
  test_disconnect(other);
}

#define COMPACT "SELECT kv_compact('2255-01-01')"

const nomem_case nomem_life_cases[] = {
  {"compact", PERSISTENT, log_has_history, COMPACT, NULL},
  {"compact sealed files", TEMP, log_has_sealed_history, COMPACT, NULL},
  {"compact by a sync", PERSISTENT, history_is_due, "SELECT kv_sync()", NULL},
  {"what a compaction would do", PERSISTENT, log_has_history,
   "SELECT * FROM kv_compaction('2255-01-01')", NULL},
  {"take over a compacted log", PERSISTENT, another_process_compacts,
   "SELECT kv_sync()", NULL},
  {"retire", PERSISTENT, NULL, "SELECT kv_retire('phone')", NULL},
  {"compact after a return", PERSISTENT, phone_is_back, COMPACT, NULL},
  {"sync after a retirement", TEMP, phone_is_retired_and_gone,
   "SELECT kv_sync(); SELECT * FROM kv_devices", NULL},
  {"return from retirement", PERSISTENT, laptop_is_retired,
   "SELECT kv_sync(); INSERT INTO kv VALUES('a', 'back')", NULL},
};

const int nomem_n_life_cases =
  (int)(sizeof(nomem_life_cases) / sizeof(nomem_life_cases[0]));
