/*
** Whether the own log is still ours. See incarnation.h.
*/
#include "incarnation.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "cache/values.h"
#include "db/error.h"
#include "db/handle.h"
#include "db/run.h"
#include "file/placeholder.h"
#include "file/segment.h"
#include "folder/folder.h"
#include "outgoing/own.h"
#include "retired.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/numbers.h"
#include "store/transaction.h"

int kv_incarnation_check_host(kv_store *store, kv_writer *log, int adopt,
                              kv_verdict *verdict) {
  if (!log->head.host[0] || !store->machine[0] ||
      strcmp(log->head.host, store->machine) == 0) {
    return SQLITE_OK;
  }
  if (!adopt) {
    kv_verdict_set(verdict, KV_STATE_TWIN, "is written by another machine");
    return SQLITE_OK;
  }
  return kv_writer_take_over(log, store->machine);
}

void kv_incarnation_judge_lack(kv_reader *reader, int adopt,
                               kv_verdict *verdict) {
  const kv_verdict *lack = kv_reader_lack(reader);

  kv_verdict_set(verdict, adopt ? KV_STATE_TWIN : KV_STATE_WAITING,
                 "%s: bring it back; or, if it is gone for good, go on "
                 "without its rows with adopt=1",
                 lack && lack->detail ? lack->detail : "a file is missing");
}

/* The last sealed file of the latest generation in a directory. */
typedef struct incarnation_sealed {
  unsigned char id[KV_ID_SIZE];
  int64_t last;
  char name[KV_SEGMENT_NAME_SIZE]; /* "": there is none */
} incarnation_sealed;

static int incarnation_take(void *to, const char *name) {
  incarnation_sealed *latest = to;
  unsigned char id[KV_ID_SIZE];
  int64_t last;
  int order;

  if (!kv_segment_read(name, id, &last)) return SQLITE_OK;
  order = memcmp(id + KV_LINEAGE_SIZE, latest->id + KV_LINEAGE_SIZE,
                 KV_ID_SIZE - KV_LINEAGE_SIZE);
  if (!latest->name[0] || order > 0 || (order == 0 && last > latest->last)) {
    memcpy(latest->id, id, KV_ID_SIZE);
    latest->last = last;
    memcpy(latest->name, name, KV_SEGMENT_NAME_SIZE);
  }
  return SQLITE_OK;
}

/* Is this file of the own log there, or a placeholder of it? */
static int incarnation_has_file(kv_store *store, const char *file, int *has) {
  char *path = kv_writer_path(store->root, store->device, file);
  char *placeholder = NULL;
  kv_stamp stamp;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  *has = 0;
  if (rc == SQLITE_OK) *has = kv_folder_look(path, &stamp) != KV_FILE_NONE;
  if (rc == SQLITE_OK && !*has) rc = kv_placeholder_find(path, &placeholder);
  if (placeholder) *has = 1;
  sqlite3_free(placeholder);
  sqlite3_free(path);
  return rc;
}

/*
** The last sealed file beside a log.db that is missing. Not while log.db.new takes the
** place of log.db.
*/
static int incarnation_look(kv_store *store, incarnation_sealed *latest) {
  char *directory = kv_writer_path(store->root, store->device, NULL);
  int has = 0;
  int rc = directory ? SQLITE_OK : SQLITE_NOMEM;

  memset(latest, 0, sizeof(*latest));
  if (rc == SQLITE_OK) rc = incarnation_has_file(store, "log.db", &has);
  if (rc == SQLITE_OK && !has) {
    rc = incarnation_has_file(store, "log.db.new", &has);
  }
  if (rc == SQLITE_OK && !has) {
    rc = kv_folder_each(directory, incarnation_take, latest);
    if (rc == SQLITE_CANTOPEN) rc = SQLITE_OK; /* it was not made yet */
  }
  sqlite3_free(directory);
  return rc;
}

int kv_incarnation_check_sealed(kv_store *store, int adopt,
                                kv_verdict *verdict) {
  incarnation_sealed latest;
  int rc = incarnation_look(store, &latest);

  if (rc == SQLITE_OK && latest.name[0]) {
    kv_verdict_set(verdict, adopt ? KV_STATE_TWIN : KV_STATE_WAITING,
                   "log.db is missing beside %s: bring it back; or, if it is "
                   "gone for good, go on without its rows with adopt=1",
                   latest.name);
  }
  return rc;
}

