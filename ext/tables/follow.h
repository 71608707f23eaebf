/*
** Typed tables follow the cache: after a merge, the keys that it brought are
** settled; after rows were taken away (another epoch), the table is made again.
**
** All typed tables of the store's schema follow, whichever connection declared
** them: whoever merges does it, in the same savepoint.
*/
#ifndef KV_TABLES_FOLLOW_H
#define KV_TABLES_FOLLOW_H

#include "typed.h"

/*
** Have one table follow its store. Errors with a message. Inside a savepoint or
** a statement that writes.
*/
int kv_follow_table(kv_typed *typed, kv_store *store, char **err);

/* The same for all typed tables of a store. */
int kv_follow_all(kv_store *store, char **err);

/* Is there one that has to follow? This only reads. */
int kv_follow_look(kv_store *store, int *is_stale, char **err);

/*
** The store is to be dropped or closed: SQLITE_LOCKED, with a message, if it has
** typed tables.
*/
int kv_follow_refuse_drop(kv_store *store, char **err);

/*
** A new table: an error with a message if another one of its schema has the same
** bucket, since neither would see what the other one writes.
*/
int kv_follow_refuse_twin(kv_typed *typed, char **err);

/* Open each typed table of a schema, and visit it. Errors have a message. */
typedef int kv_follow_visit(kv_typed *typed, void *with, char **err);
int kv_follow_each(sqlite3 *db, const char *schema, kv_follow_visit *visit,
                   void *with, char **err);

/* Open the typed table with a name, in any case. *out is NULL if there is none. */
int kv_follow_find(sqlite3 *db, const char *schema, const char *name,
                   kv_typed **out, char **err);

/* The store is renamed: its typed tables note that. */
int kv_follow_rename(kv_store *store, const char *new_name, char **err);

#endif
