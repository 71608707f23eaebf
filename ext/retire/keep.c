/*
** Copies of logs, after they were made. See keep.h.
*/
#include "keep.h"

#include "cache/log_cursor.h"
#include "copy.h"
#include "db/error.h"
#include "db/handle.h"
#include "db/run.h"
#include "db/vfs.h"
#include "gone.h"
#include "log/writer.h"

int kv_keep_lost(kv_store *store, char **err) {
  kv_log_cursor own;
  kv_run run;
  char *why = NULL;
  int is_own;
  int rc = kv_log_cursor_load(&store->stmts, store->device, &own);

  is_own = own.has_id && own.verdict.state == KV_STATE_OK;
  kv_log_cursor_clear(&own);
  if (rc != SQLITE_OK || !is_own) return rc;
  kv_run_begin(&run, &store->stmts, KV_SQL_KEEP_LOST);
  kv_run_text(&run, store->device);
  while (kv_run_row(&run)) {
    const char *device = (const char *)sqlite3_column_text(run.stmt, 0);
    int is_copied = 0;

    run.rc = kv_gone_is_copied(store, device, &is_copied);
    if (run.rc == SQLITE_OK && !is_copied) {
      run.rc = kv_copy_write(store, device, &why);
    }
  }
  rc = kv_run_close(&run);
  return kv_error_put_off(err, rc, why);
}

/* Delete the own copy of a device's log, if its directory has it. */
static int keep_drop(kv_store *store, const char *device) {
  char *copy = kv_copy_path(store, device);
  char *log = kv_writer_path(store->root, device, "log.db");
  sqlite3_vfs *vfs = sqlite3_vfs_find(kv_handle_vfs(store->db));
  kv_log_cursor cursor;
  kv_stamp stamp;
  int is_there = 0;
  int rc = copy && log && vfs ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK && kv_folder_look(copy, &stamp) == KV_FILE_REGULAR) {
    rc = kv_log_cursor_load(&store->stmts, device, &cursor);
    if (rc == SQLITE_OK) {
      rc = kv_gone_reaches(store, device, log, cursor.id, cursor.cached.seq,
                           &is_there);
    }
    kv_log_cursor_clear(&cursor);
  }
  if (is_there) kv_vfs_delete(vfs, copy, 0); /* it may stay, too */
  sqlite3_free(copy);
  sqlite3_free(log);
  return rc;
}

int kv_keep_drop(kv_store *store) {
  kv_run run;

  kv_run_begin(&run, &store->stmts, KV_SQL_KEEP_BACK);
  kv_run_text(&run, store->device);
  while (kv_run_row(&run))
    run.rc = keep_drop(store, (const char *)sqlite3_column_text(run.stmt, 0));
  return kv_run_close(&run);
}
