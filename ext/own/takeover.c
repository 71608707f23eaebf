/*
** Another log takes the place of the one that the cache knows. See takeover.h.
**
** Own rows that go behind the new log are set aside under negative numbers. Then the
** rest is replaced as for any other device (replace/).
*/
#include "takeover.h"

#include <assert.h>
#include <string.h>

#include "cache/values.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/run.h"
#include "incarnation.h"
#include "life/generation.h"
#include "outgoing/own.h"
#include "replace/replace.h"
#include "store/numbers.h"
#include "store/transaction.h"

/* More than any number that a row has. */
#define TAKEOVER_MOST (INT64_C(1) << 52)

typedef struct takeover_run {
  kv_store *store;
  kv_writer *log;
  kv_log_cursor *own;
  sqlite3_stmt *poll;
  int adopt;        /* the user wants to go on without what is missing */
  int is_next;      /* a generation of the same lineage */
  int64_t wait;     /* own rows up to this number were in a log */
  int64_t end;      /* those behind it and up to this one wait */
  int is_thin;      /* some of them were in the new log */
  int64_t n_again;  /* rows up to `wait` that are published again */
  kv_stretch whole; /* the log */
  kv_replacement with;
} takeover_run;

/* Does the cache have this row, under a number from `first` to `last`? */
static int takeover_match(const takeover_run *run, const kv_row *row,
                          int64_t first, int64_t last, int *has) {
  kv_store *store = run->store;
  int is_retire = row->op == KV_OP_RETIRE;
  kv_run match;

  kv_run_begin(&match, &store->stmts,
               is_retire ? KV_SQL_OWN_MATCH_RETIRE : KV_SQL_OWN_MATCH);
  if (!is_retire) {
    kv_run_value(&match, &row->bucket);
    kv_run_value(&match, &row->key);
    kv_run_int(&match, row->ts);
  }
  kv_run_text(&match, store->device);
  kv_run_int(&match, first);
  if (!is_retire) {
    kv_run_int(&match, last);
    kv_run_int(&match, row->op);
    kv_run_value(&match, &row->value);
  }
  *has = kv_run_row(&match);
  return kv_run_close(&match);
}

