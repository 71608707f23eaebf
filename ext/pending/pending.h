/*
** What the running transaction wrote and must publish when it commits.
**
** The rows are remembered in the order of their sequence numbers, so a commit
** need not search the cache for them. The numbers are provisional until the log
** is locked. The last rows may not be in the cache yet (late.h).
**
**     base | seen, seen | row, row, row        seq: base+1, base+2, ...
**                         ^ first
**
** Values up to 1 KiB are copied; larger ones are read again from the cache. A
** transaction of more than KV_PENDING_MOST bytes is not remembered (is_scan):
** one scan of the cache finds its rows, which is then the smaller part of the
** work.
**
** INVARIANT: what a ROLLBACK TO or an aborted statement removes from the cache,
** marks remove from here. Late rows stay late over a savepoint; its mark knows
** which they are, and if they are written after it and it is rolled back, they are
** late again (kv_pending_recall()).
**
**     row, late, row, late, late         written at once, and late
**                ^ settled    ^ last     in the cache up to here
**
** Numbers that a rolled back commit may have moved are
** looked up again in the cache (kv_transaction_resume).
*/
#ifndef KV_PENDING_PENDING_H
#define KV_PENDING_PENDING_H

#include "late.h"
#include "log/reader.h"

#define KV_PENDING_MOST ((int64_t)32 << 20)

/* Larger values are not remembered by copy. */
#define KV_PENDING_COPY 1024

/* A peer whose log was merged up to a row when the transaction began. */
typedef struct kv_seen {
  char peer[KV_NAME_MAX + 1];
  unsigned char id[KV_ID_SIZE];
  kv_position at;
  int is_retired; /* the peer will not come back (op 3) */
} kv_seen;

typedef struct kv_pending_mark {
  int level;
  int64_t n_rows;
  kv_pending_row *last;
  kv_pending_row *settled;
  int has_late; /* else rows up to `last` may be forgotten */
} kv_pending_mark;

typedef struct kv_pending_chunk kv_pending_chunk;

typedef struct kv_pending {
  int is_open; /* the transaction wrote: the fields below are valid */
  int64_t ts;
  int64_t arrived;
  kv_position base;
  kv_position opened; /* base as it was at the first write */
  kv_seen *seen;
  int n_seen;
  int64_t n_rows;
  int64_t max_ts;
  int64_t n_bytes;
  int is_scan; /* too large to be remembered */
  kv_late late;
  int must_recall; /* late rows are in the list, but not in `late` */
  kv_pending_row *last;
  kv_pending_row *settled; /* this row and those before it are not late */
  kv_pending_chunk *chunk; /* memory of rows: the one of `last` */
  kv_pending_mark *marks;
  int n_marks;
} kv_pending;

/* The number of the first row of the transaction that is not a seen row. */
int64_t kv_pending_first(const kv_pending *pending);

/* True if a row with this value may be written to the cache late. */
int kv_pending_may_be_late(const kv_value *value);

/* True if there is no room for one more row: write the late ones first. */
int kv_pending_is_full(const kv_pending *pending, const kv_value *bucket,
                       const kv_value *key, const kv_value *value);

/*
** Remember a row, without its numbers and sum. index = n_rows adds one;
** a smaller index replaces that row. Key and value are copied (or referred to).
** A late row is also added to pending->late, which must have room for it.
*/
int kv_pending_add(kv_pending *pending, int64_t index, const kv_row *from,
                   int is_late);

/* The rows that were late are in the cache. */
void kv_pending_settle(kv_pending *pending);

/*
** After a ROLLBACK TO, before anything asks for late rows: those that were late at
** the savepoint are so again. SQLITE_NOMEM: they are still missing.
*/
int kv_pending_recall(kv_pending *pending);

/* Where the transaction is now, and back to there after a failed write. */
kv_pending_mark kv_pending_here(const kv_pending *pending);
void kv_pending_return(kv_pending *pending, kv_pending_mark mark);

/*
** The rows in order, each at its index, for sqlite3_free(); NULL if there is
** no memory, or if is_scan.
*/
kv_pending_row **kv_pending_rows(const kv_pending *pending);

/*
** xSavepoint, xRelease and xRollbackTo; level is SQLite's, -1 stands for the
** transaction. Two virtual tables of one store may both call them.
*/
int kv_pending_savepoint(kv_pending *pending, int level);
void kv_pending_release(kv_pending *pending, int level);
void kv_pending_rollback_to(kv_pending *pending, int level);

/* Forget rows, times and numbers; savepoints stay. */
void kv_pending_close(kv_pending *pending);

/* Forget everything: the transaction ended. */
void kv_pending_clear(kv_pending *pending);

#endif
