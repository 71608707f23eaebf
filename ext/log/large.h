/*
** Rows with values too large to be loaded before they are known to be right.
**
** A checksum is known when all of its row was read, so a row costs the time
** that it takes to read it. It need not cost its memory, too: a file can hold
** a row of any size that is no row of a log. And it need not cost that time at
** once: a check is left when its time is over, and gone on with.
**
** What is known of the large rows of a log, and how far the checks of them came,
** is kept with the store until the row is merged or gone. A log that only grew
** meanwhile does not begin them again.
*/
#ifndef KV_LOG_LARGE_H
#define KV_LOG_LARGE_H

#include "confine.h"
#include "core/names.h"
#include "core/row.h"
#include "db/sqlite.h"
#include "folder/folder.h"

/* Values up to so many bytes are loaded at once. */
#ifndef KV_LARGE
#define KV_LARGE (1 << 20)
#endif

/* Microseconds for large rows without a verified row, in one kv_sync(). */
#ifndef KV_LARGE_BUDGET
#define KV_LARGE_BUDGET 80000
#endif

typedef struct kv_large_row kv_large_row;

/* What is known of the large rows of one device's log. */
typedef struct kv_larges {
  struct kv_larges *next;
  char device[KV_NAME_MAX + 1];
  unsigned char id[KV_ID_SIZE]; /* of the log */
  kv_stamp stamp;               /* of the file, when it was looked at last */
  int64_t n_states;             /* of it that may differ */
  kv_large_row *rows;
} kv_larges;

/* The ones of a device, made if there are none; NULL: no memory. */
kv_larges *kv_larges_get(kv_larges **list, const char *device);

/* The file has this stamp now. */
void kv_larges_look(kv_larges *larges, const kv_stamp *stamp);

/* The log has this id: what is known of another one is forgotten. */
void kv_larges_of(kv_larges *larges, const unsigned char *id);

/* Forget all rows. */
void kv_larges_clear(kv_larges *larges);

/* Forget the rows that nothing was asked about since the last time. */
void kv_larges_trim(kv_larges *larges);

/* Forget those of a device (NULL: of all). */
void kv_larges_forget(kv_larges **list, const char *device);

/* How far a check came whose time was over. */
typedef struct kv_large_left {
  int is_left;     /* it was over */
  int was_wrong;   /* the row, in another state of the file */
  int64_t n_done;  /* bytes that were read, */
  int64_t n_bytes; /* of so many */
} kv_large_left;

/* What a check is done with. */
typedef struct kv_large_check_of {
  sqlite3 *handle;
  int limit;          /* of a value, in bytes; 0: the handle's own holds */
  kv_larges *larges;  /* NULL: nothing is kept */
  int64_t budget;     /* microseconds, if larges: then it is left; 0: never */
  int64_t deadline;   /* when that is; 0: nothing has begun yet */
  sqlite3_stmt *poll; /* KV_SQL_POLL of the host, or NULL */
  uint32_t n;         /* bytes of the row that was checked last */
  kv_large_left left;
} kv_large_check_of;

/*
** From now on the handle loads values up to KV_LARGE alone: a larger one is
** SQLITE_TOOBIG. Nothing changes if its own limit is that low.
*/
void kv_large_limit(kv_large_check_of *of);

/* It loads them as they are again. */
void kv_large_unlimit(kv_large_check_of *of);

/*
** Step to the row that was checked last, for which *work is given what that
** takes. SQLITE_CORRUPT if it takes more: it is another one then.
*/
int kv_large_step(kv_large_check_of *of, sqlite3_stmt *stmt, kv_work *work);

/*
** Check the row behind *previous as kv_row_check() does, reading its text
** and blobs in pieces: *reason is NULL if it may follow, else static. of->left
** says if it is not known yet; then *reason does, too.
**
** SQLITE_TOOBIG: one of them is longer than the limit; SQLITE_ABORT: the host
** wants no more. Other codes are SQLite's on reading the file.
*/
int kv_large_check(kv_large_check_of *of, const kv_row *previous,
                   const char **reason);

/*
** The sum that a large row carries, unverified; *found is 0 if there is no such
** row, or its time was over. `expected` is taken where it is likely to be.
*/
int kv_large_sum(kv_large_check_of *of, int64_t seq, const int64_t *expected,
                 int64_t *sum, int *found);

/* Go on with a check that was left, if there is one. */
int kv_large_go_on(kv_large_check_of *of);

#endif
