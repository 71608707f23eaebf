/*
** Out of memory, and interrupts: allocations of single statements fail, one in
** each run, for every function and table; then they are interrupted, at one
** step in each run.
**
** A statement ends with an error that says so, or succeeds, and leaves the
** store as it was before it or as it should be after it. Then it runs again,
** undisturbed, and its effect is complete: in this connection, and in the
** folder for other readers. Nothing leaks.
**
** Every 47th allocation and step is tried, every 199th when opening;
** KV_NOMEM_STEP=1 tries all of them. An argument, a part of a name, chooses
** cases, and prints each failure.
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
#include "fault/nomem_cases.h"
#include "kv.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/rc.h"

static const char *chosen = ""; /* cases with such names, and print failures */
static long n_failures;         /* how many were tried */

/* --- One run ----------------------------------------------------------- */

/* The content of a store and its typed table, or why it shows nothing. */
static char *dump(sqlite3 *db) {
  char *rows =
    test_ask(db, "SELECT quote(key), quote(value) FROM kv ORDER BY key");
  char *both;
  char *typed;

  if (sqlite3_table_column_metadata(db, NULL, "items", NULL, NULL, NULL, NULL,
                                    NULL, NULL) != SQLITE_OK) {
    return rows;
  }
  typed = test_ask(db, "SELECT id, name, n, tags, list FROM items ORDER BY id;"
                       "SELECT key, rule FROM items_hidden ORDER BY key;"
                       "SELECT key, value FROM kv_log WHERE bucket = 'items' "
                       "ORDER BY ts, seq;"
                       "SELECT type, name, sql FROM sqlite_master "
                       "WHERE name LIKE '%%items%%' ORDER BY name");
  both = sqlite3_mprintf("%s%s", rows, typed);
  sqlite3_free(rows);
  sqlite3_free(typed);
  return both;
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
    "SELECT key, value, op FROM kv_log WHERE bucket <> '' ORDER BY ts, seq;"
    "SELECT device, state FROM kv_devices WHERE device IS NOT NULL ORDER BY 1",
    folder);

  test_disconnect(db);
  return rows;
}

/* Run statements to the first error. */
static int run(sqlite3 *db, const char *text) {
  int rc = sqlite3_exec(db, text, NULL, NULL, NULL);
  return rc == SQLITE_OK ? rc : sqlite3_extended_errcode(db);
}

/* How a case runs if it has memory. */
typedef struct nomem_expected {
  int rc;
  char *before;
  char *after;
  char *folder; /* after kv_sync(), if there is still a store */
  char *new_folder;
} nomem_expected;

static void end_case(sqlite3 *db, const nomem_case *c) {
  if (c->undo) c->undo();
  nomem_folder_back();
  test_try(db, "SELECT kv_sync()");
  test_disconnect(db);
}

static void expect_of(const nomem_case *c, nomem_expected *out) {
  sqlite3 *db = nomem_connect(c);

  out->before = dump(db);
  out->rc = run(db, c->text);
  out->after = dump(db);
  if (c->undo) {
    assert_int_not_equal(out->rc, SQLITE_OK);
    c->undo();
    assert_rc(run(db, c->text), SQLITE_OK);
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

/* The second phase of a commit failed, but its rows are kept. */
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

/* Let one allocation or step fail. Returns 0 if there are fewer. */
static int fail_one(const nomem_case *c, const nomem_expected *expected,
                    int is_interrupt, int64_t n) {
  sqlite3 *db = nomem_connect(c);
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
  if (rc != SQLITE_OK && (c->kind == NO_STORE || nomem_loses_cache(c))) {
    /* Each log is merged by itself; and a kv_open() that failed could not
    ** drop its table: SQLite runs no statement inside one that ran out of
    ** memory. */
    sqlite3_free(rows);
  } else {
    /*
    ** SQLite may report an interrupt after a commit, when the statement has
    ** ended.
    */
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
    n_failures++;
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

static void fail_cases(const nomem_case *cases, int n, int is_interrupt) {
  int i;

  for (i = 0; i < n; i++) {
    if (!strstr(cases[i].name, chosen)) continue;
    if (chosen[0]) print_message("%s\n", cases[i].name);
    fail_all(&cases[i], is_interrupt, 1 + i % nomem_step(47));
  }
}

static void fail_all_cases(const char *folder, int is_interrupt) {
  assert_int_equal(chdir(folder), 0);
  n_failures = 0;
  nomem_make_start();
  (void)test_path(NULL);
  fail_cases(nomem_cases, nomem_n_cases, is_interrupt);
  fail_cases(nomem_life_cases, nomem_n_life_cases, is_interrupt);
  fail_cases(nomem_typed_cases, nomem_n_typed_cases, is_interrupt);
  print_message("%ld failures\n", n_failures);
  assert_int_equal(chdir("/"), 0);
}

static void statements_survive_out_of_memory(void **state) {
  fail_all_cases(*state, 0);
}

static void statements_survive_interrupts(void **state) {
  fail_all_cases(*state, 1);
}

/* Loading: the connection gets everything, or can go on without it. */
static void loading_survives_out_of_memory(void **state) {
  sqlite3_int64 used = sqlite3_memory_used();
  int has_failed = 1;
  int64_t n;

  (void)state;
  for (n = 1; has_failed; n++) {
    sqlite3 *db = NULL;
    int rc;

    assert_rc(sqlite3_open(":memory:", &db), SQLITE_OK);
    nomem_fail(n);
    rc = sqlite3_kv_init(db, NULL, NULL);
    has_failed = nomem_end();
    assert_true(rc == SQLITE_OK || nomem_is(rc));
    if (rc != SQLITE_OK) rc = sqlite3_kv_init(db, NULL, NULL);
    assert_rc(rc, SQLITE_OK);
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
    test_in_folder(statements_survive_out_of_memory),
    test_in_folder(statements_survive_interrupts),
  };

  if (argc > 1) chosen = argv[1];
  return cmocka_run_group_tests(tests, nomem_install, NULL);
}
