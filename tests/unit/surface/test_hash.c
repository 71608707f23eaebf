/*
** kv_hash(): any number of values; core/row.c hashes them.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/row.h"
#include "support/connection.h"
#include "support/rc.h"

static void a_hash_is_that_of_its_values(void **state) {
  const kv_value values[] = {{.type = KV_TEXT, .z = "x", .n = 1},
                             {.type = KV_INTEGER, .i = 5}};
  unsigned char hash[KV_ROW_HASH_SIZE];
  char text[2 * KV_ROW_HASH_SIZE + 1];
  sqlite3 *db = test_connect(":memory:");
  int i;

  (void)state;
  kv_row_hash_values(values, 2, hash);
  for (i = 0; i < KV_ROW_HASH_SIZE; i++)
    sqlite3_snprintf(3, text + 2 * i, "%02x", hash[i]);
  test_rows(db, text, "SELECT kv_hash('x', 5)");
  test_disconnect(db);
}

static void eight_values_and_more_are_hashed(void **state) {
  sqlite3 *db = test_connect(":memory:");

  (void)state;
  test_rows(db, "3",
            "SELECT count(DISTINCT h) FROM ("
            "SELECT kv_hash(1,2,3,4,5,6,7,8) AS h UNION ALL "
            "SELECT kv_hash(1,2,3,4,5,6,7,8,9) UNION ALL "
            "SELECT kv_hash(1,2,3,4,5,6,7,8,10))");
  test_disconnect(db);
}

static void without_values_it_says_what_to_write(void **state) {
  sqlite3 *db = test_connect(":memory:");

  (void)state;
  assert_rc(test_try(db, "SELECT kv_hash()"), SQLITE_ERROR);
  assert_string_equal(sqlite3_errmsg(db),
                      "kv: name what to hash: kv_hash(x, y)");
  test_disconnect(db);
}

static void an_index_can_use_it(void **state) {
  sqlite3 *db = test_connect(":memory:");

  (void)state;
  test_run(db, "PRAGMA trusted_schema = OFF");
  test_run(db, "CREATE TABLE t(x); CREATE UNIQUE INDEX i ON t(kv_hash(x));"
               "INSERT INTO t VALUES(1)");
  assert_rc(test_try(db, "INSERT INTO t VALUES(1)"), SQLITE_CONSTRAINT_UNIQUE);
  test_disconnect(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_hash_is_that_of_its_values),
    cmocka_unit_test(eight_values_and_more_are_hashed),
    cmocka_unit_test(without_values_it_says_what_to_write),
    cmocka_unit_test(an_index_can_use_it),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
