/*
** The entry points of the extension.
**
** Everything that a connection has of sqlite-kv hangs on the registry made
** here, and is freed with the registrations.
*/
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#include <string.h>

#include "compact/compaction.h"
#include "connection/registry.h"
#include "db/error.h"
#include "db/host.h"
#include "db/run.h"
#include "db/stmt.h"
#include "history/history.h"
#include "kv_sql.h"
#include "schema/schema_functions.h"
#include "schema/tables_table.h"
#include "surface/surface.h"
#include "table/kv_table.h"
#include "typed/typed_functions.h"
#include "typed/typed_table.h"
#include "violations/violations_table.h"

#ifdef _WIN32
#define KV_EXPORT __declspec(dllexport)
#else
#define KV_EXPORT __attribute__((visibility("default")))
#endif

KV_EXPORT int sqlite3_kv_init(sqlite3 *db, char **err,
                              const sqlite3_api_routines *api);
KV_EXPORT int sqlite3_extension_init(sqlite3 *db, char **err,
                                     const sqlite3_api_routines *api);

/*
** Is the extension in the list of this connection's functions? That reads no
** database, which a SELECT does in newer SQLites (3.54, not 3.40).
*/
static int init_list(sqlite3 *db, int *is_loaded) {
  int n = 0;
  kv_run run;
  int rc;

  kv_run_begin_on(&run, db, KV_SQL_FUNCTIONS);
  while (kv_run_row(&run)) {
    const char *name = (const char *)sqlite3_column_text(run.stmt, 0);

    if (!name) run.rc = SQLITE_NOMEM;
    if (name && strcmp(name, "kv_version") == 0) *is_loaded = 1;
    n++;
  }
  rc = kv_run_close(&run);
  if (rc != SQLITE_OK) return rc;
  return n > 0 ? SQLITE_OK : SQLITE_AUTH; /* an authorizer ignores it */
}

/*
** Can it be called? For a connection without a list, or where it is forbidden.
*/
static int init_call(sqlite3 *db, int *is_loaded) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_prepare(db, KV_SQL_LOADED, &stmt);

  if (rc == SQLITE_OK) {
    *is_loaded = 1;
    if (sqlite3_column_count(stmt) == 0) rc = SQLITE_AUTH; /* as above */
  } else if (strncmp(sqlite3_errmsg(db), "no such function", 16) == 0) {
    rc = SQLITE_OK;
  }
  sqlite3_finalize(stmt);
  /* sqlite3_open() reports what the last call left behind, when this is an
  ** automatic extension. One that runs nothing takes the error back. */
  if (rc == SQLITE_OK) sqlite3_exec(db, NULL, NULL, NULL, NULL);
  return rc;
}

/* Has this connection got it already? */
static int init_look(sqlite3 *db, int *is_loaded, char **err) {
  int rc = init_list(db, is_loaded);

  if (rc != SQLITE_OK) rc = init_call(db, is_loaded);
  if (rc == SQLITE_OK || kv_host_check_limits(db, err) != SQLITE_OK) return rc;
  return kv_error(err, rc, "cannot be loaded: %s",
                  sqlite3_errcode(db) == rc ? sqlite3_errmsg(db)
                                            : sqlite3_errstr(rc));
}

/* Register everything; with registry = NULL, unregister it. */
static int init_register(sqlite3 *db, kv_registry *registry) {
  int rc = kv_table_register(db, registry);

  if (rc == SQLITE_OK) rc = kv_typed_table_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_tables_table_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_violations_table_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_log_table_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_history_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_compaction_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_cells_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_device_table_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_foreign_table_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_parstore_table_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_hash_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_typed_functions_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_schema_functions_register(db, registry);
  if (rc == SQLITE_OK) rc = kv_functions_register(db, registry);
  return rc;
}

/*
** SQLite is about to unload the library: nothing that is registered may stay.
** While a statement runs, such as SELECT load_extension() itself, SQLite
** neither removes nor replaces a function. So if memory runs out then, the
** library stays loaded (that SELECT fails all the same), and cannot be loaded
** this way again.
*/
static int init_undo(sqlite3 *db, int rc, char **err) {
  if (rc == SQLITE_BUSY) { /* of the first function: there is nothing else */
    return kv_error(err, rc,
                    "cannot be loaded while a statement runs, since memory ran "
                    "out when it was loaded before: call "
                    "sqlite3_load_extension()");
  }
  kv_error(err, rc, "cannot be loaded: %s", sqlite3_errstr(rc));
#ifndef SQLITE_CORE
  if (init_register(db, NULL) != SQLITE_OK) return SQLITE_OK_LOAD_PERMANENTLY;
#else
  init_register(db, NULL);
#endif
  return rc;
}

static int init(sqlite3 *db, char **err, const sqlite3_api_routines *api) {
  kv_registry *registry = NULL;
  int is_loaded = 0;
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
  rc = init_look(db, &is_loaded, err);
  if (rc != SQLITE_OK || is_loaded) return rc;

  rc = kv_registry_create(db, &registry);
  if (rc == SQLITE_OK) {
    kv_registry_retain(registry);
    rc = init_register(db, registry);
    if (rc != SQLITE_OK) rc = init_undo(db, rc, err);
    kv_registry_release(registry);
  }
  return rc;
}

/*
** Neither entry calls the other: SQLite loads libraries with RTLD_GLOBAL, so that
** a second version in the process would call the first one's.
*/
int sqlite3_kv_init(sqlite3 *db, char **err, const sqlite3_api_routines *api) {
  return init(db, err, api);
}

int sqlite3_extension_init(sqlite3 *db, char **err,
                           const sqlite3_api_routines *api) {
  return init(db, err, api);
}
