#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "file/state.h"

static void every_state_has_a_word_of_its_own(void **state) {
  int i;
  int j;

  (void)state;
  for (i = KV_STATE_OK; i <= KV_STATE_TWIN; i++) {
    const char *word = kv_state_word((kv_state)i);

    assert_int_equal(kv_state_of_word(word), i);
    for (j = KV_STATE_OK; j < i; j++)
      assert_string_not_equal(kv_state_word((kv_state)j), word);
  }
}

static void the_words_are_those_that_users_see(void **state) {
  (void)state;
  assert_string_equal(kv_state_word(KV_STATE_OK), "ok");
  assert_string_equal(kv_state_word(KV_STATE_WAITING), "waiting");
  assert_string_equal(kv_state_word(KV_STATE_BEHIND), "behind");
  assert_string_equal(kv_state_word(KV_STATE_REWRITTEN), "rewritten");
  assert_string_equal(kv_state_word(KV_STATE_DAMAGED), "damaged");
  assert_string_equal(kv_state_word(KV_STATE_STRANGER), "stranger");
  assert_string_equal(kv_state_word(KV_STATE_NEWER), "newer");
  assert_string_equal(kv_state_word(KV_STATE_MISSING), "missing");
  assert_string_equal(kv_state_word(KV_STATE_BUSY), "busy");
  assert_string_equal(kv_state_word(KV_STATE_TWIN), "twin");
}

static void an_unknown_word_is_not_a_good_state(void **state) {
  (void)state;
  assert_int_equal(kv_state_of_word("from the future"), KV_STATE_DAMAGED);
  assert_int_equal(kv_state_of_word(""), KV_STATE_DAMAGED);
  assert_int_equal(kv_state_of_word(NULL), KV_STATE_DAMAGED);
}

static void the_last_verdict_stands(void **state) {
  kv_verdict verdict = {KV_STATE_OK, NULL};

  (void)state;
  kv_verdict_set(&verdict, KV_STATE_WAITING, "%d of %d", 1, 2);
  assert_int_equal(verdict.state, KV_STATE_WAITING);
  assert_string_equal(verdict.detail, "1 of 2");
  kv_verdict_set(&verdict, KV_STATE_BUSY, "%s", "locked");
  assert_int_equal(verdict.state, KV_STATE_BUSY);
  assert_string_equal(verdict.detail, "locked");
  kv_verdict_set(&verdict, KV_STATE_TWIN, NULL);
  assert_int_equal(verdict.state, KV_STATE_TWIN);
  assert_null(verdict.detail);
  kv_verdict_clear(&verdict);
}

static void a_cleared_verdict_is_ok_and_holds_nothing(void **state) {
  sqlite3_int64 used = sqlite3_memory_used();
  kv_verdict verdict = {KV_STATE_OK, NULL};

  (void)state;
  kv_verdict_set(&verdict, KV_STATE_DAMAGED, "%1000d", 1);
  assert_true(sqlite3_memory_used() > used);
  kv_verdict_clear(&verdict);
  assert_int_equal(verdict.state, KV_STATE_OK);
  assert_null(verdict.detail);
  assert_int_equal(sqlite3_memory_used(), used);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_state_has_a_word_of_its_own),
    cmocka_unit_test(the_words_are_those_that_users_see),
    cmocka_unit_test(an_unknown_word_is_not_a_good_state),
    cmocka_unit_test(the_last_verdict_stands),
    cmocka_unit_test(a_cleared_verdict_is_ok_and_holds_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
