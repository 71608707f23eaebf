/*
** Own rows on their way from the cache into the own log, in the order of their
** numbers.
**
** A few of many are found by the index by time, if there is one: kv_arrival
** tells the times of what was committed last. If that does not find all, the
** whole cache is read.
*/
#ifndef KV_OUTGOING_OWN_ROWS_H
#define KV_OUTGOING_OWN_ROWS_H

#include "db/run.h"
#include "log/writer.h"
#include "rows/rows.h"
#include "store/identity.h"

/*
** Read own rows after `from`, up to number `until`, in order: chain them,
** and append them if there is a log. *end is the position of the last one, or
** that of `holes` (or `until`), if it is greater: rows up to number `holes`, the
** former_seq of the log, may have been dropped. KV_GAP if a number behind it is
** missing.
*/
int kv_own_rows(kv_store *store, kv_writer *log, int64_t holes,
                kv_position from, int64_t until, kv_position *end);

/* Only chain them; *whole is the end of the last whole transaction of them. */
int kv_own_rows_verify(kv_store *store, int64_t holes, kv_position from,
                       int64_t until, kv_position *end, kv_position *whole);

/* Own rows on their way out of the cache. */
typedef struct kv_own_feed {
  kv_rows base; /* base class: must be first */
  kv_run run;   /* its error is why the rows ended */
  kv_run poll;
  kv_value large;  /* of the row that was handed over */
  uint64_t n_read; /* bytes, since the host was asked */
  int64_t holes;   /* up to this number some may be missing */
  int64_t seq;     /* of the row that was handed over */
  kv_rows_row out;
} kv_own_feed;

/*
** Hand over own rows with numbers after `after`, up to `until`. With the end comes rc
** of what took the rows: it is returned, or why they ended.
*/
void kv_own_feed_begin(kv_own_feed *feed, kv_store *store, int64_t holes,
                       int64_t after, int64_t until);
int kv_own_feed_end(kv_own_feed *feed, int rc);

/*
** Append about n rows that `rows` hands over, if there is a log; else only
** chain them. *at is the position that they follow, and then the last one's.
*/
int kv_own_rows_append(kv_writer *log, kv_rows *rows, int64_t n,
                       kv_position *at);

#endif
