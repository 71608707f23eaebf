/*
** The own log begins again from a copy. See comeback.h.
**
** log.db is filled under its lock, in one transaction, so that two processes that
** come back at once, or a crash, leave one whole log.
*/
#include "comeback.h"

#include <assert.h>
#include <string.h>

#include "db/error.h"
#include "db/handle.h"
#include "db/run.h"
#include "db/vfs.h"
#include "life/copies.h"
#include "life/generation.h"
#include "log/append.h"
#include "outgoing/own.h"
#include "store/errors.h"
#include "store/savepoint.h"
#include "store/transaction.h"

/* The copies of the own log that are here. */
typedef struct comeback_run {
  kv_store *store;
  const kv_log_cursor *own; /* NULL: nothing is known of it */
  kv_reader *best;          /* the copy that has most; NULL: none is of use */
  kv_position end;          /* of it */
  int64_t n;                /* rows */
  int n_found;              /* copies */
} comeback_run;

/* Did this machine write the log? Its cache knows that, too. */
static int comeback_is_mine(const comeback_run *run, const kv_log_head *head) {
  return strcmp(head->host, run->store->machine) == 0 ||
         (run->own && !head->host[0]);
}

/* Is this log further than the best one, or than what the cache knows? */
static int comeback_is_further(const comeback_run *run, const kv_log_head *head,
                               kv_position end) {
  const unsigned char *id = run->own ? run->own->id : NULL;
  int64_t seq = run->own ? run->own->published.seq : -1;
  int order;

  if (id && !kv_row_same_lineage(head->id, id)) return 0;
  if (run->best) {
    id = kv_reader_head(run->best)->id;
    seq = run->end.seq;
  }
  order = id ? memcmp(head->id, id, KV_ID_SIZE) : 1;
  return order > 0 || (order == 0 && end.seq > seq);
}

static int comeback_look(comeback_run *run, const char *path) {
  kv_store *store = run->store;
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_stretch stretch;
  int rc = kv_reader_open(store->db, path, store->device, &reader, &verdict);

  run->n_found++;
  if (rc == SQLITE_OK && reader) {
    const kv_log_head *head = kv_reader_head(reader);

    rc =
      kv_reader_verify(reader, kv_log_start(head), INT64_MAX, NULL, &stretch);
    if (rc == SQLITE_OK && stretch.ended == KV_END_CLEAN &&
        comeback_is_mine(run, head) &&
        comeback_is_further(run, head, stretch.end)) {
      kv_reader *other = run->best;

      run->best = reader;
      run->end = stretch.end;
      run->n = stretch.n_rows + stretch.n_seen;
      reader = other;
    }
  }
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  return rc;
}

/* Find the copy that has most; kv_reader_close() it. */
static int comeback_find(kv_store *store, const kv_log_cursor *own,
                         comeback_run *run) {
  kv_copies copies;
  const kv_copy *copy;
  int i;
  int n;
  int rc = kv_copies_find_all(store->root, &copies);

  memset(run, 0, sizeof(*run));
  run->store = store;
  run->own = own && own->has_id ? own : NULL;
  copy = kv_copies_of(&copies, store->device, &n);
  for (i = 0; i < n && rc == SQLITE_OK; i++)
    rc = comeback_look(run, copy[i].path);
  kv_copies_free(&copies);
  return rc;
}

/* Does a merged row say that a device of this name is retired? */
static int comeback_is_retired(kv_store *store, int *is_retired) {
  kv_run run;

  kv_run_begin(&run, &store->stmts, KV_SQL_COMEBACK_RETIRED);
  kv_run_text(&run, store->device);
  *is_retired = kv_run_row(&run);
  return kv_run_close(&run);
}

int kv_comeback_check(kv_store *store, char **err) {
  char *path = kv_writer_path(store->root, store->device, "log.db");
  comeback_run run;
  kv_stamp stamp;
  int is_refused = 0;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK && kv_folder_look(path, &stamp) == KV_FILE_NONE) {
    rc = comeback_find(store, NULL, &run);
    is_refused = !run.best && run.n_found > 0;
    if (rc == SQLITE_OK && run.n_found == 0) {
      rc = comeback_is_retired(store, &is_refused);
    }
    kv_reader_close(run.best);
  }
  sqlite3_free(path);
  return rc == SQLITE_OK && is_refused ? kv_comeback_refuse(store, err) : rc;
}

