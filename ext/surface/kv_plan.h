/*
** Which way a query of kv is run: what xBestIndex chooses and tells xFilter.
**
** INVARIANT: rows that a plan leaves out are none that the query asks for.
*/
#ifndef KV_SURFACE_KV_PLAN_H
#define KV_SURFACE_KV_PLAN_H

#include "kv_scan.h"

/* The plan of a scan, in idxNum; its arguments come in this order. */
enum {
  PLAN_AS_OF = 1,
  PLAN_POINT = 2,
  PLAN_LOW = 4,
  PLAN_HIGH = 8,
  PLAN_LIKE = 16, /* pattern, then both bounds that SQLite made of it */
  PLAN_LOW_STRICT = 32,
  PLAN_HIGH_STRICT = 64,
  PLAN_DESC = 128,
  PLAN_VALUE = 256, /* no other columns than key and value */
  PLAN_TIME = 512,  /* a stretch of time; time_range.h has further bits */
  PLAN_KEYS = 1024  /* no values */
};

/*
** Do LIKE and GLOB match blobs in this SQLite? Then the blobs that begin like
** the pattern, which sort behind all text, are searched, too.
** https://www.sqlite.org/compile.html#like_doesnt_match_blobs
*/
int kv_plan_takes_blobs(void);

int kv_plan_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info);

#endif
