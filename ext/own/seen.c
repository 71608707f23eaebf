/*
** Seen rows. See seen.h.
*/
#include "seen.h"

#include <assert.h>
#include <string.h>

#include "cache/cache.h"
#include "own.h"
#include "store/transaction.h"

/* The rows that are due, for sqlite3_free(). */
static int seen_list(kv_store *store, int64_t common, int64_t news,
                     kv_seen **out, int *n) {
  sqlite3_stmt *stmt = NULL;
  int is_usable;
  int rc = kv_stmt_get(&store->stmts, KV_SQL_SEEN_RESTORE, &stmt);

  *out = NULL;
  *n = 0;
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 1, common);
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(stmt, 2, store->device, -1, SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 3, news);
  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    kv_seen *more = sqlite3_realloc64(*out, (sqlite3_uint64)(*n + 1) *
                                              (sqlite3_uint64)sizeof(**out));

    rc = more ? SQLITE_OK : SQLITE_NOMEM;
    if (!more) break;
    *out = more;
    kv_transaction_seen_of_row(stmt, &more[*n], &is_usable);
    *n += is_usable;
  }
  kv_stmt_put(&store->stmts, KV_SQL_SEEN_RESTORE, stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int kv_seen_restore(kv_store *store, int64_t common, int64_t news, int64_t ts,
                    int64_t *n_rows) {
  kv_seen *seen = NULL;
  kv_row row;
  int n = 0;
  int i;
  int rc;

  assert(kv_transaction_can_undo(store) && common < news);
  rc = seen_list(store, common, news, &seen, &n);
  *n_rows = n;
  if (rc == SQLITE_OK && n > 0) rc = kv_own_renumber(store, n, news);
  memset(&row, 0, sizeof(row));
  row.txn = news + n;
  row.ts = ts;
  row.op = KV_OP_SEEN;
  row.parent_ts.type = row.value.type = KV_INTEGER;
  row.bucket.type = KV_TEXT;
  row.key.type = KV_BLOB;
  row.key.n = KV_ID_SIZE;
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    row.seq = news + 1 + i;
    row.bucket.z = seen[i].peer;
    row.bucket.n = strlen(seen[i].peer);
    row.key.z = seen[i].id;
    row.value.i = seen[i].at.seq;
    row.parent_ts.i = seen[i].at.sum;
    rc = kv_cache_put_seen(&store->stmts, store->device, &row);
  }
  sqlite3_free(seen);
  return rc;
}
