/*
** Queries on {name}_data from plans. See typed_query.h.
**
** A plan becomes a nested query: the columns that are used, and its conditions.
** SQLite itself then chooses the index there. In the nested query the other side
** of a condition is a parameter without affinity, while SQLite may compare with a
** column of INTEGER, which takes the text '01' for 1. So what is asked of a column
** of texts depends on the value, when that is known.
**
** A column with the affinity of INTEGER never holds a text that looks like a
** number, in an ordinary table; this relies on it.
*/
#include "typed_query.h"

#include <string.h>

#include "core/order.h"
#include "db/error.h"
#include "db/value.h"
#include "typed_plan.h"

/* A set of more values is not looked up value by value. */
#define PLAN_SET_MAX 200

/* What a plan says */

typedef struct query_word {
  int letter; /* 0: the plan ends */
  int column;
  int n; /* values */
} query_word;

static int query_digits(const char **at) {
  int out = 0;

  for (; **at >= '0' && **at <= '9'; ++*at)
    out = out * 10 + (**at - '0');
  return out;
}

/* The next word of a plan. */
static query_word query_next(const char **at) {
  query_word out = {(unsigned char)**at, 0, 1};

  if (out.letter == 0) return out;
  ++*at;
  out.column = query_digits(at);
  if (out.letter == PLAN_TEXTS || out.letter == PLAN_ANY) out.n = 0;
  if (**at == ',') {
    ++*at;
    out.n = query_digits(at);
  }
  ++*at;
  return out;
}

/* The first word of a plan. */
static sqlite3_uint64 query_used(const char **at) {
  sqlite3_uint64 used = 0;

  for (; **at != ' '; ++*at)
    used = used << 4 | (unsigned)(**at <= '9' ? **at - '0' : **at - 'a' + 10);
  ++*at;
  return used;
}

/*
** The list of columns: NULL in the place of those that are not used. DELETE and
** UPDATE use the key without saying so.
*/
static void query_list(sqlite3_str *out, const kv_declaration *declared,
                       sqlite3_uint64 used) {
  int i;

  for (i = 0; i < declared->n_columns; i++) {
    const kv_column *column = &declared->columns[i];

    if (i > 0) sqlite3_str_appendall(out, ", ");
    if (column->key > 0 || used >> (i < 63 ? i : 63) & 1) {
      sqlite3_str_appendf(out, "\"%w\"", column->name);
    } else {
      sqlite3_str_appendall(out, "NULL");
    }
  }
}

/*
** A condition whose first value is the n-th. A text that looks like a number
** begins with a byte below that of ':', and as a number it is less than all
** other texts.
*/
static void query_compare(sqlite3_str *out, const kv_declaration *declared,
                          query_word word, int n) {
  const char *name = declared->columns[word.column].name;
  int has_texts = kv_typed_plan_has_texts(declared, word.column);
  const char *format = NULL;

  switch (word.letter) {
    case PLAN_EQ: format = "\"%w\" = ?%d"; break;
    case PLAN_IS: format = "\"%w\" IS ?%d"; break;
    case PLAN_GT: format = "\"%w\" > ?%d"; break;
    case PLAN_GE: format = "\"%w\" >= ?%d"; break;
    case PLAN_LT:
      format = has_texts ? "\"%w\" < max(?%d, ':')" : "\"%w\" < ?%d";
      break;
    case PLAN_LE:
      format = has_texts ? "\"%w\" <= max(?%d, ':')" : "\"%w\" <= ?%d";
      break;
    case PLAN_TEXTS: format = "\"%w\" >= ''"; break;
    default: format = "\"%w\" IS NOT NULL"; break;
  }
  sqlite3_str_appendf(out, format, name, n);
}

