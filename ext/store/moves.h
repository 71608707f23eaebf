/*
** Remembers which rows a running UPDATE OR REPLACE has moved to other keys.
**
** SQLite computes all new keys before it moves the first row. If a row is moved
** to the key of another row that has yet to move, the moved row must stay, as
** in a plain table with rowids: it is not the row that is to move next.
**
** A row is identified by its index in the transaction (pending.h). Rows from
** the statement's first index on belong to the statement. For earlier rows that
** it set again, one bit each is kept.
*/
#ifndef KV_STORE_MOVES_H
#define KV_STORE_MOVES_H

#include <stdint.h>

typedef struct kv_moves {
  int64_t first;       /* of the statement */
  unsigned char *bits; /* of those before it; NULL: none was set again */
} kv_moves;

/* A statement begins, or the store is closed; `first` rows are remembered. */
void kv_moves_begin(kv_moves *moves, int64_t first);

/* The statement has moved a row to this index. SQLITE_NOMEM. */
int kv_moves_add(kv_moves *moves, int64_t index);

/* True if the statement moved the row at this index there. */
int kv_moves_has(const kv_moves *moves, int64_t index);

#endif
