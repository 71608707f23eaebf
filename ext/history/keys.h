/*
** Folds the keys of typed tables, one after the other: for the tables that show
** what they were.
**
**   kv_keys_begin(&keys, store, id);
**   kv_run_named_int(&keys.rows, ...);      the parameters of the statement
**   while (kv_keys_next(&keys)) ...         keys.bucket, keys.key, keys.now
**   rc = keys.rows.rc;
**   kv_keys_clear(&keys);
**
** The statement has the log rows of the keys, those of a key together: bucket,
** key, and the columns of bucket/folded.h; then a number.
**
** A table that is not declared here counts as one with deletes = later. keys of
** zeroes are empty.
*/
#ifndef KV_HISTORY_KEYS_H
#define KV_HISTORY_KEYS_H

#include "bucket/folded.h"

typedef struct kv_keys_bucket kv_keys_bucket;

typedef struct kv_keys {
  kv_store *store; /* borrowed; NULL: not begun */
  kv_run rows;     /* one row ahead of the key */
  int is_row;      /* it is on one; -1: it was not asked yet */
  int has_then;    /* fold the rows up to a time, too */
  int64_t start;   /* that time */
  kv_value bucket; /* copies */
  kv_value key;
  int64_t number; /* of the statement: the last one of the key */
  kv_folded now;
  kv_folded then;
  kv_keys_bucket *buckets; /* of the tables that are declared, once they */
  int n_buckets;           /* are known */
  int is_known;
} kv_keys;

void kv_keys_begin(kv_keys *keys, kv_store *store, kv_sql id);
void kv_keys_clear(kv_keys *keys);

/* The next key. 0: there is none, or an error, which is in keys->rows.rc. */
int kv_keys_next(kv_keys *keys);

#endif
