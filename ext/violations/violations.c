/*
** Violations of declarations. See violations.h.
*/
#include "violations.h"

#include <string.h>

#include "core/order.h"
#include "db/error.h"
#include "declare/keys.h"
#include "tables/follow.h"

/* Columns of violations_hidden. */
enum {
  HIDDEN_KEY,
  HIDDEN_RULE,
  HIDDEN_COLUMN,
  HIDDEN_DETAIL,
  HIDDEN_IS_HIDDEN
};

/* The first row of a group: all but this one are violations. */
typedef struct violations_first {
  size_t at;
  int64_t ts;
  const char *device; /* NULL: it is not known yet */
  int64_t seq;
  kv_value *values; /* of the group; NULL: there is none yet */
} violations_first;

void kv_violations_init(kv_violations *violations) {
  memset(violations, 0, sizeof(*violations));
  kv_arena_init(&violations->arena, kv_realloc);
}

void kv_violations_clear(kv_violations *violations) {
  int i;

  for (i = 0; i < violations->n_tables; i++)
    kv_typed_found_close(&violations->tables[i]);
  sqlite3_free(violations->tables);
  sqlite3_free(violations->list);
  kv_arena_free(&violations->arena);
  kv_violations_init(violations);
}

static const char *violations_copy(kv_violations *violations, const char *z,
                                   int *rc) {
  const char *out =
    z ? kv_arena_copy(&violations->arena, z, strlen(z) + 1) : NULL;

  if (z && !out) *rc = SQLITE_NOMEM;
  return out;
}

/* Copy a value's bytes. */
static int violations_keep(kv_violations *violations, kv_value *value) {
  if (value->type != KV_TEXT && value->type != KV_BLOB) return SQLITE_OK;
  value->z = kv_arena_copy(&violations->arena, value->z, value->n);
  return value->z ? SQLITE_OK : SQLITE_NOMEM;
}

/* Add one of the table that was added last. */
static int violations_put(kv_violations *violations, const kv_violation *from) {
  size_t n = violations->n + 1;
  kv_violation *list = violations->list;
  int rc = SQLITE_OK;

  if ((violations->n & (violations->n - 1)) == 0) { /* 0, 1, 2, 4, ... */
    list = sqlite3_realloc64(list, 2 * n * sizeof(*list));
    if (!list) return SQLITE_NOMEM;
    violations->list = list;
  }
  list[n - 1] = *from;
  list[n - 1].table = violations->n_tables - 1;
  rc = violations_keep(violations, &list[n - 1].key);
  list[n - 1].rule = violations_copy(violations, from->rule, &rc);
  list[n - 1].column = violations_copy(violations, from->column, &rc);
  list[n - 1].detail = violations_copy(violations, from->detail, &rc);
  if (rc == SQLITE_OK) violations->n = n;
  return rc;
}

/* Rows that are listed already. */
static int violations_hidden(kv_violations *violations, kv_typed *typed) {
  kv_violation row;
  kv_run run;

  memset(&row, 0, sizeof(row));
  kv_run_begin(&run, &typed->stmts, KV_SQL_VIOLATIONS_HIDDEN);
  while (kv_run_row(&run)) {
    kv_run_column(&run, HIDDEN_KEY, &row.key);
    row.rule = (const char *)sqlite3_column_text(run.stmt, HIDDEN_RULE);
    row.column = (const char *)sqlite3_column_text(run.stmt, HIDDEN_COLUMN);
    row.detail = (const char *)sqlite3_column_text(run.stmt, HIDDEN_DETAIL);
    row.is_hidden = sqlite3_column_int(run.stmt, HIDDEN_IS_HIDDEN);
    if (run.rc == SQLITE_OK) run.rc = violations_put(violations, &row);
  }
  return kv_run_close(&run);
}

/* The columns of a group, each as `format` says. */
static char *violations_columns(const kv_typed *typed, const kv_group *group,
                                const char *format, const char *between) {
  sqlite3_str *out = sqlite3_str_new(typed->db);
  int i;

  for (i = 0; i < group->n; i++) {
    if (i > 0) sqlite3_str_appendall(out, between);
    sqlite3_str_appendf(out, format,
                        typed->declared.columns[group->columns[i]].name);
  }
  return sqlite3_str_finish(out);
}

/* The key of the row that a run is on, whose first columns are the key's. */
static int violations_key(kv_violations *violations, const kv_typed *typed,
                          kv_run *run, kv_value *out) {
  const kv_declaration *declared = &typed->declared;
  size_t size = (size_t)declared->n_columns * sizeof(kv_value);
  kv_value *values = kv_arena_get(&violations->arena, size);
  int is_valid;
  int i;
  int rc;

  if (!values) return SQLITE_NOMEM;
  memset(values, 0, size);
  for (i = 0; i < declared->n_key; i++)
    kv_run_column(run, i, &values[declared->key[i]]);
  rc = run->rc;
  if (rc == SQLITE_OK) {
    rc = kv_keys_write(declared, values, &violations->arena, out, &is_valid);
  }
  return rc;
}

