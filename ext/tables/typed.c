/*
** An open typed table. See typed.h.
**
** The texts over declared columns are templates in sql/typed.sql, whose holes
** this file fills: lists of columns, parameters and assignments.
*/
#include "typed.h"

#include <string.h>

#include "db/error.h"
#include "declare/arrays.h"
#include "declare/convert.h"

/* The holes of a table, in this order. */
static const char *const typed_holes[] = {
  "columns",    "values", "assignments", "key",     "match",
  "definition", "checks", "casts",       "defined", "row_key",
  "as_of",      "stamps", NULL};
enum {
  TYPED_COLUMNS,
  TYPED_VALUES,
  TYPED_ASSIGNMENTS,
  TYPED_KEY,
  TYPED_MATCH,
  TYPED_DEFINITION,
  TYPED_CHECKS,
  TYPED_CASTS,
  TYPED_DEFINED,
  TYPED_ROW_KEY,
  TYPED_AS_OF,
  TYPED_STAMPS
};

/* Columns of typed_meta_get. */
enum {
  TYPED_META_STORE,
  TYPED_META_BUCKET,
  TYPED_META_EPOCH,
  TYPED_META_MERGED
};

int kv_typed_is_shadow(const char *name) {
  return sqlite3_stricmp(name, "data") == 0 ||
         sqlite3_stricmp(name, "hidden") == 0 ||
         sqlite3_stricmp(name, "meta") == 0;
}

/* A list of columns, each as `format` says. */
static void typed_list(sqlite3_str *out, const kv_declaration *declared,
                       const int *columns, int n, const char *format,
                       const char *between) {
  int i;

  for (i = 0; i < n; i++) {
    const char *name = declared->columns[columns ? columns[i] : i].name;
    if (i > 0) sqlite3_str_appendall(out, between);
    sqlite3_str_appendf(out, format, name, name);
  }
}

/* One column, as {name}_data has it. A column of type ANY has none there. */
static void typed_column(sqlite3_str *out, const kv_column *column) {
  sqlite3_str_appendf(out, "\"%w\"", column->name);
  if (column->type != KV_TYPE_ANY) {
    sqlite3_str_appendf(out, " %s", kv_convert_type_name(column->type));
  }
  if (column->is_not_null) sqlite3_str_appendall(out, " NOT NULL");
}

static int typed_has_rowid(const kv_declaration *declared) {
  return declared->n_key == 1 &&
         declared->columns[declared->key[0]].type == KV_TYPE_INTEGER;
}

static void typed_defined(sqlite3_str *out, const kv_declaration *declared) {
  int i;

  for (i = 0; i < declared->n_columns; i++) {
    sqlite3_str_appendall(out, i > 0 ? ",\n  " : "  ");
    typed_column(out, &declared->columns[i]);
  }
}

static void typed_definition(sqlite3_str *out, const kv_declaration *declared) {
  int i;

  sqlite3_str_appendall(out, "(\n");
  typed_defined(out, declared);
  sqlite3_str_appendall(out, ",\n");
  for (i = 0; i < declared->n_checks; i++) {
    sqlite3_str_appendf(out, "  CHECK(%s\n),\n", declared->checks[i]);
  }
  sqlite3_str_appendall(out, "  PRIMARY KEY(");
  typed_list(out, declared, declared->key, declared->n_key, "\"%w\"", ", ");
  sqlite3_str_appendall(out, typed_has_rowid(declared) ? ")\n)"
                                                       : ")\n) WITHOUT ROWID");
}

/* What the update of an upsert assigns: all columns but those of the key. */
static void typed_assignments(sqlite3_str *out,
                              const kv_declaration *declared) {
  int n = 0;
  int i;

  for (i = 0; i < declared->n_columns; i++) {
    const kv_column *column = &declared->columns[i];

    if (column->key > 0 && declared->n_key < declared->n_columns) continue;
    sqlite3_str_appendf(out, "%s\"%w\" = excluded.\"%w\"", n++ > 0 ? ", " : "",
                        column->name, column->name);
  }
}

/* Is a row valid? What is not false is: NULL, too. */
static void typed_checks(sqlite3_str *out, const kv_declaration *declared) {
  int i;

  for (i = 0; i < declared->n_checks; i++)
    sqlite3_str_appendf(out, "%s(%s\n) IS NOT FALSE", i > 0 ? " AND " : "",
                        declared->checks[i]);
  if (declared->n_checks == 0) sqlite3_str_appendall(out, "1");
}

