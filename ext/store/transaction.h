/*
** The running transaction of a store: begun by its first write, taken back.
**
** Its rows are in pending.h, their numbers and times are given here. The log
** that a commit has locked is closed here when the commit does not come.
*/
#ifndef KV_STORE_TRANSACTION_H
#define KV_STORE_TRANSACTION_H

#include "store.h"

/*
** Read a row of KV_SQL_SEEN_DUE or KV_SQL_SEEN_RESTORE; *is_usable is 0 if it is
** none that the store wrote.
*/
void kv_transaction_seen_of_row(sqlite3_stmt *row, kv_seen *out,
                                int *is_usable);

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

/* The transaction was rolled back. */
void kv_transaction_rollback(kv_store *store);

/* Take back a prepared commit: the transaction goes on. */
void kv_transaction_undo(kv_store *store);

/*
** After a ROLLBACK TO: if an undone commit had given the transaction's rows
** other numbers, find out whether that was rolled back, too.
*/
int kv_transaction_resume(kv_store *store);

#endif