int kv_comeback_check_adopt(kv_store *store, char **err) {
  kv_copies copies;
  int is_retired = 0;
  int n = 0;
  int rc = kv_copies_find_all(store->root, &copies);

  if (rc == SQLITE_OK) kv_copies_of(&copies, store->device, &n);
  if (rc == SQLITE_OK) rc = comeback_is_retired(store, &is_retired);
  kv_copies_free(&copies);
  if (rc == SQLITE_OK && (n > 0 || is_retired)) {
    return kv_error(err, SQLITE_ERROR,
                    "device %s cannot begin a new log, because it was retired "
                    "and others keep the old one: open the folder under "
                    "another name, kv_open(path, device)",
                    store->device);
  }
  return rc;
}

/* The rows of a copy on their way into the log. */
typedef struct comeback_feed {
  kv_rows base; /* base class: must be first */
  kv_reader *reader;
  kv_rows_row out;
  int rc; /* why they ended */
} comeback_feed;

static const kv_rows_row *comeback_next(kv_rows *base) {
  comeback_feed *feed = (comeback_feed *)base;
  const char *reason = NULL;
  const kv_row *row;
  int rc = kv_reader_next(feed->reader, &row, &reason);

  feed->rc = rc != SQLITE_DONE ? rc : reason ? KV_DAMAGED : SQLITE_OK;
  if (rc != SQLITE_ROW) return NULL;
  feed->rc = SQLITE_OK;
  feed->out.row = *row;
  return &feed->out;
}

/* Make the empty log the next generation of the copy. */
static int comeback_write(const comeback_run *run, kv_writer *log) {
  const kv_log_head *before = kv_reader_head(run->best);
  comeback_feed feed;
  kv_log_head head;
  int rc;

  kv_generation_head(run->store->db, before, run->end, 0, &head);
  memset(&feed, 0, sizeof(feed));
  feed.base.next = comeback_next;
  feed.reader = run->best;
  rc = kv_writer_restart(log, &head);
  if (rc == SQLITE_OK) {
    rc = kv_reader_start(run->best, kv_log_start(before), INT64_MAX);
  }
  if (rc == SQLITE_OK) rc = kv_append_rows(log, &feed.base, run->n);
  return kv_first_error(feed.rc, rc);
}

int kv_comeback_fill(kv_store *store, const kv_log_cursor *own, kv_writer *log,
                     int *is_filled, char **err) {
  comeback_run run;
  int rc = comeback_find(store, own, &run);

  assert(kv_writer_is_locked(log) && log->is_new);
  *is_filled = 0;
  if (rc == SQLITE_OK && run.best) {
    rc = comeback_write(&run, log);
    *is_filled = rc == SQLITE_OK;
  }
  kv_reader_close(run.best);
  return rc == SQLITE_OK ? rc
                         : kv_store_error(store, err, rc,
                                          "cannot begin the own log from its "
                                          "copy");
}

int kv_comeback_refuse(const kv_store *store, char **err) {
  return kv_error(err, SQLITE_ERROR,
                  "device %s is retired, and this is another one: open the "
                  "folder under another name, kv_open(path, device)",
                  store->device);
}

/* Delete log.db, if it is the one that the cache knows, and has no rows. */
static void comeback_delete(kv_store *store, const kv_log_cursor *own,
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

int kv_comeback_take_back(kv_store *store, char **err) {
  kv_log_cursor own;
  int is_deleted;
  int rc = kv_store_savepoint(store, err);

  if (rc != SQLITE_OK) return rc;
  rc = kv_own_load(store, &own);
  if (rc == SQLITE_OK && own.has_id && own.cached.seq == 0) {
    comeback_delete(store, &own, &is_deleted); /* it may stay, too */
    if (is_deleted) {
      own.has_id = own.has_stamp = own.has_before = 0;
      rc = kv_log_cursor_save(&store->stmts, &own);
    }
  }
  kv_log_cursor_clear(&own);
  return kv_store_savepoint_end(store, rc);
}
