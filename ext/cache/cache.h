/*
** The logs cache: the shadow tables of one kv table, in its schema.
**
**     {name}_cache    every row of every device, the latest of a key first
**     {name}_large    their large values (values.h)
**     {name}_cursor   how far each device's log is merged
**     {name}_former   logs that were replaced by another one
**     {name}_seen     how far each device had merged the others
**     {name}_contested  keys that may have conflicts (contest/contest.h)
**     {name}_arrival  the commits and merges that brought the rows
**     {name}_meta     the cache itself: format, epoch, machine
**
** Rooms of cache/, replace/ and contest/ write them. So do store/write, bucket/bucket,
** outgoing/own, own/incarnation and own/takeover: rows of the own device only.
** Functions return SQLite codes; the message is the connection's.
**
** Superseded rows of {name}_cache are moved to the back now and then
** (upkeep.h), so that the latest values lie side by side.
**
** INVARIANT: everything that a ROLLBACK must undo is in these tables.
** INVARIANT: the latest row of each key of kv is in front, which is part 0; its
** others are there or in the back, part 1; a typed table is a part of its own, named
** as its bucket; and no row is in the cache twice.
*/
#ifndef KV_CACHE_CACHE_H
#define KV_CACHE_CACHE_H

#include "db/run.h"
#include "log/reader.h"

/* The format of the shadow tables. */
#ifndef KV_CACHE_FORMAT /* a test builds a later version */
#define KV_CACHE_FORMAT 14
#endif

/* The oldest format whose rows are carried over into a cache of this one. */
#define KV_CACHE_OLDEST 12

/* How many epochs there are: meta_epoch in sql/cache.sql goes round in them. */
#define KV_EPOCHS (1 << 20)

/* The cache itself: the row of {name}_meta. */
typedef struct kv_meta {
  int64_t epoch;  /* below KV_EPOCHS; another one when rows were taken away */
  int is_indexed; /* there is an index by time */
  int64_t swept_arrival; /* when superseded rows were moved to the back */
  int64_t swept_rows; /* rows of all logs then, and rows since that a merge */
  int64_t n_front; /* put in the right place; how many of both are in front */
  int64_t dropped; /* readers of changes from before this arrival start over */
  int judged; /* KV_JUDGED_...: how much was searched for contested keys; */
  int64_t judged_rows; /* rows of all logs when these were judged last, */
  int64_t n_contested; /* and how many there were then */
} kv_meta;

/* What a write of a key replaces: its latest row. */
typedef struct kv_winner {
  int is_found; /* there is a row */
  int op;
  int64_t ts; /* -1 if there is none */
  int64_t seq;
  char device[KV_NAME_MAX + 1];
  kv_value parent_ts; /* KV_NULL or KV_INTEGER */
} kv_winner;

/*
** Columns of the statements that read rows. scan_value and cache_value have the
** first four; only cache_latest has the last one.
*/
enum {
  KV_COLUMN_KEY,
  KV_COLUMN_OP,
  KV_COLUMN_VALUE,
  KV_COLUMN_LARGE,
  KV_COLUMN_TS,
  KV_COLUMN_DEVICE,
  KV_COLUMN_PARENT_TS,
  KV_COLUMN_SEQ
};

/* Create the shadow tables, empty; or those of them that are missing. */
int kv_cache_create(kv_stmts *stmts);

/* Drop them. */
int kv_cache_drop(kv_stmts *stmts);

/* Rename them: the table is called new_name now. */
int kv_cache_rename(kv_stmts *stmts, const char *new_name);

/*
** Turn a cache whose format is KV_CACHE_OLDEST or later, but older than this one,
** into a cache of this format. All rows are carried over, also those that wait.
** format: the one that it has; `aside`: a prefix for tables that hold the rows for a
** moment. SQLITE_ERROR if
** the tables are not those of their format: roll back.
*/
int kv_cache_carry(kv_stmts *stmts, int64_t format, const char *aside);

/* Check that there is a cache of this format. A missing table is no error. */
int kv_cache_check(kv_stmts *stmts, int *is_usable, kv_meta *out);

/* The format of the cache; 0: unknown. */
int kv_cache_format(kv_stmts *stmts, int64_t *out);

/* Check that all tables exist, with all their columns. */
int kv_cache_is_whole(kv_stmts *stmts, int *is_whole);

/*
** Create the index by time. Do it after the first merge: a merge comes in key
** order, so it would add rows to the index one by one.
*/
int kv_cache_index(kv_stmts *stmts);

/*
** Move superseded rows to the back, and judge the keys in front. Note that this
** was after the merge or commit `arrival`, when all logs together had `rows` rows.
*/
int kv_cache_sweep(kv_stmts *stmts, const kv_meta *meta, int64_t arrival,
                   int64_t rows);

