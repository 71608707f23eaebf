/*
** The table kv_tables. See tables_table.h.
**
** Columns that need to read all rows are made when they are asked for.
*/
#include "tables_table.h"

#include "buckets.h"
#include "connection/eponymous.h"
#include "db/error.h"
#include "record/record.h"

enum {
  TABLES_BUCKET,
  TABLES_NAME,
  TABLES_ROWS,
  TABLES_HIDDEN,
  TABLES_LOG_ROWS,
  TABLES_COLUMNS,
  TABLES_DECLARED_BY,
  TABLES_DIFFERS,
  TABLES_STORE
};

typedef struct tables_cursor {
  sqlite3_vtab_cursor base; /* base class: must be first */
  kv_buckets buckets;
  int at;
} tables_cursor;

static int tables_connect(sqlite3 *db, void *registry, int argc,
                          const char *const *argv, sqlite3_vtab **out,
                          char **err) {
  int rc = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);

  (void)argc, (void)argv;
  if (rc != SQLITE_OK) return rc;
  return kv_eponymous_connect(db, registry, KV_SQL_DECLARE_TABLES, out, err);
}

static int tables_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  (void)vtab;
  return kv_eponymous_plan(info, TABLES_STORE, 1000.0, 100.0);
}

static int tables_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  tables_cursor *cursor = kv_zalloc(sizeof(*cursor));

  (void)vtab;
  if (!cursor) return SQLITE_NOMEM;
  kv_buckets_init(&cursor->buckets);
  *out = &cursor->base;
  return SQLITE_OK;
}

static int tables_close(sqlite3_vtab_cursor *base) {
  kv_buckets_clear(&((tables_cursor *)base)->buckets);
  sqlite3_free(base);
  return SQLITE_OK;
}

static int tables_filter(sqlite3_vtab_cursor *base, int number,
                         const char *text, int argc, sqlite3_value **argv) {
  tables_cursor *cursor = (tables_cursor *)base;
  kv_registry *registry = ((kv_eponymous *)base->pVtab)->registry;
  char **err = &base->pVtab->zErrMsg;
  int rc;

  (void)number, (void)text;
  kv_buckets_clear(&cursor->buckets);
  cursor->at = 0;
  rc = kv_buckets_read(
    &cursor->buckets, registry,
    argc > 0 ? (const char *)sqlite3_value_text(argv[0]) : NULL, err);
  return rc == SQLITE_OK
           ? rc
           : kv_error_db(err, rc, registry->db, "cannot read the tables");
}

static int tables_next(sqlite3_vtab_cursor *base) {
  ((tables_cursor *)base)->at++;
  return SQLITE_OK;
}

static int tables_eof(sqlite3_vtab_cursor *base) {
  tables_cursor *cursor = (tables_cursor *)base;

  return cursor->at >= cursor->buckets.n;
}

/* A column that is JSON. */
static int tables_json(tables_cursor *cursor, sqlite3_context *ctx,
                       int column) {
  kv_bytes bytes;
  int rc;

  kv_bytes_init(&bytes, kv_realloc, KV_RECORD_MAX);
  rc = column == TABLES_COLUMNS
         ? kv_buckets_columns(&cursor->buckets, cursor->at, &bytes)
         : kv_buckets_declared(&cursor->buckets, cursor->at, &bytes);
  if (rc == SQLITE_OK) {
    sqlite3_result_text64(ctx, bytes.z, bytes.n, SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  kv_bytes_free(&bytes);
  return rc;
}

static int tables_number(tables_cursor *cursor, sqlite3_context *ctx,
                         int column) {
  int64_t shown = 0;
  int64_t hidden = 0;
  int rc;

  if (column == TABLES_LOG_ROWS) {
    rc = kv_buckets_count(&cursor->buckets, cursor->at, &shown);
  } else if (!cursor->buckets.list[cursor->at].found.typed) {
    return SQLITE_OK;
  } else {
    rc = kv_buckets_rows(&cursor->buckets, cursor->at, &shown, &hidden);
  }
  if (rc == SQLITE_OK) {
    sqlite3_result_int64(ctx, column == TABLES_HIDDEN ? hidden : shown);
  }
  return rc;
}

static int tables_differs(tables_cursor *cursor, sqlite3_context *ctx) {
  char *text;
  int rc = kv_buckets_differs(&cursor->buckets, cursor->at, &text);

  if (rc != SQLITE_OK) sqlite3_free(text);
  if (rc == SQLITE_OK && text) sqlite3_result_text(ctx, text, -1, sqlite3_free);
  return rc;
}

static int tables_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                         int column) {
  tables_cursor *cursor = (tables_cursor *)base;
  const kv_bucket_table *table = &cursor->buckets.list[cursor->at];

  switch (column) {
    case TABLES_BUCKET:
      sqlite3_result_text(ctx, table->name, -1, SQLITE_TRANSIENT);
      break;
    case TABLES_NAME:
      if (table->found.typed) {
        sqlite3_result_text(ctx, table->found.typed->name, -1,
                            SQLITE_TRANSIENT);
      }
      break;
    case TABLES_ROWS:
    case TABLES_HIDDEN:
    case TABLES_LOG_ROWS: return tables_number(cursor, ctx, column);
    case TABLES_COLUMNS:
    case TABLES_DECLARED_BY: return tables_json(cursor, ctx, column);
    case TABLES_DIFFERS: return tables_differs(cursor, ctx);
    default:
      sqlite3_result_text(ctx, cursor->buckets.store->name, -1,
                          SQLITE_TRANSIENT);
      break;
  }
  return SQLITE_OK;
}

static int tables_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = ((tables_cursor *)base)->at;
  return SQLITE_OK;
}

static const sqlite3_module tables_module = {
  .iVersion = 1,
  .xConnect = tables_connect, /* no xCreate: eponymous only */
  .xBestIndex = tables_best_index,
  .xDisconnect = kv_eponymous_disconnect,
  .xOpen = tables_open,
  .xClose = tables_close,
  .xFilter = tables_filter,
  .xNext = tables_next,
  .xEof = tables_eof,
  .xColumn = tables_column,
  .xRowid = tables_rowid,
};

int kv_tables_table_register(sqlite3 *db, kv_registry *registry) {
  kv_registry_retain(registry);
  return sqlite3_create_module_v2(db, "kv_tables",
                                  registry ? &tables_module : NULL, registry,
                                  kv_registry_release);
}
