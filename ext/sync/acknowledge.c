/*
** Acknowledgements. See acknowledge.h.
**
** One statement computes from the cache what is due; nothing is kept that could go
** wrong. When the log is locked, another process of this device may have written
** the same meanwhile: that does no harm.
*/
#include "acknowledge.h"

#include "cache/cache.h"
#include "core/clock.h"
#include "db/error.h"
#include "own/publish.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/transaction.h"

/* How long no other one is due after an acknowledgement, in microseconds. */
#ifndef KV_ACKNOWLEDGE_PAUSE /* a test builds a module without */
#define KV_ACKNOWLEDGE_PAUSE KV_DAY
#endif

/* How often it is looked for without news. */
#define ACKNOWLEDGE_LOOK (KV_ACKNOWLEDGE_PAUSE / 24)

/* The seen rows that are due, and their time. */
static int acknowledge_read(kv_store *store, int64_t now, kv_seen **out, int *n,
                            int64_t *ts) {
  int64_t latest = -1;
  kv_run run;
  int rc = kv_cache_latest(&store->stmts, kv_clock_limit(now), &latest);

  if (rc != SQLITE_OK) return rc;
  *ts = kv_clock_next(now, latest);
  kv_run_begin(&run, &store->stmts, KV_SQL_ACKNOWLEDGE_DUE);
  kv_run_named_text(&run, ":self", store->device);
  kv_run_named_int(&run, ":now", now);
  kv_run_named_int(&run, ":ts", *ts);
  kv_run_named_int(&run, ":pause", KV_ACKNOWLEDGE_PAUSE);
  return kv_transaction_read_seen(&run, out, n);
}

/* Publish them; if the log cannot be written now, the next time will do. */
static int acknowledge_publish(kv_store *store, kv_publish_run *run,
                               char **err) {
  char *why = NULL;
  int rc = kv_publish_waiting(store, run, &why);

  return kv_error_put_off(err, rc, why);
}

int kv_acknowledge(kv_store *store, int has_news, int64_t *n_merged,
                   char **err) {
  kv_exchange *exchange = store->exchange;
  kv_publish_run run = {.must_look = 1};
  int64_t now = kv_store_now(store);
  kv_seen *seen = NULL;
  int rc;

  if (!has_news && now < exchange->next_look &&
      now >= exchange->next_look - ACKNOWLEDGE_LOOK) {
    return SQLITE_OK;
  }
  exchange->next_look = now + ACKNOWLEDGE_LOOK;
  rc = acknowledge_read(store, now, &seen, &run.n_seen, &run.seen_ts);
  run.seen = seen;
  if (rc != SQLITE_OK) {
    rc = kv_store_error(store, err, rc, "cannot acknowledge");
  } else if (run.n_seen > 0) {
    rc = acknowledge_publish(store, &run, err);
  }
  *n_merged += run.n_merged;
  sqlite3_free(seen);
  return rc;
}
