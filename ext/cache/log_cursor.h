/*
** How far each device's log is merged: {name}_cursor; and which logs were
** replaced by another one: {name}_former.
*/
#ifndef KV_CACHE_LOG_CURSOR_H
#define KV_CACHE_LOG_CURSOR_H

#include "core/former.h"
#include "db/stmt.h"
#include "folder/folder.h"
#include "log/reader.h"

/* How far one device's log is merged: a row of {name}_cursor. */
typedef struct kv_log_cursor {
  char device[KV_NAME_MAX + 1];
  int is_known; /* there is a row */
  int has_id;
  unsigned char id[KV_ID_SIZE]; /* of the log that was read */
  kv_position cached;           /* the last row of it that is in the cache */
  kv_position published;        /* own: its tail, last seen under its lock */
  int has_waiting;              /* own: rows wait for the folder: */
  kv_position waiting;          /* they come after this one */
  kv_origin origin;             /* of that log */
  int64_t holes;                /* numbers up to `cached` that have no row */
  int64_t last_ts;      /* latest time that the clock counted; -1: none */
  int64_t newest;       /* latest time of any row; -1: none */
  int64_t clock_offset; /* microseconds that its clock is ahead, at least */
  int64_t synced;       /* when its file was last read; -1: never */
  int has_stamp;
  kv_stamp stamp; /* of the file as it was read to its end */
  int has_before; /* own, if not has_stamp: stamp has the size and the mtime */
                  /* from before the last commit */
  kv_verdict verdict;
} kv_log_cursor;

/* Load a cursor (*out need not be initialized), save it, free its detail. */
int kv_log_cursor_load(kv_stmts *stmts, const char *device, kv_log_cursor *out);
int kv_log_cursor_save(kv_stmts *stmts, const kv_log_cursor *cursor);
void kv_log_cursor_clear(kv_log_cursor *cursor);

/*
** Load the log `id` of a device, if it is a former one; and save that another
** one replaces it. The last eight of each device are kept.
*/
int kv_former_load(kv_stmts *stmts, const char *device, const unsigned char *id,
                   kv_former *out, int *found);
int kv_former_save(kv_stmts *stmts, const char *device, const unsigned char *id,
                   const kv_former *former);

/* The devices that have a cursor, as kv_folder_list() gives names. */
int kv_log_cursor_list(kv_stmts *stmts, char ***out, int *n);

#endif
