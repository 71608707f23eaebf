/*
** What a store needs from its connection: limits that are high enough, and
** SQLite's own functions.
*/
#ifndef KV_DB_HOST_H
#define KV_DB_HOST_H

#include "sqlite.h"

/*
** Check that the connection's limits are high enough for the statements of a
** store. If not, SQLITE_ERROR with a message that names the limit.
** https://www.sqlite.org/c3ref/c_limit_attached.html
*/
int kv_host_check_limits(sqlite3 *db, char **err);

/*
** Check that the functions that those statements call are SQLite's own: a
** connection may have overridden them. If so, SQLITE_ERROR with a message. A
** SQLite that cannot list its functions passes.
*/
int kv_host_check_functions(sqlite3 *db, char **err);

/* Both. */
int kv_host_check(sqlite3 *db, char **err);

#endif
