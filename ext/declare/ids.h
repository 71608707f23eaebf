/*
** Keys that no other device makes, too, and that ascend.
**
**   kv_uuid()   a UUID of version 7 (RFC 9562): milliseconds, then 74 bits
**   kv_id()     a positive integer: 43 bits of milliseconds, then 20 bits
**
** The bits behind the time begin at random in each millisecond and count up. If
** they overflow, or the clock goes back, the time is the last one or one more.
*/
#ifndef KV_DECLARE_IDS_H
#define KV_DECLARE_IDS_H

#include <stdint.h>

#include "db/sqlite.h"

#define KV_UUID_SIZE 37 /* with its NUL */

/* The last key of a connection. Zeroes are fine. */
typedef struct kv_ids {
  int64_t uuid_ms;
  uint64_t high; /* 12 bits */
  uint64_t low;  /* 62 bits */
  int64_t id;
} kv_ids;

void kv_ids_uuid(kv_ids *ids, sqlite3 *db, int64_t ms, char out[KV_UUID_SIZE]);
int64_t kv_ids_id(kv_ids *ids, sqlite3 *db, int64_t ms);

/* The time in milliseconds, from the clock of the host's VFS. */
int64_t kv_ids_now(sqlite3 *db);

/*
** A place between two texts of 0-9, A-Z and a-z: the i-th (from 0) of n, with
** random digits behind, so that no two devices make the same. NULL is the end
** of the list. For sqlite3_free(); NULL: no memory. *is_valid is 0 if low and
** high are not such texts, or low is not below high.
*/
char *kv_ids_between(sqlite3 *db, const char *low, const char *high, int64_t i,
                     int64_t n, int *is_valid);

#endif
