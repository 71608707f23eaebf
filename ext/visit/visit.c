/*
** One device's log during a sync. See visit.h.
**
** If the file has not changed, it is not opened; that takes one fstatat, and one
** statement for all devices. Otherwise judge.h says what it is. New rows are merged
** at once, device by device; logs that take the place of others wait until all
** devices were visited, and then take it together: one of them may lack a deletion
** because another one lacks what it deleted.
*/
#include "visit.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "db/error.h"
#include "file/placeholder.h"
#include "judge.h"
#include "log/writer.h"
#include "store/errors.h"
#include "store/exchange.h"
#include "store/savepoint.h"
#include "tables/follow.h"

static int visit_is_changed(const kv_visit *visit) {
  const kv_log_cursor *a = &visit->before;
  const kv_log_cursor *b = &visit->cursor;

  if (!a->is_known || a->has_id != b->has_id ||
      a->cached.seq != b->cached.seq || a->cached.sum != b->cached.sum ||
      a->has_stamp != b->has_stamp || a->verdict.state != b->verdict.state ||
      memcmp(a->id, b->id, KV_ID_SIZE) != 0 ||
      memcmp(&a->stamp, &b->stamp, sizeof(a->stamp)) != 0) {
    return 1;
  }
  return strcmp(a->verdict.detail ? a->verdict.detail : "",
                b->verdict.detail ? b->verdict.detail : "") != 0;
}

/* True if the same file will get the same verdict next time. */
static int visit_is_final(const kv_visit *visit) {
  kv_state state = visit->cursor.verdict.state;

  return !visit->is_limited && state != KV_STATE_BUSY &&
         state != KV_STATE_NEWER;
}

/* What is there now: the kind of log.db, and the stamp of all sources. */
static kv_file_kind visit_stamp(const kv_visit *visit, kv_stamp *out) {
  kv_file_kind kind = kv_folder_look(visit->path, out);

  kv_copies_stamp(visit->copies, visit->n_copies, out);
  return kind;
}

/* Is there a file that may tell something of the log? */
static int visit_has_source(const kv_visit *visit) {
  return visit->kind == KV_FILE_REGULAR ||
         (visit->kind == KV_FILE_NONE && visit->n_copies > 0);
}

/* Note the stamp, if the same files will get the same verdict next time. */
static void visit_put_stamp(kv_visit *visit) {
  kv_log_cursor *cursor = &visit->cursor;
  kv_stamp after;

  cursor->synced = kv_folder_now();
  cursor->has_stamp = visit_is_final(visit) &&
                      visit_stamp(visit, &after) == visit->kind &&
                      memcmp(&after, &visit->stamp, sizeof(after)) == 0 &&
                      !kv_folder_is_fresh(&visit->stamp);
  memset(&cursor->stamp, 0, sizeof(after));
  if (cursor->has_stamp) cursor->stamp = after;
}

/* Read the log itself, inside a savepoint. */
static int visit_read(kv_visit *visit) {
  kv_store *store = visit->store;
  int rc = kv_reader_open(store->db, visit->path, visit->cursor.device,
                          &visit->reader, &visit->cursor.verdict);

  if (rc == SQLITE_OK && visit->reader) rc = kv_judge_file(visit);
  return rc;
}

/* Say why there is no file (or, if it is not listed, no directory). */
static int visit_say_none(kv_visit *visit) {
  const kv_log_cursor *cursor = &visit->cursor;
  const char *root = visit->store->root;
  char *path =
    kv_writer_path(root, cursor->device, visit->is_listed ? "log.db" : NULL);
  char *placeholder = NULL;
  int rc = path ? kv_placeholder_find(path, &placeholder) : SQLITE_NOMEM;

  if (rc == SQLITE_OK && placeholder) {
    kv_verdict_set(&visit->cursor.verdict, KV_STATE_WAITING,
                   "its log is not downloaded: %s is a placeholder of a cloud "
                   "drive; tell the drive to keep the folder on this device%s",
                   placeholder + strlen(root) + 1,
                   cursor->has_id ? "; what was read is kept" : "");
  } else if (cursor->has_id) {
    kv_judge_say(visit, KV_STATE_MISSING,
                 "its log is no longer in the folder; what was read is kept");
  } else {
    kv_judge_say(visit, KV_STATE_WAITING, "its log has not arrived yet");
  }
  sqlite3_free(placeholder);
  sqlite3_free(path);
  return rc;
}

/* Say what is there instead of a regular file. */
static int visit_say_kind(kv_visit *visit) {
  visit->cursor.has_stamp = 0;
  switch (visit->kind) {
    case KV_FILE_NONE: return visit_say_none(visit);
    case KV_FILE_UNKNOWN:
      kv_judge_say(visit, KV_STATE_BUSY,
                   "cannot be accessed: check the folder's permissions");
      break;
    default:
      kv_judge_say(visit, KV_STATE_STRANGER,
                   visit->is_listed ? "log.db is not a regular file"
                                    : "its folder is not a directory");
      break;
  }
  return SQLITE_OK;
}

