/*
** Compaction. See compact.h.
**
**     publish what waits; lock the log
**     its rows that stay ---> a new generation (life/generation.h), durable
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
#include "proof.h"
#include "replace/replace.h"
#include "retire/keep.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/numbers.h"
#include "store/savepoint.h"
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
  if (store->n_scans > 0) {
    return kv_error(err, SQLITE_LOCKED,
                    "a statement still reads %s: end it, then call "
                    "kv_compact() in a statement of its own",
                    store->name);
  }
  return SQLITE_OK;
}

int kv_compact_measure(kv_store *store, int64_t before, kv_compact_size *out) {
  int64_t others;
  kv_run run;

  memset(out, 0, sizeof(*out));
  kv_run_begin(&run, &store->stmts, KV_SQL_COMPACTION_SIZE);
  kv_run_named_text(&run, ":self", store->device);
  kv_run_named_int(&run, ":before", before);
  if (kv_run_row(&run)) {
    out->n_dropped = sqlite3_column_int64(run.stmt, 0);
    out->n_kept = sqlite3_column_int64(run.stmt, 1);
    out->all = sqlite3_column_int64(run.stmt, 2);
    out->dropped = sqlite3_column_int64(run.stmt, 3);
    out->horizon = sqlite3_column_int64(run.stmt, 4);
    others = sqlite3_column_int64(run.stmt, 5);
    if (out->horizon < others) out->horizon = others;
  }
  return kv_run_close(&run);
}

/* Columns of compaction_rows, behind those of a row. */
enum {
  COMPACT_STAYS =
    KV_LOGGED_COLUMNS /* the last row of its transaction that stays; */
  /* NULL: it goes */
};

/*
** The rows that stay, on their way into the new generation: the old log's own, as it
** is read and verified. The cache, row by row beside it, says which they are, and has
** to be what the log is; but a large value is not looked at there.
*/
typedef struct compact_feed {
  kv_rows base; /* base class: must be first */
  const kv_store *store;
  kv_reader *log;
  kv_run cache;
  int rc; /* why the rows ended before their end */
  char **err;
  kv_rows_row out;
} compact_feed;

static int64_t compact_content(const kv_row *row) {
  kv_row content = *row;

  if (kv_values_is_for(&content.value)) content.value.type = KV_NULL;
  return kv_row_sum(0, &content);
}

/* Is the cache's row the log's? */
static int compact_is_equal(kv_run *cache, const kv_row *row) {
  kv_row cached;
  int is_large =
    sqlite3_column_type(cache->stmt, KV_LOGGED_LARGE) != SQLITE_NULL;

  memset(&cached, 0, sizeof(cached));
  cached.seq = sqlite3_column_int64(cache->stmt, KV_LOGGED_SEQ);
  cached.txn = sqlite3_column_int64(cache->stmt, KV_LOGGED_TXN);
  cached.ts = sqlite3_column_int64(cache->stmt, KV_LOGGED_TS);
  cached.op = sqlite3_column_int(cache->stmt, KV_LOGGED_OP);
  kv_run_column(cache, KV_LOGGED_PARENT_TS, &cached.parent_ts);
  kv_run_column(cache, KV_LOGGED_BUCKET, &cached.bucket);
  kv_run_column(cache, KV_LOGGED_KEY, &cached.key);
  kv_run_column(cache, KV_LOGGED_VALUE, &cached.value);
  return is_large == kv_values_is_for(&row->value) &&
         compact_content(&cached) == compact_content(row);
}

/* The rows end because the log cannot be read any further. */
static int compact_damaged(compact_feed *feed, const char *reason) {
  feed->store->exchange->must_verify = 1;
  return kv_error(feed->err, SQLITE_CORRUPT_VTAB,
                  "cannot compact: the log of device %s is damaged at row %lld "
                  "(%s). kv_sync() makes it anew from the cache",
                  feed->store->device, kv_reader_position(feed->log).seq + 1,
                  reason);
}

/* Read the next row of both: SQLITE_ROW, or SQLITE_DONE at the end of both. */
static int compact_read(compact_feed *feed, const kv_row **row) {
  kv_run *cache = &feed->cache;
  const char *reason = NULL;
  int is_cached = kv_run_row(cache);
  int is_equal;
  int rc = cache->rc;

  if (rc != SQLITE_OK) return rc;
  rc = kv_reader_next(feed->log, row, &reason);
  if (rc == SQLITE_DONE && reason) return compact_damaged(feed, reason);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) return rc;
  is_equal =
    rc == SQLITE_DONE ? !is_cached : is_cached && compact_is_equal(cache, *row);
  if (cache->rc != SQLITE_OK) return cache->rc;
  return is_equal ? rc : kv_store_wrong_cache(feed->store, feed->err);
}

static const kv_rows_row *compact_next(kv_rows *base) {
  compact_feed *feed = (compact_feed *)base;
  sqlite3_stmt *cached = feed->cache.stmt;
  const kv_row *row = NULL;
  int rc;

  do {
    rc = compact_read(feed, &row);
  } while (rc == SQLITE_ROW &&
           sqlite3_column_type(cached, COMPACT_STAYS) == SQLITE_NULL);
  if (rc != SQLITE_ROW) {
    feed->rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
    return NULL;
  }
  feed->out.row = *row;
  feed->out.row.txn = sqlite3_column_int64(cached, COMPACT_STAYS);
  return &feed->out;
}

/* Write the new generation. The log has to be closed then. */
static int compact_write(kv_store *store, kv_writer *log, int64_t before,
                         const kv_compact_size *size, char **err) {
  kv_writer_place place = kv_own_place(store, NULL);
  compact_feed feed;
  int rc;

  memset(&feed, 0, sizeof(feed));
  feed.base.next = compact_next;
  feed.store = store;
  feed.log = log->reader;
  feed.err = err;
  kv_run_begin(&feed.cache, &store->stmts, KV_SQL_COMPACTION_ROWS);
  kv_run_named_text(&feed.cache, ":self", store->device);
  kv_run_named_int(&feed.cache, ":before", before);
  rc = feed.cache.rc;
  if (rc == SQLITE_OK) {
    rc = kv_reader_start(feed.log, kv_log_start(&log->head), INT64_MAX);
  }
  if (rc == SQLITE_OK) {
    rc = kv_generation_write(log, &place, size->horizon, &feed.base,
                             size->n_kept, &feed.rc, err);
  }
  return kv_first_error(rc, kv_run_close(&feed.cache));
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
  if (rc == SQLITE_OK) rc = kv_numbers_next_arrival(store, &with.arrived);
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
static int compact_locked(kv_store *store, int64_t before, int64_t *n_dropped,
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
  if (rc == SQLITE_OK) rc = kv_compact_measure(store, before, &size);
  if (rc == SQLITE_OK && size.n_dropped > 0) rc = kv_proof_check(store, err);
  if (rc == SQLITE_OK && size.n_dropped > 0) {
    rc = compact_write(store, log, before, &size, err);
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
  if (rc == SQLITE_OK) {
    rc = kv_keep_drop(store);
    kv_store_error(store, err, rc, "cannot compact");
  }
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
