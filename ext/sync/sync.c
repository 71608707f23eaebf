/*
** The exchange. See sync.h.
**
** Own rows come first. Then each directory of the folder, and each device that
** was merged before, is visited separately (visit.h).
*/
#include "sync.h"

#include <string.h>

#include "cache/log_cursor.h"
#include "connection/registry.h"
#include "db/error.h"
#include "own/heir.h"
#include "own/own.h"
#include "own/publish.h"
#include "rebuild.h"
#include "store/exchange.h"
#include "store/transaction.h"
#include "upkeep.h"
#include "visit.h"

/* The greatest number of entries of a folder that are read. */
#define SYNC_NAMES 100000

static int sync_is_device(const char *name) {
  return kv_name_check(name, strlen(name)) == NULL;
}

/* One sync. */
typedef struct sync_run {
  kv_store *store;
  kv_publish_run own; /* the last look at the own log */
  int64_t n_merged;   /* rows of the other devices */
  int64_t n_seen;     /* theirs that acknowledge rows of others */
  int rc;             /* why own rows were not published: told when the */
  char *why;          /* others' news are merged */
} sync_run;

/* Publish own rows. If that fails, the others' rows are still merged. */
static int sync_own(sync_run *run, char **err) {
  int rc;

  sqlite3_free(run->why);
  run->why = NULL;
  run->rc = SQLITE_OK;
  rc = kv_publish_waiting(run->store, &run->own, &run->why);
  switch (rc & 0xff) {
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_PERM:
    case SQLITE_TOOBIG:
      run->rc = rc;
      rc = kv_publish_note(run->store, rc, run->why, err);
      break;
    default: break;
  }
  if (rc != SQLITE_OK && run->why) {
    kv_error(err, rc, "%s", kv_error_reason(run->why, rc));
  }
  return rc;
}

/* The error, if own rows wait for something that you have to fix. */
static int sync_tell(const sync_run *run, char **err) {
  int64_t n_waiting = 0;
  int rc = SQLITE_OK;

  if (run->rc == SQLITE_OK) return SQLITE_OK;
  if (run->rc == SQLITE_TOOBIG && run->why) {
    return kv_error(err, run->rc, "%s", kv_error_reason(run->why, run->rc));
  }
  rc = kv_own_unpublished(run->store, &n_waiting);
  if (rc != SQLITE_OK || n_waiting == 0) return rc;
  return kv_error(err, run->rc,
                  "rows of %s are not published: %s. They are kept, and the "
                  "changes of the other devices are merged",
                  run->store->name, kv_error_reason(run->why, run->rc));
}

/* Check that a sync may begin, and prepare it. */
static int sync_begin(sync_run *run, char **err) {
  kv_store *store = run->store;
  kv_stamp stamp;
  int rc;

  if (kv_transaction_has_rows(store)) {
    /* Rows that its writes have not seen must not be merged before them. */
    return kv_error(err, SQLITE_LOCKED,
                    "COMMIT first, then kv_sync(): this transaction has "
                    "written to %s",
                    store->name);
  }
  rc = kv_rebuild_cache(store, err);
  if (rc == SQLITE_OK) rc = kv_store_follow(store);
  if (rc == SQLITE_OK &&
      kv_folder_look(store->root, &stamp) != KV_FILE_DIRECTORY) {
    rc = kv_error(err, SQLITE_CANTOPEN,
                  "folder %s is not there: mount it, or create it if it is "
                  "gone for good; what is in the cache is kept",
                  store->root);
  }
  return rc;
}

/* The directories of the devices, for kv_folder_free_names(). */
static int sync_list(sync_run *run, char ***names, int *n, char **err) {
  char *devices = sqlite3_mprintf("%s/devices", run->store->root);
  kv_file_kind kind = KV_FILE_NONE;
  kv_stamp stamp;
  int rc = devices ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK) kind = kv_folder_look(devices, &stamp);
  if (rc == SQLITE_OK && kind != KV_FILE_DIRECTORY && kind != KV_FILE_NONE) {
    rc = kv_error(err, SQLITE_CANTOPEN,
                  "%s is not a directory, or cannot be read: move it away, or "
                  "check its permissions",
                  devices);
  }
  if (rc == SQLITE_OK && kind == KV_FILE_DIRECTORY) {
    rc = kv_folder_list(devices, SYNC_NAMES, 1, names, n);
    if (rc == SQLITE_CANTOPEN) {
      rc = kv_error(err, rc, "cannot read %s: check its permissions", devices);
    }
  }
  sqlite3_free(devices);
  return rc;
}

static int sync_visit(sync_run *run, const char *device, int is_listed,
                      char **err) {
  kv_store *store = run->store;

  if (store->device && strcmp(device, store->device) == 0) return SQLITE_OK;
  return kv_visit_device(store, device, is_listed, &run->n_merged, &run->n_seen,
                         err);
}

/* Devices that were merged once and are no longer in the folder. */
static int sync_missing(sync_run *run, char **names, int n, char **err) {
  char **known = NULL;
  int n_known = 0;
  int i;
  int j = 0;
  int rc = kv_log_cursor_list(&run->store->stmts, &known, &n_known);

  for (i = 0; i < n_known && rc == SQLITE_OK; i++) {
    while (j < n && strcmp(names[j], known[i]) < 0)
      j++;
    if (j < n && strcmp(names[j], known[i]) == 0) continue;
    rc = sync_visit(run, known[i], 0, err);
  }
  kv_folder_free_names(known, n_known);
  return rc;
}

/* Merge what the other devices wrote. */
static int sync_others(sync_run *run, char **err) {
  char **names = NULL;
  int n = 0;
  int i;
  int rc = sync_list(run, &names, &n, err);

  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    if (sync_is_device(names[i])) rc = sync_visit(run, names[i], 1, err);
  }
  if (rc == SQLITE_OK) rc = sync_missing(run, names, n, err);
  kv_folder_free_names(names, n);
  return rc;
}

/*
** Publish own rows, and merge those of the others. If others have read rows of
** the own log, check that it has these rows. An own log is adopted only after
** all devices were visited.
*/
static int sync_exchange(sync_run *run, char **err) {
  kv_store *store = run->store;
  int rc = SQLITE_OK;

  run->own.adopt = store->exchange->adopt;
  if (store->device) rc = sync_own(run, err);
  if (rc == SQLITE_OK) rc = sync_others(run, err);
  if (rc == SQLITE_OK && run->n_seen > 0 && store->device) {
    run->own.must_look = 1;
    rc = sync_own(run, err);
  }
  if (rc == SQLITE_OK && run->own.is_published) store->exchange->adopt = 0;
  if (rc == SQLITE_OK && store->device && !kv_store_in_transaction(store)) {
    rc = kv_heir_inherit(store, err);
  }
  return rc;
}

int kv_sync_run(kv_store *store, int64_t *n_merged, char **err) {
  sync_run run;
  int rc;

  *n_merged = 0;
  if (!store->root) return kv_upkeep_run(store, err);
  memset(&run, 0, sizeof(run));
  run.store = store;
  rc = sync_begin(&run, err);
  if (rc == SQLITE_OK) rc = sync_exchange(&run, err);
  if (rc == SQLITE_OK) rc = kv_upkeep_run(store, err);
  if (rc == SQLITE_OK) rc = sync_tell(&run, err);
  *n_merged = run.n_merged + run.own.n_merged;
  sqlite3_free(run.why);
  return rc;
}
