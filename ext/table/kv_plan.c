/*
** Chooses how a query of kv is run. See kv_plan.h.
*/
#include "kv_plan.h"

#include "connection/registry.h"
#include "db/sqlite.h"
#include "time_range.h"

/*
** If LIKE and GLOB match blobs in this SQLite, the blobs that begin like the
** pattern are searched, too. They sort after all text.
** https://www.sqlite.org/compile.html#like_doesnt_match_blobs
*/
static int plan_takes_blobs(void) {
  return !KV_HAS(compileoption_used) ||
         !sqlite3_compileoption_used("LIKE_DOESNT_MATCH_BLOBS");
}

/* SQLITE_INDEX_CONSTRAINT_LIMIT, which older headers do not have. */
#define PLAN_CONSTRAINT_LIMIT 73

/* What xBestIndex found: the constraint for each argument, or -1. */
typedef struct plan_terms {
  int as_of, point, low, high, like, like_low, like_high;
  int is_pair; /* low and high may be what SQLite made of a pattern */
} plan_terms;

/* True if this is a constraint of the key that compares by bytes. */
static int plan_is_key_term(sqlite3_index_info *info, int i, int op) {
  const struct sqlite3_index_constraint *c = &info->aConstraint[i];

  return c->iColumn == KV_TABLE_KEY && c->usable && c->op == op &&
         sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") == 0;
}

/*
** Take `key >= low AND key < high`, directly after each other. SQLite derives
** such a pair from a GLOB, or from a LIKE with PRAGMA case_sensitive_like, and
** does not always say so: not if the key has another collation there. The two
** stay together, because only the upper bound lets blobs in.
*/
static int plan_find_pair(sqlite3_index_info *info, int i, plan_terms *terms) {
  if (i > 0 && plan_is_key_term(info, i, SQLITE_INDEX_CONSTRAINT_LT) &&
      plan_is_key_term(info, i - 1, SQLITE_INDEX_CONSTRAINT_GE)) {
    terms->low = i - 1;
    terms->high = i;
    terms->is_pair = 1;
    return 1;
  }
  return 0;
}

static void plan_find_key_term(sqlite3_index_info *info, int i,
                               plan_terms *terms) {
  int op = info->aConstraint[i].op;
  const char *collation = sqlite3_vtab_collation(info, i);

  if (plan_find_pair(info, i, terms)) return;
  if (op == SQLITE_INDEX_CONSTRAINT_LIKE) {
    terms->like = i;
  } else if (sqlite3_stricmp(collation, "NOCASE") == 0) {
    if (op == SQLITE_INDEX_CONSTRAINT_GE) terms->like_low = i;
    if (op == SQLITE_INDEX_CONSTRAINT_LT) terms->like_high = i;
  } else if (sqlite3_stricmp(collation, "BINARY") == 0) {
    switch (op) {
      case SQLITE_INDEX_CONSTRAINT_EQ: terms->point = i; break;
      case SQLITE_INDEX_CONSTRAINT_GT:
      case SQLITE_INDEX_CONSTRAINT_GE:
        if (!terms->is_pair) terms->low = i;
        break;
      case SQLITE_INDEX_CONSTRAINT_LT:
      case SQLITE_INDEX_CONSTRAINT_LE:
        if (!terms->is_pair) terms->high = i;
        break;
      default: break;
    }
  }
}

static int plan_use(sqlite3_index_info *info, int i, int omit, int *argv) {
  info->aConstraintUsage[i].argvIndex = ++*argv;
  info->aConstraintUsage[i].omit = (unsigned char)omit;
  return i;
}

/* colUsed of a query that needs only keys and values. */
static const sqlite3_uint64 plan_value_columns =
  (1 << KV_TABLE_KEY) | (1 << KV_TABLE_VALUE) | (1 << KV_TABLE_AS_OF);

/* True if a query reads no value. */
static int plan_keys(const sqlite3_index_info *info) {
  return (info->colUsed & (1 << KV_TABLE_VALUE)) ? 0 : KV_PLAN_KEYS;
}

static const kv_time_columns plan_times = {KV_TABLE_TS, KV_TABLE_TIME};

