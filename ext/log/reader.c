/*
** Reading a log file that may hold anything. See reader.h.
**
** A file that is admitted (admit.h) is read by rowid with plain SELECTs on a
** confined handle. Aggregates, and any statement whose work depends on what the
** file promises, are never run.
**
** SQLite's errors while reading (SQLITE_CORRUPT, SQLITE_IOERR_SHORT_READ,
** SQLITE_INTERRUPT by the work limit) are the file's fault; SQLITE_NOMEM is
** ours. An error of the disk says nothing about the file: another device's is
** busy then, the own one is not judged at all.
*/
#include "reader.h"

#include <string.h>

#include "confine.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/handle.h"
#include "db/stmt.h"
#include "db/value.h"
#include "folder/folder.h"
#include "large.h"

struct kv_reader {
  sqlite3 *host; /* borrowed: may be interrupted meanwhile */
  sqlite3 *handle;
  int is_confined;         /* the handle is the reader's own */
  int is_own;              /* the own log: an error of the disk is an error */
  int is_unread;           /* an error of the disk was met */
  kv_work work;            /* left until the next verified row */
  kv_large_check_of large; /* limit: of a value, if more than the handle's */
  kv_log_head head;
  sqlite3_stmt *rows; /* the running scan */
  sqlite3_stmt *last; /* keeps the values of kv_reader_last() */
  kv_row previous;    /* seq, txn and sum of the last verified row */
  kv_row row;
  int64_t clock_limit;
  sqlite3_stmt *poll;  /* borrowed; NULL: nobody is asked */
  size_t n_read;       /* since somebody was asked */
  int64_t last_seq;    /* of the file, unverified; -1: not looked up */
  kv_stretch at;       /* what was read, half a transaction included */
  kv_stretch whole;    /* up to the last whole transaction */
  kv_span transaction; /* the one that is being read */
  kv_spans spans;
};

/*
** How many rows are verified between two looks at the host; so many bytes of a
** value count as one.
*/
#define READER_POLL 2048
#define READER_POLL_BYTES 1024

static int reader_is_our_fault(int rc) {
  return (rc & 0xff) == SQLITE_NOMEM;
}

/* The error to be returned for what SQLite said, SQLITE_OK: none. */
static int reader_fault(kv_reader *reader, int rc) {
  /* A handle that wrote may have to make room in memory before it reads. */
  int is_full = reader->is_own && (rc & 0xff) == SQLITE_FULL;
  int is_unread = kv_error_is_disk(rc) || is_full;

  if (is_unread) reader->is_unread = 1;
  return reader_is_our_fault(rc) || (is_unread && reader->is_own) ? rc
                                                                  : SQLITE_OK;
}

/* Is the file a log, and of this device? */
static int reader_admit(kv_reader *reader, const char *device,
                        kv_verdict *verdict) {
  return reader_fault(reader,
                      kv_admit(reader->handle, device, &reader->head, verdict));
}

/*
** SQLite also says SQLITE_NOMEM of a damaged file. The own log is made anew
** then, so it has to say so twice, with memory for another one. If it says so
** once, it has rolled back the transaction in which the log was locked: what
** would follow in it follows without a lock.
*/
static int reader_admit_again(kv_reader *reader, const char *device,
                              kv_verdict *verdict, int is_locked, int first) {
  int rc;

  if ((first & 0xff) != SQLITE_NOMEM) return first;
  kv_verdict_clear(verdict);
  reader->work = KV_WORK_ADMIT;
  rc = kv_handle_judge(reader->handle, reader_admit(reader, device, verdict));
  if (rc == SQLITE_OK && verdict->state == KV_STATE_OK && is_locked &&
      sqlite3_get_autocommit(reader->handle)) {
    return first;
  }
  if (rc != SQLITE_CORRUPT) return rc;
  kv_verdict_set(verdict, KV_STATE_DAMAGED,
                 "cannot be read: it asks for more memory than there is");
  return SQLITE_OK;
}

