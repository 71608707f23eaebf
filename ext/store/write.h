/*
** Writes one change of one key into the cache, and remembers it for the commit.
**
** Everything is checked first; then one nested statement writes. So a statement
** that fails has written nothing (xUpdate of a single row has no statement
** journal: https://www.sqlite.org/tempfiles.html#stmtjrnl), except perhaps a
** large value (cache/values.h), which nothing refers to.
**
** A transaction that writes many rows delays them (late.h), and writes them in
** the order of keys before anything else reads the cache. So each page of the
** cache is written once, not once for each row. The row that a write replaces
** is looked up at once, so that each statement gets its own errors.
**
** INVARIANT: every row of this transaction in the cache is remembered in
** pending.h; every remembered row is in the cache, or late.
*/
#ifndef KV_STORE_WRITE_H
#define KV_STORE_WRITE_H

#include "core/row.h"
#include "identity.h"

/* What to do if the key exists. */
typedef enum kv_on_conflict {
  KV_CONFLICT_SET,   /* set it */
  KV_CONFLICT_FAIL,  /* SQLITE_CONSTRAINT_UNIQUE, nothing written */
  KV_CONFLICT_IGNORE /* SQLITE_CONSTRAINT, nothing written */
} kv_on_conflict;

/*
** Set a key. Errors with a message: SQLITE_CONSTRAINT_NOTNULL for a NULL key,
** SQLITE_READONLY for an observer or a twin, SQLITE_ERROR if no time is later
** than the winner's, and SQLite's own errors.
*/
int kv_write_set(kv_store *store, const kv_value *key, const kv_value *value,
                 kv_on_conflict on_conflict, char **err);

/* Delete a key. *existed: it existed. Otherwise there is nothing to do. */
int kv_write_delete(kv_store *store, const kv_value *key, int *existed,
                    char **err);

/*
** A statement begins to read kv. (UPDATE finds all its rows before it changes
** the first one.)
*/
void kv_write_begin(kv_store *store);

/*
** Rename a key and set its value. KV_CONFLICT_SET replaces a key that already
** has the new name. If both names are one key (1, 1.0), it is set. A row that
** the statement has replaced, or has itself moved to `from`, does not change.
*/
int kv_write_rename(kv_store *store, const kv_value *from, const kv_value *to,
                    const kv_value *value, kv_on_conflict on_conflict,
                    char **err);

/* True if this key has a row that is not in the cache yet. */
int kv_write_is_late(const kv_store *store, const kv_value *key);

/* Is this the next key of late rows of a bucket that come in the order of keys? */
int kv_write_is_load(const kv_store *store, const kv_value *bucket,
                     const kv_value *key);

/*
** A statement has read the latest row of a key, with KV_SQL_CACHE_LATEST. If
** the next write is of that key (DELETE, UPDATE), it is not looked up again.
** Only in a transaction that has written, when nobody else can write.
*/
void kv_write_note_read(kv_store *store, const kv_value *key,
                        sqlite3_stmt *row);

/*
** Before a row of the transaction is written: it begins with its first row.
** Errors with a message.
*/
int kv_write_enter(kv_store *store, char **err);

/* Check that key and value can be written. Errors with a message. */
int kv_write_check(kv_store *store, const kv_value *key, const kv_value *value,
                   char **err);

/*
** Write the late rows to the cache: before a savepoint, a sync or a commit, and
** before anything reads the cache, except by a key that is not late. If this
** fails they stay late, unless SQLite rolled the transaction back.
*/
int kv_write_flush(kv_store *store, char **err);

#endif
