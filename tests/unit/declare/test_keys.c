/*
** Keys of typed tables, as the log has them.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/sqlite.h"
#include "declare/keys.h"
#include "support/folds.h"
#include "support/rc.h"

typedef struct table {
  kv_declaration declared;
  kv_arena arena;
} table;

static void begin(table *t, const char *text) {
  char *err = NULL;

  kv_arena_init(&t->arena, test_resize);
  assert_rc(kv_declaration_read(&t->declared, "t", text, &err), SQLITE_OK);
  assert_null(err);
}

static void end(table *t) {
  kv_declaration_clear(&t->declared);
  kv_arena_free(&t->arena);
}

static kv_value text_of(const char *z) {
  kv_value out = {KV_TEXT, 0, 0, z, strlen(z)};
  return out;
}

/* 1 if this text is a key of the table. */
static int is_key(table *t, const char *z) {
  kv_value values[4];
  kv_value key = text_of(z);
  int is_valid;

  assert_rc(kv_keys_read(&t->declared, &key, &t->arena, values, &is_valid),
            SQLITE_OK);
  return is_valid;
}

static void a_key_of_several_columns_is_an_array(void **state) {
  kv_value values[3] = {{KV_INTEGER, -7, 0, NULL, 0}, {0}, {0}};
  kv_value read[3];
  kv_value key;
  int is_valid;
  table t;

  (void)state;
  begin(&t, "n INTEGER, a TEXT, v TEXT, PRIMARY KEY(a, n)");
  values[1] = text_of("x\"");
  assert_rc(kv_keys_write(&t.declared, values, &t.arena, &key, &is_valid),
            SQLITE_OK);
  assert_true(is_valid);
  assert_int_equal(key.n, 10);
  assert_memory_equal(key.z, "[\"x\\\"\",-7]", 10);
  assert_rc(kv_keys_read(&t.declared, &key, &t.arena, read, &is_valid),
            SQLITE_OK);
  assert_true(is_valid);
  assert_int_equal(read[0].i, -7);
  assert_memory_equal(read[1].z, "x\"", 2);
  end(&t);
}

static void what_is_no_key_is_found_out(void **state) {
  static const char *const wrong[] = {"",
                                      "[",
                                      "[]",
                                      "[\"a\"]",
                                      "[\"a\",1",
                                      "[\"a\",1]x",
                                      "[\"a\",1,2]",
                                      "[\"a\",\"1\"]",
                                      "[1,\"a\"]",
                                      "[null,1]",
                                      "[\"a\", 1]",
                                      "[\"a\",[1]]",
                                      "[\"a\",1.5]",
                                      "[\"\\u00e9\",1]",
                                      "[\"a\",1.0]",
                                      "[\"\\u0061\",1]",
                                      "\"a\""};
  size_t i;
  table t;

  (void)state;
  begin(&t, "a TEXT, n INTEGER, PRIMARY KEY(a, n)");
  assert_true(is_key(&t, "[\"a\",1]"));
  assert_true(is_key(&t, "[\"\\u0001\",1]"));
  for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    assert_false(is_key(&t, wrong[i]));
  end(&t);
}

static void text_that_is_not_utf8_is_no_part_of_a_key(void **state) {
  kv_value values[2];
  kv_value key;
  int is_valid;
  table t;

  (void)state;
  begin(&t, "a TEXT, b TEXT, PRIMARY KEY(a, b)");
  values[0] = text_of("a");
  values[1] = text_of("\xff");
  assert_rc(kv_keys_write(&t.declared, values, &t.arena, &key, &is_valid),
            SQLITE_OK);
  assert_false(is_valid);
  end(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_key_of_several_columns_is_an_array),
    cmocka_unit_test(what_is_no_key_is_found_out),
    cmocka_unit_test(text_that_is_not_utf8_is_no_part_of_a_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
