/*
** A log takes the place of an earlier generation of it: rows that it dropped go
** from the cache, those that it has stay as they are, and new ones come. Readers
** of changes and typed tables hear of what is new, and of nothing else.
**
**     kv_replace_read()    verifies the new log; the cache is not touched
**     kv_replace_merge()   changes the cache
**
** What the cache holds meanwhile is seen by nobody: the caller has a savepoint, or
** commits.
*/
#ifndef KV_REPLACE_REPLACE_H
#define KV_REPLACE_REPLACE_H

#include "cache/cache.h"
#include "kept.h"

/*
** Read a log from its beginning, and keep which rows it has (for
** kv_kept_clear()). *out is what kv_reader_verify() says; so is the poll.
*/
int kv_replace_read(kv_reader *reader, sqlite3_stmt *poll, kv_kept *kept,
                    kv_stretch *out);

/* What is needed to replace the rows of a device. */
typedef struct kv_replacement {
  kv_kept kept;        /* of the new log */
  kv_position whole;   /* its end, which kv_replace_read() found */
  int64_t merged;      /* of the earlier one the cache has rows up to here */
  int64_t arrived;     /* the number of this merge */
  int64_t clock_limit; /* the greatest time that the clock counts */
  int64_t holes;       /* numbers without a row in the earlier one */
  int64_t n_added;     /* out: rows that came */
} kv_replacement;

/*
** Make the rows of a device those of the log. *out is what was read of it.
** SQLITE_CORRUPT_VTAB: it is not the log any more that kv_replace_read() read.
*/
int kv_replace_merge(kv_stmts *stmts, kv_reader *reader, sqlite3_stmt *poll,
                     kv_replacement *with, kv_stretch *out);

#endif