/* True if the query has a LIMIT. SQLite 3.38 and newer say so. */
static int plan_has_limit(const sqlite3_index_info *info) {
  int i;

  for (i = 0; i < info->nConstraint; i++) {
    if (info->aConstraint[i].op == PLAN_CONSTRAINT_LIMIT) return 1;
  }
  return 0;
}

/*
** If the query asks for a range of time, or for the latest or first keys, read
** in the order of time.
*/
static int plan_plan_time(sqlite3_index_info *info, int *plan) {
  int order = kv_time_range_order(info, plan_times, KV_TABLE_DEVICE, -1);
  int argv = 0;
  int n_bounds = kv_time_range_plan(info, plan_times, &argv, plan);

  if (n_bounds == 0 && (order == 0 || !plan_has_limit(info))) return 0;
  *plan |= KV_PLAN_TIME | (order < 0 ? KV_PLAN_DESC : 0);
  info->orderByConsumed = order != 0;
  info->estimatedCost = 1000000.0 / (n_bounds == 2 ? 64 : 8);
  info->estimatedRows = (sqlite3_int64)info->estimatedCost;
  info->idxNum = *plan | plan_keys(info);
  return 1;
}

/*
** Read a range of keys, or the keys that begin like a pattern. SQLite must
** check a bound that may let blobs in again: the query may not ask for all of
** them.
*/
static void plan_use_range(sqlite3_index_info *info, const plan_terms *terms,
                           int *argv, int *plan) {
  int blobs = plan_takes_blobs() ? KV_PLAN_BLOBS : 0;
  int omit = !terms->is_pair || !blobs;

  if (!omit) *plan |= blobs;
  if (terms->low >= 0) {
    plan_use(info, terms->low, omit, argv);
    *plan |= KV_PLAN_LOW;
    if (info->aConstraint[terms->low].op == SQLITE_INDEX_CONSTRAINT_GT) {
      *plan |= KV_PLAN_LOW_STRICT;
    }
    info->estimatedCost /= 4;
  }
  if (terms->high >= 0) {
    plan_use(info, terms->high, omit, argv);
    *plan |= KV_PLAN_HIGH;
    if (omit &&
        info->aConstraint[terms->high].op == SQLITE_INDEX_CONSTRAINT_LT) {
      *plan |= KV_PLAN_HIGH_STRICT;
    }
    info->estimatedCost /= 4;
  }
  if (terms->low < 0 && terms->high < 0 && terms->like >= 0 &&
      terms->like_low >= 0 && terms->like_high >= 0) {
    plan_use(info, terms->like, 0, argv);
    plan_use(info, terms->like_low, 0, argv);
    plan_use(info, terms->like_high, 0, argv);
    *plan |= KV_PLAN_LIKE | blobs;
    info->estimatedCost /= 8;
  }
}

/* The terms that a plan can use. */
static int plan_find_terms(sqlite3_index_info *info, plan_terms *terms) {
  int i;

  for (i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];

    if (c->iColumn == KV_TABLE_AS_OF && c->op == SQLITE_INDEX_CONSTRAINT_EQ) {
      if (!c->usable) return SQLITE_CONSTRAINT;
      terms->as_of = i;
    } else if (c->iColumn == KV_TABLE_KEY && c->usable) {
      plan_find_key_term(info, i, terms);
    }
  }
  return SQLITE_OK;
}

/* True if the query has no condition on as_of or on keys. */
static int plan_has_no_terms(const plan_terms *terms) {
  return terms->as_of < 0 && terms->point < 0 && terms->low < 0 &&
         terms->high < 0 && terms->like < 0;
}

/* Read one key, or a range of keys, as they are now or were at as_of. */
static void plan_use_terms(sqlite3_index_info *info, const plan_terms *terms,
                           int *plan) {
  int argv = 0;

  info->estimatedCost = 1000000.0;
  if (terms->as_of >= 0) {
    plan_use(info, terms->as_of, 1, &argv);
    *plan |= KV_PLAN_AS_OF;
  }
  if (terms->point >= 0) {
    plan_use(info, terms->point, 1, &argv);
    *plan |= KV_PLAN_POINT;
    info->estimatedCost = 10.0;
    info->estimatedRows = 1;
    info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
  } else {
    plan_use_range(info, terms, &argv, plan);
    info->estimatedRows = (sqlite3_int64)info->estimatedCost;
  }
}

