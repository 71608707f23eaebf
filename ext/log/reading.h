/*
** How a reader gets at the files of its log: opens log.db, and finds and opens
** the sealed files beside it. For reader.c alone.
**
** They are found by their names: the next one is that with the least last row
** behind a position. It has to begin at that position or before it. So no file
** is asked which one comes before it, and hostile ones cannot form a circle.
**
** INVARIANT: at most two files are open: log.db and one sealed file.
*/
#ifndef KV_LOG_READING_H
#define KV_LOG_READING_H

#include "core/span.h"
#include "file/confine.h"
#include "stretch.h"

typedef struct kv_reader kv_reader;

struct kv_reader {
  sqlite3 *host; /* borrowed: may be interrupted meanwhile */
  sqlite3 *handle;
  int is_confined; /* the handle is the reader's own */
  int is_own;      /* the own log: an error of the disk is an error */
  int is_unread;   /* an error of the disk was met */
  kv_work work;    /* left until the next verified row */
  int64_t limit;   /* of the host: bytes of a row, about */
  kv_log_head head;
  int64_t *parts;  /* the last rows of its sealed files, in order; with */
  int n_parts;     /* a negative number they are not listed yet */
  int64_t chained; /* behind this row they are those that log.db begins with */
  kv_reader *part; /* the sealed file that is open, or NULL; */
  int64_t part_last;  /* it ends with this row */
  kv_reader *from;    /* the rows come from there: part or this reader; NULL: */
  int64_t reached;    /* from the file that has the row after this one, */
  int64_t until;      /* up to this one */
  kv_verdict lack;    /* why the next file cannot be read, or ok */
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

/* As kv_reader_open(), kv_reader_open_own(), kv_reader_on(). */
int kv_reading_open(sqlite3 *host, const char *path, const char *device,
                    int is_own, kv_reader **out, kv_verdict *verdict);
int kv_reading_on(sqlite3 *host, sqlite3 *handle, const char *device,
                  int is_confined, int is_own, kv_reader **out,
                  kv_verdict *verdict);
void kv_reading_close(kv_reader *reader);

int kv_reading_is_our_fault(int rc);

/* The error to be returned for what SQLite said, SQLITE_OK: none. */
int kv_reading_fault(kv_reader *reader, int rc);

/*
** Open the file that has the row after `seq`: *file is the reader itself, or
** reader->part; NULL if it is not there or cannot be read, which reader->lack
** then says.
*/
int kv_reading_cover(kv_reader *reader, int64_t seq, kv_reader **file);

#endif
