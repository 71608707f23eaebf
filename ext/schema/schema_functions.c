/*
** The functions kv_alter() and kv_check(). See schema_functions.h.
*/
#include "schema_functions.h"

#include "alter.h"
#include "check.h"
#include "db/error.h"

/* Return a number, or the error; err is freed. */
static void schema_function_end(sqlite3_context *ctx, int rc, int64_t result,
                                char *err) {
  if (rc == SQLITE_NOMEM) {
    sqlite3_result_error_nomem(ctx);
  } else if (rc != SQLITE_OK) {
    sqlite3_result_error(ctx, err ? err : sqlite3_errstr(rc), -1);
    sqlite3_result_error_code(ctx, kv_error_public(rc));
  } else {
    sqlite3_result_int64(ctx, result);
  }
  sqlite3_free(err);
}

static void schema_function_alter(sqlite3_context *ctx, int argc,
                                  sqlite3_value **argv) {
  char *err = NULL;
  int is_changed = 0;
  int rc =
    kv_alter(sqlite3_user_data(ctx), (const char *)sqlite3_value_text(argv[0]),
             (const char *)sqlite3_value_text(argv[1]), &is_changed, &err);

  (void)argc;
  schema_function_end(ctx, rc, is_changed, err);
}

static void schema_function_check(sqlite3_context *ctx, int argc,
                                  sqlite3_value **argv) {
  char *err = NULL;
  int64_t n_wrong = 0;
  int rc = kv_check(sqlite3_user_data(ctx),
                    (const char *)sqlite3_value_text(argv[0]), &n_wrong, &err);

  (void)argc;
  schema_function_end(ctx, rc, n_wrong, err);
}

static const struct {
  const char *name;
  int n;
  void (*run)(sqlite3_context *, int, sqlite3_value **);
} schema_functions[] = {{"kv_alter", 2, schema_function_alter},
                        {"kv_check", 1, schema_function_check}};

int kv_schema_functions_register(sqlite3 *db, kv_registry *registry) {
  int rc = SQLITE_OK;
  int i;

  for (i = 0; i < 2 && rc == SQLITE_OK; i++) {
    kv_registry_retain(registry);
    rc = sqlite3_create_function_v2(
      db, schema_functions[i].name, schema_functions[i].n,
      SQLITE_UTF8 | SQLITE_DIRECTONLY, registry,
      registry ? schema_functions[i].run : NULL, NULL, NULL,
      registry ? kv_registry_release : NULL);
  }
  return rc;
}
