/*
** Compares a file of a device's log with what was read of that log. It may have new
** rows, which are merged at once; it may be a log that replaces it, which the caller
** does later; or neither, and the device's state says so.
**
** INVARIANT: whatever happens to the file, rows that were read from it stay until
** a log that verifies completely replaces it; then they go in the same savepoint.
*/
#ifndef KV_VISIT_JUDGE_H
#define KV_VISIT_JUDGE_H

#include "cache/log_cursor.h"
#include "db/run.h"
#include "life/copies.h"
#include "replace/replace.h"
#include "store/identity.h"

/* How a log takes the place of what was read. */
typedef enum kv_turn {
  KV_TURN_NONE,  /* it does not */
  KV_TURN_NEXT,  /* it is the first one, or a later generation */
  KV_TURN_OTHER, /* it is another log */
  KV_TURN_FORGET /* no log does, but what was read has to go */
} kv_turn;

/* One device's file during a sync. */
typedef struct kv_visit {
  kv_store *store;
  int is_listed; /* the device was found in the folder */
  int is_again;  /* it is looked at although it has not changed */
  char *path;
  kv_file_kind kind;
  kv_stamp sight;        /* of log.db, if it is a regular file, */
  kv_stamp stamp;        /* and the same with the copies */
  const kv_copy *copies; /* borrowed */
  int n_copies;
  kv_log_cursor cursor;
  kv_log_cursor before; /* to see whether there is anything to save */
  kv_reader *reader;
  kv_run poll;
  int64_t n_merged;
  int64_t n_seen;
  int64_t n_retired;
  int is_asked;   /* it is known whether the device is retired: */
  int is_retired; /* it is, and its log is of this lineage */
  unsigned char lineage[KV_LINEAGE_SIZE];
  int is_limited; /* it is looked at each time, even if it has not changed */
  kv_turn turn;   /* it is to take the place of what was read: */
  unsigned char id[KV_ID_SIZE]; /* this log, */
  kv_replacement with;          /* which verified, */
  const char *source;           /* in this file */
} kv_visit;

/* Note the device's state; the detail may be NULL. */
void kv_judge_say(kv_visit *visit, kv_state state, const char *detail);

/*
** Judge the file that visit->reader has open: merge what is new, or set
** visit->turn. Inside a savepoint. Errors come from the host's database, from
** memory or from an interrupt, never from the file.
*/
int kv_judge_file(kv_visit *visit);

/*
** The same of a copy, after the log itself was judged: it counts only if it has more,
** or if it shows that all of the log is here.
*/
int kv_judge_copy(kv_visit *visit, const kv_copy *copy);

/*
** The log of a retired device is the one that was retired, whoever writes under its
** name: find out whether there is one.
*/
int kv_judge_ask(kv_visit *visit);

/*
** All sources were judged: if what was read is not the log that was retired, and no
** source has that, it has to go.
*/
void kv_judge_last(kv_visit *visit);

/*
** Now the log takes the place of what was read. SQLITE_CORRUPT_VTAB: it is
** another one now, or the cache is: nothing may stay of what was changed.
*/
int kv_judge_take(kv_visit *visit);

#endif
