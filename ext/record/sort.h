/*
** Sorting pointers, stable, in memory that is given.
*/
#ifndef KV_RECORD_SORT_H
#define KV_RECORD_SORT_H

#include <stddef.h>

/* Compare what two of the pointers point to; < 0, 0, > 0. */
typedef int (*kv_sort_compare)(const void *context, const void *a,
                               const void *b);

/*
** Sort n pointers, with room for n more. Those that are in order, or in the
** opposite order, take n comparisons.
*/
void kv_sort(void **p, size_t n, void **room, kv_sort_compare compare,
             const void *context);

#endif
