/*
** Savepoints of a store. See savepoint.h.
*/
#include "savepoint.h"

#include <assert.h>

#include "db/error.h"
#include "errors.h"
#include "store.h"
#include "transaction.h"

int kv_store_savepoint_begin(kv_store *store, char **err) {
  int is_outermost = !kv_store_in_transaction(store);
  int rc = kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT);

  if (rc == SQLITE_OK && !kv_store_in_transaction(store)) {
    return kv_error(err, SQLITE_AUTH,
                    "the authorizer of this connection leaves out SAVEPOINT, "
                    "which %s needs: allow it in a new connection",
                    store->name);
  }
  if (rc == SQLITE_OK) {
    store->txn->is_outermost = is_outermost;
  } else if (is_outermost && kv_store_in_transaction(store)) {
    /* It has begun: SQLite can report an interrupt after the work is done. */
    kv_stmt_run(store->db, KV_SQL_ROLLBACK);
  }
  if (rc == SQLITE_BUSY) {
    return kv_error(err, rc,
                    "functions such as kv_sync() cannot run inside a statement "
                    "that writes: call them in a statement of their own, "
                    "SELECT kv_sync()");
  }
  return kv_store_error(store, err, rc, "cannot begin a savepoint");
}

int kv_store_savepoint(kv_store *store, char **err) {
  int rc = kv_store_savepoint_begin(store, err);

  if (rc == SQLITE_OK) {
    rc = kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT_LOCK);
    kv_store_error(store, err, rc, "cannot lock the cache");
    if (rc == SQLITE_OK) rc = kv_store_check_same(store, err);
    if (rc != SQLITE_OK) rc = kv_store_savepoint_end(store, rc);
  }
  return rc;
}

int kv_store_savepoint_end(kv_store *store, int rc) {
  assert(rc != SQLITE_OK || kv_store_in_transaction(store));
  if (rc == SQLITE_OK) {
    rc = kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT_RELEASE);
  }
  if (rc != SQLITE_OK && store->txn->is_outermost) {
    /* Releasing the outermost one is a COMMIT, which may be BUSY again. */
    if (kv_store_in_transaction(store)) kv_stmt_run(store->db, KV_SQL_ROLLBACK);
  } else if (rc != SQLITE_OK) {
    kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT_ROLLBACK);
    kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT_RELEASE);
  }
  store->txn->is_outermost = 0;
  return rc;
}
