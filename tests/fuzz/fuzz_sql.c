/*
** libFuzzer on SQL: each input is a script that runs against an opened store,
** by a user who may write anything. There is a persistent store with some
** history, a second store in temp, and the log of another device to merge.
**
** Statements that are refused are fine. A crash is not, nor are rows in the own
** logs that readers would refuse, a connection that cannot be closed, or leaked
** memory. It runs in its own folder: give folders of inputs by their full
** paths.
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

#include "kv.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LAPTOP "n.kv/devices/laptop/log.db"
#define TABLET "n.kv/devices/tablet/log.db"
#define PHONE "n.kv/devices/phone/log.db"

static void need(int condition, const char *what, const char *got) {
  if (condition) return;
  fprintf(stderr, "\n%s: %.2000s\n", what, got ? got : "");
  abort();
}

static void fuzz_remove(void) {
  void *folder = realpath(".", NULL);

  if (chdir("/") == 0) test_files_teardown(&folder);
}

/* Files of the working directory, and the start of every run. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  void *folder = NULL;
  sqlite3 *db;
  test_log log;

  (void)argc;
  (void)argv;
  if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
  need(test_files_setup(&folder) == 0 && chdir(folder) == 0, "folder", NULL);
  free(folder);
  atexit(fuzz_remove);
  test_make_folder("n.kv");
  test_make_folder("n.kv/devices");
  test_make_folder("n.kv/devices/phone");
  test_log_begin(&log, PHONE, "phone", 1);
  test_log_set(&log, TEST_NOW, "p", "1", 1);
  test_log_set(&log, TEST_NOW, "b", "phone", 0);
  test_log_end(&log);
  db = test_connect("start.db");
  test_run(db, "CREATE VIRTUAL TABLE kv USING kv('n.kv', device='laptop', "
               "now='2026-11-01'); CREATE TABLE t(x, y);"
               "SELECT kv_sync(); INSERT INTO kv VALUES('a', 1), ('b', 'two');"
               "INSERT INTO kv VALUES(3, x'03'), ('c', zeroblob(2000))");
  test_disconnect(db);
  test_log_open(&log, PHONE);
  test_log_set(&log, TEST_NOW + 5, "new", "1", 0);
  test_log_end(&log);
  test_copy(LAPTOP, "laptop.log");
  test_copy(PHONE, "phone.log");
  (void)test_path(NULL);
  return 0;
}

/* Statements that take long, leave the folder, or are not about the store. */
static int fuzz_authorize(void *unused, int action, const char *a,
                          const char *b, const char *c, const char *d) {
  (void)unused;
  (void)b;
  (void)c;
  (void)d;
  switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_RECURSIVE: return SQLITE_DENY;
    case SQLITE_PRAGMA:
      return a && (sqlite3_stricmp(a, "busy_timeout") == 0 ||
                   sqlite3_stricmp(a, "data_version") == 0 ||
                   sqlite3_stricmp(a, "foreign_keys") == 0 ||
                   sqlite3_stricmp(a, "recursive_triggers") == 0)
               ? SQLITE_OK
               : SQLITE_DENY;
    case SQLITE_FUNCTION:
      return b && (sqlite3_stricmp(b, "load_extension") == 0 ||
                   sqlite3_stricmp(b, "zeroblob") == 0 ||
                   sqlite3_stricmp(b, "randomblob") == 0)
               ? SQLITE_DENY
               : SQLITE_OK;
    default: return SQLITE_OK;
  }
}

static int fuzz_steps;

static int fuzz_is_over(void *unused) {
  (void)unused;
  return --fuzz_steps < 0;
}

static void fuzz_run(const char *text) {
  sqlite3 *db = test_connect("host.db");

  test_run(db,
           "PRAGMA synchronous = 0;"
           "SELECT kv_open('n.kv', 'tablet', 'name=other, now=2026-11-02')");
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 100000);
  sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 50);
  sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 20);
  sqlite3_set_authorizer(db, fuzz_authorize, NULL);
  fuzz_steps = 100;
  sqlite3_progress_handler(db, 1000, fuzz_is_over, NULL);
  while (text && *text) {
    sqlite3_stmt *stmt = NULL;
    const char *next = NULL;
    int n = 0;

    if (sqlite3_prepare_v2(db, text, -1, &stmt, &next) != SQLITE_OK) {
      /* on behind the next semicolon */
      next = strchr(text, ';');
      if (next) next++;
    }
    while (stmt && n++ < 1000 && sqlite3_step(stmt) == SQLITE_ROW) {
    }
    sqlite3_finalize(stmt);
    text = next;
  }
  sqlite3_progress_handler(db, 0, NULL, NULL);
  need(sqlite3_close(db) == SQLITE_OK, "the connection cannot be closed", NULL);
}

static void fuzz_expect_sound(const char *log) {
  sqlite3 *db;
  char *rows;

  if (!test_exists(log)) return;
  db = test_connect(":memory:");
  rows = test_ask(
    db, "SELECT seq, reason FROM kv_foreign('%q') WHERE NOT valid", log);
  need(rows[0] == '\0', log, rows);
  sqlite3_free(rows);
  test_disconnect(db);
}

static void fuzz_begin_again(void) {
  static const char *const files[] = {"host.db-journal", LAPTOP "-journal",
                                      TABLET "-journal", TABLET,
                                      "n.kv/devices/tablet"};
  size_t i;

  for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
    if (test_exists(files[i])) test_remove(files[i]);
  }
  test_copy("start.db", "host.db");
  test_copy("laptop.log", LAPTOP);
  test_copy("phone.log", PHONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  sqlite3_int64 used = sqlite3_memory_used();
  char *text = sqlite3_mprintf("%.*s", (int)size, (const char *)data);

  fuzz_begin_again();
  fuzz_run(text);
  sqlite3_free(text);
  fuzz_expect_sound(LAPTOP);
  fuzz_expect_sound(TABLET);
  (void)test_path(NULL);
  need(sqlite3_memory_used() == used, "memory was leaked", NULL);
  return 0;
}
