/*
** Running a kept statement: its parameters, its rows, and one error.
**
**     kv_run run;
**
**     kv_run_begin(&run, stmts, KV_SQL_ARRIVAL_PUT);
**     kv_run_int(&run, arrived);
**     kv_run_text(&run, device);
**     return kv_run_end(&run);
**
** Parameters get their values in the order in which the text has them for the
** first time. A statement that returns rows is read in a loop:
**
**     while (kv_run_row(&run)) {
**       seq = sqlite3_column_int64(run.stmt, ROW_SEQ);
**       run.rc = visit(seq);
**     }
**     return kv_run_close(&run);
**
** The first error stays, also one that the caller puts into run.rc: after it all
** calls do nothing, until kv_run_end() or kv_run_close() returns it.
**
** INVARIANT: each kv_run_begin() has its kv_run_end() or kv_run_close(), also
** after an error.
*/
#ifndef KV_DB_RUN_H
#define KV_DB_RUN_H

#include "core/row.h"
#include "stmt.h"

typedef struct kv_run {
  int rc;      /* SQLITE_OK, or the first error */
  int n_bound; /* parameters that are bound */
  kv_sql id;
  kv_stmts *stmts;    /* borrowed; NULL: the statement is not kept */
  sqlite3_stmt *stmt; /* NULL: it cannot be prepared, or was returned */
} kv_run;

/* Take a statement of a store. An error waits in the run. */
void kv_run_begin(kv_run *run, kv_stmts *stmts, kv_sql id);

/* The same for a statement that is not kept: see kv_stmt_once(). */
void kv_run_begin_once(kv_run *run, kv_stmts *stmts, kv_sql id);

/* The same for a text without holes, on any connection. */
void kv_run_begin_on(kv_run *run, sqlite3 *db, kv_sql id);

/* The same for a text with its holes filled. */
void kv_run_begin_filled(kv_run *run, sqlite3 *db, kv_sql id,
                         const kv_stmt_holes *holes);

/*
** Bind the next parameter. Bind all of them before the first row. Nothing is
** copied: texts, blobs and values must live until the statement ends. A text or
** blob that is NULL is an SQL NULL.
*/
void kv_run_int(kv_run *run, int64_t value);
void kv_run_text(kv_run *run, const char *text);
void kv_run_blob(kv_run *run, const void *bytes, size_t n);
void kv_run_value(kv_run *run, const kv_value *value);
void kv_run_sqlite(kv_run *run, sqlite3_value *value); /* this one is copied */
void kv_run_pointer(kv_run *run, void *pointer, const char *type);
void kv_run_null(kv_run *run);

/* Bind a parameter by its name, if the text has it. */
void kv_run_named_int(kv_run *run, const char *name, int64_t value);
void kv_run_named_text(kv_run *run, const char *name, const char *text);
void kv_run_named_sqlite(kv_run *run, const char *name, sqlite3_value *value);
void kv_run_named_pointer(kv_run *run, const char *name, void *pointer,
                          const char *type);

/* Go to the next row. Returns 0 when there is none, and after an error. */
int kv_run_row(kv_run *run);

/*
** A column of the row, as kv_value_of_column() has it: *out borrows its bytes
** until the next row. Unchanged after an error.
*/
void kv_run_column(kv_run *run, int column, kv_value *out);

/* Run the statement to its end, whatever it returns, and return it. */
int kv_run_end(kv_run *run);

/*
** The same, but keep the statement: bind its parameters again, from the first
** one on, and run it again. The error is not kept.
*/
int kv_run_again(kv_run *run);

/* Return it without reading on. Nothing happens if that was done already. */
int kv_run_close(kv_run *run);

/*
** Read the first column of the first row, and return the statement. *out is
** unchanged if there is no row, or no integer in it.
*/
int kv_run_number(kv_run *run, int64_t *out);

#endif
