/*
** Reading kv: the cursors that run its queries.
**
** INVARIANT: reads never write, sync, or touch a file.
*/
#ifndef KV_SURFACE_KV_SCAN_H
#define KV_SURFACE_KV_SCAN_H

#include "store/store.h"

/* The virtual table kv. */
typedef struct kv_table {
  sqlite3_vtab base; /* base class: must be first */
  kv_store *store;
  sqlite3_vtab_cursor *spare; /* a closed one, for the next query; or NULL */
} kv_table;

/* Its columns. */
enum {
  TABLE_KEY,
  TABLE_VALUE,
  TABLE_AS_OF,
  TABLE_TS,
  TABLE_TIME,
  TABLE_DEVICE,
  TABLE_PARENT_TS,
  TABLE_COLUMNS
};

/* Free the spare cursor of a table. */
void kv_scan_clear(kv_table *table);

/* The methods of sqlite3_module that read. */
int kv_scan_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out);
int kv_scan_close(sqlite3_vtab_cursor *base);
int kv_scan_filter(sqlite3_vtab_cursor *base, int plan, const char *unused,
                   int argc, sqlite3_value **argv);
int kv_scan_next(sqlite3_vtab_cursor *base);
int kv_scan_eof(sqlite3_vtab_cursor *base);
int kv_scan_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int column);
int kv_scan_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out);

#endif
