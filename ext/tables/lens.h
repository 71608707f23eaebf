/*
** The lens: what a declaration shows of a folded row, and why it does not show it.
**
** A column that is NOT NULL and has no value shows its default: a counter 0, a
** set or list []. Nothing of that gets into a log.
*/
#ifndef KV_TABLES_LENS_H
#define KV_TABLES_LENS_H

#include "typed.h"

/* Why a row is not shown. */
typedef struct kv_lens_why {
  const char *rule; /* NULL: it is shown, as far as is known */
  const char *column;
  char *detail; /* for sqlite3_free() */
} kv_lens_why;

/*
** The values of a row that exists, with this key: all columns, in their order.
** They borrow from the fold and the key. *why->rule says that the row is not
** shown. *has_key: the key is one of this table; then its values are there
** in any case. CHECK is not checked. SQLITE_NOMEM.
*/
int kv_lens_row(const kv_typed *typed, kv_fold *fold, const kv_value *key,
                kv_value *values, int *has_key, kv_lens_why *why);

/*
** Check the CHECKs of a row that is not written to {name}_data. Errors are
** SQLite's.
*/
int kv_lens_check(kv_typed *typed, const kv_value *values, int *is_valid);

#endif
