/*
** A folder for a test, and files in it.
*/
#ifndef TEST_FILES_H
#define TEST_FILES_H

#include <stddef.h>
#include <stdint.h>

/* A cmocka setup and teardown: *state is the path of a new, empty folder. */
int test_files_setup(void **state);
int test_files_teardown(void **state);

/* An entry for a list of tests: a test in such a folder. */
#define test_in_folder(f)                                                      \
  cmocka_unit_test_setup_teardown(f, test_files_setup, test_files_teardown)

/*
** A path from sqlite3_mprintf() formats, for use as an argument: valid until 16
** more are made.
*/
const char *test_path(const char *format, ...);

int test_exists(const char *path);
void test_make_folder(const char *path);
void test_write(const char *path, const void *bytes, size_t n);
void test_copy(const char *from, const char *to);
void test_move(const char *from, const char *to);
void test_remove(const char *path);

/* Bytes of a file, for sqlite3_free(). */
unsigned char *test_read(const char *path, size_t *n);

/*
** Assert that a file still has the bytes that test_read() returned; frees them.
*/
void test_is_kept_at(const char *file, int line, const char *path,
                     unsigned char *bytes, size_t n);
#define test_is_kept(path, bytes, n)                                           \
  test_is_kept_at(__FILE__, __LINE__, path, bytes, n)

/* Truncate a file to n bytes, or change one byte of it. */
void test_truncate(const char *path, size_t n);
void test_set_byte(const char *path, size_t at, unsigned char byte);

/* Make a symbolic link, a pipe. Where there are none, the test is skipped. */
void test_link(const char *target, const char *path);
void test_make_pipe(const char *path);

/* Skip the test on Windows, and say why. */
void test_not_on_windows(const char *why);

/* Set the time of its last change, in nanoseconds since 1970. */
void test_set_time(const char *path, int64_t time);

/* Set it to long ago, so that the file is no longer fresh. */
void test_make_old(const char *path);

#endif
