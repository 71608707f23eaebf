/*
** Queries on {name}_data, from plans (typed_plan.h).
**
**     kv_typed_query_fit()     a plan as the values need it
**     kv_typed_query_text()    the parts of the query
**     kv_typed_query_bind()    and its parameters
**     kv_typed_query_bounds()  the same plan for a table as it was
*/
#ifndef KV_TYPED_TYPED_QUERY_H
#define KV_TYPED_TYPED_QUERY_H

#include "tables/typed.h"
#include "typed_past.h"

/* A plan as these values need it, for sqlite3_free(). SQLITE_NOMEM. */
int kv_typed_query_fit(const kv_typed *typed, const char *plan, int argc,
                       sqlite3_value **argv, char **out);

/* The columns of such a plan, and its conditions, for sqlite3_free(). */
int kv_typed_query_text(const kv_typed *typed, const char *plan, char **list,
                        char **rest);

/* The bounds of the key in the past, by these values without the time. */
int kv_typed_query_bounds(const char *plan, int argc, sqlite3_value **argv,
                          kv_typed_past *past);

/* Bind the values. */
int kv_typed_query_bind(sqlite3_stmt *stmt, const char *plan, int argc,
                        sqlite3_value **argv);

/* Does it read all columns? */
int kv_typed_query_is_whole(const char *plan);

#endif
