/*
** A row that a running transaction remembers. pending.h owns it; late.h refers
** to it while the cache does not have it.
*/
#ifndef KV_PENDING_REMEMBERED_H
#define KV_PENDING_REMEMBERED_H

#include "core/row.h"

typedef struct kv_pending_row kv_pending_row;

/* One remembered row, as small as it can be: a load has many. The bytes of bucket,
** key and value follow it in memory. */
struct kv_pending_row {
  kv_pending_row *previous; /* the one remembered before */
  int64_t index;            /* its number in the transaction, from 0 */
  int64_t ts;
  int64_t parent_ts;
  uint64_t hash;     /* of the key, if it is late */
  uint32_t n_bucket; /* bytes; a number takes eight */
  uint32_t n_key;
  uint32_t n_value;
  unsigned char parent_type;
  unsigned char key_type;
  unsigned char value_type;
  unsigned char op;
  unsigned char is_reference; /* the value is to be read from the cache */
  unsigned char is_again;     /* the cache has an earlier row of this number */
  unsigned char is_late;      /* it was late when it was remembered */
};

/* How many bytes a bucket, a key or a value takes behind it. */
size_t kv_remembered_size(const kv_value *value);

/* Fill a row, whose memory has room for these bytes; without its value if that is
** a reference. */
void kv_remembered_write(kv_pending_row *row, const kv_row *from,
                         int is_reference);

/* Its key, and the row but for its numbers; borrowed. A reference is NULL. */
void kv_remembered_key(const kv_pending_row *row, kv_value *out);
void kv_remembered_read(const kv_pending_row *row, kv_row *out);

#endif
