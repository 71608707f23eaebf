#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/sqlite.h"
#include "file/placeholder.h"
#include "support/files.h"
#include "support/rc.h"

static const char *const names[] = {
  ".log.db.icloud", "log.db.nextcloud", "log.db.owncloud", "log.db.cloud",
  "log.db.cloudf",  "log.db.rsls",      "log.db.rslsls"};
#define NAMES (sizeof(names) / sizeof(names[0]))

static void the_name_of_a_placeholder_is_known(void **state) {
  static const char *const others[] = {
    "log.db",  "log.db.icloud", ".log.db", ".icloud",
    ".rsls",   "nextcloud",     "",        "log.nextcloud.db",
    ".rslsls", "log.db.CLOUD"};
  size_t i;

  (void)state;
  for (i = 0; i < NAMES; i++)
    assert_true(kv_placeholder_is(names[i]));
  /* A prefix and a suffix are not enough: there must be a name. */
  for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
    assert_false(kv_placeholder_is(others[i]));
}

static void a_placeholder_is_found_by_the_path_of_its_file(void **state) {
  const char *path = test_path("%s/log.db", *state);
  char *found = NULL;
  size_t i;

  for (i = 0; i < NAMES; i++) {
    const char *placeholder = test_path("%s/%s", *state, names[i]);

    assert_rc(kv_placeholder_find(path, &found), SQLITE_OK);
    assert_null(found);
    test_write(placeholder, "x", 1);
    assert_rc(kv_placeholder_find(path, &found), SQLITE_OK);
    assert_non_null(found);
    assert_string_equal(found, placeholder);
    sqlite3_free(found);
    test_remove(placeholder);
  }
}

static void other_files_and_folders_are_not_placeholders(void **state) {
  const char *path = test_path("%s/log.db", *state);
  char *found = NULL;

  test_write(test_path("%s/.other.db.icloud", *state), "x", 1);
  test_make_folder(test_path("%s/log.db.cloudf", *state));
  assert_rc(kv_placeholder_find(path, &found), SQLITE_OK);
  assert_null(found);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_name_of_a_placeholder_is_known),
    test_in_folder(a_placeholder_is_found_by_the_path_of_its_file),
    test_in_folder(other_files_and_folders_are_not_placeholders),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
