/*
** An open store: one folder, one device (or an observer), one connection.
**
** A store outlives its virtual tables: savepoints, DDL and ROLLBACK TO can
** leave two of them, or for a moment none. So the locked log, and what a
** running transaction has to publish, belong to the store.
**
**     registry.h       xCreate, xConnect
**     find.h           functions and tables that name it
**     write.h          xUpdate
**     own/publish.h    xSync, xCommit
**     transaction.h    xRollback
**     sync/sync.h      kv_sync()
**
** It has two parts, whose fields only the floors store/, own/ and sync/ use:
** what the running transaction wrote (transaction.h), and what the next sync
** needs to know (exchange.h).
**
** INVARIANT: a connection has at most one store for each folder and device.
*/
#ifndef KV_STORE_IDENTITY_H
#define KV_STORE_IDENTITY_H

#include "db/stmt.h"
#include "folder/folder.h"

/* The folder of a store that has none. */
#define KV_MEMORY ":memory:"

/* The stores of one connection. Owned by the module registration. */
typedef struct kv_registry kv_registry;

typedef struct kv_transaction kv_transaction;
typedef struct kv_exchange kv_exchange;

typedef enum kv_encoding { KV_ENCODING_UNKNOWN, KV_UTF8, KV_UTF16 } kv_encoding;

typedef struct kv_store {
  kv_registry *registry; /* borrowed */
  struct kv_store *next; /* in the registry */
  int n_refs;
  sqlite3 *db; /* borrowed */
  char *schema;
  char *name;   /* of the virtual table */
  char *path;   /* of its folder, as given, but absolute */
  char *root;   /* the same resolved; NULL: KV_MEMORY */
  char *device; /* NULL: an observer */
  char machine[KV_MACHINE_SIZE];
  int64_t fixed_now; /* option now; negative: the real clock */
  kv_stmts stmts;
  kv_encoding encoding;  /* of the host's databases, once it is known */
  kv_transaction *txn;   /* what the running transaction wrote */
  kv_exchange *exchange; /* what the next sync has to know */
  int n_scans;           /* that run: no row is moved under them */
  int n_functions;       /* SQL functions that run, one within another */
  int64_t cache_id;      /* of the cache that was found; 0: unknown */
  int n_reads;           /* of its schema by then (kv_store_look()) */
  char *called;          /* what it was last found by (find.h), or NULL */
  int64_t n_changes;     /* registry->n_changes then */
} kv_store;

/* The time in microseconds: the wall clock, or the option `now`. */
int64_t kv_store_now(const kv_store *store);

/* True if its shadow tables are in temp: they end with the connection. */
int kv_store_is_temp(const kv_store *store);

/* True inside a transaction that the user began. */
int kv_store_in_transaction(const kv_store *store);

/* A scan of the cache begins, and ends: no row is moved under it. */
void kv_store_enter_scan(kv_store *store);
void kv_store_leave_scan(kv_store *store);

/*
** An SQL function begins, and ends. Returns how many run now, one within
** another, including this one.
*/
int kv_store_enter_function(kv_store *store);
void kv_store_leave_function(kv_store *store);

#endif
