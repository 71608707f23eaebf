/*
** The declaration of a typed table. See declaration.h.
**
** A recursive descent over tokens. Expressions are not parsed: SQLite does that
** when the table is created. Their parentheses are balanced, so that none can
** end the CHECK that it is in.
*/
#include "declaration.h"

#include <string.h>

#include "db/error.h"
#include "fold/fold.h"
#include "tokens.h"

typedef struct parser {
  kv_tokens tokens;
  kv_declaration *out;
  const char *name; /* of the table */
  char **err;
  int rc;
  int room; /* of columns, groups, checks: no list has more elements */
} parser;

/* What is wrong, at the token that is looked at. */
static void parser_fail(parser *p, const char *what) {
  const kv_token *now = &p->tokens.now;

  if (p->rc != SQLITE_OK) return;
  if (now->kind == KV_TOKEN_END) {
    p->rc = kv_error(p->err, SQLITE_ERROR,
                     "cannot declare %s: %s at the end of the declaration",
                     p->name, what);
  } else {
    p->rc =
      kv_error(p->err, SQLITE_ERROR, "cannot declare %s: %s near \"%.*s\"",
               p->name, what, now->n < 40 ? (int)now->n : 40, now->z);
  }
}

/* An error that is about a column. */
static void parser_refuse(parser *p, const char *column, const char *why) {
  if (p->rc != SQLITE_OK) return;
  p->rc = kv_error(p->err, SQLITE_ERROR, "cannot declare %s: column %s %s",
                   p->name, column, why);
}

static void *parser_get(parser *p, size_t n) {
  void *out = p->rc == SQLITE_OK ? kv_arena_get(&p->out->arena, n) : NULL;

  if (out) memset(out, 0, n);
  if (!out && p->rc == SQLITE_OK) p->rc = SQLITE_NOMEM;
  return out;
}

static void parser_expect(parser *p, const char *word) {
  char what[32];
  if (p->rc != SQLITE_OK || kv_tokens_take(&p->tokens, word)) return;
  sqlite3_snprintf(sizeof(what), what, "%s is missing", word);
  parser_fail(p, what);
}

/* A name, quoted or not; NULL after an error. */
static const char *parser_name(parser *p) {
  const char *out;

  if (p->rc == SQLITE_OK && p->tokens.now.kind != KV_TOKEN_WORD &&
      p->tokens.now.kind != KV_TOKEN_NAME) {
    parser_fail(p, "a name is missing");
  }
  if (p->rc != SQLITE_OK) return NULL;
  out = kv_token_text(&p->tokens.now, &p->out->arena);
  if (!out) p->rc = SQLITE_NOMEM;
  kv_tokens_next(&p->tokens);
  return out;
}

/* What stands in parentheses, which are balanced. */
static const char *parser_expression(parser *p) {
  const char *begin;
  char *out = NULL;
  int depth = 1;

  parser_expect(p, "(");
  begin = p->tokens.now.z;
  while (p->rc == SQLITE_OK && depth > 0) {
    if (p->tokens.now.kind == KV_TOKEN_END ||
        p->tokens.now.kind == KV_TOKEN_WRONG) {
      parser_fail(p, ") is missing");
    } else if (kv_tokens_is(&p->tokens, "(")) {
      depth++;
    } else if (kv_tokens_is(&p->tokens, ")")) {
      depth--;
    }
    if (depth > 0) kv_tokens_next(&p->tokens);
  }
  if (p->rc == SQLITE_OK) {
    size_t n = (size_t)(p->tokens.now.z - begin);
    out = parser_get(p, n + 1);
    if (out) memcpy(out, begin, n);
    kv_tokens_next(&p->tokens);
  }
  return out;
}

int kv_declaration_column(const kv_declaration *declaration, const char *name) {
  int i;

  for (i = 0; i < declaration->n_columns; i++) {
    if (sqlite3_stricmp(declaration->columns[i].name, name) == 0) return i;
  }
  return -1;
}

