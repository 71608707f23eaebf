/*
** The virtual table kv_devices: the state of each device, and the other files
** in the folder.
**
**     device, state, detail, is_self, n_rows, last_seq, last_time,
**     unpublished, clock_offset_ms, acked_seq, acked_time, file, n_files,
**     bytes, synced_time, horizon_time
**
** Devices come from the cursors of the cache, as the last kv_sync() left
** them; then files that no device owns, with device NULL and state ignored.
** Directories are listed, and files are only stat'ed; but copies of the log of a
** retired device are read.
*/
#include <string.h>

#include "connection/eponymous.h"
#include "connection/find.h"
#include "core/names.h"
#include "db/error.h"
#include "db/run.h"
#include "folder/folder.h"
#include "outgoing/own.h"
#include "retire/gone.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "surface.h"
#include "sync/others.h"

typedef struct device_cursor {
  sqlite3_vtab_cursor base; /* base class: must be first */
  kv_store *store;          /* referenced while a scan runs */
  kv_run rows;              /* the devices; closed: at the other files */
  kv_others others;
  int index; /* of the current other file */
  int64_t rowid;
  int64_t unpublished;
} device_cursor;

enum {
  DEVICE_DEVICE,
  DEVICE_STATE,
  DEVICE_DETAIL,
  DEVICE_IS_SELF,
  DEVICE_N_ROWS,
  DEVICE_LAST_SEQ,
  DEVICE_LAST_TIME,
  DEVICE_UNPUBLISHED,
  DEVICE_CLOCK_OFFSET_MS,
  DEVICE_ACKED_SEQ,
  DEVICE_ACKED_TIME,
  DEVICE_FILE,
  DEVICE_N_FILES,
  DEVICE_BYTES,
  DEVICE_SYNCED_TIME,
  DEVICE_HORIZON_TIME,
  DEVICE_STORE
};

/* Columns of device_rows. */
enum {
  ROW_DEVICE,
  ROW_ID,
  ROW_SEQ,
  ROW_LAST_TS,
  ROW_CLOCK_OFFSET,
  ROW_SYNCED,
  ROW_STATE,
  ROW_DETAIL,
  ROW_N_ROWS,
  ROW_ACKED_SEQ,
  ROW_ACKED_TS,
  ROW_HORIZON,
  ROW_IS_RETIRED
};

static int device_connect(sqlite3 *db, void *registry, int argc,
                          const char *const *argv, sqlite3_vtab **out,
                          char **err) {
  (void)argc, (void)argv;
  return kv_eponymous_connect(db, registry, KV_SQL_DECLARE_DEVICES, out, err);
}

static int device_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  (void)vtab;
  info->estimatedRows = 10;
  return kv_eponymous_plan(info, DEVICE_STORE, 1000.0, 1000.0);
}

static int device_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  device_cursor *cursor = kv_zalloc(sizeof(*cursor));

  (void)vtab;
  if (!cursor) return SQLITE_NOMEM;
  *out = &cursor->base;
  return SQLITE_OK;
}

static void device_reset(device_cursor *cursor) {
  if (cursor->store) {
    kv_run_close(&cursor->rows);
    kv_store_close(cursor->store);
  }
  kv_others_free(&cursor->others);
  cursor->store = NULL;
  cursor->index = 0;
}

static int device_close(sqlite3_vtab_cursor *base) {
  device_reset((device_cursor *)base);
  sqlite3_free(base);
  return SQLITE_OK;
}

static int device_next(sqlite3_vtab_cursor *base) {
  device_cursor *cursor = (device_cursor *)base;
  int rc;

  cursor->rowid++;
  if (!cursor->rows.stmt) {
    cursor->index++;
    return SQLITE_OK;
  }
  if (kv_run_row(&cursor->rows)) return SQLITE_OK;
  rc = kv_run_close(&cursor->rows);
  return kv_store_error(cursor->store, &base->pVtab->zErrMsg, rc,
                        "cannot read");
}

static int device_filter(sqlite3_vtab_cursor *base, int plan,
                         const char *unused, int argc, sqlite3_value **argv) {
  device_cursor *cursor = (device_cursor *)base;
  kv_registry *registry = ((kv_eponymous *)base->pVtab)->registry;
  const char *name =
    argc > 0 ? (const char *)sqlite3_value_text(argv[0]) : NULL;
  kv_store *store;
  int rc;

  (void)plan;
  (void)unused;
  device_reset(cursor);
  rc = kv_store_find(registry, name, &cursor->store, &base->pVtab->zErrMsg);
  if (rc != SQLITE_OK) return rc;
  store = cursor->store;
  rc = kv_own_unpublished(store, &cursor->unpublished);
  if (rc == SQLITE_OK) rc = kv_others_list(store, &cursor->others);
  if (rc == SQLITE_OK) {
    kv_run_begin(&cursor->rows, &store->stmts, KV_SQL_DEVICE_ROWS);
    kv_run_text(&cursor->rows, store->device);
    rc = cursor->rows.rc;
  }
  if (rc != SQLITE_OK) {
    return kv_store_error(store, &base->pVtab->zErrMsg, rc, "cannot read");
  }
  return device_next(base);
}

