/*
** A cache that this version cannot use. See rebuild.h.
*/
#include "rebuild.h"

#include "cache/cache.h"
#include "db/error.h"
#include "outgoing/own.h"
#include "store/errors.h"
#include "store/savepoint.h"

/* The number of the last row in the own log's file; 0: it has no rows. */
static int rebuild_log_end(kv_store *store, int64_t *out) {
  char *path = kv_writer_path(store->root, store->device, "log.db");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  int rc = SQLITE_NOMEM;

  *out = 0;
  if (path) {
    rc = kv_reader_open_own(store->db, path, store->device, &reader, &verdict);
  }
  if (rc == SQLITE_OK && reader) rc = kv_reader_last_seq(reader, out);
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  sqlite3_free(path);
  return (rc & 0xff) == SQLITE_NOMEM ? rc : SQLITE_OK;
}

int kv_rebuild_may_hold(kv_store *store, int *may_hold) {
  char *table = sqlite3_mprintf("%s_cache", store->name);
  int64_t end = 0;
  int64_t n = 0;
  int rc = table ? rebuild_log_end(store, &end) : SQLITE_NOMEM;

  *may_hold = 1;
  if (rc == SQLITE_OK) {
    rc = kv_own_count(store, end, INT64_MAX, &n);
    if (rc == SQLITE_OK) *may_hold = n > 0;
    if (rc == SQLITE_ERROR) {
      *may_hold = sqlite3_table_column_metadata(store->db, store->schema, table,
                                                NULL, NULL, NULL, NULL, NULL,
                                                NULL) == SQLITE_OK;
      rc = SQLITE_OK;
    }
  }
  sqlite3_free(table);
  return rc;
}

/*
** No row is known to wait. Check whether the cursor leaves that open: the
** commit of the log after it may be missing, and the log could not be read.
*/
static int rebuild_is_open(kv_store *store, int *is_open) {
  kv_log_cursor own;
  int rc = SQLITE_OK;

  if (!store->device) return rc;
  rc = kv_own_load(store, &own);
  *is_open = rc == SQLITE_OK && own.cached.seq > own.published.seq;
  kv_log_cursor_clear(&own);
  return rc;
}

/* True if certainly no row waits. */
static int rebuild_check(kv_store *store, int is_whole, char **err) {
  int64_t n_waiting = 0;
  int is_open = 0;
  int may_hold = 0;
  int rc = kv_own_unpublished(store, &n_waiting);

  if (rc == SQLITE_OK && n_waiting > 0 && is_whole) {
    return kv_error(err, SQLITE_CORRUPT,
                    "the cache of %s is damaged and holds %lld rows that are "
                    "not shared: copy them from %s_cache, then call "
                    "kv_close('discard=1', '%s')",
                    store->name, n_waiting, store->name, store->name);
  }
  if (rc == SQLITE_OK) may_hold = n_waiting > 0;
  if (rc == SQLITE_OK && !may_hold) rc = rebuild_is_open(store, &is_open);
  if (rc == SQLITE_ERROR || is_open) rc = kv_rebuild_may_hold(store, &may_hold);
  if (rc == SQLITE_OK && may_hold) {
    return kv_error(err, SQLITE_CORRUPT,
                    "the cache of %s has to be rebuilt, and may hold rows "
                    "that are not shared: make the folder reachable, or copy "
                    "what you need from %s_cache, DROP TABLE %s_cache, and "
                    "call kv_sync()",
                    store->name, store->name, store->name);
  }
  return rc;
}

/*
** An older version made the cache: carry its rows over. *is_done stays 0 if it
** cannot be done, because the tables are not complete.
*/
static int rebuild_carry(kv_store *store, int *is_done, char **err) {
  char *aside = sqlite3_mprintf("%s_aside", store->name);
  int64_t format = 0;
  int rc = aside ? kv_cache_format(&store->stmts, &format) : SQLITE_NOMEM;

  *is_done = 0;
  if (rc == SQLITE_OK && format >= KV_CACHE_OLDEST &&
      format < KV_CACHE_FORMAT) {
    rc = kv_store_savepoint_begin(store, err);
    if (rc == SQLITE_OK) {
      rc = kv_cache_carry(&store->stmts, format, aside);
      *is_done = rc == SQLITE_OK;
      store->cache_id = 0;
      rc = kv_store_savepoint_end(store, rc);
    }
    if (rc == SQLITE_ERROR) rc = SQLITE_OK;
  }
  sqlite3_free(aside);
  return kv_store_error(store, err, rc, "cannot rebuild the cache");
}

int kv_rebuild_cache(kv_store *store, char **err) {
  kv_meta meta;
  int is_usable = 0;
  int is_whole = 0;
  int is_done = 0;
  int rc = kv_store_refuse_newer(store, err);

  if (rc == SQLITE_OK) rc = kv_cache_check(&store->stmts, &is_usable, &meta);
  if (rc == SQLITE_OK) rc = kv_cache_is_whole(&store->stmts, &is_whole);
  if (rc == SQLITE_OK && is_usable && is_whole) return rc;
  if (rc == SQLITE_OK) rc = rebuild_carry(store, &is_done, err);
  if (rc == SQLITE_OK && is_done) return rc;
  if (rc == SQLITE_OK) rc = kv_store_savepoint_begin(store, err);
  if (rc == SQLITE_OK) {
    rc = rebuild_check(store, is_whole, err);
    if (rc == SQLITE_OK) rc = kv_cache_drop(&store->stmts);
    if (rc == SQLITE_OK) rc = kv_cache_create(&store->stmts);
    store->cache_id = 0;
    kv_store_error(store, err, rc, "cannot rebuild the cache");
    rc = kv_store_savepoint_end(store, rc);
  }
  return kv_store_error(store, err, rc, "cannot rebuild the cache");
}
