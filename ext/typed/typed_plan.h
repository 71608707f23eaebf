/*
** Plans of queries on a typed table, and the queries on {name}_data that they
** become.
**
**     kv_typed_plan()         what SQLite asks for, as a text
**     kv_typed_plan_fit()     the same for values that are known
**     kv_typed_plan_query()   the parts of the query
**     kv_typed_plan_bind()    and its parameters
**     kv_typed_plan_bounds()  the same plan for a table as it was
*/
#ifndef KV_TYPED_TYPED_PLAN_H
#define KV_TYPED_TYPED_PLAN_H

#include "tables/typed.h"
#include "typed_past.h"

/*
** xBestIndex: idxStr is the plan. idxNum is 1 if the query asks for a time, which
** is the last value then.
*/
int kv_typed_plan(const kv_typed *typed, sqlite3_index_info *info);

/* A plan as these values need it, for sqlite3_free(). SQLITE_NOMEM. */
int kv_typed_plan_fit(const kv_typed *typed, const char *plan, int argc,
                      sqlite3_value **argv, char **out);

/* The columns of such a plan, and its conditions, for sqlite3_free(). */
int kv_typed_plan_query(const kv_typed *typed, const char *plan, char **list,
                        char **rest);

/* The bounds of the key in the past, by these values without the time. */
int kv_typed_plan_bounds(const char *plan, int argc, sqlite3_value **argv,
                         kv_typed_past *past);

/* Bind the values. */
int kv_typed_plan_bind(sqlite3_stmt *stmt, const char *plan, int argc,
                       sqlite3_value **argv);

#endif
