/*
** Late rows: a large transaction remembers them, but does not write them to the
** cache at once, so that it can write them in the order of keys.
**
**     xUpdate     found by key, as the cache does not have them
**     a reader, a commit: kv_write_flush() writes them all
**
** This is a set of remembered rows, one for each key of a bucket; pending.h owns
** them. As long as they come in the order of buckets and keys it is an array; the
** first row that does not makes a hash table of it, which is sorted when it is
** written.
*/
#ifndef KV_PENDING_LATE_H
#define KV_PENDING_LATE_H

#include <stddef.h>
#include <stdint.h>

#include "remembered.h"
#include "rows/rows.h"

typedef struct kv_late {
  kv_pending_row **slots; /* by hash of the key, or in order; NULL: free */
  size_t n_slots;         /* a power of two, or 0 */
  size_t n;
  int is_hashed;
} kv_late;

/* Make room for a row of this key: SQLITE_NOMEM with nothing changed. */
int kv_late_reserve(kv_late *late, const kv_value *bucket, const kv_value *key);

/* Add a row, instead of one of the same key. There must be room for it. */
void kv_late_put(kv_late *late, kv_pending_row *row);

/* The row of a key, or NULL. */
kv_pending_row *kv_late_find(const kv_late *late, const kv_value *bucket,
                             const kv_value *key);

/*
** True if there are rows, they came in the order of keys, the last one is of this
** bucket, and this key is next.
*/
int kv_late_is_next(const kv_late *late, const kv_value *bucket,
                    const kv_value *key);

/*
** The rows in the order of keys, as kv_rows reads them from `next` to `end`: first
** the rows that are new to the cache, those of kv before those of other buckets;
** after them, not read, those that the cache already has.
*/
typedef struct kv_late_rows {
  kv_rows base; /* base class: must be first */
  kv_pending_row **rows;
  size_t n_kv; /* new rows of bucket '' */
  size_t n_new;
  size_t n;
  size_t next;
  size_t end;
  int64_t first; /* the number of the row with index 0 */
  kv_rows_row out;
} kv_late_rows;

/* Start to read; SQLITE_NOMEM. Then kv_late_rows_clear(). */
int kv_late_sort(const kv_late *late, int64_t first, kv_late_rows *out);
void kv_late_rows_clear(kv_late_rows *rows);

/* Some may be in the cache: from now on each is looked up first. */
void kv_late_doubt(kv_late *late);

/* Forget them: they were written or rolled back. */
void kv_late_clear(kv_late *late);

#endif
