/*
** Typed tables follow the cache. See follow.h.
**
** {meta}.merged is the arrival of the last merge. If it is the table's, too, and
** the epoch is the same, there is nothing to do. Own commits are no merges: what
** they write is in the table already. Rows that a merge brought are those with a
** txn; rows that this cache committed have none.
*/
#include "follow.h"

#include <string.h>

#include "core/order.h"
#include "db/error.h"
#include "db/value.h"
#include "declare/tokens.h"
#include "referred.h"
#include "settle.h"
#include "store/errors.h"
#include "store/transaction.h"
#include "store/write.h"

/* Columns of follow_tables. */
enum { FOLLOW_NAME, FOLLOW_SQL };

/* Columns of follow_new and follow_all. */
enum { FOLLOW_KEY, FOLLOW_ROW };

/*
** Add a row to the log rows of its key. If it is the first one of a key, settle the
** key before.
*/
static int follow_row(kv_typed *typed, kv_run *run, kv_value *key) {
  kv_value next = {0};
  int rc;

  kv_run_column(run, FOLLOW_KEY, &next);
  if (run->rc != SQLITE_OK) return run->rc;
  if (key->type == KV_NULL || kv_order_keys(key, &next) != 0) {
    rc = key->type == KV_NULL ? SQLITE_OK : kv_settle_rows(typed, key);
    kv_value_free(key);
    if (rc == SQLITE_OK) rc = kv_value_copy(&next, key);
    if (rc == SQLITE_OK) rc = kv_folded_start(&typed->folded);
    if (rc != SQLITE_OK) return rc;
  }
  return kv_folded_add(&typed->folded, run, FOLLOW_ROW);
}

/* Settle the keys whose log rows a statement about the bucket has. */
static int follow_keys(kv_typed *typed, kv_sql id, int64_t after) {
  kv_value key = {KV_NULL, 0, 0, NULL, 0};
  kv_run run;

  kv_run_begin(&run, &typed->store->stmts, id);
  kv_run_text(&run, typed->meta.bucket);
  if (id == KV_SQL_FOLLOW_NEW) {
    kv_run_int(&run, after);
    kv_run_text(&run, typed->meta.bucket);
  }
  while (kv_run_row(&run))
    run.rc = follow_row(typed, &run, &key);
  if (run.rc == SQLITE_OK && key.type != KV_NULL) {
    run.rc = kv_settle_rows(typed, &key);
  }
  kv_value_free(&key);
  return kv_run_close(&run);
}

/* Make the table again. */
static int follow_again(kv_typed *typed, char **err) {
  kv_stmt_holes holes = {
    .schema = typed->schema, .name = typed->name, .more = typed->holes};
  int rc = kv_referred_refuse(typed, err);

  if (rc == SQLITE_OK) {
    rc = kv_stmt_exec_filled(typed->db, KV_SQL_TYPED_CLEAR, &holes);
  }
  typed->is_declared = 0; /* own rows may be gone, too */
  return rc == SQLITE_OK ? follow_keys(typed, KV_SQL_FOLLOW_ALL, 0) : rc;
}

/* The state of the cache; is it the one that the table has followed? */
static int follow_state(kv_typed *typed, kv_store *store, int64_t *epoch,
                        int64_t *merged, int *is_stale) {
  kv_run run;

  *epoch = -1;
  *merged = 0;
  *is_stale = 0;
  kv_run_begin(&run, &store->stmts, KV_SQL_FOLLOW_STATE);
  if (kv_run_row(&run)) {
    *epoch = sqlite3_column_int64(run.stmt, 0);
    *merged = sqlite3_column_int64(run.stmt, 1);
    *is_stale = *epoch != typed->meta.epoch || *merged != typed->meta.merged;
  }
  return kv_run_close(&run);
}

static int follow_run(kv_typed *typed, char **err) {
  int64_t epoch;
  int64_t merged;
  int is_stale;
  int rc = follow_state(typed, typed->store, &epoch, &merged, &is_stale);

  if (rc != SQLITE_OK || !is_stale) return rc;
  rc = kv_settle_begin(typed);
  if (rc == SQLITE_OK) {
    rc = epoch == typed->meta.epoch
           ? follow_keys(typed, KV_SQL_FOLLOW_NEW, typed->meta.merged)
           : follow_again(typed, err);
  }
  if (rc == SQLITE_OK) rc = kv_typed_save(typed, epoch, merged);
  if (rc == SQLITE_OK) {
    typed->meta.epoch = epoch;
    typed->meta.merged = merged;
  }
  return rc;
}