/*
** Note that no row in front is superseded: after a sweep, or because each row
** was merged to where it belongs. n_front: how many are in front.
*/
int kv_cache_note_sweep(kv_stmts *stmts, int64_t arrival, int64_t rows,
                        int64_t n_front);

/* Register kv_swept(), which a sweep uses, or take it back: is_there is 0. */
int kv_cache_sweep_register(sqlite3 *db, int is_there);

/*
** How many of the rows of all logs came after the last sweep; and are they
** enough for another one?
*/
int64_t kv_cache_unswept(const kv_meta *meta, int64_t rows);
int kv_cache_is_sweep_due(const kv_meta *meta, int64_t n_unswept);

/* How many rows all logs have, as far as they are merged. */
int kv_cache_rows(kv_stmts *stmts, int64_t *out);

/* When the own log was last looked through for history to give up; 0: never. */
int kv_cache_expiry(kv_stmts *stmts, int64_t *out);
int kv_cache_note_expiry(kv_stmts *stmts, int64_t now);

/* Begin an epoch: readers of changes have to start over. */
int kv_cache_begin_epoch(kv_stmts *stmts);

/* Find what a write of a key replaces. */
int kv_cache_find(kv_stmts *stmts, const kv_value *key, kv_winner *out);

/* The same from a row that KV_SQL_CACHE_LATEST found. */
void kv_cache_winner(sqlite3_stmt *row, kv_winner *out);

/*
** The value of a row, borrowed until the next step; NULL for a deletion. For a
** large value it is an SQL NULL, and *large is the value, for kv_value_free().
** With large = NULL a large value is not read.
*/
int kv_cache_value(kv_stmts *stmts, sqlite3_stmt *row, kv_value *large,
                   sqlite3_value **value);

/*
** Find the value of a key: the current one with KV_SQL_CACHE_VALUE, which has
** no key column (or _LATEST, with all columns), the one at the time as_of with
** KV_SQL_CACHE_ROW. The run is on the row, for kv_run_close(), and *value is
** borrowed until then. If the key does not exist, the run is closed and *value
** is NULL. `large` is as for kv_cache_value().
*/
int kv_cache_get(kv_run *run, kv_stmts *stmts, kv_sql id, const kv_value *key,
                 int64_t as_of, kv_value *large, sqlite3_value **value);

/*
** Merge what is new in a log: the rows of an open reader after `after`, up to
** the end of the last complete transaction. *out is what was read.
** kv_reader_verify() explains it, clock_limit and poll.
*/
int kv_cache_merge_new(kv_stmts *stmts, kv_reader *reader, kv_position after,
                       int64_t clock_limit, sqlite3_stmt *poll, int64_t arrived,
                       kv_stretch *out);

/*
** Merge the rows up to stretch->end, which kv_reader_verify() found; seen rows
** only if it found any. SQLITE_CORRUPT_VTAB: the second reading differed.
*/
int kv_cache_merge(kv_stmts *stmts, kv_reader *reader, kv_position after,
                   const kv_stretch *stretch, int64_t arrived);

/*
** Merge a log of which the cache may have rows: those that it lacks, from the
** beginning of the log. It has all up to number `merged`; if not, *is_late is
** set, and the caller begins an epoch. *n_added counts the rows that came.
*/
int kv_cache_merge_missing(kv_stmts *stmts, kv_reader *reader, int64_t merged,
                           int64_t clock_limit, sqlite3_stmt *poll,
                           int64_t arrived, int64_t *n_added, int *is_late,
                           kv_stretch *out);

/* Forget all rows of a device. */
int kv_cache_forget(kv_stmts *stmts, const char *device);

/* The number of the last commit or merge; 0: there was none. */
int kv_cache_last_arrival(kv_stmts *stmts, int64_t *out);

/* The last merge has this number. */
int kv_cache_note_merge(kv_stmts *stmts, int64_t arrived);

/* A commit or merge brought the rows of a device in a span. */
int kv_cache_put_arrival(kv_stmts *stmts, int64_t arrived, const char *device,
                         const kv_span *span);

/* Own rows have new numbers: record them as one new arrival. */
int kv_cache_arrive_again(kv_stmts *stmts, const char *device,
                          const kv_span *span);

/* Run a statement about one device, whose only parameter is its name. */
int kv_cache_run_for(kv_stmts *stmts, kv_sql id, const char *device);

/* How many rows of a device are in the cache: a scan. */
int kv_cache_count(kv_stmts *stmts, const char *device, int64_t *out);

/* Keep a seen row of a device. */
int kv_cache_put_seen(kv_stmts *stmts, const char *device, const kv_row *row);

/* The latest time up to `limit` in any log; -1: none. */
int kv_cache_latest(kv_stmts *stmts, int64_t limit, int64_t *out);

#endif
