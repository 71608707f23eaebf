/*
** A slice has the rows that it was given, in the order of the cache, and never
** takes more memory than allowed.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/order.h"
#include "db/sqlite.h"
#include "rows/slice.h"
#include "support/logs.h"
#include "support/rc.h"

/* Values of this many bytes are stored beside the cache. */
#define GIVEN_LARGE 100000

/* Rows to be read, from an array. */
typedef struct given {
  kv_row *rows;
  int n;
  int at;
  int fails_at; /* 0: never */
} given;

static int given_next(void *from, kv_rows_row *out) {
  given *g = from;

  if (g->fails_at && g->at == g->fails_at) return SQLITE_IOERR;
  if (g->at == g->n) return SQLITE_DONE;
  out->row = g->rows[g->at++];
  out->large = out->row.value.n >= GIVEN_LARGE ? out->row.seq + 1000 : 0;
  return SQLITE_ROW;
}

static kv_row set(int64_t seq, int64_t ts, kv_value key) {
  kv_row row;

  memset(&row, 0, sizeof(row));
  row.seq = row.txn = seq;
  row.ts = ts;
  row.op = KV_OP_SET;
  row.bucket = test_text("");
  row.key = key;
  row.value = test_integer(seq);
  return row;
}

/* "seq" of each row, with a minus if it is superseded. */
static const char *order_of(kv_row *rows, int n) {
  static char out[1000];
  given g = {rows, n, 0, 0};
  kv_slice *slice = kv_slice_new();
  const kv_rows_row *row;
  int length = 0;

  assert_rc(kv_slice_fill(slice, given_next, &g), SQLITE_DONE);
  kv_slice_start(slice, KV_SLICE_KEYS);
  out[0] = '\0';
  while ((row = kv_slice_next(slice)) != NULL) {
    length +=
      snprintf(out + length, sizeof(out) - (size_t)length, "%s%s%d",
               length ? " " : "", row->is_old ? "-" : "", (int)row->row.seq);
  }
  kv_slice_free(slice);
  return out;
}

static void keys_come_in_the_order_of_the_cache(void **state) {
  kv_row rows[] = {
    set(1, 1, test_blob("a", 1)),
    set(2, 1, test_text("b")),
    set(3, 1, test_text("")),
    set(4, 1, test_real(1.5)),
    set(5, 1, test_integer(2)),
    set(6, 1, test_integer(-1)),
    set(7, 1, test_text("ba")),
    set(8, 1, test_blob("", 0)),
    set(9, 1, test_real(-1e300)),
    set(10, 1, test_text("a")),
    set(11, 1, test_integer(1)),
    set(12, 1, test_integer(INT64_MIN)),
    set(13, 1, test_real(1e300)),
    set(14, 1, test_text("b\x01")),
    set(15, 1, test_text("a long text, longer than a prefix, 2")),
    set(16, 1, test_text("a long text, longer than a prefix, 1")),
  };

  (void)state;
  rows[1].bucket = test_text("z");
  rows[2].bucket = test_text("y");
  assert_string_equal(order_of(rows, 16),
                      "9 12 6 11 4 5 13 10 16 15 14 7 8 1 -3 -2");
}

static void
the_latest_of_a_key_comes_first_and_the_others_go_to_the_back(void **s) {
  kv_row rows[] = {
    set(1, 10, test_text("a")), set(2, 30, test_text("a")),
    set(3, 20, test_text("a")), set(4, 20, test_text("a")),
    set(5, 10, test_text("b")), set(6, 10, test_blob("a", 1)),
    set(7, 50, test_text("a")),
  };

  (void)s;
  rows[6].bucket = test_text("a");
  assert_string_equal(order_of(rows, 7), "2 -4 -3 -1 5 6 -7");
}

