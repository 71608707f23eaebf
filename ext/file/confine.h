/*
** Limits what a hostile file can make its handle do: only SELECT from the two
** tables of a log, with a work budget between two rows that verify.
**
** Steps and reads are counted separately, because neither bounds the other: a
** statement can loop over what is in memory (the file promises rows), and one
** step can read without end (it skips a value by following its chain of pages,
** which may be as long as the file).
**
** INVARIANT: the size of a file is not limited; work without a new row is.
*/
#ifndef KV_FILE_CONFINE_H
#define KV_FILE_CONFINE_H

#include "db/sqlite.h"

/* What a handle may still do: counted down; its owner sets it again. */
typedef struct kv_work {
  int steps; /* of the virtual machine, in thousands */
  int reads; /* of the file, a larger page than 4,096 bytes counts as several */
} kv_work;

/* Until a file is known to be a log: two short texts and a row. */
#define KV_WORK_ADMIT ((kv_work){1, 1000})

/*
** Until the next row: one of KV_VALUE_MAX bytes is 16,530 pages of 4,096 bytes,
** of which 32 may be reserved; each is read once.
*/
#define KV_WORK_ROW ((kv_work){100, 17500})

/*
** Confine a handle from now on: other statements than SELECT from the tables of
** a log (and PRAGMA cache_size, table_xinfo) are denied, and SQLITE_INTERRUPT is
** returned when *work, which has to outlive the handle, runs out. SQLITE_NOMEM.
*/
int kv_confine(sqlite3 *handle, kv_work *work);

/* The same of a database with other tables, whose names end with NULL. */
int kv_confine_to(sqlite3 *handle, const char *const *tables, kv_work *work);

/* Only the limit of steps; NULL: no limit. */
void kv_confine_steps(sqlite3 *handle, kv_work *work);

#endif
