/*
** A slice of a log. See slice.h.
**
** Rows are copied into chunks, as compactly as possible, and one entry for each
** is sorted. An entry has the first bytes of the key that its row is sorted by,
** so most comparisons need not read the row:
**
**     bucket '', a number as key   01, the number's upper 56 bits
**     bucket '', text              02, 7 bytes after the prefix that all share
**     bucket '', a blob            03, the same
**     another bucket               ff, its first 7 bytes
**     a seen row                   ff ff ff ff ff ff ff ff
*/
#include "slice.h"

#include <assert.h>
#include <string.h>

#include "core/order.h"
#include "db/error.h"

#define SLICE_CHUNK 65536
#define SLICE_CHUNKS (KV_SLICE_SIZE / SLICE_CHUNK)

/* A row in a chunk; the bytes of bucket, key, value and device follow it. */
typedef struct slice_record {
  int64_t seq;
  int64_t txn;
  int64_t ts;
  int64_t parent_ts;
  int64_t large; /* the number of its large value, or 0 */
  int64_t arrived;
  uint32_t n_bucket; /* bytes; a number takes eight */
  uint32_t n_key;
  uint32_t n_value;
  uint32_t n_device;
  unsigned char op;
  unsigned char parent_type;
  unsigned char key_type;
  unsigned char value_type;
} slice_record;

typedef struct slice_entry {
  uint64_t prefix;
  const slice_record *record;
} slice_entry;

struct kv_slice {
  kv_rows base; /* base class: must be first */
  unsigned char *chunks[SLICE_CHUNKS];
  int n_chunks;       /* allocated */
  int chunk;          /* the one that is being filled */
  size_t used;        /* bytes of it */
  unsigned char *own; /* the last row, if it is larger than a chunk, or NULL */
  slice_entry *entries; /* twice as many as fit, for sorting */
  int n_room;
  int n;
  int n_keys; /* the rest are seen rows, which come after them */
  int n_old;
  const unsigned char *common; /* what the text keys begin with */
  size_t n_common;
  int next; /* the row to be read next */
  int end;
  kv_rows_row out;
};

static const kv_rows_row *slice_next(kv_rows *rows) {
  return kv_slice_next((kv_slice *)rows);
}

kv_slice *kv_slice_new(void) {
  kv_slice *slice = kv_zalloc(sizeof(*slice));

  if (slice) slice->base.next = slice_next;
  return slice;
}

void kv_slice_free(kv_slice *slice) {
  int i;

  if (!slice) return;
  for (i = 0; i < slice->n_chunks; i++)
    sqlite3_free(slice->chunks[i]);
  sqlite3_free(slice->own);
  sqlite3_free(slice->entries);
  sqlite3_free(slice);
}

/* Rows in and out of chunks */

static uint32_t slice_size_of(const kv_value *value) {
  switch (value->type) {
    case KV_NULL: return 0;
    case KV_INTEGER:
    case KV_REAL: return 8;
    default: return (uint32_t)value->n;
  }
}

static unsigned char *slice_pack(unsigned char *to, const kv_value *value) {
  uint32_t n = slice_size_of(value);

  if (value->type == KV_INTEGER) {
    memcpy(to, &value->i, 8);
  } else if (value->type == KV_REAL) {
    memcpy(to, &value->r, 8);
  } else if (n > 0) {
    memcpy(to, value->z, n);
  }
  return to + n;
}

static const unsigned char *slice_unpack(const unsigned char *from, int type,
                                         uint32_t n, kv_value *out) {
  out->type = type;
  if (type == KV_INTEGER) {
    memcpy(&out->i, from, 8);
  } else if (type == KV_REAL) {
    memcpy(&out->r, from, 8);
  } else {
    out->z = from;
    out->n = n;
  }
  return from + n;
}

static const unsigned char *slice_bytes(const slice_record *record) {
  return (const unsigned char *)(record + 1);
}

/* Bucket and key of a row. */
static void slice_key(const slice_record *record, kv_value *bucket,
                      kv_value *key) {
  const unsigned char *z = slice_bytes(record);

  z = slice_unpack(z, KV_TEXT, record->n_bucket, bucket);
  slice_unpack(z, record->key_type, record->n_key, key);
}

static void slice_row(const slice_record *record, kv_rows_row *to) {
  const unsigned char *z = slice_bytes(record);
  kv_row *out = &to->row;

  out->seq = record->seq;
  out->txn = record->txn;
  out->ts = record->ts;
  out->op = record->op;
  out->parent_ts.type = record->parent_type;
  out->parent_ts.i = record->parent_ts;
  z = slice_unpack(z, KV_TEXT, record->n_bucket, &out->bucket);
  z = slice_unpack(z, record->key_type, record->n_key, &out->key);
  z = slice_unpack(z, record->value_type, record->n_value, &out->value);
  slice_unpack(z, KV_TEXT, record->n_device, &to->device);
  to->large = record->large;
  to->arrived = record->arrived;
}

