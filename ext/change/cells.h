/*
** The records of local changes: what an INSERT or UPDATE says about each column.
**
**     lww       what the column is assigned
**     counter   the difference      {"add":-3}
**     max, min  the value, if it is greater (less)
**     set       what came and went  {"put":["red"],"cut":["blue"]}
**     list      what was appended   {"push":["Oslo"]}, or all of it
**
** An INSERT assigns, and leaves out columns that are NULL.
*/
#ifndef KV_CHANGE_CELLS_H
#define KV_CHANGE_CELLS_H

#include "declare/ids.h"
#include "fold/apply.h"
#include "tables/typed.h"

/* Write the record of an INSERT of these values. Errors are those of `out`. */
int kv_cells_insert(const kv_typed *typed, const kv_value *values,
                    kv_arena *arena, kv_bytes *out);

/* What an UPDATE turned out to be. */
typedef enum kv_cells_change {
  KV_CELLS_NONE,  /* it changes nothing */
  KV_CELLS_PLAIN, /* `new` is what the row is now */
  KV_CELLS_FOLD   /* the row is to be folded */
} kv_cells_change;

/*
** The same of an UPDATE. Values of `new` are changed to what the column is then:
** the sum of a counter, the greater one. is_all: an INSERT OR REPLACE, which
** assigns all columns.
*/
int kv_cells_update(const kv_typed *typed, const kv_value *old, kv_value *new,
                    int is_all, kv_arena *arena, kv_bytes *out,
                    kv_cells_change *change);

/* The same of an assignment of one column. */
int kv_cells_assign(const kv_typed *typed, const kv_value *values, int column,
                    kv_arena *arena, kv_bytes *out);

/* The columns of a row as a fold has them. KV_NOMEM. */
int kv_cells_columns(const kv_typed *typed, const kv_value *values,
                     kv_arena *arena, kv_fold_column **out, size_t *n);

/*
** The default of a column, for an INSERT that gives it NULL; *out is unchanged if
** there is none. A text is in the arena. KV_NOMEM.
*/
int kv_cells_default(const kv_typed *typed, int column, kv_ids *ids,
                     kv_arena *arena, kv_value *out);

#endif
