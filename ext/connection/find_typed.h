/*
** Finds the typed table that a function or a table names, and its store.
**
** What is found is another view of the table than that of SQLite's virtual table:
** it has its own statements and folds, so it may be read while that one runs.
*/
#ifndef KV_CONNECTION_FIND_TYPED_H
#define KV_CONNECTION_FIND_TYPED_H

#include "registry.h"
#include "tables/typed.h"

typedef struct kv_typed_found {
  kv_typed *typed; /* loaded; typed->store is `store` */
  kv_store *store; /* referenced; all its rows are in its tables */
} kv_typed_found;

/*
** Find a typed table by its name, in any schema; or as SCHEMA.NAME. Errors with a
** message: SQLITE_NOTFOUND if there is none, SQLITE_ERROR if there are several, or
** if its store is not open. For kv_typed_found_close(), also after an error.
*/
int kv_typed_find(kv_registry *registry, const char *name, kv_typed_found *out,
                  char **err);

/*
** Load a table that is open, and find its store: *out is referenced, or NULL after
** an error. Errors with a message.
*/
int kv_typed_find_store(kv_registry *registry, kv_typed *typed, kv_store **out,
                        char **err);

/* The same as kv_typed_find() in one schema; out->typed is NULL if there is none. */
int kv_typed_find_in(kv_registry *registry, const char *schema,
                     const char *name, kv_typed_found *out, char **err);

/*
** All typed tables of the connection, in the order of schemas and names. Opens
** each, visits it, and closes it; a visitor that keeps the table zeroes *found.
*/
typedef int kv_typed_found_visit(kv_typed_found *found, void *with, char **err);
int kv_typed_find_all(kv_registry *registry, kv_typed_found_visit *visit,
                      void *with, char **err);

void kv_typed_found_close(kv_typed_found *found);

#endif
