/*
** Committing in two phases. See publish.h.
*/
#include "publish.h"

#include <string.h>

#include "cache/parts.h"
#include "catch_up.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/value.h"
#include "own.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/registry.h"
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
    if (log) rc = kv_writer_append(log, &row, NULL);
    if (rc == SQLITE_OK) {
      rc = kv_cache_put_seen(&store->stmts, store->device, &row);
    }
    at->seq = row.seq;
    if (!log) row.sum = kv_row_sum(at->sum, &row);
    at->sum = row.sum;
  }
  return rc;
}

/* A value that is not remembered, from the cache; *stmt or *large keeps it. */
static int publish_fetch(kv_store *store, const kv_pending_row *from,
                         kv_value *value, sqlite3_stmt **stmt,
                         kv_value *large) {
  int rc = kv_stmt_get(&store->stmts, KV_SQL_OWN_VALUE, stmt);

  if (rc == SQLITE_OK) rc = kv_value_bind(*stmt, 1, &from->key);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(*stmt, 2, from->ts);
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(*stmt, 3, store->device, -1, SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) rc = sqlite3_step(*stmt);
  if (rc != SQLITE_ROW) return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
  return kv_parts_of_column(&store->stmts, *stmt, 0, large, value);
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
    sqlite3_stmt *stmt = NULL;
    kv_value large = {0};

    row.seq = at->seq + 1;
    row.ts = from->ts;
    row.parent_ts = from->parent_ts;
    row.op = from->op;
    row.key = from->key;
    row.value = from->value;
    if (from->is_reference) {
      rc = publish_fetch(store, from, &row.value, &stmt, &large);
    }
    if (rc == SQLITE_OK && log) rc = kv_writer_append(log, &row, NULL);
    if (rc == SQLITE_OK && !log) row.sum = kv_row_sum(at->sum, &row);
    kv_value_free(&large);
    kv_stmt_put(&store->stmts, KV_SQL_OWN_VALUE, stmt);
    at->seq = row.seq;
    at->sum = row.sum;
  }
  sqlite3_free(rows);
  return rc;
}

