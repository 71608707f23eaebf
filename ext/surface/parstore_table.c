/*
** The virtual table kv_parstore: a store that PARStore 1 made, read-only.
**
**     SELECT * FROM kv_parstore('Old.parstore');
**     CREATE VIRTUAL TABLE temp.old USING kv_parstore('Old.parstore');
**
** A row for each change of each device, and one with nothing but a reason for a
** device that cannot be read. Each statement reads it again.
*/
#include <string.h>

#include "connection/registry.h"
#include "core/names.h"
#include "db/error.h"
#include "db/value.h"
#include "parstore/parstore.h"
#include "surface.h"
#include "table/path_table.h"

typedef struct parstore_cursor {
  sqlite3_vtab_cursor base; /* base class: must be first */
  kv_parstore *store;
  char *path;
  const kv_parstore_row *row; /* NULL: at the end */
  sqlite3_int64 rowid;
} parstore_cursor;

enum {
  PARSTORE_DEVICE,
  PARSTORE_KEY,
  PARSTORE_VALUE,
  PARSTORE_OP,
  PARSTORE_TS,
  PARSTORE_TIME,
  PARSTORE_PARENT_TS,
  PARSTORE_SEQ,
  PARSTORE_TYPE,
  PARSTORE_REASON,
  PARSTORE_PATH,
  PARSTORE_PLIST
};

/* xCreate and xConnect: the same function, so that it is eponymous, too. */
static int parstore_connect(sqlite3 *db, void *unused, int argc,
                            const char *const *argv, sqlite3_vtab **out,
                            char **err) {
  (void)unused;
  return kv_path_table_connect(db, KV_SQL_DECLARE_PARSTORE,
                               "kv_parstore('Store.parstore')", argc, argv, out,
                               err);
}

static int parstore_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  return kv_path_table_plan(vtab, info, PARSTORE_PATH);
}

static int parstore_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  parstore_cursor *cursor = kv_zalloc(sizeof(*cursor));

  (void)vtab;
  if (!cursor) return SQLITE_NOMEM;
  *out = &cursor->base;
  return SQLITE_OK;
}

static void parstore_reset(parstore_cursor *cursor) {
  kv_parstore_close(cursor->store);
  sqlite3_free(cursor->path);
  cursor->store = NULL;
  cursor->path = NULL;
  cursor->row = NULL;
  cursor->rowid = 0;
}

static int parstore_close(sqlite3_vtab_cursor *base) {
  parstore_reset((parstore_cursor *)base);
  sqlite3_free(base);
  return SQLITE_OK;
}

static int parstore_next(sqlite3_vtab_cursor *base) {
  parstore_cursor *cursor = (parstore_cursor *)base;
  int rc = kv_parstore_next(cursor->store, &cursor->row);

  if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
    cursor->rowid++;
    return SQLITE_OK;
  }
  return rc;
}

static int parstore_filter(sqlite3_vtab_cursor *base, int plan,
                           const char *unused, int argc, sqlite3_value **argv) {
  parstore_cursor *cursor = (parstore_cursor *)base;
  kv_path_table *table = (kv_path_table *)base->pVtab;
  const char *given;
  int rc = kv_path_table_path(base->pVtab, argc, argv, &given);

  (void)plan;
  (void)unused;
  parstore_reset(cursor);
  if (rc == SQLITE_OK) {
    cursor->path = kv_strdup(given);
    if (!cursor->path) rc = SQLITE_NOMEM;
  }
  if (rc == SQLITE_OK) {
    rc =
      kv_parstore_open(table->db, given, &cursor->store, &base->pVtab->zErrMsg);
  }
  return rc == SQLITE_OK ? parstore_next(base) : rc;
}

static int parstore_eof(sqlite3_vtab_cursor *base) {
  return ((parstore_cursor *)base)->row == NULL;
}

static void parstore_time(sqlite3_context *ctx, const kv_value *ts) {
  char time[KV_TIME_WIDE_SIZE];

  if (ts->type != KV_INTEGER) return;
  kv_time_format_wide(ts->i, 3, time);
  if (time[0]) sqlite3_result_text(ctx, time, -1, SQLITE_TRANSIENT);
}

static int parstore_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                           int column) {
  parstore_cursor *cursor = (parstore_cursor *)base;
  const kv_parlog_row *row = cursor->row->row;
  const char *text = NULL;

  switch (column) {
    case PARSTORE_DEVICE: text = cursor->row->device; break;
    case PARSTORE_REASON: text = cursor->row->reason; break;
    case PARSTORE_PATH: text = cursor->path; break;
    default: break;
  }
  if (text) sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
  if (!row) return SQLITE_OK; /* the reason why there is no more */
  switch (column) {
    case PARSTORE_KEY: kv_value_result(ctx, &row->key); break;
    case PARSTORE_VALUE: kv_value_result(ctx, &row->plist.value); break;
    case PARSTORE_OP:
      sqlite3_result_text(ctx, row->blob.type == KV_NULL ? "delete" : "set", -1,
                          SQLITE_STATIC);
      break;
    case PARSTORE_TS: kv_value_result(ctx, &row->ts); break;
    case PARSTORE_TIME: parstore_time(ctx, &row->ts); break;
    case PARSTORE_PARENT_TS: kv_value_result(ctx, &row->parent_ts); break;
    case PARSTORE_SEQ: sqlite3_result_int64(ctx, row->seq); break;
    case PARSTORE_TYPE:
      if (row->plist.type) {
        sqlite3_result_text(ctx, row->plist.type, -1, SQLITE_STATIC);
      }
      break;
    case PARSTORE_PLIST: kv_value_result(ctx, &row->blob); break;
    default: break;
  }
  return SQLITE_OK;
}

static int parstore_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = ((parstore_cursor *)base)->rowid;
  return SQLITE_OK;
}

static const sqlite3_module parstore_module = {
  .iVersion = 1,
  .xCreate = parstore_connect,
  .xConnect = parstore_connect,
  .xBestIndex = parstore_best_index,
  .xDisconnect = kv_path_table_disconnect,
  .xDestroy = kv_path_table_disconnect,
  .xOpen = parstore_open,
  .xClose = parstore_close,
  .xFilter = parstore_filter,
  .xNext = parstore_next,
  .xEof = parstore_eof,
  .xColumn = parstore_column,
  .xRowid = parstore_rowid,
};

int kv_parstore_table_register(sqlite3 *db, kv_registry *registry) {
  kv_registry_retain(registry);
  return sqlite3_create_module_v2(db, "kv_parstore",
                                  registry ? &parstore_module : NULL, registry,
                                  kv_registry_release);
}
