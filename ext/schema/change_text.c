/*
** Changes of a declaration's text. See change_text.h.
**
** The text is walked element by element: what is between commas that are in no
** parentheses. Elements that do not change are copied with their comments.
*/
#include "change_text.h"

#include <string.h>

#include "db/error.h"
#include "declare/tokens.h"

static int change_text_wrong(char **err) {
  return kv_error(err, SQLITE_ERROR,
                  "a change of a declaration is 'ADD COLUMN ...', 'DROP COLUMN "
                  "name', 'RENAME COLUMN name TO name' or 'DECLARE (...)'");
}

static int change_text_is_name(const kv_token *token) {
  return token->kind == KV_TOKEN_WORD || token->kind == KV_TOKEN_NAME;
}

/* Is a token this name, quoted or not? */
static int change_text_is(const kv_token *token, const char *name,
                          kv_arena *arena, int *rc) {
  const char *text;

  if (!change_text_is_name(token)) return 0;
  text = kv_token_text(token, arena);
  if (!text) *rc = SQLITE_NOMEM;
  return text && sqlite3_stricmp(text, name) == 0;
}

/* Behind the element: at its comma, or at the end. */
static void change_text_skip(kv_tokens *tokens) {
  int depth = 0;

  for (; tokens->now.kind != KV_TOKEN_END && tokens->now.kind != KV_TOKEN_WRONG;
       kv_tokens_next(tokens)) {
    if (kv_tokens_is(tokens, "(")) depth++;
    if (kv_tokens_is(tokens, ")")) depth--;
    if (depth == 0 && kv_tokens_is(tokens, ",")) return;
  }
}

/* Is the element a column, and not a rule or an option? */
static int change_text_is_column(const kv_tokens *tokens) {
  static const char *const words[] = {"PRIMARY", "UNIQUE",  "INDEX",
                                      "CHECK",   "FOREIGN", "MERGE",
                                      "deletes", "store",   "bucket"};
  kv_tokens next = *tokens;
  int i;

  kv_tokens_next(&next);
  for (i = 0; i < 9; i++) {
    if (kv_tokens_is(tokens, words[i]))
      return i >= 6 && !kv_tokens_is(&next, "=");
  }
  return 1;
}

/* MERGE (...) without a column. */
static void change_text_merge(kv_tokens *tokens, const char *name,
                              sqlite3_str *out, kv_arena *arena, int *rc) {
  const char *between = "";

  kv_tokens_next(tokens); /* MERGE */
  sqlite3_str_appendall(out, "MERGE (");
  do {
    kv_token column;

    kv_tokens_next(tokens); /* ( or , */
    column = tokens->now;
    kv_tokens_next(tokens);
    if (!change_text_is(&column, name, arena, rc)) {
      sqlite3_str_appendf(out, "%s%.*s %.*s", between, (int)column.n, column.z,
                          (int)tokens->now.n, tokens->now.z);
      between = ", ";
    }
    kv_tokens_next(tokens);
  } while (kv_tokens_is(tokens, ","));
  sqlite3_str_appendall(out, ")");
  kv_tokens_take(tokens, ")");
}

/* MERGE of this column alone? */
static int change_text_is_merge_of(const kv_tokens *tokens, const char *name,
                                   kv_arena *arena, int *rc) {
  kv_tokens at = *tokens;

  if (!kv_tokens_take(&at, "MERGE") || !kv_tokens_take(&at, "(")) return 0;
  if (!change_text_is(&at.now, name, arena, rc)) return 0;
  kv_tokens_next(&at);
  kv_tokens_next(&at);
  return kv_tokens_is(&at, ")");
}

