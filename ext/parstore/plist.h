/*
** A property list as an SQL value.
**
**   string       TEXT            integer   INTEGER, if it has 64 bits
**   boolean      0, 1            real      REAL
**   data         BLOB            date      TEXT, UTC
**   array, dictionary            TEXT: JSON, keys sorted by their bytes
**
** In JSON data is {"blob":"HEX"} and a date its text. What SQL does not have,
** alone or inside, makes the value the list itself, a BLOB: a larger integer,
** NaN, a UID, half a surrogate, a year outside of 0 to 9999.
**
** INVARIANT: equal lists have equal values, however they were written. The
** work is bounded by a multiple of the list's size.
*/
#ifndef KV_PARSTORE_PLIST_H
#define KV_PARSTORE_PLIST_H

#include "core/row.h"

/* Seconds from 1970 to 2001, where times of property lists begin. */
#define KV_PLIST_EPOCH 978307200

/*
** Seconds since 2001 as microseconds since 1970, rounded; 0 if they are NaN or
** too far off for 64 bits.
*/
int kv_plist_time(double seconds, int64_t *out);

typedef struct kv_plist {
  const char *type; /* as above, `plist` for the list itself; static */
  kv_value value;   /* borrows the bytes of the list, or owns its own */
  char *own;        /* for sqlite3_free(), or NULL */
} kv_plist;

/*
** Read n bytes, which the value may borrow. A value of more than `most` bytes
** is the list itself. type is NULL, and the value the bytes as they are, if
** they are no property list or a damaged one. Returns SQLITE_OK or
** SQLITE_NOMEM. kv_plist_clear() afterwards.
*/
int kv_plist_read(const void *z, size_t n, int64_t most, kv_plist *out);

void kv_plist_clear(kv_plist *plist);

#endif
