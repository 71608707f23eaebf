/*
** The own log file, while it is locked to publish. See writer.h; journal.h deals
** with files beside it, before SQLite reads them.
*/
#include "writer.h"

#include <assert.h>
#include <string.h>

#include "db/error.h"
#include "db/handle.h"
#include "db/run.h"
#include "db/stmt.h"
#include "db/value.h"
#include "db/vfs.h"
#include "file/placeholder.h"
#include "file/reserve.h"
#include "folder/folder.h"
#include "journal.h"

/* More than a commit adds to its pages: the first one in the journal, and what
** the file system needs. */
#define LOG_ROOM 32768

/* How often a log that is replaced meanwhile is opened. */
#define WRITER_OPENS 10

char *kv_writer_path(const char *root, const char *device, const char *file) {
  return file ? sqlite3_mprintf("%s/devices/%s/%s", root, device, file)
              : sqlite3_mprintf("%s/devices/%s", root, device);
}

/* A name that differs only in case would be the same file elsewhere. */
static int writer_check_case(const char *devices, const char *device,
                             char **err) {
  char **names = NULL;
  int n = 0;
  int i;
  int rc = kv_folder_list(devices, 1000000, 0, &names, &n);

  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    if (strcmp(names[i], device) != 0 &&
        kv_name_same_nocase(names[i], device)) {
      rc = kv_error(err, SQLITE_CANTOPEN,
                    "device %s differs from the existing %s only in case, "
                    "which some file systems ignore: choose another name",
                    device, names[i]);
    }
  }
  kv_folder_free_names(names, n);
  return rc;
}

static int writer_make_directory(const char *path, char **err) {
  if (kv_folder_make(path) == SQLITE_OK) return SQLITE_OK;
  return kv_error(err, SQLITE_CANTOPEN,
                  "cannot create folder %s: check its permissions and that "
                  "the disk is not full",
                  path);
}

/*
** A missing log may be in the cloud only. A new one, with fewer rows, would
** replace it there.
*/
static int writer_check_downloaded(const char *path, char **err) {
  char *placeholder = NULL;
  kv_stamp stamp;
  int rc = SQLITE_OK;

  if (kv_folder_look(path, &stamp) != KV_FILE_NONE) return rc;
  rc = kv_placeholder_find(path, &placeholder);
  if (rc == SQLITE_OK && placeholder) {
    rc = kv_error(err, SQLITE_CANTOPEN,
                  "%s is not downloaded: %s is a placeholder of a cloud drive; "
                  "tell the drive to keep the folder on this device, then call "
                  "kv_sync()",
                  path, placeholder);
  }
  sqlite3_free(placeholder);
  return rc;
}

/* Create the directories of the device; the root must exist. */
static int writer_make_place(const kv_writer_place *place, char **err) {
  char *devices = sqlite3_mprintf("%s/devices", place->root);
  char *own = kv_writer_path(place->root, place->device, NULL);
  kv_file_kind kind = KV_FILE_NONE;
  kv_stamp stamp;
  int rc = devices && own ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK &&
      kv_folder_look(place->root, &stamp) != KV_FILE_DIRECTORY) {
    rc = kv_error(err, SQLITE_CANTOPEN,
                  "folder %s is not there: mount it, or create it if it is "
                  "gone for good; nothing is lost",
                  place->root);
  }
  if (rc == SQLITE_OK) kind = kv_folder_look(devices, &stamp);
  if (kind == KV_FILE_REGULAR || kind == KV_FILE_OTHER) {
    rc = kv_error(err, SQLITE_CANTOPEN, "%s is not a directory: move it away",
                  devices);
  }
  if (rc == SQLITE_OK) rc = writer_check_downloaded(own, err);
  if (rc == SQLITE_OK && kv_folder_look(own, &stamp) != KV_FILE_DIRECTORY) {
    rc = writer_make_directory(devices, err);
    if (rc == SQLITE_OK) rc = writer_check_case(devices, place->device, err);
    if (rc == SQLITE_OK) rc = writer_make_directory(own, err);
    if (rc == SQLITE_OK && kv_folder_look(own, &stamp) != KV_FILE_DIRECTORY) {
      rc = kv_error(err, SQLITE_CANTOPEN, "%s is not a directory: move it away",
                    own);
    }
  }
  sqlite3_free(devices);
  sqlite3_free(own);
  return rc;
}

