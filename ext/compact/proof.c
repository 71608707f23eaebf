/*
** The proof of the cache. See proof.h.
*/
#include "proof.h"

#include <string.h>

#include "cache/log_cursor.h"
#include "cache/values.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "outgoing/own.h"
#include "store/errors.h"

/* The device of a row, behind the columns of a row of a log. */
enum { PROOF_DEVICE = KV_LOGGED_COLUMNS };

/* Rows of all devices, in the order of these and of their numbers. */
typedef struct proof_run {
  kv_store *store;
  kv_run rows;
  int is_row; /* the run is on one */
} proof_run;

static void proof_next(proof_run *run) {
  run->is_row = kv_run_row(&run->rows);
}

/* How the device of the row that is next stands to this one. */
static int proof_order(const proof_run *run, const char *device) {
  const unsigned char *name = sqlite3_column_text(run->rows.stmt, PROOF_DEVICE);

  return name ? strcmp((const char *)name, device) : -1;
}

/* Chain the rows of a device behind *end. */
static void proof_chain(proof_run *run, const char *device, kv_position *end) {
  while (run->is_row && proof_order(run, device) == 0) {
    kv_value large = {0};
    kv_row row;

    kv_values_logged(&run->rows, &large, &row);
    if (run->rows.rc == SQLITE_OK) {
      end->sum = kv_row_sum(end->sum, &row);
      end->seq = row.seq;
    }
    kv_value_free(&large);
    proof_next(run);
  }
}

/* Check the rows of one device. Rows of devices without a log are nobody's. */
static int proof_device(proof_run *run, const char *device, char **err) {
  kv_log_cursor cursor;
  kv_log_head head;
  kv_position end;
  int rc = kv_log_cursor_load(&run->store->stmts, device, &cursor);

  if (rc == SQLITE_OK && cursor.has_id) {
    kv_own_head(&cursor, &head);
    end = head.base;
    while (run->is_row && proof_order(run, device) < 0)
      proof_next(run);
    proof_chain(run, device, &end);
    rc = run->rows.rc;
    if (rc == SQLITE_OK &&
        (end.sum != cursor.cached.sum || end.seq > cursor.cached.seq)) {
      rc = kv_store_wrong_cache_of(run->store, device, err);
    }
  }
  kv_log_cursor_clear(&cursor);
  return rc;
}

int kv_proof_check(kv_store *store, char **err) {
  proof_run run = {store, {0}, 0};
  char **names = NULL;
  int n = 0;
  int i;
  int rc = kv_log_cursor_list(&store->stmts, &names, &n);

  kv_run_begin(&run.rows, &store->stmts, KV_SQL_PROOF_ROWS);
  kv_run_text(&run.rows, store->device);
  if (rc == SQLITE_OK) proof_next(&run);
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    if (strcmp(names[i], store->device) != 0) {
      rc = proof_device(&run, names[i], err);
    }
  }
  kv_folder_free_names(names, n);
  return kv_first_error(rc, kv_run_close(&run.rows));
}
