/*
** A new incarnation of the own log that somebody else of this machine began:
** another cache of this device that adopted or repaired it, or this one
** before its own database was rolled back.
**
** INVARIANT: a log takes the place of another only if it has every row that
** the other had published.
*/
#ifndef KV_OWN_SUCCESSION_H
#define KV_OWN_SUCCESSION_H

#include "cache/log_cursor.h"
#include "log/writer.h"
#include "store/identity.h"

/* What became of a log that may be a new incarnation. */
typedef enum kv_succession {
  KV_SUCCESSION_NONE,  /* it is not one; nothing is changed */
  KV_SUCCESSION_TAKEN, /* its rows took the place of own rows */
  KV_SUCCESSION_HALF   /* own rows are half replaced: the commit has to fail */
} kv_succession;

/*
** The log (locked, of this machine) has another id than the cache knows. If
** it verifies and has all that was published, its rows take the place of own
** rows, and those that wait are numbered behind them, the running
** transaction's, too, and own is brought up to date. While a transaction commits
** there are no savepoints to undo a log that turns out not to be one
** (KV_SUCCESSION_HALF, also with an error). So a commit tries it once, and not if
** the log is to be adopted.
*/
int kv_succession_accept(kv_store *store, kv_writer *log, kv_log_cursor *own,
                         int adopt, kv_succession *outcome);

#endif
