/*
** Property lists as values. The fixtures of tests/python/test_parstore.py have
** many more, written by another program; here are edge cases, and the cost of
** hostile lists.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "parstore/plist.h"
#include "support/plists.h"
#include "support/rc.h"

/* Read a list, and free it, as "type:value" for sqlite3_free(). */
static char *read_list(unsigned char *z, size_t n, int64_t most) {
  kv_plist plist;
  char *out = NULL;

  assert_rc(kv_plist_read(z, n, most, &plist), SQLITE_OK);
  if (!plist.type) {
    assert_int_equal(plist.value.type, KV_BLOB);
    assert_ptr_equal(plist.value.z, z);
    assert_int_equal(plist.value.n, n);
    out = sqlite3_mprintf("unreadable");
  } else if (strcmp(plist.type, "plist") == 0) {
    assert_int_equal(plist.value.type, KV_BLOB);
    assert_ptr_equal(plist.value.z, z);
    assert_int_equal(plist.value.n, n);
    out = sqlite3_mprintf("plist");
  } else if (plist.value.type == KV_INTEGER) {
    out = sqlite3_mprintf("%s:%lld", plist.type, plist.value.i);
  } else if (plist.value.type == KV_REAL) {
    out = sqlite3_mprintf("%s:%g", plist.type, plist.value.r);
  } else {
    assert_int_equal(plist.value.type,
                     strcmp(plist.type, "data") == 0 ? KV_BLOB : KV_TEXT);
    out = sqlite3_mprintf("%s:%.*s", plist.type, (int)plist.value.n,
                          (const char *)plist.value.z);
  }
  kv_plist_clear(&plist);
  sqlite3_free(z);
  return out;
}

static void assert_list(const test_object *objects, int n,
                        const char *expected) {
  size_t size;
  unsigned char *z = test_plist(objects, n, 1, &size);
  char *got = read_list(z, size, 1000000);

  assert_string_equal(got, expected);
  sqlite3_free(got);
}

#define assert_one(literal, expected)                                          \
  do {                                                                         \
    const test_object one[] = {test_object_of(literal)};                       \
    assert_list(one, 1, expected);                                             \
  } while (0)

static void simple_values_keep_their_types(void **state) {
  (void)state;
  assert_one("\x09", "boolean:1");
  assert_one("\x13\x80\0\0\0\0\0\0\0", "integer:-9223372036854775808");
  assert_one("\x22\x3f\xc0\0\0", "real:1.5");
  assert_one("\x23\x7f\xf0\0\0\0\0\0\0", "real:Inf");
  assert_one("\x40", "data:");
  assert_one("\x42\x31\x32", "data:12");
  assert_one("\x50", "string:");
  assert_one("\x63\0A\0\xe9\x20\xac", "string:A\xc3\xa9\xe2\x82\xac");
  assert_one("\x62\xd8\x3d\xde\0", "string:\xf0\x9f\x98\x80");
}

static void dates_are_text(void **state) {
  (void)state;
  assert_one("\x33\0\0\0\0\0\0\0\0", "date:2001-01-01 00:00:00.000");
  assert_one("\x33\xbf\xf0\0\0\0\0\0\0", "date:2000-12-31 23:59:59.000");
  assert_one("\x33\x3e\xb0\xc6\xf7\xa0\xb5\xed\x8d",
             "date:2001-01-01 00:00:00.000001");
  /* 0000-01-01, 9999-12-31 23:59:59, and beyond them */
  assert_one("\x33\xc2\x2d\x67\x88\x89\0\0\0", "date:0000-01-01 00:00:00.000");
  assert_one("\x33\xc2\x2d\x67\x88\x89\2\0\0", "plist");
  assert_one("\x33\x42\x4d\x62\xd2\x3c\x7f\x80\0",
             "date:9999-12-31 23:59:59.000");
  assert_one("\x33\x42\x4d\x62\xd2\x3c\x80\0\0", "plist");
  assert_one("\x33\x7f\xf8\0\0\0\0\0\0", "plist");
  assert_one("\x33\x7f\xf0\0\0\0\0\0\0", "plist");
}

