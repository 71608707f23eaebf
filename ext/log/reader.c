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

#include "core/clock.h"
#include "db/error.h"
#include "db/run.h"
#include "db/stmt.h"
#include "db/value.h"
#include "reading.h"

/*
** How many rows are verified between two checks for an interrupt; this many
** bytes of a row count as one.
*/
#define READER_POLL 2048
#define READER_POLL_BYTES 1024

/* Why a row was not taken; if it is wrong, kv_row_check() says why. */
static const char *const reader_reasons[] = {
  [KV_END_CLEAN] = NULL,
  [KV_END_TORN] = "its last transaction is incomplete",
  [KV_END_MISSING] = "the file that has it is not there",
  [KV_END_DAMAGED] = "the file's pages cannot be read",
  [KV_END_ENDLESS] = "the file promises more than it has",
  [KV_END_UNREAD] = "the disk reports an error",
  [KV_END_TOO_BIG] = "key and value are over the limit of 64 MB for a row",
  [KV_END_KEY] = "its key is over the limit of 64 KiB",
  [KV_END_LIMITED] =
    "a value is over this connection's limit (SQLITE_LIMIT_LENGTH)",
};

int kv_stretch_is_too_big(const kv_stretch *stretch) {
  return stretch->ended == KV_END_TOO_BIG || stretch->ended == KV_END_KEY ||
         stretch->ended == KV_END_LIMITED;
}

int kv_reader_open(sqlite3 *host, const char *path, const char *device,
                   kv_reader **out, kv_verdict *verdict) {
  return kv_reading_open(host, path, device, 0, out, verdict);
}

int kv_reader_open_own(sqlite3 *host, const char *path, const char *device,
                       kv_reader **out, kv_verdict *verdict) {
  return kv_reading_open(host, path, device, 1, out, verdict);
}

int kv_reader_on(sqlite3 *host, sqlite3 *handle, const char *device,
                 kv_reader **out, kv_verdict *verdict) {
  return kv_reading_on(host, handle, device, 0, 1, out, verdict);
}

void kv_reader_close(kv_reader *reader) {
  kv_reading_close(reader);
}

const kv_log_head *kv_reader_head(const kv_reader *reader) {
  return &reader->head;
}

/* Columns of foreign_sum_at. */
enum { SUM_SEQ, SUM_SUM };

int kv_reader_sum_at(kv_reader *reader, int64_t seq, int64_t *sum, int *found) {
  int64_t holes = reader->head.origin.former_seq;
  kv_reader *file;
  kv_run run;
  int rc = kv_reading_cover(reader, seq, &file);

  *found = 0;
  *sum = 0;
  if (rc != SQLITE_OK || !file) return rc;
  *found = seq == file->head.base.seq;
  *sum = file->head.base.sum;
  if (*found) return SQLITE_OK;

  file->work = KV_WORK_ROW;
  kv_run_begin_on(&run, file->handle, KV_SQL_FOREIGN_SUM_AT);
  kv_run_int(&run, seq);
  if (kv_run_row(&run)) {
    *sum = sqlite3_column_int64(run.stmt, SUM_SUM);
    *found = sqlite3_column_type(run.stmt, SUM_SUM) == SQLITE_INTEGER &&
             (seq <= holes || sqlite3_column_int64(run.stmt, SUM_SEQ) == seq);
  } else {
    *found = run.rc == SQLITE_OK && seq <= holes && seq >= file->head.base.seq;
  }
  return kv_reading_fault(reader, kv_run_close(&run));
}

const kv_verdict *kv_reader_lack(const kv_reader *reader) {
  return reader->lack.state == KV_STATE_OK ? NULL : &reader->lack;
}

int kv_reader_has(kv_reader *reader, kv_position at, int *has) {
  int64_t sum = 0;
  int rc = kv_reader_sum_at(reader, at.seq, &sum, has);

  if (sum != at.sum) *has = 0;
  return rc;
}

/* Columns of foreign_rows and foreign_last. */
enum {
  READER_SEQ,
  READER_TXN,
  READER_TS,
  READER_PARENT_TS,
  READER_OP,
  READER_BUCKET,
  READER_KEY,
  READER_VALUE,
  READER_SUM
};

