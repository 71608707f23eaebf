/*
** A slice of a log: as many rows as fit into a few megabytes, in the order of
** the cache. A merge takes a log slice by slice; one statement, which reads
** kv_rows(slice), merges each.
**
**     fill          takes rows until the slice is full, and sorts them
**     cut           leaves out the rows after a number
**     start, next   the rows, latest of a key first
**
** A slice holds no large values: they were stored beside the cache before
** (values.h).
**
** INVARIANT: whatever a log holds, a slice takes at most KV_SLICE_SIZE bytes and
** one key.
*/
#ifndef KV_ROWS_SLICE_H
#define KV_ROWS_SLICE_H

#include "rows.h"

#define KV_SLICE_SIZE (4 * 1024 * 1024)

typedef struct kv_slice kv_slice;

/* Which rows of a slice are read: those of keys, or those of seen logs. */
typedef enum kv_slice_part { KV_SLICE_KEYS, KV_SLICE_SEEN } kv_slice_part;

/* NULL: no memory. Free it with kv_slice_free(). */
kv_slice *kv_slice_new(void);
void kv_slice_free(kv_slice *slice);

/*
** Where rows come from: SQLITE_ROW with the next one, whose bytes live until the
** next call; SQLITE_DONE; else an error. A row with a large value has its number.
** *out is zeroed before the first call, and has then what was there before.
*/
typedef int kv_slice_source(void *from, kv_rows_row *out);

/*
** Take the next rows. SQLITE_ROW: there may be more of them; SQLITE_DONE: the
** source is at its end; else an error.
*/
int kv_slice_fill(kv_slice *slice, kv_slice_source *source, void *from);

/* Leave out rows after number `last`. Returns 1 if one has a large value. */
int kv_slice_cut(kv_slice *slice, int64_t last);

/*
** Is this row one of the keys' rows? It is fast if one row after the other is
** asked for in the order of the cache, from kv_slice_start() on.
*/
int kv_slice_has(kv_slice *slice, const kv_rows_row *row);

/* The key of the first row, or of the last one, of those of keys. */
void kv_slice_key(const kv_slice *slice, int is_last, kv_value *out);

/* How many rows it has. */
int kv_slice_count(const kv_slice *slice, kv_slice_part part);

/* How many of the rows of keys go to the back of the cache. */
int kv_slice_count_old(const kv_slice *slice);

/*
** Start to read a part: with kv_slice_next(), which returns NULL at the end, or
** through the kv_rows that is returned. Everything is borrowed from the slice.
*/
kv_rows *kv_slice_start(kv_slice *slice, kv_slice_part part);
const kv_rows_row *kv_slice_next(kv_slice *slice);

#endif