/* Columns in parentheses, as names; they are looked up at the end. */
static const char **parser_names(parser *p, int *n) {
  const char **out = parser_get(p, (size_t)p->room * sizeof(*out));

  *n = 0;
  parser_expect(p, "(");
  do {
    const char *name = parser_name(p);
    if (p->rc == SQLITE_OK) out[(*n)++] = name;
  } while (p->rc == SQLITE_OK && kv_tokens_take(&p->tokens, ","));
  parser_expect(p, ")");
  return out;
}

/* A list of columns that have to be there, each once: their numbers. */
static int *parser_columns(parser *p, const char **names, int n) {
  int *out = parser_get(p, (size_t)n * sizeof(*out));
  int i;
  int k;

  for (i = 0; i < n && p->rc == SQLITE_OK; i++) {
    out[i] = kv_declaration_column(p->out, names[i]);
    if (out[i] < 0) parser_refuse(p, names[i], "is not declared");
    for (k = 0; k < i && p->rc == SQLITE_OK; k++) {
      if (out[k] == out[i]) parser_refuse(p, names[i], "is named twice");
    }
  }
  return out;
}

/* A group whose columns still are names, in `columns`. */
static kv_group *parser_group(parser *p, kv_rule rule, const char **names,
                              int n) {
  kv_group *group;

  if (p->rc != SQLITE_OK) return NULL;
  group = &p->out->groups[p->out->n_groups++];
  group->rule = rule;
  group->n = n;
  group->columns = (int *)(void *)names;
  return group;
}

/* ON DELETE and ON UPDATE: nothing but RESTRICT. */
static void parser_actions(parser *p) {
  while (p->rc == SQLITE_OK && kv_tokens_take(&p->tokens, "ON")) {
    if (!kv_tokens_take(&p->tokens, "DELETE")) parser_expect(p, "UPDATE");
    if (kv_tokens_take(&p->tokens, "RESTRICT")) continue;
    if (kv_tokens_take(&p->tokens, "NO")) {
      parser_expect(p, "ACTION");
    } else {
      parser_fail(p, "a foreign key can only RESTRICT: delete the rows that "
                     "refer to a row before it,");
    }
  }
}

static void parser_references(parser *p, const char **names, int n) {
  kv_group *group = parser_group(p, KV_RULE_FOREIGN, names, n);
  int n_parents = n;

  if (!group) return;
  group->parent = parser_name(p);
  if (kv_tokens_is(&p->tokens, "(")) {
    group->parents = parser_names(p, &n_parents);
  }
  if (n_parents != n) parser_fail(p, "as many columns have to be named");
  parser_actions(p);
}

static void parser_check(parser *p) {
  const char *text = parser_expression(p);

  if (p->rc == SQLITE_OK) p->out->checks[p->out->n_checks++] = text;
}

static int parser_take_call(parser *p, const char *name) {
  if (!kv_tokens_take(&p->tokens, name)) return 0;
  parser_expect(p, "(");
  parser_expect(p, ")");
  return 1;
}

/* A literal, with its sign. */
static void parser_literal(parser *p, kv_column *column) {
  const char *begin = p->tokens.now.z;
  int is_signed =
    kv_tokens_take(&p->tokens, "-") || kv_tokens_take(&p->tokens, "+");
  int kind = p->tokens.now.kind;
  size_t n = (size_t)(p->tokens.now.z - begin) + p->tokens.now.n;
  char *text;

  if (kind != KV_TOKEN_NUMBER &&
      (is_signed || (kind != KV_TOKEN_STRING && kind != KV_TOKEN_BLOB &&
                     !kv_tokens_is(&p->tokens, "NULL") &&
                     !kv_tokens_is(&p->tokens, "TRUE") &&
                     !kv_tokens_is(&p->tokens, "FALSE")))) {
    parser_fail(p, "a default is a literal, CURRENT_TIMESTAMP, CURRENT_DATE, "
                   "CURRENT_TIME, (kv_uuid()) or (kv_id()), not what is");
    return;
  }
  text = parser_get(p, n + 1);
  if (text) memcpy(text, begin, n);
  column->literal = text;
  column->what = KV_DEFAULT_LITERAL;
  kv_tokens_next(&p->tokens);
}

