/*
** How far a device had merged the other logs when it wrote: seen rows.
**
** Several processes of one device write one log, each with a cache of its own,
** and so does a host that was restored. What one of them says holds for the rows
** behind it, also for those that another one moves there.
**
** INVARIANT: the last seen row of a peer before an own row says what the cache
** had merged that the row was written in.
*/
#ifndef KV_OWN_SEEN_H
#define KV_OWN_SEEN_H

#include "store/identity.h"

/*
** Other rows of the own log, behind number `common` up to `news`, were merged
** before own rows that are not published: say again, behind them, what these
** had seen. Own rows behind `news` get greater numbers by *n_rows.
*/
int kv_seen_restore(kv_store *store, int64_t common, int64_t news, int64_t ts,
                    int64_t *n_rows);

#endif
