/*
** Rows of a scan, many at a time: a table of keys, values and numbers of large
** values stands for the cache, the latest row of each key first.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/connection.h"
#include "support/rc.h"
#include "table/kv_batch.h"

static sqlite3 *db;
static sqlite3_stmt *scan;
static kv_batch batch;

static int setup(void **state) {
  (void)state;
  if (sqlite3_open(":memory:", &db) != SQLITE_OK) return -1;
  test_run(db, "CREATE TABLE t(n INTEGER PRIMARY KEY, key, value, large)");
  kv_batch_init(&batch);
  if (kv_batch_register(db, 1) != SQLITE_OK) return -1;
  return kv_batch_begin(&batch) == SQLITE_OK ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  sqlite3_finalize(scan);
  scan = NULL;
  kv_batch_clear(&batch);
  return sqlite3_close(db) == SQLITE_OK ? 0 : -1;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void start(void) {
  const char *text = "SELECT key FROM t WHERE kv_batch(?1, key,"
                     " CASE WHEN value IS 'deleted' THEN ?1 ELSE value END,"
                     " large) ORDER BY n";

  assert_rc(sqlite3_prepare_v2(db, text, -1, &scan, NULL), SQLITE_OK);
  sqlite3_bind_pointer(scan, 1, &batch, KV_BATCH_POINTER, NULL);
}

/* One step: its result, and the keys and values that it kept. */
static void step_at(int line, int expected, const char *rows) {
  char got[1000] = "";
  const kv_batch_row *row;
  int rc;

  assert_rc(kv_batch_refill(&batch), SQLITE_OK);
  rc = sqlite3_step(scan);
  while ((row = kv_batch_next(&batch)) != NULL) {
    sqlite3_snprintf(200, got + strlen(got), "%.*s=%.*s ", (int)row->key.n,
                     row->key.z, (int)row->value.n,
                     row->value.z ? row->value.z : "");
  }
  if (rc != expected || strcmp(got, rows) != 0) {
    fail_msg("line %d: %s, %s", line, test_rc_name(rc), got);
  }
}
#define step(expected, rows) step_at(__LINE__, expected, rows)

static void each_step_reads_twice_as_many_rows(void **state) {
  (void)state;
  test_run(db, "INSERT INTO t(key, value) VALUES('a', 1), ('b', 2), ('c', 3),"
               " ('d', 4), ('e', 5), ('f', 6), ('g', 7), ('h', 8),"
               " ('i', 9), ('j', 0), ('k', 1)");
  test_run(db, "UPDATE t SET value = CAST(value AS TEXT)");
  start();
  step(SQLITE_ROW, "a=1 ");
  step(SQLITE_ROW, "c=3 d=4 ");
  step(SQLITE_ROW, "f=6 g=7 h=8 i=9 ");
  step(SQLITE_DONE, "k=1 ");
}

static void only_the_latest_row_of_a_key_is_kept(void **state) {
  (void)state;
  test_run(db, "INSERT INTO t(key, value) VALUES('a', '1'), ('a', '0'),"
               " ('b', 'deleted'), ('b', '2'), (1, 'one'), (1.0, 'older')");
  batch.limit = 10;
  start();
  step(SQLITE_DONE, "a=1 =one ");
}

static void a_key_is_known_in_the_next_step(void **state) {
  kv_value b = {.type = KV_TEXT, .z = "b", .n = 1};

  (void)state;
  test_run(db, "INSERT INTO t(key, value) VALUES('a', '1'), ('b', '2'),"
               " ('b', '0'), ('c', '3')");
  assert_rc(kv_batch_enter(&batch, &b), SQLITE_OK);
  assert_true(kv_batch_leaves_out(&batch, &b));
  batch.limit = 10;
  start();
  step(SQLITE_DONE, "a=1 b=2 c=3 ");
  assert_memory_equal(batch.last->z, "c", 2);
  kv_batch_reset(&batch);
  assert_int_equal(batch.last->type, KV_NULL);
}

static void a_bound_can_be_left_out(void **state) {
  kv_value skip = {.type = KV_TEXT, .z = "b", .n = 1};

  (void)state;
  test_run(db, "INSERT INTO t(key, value) VALUES('a', '1'), ('b', '2')");
  batch.skip = skip;
  batch.limit = 10;
  start();
  step(SQLITE_DONE, "a=1 ");
}

static void a_large_row_ends_the_step(void **state) {
  (void)state;
  test_run(db, "INSERT INTO t(key, value) VALUES('a', '1'),"
               " ('b', printf('%%3000d', 2)), ('c', '3')");
  batch.limit = 10;
  start();
  step(SQLITE_ROW, "a=1 ");
  assert_true(batch.is_large);
  assert_string_equal(sqlite3_column_text(scan, 0), "b");
  step(SQLITE_DONE, "c=3 ");
}

static void a_value_beside_the_cache_is_kept_if_keys_are_enough(void **state) {
  (void)state;
  test_run(db, "INSERT INTO t VALUES(1, 'a', NULL, 7), (2, 'b', '2', NULL)");
  batch.limit = 10;
  start();
  step(SQLITE_ROW, "");
  assert_true(batch.is_large);
  sqlite3_reset(scan);
  batch.is_keys = 1;
  step(SQLITE_DONE, "a= b=2 ");
}

static void a_batch_has_copies_with_a_zero_byte_after_texts(void **state) {
  const kv_batch_row *row;

  (void)state;
  test_run(db, "INSERT INTO t(key, value) VALUES('key', 'value')");
  memset(batch.bytes, 'x', 20);
  start();
  assert_rc(kv_batch_refill(&batch), SQLITE_OK);
  assert_rc(sqlite3_step(scan), SQLITE_DONE);
  test_run(db, "DELETE FROM t");
  sqlite3_finalize(scan);
  scan = NULL;
  row = kv_batch_next(&batch);
  assert_string_equal(row->key.z, "key");
  assert_string_equal(row->value.z, "value");
  assert_null(kv_batch_next(&batch));
}

static void without_a_batch_the_function_is_refused(void **state) {
  (void)state;
  assert_rc(test_try(db, "SELECT kv_batch(1, 2, 3, 4)"), SQLITE_ERROR);
  assert_non_null(strstr(sqlite3_errmsg(db), "kv_batch() is internal"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(each_step_reads_twice_as_many_rows),
    test(only_the_latest_row_of_a_key_is_kept),
    test(a_key_is_known_in_the_next_step),
    test(a_bound_can_be_left_out),
    test(a_large_row_ends_the_step),
    test(a_value_beside_the_cache_is_kept_if_keys_are_enough),
    test(a_batch_has_copies_with_a_zero_byte_after_texts),
    test(without_a_batch_the_function_is_refused),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
