/*
** Log rows of a key, folded. See folded.h.
*/
#include "folded.h"

#include <string.h>

#include "db/error.h"
#include "store/transaction.h"

void kv_folded_init(kv_folded *folded) {
  memset(folded, 0, sizeof(*folded));
  kv_fold_init(&folded->fold, kv_realloc);
  kv_arena_init(&folded->names, kv_realloc);
}

void kv_folded_clear(kv_folded *folded) {
  kv_fold_free(&folded->fold);
  kv_arena_free(&folded->names);
  sqlite3_free(folded->logs);
  kv_folded_init(folded);
}

/* Add a log to the list. */
static int folded_add_log(kv_folded *folded, sqlite3_stmt *stmt) {
  const char *device = (const char *)sqlite3_column_text(stmt, 0);
  const void *id = sqlite3_column_blob(stmt, 1);
  size_t n = (size_t)folded->n_logs + 1;
  size_t n_device = device ? strlen(device) + 1 : 0;
  kv_fold_log *logs =
    sqlite3_realloc64(folded->logs, n * sizeof(*folded->logs));
  char *name = device ? kv_arena_get(&folded->names, n_device) : NULL;

  if (logs) folded->logs = logs;
  if (!logs || !name) return SQLITE_NOMEM;
  memset(&logs[n - 1], 0, sizeof(*logs));
  memcpy(name, device, n_device);
  logs[n - 1].device = name;
  if (id && sqlite3_column_bytes(stmt, 1) >= KV_LINEAGE_SIZE) {
    memcpy(logs[n - 1].lineage, id, KV_LINEAGE_SIZE);
  }
  folded->n_logs++;
  return SQLITE_OK;
}

int kv_folded_begin(kv_folded *folded, kv_store *store) {
  kv_run run;

  sqlite3_free(folded->logs);
  kv_arena_clear(&folded->names);
  folded->logs = NULL;
  folded->n_logs = 0;
  folded->store = store;
  kv_run_begin(&run, &store->stmts, KV_SQL_FOLDED_LOGS);
  while (kv_run_row(&run))
    run.rc = folded_add_log(folded, run.stmt);
  return kv_run_close(&run);
}

/* The log of a device; -1: the cache does not know it. */
static int folded_log(const kv_folded *folded, const char *device) {
  int low = 0;
  int high = folded->n_logs;

  while (device && low < high) {
    int middle = low + (high - low) / 2;
    int c = strcmp(folded->logs[middle].device, device);

    if (c == 0) return middle;
    if (c < 0) low = middle + 1;
    if (c > 0) high = middle;
  }
  return -1;
}

const char *kv_folded_device(const kv_folded *folded, const kv_fold_row *row) {
  return folded->logs[row->log].device;
}

/* An own row of the running transaction has seen all that is in the cache. */
static int folded_is_pending(const kv_folded *folded, const kv_fold_row *row) {
  const kv_pending *pending = &folded->store->txn->pending;

  return pending->is_open && row->seq >= kv_pending_first(pending) &&
         strcmp(kv_folded_device(folded, row), folded->store->device) == 0;
}

/* How far the writer of a row had merged another log. */
static int folded_seen(void *source, const kv_fold_row *row, int log,
                       int64_t *seq) {
  kv_folded *folded = source;
  kv_run run;

  *seq = folded_is_pending(folded, row) ? INT64_MAX : 0;
  if (*seq > 0) return SQLITE_OK;
  kv_run_begin(&run, &folded->store->stmts, KV_SQL_FOLDED_SEEN);
  kv_run_text(&run, kv_folded_device(folded, row));
  kv_run_text(&run, folded->logs[log].device);
  kv_run_int(&run, row->seq);
  if (kv_run_row(&run)) {
    const void *id = sqlite3_column_blob(run.stmt, 0);
    int n = sqlite3_column_bytes(run.stmt, 0);
    int is_same = n >= KV_LINEAGE_SIZE &&
                  memcmp(id, folded->logs[log].lineage, KV_LINEAGE_SIZE) == 0;

    *seq = is_same ? sqlite3_column_int64(run.stmt, 1) : KV_SEEN_BY_TIME;
  }
  return kv_run_close(&run);
}

int kv_folded_start(kv_folded *folded) {
  return kv_fold_begin(&folded->fold, folded->logs, folded->n_logs, folded_seen,
                       folded);
}

int kv_folded_add(kv_folded *folded, kv_run *run, int first) {
  kv_fold_row row;
  const void *copy;

  memset(&row, 0, sizeof(row));
  row.log = folded_log(folded, (const char *)sqlite3_column_text(
                                 run->stmt, first + KV_FOLDED_DEVICE));
  if (row.log < 0) return SQLITE_CORRUPT_VTAB;
  row.op = sqlite3_column_int(run->stmt, first + KV_FOLDED_OP);
  row.ts = sqlite3_column_int64(run->stmt, first + KV_FOLDED_TS);
  row.seq = sqlite3_column_int64(run->stmt, first + KV_FOLDED_SEQ);
  kv_run_column(run, first + KV_FOLDED_VALUE, &row.value);
  if (run->rc != SQLITE_OK) return run->rc;
  if (row.value.type == KV_TEXT || row.value.type == KV_BLOB) {
    copy = kv_arena_copy(&folded->fold.arena, row.value.z, row.value.n);
    if (!copy) return SQLITE_NOMEM;
    row.value.z = copy;
  }
  return kv_fold_add(&folded->fold, &row);
}

int kv_folded_key(kv_folded *folded, const char *bucket, const kv_value *key,
                  int deletes) {
  kv_run run;
  int rc = kv_folded_start(folded);

  if (rc != SQLITE_OK) return rc;
  kv_run_begin(&run, &folded->store->stmts, KV_SQL_FOLDED_ROWS);
  kv_run_text(&run, bucket);
  kv_run_value(&run, key);
  while (kv_run_row(&run))
    run.rc = kv_folded_add(folded, &run, 0);
  rc = kv_run_close(&run);
  return rc == SQLITE_OK ? kv_fold_run(&folded->fold, deletes) : rc;
}
