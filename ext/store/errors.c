/*
** The errors of a store. See errors.h.
*/
#include "errors.h"

#include <string.h>

#include "cache/cache.h"
#include "db/error.h"
#include "db/host.h"
#include "exchange.h"

/*
** A statement fails because an older version made the cache, whose tables have
** other columns.
*/
static int errors_older(kv_store *store, char **err, int rc, const char *what) {
  char *why = NULL;
  int64_t format = 0;

  kv_error_db(&why, rc, store->db, what); /* before another statement runs */
  if (kv_cache_format(&store->stmts, &format) == SQLITE_OK && format > 0 &&
      format < KV_CACHE_FORMAT) {
    kv_error(err, rc,
             "an older version of sqlite-kv made the cache of %s: call "
             "kv_sync(), which carries it over",
             store->name);
  } else if (why) {
    kv_error(err, rc, "%s", kv_error_reason(why, rc));
  }
  sqlite3_free(why);
  return rc;
}

int kv_store_error(kv_store *store, char **err, int rc, const char *what) {
  if (rc == SQLITE_OK) return rc;
  rc = kv_error_public(rc);
  if (kv_host_check_limits(store->db, err) != SQLITE_OK) {
    return rc == SQLITE_NOMEM ? SQLITE_ERROR : rc; /* SQLITE_LIMIT_VDBE_OP */
  }
  if (rc == SQLITE_CORRUPT_VTAB) {
    return kv_error(err, rc,
                    "the cache of %s is damaged: open the folder with a new "
                    "cache (CREATE VIRTUAL TABLE under another name)",
                    store->name);
  }
  if ((rc & 0xff) == SQLITE_TOOBIG &&
      strncmp(sqlite3_errmsg(store->db), "kv: ", 4) != 0) {
    return kv_error(err, rc,
                    "%s: a row is over this connection's limit "
                    "(SQLITE_LIMIT_LENGTH)",
                    what);
  }
  if (rc == SQLITE_ERROR && err && !*err) {
    return errors_older(store, err, rc, what);
  }
  return kv_error_db(err, rc, store->db, what);
}

int kv_store_wrong_cache_of(const kv_store *store, const char *device,
                            char **err) {
  return kv_error(
    err, SQLITE_CORRUPT_VTAB,
    "the cache of %s does not hold the rows that device %s wrote: "
    "open the folder with a new cache (CREATE VIRTUAL TABLE "
    "under another name)",
    store->name, device);
}

int kv_store_wrong_cache(const kv_store *store, char **err) {
  return kv_store_wrong_cache_of(store, store->device, err);
}

int kv_store_postpone(const kv_store *store, const kv_verdict *verdict,
                      char **err) {
  return kv_error(err, SQLITE_READONLY,
                  "the log of device %s has to be rebuilt (it %s): ROLLBACK, "
                  "then call kv_sync()",
                  store->device, verdict->detail ? verdict->detail : "");
}

int kv_store_refuse(const kv_store *store, const kv_verdict *verdict,
                    char **err) {
  return kv_error(err, SQLITE_READONLY,
                  "device %s cannot write: its log %s. Use another device "
                  "name (rows that are not shared yet move there), or take "
                  "over the log with the option adopt=1",
                  store->device,
                  verdict->detail ? verdict->detail : "has another writer");
}

int kv_store_refuse_newer(kv_store *store, char **err) {
  int64_t format = 0;
  int rc;

  if (store->exchange->is_checked) return SQLITE_OK;
  rc = kv_cache_format(&store->stmts, &format);
  if (rc != SQLITE_OK) {
    return kv_store_error(store, err, rc, "cannot read the cache");
  }
  store->exchange->is_checked = format == KV_CACHE_FORMAT;
  if (format <= KV_CACHE_FORMAT) return SQLITE_OK;
  return kv_error(err, SQLITE_ERROR,
                  "a newer version of sqlite-kv made the cache of %s (its "
                  "format is %lld, this version knows %d): load that version",
                  store->name, format, KV_CACHE_FORMAT);
}
