/*
** Writes of this device to a typed table.
**
** Everything is checked first. Then the row is written to {name}_data, where
** SQLite checks what the user declared as CHECK; and then its record goes to the
** cache and, at the commit, to the log. If that fails after all, the key is
** settled again.
**
** Errors have a message that names the table and the column.
*/
#ifndef KV_CHANGE_CHANGE_H
#define KV_CHANGE_CHANGE_H

#include "declare/ids.h"
#include "tables/typed.h"

#ifndef SQLITE_CONSTRAINT_DATATYPE /* since 3.37 */
#define SQLITE_CONSTRAINT_DATATYPE (SQLITE_CONSTRAINT | 12 << 8)
#endif

typedef enum kv_on_existing {
  KV_EXISTING_FAIL,   /* SQLITE_CONSTRAINT_UNIQUE */
  KV_EXISTING_IGNORE, /* SQLITE_CONSTRAINT */
  KV_EXISTING_REPLACE /* all declared columns are updated */
} kv_on_existing;

/*
** Insert a row: a value for each column, in their order. NULL is the default.
** If the key is one INTEGER column, *id is its value, as the rowid of an ordinary
** table would be; otherwise it stays.
*/
int kv_change_insert(kv_typed *typed, kv_ids *ids, sqlite3_value **values,
                     kv_on_existing mode, sqlite3_int64 *id, char **err);

/*
** Update the row with this key, as the log has it. A value that is
** sqlite3_value_nochange(), or what the column has, is no change. If the key
** changes, the old row is deleted and another one inserted.
*/
int kv_change_update(kv_typed *typed, sqlite3_value *key,
                     sqlite3_value **values, kv_on_existing mode, char **err);

/* Delete the row with this key. */
int kv_change_delete(kv_typed *typed, sqlite3_value *key, char **err);

/* The same, also if the row is hidden. */
int kv_change_delete_hidden(kv_typed *typed, sqlite3_value *key, char **err);

/*
** Make the row what it was at a time in microseconds or, if as_of is NULL, before
** its latest change; it may be hidden. Nothing is written if it is that. The errors
** are also those of kv_restore_begin() and kv_restore_values().
*/
int kv_change_revert(kv_typed *typed, sqlite3_value *key, const int64_t *as_of,
                     char **err);

/*
** Assign a value to a column, whatever its kind: what others add to it without
** having seen this stays added.
*/
int kv_change_assign(kv_typed *typed, sqlite3_value *key, const char *column,
                     sqlite3_value *value, char **err);

#endif
