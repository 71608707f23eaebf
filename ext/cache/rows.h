/*
** The table kv_rows, which hands rows to the cache. It reads them from a
** pointer, so that a merge, or the late rows of a transaction, need only one
** INSERT ... SELECT.
**
**     SELECT ... FROM kv_rows(:rows)    sqlite3_bind_pointer(KV_ROWS_POINTER)
**
** A user's SQL cannot make such a pointer: https://www.sqlite.org/bindptr.html
*/
#ifndef KV_CACHE_ROWS_H
#define KV_CACHE_ROWS_H

#include "core/row.h"
#include "db/sqlite.h"

#define KV_ROWS_POINTER "kv_rows"

/* A row as the cache takes it; its bytes live as long as the statement. */
typedef struct kv_rows_row {
  kv_row row;    /* without its sum */
  int is_old;    /* its key has a later row, or it belongs to a bucket */
  int64_t large; /* the number of its value, if it is large (values.h); or 0 */
} kv_rows_row;

typedef struct kv_rows kv_rows;

struct kv_rows {
  /* The next row, borrowed until the next call; NULL at the end. */
  const kv_rows_row *(*next)(kv_rows *rows);
};

/* Register kv_rows, or take it back: is_there is 0. */
int kv_rows_register(sqlite3 *db, int is_there);

#endif