static void writer_bind_origin(kv_run *run, const kv_origin *origin) {
  if (origin->has_former) {
    kv_run_blob(run, origin->former_id, KV_ID_SIZE);
    kv_run_int(run, origin->former_seq);
    kv_run_int(run, origin->former_sum);
  } else {
    kv_run_null(run);
    kv_run_null(run);
    kv_run_null(run);
  }
  kv_run_int(run, origin->horizon);
}

/* Write the tables and the device row of a new log. */
static int writer_create(kv_writer *log, const kv_writer_place *place) {
  kv_log_head *head = &log->head;
  kv_run run;
  int rc = kv_stmt_run(log->handle, KV_SQL_LOG_FORMAT);

  memset(head, 0, sizeof(*head));
  if (place->head) *head = *place->head;
  if (!head->name[0]) {
    sqlite3_snprintf(sizeof(head->name), head->name, "%s", place->device);
  }
  sqlite3_snprintf(sizeof(head->host), head->host, "%s", place->machine);
  if (!place->head) kv_handle_random(place->host, KV_ID_SIZE, head->id);
  if (head->base.seq == 0) head->base = kv_log_start(head);
  log->tail = head->base;
  log->is_new = 1;
  if (rc == SQLITE_OK) rc = kv_stmt_run(log->handle, KV_SQL_LOG_CREATE_DEVICE);
  if (rc == SQLITE_OK) rc = kv_stmt_run(log->handle, KV_SQL_LOG_CREATE_LOG);
  if (rc != SQLITE_OK) return rc;
  kv_run_begin_on(&run, log->handle, KV_SQL_LOG_PUT_DEVICE);
  kv_run_text(&run, head->name);
  kv_run_blob(&run, head->id, KV_ID_SIZE);
  kv_run_text(&run, head->host);
  kv_run_int(&run, place->now);
  kv_run_int(&run, head->base.seq);
  kv_run_int(&run, head->base.sum);
  writer_bind_origin(&run, &head->origin);
  return kv_run_end(&run);
}

/* Find whose log it is, and where it ends. */
static int writer_read_head(kv_writer *log, const kv_writer_place *place,
                            kv_verdict *verdict) {
  kv_position tail = {0, 0};
  int found = 0;
  int rc = kv_reader_on(place->host, log->handle, place->device, &log->reader,
                        verdict);

  if (rc != SQLITE_OK || !log->reader) return rc;
  log->head = *kv_reader_head(log->reader);
  log->tail = log->head.base;
  rc = kv_reader_tail(log->reader, &tail, &found);
  if (rc == SQLITE_OK && found < 0) {
    kv_verdict_set(verdict, KV_STATE_DAMAGED,
                   "has a last row that cannot be read");
  } else if (rc == SQLITE_OK && found) {
    log->tail = tail;
  } else if (log->tail.seq < log->head.origin.former_seq) {
    log->tail.seq = log->head.origin.former_seq;
  }
  return rc;
}

int kv_writer_error(char **err, int rc, const char *path) {
  switch (rc & 0xff) {
    case SQLITE_BUSY:
      return kv_error(err, SQLITE_BUSY,
                      "%s is locked by another program: try again, or set "
                      "PRAGMA busy_timeout",
                      path);
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT: return rc;
    case SQLITE_FULL:
      return kv_error(err, rc, "cannot write %s: the disk is full", path);
    default:
      return kv_error(err, rc, "cannot write %s: %s", path, sqlite3_errstr(rc));
  }
}

/*
** The first statement, which reads the schema, whatever it is. SQLite returns
** SQLITE_NOMEM for a damaged one, too, but then it does so twice.
*/
static int writer_make_durable(kv_writer *log) {
  int rc = kv_stmt_run(log->handle, KV_SQL_LOG_DURABLE);

  if ((rc & 0xff) != SQLITE_NOMEM) return rc;
  return kv_handle_judge(log->handle,
                         kv_stmt_run(log->handle, KV_SQL_LOG_DURABLE));
}

