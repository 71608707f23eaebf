/*
** Converts values between SQLite and core/. No other file knows both forms.
*/
#ifndef KV_DB_VALUE_H
#define KV_DB_VALUE_H

#include "core/row.h"
#include "sqlite.h"

/*
** The value as it is stored; *out borrows its bytes (text as UTF-8).
** Returns SQLITE_OK or SQLITE_NOMEM.
*/
int kv_value_of(sqlite3_value *value, kv_value *out);

/*
** The same, but text may have no zero byte after it. kv_value_of() makes SQLite
** copy text that a program bound with its length, to put one there.
*/
int kv_value_peek(sqlite3_value *value, kv_value *out);

/* kv_value_of() for a column of the current row. */
int kv_value_of_column(sqlite3_stmt *stmt, int column, kv_value *out);

/*
** Bind without copying: the bytes must live until the binding is cleared,
** which kv_stmt_put() does.
*/
int kv_value_bind(sqlite3_stmt *stmt, int parameter, const kv_value *value);

/* The same with a copy of the bytes. */
int kv_value_bind_copy(sqlite3_stmt *stmt, int parameter,
                       const kv_value *value);

/* Return a copy from an SQL function or xColumn. */
void kv_value_result(sqlite3_context *ctx, const kv_value *value);

/*
** The same for text with a zero byte after it, as kv_value_of() returns it:
** SQLite need not copy it once more for a program that asks for text.
*/
void kv_value_result_terminated(sqlite3_context *ctx, const kv_value *value);

/*
** A copy that has its own bytes, for kv_value_free(); or for kv_value_give(),
** which hands them over as a result: value->z is NULL then. SQLITE_NOMEM.
*/
int kv_value_copy(const kv_value *from, kv_value *out);
void kv_value_give(sqlite3_context *ctx, kv_value *value);
void kv_value_free(kv_value *value);

/* Without copying: the bytes must live until the statement is reset. */
void kv_value_lend(sqlite3_context *ctx, const kv_value *value);

/*
** The same for a value, and for a column of the current row.
** sqlite3_result_value() would allocate memory for each text. Returns SQLITE_OK
** or SQLITE_NOMEM.
*/
int kv_value_result_value(sqlite3_context *ctx, sqlite3_value *from);
int kv_value_result_column(sqlite3_context *ctx, sqlite3_stmt *stmt,
                           int column);

#endif
