/*
** What makes a cache quick to read, done after a sync rather than at each
** write: the index by time, and superseded rows moved out of the way.
*/
#ifndef KV_STORE_UPKEEP_H
#define KV_STORE_UPKEEP_H

#include "store.h"

/* Do what is due. Nothing is, if nothing came since the last time. */
int kv_upkeep_run(kv_store *store, char **err);

#endif
