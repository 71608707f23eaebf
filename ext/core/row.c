/*
** The canonical encoding of a row, its chained sum, and the check that one
** row may follow another.
**
** What is hashed, with XXH3_64 and seed 0; integers and the bits of doubles
** are little-endian whatever the machine:
**
**   0         8         16        24        32
**   +---------+---------+---------+---------+-----------+
**   |previous | seq     | txn     | ts      | parent_ts |
**   |sum u64le| i64le   | i64le   | i64le   | V         |
**   +---------+---------+---------+---------+-----------+
**   | op | bucket | key | value |
**   | u8 | V      | V   | V     |
**   +----+--------+-----+-------+
**
**   V = one value        +---+
**     NULL               | 0 |
**                        +---+-------------------+
**     INTEGER            | 1 | i64le             |
**     REAL               | 2 | IEEE-754 as u64le |
**                        +---+-------------------+----------+
**     TEXT (UTF-8)       | 3 | u64le bytes       | bytes... |
**     BLOB               | 4 | u64le bytes       | bytes... |
**                        +---+-------------------+----------+
**
** Tags and lengths make it unambiguous: no two rows have the same encoding.
** A base sum, where a chain starts, is the same hash of:
**
**   +---------+------------+---------+----------+
**   | "KVLG1" | u32le n    | n bytes | 16 bytes |
**   |         |            | name    | id       |
**   +---------+------------+---------+----------+
**
** and, if the log took the place of another one or has a horizon, of:
**
**   +-----------+------------+------------+---------+
**   | former_id | former_seq | former_sum | horizon |
**   | V         | V          | V          | i64le   |
**   +-----------+------------+------------+---------+
**
** kv_row_hash_values() is XXH3_128 of values in the same encoding, V after V.
**
** Most rows are small: they are encoded into one buffer on the stack and hashed
** at once. A larger row goes through a streaming hash, which reads long text
** and blobs without a copy.
*/
#include "row.h"

#include <assert.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "clock.h"

#if XXH_VERSION_NUMBER < 800
#error "xxHash 0.8.0 or newer is needed: XXH3 was not final before"
#endif

#define ROW_BUFFER_SIZE 1024

/* A hash that is being computed. */
typedef struct row_hash {
  XXH3_state_t state; /* only if is_streaming */
  int is_streaming;   /* bytes before those in buf went into state */
  size_t n;           /* bytes in buf */
  unsigned char buf[ROW_BUFFER_SIZE];
} row_hash;

static void row_hash_init(row_hash *h) {
  h->is_streaming = 0;
  h->n = 0;
}

static void row_hash_flush(row_hash *h) {
  if (!h->is_streaming) XXH3_64bits_reset(&h->state);
  h->is_streaming = 1;
  XXH3_64bits_update(&h->state, h->buf, h->n);
  h->n = 0;
}

/* Make room for n bytes, n <= ROW_BUFFER_SIZE; returns where they go. */
static unsigned char *row_hash_room(row_hash *h, size_t n) {
  unsigned char *p;

  if (n > ROW_BUFFER_SIZE - h->n) row_hash_flush(h);
  p = h->buf + h->n;
  h->n += n;
  return p;
}

static void row_hash_bytes(row_hash *h, const void *z, size_t n) {
  if (n == 0) return;
  if (n <= ROW_BUFFER_SIZE) {
    memcpy(row_hash_room(h, n), z, n);
  } else {
    row_hash_flush(h);
    XXH3_64bits_update(&h->state, z, n);
  }
}

static int64_t row_hash_sum(row_hash *h) {
  XXH64_hash_t hash;
  int64_t sum;

  if (h->is_streaming) {
    row_hash_flush(h);
    hash = XXH3_64bits_digest(&h->state);
  } else {
    hash = XXH3_64bits(h->buf, h->n);
  }
  memcpy(&sum, &hash, sizeof(sum));
  return sum;
}

/* Compilers make one store of these on a little-endian machine. */
static void row_store_u32(unsigned char *p, uint32_t u) {
  p[0] = (unsigned char)u;
  p[1] = (unsigned char)(u >> 8);
  p[2] = (unsigned char)(u >> 16);
  p[3] = (unsigned char)(u >> 24);
}

