/*
** The log of one device of a PARStore 1: a database that Core Data wrote.
**
**     CREATE TABLE ZLOG (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER,
**       ZPARENTTIMESTAMP INTEGER, ZTIMESTAMP INTEGER, ZKEY VARCHAR, ZBLOB BLOB)
**
** Times are microseconds since 2001; before March 2013 they were seconds and
** there were no parents. A value is a binary property list; no value is a
** deletion. Nothing else in the file is read: indexes and metadata vary.
**
** A log has no checksums. What SQLite reads without an error is taken to be
** right.
*/
#ifndef KV_PARSTORE_PARLOG_H
#define KV_PARSTORE_PARLOG_H

#include "core/row.h"
#include "db/sqlite.h"
#include "plist.h"

typedef struct kv_parlog kv_parlog;

typedef struct kv_parlog_row {
  int64_t seq;        /* Z_PK: the order in the file, not that of time */
  kv_value ts;        /* microseconds since 1970, or NULL: none */
  kv_value parent_ts; /* the same */
  kv_value key;       /* text, or NULL: none */
  kv_value blob;      /* the property list, or NULL: a deletion */
  kv_plist plist;     /* the value */
  const char *reason; /* why it does not count, or NULL */
} kv_parlog_row;

/* Bytes of a reason. */
#define KV_PARLOG_REASON 200

/*
** Open the log in a device's folder, which is absolute and without links;
** `poll` is the host's KV_SQL_POLL. On success *out is the log, or NULL with
** the reason why it cannot be read, as in "has no log yet". Errors:
** SQLITE_NOMEM, SQLITE_INTERRUPT.
*/
int kv_parlog_open(sqlite3 *host, const char *folder, sqlite3_stmt *poll,
                   kv_parlog **out, char reason[KV_PARLOG_REASON]);

/*
** The next row, in order of seq: SQLITE_ROW, valid until the next call.
** SQLITE_DONE at the end, where `reason` is '' or says why the rest cannot be
** read. Errors: SQLITE_NOMEM.
*/
int kv_parlog_next(kv_parlog *log, const kv_parlog_row **out,
                   char reason[KV_PARLOG_REASON]);

/* Close it and remove its copy. NULL is fine. */
void kv_parlog_close(kv_parlog *log);

#endif
