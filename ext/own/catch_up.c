/*
** Brings the cache and the own log together. See catch_up.h.
**
** The chained sums of two rows distinguish the cases, so it is enough to read
** the end of the log. Only a log that lost rows, or one that differs, is read
** from its beginning.
*/
#include "catch_up.h"

#include <assert.h>
#include <string.h>

#include "cache/cache.h"
#include "connection/registry.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/run.h"
#include "incarnation.h"
#include "life/generation.h"
#include "outgoing/own.h"
#include "outgoing/seen.h"
#include "retired.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/numbers.h"
#include "store/transaction.h"
#include "takeover.h"

/* How long the host waits for locks, in milliseconds. */
static int catch_up_busy_timeout(kv_store *store) {
  int64_t timeout = 0;
  kv_run run;

  kv_run_begin(&run, &store->stmts, KV_SQL_BUSY_TIMEOUT);
  kv_run_number(&run, &timeout);
  return (int)timeout;
}

int kv_catch_up_lock(kv_store *store, const kv_log_cursor *own, int must_wait,
                     int adopt, kv_writer **out, kv_verdict *verdict,
                     char **err) {
  kv_writer_place place;
  kv_log_head head;
  int rc;

  assert(store->root && store->device && !store->txn->log);
  rc = kv_store_follow(store);
  *out = NULL;
  if (rc != SQLITE_OK) return rc;
  if (!own->has_id) rc = kv_retired_check(store, err);
  if (rc == SQLITE_OK && !own->has_id) {
    rc = kv_incarnation_check_sealed(store, adopt, verdict);
  }
  if (rc != SQLITE_OK || verdict->state != KV_STATE_OK) return rc;
  kv_own_head(own, &head);
  place = kv_own_place(store, own->has_id ? &head : NULL);
  place.busy_timeout = must_wait ? catch_up_busy_timeout(store) : 0;
  return kv_writer_lock(&place, out, verdict, err);
}

/* Merge what another process published as this device. */
static int catch_up_merge(kv_store *store, kv_writer *log, kv_log_cursor *own,
                          kv_position from, const kv_stretch *stretch) {
  int64_t arrived;
  int rc = kv_numbers_next_arrival(store, &arrived);

  if (rc == SQLITE_OK) {
    rc = kv_cache_merge(&store->stmts, log->reader, from, stretch, arrived);
  }
  if (stretch->counted_ts > own->last_ts) own->last_ts = stretch->counted_ts;
  if (stretch->last_ts > own->newest) own->newest = stretch->last_ts;
  return rc;
}

/*
** The same when the log lacks own rows: they are renumbered to come after it,
** and after n_seen seen rows, which repeat what they had seen.
*/
static int catch_up_news(kv_store *store, kv_writer *log, kv_log_cursor *own,
                         kv_position common, const kv_stretch *stretch,
                         int64_t *n_seen) {
  int64_t n_new = stretch->end.seq - common.seq;
  int is_before =
    own->cached.seq > common.seq || store->txn->pending.n_rows > 0;
  int rc = SQLITE_OK;

  assert(kv_writer_is_locked(log) && n_new > 0);
  if (is_before) rc = kv_own_renumber(store, n_new, common.seq);
  own->cached.seq += own->has_id ? n_new : 0;
  if (rc == SQLITE_OK) rc = catch_up_merge(store, log, own, common, stretch);
  if (rc == SQLITE_OK && is_before) {
    rc = kv_seen_restore(store, common.seq, stretch->end.seq, stretch->last_ts,
                         n_seen);
    own->cached.seq += own->has_id ? *n_seen : 0;
  }
  return rc;
}

/* The first number of the transaction, after the waiting rows. */
static int64_t catch_up_waiting_end(const kv_store *store,
                                    const kv_log_cursor *own) {
  return store->txn->pending.is_open ? store->txn->pending.base.seq
                                     : own->cached.seq;
}

/*
** The cache has everything that the log has, up to `tail`, and after it own
** rows that the log lacks. Note both, so that a later failure does no harm.
** is_moved: own rows have new numbers; the first n_seen are seen rows.
*/
static int catch_up_settle(kv_store *store, kv_log_cursor *own,
                           const kv_log_head *head, kv_position tail,
                           int is_moved, int64_t n_seen, char **err) {
  int64_t until =
    own->has_id ? catch_up_waiting_end(store, own) : tail.seq + n_seen;
  kv_position expected = own->has_id ? own->cached : tail;
  int rc = SQLITE_OK;

  own->has_id = 1;
  memcpy(own->id, head->id, KV_ID_SIZE);
  own->origin = head->origin;
  own->published = own->waiting = own->cached = tail;
  if (until > tail.seq)
    rc = kv_own_rows(store, NULL, head->origin.former_seq, tail, until,
                     &own->cached);
  own->has_waiting = own->cached.seq > tail.seq;

  if (rc == SQLITE_OK && !is_moved &&
      (own->cached.seq < until ||
       (own->cached.seq == expected.seq && own->cached.sum != expected.sum))) {
    rc = KV_GAP;
  }
  if (rc == KV_GAP) return kv_store_wrong_cache(store, err);
  if (store->txn->pending.is_open) store->txn->pending.base = own->cached;
  if (rc == SQLITE_OK && is_moved) rc = kv_log_cursor_save(&store->stmts, own);
  return rc;
}

