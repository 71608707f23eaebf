/*
** Committing in two phases: the host's database and the own log.
**
**     xSync      prepare   lock the log, catch up, append; note `cached`
**                          (the host commits)
**     xCommit    commit    commit the log, close it
**     xRollback  rollback  roll it back, close it
**
** If a commit is cut off, the next lock finds out what happened (catch_up.h).
**
** INVARIANT: within one log id, a sequence number never gets other content; a
** log that verifies is never rewritten. Lock order: host, log.
*/
#ifndef KV_OWN_PUBLISH_H
#define KV_OWN_PUBLISH_H

#include "pending/pending.h"
#include "store/identity.h"

/*
** When a cache is created: create the own log if it does not exist, so that the
** others know the device, and note whose rows it will have. If the log exists,
** the next sync merges its rows. Errors: as for kv_writer_lock().
*/
int kv_publish_introduce(kv_store *store, char **err);

/*
** First phase. Does nothing, and opens nothing, if the transaction wrote
** nothing. Errors with a message. If the folder cannot be written, a persistent
** cache keeps the rows and lets them wait instead.
*/
int kv_publish_prepare(kv_store *store, char **err);

/*
** Second phase. SQLite takes no error of it: what fails is logged, and kept
** for the next one (kv_exchange_commit_error()). kv_transaction_tell() tells the user.
*/
void kv_publish_commit(kv_store *store);

/* One look at the own log. */
typedef struct kv_publish_run {
  int must_look;    /* also at a log that has not changed */
  int adopt;        /* take over one that somebody else writes */
  int64_t n_merged; /* increased by the rows merged */
  int
    is_published; /* out: nothing waits, and the log is adopted if it may be */
  const kv_seen *seen; /* rows to be appended then, as a transaction: */
  int n_seen;
  int64_t seen_ts; /* their time */
} kv_publish_run;

/*
** Outside a transaction of the user: publish own rows that wait, and merge what
** other processes published as the same device. Creates the log if it does not
** exist. Inside a transaction: only merge, and only if it has written nothing.
** A log that must not be written (kv_store_refuse()) is not an error: the
** cursor says twin.
*/
int kv_publish_waiting(kv_store *store, kv_publish_run *run, char **err);

/* The same outside a sync, with what the store was opened with. */
int kv_publish_now(kv_store *store, int must_look, char **err);

/*
** Note that the own log could not be written (cause, why), so that rows wait.
** The error itself, if the log was never made.
*/
int kv_publish_note(kv_store *store, int cause, const char *why, char **err);

#endif
