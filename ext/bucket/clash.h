/*
** Two processes of one device that write the same row, each with its own cache.
**
** Rows of one log have seen those before them. So a change that assigns or removes
** something would count as having seen what the other process wrote just before,
** although it had not.
*/
#ifndef KV_BUCKET_CLASH_H
#define KV_BUCKET_CLASH_H

#include "store/identity.h"

/*
** At a commit that merged rows of another process: SQLITE_BUSY_SNAPSHOT with a
** message if the transaction has changed one of their keys by more than adding
** to it. SQLite rolls back then.
*/
int kv_clash_check(kv_store *store, char **err);

#endif
