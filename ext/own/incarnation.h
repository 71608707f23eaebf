/*
** Whose log it is: twins, logs that were rolled back, damaged ones.
**
** A log belongs to the machine in its device row and to the cache whose
** rows it holds. When it does not fit, either its file is damaged, then it
** is set aside and made anew from the cache; or somebody else wrote it, then
** this device stops writing until a person decides: another device name, or
** adopt, which begins a new incarnation (a new id) with the rows of both.
**
** INVARIANT: a file is never deleted, and never written unless it verifies.
*/
#ifndef KV_OWN_INCARNATION_H
#define KV_OWN_INCARNATION_H

#include "cache/log_cursor.h"
#include "log/writer.h"
#include "store/identity.h"

/* Is this the machine that writes the log? With adopt it becomes it. */
int kv_incarnation_check_host(kv_store *store, kv_writer *log, int adopt,
                              kv_verdict *verdict);

/* The log verifies, and is another one than the cache knows: a twin. */
void kv_incarnation_judge_other(kv_verdict *verdict);

/* The log does not continue what the cache knows: damaged, or a twin? */
int kv_incarnation_judge(kv_writer *log, const kv_log_cursor *own,
                         kv_verdict *verdict);

/*
** Do what can be done about a verdict on the own log, which is not locked:
** set a damaged file aside, begin a new incarnation if adopt says so.
** *is_repaired: lock it again.
*/
int kv_incarnation_repair(kv_store *store, kv_log_cursor *own,
                          const kv_verdict *verdict, int adopt,
                          int *is_repaired, char **err);

/*
** Do peers say that they merged rows which the log (locked, caught up) does
** not have? Then it was rolled back: own->verdict says twin.
*/
int kv_incarnation_check_peers(kv_store *store, kv_writer *log,
                               kv_log_cursor *own);

/*
** Verify a part of the log (locked, caught up) up to own->published, a small one
** whole: a page that went bad far from its end is found sooner or later, and
** own->verdict says damaged.
*/
int kv_incarnation_check_part(kv_store *store, kv_writer *log,
                              kv_log_cursor *own);

#endif
