/*
** The canonical encoding is checked twice: against bytes written out by
** hand, and against sums that never change, for a sum that differs makes
** every log that exists unreadable.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/clock.h"
#include "core/row.h"

static const unsigned char an_id[KV_ID_SIZE] = {
  0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
  0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

/* What does not belong to a type is not looked at. */
static kv_value null_value(void) {
  kv_value v = {KV_NULL, -1, 0.5, "?", 1};
  return v;
}

static kv_value integer(int64_t i) {
  kv_value v = {KV_INTEGER, i, 0, NULL, 0};
  return v;
}

static kv_value real(double r) {
  kv_value v = {KV_REAL, 0, r, NULL, 0};
  return v;
}

static kv_value text(const char *z) {
  kv_value v = {KV_TEXT, 0, 0, z, strlen(z)};
  return v;
}

static kv_value blob(const void *z, size_t n) {
  kv_value v = {KV_BLOB, 0, 0, z, n};
  return v;
}

/* A first row in a log: sets 'title' to 'Hello'. */
static kv_row a_row(void) {
  kv_row row = {0};

  row.seq = 1;
  row.txn = 1;
  row.ts = 1700000000000000;
  row.op = KV_OP_SET;
  row.parent_ts = null_value();
  row.bucket = text("");
  row.key = text("title");
  row.value = text("Hello");
  return row;
}

/* A row like that of op 2. */
static kv_row a_seen_row(void) {
  kv_row row = a_row();

  row.op = KV_OP_SEEN;
  row.parent_ts = integer(-1);
  row.bucket = text("phone");
  row.key = blob(an_id, KV_ID_SIZE);
  row.value = integer(7);
  return row;
}

static void assert_sum(int64_t sum, const void *bytes, size_t n) {
  assert_int_equal((uint64_t)sum, XXH3_64bits(bytes, n));
}

