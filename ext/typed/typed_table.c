/*
** The virtual table kv_table. See typed_table.h.
**
** The store is looked up when a transaction begins to write, since nothing may
** run while SQLite connects a table; reads do without it.
*/
#include "typed_table.h"

#include <string.h>

#include "change/change.h"
#include "change/rules.h"
#include "connection/find_typed.h"
#include "db/error.h"
#include "db/host.h"
#include "own/publish.h"
#include "store/errors.h"
#include "store/transaction.h"
#include "store/write.h"
#include "table/arguments.h"
#include "tables/follow.h"
#include "typed_scan.h"
#include "typed_stamp.h"

/* The declaration: all arguments, as they were before SQLite parted them. */
static char *typed_table_text(sqlite3 *db, int argc, const char *const *argv) {
  sqlite3_str *out = sqlite3_str_new(db);
  int i;

  for (i = 3; i < argc; i++)
    sqlite3_str_appendf(out, "%s%s\n", i > 3 ? "," : "", argv[i]);
  if (argc == 3) sqlite3_str_appendall(out, " ");
  return sqlite3_str_finish(out);
}

static int typed_table_declare(kv_typed *typed, char **err) {
  char *text = kv_typed_schema(typed);
  int rc = text ? kv_host_check_limits(typed->db, err) : SQLITE_NOMEM;

  if (rc == SQLITE_OK) rc = sqlite3_declare_vtab(typed->db, text);
  sqlite3_free(text);
  if (rc == SQLITE_OK) {
    rc = sqlite3_vtab_config(typed->db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  }
  return kv_typed_error(typed, err, rc, "cannot declare the columns");
}

/* Make the tables, and the rows that the logs hold already. */
static int typed_table_fill(kv_typed_table *table, char **err) {
  kv_store *store = NULL;
  int rc = kv_typed_create(table->typed, err);

  if (rc == SQLITE_OK)
    rc = kv_typed_find_store(table->registry, table->typed, &store, err);
  if (rc == SQLITE_OK) rc = kv_rules_declare(table->typed, err);
  if (rc == SQLITE_OK) rc = kv_follow_refuse_twin(table->typed, err);
  if (rc == SQLITE_OK) rc = kv_write_flush(store, err);
  if (rc == SQLITE_OK) rc = kv_follow_table(table->typed, store, err);
  kv_store_close(store);
  return rc;
}

static int typed_table_init(sqlite3 *db, void *registry, int argc,
                            const char *const *argv, int is_create,
                            sqlite3_vtab **out, char **err) {
  kv_typed_table *table = kv_zalloc(sizeof(*table));
  char *text = typed_table_text(db, argc, argv);
  int rc = table && text ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK) {
    table->registry = registry;
    rc = kv_typed_open(db, argv[1], argv[2], text, &table->typed, err);
  }
  if (rc == SQLITE_OK && is_create) rc = typed_table_fill(table, err);
  if (rc == SQLITE_OK) rc = typed_table_declare(table->typed, err);
  sqlite3_free(text);
  if (rc != SQLITE_OK) {
    if (table) kv_typed_close(table->typed);
    sqlite3_free(table);
    table = NULL;
  }
  *out = (sqlite3_vtab *)table;
  return rc;
}

static int typed_table_create(sqlite3 *db, void *registry, int argc,
                              const char *const *argv, sqlite3_vtab **out,
                              char **err) {
  return typed_table_init(db, registry, argc, argv, 1, out, err);
}

static int typed_table_connect(sqlite3 *db, void *registry, int argc,
                               const char *const *argv, sqlite3_vtab **out,
                               char **err) {
  return typed_table_init(db, registry, argc, argv, 0, out, err);
}

/* The transaction is over. */
static void typed_table_leave(kv_typed_table *table) {
  kv_store_close(table->store);
  table->store = NULL;
  table->is_fresh = 0;
}

static int typed_table_disconnect(sqlite3_vtab *vtab) {
  kv_typed_table *table = (kv_typed_table *)vtab;

  typed_table_leave(table);
  kv_typed_scan_clear(table);
  kv_typed_close(table->typed);
  sqlite3_free(table);
  return SQLITE_OK;
}

/* DROP TABLE: what the transaction wrote has to be published by this table. */
static int typed_table_destroy(sqlite3_vtab *vtab) {
  kv_typed_table *table = (kv_typed_table *)vtab;
  int rc;

  if (table->store && kv_transaction_has_rows(table->store)) {
    sqlite3_log(SQLITE_LOCKED, "kv: COMMIT first, then DROP TABLE %s",
                table->typed->name);
    return SQLITE_LOCKED;
  }
  kv_typed_scan_clear(table);
  rc = kv_typed_drop(table->typed);
  return rc == SQLITE_OK ? typed_table_disconnect(vtab) : rc;
}

static int typed_table_begin(sqlite3_vtab *vtab) {
  kv_typed_table *table = (kv_typed_table *)vtab;

  typed_table_leave(table);
  return kv_typed_find_store(table->registry, table->typed, &table->store,
                             &vtab->zErrMsg);
}

