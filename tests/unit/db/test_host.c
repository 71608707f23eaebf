#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/host.h"
#include "support/rc.h"

static sqlite3 *db;
static char *err;

static int setup(void **state) {
  (void)state;
  err = NULL;
  return sqlite3_open(":memory:", &db);
}

static int teardown(void **state) {
  (void)state;
  sqlite3_free(err);
  return sqlite3_close(db);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void expect_error(int rc, const char *sentence) {
  assert_rc(rc, SQLITE_ERROR);
  assert_non_null(err);
  assert_non_null(strstr(err, sentence));
  sqlite3_free(err);
  err = NULL;
}

/* A function of the host. */
static void other(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  (void)argv;
  sqlite3_result_int(ctx, 0);
}

static void replace(const char *name, int n_arguments) {
  assert_rc(sqlite3_create_function(db, name, n_arguments, SQLITE_UTF8, NULL,
                                    other, NULL, NULL),
            SQLITE_OK);
}

static void a_default_connection_passes(void **state) {
  (void)state;
  assert_rc(kv_host_check(db, &err), SQLITE_OK);
  assert_null(err);
}

static void a_limit_that_is_too_low_is_named(void **state) {
  static const struct {
    int id;
    int low;
    const char *name;
  } limits[] = {
    {SQLITE_LIMIT_LENGTH, 500, "SQLITE_LIMIT_LENGTH"},
    {SQLITE_LIMIT_SQL_LENGTH, 100, "SQLITE_LIMIT_SQL_LENGTH"},
    {SQLITE_LIMIT_COLUMN, 5, "SQLITE_LIMIT_COLUMN"},
    {SQLITE_LIMIT_EXPR_DEPTH, 3, "SQLITE_LIMIT_EXPR_DEPTH"},
    {SQLITE_LIMIT_COMPOUND_SELECT, 1, "SQLITE_LIMIT_COMPOUND_SELECT"},
    {SQLITE_LIMIT_VDBE_OP, 100, "SQLITE_LIMIT_VDBE_OP"},
    {SQLITE_LIMIT_FUNCTION_ARG, 1, "SQLITE_LIMIT_FUNCTION_ARG"},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 2, "SQLITE_LIMIT_VARIABLE_NUMBER"},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
    int before = sqlite3_limit(db, limits[i].id, limits[i].low);

    expect_error(kv_host_check_limits(db, &err), limits[i].name);
    expect_error(kv_host_check(db, &err), limits[i].name);
    sqlite3_limit(db, limits[i].id, before);
    assert_rc(kv_host_check_limits(db, &err), SQLITE_OK);
  }
}

static void an_unlimited_depth_is_not_too_low(void **state) {
  (void)state;
  sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 0);
  assert_int_equal(sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, -1), 0);
  assert_rc(kv_host_check_limits(db, &err), SQLITE_OK);
}

static void a_function_that_replaces_one_of_sqlite_is_named(void **state) {
  static const struct {
    const char *name;
    int n_arguments;
  } given[] = {{"count", 1}, {"max", 1},    {"Min", 1},   {"row_number", 0},
               {"sum", 1},   {"TYPEOF", 1}, {"substr", 3}};
  size_t i;

  for (i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
    replace(given[i].name, given[i].n_arguments);
    expect_error(kv_host_check_functions(db, &err), "in place of SQLite's own");
    expect_error(kv_host_check(db, &err), "in place of SQLite's own");
    teardown(state);
    setup(state);
  }
  replace("max", -1);
  expect_error(kv_host_check_functions(db, &err), "a function max()");
}

static void other_functions_of_the_host_are_fine(void **state) {
  (void)state;
  replace("my_max", 1);
  replace("max", 3); /* no statement calls it with this many */
  replace("lower", 1);
  assert_rc(kv_host_check(db, &err), SQLITE_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_default_connection_passes),
    test(a_limit_that_is_too_low_is_named),
    test(an_unlimited_depth_is_not_too_low),
    test(a_function_that_replaces_one_of_sqlite_is_named),
    test(other_functions_of_the_host_are_fine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
