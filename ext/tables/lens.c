/*
** What a declaration shows of a row. See lens.h.
*/
#include "lens.h"

#include <string.h>

#include "declare/convert.h"
#include "declare/keys.h"

static void lens_say(kv_lens_why *why, const char *rule, const char *column,
                     char *detail) {
  why->rule = rule;
  why->column = column;
  why->detail = detail;
}

/* What a column that is NOT NULL shows without a value. */
static void lens_default(const kv_typed *typed, int i, kv_value *value) {
  const kv_column *column = &typed->declared.columns[i];

  switch (column->kind) {
    case KV_KIND_COUNTER:
      value->type = column->type == KV_TYPE_REAL ? KV_REAL : KV_INTEGER;
      value->i = 0;
      value->r = 0;
      break;
    case KV_KIND_SET:
    case KV_KIND_LIST:
      value->type = KV_TEXT;
      value->z = "[]";
      value->n = 2;
      break;
    default: *value = typed->defaults[i]; break;
  }
}

/* The value of one column. */
static void lens_column(const kv_typed *typed, const kv_fold *fold, int i,
                        kv_value *out, kv_lens_why *why) {
  const kv_column *column = &typed->declared.columns[i];
  const kv_fold_column *found =
    kv_fold_find(fold, column->cell, strlen(column->cell));

  memset(out, 0, sizeof(*out));
  if (found && !kv_convert_merged(column, &found->value, out)) {
    lens_say(why, "type", column->name,
             sqlite3_mprintf("%s value in %s column",
                             kv_convert_value_name(&found->value),
                             kv_convert_type_name(column->type)));
    return;
  }
  if (out->type == KV_NULL && column->is_not_null) lens_default(typed, i, out);
  if (out->type == KV_NULL && column->is_not_null) {
    lens_say(why, "not null", column->name, NULL);
  }
}

/* What a key has to be, as a message. */
static char *lens_key_form(const kv_typed *typed) {
  const kv_declaration *declared = &typed->declared;
  sqlite3_str *out = sqlite3_str_new(typed->db);
  int i;

  sqlite3_str_appendall(out, "it is no key of (");
  for (i = 0; i < declared->n_key; i++) {
    const kv_column *column = &declared->columns[declared->key[i]];

    sqlite3_str_appendf(out, "%s%s %s", i > 0 ? ", " : "", column->name,
                        kv_convert_type_name(column->type));
  }
  sqlite3_str_appendall(out, ")");
  return sqlite3_str_finish(out);
}

int kv_lens_row(const kv_typed *typed, kv_fold *fold, const kv_value *key,
                kv_value *values, int *has_key, kv_lens_why *why) {
  int rc;
  int i;

  memset(why, 0, sizeof(*why));
  rc = kv_keys_read(&typed->declared, key, &fold->arena, values, has_key);
  if (rc != SQLITE_OK || !fold->exists) return rc;
  if (!*has_key) {
    lens_say(why, "key", NULL, lens_key_form(typed));
  } else if (fold->is_large) {
    lens_say(why, "record", NULL,
             sqlite3_mprintf("the row is larger than 64 MB"));
  }
  for (i = 0; i < typed->declared.n_columns && !why->rule; i++) {
    if (typed->declared.columns[i].key == 0) {
      lens_column(typed, fold, i, &values[i], why);
    }
  }
  return SQLITE_OK;
}

int kv_lens_check(kv_typed *typed, const kv_value *values, int *is_valid) {
  kv_run run;
  int i;

  *is_valid = 1;
  if (typed->declared.n_checks == 0) return SQLITE_OK;
  kv_run_begin(&run, &typed->stmts, KV_SQL_LENS_CHECK);
  for (i = 0; i < typed->declared.n_columns; i++)
    kv_run_value(&run, &values[i]);
  *is_valid = kv_run_row(&run);
  return kv_run_close(&run);
}