/* Begin, and read or make what a log has. The handle is open. */
static int writer_enter(kv_writer *log, const kv_writer_place *place,
                        kv_verdict *verdict, char **err) {
  kv_stamp stamp;
  int rc = kv_journal_check(place->host, log->handle, log->path,
                            place->busy_timeout, err);

  if (rc == SQLITE_INTERRUPT) return rc; /* the host's */
  log->work = KV_WORK_ADMIT;
  kv_confine_steps(log->handle, &log->work);
  if (rc == SQLITE_OK) rc = writer_make_durable(log);
  if (rc == SQLITE_OK) rc = kv_stmt_run(log->handle, KV_SQL_LOG_BEGIN);
  kv_confine_steps(log->handle, NULL);
  if ((rc & 0xff) == SQLITE_NOTADB || (rc & 0xff) == SQLITE_CORRUPT) {
    kv_verdict_set(verdict, KV_STATE_DAMAGED, "cannot be read: %s",
                   sqlite3_errstr(rc));
    return SQLITE_OK;
  }
  if ((rc & 0xff) == SQLITE_TOOBIG || (rc & 0xff) == SQLITE_INTERRUPT) {
    kv_verdict_set(verdict, KV_STATE_STRANGER,
                   "does not have the tables of a log");
    return SQLITE_OK;
  }
  if (rc != SQLITE_OK) return kv_writer_error(err, rc, log->path);
  if (kv_writer_has_moved(log)) return KV_MOVED;

  if (kv_folder_look(log->path, &stamp) != KV_FILE_REGULAR) {
    rc = SQLITE_CANTOPEN; /* it was made when it was opened */
  } else if (stamp.size > 0) {
    rc = writer_read_head(log, place, verdict);
  } else {
    rc = writer_create(log, place);
  }
  log->txn = log->tail.seq;
  log->before = log->tail;
  if (rc == SQLITE_OK) {
    rc = kv_stmt_prepare(log->handle, KV_SQL_LOG_COMMIT, &log->commit);
  }
  return rc == SQLITE_OK ? rc : kv_writer_error(err, rc, log->path);
}

/*
** After a crash during a replacement: the old log is already away, and the new
** one is not yet in its place.
*/
static int writer_end_replacement(const kv_writer_place *place,
                                  const char *path) {
  char *new_path = sqlite3_mprintf("%s.new", path);
  kv_stamp stamp;
  int is_whole = 0;
  int rc = new_path ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK && kv_folder_look(path, &stamp) == KV_FILE_NONE &&
      kv_folder_look(new_path, &stamp) == KV_FILE_REGULAR) {
    rc = kv_journal_is_whole(place->host, new_path, &is_whole);
    if (rc == SQLITE_OK && is_whole) rc = kv_folder_rename(new_path, path);
  }
  sqlite3_free(new_path);
  return rc;
}

/*
** Open and lock the file. While this waited for the lock, a repaired log may have
** taken its place: then the file that is locked has another name.
*/
static int writer_open(kv_writer *log, const kv_writer_place *place,
                       kv_verdict *verdict, char **err) {
  int rc = KV_MOVED;
  int attempt;

  for (attempt = 0; attempt < WRITER_OPENS && rc == KV_MOVED; attempt++) {
    sqlite3_close(log->handle);
    rc = kv_handle_write(place->host, log->path, 1, place->busy_timeout,
                         &log->handle);
    if (rc != SQLITE_OK) return kv_writer_error(err, rc, log->path);
    rc = writer_enter(log, place, verdict, err);
  }
  return rc == KV_MOVED ? kv_writer_error(err, SQLITE_BUSY, log->path) : rc;
}

int kv_writer_lock(const kv_writer_place *place, kv_writer **out,
                   kv_verdict *verdict, char **err) {
  kv_writer *log = kv_zalloc(sizeof(*log));
  kv_stamp stamp;
  int rc = log ? SQLITE_OK : SQLITE_NOMEM;

  *out = NULL;
  kv_verdict_clear(verdict);
  if (rc == SQLITE_OK) {
    log->path = kv_writer_path(place->root, place->device, place->file);
    if (!log->path) rc = SQLITE_NOMEM;
  }
  if (rc == SQLITE_OK) rc = writer_make_place(place, err);
  if (rc == SQLITE_OK) rc = writer_end_replacement(place, log->path);
  if (rc == SQLITE_OK) rc = writer_check_downloaded(log->path, err);
  if (rc == SQLITE_OK) rc = kv_journal_clear_new(place->host, log->path);
  if (rc == SQLITE_OK) {
    kv_file_kind kind = kv_folder_look(log->path, &stamp);
    if (kind != KV_FILE_NONE && kind != KV_FILE_REGULAR) {
      rc = kv_error(err, SQLITE_CANTOPEN,
                    "%s is not a regular file: move it away", log->path);
    }
  }
  if (rc == SQLITE_OK) rc = writer_open(log, place, verdict, err);
  if (rc != SQLITE_OK || verdict->state != KV_STATE_OK) {
    kv_writer_close(log);
    log = NULL;
  }
  *out = log;
  return rc;
}

