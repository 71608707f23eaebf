/*
** Own rows. See own.h.
*/
#include "own.h"

#include <assert.h>
#include <string.h>

#include "cache/values.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/savepoint.h"
#include "store/transaction.h"

int kv_own_load(kv_store *store, kv_log_cursor *own) {
  int rc;

  assert(store->device);
  rc = kv_log_cursor_load(&store->stmts, store->device, own);
  if (rc == SQLITE_OK && store->txn->committed.seq > own->cached.seq) {
    /* The host's database was replaced by an older copy. */
    memset(&store->txn->committed, 0, sizeof(store->txn->committed));
  }
  if (rc == SQLITE_OK && store->txn->committed.seq > own->published.seq &&
      store->txn->committed.seq <= own->cached.seq) {
    own->published = store->txn->committed;
  }
  return rc;
}

void kv_own_head(const kv_log_cursor *own, kv_log_head *out) {
  memset(out, 0, sizeof(*out));
  sqlite3_snprintf(sizeof(out->name), out->name, "%s", own->device);
  memcpy(out->id, own->id, KV_ID_SIZE);
  out->origin = own->origin;
  out->base = kv_log_start(out);
}

kv_writer_place kv_own_place(kv_store *store, const kv_log_head *head) {
  kv_writer_place place = {
    store->db,      store->root, store->device,       "log.db",
    store->machine, head,        kv_store_now(store), 0};

  return place;
}

/*
** Check whether the log, read without a lock, ends before the last commit since
** it was locked.
*/
static int own_file_lacks(kv_store *store, const kv_log_cursor *own,
                          int *lacks) {
  char *path = kv_writer_path(store->root, store->device, "log.db");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  int64_t sum = 0;
  int found = 0;
  int rc = SQLITE_NOMEM;

  if (path) {
    rc = kv_reader_open_own(store->db, path, store->device, &reader, &verdict);
  }
  if (rc == SQLITE_OK && reader &&
      memcmp(own->id, kv_reader_head(reader)->id, KV_ID_SIZE) == 0) {
    rc = kv_reader_sum_at(reader, own->published.seq, &sum, &found);
    if (rc == SQLITE_OK && found && sum == own->published.sum) {
      rc = kv_reader_sum_at(reader, own->cached.seq, &sum, &found);
      *lacks = rc == SQLITE_OK && !found;
    }
  }
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  sqlite3_free(path);
  return (rc & 0xff) == SQLITE_NOMEM ? rc : SQLITE_OK;
}

int kv_own_look(kv_store *store, kv_log_cursor *own) {
  int lacks = kv_exchange_commit_error(store) != NULL;
  int rc = SQLITE_OK;

  if (own->has_waiting || !own->has_id || !store->root) return SQLITE_OK;
  if (!lacks && own->cached.seq > own->published.seq &&
      own->cached.seq > store->txn->committed.seq) {
    rc = own_file_lacks(store, own, &lacks);
  }
  if (lacks) {
    own->has_waiting = 1;
    own->waiting = own->published;
  }
  return rc;
}

/* Check that the chain of own rows in the cache leads from base to this row. */
static int own_has(kv_store *store, const kv_writer *log, kv_position at,
                   int *has) {
  kv_position end;
  int rc = kv_own_rows(store, NULL, log->head.origin.former_seq,
                       kv_log_start(&log->head), at.seq, &end);

  *has = rc == SQLITE_OK && end.seq == at.seq && end.sum == at.sum;
  return rc == KV_GAP ? SQLITE_OK : rc;
}

static int own_log_sum_is(kv_writer *log, kv_position at, int *is) {
  int64_t sum = 0;
  int found = 0;
  int rc = kv_writer_sum_at(log, at.seq, &sum, &found);

  *is = found && sum == at.sum;
  return rc;
}

