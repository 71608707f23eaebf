/*
** The virtual table kv: the latest value of each key.
**
**     CREATE VIRTUAL TABLE kv USING kv('notes.kv', device='laptop');
**     key | value    hidden: as_of, ts, time, device, parent_ts
**
** This file creates, writes and commits; kv_scan.c reads.
*/
#include "kv_table.h"

#include <string.h>

#include "arguments.h"
#include "cache/values.h"
#include "connection/registry.h"
#include "core/names.h"
#include "core/order.h"
#include "db/error.h"
#include "db/value.h"
#include "kv_batch.h"
#include "kv_plan.h"
#include "kv_scan.h"
#include "outgoing/own.h"
#include "own/publish.h"
#include "replace/kept.h"
#include "rows/rows.h"
#include "store/errors.h"
#include "store/store.h"
#include "store/transaction.h"
#include "store/write.h"
#include "sync/rebuild.h"
#include "tables/follow.h"

static int table_arguments(int argc, const char *const *argv, kv_arguments *out,
                           char **err) {
  int rc = SQLITE_OK;
  int i;

  if (argc < 4) {
    return kv_error(err, SQLITE_ERROR,
                    "name the folder that the devices share: USING "
                    "kv('notes.kv', device='laptop')");
  }
  rc = kv_arguments_path(out, argv[3]);
  for (i = 4; i < argc && rc == SQLITE_OK; i++) {
    rc = kv_arguments_option(out, argv[i], (int)strlen(argv[i]),
                             " device now segment publish history adopt ", err);
  }
  if (rc == SQLITE_OK && strcmp(out->path, KV_MEMORY) == 0 && !out->device) {
    out->options.device = "memory";
  }
  return rc;
}

/* Refuse a name that is one of the extension's own tables. */
static int table_check_name(const char *name, char **err) {
  static const char *const names[] = {
    "kv_changes",  "kv_compaction", "kv_conflicts", "kv_devices",
    "kv_diff",     "kv_foreign",    "kv_history",   "kv_log",
    "kv_parstore", "kv_rows",       "kv_tables",    "kv_violations"};
  size_t i;

  for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (sqlite3_stricmp(name, names[i]) != 0) continue;
    return kv_error(err, SQLITE_ERROR,
                    "%s is the name of a table of this extension: give the "
                    "store another name",
                    names[i]);
  }
  return SQLITE_OK;
}

/* xCreate and xConnect. */
static int table_init(sqlite3 *db, void *registry, int argc,
                      const char *const *argv, int is_create,
                      sqlite3_vtab **out, char **err) {
  kv_table *table = kv_zalloc(sizeof(*table));
  kv_arguments arguments;
  int rc = table ? SQLITE_OK : SQLITE_NOMEM;

  kv_arguments_init(&arguments);
  if (rc == SQLITE_OK) rc = table_arguments(argc, argv, &arguments, err);
  if (!is_create) arguments.options.adopt = 0; /* once is enough */
  if (rc == SQLITE_OK && is_create) rc = table_check_name(argv[2], err);
  if (rc == SQLITE_OK) {
    rc = kv_store_open(registry, argv[1], argv[2], &arguments.options,
                       is_create, &table->store, err);
  }
  if (rc == SQLITE_OK && is_create) {
    /* Remains of an earlier table of this name were rolled back with it. */
    kv_transaction_rollback(table->store);
    kv_store_forget(table->store);
    rc = kv_cache_create(&table->store->stmts);
    if (rc == SQLITE_OK && !table->store->root) {
      rc = kv_cache_index(&table->store->stmts); /* nothing is merged */
    }
    rc = kv_store_error(table->store, err, rc, "cannot create the cache");
    if (rc == SQLITE_OK && table->store->device) {
      rc = kv_publish_introduce(table->store, err);
    }
  }
  if (rc == SQLITE_OK) rc = kv_stmt_declare(db, KV_SQL_DECLARE_KV, err);
  if (rc == SQLITE_OK) {
    rc = sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  }
  kv_arguments_clear(&arguments);
  if (rc != SQLITE_OK) {
    kv_registry_refuse(registry);
    if (table) kv_store_close(table->store);
    sqlite3_free(table);
    table = NULL;
  }
  *out = (sqlite3_vtab *)table;
  return rc;
}

static int table_create(sqlite3 *db, void *registry, int argc,
                        const char *const *argv, sqlite3_vtab **out,
                        char **err) {
  return table_init(db, registry, argc, argv, 1, out, err);
}

static int table_connect(sqlite3 *db, void *registry, int argc,
                         const char *const *argv, sqlite3_vtab **out,
                         char **err) {
  return table_init(db, registry, argc, argv, 0, out, err);
}

static int table_disconnect(sqlite3_vtab *vtab) {
  kv_scan_clear((kv_table *)vtab);
  kv_store_close(((kv_table *)vtab)->store);
  sqlite3_free(vtab);
  return SQLITE_OK;
}

