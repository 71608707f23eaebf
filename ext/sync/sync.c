/*
** The exchange. See sync.h.
**
** Own rows come first. Then each directory of the folder, and each device that
** was merged before, is visited separately (visit.h).
*/
#include "sync.h"

#include <string.h>

#include "acknowledge.h"
#include "cache/log_cursor.h"
#include "connection/registry.h"
#include "db/error.h"
#include "heir.h"
#include "log/writer.h"
#include "outgoing/own.h"
#include "own/publish.h"
#include "rebuild.h"
#include "retire/keep.h"
#include "retire/retire.h"
#include "store/exchange.h"
#include "store/savepoint.h"
#include "store/transaction.h"
#include "tables/follow.h"
#include "upkeep.h"
#include "visit/visit.h"

/* The greatest number of entries of a folder that are read. */
#define SYNC_NAMES 100000

static int sync_is_device(const char *name) {
  return kv_name_check(name, strlen(name)) == NULL;
}

/* One sync. */
typedef struct sync_run {
  kv_store *store;
  kv_publish_run own; /* the last look at the own log */
  kv_visits others;   /* the logs of the other devices */
  int rc;             /* why own rows were not published: reported */
  char *why;          /* after the others' rows are merged */
} sync_run;

/*
** Begin to note what the logs look like, each before it is read: what changes
** meanwhile looks different to kv_wait().
*/
static int sync_begin_sight(sync_run *run) {
  kv_store *store = run->store;
  kv_sight *sight = &store->exchange->sight;
  char *path;

  kv_sight_begin(sight);
  if (!store->device) return SQLITE_OK;
  path = kv_writer_path(store->root, store->device, "log.db");
  if (!path) return SQLITE_NOMEM;
  kv_folder_look(path, &sight->own);
  sqlite3_free(path);
  return SQLITE_OK;
}

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
    if (rc == SQLITE_OK) rc = kv_folder_open(devices, &run->others.devices);
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
  return kv_visit_device(&run->others, device, is_listed, err);
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

static int sync_has(char **names, int n, const char *device) {
  int i = 0;

  while (i < n && strcmp(names[i], device) != 0)
    i++;
  return i < n;
}

/* Devices of which only copies are here, and nothing was merged. */
static int sync_copied(sync_run *run, char **names, int n, char **err) {
  const kv_copies *copies = &run->others.copies;
  kv_log_cursor cursor;
  int i;
  int rc = SQLITE_OK;

  for (i = 0; i < copies->n && rc == SQLITE_OK; i++) {
    const char *device = copies->copies[i].device;

    if (i > 0 && strcmp(device, copies->copies[i - 1].device) == 0) continue;
    if (sync_has(names, n, device)) continue;
    rc = kv_log_cursor_load(&run->store->stmts, device, &cursor);
    kv_log_cursor_clear(&cursor);
    if (rc == SQLITE_OK && !cursor.is_known) {
      rc = sync_visit(run, device, 0, err);
    }
  }
  return rc;
}

/* Visit all devices. */
static int sync_round(sync_run *run, char **names, int n, char **err) {
  int i;
  int rc = SQLITE_OK;

  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    if (sync_is_device(names[i])) rc = sync_visit(run, names[i], 1, err);
  }
  if (rc == SQLITE_OK) rc = sync_missing(run, names, n, err);
  if (rc == SQLITE_OK) rc = sync_copied(run, names, n, err);
  return rc == SQLITE_OK ? kv_visit_later(&run->others, err) : rc;
}

/*
** Merge what the other devices wrote. If a device was retired, another log may count as
** its log now: then all are visited again.
*/
static int sync_others(sync_run *run, char **err) {
  char **names = NULL;
  int n = 0;
  int rc = sync_list(run, &names, &n, err);

  if (rc == SQLITE_OK) {
    rc = kv_copies_find(run->store->root, run->others.devices, names, n,
                        &run->others.copies);
  }
  if (rc == SQLITE_OK) rc = sync_round(run, names, n, err);
  if (rc == SQLITE_OK && run->others.n_retired > 0) {
    run->others.is_again = 1;
    rc = sync_round(run, names, n, err);
  }
  kv_folder_free_names(names, n);
  return rc;
}

/*
** Publish own rows, merge those of the others, and acknowledge them. If others
** have read rows of the own log, check that it has these rows. An own log is
** adopted only after all devices were visited. Then it is known, too, whether
** the own name is that of a retired device.
*/
static int sync_exchange(sync_run *run, char **err) {
  kv_store *store = run->store;
  kv_sight *sight = &store->exchange->sight;
  int rc = sync_begin_sight(run);

  run->own.adopt = store->exchange->adopt;
  if (rc == SQLITE_OK && store->device) rc = sync_own(run, err);
  if (rc == SQLITE_OK) rc = sync_others(run, err);
  if (rc == SQLITE_OK) sight->is_known = sight->is_synced = 1;
  if (rc == SQLITE_OK && run->others.n_seen > 0 && store->device) {
    run->own.must_look = 1;
    rc = sync_own(run, err);
  }
  if (rc == SQLITE_OK && store->device) {
    rc = kv_retire_check_own(store, err);
    if (rc != SQLITE_OK) sight->is_synced = 0;
  }
  if (rc == SQLITE_OK && run->own.is_published) store->exchange->adopt = 0;
  if (rc == SQLITE_OK && store->device && !kv_store_in_transaction(store)) {
    rc = kv_heir_inherit(store, err);
    if (rc == SQLITE_OK && run->rc == SQLITE_OK) {
      rc = kv_keep_lost(store, err);
    }
    if (rc == SQLITE_OK && run->rc == SQLITE_OK) {
      rc = kv_acknowledge(store, run->others.n_merged + run->others.n_seen > 0,
                          &run->own.n_merged, err);
    }
  }
  return rc;
}

/* Typed tables of a cache that was made again have not followed it yet. */
static int sync_follow(kv_store *store, char **err) {
  int is_stale = 0;
  int rc = kv_follow_look(store, &is_stale, err);

  if (rc != SQLITE_OK || !is_stale) return rc;
  rc = kv_store_savepoint(store, err);
  if (rc != SQLITE_OK) return rc;
  rc = kv_follow_all(store, err);
  return kv_store_savepoint_end(store, rc);
}

int kv_sync_run(kv_store *store, int64_t *n_merged, char **err) {
  sync_run run;
  int rc;

  *n_merged = 0;
  if (!store->root) return kv_upkeep_run(store, err);
  memset(&run, 0, sizeof(run));
  run.store = run.others.store = store;
  rc = sync_begin(&run, err);
  if (rc == SQLITE_OK) rc = sync_exchange(&run, err);
  if (rc == SQLITE_OK) rc = sync_follow(store, err);
  if (rc == SQLITE_OK) rc = kv_upkeep_run(store, err);
  if (rc == SQLITE_OK) rc = sync_tell(&run, err);
  *n_merged = run.others.n_merged + run.own.n_merged;
  kv_visit_end(&run.others);
  sqlite3_free(run.why);
  return rc;
}
