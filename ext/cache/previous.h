/*
** The row that a write replaces: the latest one of its key in the cache.
**
** Most writes look it up. Two need not: one of the key that its statement has
** just read, and one of a key behind all keys of its bucket in the cache, of which
** a load in the order of keys has many. Other keys of such a load of kv are read
** ahead.
*/
#ifndef KV_CACHE_PREVIOUS_H
#define KV_CACHE_PREVIOUS_H

#include "ahead.h"

/* Longer keys are looked up twice. */
#define KV_PREVIOUS_KEY 64

/* Keys of buckets with longer names are always looked up. */
#define KV_PREVIOUS_BUCKET 64

typedef struct kv_previous {
  /* The latest row of a key that a statement has read, and may write now. */
  int64_t n_writes; /* those of the transaction then; -1: nothing was read */
  kv_value read;
  char read_bytes[KV_PREVIOUS_KEY];
  kv_winner winner;
  /* No key of the bucket in the cache is greater than this one. */
  int is_known;
  kv_value bucket;
  char bucket_bytes[KV_PREVIOUS_BUCKET];
  kv_value last; /* NULL: the cache has none */
  char *last_bytes;
  size_t n_last_bytes;
  kv_ahead ahead;
} kv_previous;

/*
** The row that a write of this key replaces; the key is not late. n_writes:
** of the transaction so far. is_load: the last key of the cache and those that come
** next are worth finding out, since more keys will come in order.
*/
int kv_previous_find(kv_previous *previous, kv_stmts *stmts, int64_t n_writes,
                     int is_load, const kv_value *key, kv_winner *out);

/*
** Is this key behind all those of its bucket in the cache? Then it has no row
** there. It is worth asking if more keys will come in order. Errors are SQLite's.
*/
int kv_previous_is_behind(kv_previous *previous, kv_stmts *stmts,
                          const kv_value *bucket, const kv_value *key,
                          int *is_behind);

/* A statement has read this row, with KV_SQL_CACHE_LATEST. */
void kv_previous_note_read(kv_previous *previous, int64_t n_writes,
                           const kv_value *key, sqlite3_stmt *row);

/* A row of this key is about to be in the cache. */
void kv_previous_note_write(kv_previous *previous, const kv_value *bucket,
                            const kv_value *key);

/* The cache may get any rows, or lose some. */
void kv_previous_forget(kv_previous *previous);

/* Another transaction begins; *previous may be zeroed memory. */
void kv_previous_clear(kv_previous *previous);

#endif
