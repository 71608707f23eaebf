/*
** An operation on a file fails, once or from then on. There is an error, or the
** rows wait; and when it works again, so does everything else.
**
** This tries a sample of all operations; KV_FAULT_STEP=1 tries each of them.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "vfs_fault.h"
#include "vfs_image.h"
#include "vfs_world.h"

static struct {
  unsigned kinds;
  int rc;
  long n_runs;
  long n_errors; /* statements that failed */
  long n_wrong;
} run;

/* Print what is wrong, and go on. */
static void complain(const world *w, const scenario *what,
                     const fault_plan *plan, const char *where) {
  print_error("%s, %s, code %d %s at %ld of %x, %s:\n  %s\n", w->host->name,
              what->name, plan->rc,
              plan->how == FAULT_FAIL_ONCE ? "once" : "on", plan->at,
              plan->kinds, where, w->why);
  run.n_wrong++;
}

/*
** A log that is rebuilt with rows of the file, which a temp cache has not read.
** Only kv_sync() does that.
*/
static int is_for_sync(const world *w, int rc) {
  return rc == SQLITE_READONLY &&
         strstr(w->why, "ROLLBACK, then call kv_sync()");
}

/* Does the error say what happened? */
static void check_message(const world *w, const scenario *what,
                          const fault_plan *plan, int rc) {
  int is_clear = (rc & 0xff) == plan->rc || (rc & 0xff) == SQLITE_IOERR ||
                 (rc & 0xff) == SQLITE_CANTOPEN ||
                 (rc == SQLITE_PROTOCOL && plan->rc == SQLITE_BUSY) ||
                 is_for_sync(w, rc) ||
                 strstr(w->why, "cannot be retired while its log is busy");

  if (is_clear && !strstr(w->why, "not an error") &&
      !strstr(w->why, "unknown error") && !strstr(w->why, "SQL logic error")) {
    return;
  }
  complain(w, what, plan, "the message");
}

/*
** Run the scenario with a fault in it; returns 0 if the fault was never
** reached.
*/
static int fail_at(world *w, const scenario *what, fault_plan *plan) {
  const char *step;
  long n_failed;
  int is_synced = 1;

  fault_arm(plan);
  for (step = what->run; *step; step++) {
    int rc;

    /* Rows that wait in a temp cache do not survive it. */
    if (*step == 'x' && plan->how == FAULT_FAIL_ON) break;
    rc = world_step(w, *step);
    if (rc == SQLITE_OK) continue;
    run.n_errors++;
    check_message(w, what, plan, rc);
    if (*step == 's') is_synced = 0;
    if (plan->how == FAULT_FAIL_ON && *step == 'o') break;
    if (plan->how == FAULT_FAIL_ON) continue;
    if (is_for_sync(w, rc)) world_run(w, w->recover);
    if (world_step(w, *step) != SQLITE_OK) {
      complain(w, what, plan, "the second attempt");
    }
  }
  n_failed = fault_failed();
  fault_arm(NULL);
  run.n_runs += n_failed > 0;
  if (world_step(w, 'o') != SQLITE_OK) complain(w, what, plan, "open again");
  if (is_synced && !strstr(what->name, "lost rows") && !what->recover &&
      !world_is_cut(w) && world_check_waiting(w)) {
    complain(w, what, plan, "afterwards");
  }
  if (world_run(w, w->recover) != SQLITE_OK) {
    complain(w, what, plan, "kv_sync()");
  }
  if (world_step(w, 't') != SQLITE_OK) complain(w, what, plan, "a commit");
  world_close(w);
  if (world_check(w)) complain(w, what, plan, "reopened");
  return n_failed > 0;
}

static void fail_everywhere(world *w, const scenario *what, fault_how how) {
  fault_plan plan = {run.kinds, 1, how, run.rc};
  int step = world_every(17);
  world_tally tally = *w->tally;
  image before;

  plan.at = 1 + (long)strlen(what->name) % step;
  image_load(&before, w->folder);
  do {
    image_lay_out(&before, w->folder);
    *w->tally = tally;
    if (!fail_at(w, what, &plan)) break;
    plan.at += step;
  } while (1);
  image_free(&before);
}

