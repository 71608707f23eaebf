/*
** A slice of a log: as many rows as fit into a few megabytes, in the order of
** the cache. A merge takes a log slice by slice; one statement, which reads
** kv_rows(slice), merges each.
**
**     fill          takes rows until the slice is full, and sorts them
**     cut           leaves out the rows after a number
**     start, next   the rows, latest of a key first
**
** A large value is not in a slice, but kept beside the cache before (values.h).
**
** INVARIANT: whatever a log holds, a slice takes at most KV_SLICE_SIZE bytes and
** one key.
*/
#ifndef KV_CACHE_SLICE_H
#define KV_CACHE_SLICE_H

#include "rows.h"

#define KV_SLICE_SIZE (4 * 1024 * 1024)

typedef struct kv_slice kv_slice;

/* Which rows of a slice are read: those of keys, or those of seen logs. */
typedef enum kv_slice_part { KV_SLICE_KEYS, KV_SLICE_SEEN } kv_slice_part;

/* NULL: no memory. Free it with kv_slice_free(). */
kv_slice *kv_slice_new(void);
void kv_slice_free(kv_slice *slice);

/*
** Where rows come from: SQLITE_ROW with the next one, borrowed until the next
** call, and the number of its large value, or 0; SQLITE_DONE; else an error.
*/
typedef int kv_slice_source(void *from, const kv_row **row, int64_t *large);

/*
** Take the next rows. SQLITE_ROW: there may be more of them; SQLITE_DONE: the
** source is at its end; else an error.
*/
int kv_slice_fill(kv_slice *slice, kv_slice_source *source, void *from);

/* Leave out the rows behind number `last`. Returns 1 if one has a large value. */
int kv_slice_cut(kv_slice *slice, int64_t last);

/* How many rows it has. */
int kv_slice_count(const kv_slice *slice, kv_slice_part part);

/* How many rows of keys that were read go to the back of the cache. */
int kv_slice_count_old(const kv_slice *slice);

/*
** Read a part from its beginning, by kv_slice_next() or as what is returned;
** NULL: at the end. All is borrowed from the slice.
*/
kv_rows *kv_slice_start(kv_slice *slice, kv_slice_part part);
const kv_rows_row *kv_slice_next(kv_slice *slice);

#endif
