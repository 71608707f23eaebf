/*
** Reads a log file that may hold anything. See reader.h.
**
** A file that is admitted (admit.h) is read by rowid with plain SELECTs on a
** confined handle. It never runs aggregates, or other statements whose work
** depends on what the file promises.
**
** SQLite's errors while reading (SQLITE_CORRUPT, SQLITE_IOERR_SHORT_READ,
** SQLITE_INTERRUPT by the work limit) are the file's fault; SQLITE_NOMEM is
** ours. An error of the disk says nothing about the file: then another device's
** file is busy, and the own one is not judged at all.
*/
#include "reader.h"

#include <string.h>

#include "confine.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/handle.h"
#include "db/run.h"
#include "db/stmt.h"
#include "db/value.h"
#include "folder/folder.h"

struct kv_reader {
  sqlite3 *host; /* borrowed: may be interrupted meanwhile */
  sqlite3 *handle;
  int is_confined; /* the handle is the reader's own */
  int is_own;      /* the own log: an error of the disk is an error */
  int is_unread;   /* an error of the disk was met */
  kv_work work;    /* left until the next verified row */
  int64_t limit;   /* of the host: bytes of a row, about */
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
** How many rows are verified between two checks for an interrupt; this many
** bytes of a row count as one.
*/
#define READER_POLL 2048
#define READER_POLL_BYTES 1024

/* What a row of the cache takes at most beside bucket, key and value. */
#define READER_ROW 256

/* Why a row was not taken; of a wrong one kv_row_check() says it. */
static const char *const reader_reasons[] = {
  [KV_END_CLEAN] = NULL,
  [KV_END_TORN] = "its last transaction is incomplete",
  [KV_END_DAMAGED] = "the file's pages cannot be read",
  [KV_END_ENDLESS] = "the file promises more than it has",
  [KV_END_UNREAD] = "the disk reports an error",
  [KV_END_TOO_BIG] = "key and value are over the limit of 64 MB for a row",
  [KV_END_LIMITED] =
    "a value is over this connection's limit (SQLITE_LIMIT_LENGTH)",
};

int kv_stretch_is_too_big(const kv_stretch *stretch) {
  return stretch->ended == KV_END_TOO_BIG || stretch->ended == KV_END_LIMITED;
}

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

/* Check that the file is a log of this device. */
static int reader_admit(kv_reader *reader, const char *device,
                        kv_verdict *verdict) {
  return reader_fault(reader,
                      kv_admit(reader->handle, device, &reader->head, verdict));
}

/*
** SQLite also returns SQLITE_NOMEM for a damaged file. The own log is then
** rebuilt, so it must do so twice, with memory for another one. The first time,
** it has rolled back the transaction in which the log was locked: what follows
** would run without a lock.
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
  if (rc != KV_DAMAGED) return rc;
  kv_verdict_set(verdict, KV_STATE_DAMAGED,
                 "cannot be read: it needs more memory than there is");
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
  reader->handle = handle;
  reader->limit = sqlite3_limit(host, SQLITE_LIMIT_LENGTH, -1) - READER_ROW;
  reader->is_confined = is_confined;
  reader->is_own = is_own;
  reader->work = KV_WORK_ADMIT;
  if (is_confined) {
    rc = kv_confine(handle, &reader->work);
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
  ** For a pipe, SQLite would wait for ever in open(2). The caller's check may
  ** be old, because it may have waited for a lock. Between here and that open a
  ** moment remains: SQLite cannot open without waiting, and if we opened and
  ** closed the file ourselves, that would drop the locks that SQLite holds on
  ** it.
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

int kv_reader_sum_at(kv_reader *reader, int64_t seq, int64_t *sum, int *found) {
  kv_run run;

  *found = seq == reader->head.base.seq;
  *sum = reader->head.base.sum;
  if (*found) return SQLITE_OK;

  reader->work = KV_WORK_ROW;
  kv_run_begin_on(&run, reader->handle, KV_SQL_FOREIGN_SUM_AT);
  kv_run_int(&run, seq);
  if (kv_run_row(&run) && sqlite3_column_type(run.stmt, 0) == SQLITE_INTEGER) {
    *sum = sqlite3_column_int64(run.stmt, 0);
    *found = 1;
  }
  return reader_fault(reader, kv_run_close(&run));
}

int kv_reader_has(kv_reader *reader, kv_position at, int *has) {
  int64_t sum = 0;
  int rc = kv_reader_sum_at(reader, at.seq, &sum, has);

  if (sum != at.sum) *has = 0;
  return rc;
}

/* Columns of foreign_rows and foreign_last. */
enum {
  LOG_SEQ,
  LOG_TXN,
  LOG_TS,
  LOG_PARENT_TS,
  LOG_OP,
  LOG_BUCKET,
  LOG_KEY,
  LOG_VALUE,
  LOG_SUM
};

/* The row that one of them is on; *reason: it is none. */
static int reader_row(sqlite3_stmt *stmt, kv_row *row, const char **reason) {
  int rc;

  if (sqlite3_column_type(stmt, LOG_TXN) != SQLITE_INTEGER ||
      sqlite3_column_type(stmt, LOG_TS) != SQLITE_INTEGER ||
      sqlite3_column_type(stmt, LOG_OP) != SQLITE_INTEGER ||
      sqlite3_column_type(stmt, LOG_SUM) != SQLITE_INTEGER) {
    *reason = "a column has a value of another type";
    return SQLITE_OK;
  }
  row->seq = sqlite3_column_int64(stmt, LOG_SEQ);
  row->txn = sqlite3_column_int64(stmt, LOG_TXN);
  row->ts = sqlite3_column_int64(stmt, LOG_TS);
  row->op = sqlite3_column_int(stmt, LOG_OP);
  row->sum = sqlite3_column_int64(stmt, LOG_SUM);
  if (sqlite3_column_int64(stmt, LOG_OP) != row->op) row->op = -1;
  rc = kv_value_of_column(stmt, LOG_PARENT_TS, &row->parent_ts);
  if (rc == SQLITE_OK) rc = kv_value_of_column(stmt, LOG_BUCKET, &row->bucket);
  if (rc == SQLITE_OK) rc = kv_value_of_column(stmt, LOG_KEY, &row->key);
  if (rc == SQLITE_OK) rc = kv_value_of_column(stmt, LOG_VALUE, &row->value);
  return rc;
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
  if (rc == SQLITE_ROW) {
    rc = reader_row(reader->last, row, &reason);
    *found = rc == SQLITE_OK && !reason ? 1 : -1;
  } else if (rc != SQLITE_DONE) {
    *found = -1;
  }
  return reader_fault(reader, rc);
}

/* Columns of foreign_tail. */
enum { TAIL_SEQ, TAIL_TXN, TAIL_TS, TAIL_OP, TAIL_SUM };

int kv_reader_tail(kv_reader *reader, kv_position *tail, int *found) {
  kv_run run;
  int rc;
  int i;

  reader->work = KV_WORK_ROW;
  kv_run_begin_on(&run, reader->handle, KV_SQL_FOREIGN_TAIL);
  *found = kv_run_row(&run);
  if (*found) {
    tail->seq = sqlite3_column_int64(run.stmt, TAIL_SEQ);
    tail->sum = sqlite3_column_int64(run.stmt, TAIL_SUM);
    for (i = TAIL_TXN; i <= TAIL_SUM; i++)
      if (sqlite3_column_type(run.stmt, i) != SQLITE_INTEGER) *found = -1;
  }
  rc = kv_run_close(&run);
  if (rc != SQLITE_OK) *found = -1;
  return reader_fault(reader, rc);
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

/* End the reading: the next row does not verify, or does not exist. */
static int reader_end(kv_reader *reader, kv_end end, const char *reason) {
  kv_stretch *whole = &reader->whole;

  whole->ended = end;
  if (end == KV_END_CLEAN && reader->at.end.seq > whole->end.seq) {
    whole->ended = KV_END_TORN;
  }
  whole->reason = reason ? reason : reader_reasons[whole->ended];
  if (reader->is_unread && whole->ended != KV_END_CLEAN) {
    whole->ended = KV_END_UNREAD;
  }
  return SQLITE_DONE;
}

/* The next row is larger than what is read here. */
static kv_end reader_too_big(const kv_reader *reader) {
  return reader->limit < KV_VALUE_MAX ? KV_END_LIMITED : KV_END_TOO_BIG;
}

/* Read the row that the scan stands at; *reason: it is not the next one. */
static int reader_take(kv_reader *reader, const char **reason) {
  kv_row *row = &reader->row;
  int rc = reader_row(reader->rows, row, reason);
  kv_end end = KV_END_WRONG;
  int64_t size;

  if (rc != SQLITE_OK) return rc;
  size = *reason ? 0 : (int64_t)kv_row_size(row);
  if (size > KV_VALUE_MAX || size > reader->limit) {
    end = reader_too_big(reader);
    *reason = reader_reasons[end];
  } else if (!*reason) {
    *reason = kv_row_check(&reader->previous, row);
  }
  if (*reason) return reader_end(reader, end, *reason);
  reader->previous.seq = row->seq;
  reader->previous.txn = row->txn;
  reader->previous.sum = row->sum;
  reader->work = KV_WORK_ROW;
  reader->n_read += 1 + (size_t)size / READER_POLL_BYTES;
  reader_note(reader, row);
  return SQLITE_ROW;
}

/* Check now and then whether the host has interrupted. */
static int reader_is_stopped(kv_reader *reader) {
  if (reader->n_read < READER_POLL) return 0;
  reader->n_read = 0;
  return kv_stmt_is_stopped(reader->poll);
}

/* Why there is no next row, from what SQLite said. */
static kv_end reader_end_of(const kv_reader *reader, int rc) {
  switch (rc & 0xff) {
    case SQLITE_DONE: return KV_END_CLEAN;
    case SQLITE_TOOBIG: return reader_too_big(reader);
    case SQLITE_INTERRUPT: return KV_END_ENDLESS;
    default: return reader->is_unread ? KV_END_UNREAD : KV_END_DAMAGED;
  }
}

int kv_reader_next(kv_reader *reader, const kv_row **row, const char **reason) {
  kv_end end;
  int rc;

  *reason = NULL;
  *row = &reader->row;
  if (reader_is_stopped(reader)) return SQLITE_INTERRUPT;
  rc = sqlite3_step(reader->rows);
  if (rc == SQLITE_ROW) return reader_take(reader, reason);
  if (reader_fault(reader, rc) != SQLITE_OK) return rc;
  end = reader_end_of(reader, rc);
  *reason = reader_reasons[end];
  return reader_end(reader, end, NULL);
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

int kv_reader_last_seq(kv_reader *reader, int64_t *out) {
  kv_run run;

  *out = 0;
  kv_run_begin_on(&run, reader->handle, KV_SQL_FOREIGN_LAST_SEQ);
  return reader_fault(reader, kv_run_number(&run, out));
}

int kv_reader_is_torn(kv_reader *reader, int *is_torn) {
  int rc = SQLITE_OK;

  if (reader->last_seq < 0) {
    rc = kv_reader_last_seq(reader, &reader->last_seq);
    if (reader->last_seq == 0) reader->last_seq = INT64_MAX;
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
