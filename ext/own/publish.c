/*
** Commits in two phases. See publish.h.
*/
#include "publish.h"

#include <assert.h>
#include <string.h>

#include "bucket/clash.h"
#include "cache/own_stamp.h"
#include "cache/values.h"
#include "catch_up.h"
#include "connection/registry.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "life/seal.h"
#include "outgoing/own.h"
#include "outgoing/seen.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/savepoint.h"
#include "store/transaction.h"
#include "store/write.h"
#include "tables/follow.h"

/*
** Read a value that is not remembered from the cache. It belongs to the run,
** for kv_run_close(), or is *large.
*/
static int publish_fetch(kv_run *run, kv_store *store, const kv_row *from,
                         kv_value *large, kv_value *value) {
  kv_run_begin(run, &store->stmts, KV_SQL_OWN_VALUE);
  kv_run_value(run, &from->bucket);
  kv_run_value(run, &from->key);
  kv_run_int(run, from->ts);
  kv_run_text(run, store->device);
  if (kv_run_row(run)) {
    run->rc = kv_values_of_column(run->stmts, run->stmt, 0, large, value);
  } else if (run->rc == SQLITE_OK) {
    run->rc = KV_GAP;
  }
  return run->rc;
}

/* Remembered rows on their way into the log, in the order of their numbers. */
typedef struct publish_feed {
  kv_rows base; /* base class: must be first */
  kv_store *store;
  kv_pending_row **rows;
  int64_t i;
  int is_fetching; /* the run has the value of the row that was handed over, */
  kv_run run;
  kv_value large; /* or this is it */
  int rc;         /* why the rows ended before their end */
  kv_rows_row out;
} publish_feed;

/* The row that was handed over is no longer needed. */
static void publish_forget(publish_feed *feed) {
  kv_value_free(&feed->large);
  if (feed->is_fetching) kv_run_close(&feed->run);
  feed->is_fetching = 0;
}

static const kv_rows_row *publish_next(kv_rows *base) {
  publish_feed *feed = (publish_feed *)base;
  kv_row *row = &feed->out.row;
  const kv_pending_row *from;

  publish_forget(feed);
  if (feed->i == feed->store->txn->pending.n_rows) return NULL;
  from = feed->rows[feed->i++];
  kv_remembered_read(from, row);
  if (from->is_reference) {
    feed->is_fetching = 1;
    feed->rc =
      publish_fetch(&feed->run, feed->store, row, &feed->large, &row->value);
  }
  return feed->rc == SQLITE_OK ? &feed->out : NULL;
}

static int publish_append_remembered(kv_store *store, kv_writer *log,
                                     kv_position *at, int64_t txn) {
  publish_feed feed;
  int rc;

  memset(&feed, 0, sizeof(feed));
  feed.base.next = publish_next;
  feed.store = store;
  feed.rows = kv_pending_rows(&store->txn->pending);
  if (!feed.rows) return SQLITE_NOMEM;
  feed.out.row.txn = txn;
  rc = kv_own_rows_append(log, &feed.base, store->txn->pending.n_rows, at);
  publish_forget(&feed);
  sqlite3_free(feed.rows);
  return kv_first_error(feed.rc, rc);
}

/* Append the transaction after own->cached, and note where it ends. */
static int publish_transaction(kv_store *store, kv_writer *log,
                               kv_log_cursor *own) {
  kv_pending *pending = &store->txn->pending;
  int64_t txn = kv_pending_first(pending) + pending->n_rows - 1;
  kv_position at = own->cached;
  kv_span span = {at.seq + 1, txn, pending->ts, pending->max_ts};
  int rc;

  assert(pending->is_open && pending->n_rows > 0 && pending->late.n == 0);
  assert(!log || kv_writer_is_locked(log));
  rc =
    kv_cache_put_arrival(&store->stmts, pending->arrived, store->device, &span);
  if (rc == SQLITE_OK) {
    rc = kv_seen_append(store, log, pending->seen, pending->n_seen, txn,
                        pending->ts, &at);
  }
  if (rc == SQLITE_OK) {
    rc = pending->is_scan ? kv_own_rows(store, log, 0, at, txn, &at)
                          : publish_append_remembered(store, log, &at, txn);
  }
  own->cached = at;
  if (pending->max_ts > own->newest) own->newest = pending->max_ts;
  if (pending->max_ts > own->last_ts &&
      pending->max_ts <= kv_clock_limit(kv_store_now(store))) {
    own->last_ts = pending->max_ts;
  } else if (pending->ts > own->last_ts) {
    own->last_ts = pending->ts;
  }
  return rc;
}

