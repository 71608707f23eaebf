/*
** A PARStore 1: all its devices. See parstore.h.
*/
#include "parstore.h"

#include <limits.h>
#include <string.h>

#include "db/error.h"
#include "db/stmt.h"
#include "folder/folder.h"

struct kv_parstore {
  sqlite3 *host;      /* borrowed */
  sqlite3_stmt *poll; /* has the host been interrupted? */
  char *devices;      /* path of the folder of devices */
  char **names;
  int n_names;
  int at; /* the device that is read */
  kv_parlog *log;
  kv_parstore_row row;
  char reason[KV_PARLOG_REASON];
};

/* Names of the folder of devices; the second is from before November 2016. */
static const char *const parstore_folders[] = {"Devices", "devices"};

/* The folder of devices, or NULL. */
static int parstore_find(const char *root, char **out) {
  kv_stamp stamp;
  int i;

  *out = NULL;
  for (i = 0; i < 2 && !*out; i++) {
    *out = sqlite3_mprintf("%s/%s", root, parstore_folders[i]);
    if (!*out) return SQLITE_NOMEM;
    if (kv_folder_look(*out, &stamp) == KV_FILE_DIRECTORY) break;
    sqlite3_free(*out);
    *out = NULL;
  }
  return SQLITE_OK;
}

static int parstore_has(const kv_parstore *store, int i, const char *file,
                        int *out) {
  char *path =
    sqlite3_mprintf("%s/%s/%s", store->devices, store->names[i], file);
  kv_stamp stamp;

  if (!path) return SQLITE_NOMEM;
  if (kv_folder_look(path, &stamp) != KV_FILE_NONE) *out = 1;
  sqlite3_free(path);
  return SQLITE_OK;
}

/* Is it a store of kv? That has a folder of devices, too. */
static int parstore_is_of_kv(const kv_parstore *store, int *out) {
  int has_logs = 0;
  int i;
  int rc = SQLITE_OK;

  *out = 0;
  for (i = 0; i < store->n_names && rc == SQLITE_OK && !has_logs; i++) {
    rc = parstore_has(store, i, "log.db", out);
    if (rc == SQLITE_OK) rc = parstore_has(store, i, "Logs.db", &has_logs);
    if (rc == SQLITE_OK) rc = parstore_has(store, i, "logs.db", &has_logs);
  }
  if (has_logs) *out = 0;
  return rc;
}

int kv_parstore_open(sqlite3 *host, const char *path, kv_parstore **out,
                     char **err) {
  kv_parstore *store = kv_zalloc(sizeof(*store));
  char *root = NULL;
  int is_of_kv = 0;
  int rc = store ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK) {
    store->host = host;
    rc = kv_folder_resolve(path, NULL, 0, &root, err);
  }
  if (rc == SQLITE_OK) rc = parstore_find(root, &store->devices);
  if (rc == SQLITE_OK && !store->devices) {
    rc = kv_error(err, SQLITE_ERROR,
                  "%s is no PARStore: it has no folder Devices", root);
  }
  if (rc == SQLITE_OK) {
    rc = kv_folder_list(store->devices, INT_MAX, 0, &store->names,
                        &store->n_names);
    if (rc == SQLITE_CANTOPEN) {
      kv_error(err, rc, "cannot read %s: check its permissions",
               store->devices);
    }
  }
  if (rc == SQLITE_OK) rc = parstore_is_of_kv(store, &is_of_kv);
  if (rc == SQLITE_OK && is_of_kv) {
    rc = kv_error(err, SQLITE_ERROR,
                  "%s is a store of kv, no PARStore: open it with kv_open()",
                  root);
  }
  if (rc == SQLITE_OK) rc = kv_stmt_prepare(host, KV_SQL_POLL, &store->poll);
  sqlite3_free(root);
  if (rc != SQLITE_OK) {
    kv_parstore_close(store);
    store = NULL;
  }
  *out = store;
  return rc;
}

/* Open the log of the current device, if it is a device. */
static int parstore_enter(kv_parstore *store) {
  char *folder =
    sqlite3_mprintf("%s/%s", store->devices, store->names[store->at]);
  const char *reason = "";
  kv_stamp stamp;
  int rc = SQLITE_OK;

  if (!folder) return SQLITE_NOMEM;
  store->reason[0] = 0;
  switch (kv_folder_look(folder, &stamp)) {
    case KV_FILE_DIRECTORY:
      rc = kv_parlog_open(store->host, folder, store->poll, &store->log,
                          store->reason);
      break;
    case KV_FILE_OTHER: reason = "is a link or pipe, not a folder"; break;
    case KV_FILE_UNKNOWN: reason = "cannot be read"; break;
    default: break;
  }
  if (reason[0]) {
    sqlite3_snprintf(KV_PARLOG_REASON, store->reason, "%s", reason);
  }
  sqlite3_free(folder);
  return rc;
}

/* The next row of that device: SQLITE_DONE, maybe with a reason. */
static int parstore_step(kv_parstore *store) {
  int rc = store->log ? SQLITE_OK : parstore_enter(store);

  store->row.row = NULL;
  if (rc == SQLITE_OK) {
    rc = store->log ? kv_parlog_next(store->log, &store->row.row, store->reason)
                    : SQLITE_DONE;
  }
  if (rc == SQLITE_ROW) return rc;
  kv_parlog_close(store->log);
  store->log = NULL;
  return rc;
}

int kv_parstore_next(kv_parstore *store, const kv_parstore_row **out) {
  int rc = SQLITE_DONE;

  *out = NULL;
  while (store->at < store->n_names && rc == SQLITE_DONE) {
    const char *name = store->names[store->at];

    if (name[0] == '.') {
      store->at++;
      continue;
    }
    rc = parstore_step(store);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW) return rc;
    if (rc == SQLITE_DONE) {
      store->at++;
      if (store->reason[0]) rc = SQLITE_ROW;
    }
    store->row.device = name;
    store->row.reason = store->row.row ? store->row.row->reason : store->reason;
  }
  if (rc == SQLITE_ROW) *out = &store->row;
  return rc;
}

void kv_parstore_close(kv_parstore *store) {
  if (!store) return;
  kv_parlog_close(store->log);
  kv_folder_free_names(store->names, store->n_names);
  sqlite3_finalize(store->poll);
  sqlite3_free(store->devices);
  sqlite3_free(store);
}
