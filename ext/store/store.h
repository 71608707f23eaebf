/*
** The cache that an open store has now: which one it is, and the numbers of its
** last rows.
*/
#ifndef KV_STORE_STORE_H
#define KV_STORE_STORE_H

#include "cache/cache.h"
#include "identity.h"

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

#endif
