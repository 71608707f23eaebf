/*
** Retires a device. See retire.h.
**
** First the copy, then the row: a crash in between leaves one more source of the log,
** which does no harm.
*/
#include "retire.h"

#include <string.h>

#include "cache/cache.h"
#include "cache/log_cursor.h"
#include "copy.h"
#include "core/clock.h"
#include "db/error.h"
#include "outgoing/own.h"
#include "own/publish.h"
#include "own/retired.h"
#include "store/errors.h"
#include "store/transaction.h"

/* Check that this store may retire a device. */
static int retire_check_store(kv_store *store, char **err) {
  kv_log_cursor own;
  int64_t n_waiting = 0;
  int rc;

  if (kv_store_in_transaction(store)) {
    return kv_error(err, SQLITE_ERROR,
                    "kv_retire() cannot run inside a transaction: COMMIT "
                    "first");
  }
  if (!store->root) {
    return kv_error(err, SQLITE_ERROR,
                    "%s is in memory: no other device has a log in it",
                    store->name);
  }
  if (!store->device) {
    return kv_error(err, SQLITE_READONLY,
                    "%s is open as an observer: name a device to write, "
                    "kv_open(path, device)",
                    store->name);
  }
  rc = kv_log_cursor_load(&store->stmts, store->device, &own);
  if (rc == SQLITE_OK && own.verdict.state == KV_STATE_TWIN) {
    rc = kv_store_refuse(store, &own.verdict, err);
  }
  kv_log_cursor_clear(&own);
  if (rc == SQLITE_OK) rc = kv_own_unpublished(store, &n_waiting);
  if (rc == SQLITE_OK && n_waiting > 0) {
    return kv_error(err, SQLITE_ERROR,
                    "%lld rows of %s are not published: call kv_sync() first, "
                    "which says why",
                    n_waiting, store->name);
  }
  return kv_store_error(store, err, rc, "cannot read");
}

/* Check that a device may be retired. */
static int retire_check_device(const kv_store *store,
                               const kv_log_cursor *cursor, char **err) {
  const kv_verdict *verdict = &cursor->verdict;

  if (strcmp(cursor->device, store->device) == 0) {
    return kv_error(err, SQLITE_ERROR,
                    "device %s cannot retire itself: call kv_retire('%s') on "
                    "another device",
                    cursor->device, cursor->device);
  }
  if (!cursor->has_id) {
    return kv_error(err, SQLITE_ERROR,
                    "nothing of a device %s was read: kv_devices lists the "
                    "devices",
                    cursor->device);
  }
  switch (verdict->state) {
    case KV_STATE_OK:
    case KV_STATE_MISSING:
    case KV_STATE_BEHIND:
    case KV_STATE_REWRITTEN: return SQLITE_OK;
    default:
      return kv_error(err, SQLITE_ERROR,
                      "device %s cannot be retired while its log is %s (%s): "
                      "see kv_devices",
                      cursor->device, kv_state_word(verdict->state),
                      verdict->detail ? verdict->detail : "");
  }
}

int kv_retire_is_done(kv_store *store, const char *device, int *is_done) {
  kv_run run;

  kv_run_begin(&run, &store->stmts, KV_SQL_RETIRE_IS_DONE);
  kv_run_text(&run, device);
  *is_done = kv_run_row(&run);
  return kv_run_close(&run);
}

int kv_retire_check_own(kv_store *store, char **err) {
  kv_log_cursor own;
  kv_run run;
  int is_other = 0;
  int rc;

  kv_run_begin(&run, &store->stmts, KV_SQL_JUDGE_RETIRED);
  kv_run_text(&run, store->device);
  if (kv_run_row(&run)) {
    const void *id = sqlite3_column_blob(run.stmt, 0);

    run.rc = kv_log_cursor_load(&store->stmts, store->device, &own);
    is_other = id && sqlite3_column_bytes(run.stmt, 0) == KV_ID_SIZE &&
               !(own.has_id && kv_row_same_lineage(own.id, id));
    kv_log_cursor_clear(&own);
  }
  rc = kv_run_close(&run);
  if (rc == SQLITE_OK && is_other && !kv_store_in_transaction(store)) {
    rc = kv_retired_take_back(store, err);
  }
  if (rc == SQLITE_OK && is_other) return kv_retired_refuse(store, err);
  return kv_store_error(store, err, rc, "cannot read");
}

