/*
** The numbers of the last rows and merges, and which of them are committed.
** A row has a number in its log (seq); a commit or merge has one in the cache
** (arrival).
**
** Errors are SQLite's; the message is the connection's.
*/
#ifndef KV_STORE_NUMBERS_H
#define KV_STORE_NUMBERS_H

#include "cache/cache.h"
#include "identity.h"

/*
** The number of the last own row, including the running transaction; INT64_MAX
** for an observer. Rows after it are new to a scan.
*/
int kv_numbers_last_seq(kv_store *store, int64_t *out);

/* The number of the next merge. The running transaction has one, too. */
int kv_numbers_next_arrival(kv_store *store, int64_t *out);

/* What is committed: everything except the running transaction. */
typedef struct kv_settled {
  kv_meta meta;
  int64_t arrival;  /* the last commit or merge */
  int64_t seq;      /* the last own row; INT64_MAX: all */
  int64_t open_seq; /* the first own one that is not; INT64_MAX: none */
} kv_settled;

int kv_numbers_settled(kv_store *store, kv_settled *out);

#endif
