/*
** Comparisons of times in WHERE, as a range of ts: of a column ts with
** numbers, and of a column time with texts such as date('now', '-7 days').
**
** The range may be wider than what was asked for; SQLite checks each row
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
** The bounds as they were asked for: first to last, both included. Returns
** how many values were taken. Nothing compares with NULL: then first > last.
*/
int kv_time_range_read(int plan, sqlite3_value **argv, int64_t *first,
                       int64_t *last);

/*
** Is the order that is asked for that of ts, of time, or of ts, device, seq,
** from the front? 1: ascending, -1: descending, 0: it is not. A column that
** the table does not have is -1.
*/
int kv_time_range_order(const sqlite3_index_info *info, kv_time_columns columns,
                        int device, int seq);

#endif
