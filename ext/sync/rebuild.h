/*
** Rebuilds a cache that this version cannot use: it has another format, or
** another program removed a table or a column.
**
** INVARIANT: a cache is dropped only if its rows are carried over, or if certainly
** none of them waits to be shared.
*/
#ifndef KV_SYNC_REBUILD_H
#define KV_SYNC_REBUILD_H

#include "store/identity.h"

/*
** For when a table is damaged, so that kv_own_unpublished() fails: may the
** cache have own rows that the log does not have? No, if the rows after the
** log's end can be counted, or if the table of rows is gone.
*/
int kv_rebuild_may_hold(kv_store *store, int *may_hold);

/*
** Make the shadow tables usable: carry the rows of an older format over, create
** or rebuild tables that cannot be used. SQLITE_CORRUPT with a message if rows
** wait in those, or may.
*/
int kv_rebuild_cache(kv_store *store, char **err);

#endif
