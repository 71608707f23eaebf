/*
** The key of a row, as the log has it. See keys.h.
*/
#include "keys.h"

#include "convert.h"
#include "core/order.h"
#include "db/error.h"
#include "record/record.h"

int kv_keys_write(const kv_declaration *declared, const kv_value *values,
                  kv_arena *arena, kv_value *out, int *is_valid) {
  kv_bytes bytes;
  char *copy = NULL;
  int has_nul;
  int i;

  *is_valid = 1;
  *out = values[declared->key[0]];
  if (declared->n_key == 1) return KV_OK;
  kv_bytes_init(&bytes, kv_realloc, KV_RECORD_MAX);
  for (i = 0; i < declared->n_key; i++) {
    kv_value value = values[declared->key[i]];

    if (value.type == KV_TEXT &&
        (!kv_json_is_utf8(value.z, value.n, &has_nul) || has_nul)) {
      *is_valid = 0;
      break;
    }
    if (value.type == KV_REAL && value.r == 0) value.r = 0; /* not -0.0 */
    kv_bytes_add(&bytes, i > 0 ? "," : "[", 1);
    kv_json_add(&bytes, &value);
  }
  kv_bytes_add(&bytes, "]", 1);
  if (bytes.rc == KV_OK) {
    copy = kv_arena_copy(arena, bytes.z, bytes.n);
    if (!copy) bytes.rc = KV_NOMEM;
  }
  out->type = KV_TEXT;
  out->z = copy;
  out->n = copy ? bytes.n : 0;
  kv_bytes_free(&bytes);
  return bytes.rc;
}

/* The next element of an array that may be any bytes; NULL: there is none. */
static const char *keys_next(const char *z, const char *end, int is_last,
                             kv_scalar *out) {
  z = kv_json_scalar(z, end, out);
  if (!z || z >= end || *z != (is_last ? ']' : ',')) return NULL;
  return out->value.type == KV_NULL ? NULL : z + 1;
}

/* The values that a key has, whatever it looks like. */
static int keys_decode(const kv_declaration *declared, const kv_value *key,
                       kv_arena *arena, kv_value *values, int *is_valid) {
  const char *z = key->z;
  const char *end = z;
  int i;

  if (declared->n_key == 1) {
    int column = declared->key[0];

    *is_valid =
      kv_convert_merged(&declared->columns[column], key, &values[column]);
    return KV_OK;
  }
  *is_valid = 0;
  if (key->type != KV_TEXT || key->n == 0 || *z != '[') return KV_OK;
  end = z + key->n;
  z++;
  for (i = 0; i < declared->n_key && z; i++) {
    int column = declared->key[i];
    kv_scalar scalar;
    kv_value value;
    int rc;

    z = keys_next(z, end, i + 1 == declared->n_key, &scalar);
    if (!z) return KV_OK;
    rc = kv_json_decode(&scalar.value, scalar.form, arena, &value);
    if (rc != KV_OK) return rc;
    if (!kv_convert_merged(&declared->columns[column], &value,
                           &values[column])) {
      return KV_OK;
    }
  }
  *is_valid = z == end;
  return KV_OK;
}

int kv_keys_read(const kv_declaration *declared, const kv_value *key,
                 kv_arena *arena, kv_value *values, int *is_valid) {
  kv_value only;
  int rc = keys_decode(declared, key, arena, values, is_valid);

  if (rc != KV_OK || !*is_valid) return rc;
  rc = kv_keys_write(declared, values, arena, &only, is_valid);
  if (rc == KV_OK && *is_valid) *is_valid = kv_order_is_same(key, &only);
  return rc;
}
