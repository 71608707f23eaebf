/*
** Decides whether the own log is still ours: twin, rolled back, or damaged.
**
** A log belongs to the machine in its device row, and to the cache that has its
** rows. If it does not match, either its file is damaged: then it is set aside
** and rebuilt from the cache. Or somebody else wrote it: then this device stops
** writing until a person decides for another device name, or for adopt, which
** begins a new incarnation (a new id) with the rows of both.
**
** INVARIANT: a file is never deleted, and never written unless it verifies.
*/
#ifndef KV_OWN_INCARNATION_H
#define KV_OWN_INCARNATION_H

#include "cache/log_cursor.h"
#include "log/writer.h"
#include "store/identity.h"

/* Check that this machine writes the log. With adopt, it does from now on. */
int kv_incarnation_check_host(kv_store *store, kv_writer *log, int adopt,
                              kv_verdict *verdict);

/*
** A file of the log is missing: this cache waits for it; or, with adopt, begins a new
** incarnation without its rows.
*/
void kv_incarnation_judge_lack(kv_reader *reader, int adopt,
                               kv_verdict *verdict);

/*
** This cache knows no own log, and log.db is about to be made. If sealed files of one
** are here, log.db was lost: wait for it; or, with adopt, begin a new incarnation with
** the rows of those files.
*/
int kv_incarnation_check_sealed(kv_store *store, int adopt,
                                kv_verdict *verdict);

/* The log does not continue what the cache knows: damaged, or a twin? */
int kv_incarnation_judge(kv_writer *log, const kv_log_cursor *own,
                         kv_verdict *verdict);

/*
** Repair the own log (not locked) if possible: set a damaged file aside, or
** begin a new incarnation with adopt. *is_repaired: lock the log again.
*/
int kv_incarnation_repair(kv_store *store, kv_log_cursor *own,
                          const kv_verdict *verdict, int adopt,
                          int *is_repaired, char **err);

/*
** If a peer says that it merged rows which the log (locked, caught up) does not
** have, the log was rolled back: own->verdict says twin.
*/
int kv_incarnation_check_peers(kv_store *store, kv_writer *log,
                               kv_log_cursor *own);

/*
** Verify a part of the log (locked, caught up) up to own->published; all of it
** if it is small, or if exchange->must_verify is set, which this clears. So a bad
** page far from the end is found sooner or later, and own->verdict says damaged.
*/
int kv_incarnation_check_part(kv_store *store, kv_writer *log,
                              kv_log_cursor *own);

#endif
