/*
** The running transaction of a store: begins it at its first write, and rolls
** it back.
**
** pending.h has its rows; this file gives them their numbers and times. If a
** commit locks the log and is then given up, this file closes the log.
*/
#ifndef KV_STORE_TRANSACTION_H
#define KV_STORE_TRANSACTION_H

#include "cache/cache.h"
#include "cache/previous.h"
#include "db/run.h"
#include "identity.h"
#include "log/writer.h"
#include "moves.h"
#include "pending/pending.h"

/* is_writing: a typed table writes the row behind it. */
#define KV_WRITING_TYPED 2

struct kv_transaction {
  kv_pending pending;
  kv_writer *log;        /* the own log between the two phases of a commit */
  kv_position committed; /* the own log's tail that was last committed here */
  int64_t n_writes;      /* writes, merges, rollbacks: scans watch it */
  kv_previous previous;  /* what writes replace, as far as it is known */
  kv_moves moves;        /* of the statement that moves keys */
  int is_writing;        /* by a statement whose triggers could lead back */
  int is_outermost;      /* its savepoint began a transaction */
};

/*
** Append what KV_SQL_SEEN_DUE or KV_SQL_SEEN_RESTORE returns to *list, which
** has *n entries, and return the statement. *list is for sqlite3_free(), also
** after an error.
*/
int kv_transaction_read_seen(kv_run *run, kv_seen **list, int *n);

/*
** At the first write of a transaction: choose its time and its numbers. Errors
** with a message: SQLITE_READONLY for an observer or a twin.
*/
int kv_transaction_open(kv_store *store, char **err);

/*
** At a statement of the user: return the error, once, if the last commit of a
** temp cache was acknowledged but did not reach the log.
*/
int kv_transaction_tell(kv_store *store, char **err);

/* True if it has written anything that a commit must publish. */
int kv_transaction_has_rows(const kv_store *store);

/* True if it has written anything, even if that was rolled back. */
int kv_transaction_is_open(const kv_store *store);

/*
** True if a change of the cache is undone when something fails: inside a
** savepoint, a transaction of the user, or the commit of a single statement.
** For assertions.
*/
int kv_transaction_can_undo(const kv_store *store);

/* True while a write runs its own, nested statement. */
int kv_transaction_is_writing(const kv_store *store);

/*
** How many writes, merges and rollbacks there were. If the number has changed
** since a scan began, the scan must discard what it has read ahead.
*/
int64_t kv_transaction_n_writes(const kv_store *store);

/*
** xSavepoint, xRelease and xRollbackTo; level is SQLite's. Those of a nested
** statement of a write are ignored: nothing pending changes within.
*/
int kv_transaction_savepoint(kv_store *store, int level);
void kv_transaction_release(kv_store *store, int level);
int kv_transaction_rollback_to(kv_store *store, int level);

/* Undo a prepared commit: the transaction continues. */
void kv_transaction_undo(kv_store *store);

/* The transaction was rolled back. */
void kv_transaction_rollback(kv_store *store);

/* The cache is a new one: forget what was committed to the old one. */
void kv_transaction_forget(kv_store *store);

/* The store is opened, and closed. */
void kv_transaction_init(kv_transaction *txn);
void kv_transaction_clear(kv_store *store);

#endif
