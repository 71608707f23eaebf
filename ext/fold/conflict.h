/*
** Writes of a typed row that lost to writers who had not seen them.
*/
#ifndef KV_FOLD_CONFLICT_H
#define KV_FOLD_CONFLICT_H

#include "fold.h"

typedef struct kv_fold_conflict {
  const kv_cell *won; /* what the column was assigned; NULL, like lost, if it */
  const kv_cell *lost; /* is the row itself: one is a delete, and one is not */
  const kv_fold_row *won_row;
  const kv_fold_row *lost_row;
} kv_fold_conflict;

/*
** After kv_fold_run(): a column's assignment lost if another value was
** assigned later, and neither a live row that assigns the column nor a delete had
** seen it. A delete lost to an update or insert, or these to a delete, if the
** other is the newest row, and no row had seen the loser. Operations do not
** lose. By column, then in order; those of the row itself come last. *out is
** in the fold's arena. KV_NOMEM, and errors of seen().
*/
int kv_fold_conflicts(kv_fold *fold, kv_fold_conflict **out, size_t *n);

#endif
