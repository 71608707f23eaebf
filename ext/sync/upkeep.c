/*
** Keeps a cache fast to read. See upkeep.h.
**
**     front | a3 b7 c1 c2 c5 d4 |       kv reads here: the latest of each key
**     back  | a1 a2 b1 ... b6   |       kv_log and the past read both
**
** Rows are written in front, so a key that is set again has two rows there.
** When the new rows are as many as the front had, the superseded ones are moved
** to the back. So each row is moved once, a walk over the front is paid by as
** many rows as it reads, and a scan of the latest reads at most twice as many.
** (At a quarter, every merge that deletes or sets all keys again paid for moving
** them, three times its own cost.) Rows that a merge put in the right place do not
** count.
**
** Contested keys are judged again when there were enough new rows that they may
** have been settled.
*/
#include "upkeep.h"
#include "cache/cache.h"
#include "contest/contest.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/savepoint.h"

/* Contested keys are judged again after this many rows, and four for each key. */
#define UPKEEP_JUDGE 16

/* Among so many rows, those that wait are found by an index. */
#define UPKEEP_MANY 20000

/* Sweep, up to the last arrival; is_wanted: even if it is not worth it yet. */
static int upkeep_sweep(kv_store *store, kv_meta *meta, int is_wanted,
                        int64_t arrival, int64_t rows, char **err) {
  int64_t n_new = kv_cache_unswept(meta, rows);
  int rc = SQLITE_OK;

  if (n_new == 0 && meta->swept_arrival >= 0 &&
      meta->judged != KV_JUDGED_BACK) {
    return kv_cache_note_sweep(&store->stmts, arrival, rows, meta->n_front);
  }
  if (meta->judged == KV_JUDGED_BACK) is_wanted = 1;
  if (!is_wanted && !kv_cache_is_sweep_due(meta, n_new)) return rc;
  rc = kv_store_savepoint(store, err);
  if (rc != SQLITE_OK) return rc;
  rc = kv_cache_sweep(&store->stmts, meta, arrival, rows);
  if (rc == SQLITE_OK && meta->judged == KV_JUDGED_BACK) {
    meta->judged = KV_JUDGED_ALL;
  }
  kv_store_error(store, err, rc, "cannot sweep the cache");
  return kv_store_savepoint_end(store, rc);
}

/* Judge all keys, or, now and then, the contested ones again. */
static int upkeep_judge(kv_store *store, const kv_meta *meta, int64_t rows,
                        char **err) {
  int64_t n_new = rows - meta->judged_rows;
  int64_t any = 0;
  kv_run run;
  int rc = SQLITE_OK;

  if (meta->judged != KV_JUDGED_NONE) {
    if (n_new >= 0 && n_new < UPKEEP_JUDGE + 4 * meta->n_contested) return rc;
    kv_run_begin(&run, &store->stmts, KV_SQL_UPKEEP_CONTESTED);
    rc = kv_run_number(&run, &any);
    if (rc != SQLITE_OK || !any) return rc;
  }
  rc = kv_store_savepoint(store, err);
  if (rc != SQLITE_OK) return rc;
  rc = meta->judged == KV_JUDGED_NONE
         ? kv_contest_judge_all(&store->stmts, rows)
         : kv_contest_judge_again(&store->stmts, rows);
  kv_store_error(store, err, rc, "cannot look for conflicts");
  return kv_store_savepoint_end(store, rc);
}

/* What is to be done if rows have come since the last sweep. */
static int upkeep_rows(kv_store *store, kv_meta *meta, char **err) {
  int is_wanted = store->exchange->wants_index && !meta->is_indexed;
  int64_t arrival;
  int64_t rows = 0;
  int rc = kv_cache_last_arrival(&store->stmts, &arrival);

  if (rc != SQLITE_OK ||
      (arrival == meta->swept_arrival && meta->judged == KV_JUDGED_ALL)) {
    return rc;
  }
  rc = kv_cache_rows(&store->stmts, &rows);
  if (rc == SQLITE_OK &&
      (arrival != meta->swept_arrival || meta->judged == KV_JUDGED_BACK)) {
    rc = upkeep_sweep(store, meta, is_wanted, arrival, rows, err);
  }
  return rc == SQLITE_OK ? upkeep_judge(store, meta, rows, err) : rc;
}

/*
** The index by time is built when there are rows, after their merge and a sweep:
** both work in the order of keys, and would fill the index at random.
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

/* Option publish='sync': each sync looks for the rows that wait. */
static int upkeep_find_waiting(kv_store *store) {
  int64_t rows = 0;
  int rc = SQLITE_OK;

  if (store->exchange->puts_off) rc = kv_cache_rows(&store->stmts, &rows);
  if (rows >= UPKEEP_MANY) kv_upkeep_want_index(store);
  return rc;
}

int kv_upkeep_run(kv_store *store, char **err) {
  kv_meta meta;
  int is_usable = 0;
  int rc = kv_cache_check(&store->stmts, &is_usable, &meta);

  if (rc == SQLITE_OK && !is_usable) return rc;
  if (rc == SQLITE_OK && !meta.is_indexed) rc = upkeep_find_waiting(store);
  if (rc == SQLITE_OK && !kv_store_in_transaction(store) &&
      store->n_scans == 0) {
    rc = upkeep_rows(store, &meta, err);
  }
  if (rc == SQLITE_OK && store->exchange->wants_index && !meta.is_indexed) {
    rc = upkeep_index(store, err);
  }
  return kv_store_error(store, err, rc, "cannot sweep the cache");
}
