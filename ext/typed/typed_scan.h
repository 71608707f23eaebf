/*
** Reads a typed table: a query on it becomes one on {name}_data, which has the
** indexes; one on the table as it was folds the log rows (typed_past.h). Reads
** never write.
*/
#ifndef KV_TYPED_TYPED_SCAN_H
#define KV_TYPED_TYPED_SCAN_H

#include "connection/registry.h"
#include "tables/typed.h"

typedef struct kv_typed_table {
  sqlite3_vtab base;     /* base class: must be first */
  kv_registry *registry; /* borrowed */
  kv_typed *typed;
  kv_store *store; /* referenced, from xBegin to xCommit; else NULL */
  int is_fresh;    /* in this transaction it has followed its store */
  char *
    scan_text; /* the plan of the last query, and its statement if no cursor has it */
  sqlite3_stmt *scan;
} kv_typed_table;

/* Forget the statement of the last query. */
void kv_typed_scan_clear(kv_typed_table *table);

/* The methods of sqlite3_module that read. */
int kv_typed_scan_plan(sqlite3_vtab *vtab, sqlite3_index_info *info);
int kv_typed_scan_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out);
int kv_typed_scan_close(sqlite3_vtab_cursor *base);
int kv_typed_scan_filter(sqlite3_vtab_cursor *base, int is_past,
                         const char *text, int argc, sqlite3_value **argv);
int kv_typed_scan_next(sqlite3_vtab_cursor *base);
int kv_typed_scan_eof(sqlite3_vtab_cursor *base);
int kv_typed_scan_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                         int column);
int kv_typed_scan_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out);

#endif
