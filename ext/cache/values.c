/*
** Large values. See values.h.
**
** Their table is the only one with rowids, so the rowid that the host inserted
** last is given back.
*/
#include "values.h"

#include "db/value.h"

int kv_values_is_for(const kv_value *value) {
  return value->type >= KV_TEXT && value->n > KV_VALUES_MIN;
}

int kv_values_put(kv_stmts *stmts, const kv_value *value, int64_t *id) {
  int64_t last = sqlite3_last_insert_rowid(stmts->db);
  sqlite3_stmt *stmt = NULL;
  int rc;

  *id = 0;
  if (!kv_values_is_for(value)) return SQLITE_OK;
  rc = kv_stmt_get(stmts, KV_SQL_LARGE_PUT, &stmt);
  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, 1, value);
  sqlite3_set_last_insert_rowid(stmts->db, 0);
  rc = kv_stmt_finish(stmts, KV_SQL_LARGE_PUT, stmt, rc);
  if (rc == SQLITE_OK) *id = sqlite3_last_insert_rowid(stmts->db);
  if (rc == SQLITE_OK && *id <= 0) rc = SQLITE_CORRUPT_VTAB;
  sqlite3_set_last_insert_rowid(stmts->db, last);
  return rc;
}

int kv_values_forget(kv_stmts *stmts, int64_t id) {
  sqlite3_stmt *stmt = NULL;
  int rc;

  if (!id) return SQLITE_OK;
  rc = kv_stmt_get(stmts, KV_SQL_LARGE_FORGET, &stmt);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 1, id);
  return kv_stmt_finish(stmts, KV_SQL_LARGE_FORGET, stmt, rc);
}

int kv_values_trim(kv_stmts *stmts) {
  return kv_stmt_exec(stmts, KV_SQL_LARGE_TRIM);
}

int kv_values_read(kv_stmts *stmts, int64_t id, kv_value *out) {
  sqlite3_stmt *stmt = NULL;
  kv_value value;
  int rc = kv_stmt_get(stmts, KV_SQL_LARGE_VALUE, &stmt);

  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 1, id);
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_DONE) rc = SQLITE_CORRUPT_VTAB;
  if (rc == SQLITE_ROW) {
    rc = kv_value_of_column(stmt, 0, &value);
    if (rc == SQLITE_OK) rc = kv_value_copy(&value, out);
  }
  kv_stmt_put(stmts, KV_SQL_LARGE_VALUE, stmt);
  return rc;
}

int kv_values_of_column(kv_stmts *stmts, sqlite3_stmt *row, int column,
                        kv_value *large, kv_value *value) {
  int64_t id = sqlite3_column_int64(row, column + 1);
  int rc;

  if (!id) return kv_value_of_column(row, column, value);
  rc = kv_values_read(stmts, id, large);
  *value = *large;
  return rc;
}

int kv_values_of_row(kv_stmts *stmts, const char *device, const kv_row *row,
                     int *found, int64_t *id) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, KV_SQL_LARGE_OF, &stmt);
  int n = 0;

  *found = 0;
  *id = 0;
  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, ++n, &row->bucket);
  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, ++n, &row->key);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, ++n, row->ts);
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(stmt, ++n, device, -1, SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, ++n, row->seq);
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  *found = rc == SQLITE_ROW;
  if (*found) *id = sqlite3_column_int64(stmt, 0);
  kv_stmt_put(stmts, KV_SQL_LARGE_OF, stmt);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The value of a row is not there. */
static void values_missing(sqlite3_context *ctx, int argc,
                           sqlite3_value **argv) {
  (void)argc;
  (void)argv;
  sqlite3_result_error(ctx,
                       "kv: a large value is missing: open the folder with a "
                       "new cache (CREATE VIRTUAL TABLE under another name)",
                       -1);
  sqlite3_result_error_code(ctx, SQLITE_CORRUPT_VTAB);
}

int kv_values_register(sqlite3 *db, int is_there) {
  return sqlite3_create_function_v2(
    db, "kv_missing", 0, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL,
    is_there ? values_missing : NULL, NULL, NULL, NULL);
}
