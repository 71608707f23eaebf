/*
** Values as a column takes them. See convert.h.
*/
#include "convert.h"

#include "db/value.h"

const char *kv_convert_type_name(kv_type type) {
  static const char *const names[] = {"ANY", "INTEGER", "REAL", "TEXT", "BLOB"};
  return names[type];
}

const char *kv_convert_value_name(const kv_value *value) {
  static const char *const names[] = {"NULL", "INTEGER", "REAL", "TEXT",
                                      "BLOB"};
  return names[value->type];
}

/* The integer that a real is; 0 if it is none. */
static int convert_integral(double r, int64_t *out) {
  if (!(r >= -9223372036854775808.0 && r < 9223372036854775808.0)) return 0;
  *out = (int64_t)r;
  return (double)*out == r;
}

int kv_convert_merged(const kv_column *column, const kv_value *value,
                      kv_value *out) {
  *out = *value;
  if (value->type == KV_NULL) return 1;
  switch (column->type) {
    case KV_TYPE_INTEGER:
      if (value->type != KV_REAL) return value->type == KV_INTEGER;
      if (!convert_integral(value->r, &out->i)) return 0;
      out->type = KV_INTEGER;
      return 1;
    case KV_TYPE_REAL:
      if (value->type != KV_INTEGER) return value->type == KV_REAL;
      out->type = KV_REAL;
      out->r = (double)value->i;
      return 1;
    case KV_TYPE_TEXT: return value->type == KV_TEXT;
    case KV_TYPE_BLOB: return value->type == KV_BLOB;
    default:
      if (column->key && value->type == KV_REAL &&
          convert_integral(value->r, &out->i)) {
        out->type = KV_INTEGER;
      }
      return 1;
  }
}

int kv_convert_given(const kv_column *column, sqlite3_value *value,
                     kv_value *out, int *fits) {
  int type = sqlite3_value_type(value);
  int rc;

  if (column->type == KV_TYPE_TEXT &&
      (type == SQLITE_INTEGER || type == SQLITE_FLOAT)) {
    *fits = 1;
    out->type = KV_TEXT;
    out->z = sqlite3_value_text(value);
    out->n = (size_t)sqlite3_value_bytes(value);
    return out->z ? SQLITE_OK : SQLITE_NOMEM;
  }
  if (type == SQLITE_TEXT &&
      (column->type == KV_TYPE_INTEGER || column->type == KV_TYPE_REAL)) {
    sqlite3_value_numeric_type(value); /* '5' becomes 5 */
  }
  rc = kv_value_of(value, out);
  if (rc == SQLITE_OK) {
    kv_value given = *out;
    *fits = kv_convert_merged(column, &given, out);
  }
  return rc;
}
