/*
** The store that a function or a table names.
**
** Other connections drop, rename and make tables, schemas are detached, and
** whole databases are put in the place of others, while statements that are
** kept hold tables that are gone. So a store is never taken from the list of a
** connection alone: SQLite is asked which table has that name now.
**
** INVARIANT: no file and no shadow table is touched for a store that the
** schema does not have.
*/
#ifndef KV_STORE_FIND_H
#define KV_STORE_FIND_H

#include "registry.h"

/*
** Find the store of a table by its name (NULL: "kv"), in whichever schema it
** is; if there is none of that name, and it has one dot, as SCHEMA.NAME. A
** table that is not connected is connected. One more reference, for
** kv_store_close(); all rows of the running transaction are in its tables.
** SQLITE_ERROR with a message if there is none, or more than one.
*/
int kv_store_find(kv_registry *registry, const char *name, kv_store **out,
                  char **err);

/*
** The store that was found by a name last, referenced, or NULL if there is none
** or another one may have come: for what only reads, and looks afterwards
** whether SQLite had to read the schema again. No statement runs.
*/
kv_store *kv_store_recall(kv_registry *registry, const char *name);

/* The same as kv_store_find() in one schema; *out is NULL if there is none. */
int kv_store_find_in(kv_registry *registry, const char *schema,
                     const char *name, kv_store **out, char **err);

/*
** Does the schema still have the table of an open store? The caller holds a
** reference.
*/
int kv_store_is_there(kv_store *store, int *is_there);

#endif
