/*
** The stores of one connection: opened by the tables that stand for them,
** closed with the last reference.
**
** The registry is owned by the registrations of the modules and functions
** of one connection; it lives as long as any of them.
**
** A store may outlive its table, while a statement that SQLite keeps holds
** it: that it is in the list says nothing about the schema (find.h).
**
** INVARIANT: whoever goes through the list and runs SQL holds a reference to
** the store it is at, and reads `next` behind that.
*/
#ifndef KV_STORE_REGISTRY_H
#define KV_STORE_REGISTRY_H

#include "identity.h"

/* How a store is opened. All texts are borrowed. */
typedef struct kv_options {
  const char *path;   /* folder, or KV_MEMORY */
  const char *device; /* NULL: an observer */
  int64_t now;        /* fixed wall clock, microseconds; negative: the real */
  int adopt;          /* take over a log that another machine writes */
} kv_options;

/* Columns of KV_SQL_SCHEMA_NAMES. */
enum { KV_SCHEMA_NUMBER, KV_SCHEMA_NAME };

struct kv_registry {
  sqlite3 *db; /* borrowed */
  int n_refs;
  kv_store *stores;  /* open ones; they are owned by their references */
  kv_store *reached; /* that of the table which was planned last, or NULL */
  int is_refused;    /* a table could not be connected (kv_registry_refuse()) */
  int64_t n_changes; /* stores opened, closed and renamed so far */
};

int kv_registry_create(sqlite3 *db, kv_registry **out);

/* One more owner, one less; the last one frees it. NULL is fine. */
void kv_registry_retain(kv_registry *registry);
void kv_registry_release(void *registry);

/*
** Read every schema that another connection has changed, and connect every kv
** table: before a table is made, so that nothing is read again meanwhile, and
** a second table of one store is noticed.
*/
int kv_registry_connect(kv_registry *registry);

/*
** The store behind the virtual table schema.name, opened if it is not open:
** one more reference, for kv_store_close(). `create` makes the last part of
** the folder's path. Errors with a message: SQLITE_CANTOPEN for the folder,
** SQLITE_ERROR for a name that is none, or a second table of one store.
*/
int kv_store_open(kv_registry *registry, const char *schema, const char *name,
                  const kv_options *options, int create, kv_store **out,
                  char **err);
void kv_store_close(kv_store *store);

/*
** The folder may have been moved, and a link put in its place: if there is none
** where it was, it is looked for as it was when the store was opened.
** SQLITE_NOMEM.
*/
int kv_store_follow(kv_store *store);

/* The table is called new_name from now on; shadow tables too. */
int kv_store_rename(kv_store *store, const char *new_name);

/* SQLite asks the table of a store for a plan: it is in the schema now. */
void kv_registry_reach(kv_store *store);

/* A table cannot be connected, for a reason that its message tells. */
void kv_registry_refuse(kv_registry *registry);

/* Is the store known by this table? */
int kv_store_is_table(const kv_store *store, const char *schema,
                      const char *name);

/* Is there a table, of any kind, where the store is known to be? */
int kv_store_table_exists(kv_store *store);

#endif