static int change_text_drop(const char *text, const char *name,
                            sqlite3_str *out, kv_arena *arena, char **err) {
  kv_tokens tokens;
  const char *from = text; /* what is to be copied begins here */
  int n_found = 0;
  int n_kept = 0;
  int rc = SQLITE_OK;

  kv_tokens_begin(&tokens, text);
  while (tokens.now.kind != KV_TOKEN_END && rc == SQLITE_OK) {
    int is_gone = (change_text_is_column(&tokens) &&
                   change_text_is(&tokens.now, name, arena, &rc)) ||
                  change_text_is_merge_of(&tokens, name, arena, &rc);

    n_found += is_gone;
    if (!is_gone && n_kept++ > 0) sqlite3_str_appendall(out, ",");
    if (!is_gone && kv_tokens_is(&tokens, "MERGE")) {
      change_text_merge(&tokens, name, out, arena, &rc);
    } else {
      change_text_skip(&tokens);
      if (!is_gone) {
        sqlite3_str_append(out, from, (int)(tokens.now.z - from));
      }
    }
    if (tokens.now.kind == KV_TOKEN_WRONG) break;
    kv_tokens_take(&tokens, ",");
    from = tokens.last.z + tokens.last.n;
  }
  if (rc == SQLITE_OK && n_found == 0) {
    rc = kv_error(err, SQLITE_ERROR, "there is no column %s to drop", name);
  }
  return rc;
}

/* The renaming of a column, as far as it has come. */
typedef struct renaming {
  kv_tokens tokens;
  const char *table;
  const char *name;
  const char *new_name;
  const char *from; /* what is to be copied begins here */
  int is_column;    /* the element is the column, */
  int is_named;     /* and has a name in records already */
  int n_found;
} renaming;

/* The column's element ends: it keeps its name in records. */
static void renaming_end(renaming *r, sqlite3_str *out) {
  if (r->is_column && !r->is_named) {
    sqlite3_str_append(out, r->from, (int)(r->tokens.now.z - r->from));
    sqlite3_str_appendf(out, " NAMED \"%w\"\n", r->name);
    r->from = r->tokens.now.z;
  }
  r->is_column = 0;
  r->is_named = 0;
}

/* Copy what is before the token, and the new name in its place. */
static void renaming_put(renaming *r, sqlite3_str *out) {
  sqlite3_str_append(out, r->from, (int)(r->tokens.now.z - r->from));
  sqlite3_str_appendf(out, "\"%w\"", r->new_name);
  r->from = r->tokens.now.z + r->tokens.now.n;
}

/*
** At REFERENCES: go to the parent's columns, the last of its tokens; they have the
** name of the column only if the table is its own parent.
*/
static void renaming_parent(renaming *r, kv_arena *arena, int *rc) {
  kv_tokens *t = &r->tokens;
  kv_tokens next;

  kv_tokens_next(t);
  if (change_text_is(&t->now, r->table, arena, rc)) return;
  next = *t;
  kv_tokens_next(&next);
  if (!kv_tokens_is(&next, "(")) return;
  while (next.now.kind != KV_TOKEN_END && next.now.kind != KV_TOKEN_WRONG &&
         !kv_tokens_is(&next, ")")) {
    *t = next;
    kv_tokens_next(&next);
  }
  *t = next;
}

/* One element: in a column's its name, in others what is in parentheses. */
static void renaming_element(renaming *r, sqlite3_str *out, kv_arena *arena,
                             int *rc) {
  kv_tokens *t = &r->tokens;
  int is_column = change_text_is_column(t);
  int depth = 0;

  r->is_column = is_column && change_text_is(&t->now, r->name, arena, rc);
  r->n_found += r->is_column;
  if (r->is_column) renaming_put(r, out);
  if (is_column) kv_tokens_next(t);
  for (; t->now.kind != KV_TOKEN_END && t->now.kind != KV_TOKEN_WRONG &&
         *rc == SQLITE_OK;
       kv_tokens_next(t)) {
    if (depth == 0 && kv_tokens_is(t, ",")) return;
    if (kv_tokens_is(t, "(")) depth++;
    if (kv_tokens_is(t, ")")) depth--;
    if (depth == 0 && kv_tokens_is(t, "NAMED")) r->is_named = 1;
    if (depth == 0 && kv_tokens_is(t, "REFERENCES")) {
      renaming_parent(r, arena, rc);
      continue;
    }
    if (depth > 0 && change_text_is(&t->now, r->name, arena, rc)) {
      renaming_put(r, out);
    }
  }
}