/* Refuse DROP TABLE if rows wait. SQLite does not show messages of xDestroy, so
** this one is logged. */
static int table_may_drop(kv_store *store) {
  int waits = 0;
  int may_hold = 0;
  char *why = NULL;
  int rc = kv_store_refuse_newer(store, &why);

  if (rc == SQLITE_OK) rc = kv_follow_refuse_drop(store, &why);
  if (why) {
    sqlite3_log(SQLITE_LOCKED, "%s", why);
    sqlite3_free(why);
    return SQLITE_LOCKED;
  }
  if (rc == SQLITE_OK) rc = kv_own_waits(store, &waits);
  if (rc == SQLITE_ERROR) rc = kv_rebuild_may_hold(store, &may_hold);
  if (rc == SQLITE_OK && may_hold) {
    sqlite3_log(SQLITE_LOCKED,
                "kv: table %s_cache may hold rows that are not published: copy "
                "what you need from it, and drop it first",
                store->name);
    return SQLITE_LOCKED;
  }
  if (rc == SQLITE_OK && waits) {
    sqlite3_log(SQLITE_LOCKED,
                "kv: table %s holds rows that are not published: call "
                "kv_sync(), or discard them with kv_close('discard=1', '%s')",
                store->name, store->name);
    return SQLITE_LOCKED;
  }
  return rc;
}

/* DROP TABLE. */
static int table_destroy(sqlite3_vtab *vtab) {
  kv_store *store = ((kv_table *)vtab)->store;
  int rc = table_may_drop(store);

  if (rc == SQLITE_OK) rc = kv_cache_drop(&store->stmts);
  if (rc == SQLITE_OK) rc = table_disconnect(vtab);
  return rc;
}

/* True if UPDATE FROM passes a hidden column of the old row back unchanged. */
static int table_is_old(kv_store *store, const kv_value *key, int column,
                        const kv_value *value) {
  char time[KV_TIME_SIZE];
  kv_winner winner;
  kv_value old;

  if (kv_write_flush(store, NULL) != SQLITE_OK) return 0;
  if (kv_cache_find(&store->stmts, key, &winner) != SQLITE_OK ||
      !winner.is_found) {
    return 0;
  }
  memset(&old, 0, sizeof(old));
  switch (column) {
    case KV_TABLE_TS:
      old.type = KV_INTEGER;
      old.i = winner.ts;
      break;
    case KV_TABLE_TIME:
      kv_time_format(winner.ts, time);
      old.type = KV_TEXT;
      old.z = time;
      old.n = strlen(time);
      break;
    case KV_TABLE_DEVICE:
      old.type = KV_TEXT;
      old.z = winner.device;
      old.n = strlen(winner.device);
      break;
    case KV_TABLE_PARENT_TS: old = winner.parent_ts; break;
    default: break;
  }
  return kv_order_keys(&old, value) == 0;
}

static int table_check_hidden(kv_store *store, const kv_value *old_key,
                              sqlite3_value **columns, char **err) {
  static const char *const names[] = {"key",  "value",  "as_of",    "ts",
                                      "time", "device", "parent_ts"};
  int i;

  for (i = KV_TABLE_AS_OF; i < KV_TABLE_COLUMNS; i++) {
    kv_value value;

    if (sqlite3_value_nochange(columns[i])) continue;
    if (kv_value_of(columns[i], &value) != SQLITE_OK) return SQLITE_NOMEM;
    if (!old_key && value.type == KV_NULL) continue;
    if (i == KV_TABLE_AS_OF && value.type == KV_NULL) continue;
    if (old_key && i != KV_TABLE_AS_OF &&
        table_is_old(store, old_key, i, &value)) {
      continue;
    }
    if (i == KV_TABLE_AS_OF) {
      return kv_error(err, SQLITE_ERROR,
                      "the past cannot be changed: leave out as_of, and set "
                      "the key now");
    }
    return kv_error(err, SQLITE_ERROR,
                    "column %s of %s cannot be written: it is set by the "
                    "store",
                    names[i], store->name);
  }
  return SQLITE_OK;
}

/* INSERT sets a key, unless it says what to do if the key exists. */
static kv_on_conflict table_conflict(int mode) {
  switch (mode) {
    case SQLITE_IGNORE: return KV_CONFLICT_IGNORE;
    case SQLITE_FAIL:
    case SQLITE_ROLLBACK: return KV_CONFLICT_FAIL;
    default: return KV_CONFLICT_SET;
  }
}

