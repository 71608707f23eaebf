/*
** Compaction: the own log is written anew without the rows that nobody needs any
** more to show the store as it is, or as it was after a time. What goes is one SQL
** text (sql/compact.sql); the rules are those of tests/lifecycle/RULES.md, 6.
**
** INVARIANT: no value changes, for nobody, not even while only a part of the files has
** arrived. Whatever fails, and whenever: the log is the old one, or the new one.
*/
#ifndef KV_COMPACT_COMPACT_H
#define KV_COMPACT_COMPACT_H

#include "core/clock.h"
#include "store/identity.h"

/* The history that kv_compact() keeps unless it is told: 30 days. */
#define KV_COMPACT_HISTORY (30 * KV_DAY)

/* What a compaction would do. */
typedef struct kv_compact_size {
  int64_t n_dropped; /* changes of kv in the own log that go */
  int64_t n_kept;    /* all rows that stay */
  int64_t all;       /* all rows; a large value counts as a hundred */
  int64_t dropped;   /* those that go, counted like that */
  int64_t horizon;   /* the time from which on nothing is missing then */
} kv_compact_size;

/*
** Count what giving up history before the time `before` would do. It reads the cache once,
** and changes nothing. The message of an error is the connection's.
*/
int kv_compact_measure(kv_store *store, int64_t before, kv_compact_size *out);

/*
** Give up history before the time `before`, or now if that is earlier: publish what
** waits, and write the own log without the rows that go, if there are any.
** *n_dropped is how many changes went. Errors with a message: those of
** kv_writer_lock(); SQLITE_ERROR for a store in memory, SQLITE_READONLY for an
** observer or a twin, SQLITE_LOCKED in a transaction, or while a statement reads it.
*/
int kv_compact_run(kv_store *store, int64_t before, int64_t *n_dropped,
                   char **err);

#endif
