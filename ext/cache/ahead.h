/*
** Rows of the cache that are read ahead. A load that sets known keys in their order
** finds them among these, instead of each by a search of its own.
**
**     cache    a b c d e f g h ...
**     batch        c d e f           asked for c, d and d1, which is between two of
**                                    them: the cache does not have it
**
** A batch grows while its rows are asked for. If they are not, keys are searched one
** by one for a while.
*/
#ifndef KV_CACHE_AHEAD_H
#define KV_CACHE_AHEAD_H

#include "cache.h"

typedef struct kv_ahead_row {
  kv_value key;
  kv_winner winner;
} kv_ahead_row;

typedef struct kv_ahead {
  kv_ahead_row *rows; /* the latest row of each key, in the order of keys */
  int n;
  int at;       /* all before it are before the key that was asked for last */
  int n_asked;  /* how many keys the batch had an answer for */
  int size;     /* how many rows the next batch is to have; 0: none, */
  int n_single; /* until so many keys were searched one by one */
  char *bytes;  /* of the keys */
  size_t n_bytes;
} kv_ahead;

/*
** The latest row of a key, like kv_cache_find(). Keys come in their order, most of
** the time; any other is found, too.
*/
int kv_ahead_find(kv_ahead *ahead, kv_stmts *stmts, const kv_value *key,
                  kv_winner *out);

/* Rows of kv in the cache may change. */
void kv_ahead_forget(kv_ahead *ahead);

/* Free it; it is zeroed memory then. */
void kv_ahead_clear(kv_ahead *ahead);

#endif
