/*
** The SQL functions of typed tables. See typed_functions.h.
*/
#include "typed_functions.h"

#include <string.h>

#include "connection/find_typed.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "declare/ids.h"
#include "fold/plain.h"
#include "tables/settle.h"

static void functions_fail(sqlite3_context *ctx, int rc, char *err) {
  if (rc == SQLITE_NOMEM) {
    sqlite3_result_error_nomem(ctx);
  } else {
    sqlite3_result_error(ctx, err ? err : sqlite3_errstr(rc), -1);
    sqlite3_result_error_code(ctx, rc);
  }
  sqlite3_free(err);
}

static void functions_uuid(sqlite3_context *ctx, int argc,
                           sqlite3_value **argv) {
  kv_registry *registry = sqlite3_user_data(ctx);
  char text[KV_UUID_SIZE];

  (void)argc, (void)argv;
  kv_ids_uuid(&registry->ids, registry->db, kv_ids_now(registry->db), text);
  sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

static void functions_id(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  kv_registry *registry = sqlite3_user_data(ctx);

  (void)argc, (void)argv;
  sqlite3_result_int64(
    ctx, kv_ids_id(&registry->ids, registry->db, kv_ids_now(registry->db)));
}

static void functions_between(sqlite3_context *ctx, int argc,
                              sqlite3_value **argv) {
  const char *low = (const char *)sqlite3_value_text(argv[0]);
  const char *high = (const char *)sqlite3_value_text(argv[1]);
  int64_t i = argc > 2 ? sqlite3_value_int64(argv[2]) : 0;
  int64_t n = argc > 2 ? sqlite3_value_int64(argv[3]) : 1;
  char *err = NULL;
  int is_valid;
  char *out =
    kv_ids_between(sqlite3_context_db_handle(ctx), low, high, i, n, &is_valid);

  if (is_valid && out) {
    sqlite3_result_text(ctx, out, -1, sqlite3_free);
    return;
  }
  sqlite3_free(out);
  if (is_valid) {
    functions_fail(ctx, SQLITE_NOMEM, NULL);
    return;
  }
  kv_error(&err, SQLITE_ERROR,
           "kv_between(low, high) takes two places of a list, NULL for its "
           "ends, the lower one first, and makes the i-th of n: 0 <= i < n");
  functions_fail(ctx, SQLITE_ERROR, err);
}

/* A table as the user names it, also SCHEMA.NAME, for a text of SQL. */
static int functions_target(kv_registry *registry, const char *table,
                            char **target, char **err) {
  kv_typed_found found;
  int rc;

  if (!strchr(table, '.')) {
    *target = sqlite3_mprintf("\"%w\"", table);
    return *target ? SQLITE_OK : SQLITE_NOMEM;
  }
  rc = kv_typed_find(registry, table, &found, err);
  if (rc == SQLITE_OK) {
    *target =
      sqlite3_mprintf("\"%w\".\"%w\"", found.typed->schema, found.typed->name);
    if (!*target) rc = SQLITE_NOMEM;
  }
  kv_typed_found_close(&found);
  return rc;
}

/* An UPDATE of the table with _assign, so that it is a write like others. */
static int functions_run_assign(kv_registry *registry, sqlite3_value **argv,
                                char **err) {
  sqlite3 *db = registry->db;
  const char *table = (const char *)sqlite3_value_text(argv[0]);
  const char *column = (const char *)sqlite3_value_text(argv[2]);
  kv_stmt_hole more[3] = {{"target", NULL}, {"column", NULL}, {NULL, NULL}};
  kv_stmt_holes holes = {.schema = "", .name = "", .more = more};
  kv_run run;
  int rc;

  if (!table || !column) {
    return kv_error(err, SQLITE_ERROR,
                    "kv_assign(table, key, column, value) takes the name of a "
                    "typed table and of one of its columns");
  }
  rc = functions_target(registry, table, &more[0].text, err);
  more[1].text = sqlite3_mprintf("\"%w\"", column);
  if (rc == SQLITE_OK && !more[1].text) rc = SQLITE_NOMEM;
  if (rc == SQLITE_OK) {
    kv_run_begin_filled(&run, db, KV_SQL_TYPED_FUNCTIONS_ASSIGN, &holes);
    kv_run_sqlite(&run, argv[3]);
    kv_run_text(&run, column);
    kv_run_sqlite(&run, argv[1]);
    rc = kv_run_end(&run);
    if (rc == SQLITE_OK && sqlite3_changes(db) == 0) {
      rc = kv_error(err, SQLITE_ERROR, "%s has no row with this key", table);
    }
  }
  sqlite3_free(more[0].text);
  sqlite3_free(more[1].text);
  return rc == SQLITE_OK ? rc : kv_error_db(err, rc, db, "cannot assign");
}

static void functions_assign(sqlite3_context *ctx, int argc,
                             sqlite3_value **argv) {
  char *err = NULL;
  int rc = functions_run_assign(sqlite3_user_data(ctx), argv, &err);

  (void)argc;
  if (rc != SQLITE_OK) {
    functions_fail(ctx, rc, err);
  } else {
    sqlite3_free(err);
  }
}

/* Write one row of a table by a text of its name, a key and (or NULL) a time. */
static int functions_write(kv_typed *typed, kv_sql id, sqlite3_value *key,
                           sqlite3_value *as_of) {
  char *target = sqlite3_mprintf("\"%w\".\"%w\"", typed->schema, typed->name);
  kv_stmt_hole more[3] = {{"target", target}, {"as_of", NULL}, {NULL, NULL}};
  kv_stmt_holes holes = {.schema = "", .name = "", .more = more};
  kv_run run;
  int rc = SQLITE_NOMEM;

  more[1].text = (char *)kv_typed_hidden(&typed->declared, KV_HIDDEN_AS_OF);
  if (target) {
    kv_run_begin_filled(&run, typed->db, id, &holes);
    kv_run_sqlite(&run, key);
    if (as_of) kv_run_sqlite(&run, as_of);
    rc = kv_run_end(&run);
  }
  sqlite3_free(target);
  return rc;
}

/* Fold the log rows of a key: is there a row, shown or hidden? */
static int functions_exists(const kv_typed_found *found, sqlite3_value *key,
                            int *exists) {
  kv_value value;
  int rc = kv_value_of(key, &value);

  return rc == SQLITE_OK ? kv_settle_exists(found->typed, &value, exists) : rc;
}

int kv_typed_functions_delete(kv_registry *registry, sqlite3_value *key,
                              const char *table, int *existed, char **err) {
  kv_typed_found found;
  int rc = kv_typed_find(registry, table, &found, err);

  *existed = 0;
  if (rc == SQLITE_OK) rc = functions_exists(&found, key, existed);
  if (rc == SQLITE_OK && *existed) {
    rc = functions_write(found.typed, KV_SQL_TYPED_FUNCTIONS_DELETE, key, NULL);
  }
  kv_typed_found_close(&found);
  return rc == SQLITE_OK
           ? rc
           : kv_error_db(err, rc, registry->db, "cannot delete a row");
}

/* The row of a key as plain JSON; NULL if there is none, or it is too large. */
static int functions_row(const kv_typed_found *found, sqlite3_value *key,
                         sqlite3_context *ctx) {
  const kv_fold *fold = &found->typed->folded.fold;
  kv_bytes bytes;
  int exists;
  int rc = functions_exists(found, key, &exists);

  if (rc != SQLITE_OK || !fold->exists) return rc;
  kv_bytes_init(&bytes, kv_realloc, KV_RECORD_MAX);
  kv_plain_write(&bytes, fold->columns, fold->n_columns);
  if (bytes.rc == KV_OK) {
    sqlite3_result_text64(ctx, bytes.z, bytes.n, SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  kv_bytes_free(&bytes);
  return bytes.rc == KV_NOMEM ? SQLITE_NOMEM : SQLITE_OK;
}

int kv_typed_functions_revert(kv_registry *registry, sqlite3_context *ctx,
                              sqlite3_value *key, sqlite3_value *as_of,
                              const char *table, char **err) {
  kv_typed_found found;
  int rc = kv_typed_find(registry, table, &found, err);

  if (rc == SQLITE_OK) {
    rc =
      functions_write(found.typed, KV_SQL_TYPED_FUNCTIONS_REVERT, key, as_of);
  }
  if (rc == SQLITE_OK) rc = functions_row(&found, key, ctx);
  kv_typed_found_close(&found);
  return rc == SQLITE_OK
           ? rc
           : kv_error_db(err, rc, registry->db, "cannot revert a row");
}

static const struct {
  const char *name;
  int n;
  int flags;
  void (*run)(sqlite3_context *, int, sqlite3_value **);
} functions_all[] = {{"kv_uuid", 0, SQLITE_INNOCUOUS, functions_uuid},
                     {"kv_id", 0, SQLITE_INNOCUOUS, functions_id},
                     {"kv_between", 2, SQLITE_INNOCUOUS, functions_between},
                     {"kv_between", 4, SQLITE_INNOCUOUS, functions_between},
                     {"kv_assign", 4, SQLITE_DIRECTONLY, functions_assign}};

int kv_typed_functions_register(sqlite3 *db, kv_registry *registry) {
  size_t i;
  int rc = SQLITE_OK;

  for (i = 0; i < sizeof(functions_all) / sizeof(functions_all[0]); i++) {
    if (rc != SQLITE_OK) break;
    kv_registry_retain(registry);
    rc =
      sqlite3_create_function_v2(db, functions_all[i].name, functions_all[i].n,
                                 SQLITE_UTF8 | functions_all[i].flags, registry,
                                 registry ? functions_all[i].run : NULL, NULL,
                                 NULL, registry ? kv_registry_release : NULL);
  }
  return rc;
}
