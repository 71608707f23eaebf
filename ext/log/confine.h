/*
** What a file may make the handle do that reads it: select from the two tables
** of a log, and a bounded amount of work between two rows that verify.
**
** Both kinds of work are counted, as neither bounds the other: statements can
** loop over what is in memory (the file promises rows), and one step can read
** without end (it passes over a value by following its chain of pages, which
** may be as long as the file is large).
**
** INVARIANT: the size of a file is never limited, work without news is.
*/
#ifndef KV_LOG_CONFINE_H
#define KV_LOG_CONFINE_H

#include <limits.h>

#include "db/sqlite.h"

/* What a handle may still do: counted down; its owner sets it again. */
typedef struct kv_work {
  int steps;          /* of the virtual machine, in thousands */
  int reads;          /* of the file, nearly all of them of one page */
  sqlite3_stmt *poll; /* KV_SQL_POLL of the host, asked now and then; or NULL */
  int writes;         /* to the file, which are not limited */
} kv_work;

/* Until a file is known to be a log: two short texts and a row. */
#define KV_WORK_ADMIT ((kv_work){1, 1000, NULL, 0})

/*
** Until the next row: bucket, key and value of KV_LARGE bytes are 6,609 of the
** smallest pages, of which 32 bytes may be reserved; each is read once.
*/
#define KV_WORK_ROW ((kv_work){100, 16384, NULL, 0})

/* While something else counts what a large row takes. */
#define KV_WORK_LARGE ((kv_work){100, INT_MAX, NULL, 0})

/*
** Confine a handle from now on: other statements than SELECT from the tables of
** a log (and PRAGMA cache_size) are denied, SQLITE_INTERRUPT is returned when
** *work, which has to outlive the handle, runs out, and SQLITE_ABORT when the
** host was interrupted. SQLITE_NOMEM.
*/
int kv_confine(sqlite3 *handle, kv_work *work);

/* Only the reads of its file are limited, and with a poll reads and writes of it
** are SQLITE_ABORT when the host was interrupted. SQLITE_NOMEM. */
int kv_confine_file(sqlite3 *handle, kv_work *work);

/* Only the limit of steps; NULL: no limit. */
void kv_confine_steps(sqlite3 *handle, kv_work *work);

#endif
