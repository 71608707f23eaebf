/*
** Acknowledgements: a device says how far it has merged the other logs, also if
** it writes nothing else. They are seen rows (outgoing/seen.h), in a transaction of
** their own, at most once a day: so the others can tell who is silent, and which
** of their rows nobody needs any more.
**
** INVARIANT: seen rows alone are never acknowledged, so devices that sync in turns
** come to rest.
*/
#ifndef KV_SYNC_ACKNOWLEDGE_H
#define KV_SYNC_ACKNOWLEDGE_H

#include "store/identity.h"

/*
** Outside a transaction, after a merge: acknowledge what is due. Without news this
** is looked for once an hour. *n_merged is increased by rows of other processes
** of this device. A log that cannot be written now is no error.
*/
int kv_acknowledge(kv_store *store, int has_news, int64_t *n_merged,
                   char **err);

#endif
