/*
** Which row wins, and which keys are one key.
**
** The cache's primary key says the same in SQL; these are for C.
**
** INVARIANT: both are total, and the same on every device.
*/
#ifndef KV_CORE_ORDER_H
#define KV_CORE_ORDER_H

#include "row.h"

/*
** Compare two rows of one key by (ts, device, seq): negative, 0 or positive
** as the first loses against, is, or wins over the second. Devices are
** compared bytewise (they are ASCII), a prefix first.
*/
int kv_order_rows(int64_t ts1, const char *device1, int64_t seq1, int64_t ts2,
                  const char *device2, int64_t seq2);

/*
** Compare two keys as SQLite does without collation or affinity: NULL,
** numbers by their exact value (1 and 1.0 are equal; an int64 and a double
** are compared without rounding), text by its bytes, blobs by their bytes.
** https://www.sqlite.org/datatype3.html#comparison_expressions
*/
int kv_order_keys(const kv_value *a, const kv_value *b);

#endif
