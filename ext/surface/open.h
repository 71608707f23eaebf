/*
** Opening and closing a store for kv_open() and kv_close(): its table is in temp.
**
** INVARIANT: a store with rows that are not published is closed only if the caller
** gives them up.
*/
#ifndef KV_SURFACE_OPEN_H
#define KV_SURFACE_OPEN_H

#include "table/arguments.h"

/*
** Open a store, or find it open, and read what is in the folder. A transaction
** that has written to it reads nothing, since it must not merge what it had not
** seen. One more reference, for kv_store_close(), also when it fails. Errors with a
** message.
*/
int kv_open_table(kv_registry *registry, sqlite3 *db, kv_arguments *arguments,
                  kv_store **out, char **err);

/* Publish what waits, or give it up (discard), before a store is closed. */
int kv_open_publish(kv_store *store, int discard, char **err);

/* DROP TABLE temp.{name}. */
int kv_open_drop(sqlite3 *db, const char *name, char **err);

#endif