/* Read the current row of one of them; *reason: it is not a row. */
static int reader_row(sqlite3_stmt *stmt, kv_row *row, const char **reason) {
  int rc;

  if (sqlite3_column_type(stmt, READER_TXN) != SQLITE_INTEGER ||
      sqlite3_column_type(stmt, READER_TS) != SQLITE_INTEGER ||
      sqlite3_column_type(stmt, READER_OP) != SQLITE_INTEGER ||
      sqlite3_column_type(stmt, READER_SUM) != SQLITE_INTEGER) {
    *reason = "a column has a value of another type";
    return SQLITE_OK;
  }
  row->seq = sqlite3_column_int64(stmt, READER_SEQ);
  row->txn = sqlite3_column_int64(stmt, READER_TXN);
  row->ts = sqlite3_column_int64(stmt, READER_TS);
  row->op = sqlite3_column_int(stmt, READER_OP);
  row->sum = sqlite3_column_int64(stmt, READER_SUM);
  if (sqlite3_column_int64(stmt, READER_OP) != row->op) row->op = -1;
  rc = kv_value_of_column(stmt, READER_PARENT_TS, &row->parent_ts);
  if (rc == SQLITE_OK)
    rc = kv_value_of_column(stmt, READER_BUCKET, &row->bucket);
  if (rc == SQLITE_OK) rc = kv_value_of_column(stmt, READER_KEY, &row->key);
  if (rc == SQLITE_OK) rc = kv_value_of_column(stmt, READER_VALUE, &row->value);
  return rc;
}

int kv_reader_last(kv_reader *reader, kv_row *row, int *found) {
  const char *reason = NULL;
  kv_reader *file = reader;
  int rc;

  *found = 0;
  sqlite3_finalize(reader->last);
  reader->last = NULL;
  reader->work = KV_WORK_ROW;
  rc = kv_stmt_prepare(reader->handle, KV_SQL_FOREIGN_LAST, &reader->last);
  if (rc == SQLITE_OK) rc = sqlite3_step(reader->last);
  if (rc == SQLITE_DONE && reader->head.base.seq > 0) {
    /* log.db was just begun: the last row is in the file before it. */
    rc = kv_reading_cover(reader, reader->head.base.seq - 1, &file);
    if (rc != SQLITE_OK || !file) return rc;
    sqlite3_finalize(reader->last);
    reader->last = NULL;
    file->work = KV_WORK_ROW;
    rc = kv_stmt_prepare(file->handle, KV_SQL_FOREIGN_LAST, &file->last);
    if (rc == SQLITE_OK) rc = sqlite3_step(file->last);
  }
  if (rc == SQLITE_ROW) {
    rc = reader_row(file->last, row, &reason);
    *found = rc == SQLITE_OK && !reason ? 1 : -1;
  } else if (rc != SQLITE_DONE) {
    *found = -1;
  }
  return kv_reading_fault(reader, rc);
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
  if (*found > 0 && tail->seq < reader->head.origin.former_seq) {
    tail->seq = reader->head.origin.former_seq;
  }
  return kv_reading_fault(reader, rc);
}