/*
** The log has more rows after the common one, and so has the cache: they may be
** equal. If two chains are equal at a row, they are equal at every row before
** it, so a binary search finds the last equal row.
*/
static int own_extend(kv_store *store, kv_writer *log, const kv_log_cursor *own,
                      kv_position *common) {
  int64_t holes = log->head.origin.former_seq;
  int64_t low = common->seq;
  int64_t high =
    log->tail.seq < own->cached.seq ? log->tail.seq : own->cached.seq;
  int64_t seq = high;
  kv_position start = *common;
  int rc = SQLITE_OK;

  while (rc == SQLITE_OK && low < high) {
    kv_position end;
    int is_same = 0;

    rc = kv_own_rows(store, NULL, holes, *common, seq, &end);
    if (rc == SQLITE_OK && end.seq == seq) {
      rc = own_log_sum_is(log, end, &is_same);
    } else if (rc == KV_GAP) {
      rc = SQLITE_OK;
    }
    if (is_same) {
      low = seq;
      *common = end;
    } else {
      high = seq - 1;
    }
    seq = low + (high - low + 1) / 2;
  }
  if (rc == SQLITE_OK && common->seq > start.seq) {
    kv_position end;
    rc = kv_own_rows_verify(store, holes, start, common->seq, &end, common);
  }
  return rc;
}

int kv_own_common(kv_store *store, kv_writer *log, const kv_log_cursor *own,
                  kv_position *out, int *found) {
  int rc = SQLITE_OK;

  assert(kv_writer_is_locked(log));
  *found = 0;
  *out = kv_log_start(&log->head);
  if (!own->has_id) {
    *found = 1;
    return SQLITE_OK;
  }
  if (memcmp(own->id, log->head.id, KV_ID_SIZE) != 0) return SQLITE_OK;

  *out = own->cached;
  rc = own_log_sum_is(log, *out, found);
  if (rc == SQLITE_OK && !*found && own->has_waiting &&
      own->verdict.state != KV_STATE_TWIN) {
    *out = own->waiting;
    rc = own_log_sum_is(log, *out, found);
  }
  if (rc == SQLITE_OK && !*found) {
    *out = own->published;
    rc = own_log_sum_is(log, *out, found);
  }
  if (rc == SQLITE_OK && !*found && log->tail.seq < own->published.seq) {
    *out = log->tail;
    rc = own_has(store, log, *out, found);
  }
  if (rc == SQLITE_OK && *found) rc = own_extend(store, log, own, out);
  if (rc == SQLITE_OK && *found && log->tail.seq < out->seq) {
    log->tail.seq = out->seq; /* it was just made, and all rows were dropped */
  }
  return rc;
}

int kv_own_part(kv_store *store, kv_writer *log, kv_log_cursor *own) {
  int rc = SQLITE_OK;

  assert(kv_writer_is_locked(log));
  own->waiting = kv_log_start(&log->head);
  if (own->has_id && memcmp(own->id, log->head.id, KV_ID_SIZE) == 0) {
    rc = own_extend(store, log, own, &own->waiting);
  }
  own->has_waiting = own->cached.seq > own->waiting.seq;
  return rc;
}

int kv_own_run(kv_store *store, kv_sql id, int64_t shift, int64_t after) {
  kv_run run;

  kv_run_begin(&run, &store->stmts, id);
  kv_run_named_int(&run, ":shift", shift);
  kv_run_named_int(&run, ":after", after);
  kv_run_named_text(&run, ":self", store->device);
  return kv_run_end(&run);
}

int kv_own_renumber(kv_store *store, int64_t shift, int64_t after) {
  static const kv_sql texts[] = {
    KV_SQL_OWN_RENUMBER_CACHE, KV_SQL_OWN_RENUMBER_SEEN,
    KV_SQL_OWN_RENUMBER_SEEN_END, KV_SQL_OWN_RENUMBER_ARRIVAL};
  int rc = SQLITE_OK;
  int i;

  assert(shift > 0 && store->txn->pending.late.n == 0);
  for (i = 0; i < 4 && rc == SQLITE_OK; i++) {
    rc = kv_own_run(store, texts[i], shift, after);
  }
  if (rc == SQLITE_OK && store->txn->pending.is_open) {
    store->txn->pending.base.seq += shift;
  }
  return rc;
}