static int device_eof(sqlite3_vtab_cursor *base) {
  device_cursor *cursor = (device_cursor *)base;
  return !cursor->rows.stmt && cursor->index >= cursor->others.n;
}

static void device_result_time(sqlite3_context *ctx, sqlite3_stmt *stmt,
                               int column) {
  char time[KV_TIME_SIZE];

  if (sqlite3_column_type(stmt, column) == SQLITE_NULL) return;
  kv_time_format(sqlite3_column_int64(stmt, column), time);
  sqlite3_result_text(ctx, time, -1, SQLITE_TRANSIENT);
}

/* The size of a regular file below the root. */
static void device_result_bytes(sqlite3_context *ctx, const kv_store *store,
                                const char *file) {
  char *path =
    file && store->root ? sqlite3_mprintf("%s/%s", store->root, file) : NULL;
  kv_stamp stamp;

  if (path && kv_folder_look(path, &stamp) == KV_FILE_REGULAR) {
    sqlite3_result_int64(ctx, stamp.size);
  }
  sqlite3_free(path);
}

/* How many files the log of a device has, or their bytes. */
static int device_result_files(device_cursor *cursor, sqlite3_context *ctx,
                               const char *device, int column) {
  const void *id = sqlite3_column_blob(cursor->rows.stmt, ROW_ID);
  int n = sqlite3_column_bytes(cursor->rows.stmt, ROW_ID);
  int64_t bytes;
  int n_files;
  int rc = kv_others_measure(cursor->store, device, n == KV_ID_SIZE ? id : NULL,
                             &n_files, &bytes);

  if (rc != SQLITE_OK || n_files == 0) return rc;
  sqlite3_result_int64(ctx, column == DEVICE_BYTES ? bytes : n_files);
  return SQLITE_OK;
}

static void device_other_column(device_cursor *cursor, sqlite3_context *ctx,
                                int column) {
  const char *file = cursor->others.paths[cursor->index];

  switch (column) {
    case DEVICE_STATE:
      sqlite3_result_text(ctx, "ignored", -1, SQLITE_STATIC);
      break;
    case DEVICE_DETAIL:
      sqlite3_result_text(ctx, cursor->others.details[cursor->index], -1,
                          SQLITE_TRANSIENT);
      break;
    case DEVICE_IS_SELF: sqlite3_result_int(ctx, 0); break;
    case DEVICE_FILE:
      sqlite3_result_text(ctx, file, -1, SQLITE_TRANSIENT);
      break;
    case DEVICE_BYTES: device_result_bytes(ctx, cursor->store, file); break;
    default: break;
  }
}

/* Why own rows wait although the cursor does not say so; NULL if none wait. */
static const char *device_why_waiting(const device_cursor *cursor) {
  const char *why = kv_exchange_commit_error(cursor->store);
  const char *state =
    (const char *)sqlite3_column_text(cursor->rows.stmt, ROW_STATE);

  if (why) return why;
  return cursor->unpublished > 0 && state && strcmp(state, "ok") == 0
           ? "the last commit did not reach the log: call kv_sync()"
           : NULL;
}

/* Is it retired? What is wrong with its log comes first. */
static int device_is_retired(const device_cursor *cursor) {
  sqlite3_stmt *row = cursor->rows.stmt;

  switch (kv_state_of_word((const char *)sqlite3_column_text(row, ROW_STATE))) {
    case KV_STATE_OK:
    case KV_STATE_BEHIND:
    case KV_STATE_MISSING: return sqlite3_column_int(row, ROW_IS_RETIRED);
    default: return 0;
  }
}

/* Say of a retired device what may be deleted. */
static int device_result_gone(device_cursor *cursor, sqlite3_context *ctx,
                              const char *device) {
  const char *detail = NULL;
  kv_gone gone = KV_GONE_ALREADY;
  int rc = kv_gone_look(cursor->store, device, &gone);

  if (gone == KV_GONE_MAY) {
    detail = "its directory may be deleted: others keep all that is in it";
  } else if (gone == KV_GONE_NOT_YET) {
    detail = "its directory must stay: the copies that others keep of what is "
             "in it are not here, or do not have all of it";
  }
  if (detail) sqlite3_result_text(ctx, detail, -1, SQLITE_STATIC);
  return rc;
}

