/*
** Writes what a twin could not share again, in another store.
*/
#ifndef KV_SYNC_HEIR_H
#define KV_SYNC_HEIR_H

#include "store/identity.h"

/*
** Give this store the unpublished rows of every twin of the same folder and
** connection. They are written here again, and no longer wait there. Only
** outside a transaction.
*/
int kv_heir_inherit(kv_store *store, char **err);

#endif