int kv_follow_table(kv_typed *typed, kv_store *store, char **err) {
  kv_store *before = typed->store;
  int rc = kv_typed_load(typed, err);

  if (rc != SQLITE_OK) return rc;
  if (sqlite3_stricmp(typed->meta.store, store->name) != 0) return SQLITE_OK;
  typed->store = store;
  rc = follow_run(typed, err);
  if (rc == SQLITE_OK &&
      store->txn->is_outermost) { /* what follows is a COMMIT */
    rc = kv_referred_refuse_deferred(typed, err);
  }
  typed->store = before;
  if ((rc & 0xff) == SQLITE_CONSTRAINT && err && !*err) {
    rc = kv_first_error(kv_referred_refuse(typed, err), rc);
  }
  return kv_typed_error(typed, err, rc, "cannot make the rows");
}

/*
** Find the declaration in the text of a CREATE statement. *begin is NULL if this is
** no kv_table. Both point into sql.
*/
static void follow_declaration(const char *sql, const char **begin, size_t *n) {
  kv_tokens tokens;
  const char *end;
  size_t quotes;

  *begin = NULL;
  *n = 0;
  kv_tokens_begin(&tokens, sql);
  while (tokens.now.kind != KV_TOKEN_END && tokens.now.kind != KV_TOKEN_WRONG &&
         !kv_tokens_is(&tokens, "("))
    kv_tokens_next(&tokens);
  quotes = tokens.last.kind == KV_TOKEN_NAME || /* the module's name */
           tokens.last.kind == KV_TOKEN_STRING;
  if (!kv_tokens_is(&tokens, "(") || tokens.last.n != 8 + 2 * quotes ||
      sqlite3_strnicmp(tokens.last.z + quotes, "kv_table", 8) != 0) {
    return;
  }
  end = strrchr(sql, ')');
  *begin = tokens.rest;
  if (end && end > *begin) *n = (size_t)(end - *begin);
}

/* Open the table that a row of follow_tables names; NULL: it is none. */
static int follow_open(sqlite3 *db, const char *schema, sqlite3_stmt *row,
                       kv_typed **out, char **err) {
  const char *name = (const char *)sqlite3_column_text(row, FOLLOW_NAME);
  const char *sql = (const char *)sqlite3_column_text(row, FOLLOW_SQL);
  const char *begin;
  char *text;
  size_t n;
  int rc;

  *out = NULL;
  if (!name || !sql) return SQLITE_NOMEM;
  follow_declaration(sql, &begin, &n);
  if (!begin) return SQLITE_OK;
  text = sqlite3_mprintf("%.*s", (int)n, begin);
  rc = text ? kv_typed_open(db, schema, name, text, out, err) : SQLITE_NOMEM;
  sqlite3_free(text);
  return rc;
}

int kv_follow_find(sqlite3 *db, const char *schema, const char *name,
                   kv_typed **out, char **err) {
  kv_stmts stmts = {db, schema, "", {NULL}, NULL};
  kv_run run;

  *out = NULL;
  kv_run_begin_once(&run, &stmts, KV_SQL_FOLLOW_TABLE);
  kv_run_text(&run, name);
  if (kv_run_row(&run)) run.rc = follow_open(db, schema, run.stmt, out, err);
  return kv_run_close(&run);
}

/* Visit the tables that follow_tables lists. */
static int follow_each(sqlite3 *db, const char *schema, kv_run *tables,
                       kv_follow_visit *visit, void *with, char **err) {
  while (kv_run_row(tables)) {
    kv_typed *typed;
    char *why = NULL;

    tables->rc = follow_open(db, schema, tables->stmt, &typed, &why);
    if (tables->rc == SQLITE_OK && typed) tables->rc = visit(typed, with, &why);
    kv_typed_close(typed);
    if (tables->rc != SQLITE_OK && why) {
      kv_error(err, tables->rc, "%s", kv_error_reason(why, tables->rc));
    }
    sqlite3_free(why);
  }
  return kv_run_close(tables);
}

