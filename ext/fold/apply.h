/*
** What operations make of the value of a column.
*/
#ifndef KV_FOLD_APPLY_H
#define KV_FOLD_APPLY_H

#include "record/record.h"

/* A column and its value. */
typedef struct kv_fold_column {
  const char *name; /* not NUL-terminated */
  size_t n_name;
  int op;    /* KV_CELL_SET: the value is a scalar; KV_CELL_ELEMENTS,
          ** KV_CELL_ARRAY: the JSON of a set, of a list */
  int n_ops; /* operations that made it */
  kv_value value;
} kv_fold_column;

/* Apply add, max or min to *value. */
void kv_apply_number(const kv_cell *cell, kv_value *value);

/* Concatenate n lists. *out is in the arena, or the list if n is 1. KV_NOMEM. */
int kv_apply_lists(const kv_list *lists, size_t n, kv_arena *arena,
                   kv_list *out);

/* Make a set (KV_CELL_ELEMENTS) or list (KV_CELL_ARRAY) the column's value. */
void kv_apply_show(kv_fold_column *column, int op, kv_list list);

/* Get the elements of a set or list; none if the value is of another kind. */
kv_list kv_apply_list(const kv_fold_column *column, int op);

/*
** Apply a cell to a column, if it is the next one in order and its writer had seen
** all others. That holds for the next write of this device. It also gives the
** right value for a foreign update that is the newest row of its key, unless it
** cuts, or assigns a set, or assigns a column that ever had operations.
**
** A column of zeroes is NULL. The new value borrows from the cell and the arena.
** KV_NOMEM.
*/
int kv_apply_cell(const kv_cell *cell, kv_arena *arena, kv_fold_column *column);

/* The cell that assigns a column's value to it. */
void kv_apply_assign(const kv_fold_column *column, kv_cell *out);

/* The column of that name, of n that ascend by name; or NULL. */
const kv_fold_column *kv_apply_find(const kv_fold_column *columns, size_t n,
                                    const char *name, size_t n_name);

#endif
