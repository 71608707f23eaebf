/*
** Sets: elements that came and went, by several rows.
*/
#ifndef KV_FOLD_ELEMENTS_H
#define KV_FOLD_ELEMENTS_H

#include "horizon.h"

/* Elements that a row puts into a set, or cuts out of it. */
typedef struct kv_elements {
  kv_list list; /* ascending, each once */
  int is_cut;
  size_t at;              /* its place in time: greater if it is later */
  const kv_fold_row *row; /* whose */
} kv_elements;

/*
** Make one set of n lists. An element is there once for each row that puts it. A
** later cut takes away those whose rows its writer had seen, or all of them if
** horizon is NULL. *out is in the arena, or one of the lists. This takes memory
** for n cursors and the result. KV_NOMEM, and errors of seen().
*/
int kv_elements_merge(const kv_elements *lists, size_t n, kv_horizon *horizon,
                      kv_arena *arena, kv_list *out);

#endif
