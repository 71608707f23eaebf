/*
** The fold: what a row of a typed table is, given the log rows of its key.
**
**   kv_fold_init(&fold, resize);
**   for each key:
**     kv_fold_begin(&fold, logs, n_logs, seen, source);
**     for each log row of it:  kv_fold_add(&fold, &row);
**     kv_fold_run(&fold, deletes);
**     fold.exists, fold.columns
**   kv_fold_free(&fold);
**
** INVARIANT: the result is a function of the set of rows. The order in which they
** are added does not matter, nor does adding a row twice.
**
** Does the row exist?  Not without a birth (its insert is on its way). Else:
**   later   the newest row is not a delete
**   lose    there is an update or insert that no delete had seen
**   win     there is a birth that had seen all deletes
**
** Which rows count?  Those that are live: updates and inserts that no birth had
** seen. A row that was deleted and comes back by an update comes back whole.
**
** What is in a column?  Of the live rows that name it, in order, the last
** assignment is its base. To that are applied, in order, the operations that
** the writer of the base had not seen:
**   assignments   of a set, which adds its elements; others do not count
**   add           to the value, if that is a number, else to 0; if a sum of
**                 integers overflows it becomes a real; NaN becomes NULL
**   max, min      the greater or lesser of the value and the number; the
**                 number, if the value is not a number
**   push          appends to the value, if that is a list, else to an empty one
**   put and cut   on the value, if that is a set, else on an empty one. Each
**                 element is there once for each row that put it; a cut takes
**                 away those that its writer had seen
** A set is shown in order, each element once.
**
** All memory is the fold's. After an error, kv_fold_begin() or kv_fold_free().
*/
#ifndef KV_FOLD_FOLD_H
#define KV_FOLD_FOLD_H

#include "apply.h"
#include "horizon.h"

/* What a table says about deletes; the same on all devices. */
enum { KV_DELETES_LATER = 0, KV_DELETES_LOSE = 1, KV_DELETES_WIN = 2 };

/* A cell, and the row that it is of. */
typedef struct kv_fold_cell {
  const kv_cell *cell;
  const kv_fold_row *row;
  int is_used; /* the column's value is made of it */
} kv_fold_cell;

typedef struct kv_fold {
  /* The outcome of kv_fold_run(): */
  int exists;        /* if not, there are no columns */
  int is_incomplete; /* there is no birth */
  int is_whole;      /* the records of all rows are understood */
  int is_large;      /* all columns together do not fit into a record */
  size_t n_columns;  /* ascending by name; a column that no live row names */
  kv_fold_column *columns; /* is missing, which means NULL */
  size_t n_rows;           /* in order, the newest last */
  kv_fold_row **rows;
  size_t n_cells; /* all that is understood, by column and order */
  kv_fold_cell *cells;

  kv_arena arena; /* yours, too: valid until the next kv_fold_begin() */
  kv_horizon horizon;
  size_t room;        /* of rows */
  size_t n_bytes;     /* of their records */
  kv_fold_cell **ops; /* of a column: what is applied to its base */
} kv_fold;

void kv_fold_init(kv_fold *fold, kv_resize resize);

/* Free all; a fold of zeroes is fine. */
void kv_fold_free(kv_fold *fold);

/*
** Begin with the rows of another key. Logs are borrowed; seen() is called when
** an answer is needed. KV_NOMEM.
*/
int kv_fold_begin(kv_fold *fold, const kv_fold_log *logs, int n_logs,
                  kv_fold_seen seen, void *source);

/*
** Add a row: log, op, ts, seq, value, id. Its value is borrowed until the next
** kv_fold_begin(): if you have to copy it, copy it into fold->arena. KV_NOMEM.
*/
int kv_fold_add(kv_fold *fold, const kv_fold_row *row);

/* Fold them. KV_NOMEM, and errors of seen(). */
int kv_fold_run(kv_fold *fold, int deletes);

/* The column of that name, or NULL. */
const kv_fold_column *kv_fold_find(const kv_fold *fold, const char *name,
                                   size_t n);

#endif
