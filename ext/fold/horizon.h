/*
** Who had seen what, of the log rows of one key.
**
** hb(x, y), x happened before y: the writer of y had merged x. That is a row's
** position in the log of x: of the same log, x is earlier; of another one, it
** is not behind what the writer said that it had merged of it. A log that was
** begun anew has other numbers: then the times tell.
**
** A horizon is what several rows had seen together, one position a log: so
** whether any of n rows had seen any of m others takes n + m steps, not n * m.
*/
#ifndef KV_FOLD_HORIZON_H
#define KV_FOLD_HORIZON_H

#include "record/record.h"

/* A log that rows are of. Two of one device are told apart by their lineage:
** the first bytes of the log's id, which stay over a compaction. */
#define KV_LINEAGE_SIZE 8
typedef struct kv_fold_log {
  const char *device; /* its name, NUL-terminated */
  unsigned char lineage[KV_LINEAGE_SIZE];
} kv_fold_log;

/* A log row of a key. */
typedef struct kv_fold_row {
  int log; /* its number among the logs that were given */
  int op;  /* KV_OP_SET or KV_OP_DELETE */
  int64_t ts;
  int64_t seq;
  kv_value value; /* the record, borrowed until the fold is begun anew */
  int64_t id;     /* yours */
  /* What the fold finds: */
  kv_record record;
  size_t at;      /* its place in the order */
  int is_live;    /* it counts: an update or insert that no insert had seen */
  int is_settled; /* a delete had seen it; of kv_fold_conflicts() */
} kv_fold_row;

/* For *seq: the writer of the row knew another log of this name. */
#define KV_SEEN_BY_TIME INT64_C(-1)

/*
** Up to which row the writer of `row` had merged another log, when it wrote:
** what the last seen row (op 2) about it says, in the row's log, in front of
** it; 0 if there is none; KV_SEEN_BY_TIME if that one names another lineage.
** Is not called for the row's own log. Returns 0, or an error, which ends what
** is running and is returned from there.
*/
typedef int (*kv_fold_seen)(void *source, const kv_fold_row *row, int log,
                            int64_t *seq);

/* What was seen of a log: rows up to a number, or earlier than a time. */
typedef struct kv_horizon_log {
  uint64_t mark;  /* of the horizon that it belongs to */
  uint64_t asked; /* of the row that was asked last, */
  int64_t answer; /* and what it had seen */
  int64_t seq;
  int64_t ts;
} kv_horizon_log;

typedef struct kv_horizon {
  kv_resize resize;
  const kv_fold_log *names;
  int n_logs;
  kv_fold_seen seen;
  void *source;
  kv_horizon_log *logs; /* n_logs of them */
  int *marked;          /* the numbers of those in the horizon */
  int n_marked;
  int room; /* of logs, marked */
  uint64_t mark;
  uint64_t asked;
  const kv_fold_row *row; /* that was asked last */
} kv_horizon;

void kv_horizon_init(kv_horizon *horizon, kv_resize resize);
void kv_horizon_free(kv_horizon *horizon);

/* Other rows, of these logs (borrowed). KV_NOMEM. */
int kv_horizon_begin(kv_horizon *horizon, const kv_fold_log *names, int n_logs,
                     kv_fold_seen seen, void *source);

/* The order of rows: by time, device, number, and lineage. */
int kv_horizon_compare(const kv_horizon *horizon, const kv_fold_row *a,
                       const kv_fold_row *b);

/* *out: hb(x, y). Errors are those of seen(). */
int kv_horizon_hb(kv_horizon *horizon, const kv_fold_row *x,
                  const kv_fold_row *y, int *out);

/* An empty horizon. */
void kv_horizon_clear(kv_horizon *horizon);

/* The horizon is about the log of this row, too. */
void kv_horizon_mark(kv_horizon *horizon, const kv_fold_row *row);

/* Add what row y had seen of the marked logs. Errors are those of seen(). */
int kv_horizon_add(kv_horizon *horizon, const kv_fold_row *y);

/* Had one of the added rows seen x, whose log is marked? */
int kv_horizon_has(const kv_horizon *horizon, const kv_fold_row *x);

/* Instead, the other way round: the horizon comes to reach as far as x. */
void kv_horizon_reach(kv_horizon *horizon, const kv_fold_row *x);

/* *out: had y seen all that it reaches? Errors are those of seen(). */
int kv_horizon_is_seen(kv_horizon *horizon, const kv_fold_row *y, int *out);

#endif
