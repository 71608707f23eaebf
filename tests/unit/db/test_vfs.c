/*
** Files by the VFS: made, read, deleted, and their names.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/vfs.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/rc.h"

#define MAKE                                                                   \
  (SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE |        \
   SQLITE_OPEN_MASTER_JOURNAL)

static void a_file_is_made_and_deleted(void **state) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
  const char *path = test_path("%s/a file", *state);
  sqlite3_file *file = NULL;
  char read[4] = "";

  assert_rc(kv_vfs_open(vfs, path, MAKE, &file), SQLITE_OK);
  assert_rc(file->pMethods->xWrite(file, "abc", 3, 0), SQLITE_OK);
  kv_vfs_close(file);
  assert_rc(kv_vfs_open(vfs, path,
                        SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_JOURNAL, &file),
            SQLITE_OK);
  assert_rc(file->pMethods->xRead(file, read, 3, 0), SQLITE_OK);
  assert_string_equal(read, "abc");
  kv_vfs_close(file);
  assert_rc(kv_vfs_delete(vfs, path, 1), SQLITE_OK);
  assert_false(test_exists(path));
}

static void a_file_that_is_not_there_is_deleted_already(void **state) {
  assert_rc(
    kv_vfs_delete(sqlite3_vfs_find(NULL), test_path("%s/none", *state), 0),
    SQLITE_OK);
}

static void what_fails_leaves_nothing_open(void **state) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
  const char *path = test_path("%s/none/file", *state);
  sqlite3_file *file = (sqlite3_file *)1;

  assert_int_equal(kv_vfs_open(vfs, path, MAKE, &file) & 0xff, SQLITE_CANTOPEN);
  assert_null(file);
  kv_vfs_close(file);
  assert_rc(kv_vfs_open(vfs, NULL, MAKE, &file), SQLITE_NOMEM);
  assert_rc(kv_vfs_open(NULL, path, MAKE, &file), SQLITE_NOMEM);
  assert_rc(kv_vfs_delete(vfs, NULL, 0), SQLITE_NOMEM);
}

/* A name and the path that it becomes again. */
static void name(const char *path, const char *expected) {
  char *z = kv_vfs_name(path);

  assert_string_equal(z, expected);
  kv_vfs_plain(z);
  assert_string_equal(z, path);
  sqlite3_free(z);
}

static void a_short_path_is_its_name(void **state) {
  (void)state;
  name("/home/me/notes.kv/devices/laptop/log.db",
       "/home/me/notes.kv/devices/laptop/log.db");
  name("C:/notes.kv", "C:/notes.kv");
}

static void only_windows_wants_long_paths_otherwise(void **state) {
  char tail[301];
  char path[320];
  char expected[320];

  (void)state;
  memset(tail, 'x', 300);
  tail[300] = '\0';
  sqlite3_snprintf(sizeof(path), path, "C:/%s/y", tail);
#ifdef _WIN32
  sqlite3_snprintf(sizeof(expected), expected, "\\\\?\\C:\\%s\\y", tail);
#else
  strcpy(expected, path);
#endif
  name(path, expected);
  sqlite3_snprintf(sizeof(path), path, "//server/%s", tail);
#ifdef _WIN32
  sqlite3_snprintf(sizeof(expected), expected, "\\\\?\\UNC\\server\\%s", tail);
#else
  strcpy(expected, path);
#endif
  name(path, expected);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(a_file_is_made_and_deleted),
    test_in_folder(a_file_that_is_not_there_is_deleted_already),
    test_in_folder(what_fails_leaves_nothing_open),
    cmocka_unit_test(a_short_path_is_its_name),
    cmocka_unit_test(only_windows_wants_long_paths_otherwise),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
