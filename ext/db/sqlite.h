/*
** SQLite, as the files of an extension see it: through the host's table of
** routines, or linked in when compiled with SQLITE_CORE.
*/
#ifndef KV_DB_SQLITE_H
#define KV_DB_SQLITE_H

#include <stddef.h>

#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3

/*
** True if the host's SQLite has a routine. Routines that it was built without
** are NULL: https://www.sqlite.org/compile.html#_options_to_omit_features
*/
#ifdef SQLITE_CORE
#define KV_HAS(routine) 1
#else
#define KV_HAS(routine) (sqlite3_api->routine != NULL)
#endif

/*
** An SQLite without threads has no mutexes. A program that links it statically
** compiles this with -DSQLITE_THREADSAFE=0, too.
*/
#if defined(SQLITE_CORE) && defined(SQLITE_THREADSAFE)
#if SQLITE_THREADSAFE == 0
#define sqlite3_mutex_alloc(id) ((sqlite3_mutex *)NULL)
#define sqlite3_mutex_enter(mutex) ((void)(mutex))
#define sqlite3_mutex_leave(mutex) ((void)(mutex))
#endif
#endif

/* The oldest SQLite that this works with. */
#define KV_SQLITE_MIN 3031000

#endif
