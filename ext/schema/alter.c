/*
** Changes declarations. See alter.h.
**
** DROP TABLE takes the user's indexes and triggers on {name}_data away. What they
** are is read before, and they are created again behind it. If there are triggers,
** which may keep a search in step, they see all rows go, and come back.
*/
#include "alter.h"

#include <string.h>

#include "change_text.h"
#include "db/error.h"
#include "db/run.h"
#include "declare/tokens.h"
#include "store/errors.h"
#include "store/savepoint.h"
#include "store/transaction.h"
#include "tables/follow.h"
#include "tables/referred.h"

/* Columns of alter_objects. */
enum { ALTER_TYPE, ALTER_NAME, ALTER_SQL };

/* An index or trigger of the user. */
typedef struct alter_object {
  const char *name;
  const char *sql;
} alter_object;

typedef struct alter_run {
  kv_registry *registry;
  kv_typed_found found;
  char *text; /* the new declaration */
  alter_object *objects;
  int n_objects;
  int n_triggers;
  kv_arena arena;
} alter_run;

/* Does another statement of the connection run? One is that of kv_alter(). */
static int alter_is_alone(sqlite3 *db) {
  sqlite3_stmt *stmt = NULL;
  int n = 0;

  while ((stmt = sqlite3_next_stmt(db, stmt)) != NULL)
    n += sqlite3_stmt_busy(stmt) != 0;
  return n <= 1;
}

static int alter_check(const kv_typed_found *found, char **err) {
  if (kv_transaction_has_rows(found->store)) {
    return kv_error(err, SQLITE_LOCKED,
                    "COMMIT first, then change %s: this transaction has "
                    "written to %s",
                    found->typed->name, found->store->name);
  }
  if (!alter_is_alone(found->typed->db)) {
    return kv_error(err, SQLITE_LOCKED,
                    "%s cannot be changed while another statement of this "
                    "connection runs: read it to its end, or reset it",
                    found->typed->name);
  }
  return SQLITE_OK;
}

/* Is it an index that the declaration made: name_data_1? */
static int alter_is_own(const char *type, const char *name) {
  const char *end = name + strlen(name);
  const char *digits = end;

  while (digits > name && digits[-1] >= '0' && digits[-1] <= '9')
    digits--;
  return strcmp(type, "index") == 0 && digits < end && digits - name > 6 &&
         memcmp(digits - 6, "_data_", 6) == 0;
}

static int alter_keep(alter_run *alter, const char *name, const char *sql) {
  size_t n = (size_t)alter->n_objects + 1;
  alter_object *objects =
    sqlite3_realloc64(alter->objects, n * sizeof(*objects));

  if (!objects) return SQLITE_NOMEM;
  alter->objects = objects;
  objects[n - 1].name = kv_arena_copy(&alter->arena, name, strlen(name) + 1);
  objects[n - 1].sql = kv_arena_copy(&alter->arena, sql, strlen(sql) + 1);
  if (!objects[n - 1].name || !objects[n - 1].sql) return SQLITE_NOMEM;
  alter->n_objects++;
  return SQLITE_OK;
}

/* Read the user's indexes, and then triggers, on {name}_data. */
static int alter_read_objects(alter_run *alter) {
  kv_run run;

  kv_run_begin(&run, &alter->found.typed->stmts, KV_SQL_ALTER_OBJECTS);
  kv_run_text(&run, alter->found.typed->name);
  while (kv_run_row(&run)) {
    const char *type = (const char *)sqlite3_column_text(run.stmt, ALTER_TYPE);
    const char *name = (const char *)sqlite3_column_text(run.stmt, ALTER_NAME);
    const char *sql = (const char *)sqlite3_column_text(run.stmt, ALTER_SQL);

    if (!type || !name || !sql) {
      run.rc = SQLITE_NOMEM;
    } else if (!alter_is_own(type, name)) {
      alter->n_triggers += strcmp(type, "trigger") == 0;
      run.rc = alter_keep(alter, name, sql);
    }
  }
  return kv_run_close(&run);
}

/* A temporary trigger would vanish: SQLite does not say how it was made. */
static int alter_refuse_temp(const alter_run *alter, char **err) {
  kv_typed *typed = alter->found.typed;
  char *name = NULL;
  kv_run run;
  int rc;

  if (sqlite3_stricmp(typed->schema, "temp") == 0) return SQLITE_OK;
  kv_run_begin(&run, &typed->stmts, KV_SQL_ALTER_TEMP);
  kv_run_text(&run, typed->name);
  if (kv_run_row(&run)) {
    name = kv_strdup((const char *)sqlite3_column_text(run.stmt, 0));
    if (!name) run.rc = SQLITE_NOMEM;
  }
  rc = kv_run_close(&run);
  if (rc == SQLITE_OK && name) {
    rc = kv_error(err, SQLITE_ERROR,
                  "the temporary trigger %s is on %s_data: DROP TRIGGER it, "
                  "and create it again after the change",
                  name, typed->name);
  }
  sqlite3_free(name);
  return rc;
}

