/*
** The own name and retired devices. See retired.h.
*/
#include "retired.h"

#include <string.h>

#include "cache/log_cursor.h"
#include "db/error.h"
#include "db/run.h"
#include "db/vfs.h"
#include "folder/folder.h"
#include "life/copies.h"
#include "log/writer.h"
#include "outgoing/own.h"
#include "store/savepoint.h"

/* Does a copy that is here, or a merged row, say that a device of this name is retired? */
static int retired_look(kv_store *store, int *is_retired) {
  kv_copies copies;
  kv_run run;
  int n = 0;
  int rc = kv_copies_find_all(store->root, &copies);

  if (rc == SQLITE_OK) kv_copies_of(&copies, store->device, &n);
  kv_copies_free(&copies);
  *is_retired = n > 0;
  if (rc != SQLITE_OK || n > 0) return rc;
  kv_run_begin(&run, &store->stmts, KV_SQL_RETIRED_NAME);
  kv_run_text(&run, store->device);
  *is_retired = kv_run_row(&run);
  return kv_run_close(&run);
}

int kv_retired_check(kv_store *store, char **err) {
  char *path = kv_writer_path(store->root, store->device, "log.db");
  kv_stamp stamp;
  int is_retired = 0;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK && kv_folder_look(path, &stamp) == KV_FILE_NONE) {
    rc = retired_look(store, &is_retired);
  }
  sqlite3_free(path);
  if (rc == SQLITE_OK && is_retired) {
    return kv_error(err, SQLITE_ERROR,
                    "device %s is retired, and its log is not here: bring back "
                    "its directory or its database file, or open the folder "
                    "under another name, kv_open(path, device)",
                    store->device);
  }
  return rc;
}

int kv_retired_check_adopt(kv_store *store, char **err) {
  int is_retired = 0;
  int rc = retired_look(store, &is_retired);

  if (rc == SQLITE_OK && is_retired) {
    return kv_error(err, SQLITE_ERROR,
                    "device %s cannot begin a new log, because it was retired "
                    "and others keep the old one: open the folder under "
                    "another name, kv_open(path, device)",
                    store->device);
  }
  return rc;
}

int kv_retired_refuse(const kv_store *store, char **err) {
  return kv_error(err, SQLITE_ERROR,
                  "device %s is retired, and this is another one: open the "
                  "folder under another name, kv_open(path, device)",
                  store->device);
}

/* Delete log.db, if it is the one that the cache knows, and has no rows. */
static void retired_delete(kv_store *store, const kv_log_cursor *own,
                           int *is_deleted) {
  kv_writer_place place = kv_own_place(store, NULL);
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_writer *log = NULL;
  char *directory = kv_writer_path(store->root, store->device, NULL);
  char *why = NULL;
  int rc = kv_writer_lock(&place, &log, &verdict, &why);

  *is_deleted = 0;
  if (rc == SQLITE_OK && log && log->tail.seq == 0 &&
      (log->is_new || memcmp(log->head.id, own->id, KV_ID_SIZE) == 0)) {
    /* While it is locked: another process that waits for it sees that it is gone. */
    rc = kv_vfs_delete(kv_writer_vfs(log), log->path, 0);
    *is_deleted = rc == SQLITE_OK;
  }
  kv_writer_close(log);
  if (*is_deleted && directory) kv_folder_remove(directory);
  kv_verdict_clear(&verdict);
  sqlite3_free(directory);
  sqlite3_free(why);
}

int kv_retired_take_back(kv_store *store, char **err) {
  kv_log_cursor own;
  int is_deleted;
  int rc = kv_store_savepoint(store, err);

  if (rc != SQLITE_OK) return rc;
  rc = kv_own_load(store, &own);
  if (rc == SQLITE_OK && own.has_id && own.cached.seq == 0) {
    retired_delete(store, &own, &is_deleted); /* it may stay, too */
    if (is_deleted) {
      own.has_id = own.has_stamp = own.has_before = 0;
      rc = kv_log_cursor_save(&store->stmts, &own);
    }
  }
  kv_log_cursor_clear(&own);
  return kv_store_savepoint_end(store, rc);
}
