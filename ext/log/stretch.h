/*
** A stretch of a log: what was read of it, and why the reading ended there.
*/
#ifndef KV_LOG_STRETCH_H
#define KV_LOG_STRETCH_H

#include "file/admit.h"

/* Why a reader stopped. */
typedef enum kv_end {
  KV_END_NONE,    /* it has not */
  KV_END_CLEAN,   /* the file ends there, without anything behind it */
  KV_END_TORN,    /* it ends within a transaction */
  KV_END_WRONG,   /* the next row does not verify */
  KV_END_MISSING, /* it goes on in a file that is not there, or not whole */
  KV_END_DAMAGED, /* the pages of the next row cannot be read, */
  KV_END_ENDLESS, /* or make SQLite read more than a row can have */
  KV_END_UNREAD,  /* the disk failed: nothing is known of the rest */
  KV_END_TOO_BIG, /* the next row is over KV_VALUE_MAX, */
  KV_END_KEY,     /* or its key over KV_KEY_MAX, */
  KV_END_LIMITED  /* or over a limit of the host, which may be raised */
} kv_end;

/* What a reader found. */
typedef struct kv_stretch {
  kv_position end;   /* last row of the last whole transaction, or the start; */
                     /* former_seq, if rows up to there were compacted away */
  int64_t n_rows;    /* rows up to there, without seen rows */
  int64_t n_seen;    /* seen rows up to there, */
  int64_t n_retired; /* and those of them that retire a device */
  int64_t last_ts;   /* greatest time up to there; -1: none */
  int64_t counted_ts; /* greatest time up to there that the clock counts */
  kv_end ended;       /* why it ends there */
  const char *reason; /* the same in words, static; NULL if it is clean */
} kv_stretch;

/* Is the next row larger than what is read here? */
int kv_stretch_is_too_big(const kv_stretch *stretch);

#endif
