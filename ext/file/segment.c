/*
** The names of the sealed files of a log. See segment.h.
*/
#include "segment.h"

#include <string.h>

#include "db/sqlite.h"

/* Before the digits of the number, and the digits. */
#define SEGMENT_PREFIX (4 + 2 * KV_ID_SIZE + 1)
#define SEGMENT_DIGITS 19

void kv_segment_name(const unsigned char *id, int64_t last,
                     char out[KV_SEGMENT_NAME_SIZE]) {
  int i;

  memcpy(out, "log-", 4);
  for (i = 0; i < KV_ID_SIZE; i++)
    sqlite3_snprintf(3, out + 4 + 2 * i, "%02x", id[i]);
  sqlite3_snprintf(KV_SEGMENT_NAME_SIZE - SEGMENT_PREFIX + 1,
                   out + SEGMENT_PREFIX - 1, "-%019lld.db", last);
}

/* The value of a hexadecimal digit, -1: it is none, or in upper case. */
static int segment_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int kv_segment_read(const char *name, unsigned char id[KV_ID_SIZE],
                    int64_t *last) {
  char expected[KV_SEGMENT_NAME_SIZE];
  uint64_t number = 0;
  int i;

  if (strlen(name) != KV_SEGMENT_NAME_SIZE - 1) return 0;
  for (i = 0; i < KV_ID_SIZE; i++) {
    int high = segment_digit(name[4 + 2 * i]);
    int low = segment_digit(name[5 + 2 * i]);

    if (high < 0 || low < 0) return 0;
    id[i] = (unsigned char)(16 * high + low);
  }
  for (i = 0; i < SEGMENT_DIGITS; i++) {
    char digit = name[SEGMENT_PREFIX + i];

    if (digit < '0' || digit > '9') return 0;
    number = 10 * number + (uint64_t)(digit - '0');
  }
  if (number > INT64_MAX) return 0;
  *last = (int64_t)number;
  kv_segment_name(id, *last, expected);
  return strcmp(name, expected) == 0;
}

int kv_segment_is(const char *name, const unsigned char *id, int64_t *last) {
  unsigned char found[KV_ID_SIZE];

  return kv_segment_read(name, found, last) &&
         memcmp(found, id, KV_ID_SIZE) == 0;
}