int kv_writer_is_locked(const kv_writer *log) {
  return !sqlite3_get_autocommit(log->handle);
}

int kv_writer_note(kv_writer *log, int rc) {
  if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_INTERRUPT) log->has_failed = 1;
  return rc;
}

int kv_writer_has_failed(const kv_writer *log) {
  return log && log->has_failed;
}

/*
** A file that was just made is not on the disk yet, so no reader could admit
** it.
*/
static int writer_new_sum_at(kv_writer *log, int64_t seq, int64_t *sum,
                             int *found) {
  kv_run run;

  int is_hole = seq > log->head.base.seq && seq <= log->head.origin.former_seq;

  *sum = log->head.base.sum;
  *found = is_hole;
  kv_run_begin_on(&run, log->handle, KV_SQL_FOREIGN_SUM_AT);
  kv_run_int(&run, seq);
  if (kv_run_row(&run)) {
    *found = is_hole || sqlite3_column_int64(run.stmt, 0) == seq;
    *sum = sqlite3_column_int64(run.stmt, 1);
  }
  return kv_run_close(&run);
}

int kv_writer_sum_at(kv_writer *log, int64_t seq, int64_t *sum, int *found) {
  int is_base = seq == log->head.base.seq;

  *found = is_base || seq == log->tail.seq;
  *sum = is_base ? log->head.base.sum : log->tail.sum;
  if (*found) return SQLITE_OK;
  return kv_writer_note(log, log->reader
                               ? kv_reader_sum_at(log->reader, seq, sum, found)
                               : writer_new_sum_at(log, seq, sum, found));
}

int kv_writer_check(kv_writer *log, int *is_whole) {
  return kv_writer_note(log, kv_handle_quick_check(log->handle, is_whole));
}

