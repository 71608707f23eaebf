/*
** Rows of {name}_data from the log rows of their keys. See settle.h.
**
** What is written is what the fold says, as far as the declaration allows it:
**
**     no row                       DELETE, and the key is not listed
**     its insert is on its way     DELETE, listed as incomplete
**     a value of another type ...  DELETE, listed with the rule
**     SQLite refuses it (CHECK)    DELETE, listed with the rule
**     otherwise                    an upsert, and the key is not listed
*/
#include "settle.h"

#include <assert.h>
#include <string.h>

#include "core/order.h"
#include "db/error.h"
#include "db/value.h"
#include "lens.h"
#include "store/transaction.h"

int kv_settle_begin(kv_typed *typed) {
  int64_t has_hidden = 1;
  kv_run run;
  int rc;

  typed->is_rolled_back = 0;
  kv_run_begin(&run, &typed->stmts, KV_SQL_TYPED_HAS_HIDDEN);
  rc = kv_run_number(&run, &has_hidden);
  typed->has_hidden = has_hidden != 0;
  return rc == SQLITE_OK ? kv_folded_begin(&typed->folded, typed->store) : rc;
}

/* Fold the log rows of a key. */
static int settle_fold(kv_typed *typed, const kv_value *key) {
  return kv_folded_key(&typed->folded, typed->meta.bucket, key,
                       typed->declared.deletes);
}

static void settle_say(kv_lens_why *why, const char *rule, char *detail) {
  why->rule = rule;
  why->column = NULL;
  why->detail = detail;
}

int kv_settle_put(kv_typed *typed, kv_sql id, const kv_value *values) {
  sqlite3_int64 last = sqlite3_last_insert_rowid(typed->db);
  kv_transaction *txn = typed->store->txn;
  int was_writing = txn->is_writing;
  kv_run run;
  int i;
  int rc;

  kv_run_begin(&run, &typed->stmts, id);
  for (i = 0; i < typed->declared.n_columns; i++)
    kv_run_value(&run, &values[i]);
  txn->is_writing = KV_WRITING_TYPED;
  rc = kv_run_end(&run);
  txn->is_writing = was_writing;
  sqlite3_set_last_insert_rowid(typed->db, last); /* is the host's */
  return rc;
}

/* The columns that differ, as assignments; NULL: none, or no memory. */
static char *settle_changes(const kv_typed *typed, const kv_value *old,
                            const kv_value *new, int *n) {
  sqlite3_str *out = sqlite3_str_new(typed->db);
  int i;

  *n = 0;
  for (i = 0; i < typed->declared.n_columns; i++) {
    const kv_column *column = &typed->declared.columns[i];

    if (column->key > 0 || kv_order_is_identical(&old[i], &new[i])) continue;
    sqlite3_str_appendf(out, "%s\"%w\" = ?", (*n)++ > 0 ? ", " : "",
                        column->name);
  }
  return sqlite3_str_finish(out);
}

/* The statement that assigns them: the last one, or a new one. Takes `text`. */
static int settle_prepare(kv_typed *typed, char *text) {
  kv_stmt_hole more[3] = {{"changes", text}, {"match", NULL}, {NULL, NULL}};
  kv_stmt_holes holes = {
    .schema = typed->schema, .name = typed->name, .more = more};
  char *sql;
  int rc = SQLITE_NOMEM;

  if (typed->update && strcmp(typed->update_text, text) == 0) {
    sqlite3_free(text);
    return SQLITE_OK;
  }
  more[1].text = typed->holes[KV_TYPED_MATCH].text;
  sqlite3_finalize(typed->update);
  sqlite3_free(typed->update_text);
  typed->update = NULL;
  typed->update_text = text;
  sql = kv_stmt_fill(KV_SQL_SETTLE_UPDATE, &holes);
  if (sql) {
    rc = sqlite3_prepare_v3(typed->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                            &typed->update, NULL);
  }
  sqlite3_free(sql);
  return rc;
}

/* Give the statement its values: what differs, then the key. */
static int settle_bind(const kv_typed *typed, const kv_value *old,
                       const kv_value *new) {
  const kv_declaration *declared = &typed->declared;
  int n = 0;
  int rc = SQLITE_OK;
  int i;

  for (i = 0; i < declared->n_columns && rc == SQLITE_OK; i++) {
    if (declared->columns[i].key > 0) continue;
    if (kv_order_is_identical(&old[i], &new[i])) continue;
    rc = kv_value_bind(typed->update, ++n, &new[i]);
  }
  for (i = 0; i < declared->n_key && rc == SQLITE_OK; i++)
    rc = kv_value_bind(typed->update, ++n, &old[declared->key[i]]);
  return rc;
}

int kv_settle_update(kv_typed *typed, const kv_value *old,
                     const kv_value *new) {
  kv_transaction *txn = typed->store->txn;
  int was_writing = txn->is_writing;
  int n;
  char *text = settle_changes(typed, old, new, &n);
  int rc = text || n == 0 ? SQLITE_OK : SQLITE_NOMEM;

  if (n == 0 || rc != SQLITE_OK) {
    sqlite3_free(text);
    return rc;
  }
  rc = settle_prepare(typed, text);
  if (rc == SQLITE_OK) rc = settle_bind(typed, old, new);
  txn->is_writing = KV_WRITING_TYPED;
  if (rc == SQLITE_OK) rc = kv_stmt_end(typed->update);
  txn->is_writing = was_writing;
  if (typed->update) {
    rc = kv_first_error(rc, sqlite3_reset(typed->update));
    sqlite3_clear_bindings(typed->update);
  }
  return rc;
}

