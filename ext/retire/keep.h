/*
** Keeps the copies of logs as they should be after they were made: a log of a retired
** device that nobody has any more gets one, and one that is no longer needed goes.
**
** INVARIANT: a copy is deleted only if the device's own directory has all of it.
*/
#ifndef KV_RETIRE_KEEP_H
#define KV_RETIRE_KEEP_H

#include "store/identity.h"

/*
** After a sync: write a copy of each retired device's log that no file here has as far
** as it is merged, because its directory, or the copy of another device, went. A
** folder that cannot be written now is no error.
*/
int kv_keep_lost(kv_store *store, char **err);

/*
** Delete the own copies of the logs of devices that are not retired any more: they wrote
** on, and their own directories have all of it.
*/
int kv_keep_drop(kv_store *store);

#endif