static void equal_numbers_are_one_key(void **state) {
  kv_row rows[] = {
    set(1, 10, test_integer(1)),
    set(2, 20, test_real(1.0)),
    set(3, 30, test_text("1")),
    set(4, 10, test_real(-0.0)),
    set(5, 20, test_integer(0)),
    set(6, 10, test_integer(INT64_MAX)),
    set(7, 20, test_integer(INT64_MAX - 1)),
    set(8, 30, test_real(9223372036854775808.0)),
  };

  (void)state;
  assert_string_equal(order_of(rows, 8), "5 -4 2 -1 7 6 8 3");
}

static void seen_rows_are_separate(void **state) {
  kv_row rows[] = {
    set(1, 10, test_blob("0123456789abcdef", 16)),
    set(2, 10, test_text("a")),
    set(3, 10, test_blob("0123456789abcdef", 16)),
    set(4, 10, test_text("b")),
  };
  given g = {rows, 4, 0, 0};
  kv_slice *slice = kv_slice_new();

  (void)state;
  rows[0].op = rows[2].op = KV_OP_SEEN;
  rows[3].bucket = test_text("\xff\xff\xff\xff\xff\xff\xff\xff");
  assert_string_equal(order_of(rows, 4), "2 -4");
  assert_rc(kv_slice_fill(slice, given_next, &g), SQLITE_DONE);
  assert_int_equal(kv_slice_count(slice, KV_SLICE_KEYS), 2);
  assert_int_equal(kv_slice_count(slice, KV_SLICE_SEEN), 2);
  kv_slice_start(slice, KV_SLICE_SEEN);
  assert_int_equal(kv_slice_next(slice)->row.seq, 3);
  assert_int_equal(kv_slice_next(slice)->row.seq, 1);
  assert_null(kv_slice_next(slice));
  kv_slice_free(slice);
}

static void rows_after_a_number_are_left_out(void **state) {
  kv_row rows[] = {
    set(1, 10, test_text("a")), set(2, 10, test_text("b")),
    set(3, 20, test_text("a")), set(4, 30, test_text("a")),
    set(5, 30, test_text("c")),
  };
  given g = {rows, 5, 0, 0};
  kv_slice *slice = kv_slice_new();
  const kv_rows_row *row;

  (void)state;
  rows[1].op = rows[4].op = KV_OP_SEEN;
  assert_rc(kv_slice_fill(slice, given_next, &g), SQLITE_DONE);
  assert_int_equal(kv_slice_cut(slice, 3), 0);
  assert_int_equal(kv_slice_count(slice, KV_SLICE_KEYS), 2);
  assert_int_equal(kv_slice_count(slice, KV_SLICE_SEEN), 1);
  kv_slice_start(slice, KV_SLICE_KEYS);
  row = kv_slice_next(slice);
  assert_int_equal(row->row.seq, 3);
  assert_false(row->is_old);
  row = kv_slice_next(slice);
  assert_int_equal(row->row.seq, 1);
  assert_true(row->is_old);
  assert_int_equal(kv_slice_count_old(slice), 1);
  kv_slice_free(slice);
}

/* A row that depends only on its number. */
static kv_row make_row(int64_t seq, char *key, char *value) {
  static const char *const texts[] = {"", "a", "key ", "\xff\xff"};
  uint32_t r = (uint32_t)seq * 2654435761u;
  kv_row row = set(seq, r >> 5 & 7, test_null());

  sprintf(key, "%s%u", texts[r >> 8 & 3], r >> 10 & 255);
  sprintf(value, "%*u", (int)(r >> 20 & 63), r);
  switch (r >> 26 & 7) {
    case 0: row.key = test_integer((int)(r >> 10 & 15) - 8); break;
    case 1: row.key = test_real((int)(r >> 10 & 31) / 2.0 - 8); break;
    case 2: row.key = test_blob(key, strlen(key)); break;
    default: row.key = test_text(key); break;
  }
  if ((r >> 16 & 15) == 0) row.bucket = test_text("b");
  if ((r >> 18 & 7) == 0) row.parent_ts = test_integer(seq - 1);
  row.value = r >> 30 ? test_text(value) : test_real(seq);
  return row;
}

