#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>
#include <unistd.h>

#include "folder/folder.h"
#include "support/files.h"
#include "support/rc.h"

static void a_look_tells_what_is_there(void **state) {
  const char *file = test_path("%s/file", *state);
  kv_stamp stamp;

  test_write(file, "12345", 5);
  assert_int_equal(kv_folder_look(file, &stamp), KV_FILE_REGULAR);
  assert_int_equal(stamp.size, 5);
  assert_true(stamp.inode != 0);
  assert_true(stamp.mtime > INT64_C(1600000000) * 1000000000);

  assert_int_equal(kv_folder_look(*state, &stamp), KV_FILE_DIRECTORY);
  assert_int_equal(stamp.size, 0);
  assert_int_equal(stamp.mtime, 0);
  assert_int_equal(kv_folder_look(test_path("%s/none", *state), &stamp),
                   KV_FILE_NONE);
  assert_int_equal(kv_folder_look(test_path("%s/file/none", *state), &stamp),
                   KV_FILE_NONE);
}

static void a_look_follows_no_link(void **state) {
  const char *file = test_path("%s/file", *state);
  const char *link = test_path("%s/link", *state);
  kv_stamp stamp;

  test_write(file, "12345", 5);
  test_link(file, link);
  assert_int_equal(kv_folder_look(link, &stamp), KV_FILE_OTHER);
  assert_int_equal(stamp.size, 0);
  test_make_pipe(test_path("%s/pipe", *state));
  assert_int_equal(kv_folder_look(test_path("%s/pipe", *state), &stamp),
                   KV_FILE_OTHER);
}

static void a_look_in_an_open_directory_tells_the_same(void **state) {
  const char *file = test_path("%s/in/file", *state);
  kv_directory *directory;
  kv_stamp by_path;
  kv_stamp stamp;

  assert_rc(kv_folder_open(test_path("%s/none", *state), &directory),
            SQLITE_CANTOPEN);
  assert_null(directory);
  assert_rc(kv_folder_make(test_path("%s/in", *state)), SQLITE_OK);
  test_write(file, "12345", 5);
  test_link(file, test_path("%s/in/link", *state));
  assert_rc(kv_folder_open(*state, &directory), SQLITE_OK);
  assert_int_equal(kv_folder_look_in(directory, "in/file", &stamp),
                   KV_FILE_REGULAR);
  kv_folder_look(file, &by_path);
  assert_memory_equal(&stamp, &by_path, sizeof(stamp));
  assert_int_equal(kv_folder_look_in(directory, "in", &stamp),
                   KV_FILE_DIRECTORY);
  assert_int_equal(kv_folder_look_in(directory, "in/link", &stamp),
                   KV_FILE_OTHER);
  assert_int_equal(kv_folder_look_in(directory, "in/none", &stamp),
                   KV_FILE_NONE);
  assert_int_equal(stamp.inode, 0);
  kv_folder_close(directory);
  kv_folder_close(NULL);
}

static void any_change_changes_the_stamp(void **state) {
  const char *file = test_path("%s/file", *state);
  kv_stamp a;
  kv_stamp b;

  test_write(file, "12345", 5);
  kv_folder_look(file, &a);
  kv_folder_look(file, &b);
  assert_memory_equal(&a, &b, sizeof(a));
  test_write(file, "123456", 6);
  kv_folder_look(file, &b);
  assert_memory_not_equal(&a, &b, sizeof(a));
  /* another file with the same size and time of change */
  kv_folder_look(file, &a);
  test_copy(file, test_path("%s/copy", *state));
  test_move(test_path("%s/copy", *state), file);
  kv_folder_look(file, &b);
  assert_int_equal(a.size, b.size);
  assert_true(a.inode != b.inode);
}

static void a_file_is_fresh_for_two_seconds(void **state) {
  const char *file = test_path("%s/file", *state);
  int64_t now = kv_folder_now() * 1000;
  kv_stamp stamp;

  test_write(file, "1", 1);
  kv_folder_look(file, &stamp);
  assert_true(kv_folder_is_fresh(&stamp));
  stamp.mtime = stamp.ctime = now - INT64_C(3000000000);
  assert_false(kv_folder_is_fresh(&stamp));
  stamp.mtime = now - INT64_C(1000000000);
  assert_true(kv_folder_is_fresh(&stamp));
  /* its modification time can be set by hand, its inode's change time cannot */
  stamp.mtime = 0;
  stamp.ctime = now - INT64_C(1000000000);
  assert_true(kv_folder_is_fresh(&stamp));
  stamp.ctime = now + INT64_C(9000000000);
  assert_true(kv_folder_is_fresh(&stamp));
}

