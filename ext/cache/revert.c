/*
** What a key was before. See revert.h.
*/
#include "revert.h"

#include "cache.h"
#include "core/order.h"
#include "db/run.h"
#include "db/value.h"

int kv_revert_find(kv_stmts *stmts, const kv_value *key, const int64_t *as_of,
                   int *exists, kv_value *out) {
  kv_sql id = as_of ? KV_SQL_CACHE_ROW : KV_SQL_CACHE_BEFORE;
  kv_run run = {0};
  sqlite3_value *value = NULL;
  int rc = kv_cache_get(&run, stmts, id, key, as_of ? *as_of : 0, out, &value);

  *exists = value != NULL;
  if (rc == SQLITE_OK && value && out->type == KV_NULL) {
    kv_value kept;

    rc = kv_value_of(value, &kept);
    if (rc == SQLITE_OK) rc = kv_value_copy(&kept, out);
  }
  kv_run_close(&run);
  return rc;
}

/* Columns of revert_last. */
enum { LAST_TS, LAST_PARENT_TS };

int kv_revert_since(kv_stmts *stmts, const char *bucket, const kv_value *key,
                    int64_t *out) {
  int64_t ts = INT64_MAX;
  int64_t parent = -1;
  int is_whole = 1;
  kv_run run;

  kv_run_begin(&run, stmts, KV_SQL_REVERT_LAST);
  kv_run_text(&run, bucket);
  kv_run_value(&run, key);
  if (kv_run_row(&run)) {
    ts = sqlite3_column_int64(run.stmt, LAST_TS) - 1;
    if (sqlite3_column_type(run.stmt, LAST_PARENT_TS) != SQLITE_NULL) {
      parent = sqlite3_column_int64(run.stmt, LAST_PARENT_TS);
    }
    is_whole = kv_run_row(&run)
                 ? sqlite3_column_int64(run.stmt, LAST_TS) == parent
                 : parent < 0;
  }
  *out = is_whole ? INT64_MAX : ts;
  return kv_run_close(&run);
}

int kv_revert_is_done(kv_stmts *stmts, const kv_value *key,
                      const kv_value *value, int *is_done) {
  kv_run run;
  sqlite3_value *now = NULL;
  kv_value large = {0};
  kv_value small;
  int rc = kv_cache_get(&run, stmts, KV_SQL_CACHE_VALUE, key, 0, &large, &now);

  *is_done = rc == SQLITE_OK && !now && !value;
  if (rc == SQLITE_OK && now && value) {
    const kv_value *a = large.type == KV_NULL ? &small : &large;

    rc = kv_value_of(now, &small);
    *is_done = rc == SQLITE_OK && a->type == value->type &&
               (a->type == KV_NULL || kv_order_keys(a, value) == 0);
  }
  kv_value_free(&large);
  kv_run_close(&run);
  return rc;
}
