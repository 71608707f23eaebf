/*
** The function kv_hash(): 128 bits of any values.
**
**     kv_hash(value, ...)
**
** It uses no store and no file, so indexes, generated columns and views can
** call it. Users store its results, so they must never change.
*/
#include "db/error.h"
#include "db/value.h"
#include "surface.h"

/* Most calls hash a few values; these need no memory. */
#define HASH_VALUES 8

static void hash_values(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  static const char digits[] = "0123456789abcdef";
  kv_value few[HASH_VALUES];
  kv_value *values = few;
  unsigned char hash[KV_ROW_HASH_SIZE];
  char text[2 * KV_ROW_HASH_SIZE];
  char *err = NULL;
  int rc = SQLITE_OK;
  int i;

  if (argc == 0) {
    rc = kv_error(&err, SQLITE_ERROR, "name what to hash: kv_hash(x, y)");
  } else if (argc > HASH_VALUES) {
    values = sqlite3_malloc64((sqlite3_uint64)argc * sizeof(values[0]));
    if (!values) rc = SQLITE_NOMEM;
  }
  for (i = 0; i < argc && rc == SQLITE_OK; i++) {
    rc = kv_value_of(argv[i], &values[i]);
  }
  if (rc == SQLITE_OK) {
    kv_row_hash_values(values, (size_t)argc, hash);
    for (i = 0; i < KV_ROW_HASH_SIZE; i++) {
      text[2 * i] = digits[hash[i] >> 4];
      text[2 * i + 1] = digits[hash[i] & 15];
    }
    sqlite3_result_text(ctx, text, (int)sizeof(text), SQLITE_TRANSIENT);
  }
  if (values != few) sqlite3_free(values);
  if (rc == SQLITE_NOMEM) {
    sqlite3_result_error_nomem(ctx);
  } else if (err) {
    sqlite3_result_error(ctx, err, -1);
  }
  sqlite3_free(err);
}

int kv_hash_register(sqlite3 *db, kv_registry *registry) {
  return sqlite3_create_function_v2(
    db, "kv_hash", -1, SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC,
    NULL, registry ? hash_values : NULL, NULL, NULL, NULL);
}
