/*
** The stamp of the own log, and a commit that sync tools take for none.
**
** rsync -a, and unison with times=true, compare sizes and whole seconds. A commit
** in the second of the one before, which leaves the size as it was, changes
** neither. So such a log gets another time of change, once, when two seconds
** have passed.
*/
#ifndef KV_CACHE_OWN_STAMP_H
#define KV_CACHE_OWN_STAMP_H

#include "log_cursor.h"

/* The log is locked, and will be appended to: note what it looks like. */
void kv_own_stamp_before(kv_log_cursor *own, const char *root);

/*
** The log is locked and complete: note its stamp, unless the file may change
** unnoticed. A commit that tools do not see is shown to them.
*/
void kv_own_stamp_settle(kv_log_cursor *own, const char *root);

#endif
