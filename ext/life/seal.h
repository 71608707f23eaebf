/*
** Seals the own log: when log.db has grown, its rows go into a sealed file, which
** never changes again, and log.db goes on behind them. So tools that carry whole
** files carry little for a commit.
**
**     log.db ---copy---> log.db.sealed ---rename---> log-ID-LAST.db
**     log.db: all rows deleted, a new base, in one transaction
**
** INVARIANT: at each moment there are log.db and all files that it continues.
** Whatever fails, log.db is as it was, or emptied.
*/
#ifndef KV_LIFE_SEAL_H
#define KV_LIFE_SEAL_H

#include "log/writer.h"

/* Bytes of log.db at which it is sealed, unless the user says otherwise. */
#define KV_SEAL_BYTES 1000000

/*
** Bytes of the log's file that are in use; the pages of rows that were sealed are
** not. 0: unknown.
*/
int64_t kv_seal_used(kv_writer *log);

/*
** Seal the log after its commit: `log` is open and not locked. Nothing happens
** if it is locked by another process. *is_sealed says whether it was done; in any
** case the log has to be closed then. A log.db of more than `most` bytes is made
** small again. place->head is not used.
*/
int kv_seal_log(kv_writer *log, const kv_writer_place *place, int64_t most,
                int *is_sealed);

/*
** Check that a file beside the log has all its rows, from its base to `tail`. Those
** behind `known` are not read again: they have just been chained and committed.
*/
int kv_seal_verify(const kv_writer_place *place, const char *path,
                   kv_position known, kv_position tail);

/* Delete the rows of the locked log, which goes on with this head, and commit. */
int kv_seal_empty(kv_writer *log, const kv_log_head *head);

/* Make a log.db of more than `most` bytes small again. It is not locked. */
int kv_seal_shrink(kv_writer *log, int64_t most);

#endif
