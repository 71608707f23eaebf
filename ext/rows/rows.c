/*
** The virtual table kv_rows. See rows.h.
**
** Keys and values are lent to SQLite without a copy: they live longer than the
** statement that reads them.
*/
#include "rows.h"

#include "db/error.h"
#include "db/stmt.h"
#include "db/value.h"

typedef struct rows_cursor {
  sqlite3_vtab_cursor base; /* base class: must be first */
  kv_rows *rows;            /* borrowed */
  const kv_rows_row *row;   /* NULL: the end */
} rows_cursor;

/* The columns of declare_rows. */
enum {
  ROWS_BUCKET,
  ROWS_KEY,
  ROWS_VALUE,
  ROWS_OP,
  ROWS_TS,
  ROWS_SEQ,
  ROWS_TXN,
  ROWS_PARENT_TS,
  ROWS_PART,
  ROWS_LARGE,
  ROWS_SUM,
  ROWS_DEVICE,
  ROWS_ARRIVED,
  ROWS_POINTER
};

static int rows_connect(sqlite3 *db, void *unused, int argc,
                        const char *const *argv, sqlite3_vtab **out,
                        char **err) {
  int rc = kv_stmt_declare(db, KV_SQL_DECLARE_ROWS, err);

  (void)unused;
  (void)argc;
  (void)argv;
  if (rc == SQLITE_OK) rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  if (rc != SQLITE_OK) return rc;
  *out = kv_zalloc(sizeof(**out));
  return *out ? SQLITE_OK : SQLITE_NOMEM;
}

static int rows_disconnect(sqlite3_vtab *vtab) {
  sqlite3_free(vtab);
  return SQLITE_OK;
}

static int rows_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  int i;

  info->estimatedCost = 1000000.0;
  info->estimatedRows = 1000000;
  for (i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];

    if (c->iColumn != ROWS_POINTER || c->op != SQLITE_INDEX_CONSTRAINT_EQ) {
      continue;
    }
    if (!c->usable) return SQLITE_CONSTRAINT;
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 1;
    return SQLITE_OK;
  }
  return kv_error(&vtab->zErrMsg, SQLITE_ERROR,
                  "kv_rows is internal: read kv_log, or a file with "
                  "kv_foreign('notes.kv/devices/phone/log.db')");
}

static int rows_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  rows_cursor *cursor = kv_zalloc(sizeof(*cursor));

  (void)vtab;
  if (!cursor) return SQLITE_NOMEM;
  *out = &cursor->base;
  return SQLITE_OK;
}

static int rows_close(sqlite3_vtab_cursor *base) {
  sqlite3_free(base);
  return SQLITE_OK;
}

static int rows_next(sqlite3_vtab_cursor *base) {
  rows_cursor *cursor = (rows_cursor *)base;

  cursor->row = cursor->rows->next(cursor->rows);
  return SQLITE_OK;
}

/* Without a pointer there are no rows. */
static int rows_filter(sqlite3_vtab_cursor *base, int plan, const char *unused,
                       int argc, sqlite3_value **argv) {
  rows_cursor *cursor = (rows_cursor *)base;

  (void)plan;
  (void)unused;
  (void)argc;
  cursor->row = NULL;
  cursor->rows = sqlite3_value_pointer(argv[0], KV_ROWS_POINTER);
  return cursor->rows ? rows_next(base) : SQLITE_OK;
}

static int rows_eof(sqlite3_vtab_cursor *base) {
  return !((rows_cursor *)base)->row;
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                       int column) {
  const kv_rows_row *out = ((rows_cursor *)base)->row;
  const kv_row *row = &out->row;

  switch (column) {
    case ROWS_BUCKET: kv_value_lend(ctx, &row->bucket); break;
    case ROWS_KEY: kv_value_lend(ctx, &row->key); break;
    case ROWS_VALUE: kv_value_lend(ctx, &row->value); break;
    case ROWS_OP: sqlite3_result_int(ctx, row->op); break;
    case ROWS_TS: sqlite3_result_int64(ctx, row->ts); break;
    case ROWS_SEQ: sqlite3_result_int64(ctx, row->seq); break;
    case ROWS_TXN: sqlite3_result_int64(ctx, row->txn); break;
    case ROWS_PARENT_TS: kv_value_result(ctx, &row->parent_ts); break;
    case ROWS_PART:
      if (row->bucket.n > 0) {
        kv_value_lend(ctx, &row->bucket);
      } else {
        sqlite3_result_int(ctx, out->is_old);
      }
      break;
    case ROWS_LARGE:
      if (out->large) sqlite3_result_int64(ctx, out->large);
      break;
    case ROWS_SUM: sqlite3_result_int64(ctx, row->sum); break;
    case ROWS_DEVICE: kv_value_lend(ctx, &out->device); break;
    case ROWS_ARRIVED: sqlite3_result_int64(ctx, out->arrived); break;
    default: break;
  }
  return SQLITE_OK;
}

/* WITHOUT ROWID tables have no rowid. */
static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  (void)base;
  *out = 0;
  return SQLITE_OK;
}

static const sqlite3_module rows_module = {
  .iVersion = 1,
  .xConnect = rows_connect, /* no xCreate: eponymous only */
  .xBestIndex = rows_best_index,
  .xDisconnect = rows_disconnect,
  .xOpen = rows_open,
  .xClose = rows_close,
  .xFilter = rows_filter,
  .xNext = rows_next,
  .xEof = rows_eof,
  .xColumn = rows_column,
  .xRowid = rows_rowid,
};

int kv_rows_register(sqlite3 *db, int is_there) {
  return sqlite3_create_module_v2(db, "kv_rows", is_there ? &rows_module : NULL,
                                  NULL, NULL);
}
