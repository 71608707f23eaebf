/*
** The heir of a twin: another store of the same folder, under another device
** name, writes the rows that the twin could not share.
**
** INVARIANT: a row no longer waits at the twin only once the heir has it.
*/
#ifndef KV_SYNC_HEIR_H
#define KV_SYNC_HEIR_H

#include "store/identity.h"

/*
** Give this store the unpublished rows of every twin of the same folder and
** connection. Each key is written here again, unless the folder has a later
** value. Only outside a transaction. Errors with a message.
*/
int kv_heir_inherit(kv_store *store, char **err);

#endif
