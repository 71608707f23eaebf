/*
** One row of the transaction. See remembered.h.
*/
#include "remembered.h"

#include <string.h>

size_t kv_remembered_size(const kv_value *value) {
  return value->type == KV_INTEGER || value->type == KV_REAL ? 8 : value->n;
}

static char *remembered_pack(char *to, const kv_value *value, size_t n) {
  const void *from = value->z;

  if (value->type == KV_INTEGER) from = &value->i;
  if (value->type == KV_REAL) from = &value->r;
  if (n > 0) memcpy(to, from, n);
  return to + n;
}

static const char *remembered_unpack(const char *from, int type, uint32_t n,
                                     kv_value *out) {
  kv_value value = {type, 0, 0, from, n};

  if (type == KV_INTEGER) memcpy(&value.i, from, 8);
  if (type == KV_REAL) memcpy(&value.r, from, 8);
  *out = value;
  return from + n;
}

void kv_remembered_write(kv_pending_row *row, const kv_row *from,
                         int is_reference) {
  char *to = (char *)(row + 1);

  row->ts = from->ts;
  row->parent_ts = from->parent_ts.i;
  row->n_bucket = (uint32_t)from->bucket.n;
  row->n_key = (uint32_t)kv_remembered_size(&from->key);
  row->parent_type = (unsigned char)from->parent_ts.type;
  row->key_type = (unsigned char)from->key.type;
  row->value_type = is_reference ? KV_NULL : (unsigned char)from->value.type;
  row->n_value = is_reference ? 0 : (uint32_t)kv_remembered_size(&from->value);
  row->op = (unsigned char)from->op;
  row->is_reference = is_reference != 0;
  row->is_again = 0;
  to = remembered_pack(to, &from->bucket, row->n_bucket);
  to = remembered_pack(to, &from->key, row->n_key);
  remembered_pack(to, &from->value, row->n_value);
}

void kv_remembered_key(const kv_pending_row *row, kv_value *out) {
  remembered_unpack((const char *)(row + 1) + row->n_bucket, row->key_type,
                    row->n_key, out);
}

void kv_remembered_read(const kv_pending_row *row, kv_row *out) {
  const char *from = (const char *)(row + 1);

  out->ts = row->ts;
  out->parent_ts.type = row->parent_type;
  out->parent_ts.i = row->parent_ts;
  out->op = row->op;
  from = remembered_unpack(from, KV_TEXT, row->n_bucket, &out->bucket);
  from = remembered_unpack(from, row->key_type, row->n_key, &out->key);
  remembered_unpack(from, row->value_type, row->n_value, &out->value);
}