/* Its CREATE statement names no schema: add it. For sqlite3_free(). */
static char *alter_object_text(const char *schema, const char *sql) {
  kv_tokens t;

  kv_tokens_begin(&t, sql);
  while (t.now.kind != KV_TOKEN_END && !kv_tokens_is(&t, "INDEX") &&
         !kv_tokens_is(&t, "TRIGGER"))
    kv_tokens_next(&t);
  kv_tokens_next(&t);
  return sqlite3_mprintf("%.*s\"%w\".%s", (int)(t.now.z - sql), sql, schema,
                         t.now.z);
}

static int alter_create_objects(const alter_run *alter, char **err) {
  const kv_typed *typed = alter->found.typed;
  int rc = SQLITE_OK;
  int i;

  for (i = 0; i < alter->n_objects && rc == SQLITE_OK; i++) {
    char *sql = alter_object_text(typed->schema, alter->objects[i].sql);
    sqlite3_stmt *stmt = NULL;

    rc =
      sql ? sqlite3_prepare_v2(typed->db, sql, -1, &stmt, NULL) : SQLITE_NOMEM;
    if (rc == SQLITE_OK) rc = kv_stmt_end(stmt);
    sqlite3_finalize(stmt);
    sqlite3_free(sql);
    if (rc != SQLITE_OK && rc != SQLITE_NOMEM) {
      kv_error(err, rc,
               "%s on %s_data cannot be made again: %s: DROP it before the "
               "change",
               alter->objects[i].name, typed->name, sqlite3_errmsg(typed->db));
    }
  }
  return rc;
}

/* Run a text about the table, whose new declaration fills a hole. */
static int alter_exec(const alter_run *alter, kv_sql id) {
  kv_stmt_hole more[2] = {{"declaration", alter->text}, {NULL, NULL}};
  kv_stmt_holes holes = {.schema = alter->found.typed->schema,
                         .name = alter->found.typed->name,
                         .more = more};
  kv_run run;

  kv_run_begin_filled(&run, alter->found.typed->db, id, &holes);
  return kv_run_end(&run);
}

/* The rows come again, with the triggers in place. */
static int alter_fill(alter_run *alter, char **err) {
  kv_typed_found now;
  int rc = kv_typed_find_in(alter->registry, alter->found.typed->schema,
                            alter->found.typed->name, &now, err);

  if (rc == SQLITE_OK && !now.typed) rc = SQLITE_CORRUPT_VTAB;
  if (rc == SQLITE_OK) rc = kv_typed_save(now.typed, -1, 0);
  if (rc == SQLITE_OK) rc = kv_follow_table(now.typed, now.store, err);
  kv_typed_found_close(&now);
  return rc;
}

/* Inside a savepoint: everything. */
static int alter_replace(alter_run *alter, char **err) {
  int has_triggers = alter->n_triggers > 0;
  int rc = SQLITE_OK;

  if (has_triggers) rc = alter_exec(alter, KV_SQL_ALTER_CLEAR);
  if (rc == SQLITE_OK) rc = alter_exec(alter, KV_SQL_ALTER_DROP);
  if (rc == SQLITE_OK) rc = alter_exec(alter, KV_SQL_ALTER_CREATE);
  if (rc == SQLITE_OK && has_triggers) {
    rc = alter_exec(alter, KV_SQL_ALTER_CLEAR);
  }
  if (rc == SQLITE_OK) rc = alter_create_objects(alter, err);
  if (rc == SQLITE_OK && has_triggers) rc = alter_fill(alter, err);
  return rc;
}

static int alter_now(alter_run *alter, char **err) {
  kv_typed *typed = alter->found.typed;
  int rc = kv_store_savepoint(alter->found.store, err);

  if (rc != SQLITE_OK) return rc;
  rc = alter_read_objects(alter);
  if (rc == SQLITE_OK) rc = alter_refuse_temp(alter, err);
  if (rc == SQLITE_OK) rc = kv_referred_refuse(typed, err);
  kv_stmt_clear(&typed->stmts);
  if (rc == SQLITE_OK) rc = alter_replace(alter, err);
  if (rc == SQLITE_LOCKED) {
    kv_error(err, rc,
             "%s cannot be changed here: let kv_alter() or kv_check() be a "
             "statement of its own, SELECT kv_alter(...)",
             typed->name);
  } else if (rc != SQLITE_OK) {
    kv_error_db(err, rc, typed->db, "cannot change the declaration");
  }
  return kv_store_savepoint_end(alter->found.store, rc);
}

static int alter_is_one_of(const char *name, const char *a, const char *b,
                           const char *c) {
  return sqlite3_stricmp(name, a) == 0 || sqlite3_stricmp(name, b) == 0 ||
         sqlite3_stricmp(name, c) == 0;
}

