/*
** One change of one key, into the cache and to be published.
**
** Everything is checked first; then one nested statement writes, so that a
** statement that fails has written nothing (xUpdate of a single row has no
** statement journal: https://www.sqlite.org/tempfiles.html#stmtjrnl), but for
** a large value (cache/values.h), which nothing refers to then.
**
** A transaction that writes many rows keeps them back (late.h) and writes
** them in the order of keys, before anything else looks at the cache: each
** page of it is then written once, not once a row. What a row replaces is
** looked up when it is set, so that errors come where they belong.
**
** INVARIANT: a row of the cache of this transaction is remembered in
** pending.h; one that is remembered is in the cache, or late.
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
** Set a key. Errors with a message: SQLITE_CONSTRAINT_NOTNULL for a NULL
** key, SQLITE_READONLY for an observer or a twin, SQLITE_ERROR if no later
** time than the winner's can be given, what SQLite says otherwise.
*/
int kv_write_set(kv_store *store, const kv_value *key, const kv_value *value,
                 kv_on_conflict on_conflict, char **err);

/* Delete a key; *existed tells whether it was there. None: nothing to do. */
int kv_write_delete(kv_store *store, const kv_value *key, int *existed,
                    char **err);

/*
** A statement begins to read kv: UPDATE finds all its rows before it changes the
** first one.
*/
void kv_write_begin(kv_store *store);

/*
** Give a key another name and a value. KV_CONFLICT_SET replaces another key
** of that name. The same key written differently (1, 1.0) is set. A row that
** the statement has replaced, or moved to `from` itself, is left as it is.
*/
int kv_write_rename(kv_store *store, const kv_value *from, const kv_value *to,
                    const kv_value *value, kv_on_conflict on_conflict,
                    char **err);

/* Is there a row of this key that the cache does not have yet? */
int kv_write_is_late(const kv_store *store, const kv_value *key);

/*
** A statement has read the latest row of a key, with KV_SQL_CACHE_LATEST: if the
** next write is of that key (DELETE, UPDATE), it is not looked up again. Only
** within a transaction that wrote, where nobody else can.
*/
void kv_write_note_read(kv_store *store, const kv_value *key,
                        sqlite3_stmt *row);

/*
** Write the rows that are late to the cache: before anything reads its
** tables but by a key that is not late, before a savepoint, a sync, a commit.
** If it fails they stay late, unless SQLite rolled the transaction back.
*/
int kv_write_flush(kv_store *store, char **err);

#endif
