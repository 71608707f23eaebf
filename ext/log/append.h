/*
** Appends rows to the own log, while it is locked.
**
** Each row is numbered and chained here, so that whatever is appended verifies.
*/
#ifndef KV_LOG_APPEND_H
#define KV_LOG_APPEND_H

#include "rows/rows.h"
#include "writer.h"

/*
** Append a row after the tail, and set row->sum and row->seq. The caller sets all
** other fields; also row->seq while the tail is before head.origin.former_seq, where
** numbers may be missing. KV_REFUSED for a row that no reader would take: it comes
** from a damaged cache.
*/
int kv_append_row(kv_writer *log, kv_row *row);

/*
** Append all rows that `rows` hands over, about n, in the same way. Many rows
** are one statement. If it fails, some of them may have been appended.
*/
int kv_append_rows(kv_writer *log, kv_rows *rows, int64_t n);

#endif