int kv_follow_each(sqlite3 *db, const char *schema, kv_follow_visit *visit,
                   void *with, char **err) {
  kv_stmts stmts = {db, schema, "", {NULL}, NULL};
  kv_run tables;

  kv_run_begin_once(&tables, &stmts, KV_SQL_FOLLOW_TABLES);
  return follow_each(db, schema, &tables, visit, with, err);
}

static int follow_visit_table(kv_typed *typed, void *with, char **err) {
  return kv_follow_table(typed, with, err);
}

int kv_follow_all(kv_store *store, char **err) {
  return kv_follow_each(store->db, store->schema, follow_visit_table, store,
                        err);
}

/* A store, and whether one of its tables is stale. */
typedef struct follow_stale {
  kv_store *store;
  int is_stale;
} follow_stale;

static int follow_visit_stale(kv_typed *typed, void *with, char **err) {
  follow_stale *found = with;
  int64_t epoch;
  int64_t merged;
  int is_stale = 0;
  int rc = kv_typed_load(typed, err);

  if (rc == SQLITE_OK &&
      sqlite3_stricmp(typed->meta.store, found->store->name) == 0) {
    rc = follow_state(typed, found->store, &epoch, &merged, &is_stale);
  }
  found->is_stale |= is_stale;
  return rc;
}

int kv_follow_look(kv_store *store, int *is_stale, char **err) {
  follow_stale found = {store, 0};
  kv_run tables;
  int rc;

  kv_run_begin(&tables, &store->stmts, KV_SQL_FOLLOW_TABLES);
  rc = follow_each(store->db, store->schema, &tables, follow_visit_stale,
                   &found, err);
  *is_stale = found.is_stale;
  return rc;
}

/* Names of tables, and of the store whose tables they are. */
typedef struct follow_list {
  const char *store;
  const char *new_store;
  sqlite3_str *names;
} follow_list;

static int follow_visit_name(kv_typed *typed, void *with, char **err) {
  follow_list *list = with;
  int rc = kv_typed_load(typed, err);

  if (rc != SQLITE_OK) return rc;
  if (sqlite3_stricmp(typed->meta.store, list->store) != 0) return rc;
  if (list->new_store) return kv_typed_follow_name(typed, list->new_store);
  sqlite3_str_appendf(list->names, "%s%s",
                      sqlite3_str_length(list->names) > 0 ? ", " : "",
                      typed->name);
  return sqlite3_str_errcode(list->names);
}

int kv_follow_refuse_drop(kv_store *store, char **err) {
  follow_list list = {store->name, NULL, sqlite3_str_new(store->db)};
  int rc =
    kv_follow_each(store->db, store->schema, follow_visit_name, &list, err);
  char *names = sqlite3_str_finish(list.names);

  if (rc == SQLITE_OK && names) {
    rc = kv_error(err, SQLITE_LOCKED,
                  "%s has typed tables: DROP TABLE them first (%s)",
                  store->name, names);
  }
  sqlite3_free(names);
  return rc;
}

static int follow_visit_twin(kv_typed *typed, void *with, char **err) {
  const kv_typed *new = with;
  int rc;

  if (sqlite3_stricmp(typed->name, new->name) == 0) return SQLITE_OK;
  rc = kv_typed_load(typed, err);
  if (rc != SQLITE_OK ||
      sqlite3_stricmp(typed->meta.store, new->declared.store) != 0 ||
      strcmp(typed->meta.bucket, new->declared.bucket) != 0) {
    return rc;
  }
  return kv_error(err, SQLITE_ERROR,
                  "cannot declare %s: table %s has bucket '%s' of %s already: "
                  "declare another one, as in bucket = '%s_2'",
                  new->name, typed->name, new->declared.bucket,
                  new->declared.store, new->declared.bucket);
}

int kv_follow_refuse_twin(kv_typed *typed, char **err) {
  return kv_follow_each(typed->db, typed->schema, follow_visit_twin, typed,
                        err);
}

int kv_follow_rename(kv_store *store, const char *new_name, char **err) {
  follow_list list = {store->name, new_name, NULL};

  return kv_follow_each(store->db, store->schema, follow_visit_name, &list,
                        err);
}
