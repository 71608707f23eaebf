/*
** The order of keys, and with it which keys are one key.
**
** Which row of a key wins, by (ts, device, seq), is the order of the cache's
** primary key: cache_create in sql/cache.sql.
**
** INVARIANT: the order is total, and the same on every device.
*/
#ifndef KV_CORE_ORDER_H
#define KV_CORE_ORDER_H

#include "row.h"

/*
** Compare two keys as SQLite does without collation or affinity: NULL,
** numbers by their exact value (1 and 1.0 are equal; an int64 and a double
** are compared without rounding), text by its bytes, blobs by their bytes.
** https://www.sqlite.org/datatype3.html#comparison_expressions
*/
int kv_order_keys(const kv_value *a, const kv_value *b);

/* A hash for tables in memory: equal keys (1, 1.0) have equal hashes. */
uint64_t kv_order_hash(const kv_value *key);

/* True if two values are one key: kv_order_keys() == 0, but faster. */
int kv_order_is_same(const kv_value *a, const kv_value *b);

/* True if they are one value: of the same type, too. 1 and 1.0 are not. */
int kv_order_is_identical(const kv_value *a, const kv_value *b);

#endif
