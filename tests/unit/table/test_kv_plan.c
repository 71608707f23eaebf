/*
** How a query of kv is run, and that no plan leaves out a row.
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
#include "table/kv_plan.h"

static sqlite3 *db;

static int setup(void **state) {
  (void)state;
  db = test_connect(":memory:");
  test_run(db, "CREATE VIRTUAL TABLE kv USING kv(':memory:', device='a', "
               "now='2026-11-01')");
  test_run(db, "INSERT INTO kv(key, value) VALUES('aa', 1), ('ab', 2), "
               "('AB', 3), ('abc', 4), ('b', 5), (x'6162', 6), (7, 7)");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  test_disconnect(db);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* The idxNum of a query, as EXPLAIN QUERY PLAN shows it. */
static int plan_of(const char *query) {
  char *plan = test_ask(db, "EXPLAIN QUERY PLAN %s", query);
  const char *number = strstr(plan, "VIRTUAL TABLE INDEX ");
  int out = number ? atoi(number + 20) : -1;

  sqlite3_free(plan);
  return out;
}

#define PAIR "SELECT key, value FROM kv "

static void a_key_is_looked_up_directly(void **state) {
  (void)state;
  assert_int_equal(plan_of(PAIR "WHERE key = 'a'"),
                   KV_PLAN_POINT | KV_PLAN_VALUE);
  assert_int_equal(plan_of(PAIR "WHERE key = 'a' COLLATE NOCASE"),
                   KV_PLAN_VALUE);
  test_rows(db, "2\n3",
            "SELECT value FROM kv WHERE key = 'ab' COLLATE NOCASE ORDER BY 1");
}

static void a_range_of_keys_is_scanned_in_its_direction(void **state) {
  (void)state;
  assert_int_equal(plan_of(PAIR "WHERE key > 'a' AND key <= 'b'"),
                   KV_PLAN_LOW | KV_PLAN_LOW_STRICT | KV_PLAN_HIGH |
                     KV_PLAN_VALUE);
  assert_int_equal(plan_of(PAIR "ORDER BY key DESC"),
                   KV_PLAN_DESC | KV_PLAN_VALUE);
  assert_int_equal(plan_of(PAIR "ORDER BY key"), KV_PLAN_VALUE);
  test_rows(db, "b\nabc\nab",
            "SELECT key FROM kv WHERE key > 'aa' AND key <= 'b' ORDER BY key "
            "DESC");
}

static void only_columns_that_are_needed_are_read(void **state) {
  (void)state;
  assert_int_equal(plan_of("SELECT key FROM kv"), KV_PLAN_VALUE | KV_PLAN_KEYS);
  assert_int_equal(plan_of("SELECT key, device FROM kv"), KV_PLAN_KEYS);
  assert_int_equal(plan_of("SELECT device, value FROM kv"), 0);
}

static void the_past_and_times_have_plans_of_their_own(void **state) {
  (void)state;
  assert_int_equal(plan_of(PAIR "WHERE as_of = 'now' AND key = 'a'"),
                   KV_PLAN_AS_OF | KV_PLAN_POINT);
  assert_true(plan_of(PAIR "WHERE ts > 5") & KV_PLAN_TIME);
  assert_false(plan_of(PAIR "WHERE ts > 5 AND key = 'a'") & KV_PLAN_TIME);
}

static void a_pattern_leaves_out_no_blob(void **state) {
  int blobs = !sqlite3_compileoption_used("LIKE_DOESNT_MATCH_BLOBS");

  (void)state;
  assert_int_equal(plan_of(PAIR "WHERE key GLOB 'ab*'"),
                   KV_PLAN_LOW | KV_PLAN_HIGH | KV_PLAN_VALUE |
                     (blobs ? KV_PLAN_BLOBS : KV_PLAN_HIGH_STRICT));
  assert_true(plan_of(PAIR "WHERE key LIKE 'ab%'") & KV_PLAN_LIKE);
  test_rows(db, blobs ? "2,4,6" : "2,4",
            "SELECT group_concat(value) FROM (SELECT value FROM kv WHERE key "
            "GLOB 'ab*' ORDER BY value)");
  test_rows(db, blobs ? "2,3,4,6" : "2,3,4",
            "SELECT group_concat(value) FROM (SELECT value FROM kv WHERE key "
            "LIKE 'ab%' ORDER BY value)");
}

static kv_plan_prefix prefix(const char *pattern, const char *low,
                             const char *high) {
  char *sql = sqlite3_mprintf("SELECT %s, %s, %s", pattern, low, high);
  kv_plan_prefix out;
  sqlite3_stmt *stmt;
  sqlite3_value *p;
  sqlite3_value *a;
  sqlite3_value *b;

  assert_rc(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
  assert_rc(sqlite3_step(stmt), SQLITE_ROW);
  p = sqlite3_value_dup(sqlite3_column_value(stmt, 0));
  a = sqlite3_value_dup(sqlite3_column_value(stmt, 1));
  b = sqlite3_value_dup(sqlite3_column_value(stmt, 2));
  out =
    kv_plan_find_prefix(sqlite3_value_type(p) == SQLITE_NULL ? NULL : p, a, b);
  sqlite3_value_free(p);
  sqlite3_value_free(a);
  sqlite3_value_free(b);
  sqlite3_finalize(stmt);
  sqlite3_free(sql);
  return out;
}

static void bounds_of_a_pattern_are_recognized(void **state) {
  (void)state;
  assert_int_equal(prefix("NULL", "'ab'", "'ac'"), KV_PREFIX_ASCII);
  assert_int_equal(prefix("NULL", "'\xc3\xa9'", "'\xc3\xaa'"), KV_PREFIX_OTHER);
  assert_int_equal(prefix("NULL", "'ab'", "'ad'"), KV_PREFIX_NONE);
  assert_int_equal(prefix("NULL", "'ab'", "'abc'"), KV_PREFIX_NONE);
  assert_int_equal(prefix("NULL", "x'6162'", "x'6163'"), KV_PREFIX_NONE);
  assert_int_equal(prefix("'aB%'", "'AB'", "'ac'"), KV_PREFIX_ASCII);
  assert_int_equal(prefix("'aB%'", "'ab'", "'ac'"), KV_PREFIX_NONE);
  assert_int_equal(prefix("'a_%'", "'A_'", "'a`'"), KV_PREFIX_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_key_is_looked_up_directly),
    test(a_range_of_keys_is_scanned_in_its_direction),
    test(only_columns_that_are_needed_are_read),
    test(the_past_and_times_have_plans_of_their_own),
    test(a_pattern_leaves_out_no_blob),
    test(bounds_of_a_pattern_are_recognized),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