/* Filling */

static void slice_clear(kv_slice *slice) {
  slice->chunk = 0;
  slice->used = 0;
  slice->n = slice->n_keys = slice->n_old = 0;
  slice->common = NULL;
  sqlite3_free(slice->own);
  slice->own = NULL;
}

/* n bytes; NULL: no memory. */
static void *slice_alloc(kv_slice *slice, size_t n) {
  unsigned char *out;

  n = (n + 7) & ~(size_t)7;
  if (n > SLICE_CHUNK) return slice->own = sqlite3_malloc64(n);
  if (slice->used + n > SLICE_CHUNK) {
    slice->chunk++;
    slice->used = 0;
  }
  assert(slice->chunk < SLICE_CHUNKS);
  if (slice->chunk == slice->n_chunks) {
    out = sqlite3_malloc64(SLICE_CHUNK);
    if (!out) return NULL;
    slice->chunks[slice->n_chunks++] = out;
  }
  out = slice->chunks[slice->chunk] + slice->used;
  slice->used += n;
  return out;
}

/* The number of entries to allocate when one more is needed. */
static int slice_room(const kv_slice *slice) {
  if (slice->n < slice->n_room) return slice->n_room;
  return slice->n_room ? 2 * slice->n_room : 64;
}

/* True if another row and its entry may not fit. */
static int slice_is_full(const kv_slice *slice) {
  size_t entries = 2 * sizeof(slice_entry) * (size_t)slice_room(slice);

  return slice->own ||
         (size_t)(slice->chunk + 2) * SLICE_CHUNK + entries > KV_SLICE_SIZE;
}

/* One more entry; NULL: no memory. */
static slice_entry *slice_add_entry(kv_slice *slice) {
  int n_room = slice_room(slice);

  if (n_room > slice->n_room) {
    slice_entry *entries =
      sqlite3_realloc64(slice->entries, 2 * sizeof(*entries) * (size_t)n_room);

    if (!entries) return NULL;
    slice->entries = entries;
    slice->n_room = n_room;
  }
  return &slice->entries[slice->n++];
}

/* Copy a row into a chunk; NULL: no memory. */
static const slice_record *slice_copy(kv_slice *slice,
                                      const kv_rows_row *from) {
  static const kv_value none = {KV_NULL, 0, 0, NULL, 0};
  const kv_row *row = &from->row;
  const kv_value *value = from->large ? &none : &row->value;
  slice_record *record = slice_alloc(
    slice, sizeof(*record) + row->bucket.n + slice_size_of(&row->key) +
             slice_size_of(value) + from->device.n);
  unsigned char *z;

  if (!record) return NULL;
  record->seq = row->seq;
  record->txn = row->txn;
  record->ts = row->ts;
  record->parent_ts = row->parent_ts.i;
  record->large = from->large;
  record->arrived = from->arrived;
  record->parent_type = (unsigned char)row->parent_ts.type;
  record->op = (unsigned char)row->op;
  record->key_type = (unsigned char)row->key.type;
  record->value_type = (unsigned char)value->type;
  record->n_bucket = (uint32_t)row->bucket.n;
  record->n_key = slice_size_of(&row->key);
  record->n_value = slice_size_of(value);
  record->n_device = (uint32_t)from->device.n;
  z = slice_pack((unsigned char *)(record + 1), &row->bucket);
  z = slice_pack(z, &row->key);
  z = slice_pack(z, value);
  slice_pack(z, &from->device);
  return record;
}

/* Shorten the common prefix of the text keys to what this key shares. */
static void slice_note_key(kv_slice *slice, const kv_value *key) {
  const unsigned char *z = key->z;
  size_t n = 0;

  if (!slice->common) {
    slice->common = z;
    slice->n_common = key->n;
    return;
  }
  while (n < slice->n_common && n < key->n && z[n] == slice->common[n])
    n++;
  slice->n_common = n;
}

/* Take a row. */
static int slice_add(kv_slice *slice, const kv_rows_row *from) {
  const kv_row *row = &from->row;
  slice_entry *entry = slice_add_entry(slice);
  kv_value bucket;
  kv_value key = {0};

  if (!entry) return SQLITE_NOMEM;
  entry->record = slice_copy(slice, from);
  if (!entry->record) return SQLITE_NOMEM;
  if (row->op >= KV_OP_SEEN) return SQLITE_OK;
  slice->n_keys++;
  slice_key(entry->record, &bucket, &key);
  if (bucket.n == 0 && key.type == KV_TEXT) slice_note_key(slice, &key);
  return SQLITE_OK;
}