/* Before the first write of a transaction: the table is up to date. */
static int typed_table_enter(kv_typed_table *table, char **err) {
  int rc = SQLITE_OK;

  if (!table->store)
    rc = kv_typed_find_store(table->registry, table->typed, &table->store, err);
  table->typed->store = table->store;
  if (rc == SQLITE_OK && !table->is_fresh &&
      !kv_transaction_is_writing(table->store)) {
    rc = kv_follow_table(table->typed, table->store, err);
    table->typed->store = table->store;
    if (rc == SQLITE_OK) rc = kv_typed_find_triggers(table->typed);
    table->is_fresh = rc == SQLITE_OK;
  }
  if (rc == SQLITE_OK) rc = kv_write_enter(table->store, err);
  return rc;
}

static kv_on_existing typed_table_existing(int mode) {
  switch (mode) {
    case SQLITE_IGNORE: return KV_EXISTING_IGNORE;
    case SQLITE_REPLACE: return KV_EXISTING_REPLACE;
    default: return KV_EXISTING_FAIL;
  }
}

/* UPDATE with _assign = 'column': kv_assign(). */
static int typed_table_assign(kv_typed *typed, sqlite3_value **argv,
                              sqlite3_value *assign, char **err) {
  const char *name = (const char *)sqlite3_value_text(assign);
  int column = name ? kv_declaration_column(&typed->declared, name) : -1;

  if (!name) return SQLITE_NOMEM;
  if (column >= 0 && sqlite3_value_nochange(argv[2 + column])) {
    return kv_error(err, SQLITE_ERROR,
                    "_assign names column %s, which the UPDATE does not set: "
                    "use kv_assign(table, key, column, value)",
                    name);
  }
  return kv_change_assign(typed, argv[0], name,
                          argv[2 + (column < 0 ? 0 : column)], err);
}

/* Is an INSERT one of (_key, _assign) VALUES(key, what)? '': kv_delete() */
static int typed_table_is_to(sqlite3_value *assign, const char *what) {
  const char *text;

  if (sqlite3_value_type(assign) != SQLITE_TEXT) return 0;
  text = (const char *)sqlite3_value_text(assign);
  return text && strcmp(text, what) == 0;
}

/* INSERT with _assign = 'as_of': kv_revert(). NULL: before the latest change. */
static int typed_table_revert(kv_typed *typed, sqlite3_value *key,
                              sqlite3_value *as_of, char **err) {
  int has_time = sqlite3_value_type(as_of) != SQLITE_NULL;
  int64_t ts = 0;
  int rc = SQLITE_OK;

  if (has_time) {
    rc = kv_argument_time(as_of, kv_store_now(typed->store), &ts, err);
  }
  return rc == SQLITE_OK
           ? kv_change_revert(typed, key, has_time ? &ts : NULL, err)
           : rc;
}

/* Was the row read as it was, or is it to be written so? */
static int typed_table_is_past(sqlite3_value *as_of) {
  return !sqlite3_value_nochange(as_of) &&
         sqlite3_value_type(as_of) != SQLITE_NULL;
}

/* DELETE key; INSERT NULL, NULL, columns; UPDATE key, key, columns */
static int typed_table_write(sqlite3_vtab *vtab, int argc, sqlite3_value **argv,
                             sqlite3_int64 *rowid) {
  kv_typed_table *table = (kv_typed_table *)vtab;
  kv_typed *typed = table->typed;
  kv_on_existing mode =
    typed_table_existing(sqlite3_vtab_on_conflict(typed->db));
  sqlite3_value **hidden = argv + 2 + typed->declared.n_columns;
  int is_insert = argc > 1 && sqlite3_value_type(argv[0]) == SQLITE_NULL;
  char **err = &vtab->zErrMsg;
  int rc = typed_table_enter(table, err);

  *rowid = sqlite3_last_insert_rowid(typed->db);
  if (rc != SQLITE_OK) return rc;
  if (argc == 1) return kv_change_delete(typed, argv[0], err);
  if (is_insert && typed_table_is_to(hidden[KV_HIDDEN_ASSIGN], "as_of")) {
    return typed_table_revert(typed, hidden[KV_HIDDEN_KEY],
                              hidden[KV_HIDDEN_AS_OF], err);
  }
  if (typed_table_is_past(hidden[KV_HIDDEN_AS_OF])) {
    return kv_error(err, SQLITE_ERROR,
                    "the past cannot be changed: leave out as_of, and write "
                    "the row now");
  }
  rc = kv_typed_stamp_refuse(typed, is_insert ? NULL : argv[0], hidden, err);
  if (rc != SQLITE_OK) return rc;
  if (!is_insert) {
    sqlite3_value *assign = hidden[KV_HIDDEN_ASSIGN];

    if (!sqlite3_value_nochange(assign) &&
        sqlite3_value_type(assign) == SQLITE_TEXT) {
      return typed_table_assign(typed, argv, assign, err);
    }
    return kv_change_update(typed, argv[0], argv + 2, mode, err);
  }
  if (typed_table_is_to(hidden[KV_HIDDEN_ASSIGN], "")) {
    return kv_change_delete_hidden(typed, hidden[KV_HIDDEN_KEY], err);
  }
  return kv_change_insert(typed, &table->registry->ids, argv + 2, mode, rowid,
                          err);
}

