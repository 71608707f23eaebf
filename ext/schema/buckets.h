/*
** The typed tables that a store has: those whose rows are in its logs, and those
** that are declared here.
*/
#ifndef KV_SCHEMA_BUCKETS_H
#define KV_SCHEMA_BUCKETS_H

#include "connection/find_typed.h"

typedef struct kv_bucket_table {
  const char *name;     /* of the bucket */
  kv_typed_found found; /* found.typed is NULL: it is not declared here */
} kv_bucket_table;

typedef struct kv_buckets {
  kv_store *store;       /* referenced */
  kv_bucket_table *list; /* by name */
  int n;
  kv_arena arena;
} kv_buckets;

void kv_buckets_init(kv_buckets *buckets);
void kv_buckets_clear(kv_buckets *buckets);

/* List those of a store, by its name (NULL: kv). Errors with a message. */
int kv_buckets_read(kv_buckets *buckets, kv_registry *registry,
                    const char *store, char **err);

/* How many rows of the log a bucket has. Errors are SQLite's. */
int kv_buckets_count(kv_buckets *buckets, int i, int64_t *out);

/* How many rows of a declared table are shown, and hidden. */
int kv_buckets_rows(kv_buckets *buckets, int i, int64_t *shown,
                    int64_t *hidden);

/*
** The columns that the log names, as JSON: {"name":["set"],"n":["set","add"]}.
** SQLITE_NOMEM is in out->rc, too.
*/
int kv_buckets_columns(kv_buckets *buckets, int i, kv_bytes *out);

/*
** What devices declared, as JSON, the newest first:
** [{"device":"a","time":"...","declaration":{...}}]. A declaration that is no
** JSON is null.
*/
int kv_buckets_declared(kv_buckets *buckets, int i, kv_bytes *out);

/*
** The parts of the declaration here that differ from the newest one in the log,
** as "deletes, merge"; *out is NULL if none does, else for sqlite3_free().
*/
int kv_buckets_differs(kv_buckets *buckets, int i, char **out);

#endif
