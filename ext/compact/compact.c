/*
** Compaction. See compact.h.
**
**     publish what waits; lock the log
**     the rows that stay ---> a new generation (life/generation.h), durable
**     read it from its beginning ---> the cache drops what it does not have
**     the host commits
**
** If anything is cut off behind the second line, the cache is behind its log, as if
** another process had compacted it, and the next lock catches up.
*/
#include "compact.h"

#include <string.h>

#include "cache/values.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/value.h"
#include "life/generation.h"
#include "outgoing/own.h"
#include "own/catch_up.h"
#include "own/publish.h"
#include "replace/replace.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/savepoint.h"
#include "store/store.h"
#include "store/transaction.h"
#include "tables/follow.h"

/* Has the store a log that may be written anew now? */
static int compact_check(const kv_store *store, char **err) {
  if (!store->root) {
    return kv_error(err, SQLITE_ERROR,
                    "%s is in memory: it has no log to compact", store->name);
  }
  if (!store->device) {
    return kv_error(err, SQLITE_READONLY,
                    "%s is open as an observer: each device compacts its own "
                    "log; name one, kv_open(path, device)",
                    store->name);
  }
  if (kv_store_in_transaction(store)) {
    return kv_error(err, SQLITE_LOCKED,
                    "COMMIT first, then kv_compact(): it cannot be rolled "
                    "back");
  }
  return SQLITE_OK;
}

int kv_compact_measure(kv_store *store, int64_t horizon, kv_compact_size *out) {
  kv_run run;

  memset(out, 0, sizeof(*out));
  kv_run_begin(&run, &store->stmts, KV_SQL_COMPACTION_SIZE);
  kv_run_named_text(&run, ":self", store->device);
  kv_run_named_int(&run, ":horizon", horizon);
  if (kv_run_row(&run)) {
    out->n_dropped = sqlite3_column_int64(run.stmt, 0);
    out->n_kept = sqlite3_column_int64(run.stmt, 1);
    out->all = sqlite3_column_int64(run.stmt, 2);
    out->dropped = sqlite3_column_int64(run.stmt, 3);
  }
  return kv_run_close(&run);
}

/* Columns of compaction_rows. */
enum {
  RETAINED_SEQ,
  RETAINED_TXN,
  RETAINED_TS,
  RETAINED_PARENT_TS,
  RETAINED_OP,
  RETAINED_BUCKET,
  RETAINED_KEY,
  RETAINED_VALUE /* and that of `large` */
};

/* The rows that stay, on their way into the new generation. */
typedef struct compact_feed {
  kv_rows base; /* base class: must be first */
  kv_run run;
  kv_value large; /* of the row that was handed over */
  int rc;         /* why the rows ended before their end */
  kv_rows_row out;
} compact_feed;

static const kv_rows_row *compact_next(kv_rows *base) {
  compact_feed *feed = (compact_feed *)base;
  kv_run *run = &feed->run;
  kv_row *row = &feed->out.row;

  kv_value_free(&feed->large);
  if (kv_run_row(run)) {
    row->seq = sqlite3_column_int64(run->stmt, RETAINED_SEQ);
    row->txn = sqlite3_column_int64(run->stmt, RETAINED_TXN);
    row->ts = sqlite3_column_int64(run->stmt, RETAINED_TS);
    row->op = sqlite3_column_int(run->stmt, RETAINED_OP);
    kv_run_column(run, RETAINED_PARENT_TS, &row->parent_ts);
    kv_run_column(run, RETAINED_BUCKET, &row->bucket);
    kv_run_column(run, RETAINED_KEY, &row->key);
    if (run->rc == SQLITE_OK) {
      run->rc = kv_values_of_column(run->stmts, run->stmt, RETAINED_VALUE,
                                    &feed->large, &row->value);
    }
    if (run->rc == SQLITE_OK) return &feed->out;
  }
  feed->rc = run->rc;
  return NULL;
}

/* Write the new generation. The log has to be closed then. */
static int compact_write(kv_store *store, kv_writer *log, int64_t horizon,
                         int64_t n, char **err) {
  kv_writer_place place = kv_own_place(store, NULL);
  compact_feed feed;
  int rc;

  memset(&feed, 0, sizeof(feed));
  feed.base.next = compact_next;
  kv_run_begin(&feed.run, &store->stmts, KV_SQL_COMPACTION_ROWS);
  kv_run_named_text(&feed.run, ":self", store->device);
  kv_run_named_int(&feed.run, ":horizon", horizon);
  rc = feed.run.rc;
  if (rc == SQLITE_OK) {
    rc =
      kv_generation_write(log, &place, horizon, &feed.base, n, &feed.rc, err);
  }
  kv_value_free(&feed.large);
  return kv_first_error(rc, kv_run_close(&feed.run));
}