/* A confined handle is the reader's: it is closed here if there is none. */
static int reader_new(sqlite3 *host, sqlite3 *handle, const char *device,
                      int is_confined, int is_own, kv_reader **out,
                      kv_verdict *verdict) {
  kv_reader *reader = kv_zalloc(sizeof(*reader));
  int is_locked = !sqlite3_get_autocommit(handle);
  int rc = SQLITE_OK;

  kv_verdict_clear(verdict);
  *out = NULL;
  if (!reader) {
    if (is_confined) sqlite3_close(handle);
    return SQLITE_NOMEM;
  }
  reader->host = host;
  reader->handle = reader->large.handle = handle;
  reader->is_confined = is_confined;
  reader->is_own = is_own;
  reader->work = KV_WORK_ADMIT;
  if (is_confined) {
    rc = kv_confine(handle, &reader->work);
    kv_large_limit(&reader->large);
  } else {
    kv_confine_steps(handle, &reader->work);
  }
  if (rc == SQLITE_OK) {
    rc = reader_admit(reader, device, verdict);
    if (is_own) {
      rc = reader_admit_again(reader, device, verdict, is_locked, rc);
    }
  }
  reader->work = KV_WORK_ROW;
  if (rc == SQLITE_OK && is_confined && verdict->state == KV_STATE_OK) {
    kv_stmt_run(handle, KV_SQL_HANDLE_SMALL); /* without it all works, too */
  }
  if (!is_confined) kv_confine_steps(handle, NULL);
  if (rc == SQLITE_OK && verdict->state == KV_STATE_OK) {
    *out = reader;
  } else {
    kv_reader_close(reader);
  }
  return rc;
}

static int reader_open(sqlite3 *host, const char *path, const char *device,
                       int is_own, kv_reader **out, kv_verdict *verdict) {
  sqlite3 *handle = NULL;
  kv_stamp stamp;
  int rc = SQLITE_OK;

  *out = NULL;
  /*
  ** SQLite would wait in open(2) for the other end of a pipe, for ever. Who
  ** looked before may have waited for a lock since; the moment from here to
  ** that open is left, as SQLite has no way to open without waiting, and to
  ** close a file of our own would drop the locks that it holds on it.
  */
  if (kv_folder_look(path, &stamp) == KV_FILE_OTHER) {
    kv_verdict_set(verdict, KV_STATE_STRANGER, "is not a regular file");
    return is_own ? SQLITE_CANTOPEN : SQLITE_OK;
  }
  rc = kv_handle_read(host, path, &handle);
  if (rc == SQLITE_OK) {
    return reader_new(host, handle, device, 1, is_own, out, verdict);
  }
  if (is_own || reader_is_our_fault(rc)) return rc;
  kv_verdict_set(
    verdict, rc == SQLITE_CANTOPEN_SYMLINK ? KV_STATE_STRANGER : KV_STATE_BUSY,
    "cannot be opened: %s", sqlite3_errstr(rc));
  return SQLITE_OK;
}

int kv_reader_open(sqlite3 *host, const char *path, const char *device,
                   kv_reader **out, kv_verdict *verdict) {
  return reader_open(host, path, device, 0, out, verdict);
}

int kv_reader_open_own(sqlite3 *host, const char *path, const char *device,
                       kv_reader **out, kv_verdict *verdict) {
  return reader_open(host, path, device, 1, out, verdict);
}

int kv_reader_on(sqlite3 *host, sqlite3 *handle, const char *device,
                 kv_reader **out, kv_verdict *verdict) {
  return reader_new(host, handle, device, 0, 1, out, verdict);
}

void kv_reader_close(kv_reader *reader) {
  if (!reader) return;
  sqlite3_finalize(reader->rows);
  sqlite3_finalize(reader->last);
  if (reader->is_confined) sqlite3_close(reader->handle);
  sqlite3_free(reader);
}

const kv_log_head *kv_reader_head(const kv_reader *reader) {
  return &reader->head;
}

const kv_large_left *kv_reader_left(const kv_reader *reader) {
  return reader->large.left.is_left ? &reader->large.left : NULL;
}

/* After a check of a large row: the error that is to be returned. */
static int reader_large_end(kv_reader *reader, int rc) {
  reader->work = KV_WORK_ROW;
  if (rc == SQLITE_ABORT) return SQLITE_INTERRUPT;
  return reader_fault(reader, rc);
}

int kv_reader_keep(kv_reader *reader, kv_larges *larges, int64_t budget,
                   sqlite3_stmt *poll) {
  reader->large.larges = larges;
  reader->large.budget = budget;
  reader->large.poll = poll;
  kv_larges_of(larges, reader->head.id);
  reader->work = KV_WORK_LARGE;
  return reader_large_end(reader, kv_large_go_on(&reader->large));
}