static void parser_default(parser *p, kv_column *column) {
  static const char *const words[] = {"CURRENT_TIMESTAMP", "CURRENT_DATE",
                                      "CURRENT_TIME"};
  int is_inside = kv_tokens_take(&p->tokens, "(");
  int i = 0;

  while (i < 3 && !kv_tokens_take(&p->tokens, words[i]))
    i++;
  if (parser_take_call(p, "kv_uuid")) {
    column->what = KV_DEFAULT_UUID;
  } else if (parser_take_call(p, "kv_id")) {
    column->what = KV_DEFAULT_ID;
  } else if (i < 3) {
    column->what = (kv_default)(KV_DEFAULT_TIMESTAMP + i);
  } else {
    parser_literal(p, column);
  }
  if (is_inside) parser_expect(p, ")");
}

static const char **parser_one_name(parser *p, const kv_column *column) {
  const char **out = parser_get(p, sizeof(*out));

  if (out) out[0] = column->name;
  return out;
}

/* PRIMARY KEY: its columns are names until the end. */
static void parser_key(parser *p, const char **names, int n) {
  if (p->rc == SQLITE_OK && p->out->key) {
    parser_fail(p, "there is a second PRIMARY KEY");
  }
  p->out->key = (int *)(void *)names;
  p->out->n_key = n;
}

/* The name of a column in records. */
static const char *parser_cell(parser *p, const char *name) {
  char *out = name ? kv_token_lower(name, &p->out->arena) : NULL;
  if (!out && p->rc == SQLITE_OK) p->rc = SQLITE_NOMEM;
  return out;
}

static void parser_constraint(parser *p, kv_column *column) {
  kv_tokens *t = &p->tokens;

  if (kv_tokens_take(t, "PRIMARY")) {
    parser_expect(p, "KEY");
    parser_key(p, parser_one_name(p, column), 1);
  } else if (kv_tokens_take(t, "NOT")) {
    parser_expect(p, "NULL");
    column->is_not_null = 1;
  } else if (kv_tokens_take(t, "UNIQUE")) {
    parser_group(p, KV_RULE_UNIQUE, parser_one_name(p, column), 1);
  } else if (kv_tokens_take(t, "CHECK")) {
    parser_check(p);
  } else if (kv_tokens_take(t, "DEFAULT")) {
    parser_default(p, column);
  } else if (kv_tokens_take(t, "REFERENCES")) {
    parser_references(p, parser_one_name(p, column), 1);
  } else if (kv_tokens_take(t, "NAMED")) {
    column->cell = parser_cell(p, parser_name(p));
  } else {
    parser_fail(p, "a constraint that is not known");
  }
}

static void parser_type(parser *p, kv_column *column) {
  static const char *const types[] = {"ANY", "INTEGER", "REAL", "TEXT", "BLOB"};
  int i = 0;

  while (i < 5 && !kv_tokens_take(&p->tokens, types[i]))
    i++;
  if (i == 5) {
    parser_fail(p, "a column's type is INTEGER, REAL, TEXT, BLOB or ANY, not "
                   "what is");
  }
  column->type = (kv_type)i;
}

static void parser_column(parser *p) {
  kv_column *column = &p->out->columns[p->out->n_columns];
  const char *name = parser_name(p);

  if (p->rc != SQLITE_OK) return;
  if (name[0] == '\0' || name[0] == '_') {
    parser_refuse(p, name, "cannot have a name that is empty or begins with _");
  } else if (kv_declaration_column(p->out, name) >= 0) {
    parser_refuse(p, name, "is declared twice");
  }
  column->name = name;
  column->cell = parser_cell(p, name);
  p->out->n_columns++;
  parser_type(p, column);
  while (p->rc == SQLITE_OK && !kv_tokens_is(&p->tokens, ",") &&
         p->tokens.now.kind != KV_TOKEN_END) {
    parser_constraint(p, column);
  }
}

