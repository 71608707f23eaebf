#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/run.h"
#include "support/connection.h"
#include "support/rc.h"

/* A connection with the tables that these statements are about. */
static sqlite3 *run_connect(kv_stmts *stmts) {
  sqlite3 *db = test_connect(":memory:");

  memset(stmts, 0, sizeof(*stmts));
  stmts->db = db;
  stmts->schema = "main";
  stmts->name = "kv";
  test_run(db, "CREATE TABLE kv_arrival(arrived INTEGER PRIMARY KEY, device, "
               "first_seq, last_seq, first_ts, last_ts)");
  test_run(db, "CREATE TABLE kv_former(device, id, seq, sum, newest, n)");
  test_run(db, "CREATE TABLE kv_cursor(device, seq, holes DEFAULT 0)");
  test_run(db, "INSERT INTO kv_cursor(device, seq) VALUES "
               "('a', 1), ('b', 2), ('c', 4)");
  return db;
}

static void run_disconnect(sqlite3 *db, kv_stmts *stmts) {
  kv_stmt_clear(stmts);
  test_disconnect(db);
}

static void put_arrival(kv_run *run, kv_stmts *stmts) {
  kv_run_begin(run, stmts, KV_SQL_ARRIVAL_PUT);
  kv_run_int(run, 7);
  kv_run_text(run, "phone");
  kv_run_int(run, 1);
  kv_run_int(run, 2);
  kv_run_int(run, INT64_MAX);
}

static void parameters_are_bound_in_their_order(void **state) {
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  kv_run run;

  (void)state;
  put_arrival(&run, &stmts);
  kv_run_int(&run, -4);
  assert_rc(kv_run_end(&run), SQLITE_OK);
  test_rows(db, "7|phone|1|2|9223372036854775807|-4",
            "SELECT * FROM kv_arrival");
  run_disconnect(db, &stmts);
}

static void each_kind_of_value_is_bound(void **state) {
  static const kv_value text = {KV_TEXT, 0, 0, "a text, cut", 6};
  static const kv_value real = {KV_REAL, 0, 2.5, NULL, 0};
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  kv_run run;

  (void)state;
  kv_run_begin(&run, &stmts, KV_SQL_FORMER_PUT);
  kv_run_value(&run, &text);
  kv_run_blob(&run, "\x01\x02", 2);
  kv_run_value(&run, &real);
  kv_run_null(&run);
  kv_run_text(&run, NULL);
  assert_rc(kv_run_end(&run), SQLITE_OK);
  test_rows(db, "'a text'|X'0102'|2.5|NULL|NULL|1",
            "SELECT quote(device), quote(id), quote(seq), quote(sum), "
            "quote(newest), n FROM kv_former");
  run_disconnect(db, &stmts);
}

static void a_parameter_has_a_name_if_the_text_has_it(void **state) {
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  int64_t seq = 0;
  kv_run run;

  (void)state;
  test_run(db, "INSERT INTO kv_former VALUES('a', x'01', 12, 0, 0, 1)");
  kv_run_begin(&run, &stmts, KV_SQL_FORMER_GET);
  kv_run_named_int(&run, ":shift", 3);
  kv_run_named_text(&run, ":other", "b");
  kv_run_named_text(&run, ":device", "a");
  assert_rc(run.rc, SQLITE_OK);
  assert_true(run.stmt != NULL);
  run.n_bound = 1;
  kv_run_blob(&run, "\x01", 1);
  assert_rc(kv_run_number(&run, &seq), SQLITE_OK);
  assert_int_equal(seq, 12);
  run_disconnect(db, &stmts);
}

/* Whatever is bound, the earlier error stays, and nothing is stepped. */
static void nothing_is_bound_after_an_error(void **state) {
  static const kv_value value = {KV_INTEGER, 6, 0, NULL, 0};
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  kv_run run;
  int i;

  (void)state;
  for (i = 0; i < 10; i++) {
    put_arrival(&run, &stmts);
    run.rc = SQLITE_FULL;
    switch (i) {
      case 0: kv_run_int(&run, 8); break;
      case 1: kv_run_text(&run, "x"); break;
      case 2: kv_run_blob(&run, "x", 1); break;
      case 3: kv_run_value(&run, &value); break;
      case 4: kv_run_sqlite(&run, NULL); break;
      case 5: kv_run_pointer(&run, &run, "x"); break;
      case 6: kv_run_null(&run); break;
      case 7: kv_run_named_int(&run, ":last_ts", 8); break;
      case 8: kv_run_named_text(&run, ":last_ts", "x"); break;
      case 9: kv_run_named_sqlite(&run, ":last_ts", NULL); break;
    }
    assert_rc(run.rc, SQLITE_FULL);
    assert_int_equal(run.n_bound, 5);
    assert_rc(kv_run_end(&run), SQLITE_FULL);
  }
  test_rows(db, "0", "SELECT count(*) FROM kv_arrival");
  run_disconnect(db, &stmts);
}

