/*
** Records: each form is read and written to the same bytes, and nothing else is
** understood. Records are read at the end of their memory, so that the address
** sanitizer sees a read too far.
*/
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/record.h"
#include "support/folds.h"

/* A record, and the bytes that it was read from. */
typedef struct reading {
  kv_arena arena;
  kv_record record;
  char *z;
} reading;

static void read_bytes(reading *r, const void *z, size_t n) {
  kv_arena_init(&r->arena, test_resize);
  r->z = malloc(n + !n);
  memcpy(r->z, z, n);
  assert_int_equal(kv_record_read(r->z, n, &r->arena, &r->record), KV_OK);
}

static void read_text(reading *r, const char *z) {
  read_bytes(r, z, strlen(z));
}

static void done(reading *r) {
  kv_arena_free(&r->arena);
  free(r->z);
}

/* Assert that what is read is written as the same bytes. */
static void is_canonical_at(int line, const char *z) {
  reading r;
  kv_bytes bytes;
  size_t i;

  read_text(&r, z);
  if (!r.record.is_whole) fail_msg("line %d: not understood: %s", line, z);
  kv_bytes_init(&bytes, test_resize, KV_RECORD_MAX);
  kv_record_begin(&bytes, r.record.is_birth);
  for (i = 0; i < r.record.n; i++)
    kv_record_add(&bytes, &r.record.cells[i]);
  kv_record_end(&bytes);
  assert_int_equal(bytes.rc, KV_OK);
  if (bytes.n != strlen(z) || memcmp(bytes.z, z, bytes.n) != 0) {
    fail_msg("line %d: %s is written as %.*s", line, z, (int)bytes.n, bytes.z);
  }
  /* The same for cells with their values decoded. */
  kv_bytes_clear(&bytes);
  kv_record_begin(&bytes, r.record.is_birth);
  for (i = 0; i < r.record.n; i++) {
    kv_cell cell = r.record.cells[i];

    if (cell.op == KV_CELL_SET) {
      assert_int_equal(kv_cell_value(&cell, &r.arena, &cell.value), KV_OK);
      cell.form = KV_FORM_PLAIN;
    }
    kv_record_add(&bytes, &cell);
  }
  kv_record_end(&bytes);
  assert_int_equal(bytes.n, strlen(z));
  assert_memory_equal(bytes.z, z, bytes.n);
  kv_bytes_free(&bytes);
  done(&r);
}
#define is_canonical(z) is_canonical_at(__LINE__, z)

/* {"a":1,"m":CELL,"z":2}: the cell is not understood, the others are. */
static void is_no_cell_at(int line, const char *cell) {
  char z[500];
  reading r;

  snprintf(z, sizeof(z), "{\"a\":1,\"m\":%s,\"z\":2}", cell);
  read_text(&r, z);
  if (r.record.is_whole) fail_msg("line %d: understood: %s", line, cell);
  if (r.record.n != 3 || r.record.cells[1].op != KV_CELL_UNKNOWN ||
      r.record.cells[0].value.i != 1 || r.record.cells[2].value.i != 2) {
    fail_msg("line %d: the other cells of %s", line, z);
  }
  assert_int_equal(r.record.cells[1].value.type, KV_NULL);
  assert_null(r.record.cells[1].put.z);
  done(&r);
}
#define is_no_cell(cell) is_no_cell_at(__LINE__, cell)

static void is_no_record_at(int line, const void *z, size_t n) {
  reading r;

  read_bytes(&r, z, n);
  if (r.record.is_whole || r.record.n > 0 || r.record.is_birth) {
    fail_msg("line %d: understood: %.*s", line, (int)n, (const char *)z);
  }
  done(&r);
}
#define is_no_record(z) is_no_record_at(__LINE__, z, strlen(z))

