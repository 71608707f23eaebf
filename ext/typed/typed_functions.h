/*
** The SQL functions of typed tables.
**
**     kv_uuid()   kv_id()   kv_between(low, high [, i, n])
**     kv_assign(table, key, column, value)
*/
#ifndef KV_TYPED_TYPED_FUNCTIONS_H
#define KV_TYPED_TYPED_FUNCTIONS_H

#include "connection/registry.h"

/*
** kv_delete() of a row of a typed table, which may be hidden. Errors with a
** message: SQLITE_NOTFOUND if there is no such table.
*/
int kv_typed_functions_delete(kv_registry *registry, sqlite3_value *key,
                              const char *table, int *existed, char **err);

/*
** kv_revert() of a row of a typed table, to what it was at a time or (as_of is an
** SQL NULL) before its latest change. The result of the function is the row as
** JSON. Errors as above.
*/
int kv_typed_functions_revert(kv_registry *registry, sqlite3_context *ctx,
                              sqlite3_value *key, sqlite3_value *as_of,
                              const char *table, char **err);

int kv_typed_functions_register(sqlite3 *db, kv_registry *registry);

#endif
