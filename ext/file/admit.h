/*
** Decides, before any row is read, whether a file is a log of this format, and
** whose.
**
** The header is checked byte by byte before SQLite parses anything. Then the
** schema must be ours to the byte, and the device row must be valid.
**
** INVARIANT: no more of a file is read than it takes to refuse it.
*/
#ifndef KV_FILE_ADMIT_H
#define KV_FILE_ADMIT_H

#include "core/names.h"
#include "core/row.h"
#include "db/sqlite.h"
#include "state.h"

/* A row of a log, named by its number and its chained sum. */
typedef struct kv_position {
  int64_t seq;
  int64_t sum;
} kv_position;

/* The row of table device, and what the file says of itself. */
typedef struct kv_log_head {
  char name[KV_NAME_MAX + 1];
  unsigned char id[KV_ID_SIZE];
  char host[KV_NAME_MAX + 1];
  kv_origin origin;
  kv_position base; /* the chain of this file starts behind it */
  int64_t end;      /* bytes, by its header, if the file is longer; else 0 */
} kv_log_head;

/* Where the chain of the whole log starts: before its first file's first row. */
kv_position kv_log_start(const kv_log_head *head);

/*
** Judge the file that a confined handle has open. `device` is the name that its
** device row must hold (NULL: any). *head is set if the verdict stays
** KV_STATE_OK; otherwise the verdict says why this is not a readable log.
**
** Returns SQLITE_OK, or what says nothing about the file: SQLITE_NOMEM, or an
** error of the disk, for which the verdict is KV_STATE_BUSY.
*/
int kv_admit(sqlite3 *handle, const char *device, kv_log_head *head,
             kv_verdict *verdict);

#endif
