/*
** Writes one change of one key of another bucket than '', which is that of kv.
**
**     kv_bucket_find()   what is there, and where the change goes
**     (the caller checks, and writes what may fail)
**     kv_bucket_put()    the row, in the cache and for the commit
**
** The rows may be late (pending/late.h). A change of a key that the transaction has
** changed already replaces that row.
*/
#ifndef KV_BUCKET_BUCKET_H
#define KV_BUCKET_BUCKET_H

#include "cache/cache.h"
#include "core/names.h"
#include "store/identity.h"

/* The newest row of a key, and the place of the one that comes. */
typedef struct kv_bucket_place {
  int is_found; /* there is a row */
  int op;
  int is_again;   /* it is of this transaction: the new one replaces it, */
  int is_late;    /* and it is not in the cache yet; */
  int is_put;     /* it, or an earlier one of its number, is in the cache */
  kv_value value; /* if is_again: its value, for kv_value_free() */
  int64_t index;
  int64_t ts;
  kv_value parent_ts;
} kv_bucket_place;

/* When a row was written last, and by which device. */
typedef struct kv_bucket_stamp {
  int is_found;
  int64_t ts;
  char device[KV_NAME_MAX + 1];
} kv_bucket_stamp;

/* That of a key. Errors are SQLite's. */
int kv_bucket_stamp_of(kv_store *store, const kv_value *bucket,
                       const kv_value *key, kv_bucket_stamp *out);

/*
** Find the place of a change, which begins the transaction if it has not
** written. Errors with a message, those of kv_write_set() among them.
*/
int kv_bucket_find(kv_store *store, const kv_value *bucket, const kv_value *key,
                   kv_bucket_place *out, char **err);

/*
** Write the change. value is NULL for KV_OP_DELETE. may_be_late: nobody reads the
** cache before the late rows are written. Errors with a message.
*/
int kv_bucket_put(kv_store *store, const kv_bucket_place *place,
                  const kv_value *bucket, int op, const kv_value *key,
                  const kv_value *value, int may_be_late, char **err);

#endif
