/*
** Rows of kv_diff, kv_conflicts and kv_changes about typed tables, which no
** statement can compute: keys.h folds each key, and these functions make the
** rows of it, as kv_view.make (view.h). They return 0 at the end or after an
** error, which is in cursor->keys.rows.rc.
*/
#ifndef KV_HISTORY_MADE_H
#define KV_HISTORY_MADE_H

#include "view.h"

/* Columns of diff. */
enum {
  KV_DIFF_ROW_BUCKET,
  KV_DIFF_ROW_KEY,
  KV_DIFF_ROW_CHANGE,
  KV_DIFF_ROW_OLD,
  KV_DIFF_ROW_NEW
};

/* Columns of conflicts. */
enum {
  KV_CONFLICT_ROW_BUCKET,
  KV_CONFLICT_ROW_KEY,
  KV_CONFLICT_ROW_VALUE,
  KV_CONFLICT_ROW_DEVICE,
  KV_CONFLICT_ROW_TS,
  KV_CONFLICT_ROW_LOST_VALUE,
  KV_CONFLICT_ROW_LOST_DEVICE,
  KV_CONFLICT_ROW_LOST_TS,
  KV_CONFLICT_ROW_OP,
  KV_CONFLICT_ROW_COLUMN,
  KV_CONFLICT_ROW_CELL
};

/* Columns of changes. */
enum {
  KV_CHANGE_ROW_CURSOR,
  KV_CHANGE_ROW_BUCKET,
  KV_CHANGE_ROW_KEY,
  KV_CHANGE_ROW_VALUE,
  KV_CHANGE_ROW_OP,
  KV_CHANGE_ROW_TS,
  KV_CHANGE_ROW_DEVICE,
  KV_CHANGE_ROW_IS_RESET
};

/* The next key that differs: the columns that are not the same at both times. */
int kv_made_diff(kv_view_cursor *cursor);

/* The next value of a column that lost, or delete or edit that lost. */
int kv_made_conflict(kv_view_cursor *cursor);

/* The next key that changed, with its row as it is now. */
int kv_made_change(kv_view_cursor *cursor);

#endif