int kv_writer_trim(kv_writer *log) {
  sqlite3_file *file = NULL;
  int rc;

  assert(kv_writer_is_locked(log));
  if (log->head.end == 0) return SQLITE_OK;
  assert(!log->append.stmt);
  rc =
    sqlite3_file_control(log->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (rc == SQLITE_OK) rc = file->pMethods->xTruncate(file, log->head.end);
  if (rc == SQLITE_OK) log->head.end = 0;
  return kv_writer_note(log, rc);
}

int kv_writer_take_over(kv_writer *log, const char *machine) {
  kv_run run;
  int rc;

  assert(kv_writer_is_locked(log));
  kv_run_begin_on(&run, log->handle, KV_SQL_LOG_TAKE_OVER);
  kv_run_text(&run, machine);
  rc = kv_run_end(&run);
  if (rc == SQLITE_OK) {
    sqlite3_snprintf(sizeof(log->head.host), log->head.host, "%s", machine);
  }
  return kv_writer_note(log, rc);
}

int kv_writer_restart(kv_writer *log, const kv_log_head *head) {
  kv_run run;
  int rc;

  assert(kv_writer_is_locked(log));
  kv_reader_close(log->reader);
  log->reader = NULL;
  rc = kv_writer_trim(log);
  if (rc == SQLITE_OK) {
    rc = kv_writer_note(log, kv_stmt_run(log->handle, KV_SQL_LOG_EMPTY));
  }
  if (rc != SQLITE_OK) return rc;
  kv_run_begin_on(&run, log->handle, KV_SQL_LOG_RESTART);
  kv_run_blob(&run, head->id, KV_ID_SIZE);
  kv_run_int(&run, head->base.seq);
  kv_run_int(&run, head->base.sum);
  writer_bind_origin(&run, &head->origin);
  rc = kv_writer_note(log, kv_run_end(&run));
  memcpy(log->head.id, head->id, KV_ID_SIZE);
  log->head.origin = head->origin;
  log->head.base = log->tail = head->base;
  log->txn = log->tail.seq;
  return rc;
}

int kv_writer_has_moved(const kv_writer *log) {
  int has_moved = 0;
  int rc = sqlite3_file_control(log->handle, "main", SQLITE_FCNTL_HAS_MOVED,
                                &has_moved);

  return rc == SQLITE_OK && has_moved;
}

sqlite3_vfs *kv_writer_vfs(kv_writer *log) {
  sqlite3_vfs *vfs = NULL;

  sqlite3_file_control(log->handle, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
  return vfs;
}

int kv_writer_reserve(kv_writer *log, char **err) {
  sqlite3_vfs *vfs = kv_writer_vfs(log);
  int n_cached = 0;
  int highest = 0;
  int rc = vfs ? SQLITE_OK : SQLITE_ERROR;

  assert(kv_writer_is_locked(log) && !log->holds_room);
  /* What is not in memory has been written, and so has what the journal needs
  ** of it, but for the first page. */
  if (rc == SQLITE_OK) {
    rc = sqlite3_db_status(log->handle, SQLITE_DBSTATUS_CACHE_USED, &n_cached,
                           &highest, 0);
  }
  if (rc == SQLITE_OK) {
    rc = kv_reserve_hold(vfs, log->path, n_cached + LOG_ROOM, &log->holds_room);
  }
  return rc == SQLITE_OK ? rc : kv_writer_error(err, rc, log->path);
}

static void writer_drop_room(kv_writer *log) {
  if (log->holds_room) kv_reserve_drop(kv_writer_vfs(log), log->path);
  log->holds_room = 0;
}

int kv_writer_commit(kv_writer *log) {
  int rc;

  writer_drop_room(log);
  rc = sqlite3_step(log->commit);

  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

void kv_writer_close(kv_writer *log) {
  if (!log) return;
  writer_drop_room(log);
  kv_run_close(&log->append);
  sqlite3_finalize(log->commit);
  kv_reader_close(log->reader);
  sqlite3_close(log->handle);
  sqlite3_free(log->path);
  sqlite3_free(log);
}

int kv_writer_set_aside(const char *root, const char *device, char **err) {
  char *path = kv_writer_path(root, device, "log.db");
  int rc = path ? SQLITE_CANTOPEN : SQLITE_NOMEM; /* no name is free */
  int is_done = !path;
  int i;

  for (i = 1; !is_done && i < 1000; i++) {
    char *aside = sqlite3_mprintf("%s.aside-%d", path, i);
    char *journal = sqlite3_mprintf("%s-journal", path);
    char *journal_aside = sqlite3_mprintf("%s-journal", aside);
    kv_stamp stamp;

    if (!aside || !journal || !journal_aside) {
      is_done = 1;
      rc = SQLITE_NOMEM;
    } else if (kv_folder_look(aside, &stamp) == KV_FILE_NONE) {
      is_done = 1;
      if (kv_folder_look(journal, &stamp) != KV_FILE_NONE) {
        kv_folder_rename(journal, journal_aside);
      }
      rc = kv_folder_rename(path, aside);
    }
    sqlite3_free(journal_aside);
    sqlite3_free(journal);
    sqlite3_free(aside);
  }
  if (rc != SQLITE_OK && path) {
    kv_error(err, rc, "cannot rename the damaged %s: move it away by hand",
             path);
  }
  sqlite3_free(path);
  return rc;
}

/* Delete the file, or its journal, if it is there. */
static int writer_delete(sqlite3_vfs *vfs, const kv_writer_place *place,
                         const char *suffix) {
  char *path = sqlite3_mprintf("%s/devices/%s/%s%s", place->root, place->device,
                               place->file, suffix);
  int rc = kv_vfs_delete(vfs, path, 1);

  sqlite3_free(path);
  return rc;
}

int kv_writer_begin_new(const kv_writer_place *place, kv_writer **out,
                        char **err) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(kv_handle_vfs(place->host));
  kv_verdict verdict = {KV_STATE_OK, NULL};
  int rc = vfs ? SQLITE_OK : SQLITE_ERROR;

  *out = NULL;
  if (rc == SQLITE_OK) rc = writer_delete(vfs, place, "-journal");
  if (rc == SQLITE_OK) rc = writer_delete(vfs, place, "");
  if (rc == SQLITE_OK) rc = kv_writer_lock(place, out, &verdict, err);
  kv_verdict_clear(&verdict);
  return rc == SQLITE_OK && !*out ? KV_DAMAGED : rc;
}

int kv_writer_put_new(const char *root, const char *device, char **err) {
  char *from = kv_writer_path(root, device, "log.db.new");
  char *to = kv_writer_path(root, device, "log.db");
  int rc = from && to ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK) rc = kv_writer_set_aside(root, device, err);
  if (rc == SQLITE_OK) {
    rc = kv_folder_rename(from, to);
    if (rc != SQLITE_OK) {
      kv_error(err, rc, "cannot rename %s: call kv_sync() again", from);
    }
  }
  sqlite3_free(from);
  sqlite3_free(to);
  return rc;
}