/* MERGE(name kind, ...): after all columns, so that they are known. */
static void parser_merge(parser *p) {
  static const char *const kinds[] = {"lww", "counter", "max",
                                      "min", "set",     "list"};

  parser_expect(p, "(");
  do {
    const char *name = parser_name(p);
    int i = name ? kv_declaration_column(p->out, name) : -1;
    int kind = 0;

    while (kind < 6 && !kv_tokens_is(&p->tokens, kinds[kind]))
      kind++;
    if (p->rc == SQLITE_OK && i < 0) {
      parser_refuse(p, name, "is not declared before MERGE");
    } else if (kind == 6) {
      parser_fail(p, "a kind is lww, counter, max, min, set or list, not what "
                     "is");
    }
    if (p->rc != SQLITE_OK) return;
    p->out->columns[i].kind = (kv_kind)kind;
    kv_tokens_next(&p->tokens);
  } while (kv_tokens_take(&p->tokens, ","));
  parser_expect(p, ")");
}

static void parser_deletes(parser *p) {
  static const char *const words[] = {"later", "lose", "win"};
  int i = 0;

  while (i < 3 && !kv_tokens_is(&p->tokens, words[i]))
    i++;
  if (i == 3) parser_fail(p, "deletes is later, lose or win, not what is");
  p->out->deletes = i;
  kv_tokens_next(&p->tokens);
}

/* A name or a string behind =. */
static const char *parser_text(parser *p) {
  const char *out;

  if (p->rc != SQLITE_OK) return NULL;
  if (p->tokens.now.kind != KV_TOKEN_STRING) return parser_name(p);
  out = kv_token_text(&p->tokens.now, &p->out->arena);
  if (!out) p->rc = SQLITE_NOMEM;
  kv_tokens_next(&p->tokens);
  return out;
}

/* An option, if one is there: its name, and = behind it. */
static int parser_take_option(parser *p, const char *name) {
  kv_tokens at = p->tokens;

  if (!kv_tokens_take(&p->tokens, name)) return 0;
  if (kv_tokens_take(&p->tokens, "=")) return 1;
  p->tokens = at;
  return 0;
}

static void parser_element(parser *p) {
  kv_tokens *t = &p->tokens;
  const char **names;
  int n;

  if (parser_take_option(p, "deletes")) {
    parser_deletes(p);
  } else if (parser_take_option(p, "store")) {
    p->out->store = parser_text(p);
  } else if (parser_take_option(p, "bucket")) {
    p->out->bucket = parser_text(p);
  } else if (kv_tokens_take(t, "PRIMARY")) {
    parser_expect(p, "KEY");
    names = parser_names(p, &n);
    parser_key(p, names, n);
  } else if (kv_tokens_take(t, "UNIQUE")) {
    names = parser_names(p, &n);
    parser_group(p, KV_RULE_UNIQUE, names, n);
  } else if (kv_tokens_take(t, "INDEX")) {
    names = parser_names(p, &n);
    parser_group(p, KV_RULE_INDEX, names, n);
  } else if (kv_tokens_take(t, "CHECK")) {
    parser_check(p);
  } else if (kv_tokens_take(t, "FOREIGN")) {
    parser_expect(p, "KEY");
    names = parser_names(p, &n);
    parser_expect(p, "REFERENCES");
    parser_references(p, names, n);
  } else if (kv_tokens_take(t, "MERGE")) {
    parser_merge(p);
  } else {
    parser_column(p);
  }
}

/* How many elements there may be: no more than there are commas. */
static int parser_room(const char *text) {
  int n = 2;

  for (; *text; text++)
    n += *text == ',' || *text == '(';
  return n;
}

static void parser_begin(parser *p) {
  kv_declaration *out = p->out;
  size_t room = (size_t)p->room;

  out->columns = parser_get(p, room * sizeof(*out->columns));
  out->sorted = parser_get(p, room * sizeof(*out->sorted));
  out->groups = parser_get(p, 2 * room * sizeof(*out->groups));
  out->checks = parser_get(p, room * sizeof(*out->checks));
}

