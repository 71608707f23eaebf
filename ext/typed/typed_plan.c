/*
** Plans of queries on a typed table. See typed_plan.h.
**
** A plan becomes a nested query: the columns that are used, and all conditions
** that SQLite offers. SQLite itself then chooses the index there. It checks the
** conditions again, so they need not be exact; but they must not be stricter. In
** the nested query the other side is a parameter without affinity, while SQLite
** may compare with a column of INTEGER, which takes the text '01' for 1. So what
** is asked of a column of texts depends on the value, when that is known.
**
** A column with the affinity of INTEGER never holds a text that looks like a
** number, in an ordinary table; this relies on it.
**
** A plan is a text of words. The first word says which columns are used, in hex.
** Each other word is a letter and the number of a column: first the conditions, in
** the order of their values, then ORDER BY. "S3,12 " stands for 12 values of
** column 3.
*/
#include "typed_plan.h"

#include "core/order.h"
#include "db/error.h"
#include "db/value.h"

/* The letters of a plan. The value of a condition may change its letter. */
enum {
  PLAN_EQ = '=',
  PLAN_IS = 'I',
  PLAN_GT = '>',
  PLAN_GE = 'G',
  PLAN_LT = '<',
  PLAN_LE = 'L',
  PLAN_IN = 'i',      /* its value is a set: on columns of texts */
  PLAN_NUMBER = 'N',  /* equal to a number, or a text that may look like it */
  PLAN_SET = 'S',     /* one of n values, none of them a number */
  PLAN_NUMBERS = 'M', /* one of n values, or a text that may look like one */
  PLAN_ANY = 'Y',     /* not NULL */
  PLAN_TEXTS = 'T',   /* all texts */
  PLAN_ASC = 'A',
  PLAN_DESC = 'D'
};

/* A set of more values is not looked up value by value. */
#define PLAN_SET_MAX 200

static int plan_operator(int op) {
  switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ: return PLAN_EQ;
    case SQLITE_INDEX_CONSTRAINT_IS: return PLAN_IS;
    case SQLITE_INDEX_CONSTRAINT_GT: return PLAN_GT;
    case SQLITE_INDEX_CONSTRAINT_GE: return PLAN_GE;
    case SQLITE_INDEX_CONSTRAINT_LT: return PLAN_LT;
    case SQLITE_INDEX_CONSTRAINT_LE: return PLAN_LE;
    default: return 0;
  }
}

/* May a column have texts that another affinity takes for numbers? */
static int plan_has_texts(const kv_declaration *declared, int column) {
  kv_type type = declared->columns[column].type;

  return type == KV_TYPE_TEXT || type == KV_TYPE_ANY;
}

/* The declared column of a condition; _key is the key, if that is one column. */
static int plan_column(const kv_declaration *declared,
                       const sqlite3_index_info *info, int i) {
  int column = info->aConstraint[i].iColumn;

  if (column == declared->n_columns + KV_HIDDEN_KEY && declared->n_key == 1) {
    return declared->key[0];
  }
  return column < declared->n_columns ? column : -1;
}

/*
** Take all values of IN at once. If SQLite passed them one by one, each would be
** compared as with =, which differs for numbers among texts. Before 3.38, SQLite
** always passes them one by one.
*/
static int plan_is_set(sqlite3_index_info *info, int i) {
#if SQLITE_VERSION_NUMBER >= 3038000
  if (sqlite3_libversion_number() >= 3038000) {
    return sqlite3_vtab_in(info, i, 1);
  }
#endif
  (void)info, (void)i;
  return 0;
}

/*
** The letter of a condition that may be passed on, else 0. Columns behind the
** declared ones are hidden; a range of _key is not one of the column in its place,
** which has another affinity.
*/
static int plan_usable(const kv_declaration *declared, sqlite3_index_info *info,
                       int i) {
  const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
  int op = plan_operator(constraint->op);

  if (!constraint->usable || plan_column(declared, info, i) < 0 ||
      sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") != 0 ||
      (constraint->iColumn >= declared->n_columns && op != PLAN_EQ &&
       op != PLAN_IS)) {
    return 0;
  }
  return op;
}

