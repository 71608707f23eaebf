/*
** Large values, beside the cache: {name}_large.
**
**     {name}_cache   key | ... | large | value     a value of up to 8 KiB
**                    key | ... | 7     | NULL      a larger one:
**     {name}_large   7   | value
**
** {name}_cache is a B-tree of records, so a search reads each row that it
** compares with completely. With a megabyte in each row that took milliseconds,
** and a list of the keys read all values.
**
** Statements get the value of a row by {value c} (stmt.h), or by
** kv_cache_value() if they may not need it.
**
** INVARIANT: a value never changes. A missing value is an error; it is never
** replaced by another value.
*/
#ifndef KV_CACHE_VALUES_H
#define KV_CACHE_VALUES_H

#include "core/row.h"
#include "db/run.h"

/* Values of more bytes are kept beside the cache. */
#define KV_VALUES_MIN 8192

/* Register kv_missing(), which is called where {value c} finds no value. */
int kv_values_register(sqlite3 *db, int is_there);

/* True if this value is kept beside the cache. */
int kv_values_is_for(const kv_value *value);

/*
** Keep a large value. *id is its number, greater than 0, for {cache}.large; 0
** if the value is small and stays in its row.
*/
int kv_values_put(kv_stmts *stmts, const kv_value *value, int64_t *id);

/* Delete a large value; id = 0: none. */
int kv_values_forget(kv_stmts *stmts, int64_t id);

/* Rows of the cache were deleted: delete the values that no row has. */
int kv_values_trim(kv_stmts *stmts);

/*
** Read a large value, whose bytes are for kv_value_free() or kv_value_give().
** SQLITE_CORRUPT_VTAB: it is missing; SQLITE_TOOBIG, SQLITE_NOMEM.
*/
int kv_values_read(kv_stmts *stmts, int64_t id, kv_value *out);

/*
** The value of a statement's current row. `column` is the one of `value`; the
** column after it has the number of a large value. *value is borrowed from the
** row; a large value is in *large instead, for kv_value_free().
*/
int kv_values_of_column(kv_stmts *stmts, sqlite3_stmt *row, int column,
                        kv_value *large, kv_value *value);

/* Columns of a row of a log, as statements about such rows have them first. */
enum {
  KV_LOGGED_SEQ,
  KV_LOGGED_TXN,
  KV_LOGGED_TS,
  KV_LOGGED_PARENT_TS,
  KV_LOGGED_OP,
  KV_LOGGED_BUCKET,
  KV_LOGGED_KEY,
  KV_LOGGED_VALUE,
  KV_LOGGED_LARGE,
  KV_LOGGED_COLUMNS
};

/*
** The row of a log that the current row of such a statement is, but for its sum. A large
** value is in *large, for kv_value_free(). An error is in run->rc.
*/
void kv_values_logged(kv_run *run, kv_value *large, kv_row *out);

/*
** The number of a row's large value, 0 if it has none; *found: the cache has
** this row.
*/
int kv_values_of_row(kv_stmts *stmts, const char *device, const kv_row *row,
                     int *found, int64_t *id);

#endif
