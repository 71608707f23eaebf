/*
** An arena, whose memory is freed all at once, and a buffer that grows.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record/arena.h"
#include "support/folds.h"

static void pieces_are_aligned_and_do_not_overlap(void **state) {
  char *pieces[300];
  kv_arena arena;
  size_t i;
  size_t k;

  (void)state;
  kv_arena_init(&arena, test_resize);
  for (i = 0; i < 300; i++) {
    pieces[i] = kv_arena_get(&arena, i);
    assert_non_null(pieces[i]);
    assert_int_equal((uintptr_t)pieces[i] % sizeof(double), 0);
    memset(pieces[i], (int)(i % 100), i);
  }
  for (i = 0; i < 300; i++)
    for (k = 0; k < i; k++)
      assert_int_equal(pieces[i][k], (int)(i % 100));
  assert_ptr_not_equal(pieces[0], pieces[1]);
  assert_string_equal(kv_arena_copy(&arena, "abc", 4), "abc");
  kv_arena_free(&arena);
}

static void one_block_is_kept_unless_it_is_large(void **state) {
  kv_arena arena;
  void *first;
  int i;

  (void)state;
  test_memory = 100;
  test_open = 0;
  kv_arena_init(&arena, test_resize_failing);
  first = kv_arena_get(&arena, 1);
  kv_arena_clear(&arena);
  assert_ptr_equal(kv_arena_get(&arena, 1), first);
  for (i = 0; i < 100; i++)
    assert_non_null(kv_arena_get(&arena, 1000));
  assert_true(test_open > 1);
  kv_arena_clear(&arena);
  assert_int_equal(test_open, 1);
  assert_non_null(kv_arena_get(&arena, (1 << 20) + 1));
  kv_arena_clear(&arena);
  assert_int_equal(test_open, 0);
  kv_arena_free(&arena);
}

static void without_memory_null_is_returned(void **state) {
  kv_arena arena;

  (void)state;
  test_memory = 1;
  test_open = 0;
  kv_arena_init(&arena, test_resize_failing);
  assert_null(kv_arena_get(&arena, SIZE_MAX));
  assert_null(kv_arena_get(&arena, SIZE_MAX - 8));
  assert_non_null(kv_arena_get(&arena, 10));
  assert_null(kv_arena_get(&arena, 100000));
  assert_non_null(kv_arena_get(&arena, 10)); /* the block has room for it */
  kv_arena_free(&arena);
  assert_int_equal(test_open, 0);
}

static void bytes_grow_up_to_their_limit(void **state) {
  kv_bytes bytes;
  int i;

  (void)state;
  kv_bytes_init(&bytes, test_resize, 1000);
  for (i = 0; i < 250; i++)
    kv_bytes_add(&bytes, "abcd", 4);
  assert_int_equal(bytes.rc, KV_OK);
  assert_int_equal(bytes.n, 1000);
  assert_int_equal(bytes.last, 'd');
  assert_memory_equal(bytes.z + 996, "abcd", 4);
  kv_bytes_add(&bytes, "x", 1);
  assert_int_equal(bytes.rc, KV_TOOBIG);
  assert_int_equal(bytes.n, 1000);
  kv_bytes_clear(&bytes);
  assert_int_equal(bytes.last, 0);
  kv_bytes_add(&bytes, "x", 1);
  assert_int_equal(bytes.rc, KV_OK);
  assert_int_equal(bytes.n, 1);
  kv_bytes_free(&bytes);
}

static void an_error_stays_and_nothing_is_added(void **state) {
  char z[200];
  kv_bytes bytes;

  (void)state;
  memset(z, 'x', sizeof(z));
  test_memory = 1;
  test_open = 0;
  kv_bytes_init(&bytes, test_resize_failing, 1000);
  kv_bytes_add(&bytes, "abc", 3);
  kv_bytes_add(&bytes, z, sizeof(z));
  assert_int_equal(bytes.rc, KV_NOMEM);
  kv_bytes_add(&bytes, "d", 1);
  assert_int_equal(bytes.rc, KV_NOMEM);
  assert_int_equal(bytes.n, 3);
  assert_memory_equal(bytes.z, "abc", 3);
  kv_bytes_free(&bytes);
  assert_int_equal(test_open, 0);
}

static void without_an_allocator_bytes_are_counted(void **state) {
  kv_bytes bytes;

  (void)state;
  kv_bytes_init(&bytes, NULL, 10);
  kv_bytes_add(&bytes, "abcdef", 6);
  kv_bytes_add(&bytes, "", 0);
  assert_int_equal(bytes.n, 6);
  assert_int_equal(bytes.last, 'f');
  assert_null(bytes.z);
  kv_bytes_add(&bytes, "abcdef", 6);
  assert_int_equal(bytes.rc, KV_TOOBIG);
  kv_bytes_free(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(pieces_are_aligned_and_do_not_overlap),
    cmocka_unit_test(one_block_is_kept_unless_it_is_large),
    cmocka_unit_test(without_memory_null_is_returned),
    cmocka_unit_test(bytes_grow_up_to_their_limit),
    cmocka_unit_test(an_error_stays_and_nothing_is_added),
    cmocka_unit_test(without_an_allocator_bytes_are_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