/* Columns: those of foreign_sum_at. */
static int reader_sum_at(kv_reader *reader, int64_t seq,
                         const int64_t *expected, int64_t *sum, int *found) {
  sqlite3_stmt *stmt = NULL;
  int rc;

  *found = seq == reader->head.base.seq;
  *sum = reader->head.base.sum;
  if (*found) return SQLITE_OK;

  reader->work = KV_WORK_ROW;
  rc = kv_stmt_prepare(reader->handle, KV_SQL_FOREIGN_SUM_AT, &stmt);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 1, seq);
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 7) == SQLITE_INTEGER) {
    *sum = sqlite3_column_int64(stmt, 7);
    *found = 1;
  }
  sqlite3_finalize(stmt);
  if (rc == SQLITE_TOOBIG && reader->large.limit > 0) {
    reader->work = KV_WORK_LARGE;
    rc = kv_large_sum(&reader->large, seq, expected, sum, found);
  }
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int kv_reader_sum_at(kv_reader *reader, int64_t seq, int64_t *sum, int *found) {
  return reader_large_end(reader, reader_sum_at(reader, seq, NULL, sum, found));
}

int kv_reader_has(kv_reader *reader, kv_position at, int *has) {
  int64_t sum = 0;
  int rc = reader_sum_at(reader, at.seq, &at.sum, &sum, has);

  if (sum != at.sum) *has = 0;
  return reader_large_end(reader, rc);
}

/* Columns: seq, txn, ts, parent_ts, op, bucket, key, value, sum. */
static int reader_row(sqlite3_stmt *stmt, kv_row *row, const char **reason) {
  int rc;

  if (sqlite3_column_type(stmt, 1) != SQLITE_INTEGER ||
      sqlite3_column_type(stmt, 2) != SQLITE_INTEGER ||
      sqlite3_column_type(stmt, 4) != SQLITE_INTEGER ||
      sqlite3_column_type(stmt, 8) != SQLITE_INTEGER) {
    *reason = "a column has a value of another type";
    return SQLITE_OK;
  }
  row->seq = sqlite3_column_int64(stmt, 0);
  row->txn = sqlite3_column_int64(stmt, 1);
  row->ts = sqlite3_column_int64(stmt, 2);
  row->op = sqlite3_column_int(stmt, 4);
  row->sum = sqlite3_column_int64(stmt, 8);
  if (sqlite3_column_int64(stmt, 4) != row->op) row->op = -1;
  rc = kv_value_of_column(stmt, 3, &row->parent_ts);
  if (rc == SQLITE_OK) rc = kv_value_of_column(stmt, 5, &row->bucket);
  if (rc == SQLITE_OK) rc = kv_value_of_column(stmt, 6, &row->key);
  if (rc == SQLITE_OK) rc = kv_value_of_column(stmt, 7, &row->value);
  return rc;
}

/* The last row has a large value; step to it if it follows the one before. */
static int reader_step_large_last(kv_reader *reader, const char **reason) {
  kv_row previous = {0};
  sqlite3_stmt *stmt = NULL;
  int found = 0;
  int rc = kv_stmt_prepare(reader->handle, KV_SQL_FOREIGN_BEFORE_LAST, &stmt);

  previous.seq = previous.txn = reader->head.base.seq;
  previous.sum = reader->head.base.sum;
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) {
    previous.seq = sqlite3_column_int64(stmt, 0);
    previous.txn = sqlite3_column_int64(stmt, 1);
  }
  sqlite3_finalize(stmt);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) return rc;
  rc = reader_sum_at(reader, previous.seq, NULL, &previous.sum, &found);
  if (rc != SQLITE_OK) return rc;
  if (!found) *reason = "the row before it cannot be read";
  if (!found) return SQLITE_OK;
  reader->work = KV_WORK_LARGE;
  rc = kv_large_check(&reader->large, &previous, reason);
  if (rc != SQLITE_OK || *reason) return rc;
  sqlite3_reset(reader->last);
  return kv_large_step(&reader->large, reader->last, &reader->work);
}

int kv_reader_last(kv_reader *reader, kv_row *row, int *found) {
  const char *reason = NULL;
  int rc;

  *found = 0;
  sqlite3_finalize(reader->last);
  reader->last = NULL;
  reader->work = KV_WORK_ROW;
  rc = kv_stmt_prepare(reader->handle, KV_SQL_FOREIGN_LAST, &reader->last);
  if (rc == SQLITE_OK) rc = sqlite3_step(reader->last);
  if (rc == SQLITE_TOOBIG && reader->large.limit > 0) {
    rc = reader_step_large_last(reader, &reason);
  }
  if (rc == SQLITE_ROW) {
    rc = reader_row(reader->last, row, &reason);
    *found = rc == SQLITE_OK && !reason ? 1 : -1;
  } else if (rc != SQLITE_DONE) {
    *found = -1;
  }
  return reader_large_end(reader, rc);
}

