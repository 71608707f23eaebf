/*
** A cache that this version cannot use: one of another format, or with a table
** or a column that another program took away.
**
** INVARIANT: a cache is dropped only when it is known that none of its rows
** waits to be shared.
*/
#ifndef KV_SYNC_REBUILD_H
#define KV_SYNC_REBUILD_H

#include "store/identity.h"

/*
** When kv_own_unpublished() cannot tell, as a table is damaged: may the cache
** hold own rows that the log has not? No, if those behind its end can be counted,
** or if the table of rows is gone.
*/
int kv_rebuild_may_hold(kv_store *store, int *may_hold);

/*
** Make the shadow tables usable: create or rebuild what is not. SQLITE_CORRUPT
** with a message if rows wait in them, or may.
*/
int kv_rebuild_cache(kv_store *store, char **err);

#endif
