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

/* Has this connection got it already? */
static int init_is_loaded(sqlite3 *db) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_prepare(db, KV_SQL_LOADED, &stmt);

  sqlite3_finalize(stmt);
  return rc == SQLITE_OK;
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
