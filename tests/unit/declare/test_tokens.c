/*
** Tokens of SQL text.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "declare/tokens.h"
#include "support/folds.h"

/* The kinds of all tokens, and where the last one ends. */
static void reads(const char *text, const char *kinds) {
  static const char letters[] = "EWNSB1.X";
  char out[64];
  size_t n = 0;
  kv_tokens tokens;

  kv_tokens_begin(&tokens, text);
  for (;;) {
    assert_true(n < sizeof(out) - 1);
    out[n++] = letters[tokens.now.kind];
    if (tokens.now.kind == KV_TOKEN_END || tokens.now.kind == KV_TOKEN_WRONG) {
      break;
    }
    kv_tokens_next(&tokens);
  }
  out[n] = '\0';
  assert_string_equal(out, kinds);
}

static void text_is_parted_as_in_sql(void **state) {
  (void)state;
  reads("", "E");
  reads(" a1_$\t'it''s' \"q\"\"q\" [b c] `d` ", "WSNNNE");
  reads("x'00' X'ff' xy 'x'", "BBWSE");
  reads("1 -1.5e-3 .5 0xff 1e+5-2", "1.111"
                                    "1.1E");
  reads("a(b,c)=\xc3\xa9", "W.W.W..WE");
  reads("a -- b\n c /* d ' */ e --", "WWWE");
  reads("a /* open", "WE");
}

static void what_is_open_or_ends_a_statement_is_wrong(void **state) {
  (void)state;
  reads("a 'open", "WX");
  reads("\"open", "X");
  reads("[open", "X");
  reads("a; b", "WX");
}

static void quotes_are_taken_off(void **state) {
  static const char *const texts[][2] = {{"'it''s'", "it's"},
                                         {"\"a\"\"b\"", "a\"b"},
                                         {"[a\"b]", "a\"b"},
                                         {"``", ""},
                                         {"word", "word"}};
  kv_arena arena;
  size_t i;

  (void)state;
  kv_arena_init(&arena, test_resize);
  for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    kv_tokens tokens;

    kv_tokens_begin(&tokens, texts[i][0]);
    assert_string_equal(kv_token_text(&tokens.now, &arena), texts[i][1]);
  }
  kv_arena_free(&arena);
}

static void words_have_no_case_and_no_quotes(void **state) {
  kv_tokens tokens;

  (void)state;
  kv_tokens_begin(&tokens, "Primary \"KEY\"");
  assert_false(kv_tokens_take(&tokens, "KEY"));
  assert_true(kv_tokens_take(&tokens, "PRIMARY"));
  assert_false(kv_tokens_is(&tokens, "KEY"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(text_is_parted_as_in_sql),
    cmocka_unit_test(what_is_open_or_ends_a_statement_is_wrong),
    cmocka_unit_test(quotes_are_taken_off),
    cmocka_unit_test(words_have_no_case_and_no_quotes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
