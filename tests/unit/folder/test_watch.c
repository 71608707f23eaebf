/*
** Waiting for changes in directories.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "folder/folder.h"
#include "folder/watch.h"
#include "support/files.h"

/* A watch of the test's folder. */
static kv_watch *watch_folder(void **state) {
  kv_watch *watch = kv_watch_open(".db");

  assert_non_null(watch);
  kv_watch_add(watch, *state);
  return watch;
}

/* Only Linux tells. */
#ifdef __linux__
#define assert_told(watch) assert_int_equal(kv_watch_wait(watch, 5000), 1)
#else
#define assert_told(watch) assert_int_equal(kv_watch_wait(watch, 0), 0)
#endif
#define assert_not_told(watch) assert_int_equal(kv_watch_wait(watch, 0), 0)

static void the_time_is_over(void **state) {
  kv_watch *watch = watch_folder(state);
  int64_t start = kv_folder_clock();

  assert_int_equal(kv_watch_wait(watch, 30), 0);
#ifdef _WIN32 /* whose clock ticks 64 times a second */
  start -= 16000;
#endif
  assert_true(kv_folder_clock() - start >= 29000);
  kv_watch_close(watch);
}

static void files_of_the_suffix_are_told_once(void **state) {
  kv_watch *watch = watch_folder(state);

  test_write(test_path("%s/log.db", *state), "1", 1);
  test_write(test_path("%s/other.db", *state), "1", 1);
  assert_told(watch);
  assert_not_told(watch);
  test_write(test_path("%s/log.db-journal", *state), "1", 1);
  test_write(test_path("%s/db", *state), "1", 1);
  assert_not_told(watch);
  test_move(test_path("%s/db", *state), test_path("%s/new.db", *state));
  assert_told(watch);
  test_remove(test_path("%s/new.db", *state));
  assert_told(watch);
  kv_watch_close(watch);
}

static void directories_are_told(void **state) {
  kv_watch *watch = watch_folder(state);
  const char *folder = test_path("%s/phone", *state);

  test_make_folder(folder);
  assert_told(watch);
  test_write(test_path("%s/phone/log.db", *state), "1", 1);
  assert_not_told(watch);
  kv_watch_add(watch, folder);
  kv_watch_add(watch, folder);
  test_write(test_path("%s/phone/log.db", *state), "2", 1);
  assert_told(watch);
  assert_not_told(watch);
  kv_watch_close(watch);
}

static void what_cannot_be_watched_is_only_waited_for(void **state) {
  kv_watch *watch = watch_folder(state);

  kv_watch_add(watch, test_path("%s/none", *state));
  test_write(test_path("%s/file", *state), "1", 1);
  kv_watch_add(watch, test_path("%s/file", *state));
  test_write(test_path("%s/file", *state), "2", 1);
  assert_not_told(watch);
  kv_watch_close(watch);
  kv_watch_close(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(the_time_is_over),
    test_in_folder(files_of_the_suffix_are_told_once),
    test_in_folder(directories_are_told),
    test_in_folder(what_cannot_be_watched_is_only_waited_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