/* One run of catching up. */
typedef struct catch_up {
  kv_store *store;
  kv_writer *log;
  kv_log_cursor *own;
  kv_verdict *verdict; /* why it cannot be done; then nothing is changed */
  kv_position common;  /* the last row that both have */
  kv_stretch news;     /* what the log has behind it */
  int64_t n_seen;      /* seen rows that were written behind the news */
  int is_moved;        /* it took the place of the one before */
  int is_again;        /* it was written anew: lock it again */
} catch_up;

/* They have nothing in common: is it another generation, or another log? */
static int catch_up_accept(catch_up *run, int adopt, int64_t *n_merged,
                           char **err) {
  kv_takeover outcome = KV_TAKEOVER_NONE;
  kv_log_cursor *own = run->own;
  int rc = SQLITE_OK;

  if (own->has_id && memcmp(own->id, run->log->head.id, KV_ID_SIZE) != 0) {
    rc = kv_takeover_judge(run->store, run->log, own, adopt, &outcome, n_merged,
                           run->verdict, err);
  }
  run->is_moved = outcome == KV_TAKEOVER_TAKEN;
  run->is_again = outcome == KV_TAKEOVER_AGAIN;
  run->common = run->is_moved ? own->published : kv_log_start(&run->log->head);
  if (rc != SQLITE_OK || outcome != KV_TAKEOVER_NONE ||
      run->verdict->state != KV_STATE_OK) {
    return rc;
  }
  rc = kv_own_part(run->store, run->log, own);
  return rc == SQLITE_OK ? kv_incarnation_judge(run->log, own, run->verdict)
                         : rc;
}

/* The log has a row over a limit: it stays unchanged. */
static int catch_up_refuse(const kv_writer *log, const kv_stretch *stretch,
                           char **err) {
  return kv_error(
    err, SQLITE_TOOBIG, "at row %lld of %s %s: %s", stretch->end.seq + 1,
    log->path, stretch->reason,
    stretch->ended == KV_END_LIMITED
      ? "raise it"
      : "an earlier version wrote it. Open the folder with another device "
        "name, which gets the rows before it; read it with sqlite3");
}

/* Verify the rows of the log after the common row. */
static int catch_up_verify(catch_up *run, char **err) {
  kv_store *store = run->store;
  kv_stretch *news = &run->news;
  int rc;

  news->end = run->common;
  news->counted_ts = -1;
  if (run->is_moved || run->log->tail.seq <= run->common.seq) {
    return SQLITE_OK;
  }
  rc = kv_reader_verify(run->log->reader, run->common,
                        kv_clock_limit(kv_store_now(store)), NULL, news);
  if (rc == SQLITE_OK && kv_stretch_is_too_big(news)) {
    return catch_up_refuse(run->log, news, err);
  }
  if (rc == SQLITE_OK && news->ended != KV_END_CLEAN) {
    const kv_verdict *lack = kv_reader_lack(run->log->reader);

    kv_verdict_set(run->verdict, KV_STATE_DAMAGED, "at row %lld: %s",
                   news->end.seq + 1, lack ? lack->detail : news->reason);
  }
  return rc;
}

/* Merge them, and note up to where both are equal now. */
static int catch_up_take(catch_up *run, int64_t *n_merged, char **err) {
  int64_t n_new = run->news.end.seq - run->common.seq;
  int rc = kv_writer_trim(run->log);

  if (run->common.seq == 0 && n_new > 0) { /* all of it is news */
    run->own->holes = n_new - run->news.n_rows - run->news.n_seen;
  }
  if (rc == SQLITE_OK && n_new > 0) {
    rc = catch_up_news(run->store, run->log, run->own, run->common, &run->news,
                       &run->n_seen);
    *n_merged += run->news.n_rows;
  }
  if (rc == SQLITE_OK) {
    rc = catch_up_settle(run->store, run->own, &run->log->head, run->news.end,
                         n_new > 0 || run->is_moved, run->n_seen, err);
  }
  return rc;
}

/* Append the own rows that the log lacks. */
static int catch_up_append(catch_up *run) {
  const kv_log_cursor *own = run->own;
  kv_position end;

  if (own->cached.seq <= own->published.seq) return SQLITE_OK;
  return kv_own_rows(run->store, run->log, own->origin.former_seq,
                     own->published, own->cached.seq, &end);
}

