/*
** The row of a key of a typed table: reads the log rows of the key from the cache,
** and folds them.
**
**   kv_folded_init(&folded);
**   kv_folded_begin(&folded, store);              the logs, as they are now
**   for each key:
**     kv_folded_key(&folded, bucket, key, ...)    folded.fold says what it is
**   kv_folded_clear(&folded);
**
** or, if a statement has the rows of many keys, those of a key together:
**
**     kv_folded_start(&folded);
**     for each row of the key:  kv_folded_add(&folded, &run, first_column);
**     kv_fold_run(&folded.fold, deletes);
**
** Nothing here depends on a declaration but `deletes`.
*/
#ifndef KV_BUCKET_FOLDED_H
#define KV_BUCKET_FOLDED_H

#include "db/run.h"
#include "fold/fold.h"
#include "store/identity.h"

typedef struct kv_folded {
  kv_fold fold;
  kv_store *store;   /* borrowed */
  kv_fold_log *logs; /* of the cache, by name */
  int n_logs;
  kv_arena names; /* theirs */
} kv_folded;

/* Columns of a statement with log rows, from the first one of them on. */
enum {
  KV_FOLDED_OP,
  KV_FOLDED_TS,
  KV_FOLDED_DEVICE,
  KV_FOLDED_SEQ,
  KV_FOLDED_VALUE
};

void kv_folded_init(kv_folded *folded);
void kv_folded_clear(kv_folded *folded);

/* Know the logs of the cache. Errors are SQLite's. */
int kv_folded_begin(kv_folded *folded, kv_store *store);

/* Fold all log rows of a key. Errors are SQLite's. */
int kv_folded_key(kv_folded *folded, const char *bucket, const kv_value *key,
                  int deletes);

/* Begin with another key, whose rows are added. SQLITE_NOMEM. */
int kv_folded_start(kv_folded *folded);

/* Add the row that a statement is on. Errors are SQLite's. */
int kv_folded_add(kv_folded *folded, kv_run *run, int first);

/* The name of the device that wrote a row. */
const char *kv_folded_device(const kv_folded *folded, const kv_fold_row *row);

#endif
