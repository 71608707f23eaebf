/*
** Tables over a path. See path_table.h.
*/
#include "path_table.h"

#include "arguments.h"
#include "db/error.h"
#include "folder/folder.h"

int kv_path_table_connect(sqlite3 *db, kv_sql declaration, const char *example,
                          int argc, const char *const *argv, sqlite3_vtab **out,
                          char **err) {
  kv_path_table *table = kv_zalloc(sizeof(*table));
  kv_arguments arguments;
  int rc = table ? SQLITE_OK : SQLITE_NOMEM;

  kv_arguments_init(&arguments);
  if (rc == SQLITE_OK && argc > 4) {
    rc = kv_error(err, SQLITE_ERROR, "%s takes one argument, a path", argv[0]);
  } else if (rc == SQLITE_OK && argc == 4) {
    rc = kv_arguments_path(&arguments, argv[3]);
  }
  if (rc == SQLITE_OK && arguments.path && !arguments.path[0]) {
    rc = kv_error(err, SQLITE_ERROR, "name a path, not ''");
  } else if (rc == SQLITE_OK && arguments.path) {
    rc = kv_folder_resolve(arguments.path, NULL, 0, &table->path, err);
  }
  if (rc == SQLITE_OK) rc = kv_stmt_declare(db, declaration, err);
  if (rc == SQLITE_OK) rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  kv_arguments_clear(&arguments);
  if (rc != SQLITE_OK) {
    if (table) kv_path_table_disconnect(&table->base);
    return rc;
  }
  table->db = db;
  table->example = example;
  *out = &table->base;
  return SQLITE_OK;
}

int kv_path_table_disconnect(sqlite3_vtab *vtab) {
  sqlite3_free(((kv_path_table *)vtab)->path);
  sqlite3_free(vtab);
  return SQLITE_OK;
}

/*
** A plan without a path is none, but no error here: SQLite also asks what one
** side of an OR would cost by itself, without the argument.
*/
int kv_path_table_plan(sqlite3_vtab *vtab, sqlite3_index_info *info,
                       int column) {
  int i;

  info->estimatedCost = ((kv_path_table *)vtab)->path ? 1e6 : 1e50;
  info->estimatedRows = 1000000;
  for (i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];

    if (c->iColumn != column || c->op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (!c->usable) return SQLITE_CONSTRAINT;
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 1;
    info->estimatedCost = 1e6;
    return SQLITE_OK;
  }
  return SQLITE_OK;
}

int kv_path_table_path(sqlite3_vtab *vtab, int argc, sqlite3_value **argv,
                       const char **out) {
  kv_path_table *table = (kv_path_table *)vtab;
  int rc = SQLITE_OK;

  *out = table->path;
  if (argc == 0 && !*out) {
    return kv_error(&vtab->zErrMsg, SQLITE_ERROR, "name a path: %s",
                    table->example);
  }
  if (argc > 0) rc = kv_arguments_text(argv[0], "path", out, &vtab->zErrMsg);
  if (rc == SQLITE_OK && (!*out || !(*out)[0])) {
    rc = kv_error(&vtab->zErrMsg, SQLITE_ERROR, "name a path, not %s",
                  *out ? "''" : "NULL");
  }
  return rc;
}
