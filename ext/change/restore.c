/*
** A row as it was. See restore.h.
**
** Nothing more is read for the row as it was: its log rows are among those of the
** row as it is. An assignment wins over all that this device has merged, so the
** fold of all rows and the record is the row as it was.
*/
#include "restore.h"

#include <string.h>

#include "cache/revert.h"
#include "db/error.h"
#include "declare/convert.h"
#include "replace/past.h"
#include "tables/lens.h"
#include "tables/settle.h"

/* Refuse a time before which the log rows of the key may be gone. */
static int restore_check(kv_typed *typed, const kv_value *key,
                         const int64_t *as_of, char **err) {
  kv_stmts *stmts = &typed->store->stmts;
  int64_t since = 0;
  int rc = SQLITE_OK;

  if (as_of) {
    since = *as_of;
  } else {
    rc = kv_revert_since(stmts, typed->meta.bucket, key, &since);
  }
  return rc == SQLITE_OK ? kv_past_check(stmts, since, err) : rc;
}

/* Fold the log rows up to a time; or all but the newest one, which is the last. */
static int restore_fold(kv_restore *restore, const int64_t *as_of) {
  const kv_fold *now = &restore->typed->folded.fold;
  kv_fold *then = &restore->then.fold;
  size_t i;
  int rc = kv_folded_begin(&restore->then, restore->typed->store);

  if (rc == SQLITE_OK) rc = kv_folded_start(&restore->then);
  for (i = 0; i < now->n_rows && rc == SQLITE_OK; i++) {
    if (as_of ? now->rows[i]->ts > *as_of : i + 1 == now->n_rows) continue;
    rc = kv_fold_add(then, now->rows[i]);
  }
  return rc == SQLITE_OK ? kv_fold_run(then, restore->typed->declared.deletes)
                         : rc;
}

static int restore_no_key(const kv_typed *typed, char **err) {
  const kv_declaration *declared = &typed->declared;
  sqlite3_str *form = sqlite3_str_new(typed->db);
  char *text;
  int i;
  int rc = SQLITE_NOMEM;

  for (i = 0; i < declared->n_key; i++) {
    const kv_column *column = &declared->columns[declared->key[i]];

    sqlite3_str_appendf(form, "%s%s %s", i > 0 ? ", " : "", column->name,
                        kv_convert_type_name(column->type));
  }
  text = sqlite3_str_finish(form);
  if (text) {
    rc =
      kv_error(err, SQLITE_ERROR, "the key of %s is (%s)%s", typed->name, text,
               declared->n_key > 1 ? ": give it as json_array(...)" : "");
  }
  sqlite3_free(text);
  return rc;
}

/* Is a log row of the key here? Else the key has to be one of the table. */
static int restore_check_key(kv_restore *restore, const kv_value *key,
                             char **err) {
  kv_typed *typed = restore->typed;
  kv_fold *now = &typed->folded.fold;
  size_t size = (size_t)typed->declared.n_columns * sizeof(kv_value);
  kv_value *values = kv_arena_get(&now->arena, size);
  kv_lens_why why;
  int has_key = 1;
  int rc = values ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK && now->n_rows == 0) {
    rc = kv_lens_row(typed, now, key, values, &has_key, &why);
  }
  return rc == SQLITE_OK && !has_key ? restore_no_key(typed, err) : rc;
}

int kv_restore_begin(kv_restore *restore, kv_typed *typed, const kv_value *key,
                     const int64_t *as_of, char **err) {
  const kv_fold *now = &typed->folded.fold;
  const kv_fold *then = &restore->then.fold;
  int is_there = 0;
  int rc;

  memset(restore, 0, sizeof(*restore));
  restore->typed = typed;
  kv_folded_init(&restore->then);
  rc = restore_check(typed, key, as_of, err);
  if (rc == SQLITE_OK) rc = kv_settle_exists(typed, key, &is_there);
  if (rc == SQLITE_OK) rc = restore_check_key(restore, key, err);
  if (rc == SQLITE_OK) rc = restore_fold(restore, as_of);
  if (rc != SQLITE_OK) return rc;
  if (then->exists) {
    restore->what = now->exists ? KV_RESTORE_UPDATE : KV_RESTORE_INSERT;
  } else if (now->exists || (is_there && !kv_settle_is_incomplete(then))) {
    restore->what = KV_RESTORE_DELETE;
  }
  return SQLITE_OK;
}

void kv_restore_end(kv_restore *restore) {
  kv_folded_clear(&restore->then);
}

/* The error of a row that the declaration does not allow. */
static int restore_refuse(const kv_typed *typed, const kv_lens_why *why,
                          char **err) {
  return kv_error(err, SQLITE_CONSTRAINT,
                  "the row as it was cannot be a row of %s now: %s%s%s%s%s",
                  typed->name, why->rule, why->column ? ", " : "",
                  why->column ? why->column : "", why->detail ? ", " : "",
                  why->detail ? why->detail : "");
}

int kv_restore_values(kv_restore *restore, const kv_value *key,
                      kv_value *values, char **err) {
  kv_lens_why why;
  int has_key;
  int rc = kv_lens_row(restore->typed, &restore->then.fold, key, values,
                       &has_key, &why);

  if (rc == SQLITE_OK && why.rule) {
    rc = restore_refuse(restore->typed, &why, err);
    sqlite3_free(why.detail);
  }
  return rc;
}

/* Add the cell that assigns a column, or NULL; 0 if it is what it was. */
static int restore_add(kv_bytes *out, const kv_fold_column *then,
                       const kv_fold_column *now) {
  static const kv_fold_column none;
  kv_cell was;
  kv_cell is;

  kv_apply_assign(then ? then : &none, &was);
  kv_apply_assign(now ? now : &none, &is);
  if (kv_cell_is_same(&was, &is)) return 0;
  if (!then) {
    was.name = is.name;
    was.n_name = is.n_name;
  }
  kv_record_add(out, &was);
  return 1;
}

/* NULL: at the end, which is behind all names. */
static int restore_compare(const kv_fold_column *a, const kv_fold_column *b) {
  if (!a || !b) return a ? -1 : 1;
  return kv_cell_compare_names(a->name, a->n_name, b->name, b->n_name);
}

int kv_restore_record(const kv_restore *restore, kv_bytes *out, int *n) {
  const kv_fold *then = &restore->then.fold;
  const kv_fold *now = &restore->typed->folded.fold;
  size_t n_now = now->exists ? now->n_columns : 0;
  size_t i = 0;
  size_t k = 0;

  *n = 0;
  kv_record_begin(out, !now->exists);
  while (i < then->n_columns || k < n_now) {
    const kv_fold_column *a = i < then->n_columns ? &then->columns[i] : NULL;
    const kv_fold_column *b = k < n_now ? &now->columns[k] : NULL;
    int c = restore_compare(a, b);

    *n += restore_add(out, c <= 0 ? a : NULL, c >= 0 ? b : NULL);
    i += c <= 0;
    k += c >= 0;
  }
  kv_record_end(out);
  return out->rc;
}