int kv_settle_delete(kv_typed *typed, const kv_value *values) {
  kv_transaction *txn = typed->store->txn;
  int was_writing = txn->is_writing;
  kv_run run;
  int i;
  int rc;

  kv_run_begin(&run, &typed->stmts, KV_SQL_TYPED_DELETE);
  for (i = 0; i < typed->declared.n_key; i++)
    kv_run_value(&run, &values[typed->declared.key[i]]);
  txn->is_writing = KV_WRITING_TYPED;
  rc = kv_run_end(&run);
  txn->is_writing = was_writing;
  return rc;
}

int kv_settle_show(kv_typed *typed, const kv_value *key) {
  kv_run run;

  kv_run_begin(&run, &typed->stmts, KV_SQL_TYPED_SHOW);
  kv_run_value(&run, key);
  return kv_run_end(&run);
}

/* List the key, or no longer. */
static int settle_list(kv_typed *typed, const kv_value *key,
                       const kv_lens_why *why, int is_hidden) {
  kv_run run;

  if (!why->rule) {
    return typed->has_hidden ? kv_settle_show(typed, key) : SQLITE_OK;
  }
  typed->has_hidden = 1;
  kv_run_begin(&run, &typed->stmts, KV_SQL_TYPED_HIDE);
  kv_run_value(&run, key);
  kv_run_text(&run, why->rule);
  kv_run_text(&run, why->column);
  kv_run_text(&run, why->detail);
  kv_run_int(&run, is_hidden);
  return kv_run_end(&run);
}

/* Write the row, unless SQLite refuses it. */
static int settle_write(kv_typed *typed, const kv_value *values,
                        kv_lens_why *why) {
  int is_inside = !sqlite3_get_autocommit(typed->db);
  int rc = kv_settle_put(typed, KV_SQL_TYPED_PUT, values);

  if ((rc & 0xff) != SQLITE_CONSTRAINT) return rc;
  if (is_inside && sqlite3_get_autocommit(typed->db)) {
    typed->is_rolled_back = 1;
    return SQLITE_ABORT_ROLLBACK;
  }
  settle_say(why, "check", sqlite3_mprintf("%s", sqlite3_errmsg(typed->db)));
  return SQLITE_OK;
}

int kv_settle_is_incomplete(const kv_fold *fold) {
  return fold->is_incomplete && fold->n_rows > 0 &&
         fold->rows[fold->n_rows - 1]->op == KV_OP_SET;
}

static int settle_finish(kv_typed *typed, const kv_value *key,
                         kv_value *values) {
  kv_fold *fold = &typed->folded.fold;
  kv_lens_why why;
  int has_key;
  int rc = kv_lens_row(typed, fold, key, values, &has_key, &why);

  if (rc != SQLITE_OK) return rc;
  if (fold->exists) {
    if (!why.rule) rc = settle_write(typed, values, &why);
  } else if (kv_settle_is_incomplete(fold)) {
    settle_say(&why, "incomplete",
               sqlite3_mprintf("its insert has not arrived"));
  }
  if (rc == SQLITE_OK && has_key && (why.rule || !fold->exists)) {
    rc = kv_settle_delete(typed, values);
  }
  if (rc == SQLITE_OK && !why.rule && fold->exists && !fold->is_whole) {
    settle_say(&why, "record",
               sqlite3_mprintf("a part of it is not understood"));
    rc = settle_list(typed, key, &why, 0);
  } else if (rc == SQLITE_OK) {
    rc = settle_list(typed, key, &why, 1);
  }
  sqlite3_free(why.detail);
  return rc;
}

int kv_settle_exists(kv_typed *typed, const kv_value *key, int *exists) {
  const kv_fold *fold = &typed->folded.fold;
  int rc = kv_settle_begin(typed);

  if (rc == SQLITE_OK) rc = settle_fold(typed, key);
  *exists = rc == SQLITE_OK && (fold->exists || kv_settle_is_incomplete(fold));
  return rc;
}

/* Write what the fold of a key is. */
static int settle_write_fold(kv_typed *typed, const kv_value *key) {
  size_t size = (size_t)typed->declared.n_columns * sizeof(kv_value);
  kv_value *values = kv_arena_get(&typed->folded.fold.arena, size);

  if (!values) return SQLITE_NOMEM;
  memset(values, 0, size);
  return settle_finish(typed, key, values);
}

int kv_settle_rows(kv_typed *typed, const kv_value *key) {
  int rc = kv_fold_run(&typed->folded.fold, typed->declared.deletes);

  return rc == SQLITE_OK ? settle_write_fold(typed, key) : rc;
}

int kv_settle_key(kv_typed *typed, const kv_value *key) {
  int rc = settle_fold(typed, key);

  return rc == SQLITE_OK ? settle_write_fold(typed, key) : rc;
}