static void row_store_u64(unsigned char *p, uint64_t u) {
  row_store_u32(p, (uint32_t)u);
  row_store_u32(p + 4, (uint32_t)(u >> 32));
}

static void row_hash_value(row_hash *h, const kv_value *v) {
  unsigned char *p = row_hash_room(h, v->type == KV_NULL ? 1 : 9);
  uint64_t bits;

  p[0] = (unsigned char)v->type;
  switch (v->type) {
    case KV_INTEGER: row_store_u64(p + 1, (uint64_t)v->i); break;
    case KV_REAL:
      memcpy(&bits, &v->r, sizeof(bits));
      row_store_u64(p + 1, bits);
      break;
    case KV_TEXT:
    case KV_BLOB:
      row_store_u64(p + 1, v->n);
      row_hash_bytes(h, v->z, v->n);
      break;
    default: assert(v->type == KV_NULL); break;
  }
}

static void row_hash_origin(row_hash *h, const kv_origin *origin) {
  kv_value values[3] = {
    {.type = KV_NULL}, {.type = KV_NULL}, {.type = KV_NULL}};
  int i;

  if (origin->has_former) {
    values[0].type = KV_BLOB;
    values[0].z = origin->former_id;
    values[0].n = KV_ID_SIZE;
    values[1].type = values[2].type = KV_INTEGER;
    values[1].i = origin->former_seq;
    values[2].i = origin->former_sum;
  }
  for (i = 0; i < 3; i++)
    row_hash_value(h, &values[i]);
  row_store_u64(row_hash_room(h, 8), (uint64_t)origin->horizon);
}

int64_t kv_row_first_sum(const char *name, size_t n_name, const void *id,
                         const kv_origin *origin) {
  row_hash h;

  row_hash_init(&h);
  row_hash_bytes(&h, "KVLG1", 5);
  row_store_u32(row_hash_room(&h, 4), (uint32_t)n_name);
  row_hash_bytes(&h, name, n_name);
  row_hash_bytes(&h, id, KV_ID_SIZE);
  if (origin->has_former || origin->horizon) row_hash_origin(&h, origin);
  return row_hash_sum(&h);
}

int64_t kv_row_base_sum(const char *name, size_t n_name, const void *id) {
  static const kv_origin none = {0};
  return kv_row_first_sum(name, n_name, id, &none);
}

int kv_row_same_lineage(const unsigned char *id, const unsigned char *other) {
  return memcmp(id, other, KV_LINEAGE_SIZE) == 0;
}

void kv_row_hash_values(const kv_value *values, size_t n, unsigned char *out) {
  XXH128_canonical_t digest;
  XXH128_hash_t hash;
  row_hash h;
  size_t i;

  row_hash_init(&h);
  for (i = 0; i < n; i++) {
    kv_value value = values[i];

    if (value.type == KV_REAL && value.r == 0.0) value.r = 0.0; /* and -0.0 */
    row_hash_value(&h, &value);
  }
  if (h.is_streaming) { /* XXH3 has one state for 64 and 128 bits */
    row_hash_flush(&h);
    hash = XXH3_128bits_digest(&h.state);
  } else {
    hash = XXH3_128bits(h.buf, h.n);
  }
  XXH128_canonicalFromHash(&digest, hash);
  memcpy(out, digest.digest, KV_ROW_HASH_SIZE);
}

int64_t kv_row_sum(int64_t previous, const kv_row *row) {
  row_hash h;
  unsigned char *p;

  row_hash_init(&h);
  p = row_hash_room(&h, 32);
  row_store_u64(p, (uint64_t)previous);
  row_store_u64(p + 8, (uint64_t)row->seq);
  row_store_u64(p + 16, (uint64_t)row->txn);
  row_store_u64(p + 24, (uint64_t)row->ts);
  row_hash_value(&h, &row->parent_ts);
  *row_hash_room(&h, 1) = (unsigned char)row->op;
  row_hash_value(&h, &row->bucket);
  row_hash_value(&h, &row->key);
  row_hash_value(&h, &row->value);
  return row_hash_sum(&h);
}