static void each_form_is_written_as_it_was_read(void **state) {
  (void)state;
  is_canonical("{}");
  is_canonical("{\"\":1}");
  is_canonical("{\"\":1,\"balance\":10,\"name\":\"Ann\"}");
  is_canonical("{\"a\":null}");
  is_canonical(
    "{\"a\":-9223372036854775808,\"b\":9223372036854775807,\"c\":0}");
  is_canonical("{\"a\":0.1,\"b\":-0.0,\"c\":1e+16,\"d\":9e999,\"e\":-9e999}");
  is_canonical("{\"a\":\"\",\"b\":\"\\\"\\\\\\u0001\\u001f/\x7f\"}");
  is_canonical("{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}");
  is_canonical("{\"a\":{\"blob\":\"\"},\"b\":{\"blob\":\"00ff\"}}");
  is_canonical("{\"a\":{\"text\":\"00\"},\"b\":{\"text\":\"61ff\"}}");
  is_canonical("{\"a\":{\"text\":\"eda080\"}}"); /* a surrogate */
  is_canonical("{\"a\":{\"set\":[]},\"b\":{\"array\":[]}}");
  is_canonical("{\"a\":{\"array\":[\"b\",\"a\",\"a\",1,null,\"\\u0000\"]}}");
  is_canonical("{\"a\":{\"add\":-1},\"b\":{\"max\":0.5},\"c\":{\"min\":0}}");
  is_canonical("{\"a\":{\"put\":[\"a\"]},\"b\":{\"cut\":[\"a\"]}}");
  is_canonical("{\"a\":{\"put\":[\"a\",\"c\"],\"cut\":[\"b\",\"d\"]}}");
  is_canonical("{\"a\":{\"push\":[1]}}");
  is_canonical("{\"\\\"\":1,\"\\\\\":2,\"a\":3,\"\xc3\x84\":4}");
}

static void names_ascend_by_their_bytes(void **state) {
  (void)state;
  is_canonical("{\"a\":1,\"aa\":1,\"ab\":1,\"b\":1}");
  is_canonical("{\"\\u0001\":1,\"!\":1,\"\\\"\":1,\"#\":1}");
  is_no_record("{\"b\":1,\"a\":1}");
  is_no_record("{\"a\":1,\"a\":1}");
  is_no_record("{\"aa\":1,\"a\":1}");
  is_no_record("{\"a\":1,\"\":1}");
  is_no_record("{\"\":1,\"\":1}");
  is_no_record("{\"#\":1,\"\\\"\":1}");
}

static void elements_ascend_by_value(void **state) {
  (void)state;
  is_canonical("{\"a\":{\"set\":[null,-9e999,-1,-0.0,0,0.0,0.5,1,1.0,9,10,"
               "10000000000000000,1e+16,9e999,\"\",\"\\u0000\",\"\\u001f\","
               "\"!\",\"\\\"\",\"#\",\"\\\\\",\"a\",\"aa\",\"\xc3\xa9\"]}}");
  is_no_cell("{\"set\":[\"b\",\"a\"]}");
  is_no_cell("{\"set\":[\"a\",\"a\"]}");
  is_no_cell("{\"set\":[10,9]}");
  is_no_cell("{\"set\":[1.0,1]}");
  is_no_cell("{\"set\":[\"#\",\"\\\"\"]}");
  is_no_cell("{\"set\":[\"a\",1]}");
  is_no_cell("{\"put\":[\"b\",\"a\"]}");
  is_no_cell("{\"cut\":[\"b\",\"a\"]}");
}

