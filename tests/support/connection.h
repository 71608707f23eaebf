/*
** Connections with the extension, and what SQL says through them.
**
** A failure here fails the running test, with the caller's line.
*/
#ifndef TEST_CONNECTION_H
#define TEST_CONNECTION_H

#include <sqlite3.h>

/* Open a database (":memory:", a path) with the extension. */
sqlite3 *test_connect(const char *file);

/* Close it; a statement or store that is still open fails the test. */
void test_disconnect(sqlite3 *db);

/*
** Rows as text: columns with '|' between them, rows with '\n' after them, NULL
** as nothing. text may contain sqlite3_mprintf() formats. The result is for
** sqlite3_free(). After an error, its message is the result.
*/
char *test_ask(sqlite3 *db, const char *text, ...);

/* Run statements; returns the extended result code. */
int test_try(sqlite3 *db, const char *text, ...);

/* The same; they must succeed. */
void test_run_at(const char *file, int line, sqlite3 *db, const char *text,
                 ...);
#define test_run(...) test_run_at(__FILE__, __LINE__, __VA_ARGS__)

/*
** Rows as test_ask() returns them, without the last '
'. The text may contain formats if you give file and line yourself.
*/
void test_rows_at(const char *file, int line, sqlite3 *db, const char *expected,
                  const char *text, ...);
#define test_rows(db, expected, text)                                          \
  test_rows_at(__FILE__, __LINE__, db, expected, "%s", text)

#endif