/*
** xUpdate. OR IGNORE, FAIL and ROLLBACK are not for types and foreign keys: as in
** SQLite these end the statement. But SQLite would ignore any SQLITE_CONSTRAINT. A
** trigger that was refused may be new: the next write looks for triggers.
*/
static int typed_table_update(sqlite3_vtab *vtab, int argc,
                              sqlite3_value **argv, sqlite3_int64 *rowid) {
  kv_typed_table *table = (kv_typed_table *)vtab;
  int mode = sqlite3_vtab_on_conflict(table->typed->db);
  int rc = typed_table_write(vtab, argc, argv, rowid);

  if ((rc & 0xff) == SQLITE_LOCKED) {
    return kv_first_error(rc, kv_typed_find_triggers(table->typed));
  }
  if (mode == SQLITE_ABORT || mode == SQLITE_REPLACE) return rc;
  if (rc == SQLITE_CONSTRAINT_DATATYPE || rc == SQLITE_CONSTRAINT_FOREIGNKEY) {
    return SQLITE_MISMATCH;
  }
  if (mode == SQLITE_IGNORE && (rc & 0xff) == SQLITE_CONSTRAINT) {
    kv_error_clear(&vtab->zErrMsg); /* or a later row fails with this message */
  }
  return rc;
}

static int typed_table_sync(sqlite3_vtab *vtab) {
  kv_typed_table *table = (kv_typed_table *)vtab;

  if (!table->store) return SQLITE_OK;
  return kv_publish_prepare(table->store, &vtab->zErrMsg);
}

static int typed_table_commit(sqlite3_vtab *vtab) {
  kv_typed_table *table = (kv_typed_table *)vtab;

  if (table->store) kv_publish_commit(table->store);
  typed_table_leave(table);
  return SQLITE_OK;
}

static int typed_table_rollback(sqlite3_vtab *vtab) {
  kv_typed_table *table = (kv_typed_table *)vtab;

  if (table->store) kv_transaction_rollback(table->store);
  table->typed->is_declared = 0;
  typed_table_leave(table);
  return SQLITE_OK;
}

static int typed_table_rename(sqlite3_vtab *vtab, const char *name) {
  kv_typed_table *table = (kv_typed_table *)vtab;

  kv_typed_scan_clear(table);
  return kv_typed_rename(table->typed, name, &vtab->zErrMsg);
}

/* Savepoints, of statements too. */
static int typed_table_savepoint(sqlite3_vtab *vtab, int level) {
  kv_store *store = ((kv_typed_table *)vtab)->store;

  return store ? kv_transaction_savepoint(store, level) : SQLITE_OK;
}

static int typed_table_release(sqlite3_vtab *vtab, int level) {
  kv_store *store = ((kv_typed_table *)vtab)->store;

  if (store) kv_transaction_release(store, level);
  return SQLITE_OK;
}

static int typed_table_rollback_to(sqlite3_vtab *vtab, int level) {
  kv_typed_table *table = (kv_typed_table *)vtab;

  table->is_fresh = 0;
  table->typed->is_declared = 0;
  return table->store ? kv_transaction_rollback_to(table->store, level)
                      : SQLITE_OK;
}

static const sqlite3_module typed_module = {
  3,                       /* iVersion */
  typed_table_create,      /* xCreate */
  typed_table_connect,     /* xConnect */
  kv_typed_scan_plan,      /* xBestIndex */
  typed_table_disconnect,  /* xDisconnect */
  typed_table_destroy,     /* xDestroy */
  kv_typed_scan_open,      /* xOpen */
  kv_typed_scan_close,     /* xClose */
  kv_typed_scan_filter,    /* xFilter */
  kv_typed_scan_next,      /* xNext */
  kv_typed_scan_eof,       /* xEof */
  kv_typed_scan_column,    /* xColumn */
  kv_typed_scan_rowid,     /* xRowid */
  typed_table_update,      /* xUpdate */
  typed_table_begin,       /* xBegin */
  typed_table_sync,        /* xSync */
  typed_table_commit,      /* xCommit */
  typed_table_rollback,    /* xRollback */
  NULL,                    /* xFindFunction */
  typed_table_rename,      /* xRename */
  typed_table_savepoint,   /* xSavepoint */
  typed_table_release,     /* xRelease */
  typed_table_rollback_to, /* xRollbackTo */
  kv_typed_is_shadow,      /* xShadowName */
#if SQLITE_VERSION_NUMBER >= 3044000
  NULL, /* xIntegrity */
#endif
};

int kv_typed_table_register(sqlite3 *db, kv_registry *registry) {
  kv_registry_retain(registry);
  return sqlite3_create_module_v2(db, "kv_table",
                                  registry ? &typed_module : NULL, registry,
                                  kv_registry_release);
}
