/*
** Own rows on their way from the cache into the own log. See own_rows.h.
*/
#include "own_rows.h"

#include <assert.h>
#include <string.h>

#include "cache/cache.h"
#include "cache/values.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "log/append.h"
#include "store/transaction.h"

/* One row of so many is found faster by the index than all are read. */
#define OWN_ROWS_FEW 8

/* Bytes of rows between two checks for an interrupt. */
#define OWN_POLL (1 << 20)

/* Has the host been interrupted? It is asked now and then. */
static int own_is_stopped(kv_own_feed *feed) {
  if (feed->n_read < OWN_POLL) return 0;
  feed->n_read = 0;
  return kv_stmt_is_stopped(feed->poll.stmt);
}

/* The number behind this one, or behind those that may be missing. */
static int64_t own_seq_after(int64_t seq, int64_t holes) {
  return (seq > holes ? seq : holes) + 1;
}

/* The row that the run is on. No number is missing, but in the holes. */
static void own_row(kv_own_feed *feed, kv_row *out) {
  kv_values_logged(&feed->run, &feed->large, out);
  if (out->seq > feed->holes &&
      out->seq != own_seq_after(feed->seq, feed->holes)) {
    feed->run.rc = kv_first_error(feed->run.rc, KV_GAP);
  }
  feed->seq = out->seq;
}

static const kv_rows_row *own_next(kv_rows *base) {
  kv_own_feed *feed = (kv_own_feed *)base;
  kv_run *run = &feed->run;

  kv_value_free(&feed->large);
  if (run->rc == SQLITE_OK && own_is_stopped(feed)) run->rc = SQLITE_INTERRUPT;
  if (!kv_run_row(run)) return NULL;
  own_row(feed, &feed->out.row);
  feed->n_read += kv_row_size(&feed->out.row);
  return run->rc == SQLITE_OK ? &feed->out : NULL;
}

/*
** Chain rows behind *end; *whole: behind the last whole transaction. Numbers in the
** holes are those of the rows, as in kv_append_row().
*/
static void own_chain(kv_rows *rows, int64_t holes, kv_position *end,
                      kv_position *whole) {
  const kv_rows_row *next;

  while ((next = rows->next(rows)) != NULL) {
    kv_row row = next->row;

    if (end->seq >= holes) row.seq = end->seq + 1;
    end->sum = kv_row_sum(end->sum, &row);
    end->seq = row.seq;
    if (row.seq == row.txn) *whole = *end;
  }
}

int kv_own_rows_append(kv_writer *log, kv_rows *rows, int64_t n,
                       kv_position *at) {
  kv_position whole;
  int rc;

  if (!log) {
    own_chain(rows, 0, at, &whole);
    return SQLITE_OK;
  }
  assert(kv_writer_is_locked(log) && log->tail.seq == at->seq);
  rc = kv_append_rows(log, rows, n);
  *at = log->tail;
  return rc;
}

/* Read them with one of two texts, which find the same rows. */
static void own_feed_begin(kv_own_feed *feed, kv_store *store, kv_sql id,
                           int64_t holes, int64_t after, int64_t until) {
  assert(store->txn->pending.late.n == 0);
  memset(feed, 0, sizeof(*feed));
  feed->base.next = own_next;
  feed->holes = holes;
  feed->seq = after;
  kv_run_begin(&feed->poll, &store->stmts, KV_SQL_POLL);
  kv_run_begin(&feed->run, &store->stmts, id);
  kv_run_named_text(&feed->run, ":self", store->device);
  kv_run_named_int(&feed->run, ":after", after);
  kv_run_named_int(&feed->run, ":until", until);
  if (feed->run.rc == SQLITE_OK) feed->run.rc = feed->poll.rc;
}

void kv_own_feed_begin(kv_own_feed *feed, kv_store *store, int64_t holes,
                       int64_t after, int64_t until) {
  own_feed_begin(feed, store, KV_SQL_OWN_ROWS, holes, after, until);
}

int kv_own_feed_end(kv_own_feed *feed, int rc) {
  kv_value_free(&feed->large);
  kv_run_close(&feed->poll);
  return kv_first_error(kv_run_close(&feed->run), rc);
}

/* The rows end at `at`; rows behind it, up to `until`, were dropped. */
static void own_reach(int64_t holes, int64_t until, kv_position *at) {
  int64_t reach = until < holes ? until : holes;

  if (at->seq < reach) at->seq = reach;
}

int kv_own_rows_verify(kv_store *store, int64_t holes, kv_position from,
                       int64_t until, kv_position *end, kv_position *whole) {
  kv_own_feed feed;
  int is_whole;

  *end = *whole = from;
  kv_own_feed_begin(&feed, store, holes, from.seq, until);
  own_chain(&feed.base, holes, end, whole);
  is_whole = end->seq == whole->seq;
  own_reach(holes, until, end);
  if (is_whole) *whole = *end;
  return kv_own_feed_end(&feed, SQLITE_OK);
}

/* Rows behind *end, with one of the texts. */
static int own_rows_read(kv_store *store, kv_sql id, kv_writer *log,
                         int64_t holes, int64_t until, kv_position *end) {
  kv_position whole;
  kv_own_feed feed;
  int rc = SQLITE_OK;

  own_feed_begin(&feed, store, id, holes, end->seq, until);
  if (log) {
    rc = kv_own_rows_append(log, &feed.base, until - end->seq, end);
  } else {
    own_chain(&feed.base, holes, end, &whole);
  }
  return kv_own_feed_end(&feed, rc);
}

/* Does the index by time find n rows faster than a walk over all of them? */
static int own_rows_are_few(kv_store *store, int64_t n, int *are_few) {
  int64_t n_all = 0;
  int is_usable = 0;
  kv_meta meta;
  int rc = kv_cache_check(&store->stmts, &is_usable, &meta);

  *are_few = 0;
  if (rc != SQLITE_OK || !is_usable || !meta.is_indexed) return rc;
  rc = kv_cache_rows(&store->stmts, &n_all);
  *are_few = n < n_all / OWN_ROWS_FEW;
  return rc;
}

int kv_own_rows(kv_store *store, kv_writer *log, int64_t holes,
                kv_position from, int64_t until, kv_position *end) {
  int are_few = 0;
  int rc = SQLITE_OK;

  *end = from;
  if (from.seq >= holes) {
    rc = own_rows_are_few(store, until - from.seq, &are_few);
  }
  if (rc == SQLITE_OK && are_few) {
    rc = own_rows_read(store, KV_SQL_OWN_ROWS_RECENT, log, holes, until, end);
    if (rc == KV_GAP) rc = SQLITE_OK; /* the walk finds what there is */
  }
  if (rc == SQLITE_OK && end->seq < until) {
    rc = own_rows_read(store, KV_SQL_OWN_ROWS, log, holes, until, end);
  }
  if (rc == SQLITE_OK) own_reach(holes, until, end);
  if (rc == SQLITE_OK && log) log->tail = *end;
  return rc;
}