static void only_the_last_part_of_a_path_is_created(void **state) {
  char *out = NULL;
  char *err = NULL;

  assert_rc(kv_folder_resolve(test_path("%s/new", *state), NULL, 1, &out, &err),
            SQLITE_OK);
  assert_string_equal(out, test_path("%s/new", *state));
  assert_true(test_exists(out));
  sqlite3_free(out);

  assert_rc(kv_folder_resolve(test_path("%s/a/b", *state), NULL, 1, &out, &err),
            SQLITE_CANTOPEN);
  assert_null(out);
  assert_non_null(strstr(err, "only the last part of a path is created"));
  assert_false(test_exists(test_path("%s/a", *state)));
  sqlite3_free(err);
}

static void without_create_nothing_is_created(void **state) {
  char *out = NULL;

  assert_rc(kv_folder_resolve(test_path("%s/a/b", *state), NULL, 0, &out, NULL),
            SQLITE_OK);
  assert_string_equal(out, test_path("%s/a/b", *state));
  assert_false(test_exists(test_path("%s/a", *state)));
  sqlite3_free(out);
}

static void a_relative_path_starts_at_its_base(void **state) {
  char *out = NULL;

  assert_rc(kv_folder_resolve("notes.kv", *state, 1, &out, NULL), SQLITE_OK);
  assert_string_equal(out, test_path("%s/notes.kv", *state));
  sqlite3_free(out);
  assert_int_equal(chdir(*state), 0);
  assert_rc(kv_folder_resolve("./notes.kv/", NULL, 0, &out, NULL), SQLITE_OK);
  assert_string_equal(out, test_path("%s/notes.kv", *state));
  sqlite3_free(out);
  assert_int_equal(chdir("/"), 0);
}

static void all_paths_to_a_folder_become_one(void **state) {
  static const char *const ways[] = {"%s/store",          "%s/store/",
                                     "%s/store//",        "%s/./store",
                                     "%s/store/../store", "%s/link"};
  size_t i;

  test_make_folder(test_path("%s/store", *state));
  test_link("store", test_path("%s/link", *state));
  for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
    char *out = NULL;

    assert_rc(
      kv_folder_resolve(test_path(ways[i], *state), NULL, 1, &out, NULL),
      SQLITE_OK);
    assert_string_equal(out, test_path("%s/store", *state));
    sqlite3_free(out);
  }
}

static void a_file_is_not_a_folder(void **state) {
  char *out = NULL;
  char *err = NULL;

  test_write(test_path("%s/file", *state), "1", 1);
  assert_rc(
    kv_folder_resolve(test_path("%s/file", *state), NULL, 1, &out, &err),
    SQLITE_CANTOPEN);
  assert_null(out);
  assert_non_null(strstr(err, "is not a folder"));
  sqlite3_free(err);
}

static void making_an_existing_folder_is_fine(void **state) {
  const char *folder = test_path("%s/folder", *state);

  assert_rc(kv_folder_make(folder), SQLITE_OK);
  assert_rc(kv_folder_make(folder), SQLITE_OK);
  assert_rc(kv_folder_make(test_path("%s/a/b", *state)), SQLITE_CANTOPEN);
}

static void a_file_is_renamed_or_stays(void **state) {
  const char *a = test_path("%s/a", *state);
  const char *b = test_path("%s/b", *state);

  test_write(a, "1", 1);
  assert_rc(kv_folder_rename(a, b), SQLITE_OK);
  assert_false(test_exists(a));
  assert_true(test_exists(b));
  assert_rc(kv_folder_rename(a, b), SQLITE_IOERR);
  assert_true(test_exists(b));
}

static void names_are_sorted_bytewise(void **state) {
  static const char *const made[] = {"b", "a", "C", "a.b", ".x"};
  static const char *const sorted[] = {".x", "C", "a", "a.b", "b"};
  char **names = NULL;
  int n = 0;
  int i;

  for (i = 0; i < 5; i++)
    test_write(test_path("%s/%s", *state, made[i]), "", 0);
  assert_rc(kv_folder_list(*state, 100, 0, &names, &n), SQLITE_OK);
  assert_int_equal(n, 5);
  for (i = 0; i < 5; i++)
    assert_string_equal(names[i], sorted[i]);
  kv_folder_free_names(names, n);
}

