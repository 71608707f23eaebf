/*
** The log of one device of a PARStore 1. See parlog.h.
**
** The file is read from a copy of its own, through a handle that may select
** from ZLOG alone. Its schema is another program's and may be anything: a
** virtual table or a computed column would run code, so a file with one is not
** a log. Rows come in the order of Z_PK, each greater than the one before,
** which ends a file whose pages lead in a circle.
*/
#include "parlog.h"

#include <string.h>

#include "db/error.h"
#include "db/handle.h"
#include "db/stmt.h"
#include "db/value.h"
#include "file/confine.h"
#include "file/placeholder.h"
#include "folder/folder.h"
#include "snapshot.h"

#define PARLOG_EPOCH ((int64_t)KV_PLIST_EPOCH * 1000000)

/* A CREATE TABLE of Core Data, with columns that a later model may have. */
#define PARLOG_SQL_LENGTH 100000

struct kv_parlog {
  sqlite3 *host; /* borrowed */
  kv_snapshot snapshot;
  sqlite3 *handle; /* on the copy */
  kv_work work;
  int reads; /* that a row may take */
  int has_seconds;
  sqlite3_stmt *rows;
  int64_t n_rows;
  int64_t most; /* bytes of a value */
  kv_parlog_row row;
};

/* Names of the log file; the second one is from before November 2016. */
static const char *const parlog_names[] = {"Logs.db", "logs.db"};

static void parlog_say(char reason[KV_PARLOG_REASON], const char *text) {
  sqlite3_snprintf(KV_PARLOG_REASON, reason, "%s", text);
}

/* Say what is there in a device's folder if the log is not. */
static int parlog_missing(const char *folder, char reason[KV_PARLOG_REASON]) {
  char *placeholder = NULL;
  char *path = sqlite3_mprintf("%s/%s", folder, parlog_names[0]);
  char *old = sqlite3_mprintf("%s/Logs.db-old", folder);
  char *other = sqlite3_mprintf("%s/log.db", folder);
  kv_stamp stamp;
  int rc = path && old && other ? kv_placeholder_find(path, &placeholder)
                                : SQLITE_NOMEM;

  if (rc == SQLITE_OK && placeholder) {
    parlog_say(reason, "is not downloaded: a cloud drive has only a "
                       "placeholder of its log here");
  } else if (rc == SQLITE_OK &&
             kv_folder_look(old, &stamp) == KV_FILE_REGULAR) {
    parlog_say(reason,
               "has no log, but a Logs.db-old: a merge was interrupted");
  } else if (rc == SQLITE_OK &&
             kv_folder_look(other, &stamp) == KV_FILE_REGULAR) {
    parlog_say(reason, "has a log of kv, not one of PARStore");
  } else {
    parlog_say(reason, "has no log yet");
  }
  sqlite3_free(placeholder);
  sqlite3_free(path);
  sqlite3_free(old);
  sqlite3_free(other);
  return rc;
}

/* The path of the log, or NULL and the reason. */
static int parlog_find(const char *folder, char **out,
                       char reason[KV_PARLOG_REASON]) {
  kv_file_kind kind = KV_FILE_NONE;
  kv_stamp stamp;
  int rc = SQLITE_OK;
  int i;

  *out = NULL;
  for (i = 0; i < 2 && kind == KV_FILE_NONE && rc == SQLITE_OK; i++) {
    sqlite3_free(*out);
    *out = sqlite3_mprintf("%s/%s", folder, parlog_names[i]);
    if (!*out) return SQLITE_NOMEM;
    kind = kv_folder_look(*out, &stamp);
  }
  switch (kind) {
    case KV_FILE_REGULAR: return SQLITE_OK;
    case KV_FILE_NONE: rc = parlog_missing(folder, reason); break;
    case KV_FILE_DIRECTORY:
      parlog_say(reason, "has a folder where its log belongs");
      break;
    case KV_FILE_OTHER:
      parlog_say(reason, "has a link or pipe where its log belongs");
      break;
    default: parlog_say(reason, "cannot be read"); break;
  }
  sqlite3_free(*out);
  *out = NULL;
  return rc;
}

