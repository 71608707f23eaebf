/*
** Sets and lists as SQL writes them.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "declare/arrays.h"
#include "support/connection.h"
#include "support/folds.h"
#include "support/rc.h"

typedef struct world {
  sqlite3 *db;
  kv_arena arena;
} world;

static kv_list read_array(world *w, const char *z, int is_set, int *is_valid) {
  kv_value value = {KV_TEXT, 0, 0, z, strlen(z)};
  kv_list out;

  assert_rc(kv_arrays_read(w->db, &value, is_set, &w->arena, &out, is_valid),
            SQLITE_OK);
  return out;
}

static void is_read_as(world *w, const char *z, int is_set, const char *as) {
  int is_valid;
  kv_list list = read_array(w, z, is_set, &is_valid);

  assert_int_equal(is_valid, as != NULL);
  if (!as) return;
  assert_int_equal(list.n, strlen(as));
  assert_memory_equal(list.z, as, list.n);
}

static void arrays_get_the_form_of_records(void **state) {
  world w;

  (void)state;
  w.db = test_connect(":memory:");
  kv_arena_init(&w.arena, test_resize);
  is_read_as(&w, "[]", 0, "[]");
  is_read_as(&w, " [ 1 , \"a\"\n, null,2.50 , true,false]", 0,
             "[1,\"a\",null,2.5,1,0]");
  is_read_as(&w, "[\"\\u00e9\\/\\n\\ud83d\\ude00\"]", 0,
             "[\"\xc3\xa9/\\u000a\xf0\x9f\x98\x80\"]");
  is_read_as(&w, "[1.0e+20,-0.5E1,12345678901234567890]", 0,
             "[1e+20,-5.0,1.2345678901234567e+19]");
  is_read_as(&w, "[\"b\",1,\"a\",1,\"b\",null]", 1, "[null,1,\"a\",\"b\"]");
  kv_arena_free(&w.arena);
  test_disconnect(w.db);
}

static void what_is_no_array_of_scalars_is_refused(void **state) {
  static const char *const wrong[] = {"",
                                      "1",
                                      "[",
                                      "[1",
                                      "[1,]",
                                      "[,1]",
                                      "[1] 2",
                                      "[[1]]",
                                      "[{}]",
                                      "[\"a]",
                                      "[\"\\x\"]",
                                      "[\"\\ud83d\"]",
                                      "[\"\\u00\"]",
                                      "[nul]",
                                      "[1 2]",
                                      "[--1]",
                                      "[\"\xff\"]",
                                      "[.5]"};
  world w;
  size_t i;

  (void)state;
  w.db = test_connect(":memory:");
  kv_arena_init(&w.arena, test_resize);
  for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    is_read_as(&w, wrong[i], 0, NULL);
  kv_arena_free(&w.arena);
  test_disconnect(w.db);
}

static void differences_are_found(void **state) {
  int rc = KV_OK;
  int is_valid;
  kv_list a, b, out;
  world w;

  (void)state;
  w.db = test_connect(":memory:");
  kv_arena_init(&w.arena, test_resize);
  a = read_array(&w, "[1,2,\"x\"]", 1, &is_valid);
  b = read_array(&w, "[2,\"y\"]", 1, &is_valid);
  assert_int_equal(kv_arrays_less(a, b, &w.arena, &out), KV_OK);
  assert_memory_equal(out.z, "[1,\"x\"]", 7);
  assert_int_equal(kv_arrays_less(a, a, &w.arena, &out), KV_OK);
  assert_int_equal(out.n, 0);
  b = read_array(&w, "[1,2,\"x\",3]", 0, &is_valid);
  assert_true(kv_arrays_tail(a, b, &w.arena, &out, &rc));
  assert_memory_equal(out.z, "[3]", 3);
  assert_false(kv_arrays_tail(b, a, &w.arena, &out, &rc));
  b = read_array(&w, "[1,25]", 0, &is_valid);
  a = read_array(&w, "[1,2]", 0, &is_valid);
  assert_false(kv_arrays_tail(a, b, &w.arena, &out, &rc));
  kv_arena_free(&w.arena);
  test_disconnect(w.db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(arrays_get_the_form_of_records),
    cmocka_unit_test(what_is_no_array_of_scalars_is_refused),
    cmocka_unit_test(differences_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
