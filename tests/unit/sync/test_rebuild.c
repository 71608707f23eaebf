#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "connection/registry.h"
#include "store/errors.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"
#include "sync/rebuild.h"

static void an_unusable_cache_is_rebuilt(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db, "DROP TABLE kv_seen; UPDATE kv_meta SET format = 1;"
                 "INSERT INTO kv_arrival VALUES(1, 'x', 1, 1, 1, 1)");
  kv_stmt_clear(&t.store->stmts);
  assert_rc(kv_rebuild_cache(t.store, &t.err), SQLITE_OK);
  test_rows(t.db, "1|0|0",
            "SELECT (SELECT format > 1 FROM kv_meta), (SELECT count(*) FROM "
            "kv_seen), (SELECT count(*) FROM kv_arrival)");
  test_store_close(&t);
}

static void a_newer_cache_is_left_alone(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db, "UPDATE kv_meta SET format = 99");
  assert_rc(kv_rebuild_cache(t.store, &t.err), SQLITE_ERROR);
  assert_non_null(strstr(t.err, "newer version"));
  test_rows(t.db, "99", "SELECT format FROM kv_meta");
  test_store_close(&t);
}

static void a_usable_cache_is_left_alone(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_store_set(&t, "a", "1");
  assert_rc(kv_rebuild_cache(t.store, &t.err), SQLITE_OK);
  test_rows(t.db, "a", "SELECT key FROM kv_cache");
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(an_unusable_cache_is_rebuilt),
    test_in_folder(a_newer_cache_is_left_alone),
    test_in_folder(a_usable_cache_is_left_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
