/*
** Declarations in the own log. See declared.h.
*/
#include "declared.h"

#include <string.h>

#include "bucket/bucket.h"
#include "db/error.h"
#include "db/value.h"
#include "declare/describe.h"
#include "store/errors.h"

/* Is this what the device declared last? */
static int declared_is_known(kv_typed *typed, const kv_value *value,
                             int *is_known) {
  kv_store *store = typed->store;
  kv_run run;

  *is_known = 0;
  kv_run_begin(&run, &store->stmts, KV_SQL_DECLARED_LAST);
  kv_run_text(&run, typed->meta.bucket);
  kv_run_text(&run, store->device);
  if (kv_run_row(&run)) {
    kv_value last = {0};

    kv_run_column(&run, 0, &last);
    *is_known = run.rc == SQLITE_OK && last.type == KV_TEXT &&
                last.n == value->n && memcmp(last.z, value->z, last.n) == 0;
  }
  return kv_run_close(&run);
}

static int declared_put(kv_typed *typed, const kv_value *value, char **err) {
  kv_value bucket = {KV_TEXT, 0, 0, "#schema", 7};
  kv_value key = {KV_TEXT, 0, 0, typed->meta.bucket,
                  strlen(typed->meta.bucket)};
  kv_bucket_place place;
  int rc = kv_bucket_find(typed->store, &bucket, &key, &place, err);

  if (rc == SQLITE_OK) {
    rc = kv_bucket_put(typed->store, &place, &bucket, KV_OP_SET, &key, value, 0,
                       err);
  }
  kv_value_free(&place.value);
  return rc;
}

int kv_declared_log(kv_typed *typed, char **err) {
  kv_value value = {KV_TEXT, 0, 0, NULL, 0};
  kv_bytes bytes;
  int is_known = 0;
  int rc;

  if (typed->is_declared) return SQLITE_OK;
  kv_bytes_init(&bytes, kv_realloc, KV_RECORD_MAX);
  kv_describe(&typed->declared, &bytes);
  rc = bytes.rc;
  value.z = bytes.z;
  value.n = bytes.n;
  if (rc == SQLITE_OK) rc = declared_is_known(typed, &value, &is_known);
  if (rc == SQLITE_OK && !is_known) rc = declared_put(typed, &value, err);
  kv_bytes_free(&bytes);
  typed->is_declared = rc == SQLITE_OK;
  return kv_store_error(typed->store, err, rc, "cannot write to the cache");
}
