/*
** Running a kept statement. See run.h.
*/
#include "run.h"

#include <assert.h>

#include "value.h"

/* Bind all parameters of a text in order, or each by its name. */
#define RUN_IS_BOUND(run)                                                      \
  ((run)->n_bound == 0 ||                                                      \
   (run)->n_bound == sqlite3_bind_parameter_count((run)->stmt))

static void run_start(kv_run *run, kv_stmts *stmts, kv_sql id) {
  run->rc = SQLITE_OK;
  run->n_bound = 0;
  run->id = id;
  run->stmts = stmts;
  run->stmt = NULL;
}

void kv_run_begin(kv_run *run, kv_stmts *stmts, kv_sql id) {
  run_start(run, stmts, id);
  run->rc = kv_stmt_get(stmts, id, &run->stmt);
}

void kv_run_begin_once(kv_run *run, kv_stmts *stmts, kv_sql id) {
  run_start(run, NULL, id);
  run->rc = kv_stmt_once(stmts, id, &run->stmt);
}

void kv_run_begin_on(kv_run *run, sqlite3 *db, kv_sql id) {
  run_start(run, NULL, id);
  run->rc = kv_stmt_prepare(db, id, &run->stmt);
}

void kv_run_begin_filled(kv_run *run, sqlite3 *db, kv_sql id,
                         const kv_stmt_holes *holes) {
  char *text = kv_stmt_fill(id, holes);

  run_start(run, NULL, id);
  run->rc =
    text ? sqlite3_prepare_v2(db, text, -1, &run->stmt, NULL) : SQLITE_NOMEM;
  sqlite3_free(text);
}

void kv_run_int(kv_run *run, int64_t value) {
  if (run->rc != SQLITE_OK) return;
  run->rc = sqlite3_bind_int64(run->stmt, ++run->n_bound, value);
}

void kv_run_text(kv_run *run, const char *text) {
  if (run->rc != SQLITE_OK) return;
  run->rc =
    sqlite3_bind_text(run->stmt, ++run->n_bound, text, -1, SQLITE_STATIC);
}

void kv_run_blob(kv_run *run, const void *bytes, size_t n) {
  if (run->rc != SQLITE_OK) return;
  run->rc =
    sqlite3_bind_blob64(run->stmt, ++run->n_bound, bytes, n, SQLITE_STATIC);
}

void kv_run_value(kv_run *run, const kv_value *value) {
  if (run->rc != SQLITE_OK) return;
  run->rc = kv_value_bind(run->stmt, ++run->n_bound, value);
}

void kv_run_sqlite(kv_run *run, sqlite3_value *value) {
  if (run->rc != SQLITE_OK) return;
  run->rc = sqlite3_bind_value(run->stmt, ++run->n_bound, value);
}

void kv_run_pointer(kv_run *run, void *pointer, const char *type) {
  if (run->rc != SQLITE_OK) return;
  run->rc =
    sqlite3_bind_pointer(run->stmt, ++run->n_bound, pointer, type, NULL);
}

void kv_run_null(kv_run *run) {
  if (run->rc != SQLITE_OK) return;
  run->rc = sqlite3_bind_null(run->stmt, ++run->n_bound);
}

void kv_run_named_int(kv_run *run, const char *name, int64_t value) {
  int i;

  if (run->rc != SQLITE_OK) return;
  i = sqlite3_bind_parameter_index(run->stmt, name);
  if (i) run->rc = sqlite3_bind_int64(run->stmt, i, value);
}

void kv_run_named_text(kv_run *run, const char *name, const char *text) {
  int i;

  if (run->rc != SQLITE_OK) return;
  i = sqlite3_bind_parameter_index(run->stmt, name);
  if (i) run->rc = sqlite3_bind_text(run->stmt, i, text, -1, SQLITE_STATIC);
}

void kv_run_named_sqlite(kv_run *run, const char *name, sqlite3_value *value) {
  int i;

  if (run->rc != SQLITE_OK) return;
  i = sqlite3_bind_parameter_index(run->stmt, name);
  if (i) run->rc = sqlite3_bind_value(run->stmt, i, value);
}

void kv_run_named_pointer(kv_run *run, const char *name, void *pointer,
                          const char *type) {
  int i;

  if (run->rc != SQLITE_OK) return;
  i = sqlite3_bind_parameter_index(run->stmt, name);
  if (i) run->rc = sqlite3_bind_pointer(run->stmt, i, pointer, type, NULL);
}

int kv_run_row(kv_run *run) {
  int rc;

  if (run->rc != SQLITE_OK) return 0;
  assert(RUN_IS_BOUND(run));
  rc = sqlite3_step(run->stmt);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) run->rc = rc;
  return rc == SQLITE_ROW;
}

void kv_run_column(kv_run *run, int column, kv_value *out) {
  if (run->rc != SQLITE_OK) return;
  run->rc = kv_value_of_column(run->stmt, column, out);
}

int kv_run_end(kv_run *run) {
  assert(run->rc != SQLITE_OK || RUN_IS_BOUND(run));
  if (run->rc == SQLITE_OK) run->rc = kv_stmt_end(run->stmt);
  return kv_run_close(run);
}

int kv_run_again(kv_run *run) {
  int rc = run->rc;

  assert(rc != SQLITE_OK || RUN_IS_BOUND(run));
  if (rc == SQLITE_OK) rc = kv_stmt_end(run->stmt);
  sqlite3_reset(run->stmt);
  run->n_bound = 0;
  run->rc = SQLITE_OK;
  return rc;
}

int kv_run_close(kv_run *run) {
  if (!run->stmt) return run->rc;
  if (run->stmts) {
    kv_stmt_put(run->stmts, run->id, run->stmt);
  } else {
    sqlite3_finalize(run->stmt);
  }
  run->stmt = NULL;
  return run->rc;
}

int kv_run_number(kv_run *run, int64_t *out) {
  if (kv_run_row(run) && sqlite3_column_type(run->stmt, 0) == SQLITE_INTEGER) {
    *out = sqlite3_column_int64(run->stmt, 0);
  }
  return kv_run_close(run);
}
