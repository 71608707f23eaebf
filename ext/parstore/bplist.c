/*
** Binary property lists. See bplist.h.
**
**   0          8                  table                      n - 32
**   +----------+------------------+--------------------------+---------+
**   | bplist00 | objects          | offsets of the objects,  | trailer |
**   |          |                  | offset_size bytes each   |         |
**   +----------+------------------+--------------------------+---------+
**
**   trailer    5 bytes unused, sort version, offset_size, ref_size, then
**              u64be n_objects, top, table
**   object     a marker, high nibble what it is, low nibble how much of it;
**              15: an object of an integer with the length follows
**
** All integers are big-endian. Lengths are compared by division, so that none
** overflows. Core Foundation's CFBinaryPList.c is the source.
*/
#include "bplist.h"

#include <string.h>

#define BPLIST_HEADER 8
#define BPLIST_TRAILER 32
#define BPLIST_SMALLEST (BPLIST_HEADER + 1 + 1 + BPLIST_TRAILER)

/* An integer of 1 to 8 bytes. */
static uint64_t bplist_be(const unsigned char *z, uint64_t n) {
  uint64_t u = 0;

  while (n--)
    u = u << 8 | *z++;
  return u;
}

int kv_bplist_open(const void *z, size_t n, kv_bplist *out) {
  const unsigned char *end = (const unsigned char *)z + n;
  uint64_t room;

  memset(out, 0, sizeof(*out));
  if (n < BPLIST_SMALLEST || memcmp(z, "bplist00", BPLIST_HEADER) != 0) {
    return 0;
  }
  out->z = z;
  out->offset_size = end[-26];
  out->ref_size = end[-25];
  out->n_objects = bplist_be(end - 24, 8);
  out->top = bplist_be(end - 16, 8);
  out->table = bplist_be(end - 8, 8);
  if (out->offset_size < 1 || out->offset_size > 8 || out->ref_size < 1 ||
      out->ref_size > 8 || out->table <= BPLIST_HEADER ||
      out->table > n - BPLIST_TRAILER) {
    return 0;
  }
  room = (n - BPLIST_TRAILER - out->table) / (uint64_t)out->offset_size;
  return out->n_objects >= 1 && out->n_objects <= room &&
         out->top < out->n_objects;
}

/* 2^low bytes: up to four are unsigned, eight signed, sixteen both. */
static int bplist_integer(const unsigned char *z, uint64_t room, int low,
                          kv_bplist_object *out) {
  uint64_t n = (uint64_t)1 << low;
  uint64_t high = 0;
  int is_negative;

  if (low > 4 || room < n) return 0;
  if (low == 4) high = bplist_be(z, 8);
  out->i = (int64_t)bplist_be(low == 4 ? z + 8 : z, low == 4 ? 8 : n);
  is_negative = out->i < 0;
  if (low < 4 || high == (is_negative ? UINT64_MAX : 0)) {
    out->kind = KV_BPLIST_INTEGER;
  } else {
    out->kind = high == 0 ? KV_BPLIST_UNSIGNED : KV_BPLIST_HUGE;
  }
  return 1;
}

/* The double of 4 or 8 bytes. */
static int bplist_double(const unsigned char *z, uint64_t room, int low,
                         double *out) {
  uint64_t bits;
  uint32_t few;
  float f;

  if (low < 2 || low > 3 || room < (uint64_t)1 << low) return 0;
  bits = bplist_be(z, (uint64_t)1 << low);
  if (low == 3) {
    memcpy(out, &bits, sizeof(bits));
  } else {
    few = (uint32_t)bits;
    memcpy(&f, &few, sizeof(few));
    *out = f;
  }
  return 1;
}

/* What has a length: data, texts, arrays and dictionaries. */
static int bplist_run(const unsigned char *z, uint64_t room, int low,
                      uint64_t size, kv_bplist_object *out) {
  out->n = (uint64_t)low;
  if (low == 15) {
    uint64_t n_length;

    if (room < 1 || z[0] >> 4 != 1 || (z[0] & 15) > 3) return 0;
    n_length = (uint64_t)1 << (z[0] & 15);
    if (room - 1 < n_length) return 0;
    out->n = bplist_be(z + 1, n_length);
    z += 1 + n_length;
    room -= 1 + n_length;
  }
  out->z = z;
  return out->n <= room / size;
}

int kv_bplist_get(const kv_bplist *list, uint64_t number,
                  kv_bplist_object *out) {
  uint64_t ref_size = (uint64_t)list->ref_size;
  const unsigned char *z;
  uint64_t at;
  uint64_t room;
  int low;

  memset(out, 0, sizeof(*out));
  if (number >= list->n_objects) return 0;
  at = bplist_be(list->z + list->table + number * (uint64_t)list->offset_size,
                 (uint64_t)list->offset_size);
  if (at < BPLIST_HEADER || at >= list->table) return 0;
  z = list->z + at + 1;
  room = list->table - at - 1;
  low = z[-1] & 15;
  switch (z[-1] >> 4) {
    case 0x0:
      out->kind = KV_BPLIST_BOOLEAN;
      out->i = low == 9;
      return low == 8 || low == 9;
    case 0x1: return bplist_integer(z, room, low, out);
    case 0x2:
      out->kind = KV_BPLIST_REAL;
      return bplist_double(z, room, low, &out->r);
    case 0x3:
      out->kind = KV_BPLIST_DATE;
      return low == 3 && bplist_double(z, room, low, &out->r);
    case 0x4:
      out->kind = KV_BPLIST_DATA;
      return bplist_run(z, room, low, 1, out);
    case 0x5:
      out->kind = KV_BPLIST_ASCII;
      return bplist_run(z, room, low, 1, out);
    case 0x6:
      out->kind = KV_BPLIST_UTF16;
      return bplist_run(z, room, low, 2, out);
    case 0x8: out->kind = KV_BPLIST_UID; return room > (uint64_t)low;
    case 0xA:
      out->kind = KV_BPLIST_ARRAY;
      return bplist_run(z, room, low, ref_size, out);
    case 0xD:
      out->kind = KV_BPLIST_DICTIONARY;
      return bplist_run(z, room, low, 2 * ref_size, out);
    default: return 0;
  }
}

uint64_t kv_bplist_ref(const kv_bplist *list, const kv_bplist_object *object,
                       uint64_t i) {
  return bplist_be(object->z + i * (uint64_t)list->ref_size,
                   (uint64_t)list->ref_size);
}
