/*
** Options and times, as tables and functions take them.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/connection.h"
#include "support/logs.h"
#include "support/rc.h"
#include "table/arguments.h"

#define ALL " device now adopt name discard "

static sqlite3 *db;
static kv_arguments arguments;
static char *err;

static int setup(void **state) {
  (void)state;
  db = test_connect(":memory:");
  kv_arguments_init(&arguments);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  kv_arguments_clear(&arguments);
  sqlite3_free(err);
  err = NULL;
  test_disconnect(db);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* The value of an SQL expression, for sqlite3_value_free(). */
static sqlite3_value *value_of(const char *expression) {
  char *sql = sqlite3_mprintf("SELECT %s", expression);
  sqlite3_value *value;
  sqlite3_stmt *stmt;

  assert_rc(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
  assert_rc(sqlite3_step(stmt), SQLITE_ROW);
  value = sqlite3_value_dup(sqlite3_column_value(stmt, 0));
  sqlite3_finalize(stmt);
  sqlite3_free(sql);
  return value;
}

/* The last microsecond of a time, or -1 with a message in err. */
static int64_t last_of(const char *expression) {
  sqlite3_value *value = value_of(expression);
  int64_t last = -1;
  int rc;

  sqlite3_free(err);
  err = NULL;
  rc = kv_argument_time(value, 42, &last, &err);
  sqlite3_value_free(value);
  assert_int_equal(rc == SQLITE_OK, err == NULL);
  return rc == SQLITE_OK ? last : -1;
}

static void a_time_is_text_now_or_microseconds(void **state) {
  (void)state;
  assert_true(last_of("1793491200000000") == TEST_NOW);
  assert_true(last_of("'NOW'") == 42);
  assert_true(last_of("'2026-11-01 00:00:00.000000'") == TEST_NOW);
  assert_true(last_of("'2026-11-01'") == TEST_NOW + 999);
}

static void other_values_are_not_times(void **state) {
  (void)state;
  assert_true(last_of("1793491200") == -1);
  assert_non_null(strstr(err, "looks like seconds or milliseconds"));
  assert_true(last_of("-5") == -1);
  assert_non_null(strstr(err, "-5 is not a time"));
  assert_true(last_of("9007199254740993") == -1);
  assert_true(last_of("NULL") == -1);
  assert_true(last_of("x'41'") == -1);
  assert_true(last_of("'yesterday'") == -1);
  assert_non_null(strstr(err, "'yesterday' is not a time"));
}

static void options_are_read_with_their_quotes(void **state) {
  (void)state;
  assert_rc(kv_arguments_list(&arguments,
                              "device = 'it''s, a' , name=\"n\"\"\",adopt=1, "
                              "discard=1,now=1793491200000000",
                              ALL, &err),
            SQLITE_OK);
  assert_string_equal(arguments.device, "it's, a");
  assert_ptr_equal(arguments.options.device, arguments.device);
  assert_string_equal(arguments.name, "n\"");
  assert_int_equal(arguments.options.adopt, 1);
  assert_int_equal(arguments.discard, 1);
  assert_true(arguments.options.now == TEST_NOW);
  assert_rc(kv_arguments_path(&arguments, " 'a b.kv' "), SQLITE_OK);
  assert_string_equal(arguments.options.path, "a b.kv");
}

static void options_that_are_not_allowed_are_named(void **state) {
  (void)state;
  assert_rc(kv_arguments_option(&arguments, "name=x", 6, " device now ", &err),
            SQLITE_ERROR);
  assert_non_null(strstr(err, "'name=x' is not an option here"));
  assert_non_null(strstr(err, "the names are device now"));
  assert_null(arguments.name);
  sqlite3_free(err);
  err = NULL;
  assert_rc(kv_arguments_option(&arguments, "device", 6, ALL, &err),
            SQLITE_ERROR);
  sqlite3_free(err);
  err = NULL;
  assert_rc(kv_arguments_option(&arguments, "adopt=2", 7, ALL, &err),
            SQLITE_ERROR);
  assert_string_equal(err, "kv: '2' is neither 0 nor 1");
}

static void a_text_with_a_nul_is_refused(void **state) {
  sqlite3_value *whole = value_of("'abc'");
  sqlite3_value *null = value_of("NULL");
  sqlite3_value *cut = value_of("char(97, 0, 98)");
  const char *text;

  (void)state;
  assert_rc(kv_arguments_text(whole, "path", &text, &err), SQLITE_OK);
  assert_string_equal(text, "abc");
  assert_rc(kv_arguments_text(null, "path", &text, &err), SQLITE_OK);
  assert_null(text);
  assert_rc(kv_arguments_text(cut, "path", &text, &err), SQLITE_ERROR);
  assert_non_null(strstr(err, "there is a NUL in the path after 'a'"));
  sqlite3_value_free(whole);
  sqlite3_value_free(null);
  sqlite3_value_free(cut);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_time_is_text_now_or_microseconds),
    test(other_values_are_not_times),
    test(options_are_read_with_their_quotes),
    test(options_that_are_not_allowed_are_named),
    test(a_text_with_a_nul_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