/* True if rows may wait for a folder that cannot be written now. */
static int publish_may_wait(const kv_store *store, int rc) {
  if (kv_store_is_temp(store)) return 0;
  switch (rc & 0xff) {
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_PERM: return 1;
    default: return 0;
  }
}

/* A commit in its first phase. */
typedef struct publish_commit {
  kv_store *store;
  kv_writer *log; /* locked; NULL: rows wait, or the store has no folder */
  kv_log_cursor own;
  char *why;        /* why it failed, or why rows wait */
  int64_t n_merged; /* rows that another process had published meanwhile */
} publish_commit;

/* Note that rows wait, after those that are published. */
static void publish_wait(publish_commit *commit, int rc) {
  kv_log_cursor *own = &commit->own;

  kv_verdict_set(&own->verdict, KV_STATE_WAITING, "%s",
                 kv_error_reason(commit->why, rc));
  own->has_waiting = 1;
}

/*
** Load the own cursor. Every row must be in the cache, where it can wait.
** *is_gone: CREATE VIRTUAL TABLE was rolled back; SQLite calls no xRollbackTo.
*/
static int publish_load(publish_commit *commit, int *is_gone, char **err) {
  kv_store *store = commit->store;
  int rc = kv_own_load(store, &commit->own);

  *is_gone = rc == SQLITE_ERROR && !kv_store_table_exists(store);
  if (*is_gone) {
    kv_pending_clear(&store->txn->pending);
    return SQLITE_OK;
  }
  return rc == SQLITE_OK ? kv_write_flush(store, err) : rc;
}

/* Option publish='sync': the rows wait, and no file is opened. */
static int publish_put_off(publish_commit *commit) {
  kv_log_cursor *own = &commit->own;
  int rc = kv_own_look(commit->store, own);

  own->has_stamp = own->has_before = 0;
  if (!own->has_waiting) own->waiting = own->cached;
  own->has_waiting = 1;
  if (own->verdict.state == KV_STATE_OK) {
    kv_verdict_set(&own->verdict, KV_STATE_WAITING, "rows wait for kv_sync()");
  }
  own->cached = commit->store->txn->pending.base;
  return rc;
}

/* Bring cache and log together. If that fails and rows may wait, note why. */
static int publish_reach_log(publish_commit *commit) {
  kv_store *store = commit->store;
  kv_log_cursor *own = &commit->own;
  int rc = SQLITE_OK;

  if (store->exchange->puts_off && store->root && own->has_id) {
    return publish_put_off(commit);
  }
  if (store->root) {
    rc = kv_catch_up(store, own, store->exchange->adopt, &commit->n_merged,
                     &commit->log, &commit->why);
  }
  own->has_stamp = own->has_before = 0;
  if (rc == SQLITE_OK && commit->log) kv_own_stamp_before(own, store->root);
  if (rc == SQLITE_OK && store->root && !commit->log) {
    store->exchange->must_look = 1;
    rc = kv_store_refuse(store, &own->verdict, &commit->why);
  } else if (rc != SQLITE_OK && own->has_id && publish_may_wait(store, rc)) {
    if (!own->has_waiting) own->waiting = store->txn->pending.base;
    publish_wait(commit, rc);
    rc = SQLITE_OK;
  } else if (rc == SQLITE_OK) {
    kv_verdict_clear(&own->verdict);
    own->has_waiting = 0;
  }
  own->cached = store->txn->pending.base;
  return rc;
}