/* Append the transaction behind own->cached, and note what it is. */
static int publish_transaction(kv_store *store, kv_writer *log,
                               kv_log_cursor *own) {
  kv_pending *pending = &store->txn->pending;
  int64_t txn = kv_pending_first(pending) + pending->n_rows - 1;
  kv_position at = own->cached;
  kv_span span = {at.seq + 1, txn, pending->ts, pending->max_ts};
  int rc;

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

/* May rows wait for a folder that cannot be written now? */
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

/* The log cannot be appended to: its rows wait, if they may. */
static int publish_without_log(kv_store *store, kv_writer **log,
                               kv_log_cursor *own, int rc, char **why) {
  kv_verdict verdict = {KV_STATE_OK, NULL};

  if (kv_catch_up_judge_write(*log, rc, &verdict) == SQLITE_OK) {
    store->exchange->must_look = 1;
    kv_store_postpone(store, &verdict, why);
  }
  kv_verdict_clear(&verdict);
  kv_writer_error(why, rc, (*log)->path);
  kv_writer_close(*log);
  *log = NULL;
  if (!publish_may_wait(store, rc)) return rc;
  kv_verdict_set(&own->verdict, KV_STATE_WAITING, "%s",
                 *why ? *why + 4 : sqlite3_errstr(rc));
  own->has_waiting = 1;
  own->waiting = own->published;
  own->cached = store->txn->pending.base;
  return publish_transaction(store, NULL, own);
}

static int publish_prepare(kv_store *store, char **err) {
  kv_writer *log = NULL;
  kv_log_cursor own;
  char *why = NULL;
  int64_t n_merged = 0;
  int rc;

  rc = kv_own_load(store, &own);
  if (rc == SQLITE_ERROR && !kv_store_table_exists(store)) {
    /* CREATE VIRTUAL TABLE was rolled back; SQLite tells no xRollbackTo. */
    kv_pending_clear(&store->txn->pending);
    return SQLITE_OK;
  }
  /* A row that is not in the cache cannot wait there. */
  if (rc == SQLITE_OK && (rc = kv_write_flush(store, err)) != SQLITE_OK) {
    kv_log_cursor_clear(&own);
    return rc;
  }
  if (rc == SQLITE_OK && store->root) {
    rc = kv_catch_up(store, &own, &n_merged, &log, &why);
  }
  own.has_stamp = 0;
  if (rc == SQLITE_OK && store->root && !log) {
    store->exchange->must_look = 1;
    rc = kv_store_refuse(store, &own.verdict, &why);
  } else if (rc != SQLITE_OK && own.has_id && publish_may_wait(store, rc)) {
    kv_verdict_set(&own.verdict, KV_STATE_WAITING, "%s",
                   why ? why + 4 : sqlite3_errstr(rc));
    if (!own.has_waiting) own.waiting = store->txn->pending.base;
    own.has_waiting = 1;
    rc = SQLITE_OK;
  } else if (rc == SQLITE_OK) {
    kv_verdict_clear(&own.verdict);
    own.has_waiting = 0;
  }
  own.cached = store->txn->pending.base;
  if (rc == SQLITE_OK) {
    rc = publish_transaction(store, log, &own);
    if (rc != SQLITE_OK && kv_catch_up_is_of_log(log, rc)) {
      rc = publish_without_log(store, &log, &own, rc, &why);
    } else if (rc == SQLITE_OK && log && kv_store_is_temp(store)) {
      /* Its rows cannot wait, so the log's commit must not fail for room. */
      rc = kv_writer_reserve(log, &why);
    }
  }
  if (rc == SQLITE_OK && !store->root) own.published = own.cached;
  if (rc == SQLITE_OK) {
    own.is_known = 1;
    rc = kv_log_cursor_save(&store->stmts, &own);
  }
  if (rc == SQLITE_OK) {
    store->txn->log = log;
  } else {
    kv_writer_close(log);
    if (why && err && !*err) {
      *err = why;
      why = NULL;
    }
    rc = kv_store_error(store, err, rc, "cannot publish");
  }
  sqlite3_free(why);
  kv_log_cursor_clear(&own);
  return rc;
}

int kv_publish_prepare(kv_store *store, char **err) {
  int is_forbidden;
  int rc;

  if (store->txn->log || store->txn->pending.n_rows == 0) return SQLITE_OK;
  kv_stmt_permit(&store->stmts, &is_forbidden);
  rc = publish_prepare(store, err);
  return kv_stmt_forbid(&store->stmts, is_forbidden, rc);
}

/* The second phase proper: what fails is also kept for the next one. */
static int publish_finish(kv_store *store, char **err) {
  int rc = kv_writer_commit(store->txn->log);

  if (rc == SQLITE_OK) {
    store->txn->committed = store->txn->log->tail;
  } else {
    kv_writer_error(err, rc, store->txn->log->path);
  }
  kv_exchange_note_commit(store->exchange, rc, *err ? *err + 4 : NULL);
  kv_writer_close(store->txn->log);
  store->txn->log = NULL;
  return rc;
}

void kv_publish_commit(kv_store *store) {
  char *why = NULL;
  int rc = store->txn->log ? publish_finish(store, &why) : SQLITE_OK;

  if (rc != SQLITE_OK) {
    sqlite3_log(rc, "%s", why ? why : sqlite3_errstr(rc));
  }
  sqlite3_free(why);
  kv_pending_clear(&store->txn->pending);
}

/* Is there anything to look at? Saves opening an idle log. */
static int publish_is_idle(kv_store *store, const kv_log_cursor *own) {
  char *path;
  kv_stamp stamp;
  int is_same;

  if (kv_exchange_commit_error(store) || store->exchange->adopt ||
      !own->has_stamp || !own->has_id) {
    return 0;
  }
  path = kv_writer_path(store->root, store->device, "log.db");
  is_same = path && kv_folder_look(path, &stamp) == KV_FILE_REGULAR &&
            memcmp(&stamp, &own->stamp, sizeof(stamp)) == 0;
  sqlite3_free(path);
  return is_same;
}

/* Remember the file as it is now, unless it may change unnoticed. */
static void publish_stamp(kv_store *store, kv_log_cursor *own) {
  char *path = kv_writer_path(store->root, store->device, "log.db");

  own->has_stamp = path &&
                   kv_folder_look(path, &own->stamp) == KV_FILE_REGULAR &&
                   !kv_folder_is_fresh(&own->stamp);
  sqlite3_free(path);
}

/* Is anything in the log that was not there when it was locked? */
static int publish_has_news(const kv_writer *log, const kv_log_cursor *own) {
  return log->is_new || own->cached.seq > own->published.seq;
}

int kv_publish_waiting(kv_store *store, int must_look, int64_t *n_merged,
                       char **err) {
  int is_inside = kv_store_in_transaction(store);
  kv_writer *log = NULL;
  kv_log_cursor own;
  int rc;

  kv_transaction_undo(store);
  if (store->txn->pending.n_rows > 0) return SQLITE_OK;
  kv_pending_close(&store->txn->pending);

  rc = kv_own_load(store, &own);
  if (rc == SQLITE_OK && !must_look && !store->exchange->must_look &&
      publish_is_idle(store, &own)) {
    kv_log_cursor_clear(&own);
    return SQLITE_OK;
  }
  kv_log_cursor_clear(&own);
  if (rc == SQLITE_OK) rc = kv_store_savepoint(store, err);
  if (rc == SQLITE_OK) {
    rc = kv_own_load(store, &own); /* again, as it is under the lock */
    if (rc == SQLITE_OK) rc = kv_catch_up(store, &own, n_merged, &log, err);
    own.has_stamp = 0;
    if (rc == SQLITE_OK && log && is_inside && publish_has_news(log, &own)) {
      /* It is published by a sync or commit outside; noted as it was. */
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
    rc = kv_store_savepoint_end(store, rc);
    if (rc == SQLITE_OK && store->txn->log) {
      rc = publish_finish(store, err);
      if (rc == SQLITE_OK) store->exchange->adopt = 0;
      store->exchange->commit_rc = SQLITE_OK; /* the caller is told now */
    }
    kv_transaction_undo(store);
  }
  kv_writer_close(log);
  kv_log_cursor_clear(&own);
  return rc;
}

int kv_publish_note(kv_store *store, int rc, const char *why, char **err) {
  kv_log_cursor own;
  int rc2 = kv_store_savepoint(store, err);

  if (rc2 != SQLITE_OK) return rc2;
  rc2 = kv_own_load(store, &own);
  if (rc2 == SQLITE_OK && !own.has_id) {
    rc2 = kv_error(err, rc, "%s", why ? why + 4 : sqlite3_errstr(rc));
  } else if (rc2 == SQLITE_OK) {
    kv_verdict_set(&own.verdict, KV_STATE_WAITING, "%s",
                   why ? why + 4 : sqlite3_errstr(rc));
    own.has_stamp = 0;
    rc2 = kv_log_cursor_save(&store->stmts, &own);
  }
  kv_log_cursor_clear(&own);
  return kv_store_savepoint_end(store, rc2);
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
    /* Another process has it locked, so it is there. To wait here, with a
    ** read lock on the host's schema, would be the wrong order of locks. */
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
  return kv_store_error(store, err, rc, "cannot open the own log");
}
