/*
** The running transaction of a store. See transaction.h.
*/
#include "transaction.h"

#include <assert.h>
#include <string.h>

#include "cache/log_cursor.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/run.h"
#include "errors.h"
#include "exchange.h"

/* Columns of seen_due and seen_restore. */
enum { SEEN_PEER, SEEN_ID, SEEN_SEQ, SEEN_SUM };

/* The content of a row; 0 if the store cannot have written it. */
static int transaction_seen_of_row(sqlite3_stmt *row, kv_seen *out) {
  const char *peer = (const char *)sqlite3_column_text(row, SEEN_PEER);
  const void *id = sqlite3_column_blob(row, SEEN_ID);

  memset(out, 0, sizeof(*out));
  if (!peer || !id || sqlite3_column_bytes(row, SEEN_ID) != KV_ID_SIZE ||
      strlen(peer) > KV_NAME_MAX) {
    return 0;
  }
  memcpy(out->peer, peer, strlen(peer));
  memcpy(out->id, id, KV_ID_SIZE);
  out->at.seq = sqlite3_column_int64(row, SEEN_SEQ);
  out->at.sum = sqlite3_column_type(row, SEEN_SUM) == SQLITE_NULL
                  ? kv_row_base_sum(peer, strlen(peer), out->id)
                  : sqlite3_column_int64(row, SEEN_SUM);
  return 1;
}

int kv_transaction_read_seen(kv_run *run, kv_seen **list, int *n) {
  while (kv_run_row(run)) {
    kv_seen *more = sqlite3_realloc64(*list, (sqlite3_uint64)(*n + 1) *
                                               (sqlite3_uint64)sizeof(**list));

    if (more) *list = more;
    if (more) *n += transaction_seen_of_row(run->stmt, &more[*n]);
    if (!more) run->rc = SQLITE_NOMEM;
  }
  return kv_run_close(run);
}

/* Load how far other logs were merged, for the seen rows. */
static int transaction_read_due(kv_store *store, kv_pending *pending) {
  kv_run run;

  kv_run_begin(&run, &store->stmts, KV_SQL_SEEN_DUE);
  kv_run_text(&run, store->device);
  return kv_transaction_read_seen(&run, &pending->seen, &pending->n_seen);
}

int kv_transaction_tell(kv_store *store, char **err) {
  kv_exchange *exchange = store->exchange;
  int rc = exchange->commit_rc;

  if (rc == SQLITE_OK || !kv_store_is_temp(store)) return SQLITE_OK;
  exchange->commit_rc = SQLITE_OK;
  return kv_error(err, rc,
                  "the last commit of %s did not reach the folder: %s. Its "
                  "rows are kept until the connection closes: call kv_sync() "
                  "when that is fixed",
                  store->name,
                  exchange->commit_error ? exchange->commit_error
                                         : sqlite3_errstr(rc));
}

int kv_transaction_open(kv_store *store, char **err) {
  kv_pending *pending = &store->txn->pending;
  int64_t wall = kv_store_now(store);
  int64_t latest = -1;
  kv_log_cursor own;
  int rc;

  assert(!pending->is_open && pending->late.n == 0);
  assert(!store->txn->log && !store->txn->is_writing);
  if (!store->device) {
    return kv_error(err, SQLITE_READONLY,
                    "%s is open as an observer: name a device to write, "
                    "kv_open(path, device)",
                    store->name);
  }
  rc = kv_transaction_tell(store, err);
  if (rc != SQLITE_OK) return rc;
  rc = kv_log_cursor_load(&store->stmts, store->device, &own);
  if (rc == SQLITE_OK && own.verdict.state == KV_STATE_TWIN) {
    rc = kv_store_refuse(store, &own.verdict, err);
  }
  if (rc == SQLITE_OK) rc = transaction_read_due(store, pending);
  if (rc == SQLITE_OK) {
    rc = kv_cache_latest(&store->stmts, kv_clock_limit(wall), &latest);
  }
  if (rc == SQLITE_OK) {
    rc = kv_cache_last_arrival(&store->stmts, &pending->arrived);
  }
  if (rc == SQLITE_OK) {
    pending->arrived++;
    pending->ts = kv_clock_next(wall, latest);
    pending->base = pending->opened = own.cached;
    pending->max_ts = -1;
    pending->n_rows = 0;
    pending->is_open = 1;
    kv_previous_clear(&store->txn->previous);
  } else {
    pending->n_seen = 0;
  }
  kv_log_cursor_clear(&own);
  return rc;
}

int kv_transaction_has_rows(const kv_store *store) {
  return store->txn->pending.n_rows > 0;
}

int kv_transaction_is_open(const kv_store *store) {
  return store->txn->pending.is_open;
}

int kv_transaction_can_undo(const kv_store *store) {
  return kv_store_in_transaction(store) || store->txn->pending.is_open;
}

int kv_transaction_is_writing(const kv_store *store) {
  return store->txn->is_writing;
}

int64_t kv_transaction_n_writes(const kv_store *store) {
  return store->txn->n_writes;
}

void kv_transaction_undo(kv_store *store) {
  if (!store->txn->log) return;
  kv_writer_close(store->txn->log);
  store->txn->log = NULL;
}

/*
** After a ROLLBACK TO: if an undone commit had renumbered the transaction's
** rows, find out whether that was rolled back, too.
*/
static int transaction_resume(kv_store *store) {
  kv_pending *pending = &store->txn->pending;
  int64_t first = 0;
  kv_run run;
  int rc;

  if (pending->n_rows == 0 || pending->base.seq == pending->opened.seq) {
    return SQLITE_OK;
  }
  kv_run_begin(&run, &store->stmts, KV_SQL_OWN_FIRST);
  kv_run_text(&run, store->device);
  kv_run_int(&run, pending->arrived);
  rc = kv_run_number(&run, &first);
  if (rc == SQLITE_OK) pending->base.seq = first - pending->n_seen - 1;
  if (pending->base.seq == pending->opened.seq) {
    pending->base = pending->opened;
  }
  return rc;
}

int kv_transaction_savepoint(kv_store *store, int level) {
  kv_transaction *txn = store->txn;

  if (txn->is_writing) return SQLITE_OK;
  return kv_pending_savepoint(&txn->pending, level);
}

void kv_transaction_release(kv_store *store, int level) {
  if (!store->txn->is_writing) kv_pending_release(&store->txn->pending, level);
}

int kv_transaction_rollback_to(kv_store *store, int level) {
  kv_transaction *txn = store->txn;

  if (txn->is_writing) return SQLITE_OK;
  txn->n_writes++;
  kv_transaction_undo(store);
  kv_previous_forget(&txn->previous);
  kv_pending_rollback_to(&txn->pending, level);
  return transaction_resume(store);
}

void kv_transaction_rollback(kv_store *store) {
  store->txn->n_writes++;
  kv_transaction_undo(store);
  kv_pending_clear(&store->txn->pending);
}

void kv_transaction_forget(kv_store *store) {
  memset(&store->txn->committed, 0, sizeof(store->txn->committed));
}

void kv_transaction_init(kv_transaction *txn) {
  kv_pending_clear(&txn->pending);
}

void kv_transaction_clear(kv_store *store) {
  kv_transaction_rollback(store);
  kv_moves_begin(&store->txn->moves, 0);
  kv_previous_clear(&store->txn->previous);
}
