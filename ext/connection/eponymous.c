/*
** Table-valued functions of a connection. See eponymous.h.
*/
#include "eponymous.h"

#include "db/error.h"
#include "db/stmt.h"

int kv_eponymous_connect(sqlite3 *db, kv_registry *registry, kv_sql declaration,
                         sqlite3_vtab **out, char **err) {
  int rc = kv_stmt_declare(db, declaration, err);
  kv_eponymous *table;

  if (rc != SQLITE_OK) return rc;
  table = kv_zalloc(sizeof(*table));
  if (!table) return SQLITE_NOMEM;
  table->registry = registry;
  *out = &table->base;
  return SQLITE_OK;
}

int kv_eponymous_disconnect(sqlite3_vtab *vtab) {
  sqlite3_free(vtab);
  return SQLITE_OK;
}

int kv_eponymous_plan(sqlite3_index_info *info, int argument, double cost,
                      double cost_given) {
  int i;

  info->estimatedCost = cost;
  for (i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];

    if (c->iColumn != argument) continue;
    if (c->op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (!c->usable) return SQLITE_CONSTRAINT;
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 1;
    info->idxNum = 1;
    info->estimatedCost = cost_given;
    break;
  }
  return SQLITE_OK;
}
