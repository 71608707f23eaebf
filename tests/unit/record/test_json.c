/*
** The JSON of records: each scalar is written in one way only.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record/json.h"
#include "record/record.h"
#include "support/folds.h"
#include "support/logs.h"

/* Read a scalar that is the whole text; 0 if it is not one. */
static int read_scalar(const char *z, kv_scalar *out) {
  const char *end = z + strlen(z);

  return kv_json_scalar(z, end, out) == end;
}

static void a_scalar_is_written_as_it_was_read(void **state) {
  static const char *const scalars[] = {
    "null",  "0",           "-12",      "9223372036854775807",
    "0.1",   "-0.0",        "1e+16",    "-9e999",
    "\"\"",  "\"a\"",       "\"\\\"\"", "\"\\u001f\\\\\"",
    "\"/\"", "\"\xc3\xa9\""};
  kv_arena arena;
  size_t i;

  (void)state;
  kv_arena_init(&arena, test_resize);
  for (i = 0; i < sizeof(scalars) / sizeof(*scalars); i++) {
    kv_bytes bytes;
    kv_scalar scalar;
    kv_value value;

    assert_true(read_scalar(scalars[i], &scalar));
    assert_int_equal(kv_json_decode(&scalar.value, scalar.form, &arena, &value),
                     KV_OK);
    kv_bytes_init(&bytes, test_resize, KV_RECORD_MAX);
    kv_json_add(&bytes, &value);
    assert_int_equal(bytes.n, strlen(scalars[i]));
    assert_memory_equal(bytes.z, scalars[i], bytes.n);
    kv_bytes_free(&bytes);
  }
  kv_arena_free(&arena);
}

static void other_spellings_are_refused(void **state) {
  static const char *const others[] = {
    "",      "nul",    "true",        "-0",       "01",   "1.50",
    "1E+16", "+1",     "\"a",         "\"\\n\"",  "[]",   "\"\\u0041\"",
    "1e5",   "\"\n\"", "\"\\u001F\"", "\"\xff\"", "1e999"};
  kv_scalar scalar;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(others) / sizeof(*others); i++)
    if (read_scalar(others[i], &scalar)) fail_msg("understood: %s", others[i]);
}

static void nothing_is_read_past_the_end(void **state) {
  const char *z = "\"ab\"";
  kv_scalar scalar;

  (void)state;
  assert_null(kv_json_text(z, z, &scalar));
  assert_null(kv_json_text(z, z + 3, &scalar));
  assert_ptr_equal(kv_json_text(z, z + 4, &scalar), z + 4);
  assert_int_equal(scalar.value.n, 2);
  z = "12";
  assert_ptr_equal(kv_json_scalar(z, z + 1, &scalar), z + 1);
  assert_int_equal(scalar.value.i, 1);
  assert_null(kv_json_text(z, z + 2, &scalar));
}

static void any_json_without_spaces_is_skipped(void **state) {
  static const char *const good[] = {"{\"a\":[1,true,{}],\"b\":\"\\n\"}", "1E5",
                                     "[[]]"};
  static const char *const bad[] = {"{\"a\"}", "[1,]", "[ 1]", "[1}", "'a'"};
  char deep[2 * (KV_JSON_DEPTH + 1)];
  size_t n = KV_JSON_DEPTH;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(good) / sizeof(*good); i++)
    assert_ptr_equal(kv_json_skip(good[i], good[i] + strlen(good[i])),
                     good[i] + strlen(good[i]));
  for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
    assert_null(kv_json_skip(bad[i], bad[i] + strlen(bad[i])));
  for (; n <= KV_JSON_DEPTH + 1; n++) {
    memset(deep, '[', n);
    memset(deep + n, ']', n);
    assert_int_equal(kv_json_skip(deep, deep + 2 * n) != NULL,
                     n == KV_JSON_DEPTH);
  }
}

static void scalars_have_an_order_and_only_equal_bytes_are_equal(void **state) {
  static const char *const order[] = {
    "null", "-1",          "1",     "1.0",      "1.5",   "9",     "10",
    "\"\"", "\"\\u0001\"", "\"!\"", "\"\\\"\"", "\"#\"", "\"a\"", "\"aa\""};
  size_t n = sizeof(order) / sizeof(*order);
  size_t i;
  size_t k;

  (void)state;
  for (i = 0; i < n; i++)
    for (k = 0; k < n; k++) {
      kv_scalar a;
      kv_scalar b;
      int c;

      assert_true(read_scalar(order[i], &a));
      assert_true(read_scalar(order[k], &b));
      c = kv_json_compare(&a, &b);
      if ((c > 0) - (c < 0) != (i > k) - (i < k)) {
        fail_msg("%s and %s: %d", order[i], order[k], c);
      }
    }
}

static void bytes_have_hex_digits(void **state) {
  kv_value hex = test_text("00ff61");
  kv_value out;
  kv_bytes bytes;
  kv_arena arena;
  int is_text;

  (void)state;
  kv_arena_init(&arena, test_resize);
  assert_int_equal(kv_json_decode(&hex, KV_FORM_HEX, &arena, &out), KV_OK);
  assert_int_equal(out.n, 3);
  assert_memory_equal(out.z,
                      "\0\xff"
                      "a",
                      3);
  kv_bytes_init(&bytes, test_resize, KV_RECORD_MAX);
  kv_json_add_hex(&bytes, out.z, out.n);
  assert_memory_equal(bytes.z, "00ff61", 6);
  kv_bytes_free(&bytes);
  kv_arena_free(&arena);
  assert_true(kv_json_is_hex("6162", 4, &is_text) && is_text);
  assert_true(kv_json_is_hex("6100", 4, &is_text) && !is_text);
  assert_true(kv_json_is_hex("61c3", 4, &is_text) && !is_text);
  assert_false(kv_json_is_hex("616", 3, &is_text));
  assert_false(kv_json_is_hex("FF", 2, &is_text));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_scalar_is_written_as_it_was_read),
    cmocka_unit_test(other_spellings_are_refused),
    cmocka_unit_test(nothing_is_read_past_the_end),
    cmocka_unit_test(any_json_without_spaces_is_skipped),
    cmocka_unit_test(scalars_have_an_order_and_only_equal_bytes_are_equal),
    cmocka_unit_test(bytes_have_hex_digits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