static void query_condition(sqlite3_str *out, const kv_declaration *declared,
                            query_word word, int n) {
  const char *name = declared->columns[word.column].name;
  int has_numbers = word.letter == PLAN_NUMBER || word.letter == PLAN_NUMBERS;
  int i;

  if (!has_numbers && word.letter != PLAN_SET) {
    query_compare(out, declared, word, n);
    return;
  }
  sqlite3_str_appendf(out, "(\"%w\" IN (", name);
  for (i = 0; i < word.n; i++)
    sqlite3_str_appendf(out, "%s?%d", i > 0 ? ", " : "", n + i);
  sqlite3_str_appendall(out, ")");
  if (has_numbers) {
    sqlite3_str_appendf(out, " OR \"%w\" BETWEEN '' AND ':'", name);
  }
  sqlite3_str_appendall(out, ")");
}

/* Conditions and ORDER BY of a plan. */
static void query_rest(sqlite3_str *out, const kv_declaration *declared,
                       const char *at) {
  const char *where = " WHERE ";
  const char *order = " ORDER BY ";
  int n = 1;
  query_word word;

  while ((word = query_next(&at)).letter != 0) {
    if (word.letter == PLAN_ASC || word.letter == PLAN_DESC) {
      sqlite3_str_appendf(out, "%s\"%w\"%s", order,
                          declared->columns[word.column].name,
                          word.letter == PLAN_DESC ? " DESC" : "");
      order = ", ";
    } else {
      sqlite3_str_appendall(out, where);
      query_condition(out, declared, word, n);
      n += word.n;
      where = " AND ";
    }
  }
}

int kv_typed_query_text(const kv_typed *typed, const char *plan, char **list,
                        char **rest) {
  sqlite3_str *first = sqlite3_str_new(typed->db);
  sqlite3_str *second = sqlite3_str_new(typed->db);

  query_list(first, &typed->declared, query_used(&plan));
  sqlite3_str_appendall(second, " ");
  query_rest(second, &typed->declared, plan);
  *list = sqlite3_str_finish(first);
  *rest = sqlite3_str_finish(second);
  return *list && *rest ? SQLITE_OK : SQLITE_NOMEM;
}

