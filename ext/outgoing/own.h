/*
** Own rows: those that this device wrote, as the cache has them.
**
** The cache has every own row, even those that the log lost or never got.
** Chained from a known position, they have the same sums as in the log, so two
** histories are compared by one number.
**
** INVARIANT: own rows are numbered without gaps behind former_seq, and only rows
** that the log does not have are renumbered.
*/
#ifndef KV_OUTGOING_OWN_H
#define KV_OUTGOING_OWN_H

#include "cache/log_cursor.h"
#include "log/writer.h"
#include "own_rows.h"
#include "store/identity.h"

/*
** Load the own cursor, for kv_log_cursor_clear(). It includes what this
** connection has committed since the log was last seen.
*/
int kv_own_load(kv_store *store, kv_log_cursor *out);

/* The head of the own log, if it has to be rebuilt from the cache. */
void kv_own_head(const kv_log_cursor *own, kv_log_head *out);

/* Where the own log is, for one that is made anew: `head`, or NULL. */
kv_writer_place kv_own_place(kv_store *store, const kv_log_head *head);

/*
** The last commit of another connection may not have reached the log, for
** example because its process was killed. Look at the file, without locking it,
** and note in own->waiting what it lacks. If the file cannot be read, nothing
** changes.
*/
int kv_own_look(kv_store *store, kv_log_cursor *own);

/*
** Find the last row that the log (locked) and the cache have in common, by
** the positions of own. *found is 0 if the two diverged.
*/
int kv_own_common(kv_store *store, kv_writer *log, const kv_log_cursor *own,
                  kv_position *out, int *found);

/*
** Two histories have diverged: note in own->waiting up to where they are equal,
** so that the rows after it count as not shared.
*/
int kv_own_part(kv_store *store, kv_writer *log, kv_log_cursor *own);

/*
** Run a statement about own rows: its parameters are :self, and :shift and
** :after if it has them.
*/
int kv_own_run(kv_store *store, kv_sql id, int64_t shift, int64_t after);

/*
** Give own rows the numbers after `after`, in the order in which `rows` has them, and
** close it. Its columns are those of own_by_time and own_again. sign -1: negative
** numbers for now. *span has their first and last number.
*/
int kv_own_set_numbers(kv_store *store, kv_run *rows, int64_t after, int sign,
                       kv_span *span);

/* Add `shift` to the numbers of own rows after number `after`. */
int kv_own_renumber(kv_store *store, int64_t shift, int64_t after);

/* Discard own rows that wait: the folder is gone for good. */
int kv_own_discard(kv_store *store, char **err);

/* Number of own rows in the cache after number `after`, up to `until`. */
int kv_own_count(kv_store *store, int64_t after, int64_t until, int64_t *out);

/* Number of own rows that are in the cache but not in the log. */
int kv_own_unpublished(kv_store *store, int64_t *out);

/*
** Check whether own rows wait: unpublished ones, those of the running
** transaction, or a write that was refused, so that there may be some.
*/
int kv_own_waits(kv_store *store, int *waits);

#endif
