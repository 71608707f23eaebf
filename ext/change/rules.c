/*
** UNIQUE and FOREIGN KEY. See rules.h.
*/
#include "rules.h"

#include <string.h>

#include "core/order.h"
#include "db/error.h"
#include "tables/follow.h"

/* Is there a row of `table` whose columns, in `where`, have these values? */
static int rules_exists(kv_typed *typed, const char *table, char *where,
                        const kv_value *const *values, int n, int *exists) {
  kv_stmt_hole more[2] = {{"where", where}, {NULL, NULL}};
  kv_stmt_holes holes = {.schema = typed->schema, .name = table, .more = more};
  kv_run run;
  int i;

  if (!where) return SQLITE_NOMEM;
  kv_run_begin_filled(&run, typed->db, KV_SQL_RULES_EXISTS, &holes);
  for (i = 0; i < n; i++)
    kv_run_value(&run, values[i]);
  *exists = kv_run_row(&run);
  return kv_run_close(&run);
}

static void rules_add(sqlite3_str *where, int i, const char *name) {
  sqlite3_str_appendf(where, "%s\"%w\" = ?", i > 0 ? " AND " : "", name);
}

/* The values of a group. Returns 0 if one is NULL, or if none has changed. */
static int rules_values(const kv_group *group, const kv_value *new,
                        const kv_value *old, const kv_value **out) {
  int is_changed = !old;
  int i;

  for (i = 0; i < group->n; i++) {
    int column = group->columns[i];

    if (new[column].type == KV_NULL) return 0;
    if (old && !kv_order_is_same(&old[column], &new[column])) is_changed = 1;
    out[i] = &new[column];
  }
  return is_changed;
}

static int rules_unique(kv_typed *typed, const kv_group *group,
                        const kv_value **values, char **err) {
  sqlite3_str *where = sqlite3_str_new(typed->db);
  int exists = 0;
  char *text;
  int i;
  int rc;

  for (i = 0; i < group->n; i++)
    rules_add(where, i, typed->declared.columns[group->columns[i]].name);
  text = sqlite3_str_finish(where);
  rc = rules_exists(typed, typed->name, text, values, group->n, &exists);
  sqlite3_free(text);
  if (rc != SQLITE_OK || !exists) return rc;
  if (err && !*err) {
    *err = sqlite3_mprintf("UNIQUE constraint failed: %s.%s", typed->name,
                           typed->declared.columns[group->columns[0]].name);
  }
  return SQLITE_CONSTRAINT_UNIQUE;
}

/* Does a row refer to itself? Its key is that of the new values. */
static int rules_is_self(const kv_typed *typed, const kv_group *group,
                         const kv_value *new, const kv_value **values) {
  const kv_declaration *declared = &typed->declared;
  int i;

  if (sqlite3_stricmp(group->parent, typed->name) != 0 ||
      group->n != declared->n_key) {
    return 0;
  }
  for (i = 0; i < group->n; i++) {
    int column = group->parents
                   ? kv_declaration_column(declared, group->parents[i])
                   : declared->key[i];
    if (column < 0 || kv_order_keys(values[i], &new[column]) != 0) return 0;
  }
  return 1;
}

/* Does a foreign key name the primary key of its parent, in any order? */
static int rules_is_key(const kv_declaration *parent, const kv_group *group) {
  int i;
  int k;

  if (group->n != parent->n_key) return 0;
  for (i = 0; i < group->n && group->parents; i++) {
    int column = kv_declaration_column(parent, group->parents[i]);

    if (column < 0 || parent->columns[column].key == 0) return 0;
    for (k = 0; k < i; k++)
      if (sqlite3_stricmp(group->parents[k], group->parents[i]) == 0) return 0;
  }
  return 1;
}

/* Check what a foreign key refers to; parent is NULL if it is not there. */
static int rules_judge(const kv_typed *typed, const kv_group *group,
                       const kv_typed *parent, char **err) {
  const char *why = NULL;

  if (!parent) {
    why = "which is no typed table of this schema";
  } else if (!rules_is_key(&parent->declared, group)) {
    why = "but not to its primary key";
  } else if (sqlite3_stricmp(parent->meta.store, typed->meta.store) != 0) {
    why = "which is a table of another store";
  }
  if (!why) return SQLITE_OK;
  return kv_error(err, SQLITE_ERROR,
                  "a foreign key of %s refers to %s, %s: it has to be the "
                  "primary key of a typed table of the same schema and store",
                  typed->name, group->parent, why);
}

