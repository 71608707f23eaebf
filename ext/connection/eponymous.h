/*
** Table-valued functions that exist without CREATE VIRTUAL TABLE. Their last
** argument, a hidden column, may name what they are about: a store, a table.
**
** What a module keeps of its table is a kv_eponymous; its xDisconnect is
** kv_eponymous_disconnect().
*/
#ifndef KV_CONNECTION_EPONYMOUS_H
#define KV_CONNECTION_EPONYMOUS_H

#include "kv_sql.h"
#include "registry.h"

typedef struct kv_eponymous {
  sqlite3_vtab base;     /* base class: must be first */
  kv_registry *registry; /* borrowed from the module */
} kv_eponymous;

/* Declare the columns, from xConnect, and make the table. */
int kv_eponymous_connect(sqlite3 *db, kv_registry *registry, kv_sql declaration,
                         sqlite3_vtab **out, char **err);
int kv_eponymous_disconnect(sqlite3_vtab *vtab);

/*
** Plan a scan that takes the hidden column `argument`: if it is given, it is the
** only argument of xFilter, and the scan costs `cost_given` instead of `cost`.
*/
int kv_eponymous_plan(sqlite3_index_info *info, int argument, double cost,
                      double cost_given);

#endif