static int change_text_rename(const char *table, const char *text,
                              const char *name, const char *new_name,
                              sqlite3_str *out, kv_arena *arena, char **err) {
  renaming r;
  int rc = SQLITE_OK;

  memset(&r, 0, sizeof(r));
  r.table = table;
  r.name = name;
  r.new_name = new_name;
  r.from = text;
  kv_tokens_begin(&r.tokens, text);
  do {
    renaming_element(&r, out, arena, &rc);
    renaming_end(&r, out);
  } while (rc == SQLITE_OK && kv_tokens_take(&r.tokens, ","));
  sqlite3_str_appendall(out, r.from);
  if (rc == SQLITE_OK && r.n_found == 0) {
    rc = kv_error(err, SQLITE_ERROR, "there is no column %s to rename", name);
  }
  return rc;
}

/* A name, at which the change may end. */
static const char *change_text_name(kv_tokens *tokens, kv_arena *arena,
                                    int *rc) {
  const char *out = NULL;

  if (!change_text_is_name(&tokens->now)) return NULL;
  out = kv_token_text(&tokens->now, arena);
  if (!out) *rc = SQLITE_NOMEM;
  kv_tokens_next(tokens);
  return out;
}

/* What is in the parentheses of DECLARE (...). */
static int change_text_inside(kv_tokens *tokens, sqlite3_str *out) {
  const char *begin = tokens->now.z + 1;

  if (!kv_tokens_is(tokens, "(")) return 0;
  while (tokens->now.kind != KV_TOKEN_END && tokens->now.kind != KV_TOKEN_WRONG)
    kv_tokens_next(tokens);
  if (tokens->now.kind != KV_TOKEN_END || tokens->last.z < begin ||
      tokens->last.n != 1 || *tokens->last.z != ')') {
    return 0;
  }
  sqlite3_str_append(out, begin, (int)(tokens->last.z - begin));
  return 1;
}

static int change_text_run(const char *table, const char *text, kv_tokens *t,
                           kv_change_kind *kind, sqlite3_str *out,
                           kv_arena *arena, char **err) {
  const char *name;
  const char *new_name;
  int rc = SQLITE_OK;

  if (kv_tokens_take(t, "ADD")) {
    *kind = KV_CHANGE_ADD;
    kv_tokens_take(t, "COLUMN");
    if (t->now.kind == KV_TOKEN_END) return change_text_wrong(err);
    sqlite3_str_appendf(out, "%s\n, %s", text, t->now.z);
    return SQLITE_OK;
  }
  if (kv_tokens_take(t, "DECLARE")) {
    *kind = KV_CHANGE_DECLARE;
    return change_text_inside(t, out) ? SQLITE_OK : change_text_wrong(err);
  }
  *kind = kv_tokens_is(t, "DROP") ? KV_CHANGE_DROP : KV_CHANGE_RENAME;
  if (!kv_tokens_take(t, "DROP") && !kv_tokens_take(t, "RENAME")) {
    return change_text_wrong(err);
  }
  kv_tokens_take(t, "COLUMN");
  name = change_text_name(t, arena, &rc);
  if (name && *kind == KV_CHANGE_DROP && t->now.kind == KV_TOKEN_END) {
    return change_text_drop(text, name, out, arena, err);
  }
  if (name && *kind == KV_CHANGE_RENAME && kv_tokens_take(t, "TO")) {
    new_name = change_text_name(t, arena, &rc);
    if (new_name && t->now.kind == KV_TOKEN_END) {
      return change_text_rename(table, text, name, new_name, out, arena, err);
    }
  }
  return rc == SQLITE_OK ? change_text_wrong(err) : rc;
}

int kv_change_text(const char *table, const char *text, const char *wanted,
                   kv_change_kind *kind, char **out, char **err) {
  sqlite3_str *made = sqlite3_str_new(NULL);
  kv_tokens tokens;
  kv_arena arena;
  int rc;

  kv_arena_init(&arena, kv_realloc);
  kv_tokens_begin(&tokens, wanted);
  rc = change_text_run(table, text, &tokens, kind, made, &arena, err);
  *out = sqlite3_str_finish(made);
  kv_arena_free(&arena);
  if (rc == SQLITE_OK && !*out) rc = SQLITE_NOMEM;
  if (rc != SQLITE_OK) {
    sqlite3_free(*out);
    *out = NULL;
  }
  return rc;
}
