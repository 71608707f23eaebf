/*
** Hashes of values: against bytes that are written out by hand, and against
** hashes that never change.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/row.h"
#include "support/logs.h"

static void assert_hash(const kv_value *values, size_t n, const void *bytes,
                        size_t n_bytes) {
  unsigned char hash[KV_ROW_HASH_SIZE];
  XXH128_canonical_t expected;

  XXH128_canonicalFromHash(&expected, XXH3_128bits(bytes, n_bytes));
  kv_row_hash_values(values, n, hash);
  assert_memory_equal(hash, expected.digest, sizeof(hash));
}

static void values_are_hashed_as_the_documented_bytes(void **state) {
  static const unsigned char bytes[] = {
    0,                                                          /* NULL */
    1,    0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,       /* -2 */
    2,    0,    0,    0,    0,    0,    0,    0xf8, 0xbf,       /* -1.5 */
    2,    0,    0,    0,    0,    0,    0,    0,    0,          /* -0.0 */
    3,    2,    0,    0,    0,    0,    0,    0,    0,          /* text */
    0xc3, 0xa9,                                                 /* e acute */
    4,    1,    0,    0,    0,    0,    0,    0,    0,    0x00, /* blob */
    4,    0,    0,    0,    0,    0,    0,    0,    0};
  const kv_value values[] = {
    test_null(),        test_integer(-2),      test_real(-1.5),
    test_real(-0.0),    test_text("\xc3\xa9"), test_blob("\x00", 1),
    test_blob(NULL, 0),
  };

  (void)state;
  assert_hash(values, sizeof(values) / sizeof(values[0]), bytes, sizeof(bytes));
  assert_hash(values, 0, "", 0);
}

static void long_values_have_the_hash_of_all_their_bytes(void **state) {
  enum { MOST = 5000 };
  static unsigned char bytes[9 + MOST + 9];
  size_t n;

  (void)state;
  for (n = 0; n < sizeof(bytes); n++)
    bytes[n] = (unsigned char)(n * 37);
  for (n = 0; n <= MOST; n += n < 1100 ? 1 : 61) {
    const kv_value values[] = {test_blob(bytes + 9, n), test_integer(7)};

    memset(bytes, 0, 9);
    bytes[0] = KV_BLOB;
    bytes[1] = (unsigned char)n;
    bytes[2] = (unsigned char)(n >> 8);
    memcpy(bytes + 9 + n, "\001\007\0\0\0\0\0\0\0", 9);
    assert_hash(values, 2, bytes, 9 + n + 9);
  }
}

/* Users store these, so they must never change, on any machine. */
static void hashes_of_values_never_change(void **state) {
  const struct {
    kv_value value;
    unsigned char hash[KV_ROW_HASH_SIZE];
  } vectors[] = {
    {test_null(),
     {0xa6, 0xcd, 0x5e, 0x93, 0x92, 0x00, 0x0f, 0x6a, 0xc4, 0x4b, 0xdf, 0xf4,
      0x07, 0x4e, 0xec, 0xdb}},
    {test_integer(1),
     {0x4b, 0xf1, 0x1a, 0xcb, 0x9e, 0xf8, 0xce, 0x73, 0x9a, 0x06, 0x70, 0xb0,
      0xdf, 0xa0, 0x48, 0xf0}},
    {test_real(0.5),
     {0xb4, 0x53, 0x0a, 0x45, 0x58, 0x62, 0x10, 0xb0, 0xe7, 0xf1, 0xa8, 0x0d,
      0x07, 0xf1, 0x5f, 0x56}},
    {test_text("Hello"),
     {0xda, 0xf6, 0xde, 0xcc, 0x94, 0x42, 0x13, 0x6d, 0x78, 0x06, 0x0d, 0xca,
      0xdd, 0x48, 0x50, 0xfd}},
    {test_blob("\x00\xff", 2),
     {0x02, 0x0a, 0xdb, 0xb9, 0xb8, 0x4b, 0xed, 0xb1, 0xf6, 0xe1, 0x44, 0xc8,
      0x2f, 0x86, 0xe8, 0x0d}},
  };
  unsigned char hash[KV_ROW_HASH_SIZE];
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
    kv_row_hash_values(&vectors[i].value, 1, hash);
    assert_memory_equal(hash, vectors[i].hash, sizeof(hash));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(values_are_hashed_as_the_documented_bytes),
    cmocka_unit_test(long_values_have_the_hash_of_all_their_bytes),
    cmocka_unit_test(hashes_of_values_never_change),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
