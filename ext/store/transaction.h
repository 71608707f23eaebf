/*
** The running transaction of a store: begun by its first write, taken back.
**
** Its rows are in pending.h, their numbers and times are given here. The log
** that a commit has locked is closed here when the commit does not come.
*/
#ifndef KV_STORE_TRANSACTION_H
#define KV_STORE_TRANSACTION_H

#include "cache/cache.h"
#include "db/run.h"
#include "identity.h"
#include "log/writer.h"
#include "moves.h"
#include "pending.h"

/* Longer keys are looked up twice. */
#define KV_LAST_READ_KEY 64

/* The latest row of a key that a statement has read, and may write now. */
typedef struct kv_last_read {
  int64_t n_writes; /* those of the transaction then; -1: nothing was read */
  kv_value key;
  char bytes[KV_LAST_READ_KEY]; /* of the key */
  kv_winner winner;
} kv_last_read;

struct kv_transaction {
  kv_pending pending;
  kv_writer *log;         /* the own log between the two phases of a commit */
  kv_position committed;  /* the own log's tail that was last committed here */
  int64_t n_writes;       /* writes, merges, rollbacks: that scans notice */
  kv_last_read last_read; /* in the transaction that is pending */
  kv_moves moves;         /* of the statement that moves keys */
  int is_writing;         /* by a statement whose triggers could lead back */
  int is_outermost;       /* its savepoint began a transaction */
};

/*
** Read what KV_SQL_SEEN_DUE or KV_SQL_SEEN_RESTORE returns behind the n of *list,
** and give the statement back. *list is for sqlite3_free(), also after an error.
*/
int kv_transaction_read_seen(kv_run *run, kv_seen **list, int *n);

/*
** At the first write of a transaction: its time, its numbers. Errors with a
** message: SQLITE_READONLY for an observer or a twin.
*/
int kv_transaction_open(kv_store *store, char **err);

/*
** At a statement of the user: the error, once, if the last commit was
** acknowledged and did not reach the log of a temp cache.
*/
int kv_transaction_tell(kv_store *store, char **err);

/* Has it written anything that a commit has to publish? */
int kv_transaction_has_rows(const kv_store *store);

/* Has it written anything, which may have been rolled back? */
int kv_transaction_is_open(const kv_store *store);

/*
** Will what is changed in the cache now be undone if something fails? Inside a
** savepoint, a transaction of the user, or the commit of a single statement.
** For assertions.
*/
int kv_transaction_can_undo(const kv_store *store);

/* Does a write run a statement of its own, within another one? */
int kv_transaction_is_writing(const kv_store *store);

/*
** How many writes, merges and rollbacks there were: a scan that finds another
** number than when it began looks again at what it has read ahead.
*/
int64_t kv_transaction_n_writes(const kv_store *store);

/*
** xSavepoint, xRelease and xRollbackTo; level is SQLite's. Those of a statement
** that a write runs itself are none of the transaction's: nothing that is
** pending changes within. A savepoint comes when nothing is late
** (kv_write_flush()).
*/
int kv_transaction_savepoint(kv_store *store, int level);
void kv_transaction_release(kv_store *store, int level);
int kv_transaction_rollback_to(kv_store *store, int level);

/* Take back a prepared commit: the transaction goes on. */
void kv_transaction_undo(kv_store *store);

/* The transaction was rolled back. */
void kv_transaction_rollback(kv_store *store);

/* The cache is a new one: what was committed to the one before says nothing. */
void kv_transaction_forget(kv_store *store);

/* The store is opened, and closed. */
void kv_transaction_init(kv_transaction *txn);
void kv_transaction_clear(kv_store *store);

#endif
