/*
** What a key was before, and whether it is that now.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cache/revert.h"
#include "db/value.h"
#include "support/rc.h"
#include "support/stores.h"

static test_store t;
static kv_value key;

static int setup(void **state) {
  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  memset(&key, 0, sizeof(key));
  key.type = KV_TEXT;
  key.z = "k";
  key.n = 1;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  test_store_close(&t);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* The value before the latest change, or at a time; NULL: there was none. */
static void expect(const int64_t *as_of, const char *expected) {
  kv_value found = {0};
  int exists = -1;

  assert_rc(kv_revert_find(&t.store->stmts, &key, as_of, &exists, &found),
            SQLITE_OK);
  assert_int_equal(exists, expected != NULL);
  if (expected) {
    assert_int_equal(found.n, strlen(expected));
    assert_memory_equal(found.z, expected, found.n);
  }
  kv_value_free(&found);
}

static void the_value_before_the_latest_change(void **state) {
  (void)state;
  expect(NULL, NULL);
  test_store_set(&t, "k", "one");
  expect(NULL, NULL);
  test_store_set(&t, "k", "two");
  expect(NULL, "one");
  test_store_delete(&t, "k");
  expect(NULL, "two");
}

static void the_value_at_a_time(void **state) {
  int64_t long_ago = 0;
  int64_t now;

  (void)state;
  test_store_set(&t, "k", "one");
  now = kv_store_now(t.store);
  expect(&long_ago, NULL);
  expect(&now, "one");
}

static void what_is_so_already_is_done(void **state) {
  kv_value value = {0};
  int is_done;

  (void)state;
  value.type = KV_TEXT;
  value.z = "one";
  value.n = 3;
  assert_rc(kv_revert_is_done(&t.store->stmts, &key, NULL, &is_done),
            SQLITE_OK);
  assert_true(is_done);
  assert_rc(kv_revert_is_done(&t.store->stmts, &key, &value, &is_done),
            SQLITE_OK);
  assert_false(is_done);
  test_store_set(&t, "k", "one");
  assert_rc(kv_revert_is_done(&t.store->stmts, &key, &value, &is_done),
            SQLITE_OK);
  assert_true(is_done);
  assert_rc(kv_revert_is_done(&t.store->stmts, &key, NULL, &is_done),
            SQLITE_OK);
  assert_false(is_done);
  value.type = KV_BLOB; /* the same bytes are another value */
  assert_rc(kv_revert_is_done(&t.store->stmts, &key, &value, &is_done),
            SQLITE_OK);
  assert_false(is_done);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(the_value_before_the_latest_change),
    test(the_value_at_a_time),
    test(what_is_so_already_is_done),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
