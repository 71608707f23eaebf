/*
** Rows about typed tables. See made.h.
*/
#include "made.h"

#include <string.h>

#include "core/order.h"
#include "db/error.h"
#include "fold/conflict.h"
#include "fold/plain.h"

static void made_int(kv_value *out, int64_t value) {
  memset(out, 0, sizeof(*out));
  out->type = KV_INTEGER;
  out->i = value;
}

static void made_text(kv_value *out, const char *text) {
  memset(out, 0, sizeof(*out));
  if (!text) return;
  out->type = KV_TEXT;
  out->z = text;
  out->n = strlen(text);
}

/* Columns as plain JSON; NULL if they are too large for a value. */
static int made_json(kv_bytes *bytes, const kv_fold_column *columns, size_t n,
                     kv_value *out) {
  if (!bytes->resize) kv_bytes_init(bytes, kv_realloc, KV_RECORD_MAX);
  kv_bytes_clear(bytes);
  kv_plain_write(bytes, columns, n);
  memset(out, 0, sizeof(*out));
  if (bytes->rc != KV_OK) return bytes->rc == KV_NOMEM ? SQLITE_NOMEM : 0;
  out->type = KV_TEXT;
  out->z = bytes->z;
  out->n = bytes->n;
  return SQLITE_OK;
}

static int made_fail(kv_view_cursor *cursor, int rc) {
  cursor->keys.rows.rc = rc;
  return 0;
}

/* kv_changes */

int kv_made_change(kv_view_cursor *cursor) {
  kv_keys *keys = &cursor->keys;
  kv_value *made = cursor->made;
  const kv_fold *fold = &keys->now.fold;
  const kv_fold_row *newest;
  int rc = SQLITE_OK;

  if (!kv_keys_next(keys)) return 0;
  newest = fold->rows[fold->n_rows - 1];
  made_int(&made[KV_CHANGE_ROW_CURSOR], keys->number);
  made[KV_CHANGE_ROW_BUCKET] = keys->bucket;
  made[KV_CHANGE_ROW_KEY] = keys->key;
  memset(&made[KV_CHANGE_ROW_VALUE], 0, sizeof(*made));
  if (fold->exists) {
    rc = made_json(&cursor->json[0], fold->columns, fold->n_columns,
                   &made[KV_CHANGE_ROW_VALUE]);
  }
  made_int(&made[KV_CHANGE_ROW_OP], fold->exists);
  made_int(&made[KV_CHANGE_ROW_TS], newest->ts);
  made_text(&made[KV_CHANGE_ROW_DEVICE], kv_folded_device(&keys->now, newest));
  made_int(&made[KV_CHANGE_ROW_IS_RESET], cursor->is_reset);
  return rc == SQLITE_OK ? 1 : made_fail(cursor, rc);
}

/* kv_diff */

static int made_is_null(const kv_fold_column *column) {
  return !column ||
         (column->op == KV_CELL_SET && column->value.type == KV_NULL);
}

static int made_is_same(const kv_fold_column *a, const kv_fold_column *b) {
  if (made_is_null(a) || made_is_null(b)) {
    return made_is_null(a) && made_is_null(b);
  }
  return a->op == b->op && kv_order_is_identical(&a->value, &b->value);
}

/* The columns of a that differ in b; those that only b has are NULL in a. */
static int made_differing(const kv_fold *a, const kv_fold *b, kv_arena *arena,
                          kv_fold_column **out, size_t *n) {
  size_t i = 0;
  size_t k = 0;

  *n = 0;
  *out = kv_arena_get(arena, (a->n_columns + b->n_columns) * sizeof(**out));
  if (!*out) return SQLITE_NOMEM;
  while (i < a->n_columns || k < b->n_columns) {
    const kv_fold_column *x = i < a->n_columns ? &a->columns[i] : NULL;
    const kv_fold_column *y = k < b->n_columns ? &b->columns[k] : NULL;
    int c = !x ? 1
            : !y
              ? -1
              : kv_cell_compare_names(x->name, x->n_name, y->name, y->n_name);
    kv_fold_column *column = &(*out)[*n];

    if (c > 0) x = NULL;
    if (c < 0) y = NULL;
    i += x != NULL;
    k += y != NULL;
    if (made_is_same(x, y)) continue;
    *column = x ? *x : *y;
    if (!x) {
      column->op = KV_CELL_SET;
      memset(&column->value, 0, sizeof(column->value));
    }
    ++*n;
  }
  return SQLITE_OK;
}

/* The JSON of one side of a row that changed; is_any: something differs. */
static int made_side(kv_bytes *bytes, const kv_fold *fold, const kv_fold *other,
                     kv_arena *arena, kv_value *out, int *is_any) {
  kv_fold_column *columns;
  size_t n;
  int rc = made_differing(fold, other, arena, &columns, &n);

  *is_any = n > 0;
  return rc == SQLITE_OK && n > 0 ? made_json(bytes, columns, n, out) : rc;
}