static void values_that_sql_lacks_stay_a_list(void **state) {
  const test_object inside[] = {test_object_of("\xa2\1\2"),
                                test_object_of("\x80\x07"),
                                test_object_of("\x09")};
  const test_object damaged[] = {test_object_of("\xa2\1\2"),
                                 test_object_of("\x80\x07"),
                                 test_object_of("\x00")};

  (void)state;
  assert_one("\x14\0\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\0", "plist");
  assert_one("\x23\x7f\xf8\0\0\0\0\0\0", "plist");
  assert_one("\x80\x07", "plist");
  assert_one("\x61\xd8\x3d", "plist");
  assert_one("\x62\xde\0\xd8\x3d", "plist");
  assert_list(inside, 3, "plist");
  assert_list(damaged, 3, "unreadable"); /* damage takes precedence */
}

static void arrays_and_dictionaries_are_json(void **state) {
  const test_object array[] = {
    test_object_of("\xab\1\2\3\4\5\6\7\x08\x09\x0a\x0b"),
    test_object_of("\x08"),
    test_object_of("\x13\xff\xff\xff\xff\xff\xff\xff\xff"),
    test_object_of("\x14\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"),
    test_object_of("\x23\x3f\xb9\x99\x99\x99\x99\x99\x9a"),
    test_object_of("\x23\x80\0\0\0\0\0\0\0"),
    test_object_of("\x23\xff\xf0\0\0\0\0\0\0"),
    test_object_of("\x23\x43\x41\xc3\x79\x37\xe0\x80\0"), /* 1e16 */
    test_object_of("\x33\0\0\0\0\0\0\0\0"),
    test_object_of("\x42\0\xfa"),
    test_object_of("\x59\"\\/\x01\x08\n\r\t\x7f"),
    test_object_of("\xd0"),
  };
  const test_object dictionary[] = {
    test_object_of("\xd5\1\2\3\4\1\5\6\7\5\6"),
    test_object_of("\x51z"),
    test_object_of("\x61\0\xe9"),
    test_object_of("\x50"),
    test_object_of("\x52za"),
    test_object_of("\x10\5"),
    test_object_of("\x10\6"),
    test_object_of("\xa0"),
  };
  const test_object keys[] = {test_object_of("\xd1\1\1"),
                              test_object_of("\x10\1")};

  (void)state;
  assert_list(array, 12,
              "array:[false,-1,18446744073709551615,0.1,-0.0,-9e999,1e+16,"
              "\"2001-01-01 00:00:00.000\",{\"blob\":\"00FA\"},"
              "\"\\\"\\\\/\\u0001\\b\\n\\r\\t\x7f\",{}]");
  /* Sorted by bytes; of the two keys z the last one counts. */
  assert_list(dictionary, 8,
              "dictionary:{\"\":[],\"z\":6,\"za\":5,\"\xc3\xa9\":6}");
  assert_list(keys, 2, "unreadable");
}

