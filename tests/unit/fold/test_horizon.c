/*
** Who had seen what, for rows of the logs a and b, and of a second log of a.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fold/horizon.h"
#include "support/folds.h"

static const kv_fold_log names[] = {{"a", "1"}, {"b", "1"}, {"a", "2"}};
static kv_horizon horizon;
static int n_asked;

/* A row says in its id how far its writer had merged each other log. */
static int seen(void *source, const kv_fold_row *row, int log, int64_t *seq) {
  (void)source;
  assert_int_not_equal(log, row->log);
  n_asked++;
  *seq = row->id;
  return row->id < -1 ? (int)-row->id : KV_OK;
}

static int setup(void **state) {
  (void)state;
  n_asked = 0;
  kv_horizon_init(&horizon, test_resize);
  return kv_horizon_begin(&horizon, names, 3, seen, NULL);
}

static int teardown(void **state) {
  (void)state;
  kv_horizon_free(&horizon);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static kv_fold_row row(int log, int64_t ts, int64_t seq, int64_t merged) {
  kv_fold_row out;

  memset(&out, 0, sizeof(out));
  out.log = log;
  out.ts = ts;
  out.seq = seq;
  out.id = merged;
  return out;
}

static int hb(const kv_fold_row *x, const kv_fold_row *y) {
  int out = -1;

  assert_int_equal(kv_horizon_hb(&horizon, x, y, &out), KV_OK);
  return out;
}

static void rows_are_in_one_order(void **state) {
  /* by time, device, number, lineage */
  const kv_fold_row rows[] = {row(1, 1, 9, 0), row(0, 2, 3, 0), row(2, 2, 3, 0),
                              row(0, 2, 4, 0), row(1, 2, 1, 0)};
  int i;
  int k;

  (void)state;
  for (i = 0; i < 5; i++)
    for (k = 0; k < 5; k++) {
      int c = kv_horizon_compare(&horizon, &rows[i], &rows[k]);

      assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
    }
}

static void merged_rows_happened_before(void **state) {
  kv_fold_row a2 = row(0, 9, 2, 0);
  kv_fold_row a3 = row(0, 8, 3, 0);
  kv_fold_row b1 = row(1, 5, 1, 2);

  (void)state;
  assert_true(hb(&a2, &a3)); /* in one log, whatever the times */
  assert_false(hb(&a3, &a2));
  assert_false(hb(&a2, &a2));
  assert_true(hb(&a2, &b1));
  assert_false(hb(&a3, &b1));
}

static void time_decides_for_another_lineage(void **state) {
  kv_fold_row early = row(0, 4, 9, 0);
  kv_fold_row same = row(0, 5, 1, 0);
  kv_fold_row b1 = row(1, 5, 1, KV_SEEN_BY_TIME);
  int is_seen;

  (void)state;
  assert_true(hb(&early, &b1));
  assert_false(hb(&same, &b1));
  kv_horizon_mark(&horizon, &early);
  assert_int_equal(kv_horizon_add(&horizon, &b1), KV_OK);
  assert_true(kv_horizon_has(&horizon, &early));
  assert_false(kv_horizon_has(&horizon, &same));
  kv_horizon_clear(&horizon);
  kv_horizon_reach(&horizon, &early);
  assert_int_equal(kv_horizon_is_seen(&horizon, &b1, &is_seen), KV_OK);
  assert_true(is_seen);
}

static void a_horizon_is_what_any_of_its_rows_had_seen(void **state) {
  kv_fold_row a2 = row(0, 1, 2, 0);
  kv_fold_row a4 = row(0, 1, 4, 0);
  kv_fold_row b1 = row(1, 5, 1, 1);
  kv_fold_row other = row(2, 6, 1, 3);

  (void)state;
  kv_horizon_mark(&horizon, &a2);
  assert_int_equal(kv_horizon_add(&horizon, &b1), KV_OK);
  assert_false(kv_horizon_has(&horizon, &a2));
  assert_int_equal(kv_horizon_add(&horizon, &other), KV_OK);
  assert_true(kv_horizon_has(&horizon, &a2));
  assert_false(kv_horizon_has(&horizon, &a4));
  kv_horizon_clear(&horizon);
  kv_horizon_mark(&horizon, &a2);
  assert_false(kv_horizon_has(&horizon, &a2));
}

static void rows_are_seen_when_all_of_them_are(void **state) {
  kv_fold_row a2 = row(0, 1, 2, 0);
  kv_fold_row a3 = row(0, 1, 3, 0);
  kv_fold_row b2 = row(1, 5, 2, 2);
  int is_seen = 0;

  (void)state;
  kv_horizon_reach(&horizon, &a2);
  assert_int_equal(kv_horizon_is_seen(&horizon, &b2, &is_seen), KV_OK);
  assert_true(is_seen);
  kv_horizon_reach(&horizon, &a3);
  kv_horizon_reach(&horizon, &a2);
  assert_int_equal(kv_horizon_is_seen(&horizon, &b2, &is_seen), KV_OK);
  assert_false(is_seen);
}

static void seen_is_asked_once_and_its_errors_are_returned(void **state) {
  kv_fold_row a2 = row(0, 1, 2, 0);
  kv_fold_row b1 = row(1, 5, 1, 2);
  kv_fold_row bad = row(1, 5, 2, -10);
  int out;

  (void)state;
  assert_true(hb(&a2, &b1));
  assert_true(hb(&a2, &b1));
  kv_horizon_mark(&horizon, &a2);
  assert_int_equal(kv_horizon_add(&horizon, &b1), KV_OK);
  assert_int_equal(n_asked, 1);
  assert_int_equal(kv_horizon_hb(&horizon, &a2, &bad, &out), 10);
  assert_int_equal(kv_horizon_add(&horizon, &bad), 10);
  assert_int_equal(kv_horizon_is_seen(&horizon, &bad, &out), 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(rows_are_in_one_order),
    test(merged_rows_happened_before),
    test(time_decides_for_another_lineage),
    test(a_horizon_is_what_any_of_its_rows_had_seen),
    test(rows_are_seen_when_all_of_them_are),
    test(seen_is_asked_once_and_its_errors_are_returned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