/* Copy each device that this one has retired. */
static int retire_copy_chain(kv_store *store, const char *device, char **err) {
  kv_run run;

  kv_run_begin(&run, &store->stmts, KV_SQL_RETIRE_CHAIN);
  kv_run_text(&run, device);
  kv_run_text(&run, store->device);
  while (kv_run_row(&run))
    run.rc =
      kv_copy_write(store, (const char *)sqlite3_column_text(run.stmt, 0), err);
  return kv_run_close(&run);
}

/* The rows to be written: what is seen, as ever, and the row that retires. */
static int retire_rows(kv_store *store, const kv_log_cursor *cursor,
                       kv_seen **out, int *n) {
  kv_seen *more;
  kv_run run;
  int rc;

  kv_run_begin(&run, &store->stmts, KV_SQL_SEEN_DUE);
  kv_run_text(&run, store->device);
  rc = kv_transaction_read_seen(&run, out, n);
  if (rc != SQLITE_OK) return rc;
  more = sqlite3_realloc64(*out, ((sqlite3_uint64)*n + 1) * sizeof(*more));
  if (!more) return SQLITE_NOMEM;
  *out = more;
  more += (*n)++;
  memset(more, 0, sizeof(*more));
  memcpy(more->peer, cursor->device, sizeof(more->peer));
  memcpy(more->id, cursor->id, KV_ID_SIZE);
  more->at = cursor->cached;
  more->is_retired = 1;
  return rc;
}

static int retire_publish(kv_store *store, const kv_log_cursor *cursor,
                          char **err) {
  kv_publish_run run = {.must_look = 1};
  int64_t now = kv_store_now(store);
  int64_t latest = -1;
  kv_seen *seen = NULL;
  int is_done = 0;
  int rc = kv_cache_latest(&store->stmts, kv_clock_limit(now), &latest);

  if (rc == SQLITE_OK) rc = retire_rows(store, cursor, &seen, &run.n_seen);
  run.seen = seen;
  run.seen_ts = kv_clock_next(now, latest);
  if (rc == SQLITE_OK) rc = kv_publish_waiting(store, &run, err);
  sqlite3_free(seen);
  if (rc == SQLITE_OK) rc = kv_retire_is_done(store, cursor->device, &is_done);
  if (rc == SQLITE_OK && !is_done) {
    return kv_error(err, SQLITE_ERROR,
                    "device %s is not retired, because the log of device %s "
                    "cannot be written: call kv_sync(), then kv_devices says "
                    "why",
                    cursor->device, store->device);
  }
  return rc;
}

int kv_retire_device(kv_store *store, const char *device, int64_t *n_rows,
                     char **err) {
  kv_log_cursor cursor;
  int is_done = 0;
  int rc = retire_check_store(store, err);

  *n_rows = 0;
  if (rc != SQLITE_OK) return rc;
  rc = kv_log_cursor_load(&store->stmts, device ? device : "", &cursor);
  if (rc == SQLITE_OK) rc = retire_check_device(store, &cursor, err);
  if (rc == SQLITE_OK) rc = kv_cache_count(&store->stmts, device, n_rows);
  if (rc == SQLITE_OK) rc = kv_copy_write(store, device, err);
  if (rc == SQLITE_OK) rc = retire_copy_chain(store, device, err);
  if (rc == SQLITE_OK) rc = kv_retire_is_done(store, device, &is_done);
  if (rc == SQLITE_OK && !is_done) rc = retire_publish(store, &cursor, err);
  kv_log_cursor_clear(&cursor);
  return kv_store_error(store, err, rc, "cannot retire");
}