static void a_value_over_the_limit_stays_a_list(void **state) {
  size_t n;
  unsigned char *z = test_plist_one("\x63\x20\xac\x20\xac\x20\xac", &n);
  char *got = read_list(z, n, 9);

  (void)state;
  assert_string_equal(got, "string:\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
  sqlite3_free(got);
  z = test_plist_one("\x63\x20\xac\x20\xac\x20\xac", &n);
  got = read_list(z, n, 8);
  assert_string_equal(got, "plist");
  sqlite3_free(got);
}

/* n arrays, each with the next one 32 times, and a last object. */
static char *read_bomb(int n, const char *last, size_t n_last,
                       double *seconds) {
  test_object objects[101];
  char bytes[100][36];
  unsigned char *z;
  clock_t start;
  size_t size;
  char *got;
  int i;

  for (i = 0; i < n; i++) {
    memcpy(bytes[i], "\xaf\x10\x20", 3);
    memset(bytes[i] + 3, i + 1, 32);
    objects[i].z = bytes[i];
    objects[i].n = 35;
  }
  objects[n].z = last;
  objects[n].n = n_last;
  z = test_plist(objects, n + 1, 1, &size);
  start = clock();
  got = read_list(z, size, 1000000000);
  *seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
  return got;
}

static void lists_that_would_unfold_without_end_are_stopped(void **state) {
  const test_object circle[] = {test_object_of("\xa1\0")};
  static char text[30000];
  double seconds;
  char *got = read_bomb(12, "\x51x", 2, &seconds);

  (void)state;
  assert_string_equal(got, "unreadable");
  assert_true(seconds < 5);
  sqlite3_free(got);
  assert_list(circle, 1, "unreadable");
  /* One array that shares a text: honest, up to a point. */
  memcpy(text, "\x5f\x11\x75\x00", 4);
  memset(text + 4, 'x', sizeof(text) - 4);
  got = read_bomb(1, text, sizeof(text), &seconds);
  assert_memory_equal(got, "array:[\"xxx", 11);
  assert_int_equal(strlen(got), 6 + 2 + 32 * (29952 + 3) - 1);
  sqlite3_free(got);
  got = read_bomb(2, text, sizeof(text), &seconds);
  assert_string_equal(got, "plist");
  assert_true(seconds < 5);
  sqlite3_free(got);
}

/* Each of its characters takes six in JSON. */
static void control_characters_cost_what_they_take(void **state) {
  static char text[400006];
  double seconds;
  char *got;

  (void)state;
  memset(text, 1, sizeof(text));
  memcpy(text, "\x5f\x12\x00\x06\x1a\x80", 6);
  got = read_bomb(2, text, sizeof(text), &seconds);
  assert_string_equal(got, "plist");
  assert_true(seconds < 5);
  sqlite3_free(got);
}

/*
** Keys that overlap and share a prefix: sorting them stays within the budget.
*/
static void sorting_keys_with_a_common_prefix_is_limited(void **state) {
  enum { KEYS = 250, LENGTH = 20000 };
  size_t n = 8 + 5 + 4 * KEYS + 4 + LENGTH;
  size_t table = 0;
  unsigned char *z = sqlite3_malloc64(n + 4 + 4 * KEYS + 32);
  unsigned char *at = z;
  kv_plist plist;
  clock_t start;
  int i;

  (void)state;
  assert_non_null(z);
  memcpy(at, "bplist00\xdf\x11\x00\xfa", 12); /* 250 */
  at += 12;
  for (i = 0; i < 2 * KEYS; i++) {
    *at++ = (unsigned char)((i % KEYS + 1) >> 8);
    *at++ = (unsigned char)(i % KEYS + 1);
  }
  for (i = 0; i < LENGTH; i++) /* a text begins at every fourth byte */
    *at++ = (unsigned char)"\x5f\x11\x20\x00"[i % 4];
  table = (size_t)(at - z);
  for (i = 0; i <= KEYS; i++) {
    size_t where = i ? 12 + 4 * KEYS + 4 * (size_t)(i - 1) : 8;

    *at++ = 0;
    *at++ = (unsigned char)(where >> 16);
    *at++ = (unsigned char)(where >> 8);
    *at++ = (unsigned char)where;
  }
  memset(at, 0, 32);
  at[6] = 4;
  at[7] = 2;
  at[14] = (KEYS + 1) >> 8;
  at[15] = (KEYS + 1) & 255;
  at[29] = (unsigned char)(table >> 16);
  at[30] = (unsigned char)(table >> 8);
  at[31] = (unsigned char)table;
  start = clock();
  assert_rc(kv_plist_read(z, table + 4 * (KEYS + 1) + 32, INT64_MAX, &plist),
            SQLITE_OK);
  assert_string_equal(plist.type, "plist");
  assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5);
  kv_plist_clear(&plist);
  sqlite3_free(z);
}

static void arrays_are_200_deep_at_most(void **state) {
  test_object objects[202];
  char bytes[202][2];
  int depth;
  int i;

  (void)state;
  for (depth = 199; depth <= 201; depth++) {
    size_t n;
    unsigned char *z;
    char *got;

    for (i = 0; i < depth; i++) {
      bytes[i][0] = (char)0xa1;
      bytes[i][1] = (char)(i + 1);
      objects[i].z = bytes[i];
      objects[i].n = 2;
    }
    objects[depth].z = "\x08";
    objects[depth].n = 1;
    z = test_plist(objects, depth + 1, 1, &n);
    got = read_list(z, n, 1000000);
    assert_int_equal(strncmp(got, "array:[[[", 9) == 0, depth < 200);
    sqlite3_free(got);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(simple_values_keep_their_types),
    cmocka_unit_test(dates_are_text),
    cmocka_unit_test(values_that_sql_lacks_stay_a_list),
    cmocka_unit_test(arrays_and_dictionaries_are_json),
    cmocka_unit_test(a_value_over_the_limit_stays_a_list),
    cmocka_unit_test(lists_that_would_unfold_without_end_are_stopped),
    cmocka_unit_test(control_characters_cost_what_they_take),
    cmocka_unit_test(sorting_keys_with_a_common_prefix_is_limited),
    cmocka_unit_test(arrays_are_200_deep_at_most),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
