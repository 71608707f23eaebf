#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"

#define NOW INT64_C(1700000000000000)

static void a_transaction_is_stamped_with_the_wall_clock(void **state) {
  (void)state;
  assert_int_equal(kv_clock_next(NOW, -1), NOW);
  assert_int_equal(kv_clock_next(NOW, NOW - 1), NOW);
}

static void a_transaction_comes_after_all_that_was_seen(void **state) {
  (void)state;
  assert_int_equal(kv_clock_next(NOW, NOW), NOW + 1);
  assert_int_equal(kv_clock_next(NOW, NOW + 1000), NOW + 1001);
  assert_int_equal(kv_clock_next(NOW, kv_clock_limit(NOW)),
                   NOW + KV_CLOCK_AHEAD + 1);
}

static void a_clock_that_stands_still_still_advances(void **state) {
  int64_t ts = -1;
  int i;

  (void)state;
  for (i = 0; i < 10; i++)
    ts = kv_clock_next(NOW, ts);
  assert_int_equal(ts, NOW + 9);
}

static void times_five_minutes_ahead_count(void **state) {
  (void)state;
  assert_int_equal(KV_CLOCK_AHEAD, 300000000);
  assert_int_equal(kv_clock_limit(NOW), NOW + 300000000);
}

static void the_last_valid_time_never_counts(void **state) {
  (void)state;
  assert_int_equal(KV_TS_MAX, 9007199254740992);
  assert_int_equal(kv_clock_limit(KV_TS_MAX - KV_CLOCK_AHEAD), KV_TS_MAX - 1);
  assert_int_equal(kv_clock_limit(KV_TS_MAX - KV_CLOCK_AHEAD - 2),
                   KV_TS_MAX - 2);
  assert_int_equal(kv_clock_limit(INT64_MAX), KV_TS_MAX - 1);
}

static void a_valid_wall_clock_gives_a_valid_time(void **state) {
  int64_t wall;

  (void)state;
  for (wall = KV_TS_MAX - KV_CLOCK_AHEAD - 3; wall <= KV_TS_MAX;
       wall += 100000000) {
    assert_true(kv_clock_next(wall, kv_clock_limit(wall)) <= KV_TS_MAX);
  }
  assert_int_equal(kv_clock_next(KV_TS_MAX, KV_TS_MAX - 1), KV_TS_MAX);
  assert_int_equal(kv_clock_next(KV_TS_MAX + 1, -1), KV_TS_MAX + 1);
}

static void a_clock_before_1970_counts_from_there(void **state) {
  int64_t wall = -5000;

  (void)state;
  assert_int_equal(kv_clock_next(wall, -1), 0);
  assert_int_equal(kv_clock_next(wall, 0), 1);
  assert_int_equal(kv_clock_limit(wall), KV_CLOCK_AHEAD);
  assert_int_equal(kv_clock_next(INT64_MIN, -1), 0);
}

static void a_row_comes_after_the_winner_of_its_key(void **state) {
  (void)state;
  assert_int_equal(kv_clock_after(NOW, -1), NOW);
  assert_int_equal(kv_clock_after(NOW, NOW - 1), NOW);
  assert_int_equal(kv_clock_after(NOW, NOW), NOW + 1);
  assert_int_equal(kv_clock_after(NOW, KV_TS_MAX - 1), KV_TS_MAX);
  assert_int_equal(kv_clock_after(NOW, KV_TS_MAX), KV_TS_MAX + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_transaction_is_stamped_with_the_wall_clock),
    cmocka_unit_test(a_transaction_comes_after_all_that_was_seen),
    cmocka_unit_test(a_clock_that_stands_still_still_advances),
    cmocka_unit_test(times_five_minutes_ahead_count),
    cmocka_unit_test(the_last_valid_time_never_counts),
    cmocka_unit_test(a_valid_wall_clock_gives_a_valid_time),
    cmocka_unit_test(a_clock_before_1970_counts_from_there),
    cmocka_unit_test(a_row_comes_after_the_winner_of_its_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
