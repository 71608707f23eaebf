/*
** Compares typed tables with the logs. See check.h.
**
** A row that looks right is only read. One that does not is settled: if that changes
** it, it was wrong. (A trigger of the user may refuse what the declaration allows.)
*/
#include "check.h"

#include <string.h>

#include "alter.h"
#include "core/order.h"
#include "db/error.h"
#include "db/value.h"
#include "declare/keys.h"
#include "store/errors.h"
#include "store/savepoint.h"
#include "store/transaction.h"
#include "tables/follow.h"
#include "tables/lens.h"
#include "tables/settle.h"

typedef struct check_run {
  kv_typed *typed;
  kv_value *values; /* of the row that is checked, by the logs, */
  kv_value *stored; /* and as it is */
  kv_arena arena;
  kv_value *strays; /* the columns of rows that no log has */
  size_t n_strays;
  int64_t n_wrong;
} check_run;

/* What {name}_data and {name}_hidden have of a key. */
typedef struct check_state {
  int is_there;
  int is_right;     /* with the values of the logs */
  const char *rule; /* that it is listed with; NULL: it is not */
} check_state;

/* Read the row with the key in check->values, and compare it with these. */
static int check_read(check_run *check, check_state *out) {
  const kv_declaration *declared = &check->typed->declared;
  kv_run run;
  int i;

  kv_run_begin(&run, &check->typed->stmts, KV_SQL_CHANGE_ROW);
  for (i = 0; i < declared->n_key; i++)
    kv_run_value(&run, &check->values[declared->key[i]]);
  out->is_there = kv_run_row(&run);
  out->is_right = out->is_there;
  for (i = 0; i < declared->n_columns && out->is_right; i++) {
    kv_value value = {0};

    kv_run_column(&run, i, &value);
    out->is_right = kv_order_is_identical(&value, &check->values[i]);
  }
  return kv_run_close(&run);
}

static int check_listed(check_run *check, const kv_value *key,
                        check_state *out) {
  kv_run run;

  out->rule = NULL;
  kv_run_begin(&run, &check->typed->stmts, KV_SQL_CHECK_LISTED);
  kv_run_value(&run, key);
  if (kv_run_row(&run)) {
    const char *rule = (const char *)sqlite3_column_text(run.stmt, 0);

    if (rule) {
      out->rule = kv_arena_copy(&check->arena, rule, strlen(rule) + 1);
    }
    if (!out->rule) run.rc = SQLITE_NOMEM;
  }
  return kv_run_close(&run);
}

static int check_state_of(check_run *check, const kv_value *key, int has_key,
                          check_state *out) {
  int rc = check_listed(check, key, out);

  out->is_there = out->is_right = 0;
  return rc == SQLITE_OK && has_key ? check_read(check, out) : rc;
}

/* What the logs say of a key. */
static int check_expect(check_run *check, const kv_value *key, int *has_key,
                        int *is_shown) {
  kv_typed *typed = check->typed;
  kv_fold *fold = &typed->folded.fold;
  kv_lens_why why;
  int rc = kv_folded_key(&typed->folded, typed->meta.bucket, key,
                         typed->declared.deletes);

  if (rc != SQLITE_OK) return rc;
  memset(check->values, 0,
         (size_t)typed->declared.n_columns * sizeof(*check->values));
  rc = kv_lens_row(typed, fold, key, check->values, has_key, &why);
  *is_shown = fold->exists && !why.rule;
  sqlite3_free(why.detail);
  if (rc == SQLITE_OK && *is_shown) {
    rc = kv_lens_check(typed, check->values, is_shown);
  }
  return rc;
}

