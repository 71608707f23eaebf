/*
** Binary property lists for tests, from objects that are written by hand.
*/
#ifndef TEST_PLISTS_H
#define TEST_PLISTS_H

#include <stddef.h>

/* An object: its bytes, as a literal that may have NULs in it. */
typedef struct test_object {
  const char *z;
  size_t n;
} test_object;

#define test_object_of(literal)                                                \
  { literal, sizeof(literal) - 1 }

/*
** A list of n objects, the first of which is the top, with references of
** ref_size bytes. For sqlite3_free(); *n_out bytes.
*/
unsigned char *test_plist(const test_object *objects, int n, int ref_size,
                          size_t *n_out);

/* A list with one object. */
unsigned char *test_plist_of(const char *z, size_t n, size_t *n_out);

#define test_plist_one(literal, n_out)                                         \
  test_plist_of(literal, sizeof(literal) - 1, n_out)

#endif
