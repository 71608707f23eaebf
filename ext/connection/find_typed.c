/*
** Finds typed tables. See find_typed.h.
*/
#include "find_typed.h"

#include <string.h>

#include "db/error.h"
#include "db/run.h"
#include "find.h"
#include "store/errors.h"
#include "store/write.h"
#include "tables/follow.h"

int kv_typed_find_store(kv_registry *registry, kv_typed *typed, kv_store **out,
                        char **err) {
  int rc = kv_typed_load(typed, err);

  *out = NULL;
  if (rc == SQLITE_OK) {
    rc = kv_store_find_in(registry, typed->schema, typed->meta.store, out, err);
  }
  if (rc == SQLITE_OK && !*out) {
    rc = kv_error(err, SQLITE_ERROR,
                  "%s is a table of the store %s.%s, which is not there: open "
                  "it first",
                  typed->name, typed->schema, typed->meta.store);
  }
  if (rc == SQLITE_OK) rc = kv_store_refuse_newer(*out, err);
  if (rc != SQLITE_OK) {
    kv_store_close(*out);
    *out = NULL;
  }
  return rc;
}

/* Load a table, and reach its store. */
static int find_typed_load(kv_registry *registry, kv_typed_found *found,
                           char **err) {
  int rc = kv_typed_find_store(registry, found->typed, &found->store, err);

  if (rc == SQLITE_OK) rc = kv_write_flush(found->store, err);
  found->typed->store = found->store;
  return rc;
}

void kv_typed_found_close(kv_typed_found *found) {
  kv_typed_close(found->typed);
  kv_store_close(found->store);
  memset(found, 0, sizeof(*found));
}

int kv_typed_find_in(kv_registry *registry, const char *schema,
                     const char *name, kv_typed_found *out, char **err) {
  int rc;

  memset(out, 0, sizeof(*out));
  rc = kv_follow_find(registry->db, schema, name, &out->typed, err);
  if (rc == SQLITE_OK && out->typed) rc = find_typed_load(registry, out, err);
  if (rc != SQLITE_OK) kv_typed_found_close(out);
  return rc;
}

/* The schemas of the connection. */
typedef int find_typed_visit(const char *schema, void *with, char **err);
static int find_typed_schemas(kv_registry *registry, find_typed_visit *visit,
                              void *with, char **err) {
  kv_run run;

  kv_run_begin_on(&run, registry->db, KV_SQL_SCHEMA_NAMES);
  while (kv_run_row(&run)) {
    const char *schema =
      (const char *)sqlite3_column_text(run.stmt, KV_SCHEMA_NAME);

    run.rc = schema ? visit(schema, with, err) : SQLITE_NOMEM;
  }
  return kv_run_close(&run);
}

/* A search in all schemas. */
typedef struct find_typed_search {
  kv_registry *registry;
  const char *name;
  kv_typed_found *out;
} find_typed_search;

static int find_typed_look(const char *schema, void *with, char **err) {
  find_typed_search *search = with;
  kv_typed *other = NULL;
  int rc;

  if (!search->out->typed) {
    return kv_typed_find_in(search->registry, schema, search->name, search->out,
                            err);
  }
  rc = kv_follow_find(search->registry->db, schema, search->name, &other, err);
  if (rc == SQLITE_OK && other) {
    rc = kv_error(err, SQLITE_ERROR,
                  "there are several typed tables named %s: say which one: "
                  "%s.%s, %s.%s",
                  search->name, search->out->typed->schema, search->name,
                  schema, search->name);
  }
  kv_typed_close(other);
  return rc;
}

/* SCHEMA.NAME */
static int find_typed_split(kv_registry *registry, const char *name,
                            kv_typed_found *out, char **err) {
  const char *dot = strchr(name, '.');
  char *schema;
  int rc;

  if (!dot || strchr(dot + 1, '.')) return SQLITE_OK;
  schema = sqlite3_mprintf("%.*s", (int)(dot - name), name);
  if (!schema) return SQLITE_NOMEM;
  rc = kv_typed_find_in(registry, schema, dot + 1, out, err);
  sqlite3_free(schema);
  return rc == SQLITE_ERROR && !*err ? SQLITE_OK : rc; /* no such schema */
}

int kv_typed_find(kv_registry *registry, const char *name, kv_typed_found *out,
                  char **err) {
  find_typed_search search = {registry, name, out};
  int rc = SQLITE_OK;

  memset(out, 0, sizeof(*out));
  if (name) rc = find_typed_schemas(registry, find_typed_look, &search, err);
  if (name && rc == SQLITE_OK && !out->typed) {
    rc = find_typed_split(registry, name, out, err);
  }
  if (rc == SQLITE_OK && !out->typed) {
    rc = kv_error(err, SQLITE_NOTFOUND,
                  "there is no typed table named %s: declare it first, CREATE "
                  "VIRTUAL TABLE %s USING kv_table(...)",
                  name ? name : "NULL", name ? name : "name");
  }
  if (rc != SQLITE_OK) kv_typed_found_close(out);
  return rc;
}

/* A visit of all tables of all schemas. */
typedef struct find_typed_walk {
  kv_registry *registry;
  const char *schema;
  kv_typed_found_visit *visit;
  void *with;
} find_typed_walk;

static int find_typed_visit_table(kv_typed *typed, void *with, char **err) {
  find_typed_walk *walk = with;
  kv_typed_found found;
  int rc =
    kv_typed_find_in(walk->registry, walk->schema, typed->name, &found, err);

  if (rc == SQLITE_OK && found.typed) rc = walk->visit(&found, walk->with, err);
  kv_typed_found_close(&found);
  return rc;
}

static int find_typed_visit_schema(const char *schema, void *with, char **err) {
  find_typed_walk *walk = with;

  walk->schema = schema;
  return kv_follow_each(walk->registry->db, schema, find_typed_visit_table,
                        walk, err);
}

int kv_typed_find_all(kv_registry *registry, kv_typed_found_visit *visit,
                      void *with, char **err) {
  find_typed_walk walk = {registry, NULL, visit, with};

  return find_typed_schemas(registry, find_typed_visit_schema, &walk, err);
}