/* A table that was renamed, or whose store was, keeps its bucket and store. */
static int alter_keep_names(alter_run *alter, const kv_declaration *declared,
                            char **err) {
  const kv_typed *typed = alter->found.typed;
  const kv_typed_meta *meta = &typed->meta;
  char *text;

  if (!alter_is_one_of(declared->store, meta->store, typed->declared.store,
                       "kv") ||
      !alter_is_one_of(declared->bucket, meta->bucket, typed->declared.bucket,
                       typed->name)) {
    return kv_error(err, SQLITE_ERROR,
                    "a change cannot give %s another bucket or store: DROP "
                    "TABLE it, and create it with these",
                    typed->name);
  }
  if (strcmp(declared->bucket, meta->bucket) == 0 &&
      sqlite3_stricmp(declared->store, meta->store) == 0) {
    return SQLITE_OK;
  }
  text = sqlite3_mprintf("%s\n, store = \"%w\", bucket = %Q", alter->text,
                         meta->store, meta->bucket);
  if (!text) return SQLITE_NOMEM;
  sqlite3_free(alter->text);
  alter->text = text;
  return SQLITE_OK;
}

/* A new column without a value would hide all rows. */
static int alter_check_new(const kv_typed *typed,
                           const kv_declaration *declared, char **err) {
  int i;

  for (i = 0; i < declared->n_columns; i++) {
    const kv_column *column = &declared->columns[i];
    int has_lens = column->what == KV_DEFAULT_LITERAL ||
                   column->kind == KV_KIND_COUNTER ||
                   column->kind >= KV_KIND_SET;

    if (kv_declaration_column(&typed->declared, column->name) >= 0) continue;
    if (column->is_not_null && !has_lens) {
      return kv_error(err, SQLITE_ERROR,
                      "the new column %s of %s is NOT NULL and has no literal "
                      "DEFAULT: that would hide all rows",
                      column->name, typed->name);
    }
  }
  return SQLITE_OK;
}

/* Make the new declaration, and check it. */
static int alter_prepare(alter_run *alter, const char *wanted, char **err) {
  const kv_typed *typed = alter->found.typed;
  kv_declaration declared;
  kv_change_kind kind;
  int rc =
    kv_change_text(typed->name, typed->text, wanted, &kind, &alter->text, err);

  if (rc != SQLITE_OK) return rc;
  rc = kv_declaration_read(&declared, typed->name, alter->text, err);
  if (rc == SQLITE_OK && kind == KV_CHANGE_ADD) {
    rc = alter_check_new(typed, &declared, err);
  }
  if (rc == SQLITE_OK) rc = alter_keep_names(alter, &declared, err);
  kv_declaration_clear(&declared);
  return rc;
}

static void alter_end(alter_run *alter) {
  kv_typed_found_close(&alter->found);
  sqlite3_free(alter->text);
  sqlite3_free(alter->objects);
  kv_arena_free(&alter->arena);
}

static void alter_begin(alter_run *alter, kv_registry *registry) {
  memset(alter, 0, sizeof(*alter));
  alter->registry = registry;
  kv_arena_init(&alter->arena, kv_realloc);
}

/* Without white space around it. */
static const char *alter_trim(const char *z, size_t *n) {
  static const char space[] = " \t\n\r\f";

  z += strspn(z, space);
  *n = strlen(z);
  while (*n > 0 && strchr(space, z[*n - 1]))
    --*n;
  return z;
}

static int alter_is_same(const char *a, const char *b) {
  size_t n_a;
  size_t n_b;

  a = alter_trim(a, &n_a);
  b = alter_trim(b, &n_b);
  return n_a == n_b && memcmp(a, b, n_a) == 0;
}

int kv_alter(kv_registry *registry, const char *table, const char *wanted,
             int *is_changed, char **err) {
  alter_run alter;
  int rc;

  *is_changed = 0;
  alter_begin(&alter, registry);
  rc = kv_typed_find(registry, table, &alter.found, err);
  if (rc == SQLITE_OK) {
    rc = alter_prepare(&alter, wanted ? wanted : "", err);
  }
  if (rc == SQLITE_OK && !alter_is_same(alter.text, alter.found.typed->text)) {
    *is_changed = 1;
    rc = alter_check(&alter.found, err);
    if (rc == SQLITE_OK) rc = alter_now(&alter, err);
  }
  alter_end(&alter);
  return rc == SQLITE_NOTFOUND ? SQLITE_ERROR : rc;
}

int kv_alter_again(kv_registry *registry, kv_typed_found *found, char **err) {
  alter_run alter;
  int rc;

  alter_begin(&alter, registry);
  alter.found = *found;
  memset(found, 0, sizeof(*found));
  alter.text = kv_strdup(alter.found.typed->text);
  rc = alter.text ? alter_keep_names(&alter, &alter.found.typed->declared, err)
                  : SQLITE_NOMEM;
  if (rc == SQLITE_OK) rc = alter_check(&alter.found, err);
  if (rc == SQLITE_OK) rc = alter_now(&alter, err);
  alter_end(&alter);
  return rc;
}
