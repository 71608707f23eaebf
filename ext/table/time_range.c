/*
** Comparisons of times as a range of ts. See time_range.h.
*/
#include "time_range.h"

#include "core/clock.h"
#include "core/names.h"

enum {
  RANGE_LOW = 1 << 16,
  RANGE_LOW_IS_TIME = 1 << 17,
  RANGE_LOW_IS_STRICT = 1 << 18,
  RANGE_HIGH = 1 << 19,
  RANGE_HIGH_IS_TIME = 1 << 20,
  RANGE_HIGH_IS_STRICT = 1 << 21,
  RANGE_EQUAL = 1 << 22 /* one value for both */
};

int kv_time_range_plan(sqlite3_index_info *info, kv_time_columns columns,
                       int *n_argv, int *plan) {
  int low = -1;
  int high = -1;
  int i;

  for (i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];

    if (!c->usable) continue;
    if (c->iColumn != columns.ts && c->iColumn != columns.time) continue;
    if (sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") != 0) {
      continue;
    }
    switch (c->op) {
      case SQLITE_INDEX_CONSTRAINT_EQ: low = high = i; break;
      case SQLITE_INDEX_CONSTRAINT_GT:
      case SQLITE_INDEX_CONSTRAINT_GE:
        if (low < 0 || low != high) low = i;
        break;
      case SQLITE_INDEX_CONSTRAINT_LT:
      case SQLITE_INDEX_CONSTRAINT_LE:
        if (high < 0 || low != high) high = i;
        break;
      default: break;
    }
  }
  if (low >= 0) {
    info->aConstraintUsage[low].argvIndex = ++*n_argv;
    *plan |= RANGE_LOW;
    if (info->aConstraint[low].iColumn == columns.time) {
      *plan |= RANGE_LOW_IS_TIME;
    }
    if (info->aConstraint[low].op == SQLITE_INDEX_CONSTRAINT_GT) {
      *plan |= RANGE_LOW_IS_STRICT;
    }
  }
  if (low >= 0 && low == high) {
    *plan |= RANGE_EQUAL;
    return 2;
  }
  if (high >= 0) {
    info->aConstraintUsage[high].argvIndex = ++*n_argv;
    *plan |= RANGE_HIGH;
    if (info->aConstraint[high].iColumn == columns.time) {
      *plan |= RANGE_HIGH_IS_TIME;
    }
    if (info->aConstraint[high].op == SQLITE_INDEX_CONSTRAINT_LT) {
      *plan |= RANGE_HIGH_IS_STRICT;
    }
  }
  return (low >= 0) + (high >= 0);
}

/* ASCII texts compare the same in every encoding of the host. */
static int range_is_ascii(const char *text, int n) {
  while (n > 0 && !(text[n - 1] & 0x80))
    n--;
  return n == 0;
}

/*
** The first ts that is >= value, or > value if it is strict. Returns
** `otherwise` if the type does not decide: SQLite converts text to numbers and
** back.
*/
static int64_t range_first(sqlite3_value *value, int is_time, int is_strict,
                           int64_t otherwise) {
  const char *text;
  double r;

  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      if (is_time) return otherwise;
      if (sqlite3_value_int64(value) < 0) return 0;
      if (sqlite3_value_int64(value) > KV_TS_MAX) return KV_TS_MAX + 1;
      return sqlite3_value_int64(value) + is_strict;
    case SQLITE_FLOAT:
      if (is_time) return otherwise;
      r = sqlite3_value_double(value);
      if (r < 0) return 0;
      if (r > (double)KV_TS_MAX) return KV_TS_MAX + 1;
      if ((double)(int64_t)r < r) return (int64_t)r + 1;
      return (int64_t)r + is_strict;
    case SQLITE_TEXT:
      text = (const char *)sqlite3_value_text(value);
      if (!is_time || !text ||
          !range_is_ascii(text, sqlite3_value_bytes(value))) {
        return otherwise;
      }
      return kv_time_first(text, (size_t)sqlite3_value_bytes(value),
                           !is_strict);
    case SQLITE_BLOB: return otherwise;
    default: return INT64_MAX; /* NULL */
  }
}

int kv_time_range_read(int plan, sqlite3_value **argv, int64_t *first,
                       int64_t *last) {
  int n = 0;
  int is_null = 0;

  *first = 0;
  *last = KV_TS_MAX;
  if (plan & RANGE_LOW) {
    *first = range_first(argv[0], plan & RANGE_LOW_IS_TIME,
                         (plan & RANGE_LOW_IS_STRICT) != 0, 0);
    is_null = *first == INT64_MAX;
    n = 1;
  }
  if (plan & (RANGE_HIGH | RANGE_EQUAL)) {
    int is_time =
      plan & RANGE_EQUAL ? plan & RANGE_LOW_IS_TIME : plan & RANGE_HIGH_IS_TIME;
    int64_t beyond = range_first(argv[plan & RANGE_EQUAL ? 0 : n], is_time,
                                 !(plan & RANGE_HIGH_IS_STRICT), KV_TS_MAX + 1);

    if (beyond == INT64_MAX) is_null = 1;
    *last = beyond - 1;
    if (plan & RANGE_HIGH) n++;
  }
  if (is_null) {
    *first = 1;
    *last = 0;
  }
  return n;
}

int kv_time_range_order(const sqlite3_index_info *info, kv_time_columns columns,
                        int device, int seq) {
  int expected[3];
  int n = 0;
  int i;

  if (info->nOrderBy == 0 || info->nOrderBy > 3) return 0;
  if (info->nOrderBy == 1 && info->aOrderBy[0].iColumn == columns.time) {
    return info->aOrderBy[0].desc ? -1 : 1;
  }
  expected[n++] = columns.ts;
  if (device >= 0) expected[n++] = device;
  if (seq >= 0) expected[n++] = seq;
  for (i = 0; i < info->nOrderBy; i++) {
    if (i >= n || info->aOrderBy[i].iColumn != expected[i] ||
        info->aOrderBy[i].desc != info->aOrderBy[0].desc) {
      return 0;
    }
  }
  return info->aOrderBy[0].desc ? -1 : 1;
}
