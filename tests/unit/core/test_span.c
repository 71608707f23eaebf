/*
** The stretches of a log that a merge brought.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/span.h"

/* Add n transactions of one row each; row i has the time 10 * i. */
static void add(kv_spans *spans, int64_t from, int64_t n) {
  int64_t i;

  for (i = from; i < from + n; i++) {
    kv_span span = {0, 0, 0, 0};
    kv_span_row(&span, i, 10 * i);
    kv_spans_add(spans, &span);
  }
}

static void a_span_has_its_rows_and_their_times(void **state) {
  kv_span span = {0, 0, 0, 0};

  (void)state;
  kv_span_row(&span, 5, 100);
  kv_span_row(&span, 7, 90);
  kv_span_row(&span, 8, 300);
  assert_int_equal(span.first_seq, 5);
  assert_int_equal(span.last_seq, 8);
  assert_int_equal(span.first_ts, 90);
  assert_int_equal(span.last_ts, 300);
}

static void few_transactions_keep_their_own_spans(void **state) {
  kv_spans spans;
  int i;

  (void)state;
  kv_spans_clear(&spans);
  add(&spans, 1, KV_SPANS);
  assert_int_equal(spans.n, KV_SPANS);
  for (i = 0; i < spans.n; i++) {
    assert_int_equal(spans.span[i].first_seq, i + 1);
    assert_int_equal(spans.span[i].last_seq, i + 1);
    assert_int_equal(spans.span[i].first_ts, 10 * (i + 1));
  }
}

static void many_transactions_share_spans_of_about_one_size(void **state) {
  const int64_t n = 100000;
  kv_spans spans;
  int64_t least = n;
  int64_t most = 0;
  int i;

  (void)state;
  kv_spans_clear(&spans);
  add(&spans, 1, n);
  assert_true(spans.n > KV_SPANS / 2 && spans.n <= KV_SPANS);
  for (i = 0; i < spans.n; i++) {
    const kv_span *s = &spans.span[i];
    int64_t size = s->last_seq - s->first_seq + 1;

    assert_int_equal(s->first_seq, i ? spans.span[i - 1].last_seq + 1 : 1);
    assert_int_equal(s->first_ts, 10 * s->first_seq);
    assert_int_equal(s->last_ts, 10 * s->last_seq);
    if (i < spans.n - 1 && size < least) least = size;
    if (size > most) most = size;
  }
  assert_int_equal(spans.span[spans.n - 1].last_seq, n);
  assert_int_equal(least, most);
}

static void times_out_of_order_are_covered(void **state) {
  kv_spans spans;
  kv_span mad = {KV_SPANS + 1, KV_SPANS + 1, 1, 1000000};
  const kv_span *last;

  (void)state;
  kv_spans_clear(&spans);
  add(&spans, 1, KV_SPANS);
  kv_spans_add(&spans, &mad);
  add(&spans, KV_SPANS + 2, 1);
  last = &spans.span[spans.n - 1];
  assert_int_equal(last->first_seq, KV_SPANS + 1);
  assert_int_equal(last->last_seq, KV_SPANS + 2);
  assert_int_equal(last->first_ts, 1);
  assert_int_equal(last->last_ts, 1000000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_span_has_its_rows_and_their_times),
    cmocka_unit_test(few_transactions_keep_their_own_spans),
    cmocka_unit_test(many_transactions_share_spans_of_about_one_size),
    cmocka_unit_test(times_out_of_order_are_covered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
