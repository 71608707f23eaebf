#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cache/parts.h"
#include "core/order.h"
#include "db/value.h"
#include "support/rc.h"
#include "support/stores.h"

/* n bytes that differ from part to part. */
static char *bytes(size_t n) {
  char *z = malloc(n + 1);
  size_t i;

  for (i = 0; i < n; i++)
    z[i] = (char)('a' + (i + i / KV_PARTS_SIZE) % 26);
  z[n] = '\0';
  return z;
}

static int64_t put(test_store *t, const kv_value *value) {
  int64_t first = -1;

  assert_rc(kv_parts_put(&t->store->stmts, value, &first), SQLITE_OK);
  return first;
}

static void expect_parts(test_store *t, int64_t first, const kv_value *value) {
  kv_value out = {0};

  assert_rc(kv_parts_read(&t->store->stmts, first, &out), SQLITE_OK);
  assert_int_equal(out.type, value->type);
  assert_int_equal(kv_order_keys(&out, value), 0);
  kv_value_free(&out);
}

static void a_value_of_any_size_comes_back(void **state) {
  static const size_t sizes[] = {KV_PARTS_MIN + 1,      KV_PARTS_SIZE - 1,
                                 KV_PARTS_SIZE,         KV_PARTS_SIZE + 1,
                                 3 * KV_PARTS_SIZE + 7, 100 * KV_PARTS_SIZE};
  char *z = bytes(100 * KV_PARTS_SIZE);
  int64_t last = 0;
  test_store t;
  size_t i;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
    kv_value value = test_blob(z, sizes[i]);
    int64_t first = put(&t, &value);

    assert_true(first > last);
    expect_parts(&t, first, &value);
    value.type = KV_TEXT;
    last = put(&t, &value);
    assert_true(last > first);
    expect_parts(&t, last, &value);
  }
  free(z);
  test_store_close(&t);
}

static void a_small_value_stays_with_its_row(void **state) {
  char *z = bytes(KV_PARTS_MIN);
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

static void one_that_lacks_a_part_is_an_error(void **state) {
  static const char *const damages[] = {
    "DELETE FROM kv_large WHERE part = %lld",
    "DELETE FROM kv_large WHERE part = %lld + 1",
    "DELETE FROM kv_large WHERE part = %lld + 3",
    "UPDATE kv_large SET bytes = x'00' WHERE part = %lld + 1",
    "UPDATE kv_large SET bytes = x'' WHERE part = %lld + 1",
    "UPDATE kv_large SET n_bytes = -1 WHERE part = %lld",
    "UPDATE kv_large SET n_bytes = n_bytes - 1 WHERE part = %lld",
    "UPDATE kv_large SET part = part + 9 WHERE part = %lld + 3"};
  char *z = bytes(3 * KV_PARTS_SIZE + 1);
  kv_value value = test_text(z);
  test_store t;
  size_t i;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  for (i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
    int64_t first = put(&t, &value);
    kv_value out = {0};
    sqlite3_stmt *stmt = NULL;
    char *text = sqlite3_mprintf("SELECT kv_join(part, is_text, n_bytes, bytes)"
                                 "FROM kv_large WHERE part >= %lld",
                                 first);

    test_run(t.db, damages[i], first);
    assert_rc(kv_parts_read(&t.store->stmts, first, &out), SQLITE_CORRUPT_VTAB);
    assert_null(out.z);
    assert_rc(sqlite3_prepare_v2(t.db, text, -1, &stmt, NULL), SQLITE_OK);
    assert_rc(sqlite3_step(stmt), SQLITE_CORRUPT_VTAB);
    assert_non_null(strstr(sqlite3_errmsg(t.db), "parts of a large value"));
    sqlite3_finalize(stmt);
    sqlite3_free(text);
    assert_rc(kv_parts_forget(&t.store->stmts, first), SQLITE_OK);
  }
  free(z);
  test_store_close(&t);
}

static void one_over_the_hosts_limit_is_too_big(void **state) {
  char *z = bytes(100000);
  kv_value value = test_text(z);
  kv_value out = {0};
  test_store t;
  int64_t first;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  first = put(&t, &value);
  sqlite3_limit(t.db, SQLITE_LIMIT_LENGTH, 99999);
  assert_rc(kv_parts_read(&t.store->stmts, first, &out), SQLITE_TOOBIG);
  sqlite3_limit(t.db, SQLITE_LIMIT_LENGTH, 100000);
  expect_parts(&t, first, &value);
  free(z);
  test_store_close(&t);
}

static void numbers_may_be_used_up(void **state) {
  char *z = bytes(100000);
  kv_value value = test_text(z);
  int64_t first;
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db,
           "INSERT INTO kv_large VALUES(9223372036854775807, 0, 1, x'00')");
  assert_rc(kv_parts_put(&t.store->stmts, &value, &first), SQLITE_FULL);
  test_rows(t.db, "1", "SELECT count(*) FROM kv_large");
  free(z);
  test_store_close(&t);
}

static void only_values_of_no_row_are_trimmed(void **state) {
  char *z = bytes(200000);
  kv_value value = test_text(z);
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_store_set(&t, "a", z);
  test_store_set(&t, "b", "small");
  test_store_set(&t, "c", z);
  put(&t, &value);
  test_rows(t.db, "3|12",
            "SELECT count(DISTINCT part / 32768), count(*) FROM kv_large");
  assert_rc(kv_parts_trim(&t.store->stmts), SQLITE_OK);
  test_rows(t.db, "2|8",
            "SELECT count(DISTINCT part / 32768), count(*) FROM kv_large");
  test_run(t.db, "DELETE FROM kv_cache WHERE key = 'a'");
  assert_rc(kv_parts_trim(&t.store->stmts), SQLITE_OK);
  test_rows(t.db, "1|4",
            "SELECT count(DISTINCT part / 32768), count(*) FROM kv_large");
  free(z);
  test_store_close(&t);
}

static int64_t ts_of(test_store *t, int seq) {
  char *text = test_ask(t->db, "SELECT ts FROM kv_cache WHERE seq = %d", seq);
  int64_t ts = strtoll(text, NULL, 10);

  sqlite3_free(text);
  return ts;
}

static void a_row_is_asked_for_its_parts(void **state) {
  char *z = bytes(10000);
  kv_row row;
  int64_t first = -1;
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
  assert_rc(kv_parts_of(&t.store->stmts, "laptop", &row, &found, &first),
            SQLITE_OK);
  assert_int_equal(found, 1);
  assert_int_equal(first, 32768);
  assert_rc(kv_parts_of(&t.store->stmts, "phone", &row, &found, &first),
            SQLITE_OK);
  assert_int_equal(found, 0);
  row.key = test_text("small");
  row.seq = 1;
  row.ts = ts_of(&t, 1);
  assert_rc(kv_parts_of(&t.store->stmts, "laptop", &row, &found, &first),
            SQLITE_OK);
  assert_int_equal(found, 1);
  assert_int_equal(first, 0);
  free(z);
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_value_of_any_size_comes_back),
    cmocka_unit_test(a_small_value_stays_with_its_row),
    cmocka_unit_test(one_that_lacks_a_part_is_an_error),
    cmocka_unit_test(one_over_the_hosts_limit_is_too_big),
    cmocka_unit_test(numbers_may_be_used_up),
    cmocka_unit_test(only_values_of_no_row_are_trimmed),
    cmocka_unit_test(a_row_is_asked_for_its_parts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
