/*
** The virtual table kv_foreign: any log, read-only and verified: the one in a
** directory, with all of its files; or one file alone.
**
**     SELECT * FROM kv_foreign('/mnt/share/notes.kv/devices/phone');
**     SELECT * FROM kv_foreign('/mnt/share/notes.kv/devices/phone/log.db');
**     CREATE VIRTUAL TABLE temp.phone USING kv_foreign('.../log.db');
**
** It has the columns of kv_log, and valid (0 or 1) and reason. Rows after the
** last complete transaction are not valid; the first row that does not verify
** ends the table.
*/
#include <string.h>

#include "connection/registry.h"
#include "core/names.h"
#include "db/error.h"
#include "db/value.h"
#include "log/reader.h"
#include "surface.h"
#include "table/path_table.h"

typedef struct foreign_cursor {
  sqlite3_vtab_cursor base; /* base class: must be first */
  kv_reader *reader;
  char *path;
  const kv_row *row; /* NULL: at the end, or at the reason for it */
  const char *reason;
  int64_t whole; /* last row of the last whole transaction */
  int is_end;
} foreign_cursor;

enum {
  FOREIGN_BUCKET,
  FOREIGN_KEY,
  FOREIGN_VALUE,
  FOREIGN_OP,
  FOREIGN_TS,
  FOREIGN_TIME,
  FOREIGN_DEVICE,
  FOREIGN_SEQ,
  FOREIGN_TXN,
  FOREIGN_PARENT_TS,
  FOREIGN_VALID,
  FOREIGN_REASON,
  FOREIGN_FILE
};

/* xCreate and xConnect: the same function, so that it is eponymous, too. */
static int foreign_connect(sqlite3 *db, void *unused, int argc,
                           const char *const *argv, sqlite3_vtab **out,
                           char **err) {
  (void)unused;
  return kv_path_table_connect(db, KV_SQL_DECLARE_FOREIGN,
                               "kv_foreign('notes.kv/devices/phone/log.db')",
                               argc, argv, out, err);
}

static int foreign_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  return kv_path_table_plan(vtab, info, FOREIGN_FILE);
}

static int foreign_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  foreign_cursor *cursor = kv_zalloc(sizeof(*cursor));

  (void)vtab;
  if (!cursor) return SQLITE_NOMEM;
  *out = &cursor->base;
  return SQLITE_OK;
}

static void foreign_reset(foreign_cursor *cursor) {
  kv_reader_close(cursor->reader);
  sqlite3_free(cursor->path);
  cursor->path = NULL;
  cursor->reader = NULL;
  cursor->row = NULL;
  cursor->reason = NULL;
  cursor->is_end = 1;
}

static int foreign_close(sqlite3_vtab_cursor *base) {
  foreign_reset((foreign_cursor *)base);
  sqlite3_free(base);
  return SQLITE_OK;
}

