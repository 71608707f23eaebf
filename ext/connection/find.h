/*
** Finds the store that a function or a table names.
**
** Other connections can drop, rename and create tables, detach schemas, and
** replace whole databases, while kept statements still hold tables that no
** longer exist. So the list of open stores is never enough: SQLite must say
** which table has the name now.
**
** INVARIANT: if the schema does not have the store, no file and no shadow table
** is touched.
*/
#ifndef KV_CONNECTION_FIND_H
#define KV_CONNECTION_FIND_H

#include "registry.h"

/*
** Find the store of a table by its name (NULL: "kv"), in any schema; if no
** table has that name, and it has one dot, as SCHEMA.NAME. Connects the table
** if needed. Adds a reference, for kv_store_close(), and writes all rows of the
** running transaction to the tables of the store. SQLITE_ERROR with a message
** if no store has the name, or more than one.
*/
int kv_store_find(kv_registry *registry, const char *name, kv_store **out,
                  char **err);

/*
** The store that was last found by this name, referenced; NULL if there is
** none, or if it may have been replaced. Runs no statement. Only for callers
** that just read, and check afterwards whether SQLite has read the schema
** again.
*/
kv_store *kv_store_recall(kv_registry *registry, const char *name);

/* The same as kv_store_find() in one schema; *out is NULL if there is none. */
int kv_store_find_in(kv_registry *registry, const char *schema,
                     const char *name, kv_store **out, char **err);

/*
** Check that the schema still has the table of an open store. The caller holds
** a reference.
*/
int kv_store_is_there(kv_store *store, int *is_there);

#endif