static int device_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                         int column) {
  device_cursor *cursor = (device_cursor *)base;
  kv_store *store = cursor->store;
  sqlite3_stmt *row = cursor->rows.stmt;
  const char *device;
  int is_self;
  char *file;
  int rc = SQLITE_OK;

  if (!row) {
    device_other_column(cursor, ctx, column);
    return SQLITE_OK;
  }
  device = (const char *)sqlite3_column_text(row, ROW_DEVICE);
  is_self = device && store->device && strcmp(device, store->device) == 0;
  file =
    store->root && device ? sqlite3_mprintf("devices/%s/log.db", device) : NULL;
  switch (column) {
    case DEVICE_DEVICE:
      sqlite3_result_value(ctx, sqlite3_column_value(row, ROW_DEVICE));
      break;
    case DEVICE_STATE:
      if (is_self && device_why_waiting(cursor)) {
        sqlite3_result_text(ctx, "waiting", -1, SQLITE_STATIC);
      } else if (!is_self && device_is_retired(cursor)) {
        sqlite3_result_text(ctx, "retired", -1, SQLITE_STATIC);
      } else {
        sqlite3_result_value(ctx, sqlite3_column_value(row, ROW_STATE));
      }
      break;
    case DEVICE_DETAIL:
      if (is_self && device_why_waiting(cursor)) {
        sqlite3_result_text(ctx, device_why_waiting(cursor), -1,
                            SQLITE_TRANSIENT);
      } else if (!is_self && device_is_retired(cursor)) {
        rc = device_result_gone(cursor, ctx, device);
      } else {
        sqlite3_result_value(ctx, sqlite3_column_value(row, ROW_DETAIL));
      }
      break;
    case DEVICE_IS_SELF: sqlite3_result_int(ctx, is_self); break;
    case DEVICE_N_ROWS:
      sqlite3_result_value(ctx, sqlite3_column_value(row, ROW_N_ROWS));
      break;
    case DEVICE_LAST_SEQ:
      sqlite3_result_value(ctx, sqlite3_column_value(row, ROW_SEQ));
      break;
    case DEVICE_LAST_TIME: device_result_time(ctx, row, ROW_LAST_TS); break;
    case DEVICE_UNPUBLISHED:
      sqlite3_result_int64(ctx, is_self ? cursor->unpublished : 0);
      break;
    case DEVICE_CLOCK_OFFSET_MS:
      sqlite3_result_int64(ctx,
                           sqlite3_column_int64(row, ROW_CLOCK_OFFSET) / 1000);
      break;
    case DEVICE_ACKED_SEQ:
      if (!is_self) {
        sqlite3_result_value(ctx, sqlite3_column_value(row, ROW_ACKED_SEQ));
      }
      break;
    case DEVICE_ACKED_TIME:
      if (!is_self) device_result_time(ctx, row, ROW_ACKED_TS);
      break;
    case DEVICE_FILE:
      sqlite3_result_text(ctx, file, -1, SQLITE_TRANSIENT);
      break;
    case DEVICE_N_FILES:
    case DEVICE_BYTES:
      rc = device_result_files(cursor, ctx, device, column);
      break;
    case DEVICE_SYNCED_TIME: device_result_time(ctx, row, ROW_SYNCED); break;
    case DEVICE_HORIZON_TIME: device_result_time(ctx, row, ROW_HORIZON); break;
    default: sqlite3_result_text(ctx, store->name, -1, SQLITE_TRANSIENT); break;
  }
  sqlite3_free(file);
  return rc;
}

static int device_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = ((device_cursor *)base)->rowid;
  return SQLITE_OK;
}

static const sqlite3_module device_module = {
  .iVersion = 1,
  .xConnect = device_connect, /* no xCreate: eponymous only */
  .xBestIndex = device_best_index,
  .xDisconnect = kv_eponymous_disconnect,
  .xOpen = device_open,
  .xClose = device_close,
  .xFilter = device_filter,
  .xNext = device_next,
  .xEof = device_eof,
  .xColumn = device_column,
  .xRowid = device_rowid,
};

int kv_device_table_register(sqlite3 *db, kv_registry *registry) {
  kv_registry_retain(registry);
  return sqlite3_create_module_v2(db, "kv_devices",
                                  registry ? &device_module : NULL, registry,
                                  kv_registry_release);
}
