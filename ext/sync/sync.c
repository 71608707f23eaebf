/*
** The exchange. See sync.h.
**
** Own rows come first. Then each directory of the folder, and each device that
** was there once, is visited by itself (visit.h).
*/
#include "sync.h"

#include <string.h>

#include "cache/log_cursor.h"
#include "db/error.h"
#include "own/heir.h"
#include "own/own.h"
#include "own/publish.h"
#include "rebuild.h"
#include "store/exchange.h"
#include "store/registry.h"
#include "store/transaction.h"
#include "upkeep.h"
#include "visit.h"

/* At most so many entries of a folder are looked at. */
#define SYNC_NAMES 100000

static int sync_is_device(const char *name) {
  return kv_name_check(name, strlen(name)) == NULL;
}

/* Devices that were merged once and are no longer in the folder. */
static int sync_missing(kv_store *store, char **names, int n, int64_t *n_merged,
                        int64_t *n_seen, char **err) {
  char **known = NULL;
  int n_known = 0;
  int i;
  int j = 0;
  int rc = kv_log_cursor_list(&store->stmts, &known, &n_known);

  for (i = 0; i < n_known && rc == SQLITE_OK; i++) {
    while (j < n && strcmp(names[j], known[i]) < 0)
      j++;
    if (j < n && strcmp(names[j], known[i]) == 0) continue;
    if (store->device && strcmp(known[i], store->device) == 0) continue;
    rc = kv_visit_device(store, known[i], 0, n_merged, n_seen, err);
  }
  kv_folder_free_names(known, n_known);
  return rc;
}

/* Why own rows were not published: told when the others' news are merged. */
typedef struct sync_hindrance {
  int rc;
  char *why;
} sync_hindrance;

static void sync_hindrance_clear(sync_hindrance *hindrance) {
  sqlite3_free(hindrance->why);
  hindrance->why = NULL;
  hindrance->rc = SQLITE_OK;
}

/* Own rows; what hinders them does not hinder the others' news. */
static int sync_own(kv_store *store, int must_look, int64_t *n_merged,
                    sync_hindrance *hindrance, char **err) {
  int rc;

  sync_hindrance_clear(hindrance);
  rc = kv_publish_waiting(store, must_look, n_merged, &hindrance->why);
  switch (rc & 0xff) {
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_PERM:
      hindrance->rc = rc;
      rc = kv_publish_note(store, rc, hindrance->why, err);
      break;
    default: break;
  }
  if (rc != SQLITE_OK && hindrance->why) {
    kv_error(err, rc, "%s", hindrance->why + 4);
  }
  return rc;
}

/* If own rows wait for something that a person has to see to: the error. */
static int sync_tell(kv_store *store, const sync_hindrance *hindrance,
                     char **err) {
  int64_t n_waiting = 0;
  int rc = SQLITE_OK;

  if (hindrance->rc == SQLITE_OK) return SQLITE_OK;
  rc = kv_own_unpublished(store, &n_waiting);
  if (rc != SQLITE_OK || n_waiting == 0) return rc;
  return kv_error(err, hindrance->rc,
                  "rows of %s are not published: %s. They are kept, and what "
                  "the other devices wrote is merged",
                  store->name,
                  hindrance->why ? hindrance->why + 4
                                 : sqlite3_errstr(hindrance->rc));
}

int kv_sync_run(kv_store *store, int64_t *n_merged, char **err) {
  sync_hindrance hindrance = {SQLITE_OK, NULL};
  char *devices = NULL;
  char **names = NULL;
  kv_stamp stamp;
  kv_file_kind kind = KV_FILE_NONE;
  int adopt = store->exchange->adopt;
  int64_t n_seen = 0;
  int n = 0;
  int i;
  int rc;

  *n_merged = 0;
  if (!store->root) return kv_upkeep_run(store, err);
  if (store->txn->pending.n_rows > 0) {
    /* What they were written without seeing must not be merged before them. */
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
                  "folder %s is not there: mount it, or make it if it is gone "
                  "for good; what is in the cache is kept",
                  store->root);
  }
  if (rc == SQLITE_OK && store->device) {
    rc = sync_own(store, 0, n_merged, &hindrance, err);
  }
  if (rc == SQLITE_OK) {
    devices = sqlite3_mprintf("%s/devices", store->root);
    if (!devices) rc = SQLITE_NOMEM;
  }
  if (rc == SQLITE_OK) kind = kv_folder_look(devices, &stamp);
  if (rc == SQLITE_OK && kind != KV_FILE_DIRECTORY && kind != KV_FILE_NONE) {
    rc = kv_error(err, SQLITE_CANTOPEN,
                  "%s is not a directory that can be read: move it away, or "
                  "check its permissions",
                  devices);
  }
  if (rc == SQLITE_OK && kind == KV_FILE_DIRECTORY) {
    rc = kv_folder_list(devices, SYNC_NAMES, 1, &names, &n);
    if (rc == SQLITE_CANTOPEN) {
      rc = kv_error(err, rc, "cannot read %s: check its permissions", devices);
    }
  }
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    if (!sync_is_device(names[i])) continue;
    if (store->device && strcmp(names[i], store->device) == 0) continue;
    rc = kv_visit_device(store, names[i], 1, n_merged, &n_seen, err);
  }
  if (rc == SQLITE_OK) {
    rc = sync_missing(store, names, n, n_merged, &n_seen, err);
  }
  if (rc == SQLITE_OK && n_seen > 0 && store->device) {
    store->exchange->adopt =
      adopt; /* whatever the peers have read of the own log */
    rc = sync_own(store, 1, n_merged, &hindrance, err);
  }
  if (rc == SQLITE_OK && store->device && !kv_store_in_transaction(store)) {
    rc = kv_heir_inherit(store, err);
  }
  if (rc == SQLITE_OK) {
    store->is_synced = 1;
  } else {
    store->exchange->adopt = adopt; /* not done before all of them were asked */
  }
  if (rc == SQLITE_OK) rc = kv_upkeep_run(store, err);
  if (rc == SQLITE_OK) rc = sync_tell(store, &hindrance, err);
  sync_hindrance_clear(&hindrance);
  kv_folder_free_names(names, n);
  sqlite3_free(devices);
  return rc;
}
