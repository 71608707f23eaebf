/*
** The virtual table kv_log: every change of every device.
**
**     SELECT * FROM kv_log;    SELECT * FROM kv_log('notes');
**     bucket, key, value, op, ts, time, device, seq, txn, parent_ts
**
** Rows come in the order of the cache: by bucket and key, the newest first.
** A bucket or a key is one seek; other conditions are checked by SQLite. An
** index on (device, seq) or on ts would cost more on each write than it saves:
** see ext/README.md.
*/
#include "core/names.h"
#include "store/error.h"
#include "store/value.h"
#include "surface.h"

typedef struct log_table {
  sqlite3_vtab base;     /* base class: must be first */
  kv_registry *registry; /* borrowed from the module */
} log_table;

typedef struct log_cursor {
  sqlite3_vtab_cursor base; /* base class: must be first */
  kv_store *store;          /* referenced while a scan runs */
  sqlite3_stmt *rows;
  kv_sql rows_id;
  int is_end;
} log_cursor;

enum {
  LOG_BUCKET,
  LOG_KEY,
  LOG_VALUE,
  LOG_OP,
  LOG_TS,
  LOG_TIME,
  LOG_DEVICE,
  LOG_SEQ,
  LOG_TXN,
  LOG_PARENT_TS,
  LOG_STORE
};

/* idxNum: which arguments there are, in this order. */
enum { PLAN_STORE = 1, PLAN_BUCKET = 2, PLAN_KEY = 4 };

static int log_connect(sqlite3 *db, void *registry, int argc,
                       const char *const *argv, sqlite3_vtab **out,
                       char **err) {
  log_table *table;
  int rc = kv_stmt_declare(db, KV_SQL_DECLARE_LOG);

  (void)argc;
  (void)argv;
  (void)err;
  if (rc == SQLITE_OK) rc = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  if (rc != SQLITE_OK) return rc;
  table = kv_zalloc(sizeof(*table));
  if (!table) return SQLITE_NOMEM;
  table->registry = registry;
  *out = &table->base;
  return SQLITE_OK;
}

static int log_disconnect(sqlite3_vtab *vtab) {
  sqlite3_free(vtab);
  return SQLITE_OK;
}

static int log_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  int found[3] = {-1, -1, -1};
  int argv = 0;
  int plan = 0;
  int i;

  (void)vtab;
  for (i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];

    if (c->op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (c->iColumn == LOG_STORE && !c->usable) return SQLITE_CONSTRAINT;
    if (!c->usable) continue;
    if (c->iColumn == LOG_STORE) found[0] = i;
    if (sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") != 0) {
      continue;
    }
    if (c->iColumn == LOG_BUCKET) found[1] = i;
    if (c->iColumn == LOG_KEY) found[2] = i;
  }
  info->estimatedCost = 1000000.0;
  for (i = 0; i < 3; i++) {
    if (found[i] < 0) continue;
    info->aConstraintUsage[found[i]].argvIndex = ++argv;
    info->aConstraintUsage[found[i]].omit = i == 0;
    plan |= 1 << i;
  }
  if (plan & PLAN_KEY) info->estimatedCost = 20.0;
  info->estimatedRows = (sqlite3_int64)info->estimatedCost;
  info->idxNum = plan;
  return SQLITE_OK;
}

static int log_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  log_cursor *cursor = kv_zalloc(sizeof(*cursor));

  (void)vtab;
  if (!cursor) return SQLITE_NOMEM;
  *out = &cursor->base;
  return SQLITE_OK;
}

static void log_reset(log_cursor *cursor) {
  if (cursor->store) {
    kv_stmt_put(&cursor->store->stmts, cursor->rows_id, cursor->rows);
    kv_store_close(cursor->store);
  }
  cursor->rows = NULL;
  cursor->store = NULL;
  cursor->is_end = 1;
}

static int log_close(sqlite3_vtab_cursor *base) {
  log_reset((log_cursor *)base);
  sqlite3_free(base);
  return SQLITE_OK;
}

