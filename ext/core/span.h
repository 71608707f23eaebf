/*
** The parts of a log that a merge brought, each with the times of its rows.
** Rows are found by time, because the cache is not sorted by number.
**
** There are at most KV_SPANS of them. If there are more transactions,
** neighbours are joined, so that each span has about the same number. The times
** of a small merge are exact, those of a large one are coarse.
**
** INVARIANT: spans are in the order of numbers and do not overlap.
*/
#ifndef KV_CORE_SPAN_H
#define KV_CORE_SPAN_H

#include <stdint.h>

#define KV_SPANS 128 /* changes_unindexed in sql/history.sql counts on it */

typedef struct kv_span {
  int64_t first_seq, last_seq;
  int64_t first_ts, last_ts; /* least and greatest, microseconds */
} kv_span;

typedef struct kv_spans {
  kv_span span[KV_SPANS];
  int n;
  int64_t step;    /* transactions in each span; the last may have fewer */
  int64_t n_added; /* in the last one */
} kv_spans;

void kv_spans_clear(kv_spans *spans);

/* Add the span of one transaction, after all the others. */
void kv_spans_add(kv_spans *spans, const kv_span *span);

/* Extend a span by a row; if last_seq is 0, it is the span's first row. */
void kv_span_row(kv_span *span, int64_t seq, int64_t ts);

#endif
