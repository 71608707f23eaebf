/*
** Who had seen what, of the log rows of one key.
**
** hb(x, y), x happened before y, means that the writer of y had merged x. In one
** log the earlier row happened before the later one. For rows of two logs it
** depends on how far the writer of y had merged the log of x. If the writer
** knew another lineage of that log, the numbers cannot be compared; then the
** times are.
**
** A horizon is what several rows had seen together, as one position for each log.
** With it, finding which of m rows were seen by any of n rows takes n + m steps,
** not n * m.
*/
#ifndef KV_FOLD_HORIZON_H
#define KV_FOLD_HORIZON_H

#include "record/record.h"

/* A log. Two logs of one device have different lineages: the first bytes of the
** log's id, which stay the same when the log is compacted. */
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
  kv_value value; /* the record, borrowed until the next kv_fold_begin() */
  int64_t id;     /* yours */
  /* What the fold finds: */
  kv_record record;
  size_t at;      /* its place in the order */
  int is_live;    /* it counts: an update or insert that no insert had seen */
  int is_settled; /* a delete had seen it; of kv_fold_conflicts() */
} kv_fold_row;

/* For *seq: the writer of the row knew another lineage of this log. */
#define KV_SEEN_BY_TIME INT64_C(-1)

/*
** Tell how far the writer of `row` had merged another log when it wrote it:
** what the last seen row (op 2) about that log says that comes before `row` in
** its own log. *seq is 0 if there is none, and KV_SEEN_BY_TIME if it names
** another lineage. This is never called for the row's own log. Returns 0, or an
** error code, which the running function returns.
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

/* Begin with rows of these logs, which are borrowed. KV_NOMEM. */
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

/* The other way round: collect rows x in an empty horizon, */
void kv_horizon_reach(kv_horizon *horizon, const kv_fold_row *x);

/* and ask whether y had seen all of them. Errors are those of seen(). */
int kv_horizon_is_seen(kv_horizon *horizon, const kv_fold_row *y, int *out);

#endif