static void fail_with(int rc, unsigned kinds) {
  world w;
  int i;
  int j;

  run.rc = rc;
  run.kinds = kinds;
  run.n_runs = run.n_errors = run.n_wrong = 0;
  world_begin(&w);
  for (i = 0; i < WORLD_HOSTS; i++) {
    for (j = 0; j < WORLD_SCENARIOS; j++) {
      const scenario *what = &world_scenarios[j];

      if (!world_is_chosen(&world_hosts[i], what)) continue;
      world_prepare(&w, &world_hosts[i], what);
      fail_everywhere(&w, what, FAULT_FAIL_ONCE);
      world_prepare(&w, &world_hosts[i], what);
      fail_everywhere(&w, what, FAULT_FAIL_ON);
    }
  }
  world_end(&w);
  print_message("%ld faults, %ld statements failed\n", run.n_runs,
                run.n_errors);
  assert_int_equal(run.n_wrong, 0);
  assert_true(run.n_runs > 5 && run.n_errors > 2);
}

static void an_error_of_the_disk_loses_nothing(void **state) {
  (void)state;
  fail_with(SQLITE_IOERR, FAULT_ALL & ~FAULT_BIT(UNLOCK));
}

static void a_full_disk_loses_nothing(void **state) {
  (void)state;
  fail_with(SQLITE_FULL, FAULT_BIT(WRITE) | FAULT_BIT(TRUNCATE) |
                           FAULT_BIT(MAKE) | FAULT_BIT(RENAME));
}

static void a_file_that_cannot_be_opened_loses_nothing(void **state) {
  (void)state;
  fail_with(SQLITE_CANTOPEN, FAULT_BIT(OPEN) | FAULT_BIT(LIST) |
                               FAULT_BIT(MAKE) | FAULT_BIT(RENAME));
}

static void a_lock_of_another_loses_nothing(void **state) {
  (void)state;
  fail_with(SQLITE_BUSY, FAULT_BIT(LOCK) | FAULT_BIT(SHARED));
}

/* A log of some pages of phone's, from row `from` on. */
static void grow_phone(const char *folder, int from, int n) {
  const char *path = test_path("%s/devices/phone/log.db", folder);
  test_log log;
  int i;

  if (from == 0) {
    if (test_exists(path)) test_remove(path);
    test_log_begin(&log, path, "phone", (char)n);
  } else {
    test_log_open(&log, path);
  }
  for (i = from; i < from + n; i++) {
    char value[600];

    memset(value, 'a' + i % 26, sizeof(value));
    value[sizeof(value) - 1] = '\0';
    test_log_set(&log, TEST_NOW + i, test_path("%d", i), value, 0);
  }
  test_log_end(&log);
}

/* The laptop syncs, and the disk fails at the at-th check of a log. */
static int fail_foreign(const char *folder, int is_new, fault_how how,
                        long at) {
  fault_plan plan = {FAULT_BIT(OPEN) | FAULT_BIT(READ) | FAULT_BIT(SIZE) |
                       FAULT_BIT(LOOK) | FAULT_BIT(LIST),
                     at, how, SQLITE_IOERR};
  sqlite3 *db = test_connect(":memory:");
  const char *n = is_new ? "50\n" : "60\n";
  long n_failed;
  char *rows;

  grow_phone(folder, 0, 30);
  test_run(db, "SELECT kv_open('%q', 'laptop')", folder);
  grow_phone(folder, is_new ? 0 : 30, is_new ? 50 : 30);
  fault_arm(&plan);
  test_try(db, "SELECT kv_sync()");
  n_failed = fault_failed();
  if (n_failed > 0) test_try(db, "SELECT state, detail, bytes FROM kv_devices");
  fault_arm(NULL);
  rows = test_ask(db, "SELECT count(*) FROM kv_log WHERE device = 'phone'");
  assert_true(strcmp(rows, "30\n") >= 0 && strcmp(rows, n) <= 0);
  sqlite3_free(rows);
  test_run(db, "SELECT kv_sync()");
  rows = test_ask(db, "SELECT count(*) FROM kv_log WHERE device = 'phone'");
  assert_string_equal(rows, n);
  sqlite3_free(rows);
  test_disconnect(db);
  return n_failed > 0;
}

