/*
** Values between SQLite and core/. See value.h.
*/
#include "value.h"

#include <string.h>

int kv_value_of(sqlite3_value *value, kv_value *out) {
  out->type = KV_NULL;
  out->z = NULL;
  out->n = 0;
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      out->type = KV_INTEGER;
      out->i = sqlite3_value_int64(value);
      break;
    case SQLITE_FLOAT:
      out->type = KV_REAL;
      out->r = sqlite3_value_double(value);
      break;
    case SQLITE_TEXT:
      out->type = KV_TEXT;
      out->z = sqlite3_value_text(value);
      out->n = (size_t)sqlite3_value_bytes(value);
      if (!out->z) return SQLITE_NOMEM;
      break;
    case SQLITE_BLOB:
      out->type = KV_BLOB;
      out->z = sqlite3_value_blob(value);
      out->n = (size_t)sqlite3_value_bytes(value);
      if (!out->z && out->n) return SQLITE_NOMEM;
      break;
    default: break;
  }
  return SQLITE_OK;
}

/* True if these bytes of text are UTF-8. SQLite 3.40 and newer say so. */
static int value_is_utf8(sqlite3_value *value) {
#if SQLITE_VERSION_NUMBER >= 3040000
  return sqlite3_libversion_number() >= 3040000 &&
         sqlite3_value_encoding(value) == SQLITE_UTF8;
#else
  (void)value;
  return 0;
#endif
}

int kv_value_peek(sqlite3_value *value, kv_value *out) {
  if (sqlite3_value_type(value) != SQLITE_TEXT || !value_is_utf8(value)) {
    return kv_value_of(value, out);
  }
  out->type = KV_TEXT;
  out->z = sqlite3_value_blob(value);
  out->n = (size_t)sqlite3_value_bytes(value);
  return out->n == 0 ? kv_value_of(value, out) : SQLITE_OK;
}

int kv_value_of_column(sqlite3_stmt *stmt, int column, kv_value *out) {
  /* The value is only protected by the connection's mutex; the statements
  ** of this extension run under it, or on handles of one thread. */
  return kv_value_of(sqlite3_column_value(stmt, column), out);
}

static int value_bind(sqlite3_stmt *stmt, int parameter, const kv_value *value,
                      sqlite3_destructor_type lifetime) {
  switch (value->type) {
    case KV_INTEGER: return sqlite3_bind_int64(stmt, parameter, value->i);
    case KV_REAL: return sqlite3_bind_double(stmt, parameter, value->r);
    case KV_TEXT:
      return sqlite3_bind_text64(stmt, parameter, value->n ? value->z : "",
                                 value->n, lifetime, SQLITE_UTF8);
    case KV_BLOB:
      return sqlite3_bind_blob64(stmt, parameter, value->n ? value->z : "",
                                 value->n, lifetime);
    default: return sqlite3_bind_null(stmt, parameter);
  }
}

int kv_value_bind(sqlite3_stmt *stmt, int parameter, const kv_value *value) {
  return value_bind(stmt, parameter, value, SQLITE_STATIC);
}

int kv_value_bind_copy(sqlite3_stmt *stmt, int parameter,
                       const kv_value *value) {
  return value_bind(stmt, parameter, value, SQLITE_TRANSIENT);
}

static void value_result(sqlite3_context *ctx, const kv_value *value,
                         sqlite3_destructor_type lifetime) {
  switch (value->type) {
    case KV_INTEGER: sqlite3_result_int64(ctx, value->i); break;
    case KV_REAL: sqlite3_result_double(ctx, value->r); break;
    case KV_TEXT:
      sqlite3_result_text64(ctx, value->n ? value->z : "", value->n, lifetime,
                            SQLITE_UTF8);
      break;
    case KV_BLOB:
      sqlite3_result_blob64(ctx, value->n ? value->z : "", value->n, lifetime);
      break;
    default: sqlite3_result_null(ctx); break;
  }
}

void kv_value_result(sqlite3_context *ctx, const kv_value *value) {
  value_result(ctx, value, SQLITE_TRANSIENT);
}

void kv_value_result_terminated(sqlite3_context *ctx, const kv_value *value) {
  if (value->type == KV_TEXT && value->n > 0 && strlen(value->z) == value->n) {
    sqlite3_result_text(ctx, value->z, -1, SQLITE_TRANSIENT);
  } else {
    kv_value_result(ctx, value);
  }
}

int kv_value_copy(const kv_value *from, kv_value *out) {
  *out = *from;
  out->z = NULL; /* empty text has a pointer of its owner, too */
  if (from->n == 0) return SQLITE_OK;
  out->z = sqlite3_malloc64(from->n);
  if (!out->z) memset(out, 0, sizeof(*out));
  if (!out->z) return SQLITE_NOMEM;
  memcpy((void *)out->z, from->z, from->n);
  return SQLITE_OK;
}

void kv_value_give(sqlite3_context *ctx, kv_value *value) {
  value_result(ctx, value, value->n ? sqlite3_free : SQLITE_STATIC);
  value->z = NULL;
}

void kv_value_free(kv_value *value) {
  sqlite3_free((void *)value->z);
  memset(value, 0, sizeof(*value));
}

void kv_value_lend(sqlite3_context *ctx, const kv_value *value) {
  value_result(ctx, value, SQLITE_STATIC);
}

int kv_value_result_value(sqlite3_context *ctx, sqlite3_value *from) {
  kv_value value;
  int rc = kv_value_of(from, &value);

  if (rc == SQLITE_OK) kv_value_result_terminated(ctx, &value);
  return rc;
}

int kv_value_result_column(sqlite3_context *ctx, sqlite3_stmt *stmt,
                           int column) {
  return kv_value_result_value(ctx, sqlite3_column_value(stmt, column));
}
