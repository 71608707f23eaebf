/*
** What the logs of a folder looked like.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "folder/sight.h"

static const kv_stamp one = {1, 100, 5, 6};
static const kv_stamp two = {2, 100, 5, 6};

/* The number of two devices with these stamps. */
static uint64_t number(const char *a, const kv_stamp *at, const char *b,
                       const kv_stamp *bt) {
  kv_sight sight;

  kv_sight_begin(&sight);
  kv_sight_add(&sight, a, at);
  kv_sight_add(&sight, b, bt);
  assert_false(sight.is_known);
  return sight.others;
}

static void the_order_of_the_devices_does_not_matter(void **state) {
  (void)state;
  assert_true(number("a", &one, "b", &two) == number("b", &two, "a", &one));
}

static void each_device_and_each_stamp_matters(void **state) {
  uint64_t same = number("a", &one, "b", &two);
  kv_stamp other = one;

  (void)state;
  assert_true(same != number("a", &two, "b", &one));
  assert_true(same != number("a", &one, "c", &two));
  other.ctime++;
  assert_true(same != number("a", &other, "b", &two));
  other = one;
  other.size++;
  assert_true(same != number("a", &other, "b", &two));
}

static void a_recent_file_may_change_unseen(void **state) {
  kv_sight sight;
  kv_stamp stamp = one;

  (void)state;
  kv_sight_begin(&sight);
  assert_true(sight.taken / 1000 <= kv_folder_now());
  assert_false(kv_sight_is_unsure(&sight, &stamp));
  stamp.ctime = sight.taken - KV_STAMP_TICK + 1;
  assert_true(kv_sight_is_unsure(&sight, &stamp));
  stamp.ctime--;
  assert_false(kv_sight_is_unsure(&sight, &stamp));
  stamp.mtime = sight.taken + 1;
  assert_true(kv_sight_is_unsure(&sight, &stamp));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_order_of_the_devices_does_not_matter),
    cmocka_unit_test(each_device_and_each_stamp_matters),
    cmocka_unit_test(a_recent_file_may_change_unseen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