/* Parameters as columns with their affinities. */
static void typed_casts(sqlite3_str *out, const kv_declaration *declared) {
  int i;

  for (i = 0; i < declared->n_columns; i++) {
    const kv_column *column = &declared->columns[i];

    if (i > 0) sqlite3_str_appendall(out, ", ");
    if (column->type == KV_TYPE_ANY) {
      sqlite3_str_appendf(out, "? AS \"%w\"", column->name);
    } else {
      sqlite3_str_appendf(out, "CAST(? AS %s) AS \"%w\"",
                          kv_convert_type_name(column->type), column->name);
    }
  }
}

/* The column that is the key: of several, the hidden one. */
static void typed_row_key(sqlite3_str *out, const kv_declaration *declared) {
  if (declared->n_key > 1) {
    sqlite3_str_appendall(out, "_key");
  } else {
    typed_list(out, declared, declared->key, 1, "\"%w\"", "");
  }
}

const char *kv_typed_hidden(const kv_declaration *declared, int hidden) {
  static const char *const names[] = {"_as_of", "_key",  "_assign",
                                      "_ts",    "_time", "_device"};
  const char *name = names[hidden];

  if (hidden == KV_HIDDEN_KEY || hidden == KV_HIDDEN_ASSIGN) return name;
  return kv_declaration_column(declared, name + 1) < 0 ? name + 1 : name;
}

/* The hidden columns that say when a row was written, and by whom. */
static void typed_stamps(sqlite3_str *out, const kv_declaration *declared) {
  sqlite3_str_appendf(out,
                      "%s INTEGER HIDDEN,\n  %s TEXT HIDDEN,\n  %s TEXT HIDDEN",
                      kv_typed_hidden(declared, KV_HIDDEN_TS),
                      kv_typed_hidden(declared, KV_HIDDEN_TIME),
                      kv_typed_hidden(declared, KV_HIDDEN_DEVICE));
}

static void typed_fill(sqlite3_str *out, const kv_declaration *declared,
                       int hole) {
  switch (hole) {
    case TYPED_COLUMNS:
      typed_list(out, declared, NULL, declared->n_columns, "\"%w\"", ", ");
      break;
    case TYPED_VALUES:
      typed_list(out, declared, NULL, declared->n_columns, "?", ", ");
      break;
    case TYPED_ASSIGNMENTS: typed_assignments(out, declared); break;
    case TYPED_KEY:
      typed_list(out, declared, declared->key, declared->n_key, "\"%w\"", ", ");
      break;
    case TYPED_MATCH:
      typed_list(out, declared, declared->key, declared->n_key, "\"%w\" = ?",
                 " AND ");
      break;
    case TYPED_CHECKS: typed_checks(out, declared); break;
    case TYPED_CASTS: typed_casts(out, declared); break;
    case TYPED_DEFINED: typed_defined(out, declared); break;
    case TYPED_ROW_KEY: typed_row_key(out, declared); break;
    case TYPED_AS_OF:
      sqlite3_str_appendall(out, kv_typed_hidden(declared, KV_HIDDEN_AS_OF));
      break;
    case TYPED_STAMPS: typed_stamps(out, declared); break;
    default: typed_definition(out, declared); break;
  }
}

int kv_typed_open(sqlite3 *db, const char *schema, const char *name,
                  const char *text, kv_typed **out, char **err) {
  kv_typed *typed = kv_zalloc(sizeof(*typed));
  int rc = typed ? SQLITE_OK : SQLITE_NOMEM;
  int i;

  *out = typed;
  if (rc != SQLITE_OK) return rc;
  typed->db = db;
  kv_folded_init(&typed->folded);
  kv_arena_init(&typed->kept, kv_realloc);
  kv_arena_init(&typed->work, kv_realloc);
  kv_arena_init(&typed->known.arena, kv_realloc);
  typed->children_of = -1;
  typed->has_triggers = 1;
  typed->schema = kv_strdup(schema);
  typed->name = kv_strdup(name);
  typed->text = kv_strdup(text);
  if (!typed->schema || !typed->name || !typed->text) rc = SQLITE_NOMEM;
  if (rc == SQLITE_OK) {
    rc = kv_declaration_read(&typed->declared, name, text, err);
  }
  for (i = 0; i < KV_TYPED_HOLES - 1 && rc == SQLITE_OK; i++) {
    sqlite3_str *hole = sqlite3_str_new(db);

    typed_fill(hole, &typed->declared, i);
    typed->holes[i].name = typed_holes[i];
    typed->holes[i].text = sqlite3_str_finish(hole);
    if (!typed->holes[i].text) rc = SQLITE_NOMEM;
  }
  typed->stmts.db = db;
  typed->stmts.schema = typed->schema;
  typed->stmts.name = typed->name;
  typed->stmts.more = typed->holes;
  if (rc != SQLITE_OK) {
    kv_typed_close(typed);
    *out = NULL;
  }
  return rc;
}

