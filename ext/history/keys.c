/*
** Keys of typed tables, folded. See keys.h.
*/
#include "keys.h"

#include <string.h>

#include "core/order.h"
#include "db/error.h"
#include "db/value.h"
#include "tables/follow.h"

/* Columns of the statements. */
enum { KEYS_BUCKET, KEYS_KEY, KEYS_ROW, KEYS_NUMBER = KEYS_ROW + 5 };

/* A typed table of the store's schema. */
struct kv_keys_bucket {
  char *name;
  int deletes;
};

void kv_keys_begin(kv_keys *keys, kv_store *store, kv_sql id) {
  kv_keys_clear(keys);
  keys->store = store;
  keys->is_row = -1;
  kv_folded_init(&keys->now);
  kv_folded_init(&keys->then);
  kv_run_begin(&keys->rows, &store->stmts, id);
}

void kv_keys_clear(kv_keys *keys) {
  int i;

  if (keys->store) {
    kv_run_close(&keys->rows);
    kv_folded_clear(&keys->now);
    kv_folded_clear(&keys->then);
  }
  for (i = 0; i < keys->n_buckets; i++)
    sqlite3_free(keys->buckets[i].name);
  sqlite3_free(keys->buckets);
  kv_value_free(&keys->bucket);
  kv_value_free(&keys->key);
  memset(keys, 0, sizeof(*keys));
}

/* A table that is damaged is skipped. */
static int keys_note(kv_typed *typed, void *with, char **err) {
  kv_keys *keys = with;
  size_t n = (size_t)keys->n_buckets + 1;
  kv_keys_bucket *buckets;
  char *name;
  int rc = kv_typed_load(typed, err);

  if (rc == SQLITE_NOMEM || rc == SQLITE_INTERRUPT) return rc;
  kv_error_clear(err);
  if (rc != SQLITE_OK) return SQLITE_OK;
  if (sqlite3_stricmp(typed->meta.store, keys->store->name) != 0) return rc;
  buckets = sqlite3_realloc64(keys->buckets, n * sizeof(*buckets));
  if (!buckets) return SQLITE_NOMEM;
  keys->buckets = buckets;
  name = kv_strdup(typed->meta.bucket);
  if (!name) return SQLITE_NOMEM;
  buckets[n - 1].name = name;
  buckets[n - 1].deletes = typed->declared.deletes;
  keys->n_buckets++;
  return SQLITE_OK;
}

/* The tables that are declared. */
static int keys_know(kv_keys *keys) {
  char *err = NULL;
  int rc = SQLITE_OK;

  if (keys->is_known) return SQLITE_OK;
  keys->is_known = 1;
  rc =
    kv_follow_each(keys->store->db, keys->store->schema, keys_note, keys, &err);
  sqlite3_free(err);
  return rc == SQLITE_NOMEM || rc == SQLITE_INTERRUPT ? rc : SQLITE_OK;
}

/* What its table says about deletes. */
static int keys_deletes(kv_keys *keys, int *rc) {
  int i;

  *rc = keys_know(keys);
  for (i = 0; i < keys->n_buckets && *rc == SQLITE_OK; i++) {
    const char *name = keys->buckets[i].name;

    if (strlen(name) == keys->bucket.n &&
        memcmp(name, keys->bucket.z, keys->bucket.n) == 0) {
      return keys->buckets[i].deletes;
    }
  }
  return KV_DELETES_LATER;
}

/* Begin with the key that the statement is on. */
static int keys_enter(kv_keys *keys) {
  kv_value bucket;
  kv_value key;
  int rc;

  kv_value_free(&keys->bucket);
  kv_value_free(&keys->key);
  kv_run_column(&keys->rows, KEYS_BUCKET, &bucket);
  kv_run_column(&keys->rows, KEYS_KEY, &key);
  rc = keys->rows.rc;
  if (rc == SQLITE_OK) rc = kv_value_copy(&bucket, &keys->bucket);
  if (rc == SQLITE_OK) rc = kv_value_copy(&key, &keys->key);
  if (rc == SQLITE_OK) rc = kv_folded_start(&keys->now);
  if (rc == SQLITE_OK && keys->has_then) rc = kv_folded_start(&keys->then);
  return rc;
}

/* Is the statement still on that key? */
static int keys_is_same(kv_keys *keys) {
  kv_value bucket;
  kv_value key;

  kv_run_column(&keys->rows, KEYS_BUCKET, &bucket);
  kv_run_column(&keys->rows, KEYS_KEY, &key);
  return keys->rows.rc == SQLITE_OK && kv_order_keys(&key, &keys->key) == 0 &&
         kv_order_keys(&bucket, &keys->bucket) == 0;
}

/* Add the row that the statement is on. */
static int keys_add(kv_keys *keys) {
  int rc = kv_folded_add(&keys->now, &keys->rows, KEYS_ROW);

  keys->number = sqlite3_column_int64(keys->rows.stmt, KEYS_NUMBER);
  if (rc == SQLITE_OK && keys->has_then &&
      sqlite3_column_int64(keys->rows.stmt, KEYS_ROW + KV_FOLDED_TS) <=
        keys->start) {
    rc = kv_folded_add(&keys->then, &keys->rows, KEYS_ROW);
  }
  return rc;
}

static int keys_fold(kv_keys *keys) {
  int rc;
  int deletes = keys_deletes(keys, &rc);

  if (rc == SQLITE_OK) rc = kv_fold_run(&keys->now.fold, deletes);
  if (rc == SQLITE_OK && keys->has_then) {
    rc = kv_fold_run(&keys->then.fold, deletes);
  }
  return rc;
}

/* The first row: now the logs have to be known. */
static int keys_first(kv_keys *keys) {
  int rc = SQLITE_OK;

  keys->is_row = kv_run_row(&keys->rows);
  if (keys->is_row) rc = kv_folded_begin(&keys->now, keys->store);
  if (rc == SQLITE_OK && keys->is_row && keys->has_then) {
    rc = kv_folded_begin(&keys->then, keys->store);
  }
  return rc;
}

int kv_keys_next(kv_keys *keys) {
  kv_run *rows = &keys->rows;
  int rc = SQLITE_OK;

  if (!keys->store || rows->rc != SQLITE_OK) return 0;
  if (keys->is_row < 0) rc = keys_first(keys);
  if (rc == SQLITE_OK) rc = rows->rc;
  if (rc == SQLITE_OK && !keys->is_row) return 0;
  if (rc == SQLITE_OK) rc = keys_enter(keys);
  while (rc == SQLITE_OK && keys->is_row && keys_is_same(keys)) {
    rc = keys_add(keys);
    if (rc != SQLITE_OK) break;
    keys->is_row = kv_run_row(rows);
    rc = rows->rc;
  }
  if (rc == SQLITE_OK) rc = rows->rc;
  if (rc == SQLITE_OK) rc = keys_fold(keys);
  rows->rc = rc;
  return rc == SQLITE_OK;
}
