/*
** Reads kv: the cursors that run its queries.
**
** INVARIANT: reads never write, sync, or touch a file.
*/
#ifndef KV_TABLE_KV_SCAN_H
#define KV_TABLE_KV_SCAN_H

#include "kv_plan.h"

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