/* Forget all statements: the tables are to change, or no longer needed. */
static void typed_forget(kv_typed *typed) {
  kv_stmt_clear(&typed->stmts);
  sqlite3_finalize(typed->update);
  sqlite3_free(typed->update_text);
  typed->update = NULL;
  typed->update_text = NULL;
}

void kv_typed_close(kv_typed *typed) {
  int i;

  if (!typed) return;
  typed_forget(typed);
  kv_folded_clear(&typed->folded);
  kv_declaration_clear(&typed->declared);
  for (i = 0; i < KV_TYPED_HOLES; i++)
    sqlite3_free(typed->holes[i].text);
  kv_arena_free(&typed->kept);
  kv_arena_free(&typed->work);
  kv_arena_free(&typed->known.arena);
  sqlite3_free(typed->meta.store);
  sqlite3_free(typed->meta.bucket);
  sqlite3_free(typed->schema);
  sqlite3_free(typed->name);
  sqlite3_free(typed->text);
  sqlite3_free(typed);
}

/* One of the tables behind it that is not there; NULL: they all are. */
static const char *typed_missing(const kv_typed *typed) {
  static const char *const names[] = {"data", "hidden", "meta"};
  int i;

  for (i = 0; i < 3; i++) {
    char *name = sqlite3_mprintf("%s_%s", typed->name, names[i]);
    int rc =
      name ? sqlite3_table_column_metadata(typed->db, typed->schema, name, NULL,
                                           NULL, NULL, NULL, NULL, NULL)
           : SQLITE_NOMEM;

    sqlite3_free(name);
    if (rc == SQLITE_ERROR) return names[i];
  }
  return NULL;
}

/* An error whose cause is known, although SQLite does not say it. */
static int typed_known(const kv_typed *typed, char **err, int rc,
                       const char *missing) {
  if (missing) {
    return kv_error(err, rc,
                    "no such table: %s.%s_%s: DROP TABLE %s, and create it "
                    "again; its rows are in the logs",
                    typed->schema, typed->name, missing, typed->name);
  }
  return kv_error(err, rc,
                  "a trigger on %s_data rolled back the transaction: remove "
                  "it, or let it RAISE(ABORT) to have rows hidden",
                  typed->name);
}

int kv_typed_error(const kv_typed *typed, char **err, int rc,
                   const char *what) {
  const char *missing = NULL;
  char *text;

  if (rc == SQLITE_OK || (err && *err)) return rc;
  if (rc == SQLITE_ABORT_ROLLBACK && typed->is_rolled_back) {
    return typed_known(typed, err, rc, NULL);
  }
  text = sqlite3_mprintf("%s of %s", what, typed->name);
  if (text) kv_error_db(err, rc, typed->db, text);
  sqlite3_free(text);
  if (rc == SQLITE_ERROR && typed->is_made) missing = typed_missing(typed);
  if (missing) {
    kv_error_clear(err);
    typed_known(typed, err, rc, missing);
  }
  return rc;
}

/* Run a text of the table, which may be several statements. */
static int typed_run(kv_typed *typed, kv_sql id, const char *new_name) {
  kv_stmt_holes holes = {.schema = typed->schema,
                         .name = new_name ? new_name : typed->name,
                         .old_schema = typed->schema,
                         .old_name = typed->name,
                         .more = typed->holes};

  typed_forget(typed);
  return kv_stmt_exec_filled(typed->db, id, &holes);
}

