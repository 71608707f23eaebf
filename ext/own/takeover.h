/*
** The own log is not the one that the cache left: another cache of this device
** compacted it, or adopted or repaired it; or an older generation is back.
**
**     a greater generation     its rows take the place of own rows; what it lacks,
**                              and cannot have dropped, is published again
**     a smaller one            log.db is made anew from the cache, if that knows all
**                              of its rows
**     another lineage          the same as a greater generation, if it has every row
**                              that was published here
**
** Rows that wait go behind those of the new log, the running transaction's, too.
**
** INVARIANT: a row that was acknowledged stays, unless a generation with a horizon
** behind it has dropped it.
*/
#ifndef KV_OWN_TAKEOVER_H
#define KV_OWN_TAKEOVER_H

#include "cache/log_cursor.h"
#include "log/writer.h"
#include "store/identity.h"

typedef enum kv_takeover {
  KV_TAKEOVER_NONE, /* it may not; nothing is changed, or verdict says why */
  KV_TAKEOVER_TAKEN, /* own rows are those of the log; own is brought up to date */
  KV_TAKEOVER_MADE, /* the log (not committed yet) has no rows, the cache has all */
  KV_TAKEOVER_AGAIN /* the log was written anew: lock it again */
} kv_takeover;

/*
** The log (locked, of this machine) has another id than own->id. Errors leave it to
** the caller to roll back. adopt: if files of it are missing, the user wants to go on
** without them. *n_merged is increased by the rows that came.
*/
int kv_takeover_judge(kv_store *store, kv_writer *log, kv_log_cursor *own,
                      int adopt, kv_takeover *outcome, int64_t *n_merged,
                      kv_verdict *verdict, char **err);

#endif