/*
** What an error of reading the copy means: a reason and SQLITE_OK, but for
** SQLITE_NOMEM, which SQLite also says of a damaged file.
*/
static int parlog_fault(kv_parlog *log, int rc, char reason[KV_PARLOG_REASON]) {
  rc = kv_handle_judge(log->host, rc);
  if ((rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM) {
    return SQLITE_NOMEM;
  }
  if ((rc & 0xff) == SQLITE_TOOBIG) {
    parlog_say(reason, "has a row that is larger than this connection takes");
  } else {
    sqlite3_snprintf(KV_PARLOG_REASON, reason, "is damaged: %s",
                     sqlite3_errstr(rc));
  }
  return SQLITE_OK;
}

/* Is ZLOG a table, and no table of the file a virtual one? */
static int parlog_check_tables(kv_parlog *log, int *is_log) {
  static const char create[] = "CREATE TABLE "; /* as SQLite writes it */
  sqlite3_stmt *stmt = NULL;
  int is_virtual = 0;
  int rc = kv_stmt_prepare(log->handle, KV_SQL_PARSTORE_TABLES, &stmt);

  *is_log = 0;
  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(stmt, 0);
    const char *text = (const char *)sqlite3_column_text(stmt, 1);

    if (name && strcmp(name, "ZLOG") == 0) *is_log = 1;
    if (!text || strncmp(text, create, strlen(create)) != 0) is_virtual = 1;
    rc = SQLITE_OK;
  }
  if (is_virtual) *is_log = 0;
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Does ZLOG have the columns that are needed, none of them computed? */
static int parlog_check_columns(kv_parlog *log, int *is_ours) {
  static const char *const names[] = {"Z_PK", "ZKEY", "ZBLOB", "ZTIMESTAMP",
                                      "ZPARENTTIMESTAMP"};
  sqlite3_stmt *stmt = NULL;
  int found = 0; /* bits */
  int is_computed = 0;
  int i;
  int rc = kv_stmt_prepare(log->handle, KV_SQL_PARSTORE_COLUMNS, &stmt);

  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(stmt, 1);

    for (i = 0; name && i < 5; i++) {
      if (strcmp(name, names[i]) != 0) continue;
      if (i > 0 || sqlite3_column_int(stmt, 5) == 1) found |= 1 << i;
    }
    if (sqlite3_column_int(stmt, 6) != 0) is_computed = 1;
    rc = SQLITE_OK;
  }
  sqlite3_finalize(stmt);
  *is_ours = (found & 15) == 15 && !is_computed;
  log->has_seconds = (found & 16) == 0;
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Open the copy and check that it is a log. */
static int parlog_connect(kv_parlog *log, char reason[KV_PARLOG_REASON]) {
  static const char *const tables[] = {"ZLOG", "sqlite_master", NULL};
  sqlite3_file *file = NULL;
  sqlite3_int64 size = 0;
  int is_log = 0;
  int is_ours = 0;
  int rc = kv_handle_write(log->host, log->snapshot.file, 0, 0, &log->handle);

  if (rc == SQLITE_OK) {
    sqlite3_limit(log->handle, SQLITE_LIMIT_LENGTH, (int)log->most);
    sqlite3_limit(log->handle, SQLITE_LIMIT_SQL_LENGTH, PARLOG_SQL_LENGTH);
    rc = kv_confine_to(log->handle, tables, &log->work);
  }
  if (rc == SQLITE_OK) {
    rc = sqlite3_file_control(log->handle, "main", SQLITE_FCNTL_FILE_POINTER,
                              &file);
  }
  if (rc == SQLITE_OK) rc = file->pMethods->xFileSize(file, &size);
  /* No row has more pages than the file; the smallest has 512 bytes. */
  size /= 512;
  log->reads = size > INT32_MAX / 2 ? INT32_MAX / 2 : (int)size;
  log->work = KV_WORK_ROW;
  log->work.reads += log->reads;
  if (rc == SQLITE_OK) rc = parlog_check_tables(log, &is_log);
  if (rc == SQLITE_OK && is_log) rc = parlog_check_columns(log, &is_ours);
  if (rc == SQLITE_OK && is_ours) {
    rc = kv_stmt_prepare(log->handle,
                         log->has_seconds ? KV_SQL_PARSTORE_ROWS_OLD
                                          : KV_SQL_PARSTORE_ROWS,
                         &log->rows);
  }
  if (rc != SQLITE_OK) {
    rc = parlog_fault(log, rc, reason);
  } else if (!is_log) {
    parlog_say(reason, "is no log of PARStore");
  } else if (!is_ours) {
    parlog_say(reason, "has another model than PARStore 1");
  } else {
    kv_snapshot_hide(&log->snapshot);
  }
  return rc;
}

int kv_parlog_open(sqlite3 *host, const char *folder, sqlite3_stmt *poll,
                   kv_parlog **out, char reason[KV_PARLOG_REASON]) {
  kv_parlog *log = kv_zalloc(sizeof(*log));
  const char *why = NULL;
  char *path = NULL;
  int rc = log ? SQLITE_OK : SQLITE_NOMEM;

  reason[0] = 0;
  if (rc == SQLITE_OK) {
    log->host = host;
    log->most = sqlite3_limit(host, SQLITE_LIMIT_LENGTH, -1);
    rc = parlog_find(folder, &path, reason);
  }
  if (rc == SQLITE_OK && path) {
    rc = kv_snapshot_take(host, path, poll, &log->snapshot, &why);
    if (why) parlog_say(reason, why);
  }
  if (rc == SQLITE_OK && path && !why) rc = parlog_connect(log, reason);
  sqlite3_free(path);
  if (rc != SQLITE_OK || reason[0]) {
    kv_parlog_close(log);
    log = NULL;
  }
  *out = log;
  return rc;
}

/* Microseconds since 1970; later times become the last one. */
static void parlog_time(kv_parlog *log, int column, kv_value *out) {
  int type = sqlite3_column_type(log->rows, column);
  int64_t us = sqlite3_column_int64(log->rows, column);

  memset(out, 0, sizeof(*out));
  if (log->has_seconds && (type == SQLITE_FLOAT || type == SQLITE_INTEGER)) {
    double seconds = sqlite3_column_double(log->rows, column);

    if (kv_plist_time(seconds, &out->i)) out->type = KV_INTEGER;
  } else if (!log->has_seconds && type == SQLITE_INTEGER) {
    out->type = KV_INTEGER;
    out->i = us > INT64_MAX - PARLOG_EPOCH ? INT64_MAX : us + PARLOG_EPOCH;
  }
}

/* Make a row from the statement's current one. */
static int parlog_read(kv_parlog *log) {
  kv_parlog_row *row = &log->row;
  int rc;

  row->seq = sqlite3_column_int64(log->rows, 0);
  rc = kv_value_of_column(log->rows, 1, &row->key);
  if (rc != SQLITE_OK) return rc;
  row->blob.z = sqlite3_column_blob(log->rows, 2);
  row->blob.n = (size_t)sqlite3_column_bytes(log->rows, 2);
  row->blob.type = row->blob.n ? KV_BLOB : KV_NULL;
  if (row->blob.n && !row->blob.z) return SQLITE_NOMEM;
  parlog_time(log, 3, &row->ts);
  parlog_time(log, 4, &row->parent_ts);
  if (row->blob.n) {
    rc = kv_plist_read(row->blob.z, row->blob.n, log->most, &row->plist);
    if (rc == SQLITE_OK && !row->plist.type) {
      row->reason = "its value is no binary property list";
    }
  }
  if (row->ts.type == KV_NULL) row->reason = "it has no time";
  if (row->key.type != KV_TEXT) {
    row->reason = "its key is not text";
    memset(&row->key, 0, sizeof(row->key));
  }
  return rc;
}

int kv_parlog_next(kv_parlog *log, const kv_parlog_row **out,
                   char reason[KV_PARLOG_REASON]) {
  int64_t previous = log->row.seq;
  int rc;

  *out = NULL;
  reason[0] = 0;
  kv_plist_clear(&log->row.plist);
  memset(&log->row, 0, sizeof(log->row));
  log->work = KV_WORK_ROW;
  log->work.reads += log->reads;
  rc = sqlite3_step(log->rows);
  if (rc == SQLITE_DONE) return rc;
  if (rc == SQLITE_ROW) rc = parlog_read(log);
  if (rc == SQLITE_OK && log->n_rows++ > 0 && log->row.seq <= previous) {
    rc = SQLITE_CORRUPT;
  }
  if (rc == SQLITE_OK) {
    *out = &log->row;
    return SQLITE_ROW;
  }
  rc = parlog_fault(log, rc, reason);
  return rc == SQLITE_OK ? SQLITE_DONE : rc;
}

void kv_parlog_close(kv_parlog *log) {
  if (!log) return;
  kv_plist_clear(&log->row.plist);
  sqlite3_finalize(log->rows);
  sqlite3_close(log->handle);
  kv_snapshot_drop(&log->snapshot);
  sqlite3_free(log);
}
