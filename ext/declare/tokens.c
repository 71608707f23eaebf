/*
** The tokens of SQL text. See tokens.h.
*/
#include "tokens.h"

#include <string.h>

#include "db/sqlite.h"

static int token_is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static int token_is_digit(char c) {
  return c >= '0' && c <= '9';
}

static int token_is_word(char c) {
  return token_is_digit(c) || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (c & 0x80);
}

/* Behind white space and comments. */
static const char *token_skip(const char *z) {
  for (;;) {
    if (token_is_space(*z)) {
      z++;
    } else if (z[0] == '-' && z[1] == '-') {
      z += strcspn(z, "\n");
    } else if (z[0] == '/' && z[1] == '*') {
      const char *end = strstr(z + 2, "*/");
      z = end ? end + 2 : z + strlen(z);
    } else {
      return z;
    }
  }
}

/* Behind the closing quote, which is doubled inside; NULL: there is none. */
static const char *token_quoted(const char *z, char quote) {
  for (z++; *z; z++) {
    if (*z != quote) continue;
    if (z[1] != quote || quote == ']') return z + 1;
    z++;
  }
  return NULL;
}

/* Digits, a point, an exponent; 0x and hex digits. */
static const char *token_number(const char *z) {
  while (token_is_word(*z) || *z == '.' ||
         ((*z == '+' || *z == '-') && (z[-1] == 'e' || z[-1] == 'E')))
    z++;
  return z;
}

static const char *token_end(kv_token *token) {
  const char *z = token->z;

  switch (*z) {
    case '\0': token->kind = KV_TOKEN_END; return z;
    case '\'': token->kind = KV_TOKEN_STRING; return token_quoted(z, '\'');
    case '"':
    case '`': token->kind = KV_TOKEN_NAME; return token_quoted(z, *z);
    case '[': token->kind = KV_TOKEN_NAME; return token_quoted(z, ']');
    case ';': return NULL;
    default: break;
  }
  if ((*z == 'x' || *z == 'X') && z[1] == '\'') {
    token->kind = KV_TOKEN_BLOB;
    return token_quoted(z + 1, '\'');
  }
  if (token_is_digit(*z) || (*z == '.' && token_is_digit(z[1]))) {
    token->kind = KV_TOKEN_NUMBER;
    return token_number(z + 1);
  }
  token->kind = token_is_word(*z) ? KV_TOKEN_WORD : KV_TOKEN_SIGN;
  for (z++; token->kind == KV_TOKEN_WORD && token_is_word(*z);)
    z++;
  return z;
}

void kv_tokens_begin(kv_tokens *tokens, const char *text) {
  memset(tokens, 0, sizeof(*tokens));
  tokens->rest = text;
  kv_tokens_next(tokens);
}

void kv_tokens_next(kv_tokens *tokens) {
  const char *end;

  if (tokens->now.kind == KV_TOKEN_WRONG) return;
  tokens->last = tokens->now;
  tokens->now.z = token_skip(tokens->rest);
  end = token_end(&tokens->now);
  if (!end) {
    tokens->now.kind = KV_TOKEN_WRONG;
    end = tokens->now.z + strlen(tokens->now.z);
  }
  tokens->now.n = (size_t)(end - tokens->now.z);
  tokens->rest = end;
}

int kv_tokens_is(const kv_tokens *tokens, const char *word) {
  const kv_token *now = &tokens->now;

  return (now->kind == KV_TOKEN_WORD || now->kind == KV_TOKEN_SIGN) &&
         strlen(word) == now->n &&
         sqlite3_strnicmp(now->z, word, (int)now->n) == 0;
}

int kv_tokens_take(kv_tokens *tokens, const char *word) {
  if (!kv_tokens_is(tokens, word)) return 0;
  kv_tokens_next(tokens);
  return 1;
}

char *kv_token_text(const kv_token *token, kv_arena *arena) {
  char *out = kv_arena_get(arena, token->n + 1);
  size_t n = 0;
  size_t i;

  if (!out) return NULL;
  if (token->kind != KV_TOKEN_NAME && token->kind != KV_TOKEN_STRING) {
    memcpy(out, token->z, token->n);
    out[token->n] = '\0';
    return out;
  }
  for (i = 1; i + 1 < token->n; i++) {
    out[n++] = token->z[i];
    if (token->z[i] == token->z[0] && token->z[0] != '[') i++;
  }
  out[n] = '\0';
  return out;
}

char *kv_token_lower(const char *name, kv_arena *arena) {
  char *out = kv_arena_copy(arena, name, strlen(name) + 1);
  size_t i;

  for (i = 0; out && out[i]; i++)
    if (out[i] >= 'A' && out[i] <= 'Z') out[i] = (char)(out[i] + 32);
  return out;
}
