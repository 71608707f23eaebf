/*
** Paths on Windows: drives, shares, long names, names that are not ASCII. Built
** for Windows only.
*/
#include <windows.h>

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "folder/folder.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/rc.h"

/* "Größe 東京": what is one character there is two or three bytes here. */
#define NOT_ASCII                                                              \
  "Gr\xc3\xb6\xc3\x9f"                                                         \
  "e \xe6\x9d\xb1\xe4\xba\xac"

static void assert_absolute(const char *path, const char *base,
                            const char *expected) {
  char *out = kv_folder_absolute(path, base);

  assert_non_null(out);
  assert_string_equal(out, expected);
  sqlite3_free(out);
}

static void assert_resolved(const char *path, const char *expected) {
  char *out = NULL;

  assert_rc(kv_folder_resolve(path, NULL, 0, &out, NULL), SQLITE_OK);
  assert_string_equal(out, expected);
  sqlite3_free(out);
}

static void a_path_is_absolute_by_its_text(void **state) {
  (void)state;
  assert_absolute("C:/a/../b/./c/", NULL, "C:/b/c");
  assert_absolute("C:\\a\\b\\", NULL, "C:/a/b");
  assert_absolute("C:\\", NULL, "C:/");
  assert_absolute("b\\c", "C:/a", "C:/a/b/c");
  assert_absolute("../c", "C:\\a\\b", "C:/a/c");
  assert_absolute("\\\\?\\C:\\a\\b", NULL, "C:/a/b");
  assert_absolute("\\\\server\\share\\a\\", NULL, "//server/share/a");
  assert_absolute("//server/share/a/../b", NULL, "//server/share/b");
  assert_absolute("\\\\?\\UNC\\server\\share\\a", NULL, "//server/share/a");
  assert_absolute("C:/" NOT_ASCII, NULL, "C:/" NOT_ASCII);
}

static void what_starts_at_the_drive_is_on_that_of_the_process(void **state) {
  char here[MAX_PATH];
  char *expected;

  (void)state;
  assert_true(GetCurrentDirectoryA(sizeof(here), here) > 0);
  expected = sqlite3_mprintf("%c:/a", here[0]);
  assert_absolute("/a", NULL, expected);
  assert_absolute("\\a", "D:/x", expected);
  sqlite3_free(expected);
}

static void all_ways_to_a_folder_are_one(void **state) {
  const char *store = test_path("%s/Store", *state);
  char *back = sqlite3_mprintf("%s\\sTORE\\", *state);
  char *z;

  test_make_folder(store);
  for (z = back; *z; z++)
    if (*z == '/') *z = '\\';
  assert_resolved(store, store);
  assert_resolved(test_path("%s/STORE/", *state), store);
  assert_resolved(test_path("%s/./store/../store", *state), store);
  assert_resolved(back, store);
  assert_resolved(test_path("\\\\?\\%s", back), store);
  assert_resolved(test_path("\\\\.\\%s", back), store);
  sqlite3_free(back);
}

static void the_root_of_a_drive_is_a_folder(void **state) {
  char *out = NULL;
  char *root = sqlite3_mprintf("%.3s", *state);

  assert_rc(kv_folder_make(root), SQLITE_OK);
  assert_rc(kv_folder_resolve(root, NULL, 1, &out, NULL), SQLITE_OK);
  assert_string_equal(out, root);
  sqlite3_free(out);
  sqlite3_free(root);
}

static void what_cannot_be_a_name_is_refused(void **state) {
  static const char *const names[] = {"a|b", "a?b", "a*b", "a<b"};
  kv_stamp stamp;
  size_t i;

  for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    char *out = NULL;
    char *err = NULL;
    const char *path = test_path("%s/%s", *state, names[i]);

    assert_rc(kv_folder_resolve(path, NULL, 1, &out, &err), SQLITE_CANTOPEN);
    assert_null(out);
    assert_non_null(strstr(err, "cannot create folder"));
    sqlite3_free(err);
    assert_int_equal(kv_folder_look(path, &stamp), KV_FILE_NONE);
  }
}

