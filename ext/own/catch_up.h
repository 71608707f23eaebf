/*
** Brings the cache and the own log together, under the log's lock.
**
** {name}_cursor says where the own log ended when it was last locked
** (published), and where it ends once this commit is in (cached). At the next
** lock the log shows what happened since:
**
**     row at cached is ours        nothing is missing
**     row at published is ours,    our rows after it are missing; rows that the
**     or at `waiting`, where rows  log has there are another process's, unless
**     began to wait                they equal ours (own.h)
**     its last row is in the cache it lost rows: they are appended again
**     another log, or generation   one takes the place of the other (takeover.h)
**     anything else                damaged: set aside; or a twin: refused
**
** INVARIANT: own rows are published in the order of their numbers, and no row
** is in the log twice. Lock order: host, log.
*/
#ifndef KV_OWN_CATCH_UP_H
#define KV_OWN_CATCH_UP_H

#include "cache/log_cursor.h"
#include "log/writer.h"
#include "store/identity.h"

/*
** Lock the own log; create it if it does not exist. must_wait: wait as long as
** the host waits for locks. Not made if it was lost, and this cache does not know it:
** then *verdict says so; with adopt, that a new incarnation may begin. Otherwise as
** kv_writer_lock().
*/
int kv_catch_up_lock(kv_store *store, const kv_log_cursor *own, int must_wait,
                     int adopt, kv_writer **out, kv_verdict *verdict,
                     char **err);

/*
** Lock the log, merge its new rows, renumber own rows that it lacks, and append
** them. A damaged log is set aside and rebuilt. Updates own->cached and
** own->published, for the caller to save, and adds the merged rows to
** *n_merged. adopt: take over a log that somebody else writes. With *out NULL
** and SQLITE_OK, own->verdict says why the log cannot be written.
*/
int kv_catch_up(kv_store *store, kv_log_cursor *own, int adopt,
                int64_t *n_merged, kv_writer **out, char **err);

/*
** A log that can be read may have pages that cannot be written: then
** *verdict says so, and SQLITE_OK is returned instead of rc.
*/
int kv_catch_up_judge_write(kv_writer *log, int rc, kv_verdict *verdict);

#endif
