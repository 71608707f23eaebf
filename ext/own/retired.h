/*
** The own name may be that of a device that was retired: others keep its log, and read
** no other one.
**
** INVARIANT: what has neither the log nor a cache of it begins no log under such a name,
** and leaves nothing in the folder. It cannot know how far that log went: the copies
** that are here may be older than what others have read.
*/
#ifndef KV_OWN_RETIRED_H
#define KV_OWN_RETIRED_H

#include "store/identity.h"

/*
** This cache knows no own log, and is about to make one if there is none: check that
** the name is not that of a retired device. SQLITE_ERROR, with a message: it is.
*/
int kv_retired_check(kv_store *store, char **err);

/*
** A new incarnation would be a log of another lineage: check that nobody keeps the one
** that this device had, so that the new one is read. SQLITE_ERROR, with a message.
*/
int kv_retired_check_adopt(kv_store *store, char **err);

/* The error for a device that is not the one of its name that was retired. */
int kv_retired_refuse(const kv_store *store, char **err);

/*
** Outside a transaction: take back the log that such a device began, if nothing was
** written into it.
*/
int kv_retired_take_back(kv_store *store, char **err);

#endif