/* How many of these columns, counted from the first, are compared with =. */
static int plan_prefix(const int *columns, int n, const unsigned char *equal) {
  int i = 0;

  while (i < n && equal[columns[i]] == 2)
    i++;
  return i;
}

/* Does the next one have a range? */
static int plan_range(const int *columns, int n, int i,
                      const unsigned char *equal) {
  return i < n && equal[columns[i]] == 1;
}

/*
** A guess at the number of rows, from the best index. Of a column of texts several
** may equal one number.
*/
static double plan_rows(const kv_declaration *declared,
                        const unsigned char *equal, int *is_one) {
  double least = 1000000;
  int n = plan_prefix(declared->key, declared->n_key, equal);
  int i;

  *is_one = n == declared->n_key;
  for (i = 0; i < declared->n_key; i++)
    if (plan_has_texts(declared, declared->key[i])) *is_one = 0;
  if (n == declared->n_key) return 1;
  if (n > 0) least = 100;
  if (plan_range(declared->key, declared->n_key, n, equal)) least /= 4;
  for (i = 0; i < declared->n_groups; i++) {
    const kv_group *group = &declared->groups[i];
    int m = plan_prefix(group->columns, group->n, equal);
    double rows = m == 0 ? 1000000 : group->rule == KV_RULE_UNIQUE ? 2 : 100;

    if (plan_range(group->columns, group->n, m, equal)) rows /= 4;
    if (rows < least) least = rows;
  }
  return least;
}

/* ORDER BY, if all of it is by declared columns. */
static void plan_order(sqlite3_str *out, const kv_declaration *declared,
                       sqlite3_index_info *info) {
  int i;

  for (i = 0; i < info->nOrderBy; i++) {
    if (info->aOrderBy[i].iColumn < 0 ||
        info->aOrderBy[i].iColumn >= declared->n_columns) {
      return;
    }
  }
  for (i = 0; i < info->nOrderBy; i++) {
    sqlite3_str_appendf(out, "%c%d ",
                        info->aOrderBy[i].desc ? PLAN_DESC : PLAN_ASC,
                        info->aOrderBy[i].iColumn);
  }
  info->orderByConsumed = info->nOrderBy > 0;
}

/* The conditions; notes which columns have which. Returns how many there are. */
static int plan_where(sqlite3_str *out, const kv_declaration *declared,
                      sqlite3_index_info *info, unsigned char *equal) {
  int n = 0;
  int i;

  for (i = 0; i < info->nConstraint; i++) {
    int column = plan_column(declared, info, i);
    int op = plan_usable(declared, info, i);

    if (!op) continue;
    if (op == PLAN_EQ && plan_has_texts(declared, column) &&
        plan_is_set(info, i)) {
      sqlite3_str_appendf(out, "%c%d ", PLAN_IN, column);
    } else {
      sqlite3_str_appendf(out, "%c%d ", op, column);
    }
    info->aConstraintUsage[i].argvIndex = ++n;
    if (op == PLAN_EQ || op == PLAN_IS) {
      equal[column] = 2;
    } else if (equal[column] == 0) {
      equal[column] = 1;
    }
  }
  return n;
}

/*
** The time that the query asks for is the last value. *is_past: it asks for one.
** SQLITE_CONSTRAINT: SQLite does not know it yet.
*/
static int plan_as_of(const kv_declaration *declared, sqlite3_index_info *info,
                      int n, int *is_past) {
  int i;

  *is_past = 0;
  for (i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];

    if (c->iColumn != declared->n_columns + KV_HIDDEN_AS_OF ||
        c->op != SQLITE_INDEX_CONSTRAINT_EQ) {
      continue;
    }
    if (!c->usable) return SQLITE_CONSTRAINT;
    if (*is_past) continue;
    *is_past = 1;
    info->aConstraintUsage[i].argvIndex = n + 1;
    info->aConstraintUsage[i].omit = 1;
  }
  return SQLITE_OK;
}