/* Look up the columns of the key, and check them. */
static void parser_end_key(parser *p) {
  kv_declaration *out = p->out;
  int i;

  if (p->rc == SQLITE_OK && !out->key) {
    p->rc = kv_error(p->err, SQLITE_ERROR,
                     "cannot declare %s: it has no PRIMARY KEY", p->name);
  }
  out->key = parser_columns(p, (const char **)(void *)out->key, out->n_key);
  for (i = 0; i < out->n_key && p->rc == SQLITE_OK; i++) {
    kv_column *column = &out->columns[out->key[i]];

    column->key = i + 1;
    column->is_not_null = 1;
    if (column->kind != KV_KIND_LWW) {
      parser_refuse(p, column->name, "is of the key, which is not merged");
    } else if (out->n_key > 1 &&
               (column->type == KV_TYPE_BLOB || column->type == KV_TYPE_ANY)) {
      parser_refuse(p, column->name,
                    "is of a key of several columns, so its "
                    "type is INTEGER, REAL or TEXT");
    }
  }
}

static void parser_end_kinds(parser *p) {
  int i;

  for (i = 0; i < p->out->n_columns; i++) {
    const kv_column *column = &p->out->columns[i];
    int is_number =
      column->type == KV_TYPE_INTEGER || column->type == KV_TYPE_REAL;

    if (column->kind >= KV_KIND_SET && column->type != KV_TYPE_TEXT) {
      parser_refuse(p, column->name, "is a set or list, which is TEXT");
    } else if (column->kind >= KV_KIND_COUNTER && column->kind <= KV_KIND_MIN &&
               !is_number) {
      parser_refuse(p, column->name,
                    "is merged as a number, so its type is "
                    "INTEGER or REAL");
    }
  }
}

static void parser_end_groups(parser *p) {
  int i;

  for (i = 0; i < p->out->n_groups; i++) {
    kv_group *group = &p->out->groups[i];

    group->columns =
      parser_columns(p, (const char **)(void *)group->columns, group->n);
  }
}

/* Sort the columns by the bytes of their names in records. */
static void parser_sort(parser *p) {
  kv_declaration *out = p->out;
  int i;
  int k;

  for (i = 0; i < out->n_columns && p->rc == SQLITE_OK; i++) {
    const char *cell = out->columns[i].cell;

    for (k = i;
         k > 0 && strcmp(out->columns[out->sorted[k - 1]].cell, cell) > 0; k--)
      out->sorted[k] = out->sorted[k - 1];
    out->sorted[k] = i;
    if (k > 0 && strcmp(out->columns[out->sorted[k - 1]].cell, cell) == 0) {
      parser_refuse(p, out->columns[i].name, "has the name of another one");
    }
  }
}

static void parser_end_names(parser *p) {
  kv_declaration *out = p->out;
  size_t n;

  if (!out->store) out->store = "kv";
  if (!out->bucket) out->bucket = parser_cell(p, p->name);
  n = out->bucket ? strlen(out->bucket) : 1;
  if (p->rc == SQLITE_OK &&
      (n == 0 || n > KV_BUCKET_MAX || out->bucket[0] == '#')) {
    p->rc = kv_error(p->err, SQLITE_ERROR,
                     "cannot declare %s: a bucket has a name of 1 to %d bytes "
                     "that does not begin with #: bucket = 'name'",
                     p->name, KV_BUCKET_MAX);
  }
}

int kv_declaration_read(kv_declaration *out, const char *name, const char *text,
                        char **err) {
  parser p;

  memset(&p, 0, sizeof(p));
  memset(out, 0, sizeof(*out));
  kv_arena_init(&out->arena, kv_realloc);
  p.out = out;
  p.name = name;
  p.err = err;
  p.room = parser_room(text);
  kv_tokens_begin(&p.tokens, text);
  parser_begin(&p);
  do
    parser_element(&p);
  while (p.rc == SQLITE_OK && kv_tokens_take(&p.tokens, ","));
  if (p.rc == SQLITE_OK && p.tokens.now.kind != KV_TOKEN_END) {
    parser_fail(&p, "a comma is missing");
  }
  if (p.rc == SQLITE_OK) parser_end_key(&p);
  if (p.rc == SQLITE_OK) parser_end_groups(&p);
  parser_end_kinds(&p);
  parser_sort(&p);
  parser_end_names(&p);
  return p.rc;
}

void kv_declaration_clear(kv_declaration *declaration) {
  kv_arena_free(&declaration->arena);
}
