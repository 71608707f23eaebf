/*
** A folder for a test, and files in it, on Windows. See files.h.
*/
#ifdef _WIN32
#include <windows.h>

#include "files.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "folder/folder.h"

/* 1601, where Windows counts from, in seconds before 1970. */
#define FILES_EPOCH INT64_C(11644473600)

static wchar_t *files_wide(const char *path) {
  static wchar_t wide[2][2048];
  static int next;

  next = !next;
  assert_true(MultiByteToWideChar(CP_UTF8, 0, path, -1, wide[next], 2048) > 0);
  return wide[next];
}

/* The folder for temporary files may have a short name: ask for the whole one. */
int test_files_setup(void **state) {
  static int n;
  char base[MAX_PATH + 1];
  char *path;
  char *real = NULL;

  if (!GetTempPathA(sizeof(base), base)) return -1;
  path = sqlite3_mprintf("%skv-test.%lu-%d", base, GetCurrentProcessId(), n++);
  kv_folder_resolve(path, NULL, 1, &real, NULL);
  sqlite3_free(path);
  *state = real;
  return real ? 0 : -1;
}

static int files_remove_all(const char *path) {
  char **names = NULL;
  int n = 0;
  int failed = kv_folder_list(path, INT_MAX, 0, &names, &n) != SQLITE_OK;
  int i;

  for (i = 0; i < n; i++) {
    char *child = sqlite3_mprintf("%s/%s", path, names[i]);
    kv_stamp stamp;

    if (kv_folder_look(child, &stamp) == KV_FILE_DIRECTORY) {
      failed |= files_remove_all(child);
    } else {
      failed |= !DeleteFileW(files_wide(child));
    }
    sqlite3_free(child);
  }
  kv_folder_free_names(names, n);
  return failed | (kv_folder_remove(path) != SQLITE_OK);
}

int test_files_teardown(void **state) {
  int failed = files_remove_all(*state);

  if (failed)
    print_error("%s stays: what is open cannot be deleted\n", (char *)*state);
  sqlite3_free(*state);
  (void)test_path(NULL);
  return failed;
}

int test_exists(const char *path) {
  return GetFileAttributesW(files_wide(path)) != INVALID_FILE_ATTRIBUTES;
}

void test_make_folder(const char *path) {
  assert_true(CreateDirectoryW(files_wide(path), NULL));
}

void test_move(const char *from, const char *to) {
  assert_true(
    MoveFileExW(files_wide(from), files_wide(to), MOVEFILE_REPLACE_EXISTING));
}

void test_remove(const char *path) {
  assert_true(DeleteFileW(files_wide(path)) ||
              RemoveDirectoryW(files_wide(path)));
}

void test_not_on_windows(const char *why) {
  print_message("not on Windows: %s\n", why);
  skip();
}

void test_link(const char *target, const char *path) {
  (void)target;
  (void)path;
  test_not_on_windows("a link is a privilege, and Wine has none");
}

void test_make_pipe(const char *path) {
  (void)path;
  test_not_on_windows("a pipe is no file");
}

void test_set_time(const char *path, int64_t time) {
  HANDLE file = CreateFileW(files_wide(path), FILE_WRITE_ATTRIBUTES,
                            FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                            OPEN_EXISTING, 0, NULL);
  int64_t units = time / 100 + FILES_EPOCH * 10000000;
  FILETIME set = {(DWORD)units, (DWORD)(units >> 32)};

  assert_true(file != INVALID_HANDLE_VALUE);
  assert_true(SetFileTime(file, NULL, NULL, &set));
  CloseHandle(file);
}
#else
typedef int files_are_elsewhere; /* files.c */
#endif
