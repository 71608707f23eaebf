/*
** Words for the states of logs. See state.h.
*/
#include "state.h"

#include <stdarg.h>
#include <string.h>

static const char *const state_words[] = {
  "ok",       "waiting", "behind",  "rewritten", "damaged",
  "stranger", "newer",   "missing", "busy",      "twin"};

#define STATE_COUNT ((int)(sizeof(state_words) / sizeof(state_words[0])))

const char *kv_state_word(kv_state state) {
  return state_words[state];
}

kv_state kv_state_of_word(const char *word) {
  int i;
  for (i = 0; word && i < STATE_COUNT; i++) {
    if (strcmp(word, state_words[i]) == 0) return (kv_state)i;
  }
  return KV_STATE_DAMAGED;
}

void kv_verdict_set(kv_verdict *verdict, kv_state state, const char *format,
                    ...) {
  va_list ap;

  sqlite3_free(verdict->detail);
  verdict->detail = NULL;
  verdict->state = state;
  if (!format) return;
  va_start(ap, format);
  verdict->detail = sqlite3_vmprintf(format, ap);
  va_end(ap);
}

void kv_verdict_clear(kv_verdict *verdict) {
  kv_verdict_set(verdict, KV_STATE_OK, NULL);
}
