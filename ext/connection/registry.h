/*
** The stores of one connection. A store is opened by its virtual table and
** closed with its last reference.
**
** The registrations of the modules and functions of a connection own the
** registry; it lives as long as any of them.
**
** A store may outlive its table, because a statement that SQLite keeps holds
** it. So a store in the list need not be in the schema (find.h).
**
** INVARIANT: code that walks the list and runs SQL holds a reference to the
** current store, and reads `next` afterwards.
*/
#ifndef KV_CONNECTION_REGISTRY_H
#define KV_CONNECTION_REGISTRY_H

#include "declare/ids.h"
#include "store/identity.h"

/* When the rows of a commit go into the log. */
typedef enum kv_when { KV_AS_BEFORE, KV_AT_COMMIT, KV_AT_SYNC } kv_when;

/* No row of the own log is given up unless somebody calls for it. */
#define KV_FOREVER (-1)

/* How a store is opened. All texts are borrowed. */
typedef struct kv_options {
  const char *path;   /* folder, or KV_MEMORY */
  const char *device; /* NULL: an observer */
  int64_t now;        /* fixed wall clock, microseconds; negative: the real */
  int64_t segment;    /* bytes of log.db at which it is sealed; 0: never */
  int adopt;          /* take over a log that another machine writes */
  kv_when publish;    /* KV_AS_BEFORE: what the store has now, or at commit */
  int64_t history;    /* microseconds, or KV_FOREVER; 0: what it has now */
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
  kv_ids ids;        /* the last keys that were made */
};

int kv_registry_create(sqlite3 *db, kv_registry **out);

/* One more owner, one less; the last one frees it. NULL is fine. */
void kv_registry_retain(kv_registry *registry);
void kv_registry_release(void *registry);

/*
** Read every schema that another connection has changed, and connect every kv
** table. Do this before you create a table: then no schema is read again during
** the creation, and a second table of one store is noticed.
*/
int kv_registry_connect(kv_registry *registry);

/*
** The store of the virtual table schema.name, opened if needed. Adds a
** reference, for kv_store_close(). `create` creates the last part of the
** folder's path. Errors with a message: SQLITE_CANTOPEN for the folder,
** SQLITE_ERROR for an invalid name, or for a second table of one store.
*/
int kv_store_open(kv_registry *registry, const char *schema, const char *name,
                  const kv_options *options, int create, kv_store **out,
                  char **err);
void kv_store_close(kv_store *store);

/*
** Follow a folder that was moved and replaced by a link: if it is no longer
** where it was, resolve the path that the store was opened with again.
** SQLITE_NOMEM.
*/
int kv_store_follow(kv_store *store);

/* The table is called new_name from now on; shadow tables too. */
int kv_store_rename(kv_store *store, const char *new_name);

/* SQLite plans a query of a store's table, so it is in the schema now. */
void kv_registry_reach(kv_store *store);

/* A table cannot be connected; its message says why. */
void kv_registry_refuse(kv_registry *registry);

/* True if this is the store's table, as far as it is known. */
int kv_store_is_table(const kv_store *store, const char *schema,
                      const char *name);

/* True if the schema has a table, of any kind, by the store's name. */
int kv_store_table_exists(kv_store *store);

#endif
