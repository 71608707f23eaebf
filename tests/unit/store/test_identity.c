/*
** What an open store knows of itself: its clock, its schema, who uses it.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/identity.h"
#include "support/connection.h"

static void its_clock_is_the_option_or_the_wall_clock(void **state) {
  int64_t before = kv_folder_now();
  kv_store store;

  (void)state;
  memset(&store, 0, sizeof(store));
  assert_true(kv_store_now(&store) == 0); /* 1970 is a time, too */
  store.fixed_now = 123456;
  assert_true(kv_store_now(&store) == 123456);
  store.fixed_now = -1;
  assert_true(kv_store_now(&store) >= before);
  assert_true(kv_store_now(&store) <= kv_folder_now());
}

static void temp_is_temp_in_any_case(void **state) {
  char name[] = "Temp";
  char other[] = "temporary";
  kv_store store;

  (void)state;
  memset(&store, 0, sizeof(store));
  store.schema = name;
  assert_true(kv_store_is_temp(&store));
  store.schema = other;
  assert_false(kv_store_is_temp(&store));
}

static void a_savepoint_is_a_transaction_of_the_user(void **state) {
  kv_store store;

  (void)state;
  memset(&store, 0, sizeof(store));
  store.db = test_connect(":memory:");
  assert_false(kv_store_in_transaction(&store));
  test_run(store.db, "SAVEPOINT s");
  assert_true(kv_store_in_transaction(&store));
  test_run(store.db, "RELEASE s");
  assert_false(kv_store_in_transaction(&store));
  test_disconnect(store.db);
}

static void nested_functions_and_scans_are_counted(void **state) {
  kv_store store;

  (void)state;
  memset(&store, 0, sizeof(store));
  assert_int_equal(kv_store_enter_function(&store), 1);
  assert_int_equal(kv_store_enter_function(&store), 2);
  kv_store_leave_function(&store);
  assert_int_equal(kv_store_enter_function(&store), 2);
  kv_store_enter_scan(&store);
  kv_store_enter_scan(&store);
  kv_store_leave_scan(&store);
  assert_int_equal(store.n_scans, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(its_clock_is_the_option_or_the_wall_clock),
    cmocka_unit_test(temp_is_temp_in_any_case),
    cmocka_unit_test(a_savepoint_is_a_transaction_of_the_user),
    cmocka_unit_test(nested_functions_and_scans_are_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