/* Sorting */

/* Seven bytes after a tag, in the order of comparison. */
static uint64_t slice_prefix_bytes(int tag, const kv_value *value,
                                   size_t skip) {
  const unsigned char *z = value->z;
  uint64_t prefix = (uint64_t)tag;
  size_t i;

  for (i = skip; i < skip + 7; i++)
    prefix = prefix << 8 | (i < value->n ? z[i] : 0);
  return prefix;
}

/*
** The bits of a number as a double, changed so that unsigned comparison orders
** them. Rounding keeps the order, and equal numbers stay equal.
*/
static uint64_t slice_prefix_number(const kv_value *value) {
  double r = value->type == KV_INTEGER ? (double)value->i : value->r;
  uint64_t bits;

  r += 0.0; /* -0.0 is 0.0 */
  memcpy(&bits, &r, sizeof(bits));
  bits = bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
  return (uint64_t)1 << 56 | bits >> 8;
}

static int slice_is_seen(const slice_entry *entry) {
  return entry->record->op >= KV_OP_SEEN;
}

static uint64_t slice_prefix(const kv_slice *slice, const slice_entry *entry) {
  kv_value bucket;
  kv_value key = {0};

  if (slice_is_seen(entry)) return UINT64_MAX;
  slice_key(entry->record, &bucket, &key);
  if (bucket.n > 0) return slice_prefix_bytes(0xff, &bucket, 0);
  switch (key.type) {
    case KV_TEXT: return slice_prefix_bytes(2, &key, slice->n_common);
    case KV_BLOB: return slice_prefix_bytes(3, &key, 0);
    default: return slice_prefix_number(&key);
  }
}

/* Compare two rows by bucket and key. */
static int slice_order_keys(const slice_entry *a, const slice_entry *b) {
  kv_value buckets[2];
  kv_value keys[2] = {{0}}; /* compilers see that it is set */
  int c;

  if (a->prefix != b->prefix) return a->prefix < b->prefix ? -1 : 1;
  slice_key(a->record, &buckets[0], &keys[0]);
  slice_key(b->record, &buckets[1], &keys[1]);
  c = kv_order_keys(&buckets[0], &buckets[1]);
  return c ? c : kv_order_keys(&keys[0], &keys[1]);
}

/* The order of the cache; seen rows come after all others. */
static int slice_order(const slice_entry *a, const slice_entry *b) {
  int64_t x = a->record->ts;
  int64_t y = b->record->ts;
  int c = 0;

  if (a->prefix != b->prefix) return a->prefix < b->prefix ? -1 : 1;
  if (a->prefix == UINT64_MAX) {
    c = slice_is_seen(a) - slice_is_seen(b);
  }
  if (c == 0) c = slice_order_keys(a, b);
  if (c) return c;
  if (x == y) {
    x = a->record->seq;
    y = b->record->seq;
  }
  return (x < y) - (x > y);
}

/* Merge two sorted runs, from[0..m) and from[m..n), into `to`. */
static void slice_merge_runs(const slice_entry *from, int m, int n,
                             slice_entry *to) {
  int i = 0;
  int j = m;
  int k;

  if (m >= n || slice_order(&from[m - 1], &from[m]) <= 0) {
    memcpy(to, from, (size_t)n * sizeof(*to));
    return;
  }
  for (k = 0; k < n; k++) {
    int is_left = j == n || (i < m && slice_order(&from[i], &from[j]) <= 0);
    to[k] = from[is_left ? i++ : j++];
  }
}

/*
** Bottom-up merge sort, with the second half of the entries as scratch space.
** Rows that are already in order cost one comparison each.
*/
static void slice_sort(kv_slice *slice) {
  int n = slice->n;
  slice_entry *from = slice->entries;
  slice_entry *to = n ? slice->entries + n : NULL;
  int width;
  int i;

  for (i = 0; i < n; i++)
    from[i].prefix = slice_prefix(slice, &from[i]);
  for (width = 1; width < n; width *= 2) {
    slice_entry *merged = to;

    for (i = 0; i < n; i += 2 * width) {
      int left = width < n - i ? width : n - i;
      int both = 2 * width < n - i ? 2 * width : n - i;

      slice_merge_runs(from + i, left, both, to + i);
    }
    to = from;
    from = merged;
  }
  if (from != slice->entries) {
    memcpy(slice->entries, from, (size_t)n * sizeof(*from));
  }
}