/* The log cannot be appended to: let the rows wait, if they may. */
static int publish_without_log(publish_commit *commit, int rc) {
  kv_store *store = commit->store;
  kv_log_cursor *own = &commit->own;
  kv_verdict verdict = {KV_STATE_OK, NULL};

  if (kv_catch_up_judge_write(commit->log, rc, &verdict) == SQLITE_OK) {
    store->exchange->must_look = 1;
    kv_store_postpone(store, &verdict, &commit->why);
  }
  kv_verdict_clear(&verdict);
  kv_writer_error(&commit->why, rc, commit->log->path);
  kv_writer_close(commit->log);
  commit->log = NULL;
  if (!publish_may_wait(store, rc)) return rc;
  publish_wait(commit, rc);
  own->waiting = own->published;
  own->cached = store->txn->pending.base;
  return publish_transaction(store, NULL, own);
}

/* Append the transaction, to the log if there is one. */
static int publish_append(publish_commit *commit) {
  kv_store *store = commit->store;
  kv_log_cursor *own = &commit->own;
  int rc = publish_transaction(store, commit->log, own);

  if (rc != SQLITE_OK && kv_writer_has_failed(commit->log)) {
    rc = publish_without_log(commit, rc);
  } else if (rc == SQLITE_OK && commit->log && kv_store_is_temp(store)) {
    /* The rows cannot wait, so a full disk must not fail the log's commit. */
    rc = kv_writer_reserve(commit->log, &commit->why);
  }
  if (!store->root) own->published = own->cached;
  return rc;
}

static int publish_prepare(kv_store *store, char **err) {
  publish_commit commit;
  int is_gone;
  int rc;

  memset(&commit, 0, sizeof(commit));
  commit.store = store;
  rc = publish_load(&commit, &is_gone, err);
  if (rc == SQLITE_OK && !is_gone) {
    rc = publish_reach_log(&commit);
    /* Typed tables follow later: a trigger could write to no virtual table now. */
    if (rc == SQLITE_OK && commit.n_merged > 0) rc = kv_clash_check(store, err);
    if (rc == SQLITE_OK) rc = publish_append(&commit);
    if (rc == SQLITE_OK) {
      commit.own.is_known = 1;
      rc = kv_log_cursor_save(&store->stmts, &commit.own);
    }
  }
  if (rc == SQLITE_OK) {
    store->txn->log = commit.log;
  } else {
    kv_writer_close(commit.log);
    if (commit.why && err && !*err) {
      *err = commit.why;
      commit.why = NULL;
    }
    rc = kv_store_error(store, err, rc, "cannot publish");
  }
  sqlite3_free(commit.why);
  kv_log_cursor_clear(&commit.own);
  return rc;
}

int kv_publish_prepare(kv_store *store, char **err) {
  int is_forbidden;
  int rc;

  assert(!store->txn->is_writing);
  if (store->txn->log || store->txn->pending.n_rows == 0) return SQLITE_OK;
  kv_stmt_permit(&store->stmts, &is_forbidden);
  rc = publish_prepare(store, err);
  return kv_stmt_forbid(&store->stmts, is_forbidden, rc);
}

/*
** Seal the log, if it has grown, after its commit. If that fails, it is tried
** again when the log has grown further; the commit did not fail.
*/
static void publish_seal(kv_store *store) {
  kv_exchange *exchange = store->exchange;
  kv_writer_place place = kv_own_place(store, NULL);
  int64_t limit = exchange->segment;
  int64_t used = limit > 0 ? kv_seal_used(store->txn->log) : 0;
  int is_sealed;
  int rc;

  if (exchange->seal_at > limit) limit = exchange->seal_at;
  if (limit == 0 || used < limit) return;
  rc = kv_seal_log(store->txn->log, &place, limit + limit / 5, &is_sealed);
  exchange->seal_at = is_sealed ? 0 : used + exchange->segment / 4;
  if (rc != SQLITE_OK) {
    sqlite3_log(rc, "cannot seal %s", store->txn->log->path);
  }
}