static int foreign_next(sqlite3_vtab_cursor *base) {
  foreign_cursor *cursor = (foreign_cursor *)base;
  int rc;

  cursor->row = NULL;
  if (cursor->reason) {
    cursor->is_end = 1; /* the reason was the last row */
    return SQLITE_OK;
  }
  rc = kv_reader_next(cursor->reader, &cursor->row, &cursor->reason);
  if (rc == SQLITE_ROW) return SQLITE_OK;
  cursor->row = NULL;
  cursor->is_end = !cursor->reason;
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* SQLITE_CANTOPEN with a message if there is no file to open. */
static int foreign_look(const char *file, char **err) {
  kv_stamp stamp;
  const char *what;

  switch (kv_folder_look(file, &stamp)) {
    case KV_FILE_NONE: what = "does not exist"; break;
    case KV_FILE_DIRECTORY:
    case KV_FILE_OTHER: what = "is not a regular file"; break;
    default: return SQLITE_OK; /* opening it tells what is wrong */
  }
  return kv_error(err, SQLITE_CANTOPEN,
                  "cannot read %s, which %s: name the directory of a device, "
                  "such as notes.kv/devices/phone, or a file of a log",
                  file, what);
}

/* Open a file for a reader of this table. */
static int foreign_open_file(foreign_cursor *cursor, const char *path) {
  kv_path_table *table = (kv_path_table *)cursor->base.pVtab;
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_stretch stretch;
  kv_stamp stamp;
  int is_whole = kv_folder_look(path, &stamp) == KV_FILE_DIRECTORY;
  char *file = sqlite3_mprintf(is_whole ? "%s/log.db" : "%s", path);
  int rc = file ? foreign_look(file, &table->base.zErrMsg) : SQLITE_NOMEM;

  if (rc == SQLITE_OK) {
    rc = kv_reader_open(table->db, file, NULL, &cursor->reader, &verdict);
  }
  if (rc == SQLITE_OK && !cursor->reader) {
    rc = kv_error(&table->base.zErrMsg, SQLITE_ERROR, "%s %s", file,
                  verdict.detail ? verdict.detail : "cannot be read");
  }
  if (rc == SQLITE_OK) {
    const kv_log_head *head = kv_reader_head(cursor->reader);
    kv_position base = is_whole ? kv_log_start(head) : head->base;

    rc = kv_reader_verify(cursor->reader, base, INT64_MAX, NULL, &stretch);
    cursor->whole = stretch.end.seq;
    if (rc == SQLITE_OK) rc = kv_reader_start(cursor->reader, base, INT64_MAX);
  }
  kv_verdict_clear(&verdict);
  sqlite3_free(file);
  return rc;
}

static int foreign_filter(sqlite3_vtab_cursor *base, int plan,
                          const char *unused, int argc, sqlite3_value **argv) {
  foreign_cursor *cursor = (foreign_cursor *)base;
  const char *given;
  int rc = kv_path_table_path(base->pVtab, argc, argv, &given);

  (void)plan;
  (void)unused;
  foreign_reset(cursor);
  if (rc == SQLITE_OK) {
    rc =
      kv_folder_resolve(given, NULL, 0, &cursor->path, &base->pVtab->zErrMsg);
  }
  if (rc == SQLITE_OK) rc = foreign_open_file(cursor, cursor->path);
  if (rc != SQLITE_OK) return rc;
  cursor->is_end = 0;
  return foreign_next(base);
}

static int foreign_eof(sqlite3_vtab_cursor *base) {
  return ((foreign_cursor *)base)->is_end;
}

static const char *foreign_reason(const foreign_cursor *cursor) {
  const kv_verdict *lack = kv_reader_lack(cursor->reader);

  if (cursor->reason && lack) return lack->detail;
  if (cursor->reason) return cursor->reason;
  return cursor->row && cursor->row->seq > cursor->whole
           ? "its transaction is incomplete"
           : NULL;
}

static int foreign_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                          int column) {
  static const char *const ops[] = {"delete", "set", "seen", "retire"};
  foreign_cursor *cursor = (foreign_cursor *)base;
  const kv_row *row = cursor->row;
  const char *reason;
  char time[KV_TIME_SIZE];

  switch (column) {
    case FOREIGN_DEVICE:
      sqlite3_result_text(ctx, kv_reader_head(cursor->reader)->name, -1,
                          SQLITE_TRANSIENT);
      return SQLITE_OK;
    case FOREIGN_VALID:
      sqlite3_result_int(ctx, foreign_reason(cursor) == NULL);
      return SQLITE_OK;
    case FOREIGN_REASON:
      reason = foreign_reason(cursor);
      if (reason) sqlite3_result_text(ctx, reason, -1, SQLITE_TRANSIENT);
      return SQLITE_OK;
    case FOREIGN_FILE:
      if (cursor->path) {
        sqlite3_result_text(ctx, cursor->path, -1, SQLITE_TRANSIENT);
      }
      return SQLITE_OK;
    default: break;
  }
  if (!row) return SQLITE_OK; /* this row only says why the table ends */
  switch (column) {
    case FOREIGN_BUCKET: kv_value_result(ctx, &row->bucket); break;
    case FOREIGN_KEY: kv_value_result(ctx, &row->key); break;
    case FOREIGN_VALUE: kv_value_result(ctx, &row->value); break;
    case FOREIGN_OP:
      sqlite3_result_text(ctx, ops[row->op], -1, SQLITE_STATIC);
      break;
    case FOREIGN_TS: sqlite3_result_int64(ctx, row->ts); break;
    case FOREIGN_TIME:
      kv_time_format(row->ts, time);
      sqlite3_result_text(ctx, time, -1, SQLITE_TRANSIENT);
      break;
    case FOREIGN_SEQ: sqlite3_result_int64(ctx, row->seq); break;
    case FOREIGN_TXN: sqlite3_result_int64(ctx, row->txn); break;
    case FOREIGN_PARENT_TS: kv_value_result(ctx, &row->parent_ts); break;
    default: break;
  }
  return SQLITE_OK;
}

/* WITHOUT ROWID tables have none. */
static int foreign_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  (void)base;
  *out = 0;
  return SQLITE_OK;
}

static const sqlite3_module foreign_module = {
  .iVersion = 1,
  .xCreate = foreign_connect,
  .xConnect = foreign_connect,
  .xBestIndex = foreign_best_index,
  .xDisconnect = kv_path_table_disconnect,
  .xDestroy = kv_path_table_disconnect,
  .xOpen = foreign_open,
  .xClose = foreign_close,
  .xFilter = foreign_filter,
  .xNext = foreign_next,
  .xEof = foreign_eof,
  .xColumn = foreign_column,
  .xRowid = foreign_rowid,
};

int kv_foreign_table_register(sqlite3 *db, kv_registry *registry) {
  kv_registry_retain(registry);
  return sqlite3_create_module_v2(db, "kv_foreign",
                                  registry ? &foreign_module : NULL, registry,
                                  kv_registry_release);
}
