/*
** Values as a column of a typed table takes them: by the rules of STRICT tables,
** on every version of SQLite. https://www.sqlite.org/stricttables.html
*/
#ifndef KV_DECLARE_CONVERT_H
#define KV_DECLARE_CONVERT_H

#include "core/row.h"
#include "db/sqlite.h"
#include "declaration.h"

/* The name of a column's type, and of a value's. */
const char *kv_convert_type_name(kv_type type);
const char *kv_convert_value_name(const kv_value *value);

/*
** A value of SQL for a column; it may change `value` itself, whose bytes *out
** borrows. *fits is 0 if the column cannot hold it. SQLITE_NOMEM.
*/
int kv_convert_given(const kv_column *column, sqlite3_value *value,
                     kv_value *out, int *fits);

/*
** A value of a record: 0 if the column cannot hold it. Text stays text. In a key
** of type ANY 1.0 is 1: the logs take them for one key, so that which of them a
** table has would depend on what it met first.
*/
int kv_convert_merged(const kv_column *column, const kv_value *value,
                      kv_value *out);

#endif
