/*
** What a device declares is in its log, in bucket #schema: key is the bucket of the
** table, value the declaration as JSON (declare/describe.h).
**
** It is written with the first change that a device makes under a declaration, so
** a change of a declaration alone writes nothing.
*/
#ifndef KV_CHANGE_DECLARED_H
#define KV_CHANGE_DECLARED_H

#include "tables/typed.h"

/*
** Before a change: write the declaration into the own log, unless it has it.
** Errors with a message.
*/
int kv_declared_log(kv_typed *typed, char **err);

#endif
