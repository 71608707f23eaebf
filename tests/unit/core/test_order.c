/*
** The order of keys is checked against SQLite itself: all pairs of a list
** of awkward values are compared there and here.
*/
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/order.h"
#include "support/rc.h"

#define TWO_53 INT64_C(9007199254740992)
#define TWO_63 9223372036854775808.0

static kv_value null_value(void) {
  kv_value v = {KV_NULL, 0, 0, NULL, 0};
  return v;
}

static kv_value integer(int64_t i) {
  kv_value v = {KV_INTEGER, i, 0, NULL, 0};
  return v;
}

static kv_value real(double r) {
  kv_value v = {KV_REAL, 0, r, NULL, 0};
  return v;
}

static kv_value text(const char *z, size_t n) {
  kv_value v = {KV_TEXT, 0, 0, z, n};
  return v;
}

static kv_value blob(const void *z, size_t n) {
  kv_value v = {KV_BLOB, 0, 0, z, n};
  return v;
}

static int sign(int c) {
  return (c > 0) - (c < 0);
}

/* The sign of a comparison both ways round, which must agree. */
static int keys(kv_value a, kv_value b) {
  int c = sign(kv_order_keys(&a, &b));

  assert_int_equal(sign(kv_order_keys(&b, &a)), -c);
  return c;
}

static void equal_keys_have_one_hash(void **state) {
  kv_value one = integer(1);
  kv_value also_one = real(1.0);
  kv_value zero = integer(0);
  kv_value no_less = real(-0.0);
  kv_value least = integer(INT64_MIN);
  kv_value also_least = real(-TWO_63);
  kv_value half = real(0.5);
  kv_value a = text("a", 1);
  kv_value b = text("b", 1);

  (void)state;
  assert_true(kv_order_hash(&one) == kv_order_hash(&also_one));
  assert_true(kv_order_hash(&zero) == kv_order_hash(&no_less));
  assert_true(kv_order_hash(&least) == kv_order_hash(&also_least));
  assert_true(kv_order_hash(&half) != kv_order_hash(&zero));
  assert_true(kv_order_hash(&a) != kv_order_hash(&b));
}

static void whole_reals_are_the_integers_that_they_equal(void **state) {
  (void)state;
  assert_int_equal(keys(integer(1), real(1.0)), 0);
  assert_int_equal(keys(integer(0), real(-0.0)), 0);
  assert_int_equal(keys(real(0.0), real(-0.0)), 0);
  assert_int_equal(keys(integer(INT64_MIN), real(-TWO_63)), 0);
}

static void integers_and_reals_compare_without_rounding(void **state) {
  (void)state;
  assert_int_equal(keys(integer(TWO_53 + 1), real((double)TWO_53)), 1);
  assert_int_equal(keys(integer(TWO_53 - 1), real((double)TWO_53)), -1);
  assert_int_equal(keys(integer(INT64_MAX), real(TWO_63)), -1);
  assert_int_equal(keys(integer(INT64_MAX), real(TWO_63 - 1024)), 1);
  assert_int_equal(keys(integer(INT64_MIN), real(-TWO_63 - 2048)), 1);
  assert_int_equal(keys(integer(INT64_MIN + 1), real(-TWO_63)), 1);
  assert_int_equal(keys(integer(1), real(1.5)), -1);
  assert_int_equal(keys(integer(2), real(1.5)), 1);
  assert_int_equal(keys(integer(-1), real(-1.5)), 1);
  assert_int_equal(keys(integer(-2), real(-1.5)), -1);
  assert_int_equal(keys(integer(0), real(DBL_MIN)), -1);
  assert_int_equal(keys(integer(0), real(-DBL_MIN)), 1);
}

static void infinities_are_at_the_ends(void **state) {
  (void)state;
  assert_int_equal(keys(integer(INT64_MAX), real(INFINITY)), -1);
  assert_int_equal(keys(integer(INT64_MIN), real(-INFINITY)), 1);
  assert_int_equal(keys(real(INFINITY), text("", 0)), -1);
}

static void nan_is_the_least_number(void **state) {
  (void)state;
  assert_int_equal(keys(real(NAN), real(NAN)), 0);
  assert_int_equal(keys(real(NAN), real(-INFINITY)), -1);
  assert_int_equal(keys(real(NAN), integer(INT64_MIN)), -1);
  assert_int_equal(keys(real(NAN), null_value()), 1);
}

