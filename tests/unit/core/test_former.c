/*
** A former incarnation of a device's log.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/former.h"

/* A log that was read up to row seq; row seq has the time 10 * seq. */
static kv_former read_up_to(int64_t seq) {
  kv_former former = {seq, 1000 + seq, seq ? 10 * seq : -1};
  return former;
}

/*
** Is a file that ends with row seq covered, if rows up to the time `newest`
** were read?
*/
static int covers(kv_former former, int64_t seq, int64_t newest) {
  kv_row last;

  memset(&last, 0, sizeof(last));
  last.seq = seq;
  last.ts = 10 * seq;
  last.sum = 1000 + seq;
  return kv_former_covers(&former, seq ? &last : NULL, newest);
}

static void fewer_rows_than_were_read_are_an_older_copy(void **state) {
  (void)state;
  assert_true(covers(read_up_to(9), 0, 1000));
  assert_true(covers(read_up_to(9), 8, 1000));
  assert_true(covers(read_up_to(9), 8, 5)); /* whatever the times */
}

static void more_rows_than_were_read_are_not_an_older_copy(void **state) {
  (void)state;
  assert_false(covers(read_up_to(9), 10, 1000));
  assert_false(covers(read_up_to(0), 1, 1000));
}

static void with_the_same_rows_the_later_log_stays(void **state) {
  (void)state;
  assert_true(covers(read_up_to(9), 9, 91));
  assert_false(covers(read_up_to(9), 9, 90)); /* it ends with the same row */
  assert_false(covers(read_up_to(9), 9, 50));
}

static void a_log_without_rows_is_older_than_one_with_some(void **state) {
  (void)state;
  assert_true(covers(read_up_to(0), 0, 1));
  assert_false(covers(read_up_to(0), 0, -1));
}

static void rows_of_another_history_are_not_a_copy(void **state) {
  kv_former former = read_up_to(9);
  kv_row last;

  (void)state;
  memset(&last, 0, sizeof(last));
  last.seq = 9;
  last.ts = 90;
  last.sum = -1;
  assert_false(kv_former_covers(&former, &last, 1000));
  last.seq = 5;
  last.ts = 91; /* later than everything that was read */
  assert_false(kv_former_covers(&former, &last, 1000));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(fewer_rows_than_were_read_are_an_older_copy),
    cmocka_unit_test(more_rows_than_were_read_are_not_an_older_copy),
    cmocka_unit_test(with_the_same_rows_the_later_log_stays),
    cmocka_unit_test(a_log_without_rows_is_older_than_one_with_some),
    cmocka_unit_test(rows_of_another_history_are_not_a_copy),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
