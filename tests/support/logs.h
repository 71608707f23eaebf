/*
** Log files written by hand, without the code under test, so that a test can
** write what that code never would.
*/
#ifndef TEST_LOGS_H
#define TEST_LOGS_H

#include "log/reader.h"

typedef struct test_log {
  sqlite3 *db;
  kv_row row; /* the next row; the caller may change its fields */
} test_log;

/* 2026-11-01 00:00:00 */
#define TEST_NOW INT64_C(1793491200000000)

/* Begin a log, with an id of 16 bytes `id`; the file must not exist. */
void test_log_begin(test_log *log, const char *path, const char *device,
                    char id);

/*
** Make {folder}/log.db of device phone with three transactions, a | b, c | d,
** of which the last deletes. Returns its path, as test_path() does.
*/
const char *test_log_make(const char *folder);

/* Continue an existing log. */
void test_log_open(test_log *log, const char *path);

/*
** Write a row of a key and a value, both texts (value NULL: a delete), with the
** next number and a correct sum; `behind` more rows of its transaction follow.
*/
void test_log_set(test_log *log, int64_t ts, const char *key, const char *value,
                  int behind);

/* Write log->row, with the next seq and a correct sum. */
void test_log_write(test_log *log);

/* SQL on the file, to break it. */
void test_log_break(const char *path, const char *text);

void test_log_end(test_log *log);

/* A value of each type. */
kv_value test_null(void);
kv_value test_integer(int64_t i);
kv_value test_real(double r);
kv_value test_text(const char *z);
kv_value test_blob(const void *z, size_t n);

#endif
