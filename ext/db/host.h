/*
** What a store asks of the connection that it is in.
*/
#ifndef KV_DB_HOST_H
#define KV_DB_HOST_H

#include "sqlite.h"

/*
** Are the connection's limits high enough for the statements of a store? If not,
** SQLITE_ERROR with a message that names the limit.
** https://www.sqlite.org/c3ref/c_limit_attached.html
*/
int kv_host_check_limits(sqlite3 *db, char **err);

/*
** Are the functions that those statements call SQLite's own? A connection may
** have others of their names. SQLITE_ERROR with a message. Where SQLite does not
** tell, they are taken for its own.
*/
int kv_host_check_functions(sqlite3 *db, char **err);

/* Both. */
int kv_host_check(sqlite3 *db, char **err);

#endif
