#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "connection/registry.h"
#include "store/savepoint.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"

static void the_clock_is_real_unless_it_is_given(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  assert_true(kv_store_now(t.store) == TEST_NOW);
  t.store->fixed_now = -1;
  assert_true(kv_store_now(t.store) > INT64_C(1600000000000000));
  assert_true(kv_store_now(t.store) != TEST_NOW);
  test_store_close(&t);
}

/* Between finding a store and locking it, another connection may do this. */
static void a_cache_that_was_recreated_is_refused(void **state) {
  test_store t;

  test_store_open(&t, test_path("%s/n.kv", *state), "laptop");
  assert_rc(kv_store_savepoint(t.store, &t.err), SQLITE_OK);
  assert_rc(kv_store_savepoint_end(t.store, SQLITE_OK), SQLITE_OK);
  test_run(t.db, "ALTER TABLE kv_meta RENAME TO before");
  test_run(t.db, "CREATE TABLE kv_meta AS SELECT * FROM before");
  test_run(t.db, "UPDATE kv_meta SET id = id + 1");
  assert_rc(kv_store_savepoint(t.store, &t.err), SQLITE_ERROR);
  assert_string_equal(t.err, "kv: kv was dropped or created again in the "
                             "meantime: run the statement again");
  assert_true(sqlite3_get_autocommit(t.db));
  sqlite3_free(t.err);
  t.err = NULL;
  test_run(t.db, "UPDATE kv_meta SET id = id - 1");
  assert_rc(kv_store_savepoint(t.store, &t.err), SQLITE_OK);
  assert_rc(kv_store_savepoint_end(t.store, SQLITE_OK), SQLITE_OK);
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(the_clock_is_real_unless_it_is_given),
    test_in_folder(a_cache_that_was_recreated_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
