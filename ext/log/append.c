/*
** Appending rows to the own log. See append.h.
**
** A statement for each row looks for its place from the root of the tree, and
** binds and copies every column. One statement for many rows, which reads them
** from kv_rows, stays at the end of the tree.
*/
#include "append.h"

#include <assert.h>
#include <string.h>

#include "db/error.h"
#include "db/run.h"

/* So many rows are worth a statement that has to be prepared. */
#define APPEND_MANY 8

/* Bytes of SQL that kv_rows needs. The schema of the log is known by now, so no
** text of the file can be this long. */
#define APPEND_SQL_LENGTH 3000

/*
** Number a row as the next one, and chain it. In the part that was compacted rows
** keep their numbers.
*/
static int append_chain(kv_writer *log, kv_row *row) {
  int64_t holes = log->head.origin.former_seq;
  kv_row previous;

  previous.seq = log->tail.seq;
  previous.txn = log->txn;
  if (log->tail.seq >= holes) row->seq = log->tail.seq + 1;
  if (kv_row_check_form(&previous, row, holes) ||
      kv_row_excess(row) != KV_EXCESS_NONE) {
    return KV_REFUSED;
  }
  row->sum = kv_row_sum(log->tail.sum, row);
  log->tail.seq = row->seq;
  log->tail.sum = row->sum;
  log->txn = row->txn;
  return SQLITE_OK;
}

int kv_append_row(kv_writer *log, kv_row *row) {
  kv_run *append = &log->append;
  int rc;

  /* If SQLite rolled back because of an error, nothing can continue. */
  assert(kv_writer_is_locked(log));
  rc = append_chain(log, row);
  if (rc != SQLITE_OK) return rc;
  if (!append->stmt) kv_run_begin_on(append, log->handle, KV_SQL_LOG_APPEND);
  kv_run_int(append, row->seq);
  kv_run_int(append, row->txn);
  kv_run_int(append, row->ts);
  kv_run_value(append, &row->parent_ts);
  kv_run_int(append, row->op);
  kv_run_value(append, &row->bucket);
  kv_run_value(append, &row->key);
  kv_run_value(append, &row->value);
  kv_run_int(append, row->sum);
  return kv_writer_note(log, kv_run_again(append));
}

/* Rows on their way into the log. */
typedef struct append_feed {
  kv_rows base; /* base class: must be first */
  kv_rows *from;
  kv_writer *log;
  kv_rows_row out;
  int rc; /* why it ended before its end */
} append_feed;

static const kv_rows_row *append_next(kv_rows *base) {
  append_feed *feed = (append_feed *)base;
  const kv_rows_row *row = feed->from->next(feed->from);

  if (!row) return NULL;
  feed->out.row = row->row;
  feed->rc = append_chain(feed->log, &feed->out.row);
  return feed->rc == SQLITE_OK ? &feed->out : NULL;
}

static int append_many(kv_writer *log, kv_rows *rows) {
  append_feed feed;
  kv_run run;
  int rc;

  sqlite3_limit(log->handle, SQLITE_LIMIT_SQL_LENGTH, APPEND_SQL_LENGTH);
  rc = kv_rows_register(log->handle, 1);
  if (rc != SQLITE_OK) return kv_writer_note(log, rc);
  memset(&feed, 0, sizeof(feed));
  feed.base.next = append_next;
  feed.from = rows;
  feed.log = log;
  kv_run_begin_on(&run, log->handle, KV_SQL_LOG_APPEND_ROWS);
  kv_run_pointer(&run, &feed.base, KV_ROWS_POINTER);
  rc = kv_writer_note(log, kv_run_end(&run));
  return rc == SQLITE_OK ? feed.rc : rc;
}

int kv_append_rows(kv_writer *log, kv_rows *rows, int64_t n) {
  const kv_rows_row *next;
  int rc = SQLITE_OK;

  assert(kv_writer_is_locked(log));
  if (n >= APPEND_MANY) return append_many(log, rows);
  while (rc == SQLITE_OK && (next = rows->next(rows)) != NULL) {
    kv_row row = next->row;
    rc = kv_append_row(log, &row);
  }
  return rc;
}
