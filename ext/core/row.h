/*
** A row of a log: its canonical encoding and its chained checksum.
**
** Pure: knows no SQLite, no file, no clock. A kv_row borrows the bytes
** that its values point to; nothing here allocates or keeps a pointer.
**
** INVARIANT: kv_row_sum() depends on the stored values alone, on every
** machine: byte order, word size and struct layout never reach the hash.
*/
#ifndef KV_CORE_ROW_H
#define KV_CORE_ROW_H

#include <stddef.h>
#include <stdint.h>

/* Version of the log file format that this code reads and writes. */
#define KV_FORMAT 2

/*
** Bytes of a log's id: its lineage, and its generation, a big-endian number. Of
** two logs of one lineage that of the greater generation is the newer one.
*/
#define KV_ID_SIZE 16
#define KV_LINEAGE_SIZE 8

/* The tag of a value in the canonical encoding. */
enum { KV_NULL = 0, KV_INTEGER = 1, KV_REAL = 2, KV_TEXT = 3, KV_BLOB = 4 };

/* Bytes of text and blobs that bucket, key and value of a row may have. */
#define KV_VALUE_MAX (64 * 1024 * 1024)

/* Those of bucket and key alone: a search reads each key that it passes. */
#define KV_KEY_MAX (64 * 1024)

/* What a row does to its key. */
enum {
  KV_OP_DELETE = 0, /* the key does not exist from here on */
  KV_OP_SET = 1,    /* the key has this value */
  KV_OP_SEEN = 2,   /* the writer had merged another log up to here, */
  KV_OP_RETIRE = 3  /* and says that its device will not come back */
};

typedef struct kv_value {
  int type;      /* KV_NULL .. KV_BLOB */
  int64_t i;     /* KV_INTEGER */
  double r;      /* KV_REAL */
  const void *z; /* KV_TEXT (UTF-8 bytes), KV_BLOB; NULL only if n is 0 */
  size_t n;      /* bytes at z */
} kv_value;

typedef struct kv_row {
  int64_t seq;
  int64_t txn;
  int64_t ts;         /* microseconds since 1970-01-01 00:00:00 UTC */
  kv_value parent_ts; /* KV_NULL or KV_INTEGER */
  int op;             /* KV_OP_* */
  kv_value bucket;
  kv_value key;
  kv_value value;
  int64_t sum;
} kv_row;

/* What a log took the place of, and what it gave up. */
typedef struct kv_origin {
  int has_former; /* there was a log before: */
  unsigned char former_id[KV_ID_SIZE];
  int64_t former_seq; /* where it ended; 0 if there was none */
  int64_t former_sum;
  int64_t horizon; /* a time: rows that were superseded then may be gone */
} kv_origin;

/* True if two logs are generations of one. */
int kv_row_same_lineage(const unsigned char *id, const unsigned char *other);

/* How many bytes of text and blobs it has. */
uint64_t kv_row_size(const kv_row *row);

/* Which limit a row is over. */
typedef enum kv_excess {
  KV_EXCESS_NONE,
  KV_EXCESS_KEY, /* KV_KEY_MAX */
  KV_EXCESS_ROW  /* KV_VALUE_MAX */
} kv_excess;

kv_excess kv_row_excess(const kv_row *row);

/*
** The sum that a chain starts from: XXH3_64 of "KVLG1", the length of the
** name as u32le, the device's name, the log's id (KV_ID_SIZE bytes).
*/
int64_t kv_row_base_sum(const char *name, size_t n_name, const void *id);

/* The same of a log with this origin, which it covers if there is one. */
int64_t kv_row_first_sum(const char *name, size_t n_name, const void *id,
                         const kv_origin *origin);

/*
** The sum of a row that follows a row with sum `previous` (or a base sum).
** Does not use row->sum. Cost: 10 to 50 ns for small values.
*/
int64_t kv_row_sum(int64_t previous, const kv_row *row);

/* Bytes of kv_row_hash_values(). */
#define KV_ROW_HASH_SIZE 16

/*
** A hash of values by type and content: no two lists of values have the same
** encoding, but -0.0 counts as 0.0. It is XXH3_128, most significant byte
** first. It tells values apart, but is not safe against somebody who looks for
** two that collide. It must never change: users store it.
*/
void kv_row_hash_values(const kv_value *values, size_t n, unsigned char *out);

/*
** The same check as kv_row_check() without the sum, for a row that is about to
** be written after *previous.
*/
const char *kv_row_check_form(const kv_row *previous, const kv_row *row,
                              int64_t holes);

/*
** Check that a row may follow the row with (seq, txn, sum) of *previous in
** a log: the next sequence number, the transaction's, values of the allowed
** types, a time in 0..KV_TS_MAX, and the chained sum. For the first row of
** a log, *previous is {seq: base_seq, txn: base_seq, sum: base_sum}. Up to
** number `holes` (its former_seq) rows may be missing, which the chain shows.
**
** Returns NULL if it may follow, else the reason as a static text without a
** full stop, e.g. "its checksum does not match".
*/
const char *kv_row_check(const kv_row *previous, const kv_row *row,
                         int64_t holes);

#endif
