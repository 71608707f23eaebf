/*
** Two processes that write the same row. See clash.h.
*/
#include "clash.h"

#include "db/error.h"
#include "db/run.h"
#include "record/record.h"
#include "store/errors.h"
#include "store/transaction.h"

/* Columns of clash_rows. */
enum { CLASH_BUCKET, CLASH_KEY, CLASH_OP, CLASH_VALUE };

/* Does a record only add, in a way that does not depend on what was there? */
static int clash_is_harmless(const kv_record *record) {
  size_t i;

  if (record->is_birth || !record->is_whole) return 0;
  for (i = 0; i < record->n; i++) {
    const kv_cell *cell = &record->cells[i];

    if (kv_cell_is_assignment(cell) || cell->cut.n > 0) return 0;
  }
  return 1;
}

static int clash_check_row(kv_run *run, int op, char **err) {
  const char *bucket =
    (const char *)sqlite3_column_text(run->stmt, CLASH_BUCKET);
  const char *key;
  kv_value value;
  kv_record record;
  kv_arena arena;
  int is_harmless = 0;

  kv_arena_init(&arena, kv_realloc);
  kv_run_column(run, CLASH_VALUE, &value);
  if (run->rc == SQLITE_OK && op == KV_OP_SET) {
    run->rc = kv_record_read(value.z, value.n, &arena, &record);
    is_harmless = run->rc == SQLITE_OK && clash_is_harmless(&record);
  }
  kv_arena_free(&arena);
  if (run->rc != SQLITE_OK || is_harmless) return run->rc;
  key = (const char *)sqlite3_column_text(run->stmt, CLASH_KEY);
  return kv_error(err, SQLITE_BUSY_SNAPSHOT,
                  "another process changed row %s of %s: call kv_sync(), and "
                  "do the transaction again",
                  key ? key : "", bucket ? bucket : "");
}

int kv_clash_check(kv_store *store, char **err) {
  kv_run run;

  kv_run_begin(&run, &store->stmts, KV_SQL_CLASH_ROWS);
  kv_run_text(&run, store->device);
  kv_run_int(&run, store->txn->pending.arrived);
  while (kv_run_row(&run)) {
    int op = sqlite3_column_int(run.stmt, CLASH_OP);
    run.rc = clash_check_row(&run, op, err);
  }
  return kv_run_close(&run);
}
