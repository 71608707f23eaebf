/*
** Compares the tables behind a typed table with what the logs hold: kv_check().
*/
#ifndef KV_SCHEMA_CHECK_H
#define KV_SCHEMA_CHECK_H

#include "connection/find_typed.h"

/*
** Check each row of {name}_data and {name}_hidden, and write those anew that are
** not what the log rows of their keys say. If the tables themselves are not what
** the declaration says, they are made again. *n_wrong: how many rows were wrong, or
** have been made again. Errors with a message, and then nothing is changed.
*/
int kv_check(kv_registry *registry, const char *table, int64_t *n_wrong,
             char **err);

#endif
