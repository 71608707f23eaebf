/*
** SQLite, as the files of an extension see it: through the host's table of
** routines, or linked in when compiled with SQLITE_CORE.
*/
#ifndef KV_STORE_SQLITE_H
#define KV_STORE_SQLITE_H

#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3

/*
** Does the host's SQLite have a routine? Those that it was built without are
** NULL: https://www.sqlite.org/compile.html#_options_to_omit_features
*/
#ifdef SQLITE_CORE
#define KV_HAS(routine) 1
#else
#define KV_HAS(routine) (sqlite3_api->routine != NULL)
#endif

/* The oldest SQLite that this works with. */
#define KV_SQLITE_MIN 3031000

#endif
