/*
** SQLite, as the files of an extension see it: through the host's table of
** routines, or linked in when compiled with SQLITE_CORE.
*/
#ifndef KV_STORE_SQLITE_H
#define KV_STORE_SQLITE_H

#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3

/* The oldest SQLite that this works with. */
#define KV_SQLITE_MIN 3031000

#endif
