/*
** kv_compaction([before [, store]]): what kv_compact() would do with the rows of the
** own log, and for which devices it waits. Changes nothing.
*/
#ifndef KV_COMPACT_COMPACTION_H
#define KV_COMPACT_COMPACTION_H

#include "connection/registry.h"

/* Register the table, or take it back: registry is NULL. */
int kv_compaction_register(sqlite3 *db, kv_registry *registry);

/*
** The time that kv_compact() and kv_compaction() were given; NULL or an SQL NULL:
** as long ago as the option history says, or 30 days.
*/
int kv_compaction_before(kv_store *store, sqlite3_value *value, int64_t *out,
                         char **err);

#endif
