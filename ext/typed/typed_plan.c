/*
** Plans of queries on a typed table. See typed_plan.h.
**
** All conditions that SQLite offers are taken. It checks them again, so they need
** not be exact; but they must not be stricter.
*/
#include "typed_plan.h"

#include "core/order.h"
#include "db/error.h"
#include "db/value.h"

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

int kv_typed_plan_has_texts(const kv_declaration *declared, int column) {
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
** A guess at the number of rows, from the best index. That a whole key finds one row
** (SQLITE_INDEX_SCAN_UNIQUE) is not said. Of a column of texts several may equal one
** number; and an UPDATE or DELETE of one row would have no savepoint, which is what
** takes back the row behind the table when a trigger on it fails.
*/
static double plan_rows(const kv_declaration *declared,
                        const unsigned char *equal) {
  double least = 1000000;
  int n = plan_prefix(declared->key, declared->n_key, equal);
  int i;

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
    if (op == PLAN_EQ && kv_typed_plan_has_texts(declared, column) &&
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
  rows = plan_rows(declared, equal);
  sqlite3_free(equal);
  info->idxNum = is_past;
  info->idxStr = sqlite3_str_finish(out);
  info->needToFreeIdxStr = 1;
  info->estimatedRows = (sqlite3_int64)rows;
  info->estimatedCost = 10 + 2 * rows;
  return info->idxStr ? rc : SQLITE_NOMEM;
}