/*
** A name for an index, in quotes. A table that had this one's name and was renamed
** has kept those of its indexes, which cannot be renamed.
*/
static int typed_index_name(kv_typed *typed, int number, char **out) {
  int rc = SQLITE_OK;
  int is_taken = 1;

  *out = NULL;
  for (; rc == SQLITE_OK && is_taken; number++) {
    char *name = sqlite3_mprintf("%s_data_%d", typed->name, number);
    kv_run run;

    if (!name) return SQLITE_NOMEM;
    kv_run_begin(&run, &typed->stmts, KV_SQL_TYPED_IS_TAKEN);
    kv_run_text(&run, name);
    is_taken = kv_run_row(&run);
    rc = kv_run_close(&run);
    if (rc == SQLITE_OK && !is_taken) {
      *out = sqlite3_mprintf("\"%w\"", name);
      if (!*out) rc = SQLITE_NOMEM;
    }
    sqlite3_free(name);
  }
  return rc;
}

/* The index of a group of columns. */
static int typed_create_index(kv_typed *typed, int i) {
  const kv_group *group = &typed->declared.groups[i];
  sqlite3_str *text = sqlite3_str_new(typed->db);
  kv_stmt_hole more[3] = {{"columns", NULL}, {"number", NULL}, {NULL, NULL}};
  kv_stmt_holes holes = {
    .schema = typed->schema, .name = typed->name, .more = more};
  int rc = typed_index_name(typed, i + 1, &more[1].text);

  typed_list(text, &typed->declared, group->columns, group->n, "\"%w\"", ", ");
  more[0].text = sqlite3_str_finish(text);
  if (rc == SQLITE_OK && !more[0].text) rc = SQLITE_NOMEM;
  if (rc == SQLITE_OK) {
    rc = kv_stmt_exec_filled(typed->db, KV_SQL_TYPED_CREATE_INDEX, &holes);
  }
  sqlite3_free(more[0].text);
  sqlite3_free(more[1].text);
  return rc;
}

int kv_typed_create(kv_typed *typed, char **err) {
  kv_run run;
  int i;
  int rc = typed_run(typed, KV_SQL_TYPED_CREATE, NULL);

  for (i = 0; i < typed->declared.n_groups && rc == SQLITE_OK; i++)
    rc = typed_create_index(typed, i);
  kv_typed_error(typed, err, rc, "cannot create the tables");
  if (rc != SQLITE_OK) return rc;
  kv_run_begin(&run, &typed->stmts, KV_SQL_TYPED_META_PUT);
  kv_run_text(&run, typed->declared.store);
  kv_run_text(&run, typed->declared.bucket);
  rc = kv_run_end(&run);
  return kv_typed_error(typed, err, rc, "cannot create the tables");
}

int kv_typed_drop(kv_typed *typed) {
  return typed_run(typed, KV_SQL_TYPED_DROP, NULL);
}

int kv_typed_rename(kv_typed *typed, const char *name, char **err) {
  char *copy = kv_strdup(name);
  int rc = copy ? typed_run(typed, KV_SQL_TYPED_RENAME, name) : SQLITE_NOMEM;

  if (rc == SQLITE_OK) {
    sqlite3_free(typed->name);
    typed->name = copy;
    typed->stmts.name = copy;
    copy = NULL;
  }
  sqlite3_free(copy);
  return kv_typed_error(typed, err, rc, "cannot rename the tables");
}

/* The value of a literal, for the column's type. */
static int typed_default(kv_typed *typed, int i, char **err) {
  const kv_column *column = &typed->declared.columns[i];
  kv_stmt_hole more[2] = {{"literal", NULL}, {NULL, NULL}};
  kv_stmt_holes holes = {
    .schema = typed->schema, .name = typed->name, .more = more};
  kv_value *out = &typed->defaults[i];
  int is_array = column->kind >= KV_KIND_SET;
  int fits = 1;
  kv_list list;
  kv_run run;
  int rc;

  more[0].text = sqlite3_mprintf("%s", column->literal);
  if (!more[0].text) return SQLITE_NOMEM;
  kv_run_begin_filled(&run, typed->db, KV_SQL_TYPED_LITERAL, &holes);
  if (kv_run_row(&run)) {
    kv_run_column(&run, 0, out);
    fits = kv_convert_merged(column, out, out);
    if (out->type == KV_TEXT || out->type == KV_BLOB) {
      out->z = kv_arena_copy(&typed->kept, out->z, out->n);
      if (!out->z) run.rc = SQLITE_NOMEM;
    }
    if (run.rc == SQLITE_OK && is_array && out->type != KV_NULL) {
      run.rc = kv_arrays_read(typed->db, out, column->kind == KV_KIND_SET,
                              &typed->kept, &list, &fits);
    }
  }
  rc = kv_run_close(&run);
  sqlite3_free(more[0].text);
  if (rc == SQLITE_OK && !fits) {
    rc = kv_error(err, SQLITE_ERROR,
                  "cannot declare %s: the default of column %s is no %s",
                  typed->name, column->name,
                  is_array ? "JSON array" : kv_convert_type_name(column->type));
  }
  return rc;
}