static int compare(const kv_row *a, const kv_row *b) {
  int c = kv_order_keys(&a->bucket, &b->bucket);

  if (c == 0) c = kv_order_keys(&a->key, &b->key);
  if (c) return c;
  return a->ts != b->ts ? (a->ts < b->ts ? 1 : -1)
                        : (a->seq < b->seq) - (a->seq > b->seq);
}

typedef struct many {
  int64_t seq;
  int64_t n;
  kv_row row;
  char key[100];
  char value[100];
} many;

static int many_next(void *from, kv_rows_row *out) {
  many *m = from;

  if (m->seq == m->n) return SQLITE_DONE;
  m->row = make_row(++m->seq, m->key, m->value);
  out->row = m->row;
  return SQLITE_ROW;
}

static void every_row_comes_once_over_several_slices(void **state) {
  many m = {0, 100000, {0}, "", ""};
  many again;
  kv_slice *slice = kv_slice_new();
  int64_t n = 0;
  int n_slices = 0;
  int rc = SQLITE_ROW;

  (void)state;
  while (rc == SQLITE_ROW) {
    int64_t first = m.seq;
    const kv_rows_row *at;
    kv_row before;
    int i = 0;

    rc = kv_slice_fill(slice, many_next, &m);
    n_slices++;
    kv_slice_start(slice, KV_SLICE_KEYS);
    while ((at = kv_slice_next(slice)) != NULL) {
      const kv_row row = at->row;
      kv_row same = make_row(row.seq, again.key, again.value);

      assert_true(row.seq > first && row.seq <= m.seq);
      assert_int_equal(compare(&row, &same), 0);
      assert_int_equal(row.txn, same.txn);
      assert_int_equal(row.parent_ts.type, same.parent_ts.type);
      assert_int_equal(kv_order_keys(&row.value, &same.value), 0);
      assert_int_equal(kv_row_sum(1, &row), kv_row_sum(1, &same));
      if (i > 0) assert_true(compare(&before, &row) < 0);
      assert_int_equal(at->is_old,
                       row.bucket.n > 0 ||
                         (i > 0 && kv_order_keys(&before.key, &row.key) == 0));
      i++;
      before = row;
      n++;
    }
  }
  assert_rc(rc, SQLITE_DONE);
  assert_int_equal(n, m.n);
  assert_true(n_slices > 1 && n_slices < 8);
  kv_slice_free(slice);
}

static void it_takes_no_more_than_its_size(void **state) {
  sqlite3_int64 before = sqlite3_memory_used();
  size_t sizes[] = {0, 1, 100, 180, 200, 3000, 8000};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
    char *z = calloc(1, sizes[i] + 1);
    kv_row row = set(1, 1, test_text(""));
    kv_row *rows = calloc(200000, sizeof(row));
    given g = {rows, 200000, 0, 0};
    kv_slice *slice = kv_slice_new();
    int j;

    row.value = test_blob(z, sizes[i]);
    for (j = 0; j < g.n; j++)
      rows[j] = row;
    assert_rc(kv_slice_fill(slice, given_next, &g), SQLITE_ROW);
    assert_true(g.at * (sizes[i] + 80) > KV_SLICE_SIZE / 2);
    assert_true(sqlite3_memory_used() - before < KV_SLICE_SIZE + 4096);
    kv_slice_free(slice);
    free(rows);
    free(z);
  }
  assert_int_equal(sqlite3_memory_used(), before);
}

