/*
** Stores below the SQL surface: opened, written and committed by calling
** ext/store/ as the virtual table does.
*/
#ifndef TEST_STORES_H
#define TEST_STORES_H

#include "connection.h"
#include "connection/registry.h"
#include "logs.h"
#include "store/exchange.h"
#include "store/transaction.h"

/* The value of a row of cache c, large or not. */
#define TEST_VALUE                                                             \
  "CASE WHEN c.large IS NULL THEN c.value ELSE "                               \
  "(SELECT l.value FROM kv_large AS l WHERE l.id = c.large) END"

typedef struct test_store {
  sqlite3 *db;
  kv_registry *registry;
  kv_store *store;
  char *err; /* of the last call below that failed */
} test_store;

/* Open main.kv of a new database in memory; root ":memory:" has no folder. */
void test_store_open(test_store *t, const char *root, const char *device);

/* The same in temp, where rows cannot wait. */
void test_store_open_temp(test_store *t, const char *root, const char *device);
void test_store_close(test_store *t);

/* An entry for a list of tests: test_laptop is a store in memory. */
#define test_with_laptop(f)                                                    \
  cmocka_unit_test_setup_teardown(f, test_laptop_setup, test_laptop_teardown)
extern test_store test_laptop;
int test_laptop_setup(void **state);
int test_laptop_teardown(void **state);

/* Set one key in its own transaction, which must succeed. */
void test_store_set(test_store *t, const char *key, const char *value);
void test_store_delete(test_store *t, const char *key);

/*
** Write within a transaction, and commit as the host does. Both return a result
** code.
*/
int test_store_write(test_store *t, const char *key, const char *value);
int test_store_commit(test_store *t);
void test_store_rollback(test_store *t);

/* kv_sync(); the number of rows merged. */
int64_t test_store_sync(test_store *t);

/* The log of a device, as text rows "seq|txn|op|key|value\n". */
char *test_store_log(test_store *t, const char *device);

#endif
