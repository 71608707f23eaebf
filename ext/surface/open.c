/*
** Opening and closing a store in temp. See open.h.
*/
#include "open.h"

#include <string.h>

#include "connection/find.h"
#include "core/clock.h"
#include "db/error.h"
#include "db/host.h"
#include "outgoing/own.h"
#include "own/publish.h"
#include "store/transaction.h"
#include "sync/sync.h"
#include "tables/follow.h"

/* The open store of a name: in temp, or else in another schema. */
static int open_find(kv_registry *registry, const char *name, kv_store **out,
                     char **err) {
  int rc = kv_store_find_in(registry, "temp", name, out, err);

  if (rc != SQLITE_OK || *out) return rc;
  return kv_store_find_in(registry, NULL, name, out, err);
}

/* Check whether any table or view has this name. */
static int open_is_taken(sqlite3 *db, const char *name) {
  char *text = kv_stmt_text(KV_SQL_TABLE_ANY, NULL, name);
  sqlite3_stmt *stmt = NULL;
  int rc = text ? sqlite3_prepare_v2(db, text, -1, &stmt, NULL) : SQLITE_NOMEM;

  sqlite3_finalize(stmt);
  sqlite3_free(text);
  return rc == SQLITE_OK;
}

/* CREATE VIRTUAL TABLE temp.{name}. */
static int open_create(kv_registry *registry, sqlite3 *db,
                       const kv_arguments *arguments, const char *name,
                       char **err) {
  sqlite3_str *list = sqlite3_str_new(db);
  kv_stmt_holes holes = {.schema = "temp", .name = name};
  char *options;
  int rc = SQLITE_NOMEM;

  sqlite3_str_appendf(list, "%Q", arguments->path);
  if (arguments->options.device) {
    sqlite3_str_appendf(list, ", device=%Q", arguments->options.device);
  }
  if (arguments->options.now >= 0) {
    sqlite3_str_appendf(list, ", now=%lld", arguments->options.now);
  }
  sqlite3_str_appendf(list, ", segment=%lld", arguments->options.segment);
  if (arguments->options.publish == KV_AT_SYNC) {
    sqlite3_str_appendf(list, ", publish='sync'"); /* says why not */
  }
  if (arguments->options.history > 0) {
    int64_t days = arguments->options.history / KV_DAY;

    sqlite3_str_appendf(list, ", history='%lld day%s'", days,
                        days == 1 ? "" : "s");
  }
  if (arguments->options.adopt) sqlite3_str_appendf(list, ", adopt=1");
  options = sqlite3_str_finish(list);
  holes.options = options;
  if (options) rc = kv_registry_connect(registry);
  if (rc == SQLITE_OK) rc = kv_stmt_exec_filled(db, KV_SQL_TABLE_OPEN, &holes);
  sqlite3_free(options);
  return rc == SQLITE_OK ? rc
                         : kv_error_db(err, rc, db, "cannot open the store");
}

int kv_open_drop(sqlite3 *db, const char *name, char **err) {
  kv_stmt_holes holes = {.schema = "temp", .name = name};
  int rc = kv_stmt_exec_filled(db, KV_SQL_TABLE_CLOSE, &holes);

  return rc == SQLITE_OK ? rc
                         : kv_error_db(err, rc, db, "cannot close the store");
}

static int open_same_device(const kv_store *store, const char *device) {
  if (!store->device || !device) return !store->device && !device;
  return strcmp(store->device, device) == 0;
}

/* kv_open() again: the same store gets the new options. */
static int open_again(kv_store *store, kv_arguments *arguments, char **err) {
  kv_store *same = NULL;
  int rc = SQLITE_ERROR;

  if (open_same_device(store, arguments->options.device)) {
    rc = kv_store_open(store->registry, store->schema, store->name,
                       &arguments->options, 0, &same, err);
  }
  if (rc == SQLITE_OK && same != store) rc = SQLITE_ERROR;
  kv_store_close(same);
  if (rc == SQLITE_ERROR) {
    kv_error_clear(err);
    kv_error(err, rc,
             "%s is open as another store: close it, SELECT kv_close('%s'), "
             "or open this one under another name with the option name=",
             store->name, store->name);
  }
  return rc;
}

int kv_open_table(kv_registry *registry, sqlite3 *db, kv_arguments *arguments,
                  kv_store **out, char **err) {
  const char *name = arguments->name ? arguments->name : "kv";
  int64_t n_merged;
  int is_new = 0;
  int rc = kv_host_check_limits(db, err);

  if (rc == SQLITE_OK) rc = open_find(registry, name, out, err);
  if (rc != SQLITE_OK) return rc;
  if (*out) {
    rc = open_again(*out, arguments, err);
  } else if (open_is_taken(db, name)) {
    rc = kv_error(err, SQLITE_ERROR,
                  "there is already a table %s: open the store under another "
                  "name, kv_open(path, device, 'name=other')",
                  name);
  } else {
    rc = open_create(registry, db, arguments, name, err);
    if (rc == SQLITE_OK) is_new = 1;
    if (rc == SQLITE_OK) {
      rc = kv_store_find_in(registry, "temp", name, out, err);
    }
    if (rc == SQLITE_OK && !*out) {
      rc = kv_error_db(err, SQLITE_ERROR, db, "cannot reach the store");
    }
  }
  if (rc == SQLITE_OK && !kv_transaction_has_rows(*out)) {
    rc = kv_sync_run(*out, &n_merged, err);
  }
  if (rc != SQLITE_OK && is_new) {
    char *ignored = NULL;
    kv_open_drop(db, name, &ignored);
    sqlite3_free(ignored);
  }
  return rc;
}

int kv_open_publish(kv_store *store, int discard, char **err) {
  int64_t n_waiting = 0;
  char *why = NULL;
  int rc = kv_follow_refuse_drop(store, err);

  if (rc != SQLITE_OK || !store->device || !store->root) return rc;
  if (kv_transaction_has_rows(store)) {
    return kv_error(
      err, SQLITE_LOCKED,
      "%s has uncommitted rows: COMMIT or ROLLBACK, then kv_close()",
      store->name);
  }
  if (discard) return kv_own_discard(store, err);
  rc = kv_publish_now(store, 0, &why);
  if (kv_own_unpublished(store, &n_waiting) == SQLITE_OK) {
    if (n_waiting == 0) {
      rc = SQLITE_OK;
    } else {
      rc = kv_error(err, rc == SQLITE_OK ? SQLITE_LOCKED : rc,
                    "%lld rows of %s are not published: %s. To discard them: "
                    "kv_close('discard=1', '%s')",
                    n_waiting, store->name,
                    why ? kv_error_reason(why, rc) : "see kv_devices",
                    store->name);
    }
  }
  sqlite3_free(why);
  return rc;
}
