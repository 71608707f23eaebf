/*
** The cache of an open store. See store.h.
*/
#include "store.h"

#include "db/error.h"
#include "db/run.h"
#include "errors.h"
#include "exchange.h"
#include "transaction.h"

int kv_store_look(kv_store *store, int64_t *id, int *n_reads) {
  kv_run run;

  *id = 0;
  kv_run_begin(&run, &store->stmts, KV_SQL_META_ID);
  if (kv_run_row(&run)) *id = sqlite3_column_int64(run.stmt, 0);
  *n_reads = run.stmt
               ? sqlite3_stmt_status(run.stmt, SQLITE_STMTSTATUS_REPREPARE, 0)
               : -1;
  return kv_run_close(&run);
}

int kv_store_replaced(const kv_store *store, char **err) {
  return kv_error(err, SQLITE_ERROR,
                  "the database that holds %s.%s was replaced by another one: "
                  "close the connection and open it again",
                  store->schema, store->name);
}

void kv_store_forget(kv_store *store) {
  kv_transaction_forget(store);
  kv_exchange_forget(store->exchange);
  store->cache_id = 0;
}

int kv_store_check_same(kv_store *store, char **err) {
  int64_t id;
  int n_reads;
  int rc = kv_store_look(store, &id, &n_reads);

  if (store->cache_id == 0) {
    store->cache_id = id;
    store->n_reads = n_reads;
  }
  if (rc == SQLITE_OK && id != store->cache_id && n_reads == store->n_reads) {
    return kv_store_replaced(store, err);
  }
  if (rc == SQLITE_ERROR || (rc == SQLITE_OK && id != store->cache_id)) {
    return kv_error(err, SQLITE_ERROR,
                    "%s was dropped or created again in the meantime: run the "
                    "statement again",
                    store->name);
  }
  return kv_store_error(store, err, rc, "cannot read the cache");
}
