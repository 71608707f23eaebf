/*
** The virtual table kv_devices: the state of each device, and the other files
** in the folder.
**
**     device, state, detail, is_self, n_rows, last_seq, last_time,
**     unpublished, clock_offset_ms, acked_seq, file, bytes, synced_time
**
** Devices come from the cursors of the cache, as the last kv_sync() left
** them; then files that no device owns, with device NULL and state ignored.
** No file is opened: directories are listed, and files are only stat'ed.
*/
#include <string.h>

#include "connection/find.h"
#include "core/names.h"
#include "db/error.h"
#include "db/run.h"
#include "folder/folder.h"
#include "log/placeholder.h"
#include "own/own.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "surface.h"

typedef struct device_table {
  sqlite3_vtab base;     /* base class: must be first */
  kv_registry *registry; /* borrowed from the module */
} device_table;

typedef struct device_cursor {
  sqlite3_vtab_cursor base; /* base class: must be first */
  kv_store *store;          /* referenced while a scan runs */
  kv_run rows;              /* the devices; closed: at the other files */
  char **others;            /* paths below the root */
  char **details;
  int n_others;
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
  DEVICE_FILE,
  DEVICE_BYTES,
  DEVICE_SYNCED_TIME,
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
  ROW_ACKED
};

/* The greatest number of other files that are listed. */
#define DEVICE_OTHERS 1000

static int device_connect(sqlite3 *db, void *registry, int argc,
                          const char *const *argv, sqlite3_vtab **out,
                          char **err) {
  device_table *table;
  int rc = kv_stmt_declare(db, KV_SQL_DECLARE_DEVICES, err);

  (void)argc;
  (void)argv;
  if (rc != SQLITE_OK) return rc;
  table = kv_zalloc(sizeof(*table));
  if (!table) return SQLITE_NOMEM;
  table->registry = registry;
  *out = &table->base;
  return SQLITE_OK;
}

static int device_disconnect(sqlite3_vtab *vtab) {
  sqlite3_free(vtab);
  return SQLITE_OK;
}

static int device_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  int i;

  (void)vtab;
  info->estimatedCost = 1000.0;
  info->estimatedRows = 10;
  for (i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];

    if (c->iColumn != DEVICE_STORE || c->op != SQLITE_INDEX_CONSTRAINT_EQ) {
      continue;
    }
    if (!c->usable) return SQLITE_CONSTRAINT;
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 1;
  }
  return SQLITE_OK;
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
  kv_folder_free_names(cursor->others, cursor->n_others);
  kv_folder_free_names(cursor->details, cursor->n_others);
  cursor->store = NULL;
  cursor->others = cursor->details = NULL;
  cursor->n_others = 0;
  cursor->index = 0;
}

static int device_close(sqlite3_vtab_cursor *base) {
  device_reset((device_cursor *)base);
  sqlite3_free(base);
  return SQLITE_OK;
}

/* Add a path below the root to the other files. */
static int device_add_other(device_cursor *cursor, char *path,
                            const char *detail) {
  sqlite3_uint64 n = (sqlite3_uint64)(cursor->n_others + 1) * sizeof(char *);
  char **others = sqlite3_realloc64(cursor->others, n);
  char **details;

  if (others) cursor->others = others;
  details = sqlite3_realloc64(cursor->details, n);
  if (details) cursor->details = details;
  if (!path || !others || !details) {
    sqlite3_free(path);
    return SQLITE_NOMEM;
  }
  others[cursor->n_others] = path;
  details[cursor->n_others] = kv_strdup(detail);
  cursor->n_others++;
  return details[cursor->n_others - 1] ? SQLITE_OK : SQLITE_NOMEM;
}

/* What to do about an entry that is not read; `otherwise` says what it is. */
static const char *device_advise(const char *name, const char *otherwise) {
  return kv_placeholder_is(name) ? "a placeholder of a cloud drive: keep it, "
                                   "because deleting it deletes the file on "
                                   "all devices, and tell the drive to keep "
                                   "the folder on this device"
                                 : otherwise;
}

/* True if an entry of a device's directory is part of its log. */
static int device_is_log(const char *name) {
  return strcmp(name, "log.db") == 0 || strcmp(name, "log.db-journal") == 0;
}

/* List what is not a log in the directory of one device. */
static int device_list_own(device_cursor *cursor, const char *device) {
  char *path = sqlite3_mprintf("%s/devices/%s", cursor->store->root, device);
  char **names = NULL;
  int n = 0;
  int i;
  int rc =
    path ? kv_folder_list(path, DEVICE_OTHERS, 0, &names, &n) : SQLITE_NOMEM;

  if (rc == SQLITE_CANTOPEN) rc = SQLITE_OK;
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    if (cursor->n_others >= DEVICE_OTHERS || device_is_log(names[i])) continue;
    rc = device_add_other(
      cursor, sqlite3_mprintf("devices/%s/%s", device, names[i]),
      strncmp(names[i], "log.db.aside-", 13) == 0
        ? "a damaged log that was set aside; delete it when nothing is "
          "missing"
        : device_advise(names[i], "not read; look into it with kv_foreign(), "
                                  "or delete it"));
  }
  kv_folder_free_names(names, n);
  sqlite3_free(path);
  return rc;
}

