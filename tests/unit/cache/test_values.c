#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cache/values.h"
#include "core/order.h"
#include "db/value.h"
#include "support/rc.h"
#include "support/stores.h"

/* n bytes. */
static char *bytes(size_t n) {
  char *z = malloc(n + 1);
  size_t i;

  for (i = 0; i < n; i++)
    z[i] = (char)('a' + i % 26);
  z[n] = '\0';
  return z;
}

static int64_t put(test_store *t, const kv_value *value) {
  int64_t id = -1;

  assert_rc(kv_values_put(&t->store->stmts, value, &id), SQLITE_OK);
  return id;
}

static void expect_kept(test_store *t, int64_t id, const kv_value *value) {
  kv_value out = {0};

  assert_rc(kv_values_read(&t->store->stmts, id, &out), SQLITE_OK);
  assert_int_equal(out.type, value->type);
  assert_int_equal(kv_order_keys(&out, value), 0);
  kv_value_free(&out);
}

static void a_value_of_any_size_comes_back(void **state) {
  static const size_t sizes[] = {KV_VALUES_MIN + 1, 65536, 7000000};
  char *z = bytes(7000000);
  int64_t last = 0;
  test_store t;
  size_t i;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
    kv_value value = test_blob(z, sizes[i]);
    int64_t id = put(&t, &value);

    assert_true(id > last);
    expect_kept(&t, id, &value);
    value.type = KV_TEXT;
    last = put(&t, &value);
    assert_true(last > id);
    expect_kept(&t, last, &value);
  }
  free(z);
  test_store_close(&t);
}

static void a_small_value_stays_with_its_row(void **state) {
  char *z = bytes(KV_VALUES_MIN);
  kv_value value = test_text(z);
  kv_value number = test_integer(7);
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  assert_int_equal(put(&t, &value), 0);
  assert_int_equal(put(&t, &number), 0);
  test_rows(t.db, "0", "SELECT count(*) FROM kv_large");
  free(z);
  test_store_close(&t);
}

static void a_missing_value_is_an_error(void **state) {
  char *z = bytes(10000);
  kv_value value = test_text(z);
  kv_value out = {0};
  int64_t id;
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  id = put(&t, &value);
  assert_rc(kv_values_forget(&t.store->stmts, id), SQLITE_OK);
  assert_rc(kv_values_read(&t.store->stmts, id, &out), SQLITE_CORRUPT_VTAB);
  assert_null(out.z);
  assert_rc(test_try(t.db, "SELECT kv_missing()"), SQLITE_CORRUPT_VTAB);
  assert_non_null(strstr(sqlite3_errmsg(t.db), "a large value is missing"));
  free(z);
  test_store_close(&t);
}

/* Triggers and views of a hostile host. */
static void a_value_that_the_host_discards_is_an_error(void **state) {
  char *z = bytes(10000);
  kv_value value = test_text(z);
  int64_t id = -1;
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db, "INSERT INTO kv_large VALUES(1, 'x')");
  test_run(t.db, "CREATE TEMP TRIGGER tr BEFORE INSERT ON main.kv_large "
                 "BEGIN SELECT RAISE(IGNORE); END");
  assert_rc(kv_values_put(&t.store->stmts, &value, &id), SQLITE_CORRUPT_VTAB);
  test_rows(t.db, "1", "SELECT count(*) FROM kv_large");
  assert_int_equal(sqlite3_last_insert_rowid(t.db), 1);
  free(z);
  test_store_close(&t);
}

static void a_value_over_the_hosts_limit_is_too_big(void **state) {
  char *z = bytes(100000);
  kv_value value = test_text(z);
  kv_value out = {0};
  test_store t;
  int64_t id;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  id = put(&t, &value);
  sqlite3_limit(t.db, SQLITE_LIMIT_LENGTH, 99999);
  assert_rc(kv_values_read(&t.store->stmts, id, &out), SQLITE_TOOBIG);
  sqlite3_limit(t.db, SQLITE_LIMIT_LENGTH, 100000);
  expect_kept(&t, id, &value);
  free(z);
  test_store_close(&t);
}

static void a_number_in_use_is_not_reused(void **state) {
  char *z = bytes(100000);
  kv_value value = test_text(z);
  int64_t id;
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db, "INSERT INTO kv_large VALUES(9223372036854775807, x'00')");
  id = put(&t, &value);
  assert_true(id > 0 && id < INT64_MAX);
  expect_kept(&t, id, &value);
  free(z);
  test_store_close(&t);
}

static void only_values_without_a_row_are_trimmed(void **state) {
  char *z = bytes(200000);
  kv_value value = test_text(z);
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_store_set(&t, "a", z);
  test_store_set(&t, "b", "small");
  test_store_set(&t, "c", z);
  put(&t, &value);
  test_rows(t.db, "3", "SELECT count(*) FROM kv_large");
  assert_rc(kv_values_trim(&t.store->stmts), SQLITE_OK);
  test_rows(t.db, "2", "SELECT count(*) FROM kv_large");
  test_run(t.db, "DELETE FROM kv_cache WHERE key = 'a'");
  assert_rc(kv_values_trim(&t.store->stmts), SQLITE_OK);
  test_rows(t.db, "1", "SELECT count(*) FROM kv_large");
  free(z);
  test_store_close(&t);
}

static int64_t ts_of(test_store *t, int seq) {
  char *text = test_ask(t->db, "SELECT ts FROM kv_cache WHERE seq = %d", seq);
  int64_t ts = strtoll(text, NULL, 10);

  sqlite3_free(text);
  return ts;
}

static void the_large_value_of_a_row_is_found(void **state) {
  char *z = bytes(10000);
  kv_row row;
  int64_t id = -1;
  int found = -1;
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_store_set(&t, "small", "1");
  test_store_set(&t, "large", z);
  memset(&row, 0, sizeof(row));
  row.bucket = test_text("");
  row.key = test_text("large");
  row.seq = 2;
  row.ts = ts_of(&t, 2);
  assert_int_equal(
    kv_values_of_row(&t.store->stmts, "laptop", &row, &found, &id), SQLITE_OK);
  assert_int_equal(found, 1);
  assert_int_equal(id, 1);
  assert_int_equal(
    kv_values_of_row(&t.store->stmts, "phone", &row, &found, &id), SQLITE_OK);
  assert_int_equal(found, 0);
  row.key = test_text("small");
  row.seq = 1;
  row.ts = ts_of(&t, 1);
  assert_int_equal(
    kv_values_of_row(&t.store->stmts, "laptop", &row, &found, &id), SQLITE_OK);
  assert_int_equal(found, 1);
  assert_int_equal(id, 0);
  free(z);
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_value_of_any_size_comes_back),
    cmocka_unit_test(a_small_value_stays_with_its_row),
    cmocka_unit_test(a_missing_value_is_an_error),
    cmocka_unit_test(a_value_that_the_host_discards_is_an_error),
    cmocka_unit_test(a_value_over_the_hosts_limit_is_too_big),
    cmocka_unit_test(a_number_in_use_is_not_reused),
    cmocka_unit_test(only_values_without_a_row_are_trimmed),
    cmocka_unit_test(the_large_value_of_a_row_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
