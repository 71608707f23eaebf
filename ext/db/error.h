/*
** Error messages, kinds of errors, and zeroed memory.
**
** A message is written where the cause is known, names the thing that is wrong,
** and says what to do. INVARIANT: the first message of a failure is kept.
*/
#ifndef KV_DB_ERROR_H
#define KV_DB_ERROR_H

#include <stddef.h>

#include "sqlite.h"

/*
** Private codes, which are SQLITE_CORRUPT to SQLite. They do not leave a store:
** kv_error_public() is what SQLite is told.
*/
#define KV_GAP (SQLITE_CORRUPT | 101 << 8)     /* the cache lacks an own row */
#define KV_REFUSED (SQLITE_CORRUPT | 102 << 8) /* no reader would take a row */
#define KV_DAMAGED (SQLITE_CORRUPT | 103 << 8) /* a file is not a log */
#define KV_MOVED (SQLITE_BUSY | 104 << 8)      /* a file lost its name */

int kv_error_public(int rc);

/*
** The first error of two results, for two things that must both be done.
** SQLITE_ROW and SQLITE_DONE are not errors. Without an error, returns rc.
*/
int kv_first_error(int rc, int rc2);

/*
** Set *err to "kv: " and the formatted text (sqlite3_mprintf formats), for
** sqlite3_free(), unless it already holds a message. err may be NULL.
** Returns rc, so that a failing branch is one line.
*/
int kv_error(char **err, int rc, const char *format, ...);

/*
** The same with the message of the connection that failed with rc, after
** what was being done: "kv: cannot read log.db: disk I/O error". Out of memory
** and interrupts keep SQLite's plain messages; constraints and messages of this
** extension stay as they are.
*/
int kv_error_db(char **err, int rc, sqlite3 *db, const char *what);

/*
** A message to quote within another one: without its prefix, or SQLite's text
** for rc if there is no message. Borrowed.
*/
const char *kv_error_reason(const char *err, int rc);

/* Discard a message. err may be NULL. */
void kv_error_clear(char **err);

/*
** True if rc, from reading a file, is an error of the disk or a lock, which
** says nothing about the file's content. A file that ends too early is not such
** an error; neither is SQLITE_FULL, which older versions of SQLite return for a
** page number that no file can have.
*/
int kv_error_is_disk(int rc);

/*
** After what the next sync can do as well: if rc says that a file cannot be written now,
** SQLITE_OK. Otherwise rc, with the message why. In any case why is freed.
*/
int kv_error_put_off(char **err, int rc, char *why);

/* Zeroed memory from sqlite3_malloc64(), or NULL. */
void *kv_zalloc(sqlite3_uint64 n);

/* sqlite3_realloc64(), as a function that an arena takes (kv_resize). */
void *kv_realloc(void *p, size_t n);

/* A copy of a text, or NULL: out of memory, or z was NULL. */
char *kv_strdup(const char *z);

#endif