uint64_t kv_row_size(const kv_row *row) {
  const kv_value *values[] = {&row->bucket, &row->key, &row->value};
  uint64_t n = 0;
  int i;

  for (i = 0; i < 3; i++)
    if (values[i]->type >= KV_TEXT) n += values[i]->n;
  return n;
}

kv_excess kv_row_excess(const kv_row *row) {
  uint64_t n_bucket = row->bucket.type >= KV_TEXT ? row->bucket.n : 0;
  uint64_t n_key = row->key.type >= KV_TEXT ? row->key.n : 0;

  if (n_bucket + n_key > KV_KEY_MAX) return KV_EXCESS_KEY;
  return kv_row_size(row) > KV_VALUE_MAX ? KV_EXCESS_ROW : KV_EXCESS_NONE;
}

static int row_is_ts(int64_t ts) {
  return ts >= 0 && ts <= KV_TS_MAX;
}

/* Where the row stands: its sequence number, transaction and time. */
static const char *row_check_place(const kv_row *previous, const kv_row *row,
                                   int64_t holes) {
  int is_open = previous->seq < previous->txn;
  int64_t end = previous->seq > holes ? previous->seq : holes;

  if (row->seq <= previous->seq || (row->seq > holes && row->seq - 1 != end)) {
    return "its sequence number is not the next one";
  }
  if (is_open && row->txn != previous->txn) {
    return "the transaction before it is not complete";
  }
  if (row->txn < row->seq) {
    return "its transaction ends before it";
  }
  if (row->seq <= holes && row->txn > holes) {
    return "its transaction ends behind the part that was compacted";
  }
  if (!row_is_ts(row->ts)) return "its time is out of range";
  return NULL;
}

/* What every row must have, whatever its op. */
static const char *row_check_types(const kv_row *row) {
  if (row->op < KV_OP_DELETE || row->op > KV_OP_RETIRE) {
    return "its operation is unknown";
  }
  if (row->parent_ts.type != KV_NULL && row->parent_ts.type != KV_INTEGER) {
    return "its parent's time is not an integer";
  }
  if (row->bucket.type != KV_TEXT) return "its bucket is not text";
  if (row->key.type == KV_NULL) return "its key is NULL";
  return NULL;
}

/* In a row of op 2 or 3 parent_ts is a checksum: any integer. */
static const char *row_check_seen(const kv_row *row) {
  if (row->key.type != KV_BLOB || row->key.n != KV_ID_SIZE) {
    return "the log id that it acknowledges is not a blob of 16 bytes";
  }
  if (row->value.type != KV_INTEGER) {
    return "the sequence number that it acknowledges is not an integer";
  }
  if (row->parent_ts.type != KV_INTEGER) {
    return "the checksum that it acknowledges is not an integer";
  }
  return NULL;
}

static const char *row_check_change(const kv_row *row) {
  if (row->parent_ts.type == KV_INTEGER && !row_is_ts(row->parent_ts.i)) {
    return "its parent's time is out of range";
  }
  if (row->op == KV_OP_DELETE && row->value.type != KV_NULL) {
    return "it deletes its key and has a value";
  }
  return NULL;
}

/* The cheapest and simplest checks come first, for the clearest reason. */
const char *kv_row_check_form(const kv_row *previous, const kv_row *row,
                              int64_t holes) {
  const char *reason = row_check_place(previous, row, holes);

  if (!reason) reason = row_check_types(row);
  if (!reason && row->op >= KV_OP_SEEN) reason = row_check_seen(row);
  if (!reason && row->op < KV_OP_SEEN) reason = row_check_change(row);
  return reason;
}

const char *kv_row_check(const kv_row *previous, const kv_row *row,
                         int64_t holes) {
  const char *reason = kv_row_check_form(previous, row, holes);

  if (!reason && row->sum != kv_row_sum(previous->sum, row)) {
    reason = "its checksum does not match";
  }
  return reason;
}
