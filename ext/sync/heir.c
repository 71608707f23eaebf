/*
** Rows of a twin, written by another store. See heir.h.
*/
#include "heir.h"

#include <assert.h>
#include <string.h>

#include "connection/find.h"
#include "db/run.h"
#include "outgoing/own.h"
#include "own/publish.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/savepoint.h"

/* Columns of own_unshared. */
enum { TWIN_KEY, TWIN_VALUE, TWIN_OP };

/* Write one row of a twin as this device. */
static int heir_write(kv_store *store, sqlite3_stmt *row, char **err) {
  int is_set = sqlite3_column_int(row, TWIN_OP) == KV_OP_SET;
  kv_run run;
  int rc;

  kv_run_begin_once(&run, &store->stmts,
                    is_set ? KV_SQL_TABLE_SET : KV_SQL_TABLE_DELETE);
  kv_run_sqlite(&run, sqlite3_column_value(row, TWIN_KEY));
  if (is_set) kv_run_sqlite(&run, sqlite3_column_value(row, TWIN_VALUE));
  rc = kv_run_end(&run);
  return kv_store_error(store, err, rc, "cannot write");
}

static int heir_write_unshared(kv_store *store, const kv_store *twin,
                               char **err) {
  kv_stmt_holes holes = {.schema = store->schema,
                         .name = store->name,
                         .old_schema = twin->schema,
                         .old_name = twin->name};
  kv_run run;

  kv_run_begin_filled(&run, store->db, KV_SQL_OWN_UNSHARED, &holes);
  kv_run_text(&run, twin->device);
  kv_run_text(&run, store->device);
  while (kv_run_row(&run))
    run.rc = heir_write(store, run.stmt, err);
  return kv_run_close(&run);
}

/* This store has the rows of `twin` now: the twin need not keep them. */
static int heir_take_over(kv_store *store, kv_store *twin, char **err) {
  int rc = kv_store_savepoint(store, err);

  if (rc == SQLITE_OK) {
    rc = heir_write_unshared(store, twin, err);
    rc = kv_store_savepoint_end(store, rc);
  }
  if (rc == SQLITE_OK) rc = kv_own_discard(twin, err);
  return rc;
}

/* True if it is the same folder, opened as another device. */
static int heir_may_inherit(const kv_store *store, const kv_store *twin) {
  return twin != store && twin->device && twin->root && store->root &&
         strcmp(twin->root, store->root) == 0 &&
         strcmp(twin->device, store->device) != 0;
}

/* Inherit from one other store of the connection. */
static int heir_inherit_from(kv_store *store, kv_store *twin, char **err) {
  kv_log_cursor own;
  int is_there;
  int is_twin;
  int rc = kv_store_is_there(twin, &is_there);

  if (rc != SQLITE_OK || !is_there) return rc;
  if (twin->exchange->must_look) rc = kv_publish_now(twin, 1, err);
  if (rc == SQLITE_OK)
    rc = kv_log_cursor_load(&twin->stmts, twin->device, &own);
  if (rc != SQLITE_OK) return rc;
  is_twin = own.verdict.state == KV_STATE_TWIN && own.has_waiting;
  kv_log_cursor_clear(&own);
  return is_twin ? heir_take_over(store, twin, err) : SQLITE_OK;
}

int kv_heir_inherit(kv_store *store, char **err) {
  kv_store *twin = store->registry->stores;
  int rc = SQLITE_OK;

  assert(store->device && store->root && !kv_store_in_transaction(store));
  while (twin && rc == SQLITE_OK) {
    kv_store *next;

    twin->n_refs++; /* a statement may read a schema again, and close it */
    if (heir_may_inherit(store, twin)) {
      rc = heir_inherit_from(store, twin, err);
    }
    next = twin->next;
    kv_store_close(twin);
    twin = next;
  }
  return rc;
}
