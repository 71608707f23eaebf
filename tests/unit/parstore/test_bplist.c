/*
** The objects of a property list, valid and damaged. test_plist.c tests their
** values.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "parstore/bplist.h"
#include "support/plists.h"

static void every_kind_of_object_is_read(void **state) {
  static const struct {
    test_object bytes;
    kv_bplist_kind kind;
    int64_t i;
    double r;
    uint64_t n;
  } objects[] = {
    {test_object_of("\x08"), KV_BPLIST_BOOLEAN, 0, 0, 0},
    {test_object_of("\x09"), KV_BPLIST_BOOLEAN, 1, 0, 0},
    {test_object_of("\x10\xff"), KV_BPLIST_INTEGER, 255, 0, 0},
    {test_object_of("\x11\xff\xfe"), KV_BPLIST_INTEGER, 0xfffe, 0, 0},
    {test_object_of("\x12\xff\xff\xff\xfe"), KV_BPLIST_INTEGER, 0xfffffffe, 0,
     0},
    {test_object_of("\x13\xff\xff\xff\xff\xff\xff\xff\xfe"), KV_BPLIST_INTEGER,
     -2, 0, 0},
    {test_object_of("\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05"),
     KV_BPLIST_INTEGER, 5, 0, 0},
    {test_object_of("\x14\xff\xff\xff\xff\xff\xff\xff\xff"
                    "\xff\xff\xff\xff\xff\xff\xff\xfe"),
     KV_BPLIST_INTEGER, -2, 0, 0},
    {test_object_of("\x14\0\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\0"),
     KV_BPLIST_UNSIGNED, INT64_MIN, 0, 0},
    {test_object_of("\x14\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0"), KV_BPLIST_HUGE,
     0, 0, 0},
    {test_object_of("\x14\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0"),
     KV_BPLIST_HUGE, 0, 0, 0},
    {test_object_of("\x22\x3f\xc0\0\0"), KV_BPLIST_REAL, 0, 1.5, 0},
    {test_object_of("\x23\x3f\xf8\0\0\0\0\0\0"), KV_BPLIST_REAL, 0, 1.5, 0},
    {test_object_of("\x33\xbf\xf8\0\0\0\0\0\0"), KV_BPLIST_DATE, 0, -1.5, 0},
    {test_object_of("\x42\0\xff"), KV_BPLIST_DATA, 0, 0, 2},
    {test_object_of("\x52"
                    "ab"),
     KV_BPLIST_ASCII, 0, 0, 2},
    {test_object_of("\x5f\x10\x03"
                    "abc"),
     KV_BPLIST_ASCII, 0, 0, 3},
    {test_object_of("\x61\0\xe9"), KV_BPLIST_UTF16, 0, 0, 1},
    {test_object_of("\x80\x07"), KV_BPLIST_UID, 0, 0, 0},
    {test_object_of("\xa2\0\0"), KV_BPLIST_ARRAY, 0, 0, 2},
    {test_object_of("\xd1\0\0"), KV_BPLIST_DICTIONARY, 0, 0, 1},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
    kv_bplist list;
    kv_bplist_object object;
    size_t n;
    unsigned char *z =
      test_plist_of(objects[i].bytes.z, objects[i].bytes.n, &n);

    assert_true(kv_bplist_open(z, n, &list));
    assert_true(kv_bplist_get(&list, list.top, &object));
    assert_int_equal(object.kind, objects[i].kind);
    if (object.kind != KV_BPLIST_HUGE) {
      assert_int_equal(object.i, objects[i].i);
    }
    assert_true(object.r == objects[i].r);
    assert_int_equal(object.n, objects[i].n);
    assert_false(kv_bplist_get(&list, 1, &object));
    assert_false(kv_bplist_get(&list, UINT64_MAX, &object));
    sqlite3_free(z);
  }
}

static void damaged_objects_are_refused(void **state) {
  static const test_object objects[] = {
    test_object_of("\x00"),
    test_object_of("\x01"), /* null, fill */
    test_object_of("\x10"),
    test_object_of("\x13\0\0\0\0\0\0\0"),
    test_object_of("\x15\0"),
    test_object_of("\x1f\0"),
    test_object_of("\x20\0"),
    test_object_of("\x22\0\0\0"),
    test_object_of("\x24\0"),
    test_object_of("\x32\0\0\0\0"),
    test_object_of("\x42\0"),
    test_object_of("\x52\0"),
    test_object_of("\x61\0"),
    test_object_of("\x81\0"),
    test_object_of("\xa2\0"),
    test_object_of("\xd1\0"),
    test_object_of("\x4f"),
    test_object_of("\x4f\x10"),
    test_object_of("\x4f\x14"),
    test_object_of("\x4f\x51\0"),
    test_object_of("\x4f\x10\x01"),
    test_object_of("\x5f\x13\xff\xff\xff\xff\xff\xff\xff\xff"),
    test_object_of("\x6f\x13\x80\0\0\0\0\0\0\0"),
    test_object_of("\xaf\x13\xff\xff\xff\xff\xff\xff\xff\xff"),
    test_object_of("\xdf\x13\x80\0\0\0\0\0\0\x01"),
    test_object_of("\xc1\0"), /* a set */
    test_object_of("\x70"),
    test_object_of("\x90"),
    test_object_of("\xb0"),
    test_object_of("\xe0"),
    test_object_of("\xf0"),
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
    kv_bplist list;
    kv_bplist_object object;
    size_t n;
    unsigned char *z = test_plist_of(objects[i].z, objects[i].n, &n);

    if (kv_bplist_open(z, n, &list)) {
      assert_false(kv_bplist_get(&list, 0, &object));
    } else {
      assert_int_equal(objects[i].n, 1); /* too short for a list */
    }
    sqlite3_free(z);
  }
}

/*
** Each byte of a trailer is changed to each value: nothing outside the list is
** read.
*/
static void a_trailer_is_checked(void **state) {
  const test_object objects[] = {test_object_of("\xa2\1\1"),
                                 test_object_of("\x51x")};
  kv_bplist list;
  kv_bplist_object object;
  size_t n;
  unsigned char *z = test_plist(objects, 2, 1, &n);
  size_t n_open = 0;
  size_t i;
  int byte;

  (void)state;
  assert_true(kv_bplist_open(z, n, &list));
  assert_int_equal(list.n_objects, 2);
  assert_true(kv_bplist_get(&list, 0, &object));
  assert_int_equal(kv_bplist_ref(&list, &object, 1), 1);
  for (i = n - 32; i < n; i++) {
    for (byte = 0; byte < 256; byte++) {
      unsigned char was = z[i];
      uint64_t number;

      z[i] = (unsigned char)byte;
      if (kv_bplist_open(z, n, &list)) {
        n_open++;
        assert_true(list.table + list.n_objects * (uint64_t)list.offset_size <=
                    n - 32);
        for (number = 0; number < list.n_objects; number++) {
          kv_bplist_get(&list, number, &object);
        }
      }
      z[i] = was;
    }
  }
  assert_in_range(n_open, 6 * 256, 6 * 256 + 99);
  for (i = 0; i < n;
       i++) /* wherever it is cut, its last 32 bytes are not a trailer */
    assert_false(kv_bplist_open(z, i, &list));
  assert_false(kv_bplist_open("", 0, &list));
  z[7] = '1';
  assert_false(kv_bplist_open(z, n, &list));
  sqlite3_free(z);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_kind_of_object_is_read),
    cmocka_unit_test(damaged_objects_are_refused),
    cmocka_unit_test(a_trailer_is_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
