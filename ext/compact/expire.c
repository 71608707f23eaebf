/*
** Option history. See expire.h.
**
** That it was looked for is noted before the rows are counted: what fails, or is
** interrupted, is not begun again by each sync of that day. And a clock that is years
** ahead for once gives up nothing: it is only noted.
*/
#include "expire.h"

#include "cache/cache.h"
#include "compact.h"
#include "core/clock.h"
#include "db/error.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/savepoint.h"

/* Has less than a day passed since `last`, whichever way the clock was set? */
static int expire_is_early(int64_t now, int64_t last) {
  return now > last - KV_DAY && now < last + KV_DAY;
}

/* Note that it is looked for now. */
static int expire_note(kv_store *store, int64_t now, char **err) {
  int rc = kv_store_savepoint(store, err);

  if (rc != SQLITE_OK) return rc;
  rc = kv_cache_note_expiry(&store->stmts, now);
  kv_store_error(store, err, rc, "cannot look for history to give up");
  return kv_store_savepoint_end(store, rc);
}

/* Compact if at least half of the log would go. */
static int expire_compact(kv_store *store, int64_t before, char **err) {
  kv_compact_size size;
  int64_t n_dropped = 0;
  int rc = kv_compact_measure(store, before, &size);

  if (rc != SQLITE_OK) {
    return kv_store_error(store, err, rc, "cannot look for history to give up");
  }
  if (size.n_dropped == 0 || size.dropped < size.all - size.dropped) return rc;
  return kv_compact_run(store, before, &n_dropped, err);
}

/*
** The time up to which something tells that it has passed, besides the clock now:
** that it was looked for then, or what other devices wrote. The first time, what this
** one wrote has to do.
*/
static int expire_known(kv_store *store, int64_t *out) {
  kv_run run;

  *out = 0;
  kv_run_begin(&run, &store->stmts, KV_SQL_EXPIRE_KNOWN);
  kv_run_named_text(&run, ":self", store->device);
  if (kv_run_row(&run)) {
    int64_t noted = sqlite3_column_int64(run.stmt, 0);
    int64_t others = sqlite3_column_int64(run.stmt, 1);

    *out = noted > others ? noted : others;
    if (noted == 0) *out = sqlite3_column_int64(run.stmt, 2);
  }
  return kv_run_close(&run);
}

/* Look for it now; if the log or the cache cannot be written, later will do. */
static int expire_now(kv_store *store, int64_t now, char **err) {
  int64_t known = 0;
  char *why = NULL;
  int rc = expire_known(store, &known);

  if (rc != SQLITE_OK) {
    return kv_store_error(store, err, rc, "cannot look for history to give up");
  }
  rc = expire_note(store, now, &why);
  if (known > now) known = now;
  if (rc == SQLITE_OK) {
    rc = expire_compact(store, known - store->exchange->history, &why);
  }
  return kv_error_put_off(err, rc, why);
}

int kv_expire_run(kv_store *store, char **err) {
  kv_exchange *exchange = store->exchange;
  int64_t noted = 0;
  int64_t now;
  int rc;

  if (exchange->history <= 0 || !store->root || !store->device ||
      kv_store_in_transaction(store) || store->n_scans > 0) {
    return SQLITE_OK;
  }
  now = kv_store_now(store);
  if (exchange->expired > 0 && expire_is_early(now, exchange->expired)) {
    return SQLITE_OK;
  }
  exchange->expired = now;
  rc = kv_cache_expiry(&store->stmts, &noted);
  if (rc != SQLITE_OK) {
    return kv_store_error(store, err, rc, "cannot look for history to give up");
  }
  if (noted > 0 && expire_is_early(now, noted)) {
    exchange->expired = noted;
    return SQLITE_OK;
  }
  return expire_now(store, now, err);
}