static int check_is_same_rule(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

static int check_key(check_run *check, const kv_value *given) {
  kv_value key = {0};
  check_state before;
  check_state after;
  int has_key;
  int is_shown;
  int is_plain;
  int rc = kv_value_copy(given, &key);

  kv_arena_clear(&check->arena);
  if (rc == SQLITE_OK) rc = check_expect(check, &key, &has_key, &is_shown);
  if (rc == SQLITE_OK) rc = check_state_of(check, &key, has_key, &before);
  is_plain =
    rc == SQLITE_OK && !before.rule &&
    (is_shown ? before.is_right && check->typed->folded.fold.is_whole
              : !before.is_there && !check->typed->folded.fold.exists &&
                  !check->typed->folded.fold.is_incomplete);
  if (rc == SQLITE_OK && !is_plain) {
    rc = kv_settle_key(check->typed, &key);
    if (rc == SQLITE_OK) rc = check_expect(check, &key, &has_key, &is_shown);
    if (rc == SQLITE_OK) rc = check_state_of(check, &key, has_key, &after);
    if (rc == SQLITE_OK) {
      check->n_wrong += before.is_there != after.is_there ||
                        before.is_right != after.is_right ||
                        !check_is_same_rule(before.rule, after.rule);
    }
  }
  kv_value_free(&key);
  return rc;
}

/* All keys that the logs have. */
static int check_keys(check_run *check) {
  kv_run run;

  kv_run_begin(&run, &check->typed->store->stmts, KV_SQL_FOLLOW_ALL);
  kv_run_text(&run, check->typed->meta.bucket);
  while (kv_run_row(&run)) {
    kv_value key = {0};

    kv_run_column(&run, 0, &key);
    if (run.rc == SQLITE_OK) run.rc = check_key(check, &key);
  }
  return kv_run_close(&run);
}

/* Does the cache have a row of this key? */
static int check_is_known(check_run *check, const kv_value *key,
                          int *is_known) {
  kv_run run;

  kv_run_begin(&run, &check->typed->store->stmts, KV_SQL_BUCKET_NEWEST);
  kv_run_text(&run, check->typed->meta.bucket);
  kv_run_value(&run, key);
  *is_known = kv_run_row(&run);
  return kv_run_close(&run);
}

/* Note n values, whose bytes are copied. */
static int check_note(check_run *check, const kv_value *values, size_t n) {
  size_t size = (check->n_strays + 1) * n * sizeof(*check->strays);
  kv_value *strays = sqlite3_realloc64(check->strays, size);
  size_t i;

  if (!strays) return SQLITE_NOMEM;
  check->strays = strays;
  for (i = 0; i < n; i++) {
    kv_value *out = &strays[check->n_strays * n + i];

    *out = values[i];
    if (out->type != KV_TEXT && out->type != KV_BLOB) continue;
    out->z = kv_arena_copy(&check->arena, out->z, out->n);
    if (!out->z) return SQLITE_NOMEM;
  }
  check->n_strays++;
  return SQLITE_OK;
}

/* The row that a run is on, if no log has its key. */
static int check_stray(check_run *check, kv_run *run) {
  const kv_declaration *declared = &check->typed->declared;
  size_t n = (size_t)declared->n_columns;
  kv_value key;
  int is_known = 0;
  int is_valid;
  int i;
  int rc;

  memset(check->stored, 0, n * sizeof(*check->stored));
  for (i = 0; i < declared->n_key; i++)
    kv_run_column(run, i, &check->stored[declared->key[i]]);
  rc = run->rc;
  if (rc == SQLITE_OK) {
    rc = kv_keys_write(declared, check->stored, &check->arena, &key, &is_valid);
  }
  if (rc == SQLITE_OK && is_valid) rc = check_is_known(check, &key, &is_known);
  return rc == SQLITE_OK && !is_known ? check_note(check, check->stored, n)
                                      : rc;
}

/* Rows that no log has. They are deleted when all are found. */
static int check_strays(check_run *check) {
  size_t n = (size_t)check->typed->declared.n_columns;
  kv_run run;
  size_t i;
  int rc;

  kv_arena_clear(&check->arena);
  kv_run_begin(&run, &check->typed->stmts, KV_SQL_CHECK_ROWS);
  while (kv_run_row(&run))
    run.rc = check_stray(check, &run);
  rc = kv_run_close(&run);
  for (i = 0; i < check->n_strays && rc == SQLITE_OK; i++)
    rc = kv_settle_delete(check->typed, &check->strays[i * n]);
  check->n_wrong += (int64_t)check->n_strays;
  return rc;
}

/* The same of {name}_hidden. */
static int check_hidden(check_run *check) {
  kv_run run;
  size_t i;
  int rc;

  kv_arena_clear(&check->arena);
  check->n_strays = 0;
  kv_run_begin(&run, &check->typed->stmts, KV_SQL_CHECK_HIDDEN);
  while (kv_run_row(&run)) {
    kv_value key = {0};
    int is_known = 0;

    kv_run_column(&run, 0, &key);
    if (run.rc == SQLITE_OK) run.rc = check_is_known(check, &key, &is_known);
    if (run.rc == SQLITE_OK && !is_known) run.rc = check_note(check, &key, 1);
  }
  rc = kv_run_close(&run);
  for (i = 0; i < check->n_strays && rc == SQLITE_OK; i++)
    rc = kv_settle_show(check->typed, &check->strays[i]);
  check->n_wrong += (int64_t)check->n_strays;
  return rc;
}

static int check_rows(check_run *check) {
  kv_typed *typed = check->typed;
  size_t size = (size_t)typed->declared.n_columns * sizeof(kv_value);
  int rc;

  check->values = sqlite3_malloc64(size);
  check->stored = sqlite3_malloc64(size);
  rc = check->values && check->stored ? kv_settle_begin(typed) : SQLITE_NOMEM;
  if (rc == SQLITE_OK) rc = check_keys(check);
  if (rc == SQLITE_OK) rc = check_strays(check);
  if (rc == SQLITE_OK) rc = check_hidden(check);
  sqlite3_free(check->values);
  sqlite3_free(check->stored);
  sqlite3_free(check->strays);
  return rc;
}

/* Do the tables have what statements need? SQLITE_ERROR if not. */
static int check_shape(kv_typed *typed) {
  static const kv_sql ids[] = {KV_SQL_CHANGE_ROW, KV_SQL_TYPED_PUT,
                               KV_SQL_TYPED_HIDE};
  int rc = SQLITE_OK;
  int i;

  for (i = 0; i < 3 && rc == SQLITE_OK; i++) {
    kv_run run;

    kv_run_begin(&run, &typed->stmts, ids[i]);
    rc = kv_run_close(&run);
  }
  return rc;
}

/* Make the tables again; all their rows count. */
static int check_again(kv_registry *registry, const char *table,
                       kv_typed_found *found, int64_t *n_wrong, char **err) {
  kv_run run;
  int rc = kv_alter_again(registry, found, err);

  if (rc == SQLITE_OK) rc = kv_typed_find(registry, table, found, err);
  if (rc != SQLITE_OK) return rc;
  kv_run_begin(&run, &found->typed->stmts, KV_SQL_CHECK_COUNT);
  return kv_run_number(&run, n_wrong);
}

static int check_now(kv_typed_found *found, int64_t *n_wrong, char **err) {
  check_run check;
  int rc = kv_store_savepoint(found->store, err);

  if (rc != SQLITE_OK) return rc;
  memset(&check, 0, sizeof(check));
  check.typed = found->typed;
  kv_arena_init(&check.arena, kv_realloc);
  rc = kv_follow_table(found->typed, found->store, err);
  found->typed->store = found->store;
  if (rc == SQLITE_OK) rc = check_rows(&check);
  kv_arena_free(&check.arena);
  kv_typed_error(found->typed, err, rc, "cannot check the rows");
  rc = kv_store_savepoint_end(found->store, rc);
  if (rc == SQLITE_OK) *n_wrong = check.n_wrong;
  return rc;
}

int kv_check(kv_registry *registry, const char *table, int64_t *n_wrong,
             char **err) {
  kv_typed_found found;
  int rc = kv_typed_find(registry, table, &found, err);

  *n_wrong = 0;
  if (rc == SQLITE_OK && kv_transaction_has_rows(found.store)) {
    rc = kv_error(err, SQLITE_LOCKED,
                  "COMMIT first, then kv_check(): this transaction has "
                  "written to %s",
                  found.store->name);
  }
  if (rc == SQLITE_OK && check_shape(found.typed) == SQLITE_ERROR) {
    rc = check_again(registry, table, &found, n_wrong, err);
  } else if (rc == SQLITE_OK) {
    rc = check_now(&found, n_wrong, err);
  }
  kv_typed_found_close(&found);
  return rc == SQLITE_NOTFOUND ? SQLITE_ERROR : rc;
}