/* The direction of the scan, and the columns that it needs. */
static void plan_use_output(sqlite3_index_info *info, int *plan) {
  if (info->nOrderBy > 0 && info->aOrderBy[0].iColumn == KV_TABLE_KEY) {
    info->orderByConsumed = 1;
    if (info->aOrderBy[0].desc) *plan |= KV_PLAN_DESC;
  }
  if (!(*plan & KV_PLAN_AS_OF) && !(info->colUsed & ~plan_value_columns)) {
    *plan |= KV_PLAN_VALUE;
  }
  *plan |= plan_keys(info);
}

int kv_plan_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  plan_terms terms = {-1, -1, -1, -1, -1, -1, -1, 0};
  int plan = 0;
  int rc = plan_find_terms(info, &terms);

  kv_registry_reach(((kv_table *)vtab)->store);
  if (rc != SQLITE_OK) return rc;
  if (plan_has_no_terms(&terms) && plan_plan_time(info, &plan)) {
    return SQLITE_OK;
  }
  plan_use_terms(info, &terms, &plan);
  plan_use_output(info, &plan);
  info->idxNum = plan;
  return SQLITE_OK;
}

/* True if the bounds are upper case, and lower case with its last byte + 1. */
static int plan_is_like_prefix(sqlite3_value *pattern, const unsigned char *a,
                               const unsigned char *b, int n) {
  const unsigned char *p = sqlite3_value_text(pattern);
  int i;

  if (!p || n < 1 || sqlite3_value_bytes(pattern) < n) return 0;
  for (i = 0; i < n; i++) {
    int is_lower = p[i] >= 'a' && p[i] <= 'z';
    int is_upper = p[i] >= 'A' && p[i] <= 'Z';

    if (p[i] >= 0x80 || p[i] == '%' || p[i] == '_') return 0;
    if (a[i] != (is_lower ? p[i] - 32 : p[i])) return 0;
    if (b[i] != (is_upper ? p[i] + 32 : p[i]) + (i == n - 1)) return 0;
  }
  return 1;
}

/* True if they are equal except for a byte + 1, followed by 0x80 for 0xBF. */
static int plan_is_glob_prefix(const unsigned char *a, const unsigned char *b,
                               int n) {
  int i = 0;

  while (i < n && a[i] == b[i])
    i++;
  if (i == n || b[i] != a[i] + 1) return 0;
  for (i++; i < n; i++) {
    if (a[i] != 0xBF || b[i] != 0x80) return 0;
  }
  return 1;
}

kv_plan_prefix kv_plan_find_prefix(sqlite3_value *pattern, sqlite3_value *low,
                                   sqlite3_value *high) {
  const unsigned char *a;
  const unsigned char *b;
  int n;
  int i;

  if (sqlite3_value_type(low) != SQLITE_TEXT ||
      sqlite3_value_type(high) != SQLITE_TEXT) {
    return KV_PREFIX_NONE;
  }
  a = sqlite3_value_text(low);
  b = sqlite3_value_text(high);
  n = sqlite3_value_bytes(low);
  if (!a || !b || sqlite3_value_bytes(high) != n ||
      !(pattern ? plan_is_like_prefix(pattern, a, b, n)
                : plan_is_glob_prefix(a, b, n))) {
    return KV_PREFIX_NONE;
  }
  for (i = 0; i < n; i++) {
    if (a[i] >= 0x80) return KV_PREFIX_OTHER;
  }
  return KV_PREFIX_ASCII;
}

kv_sql kv_plan_text(int plan, int has_high) {
  if (plan & KV_PLAN_AS_OF) {
    if (plan & KV_PLAN_DESC) {
      return has_high ? KV_SQL_SCAN_AS_OF_TO_DESC : KV_SQL_SCAN_AS_OF_DESC;
    }
    return has_high ? KV_SQL_SCAN_AS_OF_TO : KV_SQL_SCAN_AS_OF;
  }
  if (plan & KV_PLAN_DESC) {
    return has_high ? KV_SQL_SCAN_TO_DESC : KV_SQL_SCAN_DESC;
  }
  if (plan & KV_PLAN_VALUE) {
    return has_high ? KV_SQL_SCAN_VALUE_TO : KV_SQL_SCAN_VALUE;
  }
  return has_high ? KV_SQL_SCAN_TO : KV_SQL_SCAN;
}
