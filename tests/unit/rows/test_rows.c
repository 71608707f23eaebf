#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rows/rows.h"
#include "support/connection.h"
#include "support/logs.h"
#include "support/rc.h"

/* Rows to be read, from an array. */
typedef struct given {
  kv_rows rows; /* must be first: the pointer points to it */
  const kv_rows_row *row;
  int n;
} given;

static const kv_rows_row *given_next(kv_rows *rows) {
  given *g = (given *)rows;
  return g->n-- > 0 ? g->row++ : NULL;
}

static sqlite3 *db;

/* A connection with nothing but kv_rows. */
static int setup(void **state) {
  (void)state;
  assert_rc(sqlite3_open(":memory:", &db), SQLITE_OK);
  return kv_rows_register(db, 1);
}

static int teardown(void **state) {
  (void)state;
  return sqlite3_close(db);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static kv_rows_row row_of(int64_t seq, kv_value key, kv_value value) {
  kv_rows_row out;

  memset(&out, 0, sizeof(out));
  out.row.seq = seq;
  out.row.txn = seq + 1;
  out.row.ts = TEST_NOW;
  out.row.op = KV_OP_SET;
  out.row.bucket = test_text("");
  out.row.key = key;
  out.row.value = value;
  return out;
}

static void rows_come_in_their_order_with_all_columns(void **state) {
  kv_rows_row rows[2] = {
    row_of(7, test_text("a"), test_blob("\x01\0\x02", 3)),
    row_of(5, test_integer(2), test_null()),
  };
  given g = {{given_next}, rows, 2};
  sqlite3_stmt *stmt = NULL;

  (void)state;
  rows[0].row.parent_ts = test_integer(3);
  rows[1].row.bucket = test_text("b");
  rows[1].row.op = KV_OP_DELETE;
  rows[1].is_old = 1;
  rows[1].large = 9;
  rows[0].row.sum = -4;
  rows[1].device = test_text("phone");
  rows[1].arrived = 11;
  test_run(db, "CREATE TABLE t(bucket, key, value, op, ts, seq, txn, "
               "parent_ts, part, large, sum, device, arrived)");
  assert_rc(sqlite3_prepare_v2(db, "INSERT INTO t SELECT * FROM kv_rows(?)", -1,
                               &stmt, NULL),
            SQLITE_OK);
  sqlite3_bind_pointer(stmt, 1, &g, KV_ROWS_POINTER, NULL);
  assert_rc(sqlite3_step(stmt), SQLITE_DONE);
  sqlite3_finalize(stmt);
  test_rows(
    db,
    "''|'a'|X'010002'|1|1793491200000000|7|8|3|0|NULL|-4||0\n"
    "'b'|2|NULL|0|1793491200000000|5|6|NULL|'b'|9|0|phone|11",
    "SELECT quote(bucket), quote(key), quote(value), op, ts, seq, txn, "
    "quote(parent_ts), quote(part), quote(large), sum, device, arrived FROM t ORDER BY rowid");
}

static void only_a_pointer_of_its_type_has_rows(void **state) {
  kv_rows_row row = row_of(1, test_text("a"), test_integer(1));
  given g = {{given_next}, &row, 1};
  sqlite3_stmt *stmt = NULL;

  (void)state;
  test_rows(db, "", "SELECT key FROM kv_rows(NULL)");
  test_rows(db, "", "SELECT key FROM kv_rows(1)");
  test_rows(db, "", "SELECT key FROM kv_rows('kv_rows')");
  assert_rc(
    sqlite3_prepare_v2(db, "SELECT key FROM kv_rows(?)", -1, &stmt, NULL),
    SQLITE_OK);
  sqlite3_bind_pointer(stmt, 1, &g, "carray", NULL);
  assert_rc(sqlite3_step(stmt), SQLITE_DONE);
  sqlite3_reset(stmt);
  sqlite3_bind_pointer(stmt, 1, &g, KV_ROWS_POINTER, NULL);
  assert_rc(sqlite3_step(stmt), SQLITE_ROW);
  assert_rc(sqlite3_step(stmt), SQLITE_DONE);
  sqlite3_finalize(stmt);
}

static void without_a_parameter_it_says_what_to_read_instead(void **state) {
  (void)state;
  assert_rc(test_try(db, "SELECT key FROM kv_rows"), SQLITE_ERROR);
  assert_non_null(strstr(sqlite3_errmsg(db), "kv_rows is internal"));
}

static void a_schema_cannot_use_it(void **state) {
  (void)state;
  test_run(db, "CREATE VIEW v AS SELECT key FROM kv_rows(1)");
  assert_rc(test_try(db, "SELECT key FROM v"), SQLITE_ERROR);
  assert_non_null(strstr(sqlite3_errmsg(db), "unsafe use"));
}

static void it_can_be_unregistered(void **state) {
  (void)state;
  test_rows(db, "", "SELECT key FROM kv_rows(1)");
  assert_rc(kv_rows_register(db, 0), SQLITE_OK);
  assert_rc(test_try(db, "SELECT key FROM kv_rows(1)"), SQLITE_ERROR);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(rows_come_in_their_order_with_all_columns),
    test(only_a_pointer_of_its_type_has_rows),
    test(without_a_parameter_it_says_what_to_read_instead),
    test(a_schema_cannot_use_it),
    test(it_can_be_unregistered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
