/*
** Rows on their way into the cache: the table kv_rows reads them from a pointer,
** so that a merge, or the late rows of a transaction, are one INSERT ... SELECT
** of the host's query engine.
**
**     SELECT ... FROM kv_rows(:rows)    sqlite3_bind_pointer(KV_ROWS_POINTER)
**
** No SQL of a user can make such a pointer: https://www.sqlite.org/bindptr.html
*/
#ifndef KV_CACHE_ROWS_H
#define KV_CACHE_ROWS_H

#include "core/row.h"
#include "db/sqlite.h"

#define KV_ROWS_POINTER "kv_rows"

/* A row as the cache takes it; its bytes live as long as the statement. */
typedef struct kv_rows_row {
  kv_row row;    /* without its sum */
  int is_old;    /* there is a later row of its key, or it is of a bucket */
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