static void visit_clear(kv_visit *visit) {
  kv_reader_close(visit->reader);
  kv_run_close(&visit->poll);
  kv_log_cursor_clear(&visit->cursor);
  kv_log_cursor_clear(&visit->before);
  kv_kept_clear(&visit->with.kept);
  sqlite3_free(visit->path);
}

/* The kind of what is there for a device not listed as a directory. */
static kv_file_kind visit_look_missing(kv_store *store, const char *device) {
  char *path = kv_writer_path(store->root, device, NULL);
  kv_stamp stamp;
  kv_file_kind kind = path ? kv_folder_look(path, &stamp) : KV_FILE_UNKNOWN;

  sqlite3_free(path);
  return kind == KV_FILE_REGULAR ? KV_FILE_OTHER : kind;
}

/* Look at the file. */
static void visit_look(const kv_visits *visits, kv_visit *visit,
                       const char *device) {
  kv_store *store = visit->store;
  char name[KV_NAME_MAX + sizeof("/log.db")];

  sqlite3_snprintf(sizeof(name), name, "%s/log.db", device);
  visit->kind =
    visit->is_listed ? KV_FILE_DIRECTORY : visit_look_missing(store, device);
  if (visit->kind == KV_FILE_DIRECTORY) {
    visit->kind = visits->devices
                    ? kv_folder_look_in(visits->devices, name, &visit->sight)
                    : KV_FILE_NONE;
  }
  visit->stamp = visit->sight;
  kv_copies_stamp(visit->copies, visit->n_copies, &visit->stamp);
}

/* A log that was read to its end. */
struct kv_visit_read {
  char device[KV_NAME_MAX + 1];
  kv_stamp stamp; /* as it was then */
};

/* Columns of visit_unchanged. */
enum { READ_DEVICE, READ_ID, READ_INODE, READ_SIZE, READ_MTIME, READ_CTIME };

static int visit_add_read(kv_visits *visits, sqlite3_stmt *stmt) {
  const char *device = (const char *)sqlite3_column_text(stmt, READ_DEVICE);
  int n = visits->n_read;
  struct kv_visit_read *read = visits->read;

  if (!device || strlen(device) > KV_NAME_MAX ||
      sqlite3_column_bytes(stmt, READ_ID) != KV_ID_SIZE) {
    return SQLITE_OK;
  }
  if ((n & (n - 1)) == 0) { /* room for a power of two */
    read =
      sqlite3_realloc64(read, (n ? 2 * (sqlite3_uint64)n : 1) * sizeof(*read));
    if (!read) return SQLITE_NOMEM;
    visits->read = read;
  }
  read += visits->n_read++;
  memcpy(read->device, device, strlen(device) + 1);
  read->stamp.inode = sqlite3_column_int64(stmt, READ_INODE);
  read->stamp.size = sqlite3_column_int64(stmt, READ_SIZE);
  read->stamp.mtime = sqlite3_column_int64(stmt, READ_MTIME);
  read->stamp.ctime = sqlite3_column_int64(stmt, READ_CTIME);
  return SQLITE_OK;
}

/*
** Load them, at the first visit. If another connection moves a cursor meanwhile,
** its log is another one, too, and is read under the lock.
*/
static int visit_load_read(kv_visits *visits) {
  kv_run run;
  int rc;

  if (visits->has_read) return SQLITE_OK;
  visits->n_read = 0;
  kv_run_begin(&run, &visits->store->stmts, KV_SQL_VISIT_UNCHANGED);
  kv_run_int(&run, KV_TS_MAX);
  while (kv_run_row(&run))
    run.rc = visit_add_read(visits, run.stmt);
  rc = kv_run_close(&run);
  visits->has_read = rc == SQLITE_OK;
  return rc;
}

static int visit_compare_read(const void *device, const void *read) {
  return strcmp(device, ((const struct kv_visit_read *)read)->device);
}

/* True if the file has not changed since it was read to its end. */
static int visit_is_idle(const kv_visits *visits, const kv_visit *visit,
                         const char *device) {
  const struct kv_visit_read *read;

  if (visits->is_again || visits->n_read == 0 || !visit_has_source(visit)) {
    return 0;
  }
  read = bsearch(device, visits->read, (size_t)visits->n_read, sizeof(*read),
                 visit_compare_read);
  return read && memcmp(&visit->stamp, &read->stamp, sizeof(read->stamp)) == 0;
}