/* xUpdate(DELETE key), (INSERT NULL, NULL, columns), (UPDATE key, key, ...) */
static int table_update(sqlite3_vtab *vtab, int argc, sqlite3_value **argv,
                        sqlite3_int64 *rowid) {
  kv_store *store = ((kv_table *)vtab)->store;
  int mode = sqlite3_vtab_on_conflict(store->db);
  int is_update = argc > 1 && sqlite3_value_type(argv[0]) != SQLITE_NULL;
  kv_value old_key;
  kv_value key;
  kv_value value;
  int existed;
  int rc = kv_store_refuse_newer(store, &vtab->zErrMsg);

  if (rc == SQLITE_OK) rc = kv_value_peek(argv[0], &old_key);
  *rowid = sqlite3_last_insert_rowid(store->db);
  if (rc == SQLITE_OK && argc == 1) {
    return kv_write_delete(store, &old_key, &existed, &vtab->zErrMsg);
  }
  if (rc == SQLITE_OK) rc = kv_value_peek(argv[2 + KV_TABLE_KEY], &key);
  if (rc == SQLITE_OK) rc = kv_value_peek(argv[2 + KV_TABLE_VALUE], &value);
  if (rc == SQLITE_OK) {
    rc = table_check_hidden(store, is_update ? &old_key : NULL, argv + 2,
                            &vtab->zErrMsg);
  }
  if (rc == SQLITE_OK && is_update) {
    rc = kv_write_rename(store, &old_key, &key, &value,
                         mode == SQLITE_REPLACE ? KV_CONFLICT_SET
                                                : KV_CONFLICT_FAIL,
                         &vtab->zErrMsg);
  } else if (rc == SQLITE_OK) {
    rc =
      kv_write_set(store, &key, &value, table_conflict(mode), &vtab->zErrMsg);
  }
  if (rc == SQLITE_CONSTRAINT_UNIQUE && !vtab->zErrMsg) {
    vtab->zErrMsg =
      sqlite3_mprintf("UNIQUE constraint failed: %s.key", store->name);
  }
  return rc;
}

static int table_begin(sqlite3_vtab *vtab) {
  (void)vtab;
  return SQLITE_OK;
}

static int table_sync(sqlite3_vtab *vtab) {
  return kv_publish_prepare(((kv_table *)vtab)->store, &vtab->zErrMsg);
}

static int table_commit(sqlite3_vtab *vtab) {
  kv_publish_commit(((kv_table *)vtab)->store);
  return SQLITE_OK;
}

static int table_rollback(sqlite3_vtab *vtab) {
  kv_transaction_rollback(((kv_table *)vtab)->store);
  return SQLITE_OK;
}

static int table_rename(sqlite3_vtab *vtab, const char *name) {
  kv_store *store = ((kv_table *)vtab)->store;
  int rc = table_check_name(name, &vtab->zErrMsg);

  if (rc == SQLITE_OK) rc = kv_store_refuse_newer(store, &vtab->zErrMsg);
  if (rc == SQLITE_OK) rc = kv_follow_rename(store, name, &vtab->zErrMsg);
  if (rc == SQLITE_OK) rc = kv_store_rename(store, name);
  return kv_store_error(store, &vtab->zErrMsg, rc, "cannot rename");
}

/* Savepoints, of statements too. */
static int table_savepoint(sqlite3_vtab *vtab, int level) {
  kv_store *store = ((kv_table *)vtab)->store;

  return kv_transaction_savepoint(store, level);
}

static int table_release(sqlite3_vtab *vtab, int level) {
  kv_transaction_release(((kv_table *)vtab)->store, level);
  return SQLITE_OK;
}

static int table_rollback_to(sqlite3_vtab *vtab, int level) {
  return kv_transaction_rollback_to(((kv_table *)vtab)->store, level);
}

static int table_shadow_name(const char *name) {
  static const char *const names[] = {"cache", "cursor", "seen",  "arrival",
                                      "meta",  "former", "large", "contested"};
  int i;

  for (i = 0; i < 8; i++) {
    if (sqlite3_stricmp(name, names[i]) == 0) return 1;
  }
  return 0;
}

static const sqlite3_module table_module = {
  3,                  /* iVersion */
  table_create,       /* xCreate */
  table_connect,      /* xConnect */
  kv_plan_best_index, /* xBestIndex */
  table_disconnect,   /* xDisconnect */
  table_destroy,      /* xDestroy */
  kv_scan_open,       /* xOpen */
  kv_scan_close,      /* xClose */
  kv_scan_filter,     /* xFilter */
  kv_scan_next,       /* xNext */
  kv_scan_eof,        /* xEof */
  kv_scan_column,     /* xColumn */
  kv_scan_rowid,      /* xRowid */
  table_update,       /* xUpdate */
  table_begin,        /* xBegin */
  table_sync,         /* xSync */
  table_commit,       /* xCommit */
  table_rollback,     /* xRollback */
  NULL,               /* xFindFunction */
  table_rename,       /* xRename */
  table_savepoint,    /* xSavepoint */
  table_release,      /* xRelease */
  table_rollback_to,  /* xRollbackTo */
  table_shadow_name,  /* xShadowName */
#if SQLITE_VERSION_NUMBER >= 3044000
  NULL, /* xIntegrity */
#endif
};

int kv_table_register(sqlite3 *db, kv_registry *registry) {
  int rc = kv_batch_register(db, registry != NULL);

  if (rc == SQLITE_OK) rc = kv_values_register(db, registry != NULL);
  if (rc == SQLITE_OK) rc = kv_rows_register(db, registry != NULL);
  if (rc == SQLITE_OK) rc = kv_cache_sweep_register(db, registry != NULL);
  if (rc == SQLITE_OK) rc = kv_kept_register(db, registry != NULL);
  if (rc != SQLITE_OK) return rc;
  kv_registry_retain(registry);
  return sqlite3_create_module_v2(db, "kv", registry ? &table_module : NULL,
                                  registry, kv_registry_release);
}