int kv_incarnation_judge(kv_writer *log, const kv_log_cursor *own,
                         kv_verdict *verdict) {
  kv_stretch stretch;
  int rc;

  assert(kv_writer_is_locked(log));
  if (!log->reader) { /* it was just made; the cache says what cannot be */
    kv_verdict_set(verdict, KV_STATE_TWIN, "is gone, and so are its rows here");
    return SQLITE_OK;
  }
  rc = kv_reader_verify(log->reader, kv_log_start(&log->head), INT64_MAX, NULL,
                        &stretch);
  if (rc == SQLITE_OK && stretch.ended == KV_END_CLEAN &&
      memcmp(own->id, log->head.id, KV_ID_SIZE) != 0) {
    kv_verdict_set(verdict, KV_STATE_TWIN,
                   "is not the one that this device published, and lacks rows "
                   "of that one");
  } else if (rc == SQLITE_OK && stretch.ended == KV_END_CLEAN) {
    kv_verdict_set(verdict, KV_STATE_TWIN,
                   "holds other rows than this device published");
  } else if (rc == SQLITE_OK && kv_stretch_is_too_big(&stretch)) {
    kv_verdict_set(verdict, KV_STATE_WAITING, "at row %lld: %s",
                   stretch.end.seq + 1, stretch.reason);
  } else if (rc == SQLITE_OK) {
    kv_verdict_set(verdict, KV_STATE_DAMAGED, "at row %lld: %s",
                   stretch.end.seq + 1, stretch.reason);
  }
  return rc;
}

/* No log has this many rows, and adding it to a number does not overflow. */
#define INCARNATION_SHIFT (INT64_C(1) << 52)

/*
** Merge the rows of the log into the cache, as far as they verify. If log.db is missing,
** those of its sealed files.
*/
static int incarnation_salvage(kv_store *store) {
  incarnation_sealed latest;
  char *path = NULL;
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_stretch stretch;
  int64_t arrived;
  int rc = incarnation_look(store, &latest);

  if (rc == SQLITE_OK) {
    path = kv_writer_path(store->root, store->device,
                          latest.name[0] ? latest.name : "log.db");
    if (!path) rc = SQLITE_NOMEM;
  }
  if (rc == SQLITE_OK) {
    rc = kv_reader_open_own(store->db, path, store->device, &reader, &verdict);
  }
  if (rc == SQLITE_OK && reader) {
    kv_position base = kv_log_start(kv_reader_head(reader));

    rc = kv_reader_verify(reader, base, INT64_MAX, NULL, &stretch);
    if (rc == SQLITE_OK && stretch.ended == KV_END_MISSING &&
        stretch.end.seq == base.seq) {
      base = kv_reader_head(reader)->base; /* what log.db itself has */
      rc = kv_reader_verify(reader, base, INT64_MAX, NULL, &stretch);
    }
    stretch.n_seen = 0; /* they speak of numbers that will change */
    if (rc == SQLITE_OK && stretch.n_rows > 0) {
      rc = kv_numbers_next_arrival(store, &arrived);
      if (rc == SQLITE_OK)
        rc = kv_own_run(store, KV_SQL_OWN_SHIFT, INCARNATION_SHIFT, 0);
      if (rc == SQLITE_OK) {
        rc = kv_cache_merge(&store->stmts, reader, base, &stretch, arrived);
      }
      if (rc == SQLITE_OK)
        rc = kv_own_run(store, KV_SQL_OWN_DEDUPE, INCARNATION_SHIFT, 0);
      if (rc == SQLITE_OK) rc = kv_values_trim(&store->stmts);
    }
  }
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  sqlite3_free(path);
  return rc;
}