/* Columns of own_by_time and own_again. */
enum {
  OWN_NUMBER_BUCKET,
  OWN_NUMBER_KEY,
  OWN_NUMBER_TS,
  OWN_NUMBER_SEQ,
  OWN_NUMBER_TXN
};

int kv_own_set_numbers(kv_store *store, kv_run *rows, int64_t after, int sign,
                       kv_span *span) {
  while (kv_run_row(rows)) {
    kv_run run;

    kv_run_begin(&run, &store->stmts, KV_SQL_OWN_SET_SEQ);
    kv_run_int(&run, sign * ++after);
    kv_run_sqlite(&run, sqlite3_column_value(rows->stmt, OWN_NUMBER_TXN));
    kv_run_text(&run, store->device);
    kv_run_sqlite(&run, sqlite3_column_value(rows->stmt, OWN_NUMBER_BUCKET));
    kv_run_sqlite(&run, sqlite3_column_value(rows->stmt, OWN_NUMBER_KEY));
    kv_run_sqlite(&run, sqlite3_column_value(rows->stmt, OWN_NUMBER_TS));
    kv_run_sqlite(&run, sqlite3_column_value(rows->stmt, OWN_NUMBER_SEQ));
    rows->rc = kv_run_end(&run);
    kv_span_row(span, after, sqlite3_column_int64(rows->stmt, OWN_NUMBER_TS));
  }
  return kv_run_close(rows);
}

int kv_own_discard(kv_store *store, char **err) {
  kv_log_cursor own;
  int rc = kv_store_savepoint(store, err);

  if (rc != SQLITE_OK) return rc;
  rc = kv_own_load(store, &own);
  if (rc == SQLITE_OK) rc = kv_own_look(store, &own);
  if (rc == SQLITE_OK && own.has_waiting) {
    rc = kv_own_run(store, KV_SQL_OWN_DISCARD_CACHE, 0, own.waiting.seq);
    if (rc == SQLITE_OK) rc = kv_values_trim(&store->stmts);
    if (rc == SQLITE_OK) rc = kv_stmt_exec(&store->stmts, KV_SQL_CACHE_PROMOTE);
    if (rc == SQLITE_OK) {
      rc = kv_own_run(store, KV_SQL_OWN_DISCARD_SEEN, 0, own.waiting.seq);
    }
    own.cached = own.waiting;
    own.has_waiting = 0;
    kv_verdict_clear(&own.verdict);
    if (rc == SQLITE_OK) rc = kv_log_cursor_save(&store->stmts, &own);
    if (rc == SQLITE_OK) rc = kv_cache_begin_epoch(&store->stmts);
  }
  kv_log_cursor_clear(&own);
  rc = kv_store_savepoint_end(store, rc);
  if (rc == SQLITE_OK) {
    kv_exchange_note_commit(store->exchange, SQLITE_OK, NULL);
  }
  return kv_store_error(store, err, rc, "cannot discard rows");
}

int kv_own_count(kv_store *store, int64_t after, int64_t until, int64_t *out) {
  kv_run run;

  *out = 0;
  kv_run_begin(&run, &store->stmts, KV_SQL_OWN_WAITING);
  kv_run_text(&run, store->device);
  kv_run_int(&run, after);
  kv_run_int(&run, until);
  return kv_run_number(&run, out);
}

int kv_own_unpublished(kv_store *store, int64_t *out) {
  kv_log_cursor own;
  int rc;

  *out = 0;
  if (!store->device || !store->root) return SQLITE_OK;
  rc = kv_own_load(store, &own);
  if (rc == SQLITE_OK) rc = kv_own_look(store, &own);
  if (rc == SQLITE_OK && own.has_waiting) {
    rc = kv_own_count(store, own.waiting.seq, own.cached.seq, out);
  }
  kv_log_cursor_clear(&own);
  return rc;
}

int kv_own_waits(kv_store *store, int *waits) {
  int64_t n = 0;
  int rc = kv_own_unpublished(store, &n);

  *waits =
    n > 0 || kv_transaction_has_rows(store) || store->exchange->must_look;
  return rc;
}
