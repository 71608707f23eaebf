/*
** Reads the rows of a scan of kv, many at a time.
**
** Stepping a statement inside another one costs more than reading the row. So
** one step reads a batch: the statement calls an SQL function for each row. The
** function keeps the row, and lets it pass when the batch is full. The first
** step reads one row, and each further step twice as many.
**
**     WHERE ... AND kv_batch(:batch, key, value, large)
**       the latest row of a key          kept, to be shown
**       older ones                       left out
**       a deletion: the value is :batch  left out, and older ones
**       the value is elsewhere (large)   kept if keys are enough, else passes
**       enough                           passes: the step ends at this row
**
** INVARIANT: a batch holds copies, which no write changes.
** INVARIANT: each text that is not empty is followed by a zero byte.
*/
#ifndef KV_TABLE_KV_BATCH_H
#define KV_TABLE_KV_BATCH_H

#include "core/row.h"
#include "db/sqlite.h"

#define KV_BATCH_POINTER "kv_batch" /* type of :batch */

typedef struct kv_batch_row {
  kv_value key;
  kv_value value;
} kv_batch_row;

typedef struct kv_batch {
  const kv_value *last; /* the current key of the scan; KV_NULL: none */
  kv_value key;         /* its bytes are here, or in the last row */
  kv_value skip;        /* not part of the scan, borrowed; KV_NULL: none */
  char *key_bytes;
  size_t n_key_bytes; /* allocated */
  kv_batch_row *rows; /* NULL: no scan has begun yet */
  char *bytes;        /* theirs */
  size_t n_bytes;     /* used */
  int n_rows;
  int limit;    /* how many the next step reads: 1, 2, 4, .. */
  int next;     /* the first row that was not shown */
  int is_large; /* a row was too large to copy */
  int is_keys;  /* keys are enough: a large value is left out */
} kv_batch;

/* Register the function. */
int kv_batch_register(sqlite3 *db, int is_there);

/* A batch without rows and without a key, for kv_batch_clear(). */
void kv_batch_init(kv_batch *batch);

/* Make room, which is kept. SQLITE_NOMEM. */
int kv_batch_begin(kv_batch *batch);

/* The next row that was not shown, or NULL. */
const kv_batch_row *kv_batch_next(kv_batch *batch);

/* Forget the rows, not the key: the next step reads more. SQLITE_NOMEM. */
int kv_batch_refill(kv_batch *batch);

/* Enter a key, whose bytes are copied. SQLITE_NOMEM. */
int kv_batch_enter(kv_batch *batch, const kv_value *key);

/* True if the scan is at this key, or if the key is not part of it. */
int kv_batch_leaves_out(const kv_batch *batch, const kv_value *key);

/* Forget key and rows. Memory is kept, except that of a large key. */
void kv_batch_reset(kv_batch *batch);

/* Free what it has; the batch can be used again. */
void kv_batch_clear(kv_batch *batch);

#endif
