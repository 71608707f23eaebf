/*
** Waiting until there is something to sync: what a stamp does not show.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/exchange.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"
#include "sync/sync.h"
#include "sync/wait.h"

static test_store t;

#define PHONE "%s/n.kv/devices/phone/log.db"
#define LAPTOP "%s/n.kv/devices/laptop/log.db"

/* A store that has merged a log of phone with one row, and one of its own. */
static int setup(void **state) {
  test_log log;

  if (test_files_setup(state) != 0) return -1;
  test_store_open(&t, test_path("%s/n.kv", *state), "laptop");
  test_store_set(&t, "own", "1");
  test_make_folder(test_path("%s/n.kv/devices/phone", *state));
  test_log_begin(&log, test_path(PHONE, *state), "phone", 1);
  test_log_set(&log, TEST_NOW, "a", "1", 0);
  test_log_end(&log);
  test_store_sync(&t);
  return 0;
}

static int teardown(void **state) {
  test_store_close(&t);
  return test_files_teardown(state);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void expect(int told) {
  int is_changed = -1;

  assert_rc(kv_wait_run(t.store, 0, &is_changed, &t.err), SQLITE_OK);
  assert_int_equal(is_changed, told);
}

static void phone_writes(void **state) {
  test_log log;

  test_log_open(&log, test_path(PHONE, *state));
  test_log_set(&log, TEST_NOW + 9, "b", "1", 0);
  test_log_end(&log);
}

/* As if the logs had looked the same at the last sync. */
static void look_the_same(void **state) {
  kv_sight *sight = &t.store->exchange->sight;
  kv_stamp stamp;

  sight->others = 0;
  kv_folder_look(test_path(PHONE, *state), &stamp);
  kv_sight_add(sight, "phone", &stamp);
  kv_folder_look(test_path(LAPTOP, *state), &sight->own);
}

static void a_new_row_counts_though_the_file_looks_the_same(void **state) {
  phone_writes(state);
  look_the_same(state);
  expect(1);
  expect(0);
}

static void an_old_file_is_not_opened(void **state) {
  test_make_old(test_path(PHONE, *state));
  phone_writes(state);
  look_the_same(state);
  t.store->exchange->sight.taken += 2 * KV_STAMP_TICK;
  expect(0);
}

static void a_log_that_is_not_whole_is_not_asked(void **state) {
  test_run(t.db, "UPDATE kv_cursor SET state = 'waiting' "
                 "WHERE device = 'phone'");
  phone_writes(state);
  look_the_same(state);
  expect(0);
}

static void a_sync_that_fails_is_tried_again(void **state) {
  const char *folder = test_path("%s/n.kv", *state);
  int64_t n;

  expect(0);
  test_move(folder, test_path("%s/away", *state));
  expect(1);
  assert_rc(kv_sync_run(t.store, &n, &t.err), SQLITE_CANTOPEN);
  expect(0);
  test_move(test_path("%s/away", *state), folder);
  expect(1);
  test_store_sync(&t);
  expect(0);
}

static void an_own_log_that_only_looks_different_is_no_news(void **state) {
  test_make_old(test_path(LAPTOP, *state));
  expect(0);
  test_copy(test_path(LAPTOP, *state), test_path("%s/copy", *state));
  test_move(test_path("%s/copy", *state), test_path(LAPTOP, *state));
  expect(0);
}

static void an_own_log_that_is_gone_or_of_somebody_else_counts(void **state) {
  const char *path = test_path(LAPTOP, *state);

  test_remove(path);
  expect(1);
  expect(0);
  test_copy(test_path(PHONE, *state), path);
  expect(1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_new_row_counts_though_the_file_looks_the_same),
    test(an_old_file_is_not_opened),
    test(a_log_that_is_not_whole_is_not_asked),
    test(a_sync_that_fails_is_tried_again),
    test(an_own_log_that_only_looks_different_is_no_news),
    test(an_own_log_that_is_gone_or_of_somebody_else_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