/* Load the cursor again, now under the lock. */
static int visit_load(kv_visit *visit, const char *device) {
  kv_stmts *stmts = &visit->store->stmts;
  int rc;

  kv_log_cursor_clear(&visit->cursor);
  rc = kv_log_cursor_load(stmts, device, &visit->cursor);
  if (rc == SQLITE_OK) rc = kv_log_cursor_load(stmts, device, &visit->before);
  kv_run_begin(&visit->poll, stmts, KV_SQL_POLL);
  return kv_first_error(rc, visit->poll.rc);
}

/*
** Is the file damaged only because its device writes it just now? Nothing is locked
** here. A journal that a crash left does not count for long.
*/
static int visit_is_written(const kv_visit *visit) {
  kv_stamp after;
  char *journal;
  int is_there;

  if (visit->cursor.verdict.state != KV_STATE_DAMAGED) return 0;
  if (visit_stamp(visit, &after) != visit->kind ||
      memcmp(&after, &visit->stamp, sizeof(after)) != 0) {
    return 1;
  }
  journal = sqlite3_mprintf("%s-journal", visit->path);
  is_there = journal && kv_folder_look(journal, &after) == KV_FILE_REGULAR;
  sqlite3_free(journal);
  return is_there && kv_folder_is_fresh(&visit->stamp);
}

/* Merge the log, or say what is there instead. */
static int visit_judge(kv_visit *visit, int can_read) {
  int rc = SQLITE_OK;
  int i;

  if (visit->is_again || visit->n_copies > 0) rc = kv_judge_ask(visit);
  if (rc == SQLITE_OK && visit->kind != KV_FILE_REGULAR) {
    rc = visit_say_kind(visit);
  } else if (rc == SQLITE_OK && can_read) {
    visit->source = visit->path;
    rc = visit_read(visit);
  }
  if (can_read) {
    for (i = 0; i < visit->n_copies && rc == SQLITE_OK; i++)
      rc = kv_judge_copy(visit, &visit->copies[i]);
    if (rc == SQLITE_OK) kv_judge_last(visit);
    if (rc == SQLITE_OK && visit_is_written(visit)) return SQLITE_CORRUPT_VTAB;
    if (rc == SQLITE_OK && visit_has_source(visit)) visit_put_stamp(visit);
    return rc;
  }
  visit->cursor.has_stamp = 0;
  kv_judge_say(visit, KV_STATE_DAMAGED,
               "cannot be read: it needs more memory than there is");
  return SQLITE_OK;
}

/* Is all of it to come with the turn of another log? */
static int visit_is_put_off(const kv_visit *visit) {
  return visit->turn != KV_TURN_NONE && visit->n_merged + visit->n_seen == 0 &&
         visit->cursor.has_id == visit->before.has_id;
}

/* Save the state, unless it is to come later. */
static int visit_save(const kv_visit *visit, char **err) {
  kv_store *store = visit->store;
  int rc;

  if (visit_is_put_off(visit) || !visit_is_changed(visit)) return SQLITE_OK;
  rc = kv_log_cursor_save(&store->stmts, &visit->cursor);
  return rc == SQLITE_OK ? kv_follow_all(store, err) : rc;
}

/* Do all of that, or nothing. */
static int visit_merge_whole(kv_visit *visit, const char *device, int can_read,
                             char **err) {
  kv_store *store = visit->store;
  int rc;

  visit->path = kv_writer_path(store->root, device, "log.db");
  if (!visit->path) return SQLITE_NOMEM;
  rc = kv_store_savepoint(store, err);
  if (rc != SQLITE_OK) return rc;
  rc = visit_load(visit, device);
  if (rc == SQLITE_OK) rc = visit_judge(visit, can_read);
  if (rc == SQLITE_OK) rc = visit_save(visit, err);
  kv_store_error(store, err, rc, "cannot sync");
  rc = kv_store_savepoint_end(store, rc);
  if (rc == SQLITE_CORRUPT_VTAB && visit_has_source(visit)) {
    /* The file changed while it was read: retry at the next sync. */
    visit->n_merged = visit->n_seen = visit->n_retired = 0;
    kv_error_clear(err);
    rc = SQLITE_OK;
  }
  return rc;
}

/* A log is to take the place of what was read: keep the visit until then. */
static int visit_put_off(kv_visits *visits, kv_visit *visit) {
  sqlite3_uint64 n = (sqlite3_uint64)visits->n_later + 1;
  kv_visit **later = sqlite3_realloc64(visits->later, n * sizeof(*later));

  if (later) visits->later = later;
  if (later) later[visits->n_later] = sqlite3_malloc64(sizeof(*visit));
  if (!later || !later[visits->n_later]) return SQLITE_NOMEM;
  kv_reader_close(visit->reader);
  kv_run_close(&visit->poll);
  visit->reader = NULL;
  *later[visits->n_later++] = *visit;
  memset(visit, 0, sizeof(*visit));
  return SQLITE_OK;
}

