/*
** The entry points of the extension.
**
** Everything that a connection has of sqlite-kv hangs on the registry made
** here, and is freed with the registrations.
*/
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#include "kv_sql.h"
#include "store/error.h"
#include "store/stmt.h"
#include "surface/surface.h"

#ifdef _WIN32
#define KV_EXPORT __declspec(dllexport)
#else
#define KV_EXPORT __attribute__((visibility("default")))
#endif

KV_EXPORT int sqlite3_kv_init(sqlite3 *db, char **err,
                              const sqlite3_api_routines *api);
KV_EXPORT int sqlite3_extension_init(sqlite3 *db, char **err,
                                     const sqlite3_api_routines *api);

/* Is a function of the extension in the list of this connection? */
static int init_is_listed(sqlite3 *db) {
  sqlite3_stmt *stmt = NULL;
  int is_listed = 0;
  int rc = kv_stmt_prepare(db, KV_SQL_FUNCTIONS, &stmt);

  while (rc == SQLITE_OK && !is_listed && sqlite3_step(stmt) == SQLITE_ROW) {
    is_listed = sqlite3_stricmp((const char *)sqlite3_column_text(stmt, 0),
                                "kv_version") == 0;
  }
  sqlite3_finalize(stmt);
  return is_listed;
}

/*
** Has this connection got it already? In newer SQLites (3.54, not 3.40) a SELECT
** reads the schema first, and the database may be locked, or none.
*/
static int init_is_loaded(sqlite3 *db) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_prepare(db, KV_SQL_LOADED, &stmt);

  sqlite3_finalize(stmt);
  if (rc == SQLITE_OK || rc == SQLITE_ERROR) return rc == SQLITE_OK;
  return init_is_listed(db);
}

static int init_register(sqlite3 *db, kv_registry *registry) {
  int rc = kv_table_register(db, registry);

  if (rc == SQLITE_OK) rc = kv_log_table_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_history_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_device_table_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_foreign_table_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_functions_register(db, registry);
  return rc;
}

int sqlite3_kv_init(sqlite3 *db, char **err, const sqlite3_api_routines *api) {
  kv_registry *registry = NULL;
  int rc;

  SQLITE_EXTENSION_INIT2(api);
  (void)api;
  if (sqlite3_libversion_number() < KV_SQLITE_MIN) {
    return kv_error(err, SQLITE_ERROR,
                    "SQLite %s is too old: 3.31 or newer is needed",
                    sqlite3_libversion());
  }
  if (!KV_HAS(create_module_v2) || !KV_HAS(set_authorizer)) {
    return kv_error(err, SQLITE_ERROR,
                    "this SQLite is built without virtual tables or without "
                    "authorizers: use another build of it");
  }
  if (init_is_loaded(db)) return SQLITE_OK;

  rc = kv_registry_create(db, &registry);
  if (rc == SQLITE_OK) {
    kv_registry_retain(registry);
    rc = init_register(db, registry);
    kv_registry_release(registry);
  }
  /* sqlite3_open() reports what the last call left behind, when this is an
  ** automatic extension: a look that succeeds takes back the first one. */
  if (rc == SQLITE_OK && !init_is_loaded(db)) rc = sqlite3_errcode(db);
  return rc;
}

int sqlite3_extension_init(sqlite3 *db, char **err,
                           const sqlite3_api_routines *api) {
  return sqlite3_kv_init(db, err, api);
}