/* The sum of names that are numbers, up to one that is refused. */
static int add_number(void *to, const char *name) {
  int number = atoi(name);

  *(int *)to += number;
  return number == 7 ? SQLITE_FULL : SQLITE_OK;
}

static void each_name_is_handed_over_until_one_is_refused(void **state) {
  int sum = 0;
  int i;

  for (i = 1; i <= 5; i++)
    test_write(test_path("%s/%d", *state, i), "", 0);
  assert_rc(kv_folder_each(*state, add_number, &sum), SQLITE_OK);
  assert_int_equal(sum, 15);
  test_write(test_path("%s/7", *state), "", 0);
  assert_rc(kv_folder_each(*state, add_number, &sum), SQLITE_FULL);
  assert_rc(kv_folder_each(test_path("%s/none", *state), add_number, &sum),
            SQLITE_CANTOPEN);
}

static void a_listing_has_a_limit(void **state) {
  char **names = NULL;
  int n = 0;
  int i;

  for (i = 0; i < 40; i++)
    test_write(test_path("%s/%d", *state, i), "", 0);
  assert_rc(kv_folder_list(*state, 100, 0, &names, &n), SQLITE_OK);
  assert_int_equal(n, 40);
  kv_folder_free_names(names, n);
  assert_rc(kv_folder_list(*state, 17, 0, &names, &n), SQLITE_OK);
  assert_int_equal(n, 17);
  kv_folder_free_names(names, n);
}

static void links_and_files_are_not_directories(void **state) {
  char **names = NULL;
  int n = 0;

  test_make_folder(test_path("%s/folder", *state));
  test_write(test_path("%s/file", *state), "", 0);
  test_link("folder", test_path("%s/link", *state));
  assert_rc(kv_folder_list(*state, 100, 1, &names, &n), SQLITE_OK);
  assert_int_equal(n, 1);
  assert_string_equal(names[0], "folder");
  kv_folder_free_names(names, n);
}

static void a_missing_folder_cannot_be_listed(void **state) {
  char **names = (char **)1;
  int n = 7;

  assert_rc(kv_folder_list(test_path("%s/none", *state), 100, 0, &names, &n),
            SQLITE_CANTOPEN);
  assert_null(names);
  assert_int_equal(n, 0);
}

static void the_machines_identity_is_stable(void **state) {
  char a[KV_MACHINE_SIZE];
  char b[KV_MACHINE_SIZE];

  (void)state;
  memset(a, 'x', sizeof(a));
  kv_folder_machine(a);
  kv_folder_machine(b);
  assert_string_equal(a, b);
  assert_true(strlen(a) == 0 || strlen(a) == 16);
  assert_int_equal(strspn(a, "0123456789abcdef"), strlen(a));
}

static void the_clock_counts_microseconds_since_1970(void **state) {
  int64_t now = kv_folder_now();

  (void)state;
  assert_true(now / 1000000 - (int64_t)time(NULL) <= 1);
  assert_true((int64_t)time(NULL) - now / 1000000 <= 1);
  assert_true(kv_folder_now() >= now);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(a_look_tells_what_is_there),
    test_in_folder(a_look_follows_no_link),
    test_in_folder(a_look_in_an_open_directory_tells_the_same),
    test_in_folder(any_change_changes_the_stamp),
    test_in_folder(a_file_is_fresh_for_two_seconds),
    test_in_folder(only_the_last_part_of_a_path_is_created),
    test_in_folder(without_create_nothing_is_created),
    test_in_folder(a_relative_path_starts_at_its_base),
    test_in_folder(all_paths_to_a_folder_become_one),
    test_in_folder(a_file_is_not_a_folder),
    test_in_folder(making_an_existing_folder_is_fine),
    test_in_folder(a_file_is_renamed_or_stays),
    test_in_folder(names_are_sorted_bytewise),
    test_in_folder(each_name_is_handed_over_until_one_is_refused),
    test_in_folder(a_listing_has_a_limit),
    test_in_folder(links_and_files_are_not_directories),
    test_in_folder(a_missing_folder_cannot_be_listed),
    test_in_folder(the_machines_identity_is_stable),
    test_in_folder(the_clock_counts_microseconds_since_1970),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
