/*
** Reverting a key: what its value was, and whether it is that now.
*/
#ifndef KV_CACHE_REVERT_H
#define KV_CACHE_REVERT_H

#include "core/row.h"
#include "db/stmt.h"

/*
** The value to which a key is reverted, for kv_value_free(): that at a time in
** microseconds, or (as_of NULL) that before its latest change. *exists is 0 if
** the key did not exist.
*/
int kv_revert_find(kv_stmts *stmts, const kv_value *key, const int64_t *as_of,
                   int *exists, kv_value *out);

/*
** The time at which the store must still be known for that: *out is the one just
** before the key's latest change, or INT64_MAX if the row that this replaced is
** here, or if it replaced none.
*/
int kv_revert_since(kv_stmts *stmts, const char *bucket, const kv_value *key,
                    int64_t *out);

/* Check whether the key already has this value (NULL: does not exist). */
int kv_revert_is_done(kv_stmts *stmts, const kv_value *key,
                      const kv_value *value, int *is_done);

#endif
