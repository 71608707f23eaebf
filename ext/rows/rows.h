/*
** The table kv_rows, which hands rows to the cache and to a log. It reads them
** from a pointer, so that a merge, or the rows of a large transaction, need only
** one INSERT ... SELECT.
**
**     SELECT ... FROM kv_rows(:rows)    sqlite3_bind_pointer(KV_ROWS_POINTER)
**
** A user's SQL cannot make such a pointer: https://www.sqlite.org/bindptr.html
*/
#ifndef KV_ROWS_ROWS_H
#define KV_ROWS_ROWS_H

#include "core/row.h"
#include "db/sqlite.h"

#define KV_ROWS_POINTER "kv_rows"

/* A row, whose bytes live until the next one is read. */
typedef struct kv_rows_row {
  kv_row row;    /* its sum is only for a log */
  int is_old;    /* its key has a later row, or it belongs to a bucket */
  int64_t large; /* the number of its value, if it is large (values.h); or 0 */
  kv_value device; /* of a row that the cache has already, */
  int64_t arrived; /* and of its arrival; unless all rows have the same */
} kv_rows_row;

typedef struct kv_rows kv_rows;

struct kv_rows {
  /* The next row, borrowed until the next call; NULL at the end. */
  const kv_rows_row *(*next)(kv_rows *rows);
};

/* Register kv_rows, or take it back: is_there is 0. */
int kv_rows_register(sqlite3 *db, int is_there);

#endif
