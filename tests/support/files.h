/*
** A folder for a test, and files in it.
*/
#ifndef TEST_FILES_H
#define TEST_FILES_H

#include <stddef.h>

/* A cmocka setup and teardown: *state is the path of a new, empty folder. */
int test_files_setup(void **state);
int test_files_teardown(void **state);

/* A test in such a folder, for a list of tests. */
#define test_in_folder(f)                                                      \
  cmocka_unit_test_setup_teardown(f, test_files_setup, test_files_teardown)

/*
** A path from sqlite3_mprintf() formats, valid until 16 more were made: for
** arguments.
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

/* A file has these bytes, as test_read() gave them; frees them. */
void test_is_kept_at(const char *file, int line, const char *path,
                     unsigned char *bytes, size_t n);
#define test_is_kept(path, bytes, n)                                           \
  test_is_kept_at(__FILE__, __LINE__, path, bytes, n)

/* Make it so many bytes long, or change one byte of it. */
void test_truncate(const char *path, size_t n);
void test_set_byte(const char *path, size_t at, unsigned char byte);

/* Give it a time of change long ago, so that it is not fresh any more. */
void test_make_old(const char *path);

#endif
