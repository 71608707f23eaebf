/*
** Connections with the extension, and what SQL says through them.
**
** Everything here fails the running test where the caller stands.
*/
#ifndef TEST_CONNECTION_H
#define TEST_CONNECTION_H

#include <sqlite3.h>

/* Open a database (":memory:", a path) with the extension. */
sqlite3 *test_connect(const char *file);

/* Close it; a statement or store that is left behind fails the test. */
void test_disconnect(sqlite3 *db);

/*
** Rows as text: columns with '|' between them, rows with '\n' after them,
** NULL as nothing. text may have sqlite3_mprintf() formats in it. The result
** is for sqlite3_free(). An error's text is the result, in its place.
*/
char *test_ask(sqlite3 *db, const char *text, ...);

/* Run statements; returns the extended result code. */
int test_try(sqlite3 *db, const char *text, ...);

/* The same, which have to succeed. */
void test_run_at(const char *file, int line, sqlite3 *db, const char *text,
                 ...);
#define test_run(...) test_run_at(__FILE__, __LINE__, __VA_ARGS__)

/*
** Rows as test_ask() gives them, without the last '\n'. With formats in the text
** where the caller's file and line are given.
*/
void test_rows_at(const char *file, int line, sqlite3 *db, const char *expected,
                  const char *text, ...);
#define test_rows(db, expected, text)                                          \
  test_rows_at(__FILE__, __LINE__, db, expected, "%s", text)

#endif
