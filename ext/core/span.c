/*
** The parts of a log that a merge brought. See span.h.
*/
#include "span.h"

void kv_spans_clear(kv_spans *spans) {
  spans->n = 0;
  spans->step = 1;
  spans->n_added = 0;
}

static void span_join(kv_span *to, const kv_span *from) {
  to->last_seq = from->last_seq;
  if (from->first_ts < to->first_ts) to->first_ts = from->first_ts;
  if (from->last_ts > to->last_ts) to->last_ts = from->last_ts;
}

/* Join neighbours: half as many, each of twice the transactions. */
static void spans_halve(kv_spans *spans) {
  int i;

  for (i = 0; i < KV_SPANS / 2; i++) {
    kv_span joined = spans->span[2 * i];
    span_join(&joined, &spans->span[2 * i + 1]);
    spans->span[i] = joined;
  }
  spans->n = KV_SPANS / 2;
  spans->step *= 2;
  spans->n_added = spans->step;
}

void kv_spans_add(kv_spans *spans, const kv_span *span) {
  if (spans->n > 0 && spans->n_added < spans->step) {
    span_join(&spans->span[spans->n - 1], span);
    spans->n_added++;
    return;
  }
  if (spans->n == KV_SPANS) spans_halve(spans);
  spans->span[spans->n++] = *span;
  spans->n_added = 1;
}

void kv_span_row(kv_span *span, int64_t seq, int64_t ts) {
  if (span->last_seq == 0) {
    span->first_seq = seq;
    span->first_ts = span->last_ts = ts;
  }
  span->last_seq = seq;
  if (ts < span->first_ts) span->first_ts = ts;
  if (ts > span->last_ts) span->last_ts = ts;
}
