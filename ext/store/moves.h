/*
** Rows that a running UPDATE OR REPLACE has moved to other keys.
**
** SQLite works out all new keys before the first row is moved. A row that was
** moved onto the key of another one, which is still to be moved, is not that one:
** it stays, as in a plain table with rowids.
**
** Rows are known by their index in the transaction (pending.h). Those from the
** first one of the statement on are its own; of earlier ones, which it set
** again, a bit each is kept.
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

/* Is the row at this index one that the statement moved there? */
int kv_moves_has(const kv_moves *moves, int64_t index);

#endif