/* The last row is large: which one is it, and what is its sum? */
static int reader_large_tail(kv_reader *reader, kv_position expected,
                             kv_position *tail, int *found) {
  sqlite3_stmt *stmt = NULL;
  int is_expected;
  int rc = kv_stmt_prepare(reader->handle, KV_SQL_FOREIGN_LAST_SEQ, &stmt);

  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) tail->seq = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  if (rc != SQLITE_ROW) return rc;
  is_expected = tail->seq == expected.seq;
  rc = reader_sum_at(reader, tail->seq, is_expected ? &expected.sum : NULL,
                     &tail->sum, found);
  if (!*found) *found = -1;
  return rc;
}

int kv_reader_tail(kv_reader *reader, kv_position expected, kv_position *tail,
                   int *found) {
  const char *reason = NULL;
  sqlite3_stmt *stmt = NULL;
  kv_row row;
  int rc;

  *found = 0;
  reader->work = KV_WORK_ROW;
  if (!reader->is_confined) kv_large_limit(&reader->large);
  rc = kv_stmt_prepare(reader->handle, KV_SQL_FOREIGN_LAST, &stmt);
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) {
    rc = reader_row(stmt, &row, &reason);
    *found = rc == SQLITE_OK && !reason ? 1 : -1;
    if (*found > 0) *tail = (kv_position){row.seq, row.sum};
  } else if (rc == SQLITE_TOOBIG && reader->large.limit > 0) {
    rc = reader_large_tail(reader, expected, tail, found);
  } else if (rc != SQLITE_DONE) {
    *found = -1;
  }
  sqlite3_finalize(stmt);
  if (!reader->is_confined) kv_large_unlimit(&reader->large);
  return reader_large_end(reader, rc);
}