/* Make the cache what the new generation is, which a reader reads. */
static int compact_replace(kv_store *store, kv_reader *reader,
                           kv_log_cursor *own) {
  const kv_log_head *head = kv_reader_head(reader);
  kv_replacement with;
  kv_stretch stretch;
  kv_run poll;
  int rc;

  memset(&with, 0, sizeof(with));
  with.merged = own->cached.seq;
  with.holes = own->holes;
  with.clock_limit = kv_clock_limit(kv_store_now(store));
  kv_run_begin(&poll, &store->stmts, KV_SQL_POLL);
  rc = poll.rc;
  if (rc == SQLITE_OK) {
    rc = kv_replace_read(reader, poll.stmt, &with.kept, &stretch);
  }
  if (rc == SQLITE_OK && stretch.ended != KV_END_CLEAN) rc = KV_DAMAGED;
  if (rc == SQLITE_OK) rc = kv_store_next_arrival(store, &with.arrived);
  if (rc == SQLITE_OK) {
    with.whole = stretch.end;
    rc = kv_replace_merge(&store->stmts, reader, poll.stmt, &with, &stretch);
  }
  if (rc == SQLITE_OK) {
    memcpy(own->id, head->id, KV_ID_SIZE);
    own->origin = head->origin;
    own->cached = own->published = stretch.end;
    own->holes = own->cached.seq - stretch.n_rows - stretch.n_seen;
    own->has_stamp = own->has_before = 0;
    rc = kv_log_cursor_save(&store->stmts, own);
  }
  kv_kept_clear(&with.kept);
  kv_run_close(&poll);
  return rc;
}

/* Take over what was just written. */
static int compact_take(kv_store *store, kv_log_cursor *own) {
  char *path = kv_writer_path(store->root, store->device, "log.db");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK) {
    rc = kv_reader_open_own(store->db, path, store->device, &reader, &verdict);
  }
  if (rc == SQLITE_OK) {
    rc = reader ? compact_replace(store, reader, own) : KV_DAMAGED;
  }
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  sqlite3_free(path);
  return rc;
}

/* Inside a savepoint. */
static int compact_locked(kv_store *store, int64_t horizon, int64_t *n_dropped,
                          char **err) {
  kv_compact_size size = {0};
  kv_writer *log = NULL;
  kv_log_cursor own;
  int64_t n_merged = 0;
  int rc = kv_own_load(store, &own);

  if (rc == SQLITE_OK) {
    rc = kv_catch_up(store, &own, 0, &n_merged, &log, err);
  }
  if (rc == SQLITE_OK && !log) rc = kv_store_refuse(store, &own.verdict, err);
  if (rc == SQLITE_OK && (log->is_new || own.cached.seq > own.published.seq)) {
    rc =
      kv_error(err, SQLITE_BUSY,
               "another process wrote to %s meanwhile: try again", store->name);
  }
  if (rc == SQLITE_OK) rc = kv_follow_all(store, err);
  if (rc == SQLITE_OK) rc = kv_compact_measure(store, horizon, &size);
  if (rc == SQLITE_OK && size.n_dropped > 0) {
    rc = compact_write(store, log, horizon, size.n_kept, err);
    kv_writer_close(log);
    log = NULL;
    if (rc == SQLITE_OK) rc = compact_take(store, &own);
  } else if (rc == SQLITE_OK) {
    rc = kv_log_cursor_save(&store->stmts, &own);
  }
  kv_writer_close(log);
  kv_log_cursor_clear(&own);
  *n_dropped = size.n_dropped;
  return kv_store_error(store, err, rc, "cannot compact");
}

int kv_compact_run(kv_store *store, int64_t before, int64_t *n_dropped,
                   char **err) {
  int64_t now = kv_store_now(store);
  int rc = compact_check(store, err);

  *n_dropped = 0;
  if (rc == SQLITE_OK) rc = kv_publish_now(store, 1, err);
  if (rc != SQLITE_OK) return rc;
  rc = kv_store_savepoint(store, err);
  if (rc != SQLITE_OK) return rc;
  rc = compact_locked(store, before < now ? before : now, n_dropped, err);
  rc = kv_store_savepoint_end(store, rc);
  kv_transaction_forget(store);
  store->exchange->must_look = 1;
  if (rc != SQLITE_OK) *n_dropped = 0;
  return rc;
}
