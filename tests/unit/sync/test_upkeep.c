/*
** Keeping a cache fast to read: superseded rows go to the back when there are
** enough of them, and return to the front when the rows that superseded them
** are removed.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "outgoing/own.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"
#include "sync/upkeep.h"

/* How many rows are in front and in the back. */
#define PLACES                                                                 \
  "SELECT (SELECT count(*) FROM kv_cache WHERE part = 0), "                    \
  "(SELECT count(*) FROM kv_cache WHERE part = 1)"

/* Set the keys 0 .. n - 1, in one transaction. */
static void set_keys(test_store *t, int n, const char *value) {
  char key[20];
  int i;

  test_run(t->db, "BEGIN");
  for (i = 0; i < n; i++) {
    sqlite3_snprintf(sizeof(key), key, "%d", i);
    assert_rc(test_store_write(t, key, value), SQLITE_OK);
  }
  assert_rc(test_store_commit(t), SQLITE_OK);
}

static void upkeep(test_store *t) {
  assert_rc(kv_upkeep_run(t->store, &t->err), SQLITE_OK);
}

static void superseded_rows_go_to_the_back(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  set_keys(&t, 100, "a");
  upkeep(&t);
  test_rows(t.db, "100|0", PLACES);
  set_keys(&t, 100, "b");
  set_keys(&t, 50, "c");
  upkeep(&t);
  test_rows(t.db, "100|150", PLACES);
  test_rows(t.db, "0",
            "SELECT count(*) FROM kv_cache WHERE part = (value = CASE WHEN "
            "CAST(key AS INTEGER) < 50 THEN 'c' ELSE 'b' END)");
  test_rows(t.db, "100", "SELECT n_front FROM kv_meta");
  test_store_close(&t);
}

static void few_new_rows_are_left_where_they_are(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  set_keys(&t, 1000, "a");
  upkeep(&t);
  set_keys(&t, 900, "b");
  upkeep(&t);
  test_rows(t.db, "1900|0", PLACES);
  set_keys(&t, 200, "c");
  upkeep(&t);
  test_rows(t.db, "1000|1100", PLACES);
  test_store_close(&t);
}

static void nothing_is_swept_inside_a_transaction(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  set_keys(&t, 100, "a");
  set_keys(&t, 100, "b");
  test_run(t.db, "BEGIN");
  upkeep(&t);
  test_rows(t.db, "200|0", PLACES);
  test_run(t.db, "COMMIT");
  upkeep(&t);
  test_rows(t.db, "100|100", PLACES);
  test_store_close(&t);
}

static void
a_row_whose_successor_is_forgotten_comes_to_the_front(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  set_keys(&t, 100, "a");
  test_run(t.db,
           "INSERT INTO kv_cache(part, key, ts, device, seq, op, arrived, "
           "value) SELECT part, key, ts + 1, 'phone', seq, 1, 9, 'b' FROM "
           "kv_cache WHERE CAST(key AS INTEGER) < 30;"
           "INSERT INTO kv_arrival VALUES(9, 'phone', 1, 30, 0, 0)");
  upkeep(&t);
  test_rows(t.db, "100|30", PLACES);
  test_run(t.db, "BEGIN");
  assert_rc(kv_cache_forget(&t.store->stmts, "phone"), SQLITE_OK);
  test_run(t.db, "COMMIT");
  test_rows(t.db, "100|0", PLACES);
  test_store_close(&t);
}

static void an_idle_cache_is_not_checked(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  set_keys(&t, 100, "a");
  set_keys(&t, 100, "b");
  upkeep(&t);
  test_run(t.db, "UPDATE kv_cache SET part = 0");
  upkeep(&t);
  test_rows(t.db, "200|0", PLACES);
  test_store_close(&t);
}

static void no_index_is_built_that_nobody_needs(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  set_keys(&t, 100, "a");
  upkeep(&t);
  test_rows(t.db, "0",
            "SELECT count(*) FROM sqlite_master WHERE type = 'index'");
  test_store_close(&t);
}

static void the_index_by_time_is_built_once_when_needed(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  kv_upkeep_want_index(t.store);
  upkeep(&t);
  test_rows(t.db, "0",
            "SELECT count(*) FROM sqlite_master WHERE type = 'index'");
  set_keys(&t, 1, "a");
  upkeep(&t);
  upkeep(&t);
  test_rows(t.db, "1",
            "SELECT count(*) FROM sqlite_master WHERE type = 'index'");
  test_store_close(&t);
}

/* https://www.sqlite.org/c3ref/set_authorizer.html */
static int deny_savepoints(void *unused, int action, const char *a,
                           const char *b, const char *c, const char *d) {
  (void)unused;
  (void)a;
  (void)b;
  (void)c;
  (void)d;
  return action == SQLITE_SAVEPOINT ? SQLITE_DENY : SQLITE_OK;
}

static void an_index_that_the_host_forbids_is_built_later(void **state) {
  static const char indexes[] =
    "SELECT count(*) FROM sqlite_master WHERE type = 'index'";
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  set_keys(&t, 1, "a");
  kv_upkeep_want_index(t.store);
  sqlite3_set_authorizer(t.db, deny_savepoints, NULL);
  assert_rc(kv_upkeep_run(t.store, &t.err), SQLITE_AUTH);
  sqlite3_set_authorizer(t.db, NULL, NULL);
  test_rows(t.db, "0", indexes);
  sqlite3_free(t.err);
  t.err = NULL;
  upkeep(&t);
  test_rows(t.db, "1", indexes);
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(superseded_rows_go_to_the_back),
    test_in_folder(few_new_rows_are_left_where_they_are),
    test_in_folder(nothing_is_swept_inside_a_transaction),
    test_in_folder(a_row_whose_successor_is_forgotten_comes_to_the_front),
    test_in_folder(an_idle_cache_is_not_checked),
    test_in_folder(no_index_is_built_that_nobody_needs),
    test_in_folder(the_index_by_time_is_built_once_when_needed),
    test_in_folder(an_index_that_the_host_forbids_is_built_later),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