int kv_reader_start(kv_reader *reader, kv_position after, int64_t until) {
  int rc = SQLITE_OK;

  if (reader->rows) {
    sqlite3_reset(reader->rows);
  } else {
    rc = kv_stmt_prepare(reader->handle, KV_SQL_FOREIGN_ROWS, &reader->rows);
  }
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(reader->rows, 1, after.seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(reader->rows, 2, until);
  reader->previous.seq = after.seq;
  reader->previous.txn = after.seq;
  reader->previous.sum = after.sum;
  reader->work = KV_WORK_ROW;
  reader->clock_limit = INT64_MAX;
  reader->poll = NULL;
  reader->n_read = 0;
  reader->last_seq = -1;
  memset(&reader->at, 0, sizeof(reader->at));
  reader->at.end = after;
  reader->at.last_ts = reader->at.counted_ts = -1;
  reader->whole = reader->at;
  memset(&reader->transaction, 0, sizeof(reader->transaction));
  kv_spans_clear(&reader->spans);
  return reader_fault(reader, rc);
}

void kv_reader_watch(kv_reader *reader, int64_t clock_limit,
                     sqlite3_stmt *poll) {
  reader->clock_limit = clock_limit;
  reader->poll = poll;
}

/* Note what a verified row adds, and where and when it is. */
static void reader_note(kv_reader *reader, const kv_row *row) {
  kv_stretch *at = &reader->at;

  at->end.seq = row->seq;
  at->end.sum = row->sum;
  if (row->ts > at->last_ts) at->last_ts = row->ts;
  if (row->ts <= reader->clock_limit && row->ts > at->counted_ts) {
    at->counted_ts = row->ts;
  }
  if (row->op == KV_OP_SEEN) {
    at->n_seen++;
  } else {
    at->n_rows++;
    kv_span_row(&reader->transaction, row->seq, row->ts);
  }
  if (row->seq < row->txn) return;
  reader->whole = *at;
  if (reader->transaction.last_seq > 0) {
    kv_spans_add(&reader->spans, &reader->transaction);
    memset(&reader->transaction, 0, sizeof(reader->transaction));
  }
}

/* Step to a row with a large value, if it is right. */
static int reader_step_large(kv_reader *reader, const char **reason) {
  sqlite3_stmt *rows = reader->rows;
  int rc;

  reader->large.poll = reader->poll;
  reader->work = KV_WORK_LARGE;
  rc = kv_large_check(&reader->large, &reader->previous, reason);
  if (rc != SQLITE_OK || *reason) return rc;
  sqlite3_reset(rows);
  rc = sqlite3_bind_int64(rows, 1, reader->previous.seq);
  if (rc == SQLITE_OK) {
    rc = kv_large_step(&reader->large, rows, &reader->work);
  }
  return rc;
}

/* Nothing more is read: the next row does not verify, or there is none. */
static int reader_end(kv_reader *reader, const char *reason) {
  kv_stretch *whole = &reader->whole;

  if (!reason && reader->at.end.seq > whole->end.seq) {
    reason = "its last transaction is not whole";
  }
  whole->reason = reason;
  whole->is_clean = !reason;
  return SQLITE_DONE;
}

/* Read the row that the scan stands at; *reason: it is not the next one. */
static int reader_take(kv_reader *reader, const char **reason) {
  kv_row *row = &reader->row;
  int rc = reader_row(reader->rows, row, reason);

  if (rc != SQLITE_OK) return rc;
  if (!*reason) *reason = kv_row_check(&reader->previous, row);
  if (*reason) {
    /* It was right when it was read in pieces, if it was. */
    if (reader->large.larges) kv_larges_clear(reader->large.larges);
    return reader_end(reader, *reason);
  }
  reader->previous.seq = row->seq;
  reader->previous.txn = row->txn;
  reader->previous.sum = row->sum;
  reader->work = KV_WORK_ROW;
  reader->large.deadline = 0;
  reader->n_read += 1 + row->value.n / READER_POLL_BYTES;
  reader_note(reader, row);
  return SQLITE_ROW;
}

/* Has the host had enough? Asked now and then. */
static int reader_is_stopped(kv_reader *reader) {
  if (reader->n_read < READER_POLL) return 0;
  reader->n_read = 0;
  return kv_stmt_is_stopped(reader->poll);
}

int kv_reader_next(kv_reader *reader, const kv_row **row, const char **reason) {
  int rc;

  *reason = NULL;
  *row = &reader->row;
  if (reader_is_stopped(reader)) return SQLITE_INTERRUPT;
  rc = sqlite3_step(reader->rows);
  if (rc == SQLITE_TOOBIG && reader->large.limit > 0) {
    rc = reader_step_large(reader, reason);
    if (rc == SQLITE_OK) return reader_end(reader, *reason);
  }
  if (rc == SQLITE_ROW) return reader_take(reader, reason);
  if (rc == SQLITE_ABORT) return SQLITE_INTERRUPT;
  if (reader_fault(reader, rc) != SQLITE_OK) return rc;
  switch (rc & 0xff) {
    case SQLITE_DONE: break;
    case SQLITE_TOOBIG:
      reader->whole.is_too_big = 1;
      *reason = "a value is over this connection's limit (SQLITE_LIMIT_LENGTH)";
      break;
    case SQLITE_INTERRUPT:
      *reason = "the file promises more than it has";
      break;
    default:
      *reason = reader->is_unread ? "the disk cannot read it"
                                  : "the file's pages cannot be read";
      break;
  }
  return reader_end(reader, *reason);
}

void kv_reader_stop(kv_reader *reader) {
  sqlite3_reset(reader->rows);
}

kv_position kv_reader_position(const kv_reader *reader) {
  kv_position position = {reader->previous.seq, reader->previous.sum};
  return position;
}

int kv_reader_is_unread(const kv_reader *reader) {
  return reader->is_unread;
}

const kv_spans *kv_reader_spans(const kv_reader *reader) {
  return &reader->spans;
}

const kv_stretch *kv_reader_stretch(const kv_reader *reader) {
  return &reader->whole;
}

int kv_reader_is_torn(kv_reader *reader, int *is_torn) {
  sqlite3_stmt *stmt = NULL;
  int rc = SQLITE_OK;

  if (reader->last_seq < 0) {
    reader->last_seq = INT64_MAX;
    rc = kv_stmt_prepare(reader->handle, KV_SQL_FOREIGN_LAST_SEQ, &stmt);
    if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) reader->last_seq = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
  }
  *is_torn = reader->previous.txn > reader->last_seq;
  return reader_is_our_fault(rc) ? rc : SQLITE_OK;
}

int kv_reader_drain(kv_reader *reader) {
  const kv_row *row;
  const char *reason;
  int rc = SQLITE_ROW;

  while (rc == SQLITE_ROW)
    rc = kv_reader_next(reader, &row, &reason);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int kv_reader_verify(kv_reader *reader, kv_position after, int64_t clock_limit,
                     sqlite3_stmt *poll, kv_stretch *out) {
  sqlite3_stmt *own_poll = NULL;
  int rc = kv_reader_start(reader, after, INT64_MAX);

  if (rc == SQLITE_OK && !poll) {
    rc = kv_stmt_prepare(reader->host, KV_SQL_POLL, &own_poll);
    if (!reader_is_our_fault(rc)) rc = SQLITE_OK; /* a host that denies it */
    poll = own_poll;
  }
  kv_reader_watch(reader, clock_limit, poll);
  if (rc == SQLITE_OK) rc = kv_reader_drain(reader);
  reader->poll = NULL;
  *out = reader->whole;
  sqlite3_finalize(own_poll);
  return rc;
}