/* Renumber all own rows in the order of time, one transaction for each time. */
static int incarnation_renumber(kv_store *store, int64_t *n) {
  kv_span all = {0, 0, 0, 0};
  kv_run run;
  int rc = kv_cache_count(&store->stmts, store->device, n);

  if (rc != SQLITE_OK) return rc;
  kv_run_begin(&run, &store->stmts, KV_SQL_OWN_BY_TIME);
  kv_run_text(&run, store->device);
  rc = kv_own_set_numbers(store, &run, 0, -1, &all);
  if (rc == SQLITE_OK) {
    rc = kv_cache_run_for(&store->stmts, KV_SQL_OWN_SET_SEQ_END, store->device);
  }
  if (rc == SQLITE_OK) {
    rc = kv_cache_run_for(&store->stmts, KV_SQL_SEEN_FORGET, store->device);
  }
  if (rc == SQLITE_OK) {
    rc = kv_cache_arrive_again(&store->stmts, store->device, &all);
  }
  return rc;
}

/*
** Rebuild the log from own rows up to number n, and replace the old one.
*/
static int incarnation_make_log(kv_store *store, const kv_log_cursor *own,
                                int64_t n, char **err) {
  kv_log_head head;
  kv_writer_place place;
  kv_writer *log = NULL;
  kv_position end;
  int has_log;
  int rc;

  assert(own->has_id && !store->txn->log);
  kv_own_head(own, &head);
  place = kv_own_place(store, &head);
  place.file = "log.db.new";
  rc = kv_writer_begin_new(&place, &log, err);
  if (rc == SQLITE_OK)
    rc =
      kv_own_rows(store, log, head.origin.former_seq, log->head.base, n, &end);
  if (rc == SQLITE_OK) rc = kv_writer_commit(log);
  kv_writer_close(log);
  if (rc == SQLITE_OK) rc = incarnation_has_file(store, "log.db", &has_log);
  if (rc == SQLITE_OK && has_log) { /* else the next lock does it */
    rc = kv_writer_put_new(store->root, store->device, err);
  }
  if (rc != SQLITE_OK && rc != SQLITE_INTERRUPT) {
    kv_error(err, rc, "cannot rebuild the log of device %s: %s", store->device,
             sqlite3_errstr(rc));
  }
  return rc;
}

/* A new log id for the rows of the file and of the cache together. */
static int incarnation_begin(kv_store *store, kv_log_cursor *own, char **err) {
  kv_log_head head;
  int64_t n = 0;
  int rc;

  assert(kv_transaction_can_undo(store) && store->txn->pending.n_rows == 0);
  rc = incarnation_salvage(store);
  if (rc == SQLITE_OK) rc = incarnation_renumber(store, &n);
  if (rc == SQLITE_OK) {
    kv_handle_random(store->db, KV_ID_SIZE, own->id);
    memset(&own->origin, 0, offsetof(kv_origin, horizon));
    own->holes = 0;
    own->has_id = 1;
    memset(&store->txn->committed, 0, sizeof(store->txn->committed));
    kv_own_head(own, &head);
    rc = kv_own_rows(store, NULL, 0, head.base, n, &own->cached);
    own->published = own->cached;
  }
  return rc == SQLITE_OK ? incarnation_make_log(store, own, n, err) : rc;
}

/*
** Check whether the damaged file has rows after those that this cache
** published. Then their numbers are used up, and the rebuilt log needs a new
** id.
*/
static int incarnation_has_more(kv_store *store, const kv_log_cursor *own,
                                int *has_more) {
  char *path = kv_writer_path(store->root, store->device, "log.db");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_stretch stretch;
  kv_row row;
  int found = 0;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  *has_more = own->published.seq == 0;
  if (rc == SQLITE_OK) {
    rc = kv_reader_open_own(store->db, path, store->device, &reader, &verdict);
  }
  if (rc == SQLITE_OK && reader) rc = kv_reader_last(reader, &row, &found);
  if (found > 0 && row.seq > own->published.seq) *has_more = 1;
  if (rc == SQLITE_OK && reader && !*has_more) {
    rc = kv_reader_verify(reader, kv_reader_head(reader)->base, INT64_MAX, NULL,
                          &stretch);
    if (stretch.end.seq > own->published.seq) *has_more = 1;
  }
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  sqlite3_free(path);
  return rc;
}