/* The second phase itself. An error is also kept for the next commit. */
static int publish_finish(kv_store *store, char **err) {
  int rc = kv_writer_commit(store->txn->log);

  if (rc == SQLITE_OK) {
    store->txn->committed = store->txn->log->tail;
    publish_seal(store);
  } else {
    kv_writer_error(err, rc, store->txn->log->path);
  }
  kv_exchange_note_commit(store->exchange, rc,
                          *err ? kv_error_reason(*err, rc) : NULL);
  kv_writer_close(store->txn->log);
  store->txn->log = NULL;
  return rc;
}

void kv_publish_commit(kv_store *store) {
  char *why = NULL;
  int rc = SQLITE_OK;

  assert(!store->txn->is_writing && store->txn->pending.late.n == 0);
  if (store->txn->log) rc = publish_finish(store, &why);
  if (rc != SQLITE_OK) {
    sqlite3_log(rc, "%s", why ? why : sqlite3_errstr(rc));
  }
  sqlite3_free(why);
  kv_pending_clear(&store->txn->pending);
}

/* True if there may be anything new. Saves opening an idle log. */
static int publish_is_idle(kv_store *store, const kv_publish_run *run,
                           int *is_idle) {
  kv_log_cursor own;
  kv_stamp stamp;
  int rc = kv_own_load(store, &own);

  *is_idle = 0;
  if (rc == SQLITE_OK && own.has_stamp && own.has_id && !run->must_look &&
      !run->adopt && !store->exchange->must_look &&
      !kv_exchange_commit_error(store)) {
    char *path = kv_writer_path(store->root, store->device, "log.db");

    *is_idle = path && kv_folder_look(path, &stamp) == KV_FILE_REGULAR &&
               memcmp(&stamp, &own.stamp, sizeof(stamp)) == 0;
    sqlite3_free(path);
  }
  kv_log_cursor_clear(&own);
  return rc;
}

/* True if the log has rows that it did not have when it was locked. */
static int publish_has_news(const kv_writer *log, const kv_log_cursor *own) {
  return log->is_new || own->cached.seq > own->published.seq;
}

/* Append a transaction of seen rows. */
static int publish_acknowledge(kv_store *store, const kv_publish_run *run,
                               kv_writer *log, kv_log_cursor *own) {
  int64_t ts = run->seen_ts;

  if (ts > own->last_ts) own->last_ts = ts;
  if (ts > own->newest) own->newest = ts;
  return kv_seen_append(store, log, run->seen, run->n_seen,
                        own->cached.seq + run->n_seen, ts, &own->cached);
}

/*
** Inside a savepoint: bring cache and log together, and leave the log in
** store->txn->log for the commit. Not if a transaction of the user must end
** first.
*/
static int publish_prepare_waiting(kv_store *store, kv_publish_run *run,
                                   int is_inside, char **err) {
  kv_writer *log = NULL;
  kv_log_cursor own;
  int rc = kv_own_load(store, &own); /* as it is under the lock */

  if (rc == SQLITE_OK) {
    rc = kv_catch_up(store, &own, run->adopt, &run->n_merged, &log, err);
  }
  if (rc == SQLITE_OK) rc = kv_follow_all(store, err);
  if (rc == SQLITE_OK && log && run->n_seen > 0) {
    rc = publish_acknowledge(store, run, log, &own);
  }
  own.has_stamp = 0;
  if (rc == SQLITE_OK && log && is_inside && publish_has_news(log, &own)) {
    /* A sync or commit outside will publish it: only note that it waits. */
    if (log->is_new) { /* it is rolled back: what was published is as before */
      kv_log_cursor_clear(&own);
      rc = kv_own_load(store, &own);
      own.has_stamp = 0;
    }
    kv_verdict_set(&own.verdict, KV_STATE_WAITING,
                   "rows wait for kv_sync() outside a transaction");
  } else if (rc == SQLITE_OK && log) {
    own.has_waiting = 0;
    store->txn->log = log;
    log = NULL;
  }
  if (rc == SQLITE_OK) {
    own.is_known = 1;
    own.synced = kv_folder_now();
    store->exchange->must_look = 0;
    if (store->txn->log && own.cached.seq == own.published.seq) {
      kv_own_stamp_settle(&own, store->root);
    } else if (store->txn->log) {
      kv_own_stamp_before(&own, store->root);
    }
    rc = kv_log_cursor_save(&store->stmts, &own);
  }
  rc = kv_store_error(store, err, rc, "cannot publish");
  kv_writer_close(log);
  kv_log_cursor_clear(&own);
  return rc;
}

