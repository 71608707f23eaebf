/*
** Chooses how a query of kv is run: what xBestIndex passes to xFilter.
**
** INVARIANT: a plan never leaves out a row that the query asks for.
*/
#ifndef KV_TABLE_KV_PLAN_H
#define KV_TABLE_KV_PLAN_H

#include "store/identity.h"

/* The virtual table kv. */
typedef struct kv_table {
  sqlite3_vtab base; /* base class: must be first */
  kv_store *store;
  sqlite3_vtab_cursor *spare; /* a closed one, for the next query; or NULL */
} kv_table;

/* Its columns. */
enum {
  KV_TABLE_KEY,
  KV_TABLE_VALUE,
  KV_TABLE_AS_OF,
  KV_TABLE_TS,
  KV_TABLE_TIME,
  KV_TABLE_DEVICE,
  KV_TABLE_PARENT_TS,
  KV_TABLE_COLUMNS
};

/* The plan of a scan, in idxNum; its arguments come in this order. */
enum {
  KV_PLAN_AS_OF = 1,
  KV_PLAN_POINT = 2,
  KV_PLAN_LOW = 4,
  KV_PLAN_HIGH = 8,
  KV_PLAN_LIKE = 16, /* pattern, then both bounds that SQLite made of it */
  KV_PLAN_LOW_STRICT = 32,
  KV_PLAN_HIGH_STRICT = 64,
  KV_PLAN_DESC = 128,
  KV_PLAN_VALUE = 256, /* no other columns than key and value */
  KV_PLAN_TIME = 512,  /* a stretch of time; time_range.h has further bits */
  KV_PLAN_KEYS = 1024, /* no values */
  KV_PLAN_BLOBS = 2048 /* the blobs between the bounds of a pattern, too */
};

int kv_plan_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info);

/*
** Check whether low and high are the bounds that SQLite derives from a pattern
** with a prefix. `pattern` is that of LIKE, or NULL: that of GLOB is unknown.
**
** Bounds of ASCII bound bytes, too. Others do not: in older versions of SQLite,
** bytes that are not valid Unicode match U+FFFD to U+FFFF.
*/
typedef enum kv_plan_prefix {
  KV_PREFIX_NONE,
  KV_PREFIX_ASCII,
  KV_PREFIX_OTHER
} kv_plan_prefix;

kv_plan_prefix kv_plan_find_prefix(sqlite3_value *pattern, sqlite3_value *low,
                                   sqlite3_value *high);

/* The statement of a scan in the order of keys; has_high: up to a key. */
kv_sql kv_plan_text(int plan, int has_high);

#endif