static void a_large_value_is_not_copied(void **state) {
  sqlite3_int64 before = sqlite3_memory_used();
  static char z[GIVEN_LARGE];
  kv_row rows[] = {
    set(1, 1, test_text("a")),
    set(2, 1, test_text("b")),
    set(3, 1, test_text("c")),
  };
  given g = {rows, 3, 0, 0};
  kv_slice *slice = kv_slice_new();
  const kv_rows_row *row;

  (void)state;
  rows[1].value = rows[2].value = test_blob(z, sizeof(z));
  assert_rc(kv_slice_fill(slice, given_next, &g), SQLITE_DONE);
  assert_true(sqlite3_memory_used() - before < (sqlite3_int64)sizeof(z));
  assert_int_equal(kv_slice_cut(slice, 2), 1);
  kv_slice_start(slice, KV_SLICE_KEYS);
  row = kv_slice_next(slice);
  assert_int_equal(row->row.seq, 1);
  assert_int_equal(row->large, 0);
  row = kv_slice_next(slice);
  assert_int_equal(row->row.seq, 2);
  assert_int_equal(row->large, 1002);
  assert_int_equal(row->row.value.type, KV_NULL);
  assert_null(kv_slice_next(slice));
  assert_int_equal(kv_slice_cut(slice, 1), 1);
  assert_int_equal(kv_slice_cut(slice, 0), 0);
  kv_slice_free(slice);
}

static void a_large_key_ends_its_slice(void **state) {
  static char z[2 * KV_SLICE_SIZE];
  sqlite3_int64 before = sqlite3_memory_used();
  kv_row rows[] = {
    set(1, 1, test_text("a")), set(2, 1, test_blob(z, sizeof(z))),
    set(3, 1, test_text("c")), set(4, 1, test_text("d")),
    set(5, 1, test_text("e")),
  };
  given g = {rows, 5, 0, 0};
  kv_slice *slice = kv_slice_new();
  const kv_rows_row *row;

  (void)state;
  z[sizeof(z) - 1] = 'z';
  rows[3].bucket = test_text("b");
  rows[3].bucket.z = z;
  rows[3].bucket.n = sizeof(z);
  assert_rc(kv_slice_fill(slice, given_next, &g), SQLITE_ROW);
  kv_slice_start(slice, KV_SLICE_KEYS);
  assert_int_equal(kv_slice_next(slice)->row.seq, 1);
  row = kv_slice_next(slice);
  assert_int_equal(row->row.seq, 2);
  assert_int_equal(kv_order_keys(&row->row.key, &rows[1].key), 0);
  assert_null(kv_slice_next(slice));
  assert_rc(kv_slice_fill(slice, given_next, &g), SQLITE_ROW);
  assert_int_equal(kv_slice_count(slice, KV_SLICE_KEYS), 2);
  assert_rc(kv_slice_fill(slice, given_next, &g), SQLITE_DONE);
  assert_int_equal(kv_slice_count(slice, KV_SLICE_KEYS), 1);
  assert_true(sqlite3_memory_used() - before < KV_SLICE_SIZE);
  kv_slice_free(slice);
  assert_int_equal(sqlite3_memory_used(), before);
}

static void an_error_of_the_source_is_returned(void **state) {
  kv_row rows[] = {set(1, 1, test_text("a")), set(2, 1, test_text("b"))};
  given g = {rows, 2, 0, 1};
  kv_slice *slice = kv_slice_new();

  (void)state;
  assert_rc(kv_slice_fill(slice, given_next, &g), SQLITE_IOERR);
  kv_slice_free(slice);
  kv_slice_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(keys_come_in_the_order_of_the_cache),
    cmocka_unit_test(
      the_latest_of_a_key_comes_first_and_the_others_go_to_the_back),
    cmocka_unit_test(equal_numbers_are_one_key),
    cmocka_unit_test(seen_rows_are_separate),
    cmocka_unit_test(rows_after_a_number_are_left_out),
    cmocka_unit_test(every_row_comes_once_over_several_slices),
    cmocka_unit_test(it_takes_no_more_than_its_size),
    cmocka_unit_test(a_large_value_is_not_copied),
    cmocka_unit_test(a_large_key_ends_its_slice),
    cmocka_unit_test(an_error_of_the_source_is_returned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
