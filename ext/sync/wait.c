/*
** Waiting until there is something to sync. See wait.h.
**
** The logs are looked at once a second, which takes one lstat each, and
** whenever the system tells of a change. A log that was changed just before it
** was looked at may change again and look the same: its last row tells. A log
** that waits for a sealed file does not change when that file comes: the time of
** the file tells.
*/
#include "wait.h"

#include <string.h>

#include "cache/log_cursor.h"
#include "connection/registry.h"
#include "db/error.h"
#include "db/run.h"
#include "folder/watch.h"
#include "log/writer.h"
#include "store/exchange.h"

/* Microseconds from one look to the next. */
#define WAIT_LOOK 1000000

/* Most milliseconds until the host is asked whether it was interrupted. */
#define WAIT_STEP 50

/* The greatest number of devices, or files of one, that are looked at. */
#define WAIT_NAMES 100000

/* By how much the time of a file may be behind the clock, nanoseconds. */
#define WAIT_CLOCK 20000000

typedef struct wait_run {
  kv_store *store;
  kv_sight *before; /* what this connection saw last */
  kv_sight now;
  kv_watch *watch;
  int must_watch; /* directories may have come */
  int has_news;   /* of rows that are not in the cache */
} wait_run;

/*
** Would waiting keep a lock? A statement that reads keeps only what its tables
** need, which is none for SELECT kv_wait(...).
*/
static int wait_check(kv_store *store, char **err) {
  int rc;

  if (kv_store_in_transaction(store)) {
    return kv_error(err, SQLITE_LOCKED,
                    "kv_wait() cannot run inside a transaction, whose locks "
                    "would be held meanwhile: COMMIT first");
  }
  rc = kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT);
  if (rc == SQLITE_OK) {
    rc = kv_stmt_exec(&store->stmts, KV_SQL_SAVEPOINT_RELEASE);
  }
  if (rc == SQLITE_BUSY) {
    kv_error(err, rc,
             "kv_wait() cannot run inside a statement that writes: call it in "
             "a statement of its own, SELECT kv_wait(60000)");
  }
  return rc;
}

static int wait_is_same(kv_position a, kv_position b) {
  return a.seq == b.seq && a.sum == b.sum;
}

/* Is this where the own log ended, as far as the cache knows? */
static int wait_is_own_end(const kv_log_cursor *own, kv_position end) {
  return wait_is_same(end, own->cached) || wait_is_same(end, own->published) ||
         (own->has_waiting && wait_is_same(end, own->waiting));
}

/* Does a log end with a row that the cache does not have? */
static int wait_ask(wait_run *run, const char *device, const char *path) {
  kv_store *store = run->store;
  int is_own = store->device && strcmp(store->device, device) == 0;
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_log_cursor cursor;
  kv_position end;
  int found = 0;
  int rc = kv_log_cursor_load(&store->stmts, device, &cursor);

  if (rc == SQLITE_OK && !is_own && cursor.verdict.state != KV_STATE_OK) {
    kv_log_cursor_clear(&cursor); /* its end is not in the cache */
    return SQLITE_OK;
  }
  if (rc == SQLITE_OK) {
    rc = kv_reader_open(store->db, path, device, &reader, &verdict);
  }
  if (rc == SQLITE_OK && reader) rc = kv_reader_tail(reader, &end, &found);
  if (rc == SQLITE_OK) {
    run->has_news |=
      !reader || !cursor.has_id || found < 0 ||
      memcmp(kv_reader_head(reader)->id, cursor.id, KV_ID_SIZE) != 0;
    if (found > 0) {
      run->has_news |= is_own ? !wait_is_own_end(&cursor, end)
                              : !wait_is_same(end, cursor.cached);
    }
  }
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  kv_log_cursor_clear(&cursor);
  return rc;
}

/* Watch the directory of a device, or with NULL that of all. */
static int wait_watch(wait_run *run, const char *device) {
  const char *root = run->store->root;
  char *path = device ? kv_writer_path(root, device, NULL)
                      : sqlite3_mprintf("%s/devices", root);

  if (path) kv_watch_add(run->watch, path);
  sqlite3_free(path);
  return path ? SQLITE_OK : SQLITE_NOMEM;
}

/* Look at the log of another device. */
static int wait_look_at(wait_run *run, const char *device) {
  char *path = kv_writer_path(run->store->root, device, "log.db");
  kv_stamp stamp;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK && kv_folder_look(path, &stamp) == KV_FILE_REGULAR) {
    kv_sight_add(&run->now, device, &stamp);
    if (run->before->is_synced && kv_sight_is_unsure(run->before, &stamp)) {
      rc = wait_ask(run, device, path);
    }
  }
  sqlite3_free(path);
  return rc;
}

/* Look at the own log, which this connection may have written itself. */
static int wait_look_at_own(wait_run *run) {
  const kv_sight *before = run->before;
  const char *device = run->store->device;
  kv_stamp *own = &run->now.own;
  char *path = kv_writer_path(run->store->root, device, "log.db");
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK) {
    kv_file_kind kind = kv_folder_look(path, own);
    int is_same = memcmp(own, &before->own, sizeof(*own)) == 0;

    if (kind != KV_FILE_REGULAR) {
      run->has_news |= !is_same;
    } else if (!is_same ||
               (before->is_synced && kv_sight_is_unsure(before, own))) {
      rc = wait_ask(run, device, path);
    }
  }
  sqlite3_free(path);
  return rc;
}

