/*
** Who had seen what. See horizon.h.
**
** A log's number is its index in an array that is kept from key to key. An entry
** belongs to the current horizon if it has the current mark, so nothing has to be
** cleared. The answers for the row that was asked last are kept the same way.
*/
#include "horizon.h"

#include <assert.h>
#include <string.h>

void kv_horizon_init(kv_horizon *horizon, kv_resize resize) {
  memset(horizon, 0, sizeof(*horizon));
  horizon->resize = resize;
}

void kv_horizon_free(kv_horizon *horizon) {
  if (horizon->logs) horizon->resize(horizon->logs, 0);
  if (horizon->marked) horizon->resize(horizon->marked, 0);
  horizon->logs = NULL;
  horizon->marked = NULL;
  horizon->room = 0;
}

static int horizon_grow(kv_horizon *horizon, int n) {
  kv_horizon_log *logs;
  int *marked;

  logs = horizon->resize(horizon->logs, (size_t)n * sizeof(*logs));
  if (!logs) return KV_NOMEM;
  horizon->logs = logs;
  marked = horizon->resize(horizon->marked, (size_t)n * sizeof(*marked));
  if (!marked) return KV_NOMEM;
  horizon->marked = marked;
  memset(logs + horizon->room, 0, (size_t)(n - horizon->room) * sizeof(*logs));
  horizon->room = n;
  return KV_OK;
}

int kv_horizon_begin(kv_horizon *horizon, const kv_fold_log *names, int n_logs,
                     kv_fold_seen seen, void *source) {
  horizon->names = names;
  horizon->n_logs = n_logs;
  horizon->seen = seen;
  horizon->source = source;
  horizon->row = NULL;
  kv_horizon_clear(horizon);
  if (n_logs <= horizon->room) return KV_OK;
  return horizon_grow(horizon, n_logs);
}

int kv_horizon_compare(const kv_horizon *horizon, const kv_fold_row *a,
                       const kv_fold_row *b) {
  const kv_fold_log *x = &horizon->names[a->log];
  const kv_fold_log *y = &horizon->names[b->log];
  int c;

  if (a->ts != b->ts) return a->ts < b->ts ? -1 : 1;
  c = a->log == b->log ? 0 : strcmp(x->device, y->device);
  if (c) return c;
  if (a->seq != b->seq) return a->seq < b->seq ? -1 : 1;
  return memcmp(x->lineage, y->lineage, KV_LINEAGE_SIZE);
}

/* How far the writer of y had merged a log. */
static int horizon_position(kv_horizon *horizon, const kv_fold_row *y, int log,
                            int64_t *seq) {
  kv_horizon_log *l = &horizon->logs[log];
  int rc = KV_OK;

  if (log == y->log) {
    *seq = y->seq - 1;
    return KV_OK;
  }
  if (horizon->row != y) {
    horizon->row = y;
    horizon->asked++;
  }
  if (l->asked != horizon->asked) {
    rc = horizon->seen(horizon->source, y, log, &l->answer);
    if (rc == KV_OK) l->asked = horizon->asked;
  }
  *seq = l->answer;
  return rc;
}

int kv_horizon_hb(kv_horizon *horizon, const kv_fold_row *x,
                  const kv_fold_row *y, int *out) {
  int64_t seq;
  int rc = horizon_position(horizon, y, x->log, &seq);

  *out = 0;
  if (rc != KV_OK) return rc;
  *out = seq == KV_SEEN_BY_TIME ? x->ts < y->ts : x->seq <= seq;
  return KV_OK;
}

void kv_horizon_clear(kv_horizon *horizon) {
  horizon->mark++;
  horizon->n_marked = 0;
}

void kv_horizon_mark(kv_horizon *horizon, const kv_fold_row *row) {
  kv_horizon_log *l = &horizon->logs[row->log];

  assert(row->log >= 0 && row->log < horizon->n_logs);
  if (l->mark == horizon->mark) return;
  l->mark = horizon->mark;
  l->seq = l->ts = INT64_MIN;
  horizon->marked[horizon->n_marked++] = row->log;
}

int kv_horizon_add(kv_horizon *horizon, const kv_fold_row *y) {
  int i;

  for (i = 0; i < horizon->n_marked; i++) {
    kv_horizon_log *l = &horizon->logs[horizon->marked[i]];
    int64_t seq;
    int rc = horizon_position(horizon, y, horizon->marked[i], &seq);

    if (rc != KV_OK) return rc;
    if (seq == KV_SEEN_BY_TIME) {
      if (y->ts > l->ts) l->ts = y->ts;
    } else if (seq > l->seq) {
      l->seq = seq;
    }
  }
  return KV_OK;
}

int kv_horizon_has(const kv_horizon *horizon, const kv_fold_row *x) {
  const kv_horizon_log *l = &horizon->logs[x->log];

  assert(l->mark == horizon->mark);
  return x->seq <= l->seq || x->ts < l->ts;
}

void kv_horizon_reach(kv_horizon *horizon, const kv_fold_row *x) {
  kv_horizon_log *l = &horizon->logs[x->log];

  kv_horizon_mark(horizon, x);
  if (x->seq > l->seq) l->seq = x->seq;
  if (x->ts > l->ts) l->ts = x->ts;
}

int kv_horizon_is_seen(kv_horizon *horizon, const kv_fold_row *y, int *out) {
  int i;

  *out = 1;
  for (i = 0; i < horizon->n_marked && *out; i++) {
    const kv_horizon_log *l = &horizon->logs[horizon->marked[i]];
    int64_t seq;
    int rc = horizon_position(horizon, y, horizon->marked[i], &seq);

    if (rc != KV_OK) return rc;
    *out = seq == KV_SEEN_BY_TIME ? l->ts < y->ts : l->seq <= seq;
  }
  return KV_OK;
}
