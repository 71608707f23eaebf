#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "db/value.h"
#include "support/connection.h"
#include "support/logs.h"
#include "support/rc.h"

/* Bind a value and read it back. */
static kv_value there_and_back(sqlite3_stmt *stmt, kv_value value) {
  kv_value out = {KV_BLOB, 77, 7.7, "x", 1};

  sqlite3_reset(stmt);
  assert_rc(kv_value_bind(stmt, 1, &value), SQLITE_OK);
  assert_rc(sqlite3_step(stmt), SQLITE_ROW);
  assert_rc(kv_value_of_column(stmt, 0, &out), SQLITE_OK);
  return out;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text) {
  sqlite3_stmt *stmt = NULL;

  assert_rc(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
  return stmt;
}

static void integers_are_exact_to_their_limits(void **state) {
  static const int64_t values[] = {0, 1, -1, INT64_MAX, INT64_MIN};
  sqlite3 *db = test_connect(":memory:");
  sqlite3_stmt *stmt = prepare(db, "SELECT ?1");
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
    kv_value out = there_and_back(stmt, test_integer(values[i]));
    assert_int_equal(out.type, KV_INTEGER);
    assert_true(out.i == values[i]);
  }
  sqlite3_finalize(stmt);
  test_disconnect(db);
}

static void reals_are_exact_to_the_bit(void **state) {
  static const double values[] = {
    0.0,      -0.0,      1.0,    1.5,   0.1,
    INFINITY, -INFINITY, 5e-324, 1e308, 9007199254740993.0};
  sqlite3 *db = test_connect(":memory:");
  sqlite3_stmt *stmt = prepare(db, "SELECT ?1");
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
    kv_value out = there_and_back(stmt, test_real(values[i]));
    assert_int_equal(out.type, KV_REAL);
    assert_memory_equal(&out.r, &values[i], sizeof(double));
  }
  sqlite3_finalize(stmt);
  test_disconnect(db);
}

static void the_stored_type_counts(void **state) {
  sqlite3 *db = test_connect(":memory:");
  sqlite3_stmt *stmt = prepare(db, "SELECT ?1");

  (void)state;
  assert_int_equal(there_and_back(stmt, test_real(NAN)).type, KV_NULL);
  sqlite3_finalize(stmt);
  test_disconnect(db);
}

static void text_and_blobs_are_kept_with_their_zero_bytes(void **state) {
  sqlite3 *db = test_connect(":memory:");
  sqlite3_stmt *stmt = prepare(db, "SELECT ?1");
  kv_value text = {KV_TEXT, 0, 0, "a\0b", 3};
  kv_value out = there_and_back(stmt, text);

  (void)state;
  assert_int_equal(out.type, KV_TEXT);
  assert_int_equal(out.n, 3);
  assert_memory_equal(out.z, "a\0b", 3);
  out = there_and_back(stmt, test_blob("\0\xff\0", 3));
  assert_int_equal(out.type, KV_BLOB);
  assert_int_equal(out.n, 3);
  assert_memory_equal(out.z, "\0\xff\0", 3);
  sqlite3_finalize(stmt);
  test_disconnect(db);
}

static void empty_is_not_null(void **state) {
  sqlite3 *db = test_connect(":memory:");
  sqlite3_stmt *stmt = prepare(db, "SELECT ?1");
  kv_value empty = {KV_TEXT, 0, 0, NULL, 0};
  kv_value out = there_and_back(stmt, empty);

  (void)state;
  assert_int_equal(out.type, KV_TEXT);
  assert_int_equal(out.n, 0);
  empty.type = KV_BLOB;
  out = there_and_back(stmt, empty);
  assert_int_equal(out.type, KV_BLOB);
  assert_int_equal(out.n, 0);
  out = there_and_back(stmt, test_null());
  assert_int_equal(out.type, KV_NULL);
  assert_int_equal(out.n, 0);
  assert_null(out.z);
  sqlite3_finalize(stmt);
  test_disconnect(db);
}

static void text_of_a_utf16_database_comes_as_utf8(void **state) {
  sqlite3 *db = test_connect(":memory:");
  sqlite3_stmt *stmt;
  kv_value out;

  (void)state;
  test_run(db, "PRAGMA encoding = 'UTF-16'; CREATE TABLE t(x);"
               "INSERT INTO t VALUES('\xc3\xa9\xe2\x98\x83')");
  stmt = prepare(db, "SELECT x FROM t");
  assert_rc(sqlite3_step(stmt), SQLITE_ROW);
  assert_rc(kv_value_of_column(stmt, 0, &out), SQLITE_OK);
  assert_int_equal(out.n, 5);
  assert_memory_equal(out.z, "\xc3\xa9\xe2\x98\x83", 5);
  sqlite3_finalize(stmt);
  test_disconnect(db);
}

