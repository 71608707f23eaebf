/*
** The order of keys; see order.h.
**
** The same as SQLite's sqlite3MemCompare():
**
**   NULL < numbers < text < blob
**
** SQLite stores NaN as NULL. Here it counts as the least number, so that the
** order is total for any input.
*/
#include "order.h"

#include <assert.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ORDER_TWO_63 9223372036854775808.0

static int order_int(int64_t a, int64_t b) {
  return (a > b) - (a < b);
}

/* Compare by bytes; if one is a prefix of the other, it is the smaller. */
static int order_bytes(const void *a, size_t n_a, const void *b, size_t n_b) {
  size_t n = n_a < n_b ? n_a : n_b;
  int c = n ? memcmp(a, b, n) : 0;

  return c ? c : (n_a > n_b) - (n_a < n_b);
}

static int order_real(double a, double b) {
  if (a != a || b != b) return (a == a) - (b == b);
  return (a > b) - (a < b);
}

/*
** Compare exactly. The whole part of a double in this range is an int64 without
** rounding. If the whole parts are equal, the double is small enough that the
** difference is exactly its fraction.
** https://sqlite.org/src/file/src/vdbeaux.c (sqlite3IntFloatCompare)
*/
static int order_int_real(int64_t a, double b) {
  int64_t whole;

  if (b != b) return 1;
  if (b < -ORDER_TWO_63) return 1;
  if (b >= ORDER_TWO_63) return -1;
  whole = (int64_t)b;
  if (a != whole) return a < whole ? -1 : 1;
  return order_real((double)whole, b);
}

/* The place of a type in the order above. */
static int order_class(const kv_value *v) {
  assert(v->type >= KV_NULL && v->type <= KV_BLOB);
  return v->type == KV_REAL ? KV_INTEGER : v->type;
}

int kv_order_keys(const kv_value *a, const kv_value *b) {
  int c = order_int(order_class(a), order_class(b));

  if (c || a->type == KV_NULL) return c;
  if (a->type >= KV_TEXT) return order_bytes(a->z, a->n, b->z, b->n);
  if (a->type == KV_INTEGER) {
    if (b->type == KV_INTEGER) return order_int(a->i, b->i);
    return order_int_real(a->i, b->r);
  }
  if (b->type == KV_INTEGER) return -order_int_real(b->i, a->r);
  return order_real(a->r, b->r);
}

uint64_t kv_order_hash(const kv_value *key) {
  kv_value whole = {KV_INTEGER, 0, 0, NULL, 0};

  if (key->type >= KV_TEXT) {
    return key->n ? XXH3_64bits(key->z, key->n) : (uint64_t)key->type;
  }
  if (key->type == KV_INTEGER) return XXH3_64bits(&key->i, sizeof(key->i));
  if (key->type == KV_NULL) return 0;
  /* A real that equals an integer has the integer's hash. */
  if (key->r >= -ORDER_TWO_63 && key->r < ORDER_TWO_63) {
    whole.i = (int64_t)key->r;
    if (kv_order_keys(&whole, key) == 0) return kv_order_hash(&whole);
  }
  return XXH3_64bits(&key->r, sizeof(key->r));
}

/* Neighbouring keys often have a common prefix: compare their ends first. */
int kv_order_is_same(const kv_value *a, const kv_value *b) {
  const char *x = a->z;
  const char *y = b->z;

  if (a->type < KV_TEXT || b->type < KV_TEXT) return kv_order_keys(a, b) == 0;
  if (a->type != b->type || a->n != b->n) return 0;
  return a->n == 0 || (x[a->n - 1] == y[a->n - 1] && memcmp(x, y, a->n) == 0);
}

int kv_order_is_identical(const kv_value *a, const kv_value *b) {
  return a->type == b->type && kv_order_is_same(a, b);
}
