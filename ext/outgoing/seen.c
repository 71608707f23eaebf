/*
** Seen rows. See seen.h.
*/
#include "seen.h"

#include <assert.h>
#include <string.h>

#include "cache/cache.h"
#include "db/run.h"
#include "log/append.h"
#include "own.h"
#include "store/transaction.h"

/* The seen rows to be written, for sqlite3_free(). */
static int seen_list(kv_store *store, int64_t common, int64_t news,
                     kv_seen **out, int *n) {
  kv_run run;

  *out = NULL;
  *n = 0;
  kv_run_begin(&run, &store->stmts, KV_SQL_SEEN_RESTORE);
  kv_run_int(&run, common);
  kv_run_text(&run, store->device);
  kv_run_int(&run, news);
  return kv_transaction_read_seen(&run, out, n);
}

int kv_seen_restore(kv_store *store, int64_t common, int64_t news, int64_t ts,
                    int64_t *n_rows) {
  kv_position at = {news, 0};
  kv_seen *seen = NULL;
  int n = 0;
  int rc;

  assert(kv_transaction_can_undo(store) && common < news);
  rc = seen_list(store, common, news, &seen, &n);
  *n_rows = n;
  if (rc == SQLITE_OK && n > 0) rc = kv_own_renumber(store, n, news);
  if (rc == SQLITE_OK) {
    rc = kv_seen_append(store, NULL, seen, n, news + n, ts, &at);
  }
  sqlite3_free(seen);
  return rc;
}

int kv_seen_append(kv_store *store, kv_writer *log, const kv_seen *seen, int n,
                   int64_t txn, int64_t ts, kv_position *at) {
  kv_row row;
  int rc = SQLITE_OK;
  int i;

  memset(&row, 0, sizeof(row));
  row.txn = txn;
  row.ts = ts;
  row.parent_ts.type = row.value.type = KV_INTEGER;
  row.bucket.type = KV_TEXT;
  row.key.type = KV_BLOB;
  row.key.n = KV_ID_SIZE;
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    row.seq = at->seq + 1;
    row.op = seen[i].is_retired ? KV_OP_RETIRE : KV_OP_SEEN;
    row.bucket.z = seen[i].peer;
    row.bucket.n = strlen(seen[i].peer);
    row.key.z = seen[i].id;
    row.value.i = seen[i].at.seq;
    row.parent_ts.i = seen[i].at.sum;
    if (log) rc = kv_append_row(log, &row);
    if (rc == SQLITE_OK) {
      rc = kv_cache_put_seen(&store->stmts, store->device, &row);
    }
    at->seq = row.seq;
    if (!log) row.sum = kv_row_sum(at->sum, &row);
    at->sum = row.sum;
  }
  return rc;
}