static int log_next(sqlite3_vtab_cursor *base) {
  log_cursor *cursor = (log_cursor *)base;
  int rc = sqlite3_step(cursor->rows);

  cursor->is_end = rc != SQLITE_ROW;
  if (rc == SQLITE_ROW || rc == SQLITE_DONE) return SQLITE_OK;
  return kv_store_error(cursor->store, &base->pVtab->zErrMsg, rc,
                        "cannot read");
}

/*
** INSERT INTO kv SELECT ... FROM kv_log would never end if it read what it
** writes: SQLite does not know that the two are one.
*/
static int log_bind_end(log_cursor *cursor) {
  sqlite3_stmt *rows = cursor->rows;
  int64_t last;
  int rc = kv_store_last_seq(cursor->store, &last);

  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(rows, sqlite3_bind_parameter_index(rows, ":self"),
                           cursor->store->device, -1, SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_int64(rows, sqlite3_bind_parameter_index(rows, ":until"),
                            last);
  }
  return rc;
}

static int log_filter(sqlite3_vtab_cursor *base, int plan, const char *unused,
                      int argc, sqlite3_value **argv) {
  static const kv_sql texts[] = {KV_SQL_LOG_ALL, KV_SQL_LOG_BUCKET,
                                 KV_SQL_LOG_KEY, KV_SQL_LOG_BUCKET_KEY};
  log_cursor *cursor = (log_cursor *)base;
  kv_registry *registry = ((log_table *)base->pVtab)->registry;
  const char *name = NULL;
  int i = 0;
  int parameter = 1;
  int rc;

  (void)unused;
  log_reset(cursor);
  if (plan & PLAN_STORE) name = (const char *)sqlite3_value_text(argv[i++]);
  rc = kv_store_find(registry, name, &cursor->store, &base->pVtab->zErrMsg);
  if (rc != SQLITE_OK) return rc;

  cursor->rows_id = texts[plan >> 1];
  rc = kv_stmt_get(&cursor->store->stmts, cursor->rows_id, &cursor->rows);
  for (; i < argc && rc == SQLITE_OK; i++) {
    rc = sqlite3_bind_value(cursor->rows, parameter++, argv[i]);
  }
  if (rc == SQLITE_OK) rc = log_bind_end(cursor);
  if (rc != SQLITE_OK) {
    return kv_store_error(cursor->store, &base->pVtab->zErrMsg, rc,
                          "cannot read");
  }
  return log_next(base);
}

static int log_eof(sqlite3_vtab_cursor *base) {
  return ((log_cursor *)base)->is_end;
}

static int log_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                      int column) {
  /* Columns of the statement: those of the table without time and store. */
  static const int from[] = {0, 1, 2, 3, 4, 4, 5, 6, 7, 8};
  log_cursor *cursor = (log_cursor *)base;
  char time[KV_TIME_SIZE];

  switch (column) {
    case LOG_OP:
      sqlite3_result_text(
        ctx, sqlite3_column_int(cursor->rows, 3) ? "set" : "delete", -1,
        SQLITE_STATIC);
      break;
    case LOG_TIME:
      kv_time_format(sqlite3_column_int64(cursor->rows, 4), time);
      sqlite3_result_text(ctx, time, -1, SQLITE_TRANSIENT);
      break;
    case LOG_STORE:
      sqlite3_result_text(ctx, cursor->store->name, -1, SQLITE_TRANSIENT);
      break;
    default:
      sqlite3_result_value(ctx,
                           sqlite3_column_value(cursor->rows, from[column]));
      break;
  }
  return SQLITE_OK;
}

/* WITHOUT ROWID tables have none. */
static int log_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  (void)base;
  *out = 0;
  return SQLITE_OK;
}

static const sqlite3_module log_module = {
  .iVersion = 1,
  .xConnect = log_connect, /* no xCreate: eponymous only */
  .xBestIndex = log_best_index,
  .xDisconnect = log_disconnect,
  .xOpen = log_open,
  .xClose = log_close,
  .xFilter = log_filter,
  .xNext = log_next,
  .xEof = log_eof,
  .xColumn = log_column,
  .xRowid = log_rowid,
};

int kv_log_table_register(sqlite3 *db, kv_registry *registry) {
  kv_registry_retain(registry);
  return sqlite3_create_module_v2(db, "kv_log", &log_module, registry,
                                  kv_registry_release);
}
