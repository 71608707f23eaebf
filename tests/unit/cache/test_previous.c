#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cache/previous.h"
#include "store/write.h"
#include "support/rc.h"
#include "support/stores.h"

#define MANY 1000

static int count_look(unsigned event, void *n, void *stmt, void *text) {
  (void)event, (void)text;
  if (strstr(sqlite3_sql(stmt), "AND key = :key")) ++*(int *)n;
  return 0;
}

/* How often a key is looked up when many are set, from `first` on. */
static int n_looks(test_store *t, int first, int step) {
  char key[20];
  int n = 0;
  int i;

  sqlite3_trace_v2(t->db, SQLITE_TRACE_STMT, count_look, &n);
  test_run(t->db, "BEGIN");
  for (i = 0; i < MANY; i++) {
    snprintf(key, sizeof(key), "key %04d", first + step * i);
    assert_rc(test_store_write(t, key, "1"), SQLITE_OK);
  }
  sqlite3_trace_v2(t->db, 0, NULL, NULL);
  assert_rc(test_store_commit(t), SQLITE_OK);
  return n;
}

static void keys_that_come_in_order_are_not_looked_up(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  assert_int_equal(n_looks(&t, 0, 1), 2);
  assert_int_equal(n_looks(&t, 2000, 1), 2);
  assert_int_equal(n_looks(&t, 2000, 1), 2); /* read ahead */
  assert_int_equal(n_looks(&t, 5000, -1), MANY);
  test_rows(t.db, "3000|1000",
            "SELECT count(DISTINCT key), count(parent_ts) FROM kv_cache");
  test_store_close(&t);
}

/* The number of keys that were found in the cache. */
static void assert_found(test_store *t, const char *keys) {
  test_rows(t->db, keys,
            "SELECT group_concat(key, ' ') FROM (SELECT key FROM kv_cache "
            "WHERE device = 'laptop' AND parent_ts NOT NULL ORDER BY key)");
}

static void write_all(test_store *t, const char *keys, const char *value) {
  test_run(t->db, "BEGIN");
  for (; *keys; keys++) {
    char key[2] = {*keys, '\0'};
    assert_rc(test_store_write(t, key, *keys == 'm' ? value : "1"), SQLITE_OK);
  }
  assert_rc(test_store_commit(t), SQLITE_OK);
}

static void put(test_store *t, const char *key, int part) {
  test_run(t->db,
           "INSERT INTO kv_cache(part, key, ts, device, seq, op, "
           "arrived, value) VALUES(%d, %Q, 100, 'phone', 1, 1, 1, 2)",
           part, key);
}

static void a_key_before_the_last_one_is_found(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  put(&t, "d", 0);
  put(&t, "x", 0);
  write_all(&t, "abcdefxyz", "1");
  assert_found(&t, "d x");
  test_store_close(&t);
}

static void the_last_key_itself_is_found(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  put(&t, "c", 0);
  put(&t, "c", 1);
  write_all(&t, "abcd", "1");
  assert_found(&t, "c");
  test_store_close(&t);
}

/* A value of over a kilobyte is in the cache at once. */
static void a_key_that_was_written_at_once_is_found(void **state) {
  char large[2000];
  test_store t;

  (void)state;
  memset(large, 'x', sizeof(large));
  large[sizeof(large) - 1] = '\0';
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db, "BEGIN");
  test_store_write(&t, "a", "1");
  test_store_write(&t, "b", "1");
  test_store_write(&t, "c", "1");
  test_store_write(&t, "m", large);
  test_store_write(&t, "d", "1");
  test_store_write(&t, "m", "2");
  test_store_write(&t, "n", "1");
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "a|1\nb|1\nc|1\nd|1\nm|2\nn|1",
            "SELECT key, value FROM kv_cache ORDER BY key");
  write_all(&t, "klmno", large);
  assert_found(&t, "m n");
  test_store_close(&t);
}

static void a_flush_forgets_the_last_key(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db, "BEGIN");
  test_store_write(&t, "a", "1");
  test_store_write(&t, "b", "1");
  test_store_write(&t, "z", "1");
  assert_rc(kv_write_flush(t.store, NULL), SQLITE_OK);
  test_store_write(&t, "x", "1");
  test_store_write(&t, "y", "1");
  test_store_write(&t, "z", "2");
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "5|2", "SELECT count(*), max(value) FROM kv_cache");
  test_store_close(&t);
}

static int find(test_store *t, const kv_value *key, kv_winner *out) {
  kv_transaction *txn = t->store->txn;

  return kv_previous_find(&txn->previous, &t->store->stmts, txn->n_writes, 0,
                          key, out);
}

static void a_row_that_was_read_is_not_looked_up_again(void **state) {
  kv_value key = test_text("a");
  kv_winner winner;
  kv_run run;
  test_store t;
  int n = 0;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db, "BEGIN");
  test_store_write(&t, "a", "1");
  kv_run_begin(&run, &t.store->stmts, KV_SQL_CACHE_LATEST);
  kv_run_value(&run, &key);
  assert_true(kv_run_row(&run));
  kv_write_note_read(t.store, &key, run.stmt);
  kv_run_close(&run);
  sqlite3_trace_v2(t.db, SQLITE_TRACE_STMT, count_look, &n);
  assert_rc(find(&t, &key, &winner), SQLITE_OK);
  assert_int_equal(winner.seq, 1);
  assert_int_equal(n, 0);
  test_store_write(&t, "b", "1");
  n = 0;
  assert_rc(find(&t, &key, &winner), SQLITE_OK);
  assert_int_equal(n, 1);
  test_store_rollback(&t);
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(keys_that_come_in_order_are_not_looked_up),
    cmocka_unit_test(a_key_before_the_last_one_is_found),
    cmocka_unit_test(the_last_key_itself_is_found),
    cmocka_unit_test(a_key_that_was_written_at_once_is_found),
    cmocka_unit_test(a_flush_forgets_the_last_key),
    cmocka_unit_test(a_row_that_was_read_is_not_looked_up_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