static void base_sum_covers_format_name_and_id(void **state) {
  static const unsigned char bytes[] = {
    'K',  'V',  'L',  'G',  '1',                              /* format */
    6,    0,    0,    0,    'l',  'a',  'p',  't',  'o', 'p', /* name */
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,           /* id */
    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

  (void)state;
  assert_sum(kv_row_base_sum("laptop", 6, an_id), bytes, sizeof(bytes));
}

static void sum_covers_the_documented_bytes(void **state) {
  static const unsigned char bytes[] = {
    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x81,       /* previous */
    0x02, 0x01, 0,    0,    0,    0,    0,    0,          /* seq 258 */
    0x04, 0x01, 0,    0,    0,    0,    0,    0,          /* txn 260 */
    0x00, 0x40, 0x3c, 0x62, 0x22, 0x0a, 0x06, 0x00,       /* ts */
    1,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* parent -1 */
    1,                                                    /* op */
    3,    2,    0,    0,    0,    0,    0,    0,    0,    /* bucket */
    0xc3, 0xa9,                                           /* e acute */
    2,    0,    0,    0,    0,    0,    0,    0xf8, 0xbf, /* key -1.5 */
    4,    3,    0,    0,    0,    0,    0,    0,    0,    /* value */
    0x00, 0xfe, 0x01};
  kv_row row = a_row();

  (void)state;
  row.seq = 258;
  row.txn = 260;
  row.ts = 0x00060a22623c4000;
  row.parent_ts = integer(-1);
  row.bucket = text("\xc3\xa9");
  row.key = real(-1.5);
  row.value = blob("\x00\xfe\x01", 3);
  assert_sum(kv_row_sum((int64_t)0x8102030405060708, &row), bytes,
             sizeof(bytes));
}

static void null_is_a_tag_and_nothing_else(void **state) {
  static const unsigned char bytes[] = {0, 0, 0, 0, 0, 0, 0, 0, /* previous */
                                        1, 0, 0, 0, 0, 0, 0, 0, /* seq */
                                        1, 0, 0, 0, 0, 0, 0, 0, /* txn */
                                        0, 0, 0, 0, 0, 0, 0, 0, /* ts */
                                        0,                      /* parent_ts */
                                        0,                      /* op */
                                        3, 0, 0, 0, 0, 0, 0, 0, 0, /* bucket */
                                        1, 5, 0, 0, 0, 0, 0, 0, 0, /* key */
                                        0};                        /* value */
  kv_row row = a_row();

  (void)state;
  row.ts = 0;
  row.op = KV_OP_DELETE;
  row.bucket.z = NULL;
  row.key = integer(5);
  row.value = null_value();
  assert_sum(kv_row_sum(0, &row), bytes, sizeof(bytes));
}

static void sums_of_format_1_never_change(void **state) {
  static char big[5000];
  int64_t base = kv_row_base_sum("laptop", 6, an_id);
  kv_row row = a_row();
  int64_t sum;

  (void)state;
  assert_int_equal((uint64_t)base, 0xf3185e7463fd9d97);
  sum = kv_row_sum(base, &row);
  assert_int_equal((uint64_t)sum, 0xcabba4dff73d82d6);
  row = a_seen_row();
  row.seq = row.txn = 2;
  sum = kv_row_sum(sum, &row);
  assert_int_equal((uint64_t)sum, 0x4735ade11e5ad569);
  memset(big, 'x', sizeof(big));
  row = a_row();
  row.seq = row.txn = 3;
  row.key = real(2.5);
  row.value = blob(big, sizeof(big));
  sum = kv_row_sum(sum, &row);
  assert_int_equal((uint64_t)sum, 0x45023ea682bf798b);
}

/* The encoding once more, as simple as can be. */
static size_t put_int(unsigned char *p, int64_t i) {
  uint64_t u = (uint64_t)i;
  int k;

  for (k = 0; k < 8; k++, u >>= 8)
    p[k] = u & 0xff;
  return 8;
}

static size_t put_blob(unsigned char *p, const char *z, size_t n) {
  *p = 4;
  put_int(p + 1, (int64_t)n);
  memcpy(p + 9, z, n);
  return 9 + n;
}

static size_t put_row(unsigned char *p, int64_t previous, const kv_row *row) {
  size_t n = put_int(p, previous);

  n += put_int(p + n, row->seq);
  n += put_int(p + n, row->txn);
  n += put_int(p + n, row->ts);
  p[n++] = 0;
  p[n++] = (unsigned char)row->op;
  n += put_blob(p + n, row->bucket.z, row->bucket.n);
  n += put_blob(p + n, row->key.z, row->key.n);
  n += put_blob(p + n, row->value.z, row->value.n);
  return n;
}

static void long_values_are_hashed_as_if_at_once(void **state) {
  static const size_t lengths[] = {0,    1,    255,  900,  940,  1015, 1016,
                                   1023, 1024, 1025, 1033, 2048, 5000, 70000};
  enum { n_lengths = sizeof(lengths) / sizeof(*lengths), big = 70000 };
  static unsigned char bytes[3 * big + 100];
  static char content[big];
  kv_row row = a_row();
  size_t i, j, k;

  (void)state;
  for (i = 0; i < big; i++)
    content[i] = (char)(i * 31 + i / 256);
  for (i = 0; i < n_lengths; i++) {
    for (j = 0; j < n_lengths; j++) {
      for (k = 0; k < n_lengths; k++) {
        row.bucket = blob(content, lengths[i]);
        row.key = blob(content, lengths[j]);
        row.value = blob(content, lengths[k]);
        assert_sum(kv_row_sum(9, &row), bytes, put_row(bytes, 9, &row));
      }
    }
  }
}

static void every_length_around_the_buffer_is_hashed_right(void **state) {
  static unsigned char bytes[5000];
  static char content[1200];
  kv_row row = a_row();
  size_t n;

  (void)state;
  for (n = 0; n < sizeof(content); n++)
    content[n] = (char)n;
  row.bucket = blob("", 0);
  for (n = 0; n < sizeof(content); n++) {
    row.key = blob("k", 1);
    row.value = blob(content, n);
    assert_sum(kv_row_sum(9, &row), bytes, put_row(bytes, 9, &row));
    row.key = blob(content, n);
    row.value = blob("v", 1);
    assert_sum(kv_row_sum(9, &row), bytes, put_row(bytes, 9, &row));
  }
}

static void long_device_names_reach_the_base_sum(void **state) {
  unsigned char bytes[5 + 4 + 64 + KV_ID_SIZE] = "KVLG1\x40";
  char name[64];

  (void)state;
  memset(name, 'n', sizeof(name));
  memcpy(bytes + 9, name, sizeof(name));
  memcpy(bytes + 73, an_id, KV_ID_SIZE);
  assert_sum(kv_row_base_sum(name, sizeof(name), an_id), bytes, sizeof(bytes));
}

static void values_that_look_alike_have_different_sums(void **state) {
  kv_value alike[] = {null_value(), integer(1), real(1.0), text("1"),
                      blob("1", 1), integer(0), real(0.0), real(-0.0),
                      text(""),     blob("", 0)};
  enum { n = sizeof(alike) / sizeof(*alike) };
  int64_t sums[n];
  kv_row row = a_row();
  int i, j;

  (void)state;
  for (i = 0; i < n; i++) {
    row.value = alike[i];
    sums[i] = kv_row_sum(0, &row);
    for (j = 0; j < i; j++)
      assert_int_not_equal(sums[i], sums[j]);
  }
}

static void bytes_do_not_move_between_key_and_value(void **state) {
  kv_row row = a_row();
  int64_t sum;

  (void)state;
  row.key = text("ab");
  row.value = text("c");
  sum = kv_row_sum(0, &row);
  row.key = text("a");
  row.value = text("bc");
  assert_int_not_equal(sum, kv_row_sum(0, &row));
}

static void every_field_is_in_the_sum(void **state) {
  kv_row same = a_row();
  int64_t sum = kv_row_sum(5, &same);
  kv_row row;

  (void)state;
  row = same;
  row.sum = 1;
  assert_int_equal(sum, kv_row_sum(5, &row));
  assert_int_not_equal(sum, kv_row_sum(6, &row));
  row = same;
  row.seq++;
  assert_int_not_equal(sum, kv_row_sum(5, &row));
  row = same;
  row.txn++;
  assert_int_not_equal(sum, kv_row_sum(5, &row));
  row = same;
  row.ts++;
  assert_int_not_equal(sum, kv_row_sum(5, &row));
  row = same;
  row.parent_ts = integer(0);
  assert_int_not_equal(sum, kv_row_sum(5, &row));
  row = same;
  row.op = KV_OP_DELETE;
  assert_int_not_equal(sum, kv_row_sum(5, &row));
  row = same;
  row.bucket = text("b");
  assert_int_not_equal(sum, kv_row_sum(5, &row));
  row = same;
  row.key = text("Title");
  assert_int_not_equal(sum, kv_row_sum(5, &row));
  row = same;
  row.value = text("hello");
  assert_int_not_equal(sum, kv_row_sum(5, &row));
}

/* Check a row with its right sum after row `seq` of a transaction `txn`. */
static const char *check_after(int64_t seq, int64_t txn, kv_row row) {
  kv_row previous = a_row();

  previous.seq = seq;
  previous.txn = txn;
  previous.sum = 77;
  row.sum = kv_row_sum(77, &row);
  return kv_row_check(&previous, &row);
}

static const char *check(kv_row row) {
  return check_after(0, 0, row);
}

static void a_row_that_follows_is_accepted(void **state) {
  kv_row row = a_row();

  (void)state;
  assert_null(check(row));
  row.txn = 5;
  assert_null(check(row));
  row.ts = KV_TS_MAX;
  row.parent_ts = integer(KV_TS_MAX);
  assert_null(check(row));
  row.ts = 0;
  row.parent_ts = integer(0);
  assert_null(check(row));
  row.op = KV_OP_DELETE;
  row.value = null_value();
  assert_null(check(row));
  row.op = KV_OP_SET;
  assert_null(check(row));
  row.key = text("");
  row.bucket = text("some");
  assert_null(check(row));
}

static void sequence_numbers_have_no_holes(void **state) {
  kv_row row = a_row();

  (void)state;
  row.seq = row.txn = 8;
  assert_null(check_after(7, 7, row));
  assert_string_equal(check_after(6, 6, row),
                      "its sequence number is not the next one");
  assert_string_equal(check_after(8, 8, row),
                      "its sequence number is not the next one");
  row.seq = row.txn = INT64_MIN;
  assert_string_equal(check_after(INT64_MAX, INT64_MAX, row),
                      "its sequence number is not the next one");
}

static void a_transaction_is_whole(void **state) {
  kv_row row = a_row();

  (void)state;
  row.seq = 8;
  row.txn = 9;
  assert_null(check_after(7, 9, row));
  assert_null(check_after(7, 7, row));
  assert_string_equal(check_after(7, 8, row),
                      "the transaction before it is not complete");
  assert_string_equal(check_after(7, 10, row),
                      "the transaction before it is not complete");
  row.txn = 7;
  assert_string_equal(check_after(7, 7, row), "its transaction ends before it");
}

static void times_are_in_range(void **state) {
  kv_row row = a_row();

  (void)state;
  row.ts = -1;
  assert_string_equal(check(row), "its time is out of range");
  row.ts = KV_TS_MAX + 1;
  assert_string_equal(check(row), "its time is out of range");
  row = a_row();
  row.parent_ts = integer(-1);
  assert_string_equal(check(row), "its parent's time is out of range");
  row.parent_ts = integer(KV_TS_MAX + 1);
  assert_string_equal(check(row), "its parent's time is out of range");
  row.parent_ts = real(1.0);
  assert_string_equal(check(row), "its parent's time is not an integer");
}

static void operations_are_known(void **state) {
  kv_row row = a_row();

  (void)state;
  row.op = 3;
  assert_string_equal(check(row), "its operation is unknown");
  row.op = -1;
  assert_string_equal(check(row), "its operation is unknown");
  row.op = 257;
  assert_string_equal(check(row), "its operation is unknown");
}

static void buckets_and_keys_have_their_types(void **state) {
  kv_row row = a_row();

  (void)state;
  row.bucket = blob("", 0);
  assert_string_equal(check(row), "its bucket is not text");
  row.bucket = null_value();
  assert_string_equal(check(row), "its bucket is not text");
  row = a_row();
  row.key = null_value();
  assert_string_equal(check(row), "its key is NULL");
}

static void a_deletion_has_no_value(void **state) {
  kv_row row = a_row();

  (void)state;
  row.op = KV_OP_DELETE;
  assert_string_equal(check(row), "it deletes its key and has a value");
}

static void an_acknowledgement_has_its_types(void **state) {
  static const char id_reason[] =
    "the log id that it acknowledges is not a blob of 16 bytes";
  kv_row row = a_seen_row();

  (void)state;
  assert_null(check(row));
  row.parent_ts = integer(INT64_MIN);
  assert_null(check(row));
  row.parent_ts = null_value();
  assert_string_equal(check(row),
                      "the checksum that it acknowledges is not an integer");
  row = a_seen_row();
  row.key.n = 15;
  assert_string_equal(check(row), id_reason);
  row = a_seen_row();
  row.key.type = KV_TEXT;
  assert_string_equal(check(row), id_reason);
  row = a_seen_row();
  row.value = real(7);
  assert_string_equal(
    check(row), "the sequence number that it acknowledges is not an integer");
}

static void a_changed_row_is_noticed(void **state) {
  kv_row previous = a_row();
  kv_row row = a_row();

  (void)state;
  previous.seq = previous.txn = 0;
  previous.sum = kv_row_base_sum("laptop", 6, an_id);
  row.sum = kv_row_sum(previous.sum, &row);
  assert_null(kv_row_check(&previous, &row));
  row.value = text("Hallo");
  assert_string_equal(kv_row_check(&previous, &row),
                      "its checksum does not match");
  row.value = text("Hello");
  previous.sum++;
  assert_string_equal(kv_row_check(&previous, &row),
                      "its checksum does not match");
}

static void the_size_of_a_row_is_that_of_its_bytes(void **state) {
  kv_row row = a_row();

  (void)state;
  row.bucket = text("b");
  row.key = text("key");
  row.value = blob("12345", 5);
  assert_int_equal(kv_row_size(&row), 9);
  row.key = integer(7);
  assert_int_equal(kv_row_size(&row), 6);
  row.value = null_value();
  row.value.n = 5; /* of nothing */
  assert_int_equal(kv_row_size(&row), 1);
  row.value = blob("", 0);
  row.value.n = UINT32_MAX;
  assert_true(kv_row_size(&row) == UINT64_C(4294967296));
}

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
    null_value(),     integer(-2),     real(-1.5),    real(-0.0),
    text("\xc3\xa9"), blob("\x00", 1), blob(NULL, 0),
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
    const kv_value values[] = {blob(bytes + 9, n), integer(7)};

    memset(bytes, 0, 9);
    bytes[0] = KV_BLOB;
    bytes[1] = (unsigned char)n;
    bytes[2] = (unsigned char)(n >> 8);
    memcpy(bytes + 9 + n, "\001\007\0\0\0\0\0\0\0", 9);
    assert_hash(values, 2, bytes, 9 + n + 9);
  }
}

