/*
** Keeps a cache fast to read: moves superseded rows out of the way, and builds
** the index by time. It does so after a sync, not at each write.
**
** The index costs 0.8 us and 36 bytes a row, and most programs never run a
** query that needs it. So the first such query scans all rows, and the next
** sync builds the index. With publish='sync' each sync is such a query.
*/
#ifndef KV_SYNC_UPKEEP_H
#define KV_SYNC_UPKEEP_H

#include "cache/cache.h"
#include "store/identity.h"

/* A query runs that the index by time would make faster. */
void kv_upkeep_want_index(kv_store *store);

/* Sweep and index if needed; nothing if no rows arrived since the last time. */
int kv_upkeep_run(kv_store *store, char **err);

#endif
