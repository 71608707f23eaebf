/*
** Binary property lists: the objects of one, each checked as it is looked at.
**
** Pure: no SQLite, no allocation. A list is any bytes; what is returned borrows
** them. Objects are named by their number in the list's table. Nothing here
** follows a reference: the caller that does limits the cost (plist.c).
**
** INVARIANT: no byte outside of the list is read, whatever it says.
*/
#ifndef KV_PARSTORE_BPLIST_H
#define KV_PARSTORE_BPLIST_H

#include <stddef.h>
#include <stdint.h>

typedef struct kv_bplist {
  const unsigned char *z;
  uint64_t table; /* where the table of offsets begins, and objects end */
  uint64_t n_objects;
  uint64_t top; /* the number of the outermost object */
  int offset_size;
  int ref_size;
} kv_bplist;

typedef enum kv_bplist_kind {
  KV_BPLIST_BOOLEAN,
  KV_BPLIST_INTEGER,
  KV_BPLIST_UNSIGNED, /* an integer from 2^63 to 2^64 - 1 */
  KV_BPLIST_HUGE,     /* an integer with more bits than 64 */
  KV_BPLIST_REAL,
  KV_BPLIST_DATE,  /* r seconds since 2001 */
  KV_BPLIST_DATA,  /* n bytes */
  KV_BPLIST_ASCII, /* n bytes, which should be below 128 */
  KV_BPLIST_UTF16, /* n units of two bytes, big-endian, any */
  KV_BPLIST_UID,
  KV_BPLIST_ARRAY,     /* n references */
  KV_BPLIST_DICTIONARY /* n references to keys, then n to values */
} kv_bplist_kind;

typedef struct kv_bplist_object {
  kv_bplist_kind kind;
  int64_t i; /* of a boolean and integers; the bits of an unsigned one */
  double r;
  const unsigned char *z;
  uint64_t n;
} kv_bplist_object;

/* Read the trailer of n bytes. 0 if they are no property list. */
int kv_bplist_open(const void *z, size_t n, kv_bplist *out);

/* Read an object. 0 if it is damaged, or no object has that number. */
int kv_bplist_get(const kv_bplist *list, uint64_t number,
                  kv_bplist_object *out);

/* A reference of an array or dictionary: i < n, or < 2 n. */
uint64_t kv_bplist_ref(const kv_bplist *list, const kv_bplist_object *object,
                       uint64_t i);

#endif
