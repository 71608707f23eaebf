/*
** The numbers of rows and merges. See numbers.h.
*/
#include "numbers.h"

#include "cache/log_cursor.h"
#include "transaction.h"

int kv_numbers_last_seq(kv_store *store, int64_t *out) {
  const kv_pending *pending = &store->txn->pending;
  kv_log_cursor own;
  int rc;

  *out = INT64_MAX;
  if (!store->device) return SQLITE_OK;
  if (pending->is_open) {
    *out = kv_pending_first(pending) + pending->n_rows - 1;
    return SQLITE_OK;
  }
  rc = kv_log_cursor_load(&store->stmts, store->device, &own);
  if (rc == SQLITE_OK) *out = own.cached.seq;
  kv_log_cursor_clear(&own);
  return rc;
}

int kv_numbers_next_arrival(kv_store *store, int64_t *out) {
  int rc = kv_cache_last_arrival(&store->stmts, out);

  store->txn->n_writes++; /* for the rows that are merged now */
  if (store->txn->pending.is_open && *out < store->txn->pending.arrived) {
    *out = store->txn->pending.arrived;
  }
  ++*out;
  return rc;
}

int kv_numbers_settled(kv_store *store, kv_settled *out) {
  const kv_pending *pending = &store->txn->pending;
  int is_usable = 0;
  int rc = kv_cache_check(&store->stmts, &is_usable, &out->meta);

  if (rc == SQLITE_OK) rc = kv_cache_last_arrival(&store->stmts, &out->arrival);
  if (rc == SQLITE_OK) rc = kv_numbers_last_seq(store, &out->seq);
  out->open_seq = INT64_MAX;
  if (pending->is_open) {
    if (out->arrival >= pending->arrived) out->arrival = pending->arrived - 1;
    out->open_seq = kv_pending_first(pending);
    out->seq = out->open_seq - 1;
  }
  return rc;
}
