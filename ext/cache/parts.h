/*
** Large values, in parts, beside the cache: {name}_large.
**
**     {name}_cache   key | ... | large | value        a value of up to 8 KiB
**                    key | ... | 98304 | NULL         a larger one:
**     {name}_large   98304, 98305, 98306, ...         its parts of 64 KiB
**
** A search in {name}_cache reads each row whole that it compares with, as it
** is a B-tree of records: with a megabyte in each that took milliseconds, and a
** list of the keys read all values. And SQLite writes a row in one step, which
** nothing can stop; parts are rows.
**
** Statements get the value of a row by {value c} (stmt.h), or by
** kv_cache_value() if they may not need it.
**
** INVARIANT: the parts of a value lie side by side, and are never changed: a
** value with a part missing is an error, never a shorter value.
*/
#ifndef KV_CACHE_PARTS_H
#define KV_CACHE_PARTS_H

#include "core/row.h"
#include "db/stmt.h"

/* Values of more bytes are kept in parts. */
#define KV_PARTS_MIN 8192

/* Bytes of a part. */
#define KV_PARTS_SIZE 65536

/* Register kv_join(), by which statements put parts together. */
int kv_parts_register(sqlite3 *db, int is_there);

/* Is this a value that is kept in parts? */
int kv_parts_is_for(const kv_value *value);

/*
** Keep a value in parts. *first is the number of the first one, greater than 0,
** for {cache}.large; 0 if it is none to be kept so, and stays with its row.
*/
int kv_parts_put(kv_stmts *stmts, const kv_value *value, int64_t *first);

/* Forget a value; first = 0: none. */
int kv_parts_forget(kv_stmts *stmts, int64_t first);

/* Rows of the cache were deleted: forget the values that no row has. */
int kv_parts_trim(kv_stmts *stmts);

/*
** Read a value, whose bytes are for kv_value_free() or kv_value_give().
** SQLITE_CORRUPT_VTAB: parts are missing; SQLITE_TOOBIG, SQLITE_NOMEM.
*/
int kv_parts_read(kv_stmts *stmts, int64_t first, kv_value *out);

/*
** The value of the row that a statement is on: of its columns `column`, and the
** number of its first part behind it. It is borrowed from the row, or large, and
** then *large has its bytes, for kv_value_free().
*/
int kv_parts_of_column(kv_stmts *stmts, sqlite3_stmt *row, int column,
                       kv_value *large, kv_value *value);

/*
** The number of the first part of a row's value, 0 if it is not in parts;
** *found: is there such a row in the cache?
*/
int kv_parts_of(kv_stmts *stmts, const char *device, const kv_row *row,
                int *found, int64_t *first);

#endif
