/*
** A row that a running transaction remembers. pending.h owns it; late.h refers
** to it while the cache does not have it.
*/
#ifndef KV_STORE_REMEMBERED_H
#define KV_STORE_REMEMBERED_H

#include "core/row.h"

typedef struct kv_pending_row kv_pending_row;

/* One remembered row; its bytes follow it in memory. */
struct kv_pending_row {
  kv_pending_row *previous; /* the one remembered before */
  int64_t index;            /* its number in the transaction, from 0 */
  int64_t ts;
  kv_value parent_ts;
  int op;
  int is_reference; /* the value is to be read from the cache */
  uint64_t hash;    /* of the key, if it is late; then also: */
  int is_again;     /* the cache has an earlier row of this number */
  kv_value bucket;
  kv_value key;
  kv_value value;
};

#endif