int kv_reader_start(kv_reader *reader, kv_position after, int64_t until) {
  kv_reader_stop(reader);
  reader->from = NULL;
  reader->reached = after.seq;
  reader->until = until;
  reader->previous.seq = after.seq;
  reader->previous.txn = after.seq;
  reader->previous.sum = after.sum;
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
  return SQLITE_OK;
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
  if (row->op >= KV_OP_SEEN) {
    at->n_seen++;
    if (row->op == KV_OP_RETIRE) at->n_retired++;
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
  int64_t reach = reader->head.origin.former_seq;

  if (reach > reader->until) reach = reader->until;
  whole->ended = end;
  if (end == KV_END_CLEAN && reader->at.end.seq > whole->end.seq) {
    whole->ended = KV_END_TORN;
  } else if (end == KV_END_CLEAN && whole->end.seq < reach) {
    whole->end.seq = reach; /* the last rows before it were compacted away */
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
  int rc = reader_row(reader->from->rows, row, reason);
  kv_end end = KV_END_WRONG;
  kv_excess excess;
  int64_t size;

  if (rc != SQLITE_OK) return rc;
  size = *reason ? 0 : (int64_t)kv_row_size(row);
  excess = *reason ? KV_EXCESS_NONE : kv_row_excess(row);
  if (excess == KV_EXCESS_ROW || size > reader->limit) {
    end = reader_too_big(reader);
    *reason = reader_reasons[end];
  } else if (excess == KV_EXCESS_KEY) {
    end = KV_END_KEY;
    *reason = reader_reasons[end];
  } else if (!*reason) {
    *reason =
      kv_row_check(&reader->previous, row, reader->head.origin.former_seq);
  }
  if (*reason) return reader_end(reader, end, *reason);
  reader->previous.seq = row->seq;
  reader->previous.txn = row->txn;
  reader->previous.sum = row->sum;
  reader->reached = row->seq;
  reader->from->work = KV_WORK_ROW;
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

/* Open the file with the next row, and begin to read there. */
static int reader_enter_file(kv_reader *reader, const char **reason) {
  kv_reader *file;
  int rc = kv_reading_cover(reader, reader->reached, &file);

  if (rc != SQLITE_OK) return rc;
  if (!file) {
    *reason = reader_reasons[KV_END_MISSING];
    return reader_end(reader, KV_END_MISSING, NULL);
  }
  if (file->head.base.seq == reader->reached &&
      file->head.base.sum != reader->previous.sum) {
    *reason = "the file that has it begins with another checksum";
    return reader_end(reader, KV_END_WRONG, *reason);
  }
  if (file->rows) {
    sqlite3_reset(file->rows);
  } else {
    rc = kv_stmt_prepare(file->handle, KV_SQL_FOREIGN_ROWS, &file->rows);
  }
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_int64(file->rows, 1, reader->previous.seq);
  }
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(file->rows, 2, reader->until);
  file->work = KV_WORK_ROW;
  reader->from = file;
  return rc;
}

/* A file is read to its end. Returns 1 if the rows go on in another one. */
static int reader_leave_file(kv_reader *reader, const char **reason) {
  int64_t last = reader->part_last;

  if (reader->from == reader || reader->reached >= reader->until) return 0;
  if (reader->reached < last && last > reader->head.origin.former_seq) {
    *reason = "the file that has it ends before it";
    return 0;
  }
  reader->reached = last;
  reader->from = NULL;
  return reader->reached < reader->until;
}

int kv_reader_next(kv_reader *reader, const kv_row **row, const char **reason) {
  kv_end end;
  int rc;

  *reason = NULL;
  *row = &reader->row;
  if (reader_is_stopped(reader)) return SQLITE_INTERRUPT;
  do {
    rc = reader->from ? SQLITE_OK : reader_enter_file(reader, reason);
    if (rc == SQLITE_OK) rc = sqlite3_step(reader->from->rows);
    if (rc == SQLITE_ROW) return reader_take(reader, reason);
    if (*reason) return rc;
    if (kv_reading_fault(reader, rc) != SQLITE_OK) return rc;
  } while (rc == SQLITE_DONE && reader_leave_file(reader, reason));
  if (*reason) return reader_end(reader, KV_END_WRONG, *reason);
  end = reader_end_of(reader, rc);
  *reason = reader_reasons[end];
  return reader_end(reader, end, NULL);
}

void kv_reader_stop(kv_reader *reader) {
  if (reader->from) sqlite3_reset(reader->from->rows);
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
  return kv_reading_fault(reader, kv_run_number(&run, out));
}

int kv_reader_is_torn(kv_reader *reader, int *is_torn) {
  int rc = SQLITE_OK;

  if (reader->last_seq < 0) {
    rc = kv_reader_last_seq(reader, &reader->last_seq);
    if (reader->last_seq == 0) reader->last_seq = INT64_MAX;
  }
  *is_torn = reader->previous.txn > reader->last_seq;
  return kv_reading_is_our_fault(rc) ? rc : SQLITE_OK;
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
    if (!kv_reading_is_our_fault(rc))
      rc = SQLITE_OK; /* a host that denies it */
    poll = own_poll;
  }
  kv_reader_watch(reader, clock_limit, poll);
  if (rc == SQLITE_OK) rc = kv_reader_drain(reader);
  reader->poll = NULL;
  *out = reader->whole;
  sqlite3_finalize(own_poll);
  return rc;
}