static int query_is_number(sqlite3_value *value) {
  int type = sqlite3_value_type(value);

  return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

/* The next value of a set, or its first one. SQLITE_DONE: there is none. */
static int query_value(sqlite3_value *set, int is_first, sqlite3_value **out) {
#if SQLITE_VERSION_NUMBER >= 3038000
  return is_first ? sqlite3_vtab_in_first(set, out)
                  : sqlite3_vtab_in_next(set, out);
#else
  (void)set, (void)is_first, (void)out;
  return SQLITE_DONE;
#endif
}

/* The word of a set. */
static int query_fit_set(sqlite3_str *out, int column, sqlite3_value *set) {
  int has_numbers = 0;
  int n = 0;
  sqlite3_value *value;
  int rc = query_value(set, 1, &value);

  for (; rc == SQLITE_OK && n <= PLAN_SET_MAX; n++) {
    if (query_is_number(value)) has_numbers = 1;
    rc = query_value(set, 0, &value);
  }
  if (n > PLAN_SET_MAX) {
    sqlite3_str_appendf(out, "%c%d ", PLAN_ANY, column);
  } else {
    sqlite3_str_appendf(out, "%c%d,%d ", has_numbers ? PLAN_NUMBERS : PLAN_SET,
                        column, n);
  }
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The letter that a condition needs with this value. */
static int query_fit_letter(const kv_declaration *declared, query_word word,
                            sqlite3_value *value) {
  if (!kv_typed_plan_has_texts(declared, word.column) ||
      !query_is_number(value)) {
    return word.letter;
  }
  if (word.letter == PLAN_EQ || word.letter == PLAN_IS) return PLAN_NUMBER;
  return declared->columns[word.column].type == KV_TYPE_TEXT ? PLAN_TEXTS
                                                             : word.letter;
}

int kv_typed_query_fit(const kv_typed *typed, const char *plan, int argc,
                       sqlite3_value **argv, char **out) {
  const kv_declaration *declared = &typed->declared;
  sqlite3_str *text = sqlite3_str_new(typed->db);
  const char *at = plan;
  int rc = SQLITE_OK;
  int i;

  query_used(&at);
  sqlite3_str_append(text, plan, (int)(at - plan));
  for (i = 0; i < argc && rc == SQLITE_OK; i++) {
    query_word word = query_next(&at);

    if (word.letter == PLAN_IN) {
      rc = query_fit_set(text, word.column, argv[i]);
    } else {
      sqlite3_str_appendf(
        text, "%c%d ", query_fit_letter(declared, word, argv[i]), word.column);
    }
  }
  sqlite3_str_appendall(text, at);
  *out = sqlite3_str_finish(text);
  return rc == SQLITE_OK && !*out ? SQLITE_NOMEM : rc;
}

int kv_typed_query_bind(sqlite3_stmt *stmt, const char *at, int argc,
                        sqlite3_value **argv) {
  int n = 1;
  int rc = SQLITE_OK;
  int i;
  int k;

  query_used(&at);
  for (i = 0; i < argc && rc == SQLITE_OK; i++) {
    query_word word = query_next(&at);
    int is_set = word.letter == PLAN_SET || word.letter == PLAN_NUMBERS;

    for (k = 0; k < word.n && rc == SQLITE_OK; k++, n++) {
      sqlite3_value *value = argv[i];

      if (is_set) rc = query_value(argv[i], k == 0, &value);
      if (rc == SQLITE_OK) rc = sqlite3_bind_value(stmt, n, value);
    }
  }
  return rc;
}

/* Is a condition on the key one on what the log has as the key? */
static int query_is_of_key(const kv_declaration *declared, query_word word,
                           const kv_value *value) {
  const kv_column *column = &declared->columns[word.column];
  int is_number = value->type == KV_INTEGER || value->type == KV_REAL;

  if (declared->n_key != 1 || declared->key[0] != word.column) return 0;
  switch (column->type) {
    case KV_TYPE_INTEGER:
    case KV_TYPE_REAL: return is_number;
    case KV_TYPE_BLOB: return value->type == KV_BLOB;
    default: return value->type == KV_TEXT;
  }
}

/* The bounds of the key that a condition says. */
static int query_bound(const kv_declaration *declared, query_word word,
                       const kv_value *value, kv_typed_past *past) {
  static const kv_value texts = {KV_TEXT, 0, 0, ":", 1};
  int is_equal = word.letter == PLAN_EQ || word.letter == PLAN_IS;
  int rc = SQLITE_OK;

  if (!query_is_of_key(declared, word, value)) return SQLITE_OK;
  if (is_equal || word.letter == PLAN_GT || word.letter == PLAN_GE) {
    rc = kv_typed_past_low(past, value);
  }
  if (is_equal) return rc == SQLITE_OK ? kv_typed_past_high(past, value) : rc;
  if (word.letter == PLAN_LT || word.letter == PLAN_LE) {
    int is_less = kv_typed_plan_has_texts(declared, word.column) &&
                  kv_order_keys(value, &texts) < 0;

    rc = kv_typed_past_high(past, is_less ? &texts : value);
  }
  return rc;
}

int kv_typed_query_bounds(const char *at, int argc, sqlite3_value **argv,
                          kv_typed_past *past) {
  int rc = SQLITE_OK;
  int i;

  query_used(&at);
  for (i = 0; i < argc && rc == SQLITE_OK; i++) {
    query_word word = query_next(&at);
    kv_value value;

    if (word.letter == PLAN_IN) continue; /* its value is a set */
    rc = kv_value_of(argv[i], &value);
    if (rc == SQLITE_OK) {
      rc = query_bound(&past->typed->declared, word, &value, past);
    }
  }
  return rc;
}

int kv_typed_query_is_whole(const char *plan) {
  return strncmp(plan, "ffffffffffffffff ", 17) == 0;
}
