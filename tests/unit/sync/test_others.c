/*
** Files in the folder that are no part of a log: listed, and not read.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cache/log_cursor.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"
#include "sync/others.h"

static test_store t;

static int setup(void **state) {
  if (test_files_setup(state) != 0) return -1;
  test_store_open(&t, test_path("%s/n.kv", *state), "laptop");
  test_store_set(&t, "a", "1");
  return 0;
}

static int teardown(void **state) {
  test_store_close(&t);
  return test_files_teardown(state);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void make(void *folder, const char *name) {
  test_write(test_path("%s/n.kv/%s", folder, name), "x", 1);
}

/* The only file that is listed, and a part of what is said about it. */
static void lists_at(int line, const char *path, const char *detail) {
  kv_others others = {0};

  assert_rc(kv_others_list(t.store, &others), SQLITE_OK);
  if (others.n != (path != NULL) ||
      (path && (strcmp(others.paths[0], path) != 0 ||
                !strstr(others.details[0], detail)))) {
    fail_msg("line %d: %d files, %s: %s", line, others.n,
             others.n ? others.paths[0] : "",
             others.n ? others.details[0] : "");
  }
  kv_others_free(&others);
  assert_int_equal(others.n, 0);
}
#define lists(path, detail) lists_at(__LINE__, path, detail)

static void the_files_of_a_log_are_not_listed(void **state) {
  lists(NULL, NULL);
  make(*state, "devices/laptop/log.db-journal");
  lists(NULL, NULL);
}

static void each_file_says_what_it_is(void **state) {
  static const char *const files[][2] = {
    {"notes.txt", "not part of a store"},
    {"devices/phone", "not a directory"},
    {"devices/a b", "not the name of a device"},
    {"devices/laptop/log (1).db", "look into it with kv_foreign()"},
    {"devices/laptop/log.db.aside-1", "a damaged log that was set aside"},
    {"devices/laptop/.log.db.icloud", "a placeholder of a cloud drive"},
  };
  size_t i;

  for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
    make(*state, files[i][0]);
    lists(files[i][0], files[i][1]);
    test_remove(test_path("%s/n.kv/%s", *state, files[i][0]));
  }
}

static void a_store_without_a_folder_lists_nothing(void **state) {
  test_move(test_path("%s/n.kv", *state), test_path("%s/away", *state));
  lists(NULL, NULL);
}

static void the_files_of_a_log_are_measured(void **state) {
  kv_log_cursor own;
  int64_t bytes;
  size_t size;
  int n;

  sqlite3_free(
    test_read(test_path("%s/n.kv/devices/laptop/log.db", *state), &size));
  make(*state, "devices/laptop/log (1).db");
  assert_rc(kv_log_cursor_load(&t.store->stmts, "laptop", &own), SQLITE_OK);
  assert_rc(kv_others_measure(t.store, "laptop", own.id, &n, &bytes),
            SQLITE_OK);
  assert_int_equal(n, 1);
  assert_true(bytes == (int64_t)size);
  assert_rc(kv_others_measure(t.store, "nobody", NULL, &n, &bytes), SQLITE_OK);
  assert_int_equal(n, 0);
  assert_true(bytes == 0);
  kv_log_cursor_clear(&own);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(the_files_of_a_log_are_not_listed),
    test(each_file_says_what_it_is),
    test(a_store_without_a_folder_lists_nothing),
    test(the_files_of_a_log_are_measured),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
