/*
** Finds the store that a function or a table names. See find.h.
**
** A statement on the table itself, run to its end, makes SQLite read a changed
** schema, and connect the table. Its plan (xBestIndex) shows which store the
** table belongs to. That takes tens of microseconds, so the name that found a
** store is remembered. It stays valid until a store of the connection is opened
** or closed, a schema is read again, or the cache is replaced.
*/
#include "find.h"

#include <string.h>

#include "db/error.h"
#include "db/run.h"
#include "store/errors.h"
#include "store/store.h"
#include "store/write.h"

/* What was found under a name, in one schema or several. */
typedef struct find_result {
  kv_store *store;    /* the first one, referenced; or NULL */
  int n;              /* how many there are */
  sqlite3_str *names; /* of them, as a list */
  int rc;             /* the first error that is not "no such table" */
  char *why;
} find_result;

/* How many databases are attached; not known to SQLite before 3.39. */
static int64_t find_n_databases(sqlite3 *db) {
  int n = 0;

#if SQLITE_VERSION_NUMBER >= 3039000
  if (sqlite3_libversion_number() >= 3039000) {
    while (sqlite3_db_name(db, n))
      n++;
  }
#else
  (void)db;
#endif
  return n;
}

/* If any of this changes, a name may mean another store. */
static int64_t find_state(const kv_registry *registry) {
  return registry->n_changes * 256 + find_n_databases(registry->db);
}

/* A store was found: forget what was known of another cache. */
static int find_meet(kv_store *store, char **err) {
  int64_t id;
  int n_reads;
  int rc = kv_store_look(store, &id, &n_reads);

  if (rc != SQLITE_OK && rc != SQLITE_ERROR) {
    return kv_store_error(store, err, rc, "cannot read the cache");
  }
  if (store->cache_id && id != store->cache_id) {
    if (n_reads == store->n_reads) return kv_store_replaced(store, err);
    kv_store_forget(store);
  }
  store->cache_id = id; /* 0: it has to be rebuilt */
  store->n_reads = n_reads;
  return SQLITE_OK;
}

/* Ask SQLite which store is schema.name now. */
static int find_reach(kv_registry *registry, const char *schema,
                      const char *name, kv_store **out) {
  kv_stmts stmts = {registry->db, schema, name, {NULL}, NULL};
  kv_run run;

  *out = NULL;
  registry->reached = NULL;
  registry->is_refused = 0;
  kv_run_begin_once(&run, &stmts, KV_SQL_TABLE_REACH);
  kv_run_row(&run);
  if (run.rc == SQLITE_OK && registry->reached &&
      kv_store_is_table(registry->reached, schema, name)) {
    *out = registry->reached;
    (*out)->n_refs++;
  }
  return kv_run_close(&run);
}

static void find_add(kv_registry *registry, const char *schema,
                     const char *name, find_result *found) {
  kv_store *store;
  int rc = find_reach(registry, schema, name, &store);

  if (rc == SQLITE_ERROR && !registry->is_refused) rc = SQLITE_OK;
  if (rc != SQLITE_OK && found->rc == SQLITE_OK) {
    found->rc =
      kv_error_db(&found->why, rc, registry->db, "cannot reach the store");
  }
  if (!store) return;
  sqlite3_str_appendf(found->names, "%s%s.%s", found->n > 0 ? ", " : "", schema,
                      store->name);
  if (found->n++ == 0) {
    found->store = store;
  } else {
    kv_store_close(store);
  }
}

/* Look in one schema, or (NULL) in all of them. */
static int find_search(kv_registry *registry, const char *schema,
                       const char *name, find_result *found) {
  kv_run schemas;
  int rc = SQLITE_OK;

  if (schema) {
    find_add(registry, schema, name, found);
  } else {
    kv_run_begin_on(&schemas, registry->db, KV_SQL_SCHEMA_NAMES);
    while (kv_run_row(&schemas)) {
      const char *text =
        (const char *)sqlite3_column_text(schemas.stmt, KV_SCHEMA_NAME);

      if (text) find_add(registry, text, name, found);
      if (!text) schemas.rc = SQLITE_NOMEM;
    }
    rc = kv_run_close(&schemas);
  }
  if (rc == SQLITE_OK && !found->store) rc = found->rc;
  return rc;
}

/* SCHEMA.NAME, if a name has one dot; for sqlite3_free(). */
static char *find_split(const char *name, const char **rest) {
  const char *dot = strchr(name, '.');

  if (!dot || strchr(dot + 1, '.')) return NULL;
  *rest = dot + 1;
  return sqlite3_mprintf("%.*s", (int)(dot - name), name);
}

