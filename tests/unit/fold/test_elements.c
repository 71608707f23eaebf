/*
** Sets: elements that came and went, by rows of logs a and b.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fold/elements.h"
#include "support/folds.h"

static const kv_fold_log names[] = {{"a", "1"}, {"b", "1"}};
static kv_arena arena;
static kv_horizon horizon;

/* A row says in its id how far its writer had merged the other log. */
static int seen(void *source, const kv_fold_row *row, int log, int64_t *seq) {
  (void)source;
  (void)log;
  *seq = row->id;
  return row->id < -1 ? (int)-row->id : KV_OK;
}

static int setup(void **state) {
  (void)state;
  kv_arena_init(&arena, test_resize);
  kv_horizon_init(&horizon, test_resize);
  return kv_horizon_begin(&horizon, names, 2, seen, NULL);
}

static int teardown(void **state) {
  (void)state;
  kv_horizon_free(&horizon);
  kv_arena_free(&arena);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static kv_elements elements(const char *list, int is_cut, size_t at,
                            const kv_fold_row *row) {
  kv_elements out;

  memset(&out, 0, sizeof(out));
  out.list.z = list;
  out.list.n = strlen(list);
  out.is_cut = is_cut;
  out.at = at;
  out.row = row;
  return out;
}

static void merges_at(int line, const kv_elements *lists, size_t n,
                      kv_horizon *by, const char *expected) {
  kv_list out;

  assert_int_equal(kv_elements_merge(lists, n, by, &arena, &out), KV_OK);
  if (out.n != strlen(expected) || memcmp(out.z, expected, out.n) != 0) {
    fail_msg("line %d: %.*s", line, (int)out.n, out.z);
  }
}
#define merges(lists, n, by, expected)                                         \
  merges_at(__LINE__, lists, n, by, expected)

static void a_set_has_each_element_once_in_order(void **state) {
  kv_elements lists[3];

  (void)state;
  lists[0] = elements("[2,\"b\"]", 0, 0, NULL);
  lists[1] = elements("[null,2,10]", 0, 1, NULL);
  lists[2] = elements("[\"a\",\"b\"]", 0, 2, NULL);
  merges(lists, 3, NULL, "[null,2,10,\"a\",\"b\"]");
  merges(lists, 1, NULL, "[2,\"b\"]");
}

static void a_cut_takes_away_what_was_put_before_it(void **state) {
  kv_elements lists[3];

  (void)state;
  lists[0] = elements("[1,2,3]", 0, 0, NULL);
  lists[1] = elements("[1,2,3,4]", 1, 1, NULL);
  lists[2] = elements("[2,4]", 0, 2, NULL);
  merges(lists, 2, NULL, "[]");
  merges(lists, 3, NULL, "[2,4]");
  merges(&lists[1], 1, NULL, "[]");
}

static void a_cut_spares_what_its_writer_had_not_seen(void **state) {
  kv_fold_row rows[3];
  kv_elements lists[3];

  (void)state;
  memset(rows, 0, sizeof(rows));
  rows[0].seq = 1; /* a1 and a2 put; */
  rows[1].seq = 2;
  rows[2].log = 1; /* b1 cuts, and had seen a1 */
  rows[2].seq = rows[2].id = 1;
  lists[0] = elements("[1,2]", 0, 0, &rows[0]);
  lists[1] = elements("[2,3]", 0, 1, &rows[1]);
  lists[2] = elements("[1,2,3]", 1, 2, &rows[2]);
  merges(lists, 3, &horizon, "[2,3]");
}

static void cuts_work_together(void **state) {
  kv_fold_row rows[4];
  kv_elements lists[4];

  (void)state;
  memset(rows, 0, sizeof(rows));
  rows[0].seq = 1; /* a1 and b1 put, without having seen each other; */
  rows[1].log = 1;
  rows[1].seq = 1;
  rows[2].seq = 2; /* a2 cuts a's, b2 cuts b's */
  rows[3].log = 1;
  rows[3].seq = 2;
  lists[0] = elements("[1]", 0, 0, &rows[0]);
  lists[1] = elements("[1]", 0, 1, &rows[1]);
  lists[2] = elements("[1]", 1, 2, &rows[2]);
  lists[3] = elements("[1]", 1, 3, &rows[3]);
  merges(lists, 3, &horizon, "[1]");
  merges(lists, 4, &horizon, "[]");
}

static void errors_and_no_memory_are_reported(void **state) {
  kv_fold_row rows[2];
  kv_elements lists[2];
  kv_arena other;
  kv_list out;

  (void)state;
  memset(rows, 0, sizeof(rows));
  rows[0].seq = 1;
  rows[1].log = 1;
  rows[1].seq = 1;
  rows[1].id = -10;
  lists[0] = elements("[1]", 0, 0, &rows[0]);
  lists[1] = elements("[1]", 1, 1, &rows[1]);
  assert_int_equal(kv_elements_merge(lists, 2, &horizon, &arena, &out), 10);
  test_memory = 0;
  kv_arena_init(&other, test_resize_failing);
  assert_int_equal(kv_elements_merge(lists, 2, NULL, &other, &out), KV_NOMEM);
  kv_arena_free(&other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_set_has_each_element_once_in_order),
    test(a_cut_takes_away_what_was_put_before_it),
    test(a_cut_spares_what_its_writer_had_not_seen),
    test(cuts_work_together),
    test(errors_and_no_memory_are_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
