/*
** Rebuilds a cache that this version cannot use: it has another format, or
** another program removed a table or a column.
**
** INVARIANT: a cache is dropped only if certainly none of its rows waits to be
** shared.
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
** Make the shadow tables usable: create or rebuild those that are not.
** SQLITE_CORRUPT with a message if rows wait in them, or may.
*/
int kv_rebuild_cache(kv_store *store, char **err);

#endif
