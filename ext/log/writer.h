/*
** The own log file, while it is locked to publish.
**
** Each commit opens, locks and closes it. Between commits the file is not open,
** so sync tools see complete files. Format version 2:
**
**     device   one row: name, id, host, created, base_seq, base_sum,
**              former_id, former_seq, former_sum, horizon, algo
**     log      seq, txn, ts, parent_ts, op, bucket, key, value, sum
**
** The tables' texts are log_create_* in sql/writer.sql, to the byte.
** application_id is 'KVLG', user_version the format's version. What the columns
** mean is in ext/log/README.md; the checksum in core/row.c.
**
** INVARIANT: rows are only appended, or all of them deleted at once when another
** file or the cache has them.
*/
#ifndef KV_LOG_WRITER_H
#define KV_LOG_WRITER_H

#include "db/run.h"
#include "file/confine.h"
#include "reader.h"

typedef struct kv_writer {
  sqlite3 *handle;      /* inside BEGIN EXCLUSIVE */
  char *path;           /* of the file */
  kv_reader *reader;    /* on the handle; NULL if the file was just made */
  kv_run append;        /* prepared at the first row */
  sqlite3_stmt *commit; /* prepared before the host commits */
  kv_log_head head;
  kv_position tail;   /* its last row, appended ones included */
  kv_position before; /* the last one that it had when it was locked */
  int64_t txn;        /* the last row of the transaction that is appended */
  int is_new;         /* made by this lock: it has no rows */
  int has_failed;     /* SQLite or the disk refused a call below */
  kv_work work;       /* left until its schema is known */
  int holds_room;     /* there is a file that does: reserve.h */
} kv_writer;

/* What is needed to find and make a device's log. */
typedef struct kv_writer_place {
  sqlite3 *host;
  const char *root;        /* folder of the store, resolved */
  const char *device;      /* name */
  const char *file;        /* "log.db", or that of a log to be put there */
  const char *machine;     /* hash of this machine's identity, or '' */
  const kv_log_head *head; /* of a new file; NULL: of a new log */
  int64_t now;             /* microseconds; when a new file is created */
  int busy_timeout;        /* milliseconds to wait for locks */
} kv_writer_place;

/*
** Open and lock the own log, creating its directories and the file if they
** are missing; the root must exist. A journal beside it is dealt with.
**
** Returns SQLITE_OK with *out set, or SQLITE_OK with *out NULL and a verdict
** (damaged, stranger, newer). Errors with a message: SQLITE_CANTOPEN,
** SQLITE_BUSY, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL.
*/
int kv_writer_lock(const kv_writer_place *place, kv_writer **out,
                   kv_verdict *verdict, char **err);

/*
** Is it locked still? An error of the disk may have made SQLite roll back.
** For assertions.
*/
int kv_writer_is_locked(const kv_writer *log);

/*
** Note the result of an SQLite call on the log's handle, unless the host
** interrupted it. Returns it.
*/
int kv_writer_note(kv_writer *log, int rc);

/*
** The sum that the row at seq carries (base_sum for base_seq), also of a row
** that was appended under this lock. *found is 0 if there is none.
*/
int kv_writer_sum_at(kv_writer *log, int64_t seq, int64_t *sum, int *found);

/*
** Did a call that ended with an error fail for the log's file, rather than for
** its caller or the host? A log that failed is good for nothing but to be closed.
** NULL: no.
*/
int kv_writer_has_failed(const kv_writer *log);

/*
** Check, after appending failed, whether its pages are intact: reads them all.
*/
int kv_writer_check(kv_writer *log, int *is_whole);

/*
** Cut off bytes after the end of the log: the others would wait for ever for
** the rest. Call this before the first row is appended.
*/
int kv_writer_trim(kv_writer *log);

/* Make this machine the one that writes the log. */
int kv_writer_take_over(kv_writer *log, const char *machine);

/*
** Delete all rows, and give the file the head `head`, but for its name and host: it
** is another part of the log, or another generation. Rows are appended behind
** head->base. Nothing reads the log any more: log->reader is NULL.
*/
int kv_writer_restart(kv_writer *log, const kv_log_head *head);

/* The error for what went wrong with a log file: a full disk, a lock. */
int kv_writer_error(char **err, int rc, const char *path);

/*
** Make sure that there is room for what the commit will write. SQLITE_FULL and
** others of the disk, with a message.
*/
int kv_writer_reserve(kv_writer *log, char **err);

/* The VFS of its file; NULL: unknown. */
sqlite3_vfs *kv_writer_vfs(kv_writer *log);

/*
** Check whether the file has lost its name: another process has put a new one in
** its place. A VFS that cannot tell does not allow that.
*/
int kv_writer_has_moved(const kv_writer *log);

/* Make what was appended durable and visible. The log must still be closed. */
int kv_writer_commit(kv_writer *log);

/* Undo what was not committed, unlock, close, free. NULL is fine. */
void kv_writer_close(kv_writer *log);

/*
** Begin an empty log beside the own one, in place->file; what an earlier one left
** there is deleted. It gets its name when it is committed and closed.
*/
int kv_writer_begin_new(const kv_writer_place *place, kv_writer **out,
                        char **err);

/*
** Set the own log aside, as below, and put log.db.new in its place: at no moment
** is there neither of them. The next lock ends what a crash cut off.
*/
int kv_writer_put_new(const char *root, const char *device, char **err);

/*
** Rename a device's log file (and a journal beside it) out of the way, to
** log.db.aside-1, -2, ... It is not deleted. *err says so if it fails.
*/
int kv_writer_set_aside(const char *root, const char *device, char **err);

/* {root}/devices/{device}[/{file}], for sqlite3_free(); file may be NULL. */
char *kv_writer_path(const char *root, const char *device, const char *file);

#endif