/*
** Check whether a sealed file of the log is missing, or not whole: then this
** cache waits for it, or for another cache that has its rows.
*/
static int incarnation_lacks_file(kv_store *store, kv_log_cursor *own,
                                  int *lacks) {
  char *path = kv_writer_path(store->root, store->device, "log.db");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_stretch stretch;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  *lacks = 0;
  if (rc == SQLITE_OK) {
    rc = kv_reader_open_own(store->db, path, store->device, &reader, &verdict);
  }
  if (rc == SQLITE_OK && reader) {
    rc = kv_reader_verify(reader, kv_log_start(kv_reader_head(reader)),
                          INT64_MAX, NULL, &stretch);
    *lacks = rc == SQLITE_OK && stretch.ended == KV_END_MISSING;
  }
  if (*lacks) kv_incarnation_judge_lack(reader, 0, &own->verdict);
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  sqlite3_free(path);
  return rc;
}

int kv_incarnation_repair(kv_store *store, kv_log_cursor *own,
                          const kv_verdict *verdict, int adopt,
                          int *is_repaired, char **err) {
  kv_position end = {0, 0};
  int is_complete = 0;
  int has_more = 0;
  int lacks = 0;
  int rc = SQLITE_OK;

  assert(!store->txn->log && store->txn->pending.late.n == 0);
  *is_repaired = 0;
  if (verdict->state == KV_STATE_TWIN && !adopt) return SQLITE_OK;
  if (verdict->state != KV_STATE_TWIN && verdict->state != KV_STATE_DAMAGED) {
    return SQLITE_OK;
  }
  if (verdict->state == KV_STATE_DAMAGED && own->has_id) {
    kv_log_head head;

    kv_own_head(own, &head);
    rc = kv_own_rows(store, NULL, head.origin.former_seq, head.base,
                     own->published.seq, &end);
    is_complete = rc == SQLITE_OK && end.seq == own->published.seq &&
                  end.sum == own->published.sum;
    if (rc == KV_GAP) rc = SQLITE_OK;
    if (rc == SQLITE_OK && is_complete) {
      rc = incarnation_has_more(store, own, &has_more);
      is_complete = !has_more;
    }
  }
  if (rc == SQLITE_OK && !is_complete && !adopt) {
    rc = incarnation_lacks_file(store, own, &lacks);
  }
  if (rc == SQLITE_OK && is_complete) {
    rc = incarnation_make_log(store, own, own->published.seq, err);
  } else if (lacks) {
    return rc;
  } else if (rc == SQLITE_OK && store->txn->pending.n_rows > 0) {
    rc = kv_store_postpone(store, verdict, err);
  } else if (rc == SQLITE_OK) {
    rc = kv_retired_check_adopt(store, err);
    if (rc == SQLITE_OK) rc = incarnation_begin(store, own, err);
  }
  *is_repaired = rc == SQLITE_OK;
  return rc;
}

/* Columns of seen_last. */
enum { LAST_ID, LAST_SEQ, LAST_SUM };

/*
** The last row of this device's log that one peer says it has merged, and the
** id of that log. *found is 0 if it was of another lineage.
*/
static int incarnation_ack(kv_store *store, const char *peer,
                           const unsigned char *own, unsigned char *id,
                           kv_position *out, int *found) {
  kv_run run;

  *found = 0;
  kv_run_begin(&run, &store->stmts, KV_SQL_SEEN_LAST);
  kv_run_text(&run, peer);
  kv_run_text(&run, store->device);
  if (kv_run_row(&run)) {
    const void *peer_id = sqlite3_column_blob(run.stmt, LAST_ID);

    *found = peer_id && sqlite3_column_bytes(run.stmt, LAST_ID) == KV_ID_SIZE &&
             kv_row_same_lineage(peer_id, own);
    if (*found) memcpy(id, peer_id, KV_ID_SIZE);
    out->seq = sqlite3_column_int64(run.stmt, LAST_SEQ);
    out->sum = sqlite3_column_int64(run.stmt, LAST_SUM);
  }
  return kv_run_close(&run);
}

