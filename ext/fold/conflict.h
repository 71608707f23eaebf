/*
** Conflicts: writes that lost to writers who had not seen them.
*/
#ifndef KV_FOLD_CONFLICT_H
#define KV_FOLD_CONFLICT_H

#include "fold.h"

typedef struct kv_fold_conflict {
  const kv_cell *won;  /* the column's assignments; both are NULL if a delete */
  const kv_cell *lost; /* and an update or insert did not see each other */
  const kv_fold_row *won_row;
  const kv_fold_row *lost_row;
} kv_fold_conflict;

/*
** List the conflicts, after kv_fold_run().
**
** A column's assignment lost if another value was assigned later, and if it was
** seen neither by a live row that assigns the column nor by a delete. A delete
** lost to an update or insert, or one of these to a delete, if the winner is the
** newest row and no row had seen the loser. Operations never conflict.
**
** They are sorted by column, then by the order of the losers. Conflicts of the
** row itself come last. *out is in the fold's arena. KV_NOMEM, and errors of
** seen().
*/
int kv_fold_conflicts(kv_fold *fold, kv_fold_conflict **out, size_t *n);

#endif