int kv_typed_plan(const kv_typed *typed, sqlite3_index_info *info) {
  const kv_declaration *declared = &typed->declared;
  unsigned char *equal = kv_zalloc((sqlite3_uint64)declared->n_columns);
  sqlite3_str *out = sqlite3_str_new(typed->db);
  int is_one = 0;
  int is_past = 0;
  double rows;
  int rc;

  if (!equal) {
    sqlite3_free(sqlite3_str_finish(out));
    return SQLITE_NOMEM;
  }
  sqlite3_str_appendf(out, "%llx ", info->colUsed);
  rc = plan_as_of(declared, info, plan_where(out, declared, info, equal),
                  &is_past);
  if (!is_past) plan_order(out, declared, info);
  rows = plan_rows(declared, equal, &is_one);
  sqlite3_free(equal);
  info->idxNum = is_past;
  info->idxStr = sqlite3_str_finish(out);
  info->needToFreeIdxStr = 1;
  info->estimatedRows = (sqlite3_int64)rows;
  info->estimatedCost = 10 + 2 * rows;
  if (is_one) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
  return info->idxStr ? rc : SQLITE_NOMEM;
}

/* What a plan says */

typedef struct plan_word {
  int letter; /* 0: the plan ends */
  int column;
  int n; /* values */
} plan_word;

static int plan_digits(const char **at) {
  int out = 0;

  for (; **at >= '0' && **at <= '9'; ++*at)
    out = out * 10 + (**at - '0');
  return out;
}

/* The next word of a plan. */
static plan_word plan_next(const char **at) {
  plan_word out = {(unsigned char)**at, 0, 1};

  if (out.letter == 0) return out;
  ++*at;
  out.column = plan_digits(at);
  if (out.letter == PLAN_TEXTS || out.letter == PLAN_ANY) out.n = 0;
  if (**at == ',') {
    ++*at;
    out.n = plan_digits(at);
  }
  ++*at;
  return out;
}

