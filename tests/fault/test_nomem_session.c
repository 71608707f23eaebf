/*
** Out of memory: allocations of a whole session fail, one in each run. The
** session ends with SQLITE_NOMEM or as if nothing had happened, nothing leaks,
** and the files are good.
**
** Every twelfth allocation is tried, different ones for each kind of cache;
** KV_NOMEM_STEP=1 tries all of them.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "fault/nomem.h"
#include "kv.h"
#include "log/writer.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

/* Run statements to the first error. */
static int run(sqlite3 *db, const char *text) {
  int rc = sqlite3_exec(db, text, NULL, NULL, NULL);
  return rc == SQLITE_OK ? rc : sqlite3_extended_errcode(db);
}

/* One session; returns its first error. */
static int session(const char *file, const char *open, const char *text,
                   char *message, size_t n_message) {
  sqlite3 *db = NULL;
  int rc = sqlite3_open(file, &db);

  message[0] = '\0';
  if (rc == SQLITE_OK) rc = sqlite3_kv_init(db, NULL, NULL);
  if (rc == SQLITE_OK) rc = run(db, open);
  if (rc == SQLITE_OK) rc = run(db, text);
  if (rc != SQLITE_OK && db) {
    sqlite3_snprintf((int)n_message, message, "%s", sqlite3_errmsg(db));
  }
  assert_rc(sqlite3_close(db), SQLITE_OK);
  return rc;
}

static const char session_text[] =
  "INSERT INTO kv VALUES('a', 1), ('b', 'two'), (3, x'03');"
  "SELECT kv_set('c', zeroblob(3000));"
  "BEGIN;"
  "UPDATE kv SET value = value || '!' WHERE key = 'b';"
  "SAVEPOINT s;"
  "INSERT INTO kv VALUES('gone', 1);"
  "ROLLBACK TO s;"
  "UPDATE OR REPLACE kv SET key = 'd' WHERE key = 'c';"
  "COMMIT;"
  "DELETE FROM kv WHERE key = 3;"
  "SELECT kv_sync();"
  "SELECT key, value, time, device FROM kv WHERE key >= 'a' ORDER BY key DESC;"
  "SELECT kv_get('a'), kv_get('none', 1);"
  "SELECT * FROM kv('2026-11-02') WHERE key GLOB 'b*';"
  "SELECT count(*) FROM kv_log WHERE key = 'b';"
  "SELECT device, state, file FROM kv_devices;"
  "SELECT kv_close();";

/* Put another device's log into the folder. */
static void make_folder(const char *root) {
  test_log log;

  test_make_folder(root);
  test_make_folder(test_path("%s/devices", root));
  test_make_folder(test_path("%s/devices/phone", root));
  test_log_begin(&log, test_path("%s/devices/phone/log.db", root), "phone", 1);
  test_log_set(&log, TEST_NOW, "p", "1", 1);
  test_log_set(&log, TEST_NOW, "q", "2", 0);
  test_log_end(&log);
}

static void forget_laptop(const char *root, const char *file) {
  const char *log = test_path("%s/devices/laptop/log.db", root);

  if (test_exists(log)) test_remove(log);
  if (test_exists(test_path("%s-journal", log))) {
    test_remove(test_path("%s-journal", log));
  }
  if (test_exists(test_path("%s/devices/laptop", root))) {
    test_remove(test_path("%s/devices/laptop", root));
  }
  if (test_exists(file)) test_remove(file);
  if (test_exists(test_path("%s-journal", file))) {
    test_remove(test_path("%s-journal", file));
  }
}

/* After a failure the same session succeeds on what was left. */
static void expect_recovery(const char *root, const char *file,
                            const char *open) {
  char message[500];
  sqlite3 *db;
  char *rows;

  assert_rc(session(file, open, session_text, message, sizeof(message)),
            SQLITE_OK);
  db = test_connect(":memory:");
  rows = test_ask(db,
                  "SELECT min(valid) FROM kv_foreign('%q/devices/laptop/"
                  "log.db')",
                  root);
  assert_string_equal(rows, "1\n");
  sqlite3_free(rows);
  test_disconnect(db);
}

