/*
** The cursor of kv_changes: a number that grows with commits and merges, and
** belongs to an epoch of the cache.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cache/cache.h"
#include "history/history.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"

static int64_t cursor_of(test_store *t) {
  int64_t cursor = -1;

  assert_rc(kv_history_cursor(t->store, &cursor), SQLITE_OK);
  assert_true(cursor >= 0 && cursor < (int64_t)1 << 53);
  return cursor;
}

static void each_commit_moves_the_cursor_by_one(void **state) {
  test_store t;
  int64_t before;

  test_store_open(&t, test_path("%s/n.kv", *state), "laptop");
  before = cursor_of(&t);
  assert_true(cursor_of(&t) == before);
  test_store_set(&t, "a", "1");
  test_store_set(&t, "a", "2");
  assert_true(cursor_of(&t) == before + 2);
  test_store_close(&t);
}

static void a_running_transaction_does_not_move_it(void **state) {
  test_store t;
  int64_t before;

  test_store_open(&t, test_path("%s/n.kv", *state), "laptop");
  before = cursor_of(&t);
  test_run(t.db, "BEGIN");
  assert_rc(test_store_write(&t, "a", "1"), SQLITE_OK);
  assert_true(cursor_of(&t) == before);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  assert_true(cursor_of(&t) == before + 1);
  test_store_close(&t);
}

static void another_epoch_has_other_cursors(void **state) {
  test_store t;
  int64_t before;
  int64_t after;

  test_store_open(&t, test_path("%s/n.kv", *state), "laptop");
  test_store_set(&t, "a", "1");
  before = cursor_of(&t);
  test_run(t.db, "BEGIN");
  assert_rc(kv_cache_begin_epoch(&t.store->stmts), SQLITE_OK);
  test_run(t.db, "COMMIT");
  after = cursor_of(&t);
  assert_true(before >> 33 != after >> 33);
  assert_true((before & UINT32_MAX) == (after & UINT32_MAX));
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(each_commit_moves_the_cursor_by_one),
    test_in_folder(a_running_transaction_does_not_move_it),
    test_in_folder(another_epoch_has_other_cursors),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
