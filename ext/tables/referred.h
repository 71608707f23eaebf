/*
** Foreign keys of ordinary tables to {name}_data.
**
** SQLite enforces them, if foreign keys are on, also when a merge deletes a row or
** the table is made again. With ON DELETE CASCADE that would delete rows of the
** user's that nobody deleted; without, SQLite only says that a constraint failed.
*/
#ifndef KV_TABLES_REFERRED_H
#define KV_TABLES_REFERRED_H

#include "typed.h"

/*
** If foreign keys are on and a table has one to the rows of this one:
** SQLITE_CONSTRAINT, with a message that names that table.
*/
int kv_referred_refuse(kv_typed *typed, char **err);

/*
** The same if a DEFERRED one does not hold now, so that a COMMIT would fail without
** saying why.
*/
int kv_referred_refuse_deferred(kv_typed *typed, char **err);

#endif
