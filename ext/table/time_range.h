/*
** Turns comparisons of times in WHERE into a range of ts: comparisons of ts
** with numbers, and of time with texts such as date('now', '-7 days').
**
** The range may be wider than the query asked for; SQLite checks each row
** again.
*/
#ifndef KV_TABLE_TIME_RANGE_H
#define KV_TABLE_TIME_RANGE_H

#include "db/sqlite.h"

#include <stdint.h>

/* Which columns of a table are times. */
typedef struct kv_time_columns {
  int ts;
  int time;
} kv_time_columns;

/* Bits of a plan that are used here. */
#define KV_TIME_RANGE_BITS (0x7f << 16)

/*
** Ask for the bounds of ts or time that are in `info`, and set the bits of
** *plan that say which they are. Returns how many bounds there are: 0 to 2.
*/
int kv_time_range_plan(sqlite3_index_info *info, kv_time_columns columns,
                       int *n_argv, int *plan);

/*
** The bounds that the query asked for: first to last, both included. Returns
** how many values were used. Nothing compares with NULL: then first > last.
*/
int kv_time_range_read(int plan, sqlite3_value **argv, int64_t *first,
                       int64_t *last);

/*
** Does the query ask for the order of ts, of time, or of a prefix of ts,
** device, seq? 1: ascending; -1: descending; 0: no. Pass -1 for a column that
** the table does not have.
*/
int kv_time_range_order(const sqlite3_index_info *info, kv_time_columns columns,
                        int device, int seq);

#endif
