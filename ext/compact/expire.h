/*
** Option history: kv_sync() gives up what is older, by itself.
**
** Once a day it counts what kv_compact() would drop, and compacts if that is at
** least half of the own log. So a log is at most about twice what has to stay, and
** the others seldom have to read a new one. What is older is measured from when it
** last counted, or from the latest change of the others, if the clock is ahead of it.
**
** INVARIANT: what may go is decided by kv_compact_run() alone.
*/
#ifndef KV_COMPACT_EXPIRE_H
#define KV_COMPACT_EXPIRE_H

#include "store/identity.h"

/*
** After a sync: look for history to give up, if that is due. Nothing without the
** option, inside a transaction or a scan, and within a day of the last time, which
** the cache keeps. A log that cannot be written now is no error.
*/
int kv_expire_run(kv_store *store, char **err);

#endif
