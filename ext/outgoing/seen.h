/*
** Seen rows: how far a device had merged the other logs when it wrote.
**
** Several processes of one device, each with its own cache, write one log; so
** does a host that was restored. A seen row holds for all rows after it, also
** for those that another process moves there.
**
** INVARIANT: for each own row, the last seen row of a peer before it says how
** far the cache in which it was written had merged that peer.
*/
#ifndef KV_OUTGOING_SEEN_H
#define KV_OUTGOING_SEEN_H

#include "log/writer.h"
#include "pending/pending.h"
#include "store/identity.h"

/*
** Other rows of the own log, after number `common` up to `news`, were merged
** before own unpublished rows. Repeat after them what the unpublished rows had
** seen. The numbers of own rows after `news` grow by *n_rows.
*/
int kv_seen_restore(kv_store *store, int64_t common, int64_t news, int64_t ts,
                    int64_t *n_rows);

/*
** Append n seen rows of transaction txn behind *at, to the log if there is one,
** and to the cache. *at is then the last one's position.
*/
int kv_seen_append(kv_store *store, kv_writer *log, const kv_seen *seen, int n,
                   int64_t txn, int64_t ts, kv_position *at);

#endif
