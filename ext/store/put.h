/*
** Puts rows of the running transaction into the cache: one by one, or late ones
** together.
*/
#ifndef KV_STORE_PUT_H
#define KV_STORE_PUT_H

#include "core/row.h"
#include "db/run.h"
#include "identity.h"
#include "pending/late.h"

/*
** Put one row. large: its value is separate. is_again: it replaces the row of the
** same number, whose large value is deleted. Errors are SQLite's.
*/
int kv_put_row(kv_store *store, const kv_row *row, int64_t large, int is_again);

/* Put late rows: new ones together, then those that replace. */
int kv_put_late(kv_store *store, kv_late_rows *rows);

/* Bind the columns `large` and `value`: one of them is NULL. */
void kv_put_value(kv_run *run, const kv_value *value, int64_t large);

/*
** The large value of the row that this one replaces, which has the same number.
** It is deleted when this one is written.
*/
int kv_put_replaced(kv_store *store, const kv_row *row, int is_again,
                    int64_t *replaced);

/*
** A row was written, so this fails only if SQLite rolled it back. Otherwise, a
** value that is not deleted does no harm.
*/
int kv_put_forget(kv_store *store, int64_t replaced);

#endif
