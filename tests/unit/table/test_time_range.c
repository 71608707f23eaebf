/*
** Comparisons of times as a range of ts, as seen by a virtual table that has no
** rows.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "support/connection.h"
#include "support/logs.h"
#include "support/rc.h"
#include "table/time_range.h"

/* What the last query asked for. */
static int n_bounds;
static int n_used;
static int order;
static int64_t first;
static int64_t last;

enum { TIMES_TS, TIMES_TIME, TIMES_DEVICE, TIMES_SEQ };
static const kv_time_columns columns = {TIMES_TS, TIMES_TIME};

static int times_connect(sqlite3 *db, void *aux, int argc,
                         const char *const *argv, sqlite3_vtab **out,
                         char **err) {
  (void)aux;
  (void)argc;
  (void)argv;
  (void)err;
  *out = sqlite3_malloc(sizeof(**out));
  return sqlite3_declare_vtab(db, "CREATE TABLE x(ts, time, device, seq)");
}

static int times_disconnect(sqlite3_vtab *vtab) {
  sqlite3_free(vtab);
  return SQLITE_OK;
}

static int times_plan(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  int n_argv = 0;
  int plan = 0;

  (void)vtab;
  n_bounds = kv_time_range_plan(info, columns, &n_argv, &plan);
  order = kv_time_range_order(info, columns, TIMES_DEVICE, TIMES_SEQ);
  assert_int_equal(plan & ~KV_TIME_RANGE_BITS, 0);
  info->idxNum = plan;
  return SQLITE_OK;
}

static int times_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  (void)vtab;
  *out = sqlite3_malloc(sizeof(**out));
  return SQLITE_OK;
}

static int times_close(sqlite3_vtab_cursor *cursor) {
  sqlite3_free(cursor);
  return SQLITE_OK;
}

static int times_filter(sqlite3_vtab_cursor *cursor, int plan, const char *z,
                        int argc, sqlite3_value **argv) {
  (void)cursor;
  (void)z;
  n_used = kv_time_range_read(plan, argv, &first, &last);
  assert_int_equal(n_used, argc);
  return SQLITE_OK;
}

static int times_next(sqlite3_vtab_cursor *cursor) {
  (void)cursor;
  return SQLITE_OK;
}

static int times_eof(sqlite3_vtab_cursor *cursor) {
  (void)cursor;
  return 1;
}

static int times_column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx,
                        int column) {
  (void)cursor;
  (void)ctx;
  (void)column;
  return SQLITE_OK;
}

static int times_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *out) {
  (void)cursor;
  *out = 0;
  return SQLITE_OK;
}

static const sqlite3_module times = {
  .xConnect = times_connect,
  .xBestIndex = times_plan,
  .xDisconnect = times_disconnect,
  .xOpen = times_open,
  .xClose = times_close,
  .xFilter = times_filter,
  .xNext = times_next,
  .xEof = times_eof,
  .xColumn = times_column,
  .xRowid = times_rowid,
};

static sqlite3 *db;

static int setup(void **state) {
  (void)state;
  db = test_connect(":memory:");
  return sqlite3_create_module(db, "times", &times, NULL);
}

static int teardown(void **state) {
  (void)state;
  test_disconnect(db);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void range_at(int line, const char *where, int64_t a, int64_t b) {
  test_run_at(__FILE__, line, db, "SELECT * FROM times WHERE %s", where);
  if (first != a || last != b) {
    fail_msg("line %d: %s is %lld to %lld", line, where, (long long)first,
             (long long)last);
  }
}
#define range(where, a, b) range_at(__LINE__, where, a, b)

static void bounds_of_ts_are_included_or_not(void **state) {
  (void)state;
  range("ts >= 10 AND ts < 20", 10, 19);
  range("ts > 10 AND ts <= 20", 11, 20);
  range("ts = 7", 7, 7);
  assert_int_equal(n_bounds, 2);
  assert_int_equal(n_used, 1);
  range("ts > 3 AND ts = 7 AND ts < 100", 7, 7);
  range("ts > 1.5", 2, KV_TS_MAX);
  range("ts < 1.5", 0, 1);
  range("ts > -5", 0, KV_TS_MAX);
}

static void bounds_of_time_are_texts(void **state) {
  (void)state;
  range("time >= '2026-11-01'", TEST_NOW, KV_TS_MAX);
  range("time < '2026-11-02'", 0, TEST_NOW + INT64_C(86400000000) - 1);
  range("time >= date('2026-11-03', '-2 days') AND ts < 1793491200000009",
        TEST_NOW, TEST_NOW + 8);
}

static void a_comparison_with_null_finds_nothing(void **state) {
  (void)state;
  test_run(db, "SELECT * FROM times WHERE ts > NULL");
  assert_true(first > last);
  test_run(db, "SELECT * FROM times WHERE ts > 1 AND time < NULL");
  assert_true(first > last);
}

static void
a_comparison_that_depends_on_the_type_is_left_to_sqlite(void **state) {
  (void)state;
  range("ts > 'abc'", 0, KV_TS_MAX);
  range("time < 5", 0, KV_TS_MAX);
  range("time < x'32'", 0, KV_TS_MAX);
  range("time > '2026' COLLATE NOCASE", 0, KV_TS_MAX);
  assert_int_equal(n_bounds, 0);
}

static int order_of(const char *terms) {
  test_run(db, "SELECT * FROM times ORDER BY %s", terms);
  return order;
}

static void only_a_prefix_of_ts_device_and_seq_is_an_order(void **state) {
  (void)state;
  assert_int_equal(order_of("ts"), 1);
  assert_int_equal(order_of("ts, device, seq"), 1);
  assert_int_equal(order_of("ts DESC, device DESC"), -1);
  assert_int_equal(order_of("time DESC"), -1);
  assert_int_equal(order_of("ts, seq"), 0);
  assert_int_equal(order_of("ts, device DESC"), 0);
  assert_int_equal(order_of("time, device"), 0);
  assert_int_equal(order_of("seq"), 0);
  test_run(db, "SELECT * FROM times");
  assert_int_equal(order, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(bounds_of_ts_are_included_or_not),
    test(bounds_of_time_are_texts),
    test(a_comparison_with_null_finds_nothing),
    test(a_comparison_that_depends_on_the_type_is_left_to_sqlite),
    test(only_a_prefix_of_ts_device_and_seq_is_an_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