/* The values that a row shares; it begins another group if they are new. */
static int violations_group(kv_violations *violations, const kv_group *group,
                            int n_key, kv_run *run, violations_first *first,
                            int *is_new) {
  int n = group->n;
  int i;

  *is_new = first->values == NULL;
  for (i = 0; i < n && !*is_new; i++) {
    kv_value value = {0};

    kv_run_column(run, n_key + i, &value);
    *is_new = kv_order_keys(&value, &first->values[i]) != 0;
  }
  if (!*is_new || run->rc != SQLITE_OK) return run->rc;
  first->values =
    kv_arena_get(&violations->arena, (size_t)n * sizeof(*first->values));
  if (!first->values) return SQLITE_NOMEM;
  for (i = 0; i < n && run->rc == SQLITE_OK; i++) {
    memset(&first->values[i], 0, sizeof(first->values[i]));
    kv_run_column(run, n_key + i, &first->values[i]);
    if (run->rc == SQLITE_OK) {
      run->rc = violations_keep(violations, &first->values[i]);
    }
  }
  return run->rc;
}

/* Is the row that was added last the one of its group that was inserted first? */
static int violations_compare(kv_violations *violations, kv_typed *typed,
                              violations_first *first) {
  const kv_value *key = &violations->list[violations->n - 1].key;
  kv_run run;
  int rc = SQLITE_OK;

  kv_run_begin(&run, &typed->store->stmts, KV_SQL_VIOLATIONS_BIRTH);
  kv_run_text(&run, typed->meta.bucket);
  kv_run_value(&run, key);
  if (kv_run_row(&run)) {
    int64_t ts = sqlite3_column_int64(run.stmt, 0);
    const char *device = (const char *)sqlite3_column_text(run.stmt, 1);
    int64_t seq = sqlite3_column_int64(run.stmt, 2);
    int c = first->device && device ? strcmp(device, first->device) : -1;

    if (!first->device || ts < first->ts ||
        (ts == first->ts && (c < 0 || (c == 0 && seq < first->seq)))) {
      first->at = violations->n - 1;
      first->ts = ts;
      first->seq = seq;
      first->device = violations_copy(violations, device, &rc);
    }
  }
  return kv_first_error(kv_run_close(&run), rc);
}

/* A group is complete: its first row is not a violation. */
static void violations_end_group(kv_violations *violations,
                                 const violations_first *first) {
  kv_violation *list = violations->list;

  if (!first->device) return;
  memmove(&list[first->at], &list[first->at + 1],
          (violations->n - first->at - 1) * sizeof(*list));
  violations->n--;
}

/* Begin the statement about a group; `more` is what its holes stand for. */
static void violations_begin(kv_run *run, kv_typed *typed, kv_sql id,
                             const kv_stmt_hole *more) {
  kv_stmt_holes holes = {
    .schema = typed->schema, .name = typed->name, .more = more};

  kv_run_begin_filled(run, typed->db, id, &holes);
}

static int violations_read_unique(kv_violations *violations, kv_typed *typed,
                                  const kv_group *group, kv_violation *row,
                                  kv_run *run) {
  violations_first first;
  int is_new;

  memset(&first, 0, sizeof(first));
  while (kv_run_row(run)) {
    run->rc = violations_group(violations, group, typed->declared.n_key, run,
                               &first, &is_new);
    if (is_new && run->rc == SQLITE_OK) {
      violations_end_group(violations, &first);
      first.device = NULL;
    }
    if (run->rc == SQLITE_OK) {
      run->rc = violations_key(violations, typed, run, &row->key);
    }
    if (run->rc == SQLITE_OK) run->rc = violations_put(violations, row);
    if (run->rc == SQLITE_OK) {
      run->rc = violations_compare(violations, typed, &first);
    }
  }
  violations_end_group(violations, &first);
  return kv_run_close(run);
}

/* Rows that have the values of a UNIQUE group, too. */
static int violations_unique(kv_violations *violations, kv_typed *typed,
                             const kv_group *group) {
  char *names = violations_columns(typed, group, "%s", ", ");
  kv_violation row;
  kv_run run;
  int rc = SQLITE_NOMEM;
  kv_stmt_hole more[4] = {
    {"key", typed->holes[KV_TYPED_KEY].text},
    {"group", violations_columns(typed, group, "\"%w\"", ", ")},
    {"known", violations_columns(typed, group, "\"%w\" IS NOT NULL", " AND ")},
    {NULL, NULL}};

  memset(&row, 0, sizeof(row));
  row.rule = "unique";
  row.column = names;
  if (names && more[1].text && more[2].text) {
    violations_begin(&run, typed, KV_SQL_VIOLATIONS_UNIQUE, more);
    rc = violations_read_unique(violations, typed, group, &row, &run);
  }
  sqlite3_free(names);
  sqlite3_free(more[1].text);
  sqlite3_free(more[2].text);
  return rc;
}

