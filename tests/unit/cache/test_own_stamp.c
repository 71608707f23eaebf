/*
** The stamp of the own log, and commits that sync tools take for none.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cache/own_stamp.h"
#include "support/files.h"

static kv_log_cursor own;
static const char *path;

#define SECOND INT64_C(1000000000)

static int setup(void **state) {
  if (test_files_setup(state) != 0) return -1;
  test_make_folder(test_path("%s/devices", *state));
  test_make_folder(test_path("%s/devices/laptop", *state));
  path = test_path("%s/devices/laptop/log.db", *state);
  test_write(path, "12345", 5);
  memset(&own, 0, sizeof(own));
  memcpy(own.device, "laptop", 7);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, test_files_teardown)

/* The stamp of now. */
static kv_stamp look(void) {
  kv_stamp stamp;

  assert_int_equal(kv_folder_look(path, &stamp), KV_FILE_REGULAR);
  return stamp;
}

/* A commit of the same size, `after` nanoseconds behind the one before. */
static void commit(void **state, int64_t after) {
  int64_t before = 1000 * SECOND + 500;

  test_set_time(path, before);
  kv_own_stamp_before(&own, *state);
  assert_true(own.has_before);
  test_write(path, "54321", 5);
  test_set_time(path, before + after);
}

static void a_fresh_file_waits(void **state) {
  kv_stamp before;

  commit(state, 1000);
  before = look();
  kv_own_stamp_settle(&own, *state); /* its ctime is now */
  assert_false(own.has_stamp);
  assert_true(own.has_before);
  assert_true(look().mtime == before.mtime);
}

static void without_a_commit_the_stamp_is_noted_when_it_is_old(void **state) {
  kv_own_stamp_settle(&own, *state);
  assert_false(own.has_stamp);
  own.has_stamp = 1;
  test_remove(path);
  kv_own_stamp_settle(&own, *state);
  assert_false(own.has_stamp);
  kv_own_stamp_before(&own, *state);
  assert_false(own.has_before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_fresh_file_waits),
    test(without_a_commit_the_stamp_is_noted_when_it_is_old),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
