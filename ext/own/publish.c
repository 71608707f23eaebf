/*
** Commits in two phases. See publish.h.
*/
#include "publish.h"

#include <assert.h>
#include <string.h>

#include "cache/values.h"
#include "catch_up.h"
#include "connection/registry.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "own.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/savepoint.h"
#include "store/transaction.h"
#include "store/write.h"

static int publish_append_seen(kv_store *store, kv_writer *log, kv_position *at,
                               int64_t txn) {
  kv_pending *pending = &store->txn->pending;
  kv_row row;
  int rc = SQLITE_OK;
  int i;

  memset(&row, 0, sizeof(row));
  row.txn = txn;
  row.ts = pending->ts;
  row.op = KV_OP_SEEN;
  row.parent_ts.type = row.value.type = KV_INTEGER;
  row.bucket.type = KV_TEXT;
  row.key.type = KV_BLOB;
  row.key.n = KV_ID_SIZE;
  for (i = 0; i < pending->n_seen && rc == SQLITE_OK; i++) {
    const kv_seen *seen = &pending->seen[i];

    row.seq = at->seq + 1;
    row.bucket.z = seen->peer;
    row.bucket.n = strlen(seen->peer);
    row.key.z = seen->id;
    row.value.i = seen->at.seq;
    row.parent_ts.i = seen->at.sum;
    if (log) rc = kv_writer_append(log, &row);
    if (rc == SQLITE_OK) {
      rc = kv_cache_put_seen(&store->stmts, store->device, &row);
    }
    at->seq = row.seq;
    if (!log) row.sum = kv_row_sum(at->sum, &row);
    at->sum = row.sum;
  }
  return rc;
}

/*
** A value that is not remembered, from the cache. It is of the run, for
** kv_run_close(), or is *large.
*/
static int publish_fetch(kv_run *run, kv_store *store,
                         const kv_pending_row *from, kv_value *large,
                         kv_value *value) {
  kv_run_begin(run, &store->stmts, KV_SQL_OWN_VALUE);
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

/* Append the remembered rows in the order of their numbers. */
static int publish_append_remembered(kv_store *store, kv_writer *log,
                                     kv_position *at, int64_t txn) {
  kv_pending *pending = &store->txn->pending;
  kv_pending_row **rows = kv_pending_rows(pending);
  kv_row row;
  int64_t i;
  int rc = rows ? SQLITE_OK : SQLITE_NOMEM;

  memset(&row, 0, sizeof(row));
  row.txn = txn;
  row.bucket.type = KV_TEXT;
  for (i = 0; i < pending->n_rows && rc == SQLITE_OK; i++) {
    const kv_pending_row *from = rows[i];
    kv_value large = {0};
    kv_run run;

    row.seq = at->seq + 1;
    row.ts = from->ts;
    row.parent_ts = from->parent_ts;
    row.op = from->op;
    row.key = from->key;
    row.value = from->value;
    if (from->is_reference) {
      rc = publish_fetch(&run, store, from, &large, &row.value);
    }
    if (rc == SQLITE_OK && log) rc = kv_writer_append(log, &row);
    if (rc == SQLITE_OK && !log) row.sum = kv_row_sum(at->sum, &row);
    kv_value_free(&large);
    if (from->is_reference) kv_run_close(&run);
    at->seq = row.seq;
    at->sum = row.sum;
  }
  sqlite3_free(rows);
  return rc;
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
  if (rc == SQLITE_OK) rc = publish_append_seen(store, log, &at, txn);
  if (rc == SQLITE_OK) {
    rc = pending->is_scan ? kv_own_rows(store, log, at, txn, &at)
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
  char *why; /* why it failed, or why rows wait */
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

/* Bring cache and log together. If that fails and rows may wait, note why. */
static int publish_reach_log(publish_commit *commit) {
  kv_store *store = commit->store;
  kv_log_cursor *own = &commit->own;
  int64_t n_merged = 0;
  int rc = SQLITE_OK;

  if (store->root) {
    rc = kv_catch_up(store, own, store->exchange->adopt, &n_merged,
                     &commit->log, &commit->why);
  }
  own->has_stamp = 0;
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

/* The second phase itself. An error is also kept for the next commit. */
static int publish_finish(kv_store *store, char **err) {
  int rc = kv_writer_commit(store->txn->log);

  if (rc == SQLITE_OK) {
    store->txn->committed = store->txn->log->tail;
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

/* Remember the file's stamp, unless it may change unnoticed. */
static void publish_stamp(kv_store *store, kv_log_cursor *own) {
  char *path = kv_writer_path(store->root, store->device, "log.db");

  own->has_stamp = path &&
                   kv_folder_look(path, &own->stamp) == KV_FILE_REGULAR &&
                   !kv_folder_is_fresh(&own->stamp);
  sqlite3_free(path);
}

/* True if the log has rows that it did not have when it was locked. */
static int publish_has_news(const kv_writer *log, const kv_log_cursor *own) {
  return log->is_new || own->cached.seq > own->published.seq;
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
  own.has_stamp = 0;
  if (rc == SQLITE_OK && log && is_inside && publish_has_news(log, &own)) {
    /* A sync or commit outside will publish it: only note that it waits. */
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
      publish_stamp(store, &own);
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
  kv_publish_run run = {must_look, store->exchange->adopt, 0, 0};
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
    rc = kv_catch_up_lock(store, &own, !is_temp, &log, &verdict, err);
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
    own.cached = own.published = log->head.base;
    rc = kv_writer_commit(log);
  }
  if (rc == SQLITE_OK) rc = kv_log_cursor_save(&store->stmts, &own);
  kv_writer_close(log);
  kv_verdict_clear(&verdict);
  kv_log_cursor_clear(&own);
  return kv_store_error(store, err, rc, "cannot open the log of this device");
}
