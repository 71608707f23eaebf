/*
** The own log is gone, and another device has kept it: it was retired, and is back with
** nothing but its name, or with a cache that knows less.
**
**     devices/KEEPER/of/SELF.db ---> log.db: the same rows, the next generation
**
** A cache then takes that over as if another one of this device had written it.
**
** INVARIANT: a log goes on only on the machine that wrote it. Another one that takes
** the name of a retired device is refused, and leaves nothing.
*/
#ifndef KV_OWN_COMEBACK_H
#define KV_OWN_COMEBACK_H

#include "cache/log_cursor.h"
#include "log/writer.h"
#include "store/identity.h"

/*
** This cache knows no own log, and is about to make one if there is none: check that
** the name is not that of a retired device, or that this is that device, and a copy
** of its log is here. SQLITE_ERROR, with a message: it is neither.
*/
int kv_comeback_check(kv_store *store, char **err);

/*
** Fill the own log, which this lock has just made, from the copy that has most, if
** that has more than the cache. Then *is_filled is 1: commit it, and lock it again.
*/
int kv_comeback_fill(kv_store *store, const kv_log_cursor *own, kv_writer *log,
                     int *is_filled, char **err);

/*
** A new incarnation would be a log of another lineage: check that nobody keeps the one
** that this device had, so that the new one is read. SQLITE_ERROR, with a message.
*/
int kv_comeback_check_adopt(kv_store *store, char **err);

/* The error for a device that is not the one of its name that was retired. */
int kv_comeback_refuse(const kv_store *store, char **err);

/*
** Outside a transaction: take back the log that such a device began, if nothing was
** written into it.
*/
int kv_comeback_take_back(kv_store *store, char **err);

#endif