static void nothing_is_read_after_an_error(void **state) {
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  int64_t number = 5;
  kv_value value = {KV_INTEGER, 6, 0, NULL, 0};
  kv_run run;

  (void)state;
  kv_run_begin(&run, &stmts, KV_SQL_CURSOR_ROWS);
  assert_true(kv_run_row(&run));
  run.rc = SQLITE_IOERR;
  kv_run_column(&run, 0, &value);
  assert_int_equal(value.i, 6);
  assert_false(kv_run_row(&run));
  assert_rc(kv_run_number(&run, &number), SQLITE_IOERR);
  assert_int_equal(number, 5);
  run_disconnect(db, &stmts);
}

static void a_statement_is_run_again_with_other_values(void **state) {
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  sqlite3_stmt *stmt;
  kv_run run;
  int i;

  (void)state;
  put_arrival(&run, &stmts);
  kv_run_int(&run, 1);
  stmt = run.stmt;
  assert_rc(kv_run_again(&run), SQLITE_OK);
  assert_ptr_equal(run.stmt, stmt);
  assert_false(sqlite3_stmt_busy(stmt));
  kv_run_int(&run, 8);
  run.rc = SQLITE_FULL;
  assert_rc(kv_run_again(&run), SQLITE_FULL);
  kv_run_int(&run, 9);
  kv_run_text(&run, "laptop");
  for (i = 0; i < 4; i++)
    kv_run_int(&run, i);
  assert_rc(kv_run_again(&run), SQLITE_OK);
  test_rows(db, "7|phone\n9|laptop",
            "SELECT arrived, device FROM kv_arrival ORDER BY 1");
  assert_rc(kv_run_close(&run), SQLITE_OK);
  run_disconnect(db, &stmts);
}

static void the_first_error_stays(void **state) {
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  kv_run run;

  (void)state;
  put_arrival(&run, &stmts);
  kv_run_int(&run, -4);
  kv_run_int(&run, 1); /* one too many */
  assert_rc(run.rc, SQLITE_RANGE);
  kv_run_text(&run, "x");
  assert_false(kv_run_row(&run));
  assert_rc(kv_run_end(&run), SQLITE_RANGE);
  test_rows(db, "0", "SELECT count(*) FROM kv_arrival");
  run_disconnect(db, &stmts);
}

static void a_statement_that_cannot_be_prepared_is_an_error_too(void **state) {
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  int64_t number = 5;
  kv_run run;

  (void)state;
  test_run(db, "DROP TABLE kv_cursor");
  kv_run_begin(&run, &stmts, KV_SQL_CURSOR_LATEST);
  kv_run_int(&run, 1);
  assert_null(run.stmt);
  assert_rc(kv_run_number(&run, &number), SQLITE_ERROR);
  assert_int_equal(number, 5);
  assert_rc(kv_run_close(&run), SQLITE_ERROR);
  run_disconnect(db, &stmts);
}

static void an_error_of_sqlite_ends_the_reading(void **state) {
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  int64_t number = 5;
  kv_run run;

  (void)state;
  test_run(db, "DROP TABLE kv_cursor");
  test_run(db, "CREATE VIEW kv_cursor(device, seq) AS "
               "SELECT 'a', abs(-9223372036854775807 - 1)");
  kv_run_begin(&run, &stmts, KV_SQL_CURSOR_ROWS);
  assert_false(kv_run_row(&run));
  assert_rc(run.rc, SQLITE_ERROR);
  assert_rc(kv_run_number(&run, &number), SQLITE_ERROR);
  assert_int_equal(number, 5);
  run_disconnect(db, &stmts);
}