static void cells_written_otherwise_are_unknown(void **state) {
  static const char *const cells[] = {
    /* JSON, but not a record's */
    "true",
    "false",
    "[]",
    "[1]",
    "{}",
    "{\"foo\":1}",
    "{\"a\":{\"b\":[{}]}}",
    "[[[[[[[[[[]]]]]]]]]]",
    "{\"set\":1}",
    "{\"add\":null}",
    "{\"add\":\"1\"}",
    "{\"max\":[1]}",
    "{\"blob\":1}",
    "{\"text\":null}",
    "{\"push\":\"a\"}",
    /* numbers */
    "-0",
    "1e5",
    "1E+16",
    "1.50",
    "1.0e+16",
    "9223372036854775808",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "1e999",
    "9e998",
    "{\"add\":1.50}",
    /* text */
    "\"\\n\"",
    "\"\\/\"",
    "\"\\u0041\"",
    "\"\\u001F\"",
    "\"\\u0022\"",
    "\"\\ud83d\\ude00\"",
    "\"\\u0000\"",
    "\"\\u0020\"",
    /* bytes */
    "{\"blob\":\"0\"}",
    "{\"blob\":\"FF\"}",
    "{\"blob\":\"0g\"}",
    "{\"blob\":\"\\u0030\"}",
    "{\"text\":\"61\"}",
    "{\"text\":\"\"}",
    "{\"text\":\"c3a9\"}",
    "{\"text\":\"0\"}",
    /* more than one */
    "{\"add\":1,\"max\":2}",
    "{\"set\":[],\"put\":[1]}",
    "{\"blob\":\"\",\"a\":1}",
    "{\"cut\":[1],\"put\":[2]}",
    "{\"put\":[1],\"put\":[2]}",
    "{\"cut\":[1],\"cut\":[2]}",
    "{\"push\":[1],\"cut\":[1]}",
    "{\"put\":[1],\"cut\":[2],\"a\":1}",
    /* elements */
    "{\"push\":[]}",
    "{\"put\":[]}",
    "{\"cut\":[]}",
    "{\"put\":[],\"cut\":[1]}",
    "{\"put\":[1],\"cut\":[]}",
    "{\"put\":[1],\"cut\":[1]}",
    "{\"put\":[1,3,5],\"cut\":[2,4,5]}",
    "{\"array\":[[]]}",
    "{\"array\":[true]}",
    "{\"array\":[{\"blob\":\"00\"}]}",
    "{\"push\":[1.50]}",
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(cells) / sizeof(*cells); i++)
    is_no_cell(cells[i]);
}

static void names_with_capitals_are_not_understood(void **state) {
  reading r;

  (void)state;
  read_text(&r, "{\"Name\":1,\"name\":2,\"\xc3\x84\":3}");
  assert_int_equal(r.record.n, 3);
  assert_int_equal(r.record.is_whole, 0);
  assert_int_equal(r.record.cells[0].op, KV_CELL_UNKNOWN);
  assert_int_equal(r.record.cells[1].op, KV_CELL_SET);
  assert_int_equal(r.record.cells[2].op, KV_CELL_SET);
  done(&r);
}

static void the_birth_is_a_one(void **state) {
  static const char *const others[] = {"0",     "2",    "1.0",
                                       "\"1\"", "true", "null"};
  char z[100];
  reading r;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
    snprintf(z, sizeof(z), "{\"\":%s,\"a\":1}", others[i]);
    read_text(&r, z);
    assert_int_equal(r.record.is_birth, 0);
    assert_int_equal(r.record.is_whole, 0);
    assert_int_equal(r.record.n, 2);
    assert_int_equal(r.record.cells[0].op, KV_CELL_UNKNOWN);
    assert_int_equal(r.record.cells[1].op, KV_CELL_SET);
    done(&r);
  }
}

