/*
** The table kv_violations. See violations_table.h.
**
** value, device and ts are of the row as it is now: it is folded when they are
** asked for.
*/
#include "violations_table.h"

#include "connection/eponymous.h"
#include "core/names.h"
#include "db/error.h"
#include "db/value.h"
#include "fold/plain.h"
#include "violations.h"

enum {
  VIOLATION_TABLE,
  VIOLATION_KEY,
  VIOLATION_RULE,
  VIOLATION_COLUMN,
  VIOLATION_DETAIL,
  VIOLATION_IS_HIDDEN,
  VIOLATION_VALUE,
  VIOLATION_DEVICE,
  VIOLATION_TS,
  VIOLATION_TIME,
  VIOLATION_ONLY
};

typedef struct violation_cursor {
  sqlite3_vtab_cursor base; /* base class: must be first */
  kv_violations violations;
  size_t at;
  kv_typed *folded; /* the table whose fold is that of the row, or NULL */
  sqlite3_value *only;
} violation_cursor;

static int violation_connect(sqlite3 *db, void *registry, int argc,
                             const char *const *argv, sqlite3_vtab **out,
                             char **err) {
  int rc = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);

  (void)argc, (void)argv;
  if (rc != SQLITE_OK) return rc;
  return kv_eponymous_connect(db, registry, KV_SQL_DECLARE_VIOLATIONS, out,
                              err);
}

static int violation_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  (void)vtab;
  return kv_eponymous_plan(info, VIOLATION_ONLY, 1000000.0, 1000.0);
}

static int violation_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  violation_cursor *cursor = kv_zalloc(sizeof(*cursor));

  (void)vtab;
  if (!cursor) return SQLITE_NOMEM;
  kv_violations_init(&cursor->violations);
  *out = &cursor->base;
  return SQLITE_OK;
}

static void violation_reset(violation_cursor *cursor) {
  kv_violations_clear(&cursor->violations);
  sqlite3_value_free(cursor->only);
  cursor->only = NULL;
  cursor->folded = NULL;
  cursor->at = 0;
}

static int violation_close(sqlite3_vtab_cursor *base) {
  violation_reset((violation_cursor *)base);
  sqlite3_free(base);
  return SQLITE_OK;
}

static int violation_visit(kv_typed_found *found, void *with, char **err) {
  return kv_violations_add(with, found, err);
}

static int violation_filter(sqlite3_vtab_cursor *base, int number,
                            const char *text, int argc, sqlite3_value **argv) {
  violation_cursor *cursor = (violation_cursor *)base;
  kv_registry *registry = ((kv_eponymous *)base->pVtab)->registry;
  char **err = &base->pVtab->zErrMsg;
  int rc = SQLITE_OK;

  (void)number, (void)text;
  violation_reset(cursor);
  if (argc == 0) {
    rc = kv_typed_find_all(registry, violation_visit, &cursor->violations, err);
  } else {
    kv_typed_found found;

    cursor->only = sqlite3_value_dup(argv[0]);
    if (!cursor->only) return SQLITE_NOMEM;
    rc = kv_typed_find(registry, (const char *)sqlite3_value_text(argv[0]),
                       &found, err);
    if (rc == SQLITE_OK) {
      rc = kv_violations_add(&cursor->violations, &found, err);
    }
    kv_typed_found_close(&found);
    if (rc == SQLITE_NOTFOUND) rc = SQLITE_ERROR;
  }
  return rc == SQLITE_OK
           ? rc
           : kv_error_db(err, rc, registry->db, "cannot read the violations");
}

static int violation_next(sqlite3_vtab_cursor *base) {
  violation_cursor *cursor = (violation_cursor *)base;

  cursor->at++;
  cursor->folded = NULL;
  return SQLITE_OK;
}

static int violation_eof(sqlite3_vtab_cursor *base) {
  violation_cursor *cursor = (violation_cursor *)base;

  return cursor->at >= cursor->violations.n;
}

/* The row as plain JSON; NULL if it does not exist, or is too large. */
static int violation_value(const kv_fold *fold, sqlite3_context *ctx) {
  kv_bytes bytes;

  if (!fold->exists || fold->is_large) return SQLITE_OK;
  kv_bytes_init(&bytes, kv_realloc, KV_RECORD_MAX);
  kv_plain_write(&bytes, fold->columns, fold->n_columns);
  if (bytes.rc == KV_OK) {
    sqlite3_result_text64(ctx, bytes.z, bytes.n, SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  kv_bytes_free(&bytes);
  return bytes.rc == KV_NOMEM ? SQLITE_NOMEM : SQLITE_OK;
}

/* What is known of the row's newest change. */
static int violation_newest(violation_cursor *cursor, sqlite3_context *ctx,
                            int column) {
  const kv_fold *fold;
  const kv_fold_row *newest;
  char time[KV_TIME_SIZE];
  int rc = SQLITE_OK;

  if (!cursor->folded) {
    rc = kv_violations_fold(&cursor->violations, cursor->at, &cursor->folded,
                            &cursor->base.pVtab->zErrMsg);
  }
  if (rc != SQLITE_OK) {
    cursor->folded = NULL;
    return rc;
  }
  fold = &cursor->folded->folded.fold;
  if (fold->n_rows == 0) return SQLITE_OK;
  newest = fold->rows[fold->n_rows - 1];
  switch (column) {
    case VIOLATION_DEVICE:
      sqlite3_result_text(ctx,
                          kv_folded_device(&cursor->folded->folded, newest), -1,
                          SQLITE_TRANSIENT);
      break;
    case VIOLATION_TS: sqlite3_result_int64(ctx, newest->ts); break;
    case VIOLATION_TIME:
      kv_time_format(newest->ts, time);
      sqlite3_result_text(ctx, time, -1, SQLITE_TRANSIENT);
      break;
    default: rc = violation_value(fold, ctx); break;
  }
  return rc;
}

static int violation_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                            int column) {
  violation_cursor *cursor = (violation_cursor *)base;
  const kv_violation *row = &cursor->violations.list[cursor->at];
  const char *text = NULL;

  switch (column) {
    case VIOLATION_TABLE:
      text = cursor->violations.tables[row->table].typed->name;
      break;
    case VIOLATION_KEY: kv_value_result(ctx, &row->key); break;
    case VIOLATION_RULE: text = row->rule; break;
    case VIOLATION_COLUMN: text = row->column; break;
    case VIOLATION_DETAIL: text = row->detail; break;
    case VIOLATION_IS_HIDDEN: sqlite3_result_int(ctx, row->is_hidden); break;
    case VIOLATION_ONLY:
      if (cursor->only) sqlite3_result_value(ctx, cursor->only);
      break;
    default: return violation_newest(cursor, ctx, column);
  }
  if (text) sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
  return SQLITE_OK;
}

static int violation_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = (sqlite3_int64)((violation_cursor *)base)->at;
  return SQLITE_OK;
}

static const sqlite3_module violation_module = {
  .iVersion = 1,
  .xConnect = violation_connect, /* no xCreate: eponymous only */
  .xBestIndex = violation_best_index,
  .xDisconnect = kv_eponymous_disconnect,
  .xOpen = violation_open,
  .xClose = violation_close,
  .xFilter = violation_filter,
  .xNext = violation_next,
  .xEof = violation_eof,
  .xColumn = violation_column,
  .xRowid = violation_rowid,
};

int kv_violations_table_register(sqlite3 *db, kv_registry *registry) {
  kv_registry_retain(registry);
  return sqlite3_create_module_v2(db, "kv_violations",
                                  registry ? &violation_module : NULL, registry,
                                  kv_registry_release);
}