static int device_list_devices(device_cursor *cursor) {
  char *path = sqlite3_mprintf("%s/devices", cursor->store->root);
  char **names = NULL;
  int n = 0;
  int i;
  kv_stamp stamp;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK && kv_folder_look(path, &stamp) == KV_FILE_DIRECTORY) {
    rc = kv_folder_list(path, 100 * DEVICE_OTHERS, 0, &names, &n);
    if (rc == SQLITE_CANTOPEN) rc = SQLITE_OK;
  }
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    char *entry = sqlite3_mprintf("%s/%s", path, names[i]);
    int is_device = kv_name_check(names[i], strlen(names[i])) == NULL;

    if (!entry) {
      rc = SQLITE_NOMEM;
    } else if (kv_folder_look(entry, &stamp) == KV_FILE_DIRECTORY &&
               is_device) {
      rc = device_list_own(cursor, names[i]);
    } else if (cursor->n_others < DEVICE_OTHERS) {
      rc = device_add_other(
        cursor, sqlite3_mprintf("devices/%s", names[i]),
        device_advise(names[i], is_device
                                  ? "not a directory; not read"
                                  : "not the name of a device; not read"));
    }
    sqlite3_free(entry);
  }
  kv_folder_free_names(names, n);
  sqlite3_free(path);
  return rc;
}

/* Find the files in the folder that are not read. */
static int device_list_others(device_cursor *cursor) {
  const char *root = cursor->store->root;
  char **names = NULL;
  int n = 0;
  int i;
  kv_stamp stamp;
  int rc = SQLITE_OK;

  if (!root || kv_folder_look(root, &stamp) != KV_FILE_DIRECTORY) return rc;
  rc = kv_folder_list(root, DEVICE_OTHERS, 0, &names, &n);
  if (rc == SQLITE_CANTOPEN) rc = SQLITE_OK;
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    if (strcmp(names[i], "devices") == 0) continue;
    rc = device_add_other(
      cursor, kv_strdup(names[i]),
      device_advise(names[i], "not part of a store; not read"));
  }
  kv_folder_free_names(names, n);
  if (rc == SQLITE_OK) rc = device_list_devices(cursor);
  return rc;
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
  kv_registry *registry = ((device_table *)base->pVtab)->registry;
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
  if (rc == SQLITE_OK) rc = device_list_others(cursor);
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
  return !cursor->rows.stmt && cursor->index >= cursor->n_others;
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

static void device_other_column(device_cursor *cursor, sqlite3_context *ctx,
                                int column) {
  const char *file = cursor->others[cursor->index];

  switch (column) {
    case DEVICE_STATE:
      sqlite3_result_text(ctx, "ignored", -1, SQLITE_STATIC);
      break;
    case DEVICE_DETAIL:
      sqlite3_result_text(ctx, cursor->details[cursor->index], -1,
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

static int device_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                         int column) {
  device_cursor *cursor = (device_cursor *)base;
  kv_store *store = cursor->store;
  sqlite3_stmt *row = cursor->rows.stmt;
  const char *device;
  int is_self;
  char *file;

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
      } else {
        sqlite3_result_value(ctx, sqlite3_column_value(row, ROW_STATE));
      }
      break;
    case DEVICE_DETAIL:
      if (is_self && device_why_waiting(cursor)) {
        sqlite3_result_text(ctx, device_why_waiting(cursor), -1,
                            SQLITE_TRANSIENT);
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
        sqlite3_result_value(ctx, sqlite3_column_value(row, ROW_ACKED));
      }
      break;
    case DEVICE_FILE:
      sqlite3_result_text(ctx, file, -1, SQLITE_TRANSIENT);
      break;
    case DEVICE_BYTES: device_result_bytes(ctx, store, file); break;
    case DEVICE_SYNCED_TIME: device_result_time(ctx, row, ROW_SYNCED); break;
    default: sqlite3_result_text(ctx, store->name, -1, SQLITE_TRANSIENT); break;
  }
  sqlite3_free(file);
  return SQLITE_OK;
}

static int device_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = ((device_cursor *)base)->rowid;
  return SQLITE_OK;
}

static const sqlite3_module device_module = {
  .iVersion = 1,
  .xConnect = device_connect, /* no xCreate: eponymous only */
  .xBestIndex = device_best_index,
  .xDisconnect = device_disconnect,
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
