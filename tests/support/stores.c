/*
** Stores below the SQL surface. See stores.h.
*/
#include "stores.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "own/publish.h"
#include "rc.h"
#include "store/transaction.h"
#include "store/write.h"
#include "sync/sync.h"

static void stores_open(test_store *t, const char *schema, const char *root,
                        const char *device) {
  kv_options options = {root, device, TEST_NOW, 0, 0, KV_AS_BEFORE, 0};

  memset(t, 0, sizeof(*t));
  t->db = test_connect(":memory:");
  assert_rc(kv_registry_create(t->db, &t->registry), SQLITE_OK);
  kv_registry_retain(t->registry);
  assert_rc(
    kv_store_open(t->registry, schema, "kv", &options, 1, &t->store, &t->err),
    SQLITE_OK);
  assert_rc(kv_cache_create(&t->store->stmts), SQLITE_OK);
}

void test_store_open(test_store *t, const char *root, const char *device) {
  stores_open(t, "main", root, device);
}

void test_store_open_temp(test_store *t, const char *root, const char *device) {
  stores_open(t, "temp", root, device);
}

void test_store_close(test_store *t) {
  kv_store_close(t->store);
  kv_registry_release(t->registry);
  test_disconnect(t->db);
  sqlite3_free(t->err);
  memset(t, 0, sizeof(*t));
}

test_store test_laptop;

int test_laptop_setup(void **state) {
  (void)state;
  test_store_open(&test_laptop, ":memory:", "laptop");
  return 0;
}

int test_laptop_teardown(void **state) {
  (void)state;
  test_store_close(&test_laptop);
  return 0;
}

int test_store_write(test_store *t, const char *key, const char *value) {
  kv_value k = test_text(key);
  kv_value v;
  int existed;

  sqlite3_free(t->err);
  t->err = NULL;
  if (!value) return kv_write_delete(t->store, &k, &existed, &t->err);
  v = test_text(value);
  return kv_write_set(t->store, &k, &v, KV_CONFLICT_SET, &t->err);
}

int test_store_commit(test_store *t) {
  int rc;

  sqlite3_free(t->err);
  t->err = NULL;
  rc = kv_publish_prepare(t->store, &t->err);
  if (rc == SQLITE_OK) rc = test_try(t->db, "COMMIT");
  if (rc == SQLITE_OK) kv_publish_commit(t->store);
  return rc;
}

void test_store_rollback(test_store *t) {
  test_run(t->db, "ROLLBACK");
  kv_transaction_rollback(t->store);
}

static void stores_change(test_store *t, const char *key, const char *value) {
  test_run(t->db, "BEGIN");
  assert_rc(test_store_write(t, key, value), SQLITE_OK);
  assert_rc(test_store_commit(t), SQLITE_OK);
}

void test_store_set(test_store *t, const char *key, const char *value) {
  stores_change(t, key, value);
}

void test_store_delete(test_store *t, const char *key) {
  stores_change(t, key, NULL);
}

int64_t test_store_sync(test_store *t) {
  int64_t n = -1;

  sqlite3_free(t->err);
  t->err = NULL;
  assert_rc(kv_sync_run(t->store, &n, &t->err), SQLITE_OK);
  return n;
}

char *test_store_log(test_store *t, const char *device) {
  return test_ask(t->db,
                  "SELECT seq, txn, op, key, value FROM "
                  "kv_foreign('%q/devices/%q/log.db')",
                  t->store->root, device);
}