/* Note how the parent of a foreign key is found. */
static int rules_note(kv_typed *typed, kv_group *group,
                      const kv_declaration *parent) {
  sqlite3_str *where = sqlite3_str_new(typed->db);
  char *text;
  int i;

  for (i = 0; i < group->n; i++)
    rules_add(where, i,
              group->parents ? group->parents[i]
                             : parent->columns[parent->key[i]].name);
  text = sqlite3_str_finish(where);
  if (text) {
    group->where =
      kv_arena_copy(&typed->declared.arena, text, strlen(text) + 1);
  }
  sqlite3_free(text);
  return text && group->where ? SQLITE_OK : SQLITE_NOMEM;
}

/* Look up what a foreign key refers to. may_wait: it need not be there yet. */
static int rules_parent(kv_typed *typed, kv_group *group, int may_wait,
                        char **err) {
  kv_typed *other = NULL;
  const kv_typed *parent = typed;
  int rc = SQLITE_OK;

  if (sqlite3_stricmp(group->parent, typed->name) != 0) {
    rc = kv_follow_find(typed->db, typed->schema, group->parent, &other, err);
    if (rc == SQLITE_OK && other) rc = kv_typed_load(other, err);
    parent = other;
  }
  if (rc == SQLITE_OK && (parent || !may_wait)) {
    rc = rules_judge(typed, group, parent, err);
    if (rc == SQLITE_OK) rc = rules_note(typed, group, &parent->declared);
  }
  kv_typed_close(other);
  return rc;
}

int kv_rules_declare(kv_typed *typed, char **err) {
  int i;
  int rc = SQLITE_OK;

  for (i = 0; i < typed->declared.n_groups && rc == SQLITE_OK; i++) {
    kv_group *group = &typed->declared.groups[i];

    if (group->rule == KV_RULE_FOREIGN) {
      rc = rules_parent(typed, group, 1, err);
    }
  }
  return rc;
}

static int rules_foreign(kv_typed *typed, kv_group *group, const kv_value *new,
                         const kv_value **values, char **err) {
  int exists = 0;
  int rc = group->where ? SQLITE_OK : rules_parent(typed, group, 0, err);

  if (rc != SQLITE_OK || rules_is_self(typed, group, new, values)) return rc;
  rc =
    rules_exists(typed, group->parent, group->where, values, group->n, &exists);
  if (rc == SQLITE_ERROR) { /* it has another name now, or is another table */
    return kv_first_error(rules_parent(typed, group, 0, err), rc);
  }
  if (rc != SQLITE_OK || exists) return rc;
  if (err && !*err) *err = sqlite3_mprintf("FOREIGN KEY constraint failed");
  return SQLITE_CONSTRAINT_FOREIGNKEY;
}

int kv_rules_check(kv_typed *typed, const kv_value *new, const kv_value *old,
                   const kv_value *moved, char **err) {
  const kv_declaration *declared = &typed->declared;
  const kv_value **values;
  int rc = SQLITE_OK;
  int i;

  if (declared->n_groups == 0) return SQLITE_OK;
  values = kv_zalloc((sqlite3_uint64)declared->n_columns * sizeof(*values));
  if (!values) return SQLITE_NOMEM;
  for (i = 0; i < declared->n_groups && rc == SQLITE_OK; i++) {
    kv_group *group = &declared->groups[i];

    if (group->rule == KV_RULE_INDEX) continue;
    if (!rules_values(group, new, old, values)) continue;
    if (moved && !rules_values(group, new, moved, values)) continue;
    rc = group->rule == KV_RULE_UNIQUE
           ? rules_unique(typed, group, values, err)
           : rules_foreign(typed, group, new, values, err);
  }
  sqlite3_free((void *)values);
  return rc;
}

/* A row that is to be deleted, and the table that it is in. */
typedef struct rules_victim {
  kv_typed *typed;
  const kv_value *old;
} rules_victim;

/* The value of the victim that a child's column has. */
static const kv_value *rules_old(const rules_victim *victim,
                                 const kv_group *group, int i) {
  const kv_declaration *declared = &victim->typed->declared;
  int column = -1;

  if (group->parents) {
    column = kv_declaration_column(declared, group->parents[i]);
  } else if (i < declared->n_key) {
    column = declared->key[i];
  }
  return column < 0 ? NULL : &victim->old[column];
}