/* Everything that a store does to files below a folder, which is made. */
static void use(const char *folder) {
  char *file = sqlite3_mprintf("%s/log.db", folder);
  char *other = sqlite3_mprintf("%s/other.db", folder);
  sqlite3 *db = test_connect(":memory:");
  char *real = NULL;
  char **names = NULL;
  kv_stamp stamp;
  int n = 0;

  assert_rc(kv_folder_resolve(folder, NULL, 1, &real, NULL), SQLITE_OK);
  /* Wine knows the drive that a server's folder is on, and says it. */
  if (folder[0] != '/') assert_string_equal(real, folder);
  assert_int_equal(kv_folder_look(real, &stamp), KV_FILE_DIRECTORY);
  assert_int_equal(kv_folder_look(folder, &stamp), KV_FILE_DIRECTORY);
  test_run(db, "SELECT kv_open(%Q, 'sealed', 'segment=1')", folder);
  test_run(db, "INSERT INTO kv VALUES('s', zeroblob(20000))");
  test_run(db, "SELECT kv_sync()");
  test_rows(db, "devices/sealed/log.db|sealed|ok|2",
            "SELECT file, device, state, n_files FROM kv_devices");
  test_run(db, "DELETE FROM kv");
  test_run(db, "SELECT kv_close()");
  test_run(db, "SELECT kv_open(%Q, 'laptop', 'segment=0')", folder);
  test_run(db, "INSERT INTO kv VALUES('k', zeroblob(20000))");
  test_run(db, "SELECT kv_sync()");
  test_rows(db, "k|20000|1",
            test_path("SELECT key, length(value), valid "
                      "FROM kv_foreign('%q/devices/laptop') WHERE key = 'k'",
                      folder));
  test_rows(db, "laptop|ok\nsealed|ok",
            "SELECT device, state FROM kv_devices ORDER BY device");
  test_run(db, "SELECT kv_close()");
  test_disconnect(db);

  assert_rc(
    kv_folder_rename(test_path("%s/devices/laptop/log.db", folder), file),
    SQLITE_OK);
  assert_int_equal(kv_folder_look(file, &stamp), KV_FILE_REGULAR);
  assert_true(stamp.size > 20000 && stamp.inode != 0);
  assert_true(kv_folder_room(file) > 0);
  test_set_time(file, INT64_C(1000000000) * 1000000000);
  kv_folder_look(file, &stamp);
  assert_true(stamp.mtime == INT64_C(1000000000) * 1000000000);
  kv_folder_touch(file);
  kv_folder_look(file, &stamp);
  assert_true(stamp.mtime > INT64_C(1600000000) * 1000000000);
  assert_rc(kv_folder_rename(file, other), SQLITE_OK);
  assert_rc(kv_folder_list(folder, INT_MAX, 0, &names, &n), SQLITE_OK);
  assert_int_equal(n, 2);
  assert_string_equal(names[0], "devices");
  assert_string_equal(names[1], "other.db");
  kv_folder_free_names(names, n);
  sqlite3_free(real);
  sqlite3_free(file);
  sqlite3_free(other);
}

static void names_need_not_be_ascii(void **state) {
  const char *folder = test_path("%s/" NOT_ASCII, *state);
  char **names = NULL;
  int n = 0;

  use(folder);
  assert_rc(kv_folder_list(*state, INT_MAX, 1, &names, &n), SQLITE_OK);
  assert_int_equal(n, 1);
  assert_string_equal(names[0], NOT_ASCII);
  kv_folder_free_names(names, n);
}

/* Every length around the limits of 248 and 260, and one far beyond. */
static void a_path_may_be_long(void **state) {
  int lengths[] = {150, 158, 170, 225, 238, 239, 240, 247, 248, 260, 600};
  char *base = sqlite3_mprintf("%s", *state);
  size_t i;

  for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
    int left = lengths[i] - (int)strlen(base) - 1;
    char *folder = sqlite3_mprintf("%s", base);

    while (left > 0) {
      int n = left > 200 ? 100 : left;
      char *next = sqlite3_mprintf("%s/%.*c", folder, n, 'a' + (int)i);

      sqlite3_free(folder);
      folder = next;
      left -= n + 1;
      if (left > 0) assert_rc(kv_folder_make(folder), SQLITE_OK);
    }
    use(folder);
    sqlite3_free(folder);
  }
  sqlite3_free(base);
}

/* KV_TEST_SHARE is an empty folder by the name of its server. */
static void a_share_of_a_server_is_a_folder(void **state) {
  const char *share = getenv("KV_TEST_SHARE");

  (void)state;
  if (!share) test_not_on_windows("KV_TEST_SHARE names no share");
  use(test_path("%s/notes.kv", share));
  use(test_path("%s/%.240c", share, 'l'));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_path_is_absolute_by_its_text),
    cmocka_unit_test(what_starts_at_the_drive_is_on_that_of_the_process),
    test_in_folder(all_ways_to_a_folder_are_one),
    test_in_folder(the_root_of_a_drive_is_a_folder),
    test_in_folder(what_cannot_be_a_name_is_refused),
    test_in_folder(names_need_not_be_ascii),
    test_in_folder(a_path_may_be_long),
    test_in_folder(a_share_of_a_server_is_a_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