/* The disk fails at a sample of all checks, for two kinds of logs. */
static void fail_phone(void **state,
                       int (*look)(const char *folder, int is_second,
                                   fault_how how, long at),
                       int step) {
  char *folder = sqlite3_mprintf("%s/n.kv", *state);
  long n_runs = 0;
  long at;
  int i;

  test_make_folder(folder);
  test_make_folder(test_path("%s/devices", folder));
  test_make_folder(test_path("%s/devices/phone", folder));
  for (i = 0; i < 4; i++) {
    fault_how how = i < 2 ? FAULT_FAIL_ONCE : FAULT_FAIL_ON;

    for (at = 1; look(folder, i & 1, how, at); at += world_every(step))
      n_runs++;
  }
  print_message("%ld faults\n", n_runs);
  assert_true(n_runs > 5);
  sqlite3_free(folder);
}

static void a_foreign_log_that_cannot_be_read_is_read_later(void **state) {
  fail_phone(state, fail_foreign, 2);
}

/* Rows of a log of phone's in large pages: 1 and 4 small, 2 and 3 large. */
static void grow_large(const char *folder, int from, int to) {
  const char *path = test_path("%s/devices/phone/log.db", folder);
  static char bytes[1100000];
  sqlite3 *db;
  test_log log;
  int i;

  if (from == 1) {
    if (test_exists(path)) test_remove(path);
    db = test_connect(path);
    test_run(db, "PRAGMA page_size = 65536; PRAGMA user_version = 1");
    test_disconnect(db);
    test_log_begin(&log, path, "phone", 1);
  } else {
    test_log_open(&log, path);
  }
  for (i = from; i <= to; i++) {
    memset(bytes, 'a' + i, sizeof(bytes));
    log.row.txn = i;
    log.row.ts = TEST_NOW;
    log.row.op = KV_OP_SET;
    log.row.bucket = test_text("");
    log.row.key = test_integer(i);
    log.row.value = test_blob(bytes, i == 2 || i == 3 ? sizeof(bytes) : 9);
    test_log_write(&log);
  }
  test_log_end(&log);
}

/*
** As fail_foreign(), while large rows are read; or, is_read, while the row that
** was read last is searched.
*/
static int fail_large(const char *folder, int is_read, fault_how how, long at) {
  fault_plan plan = {FAULT_BIT(READ) | FAULT_BIT(SIZE), at, how, SQLITE_IOERR};
  static const char count[] =
    "SELECT count(*) FROM kv_log WHERE device = 'phone'";
  sqlite3 *db = test_connect(":memory:");
  int first = is_read ? 3 : 1;
  long n_failed;
  char *rows;
  int i;

  grow_large(folder, 1, first);
  test_run(db, "SELECT kv_open('%q', 'laptop')", folder);
  grow_large(folder, first + 1, is_read ? 4 : 3);
  fault_arm(&plan);
  test_try(db, "SELECT kv_sync()");
  n_failed = fault_failed();
  fault_arm(NULL);
  rows = test_ask(db, "%s", count);
  assert_true(atoi(rows) >= first);
  sqlite3_free(rows);
  for (i = 0; i < 20; i++) /* more than one, if the machine is slow */
    test_run(db, "SELECT kv_sync()");
  rows = test_ask(db,
                  "SELECT state, (%s) FROM kv_devices "
                  "WHERE device = 'phone'",
                  count);
  assert_string_equal(rows, is_read ? "ok|4\n" : "ok|3\n");
  sqlite3_free(rows);
  test_disconnect(db);
  return n_failed > 0;
}

static void a_large_row_that_cannot_be_read_is_read_later(void **state) {
  fail_phone(state, fail_large, 3);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_full_disk_loses_nothing),
    cmocka_unit_test(a_file_that_cannot_be_opened_loses_nothing),
    cmocka_unit_test(a_lock_of_another_loses_nothing),
    cmocka_unit_test(an_error_of_the_disk_loses_nothing),
    test_in_folder(a_foreign_log_that_cannot_be_read_is_read_later),
    test_in_folder(a_large_row_that_cannot_be_read_is_read_later),
  };

  if (argc > 1) cmocka_set_test_filter(argv[1]);
  fault_install();
  return cmocka_run_group_tests_name("io", tests, NULL, NULL);
}
