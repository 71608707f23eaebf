/*
** Makes rows of {name}_data from the log rows of their keys, and hides those that
** the declaration does not allow.
*/
#ifndef KV_TABLES_SETTLE_H
#define KV_TABLES_SETTLE_H

#include "typed.h"

/*
** Before keys are settled: know the logs of the cache. typed->store is set, and
** {name}_meta is loaded. Errors are SQLite's.
*/
int kv_settle_begin(kv_typed *typed);

/*
** Fold the log rows of a key, and write the row that comes out, or take it away.
** A row that breaks a rule is listed in {name}_hidden, and no error. Errors are
** SQLite's, or private ones.
*/
int kv_settle_key(kv_typed *typed, const kv_value *key);

/* The same with the rows that were added to typed->folded. */
int kv_settle_rows(kv_typed *typed, const kv_value *key);

/* Fold them in typed->folded: is there a row, shown or hidden? */
int kv_settle_exists(kv_typed *typed, const kv_value *key, int *exists);

/* Is there an update that waits for its insert? */
int kv_settle_is_incomplete(const kv_fold *fold);

/* List a key no longer. */
int kv_settle_show(kv_typed *typed, const kv_value *key);

/*
** Write the values of a row, in the order of the columns, or delete the row with
** the key in them. SQLITE_CONSTRAINT if SQLite refuses it.
*/
int kv_settle_put(kv_typed *typed, kv_sql id, const kv_value *values);

/*
** Update the columns of a row that differ, so that no index on others is
** written. Both have the same key.
*/
int kv_settle_update(kv_typed *typed, const kv_value *old, const kv_value *new);

int kv_settle_delete(kv_typed *typed, const kv_value *values);

#endif
