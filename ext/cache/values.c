/*
** Large values. See values.h.
**
** Their table is the only one with rowids, so the host's last_insert_rowid() is
** restored afterwards.
*/
#include "values.h"

#include "db/value.h"

int kv_values_is_for(const kv_value *value) {
  return value->type >= KV_TEXT && value->n > KV_VALUES_MIN;
}

int kv_values_put(kv_stmts *stmts, const kv_value *value, int64_t *id) {
  int64_t last = sqlite3_last_insert_rowid(stmts->db);
  kv_run run;
  int rc;

  *id = 0;
  if (!kv_values_is_for(value)) return SQLITE_OK;
  kv_run_begin(&run, stmts, KV_SQL_LARGE_PUT);
  kv_run_value(&run, value);
  sqlite3_set_last_insert_rowid(stmts->db, 0);
  rc = kv_run_end(&run);
  if (rc == SQLITE_OK) *id = sqlite3_last_insert_rowid(stmts->db);
  if (rc == SQLITE_OK && *id <= 0) rc = SQLITE_CORRUPT_VTAB;
  sqlite3_set_last_insert_rowid(stmts->db, last);
  return rc;
}

int kv_values_forget(kv_stmts *stmts, int64_t id) {
  kv_run run;

  if (!id) return SQLITE_OK;
  kv_run_begin(&run, stmts, KV_SQL_LARGE_FORGET);
  kv_run_int(&run, id);
  return kv_run_end(&run);
}

int kv_values_trim(kv_stmts *stmts) {
  return kv_stmt_exec(stmts, KV_SQL_LARGE_TRIM);
}

int kv_values_read(kv_stmts *stmts, int64_t id, kv_value *out) {
  kv_run run;
  kv_value value;

  kv_run_begin(&run, stmts, KV_SQL_LARGE_VALUE);
  kv_run_int(&run, id);
  if (kv_run_row(&run)) {
    kv_run_column(&run, 0, &value);
    if (run.rc == SQLITE_OK) run.rc = kv_value_copy(&value, out);
  } else if (run.rc == SQLITE_OK) {
    run.rc = SQLITE_CORRUPT_VTAB;
  }
  return kv_run_close(&run);
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

void kv_values_logged(kv_run *run, kv_value *large, kv_row *out) {
  out->seq = sqlite3_column_int64(run->stmt, KV_LOGGED_SEQ);
  out->txn = sqlite3_column_int64(run->stmt, KV_LOGGED_TXN);
  out->ts = sqlite3_column_int64(run->stmt, KV_LOGGED_TS);
  out->op = sqlite3_column_int(run->stmt, KV_LOGGED_OP);
  kv_run_column(run, KV_LOGGED_PARENT_TS, &out->parent_ts);
  kv_run_column(run, KV_LOGGED_BUCKET, &out->bucket);
  kv_run_column(run, KV_LOGGED_KEY, &out->key);
  if (run->rc == SQLITE_OK) {
    run->rc = kv_values_of_column(run->stmts, run->stmt, KV_LOGGED_VALUE, large,
                                  &out->value);
  }
}

int kv_values_of_row(kv_stmts *stmts, const char *device, const kv_row *row,
                     int *found, int64_t *id) {
  kv_run run;

  *id = 0;
  kv_run_begin(&run, stmts, KV_SQL_LARGE_OF);
  kv_run_value(&run, &row->bucket);
  kv_run_value(&run, &row->key);
  kv_run_int(&run, row->ts);
  kv_run_text(&run, device);
  kv_run_int(&run, row->seq);
  *found = kv_run_row(&run);
  if (*found) *id = sqlite3_column_int64(run.stmt, 0);
  return kv_run_close(&run);
}

/* The error: the value of a row is missing. */
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