/* Returns its argument through a kv_value. */
static void echo(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  kv_value value;

  assert_int_equal(argc, 1);
  assert_rc(kv_value_of(argv[0], &value), SQLITE_OK);
  kv_value_result(ctx, &value);
}

/* A value that the database has as text, and what is peeked at. */
static kv_value peek(sqlite3 *db, const char *bytes, int n) {
  sqlite3_stmt *stmt = prepare(db, "SELECT ?1");
  kv_value out = {KV_BLOB, 77, 7.7, "x", 1};
  kv_value kept;

  sqlite3_bind_text(stmt, 1, bytes, n, SQLITE_STATIC);
  assert_rc(sqlite3_step(stmt), SQLITE_ROW);
  assert_rc(kv_value_peek(sqlite3_column_value(stmt, 0), &out), SQLITE_OK);
  assert_int_equal(out.type, KV_TEXT);
  assert_int_equal(out.n, n);
  assert_memory_equal(out.z, bytes, out.n);
  assert_int_equal(sqlite3_column_type(stmt, 0), SQLITE_TEXT);
  assert_rc(kv_value_of_column(stmt, 0, &kept), SQLITE_OK);
  assert_int_equal(kept.type, KV_TEXT);
  assert_int_equal(kept.n, n);
  assert_int_equal(((const char *)kept.z)[n], 0);
  sqlite3_finalize(stmt);
  return out;
}

static void peeking_at_bound_text_copies_nothing(void **state) {
  static const char bytes[] = {'k', 'e', 'y', 'X'}; /* no zero after it */
  sqlite3 *db = test_connect(":memory:");
  kv_value seen = peek(db, bytes, 3);

  (void)state;
  if (sqlite3_libversion_number() >= 3040000) assert_ptr_equal(seen.z, bytes);
  peek(db, bytes, 0);
  peek(db, "a\0b", 3);
  test_disconnect(db);
}

static void peeking_sees_utf8_in_a_utf16_database(void **state) {
  sqlite3 *db = test_connect(":memory:");

  (void)state;
  test_run(db, "PRAGMA encoding = 'UTF-16'");
  peek(db, "caf\xC3\xA9 \xF0\x9F\x98\x80", 10);
  test_disconnect(db);
}

static void a_result_is_the_value(void **state) {
  sqlite3 *db = test_connect(":memory:");

  (void)state;
  sqlite3_create_function(db, "echo", 1, SQLITE_UTF8, NULL, echo, NULL, NULL);
  test_rows(
    db, "1|1|1|1|1|1|1|1",
    "SELECT echo(NULL) IS NULL, echo(5) = 5, typeof(echo(5.0)) = 'real',"
    " echo('a' || char(0) || 'b') = 'a' || char(0) || 'b',"
    " typeof(echo('')) = 'text', echo(x'00ff') = x'00ff',"
    " typeof(echo(x'')) = 'blob', echo(9e999) = 9e999");
  test_disconnect(db);
}

static void a_copy_of_empty_text_owns_nothing(void **state) {
  static const char empty[] = "";
  const kv_value text = {KV_TEXT, 0, 0, empty, 0};
  kv_value copy;

  (void)state;
  assert_rc(kv_value_copy(&text, &copy), SQLITE_OK);
  assert_int_equal(copy.type, KV_TEXT);
  assert_int_equal(copy.n, 0);
  assert_null(copy.z);
  kv_value_free(&copy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(integers_are_exact_to_their_limits),
    cmocka_unit_test(reals_are_exact_to_the_bit),
    cmocka_unit_test(the_stored_type_counts),
    cmocka_unit_test(text_and_blobs_are_kept_with_their_zero_bytes),
    cmocka_unit_test(empty_is_not_null),
    cmocka_unit_test(text_of_a_utf16_database_comes_as_utf8),
    cmocka_unit_test(peeking_at_bound_text_copies_nothing),
    cmocka_unit_test(peeking_sees_utf8_in_a_utf16_database),
    cmocka_unit_test(a_result_is_the_value),
    cmocka_unit_test(a_copy_of_empty_text_owns_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