/* All of them, once. */
static int typed_read_defaults(kv_typed *typed, char **err) {
  size_t n = (size_t)typed->declared.n_columns;
  int i;
  int rc = SQLITE_OK;

  if (typed->defaults) return SQLITE_OK;
  typed->defaults = kv_arena_get(&typed->kept, n * sizeof(*typed->defaults));
  if (!typed->defaults) return SQLITE_NOMEM;
  memset(typed->defaults, 0, n * sizeof(*typed->defaults));
  for (i = 0; i < typed->declared.n_columns && rc == SQLITE_OK; i++) {
    if (typed->declared.columns[i].what == KV_DEFAULT_LITERAL) {
      rc = typed_default(typed, i, err);
    }
  }
  if (rc != SQLITE_OK) typed->defaults = NULL;
  return rc;
}

/* Is the bucket one that a declaration can name? */
static int typed_check_bucket(const kv_typed *typed, char **err) {
  const char *bucket = typed->meta.bucket;

  if (bucket[0] != '\0' && bucket[0] != '#') return SQLITE_OK;
  return kv_error(err, SQLITE_CORRUPT_VTAB,
                  "table %s_meta names the bucket '%s', which is not one of a "
                  "typed table: DROP TABLE %s, and create it again",
                  typed->name, bucket, typed->name);
}

int kv_typed_load(kv_typed *typed, char **err) {
  kv_typed_meta *meta = &typed->meta;
  int rc = SQLITE_OK;
  kv_run run;

  typed->is_made = 1;
  sqlite3_free(meta->store);
  sqlite3_free(meta->bucket);
  memset(meta, 0, sizeof(*meta));
  kv_run_begin(&run, &typed->stmts, KV_SQL_TYPED_META_GET);
  if (kv_run_row(&run)) {
    meta->store = kv_strdup((const char *)sqlite3_column_text(run.stmt, 0));
    meta->bucket = kv_strdup((const char *)sqlite3_column_text(run.stmt, 1));
    meta->epoch = sqlite3_column_int64(run.stmt, TYPED_META_EPOCH);
    meta->merged = sqlite3_column_int64(run.stmt, TYPED_META_MERGED);
    if (!meta->store || !meta->bucket) run.rc = SQLITE_NOMEM;
  } else if (run.rc == SQLITE_OK) {
    rc = kv_error(err, SQLITE_CORRUPT_VTAB,
                  "table %s_meta is empty: DROP TABLE %s, and create it again",
                  typed->name, typed->name);
  }

  rc = kv_first_error(kv_run_close(&run), rc);
  if (rc == SQLITE_OK) rc = typed_check_bucket(typed, err);
  if (rc == SQLITE_OK) rc = typed_read_defaults(typed, err);
  return kv_typed_error(typed, err, rc, "cannot read the tables");
}

int kv_typed_save(kv_typed *typed, int64_t epoch, int64_t merged) {
  kv_run run;

  kv_run_begin(&run, &typed->stmts, KV_SQL_TYPED_META_SET);
  kv_run_int(&run, epoch);
  kv_run_int(&run, merged);
  return kv_run_end(&run);
}

int kv_typed_find_triggers(kv_typed *typed) {
  char *name = sqlite3_mprintf("%s_data", typed->name);
  int64_t found = 1;
  kv_run run;
  int rc;

  if (!name) return SQLITE_NOMEM;
  kv_run_begin(&run, &typed->stmts, KV_SQL_TYPED_TRIGGERS);
  kv_run_text(&run, name);
  kv_run_text(&run, name);
  rc = kv_run_number(&run, &found);
  sqlite3_free(name);
  typed->has_triggers = found != 0;
  return rc;
}

int kv_typed_follow_name(kv_typed *typed, const char *store) {
  kv_run run;

  kv_run_begin(&run, &typed->stmts, KV_SQL_TYPED_META_STORE);
  kv_run_text(&run, store);
  return kv_run_end(&run);
}

char *kv_typed_schema(const kv_typed *typed) {
  const kv_stmt_holes holes = {.more = typed->holes};

  return kv_stmt_fill(KV_SQL_DECLARE_TYPED, &holes);
}
