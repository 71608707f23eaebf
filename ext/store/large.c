/*
** Rows with large values. See large.h.
**
** https://www.sqlite.org/c3ref/blob_open.html
*/
#include "large.h"

#include <string.h>

#include "stmt.h"
#include "value.h"

enum { LARGE_BUCKET, LARGE_KEY, LARGE_VALUE, LARGE_COLUMNS };

/* A row whose text and blobs are read through handles on them. */
typedef struct large_row {
  kv_row row;
  sqlite3_blob *blobs[LARGE_COLUMNS];
} large_row;

/* The type of a column by its name; *value has it if it is no text or blob. */
static int large_type(sqlite3_stmt *stmt, int column, kv_value *value) {
  const char *name = (const char *)sqlite3_column_text(stmt, column);

  if (!name) return SQLITE_NOMEM;
  if (strcmp(name, "text") == 0) value->type = KV_TEXT;
  if (strcmp(name, "blob") == 0) value->type = KV_BLOB;
  return SQLITE_OK;
}

/* Columns: those of sql/foreign_large.sql. */
static int large_row_read(sqlite3_stmt *stmt, kv_row *row,
                          const char **reason) {
  int rc;

  if (sqlite3_column_type(stmt, 1) != SQLITE_INTEGER ||
      sqlite3_column_type(stmt, 2) != SQLITE_INTEGER ||
      sqlite3_column_type(stmt, 4) != SQLITE_INTEGER ||
      sqlite3_column_type(stmt, 10) != SQLITE_INTEGER) {
    *reason = "a column has a value of another type";
    return SQLITE_OK;
  }
  row->seq = sqlite3_column_int64(stmt, 0);
  row->txn = sqlite3_column_int64(stmt, 1);
  row->ts = sqlite3_column_int64(stmt, 2);
  row->op = sqlite3_column_int(stmt, 4);
  row->sum = sqlite3_column_int64(stmt, 10);
  if (sqlite3_column_int64(stmt, 4) != row->op) row->op = -1;
  rc = kv_value_of_column(stmt, 3, &row->parent_ts);
  if (rc == SQLITE_OK) rc = large_type(stmt, 5, &row->bucket);
  if (rc == SQLITE_OK) rc = kv_value_of_column(stmt, 7, &row->key);
  if (rc == SQLITE_OK) rc = large_type(stmt, 6, &row->key);
  if (rc == SQLITE_OK) rc = kv_value_of_column(stmt, 9, &row->value);
  if (rc == SQLITE_OK) rc = large_type(stmt, 8, &row->value);
  return rc;
}

/* Its length is known when it is open. */
static int large_open(sqlite3 *handle, large_row *large, int column, int limit,
                      const char *name, kv_value *value) {
  sqlite3_blob **blob = &large->blobs[column];
  int rc;

  if (value->type != KV_TEXT && value->type != KV_BLOB) return SQLITE_OK;
  rc = sqlite3_blob_open(handle, "main", "log", name, large->row.seq, 0, blob);
  if (rc != SQLITE_OK) return rc;
  value->n = (size_t)sqlite3_blob_bytes(*blob);
  return value->n > (size_t)limit ? SQLITE_TOOBIG : SQLITE_OK;
}

/* A kv_row_read. */
static int large_read(void *source, const kv_value *value, size_t at, size_t n,
                      void *out) {
  large_row *large = source;
  sqlite3_blob *blob = large->blobs[LARGE_VALUE];

  if (value == &large->row.bucket) blob = large->blobs[LARGE_BUCKET];
  if (value == &large->row.key) blob = large->blobs[LARGE_KEY];
  return sqlite3_blob_read(blob, out, (int)n, (int)at);
}

static int large_check(sqlite3 *handle, large_row *large,
                       const kv_row *previous, int limit, const char **reason) {
  kv_row *row = &large->row;
  int rc =
    large_open(handle, large, LARGE_BUCKET, limit, "bucket", &row->bucket);

  if (rc == SQLITE_OK) {
    rc = large_open(handle, large, LARGE_KEY, limit, "key", &row->key);
  }
  if (rc == SQLITE_OK) {
    rc = large_open(handle, large, LARGE_VALUE, limit, "value", &row->value);
  }
  if (rc == SQLITE_OK) {
    rc = kv_row_check_far(previous, row, large_read, large, reason);
  }
  return rc;
}

int kv_large_check(sqlite3 *handle, const kv_row *previous, int limit,
                   const char **reason) {
  large_row large;
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_prepare(handle, KV_SQL_FOREIGN_LARGE, &stmt);
  int i;

  memset(&large, 0, sizeof(large));
  *reason = NULL;
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 1, previous->seq);
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) {
    rc = large_row_read(stmt, &large.row, reason);
    if (rc == SQLITE_OK && !*reason) {
      rc = large_check(handle, &large, previous, limit, reason);
    }
  } else if (rc == SQLITE_TOOBIG) {
    *reason = "a column has a value of another type";
    rc = SQLITE_OK;
  }
  for (i = 0; i < LARGE_COLUMNS; i++)
    sqlite3_blob_close(large.blobs[i]);
  sqlite3_finalize(stmt);
  return rc;
}
