/*
** Sorting pointers, stable, in memory that is given.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/sort.h"

#define MANY 300

static int n_compared;

/* By the tens only, so that the ones show which came first. */
static int compare(const void *context, const void *a, const void *b) {
  int x = *(const int *)a / 10;
  int y = *(const int *)b / 10;

  assert_ptr_equal(context, &n_compared);
  n_compared++;
  return (x > y) - (x < y);
}

static void sort(int *numbers, size_t n, void **out) {
  void *room[MANY];
  size_t i;

  n_compared = 0;
  for (i = 0; i < n; i++)
    out[i] = &numbers[i];
  kv_sort(out, n, room, compare, &n_compared);
}

static void any_number_of_pointers_is_sorted(void **state) {
  int numbers[MANY];
  void *sorted[MANY];
  size_t n;
  size_t i;

  (void)state;
  for (n = 0; n < MANY; n++) {
    int sum = 0;

    for (i = 0; i < n; i++)
      numbers[i] = (int)(i * 7919 % MANY) * 10;
    sort(numbers, n, sorted);
    for (i = 0; i < n; i++) {
      sum += *(int *)sorted[i] - numbers[i];
      if (i > 0) assert_true(*(int *)sorted[i - 1] < *(int *)sorted[i]);
    }
    assert_int_equal(sum, 0);
  }
}

static void equal_ones_stay_in_their_order(void **state) {
  int numbers[] = {30, 10, 31, 11, 20, 12, 32, 21, 13};
  const int expected[] = {10, 11, 12, 13, 20, 21, 30, 31, 32};
  int equal[] = {52, 51, 50};
  void *sorted[9];
  int i;

  (void)state;
  sort(numbers, 9, sorted);
  for (i = 0; i < 9; i++)
    assert_int_equal(*(int *)sorted[i], expected[i]);
  sort(equal, 3, sorted);
  for (i = 0; i < 3; i++)
    assert_ptr_equal(sorted[i], &equal[i]);
}

static void sorted_or_reversed_input_takes_n_comparisons(void **state) {
  int numbers[MANY];
  void *sorted[MANY];
  int i;

  (void)state;
  for (i = 0; i < MANY; i++)
    numbers[i] = i * 10;
  sort(numbers, MANY, sorted);
  assert_true(n_compared <= MANY);
  assert_ptr_equal(sorted[MANY - 1], &numbers[MANY - 1]);
  for (i = 0; i < MANY; i++)
    numbers[i] = -i * 10;
  sort(numbers, MANY, sorted);
  assert_true(n_compared <= MANY);
  assert_ptr_equal(sorted[0], &numbers[MANY - 1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(any_number_of_pointers_is_sorted),
    cmocka_unit_test(equal_ones_stay_in_their_order),
    cmocka_unit_test(sorted_or_reversed_input_takes_n_comparisons),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
