/*
** A declaration as JSON. See describe.h.
*/
#include "describe.h"

#include <string.h>

#include "convert.h"
#include "record/json.h"

static void describe_put(kv_bytes *out, const char *z) {
  kv_bytes_add(out, z, strlen(z));
}

/* Text of the declaration; what is not UTF-8 is null. */
static void describe_text(kv_bytes *out, const char *z) {
  int has_nul;

  if (kv_json_is_utf8(z, strlen(z), &has_nul)) {
    kv_json_add_text(out, z, strlen(z));
  } else {
    describe_put(out, "null");
  }
}

/* The name of a member, and what is between it and the last one. */
static void describe_name(kv_bytes *out, const char *name) {
  if (out->last != '{') describe_put(out, ",");
  describe_text(out, name);
  describe_put(out, ":");
}

static void describe_columns(kv_bytes *out, const kv_declaration *declared,
                             const int *columns, int n) {
  int i;

  describe_put(out, "[");
  for (i = 0; i < n; i++) {
    if (i > 0) describe_put(out, ",");
    describe_text(out, declared->columns[columns[i]].cell);
  }
  describe_put(out, "]");
}

/* A column: its type and what stands behind it. */
static void describe_column(kv_bytes *out, const kv_column *column) {
  static const char *const words[] = {"",
                                      " DEFAULT CURRENT_TIMESTAMP",
                                      " DEFAULT CURRENT_DATE",
                                      " DEFAULT CURRENT_TIME",
                                      " DEFAULT (kv_uuid())",
                                      " DEFAULT (kv_id())"};
  char *text;

  text =
    sqlite3_mprintf("%s%s%s%s", kv_convert_type_name(column->type),
                    column->is_not_null ? " NOT NULL" : "",
                    column->what == KV_DEFAULT_LITERAL ? " DEFAULT "
                    : column->what == KV_DEFAULT_NONE
                      ? ""
                      : words[column->what - KV_DEFAULT_LITERAL],
                    column->what == KV_DEFAULT_LITERAL ? column->literal : "");
  if (!text) {
    out->rc = KV_NOMEM;
    return;
  }
  describe_text(out, text);
  sqlite3_free(text);
}

static void describe_checks(kv_bytes *out, const kv_declaration *declared) {
  int i;

  if (declared->n_checks == 0) return;
  describe_name(out, "checks");
  describe_put(out, "[");
  for (i = 0; i < declared->n_checks; i++) {
    if (i > 0) describe_put(out, ",");
    describe_text(out, declared->checks[i]);
  }
  describe_put(out, "]");
}

/* The groups of a rule: arrays of columns, with the parent of a foreign key. */
static void describe_groups(kv_bytes *out, const kv_declaration *declared,
                            kv_rule rule, const char *name) {
  int n = 0;
  int i;

  for (i = 0; i < declared->n_groups; i++) {
    const kv_group *group = &declared->groups[i];

    if (group->rule != rule) continue;
    if (n == 0) describe_name(out, name);
    describe_put(out, n++ == 0 ? "[" : ",");
    if (rule == KV_RULE_FOREIGN) describe_put(out, "{\"columns\":");
    describe_columns(out, declared, group->columns, group->n);
    if (rule == KV_RULE_FOREIGN) {
      describe_name(out, "parent");
      describe_text(out, group->parent);
      describe_put(out, "}");
    }
  }
  if (n > 0) describe_put(out, "]");
}

static void describe_merge(kv_bytes *out, const kv_declaration *declared) {
  static const char *const kinds[] = {"lww", "counter", "max",
                                      "min", "set",     "list"};
  int n = 0;
  int i;

  for (i = 0; i < declared->n_columns; i++) {
    const kv_column *column = &declared->columns[declared->sorted[i]];

    if (column->kind == KV_KIND_LWW) continue;
    if (n++ == 0) {
      describe_name(out, "merge");
      describe_put(out, "{");
    }
    describe_name(out, column->cell);
    describe_text(out, kinds[column->kind]);
  }
  if (n > 0) describe_put(out, "}");
}

void kv_describe(const kv_declaration *declared, kv_bytes *out) {
  static const char *const deletes[] = {"later", "lose", "win"};
  int i;

  describe_put(out, "{");
  describe_checks(out, declared);
  describe_name(out, "columns");
  describe_put(out, "{");
  for (i = 0; i < declared->n_columns; i++) {
    const kv_column *column = &declared->columns[declared->sorted[i]];

    describe_name(out, column->cell);
    describe_column(out, column);
  }
  describe_put(out, "}");
  if (declared->deletes > 0) {
    describe_name(out, "deletes");
    describe_text(out, deletes[declared->deletes]);
  }
  describe_groups(out, declared, KV_RULE_FOREIGN, "foreign");
  describe_name(out, "key");
  describe_columns(out, declared, declared->key, declared->n_key);
  describe_merge(out, declared);
  describe_groups(out, declared, KV_RULE_UNIQUE, "unique");
  describe_put(out, "}");
}
