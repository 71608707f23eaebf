/*
** A new incarnation of the own log. See succession.h.
**
** Own rows are set aside under negative numbers, the log is merged beside them,
** and the two are compared. Through every incarnation a row keeps its key, time
** and value; only its number changes.
*/
#include "succession.h"

#include <assert.h>
#include <string.h>

#include "cache/values.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/run.h"
#include "own.h"
#include "store/exchange.h"
#include "store/store.h"
#include "store/transaction.h"

/* The result of the comparison. */
typedef struct kv_heritage {
  int64_t arrived;   /* the merge of the new log */
  int64_t last;      /* the last own row, by its old number, that it has */
  int64_t n_missing; /* own rows that it ought to have */
} kv_heritage;

/* Set own rows aside and merge the log. */
static int succession_merge(kv_store *store, kv_writer *log,
                            const kv_stretch *stretch, kv_heritage *heritage) {
  int rc = kv_own_run(store, KV_SQL_OWN_HIDE_CACHE, 0, 0);

  if (rc == SQLITE_OK) rc = kv_own_run(store, KV_SQL_OWN_HIDE_SEEN, 0, 0);
  if (rc == SQLITE_OK) rc = kv_store_next_arrival(store, &heritage->arrived);
  if (rc == SQLITE_OK) {
    rc = kv_cache_merge(&store->stmts, log->reader, log->head.base, stretch,
                        heritage->arrived);
  }
  return rc;
}

/* Columns of own_hidden. */
enum { HIDDEN_LAST, HIDDEN_MISSING };

static int succession_compare(kv_store *store, int64_t published,
                              kv_heritage *heritage) {
  kv_run run;

  kv_run_begin(&run, &store->stmts, KV_SQL_OWN_HIDDEN);
  kv_run_text(&run, store->device);
  kv_run_int(&run, published);
  if (kv_run_row(&run)) {
    heritage->last = sqlite3_column_int64(run.stmt, HIDDEN_LAST);
    heritage->n_missing = sqlite3_column_int64(run.stmt, HIDDEN_MISSING);
  }
  return kv_run_close(&run);
}

/* A statement about the commits before the merge. */
static int succession_run(kv_store *store, kv_sql id, const char *name,
                          int64_t value, const kv_heritage *heritage) {
  kv_run run;

  kv_run_begin(&run, &store->stmts, id);
  kv_run_named_int(&run, name, value);
  kv_run_named_text(&run, ":self", store->device);
  kv_run_named_int(&run, ":arrived", heritage->arrived);
  return kv_run_end(&run);
}

/* Drop the rows that the log has, and number those that wait after it. */
static int succession_settle(kv_store *store, const kv_heritage *heritage,
                             int64_t shift) {
  int64_t last = heritage->last;
  int rc = kv_own_run(store, KV_SQL_OWN_DROP_HIDDEN, 0, last);

  if (rc == SQLITE_OK) rc = kv_values_trim(&store->stmts);
  if (rc == SQLITE_OK) {
    rc = kv_own_run(store, KV_SQL_OWN_DROP_HIDDEN_SEEN, 0, last);
  }
  if (rc == SQLITE_OK) {
    rc =
      succession_run(store, KV_SQL_OWN_DROP_ARRIVAL, ":after", last, heritage);
  }
  if (rc == SQLITE_OK) {
    rc =
      succession_run(store, KV_SQL_OWN_SHOW_ARRIVAL, ":shift", shift, heritage);
  }
  if (rc == SQLITE_OK) rc = kv_own_run(store, KV_SQL_OWN_SHOW_CACHE, shift, 0);
  if (rc == SQLITE_OK) rc = kv_own_run(store, KV_SQL_OWN_SHOW_SEEN, shift, 0);
  return rc == SQLITE_OK ? kv_cache_begin_epoch(&store->stmts) : rc;
}

/* Inside a savepoint, or a commit that fails unless it is one. */
static int succession_try(kv_store *store, kv_writer *log, kv_log_cursor *own,
                          const kv_stretch *stretch, int *is_successor) {
  kv_heritage heritage = {0, 0, 0};
  int64_t shift;
  int rc;

  assert(kv_transaction_can_undo(store) && stretch->ended == KV_END_CLEAN);
  rc = succession_merge(store, log, stretch, &heritage);

  if (rc == SQLITE_OK) {
    rc = succession_compare(store, own->published.seq, &heritage);
  }
  *is_successor = rc == SQLITE_OK && heritage.n_missing == 0;
  if (!*is_successor) return rc;

  shift = stretch->end.seq - heritage.last;
  rc = succession_settle(store, &heritage, shift);
  own->cached.seq += shift;
  own->published = stretch->end;
  if (store->txn->pending.is_open) store->txn->pending.base.seq += shift;
  memcpy(own->id, log->head.id, KV_ID_SIZE);
  memset(&store->txn->committed, 0, sizeof(store->txn->committed));
  if (stretch->counted_ts > own->last_ts) own->last_ts = stretch->counted_ts;
  if (stretch->last_ts > own->newest) own->newest = stretch->last_ts;
  return rc;
}

/* Undo everything, unless the log is a new incarnation. */
static int succession_try_safely(kv_store *store, kv_writer *log,
                                 kv_log_cursor *own, const kv_stretch *stretch,
                                 int *is_successor) {
  int rc = kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT);
  int undone = SQLITE_OK;

  if (rc != SQLITE_OK) return rc;
  rc = succession_try(store, log, own, stretch, is_successor);
  if (rc != SQLITE_OK || !*is_successor) {
    undone = kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT_ROLLBACK);
  }
  /*
  ** If that fails, SQLite has rolled back everything, the savepoint included.
  */
  if (undone == SQLITE_OK) {
    undone = kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT_RELEASE);
  }
  return kv_first_error(rc, undone);
}

int kv_succession_accept(kv_store *store, kv_writer *log, kv_log_cursor *own,
                         int adopt, kv_succession *outcome) {
  int is_commit = kv_transaction_has_rows(store);
  int is_successor = 0;
  kv_stretch stretch;
  int rc;

  assert(kv_writer_is_locked(log) && store->txn->pending.late.n == 0);
  *outcome = KV_SUCCESSION_NONE;
  if (!log->reader || !own->has_id || log->head.base.seq != 0 ||
      memcmp(own->id, log->head.id, KV_ID_SIZE) == 0 ||
      (is_commit && (adopt || store->exchange->must_look))) {
    return SQLITE_OK;
  }
  rc = kv_reader_verify(log->reader, log->head.base,
                        kv_clock_limit(kv_store_now(store)), NULL, &stretch);
  if (rc != SQLITE_OK || stretch.ended != KV_END_CLEAN) return rc;
  if (is_commit) {
    rc = succession_try(store, log, own, &stretch, &is_successor);
    *outcome = KV_SUCCESSION_HALF;
  } else {
    rc = succession_try_safely(store, log, own, &stretch, &is_successor);
  }
  if (rc == SQLITE_OK && is_successor) *outcome = KV_SUCCESSION_TAKEN;
  return rc;
}