/* Does the log have every row that was published here, by whatever number? */
static int takeover_has_all(takeover_run *run, int *has_all) {
  int64_t published = run->own->published.seq;
  kv_reader *reader = run->log->reader;
  const kv_row *row;
  const char *reason;
  int64_t n_all;
  int64_t n = 0;
  int has;
  int rc = kv_own_count(run->store, 0, published, &n_all);

  if (rc == SQLITE_OK) {
    rc = kv_reader_start(reader, kv_log_start(&run->log->head), INT64_MAX);
  }
  kv_reader_watch(reader, INT64_MAX, run->poll);
  while (rc == SQLITE_OK &&
         (rc = kv_reader_next(reader, &row, &reason)) == SQLITE_ROW) {
    rc = SQLITE_OK;
    if (row->op >= KV_OP_SEEN) continue;
    rc = takeover_match(run, row, 1, published, &has);
    n += rc == SQLITE_OK && has;
  }
  kv_reader_watch(reader, INT64_MAX, NULL);
  kv_reader_stop(reader);
  *has_all = n >= n_all;
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/*
** Does the cache know every row of an older generation? One that its own generation
** may have dropped counts as known.
*/
static int takeover_knows_all(takeover_run *run, int *knows_all) {
  const kv_origin *origin = &run->own->origin;
  kv_reader *reader = run->log->reader;
  const kv_row *row;
  const char *reason;
  int rc = kv_reader_start(reader, kv_log_start(&run->log->head), INT64_MAX);

  *knows_all = 1;
  kv_reader_watch(reader, INT64_MAX, run->poll);
  while (rc == SQLITE_OK && *knows_all &&
         (rc = kv_reader_next(reader, &row, &reason)) == SQLITE_ROW) {
    rc = SQLITE_OK;
    if (row->op == KV_OP_SEEN ||
        (row->op < KV_OP_SEEN && row->seq <= origin->former_seq &&
         row->ts <= origin->horizon)) {
      continue;
    }
    rc = takeover_match(run, row, row->seq, row->seq, knows_all);
  }
  kv_reader_watch(reader, INT64_MAX, NULL);
  kv_reader_stop(reader);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Set aside published rows that the new log lacks, and cannot have dropped. */
static int takeover_lacking(takeover_run *run, kv_sql id) {
  const kv_origin *origin = &run->log->head.origin;
  kv_run lacking;

  kv_run_begin(&lacking, &run->store->stmts, id);
  kv_run_named_text(&lacking, ":self", run->store->device);
  kv_run_named_int(&lacking, ":after", run->wait);
  kv_run_named_pointer(&lacking, ":kept", &run->with.kept, KV_KEPT_POINTER);
  kv_run_named_int(&lacking, ":horizon", run->is_next ? origin->horizon : -1);
  kv_run_named_int(&lacking, ":former", run->is_next ? origin->former_seq : 0);
  return kv_run_end(&lacking);
}

/* Set aside what is not the new log's business. */
static int takeover_set_aside(takeover_run *run) {
  kv_store *store = run->store;
  int rc = kv_own_run(store, KV_SQL_OWN_SET_ASIDE, 0, run->wait);

  if (rc == SQLITE_OK) {
    rc = kv_own_run(store, KV_SQL_OWN_SET_ASIDE_SEEN, 0, run->wait);
  }
  if (rc == SQLITE_OK && !run->is_next) {
    rc = kv_own_run(store, KV_SQL_OWN_FORGET_ARRIVAL, 0, run->wait);
  }
  if (rc == SQLITE_OK) rc = takeover_lacking(run, KV_SQL_OWN_LACKING);
  return rc == SQLITE_OK ? takeover_lacking(run, KV_SQL_OWN_LACKING_RETIRED)
                         : rc;
}

/* The number of rows that wait, while they are set aside. */
static int takeover_count_waiting(const takeover_run *run, int64_t *n) {
  *n = 0;
  if (run->end == run->wait) return SQLITE_OK;
  return kv_own_count(run->store, -run->end - 1, -run->wait - 1, n);
}

/*
** The new log has rows that wait here: the cache came from a backup. The others get
** numbers one by one, like published rows that the new log lacks.
*/
static int takeover_thin_out(takeover_run *run) {
  kv_run thin;

  kv_run_begin(&thin, &run->store->stmts, KV_SQL_OWN_WAITING_TXN);
  kv_run_named_text(&thin, ":self", run->store->device);
  kv_run_named_int(&thin, ":first", -run->end);
  kv_run_named_int(&thin, ":last", -run->wait - 1);
  thin.rc = kv_run_end(&thin);
  if (thin.rc != SQLITE_OK) return thin.rc;
  kv_run_begin(&thin, &run->store->stmts, KV_SQL_OWN_WAITING_SEEN);
  kv_run_named_text(&thin, ":self", run->store->device);
  kv_run_named_int(&thin, ":first", -run->end);
  kv_run_named_int(&thin, ":last", -run->wait - 1);
  run->wait = run->end;
  run->is_thin = 1;
  return kv_run_end(&thin);
}

/* Rows that the new log has under another number are there already. */
static int takeover_dedupe(takeover_run *run) {
  int64_t before;
  int64_t n;
  int rc = takeover_count_waiting(run, &before);

  if (rc == SQLITE_OK) {
    rc = kv_own_run(run->store, KV_SQL_OWN_DEDUPE, TAKEOVER_MOST, run->end);
  }
  if (rc == SQLITE_OK) rc = takeover_count_waiting(run, &n);
  if (rc == SQLITE_OK && n < before) rc = takeover_thin_out(run);
  if (rc == SQLITE_OK) {
    rc = kv_own_run(run->store, KV_SQL_OWN_DEDUPE_RETIRED, 0, run->wait);
  }
  return rc == SQLITE_OK ? kv_values_trim(&run->store->stmts) : rc;
}

/* Give rows that retire a device the numbers behind *end, which is then the last. */
static int takeover_number_retired(const takeover_run *run, int64_t *end) {
  kv_stmts *stmts = &run->store->stmts;
  int is_last = 0;
  int rc = SQLITE_OK;

  while (rc == SQLITE_OK && !is_last) {
    kv_run next;
    kv_run again;

    kv_run_begin(&next, stmts, KV_SQL_OWN_NEXT_RETIRED);
    kv_run_text(&next, run->store->device);
    kv_run_int(&next, run->wait);
    is_last = !kv_run_row(&next);
    if (!is_last) {
      kv_run_begin(&again, stmts, KV_SQL_OWN_AGAIN_RETIRED);
      kv_run_int(&again, ++*end);
      kv_run_text(&again, run->store->device);
      kv_run_sqlite(&again, sqlite3_column_value(next.stmt, 0));
      kv_run_sqlite(&again, sqlite3_column_value(next.stmt, 1));
      next.rc = kv_run_end(&again);
    }
    rc = kv_run_close(&next);
  }
  return rc;
}

/* Number the rows that were set aside behind the log's. */
static int takeover_number(takeover_run *run) {
  kv_store *store = run->store;
  int64_t end = run->whole.end.seq;
  kv_span span = {0, 0, 0, 0};
  int64_t shift;
  kv_run again;
  int rc;

  kv_run_begin(&again, &store->stmts, KV_SQL_OWN_AGAIN);
  kv_run_int(&again, end);
  kv_run_text(&again, store->device);
  kv_run_int(&again, run->wait);
  rc = kv_own_set_numbers(store, &again, end, 1, &span);
  if (span.last_seq == 0) span.last_seq = end;
  if (rc == SQLITE_OK) rc = takeover_number_retired(run, &span.last_seq);
  run->n_again = span.last_seq - end;
  shift = end + run->n_again - run->wait;
  if (rc == SQLITE_OK) rc = kv_own_run(store, KV_SQL_OWN_SHOW, shift, 0);
  if (rc == SQLITE_OK) rc = kv_own_run(store, KV_SQL_OWN_SHOW_SEEN, shift, 0);
  if (rc == SQLITE_OK && shift != 0) {
    rc = kv_own_run(store, KV_SQL_OWN_RENUMBER_ARRIVAL, shift, run->wait);
  }
  run->own->cached.seq += shift;
  if (store->txn->pending.is_open) store->txn->pending.base.seq += shift;
  return rc;
}

/* The cache takes the log's rows. */
static int takeover_take(takeover_run *run) {
  kv_store *store = run->store;
  kv_log_cursor *own = run->own;
  kv_replacement *with = &run->with;
  kv_stretch stretch;
  int rc = kv_numbers_next_arrival(store, &with->arrived);

  with->whole = run->whole.end;
  with->merged = run->is_next ? run->wait : 0;
  with->clock_limit = kv_clock_limit(kv_store_now(store));
  with->holes = own->holes;
  if (rc == SQLITE_OK) rc = takeover_set_aside(run);
  if (rc == SQLITE_OK) {
    rc = kv_replace_merge(&store->stmts, run->log->reader, run->poll, with,
                          &stretch);
  }
  if (rc == SQLITE_OK) rc = takeover_dedupe(run);
  if (rc == SQLITE_OK) rc = takeover_number(run);
  if (rc == SQLITE_OK && (!run->is_next || run->is_thin || run->n_again > 0)) {
    rc = kv_cache_begin_epoch(&store->stmts);
  }
  if (rc != SQLITE_OK) return rc;
  own->published = run->whole.end;
  own->holes = run->whole.end.seq - with->kept.n;
  own->origin = run->log->head.origin;
  memcpy(own->id, run->log->head.id, KV_ID_SIZE);
  memset(&store->txn->committed, 0, sizeof(store->txn->committed));
  if (stretch.counted_ts > own->last_ts) own->last_ts = stretch.counted_ts;
  if (stretch.last_ts > own->newest) own->newest = stretch.last_ts;
  return SQLITE_OK;
}

/* Own rows, and then those of log.db, as the next generation of both. */
typedef struct takeover_feed {
  kv_rows base; /* base class: must be first */
  kv_own_feed own;
  int is_behind; /* own rows are at their end */
  kv_reader *reader;
  int rc;
  kv_rows_row out;
} takeover_feed;

static const kv_rows_row *takeover_next(kv_rows *base) {
  takeover_feed *feed = (takeover_feed *)base;
  const kv_rows_row *row = NULL;
  const char *reason;
  const kv_row *next;
  int rc;

  if (!feed->is_behind) row = feed->own.base.next(&feed->own.base);
  if (row) return row;
  feed->is_behind = 1;
  feed->rc = feed->own.run.rc;
  if (feed->rc != SQLITE_OK) return NULL;
  rc = kv_reader_next(feed->reader, &next, &reason);
  feed->rc = rc != SQLITE_DONE ? rc : reason ? KV_DAMAGED : SQLITE_OK;
  if (rc != SQLITE_ROW) return NULL;
  feed->rc = SQLITE_OK;
  feed->out.row = *next;
  return &feed->out;
}

/*
** The sealed file of a new generation is gone, and the cache has the log from which
** it was made: make the next one from its rows, and those that log.db has since.
*/
static int takeover_mend(takeover_run *run, int *is_done, char **err) {
  kv_store *store = run->store;
  const kv_log_cursor *own = run->own;
  const kv_origin *origin = &run->log->head.origin;
  int64_t holes = own->origin.former_seq;
  kv_writer_place place = kv_own_place(store, NULL);
  takeover_feed feed;
  kv_log_head head;
  kv_position end;
  int rc;

  *is_done = 0;
  if (!origin->has_former ||
      memcmp(origin->former_id, own->id, KV_ID_SIZE) != 0) {
    return SQLITE_OK;
  }
  kv_own_head(own, &head);
  rc = kv_own_rows(store, NULL, holes, head.base, origin->former_seq, &end);
  if (rc == KV_GAP) return SQLITE_OK;
  if (rc != SQLITE_OK || end.seq != origin->former_seq ||
      end.sum != origin->former_sum) {
    return rc;
  }
  memset(&feed, 0, sizeof(feed));
  feed.base.next = takeover_next;
  feed.reader = run->log->reader;
  rc = kv_reader_start(feed.reader, run->log->head.base, INT64_MAX);
  kv_own_feed_begin(&feed.own, store, holes, 0, origin->former_seq);
  if (rc == SQLITE_OK) {
    rc = kv_generation_write(run->log, &place, 0, &feed.base, end.seq, &feed.rc,
                             err);
  }
  *is_done = rc == SQLITE_OK;
  return kv_own_feed_end(&feed.own, rc);
}

/* A greater generation, or another lineage: is it whole, and may it? */
static int takeover_read(takeover_run *run, kv_takeover *outcome,
                         kv_verdict *verdict, char **err) {
  int may = run->is_next;
  int rc =
    kv_replace_read(run->log->reader, run->poll, &run->with.kept, &run->whole);

  if (rc == SQLITE_OK && run->is_next && run->whole.ended == KV_END_MISSING) {
    int is_done;

    rc = takeover_mend(run, &is_done, err);
    if (rc == SQLITE_OK && is_done) *outcome = KV_TAKEOVER_AGAIN;
    if (rc == SQLITE_OK && !is_done) {
      kv_incarnation_judge_lack(run->log->reader, run->adopt, verdict);
    }
    return rc;
  }
  if (rc != SQLITE_OK || run->whole.ended != KV_END_CLEAN) return rc;
  if (!run->is_next) rc = takeover_has_all(run, &may);
  if (rc == SQLITE_OK && may) rc = takeover_take(run);
  if (rc == SQLITE_OK && may) *outcome = KV_TAKEOVER_TAKEN;
  return rc;
}

/* A smaller generation: is nothing in it that the cache does not know? */
static int takeover_refresh(takeover_run *run, kv_takeover *outcome) {
  kv_log_head head;
  int knows_all;
  int rc = takeover_knows_all(run, &knows_all);

  if (rc != SQLITE_OK || !knows_all) return rc;
  kv_own_head(run->own, &head);
  rc = kv_writer_restart(run->log, &head);
  if (rc == SQLITE_OK) *outcome = KV_TAKEOVER_MADE;
  return rc;
}

int kv_takeover_judge(kv_store *store, kv_writer *log, kv_log_cursor *own,
                      int adopt, kv_takeover *outcome, int64_t *n_merged,
                      kv_verdict *verdict, char **err) {
  takeover_run run;
  kv_run poll;
  int rc;

  assert(kv_writer_is_locked(log) && store->txn->pending.late.n == 0);
  *outcome = KV_TAKEOVER_NONE;
  if (!log->reader) return SQLITE_OK;
  memset(&run, 0, sizeof(run));
  run.store = store;
  run.log = log;
  run.own = own;
  run.adopt = adopt;
  run.is_next = kv_row_same_lineage(own->id, log->head.id);
  run.end = store->txn->pending.is_open ? store->txn->pending.base.seq
                                        : own->cached.seq;
  run.wait = own->has_waiting ? own->waiting.seq : run.end;
  kv_run_begin(&poll, &store->stmts, KV_SQL_POLL);
  run.poll = poll.stmt;
  rc = poll.rc;
  if (rc == SQLITE_OK && run.is_next &&
      memcmp(log->head.id, own->id, KV_ID_SIZE) < 0) {
    rc = takeover_refresh(&run, outcome);
  } else if (rc == SQLITE_OK) {
    rc = takeover_read(&run, outcome, verdict, err);
  }
  *n_merged += run.with.n_added;
  kv_run_close(&poll);
  kv_kept_clear(&run.with.kept);
  return rc;
}
