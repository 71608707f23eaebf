/*
** The current cache of an open store: which one it is, and the numbers of its
** last rows.
*/
#ifndef KV_STORE_STORE_H
#define KV_STORE_STORE_H

#include "cache/cache.h"
#include "identity.h"

/*
** Find which cache has the name of the store's table; *id is 0 if there is
** none. *n_reads changes when SQLite reads the schema again: then the table may
** be another one, too.
*/
int kv_store_look(kv_store *store, int64_t *id, int *n_reads);

/*
** The error for a cache that was replaced although the schema did not change:
** the database file was overwritten, or sqlite3_deserialize() was called.
** SQLite does not notice that, and still has the table of the old database.
*/
int kv_store_replaced(const kv_store *store, char **err);

/* The cache is a new one: forget what is known of the old one. */
void kv_store_forget(kv_store *store);

/*
** Check that the cache is still the one that the store was found with. If not,
** SQLITE_ERROR with a message: another connection dropped the table, or created
** it again.
*/
int kv_store_check_same(kv_store *store, char **err);

/*
** The number of the last own row, including the running transaction; INT64_MAX
** for an observer. Rows after it are new to a scan.
*/
int kv_store_last_seq(kv_store *store, int64_t *out);

/* The number of the next merge. The running transaction has one, too. */
int kv_store_next_arrival(kv_store *store, int64_t *out);

/* What is committed: everything except the running transaction. */
typedef struct kv_settled {
  kv_meta meta;
  int64_t arrival;  /* the last commit or merge */
  int64_t seq;      /* the last own row; INT64_MAX: all */
  int64_t open_seq; /* the first own one that is not; INT64_MAX: none */
} kv_settled;

int kv_store_settled(kv_store *store, kv_settled *out);

#endif
