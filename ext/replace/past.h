/*
** From when on the history is whole. A compaction gives up rows that nobody needs
** to show the store since a time, the horizon of its log; before it, the past cannot
** be shown.
*/
#ifndef KV_REPLACE_PAST_H
#define KV_REPLACE_PAST_H

#include <stdint.h>

#include "db/stmt.h"

/* The latest horizon of all logs that are merged; 0: nothing was given up. */
int kv_past_horizon(kv_stmts *stmts, int64_t *out);

/*
** SQLITE_ERROR, with a message, if the store cannot be shown as it was at ts. Other
** errors are SQLite's.
*/
int kv_past_check(kv_stmts *stmts, int64_t ts, char **err);

#endif