int kv_incarnation_check_peers(kv_store *store, kv_writer *log,
                               kv_log_cursor *own) {
  char **names = NULL;
  int n = 0;
  int i;
  int rc;

  assert(kv_writer_is_locked(log) && store->txn->pending.n_rows == 0);
  rc = kv_log_cursor_list(&store->stmts, &names, &n);
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    const unsigned char *own_id = log->head.id;
    unsigned char id[KV_ID_SIZE];
    kv_position ack = {0, 0};
    int64_t sum = 0;
    int is_older;
    int found;

    if (strcmp(names[i], store->device) == 0) continue;
    rc = incarnation_ack(store, names[i], own_id, id, &ack, &found);
    if (rc != SQLITE_OK || !found) continue;
    is_older = memcmp(id, own_id, KV_ID_SIZE) < 0;
    if (memcmp(id, own_id, KV_ID_SIZE) == 0) {
      if (ack.seq == 0) continue; /* it has nothing of it any more */
      rc = kv_writer_sum_at(log, ack.seq, &sum, &found);
      found = found && sum == ack.sum;
    } else {
      found = is_older && ack.seq <= log->tail.seq;
    }
    if (rc == SQLITE_OK && !found) {
      kv_verdict_set(&own->verdict, KV_STATE_TWIN,
                     "was rolled back: device %s has read row %lld of it, "
                     "which it no longer has",
                     names[i], ack.seq);
    }
  }
  kv_folder_free_names(names, n);
  return rc;
}

/*
** How much of the own log is verified each time: this many rows or bytes, and
** at most two more rows.
*/
#define INCARNATION_PART 2000
#define INCARNATION_PART_BYTES (1 << 20)

/* Choose a random start before `end`, so that each part has its turn. */
static int incarnation_part(kv_store *store, kv_writer *log, int64_t end,
                            kv_position *after, int *found) {
  kv_stamp stamp;
  uint32_t number;

  *after = kv_log_start(&log->head);
  *found = 1;
  kv_folder_look(log->path, &stamp);
  if (store->exchange->must_verify ||
      (end <= INCARNATION_PART && stamp.size <= INCARNATION_PART_BYTES)) {
    return SQLITE_OK;
  }
  kv_handle_random(store->db, sizeof(number), (unsigned char *)&number);
  after->seq = number % end;
  return kv_reader_sum_at(log->reader, after->seq, &after->sum, found);
}

/* Verify a part of the rows that were there before this commit, or all of them. */
static int incarnation_verify(kv_store *store, kv_writer *log, int64_t end,
                              const char **reason) {
  int is_part = !store->exchange->must_verify;
  kv_position after;
  const kv_row *row;
  size_t n = 0; /* bytes of keys and values */
  int found;
  int rc = incarnation_part(store, log, end, &after, &found);

  if (!found) *reason = "a row is missing";
  if (rc == SQLITE_OK && found) {
    if (is_part && end > after.seq + INCARNATION_PART) {
      end = after.seq + INCARNATION_PART;
    }
    rc = kv_reader_start(log->reader, after, end);
    if (rc == SQLITE_OK) rc = SQLITE_ROW;
  }
  while (rc == SQLITE_ROW && (!is_part || n < INCARNATION_PART_BYTES)) {
    rc = kv_reader_next(log->reader, &row, reason);
    if (rc == SQLITE_ROW) n += row->key.n + row->value.n;
  }
  if (found && kv_stretch_is_too_big(kv_reader_stretch(log->reader))) {
    *reason = NULL;
  }
  kv_reader_stop(log->reader);
  if (rc != SQLITE_DONE && rc != SQLITE_ROW) return rc;
  store->exchange->must_verify = 0;
  return SQLITE_OK;
}

int kv_incarnation_check_part(kv_store *store, kv_writer *log,
                              kv_log_cursor *own) {
  const char *reason = NULL;
  int found;
  int rc;

  assert(kv_writer_is_locked(log) && store->txn->pending.n_rows == 0);
  if (!log->reader) return SQLITE_OK;
  if (store->exchange->must_look) { /* is that why a write was refused? */
    rc = kv_writer_check(log, &found);
    if (rc == SQLITE_OK && !found) {
      kv_verdict_set(&own->verdict, KV_STATE_DAMAGED, "has damaged pages");
    }
    if (rc != SQLITE_OK || !found) return rc;
  }
  if (own->published.seq == 0) return SQLITE_OK;
  rc = incarnation_verify(store, log, own->published.seq, &reason);
  if (rc == SQLITE_OK && reason) {
    kv_verdict_set(&own->verdict, KV_STATE_DAMAGED, "at row %lld: %s",
                   kv_reader_position(log->reader).seq + 1, reason);
  }
  return rc;
}