/* One key; *is_any is 0 if nothing differs. */
static int made_diff(kv_view_cursor *cursor, int *is_any) {
  kv_keys *keys = &cursor->keys;
  kv_fold *old = &keys->then.fold;
  kv_fold *new = &keys->now.fold;
  kv_value *made = cursor->made;
  int rc = SQLITE_OK;

  memset(&made[KV_DIFF_ROW_OLD], 0, sizeof(*made));
  memset(&made[KV_DIFF_ROW_NEW], 0, sizeof(*made));
  made[KV_DIFF_ROW_BUCKET] = keys->bucket;
  made[KV_DIFF_ROW_KEY] = keys->key;
  *is_any = old->exists || new->exists;
  if (!*is_any) return SQLITE_OK;
  made_text(&made[KV_DIFF_ROW_CHANGE], !old->exists   ? "added"
                                       : !new->exists ? "removed"
                                                      : "changed");
  if (old->exists && new->exists) {
    rc = made_side(&cursor->json[0], old, new, &new->arena,
                   &made[KV_DIFF_ROW_OLD], is_any);
    if (rc != SQLITE_OK || !*is_any) return rc;
    return made_side(&cursor->json[1], new, old, &new->arena,
                     &made[KV_DIFF_ROW_NEW], is_any);
  }
  return old->exists ? made_json(&cursor->json[0], old->columns, old->n_columns,
                                 &made[KV_DIFF_ROW_OLD])
                     : made_json(&cursor->json[1], new->columns, new->n_columns,
                                 &made[KV_DIFF_ROW_NEW]);
}

int kv_made_diff(kv_view_cursor *cursor) {
  int is_any = 0;
  int rc = SQLITE_OK;

  while (rc == SQLITE_OK && !is_any) {
    if (!kv_keys_next(&cursor->keys)) return 0;
    rc = made_diff(cursor, &is_any);
  }
  return rc == SQLITE_OK ? 1 : made_fail(cursor, rc);
}

/* kv_conflicts */

/* What one side says: a value of the column, or the record of the edit. */
static int made_value(const kv_cell *cell, const kv_fold_row *row,
                      kv_arena *arena, kv_value *out) {
  memset(out, 0, sizeof(*out));
  if (cell) return kv_cell_value(cell, arena, out);
  if (row->op == KV_OP_SET) *out = row->value;
  return SQLITE_OK;
}

static int made_conflict(kv_view_cursor *cursor, const kv_fold_conflict *c) {
  kv_keys *keys = &cursor->keys;
  kv_folded *folded = &keys->now;
  kv_arena *arena = &folded->fold.arena;
  kv_value *made = cursor->made;
  kv_value *column = &made[KV_CONFLICT_ROW_COLUMN];
  int rc = made_value(c->won, c->won_row, arena, &made[KV_CONFLICT_ROW_VALUE]);

  if (rc == SQLITE_OK) {
    rc = made_value(c->lost, c->lost_row, arena,
                    &made[KV_CONFLICT_ROW_LOST_VALUE]);
  }
  made[KV_CONFLICT_ROW_BUCKET] = keys->bucket;
  made[KV_CONFLICT_ROW_KEY] = keys->key;
  made_text(&made[KV_CONFLICT_ROW_DEVICE],
            kv_folded_device(folded, c->won_row));
  made_int(&made[KV_CONFLICT_ROW_TS], c->won_row->ts);
  made_text(&made[KV_CONFLICT_ROW_LOST_DEVICE],
            kv_folded_device(folded, c->lost_row));
  made_int(&made[KV_CONFLICT_ROW_LOST_TS], c->lost_row->ts);
  made_int(&made[KV_CONFLICT_ROW_OP], c->won_row->op == KV_OP_SET);
  made_text(column, "");
  if (c->won) {
    column->z = c->won->name;
    column->n = c->won->n_name;
  }
  made[KV_CONFLICT_ROW_CELL] = *column;
  return rc;
}

int kv_made_conflict(kv_view_cursor *cursor) {
  int rc = SQLITE_OK;

  while (rc == SQLITE_OK && cursor->at >= cursor->n) {
    kv_fold_conflict *list = NULL;

    if (!kv_keys_next(&cursor->keys)) return 0;
    rc = kv_fold_conflicts(&cursor->keys.now.fold, &list, &cursor->n);
    cursor->list = list;
    cursor->at = 0;
  }
  if (rc == SQLITE_OK) {
    const kv_fold_conflict *list = cursor->list;
    rc = made_conflict(cursor, &list[cursor->at++]);
  }
  return rc == SQLITE_OK ? 1 : made_fail(cursor, rc);
}