/*
** Bring cache and log together under the lock: merge the log's new rows,
** renumber own rows that it lacks, and append them. Updates own->cached and
** own->published; the caller saves them.
*/
static int catch_up_rows(kv_store *store, kv_writer *log, kv_log_cursor *own,
                         int adopt, int64_t *n_merged, int *is_again,
                         kv_verdict *verdict, char **err) {
  catch_up run;
  int has_common;
  int rc;

  assert(kv_transaction_can_undo(store));
  memset(&run, 0, sizeof(run));
  run.store = store;
  run.log = log;
  run.own = own;
  run.verdict = verdict;
  rc = kv_own_common(store, log, own, &run.common, &has_common);
  if (rc == SQLITE_OK && !has_common) {
    rc = catch_up_accept(&run, adopt, n_merged, err);
  }
  *is_again = run.is_again;
  if (rc != SQLITE_OK || verdict->state != KV_STATE_OK || *is_again) return rc;
  rc = catch_up_verify(&run, err);
  if (rc != SQLITE_OK || verdict->state != KV_STATE_OK) return rc;
  rc = catch_up_take(&run, n_merged, err);
  return rc == SQLITE_OK ? catch_up_append(&run) : rc;
}

int kv_catch_up_judge_write(kv_writer *log, int rc, kv_verdict *verdict) {
  if ((rc & 0xff) != SQLITE_CORRUPT || !kv_writer_has_failed(log)) return rc;
  kv_verdict_set(verdict, KV_STATE_DAMAGED, "cannot be written: %s",
                 sqlite3_errstr(rc));
  return SQLITE_OK;
}

/* Does the cache know a later state of the log than this file has? */
static int catch_up_is_ahead(const kv_log_cursor *own, const kv_writer *log) {
  int order = memcmp(own->id, log->head.id, KV_ID_SIZE);

  return own->has_id && kv_row_same_lineage(own->id, log->head.id) &&
         (order > 0 || (order == 0 && own->published.seq > log->tail.seq));
}

/*
** Cache and log are together, and no transaction waits for that: is the log what it
** says? Else own->verdict says what it is.
*/
static int catch_up_check(kv_store *store, kv_writer *log, kv_log_cursor *own,
                          int is_ahead) {
  kv_writer_place place = kv_own_place(store, NULL);
  int is_rolled_back;
  int rc = kv_generation_clean(log, &place, is_ahead, &is_rolled_back);

  if (rc == SQLITE_OK && is_rolled_back) {
    kv_verdict_set(&own->verdict, KV_STATE_TWIN,
                   "was rolled back: a sealed file beside it is of a later "
                   "generation");
  } else if (rc == SQLITE_OK) {
    rc = kv_incarnation_check_part(store, log, own);
  }
  return rc == SQLITE_OK && own->verdict.state == KV_STATE_OK
           ? kv_incarnation_check_peers(store, log, own)
           : rc;
}

int kv_catch_up(kv_store *store, kv_log_cursor *own, int adopt,
                int64_t *n_merged, kv_writer **out, char **err) {
  int is_repaired = 1;
  int rc = SQLITE_OK;
  int attempt;

  assert(store->txn->pending.late.n == 0 && !store->txn->is_writing);
  *out = NULL;
  for (attempt = 0; attempt < 3 && rc == SQLITE_OK && is_repaired; attempt++) {
    kv_verdict verdict = {KV_STATE_OK, NULL};
    int is_ahead = 0;
    int is_again = 0;

    rc = kv_catch_up_lock(store, own, 1, adopt, out, &verdict, err);
    if (rc == SQLITE_OK && *out) {
      is_ahead = catch_up_is_ahead(own, *out);
      rc = kv_incarnation_check_host(store, *out, adopt, &verdict);
    }
    if (rc == SQLITE_OK && *out && verdict.state == KV_STATE_OK) {
      rc = catch_up_rows(store, *out, own, adopt, n_merged, &is_again, &verdict,
                         err);
      rc = kv_catch_up_judge_write(*out, rc, &verdict);
    }
    if (rc == SQLITE_OK && verdict.state == KV_STATE_OK && !is_again) {
      kv_verdict_clear(&own->verdict);
      if (store->txn->pending.n_rows == 0) {
        rc = catch_up_check(store, *out, own, is_ahead);
      }
      if (rc != SQLITE_OK || own->verdict.state == KV_STATE_OK) break;
      kv_verdict_set(&verdict, own->verdict.state, "%s", own->verdict.detail);
    }
    if (rc != SQLITE_OK && kv_writer_has_failed(*out)) {
      kv_writer_error(err, rc, (*out)->path);
    }
    kv_writer_close(*out);
    *out = NULL;
    if (rc == SQLITE_OK && !is_again) {
      kv_verdict_set(&own->verdict, verdict.state, "%s",
                     verdict.detail ? verdict.detail : "cannot be used");
      rc =
        kv_incarnation_repair(store, own, &verdict, adopt, &is_repaired, err);
    }
    kv_verdict_clear(&verdict);
  }
  return rc;
}