/* How a child finds its parent: without the affinity of its own column. */
static char *violations_match(const kv_typed *typed, const kv_group *group,
                              const kv_declaration *parent) {
  sqlite3_str *out = sqlite3_str_new(typed->db);
  int i;

  for (i = 0; i < group->n; i++) {
    const char *name = group->parents ? group->parents[i]
                       : i < parent->n_key
                         ? parent->columns[parent->key[i]].name
                         : "";

    sqlite3_str_appendf(out, "%sp.\"%w\" = +c.\"%w\"", i > 0 ? " AND " : "",
                        name, typed->declared.columns[group->columns[i]].name);
  }
  return sqlite3_str_finish(out);
}

/* Rows of a foreign key whose parent is not there. parent: NULL, or declared. */
static int violations_orphans(kv_violations *violations, kv_typed *typed,
                              const kv_group *group, const kv_typed *parent) {
  char *names = violations_columns(typed, group, "%s", ", ");
  char *detail = sqlite3_mprintf(
    parent ? "%s has no such row" : "%s is not declared here", group->parent);
  kv_violation row;
  kv_run run;
  int rc = SQLITE_NOMEM;
  kv_stmt_hole more[5] = {
    {"key", typed->holes[KV_TYPED_KEY].text},
    {"known", violations_columns(typed, group, "\"%w\" IS NOT NULL", " AND ")},
    {"parent", sqlite3_mprintf("\"%w\".\"%w_data\"", typed->schema,
                               parent ? parent->name : typed->name)},
    {"matched", parent ? violations_match(typed, group, &parent->declared)
                       : sqlite3_mprintf("0")},
    {NULL, NULL}};

  memset(&row, 0, sizeof(row));
  row.rule = "foreign key";
  row.column = names;
  row.detail = detail;
  if (names && detail && more[1].text && more[2].text && more[3].text) {
    violations_begin(&run, typed, KV_SQL_VIOLATIONS_FOREIGN, more);
    while (kv_run_row(&run)) {
      run.rc = violations_key(violations, typed, &run, &row.key);
      if (run.rc == SQLITE_OK) run.rc = violations_put(violations, &row);
    }
    rc = kv_run_close(&run);
  }
  sqlite3_free(names);
  sqlite3_free(detail);
  sqlite3_free(more[1].text);
  sqlite3_free(more[2].text);
  sqlite3_free(more[3].text);
  return rc;
}

static int violations_foreign(kv_violations *violations, kv_typed *typed,
                              const kv_group *group, char **err) {
  kv_typed *parent = NULL;
  int rc =
    kv_follow_find(typed->db, typed->schema, group->parent, &parent, err);

  if (rc == SQLITE_OK) {
    rc = violations_orphans(violations, typed, group, parent);
  }
  kv_typed_close(parent);
  return rc;
}

int kv_violations_add(kv_violations *violations, kv_typed_found *found,
                      char **err) {
  size_t n = (size_t)violations->n_tables + 1;
  kv_typed_found *tables =
    sqlite3_realloc64(violations->tables, n * sizeof(*tables));
  kv_typed *typed = found->typed;
  int i;
  int rc;

  if (!tables) return SQLITE_NOMEM;
  violations->tables = tables;
  tables[n - 1] = *found;
  violations->n_tables++;
  memset(found, 0, sizeof(*found));
  rc = violations_hidden(violations, typed);
  for (i = 0; i < typed->declared.n_groups && rc == SQLITE_OK; i++) {
    const kv_group *group = &typed->declared.groups[i];

    if (group->rule == KV_RULE_UNIQUE) {
      rc = violations_unique(violations, typed, group);
    } else if (group->rule == KV_RULE_FOREIGN) {
      rc = violations_foreign(violations, typed, group, err);
    }
  }
  return kv_typed_error(typed, err, rc, "cannot read the rows");
}

int kv_violations_fold(kv_violations *violations, size_t i, kv_typed **out,
                       char **err) {
  const kv_violation *row = &violations->list[i];
  kv_typed *typed = violations->tables[row->table].typed;
  int rc = kv_folded_begin(&typed->folded, typed->store);

  *out = typed;
  if (rc == SQLITE_OK) {
    rc = kv_folded_key(&typed->folded, typed->meta.bucket, &row->key,
                       typed->declared.deletes);
  }
  return kv_typed_error(typed, err, rc, "cannot read the log rows");
}