static void only_an_object_without_white_space_is_a_record(void **state) {
  static const char *const bad[] = {
    "x",
    "{",
    "}",
    "[]",
    "null",
    "1",
    "\"a\"",
    "{}x",
    "{} ",
    " {}",
    "{ }",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{,\"a\":1}",
    "{\"a\":1}x",
    "{\"a\" :1}",
    "{\"a\": 1}",
    "{\"a\":1 }",
    "{a:1}",
    "{'a':1}",
    "{\"a\":nul}",
    "{\"a\":truth}",
    "{\"a\":01}",
    "{\"a\":+1}",
    "{\"a\":.5}",
    "{\"a\":1.}",
    "{\"a\":1e}",
    "{\"a\":-}",
    "{\"a\":--1}",
    "{\"a\":1-}",
    "{\"a\":\"}",
    "{\"a\":\"\\\"}",
    "{\"a\":\"\\x\"}",
    "{\"a\":\"\\u00\"}",
    "{\"a\":\"\\u00g0\"}",
    "{\"a\":\"\n\"}",
    "{\"a\":\"\x01\"}",
    "{\"a\":[1}",
    "{\"a\":[1,]}",
    "{\"a\":[1}]",
    "{\"a\":[,1]}",
    "{\"a\":{]}",
    "{\"a\":{\"b\"}}",
    "{\"a\":{\"b\":}}",
    "{\"a\":{\"b\":1,}}",
    "{\"a\":{b:1}}",
    "{\"a\":[}",
    "{\"a\":]}",
    "{\"a\":{\"b\":1]}",
    "{\"a\":{\"set\":[1}}",
    "{\"\\u0041\":1}",
    "{\"\\n\":1}",
    "{\"a\":1}{}",
    "{\"a\":\"\xff\"}",
    "{\"a\":\"\xc3\"}",
    "{\"a\":\"\xc0\x80\"}",
    "{\"a\":\"\xed\xa0\x80\"}",
    "{\"a\":\"\xf4\x90\x80\x80\"}",
    "{\"a\":\"\xe0\x80\x80\"}",
    "{\"a\":\"\xf0\x80\x80\x80\"}",
    "{\"a\":\"\x80\"}",
    "{\"a\":\"\xe2\x82\"}",
    "{\"\xff\":1}",
    "{\"a\":{\"b\":\"\xff\"}}",
    "{\"a\":[\"\xc3\\n\"]}",
  };
  size_t i;

  (void)state;
  is_no_record("");
  for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
    is_no_record(bad[i]);
  is_no_record_at(__LINE__, "{\"a\":\"\0\"}", 9);
  is_no_record_at(__LINE__, "{\"a\":1}\0", 8);
}

static void a_truncated_record_is_not_a_record(void **state) {
  static const char whole[] =
    "{\"\":1,\"a\":{\"put\":[\"x\\\"\",1.5e+20],\"cut\":[\"y\\\\\"]},\"b\":{\"text\":"
    "\"00\"},\"c\":[{\"d\":[true,\"\xf0\x9f\x98\x80\"]},null],\"d\":-0.25,\"e\":\"\\u001f"
    " plain text of more than eight bytes\"}";
  reading r;
  size_t n;

  (void)state;
  read_bytes(&r, whole, sizeof(whole) - 1);
  assert_int_equal(r.record.n, 5);
  done(&r);
  for (n = 0; n < sizeof(whole) - 1; n++)
    is_no_record_at(__LINE__, whole, n);
}

static void nesting_is_limited(void **state) {
  char z[600];
  int depth;
  reading r;

  (void)state;
  for (depth = KV_JSON_DEPTH - 1; depth <= KV_JSON_DEPTH + 1; depth++) {
    int n = snprintf(z, sizeof(z), "{\"a\":");

    memset(z + n, '[', (size_t)depth);
    memset(z + n + depth, ']', (size_t)depth);
    strcpy(z + n + 2 * depth, "}");
    read_text(&r, z);
    assert_int_equal(r.record.n, depth <= KV_JSON_DEPTH);
    done(&r);
  }
}

static void there_are_no_more_cells_than_columns(void **state) {
  size_t room = (size_t)20 * (KV_RECORD_CELLS + 2);
  char *z = malloc(room);
  int most;
  reading r;

  (void)state;
  for (most = KV_RECORD_CELLS; most <= KV_RECORD_CELLS + 1; most++) {
    size_t n = 0;
    int i;

    for (i = 0; i < most; i++)
      n += (size_t)snprintf(z + n, room - n, "%c\"c%08d\":1", i ? ',' : '{', i);
    z[n++] = '}';
    read_bytes(&r, z, n);
    assert_int_equal(r.record.n, most == KV_RECORD_CELLS ? most : 0);
    done(&r);
  }
  free(z);
}

static void values_are_decoded(void **state) {
  kv_value v;
  reading r;

  (void)state;
  read_text(
    &r, "{\"a\":\"x\\\"\\u0007\",\"b\":{\"blob\":\"00ff\"},\"c\":{\"text\":"
        "\"6100\"},\"d\":{\"cut\":[1]},\"e\":{\"push\":[2]},\"f\":\"plain\"}");
  assert_int_equal(kv_cell_value(&r.record.cells[0], &r.arena, &v), KV_OK);
  assert_int_equal(v.type, KV_TEXT);
  assert_int_equal(v.n, 3);
  assert_memory_equal(v.z, "x\"\a", 3);
  assert_int_equal(kv_cell_value(&r.record.cells[1], &r.arena, &v), KV_OK);
  assert_int_equal(v.type, KV_BLOB);
  assert_int_equal(v.n, 2);
  assert_memory_equal(v.z, "\0\xff", 2);
  assert_int_equal(kv_cell_value(&r.record.cells[2], &r.arena, &v), KV_OK);
  assert_int_equal(v.type, KV_TEXT);
  assert_memory_equal(v.z, "a\0", 2);
  assert_int_equal(kv_cell_value(&r.record.cells[3], &r.arena, &v), KV_OK);
  assert_memory_equal(v.z, "[1]", 3);
  assert_int_equal(kv_cell_value(&r.record.cells[4], &r.arena, &v), KV_OK);
  assert_memory_equal(v.z, "[2]", 3);
  assert_int_equal(kv_cell_value(&r.record.cells[5], &r.arena, &v), KV_OK);
  assert_ptr_equal(v.z, r.record.cells[5].value.z); /* borrowed */
  done(&r);
}

/* Write {"a":value}. */
static void writes(int type, const void *z, size_t n, double real,
                   const char *expected) {
  kv_cell cell = {
    "a",       1,        KV_CELL_SET, KV_FORM_PLAIN, {0, 0, 0, NULL, 0},
    {NULL, 0}, {NULL, 0}};
  kv_bytes bytes;

  cell.value.type = type;
  cell.value.z = z;
  cell.value.n = n;
  cell.value.r = real;
  kv_bytes_init(&bytes, test_resize, KV_RECORD_MAX);
  kv_record_begin(&bytes, 0);
  kv_record_add(&bytes, &cell);
  kv_record_end(&bytes);
  assert_int_equal(bytes.n, strlen(expected));
  assert_memory_equal(bytes.z, expected, bytes.n);
  kv_bytes_free(&bytes);
}

static void any_value_of_sqlite_is_written(void **state) {
  (void)state;
  writes(KV_NULL, NULL, 0, 0, "{\"a\":null}");
  writes(KV_REAL, NULL, 0, NAN, "{\"a\":null}");
  writes(KV_REAL, NULL, 0, -INFINITY, "{\"a\":-9e999}");
  writes(KV_TEXT, NULL, 0, 0, "{\"a\":\"\"}");
  writes(KV_BLOB, NULL, 0, 0, "{\"a\":{\"blob\":\"\"}}");
  writes(KV_TEXT, "a\0b", 3, 0, "{\"a\":{\"text\":\"610062\"}}");
  writes(KV_TEXT, "\xff", 1, 0, "{\"a\":{\"text\":\"ff\"}}");
  writes(KV_TEXT, "\xc3", 1, 0, "{\"a\":{\"text\":\"c3\"}}");
  writes(KV_TEXT, "\n\"\\\x7f", 4, 0, "{\"a\":\"\\u000a\\\"\\\\\x7f\"}");
}

static void a_record_that_is_too_large_is_refused(void **state) {
  size_t n = KV_RECORD_MAX / 2;
  kv_cell cell = {
    "a",       1,        KV_CELL_SET, KV_FORM_PLAIN, {KV_BLOB, 0, 0, NULL, 0},
    {NULL, 0}, {NULL, 0}};
  char *z = malloc(KV_RECORD_MAX + 1);
  kv_bytes bytes;
  reading r;

  (void)state;
  memset(z, 'x', KV_RECORD_MAX + 1);
  cell.value.z = z;
  cell.value.n = n;
  kv_bytes_init(&bytes, test_resize, KV_RECORD_MAX);
  kv_record_begin(&bytes, 0);
  kv_record_add(&bytes, &cell);
  kv_record_end(&bytes);
  assert_int_equal(bytes.rc, KV_TOOBIG);
  kv_bytes_clear(&bytes);
  cell.value.n = n - 20;
  kv_record_begin(&bytes, 0);
  kv_record_add(&bytes, &cell);
  kv_record_end(&bytes);
  assert_int_equal(bytes.rc, KV_OK);
  kv_bytes_free(&bytes);

  memcpy(z, "{\"a\":\"", 6);
  memcpy(z + KV_RECORD_MAX - 2, "\"}", 3);
  read_bytes(&r, z, KV_RECORD_MAX);
  assert_int_equal(r.record.n, 1);
  done(&r);
  memcpy(z + KV_RECORD_MAX - 2, "x\"}", 3);
  is_no_record_at(__LINE__, z, KV_RECORD_MAX + 1);
  free(z);
}

static void same_cells_assign_the_same_value(void **state) {
  reading r;
  const kv_cell *c;

  (void)state;
  read_text(
    &r,
    "{\"a\":1,\"b\":1,\"c\":1.0,\"d\":\"1\",\"e\":{\"blob\":\"31\"},\"f\":"
    "{\"set\":[1]},\"g\":{\"array\":[1]},\"h\":{\"array\":[1]},\"i\":null}");
  c = r.record.cells;
  assert_true(kv_cell_is_same(&c[0], &c[1]));
  assert_false(kv_cell_is_same(&c[1], &c[2]));
  assert_false(kv_cell_is_same(&c[1], &c[3]));
  assert_false(kv_cell_is_same(&c[3], &c[4]));
  assert_false(kv_cell_is_same(&c[5], &c[6]));
  assert_true(kv_cell_is_same(&c[6], &c[7]));
  assert_true(kv_cell_is_same(&c[8], &c[8]));
  assert_false(kv_cell_is_same(&c[8], &c[0]));
  done(&r);
}

static void without_memory_nothing_stays(void **state) {
  char z[20000] = "{";
  size_t n = 1;
  int i;
  int rc = KV_NOMEM;

  (void)state;
  for (i = 0; i < 200; i++)
    n += (size_t)snprintf(z + n, sizeof(z) - n, "%s\"\\\\%03d\":\"\\\\\"",
                          i ? "," : "", i);
  z[n++] = '}';
  for (i = 0; rc != KV_OK; i++) {
    kv_arena arena;
    kv_record record;

    test_memory = i;
    test_open = 0;
    kv_arena_init(&arena, test_resize_failing);
    rc = kv_record_read(z, n, &arena, &record);
    assert_true(rc == KV_OK || (rc == KV_NOMEM && record.n == 0));
    kv_arena_free(&arena);
    assert_int_equal(test_open, 0);
  }
  assert_true(i > 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_form_is_written_as_it_was_read),
    cmocka_unit_test(names_ascend_by_their_bytes),
    cmocka_unit_test(elements_ascend_by_value),
    cmocka_unit_test(cells_written_otherwise_are_unknown),
    cmocka_unit_test(names_with_capitals_are_not_understood),
    cmocka_unit_test(the_birth_is_a_one),
    cmocka_unit_test(only_an_object_without_white_space_is_a_record),
    cmocka_unit_test(a_truncated_record_is_not_a_record),
    cmocka_unit_test(nesting_is_limited),
    cmocka_unit_test(there_are_no_more_cells_than_columns),
    cmocka_unit_test(values_are_decoded),
    cmocka_unit_test(any_value_of_sqlite_is_written),
    cmocka_unit_test(a_record_that_is_too_large_is_refused),
    cmocka_unit_test(same_cells_assign_the_same_value),
    cmocka_unit_test(without_memory_nothing_stays),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
