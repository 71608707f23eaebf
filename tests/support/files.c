/*
** A folder for a test. See files.h.
*/
#define _GNU_SOURCE
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#ifndef _WIN32 /* files_windows.c */
#include <fcntl.h>
#include <ftw.h>

int test_files_setup(void **state) {
  const char *base = getenv("TMPDIR");
  char *path = sqlite3_mprintf("%s/kv-test.XXXXXX", base ? base : "/tmp");
  char *real;

  if (!mkdtemp(path)) return -1;
  real = realpath(path, NULL);
  sqlite3_free(path);
  *state = real;
  return real ? 0 : -1;
}

static int files_remove_entry(const char *path, const struct stat *st, int type,
                              struct FTW *ftw) {
  (void)st;
  (void)type;
  (void)ftw;
  return remove(path);
}

int test_files_teardown(void **state) {
  int rc = nftw(*state, files_remove_entry, 16, FTW_DEPTH | FTW_PHYS);

  free(*state);
  (void)test_path(NULL);
  return rc;
}

int test_exists(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0;
}

void test_make_folder(const char *path) {
  assert_int_equal(mkdir(path, 0777), 0);
}

void test_move(const char *from, const char *to) {
  assert_int_equal(rename(from, to), 0);
}

void test_remove(const char *path) {
  assert_int_equal(remove(path), 0);
}

void test_not_on_windows(const char *why) {
  (void)why;
}

void test_link(const char *target, const char *path) {
  assert_int_equal(symlink(target, path), 0);
}

void test_make_pipe(const char *path) {
  assert_int_equal(mkfifo(path, 0600), 0);
}

void test_set_time(const char *path, int64_t time) {
  struct timespec times[2] = {{0, UTIME_OMIT}, {0, 0}};

  times[1].tv_sec = (time_t)(time / 1000000000);
  times[1].tv_nsec = (long)(time % 1000000000);
  assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}
#endif

const char *test_path(const char *format, ...) {
  static char *paths[16];
  static int next;
  va_list ap;

  if (!format) {
    for (next = 0; next < 16; next++) {
      sqlite3_free(paths[next]);
      paths[next] = NULL;
    }
    next = 0;
    return NULL;
  }
  next = (next + 1) % 16;
  sqlite3_free(paths[next]);
  va_start(ap, format);
  paths[next] = sqlite3_vmprintf(format, ap);
  va_end(ap);
  return paths[next];
}

void test_write(const char *path, const void *bytes, size_t n) {
  FILE *f = fopen(path, "wb");

  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, n, f), n);
  assert_int_equal(fclose(f), 0);
}

unsigned char *test_read(const char *path, size_t *n) {
  FILE *f = fopen(path, "rb");
  unsigned char *bytes;
  struct stat st;

  assert_non_null(f);
  assert_int_equal(fstat(fileno(f), &st), 0);
  *n = (size_t)st.st_size;
  bytes = sqlite3_malloc64(*n + 1);
  assert_int_equal(fread(bytes, 1, *n, f), *n);
  fclose(f);
  return bytes;
}

void test_is_kept_at(const char *file, int line, const char *path,
                     unsigned char *bytes, size_t n) {
  size_t n_now;
  unsigned char *now = test_read(path, &n_now);

  _assert_int_equal(n_now, n, file, line);
  _assert_memory_equal(now, bytes, n, file, line);
  sqlite3_free(now);
  sqlite3_free(bytes);
}

void test_copy(const char *from, const char *to) {
  size_t n;
  unsigned char *bytes = test_read(from, &n);

  test_write(to, bytes, n);
  sqlite3_free(bytes);
}

void test_truncate(const char *path, size_t n) {
  assert_int_equal(truncate(path, (off_t)n), 0);
}

void test_set_byte(const char *path, size_t at, unsigned char byte) {
  FILE *f = fopen(path, "r+b");

  assert_non_null(f);
  assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
  assert_int_equal(fputc(byte, f), byte);
  assert_int_equal(fclose(f), 0);
}

void test_make_old(const char *path) {
  test_set_time(path, INT64_C(1000000000) * 1000000000);
}