/* The first word of a plan. */
static sqlite3_uint64 plan_used(const char **at) {
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
static void plan_list(sqlite3_str *out, const kv_declaration *declared,
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
static void plan_compare(sqlite3_str *out, const kv_declaration *declared,
                         plan_word word, int n) {
  const char *name = declared->columns[word.column].name;
  int has_texts = plan_has_texts(declared, word.column);
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

static void plan_condition(sqlite3_str *out, const kv_declaration *declared,
                           plan_word word, int n) {
  const char *name = declared->columns[word.column].name;
  int has_numbers = word.letter == PLAN_NUMBER || word.letter == PLAN_NUMBERS;
  int i;

  if (!has_numbers && word.letter != PLAN_SET) {
    plan_compare(out, declared, word, n);
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
static void plan_rest(sqlite3_str *out, const kv_declaration *declared,
                      const char *at) {
  const char *where = " WHERE ";
  const char *order = " ORDER BY ";
  int n = 1;
  plan_word word;

  while ((word = plan_next(&at)).letter != 0) {
    if (word.letter == PLAN_ASC || word.letter == PLAN_DESC) {
      sqlite3_str_appendf(out, "%s\"%w\"%s", order,
                          declared->columns[word.column].name,
                          word.letter == PLAN_DESC ? " DESC" : "");
      order = ", ";
    } else {
      sqlite3_str_appendall(out, where);
      plan_condition(out, declared, word, n);
      n += word.n;
      where = " AND ";
    }
  }
}

int kv_typed_plan_query(const kv_typed *typed, const char *plan, char **list,
                        char **rest) {
  sqlite3_str *first = sqlite3_str_new(typed->db);
  sqlite3_str *second = sqlite3_str_new(typed->db);

  plan_list(first, &typed->declared, plan_used(&plan));
  sqlite3_str_appendall(second, " ");
  plan_rest(second, &typed->declared, plan);
  *list = sqlite3_str_finish(first);
  *rest = sqlite3_str_finish(second);
  return *list && *rest ? SQLITE_OK : SQLITE_NOMEM;
}

static int plan_is_number(sqlite3_value *value) {
  int type = sqlite3_value_type(value);

  return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

/* The next value of a set, or its first one. SQLITE_DONE: there is none. */
static int plan_value(sqlite3_value *set, int is_first, sqlite3_value **out) {
#if SQLITE_VERSION_NUMBER >= 3038000
  return is_first ? sqlite3_vtab_in_first(set, out)
                  : sqlite3_vtab_in_next(set, out);
#else
  (void)set, (void)is_first, (void)out;
  return SQLITE_DONE;
#endif
}

/* The word of a set. */
static int plan_fit_set(sqlite3_str *out, int column, sqlite3_value *set) {
  int has_numbers = 0;
  int n = 0;
  sqlite3_value *value;
  int rc = plan_value(set, 1, &value);

  for (; rc == SQLITE_OK && n <= PLAN_SET_MAX; n++) {
    if (plan_is_number(value)) has_numbers = 1;
    rc = plan_value(set, 0, &value);
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
static int plan_fit_letter(const kv_declaration *declared, plan_word word,
                           sqlite3_value *value) {
  if (!plan_has_texts(declared, word.column) || !plan_is_number(value)) {
    return word.letter;
  }
  if (word.letter == PLAN_EQ || word.letter == PLAN_IS) return PLAN_NUMBER;
  return declared->columns[word.column].type == KV_TYPE_TEXT ? PLAN_TEXTS
                                                             : word.letter;
}

int kv_typed_plan_fit(const kv_typed *typed, const char *plan, int argc,
                      sqlite3_value **argv, char **out) {
  const kv_declaration *declared = &typed->declared;
  sqlite3_str *text = sqlite3_str_new(typed->db);
  const char *at = plan;
  int rc = SQLITE_OK;
  int i;

  plan_used(&at);
  sqlite3_str_append(text, plan, (int)(at - plan));
  for (i = 0; i < argc && rc == SQLITE_OK; i++) {
    plan_word word = plan_next(&at);

    if (word.letter == PLAN_IN) {
      rc = plan_fit_set(text, word.column, argv[i]);
    } else {
      sqlite3_str_appendf(
        text, "%c%d ", plan_fit_letter(declared, word, argv[i]), word.column);
    }
  }
  sqlite3_str_appendall(text, at);
  *out = sqlite3_str_finish(text);
  return rc == SQLITE_OK && !*out ? SQLITE_NOMEM : rc;
}

int kv_typed_plan_bind(sqlite3_stmt *stmt, const char *at, int argc,
                       sqlite3_value **argv) {
  int n = 1;
  int rc = SQLITE_OK;
  int i;
  int k;

  plan_used(&at);
  for (i = 0; i < argc && rc == SQLITE_OK; i++) {
    plan_word word = plan_next(&at);
    int is_set = word.letter == PLAN_SET || word.letter == PLAN_NUMBERS;

    for (k = 0; k < word.n && rc == SQLITE_OK; k++, n++) {
      sqlite3_value *value = argv[i];

      if (is_set) rc = plan_value(argv[i], k == 0, &value);
      if (rc == SQLITE_OK) rc = sqlite3_bind_value(stmt, n, value);
    }
  }
  return rc;
}

/* Is a condition on the key one on what the log has as the key? */
static int plan_is_of_key(const kv_declaration *declared, plan_word word,
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
static int plan_bound(const kv_declaration *declared, plan_word word,
                      const kv_value *value, kv_typed_past *past) {
  static const kv_value texts = {KV_TEXT, 0, 0, ":", 1};
  int is_equal = word.letter == PLAN_EQ || word.letter == PLAN_IS;
  int rc = SQLITE_OK;

  if (!plan_is_of_key(declared, word, value)) return SQLITE_OK;
  if (is_equal || word.letter == PLAN_GT || word.letter == PLAN_GE) {
    rc = kv_typed_past_low(past, value);
  }
  if (is_equal) return rc == SQLITE_OK ? kv_typed_past_high(past, value) : rc;
  if (word.letter == PLAN_LT || word.letter == PLAN_LE) {
    int is_less =
      plan_has_texts(declared, word.column) && kv_order_keys(value, &texts) < 0;

    rc = kv_typed_past_high(past, is_less ? &texts : value);
  }
  return rc;
}

int kv_typed_plan_bounds(const char *at, int argc, sqlite3_value **argv,
                         kv_typed_past *past) {
  int rc = SQLITE_OK;
  int i;

  plan_used(&at);
  for (i = 0; i < argc && rc == SQLITE_OK; i++) {
    plan_word word = plan_next(&at);
    kv_value value;

    if (word.letter == PLAN_IN) continue; /* its value is a set */
    rc = kv_value_of(argv[i], &value);
    if (rc == SQLITE_OK) {
      rc = plan_bound(&past->typed->declared, word, &value, past);
    }
  }
  return rc;
}
