/*
** A new incarnation of the own log that somebody else of this machine began:
** another cache of this device that adopted or repaired it, or this one
** before its own database was rolled back.
**
** INVARIANT: a log takes the place of another only if it has every row that
** the other had published.
*/
#ifndef KV_OWN_SUCCESSION_H
#define KV_OWN_SUCCESSION_H

#include "cache/log_cursor.h"
#include "log/writer.h"
#include "store/identity.h"

/*
** The log (locked, of this machine) has another id than the cache knows. If
** it verifies and has all that was published, its rows take the place of own
** rows, and those that wait are numbered behind them, the running
** transaction's, too: own is brought up to date, *is_successor is 1. Else it
** is 0 and nothing is changed. While a transaction commits there are no
** savepoints: *is_successor is -1 if that was found out too late, and the
** commit has to fail. It is tried once, and not if the log is to be adopted.
*/
int kv_succession_accept(kv_store *store, kv_writer *log, kv_log_cursor *own,
                         int *is_successor);

#endif
