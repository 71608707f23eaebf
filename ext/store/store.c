/*
** An open store. See store.h.
*/
#include "store.h"

#include <string.h>

#include "db/error.h"
#include "db/host.h"

int64_t kv_store_now(const kv_store *store) {
  return store->fixed_now >= 0 ? store->fixed_now : kv_folder_now();
}

int kv_store_is_temp(const kv_store *store) {
  return sqlite3_stricmp(store->schema, "temp") == 0;
}

int kv_store_in_transaction(const kv_store *store) {
  return !sqlite3_get_autocommit(store->db);
}

int kv_store_last_seq(kv_store *store, int64_t *out) {
  const kv_pending *pending = &store->pending;
  kv_cursor own;
  int rc;

  *out = INT64_MAX;
  if (!store->device) return SQLITE_OK;
  if (pending->is_open) {
    *out = kv_pending_first(pending) + pending->n_rows - 1;
    return SQLITE_OK;
  }
  rc = kv_cursor_load(&store->stmts, store->device, &own);
  if (rc == SQLITE_OK) *out = own.at.seq;
  kv_cursor_clear(&own);
  return rc;
}

int kv_store_next_arrival(kv_store *store, int64_t *out) {
  int rc = kv_cache_last_arrival(&store->stmts, out);

  store->n_writes++; /* the rows that are merged now */
  if (store->pending.is_open && *out < store->pending.arrived) {
    *out = store->pending.arrived;
  }
  ++*out;
  return rc;
}

int kv_store_settled(kv_store *store, kv_settled *out) {
  const kv_pending *pending = &store->pending;
  int is_usable = 0;
  int rc = kv_cache_check(&store->stmts, &is_usable, &out->meta);

  if (rc == SQLITE_OK) rc = kv_cache_last_arrival(&store->stmts, &out->arrival);
  if (rc == SQLITE_OK) rc = kv_store_last_seq(store, &out->seq);
  out->open_seq = INT64_MAX;
  if (pending->is_open) {
    if (out->arrival >= pending->arrived) out->arrival = pending->arrived - 1;
    out->open_seq = kv_pending_first(pending);
    out->seq = out->open_seq - 1;
  }
  return rc;
}

int kv_store_savepoint_begin(kv_store *store, char **err) {
  int is_outermost = !kv_store_in_transaction(store);
  int rc = kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT);

  if (rc == SQLITE_OK) {
    store->is_outermost = is_outermost;
  } else if (is_outermost && kv_store_in_transaction(store)) {
    /* It began: SQLite also tells of an interrupt behind what was done. */
    kv_stmt_run(store->db, KV_SQL_ROLLBACK);
  }
  if (rc == SQLITE_BUSY) {
    return kv_error(err, rc,
                    "kv_sync() cannot run inside a statement that writes: "
                    "call it by itself, SELECT kv_sync()");
  }
  return kv_store_error(store, err, rc, "cannot begin a savepoint");
}

int kv_store_look(kv_store *store, int64_t *id, int *n_reads) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(&store->stmts, KV_SQL_META_ID, &stmt);

  *id = 0;
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) *id = sqlite3_column_int64(stmt, 0);
  if (rc == SQLITE_ROW || rc == SQLITE_DONE) rc = SQLITE_OK;
  *n_reads =
    stmt ? sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_REPREPARE, 0) : -1;
  kv_stmt_put(&store->stmts, KV_SQL_META_ID, stmt);
  return rc;
}

void kv_store_forget(kv_store *store) {
  memset(&store->committed, 0, sizeof(store->committed));
  sqlite3_free(store->late);
  store->late = NULL;
  store->must_look = store->is_synced = store->is_checked = 0;
  store->cache_id = 0;
}

int kv_store_replaced(const kv_store *store, char **err) {
  return kv_error(err, SQLITE_ERROR,
                  "another database was put in the place of the one that holds "
                  "%s.%s: close the connection and open it again",
                  store->schema, store->name);
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
                    "%s was dropped or made anew meanwhile: try again",
                    store->name);
  }
  return kv_store_error(store, err, rc, "cannot read the cache");
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

int kv_store_wrong_cache(const kv_store *store, char **err) {
  return kv_error(
    err, SQLITE_CORRUPT_VTAB,
    "the cache of %s does not hold the rows that device %s wrote: "
    "open the folder with a new cache (CREATE VIRTUAL TABLE "
    "under another name)",
    store->name, store->device);
}

int kv_store_error(kv_store *store, char **err, int rc, const char *what) {
  if (rc == SQLITE_OK) return rc;
  if (kv_host_check_limits(store->db, err) != SQLITE_OK) {
    return rc == SQLITE_NOMEM ? SQLITE_ERROR : rc; /* SQLITE_LIMIT_VDBE_OP */
  }
  if (rc == SQLITE_CORRUPT_VTAB) {
    return kv_error(err, rc,
                    "the cache of %s is damaged: open the folder with a new "
                    "cache (CREATE VIRTUAL TABLE under another name)",
                    store->name);
  }
  return kv_error_db(err, rc, store->db, what);
}

int kv_store_savepoint_end(kv_store *store, int rc) {
  if (rc == SQLITE_OK) {
    rc = kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT_RELEASE);
  }
  if (rc != SQLITE_OK && store->is_outermost) {
    /* Releasing the outermost one is a COMMIT, which may be BUSY again. */
    if (kv_store_in_transaction(store)) kv_stmt_run(store->db, KV_SQL_ROLLBACK);
  } else if (rc != SQLITE_OK) {
    kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT_ROLLBACK);
    kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT_RELEASE);
  }
  store->is_outermost = 0;
  return rc;
}

int kv_store_postpone(const kv_store *store, const kv_verdict *verdict,
                      char **err) {
  return kv_error(err, SQLITE_READONLY,
                  "the log of device %s has to be made anew (it %s): roll "
                  "back and call kv_sync()",
                  store->device, verdict->detail ? verdict->detail : "");
}

int kv_store_refuse(const kv_store *store, const kv_verdict *verdict,
                    char **err) {
  return kv_error(
    err, SQLITE_READONLY,
    "device %s cannot write: its log %s. Take another device name (what is "
    "not shared yet goes there), or take the log over with the option "
    "adopt=1",
    store->device, verdict->detail ? verdict->detail : "has another writer");
}

int kv_store_refuse_newer(kv_store *store, char **err) {
  int64_t format = 0;
  int rc;

  if (store->is_checked) return SQLITE_OK;
  rc = kv_cache_format(&store->stmts, &format);
  if (rc != SQLITE_OK) {
    return kv_store_error(store, err, rc, "cannot read the cache");
  }
  store->is_checked = format == KV_CACHE_FORMAT;
  if (format <= KV_CACHE_FORMAT) return SQLITE_OK;
  return kv_error(err, SQLITE_ERROR,
                  "a newer version of sqlite-kv made the cache of %s (its "
                  "format is %lld, this version knows %d): load that one",
                  store->name, format, KV_CACHE_FORMAT);
}
