/*
** The rows that a running UPDATE OR REPLACE has moved.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/sqlite.h"
#include "store/moves.h"
#include "support/rc.h"

static void rows_of_the_statement_itself_were_moved(void **state) {
  kv_moves moves = {0, NULL};

  (void)state;
  kv_moves_begin(&moves, 5);
  assert_true(kv_moves_has(&moves, 5));
  assert_true(kv_moves_has(&moves, 1000));
  assert_false(kv_moves_has(&moves, 4));
  assert_rc(kv_moves_add(&moves, 5), SQLITE_OK);
  assert_null(moves.bits);
}

static void earlier_rows_were_moved_if_they_were_added(void **state) {
  kv_moves moves = {0, NULL};
  int i;

  (void)state;
  kv_moves_begin(&moves, 100);
  for (i = 0; i < 100; i += 3)
    assert_rc(kv_moves_add(&moves, i), SQLITE_OK);
  for (i = 0; i < 100; i++)
    assert_int_equal(kv_moves_has(&moves, i), i % 3 == 0);
  kv_moves_begin(&moves, 0);
}

static void the_next_statement_starts_with_no_moves(void **state) {
  kv_moves moves = {0, NULL};

  (void)state;
  kv_moves_begin(&moves, 8);
  assert_rc(kv_moves_add(&moves, 7), SQLITE_OK);
  kv_moves_begin(&moves, 16);
  assert_false(kv_moves_has(&moves, 7));
  assert_false(kv_moves_has(&moves, 8));
  assert_true(kv_moves_has(&moves, 16));
  kv_moves_begin(&moves, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(rows_of_the_statement_itself_were_moved),
    cmocka_unit_test(earlier_rows_were_moved_if_they_were_added),
    cmocka_unit_test(the_next_statement_starts_with_no_moves),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
