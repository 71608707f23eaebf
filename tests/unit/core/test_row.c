/*
** The canonical encoding is checked twice: against bytes written out by hand,
** and against sums that never change, because another sum would make every
** existing log unreadable.
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

#include "core/row.h"
#include "support/rows.h"

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

static void base_sum_covers_what_the_log_took_the_place_of(void **state) {
  static const unsigned char bytes[] = {'K',  'V',  'L',  'G',  '1', /* format */
                                        6,    0,    0,    0,    'l',  'a',
                                        'p',  't',  'o',  'p', /* name */
                                        0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
                                        0x66, 0x77, /* id */
                                        0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
                                        0xee, 0xff, 4,    16,   0,    0,
                                        0,    0,    0,    0,    0, /* former_id */
                                        7,    7,    7,    7,    7,    7,
                                        7,    7,    7,    7,    7,    7,
                                        7,    7,    7,    7,    1,    5,
                                        0,    0,    0,    0,    0,    0,
                                        0, /* former_seq */
                                        1,    9,    0,    0,    0,    0,
                                        0,    0,    0, /* former_sum */
                                        3,    1,    0,    0,    0,    0,
                                        0,    0}; /* horizon 259 */
  kv_origin origin = {1, {0}, 5, 9, 259};

  (void)state;
  memset(origin.former_id, 7, KV_ID_SIZE);
  assert_sum(kv_row_first_sum("laptop", 6, an_id, &origin), bytes,
             sizeof(bytes));
  memset(&origin, 0, sizeof(origin));
  assert_int_equal(kv_row_first_sum("laptop", 6, an_id, &origin),
                   kv_row_base_sum("laptop", 6, an_id));
  origin.horizon = 1;
  assert_int_not_equal(kv_row_first_sum("laptop", 6, an_id, &origin),
                       kv_row_base_sum("laptop", 6, an_id));
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

static void null_is_only_a_tag(void **state) {
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

/* The encoding again, written as simply as possible. */
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

static void long_values_hash_the_same_in_pieces(void **state) {
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

static void similar_values_have_different_sums(void **state) {
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

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(base_sum_covers_format_name_and_id),
    cmocka_unit_test(base_sum_covers_what_the_log_took_the_place_of),
    cmocka_unit_test(sum_covers_the_documented_bytes),
    cmocka_unit_test(null_is_only_a_tag),
    cmocka_unit_test(sums_of_format_1_never_change),
    cmocka_unit_test(long_values_hash_the_same_in_pieces),
    cmocka_unit_test(every_length_around_the_buffer_is_hashed_right),
    cmocka_unit_test(long_device_names_reach_the_base_sum),
    cmocka_unit_test(similar_values_have_different_sums),
    cmocka_unit_test(bytes_do_not_move_between_key_and_value),
    cmocka_unit_test(every_field_is_in_the_sum),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