int kv_publish_waiting(kv_store *store, kv_publish_run *run, char **err) {
  int is_inside = kv_store_in_transaction(store);
  int is_idle;
  int rc;

  assert(store->device && store->root);
  run->is_published = 0;
  kv_transaction_undo(store);
  if (kv_transaction_has_rows(store)) return SQLITE_OK;
  kv_pending_close(&store->txn->pending);
  rc = publish_is_idle(store, run, &is_idle);
  if (rc != SQLITE_OK || is_idle) return rc;

  rc = kv_store_savepoint(store, err);
  if (rc != SQLITE_OK) return rc;
  rc = publish_prepare_waiting(store, run, is_inside, err);
  rc = kv_store_savepoint_end(store, rc);
  if (rc == SQLITE_OK && store->txn->log) {
    rc = publish_finish(store, err);
    run->is_published = rc == SQLITE_OK;
    store->exchange->commit_rc = SQLITE_OK; /* the caller is told now */
  }
  kv_transaction_undo(store);
  return rc;
}

int kv_publish_now(kv_store *store, int must_look, char **err) {
  kv_publish_run run = {.must_look = must_look,
                        .adopt = store->exchange->adopt};
  int rc = kv_publish_waiting(store, &run, err);

  if (run.is_published) store->exchange->adopt = 0;
  return rc;
}

int kv_publish_note(kv_store *store, int cause, const char *why, char **err) {
  kv_log_cursor own;
  int rc;

  assert(!store->txn->log && store->txn->pending.n_rows == 0);
  rc = kv_store_savepoint(store, err);
  if (rc != SQLITE_OK) return rc;
  rc = kv_own_load(store, &own);
  if (rc == SQLITE_OK && !own.has_id) {
    rc = kv_error(err, cause, "%s", kv_error_reason(why, cause));
  } else if (rc == SQLITE_OK) {
    kv_verdict_set(&own.verdict, KV_STATE_WAITING, "%s",
                   kv_error_reason(why, cause));
    own.has_stamp = 0;
    rc = kv_log_cursor_save(&store->stmts, &own);
  }
  kv_log_cursor_clear(&own);
  return kv_store_savepoint_end(store, rc);
}

int kv_publish_introduce(kv_store *store, char **err) {
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_writer *log = NULL;
  kv_log_cursor own;
  int is_temp = kv_store_is_temp(store);
  int rc = kv_log_cursor_load(&store->stmts, store->device, &own);

  if (rc == SQLITE_OK && store->root) {
    rc = kv_catch_up_lock(store, &own, !is_temp, 0, &log, &verdict, err);
  }
  if ((rc & 0xff) == SQLITE_BUSY && is_temp) {
    /* Another process has locked it, so it exists. Waiting here, with a read lock
    ** on the host's schema, would be the wrong order of locks. */
    kv_error_clear(err);
    kv_log_cursor_clear(&own);
    return SQLITE_OK;
  }
  if (rc == SQLITE_OK && log) {
    memcpy(own.id, log->head.id, KV_ID_SIZE);
    own.has_id = 1;
    own.cached = own.published = kv_log_start(&log->head);
    rc = kv_writer_commit(log);
  }
  if (rc == SQLITE_OK) rc = kv_log_cursor_save(&store->stmts, &own);
  kv_writer_close(log);
  kv_verdict_clear(&verdict);
  kv_log_cursor_clear(&own);
  return kv_store_error(store, err, rc, "cannot open the log of this device");
}
