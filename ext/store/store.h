/*
** An open store: one folder, one device (or an observer), one connection.
**
** A store outlives the virtual tables that stand for it: savepoints, DDL and
** ROLLBACK TO can leave two of them, or none for a moment. What a running
** transaction has to publish, and the locked log, belong to the store.
**
**     registry.h       xCreate, xConnect
**     find.h           functions and tables that name it
**     write.h          xUpdate
**     own/publish.h    xSync, xCommit
**     transaction.h    xRollback
**     sync/sync.h      kv_sync()
**
** INVARIANT: one connection has at most one store of a folder and device.
*/
#ifndef KV_STORE_STORE_H
#define KV_STORE_STORE_H

#include "cache/cache.h"
#include "cache/cursor.h"
#include "db/stmt.h"
#include "log/writer.h"
#include "moves.h"
#include "pending.h"

/* The folder of a store that has none. */
#define KV_MEMORY ":memory:"

/* The stores of one connection. Owned by the module registration. */
typedef struct kv_registry kv_registry;

/* How a store is opened. All texts are borrowed. */
typedef struct kv_options {
  const char *path;   /* folder, or KV_MEMORY */
  const char *device; /* NULL: an observer */
  int64_t now;        /* fixed wall clock, microseconds; negative: the real */
  int adopt;          /* take over a log that another machine writes */
} kv_options;

/* Longer keys are looked up twice. */
#define KV_FOUND_KEY 64

/* The latest row of a key that a statement found, and may write now. */
typedef struct kv_found {
  int64_t n_writes; /* store->n_writes then; -1: nothing was found */
  kv_value key;
  char bytes[KV_FOUND_KEY]; /* of the key */
  kv_winner winner;
} kv_found;

typedef enum kv_encoding { KV_ENCODING_UNKNOWN, KV_UTF8, KV_UTF16 } kv_encoding;

typedef struct kv_store {
  kv_registry *registry; /* borrowed */
  struct kv_store *next; /* in the registry */
  int n_refs;
  sqlite3 *db; /* borrowed */
  char *schema;
  char *name;   /* of the virtual table */
  char *path;   /* of its folder as it was given, absolute */
  char *root;   /* the same resolved; NULL: KV_MEMORY */
  char *device; /* NULL: an observer */
  char machine[KV_MACHINE_SIZE];
  int64_t fixed_now; /* option now; negative: the real clock */
  int adopt;         /* until it has been done */
  kv_stmts stmts;
  kv_pending pending;
  kv_writer *log;        /* the own log between the two phases of a commit */
  kv_position committed; /* the own log's tail that was last committed here */
  int64_t n_writes;      /* writes, merges, rollbacks: that scans notice */
  kv_found found;        /* in the transaction that is pending */
  kv_moves moves;        /* of the statement that moves keys */
  kv_encoding encoding;  /* of the host's databases, once it is known */
  int is_writing;        /* by a statement whose triggers could lead back */
  int n_scans;           /* that run: no row is moved under them */
  int n_functions;       /* SQL functions that run, one within another */
  int is_outermost;      /* its savepoint began a transaction */
  int must_look;         /* a write was refused: the next sync looks why */
  kv_larges *larges;     /* large rows of other devices, being verified */
  int64_t large_budget;  /* KV_LARGE_BUDGET */
  int is_opening;        /* kv_open() runs: large rows are read to the end */
  int is_checked;        /* the cache is of a format that is known here */
  int is_synced;         /* once, in this connection */
  int wants_index;       /* by time: a question was asked that it answers */
  char *late;            /* why the last commit of the log failed, or NULL */
  int late_rc;           /* its code, until a statement has failed with it */
  int64_t cache_id;      /* of the cache that was found; 0: not looked at */
  int n_reads;           /* of its schema by then (kv_store_look()) */
  char *called;          /* what it was last found by (find.h), or NULL */
  int64_t n_changes;     /* registry->n_changes then */
} kv_store;

/* Wall clock, microseconds: the real one, or as the option now says. */
int64_t kv_store_now(const kv_store *store);

/* Its shadow tables are in temp: nothing waits beyond the connection. */
int kv_store_is_temp(const kv_store *store);

/* Inside a transaction that the user began? */
int kv_store_in_transaction(const kv_store *store);

/*
** The number of the last own row, those of the running transaction counted;
** INT64_MAX for an observer. What is written behind it is new to a scan.
*/
int kv_store_last_seq(kv_store *store, int64_t *out);

/* The number of a merge to come; the running transaction has one, too. */
int kv_store_next_arrival(kv_store *store, int64_t *out);

/* What is committed: all but the running transaction. */
typedef struct kv_settled {
  kv_meta meta;
  int64_t arrival;  /* the last commit or merge */
  int64_t seq;      /* the last own row; INT64_MAX: all */
  int64_t open_seq; /* the first own one that is not; INT64_MAX: none */
} kv_settled;

int kv_store_settled(kv_store *store, kv_settled *out);

/*
** Look which cache there is under the name of the store's table: *id is 0 if
** there is none. *n_reads is another number than at the last look if SQLite has
** read its schema again since, so that the table may be another one, too.
*/
int kv_store_look(kv_store *store, int64_t *id, int *n_reads);

/*
** The error for another cache under a schema that nothing has changed: the file
** of the database was written over, or sqlite3_deserialize() called. SQLite
** does not notice that, and has the table of the database before.
*/
int kv_store_replaced(const kv_store *store, char **err);

/* The cache is a new one: forget what is known of the one before. */
void kv_store_forget(kv_store *store);

/*
** Is the cache still the one that the store was found with? SQLITE_ERROR with a
** message if not: another connection dropped the table, or made it anew.
*/
int kv_store_check_same(kv_store *store, char **err);

/*
** Begin a savepoint that holds the write lock of the cache's database, so
** that what is read behind it stays true; and end it: released if rc is
** SQLITE_OK, else undone. The host's busy handler waits for the lock.
** Inside a statement that writes: SQLITE_BUSY with a message. SQLITE_ERROR if
** it is another cache by then (kv_store_check_same()).
*/
int kv_store_savepoint(kv_store *store, char **err);

/* The same without the lock, which needs a cache that can be used. */
int kv_store_savepoint_begin(kv_store *store, char **err);
int kv_store_savepoint_end(kv_store *store, int rc);

/* The error for a cache that contradicts what this device wrote. */
int kv_store_wrong_cache(const kv_store *store, char **err);

/* The error for whatever went wrong in a statement of the store. */
int kv_store_error(kv_store *store, char **err, int rc, const char *what);

/* The error of a write that meets a log which kv_sync() has to make anew. */
int kv_store_postpone(const kv_store *store, const kv_verdict *verdict,
                      char **err);

/* The error of a write that a verdict on the own log forbids. */
int kv_store_refuse(const kv_store *store, const kv_verdict *verdict,
                    char **err);

/*
** Has a newer version of this module made the cache? Nothing is read from it or
** changed in it then: SQLITE_ERROR with a message.
*/
int kv_store_refuse_newer(kv_store *store, char **err);

#endif
