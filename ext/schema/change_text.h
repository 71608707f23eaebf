/*
** The declaration that a change makes of another one: texts alone, no table.
**
**     ADD [COLUMN] name TYPE ..., CHECK (...), ...     what is appended
**     DROP [COLUMN] name                               without it
**     RENAME [COLUMN] name TO new                      with another name here
**     DECLARE (...)                                    all of it anew
**
** What comes out is read as a declaration before it is used.
*/
#ifndef KV_SCHEMA_CHANGE_TEXT_H
#define KV_SCHEMA_CHANGE_TEXT_H

#include "db/sqlite.h"

typedef enum kv_change_kind {
  KV_CHANGE_ADD,
  KV_CHANGE_DROP,
  KV_CHANGE_RENAME,
  KV_CHANGE_DECLARE
} kv_change_kind;

/*
** Apply a change to the text of the declaration of `table`; *out is for
** sqlite3_free(). Errors with a message.
*/
int kv_change_text(const char *table, const char *text, const char *wanted,
                   kv_change_kind *kind, char **out, char **err);

#endif
