/*
** Proves that the cache agrees with the other devices' logs, before own rows are
** dropped because of what is in it.
**
** The sum of a log's last row covers all rows before it, and the cache keeps that sum:
** so it is enough to chain its rows once more, and no log is read.
*/
#ifndef KV_COMPACT_PROOF_H
#define KV_COMPACT_PROOF_H

#include "store/identity.h"

/*
** SQLITE_CORRUPT_VTAB, with a message, if a row of another device was changed or is
** missing, or there is one that was not in its log. It reads all of the cache.
*/
int kv_proof_check(kv_store *store, char **err);

#endif