/* Find a store by asking for its table. */
static int find_ask(kv_registry *registry, const char *schema, const char *name,
                    kv_store **out, char **err) {
  find_result found = {NULL, 0, sqlite3_str_new(registry->db), SQLITE_OK, NULL};
  const char *rest = NULL;
  char *split = NULL;
  char *names;
  int rc = find_search(registry, schema, name, &found);

  if (rc == SQLITE_OK && found.n == 0 && !schema) {
    split = find_split(name, &rest);
    if (split) rc = find_search(registry, split, rest, &found);
  }
  names = sqlite3_str_finish(found.names);
  if (rc == SQLITE_OK && found.n > 1) {
    rc = kv_error(err, SQLITE_ERROR,
                  "there are several stores named %s: say which one: %s", name,
                  names ? names : "SCHEMA.NAME");
  } else if (rc != SQLITE_OK) {
    kv_error(err, rc, "%s", kv_error_reason(found.why, rc));
  }
  if (rc != SQLITE_OK) {
    kv_store_close(found.store);
    found.store = NULL;
  }
  sqlite3_free(split);
  sqlite3_free(names);
  sqlite3_free(found.why);
  *out = found.store;
  return rc;
}

kv_store *kv_store_recall(kv_registry *registry, const char *name) {
  int64_t state = find_state(registry);
  kv_store *store = registry->stores;

  if (!name) name = "kv";
  while (store && !(store->called && strcmp(store->called, name) == 0 &&
                    store->n_changes == state)) {
    store = store->next;
  }
  if (!store || store->cache_id == 0) return NULL;
  store->n_refs++;
  return store;
}

/*
** The store that this name found before, referenced, if it is still the same;
** else *out is NULL. Does not wait for the same lock twice.
*/
static int find_remembered(kv_registry *registry, const char *name,
                           kv_store **out, char **err) {
  kv_store *store = kv_store_recall(registry, name);
  int64_t id;
  int n_reads;
  int rc;

  *out = NULL;
  if (!store) return SQLITE_OK;
  rc = kv_store_look(store, &id, &n_reads);
  if (rc == SQLITE_OK && n_reads == store->n_reads && id == store->cache_id) {
    *out = store;
    return SQLITE_OK;
  }
  if ((rc & 0xff) == SQLITE_BUSY) {
    kv_store_error(store, err, rc, "cannot read the cache");
  } else {
    rc = SQLITE_OK;
  }
  kv_store_close(store);
  return rc;
}

static int find_remember(kv_store *store, const char *name) {
  char *called = kv_strdup(name);

  if (!called) return SQLITE_NOMEM;
  sqlite3_free(store->called);
  store->called = called;
  store->n_changes = find_state(store->registry);
  return SQLITE_OK;
}

int kv_store_find(kv_registry *registry, const char *name, kv_store **out,
                  char **err) {
  int rc;

  if (!name) name = "kv";
  rc = find_remembered(registry, name, out, err);
  if (rc != SQLITE_OK) return rc;
  if (!*out) {
    rc = find_ask(registry, NULL, name, out, err);
    if (rc != SQLITE_OK) return rc;
    if (!*out) {
      return kv_error(err, SQLITE_ERROR,
                      "there is no store named %s: open one first, SELECT "
                      "kv_open('folder', 'device')",
                      name);
    }
    rc = find_meet(*out, err);
    if (rc == SQLITE_OK) rc = find_remember(*out, name);
  }
  if (rc == SQLITE_OK) rc = kv_store_refuse_newer(*out, err);
  if (rc == SQLITE_OK) rc = kv_write_flush(*out, err);
  if (rc != SQLITE_OK) {
    kv_store_close(*out);
    *out = NULL;
  }
  return rc;
}

int kv_store_find_in(kv_registry *registry, const char *schema,
                     const char *name, kv_store **out, char **err) {
  int rc = find_ask(registry, schema, name, out, err);

  if (rc != SQLITE_OK || !*out) return rc;
  rc = find_meet(*out, err);
  if (rc != SQLITE_OK) {
    kv_store_close(*out);
    *out = NULL;
  }
  return rc;
}

int kv_store_is_there(kv_store *store, int *is_there) {
  kv_store *now = NULL;
  int rc = find_reach(store->registry, store->schema, store->name, &now);

  *is_there = now == store;
  if (*is_there) rc = find_meet(store, NULL);
  kv_store_close(now);
  return rc == SQLITE_ERROR ? SQLITE_OK : rc; /* no such table */
}
