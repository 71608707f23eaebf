/*
** The tokens of SQL text, as SQLite's tokenizer separates them.
*/
#ifndef KV_DECLARE_TOKENS_H
#define KV_DECLARE_TOKENS_H

#include "record/arena.h"

enum {
  KV_TOKEN_END,
  KV_TOKEN_WORD,   /* a name or keyword without quotes */
  KV_TOKEN_NAME,   /* a name in "", [] or `` */
  KV_TOKEN_STRING, /* in '' */
  KV_TOKEN_BLOB,   /* x'' */
  KV_TOKEN_NUMBER,
  KV_TOKEN_SIGN, /* any other byte: ( ) , = ... */
  KV_TOKEN_WRONG /* a quote that is not closed, or a semicolon */
};

typedef struct kv_token {
  int kind;
  const char *z; /* quotes included */
  size_t n;
} kv_token;

typedef struct kv_tokens {
  kv_token now;  /* the one that is looked at */
  kv_token last; /* the one before */
  const char *rest;
} kv_tokens;

/* Begin with the first token of a NUL-terminated text. */
void kv_tokens_begin(kv_tokens *tokens, const char *text);

/* Go to the next one. Behind the end is the end. */
void kv_tokens_next(kv_tokens *tokens);

/* Is it this word, in any case, or this sign? A quoted name is no word. */
int kv_tokens_is(const kv_tokens *tokens, const char *word);

/* The same, and go behind it. */
int kv_tokens_take(kv_tokens *tokens, const char *word);

/*
** A name, or the content of a string, without its quotes, NUL-terminated. NULL:
** no memory.
*/
char *kv_token_text(const kv_token *token, kv_arena *arena);

/* A name with ASCII letters in lower case. NULL: no memory. */
char *kv_token_lower(const char *name, kv_arena *arena);

#endif
