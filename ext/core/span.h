/*
** The stretches of a log that a merge brought, each with the times of its
** rows: rows are found by time, as the cache has no order by number.
**
** Up to KV_SPANS of them; where there are more transactions, neighbours are
** joined, so that each has about as many. A merge of few transactions has
** their exact times, a large one is coarse.
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
  int64_t step;    /* transactions in each; of the last one up to it */
  int64_t n_added; /* in the last one */
} kv_spans;

void kv_spans_clear(kv_spans *spans);

/* Add the span of one transaction, behind all that were added. */
void kv_spans_add(kv_spans *spans, const kv_span *span);

/* Extend a span by a row; the first one of it if last_seq is 0. */
void kv_span_row(kv_span *span, int64_t seq, int64_t ts);

#endif