/* Let allocations of the session fail, starting with number `first`. */
static void expect_no_harm(const char *root, const char *file, const char *open,
                           int first) {
  int step = nomem_step(12);
  int64_t n;
  int64_t n_runs = 0;
  int64_t n_survived = 0;
  int rc = SQLITE_NOMEM;
  int is_done = 0;

  for (n = first; !is_done; n += step) {
    sqlite3_int64 used = sqlite3_memory_used();
    char message[500];

    nomem_fail(n);
    rc = session(file, open, session_text, message, sizeof(message));
    is_done = !nomem_end();
    if (rc == SQLITE_OK) n_survived++;
    if (rc != SQLITE_OK && !nomem_is(rc)) {
      print_error("allocation %lld: error %d: %s\n", (long long)n, rc, message);
    }
    assert_true(rc == SQLITE_OK || nomem_is(rc));
    if (sqlite3_memory_used() != used) {
      print_error("allocation %lld: %lld bytes leaked\n", (long long)n,
                  (long long)(sqlite3_memory_used() - used));
    }
    assert_int_equal(sqlite3_memory_used(), used);
    if (++n_runs % 25 == 0) expect_recovery(root, file, open);
    forget_laptop(root, file);
  }
  assert_rc(rc, SQLITE_OK);
  assert_true(n > 1000);
  /* SQLite can do without some; a log that cannot be opened is tried again. */
  assert_true(n_survived < n_runs / 3);
}

static void a_temporary_store_survives_out_of_memory(void **state) {
  char *root = sqlite3_mprintf("%s/n.kv", *state);
  char *file = sqlite3_mprintf("%s/host.db", *state);
  char *open =
    sqlite3_mprintf("SELECT kv_open('%q', 'laptop', 'now=2026-11-01')", root);

  make_folder(root);
  expect_no_harm(root, file, open, 1);
  sqlite3_free(open);
  sqlite3_free(file);
  sqlite3_free(root);
}

static void a_persistent_store_survives_out_of_memory(void **state) {
  char *root = sqlite3_mprintf("%s/n.kv", *state);
  char *file = sqlite3_mprintf("%s/host.db", *state);
  char *open = sqlite3_mprintf(
    "CREATE VIRTUAL TABLE IF NOT EXISTS kv USING kv('%q', device='laptop', "
    "now='2026-11-01')",
    root);

  make_folder(root);
  expect_no_harm(root, file, open, 7);
  sqlite3_free(open);
  sqlite3_free(file);
  sqlite3_free(root);
}

/*
** SQLite rolls back a transaction in which it ran out of memory. Then the own
** log is not locked, even if a retry has memory.
*/
static void a_log_that_is_open_is_locked(void **state) {
  char *root = sqlite3_mprintf("%s/n.kv", *state);
  sqlite3 *db = test_connect(":memory:");
  kv_writer_place place;
  int is_done = 0;
  int64_t n;

  memset(&place, 0, sizeof(place));
  place.host = db;
  place.root = root;
  place.device = "phone";
  place.file = "log.db";
  place.machine = "";
  make_folder(root);
  for (n = 1; !is_done; n++) {
    kv_verdict verdict = {KV_STATE_OK, NULL};
    kv_writer *log = NULL;
    char *err = NULL;
    int rc;

    nomem_fail(n);
    rc = kv_writer_lock(&place, &log, &verdict, &err);
    is_done = !nomem_end();
    assert_int_equal(verdict.state, KV_STATE_OK);
    assert_true(rc == SQLITE_OK ? log != NULL : nomem_is(rc));
    if (log) {
      assert_false(sqlite3_get_autocommit(log->handle));
      assert_rc(kv_writer_commit(log), SQLITE_OK);
    }
    kv_writer_close(log);
    kv_verdict_clear(&verdict);
    sqlite3_free(err);
  }
  assert_true(n > 100);
  test_disconnect(db);
  sqlite3_free(root);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(a_log_that_is_open_is_locked),
    test_in_folder(a_temporary_store_survives_out_of_memory),
    test_in_folder(a_persistent_store_survives_out_of_memory),
  };
  return cmocka_run_group_tests(tests, nomem_install, NULL);
}