/* But for the victim, which may refer to itself. */
static void rules_add_others(sqlite3_str *where, const rules_victim *victim,
                             const kv_value **values) {
  const kv_declaration *declared = &victim->typed->declared;
  int i;

  sqlite3_str_appendall(where, " AND NOT (");
  for (i = 0; i < declared->n_key; i++) {
    rules_add(where, i, declared->columns[declared->key[i]].name);
    values[i] = &victim->old[declared->key[i]];
  }
  sqlite3_str_appendall(where, ")");
}

/* Does a row of `child` refer to the victim by this key? */
static int rules_refers(kv_typed *child, const kv_group *group,
                        const rules_victim *victim, int *refers) {
  int n_key = sqlite3_stricmp(child->name, victim->typed->name) == 0
                ? victim->typed->declared.n_key
                : 0;
  const kv_value **values =
    kv_zalloc((sqlite3_uint64)(group->n + n_key) * sizeof(*values));
  sqlite3_str *where = sqlite3_str_new(child->db);
  char *text;
  int is_known = values != NULL;
  int i;
  int rc = values ? SQLITE_OK : SQLITE_NOMEM;

  for (i = 0; i < group->n && is_known; i++) {
    values[i] = rules_old(victim, group, i);
    is_known = values[i] != NULL;
    rules_add(where, i, child->declared.columns[group->columns[i]].name);
  }
  if (is_known && n_key > 0) {
    rules_add_others(where, victim, values + group->n);
  }
  text = sqlite3_str_finish(where);
  if (rc == SQLITE_OK && is_known) {
    rc =
      rules_exists(child, child->name, text, values, group->n + n_key, refers);
  }
  sqlite3_free(text);
  sqlite3_free((void *)values);
  return rc;
}

/* Check the foreign keys of one table. */
static int rules_visit(kv_typed *child, void *with, char **err) {
  const rules_victim *victim = with;
  int rc = SQLITE_OK;
  int i;

  for (i = 0; i < child->declared.n_groups && rc == SQLITE_OK; i++) {
    const kv_group *group = &child->declared.groups[i];
    int refers = 0;

    if (group->rule != KV_RULE_FOREIGN ||
        sqlite3_stricmp(group->parent, victim->typed->name) != 0) {
      continue;
    }
    rc = rules_refers(child, group, victim, &refers);
    if (rc == SQLITE_OK && refers) {
      if (err && !*err) {
        *err = sqlite3_mprintf("FOREIGN KEY constraint failed");
      }
      rc = SQLITE_CONSTRAINT_FOREIGNKEY;
    }
  }
  return rc;
}

/* Does a foreign key refer to the table in `with`? */
static int rules_visit_child(kv_typed *child, void *with, char **err) {
  kv_typed *parent = with;
  int i;

  (void)err;
  for (i = 0; i < child->declared.n_groups; i++) {
    const kv_group *group = &child->declared.groups[i];

    if (group->rule == KV_RULE_FOREIGN &&
        sqlite3_stricmp(group->parent, parent->name) == 0) {
      parent->has_children = 1;
    }
  }
  return SQLITE_OK;
}

/*
** Look for foreign keys that refer to a table, if the schema has changed. When a
** change of it is rolled back, SQLite opens the table again.
*/
static int rules_find_children(kv_typed *typed, char **err) {
  int64_t version = -1;
  kv_run run;
  int rc;

  kv_run_begin(&run, &typed->stmts, KV_SQL_RULES_SCHEMA);
  if (kv_run_row(&run)) version = sqlite3_column_int64(run.stmt, 0);
  rc = kv_run_close(&run);
  if (rc != SQLITE_OK || version == typed->children_of) return rc;
  typed->has_children = 0;
  rc = kv_follow_each(typed->db, typed->schema, rules_visit_child, typed, err);
  typed->children_of = rc == SQLITE_OK ? version : -1;
  return rc;
}

int kv_rules_check_delete(kv_typed *typed, const kv_value *old, char **err) {
  rules_victim victim = {typed, old};
  int rc = rules_find_children(typed, err);

  if (rc != SQLITE_OK || !typed->has_children) return rc;
  return kv_follow_each(typed->db, typed->schema, rules_visit, &victim, err);
}
