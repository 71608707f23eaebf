/*
** Connections in several threads of one process: on the same folder as
** different devices, as the same device, and on one persistent cache.
**
**     threads [COMMITS]
**
** threads.sh builds it with -fsanitize=thread, SQLite included, so that every
** access is seen. In the suite it runs without that, to check that nothing is
** lost.
*/
#include <pthread.h>
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

#include "kv.h"
#include "support/files.h"
#include "support/rc.h"

#define N_THREADS 4

static int n_commits = 25;

typedef struct thread_work {
  int number;
  const char *file; /* host database */
  char open[500];   /* how its store is opened */
  int is_failed;
} thread_work;

/* cmocka's assertions belong to the main thread: failures are counted. */
static void thread_run(thread_work *work, sqlite3 *db, const char *text) {
  char *err = NULL;

  if (sqlite3_exec(db, text, NULL, NULL, &err) != SQLITE_OK) {
    fprintf(stderr, "thread %d: %s: %s\n", work->number, text, err);
    work->is_failed = 1;
  }
  sqlite3_free(err);
}

static void *thread_main(void *argument) {
  thread_work *work = argument;
  sqlite3 *db = NULL;
  char text[200];
  int i;

  for (i = 0; i < n_commits && !work->is_failed; i++) {
    if (!db) {
      if (sqlite3_open(work->file, &db) != SQLITE_OK ||
          sqlite3_kv_init(db, NULL, NULL) != SQLITE_OK) {
        work->is_failed = 1;
        break;
      }
      sqlite3_busy_timeout(db, 120000);
      thread_run(work, db, "PRAGMA synchronous = 0");
      thread_run(work, db, work->open);
    }
    sqlite3_snprintf(sizeof(text), text,
                     "BEGIN IMMEDIATE; INSERT INTO kv VALUES('%d %d', %d),"
                     "('last', '%d %d'); COMMIT",
                     work->number, i, i, work->number, i);
    thread_run(work, db, text);
    thread_run(work, db, "SELECT key, value, device FROM kv");
    if (i % 3 == 0) thread_run(work, db, "SELECT kv_sync()");
    if (i % 4 == 0) {
      thread_run(work, db,
                 "SELECT count(*) FROM kv_log; SELECT * FROM kv_devices;"
                 "SELECT * FROM kv_changes; SELECT kv_get('last')");
    }
    if (i % 7 == 6) { /* again, with another connection */
      if (sqlite3_close(db) != SQLITE_OK) work->is_failed = 1;
      db = NULL;
    }
  }
  if (db) thread_run(work, db, "SELECT kv_sync()");
  sqlite3_close(db);
  return NULL;
}

static void run_threads(thread_work *works) {
  pthread_t threads[N_THREADS];
  int i;

  for (i = 0; i < N_THREADS; i++) {
    works[i].number = i;
    assert_int_equal(pthread_create(&threads[i], NULL, thread_main, &works[i]),
                     0);
  }
  for (i = 0; i < N_THREADS; i++)
    pthread_join(threads[i], NULL);
  for (i = 0; i < N_THREADS; i++)
    assert_false(works[i].is_failed);
}

static int64_t ask_number(sqlite3 *db, const char *text) {
  sqlite3_stmt *stmt = NULL;
  int64_t n;

  assert_rc(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
  assert_rc(sqlite3_step(stmt), SQLITE_ROW);
  n = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return n;
}

/* An observer finds everything that the threads wrote. */
static void expect_all(const char *root) {
  sqlite3 *db = NULL;
  char *open = sqlite3_mprintf("SELECT kv_open('%q')", root);

  assert_rc(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_rc(sqlite3_kv_init(db, NULL, NULL), SQLITE_OK);
  assert_rc(sqlite3_exec(db, open, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_free(open);
  assert_int_equal(ask_number(db, "SELECT count(*) FROM kv"),
                   N_THREADS * n_commits + 1);
  assert_int_equal(ask_number(db, "SELECT count(*) FROM kv_log"),
                   2 * N_THREADS * n_commits);
  assert_int_equal(
    ask_number(db, "SELECT count(*) FROM kv_devices WHERE state <> 'ok'"), 0);
  assert_rc(sqlite3_close(db), SQLITE_OK);
}

static void threads_share_a_folder(void **state) {
  const char *root = test_path("%s/n.kv", *state);
  thread_work works[N_THREADS];
  int i;

  test_make_folder(root);
  memset(works, 0, sizeof(works));
  for (i = 0; i < N_THREADS; i++) {
    works[i].file = ":memory:";
    sqlite3_snprintf(sizeof(works[i].open), works[i].open,
                     "SELECT kv_open('%q', 'device%d')", root, i);
  }
  run_threads(works);
  expect_all(root);
}

static void threads_write_as_one_device(void **state) {
  const char *root = test_path("%s/n.kv", *state);
  thread_work works[N_THREADS];
  int i;

  test_make_folder(root);
  memset(works, 0, sizeof(works));
  for (i = 0; i < N_THREADS; i++) {
    works[i].file = ":memory:";
    sqlite3_snprintf(sizeof(works[i].open), works[i].open,
                     "SELECT kv_open('%q', 'device')", root);
  }
  run_threads(works);
  expect_all(root);
}

static void threads_share_a_persistent_cache(void **state) {
  const char *root = test_path("%s/n.kv", *state);
  const char *file = test_path("%s/host.db", *state);
  thread_work works[N_THREADS];
  int i;

  test_make_folder(root);
  memset(works, 0, sizeof(works));
  for (i = 0; i < N_THREADS; i++) {
    works[i].file = file;
    sqlite3_snprintf(sizeof(works[i].open), works[i].open,
                     "BEGIN IMMEDIATE; CREATE VIRTUAL TABLE IF NOT EXISTS kv "
                     "USING kv('n.kv', device='device'); COMMIT");
  }
  run_threads(works);
  expect_all(root);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    test_in_folder(threads_share_a_folder),
    test_in_folder(threads_write_as_one_device),
    test_in_folder(threads_share_a_persistent_cache),
  };

  if (argc > 1) n_commits = atoi(argv[1]);
  if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
