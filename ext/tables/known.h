/*
** The row that an UPDATE has just found: it is not read again to be changed.
**
** A scan notes it when SQLite asks for columns that the UPDATE leaves as they are.
** It counts until the connection changes anything, or reads the table once more; and
** only for the change of that row, which comes next: a rollback, or another connection,
** may change the row behind it.
*/
#ifndef KV_TABLES_KNOWN_H
#define KV_TABLES_KNOWN_H

#include "typed.h"

/* Note the row of a statement that has all columns in their order. SQLITE_NOMEM. */
int kv_known_note(kv_typed *typed, sqlite3_stmt *row);

/*
** If this row, whose key is in `values`, is known: its values, which live until
** another one is noted. Returns 0 if it is not.
*/
int kv_known_find(const kv_typed *typed, kv_value *values);

void kv_known_forget(kv_typed *typed);

#endif