static void rows_are_read_one_by_one(void **state) {
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  char names[4] = "";
  kv_value name;
  kv_run run;

  (void)state;
  kv_run_begin(&run, &stmts, KV_SQL_CURSOR_NAMES);
  while (kv_run_row(&run)) {
    kv_run_column(&run, 0, &name);
    strncat(names, name.z, name.n);
  }
  assert_string_equal(names, "abc");
  assert_rc(kv_run_close(&run), SQLITE_OK);
  run_disconnect(db, &stmts);
}

static void an_error_of_the_caller_ends_the_reading(void **state) {
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  int n = 0;
  kv_run run;

  (void)state;
  kv_run_begin(&run, &stmts, KV_SQL_CURSOR_NAMES);
  while (kv_run_row(&run)) {
    if (++n == 2) run.rc = SQLITE_NOMEM;
  }
  assert_int_equal(n, 2);
  assert_rc(kv_run_close(&run), SQLITE_NOMEM);
  run_disconnect(db, &stmts);
}

static void a_statement_is_returned_reset_and_unbound(void **state) {
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  sqlite3_stmt *first;
  kv_run run;

  (void)state;
  put_arrival(&run, &stmts);
  first = run.stmt;
  assert_rc(kv_run_close(&run), SQLITE_OK);
  assert_null(run.stmt);
  assert_rc(kv_run_close(&run), SQLITE_OK);
  test_rows(db, "0", "SELECT count(*) FROM kv_arrival");

  kv_run_begin(&run, &stmts, KV_SQL_ARRIVAL_PUT);
  assert_ptr_equal(run.stmt, first);
  kv_run_named_int(&run, ":arrived", 9);
  assert_rc(kv_run_end(&run), SQLITE_OK);
  test_rows(db, "9|||||", "SELECT * FROM kv_arrival");
  run_disconnect(db, &stmts);
}

static void a_missing_number_changes_nothing(void **state) {
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  int64_t number = 5;
  kv_run run;

  (void)state;
  kv_run_begin(&run, &stmts, KV_SQL_CURSOR_ROWS);
  assert_rc(kv_run_number(&run, &number), SQLITE_OK);
  assert_int_equal(number, 7);
  test_run(db, "DELETE FROM kv_cursor");
  kv_run_begin(&run, &stmts, KV_SQL_CURSOR_ROWS);
  assert_rc(kv_run_number(&run, &number), SQLITE_OK);
  assert_int_equal(number, 7);
  kv_run_begin(&run, &stmts, KV_SQL_CURSOR_NAMES);
  assert_rc(kv_run_number(&run, &number), SQLITE_OK);
  assert_int_equal(number, 7);
  run_disconnect(db, &stmts);
}

static void a_statement_that_is_not_kept_is_finalized(void **state) {
  kv_stmts stmts;
  sqlite3 *db = run_connect(&stmts);
  kv_stmt_holes holes = {.schema = "main", .name = "kv"};
  int64_t number = 0;
  kv_run run;

  (void)state;
  kv_run_begin_once(&run, &stmts, KV_SQL_CURSOR_ROWS);
  assert_rc(kv_run_number(&run, &number), SQLITE_OK);
  assert_int_equal(number, 7);
  kv_run_begin_filled(&run, db, KV_SQL_CURSOR_ROWS, &holes);
  assert_rc(kv_run_number(&run, &number), SQLITE_OK);
  assert_int_equal(number, 7);
  kv_run_begin_on(&run, db, KV_SQL_POLL);
  assert_rc(kv_run_end(&run), SQLITE_OK);
  assert_null(sqlite3_next_stmt(db, NULL));
  run_disconnect(db, &stmts);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(parameters_are_bound_in_their_order),
    cmocka_unit_test(each_kind_of_value_is_bound),
    cmocka_unit_test(a_parameter_has_a_name_if_the_text_has_it),
    cmocka_unit_test(nothing_is_bound_after_an_error),
    cmocka_unit_test(nothing_is_read_after_an_error),
    cmocka_unit_test(a_statement_is_run_again_with_other_values),
    cmocka_unit_test(the_first_error_stays),
    cmocka_unit_test(a_statement_that_cannot_be_prepared_is_an_error_too),
    cmocka_unit_test(an_error_of_sqlite_ends_the_reading),
    cmocka_unit_test(rows_are_read_one_by_one),
    cmocka_unit_test(an_error_of_the_caller_ends_the_reading),
    cmocka_unit_test(a_statement_is_returned_reset_and_unbound),
    cmocka_unit_test(a_missing_number_changes_nothing),
    cmocka_unit_test(a_statement_that_is_not_kept_is_finalized),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