static void a_number_is_not_the_text_that_shows_it(void **state) {
  (void)state;
  assert_int_equal(keys(integer(1), text("1", 1)), -1);
  assert_int_equal(keys(text("1", 1), blob("1", 1)), -1);
}

static void text_and_blobs_compare_by_bytes(void **state) {
  (void)state;
  assert_int_equal(keys(text("a", 1), text("a", 1)), 0);
  assert_int_equal(keys(text("a", 1), text("B", 1)), 1);
  assert_int_equal(keys(text("a", 1), text("ab", 2)), -1);
  assert_int_equal(keys(text("a\0b", 3), text("a\0c", 3)), -1);
  assert_int_equal(keys(text("\xc3\xa9", 2), text("z", 1)), 1);
  assert_int_equal(keys(blob("\xff", 1), blob("\x01", 1)), 1);
  assert_int_equal(keys(blob(NULL, 0), blob(NULL, 0)), 0);
  assert_int_equal(keys(blob(NULL, 0), blob("\0", 1)), -1);
}

static void bind(sqlite3_stmt *stmt, int i, const kv_value *v) {
  switch (v->type) {
    case KV_NULL: sqlite3_bind_null(stmt, i); break;
    case KV_INTEGER: sqlite3_bind_int64(stmt, i, v->i); break;
    case KV_REAL: sqlite3_bind_double(stmt, i, v->r); break;
    case KV_TEXT:
      sqlite3_bind_text(stmt, i, v->z, (int)v->n, SQLITE_STATIC);
      break;
    default: sqlite3_bind_blob(stmt, i, v->z, (int)v->n, SQLITE_STATIC); break;
  }
}

static void keys_are_ordered_as_sqlite_orders_them(void **state) {
  const kv_value values[] = {null_value(),
                             integer(INT64_MIN),
                             integer(INT64_MIN + 1),
                             integer(-TWO_53),
                             integer(-TWO_53 - 1),
                             integer(-1),
                             integer(0),
                             integer(1),
                             integer(TWO_53),
                             integer(TWO_53 + 1),
                             integer(TWO_53 - 1),
                             integer(INT64_MAX),
                             real(-INFINITY),
                             real(-TWO_63),
                             real(-TWO_63 - 2048),
                             real(-1.5),
                             real(-1.0),
                             real(-0.0),
                             real(DBL_MIN),
                             real(0.5),
                             real(1.0),
                             real(9007199254740992.0),
                             real(TWO_63),
                             real(TWO_63 - 1024),
                             real(INFINITY),
                             text("", 0),
                             text("1", 1),
                             text("a", 1),
                             text("A", 1),
                             text("ab", 2),
                             text("\xc3\xa9", 2),
                             blob("", 0),
                             blob("\0", 1),
                             blob("1", 1),
                             blob("a", 1),
                             blob("\xff\x00", 2)};
  enum { n = sizeof(values) / sizeof(*values) };
  sqlite3 *db;
  sqlite3_stmt *stmt;
  int i, j;

  (void)state;
  assert_rc(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_rc(
    sqlite3_prepare_v2(db,
                       "SELECT CASE WHEN ?1 IS ?2 THEN 0 WHEN ?1 IS NULL "
                       "THEN -1 WHEN ?2 IS NULL THEN 1 WHEN ?1 < ?2 THEN -1 "
                       "ELSE 1 END",
                       -1, &stmt, NULL),
    SQLITE_OK);
  for (i = 0; i < n; i++) {
    for (j = 0; j < n; j++) {
      bind(stmt, 1, &values[i]);
      bind(stmt, 2, &values[j]);
      assert_rc(sqlite3_step(stmt), SQLITE_ROW);
      assert_int_equal(keys(values[i], values[j]), sqlite3_column_int(stmt, 0));
      assert_int_equal(kv_order_is_same(&values[i], &values[j]),
                       sqlite3_column_int(stmt, 0) == 0);
      sqlite3_reset(stmt);
    }
  }
  sqlite3_finalize(stmt);
  sqlite3_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(equal_keys_have_one_hash),
    cmocka_unit_test(whole_reals_are_the_integers_that_they_equal),
    cmocka_unit_test(integers_and_reals_compare_without_rounding),
    cmocka_unit_test(infinities_are_at_the_ends),
    cmocka_unit_test(nan_is_the_least_number),
    cmocka_unit_test(a_number_is_not_the_text_that_shows_it),
    cmocka_unit_test(text_and_blobs_compare_by_bytes),
    cmocka_unit_test(keys_are_ordered_as_sqlite_orders_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
