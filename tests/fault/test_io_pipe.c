/*
** A log becomes a pipe after it was checked, for example while a sync waited
** for a lock. It is checked again before it is opened, because opening a pipe
** would wait for ever.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"
#include "vfs_fault.h"

static struct {
  const char *path; /* of the log */
  int n_looks;
} pipe_of;

/* The first check has seen a file. */
static void swap(const fault_event *event) {
  const char *path = pipe_of.path;

  if (event->kind != FAULT_LOOK) return;
  if (strcmp(event->path, path) != 0 &&
      strcmp(event->path, "phone/log.db") != 0) {
    return;
  }
  if (pipe_of.n_looks++ > 0) return;
  assert_int_equal(rename(path, test_path("%s.away", path)), 0);
  assert_int_equal(mkfifo(path, 0600), 0);
}

/* Where the log of phone is, and a store that reads it. */
static sqlite3 *begin(void **state) {
  const char *root = test_path("%s/n.kv", *state);
  const char *folder = test_path("%s/devices/phone", root);
  sqlite3 *db = test_connect(":memory:");

  alarm(60); /* a test that hangs ends */
  test_run(db, "SELECT kv_open('%q', 'laptop')", root);
  assert_int_equal(mkdir(folder, 0700), 0);
  pipe_of.path = test_log_make(folder);
  pipe_of.n_looks = 0;
  fault_watch(swap);
  return db;
}

static void end(sqlite3 *db) {
  fault_watch(NULL);
  assert_true(pipe_of.n_looks > 1);
  assert_int_equal(rename(test_path("%s.away", pipe_of.path), pipe_of.path), 0);
  test_run(db, "SELECT kv_sync()");
  test_rows(db, "ok|4",
            "SELECT state, last_seq FROM kv_devices "
            "WHERE device = 'phone'");
  test_disconnect(db);
  alarm(0);
}

static void a_log_that_becomes_a_pipe_is_a_stranger(void **state) {
  sqlite3 *db = begin(state);

  test_run(db, "SELECT kv_sync()");
  test_rows(db, "stranger|is not a regular file",
            "SELECT state, detail FROM kv_devices WHERE device = 'phone'");
  end(db);
}

static void kv_foreign_of_one_is_an_error(void **state) {
  sqlite3 *db = begin(state);
  char *text = sqlite3_mprintf("SELECT * FROM kv_foreign(%Q)", pipe_of.path);

  assert_rc(test_try(db, "%s", text), SQLITE_CANTOPEN);
  assert_non_null(strstr(sqlite3_errmsg(db), "is not a regular file"));
  sqlite3_free(text);
  end(db);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    test_in_folder(a_log_that_becomes_a_pipe_is_a_stranger),
    test_in_folder(kv_foreign_of_one_is_an_error),
  };

  if (argc > 1) cmocka_set_test_filter(argv[1]);
  fault_install();
  return cmocka_run_group_tests_name("pipe", tests, NULL, NULL);
}
