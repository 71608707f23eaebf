/*
** Keys that ascend. See ids.h.
*/
#include "ids.h"

#include <string.h>

#include "db/error.h"
#include "db/handle.h"

#define IDS_LOW (((uint64_t)1 << 62) - 1)
#define IDS_HIGH 0xfff
#define IDS_BITS 20

static uint64_t ids_random(sqlite3 *db) {
  uint64_t out;

  kv_handle_random(db, sizeof(out), (unsigned char *)&out);
  return out;
}

int64_t kv_ids_now(sqlite3 *db) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(kv_handle_vfs(db));
  sqlite3_int64 julian = 0;

  if (vfs && vfs->iVersion >= 2 && vfs->xCurrentTimeInt64) {
    vfs->xCurrentTimeInt64(vfs, &julian);
  } else if (vfs) {
    double days = 0;
    vfs->xCurrentTime(vfs, &days);
    julian = (sqlite3_int64)(days * 86400000.0);
  }
  return julian - 210866760000000; /* from noon of 4714 BC to 1970 */
}

/* Begin a millisecond: some of the bits are 0, so that many keys fit. */
static void ids_begin(kv_ids *ids, sqlite3 *db, int64_t ms) {
  ids->uuid_ms = ms;
  ids->high = ids_random(db) & (IDS_HIGH >> 1);
  ids->low = ids_random(db) & IDS_LOW;
}

void kv_ids_uuid(kv_ids *ids, sqlite3 *db, int64_t ms, char out[KV_UUID_SIZE]) {
  uint64_t time;

  if (ms > ids->uuid_ms) {
    ids_begin(ids, db, ms);
  } else if (ids->low < IDS_LOW) {
    ids->low++;
  } else if (ids->high < IDS_HIGH) {
    ids->high++;
    ids->low = 0;
  } else {
    ids_begin(ids, db, ids->uuid_ms + 1);
  }
  time = (uint64_t)ids->uuid_ms;
  sqlite3_snprintf(KV_UUID_SIZE, out, "%08x-%04x-7%03x-%04x-%012llx",
                   (unsigned)(time >> 16), (unsigned)(time & 0xffff),
                   (unsigned)ids->high, (unsigned)(0x8000 | (ids->low >> 48)),
                   (sqlite3_int64)(ids->low & 0xffffffffffff));
}

int64_t kv_ids_id(kv_ids *ids, sqlite3 *db, int64_t ms) {
  int64_t first = ms << IDS_BITS;

  if (first > ids->id) {
    ids->id = first | (int64_t)(ids_random(db) & ((1 << (IDS_BITS - 1)) - 1));
  } else {
    ids->id++;
  }
  return ids->id & INT64_MAX;
}

/* Places in a list: digits of a fraction in base 62 */

static const char ids_digits[] =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static int ids_digit(char c) {
  const char *at = c ? strchr(ids_digits, c) : NULL;
  return at ? (int)(at - ids_digits) : -1;
}

static int ids_is_place(const char *z) {
  for (; z && *z; z++)
    if (ids_digit(*z) < 0) return 0;
  return 1;
}

/* The digit at a place: behind low zeroes, behind the open end a 62nd. */
static int ids_at(const char *z, size_t n, size_t i, int is_open) {
  if (is_open) return i == 0 ? 62 : 0;
  return i < n ? ids_digit(z[i]) : 0;
}

/*
** low + (high - low) * (i + 1) / (n + 1), to `size` digits. The difference is
** multiplied digit by digit from behind, and divided from the front.
*/
static void ids_divide(const int *low, const int *high, int64_t i, int64_t n,
                       int *out, size_t size) {
  int64_t rest = 0;
  int64_t carry = 0;
  size_t k;

  for (k = size; k-- > 0;) { /* out: high - low */
    int64_t d = high[k] - low[k] + carry;
    carry = d < 0 && k > 0 ? -1 : 0;
    out[k] = (int)(d - 62 * carry);
  }
  for (k = 0; k < size; k++) { /* divided by n + 1 */
    int64_t d = rest * 62 + out[k];
    out[k] = (int)(d / (n + 1));
    rest = d % (n + 1);
  }
  carry = 0;
  for (k = size; k-- > 0;) { /* times i + 1, and low */
    int64_t d = (int64_t)out[k] * (i + 1) + low[k] + carry;
    out[k] = k > 0 ? (int)(d % 62) : (int)d;
    carry = d / 62;
  }
}

/*
** How many digits of a place are needed so that it is between low and high with
** any digits behind it.
*/
static size_t ids_needed(const int *low, const int *high, const int *place,
                         size_t size) {
  int is_above = 0;
  int is_below = 0;
  size_t k;

  for (k = 0; k < size && !(is_above && is_below); k++) {
    is_above |= place[k] > low[k];
    is_below |= place[k] < high[k];
  }
  return k;
}

char *kv_ids_between(sqlite3 *db, const char *low, const char *high, int64_t i,
                     int64_t n, int *is_valid) {
  size_t n_low = low ? strlen(low) : 0;
  size_t n_high = high ? strlen(high) : 0;
  size_t most = n_low > n_high ? n_low : n_high;
  size_t size = most + 8; /* room for n places, and four random digits */
  int *digits;
  char *out = NULL;
  size_t k;

  *is_valid = ids_is_place(low) && ids_is_place(high) && n >= 1 && i >= 0 &&
              i < n && n <= 1000000 && !(low && high && strcmp(low, high) >= 0);
  if (!*is_valid) return NULL;
  digits = kv_zalloc(3 * size * sizeof(*digits));
  if (digits) out = sqlite3_malloc64(size + 1);
  for (k = 0; k < size && out; k++) {
    digits[k] = ids_at(low, n_low, k, 0);
    digits[size + k] = ids_at(high, n_high, k, !high);
  }
  if (out) {
    int *high_digits = digits + size;
    int *place = digits + 2 * size;

    ids_divide(digits, high_digits, i, n, place, size - 4);
    if (n == 1) size = 4 + ids_needed(digits, high_digits, place, size - 4);
    for (k = 0; k < 4; k++)
      place[size - 4 + k] = (int)(ids_random(db) % 62);
    if (place[size - 1] == 0) place[size - 1] = 1; /* no 0 at the end */
    for (k = 0; k < size; k++)
      out[k] = ids_digits[place[k]];
    out[size] = '\0';
    *is_valid =
      (!low || strcmp(low, out) < 0) && (!high || strcmp(out, high) < 0);
  }
  sqlite3_free(digits);
  return out;
}