/* Has a sealed file come to this device's directory since the last look? */
static int wait_look_for_files(wait_run *run, const char *device) {
  const char *root = run->store->root;
  char *directory = kv_writer_path(root, device, NULL);
  char **names = NULL;
  int n = 0;
  int rc = directory ? SQLITE_OK : SQLITE_NOMEM;
  int i;

  if (rc == SQLITE_OK)
    rc = kv_folder_list(directory, WAIT_NAMES, 0, &names, &n);
  if (rc == SQLITE_CANTOPEN) rc = SQLITE_OK;
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    char *path;
    kv_stamp stamp;

    if (strncmp(names[i], "log-", 4) != 0) continue;
    path = kv_writer_path(root, device, names[i]);
    if (!path) rc = SQLITE_NOMEM;
    if (path && kv_folder_look(path, &stamp) == KV_FILE_REGULAR) {
      run->has_news |=
        kv_stamp_newest(&stamp) > run->before->taken - WAIT_CLOCK;
    }
    sqlite3_free(path);
  }
  kv_folder_free_names(names, n);
  sqlite3_free(directory);
  return rc;
}

/* The logs that wait for one of their sealed files. */
static int wait_look_at_waiting(wait_run *run) {
  kv_run waiting;

  kv_run_begin(&waiting, &run->store->stmts, KV_SQL_WAIT_FOR_FILES);
  kv_run_text(&waiting, kv_state_word(KV_STATE_WAITING));
  while (kv_run_row(&waiting)) {
    waiting.rc = wait_look_for_files(
      run, (const char *)sqlite3_column_text(waiting.stmt, 0));
  }
  return kv_run_close(&waiting);
}

static int wait_look_at_all(wait_run *run, char **names, int n) {
  const char *self = run->store->device;
  int rc = SQLITE_OK;
  int i;

  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    if (kv_name_check(names[i], strlen(names[i])) != NULL) continue;
    if (run->must_watch) rc = wait_watch(run, names[i]);
    if (rc != SQLITE_OK) break;
    rc = self && strcmp(names[i], self) == 0 ? SQLITE_OK
                                             : wait_look_at(run, names[i]);
  }
  return rc;
}

/* Look at all logs. A folder that is not there has none. */
static int wait_look(wait_run *run, int *is_changed) {
  kv_store *store = run->store;
  kv_sight *before = run->before;
  char *devices = sqlite3_mprintf("%s/devices", store->root);
  char **names = NULL;
  int n = 0;
  int rc = devices ? SQLITE_OK : SQLITE_NOMEM;

  kv_sight_begin(&run->now);
  run->has_news = 0;
  if (rc == SQLITE_OK && run->must_watch) {
    kv_watch_add(run->watch, store->root);
    rc = wait_watch(run, NULL);
  }
  if (rc == SQLITE_OK) {
    rc = kv_folder_list(devices, WAIT_NAMES, 1, &names, &n);
    if (rc == SQLITE_CANTOPEN) rc = SQLITE_OK;
  }
  if (rc == SQLITE_OK) rc = wait_look_at_all(run, names, n);
  if (rc == SQLITE_OK) rc = wait_look_at_waiting(run);
  if (rc == SQLITE_OK && store->device) rc = wait_look_at_own(run);
  kv_folder_free_names(names, n);
  sqlite3_free(devices);
  if (rc == SQLITE_OK) {
    *is_changed =
      !before->is_known || run->has_news || before->others != run->now.others;
    run->now.is_known = 1;
    run->now.is_synced = before->is_synced && !*is_changed;
    *before = run->now;
    run->must_watch = 0;
  }
  return rc;
}

/* How long to wait for the system, in milliseconds. */
static int wait_step(int64_t now, int64_t look, int64_t end) {
  int64_t until = look < end ? look : end;

  return until - now < WAIT_STEP * 1000 ? (int)((until - now + 999) / 1000)
                                        : WAIT_STEP;
}

/* Look and wait in turn until something has changed or the time is over. */
static int wait_loop(wait_run *run, sqlite3_stmt *poll, int64_t milliseconds,
                     int *is_changed) {
  int64_t now = kv_folder_clock();
  int64_t end =
    milliseconds < INT64_MAX / 2000 ? now + milliseconds * 1000 : INT64_MAX;
  int64_t look = run->store->root ? now : INT64_MAX;
  int rc = SQLITE_OK;

  while (!kv_stmt_is_stopped(poll)) {
    if (now >= look) {
      rc = wait_look(run, is_changed);
      if (rc != SQLITE_OK || *is_changed) return rc;
      look = now + WAIT_LOOK;
    }
    if (now >= end) return SQLITE_OK;
    if (kv_watch_wait(run->watch, wait_step(now, look, end))) {
      run->must_watch = 1;
      look = now;
    }
    now = kv_folder_clock();
  }
  return SQLITE_INTERRUPT;
}

int kv_wait_run(kv_store *store, int64_t milliseconds, int *is_changed,
                char **err) {
  wait_run run;
  kv_run poll;
  int rc = wait_check(store, err);

  *is_changed = 0;
  if (rc == SQLITE_OK) rc = kv_store_follow(store);
  if (rc != SQLITE_OK) return rc;
  memset(&run, 0, sizeof(run));
  run.store = store;
  run.before = &store->exchange->sight;
  run.must_watch = 1;
  run.watch = kv_watch_open(".db");
  kv_run_begin(&poll, &store->stmts, KV_SQL_POLL);
  rc = run.watch ? poll.rc : SQLITE_NOMEM;
  if (rc == SQLITE_OK) {
    rc = wait_loop(&run, poll.stmt, milliseconds, is_changed);
  }
  kv_run_close(&poll);
  kv_watch_close(run.watch);
  return rc;
}
