/*
** The rows of a log that takes the place of another one: which rows of the cache
** does it have, too?
**
** kv_kept(), a function of the store's statements alone, asks a set of them: for
** a row of the cache it returns the transaction that the row has in the new log,
** or NULL if that log does not have the row.
**
** INVARIANT: the content of a row counts, not only its number; but of a large
** value only that there is one.
*/
#ifndef KV_REPLACE_KEPT_H
#define KV_REPLACE_KEPT_H

#include "core/row.h"
#include "db/sqlite.h"

/* What a set is bound as: https://www.sqlite.org/bindptr.html */
#define KV_KEPT_POINTER "kv_kept"

typedef struct kv_kept_row {
  int64_t seq;
  int64_t txn;
  int64_t check; /* a hash of its content */
} kv_kept_row;

typedef struct kv_kept {
  kv_kept_row *rows; /* in the order of their numbers */
  int64_t n;
  int64_t n_room;
  int64_t n_other; /* rows that kv_kept() found with another content */
} kv_kept;

/* Add the next row of the log. SQLITE_NOMEM. */
int kv_kept_add(kv_kept *kept, const kv_row *row);

/* Free its rows, and make it empty. */
void kv_kept_clear(kv_kept *kept);

/* Register kv_kept(), or take it back: is_there is 0. */
int kv_kept_register(sqlite3 *db, int is_there);

#endif