int kv_slice_fill(kv_slice *slice, kv_slice_source *source, void *from) {
  kv_rows_row row;
  int rc = SQLITE_ROW;

  memset(&row, 0, sizeof(row));
  slice_clear(slice);
  while (rc == SQLITE_ROW && !slice_is_full(slice)) {
    rc = source(from, &row);
    if (rc == SQLITE_ROW && slice_add(slice, &row) != SQLITE_OK) {
      rc = SQLITE_NOMEM;
    }
  }
  if (rc == SQLITE_ROW || rc == SQLITE_DONE) slice_sort(slice);
  return rc;
}

/* Reading */

int kv_slice_cut(kv_slice *slice, int64_t last) {
  int has_large = 0;
  int n = 0;
  int n_keys = 0;
  int i;

  for (i = 0; i < slice->n; i++) {
    const slice_record *record = slice->entries[i].record;

    if (record->seq > last) {
      if (record->large) has_large = 1;
      continue;
    }
    if (i < slice->n_keys) n_keys++;
    slice->entries[n++] = slice->entries[i];
  }
  slice->n = n;
  slice->n_keys = n_keys;
  return has_large;
}

void kv_slice_key(const kv_slice *slice, int is_last, kv_value *out) {
  kv_value bucket;

  assert(slice->n_keys > 0);
  memset(out, 0, sizeof(*out));
  slice_key(slice->entries[is_last ? slice->n_keys - 1 : 0].record, &bucket,
            out);
}

/* Compare an entry with a row; what is equal may be of two devices. */
static int slice_order_row(const slice_entry *entry, const kv_row *row) {
  const slice_record *record = entry->record;
  kv_value bucket;
  kv_value key = {0};
  int c;

  slice_key(record, &bucket, &key);
  c = kv_order_keys(&key, &row->key);
  if (c) return c;
  if (record->ts != row->ts) return record->ts < row->ts ? 1 : -1;
  return (record->seq < row->seq) - (record->seq > row->seq);
}

/* The first entry that does not come before a row. */
static int slice_search(const kv_slice *slice, const kv_row *row) {
  int low = 0;
  int high = slice->n_keys;
  int next = slice->next;

  if (next < high && slice_order_row(&slice->entries[next], row) >= 0) {
    high = next;
    if (next == 0 || slice_order_row(&slice->entries[next - 1], row) < 0) {
      return next;
    }
  }
  while (low < high) {
    int i = low + (high - low) / 2;

    if (slice_order_row(&slice->entries[i], row) < 0)
      low = i + 1;
    else
      high = i;
  }
  return low;
}

int kv_slice_has(kv_slice *slice, const kv_rows_row *row) {
  kv_rows_row entry;
  int i = slice_search(slice, &row->row);

  for (; i < slice->n_keys; i++) {
    if (slice_order_row(&slice->entries[i], &row->row) != 0) break;
    slice_row(slice->entries[i].record, &entry);
    if (entry.device.n == row->device.n &&
        memcmp(entry.device.z, row->device.z, row->device.n) == 0) {
      slice->next = i + 1;
      return 1;
    }
  }
  return 0;
}

int kv_slice_count(const kv_slice *slice, kv_slice_part part) {
  return part == KV_SLICE_KEYS ? slice->n_keys : slice->n - slice->n_keys;
}

int kv_slice_count_old(const kv_slice *slice) {
  return slice->n_old;
}

kv_rows *kv_slice_start(kv_slice *slice, kv_slice_part part) {
  int is_seen = part == KV_SLICE_SEEN;

  slice->next = is_seen ? slice->n_keys : 0;
  slice->end = is_seen ? slice->n : slice->n_keys;
  slice->n_old = 0;
  return &slice->base;
}

/* Sorted rows are scattered in memory, so prefetch the next ones. */
#define SLICE_AHEAD 8

static void slice_prefetch(const slice_record *record) {
#ifdef __GNUC__
  __builtin_prefetch(record);
  __builtin_prefetch((const char *)record + 64);
#else
  (void)record;
#endif
}

const kv_rows_row *kv_slice_next(kv_slice *slice) {
  kv_rows_row *out = &slice->out;
  const slice_entry *entry;

  if (slice->next == slice->end) return NULL;
  entry = &slice->entries[slice->next];
  if (slice->next + SLICE_AHEAD < slice->end) {
    slice_prefetch(entry[SLICE_AHEAD].record);
  }
  slice_row(entry->record, out);
  out->is_old = slice->next < slice->n_keys &&
                (out->row.bucket.n > 0 ||
                 (slice->next > 0 && slice_order_keys(entry - 1, entry) == 0));
  slice->n_old += out->is_old;
  slice->next++;
  return out;
}