/* Users store these: they are the same for ever and on every machine. */
static void hashes_of_values_never_change(void **state) {
  const struct {
    kv_value value;
    unsigned char hash[KV_ROW_HASH_SIZE];
  } vectors[] = {
    {null_value(),
     {0xa6, 0xcd, 0x5e, 0x93, 0x92, 0x00, 0x0f, 0x6a, 0xc4, 0x4b, 0xdf, 0xf4,
      0x07, 0x4e, 0xec, 0xdb}},
    {integer(1),
     {0x4b, 0xf1, 0x1a, 0xcb, 0x9e, 0xf8, 0xce, 0x73, 0x9a, 0x06, 0x70, 0xb0,
      0xdf, 0xa0, 0x48, 0xf0}},
    {real(0.5),
     {0xb4, 0x53, 0x0a, 0x45, 0x58, 0x62, 0x10, 0xb0, 0xe7, 0xf1, 0xa8, 0x0d,
      0x07, 0xf1, 0x5f, 0x56}},
    {text("Hello"),
     {0xda, 0xf6, 0xde, 0xcc, 0x94, 0x42, 0x13, 0x6d, 0x78, 0x06, 0x0d, 0xca,
      0xdd, 0x48, 0x50, 0xfd}},
    {blob("\x00\xff", 2),
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
    cmocka_unit_test(base_sum_covers_format_name_and_id),
    cmocka_unit_test(sum_covers_the_documented_bytes),
    cmocka_unit_test(null_is_a_tag_and_nothing_else),
    cmocka_unit_test(sums_of_format_1_never_change),
    cmocka_unit_test(long_values_are_hashed_as_if_at_once),
    cmocka_unit_test(every_length_around_the_buffer_is_hashed_right),
    cmocka_unit_test(long_device_names_reach_the_base_sum),
    cmocka_unit_test(values_that_look_alike_have_different_sums),
    cmocka_unit_test(bytes_do_not_move_between_key_and_value),
    cmocka_unit_test(every_field_is_in_the_sum),
    cmocka_unit_test(a_row_that_follows_is_accepted),
    cmocka_unit_test(sequence_numbers_have_no_holes),
    cmocka_unit_test(a_transaction_is_whole),
    cmocka_unit_test(times_are_in_range),
    cmocka_unit_test(operations_are_known),
    cmocka_unit_test(buckets_and_keys_have_their_types),
    cmocka_unit_test(a_deletion_has_no_value),
    cmocka_unit_test(an_acknowledgement_has_its_types),
    cmocka_unit_test(a_changed_row_is_noticed),
    cmocka_unit_test(the_size_of_a_row_is_that_of_its_bytes),
    cmocka_unit_test(values_are_hashed_as_the_documented_bytes),
    cmocka_unit_test(long_values_have_the_hash_of_all_their_bytes),
    cmocka_unit_test(hashes_of_values_never_change),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
