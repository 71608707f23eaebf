#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "connection/registry.h"
#include "store/savepoint.h"
#include "store/store.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"

static void a_savepoint_is_kept_or_undone(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db, "CREATE TABLE t(x)");
  assert_rc(kv_store_savepoint(t.store, &t.err), SQLITE_OK);
  test_run(t.db, "INSERT INTO t VALUES(1)");
  assert_rc(kv_store_savepoint_end(t.store, SQLITE_OK), SQLITE_OK);
  assert_rc(kv_store_savepoint(t.store, &t.err), SQLITE_OK);
  test_run(t.db, "INSERT INTO t VALUES(2)");
  assert_rc(kv_store_savepoint_end(t.store, SQLITE_FULL), SQLITE_FULL);
  test_rows(t.db, "1", "SELECT x FROM t");
  assert_true(sqlite3_get_autocommit(t.db));
  test_store_close(&t);
}

static void within_a_transaction_a_savepoint_ends_nothing(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db, "CREATE TABLE t(x); BEGIN; INSERT INTO t VALUES(1);");
  assert_true(kv_store_in_transaction(t.store));
  kv_store_savepoint(t.store, &t.err);
  test_run(t.db, "INSERT INTO t VALUES(2)");
  kv_store_savepoint_end(t.store, SQLITE_ERROR);
  assert_true(kv_store_in_transaction(t.store));
  test_run(t.db, "COMMIT");
  test_rows(t.db, "1", "SELECT x FROM t");
  assert_false(kv_store_in_transaction(t.store));
  test_store_close(&t);
}

/* https://www.sqlite.org/c3ref/set_authorizer.html */
static int ignore_savepoints(void *unused, int action, const char *a,
                             const char *b, const char *c, const char *d) {
  (void)unused;
  (void)a;
  (void)b;
  (void)c;
  (void)d;
  return action == SQLITE_SAVEPOINT ? SQLITE_IGNORE : SQLITE_OK;
}

static void nothing_is_done_without_the_savepoint(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  sqlite3_set_authorizer(t.db, ignore_savepoints, NULL);
  assert_rc(kv_store_savepoint(t.store, &t.err), SQLITE_AUTH);
  assert_non_null(strstr(t.err, "leaves out SAVEPOINT"));
  sqlite3_set_authorizer(t.db, NULL, NULL);
  sqlite3_free(t.err);
  t.err = NULL;
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(a_savepoint_is_kept_or_undone),
    test_in_folder(within_a_transaction_a_savepoint_ends_nothing),
    test_in_folder(nothing_is_done_without_the_savepoint),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
