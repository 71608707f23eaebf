/*
** The history of a store: kv_diff, kv_conflicts, kv_changes.
*/
#ifndef KV_SURFACE_HISTORY_H
#define KV_SURFACE_HISTORY_H

#include "store/identity.h"

/* The cursor of kv_changes just after everything committed: below 2^53. */
int kv_history_cursor(kv_store *store, int64_t *out);

#endif
