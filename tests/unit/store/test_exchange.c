/*
** What a store remembers from one sync to the next.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/exchange.h"
#include "support/rc.h"

static kv_exchange exchange;
static kv_store store;

static int setup(void **state) {
  (void)state;
  memset(&exchange, 0, sizeof(exchange));
  memset(&store, 0, sizeof(store));
  store.exchange = &exchange;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  kv_exchange_forget(&exchange);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void the_reason_of_a_failed_commit_is_copied(void **state) {
  char why[] = "no room";

  (void)state;
  kv_exchange_note_commit(&exchange, SQLITE_FULL, why);
  memset(why, 'x', 3);
  assert_rc(exchange.commit_rc, SQLITE_FULL);
  assert_string_equal(kv_exchange_commit_error(&store), "no room");
}

static void without_a_reason_sqlites_text_is_used(void **state) {
  (void)state;
  kv_exchange_note_commit(&exchange, SQLITE_FULL, NULL);
  assert_string_equal(kv_exchange_commit_error(&store),
                      sqlite3_errstr(SQLITE_FULL));
}

static void a_commit_that_succeeds_leaves_no_error(void **state) {
  (void)state;
  kv_exchange_note_commit(&exchange, SQLITE_FULL, "no room");
  kv_exchange_note_commit(&exchange, SQLITE_OK, "ignored");
  assert_rc(exchange.commit_rc, SQLITE_OK);
  assert_null(kv_exchange_commit_error(&store));
}

static void a_new_cache_is_checked_again(void **state) {
  (void)state;
  kv_exchange_note_commit(&exchange, SQLITE_FULL, "no room");
  exchange.is_checked = exchange.must_look = 1;
  kv_exchange_forget(&exchange);
  assert_null(kv_exchange_commit_error(&store));
  assert_false(exchange.is_checked);
  assert_false(exchange.must_look);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(the_reason_of_a_failed_commit_is_copied),
    test(without_a_reason_sqlites_text_is_used),
    test(a_commit_that_succeeds_leaves_no_error),
    test(a_new_cache_is_checked_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
