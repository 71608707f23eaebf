/*
** Keeps a cache fast to read. See upkeep.h.
**
**     front | a3 b7 c1 c2 c5 d4 |       kv reads here: the latest of each key
**     back  | a1 a2 b1 ... b6   |       kv_log and the past read both
**
** Rows are written in front, so a key that is set again has two rows there.
** When the new rows are a quarter of the front, the superseded ones are moved
** to the back. So moving costs a constant share of writing, and at most that
** share of the front is superseded. Rows that a merge put in the right place do
** not count.
*/
#include "upkeep.h"
#include "cache/cache.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/savepoint.h"

/* A sweep needs at least this many new rows, and this share of the front. */
#define UPKEEP_ROWS 16
#define UPKEEP_SHARE 4

static int upkeep_sweep(kv_store *store, const kv_meta *meta, char **err) {
  int64_t arrival;
  int64_t rows = 0;
  int64_t n_new;
  int rc = kv_cache_last_arrival(&store->stmts, &arrival);

  if (rc != SQLITE_OK || arrival == meta->swept_arrival) return rc;
  rc = kv_cache_rows(&store->stmts, &rows);
  n_new = rows - meta->swept_rows;
  if (n_new < 0) n_new = rows; /* a log was forgotten meanwhile */
  if (rc != SQLITE_OK || n_new < UPKEEP_ROWS + meta->n_front / UPKEEP_SHARE) {
    return rc;
  }
  rc = kv_store_savepoint(store, err);
  if (rc != SQLITE_OK) return rc;
  rc = kv_cache_sweep(&store->stmts, arrival, rows);
  kv_store_error(store, err, rc, "cannot sweep the cache");
  return kv_store_savepoint_end(store, rc);
}

/*
** The index by time is built when there are rows, after their merge and its
** sweep. Both work in the order of keys, and would fill the index at random.
*/
static int upkeep_index(kv_store *store, char **err) {
  int64_t rows = 0;
  int rc = kv_cache_rows(&store->stmts, &rows);

  if (rc != SQLITE_OK || rows == 0) return rc;
  rc = kv_store_savepoint(store, err);
  if (rc != SQLITE_OK) return rc;
  rc = kv_cache_index(&store->stmts);
  if (rc == SQLITE_OK) store->exchange->wants_index = 0;
  kv_store_error(store, err, rc, "cannot index the cache");
  return kv_store_savepoint_end(store, rc);
}

void kv_upkeep_want_index(kv_store *store) {
  store->exchange->wants_index = 1;
}

int kv_upkeep_run(kv_store *store, char **err) {
  kv_meta meta;
  int is_usable = 0;
  int rc = kv_cache_check(&store->stmts, &is_usable, &meta);

  if (rc == SQLITE_OK && !is_usable) return rc;
  if (rc == SQLITE_OK && !kv_store_in_transaction(store) &&
      store->n_scans == 0) {
    rc = upkeep_sweep(store, &meta, err);
  }
  if (rc == SQLITE_OK && store->exchange->wants_index && !meta.is_indexed) {
    rc = upkeep_index(store, err);
  }
  return kv_store_error(store, err, rc, "cannot sweep the cache");
}