static int visit_once(kv_visits *visits, const char *device, int is_listed,
                      int can_read, char **err) {
  kv_store *store = visits->store;
  kv_visit visit;
  int rc;

  memset(&visit, 0, sizeof(visit));
  visit.store = store;
  visit.is_listed = is_listed;
  visit.copies = kv_copies_of(&visits->copies, device, &visit.n_copies);
  visit.is_again = visits->is_again;
  rc = visit_load_read(visits);
  if (rc == SQLITE_OK) visit_look(visits, &visit, device);
  if (rc == SQLITE_OK && !visit_is_idle(visits, &visit, device)) {
    rc = visit_merge_whole(&visit, device, can_read, err);
  }
  if (rc == SQLITE_OK) {
    visits->n_merged += visit.n_merged;
    visits->n_seen += visit.n_seen;
    visits->n_retired += visit.n_retired;
    if (visit.kind == KV_FILE_REGULAR && !visit.is_again) {
      kv_sight_add(&store->exchange->sight, device, &visit.sight);
    }
  }
  if (rc == SQLITE_OK && visit.turn != KV_TURN_NONE) {
    rc = visit_put_off(visits, &visit);
  }
  visit_clear(&visit);
  return kv_store_error(store, err, rc, "cannot sync");
}

/*
** SQLite also returns SQLITE_NOMEM for a damaged file. If it does so twice, the
** file is not read. If memory really is short, noting that fails, too.
*/
int kv_visit_device(kv_visits *visits, const char *device, int is_listed,
                    char **err) {
  int rc = SQLITE_NOMEM;
  int attempt;

  for (attempt = 0; attempt < 3 && (rc & 0xff) == SQLITE_NOMEM; attempt++) {
    kv_error_clear(err);
    rc = visit_once(visits, device, is_listed, attempt < 2, err);
  }
  return rc;
}

/* The turn of one log has come. */
static int visit_take(kv_visit *visit) {
  const kv_log_cursor *now = &visit->before;
  char device[KV_NAME_MAX + 1];
  kv_position was = visit->cursor.cached;
  int rc;

  memcpy(device, visit->cursor.device, sizeof(device));
  kv_log_cursor_clear(&visit->before);
  rc = visit_load(visit, device);
  if (rc != SQLITE_OK) return rc;
  if (now->cached.seq != was.seq || now->cached.sum != was.sum) {
    return SQLITE_CORRUPT_VTAB; /* another connection has merged more */
  }
  if (visit->turn != KV_TURN_FORGET) {
    rc = kv_reader_open(visit->store->db, visit->source, device, &visit->reader,
                        &visit->cursor.verdict);
    if (rc == SQLITE_OK && !visit->reader) rc = SQLITE_CORRUPT_VTAB;
  }
  if (rc == SQLITE_OK) rc = kv_judge_take(visit);
  if (rc == SQLITE_OK) visit_put_stamp(visit);
  visit->turn = KV_TURN_NONE;
  if (rc == SQLITE_OK) {
    rc = kv_log_cursor_save(&visit->store->stmts, &visit->cursor);
  }
  kv_reader_close(visit->reader);
  kv_run_close(&visit->poll);
  visit->reader = NULL;
  return rc;
}

static void visit_drop_later(kv_visits *visits) {
  int i;

  for (i = 0; i < visits->n_later; i++) {
    visit_clear(visits->later[i]);
    sqlite3_free(visits->later[i]);
  }
  sqlite3_free(visits->later);
  visits->later = NULL;
  visits->n_later = 0;
}

int kv_visit_later(kv_visits *visits, char **err) {
  kv_store *store = visits->store;
  int i;
  int rc;

  if (visits->n_later == 0) return SQLITE_OK;
  rc = kv_store_savepoint(store, err);
  if (rc != SQLITE_OK) return rc;
  for (i = 0; i < visits->n_later && rc == SQLITE_OK; i++)
    rc = visit_take(visits->later[i]);
  if (rc == SQLITE_OK) rc = kv_follow_all(store, err);
  kv_store_error(store, err, rc, "cannot sync");
  rc = kv_store_savepoint_end(store, rc);
  if (rc == SQLITE_CORRUPT_VTAB) {
    kv_error_clear(err); /* a file or the cache changed meanwhile: next time */
    visit_drop_later(visits);
    return SQLITE_OK;
  }
  for (i = 0; i < visits->n_later && rc == SQLITE_OK; i++) {
    visits->n_merged += visits->later[i]->n_merged;
    visits->n_seen += visits->later[i]->n_seen;
    visits->n_retired += visits->later[i]->n_retired;
  }
  visit_drop_later(visits);
  return rc;
}

void kv_visit_end(kv_visits *visits) {
  visit_drop_later(visits);
  kv_copies_free(&visits->copies);
  kv_folder_close(visits->devices);
  sqlite3_free(visits->read);
  memset(visits, 0, sizeof(*visits));
}
