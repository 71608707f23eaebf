/*
** Return codes in assertions, by their names.
*/
#ifndef TEST_RC_H
#define TEST_RC_H

/* The name of an SQLite code, primary or extended: "SQLITE_BUSY_SNAPSHOT". */
const char *test_rc_name(int rc);

/*
** assert_int_equal() for such codes; a failure prints the call and the names.
*/
#define assert_rc(call, expected)                                              \
  test_rc_at(#call, call, expected, __FILE__, __LINE__)
void test_rc_at(const char *call, int rc, int expected, const char *file,
                int line);

#endif
